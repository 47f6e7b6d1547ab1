import Imbrex

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// `--report`: a line on the run, and one on each file when it is done; all of them JSON objects.
///
/// It has its own name from the beginning, and each line is there, whole, with one write: however a run ends, what it did
/// can be read. So the lines are in the order in which files are done.
final class ReportFile: Sendable {
  private let path: String
  private let state: Locked<State>

  private struct State {
    let descriptor: Int32
    /// The first that went wrong; nothing is written after it.
    var failure: ImbrexError?
  }

  /// Replaces what is at the path.
  ///
  /// - Parameter heading: The first line.
  init(path: String, heading: JSONValue) throws {
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC
    let descriptor = path == "-" ? dup(1) : openFile(path, flags, 0o666)
    guard descriptor >= 0 else { throw ImbrexError(.output, refused: "\(path): cannot write") }
    self.path = path
    state = Locked(State(descriptor: descriptor))
    write(heading)
  }

  deinit { _ = state.withLock { close($0.descriptor) } }

  func add(_ result: FileResult, _ item: BatchPlan.Item, _ combination: Combination? = nil) {
    func text(_ value: String?) -> JSONValue { value.map(JSONValue.string) ?? .null }
    func number(_ value: Int?) -> JSONValue { value.map(JSONValue.integer) ?? .null }
    var members: [(String, JSONValue)] = [
      ("input", .string(item.input)), ("output", text(item.output)), ("status", .string(result.status.rawValue)),
      ("error", text(result.error)), ("code", text(result.code)),
      ("warnings", .array(result.warnings.map(JSONValue.string))),
      ("width", number(result.width)), ("height", number(result.height)),
      ("seconds", .number((result.seconds * 1e6).rounded() / 1e6)),
    ]
    if let combination { members.append(("values", combination.json)) }
    if let pages = result.pages { members.append(("pages", .array(pages.map(JSONValue.string)))) }
    write(.object(members))
  }

  private func write(_ line: JSONValue) {
    let bytes = PathText.bytes("\(line)\n")
    state.withLock { state in
      guard state.failure == nil else { return }
      let count = systemWrite(state.descriptor, bytes, bytes.count)
      guard count != bytes.count else { return }
      let reason = count < 0 ? errno : ENOSPC
      state.failure =
        reason == EPIPE
        ? ImbrexError(.closedPipe, "the report is not read any more")
        : ImbrexError(.output, refused: "\(FileJob.name(of: path)): cannot write", reason)
    }
  }

  /// - Throws: What went wrong with a line.
  func finish() throws {
    if let failure = state.withLock({ $0.failure }) { throw failure }
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: [UInt8], _ count: Int) -> Int {
  var result = -1
  repeat { result = write(descriptor, bytes, count) } while result < 0 && errno == EINTR
  return result
}
