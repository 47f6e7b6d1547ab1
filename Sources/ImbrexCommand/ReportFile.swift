import Imbrex

/// `--report`: one JSON object a file, whole when the run has ended.
final class ReportFile: Sendable {
  private let path: String
  private let file: OutputFile
  private let failure = Locked<ImbrexError?>(nil)

  init(path: String) throws {
    self.path = path
    do {
      file = try OutputFile(path: path)
    } catch let error as ImbrexError {
      throw ImbrexError(error.code, "\(path): \(error.message)")
    }
  }

  func add(_ result: FileResult, _ item: BatchPlan.Item) {
    let line = JSONValue.object([
      ("input", .string(item.input)), ("output", item.output.map(JSONValue.string) ?? .null),
      ("status", .string(result.status.rawValue)), ("error", result.error.map(JSONValue.string) ?? .null),
      ("width", result.width.map(JSONValue.integer) ?? .null),
      ("height", result.height.map(JSONValue.integer) ?? .null),
      ("seconds", .number((result.seconds * 1e6).rounded() / 1e6)),
    ])
    do {
      try file.write("\(line)\n")
    } catch let error as ImbrexError {
      failure.withLock { $0 = $0 ?? error }
    } catch {}
  }

  func finish() throws {
    do {
      if let failure = failure.withLock({ $0 }) { throw failure }
      try file.commit()
    } catch let error as ImbrexError {
      throw ImbrexError(error.code, "\(path): \(error.message)")
    }
  }
}
