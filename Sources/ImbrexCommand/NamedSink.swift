import Imbrex

/// A writer whose errors name its file.
final class NamedSink: RowSink {
  private let base: any RowSink
  private let path: String

  init(_ base: any RowSink, path: String) { (self.base, self.path) = (base, path) }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    try named(path) { try base.write(rows, stride: stride, count: count) }
  }

  var canTakeRows: Bool { base.canTakeRows }
  var hasWork: Bool { base.hasWork }

  func takeWork() -> (@Sendable () throws -> Void)? {
    guard let work = base.takeWork() else { return nil }
    return { [path] in try named(path, work) }
  }
}

/// Runs something that concerns an output; its errors name it.
func named<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
  do {
    return try body()
  } catch let error as ImbrexError where error.code == .output || error.code == .closedPipe {
    throw NamedError(file: FileJob.name(of: path), error: error)
  }
}
