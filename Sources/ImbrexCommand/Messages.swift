import Imbrex

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What goes to standard error, and the exit status that goes with it.
enum Messages {
  /// One line: `imbrex: message`.
  static func report(_ message: String) { print("imbrex: \(message)") }

  static func report(_ message: String, file: String) { print(line(message, file: file)) }

  static func line(_ message: String, file: String) -> String {
    "imbrex: \(file == "-" ? "standard input" : file): \(message)"
  }

  /// The bar that a line takes the place of.
  static let progress = Locked<Progress?>(nil)

  /// Writes one line, whatever characters a file's name has.
  static func print(_ line: String) {
    progress.withLock { $0 }?.clear()
    let bytes = PathText.bytes(PathText.printable(line) + "\n")
    _ = bytes.withUnsafeBytes { write(2, $0.baseAddress!, $0.count) }
  }

  /// Writes lines to standard output, with their control characters shown and the bytes of names that are not UTF-8.
  static func show(_ text: String) {
    // By bytes: Swift's print takes text, and its stream cannot be named in Swift 6.
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { PathText.printable(String($0)) }
    for byte in PathText.bytes(lines.joined(separator: "\n") + "\n") { putchar(Int32(byte)) }
  }

  /// Lines, and tabs between columns, with all that steers a terminal beside those shown.
  static func printable(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.split(separator: "\t", omittingEmptySubsequences: false).map { PathText.printable(String($0)) }
        .joined(separator: "\t")
    }.joined(separator: "\n")
  }

  /// Ends the process as an error asks.
  static func exit(with error: any Error) -> Never {
    if let failure = error as? BatchFailure { finish(failure.status) }
    if let named = error as? NamedError {
      report(messageText(named.error), file: named.file)
      finish(named.error.status)
    }
    guard let error = error as? ImbrexError else {
      report("\(error)")
      finish(1)
    }
    if error.code == .closedPipe { finish(0) }
    report(messageText(error))
    finish(error.status)
  }

  /// Ends the process after what was asked for is done.
  static func end() -> Never { finish(0) }

  private static func finish(_ status: Int32) -> Never {
    TemporaryPlace.removeOwn()
    // Standard output may still hold buffered text; if that cannot be written, it is an error too.
    let flushed = fflush(nil)
    if flushed != 0 && status == 0 && errno != EPIPE {
      report("standard output: cannot write: \(String(cString: strerror(errno)))")
      endProcess(1)
    }
    endProcess(status)
  }
}

private func endProcess(_ status: Int32) -> Never { exit(status) }

/// Some of several files failed, and each has been reported.
struct BatchFailure: Error {
  let status: Int32
}

extension ImbrexError {
  var status: Int32 { code == .usage ? 2 : 1 }
}

/// Writes text to a file, whole or not at all, or to standard output.
///
/// - Parameter isSynced: Whether it is on the disk before its name leads to it.
func writeText(_ text: String, to path: String, isSynced: Bool = false) throws {
  do {
    var settings = OutputFile.Settings()
    settings.isSynced = isSynced
    let file = try OutputFile(path: path, settings)
    // Names of files may have in them what steers a terminal.
    try file.write(path == "-" && isTerminal(1) ? Messages.printable(text) : text)
    try file.commit()
  } catch let error as ImbrexError where error.code == .output {
    throw ImbrexError(.output, "\(path == "-" ? "standard output" : path): \(error.message)")
  }
}

func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) != 0 }
