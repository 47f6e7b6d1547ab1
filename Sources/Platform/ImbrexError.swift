/// Anything that files, or what the user asked for, can make go wrong. Bugs of our own trap instead.
public struct ImbrexError: Error, Equatable, Sendable {
  public enum Code: Sendable {
    /// An input cannot be read: missing, damaged, cut short, unsupported.
    case input
    /// An output cannot be written.
    case output
    /// A limit such as that of memory or of pixels does not allow it; ``ImbrexError/remedy`` may say how to lift it.
    case limit
    /// A page that a file does not have.
    case noPage
    /// What was asked for makes no sense; status 2 on the command line.
    case usage
    /// Whoever reads the output has closed it: nothing to report.
    case closedPipe
  }

  /// An option that would help, by its name in the lists of options, and the value to give it, if one is known.
  public struct Remedy: Equatable, Sendable {
    public var option: String
    public var value: String?

    public init(_ option: String, value: String? = nil) { (self.option, self.value) = (option, value) }
  }

  public var code: Code
  /// One line without the file's name and without a full stop. Where ``option`` is set it goes on from the option's name:
  /// "is 3, but must be odd".
  public var message: String
  /// The option that it is about, by its name in the lists of options. How that is typed is the command's affair.
  public var option: String?
  public var remedy: Remedy?

  public init(_ code: Code, _ message: String, remedy: Remedy? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy
  }

  /// What is wrong with an option's value: a usage error.
  ///
  /// - Parameters:
  ///   - option: Its name in the lists of options, such as `sigma`.
  ///   - problem: Goes on from the name: "is 3, but must be odd".
  public init(option: String, _ problem: String) {
    code = .usage
    message = problem
    self.option = option
  }

  /// The same error of a code, with something before its message.
  package func prefixed(_ text: String) -> ImbrexError {
    var copy = self
    copy.message = text + message
    return copy
  }
}

extension ImbrexError: CustomStringConvertible {
  public var description: String {
    let start = option.map { "\($0) \(message)" } ?? message
    return remedy.map { "\(start) (see \($0.option))" } ?? start
  }
}
