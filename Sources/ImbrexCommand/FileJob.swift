import Imbrex

/// What became of one file.
struct FileResult: Sendable {
  enum Status: String, Sendable { case done, skipped, unchanged, failed }
  var status = Status.done
  var error: String?
  /// The error's word for programs.
  var code: String?
  /// The file that the error is about, if not the input.
  var errorFile: String?
  var exitStatus: Int32 = 0
  var isClosedPipe = false
  var width: Int?
  var height: Int?
  var seconds = 0.0
  /// Lines for standard error, in order.
  var messages: [String] = []
  /// For the report, also those that are not printed.
  var warnings: [String] = []
  /// Where each page is a file of its own: those that were written.
  var pages: [String]?
  /// Of those, how many were there and left alone.
  var pagesLeft = 0
  /// What goes into a table that all files share.
  var rows: [TableRows] = []
}

extension FileResult {
  /// Of a directory, or a file in one, that could not be looked into.
  init(unread error: ImbrexError) {
    status = .failed
    self.error = messageText(error)
    code = error.cause.rawValue
    exitStatus = error.status
  }
}

/// One file's work: where it comes from and goes to, and what it has to say.
final class FileJob {
  /// Of the batch.
  let index: Int
  /// Of the input's results.
  let branch: Int
  let input: String
  let output: String?
  let context: RunContext
  let backupSuffix: String?
  let progress: Progress?
  let counted = Locked(0.0)
  var result = FileResult()
  /// What the file's pages are, and those of them that are worked on, from 0; nil: all, or some in a row.
  var axes: StackAxes?
  var pages: [Int]?

  /// Once its output is there under its name.
  private(set) var hasEnded = false
  /// Writes down that it is done.
  var remember: () throws -> Void = {}

  init(
    _ index: Int, _ item: BatchPlan.Item, _ context: RunContext, backupSuffix: String?, progress: Progress?,
    branch: Int = 0
  ) {
    self.index = index
    self.branch = branch
    input = item.input
    output = item.output
    self.context = context
    self.backupSuffix = backupSuffix
    self.progress = progress
  }

  /// All that was to be made is there.
  func end() throws {
    guard !hasEnded else { return }
    hasEnded = true
    try remember()
  }

  var outputName: String { Self.name(of: output ?? "-") }

  static func name(of path: String) -> String { path == "-" ? "standard output" : path }

  func say(_ message: String, file: String? = nil) {
    result.messages.append(Messages.line(message, file: file ?? input))
  }

  /// - Parameter isPrinted: Whether it is for standard error too.
  func warn(_ message: String, file: String? = nil, isPrinted: Bool = true) {
    result.warnings.append(file.map { "\($0): \(message)" } ?? message)
    if isPrinted { say("warning: \(message)", file: file) }
  }

  /// The source, with its progress shown.
  func watched(_ source: any RowSource, shareOfFile: Double = 1) -> any RowSource {
    guard let progress else { return source }
    return ProgressSource(source, progress, shareOfFile: shareOfFile, counter: counted)
  }

  /// Runs something that concerns an output; its errors name it.
  func writing<Result>(to path: String, _ body: () throws -> Result) throws -> Result { try named(path, body) }
}

/// An error of a file other than the job's input.
struct NamedError: Error {
  let file: String
  let error: ImbrexError
}
