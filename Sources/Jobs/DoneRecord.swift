import Codecs
import Pictures
import Pipeline
import Platform

internal import CXXHash

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A hash of 128 bits (XXH3), as 32 hexadecimal digits.
package struct ContentHash: Equatable, Sendable, CustomStringConvertible {
  package let description: String

  package init(of text: String) {
    var text = text
    description = text.withUTF8 { Self.digits(XXH3_128bits($0.baseAddress, $0.count)) }
  }

  /// Of a file's content.
  package init(ofFile path: String) throws {
    let descriptor = openFile(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ImbrexError(.input, refused: "cannot open") }
    defer { close(descriptor) }
    let state = XXH3_createState()!
    defer { XXH3_freeState(state) }
    XXH3_128bits_reset(state)
    try withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 64) { buffer in
      while true {
        let count = read(descriptor, buffer.baseAddress!, buffer.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw ImbrexError(.input, refused: "cannot read") }
        if count == 0 { return }
        XXH3_128bits_update(state, buffer.baseAddress!, count)
      }
    }
    description = Self.digits(XXH3_128bits_digest(state))
  }

  /// The version of xxHash, whose function it is.
  package static var libraryVersion: String {
    let number = XXH_versionNumber()
    return "\(number / 10000).\(number / 100 % 100).\(number % 100)"
  }

  fileprivate init(digits: String) { description = digits }

  private static func digits(_ hash: XXH128_hash_t) -> String {
    [hash.high64, hash.low64].map { word in
      let text = String(word, radix: 16)
      return String(repeating: "0", count: 16 - text.count) + text
    }.joined()
  }
}

/// What has been done in a directory of outputs, so that a second run does only what has changed.
///
/// A text file, `.imbrex-done`, with a line for each output: its name, what it was made with and from. Lines are only
/// added, each with one write under a lock, and the one whose output is there counts: so several runs may share a directory, and one
/// that was killed leaves at worst a line that is cut short, which is passed over. So are the lines of older versions. Deleting the
/// file makes everything be done again.
package final class DoneRecord: Sendable {
  package static let fileName = ".imbrex-done"
  private static let heading =
    "# imbrex --incremental: 2, settings, content of the input, its size and time, size and time of the output, its files, name. "
    + "Safe to delete.\n"
  /// What lines of this form begin with; those before had none.
  private static let form: Substring = "2"

  /// Size in bytes and time of the last change in nanoseconds.
  package struct Stamp: Equatable, Sendable {
    package private(set) var size: Int
    package private(set) var time: Int

    /// Of a file, if it is there.
    package init?(ofFile path: String) {
      guard let status = fileStatus(path) else { return nil }
      size = Int(status.st_size)
      #if canImport(Darwin)
        time = status.st_mtimespec.tv_sec * 1_000_000_000 + status.st_mtimespec.tv_nsec
      #else
        time = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
      #endif
    }

    /// Of several files, if all are there: the sum of their sizes and the last of their times.
    init?(ofFiles paths: [String]) {
      (size, time) = (0, 0)
      for path in paths {
        guard let stamp = Stamp(ofFile: path) else { return nil }
        (size, time) = (size + stamp.size, max(time, stamp.time))
      }
      if paths.isEmpty { return nil }
    }

    fileprivate init?(_ size: Substring, _ time: Substring) {
      guard let size = Int(size), let time = Int(time) else { return nil }
      (self.size, self.time) = (size, time)
    }
  }

  private struct Entry: Sendable {
    var settings: Substring
    var content: Substring
    var input: Stamp
    var output: Stamp
    /// How many files the output is.
    var files: Int
  }

  private let path: String
  /// By the bytes of names.
  private let entries: [[UInt8]: [Entry]]
  private let state: Locked<State>
  /// Why the file that is there is neither read nor written, as it goes on from its name: "is a link"; nil: it is as it should be.
  package let distrust: String?

  private enum State { case closed, open(Int32), distrusted }

  /// Reads what has been done in a directory, which may not exist yet. Ends with a slash, or is empty for the current one.
  ///
  /// Where others may write, they may have put something else in the place of the file: links, pipes and files of another user are left
  /// alone.
  package init(directory: String) {
    path = directory + Self.fileName
    var lines: [String] = [], distrust: String?
    switch Self.open(path, O_RDONLY) {
    case .success(let descriptor):
      lines = (try? InputSelection.list(of: descriptor, path, isNulSeparated: false)) ?? []
      close(descriptor)
    case .failure(let problem): distrust = problem.text
    }
    self.distrust = distrust
    var entries: [[UInt8]: [Entry]] = [:]
    for line in lines {
      // By bytes: an accent at a name's start would make one character with the space before it.
      let fields = line.utf8.split(separator: 0x20, maxSplits: 8).map { Substring($0) }
      guard fields.count == 9, fields[0] == Self.form, let input = Stamp(fields[3], fields[4]),
        let output = Stamp(fields[5], fields[6]), let files = Int(fields[7]), files > 0, fields[8].utf8.last == 0x3B,
        let name = LineText.unescaped(Substring(fields[8].utf8.dropLast()))
      else { continue }
      entries[Array(name.utf8), default: []].append(
        Entry(settings: fields[1], content: fields[2], input: input, output: output, files: files))
    }
    self.entries = entries
    state = Locked(distrust == nil ? .closed : .distrusted)
  }

  deinit {
    if case .open(let descriptor) = state.withLock({ $0 }) { close(descriptor) }
  }

  private struct Problem: Error {
    /// Nil: there is no file.
    var text: String?
  }

  /// Opens the file without waiting for anybody, and looks at what has been opened.
  private static func open(_ path: String, _ flags: Int32) -> Result<Int32, Problem> {
    let descriptor = openFile(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      switch errno {
      case ENOENT, ENOTDIR: return .failure(Problem())
      case ELOOP: return .failure(Problem(text: "is a link"))
      default: return .failure(Problem(text: "cannot be opened (\(systemMessage()))"))
      }
    }
    var status = stat(), problem: String?
    if fstat(descriptor, &status) != 0 {
      problem = "cannot be looked at (\(systemMessage()))"
    } else if status.st_mode & S_IFMT != S_IFREG {
      problem = "is no file"
    } else if status.st_uid != geteuid() && status.st_uid != 0 {
      problem = "belongs to another user"
    } else if status.st_nlink > 1 {
      problem = "is another file too"
    }
    guard let problem else { return .success(descriptor) }
    close(descriptor)
    return .failure(Problem(text: problem))
  }

  /// Whether an output is there as it was made from an input of the same content with the same settings.
  ///
  /// The content is read, unless size and time are those of the input that was read then, and the time is so long before the
  /// output's that the file cannot have been written again within the clock's resolution.
  ///
  /// - Parameters:
  ///   - name: The output's.
  ///   - files: The paths of the output's files, of which there are so many.
  ///   - beside: The paths of what else must be there.
  package func isUpToDate(
    _ name: String, from input: String, settings: ContentHash, files: (_ count: Int) -> [String],
    beside: (_ count: Int) -> [String] = { _ in [] }
  ) throws -> Bool {
    // Of two runs that made it at once, the line of the later file may stand before that of the other.
    let entry = entries[Array(name.utf8)]?.last { entry in
      entry.settings == settings.description && Stamp(ofFiles: files(entry.files)) == entry.output
    }
    guard let entry, let stamp = Stamp(ofFile: input), beside(entry.files).allSatisfy(fileExists) else { return false }
    if stamp == entry.input && stamp.time < entry.output.time - 2_000_000_000 { return true }
    return try stamp.size == entry.input.size && ContentHash(ofFile: input).description == entry.content
  }

  /// Notes that an output has been made.
  ///
  /// - Parameters:
  ///   - name: The output's.
  ///   - files: The paths of its files: one, or one for each page.
  ///   - settings: Of all that the output depends on beside its input.
  ///   - content: Of the input, as it was before it was read.
  ///   - input: Likewise.
  package func add(
    _ name: String, files: [String], settings: ContentHash, content: ContentHash, input: Stamp
  ) throws {
    guard let made = Stamp(ofFiles: files) else { return }
    let numbers = [input.size, input.time, made.size, made.time, files.count].map(String.init).joined(separator: " ")
    let line = "\(Self.form) \(settings) \(content) \(numbers) \(LineText.escaped(name));\n"
    try state.withLock { state in
      if case .closed = state { state = try openToAppend() }
      guard case .open(let descriptor) = state else { return }
      // Other machines may append at the same time; where there are no locks, one write is all there is.
      let isLocked = flock(descriptor, LOCK_EX) == 0
      defer { if isLocked { _ = flock(descriptor, LOCK_UN) } }
      // A line of its own, even after one that was cut short.
      var last: UInt8 = 10
      let end = lseek(descriptor, 0, SEEK_END)
      if end > 0 { _ = pread(descriptor, &last, 1, end - 1) }
      try append((end == 0 ? Self.heading : last == 10 ? "" : "\n") + line, descriptor)
    }
  }

  private func openToAppend() throws -> State {
    switch Self.open(path, O_RDWR | O_CREAT | O_APPEND) {
    case .success(let descriptor): return .open(descriptor)
    case .failure(let problem):
      throw ImbrexError(.output, "cannot write \(path): it \(problem.text ?? "cannot be made")")
    }
  }

  /// With one write, but for what the system cuts short.
  private func append(_ text: String, _ descriptor: Int32) throws {
    var rest = PathText.bytes(text)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress!, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else {
        throw ImbrexError(.output, refused: "cannot write \(path)", count < 0 ? errno : ENOSPC)
      }
      rest = rest.dropFirst(count)
    }
  }
}

/// Names in a file of lines: what would end a line is written as `%` and two digits.
enum LineText {
  static func escaped(_ text: String) -> String {
    guard text.utf8.contains(where: isEscaped) else { return text }
    let digits = Array("0123456789abcdef".utf8)
    let bytes = text.utf8.flatMap { byte in
      isEscaped(byte) ? [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]] : [byte]
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Nil if it is not escaped text.
  static func unescaped(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8
    while let byte = rest.popFirst() {
      guard byte == 0x25 else {
        bytes.append(byte)
        continue
      }
      guard rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(code)
      rest = rest.dropFirst(2)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func isEscaped(_ byte: UInt8) -> Bool { byte < 0x20 || byte == 0x7F || byte == 0x25 }
}
