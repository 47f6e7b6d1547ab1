/// Anything that files, or what the user asked for, can make go wrong. Bugs of our own trap instead.
public struct ImbrexError: Error, Equatable, Sendable {
  public enum Code: Sendable {
    /// An input cannot be read: missing, damaged, cut short, unsupported.
    case input
    /// An output cannot be written.
    case output
    /// A limit such as `--max-memory` or `--max-pixels` does not allow it; the message names it.
    case limit
    /// A page that a file does not have.
    case noPage
    /// What was asked for makes no sense; status 2 on the command line.
    case usage
    /// Whoever reads the output has closed it: nothing to report.
    case closedPipe
  }

  public var code: Code
  /// One line without the file's name and without a full stop.
  public var message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }
}

extension ImbrexError: CustomStringConvertible {
  public var description: String { message }
}
