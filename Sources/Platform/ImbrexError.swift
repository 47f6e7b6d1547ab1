#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Anything that files, or what the user asked for, can make go wrong. Bugs of our own trap instead.
public struct ImbrexError: Error, Equatable, Sendable {
  /// Whose affair it is: the input's, the output's, a limit's, the user's.
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
    /// Its name in the lists of options, without dashes.
    public var option: String
    /// The value as it would be typed; nil: whoever reads has to choose.
    public var value: String?

    /// - Parameter value: Nil: the option alone helps, or which value does is not known.
    public init(_ option: String, value: String? = nil) { (self.option, self.value) = (option, value) }
  }

  /// What was wrong, for programs: each is one word of reports that never changes (``ImbrexError/cause``).
  public enum Cause: String, CaseIterable, Sendable {
    /// A file or a directory is not there.
    case notFound = "not-found"
    /// The system does not allow it.
    case permission
    /// The system refused a read for another reason.
    case readFailed = "read-failed"
    /// A file of no known format.
    case unknownFormat = "unknown-format"
    /// The bytes break the format's rules.
    case damaged
    /// The file ends too early.
    case truncated
    /// Valid, but of a kind that is not handled, or that the output cannot hold.
    case unsupported
    /// A page that the file does not have.
    case noPage = "no-page"
    /// A limit, or the memory, is too small.
    case limit
    /// The output's file system, or the user's share of it, is full.
    case diskFull = "disk-full"
    /// The system refused a write for another reason.
    case writeFailed = "write-failed"
    /// What was asked for makes no sense for this file.
    case usage
    /// A command or a plug-in of the user's has failed.
    case functionFailed = "function-failed"
    /// Whoever reads the output has closed it.
    case closedPipe = "closed-pipe"
  }

  /// Whose affair it is; the command's status follows from it.
  public var code: Code
  /// What was wrong more exactly than ``code``, where whoever made the error knew.
  private var knownCause: Cause?
  /// One line without the file's name and without a full stop. Where ``option`` is set it goes on from the option's name:
  /// "is 3, but must be odd".
  public var message: String
  /// The option that it is about, by its name in the lists of options. How that is typed is the command's affair.
  public var option: String?
  /// What would help, where something is known to.
  public var remedy: Remedy?

  /// - Parameters:
  ///   - message: See ``message``.
  ///   - cause: Nil: what the code says alone.
  public init(_ code: Code, _ message: String, remedy: Remedy? = nil, cause: Cause? = nil) {
    self.code = code
    self.message = message
    self.remedy = remedy
    knownCause = cause
  }

  /// What the system refused.
  ///
  /// - Parameters:
  ///   - what: "cannot open".
  ///   - failure: Its `errno`.
  package init(_ code: Code, refused what: String, _ failure: Int32 = errno) {
    self.init(
      code, "\(what): \(systemMessage(failure))", cause: Cause(errno: failure, isOutput: code == .output))
  }

  /// What was wrong, for programs.
  public var cause: Cause {
    if let knownCause { return knownCause }
    switch code {
    case .input: return .damaged
    case .output: return .writeFailed
    case .limit: return .limit
    case .noPage: return .noPage
    case .usage: return .usage
    case .closedPipe: return .closedPipe
    }
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

  /// The same error without a name that its message begins with, for whoever names the file himself.
  package func withoutName(_ name: String) -> ImbrexError {
    guard message.hasPrefix("\(name): ") else { return self }
    var copy = self
    copy.message = String(message.dropFirst(name.count + 2))
    return copy
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

extension ImbrexError.Cause {
  /// What a number of the system's means.
  package init(errno code: Int32, isOutput: Bool) {
    switch code {
    case ENOENT, ENOTDIR: self = .notFound
    case EACCES, EPERM, EROFS: self = .permission
    case ENOSPC, EDQUOT: self = .diskFull
    case ENOMEM, EMFILE, ENFILE, EFBIG: self = .limit
    default: self = isOutput ? .writeFailed : .readFailed
    }
  }
}
