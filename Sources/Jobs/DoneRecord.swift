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
public struct ContentHash: Equatable, Sendable, CustomStringConvertible {
  public let description: String

  public init(of text: String) {
    var text = text
    description = text.withUTF8 { Self.digits(XXH3_128bits($0.baseAddress, $0.count)) }
  }

  /// Of a file's content.
  public init(ofFile path: String) throws {
    let descriptor = openFile(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ImbrexError(.input, "cannot open: \(systemMessage())") }
    defer { close(descriptor) }
    let state = XXH3_createState()!
    defer { XXH3_freeState(state) }
    XXH3_128bits_reset(state)
    try withUnsafeTemporaryAllocation(byteCount: 1 << 18, alignment: 64) { buffer in
      while true {
        let count = read(descriptor, buffer.baseAddress!, buffer.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw ImbrexError(.input, "cannot read: \(systemMessage())") }
        if count == 0 { return }
        XXH3_128bits_update(state, buffer.baseAddress!, count)
      }
    }
    description = Self.digits(XXH3_128bits_digest(state))
  }

  /// The version of xxHash, whose function it is.
  public static var libraryVersion: String {
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
/// added, each with one write, and the one whose output is there counts: so two runs may share a directory, and one that was killed leaves at
/// worst a line that is cut short, which is passed over. Deleting the file makes everything be done again.
public final class DoneRecord: Sendable {
  public static let fileName = ".imbrex-done"
  private static let heading =
    "# imbrex --incremental: settings, content of the input, its size and time, size and time of the output, name. Safe to delete.\n"

  /// Size in bytes and time of the last change in nanoseconds.
  public struct Stamp: Equatable, Sendable {
    var size: Int
    var time: Int

    /// Of a file, if it is there.
    public init?(ofFile path: String) {
      guard let status = fileStatus(path) else { return nil }
      size = Int(status.st_size)
      #if canImport(Darwin)
        time = status.st_mtimespec.tv_sec * 1_000_000_000 + status.st_mtimespec.tv_nsec
      #else
        time = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
      #endif
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
  }

  private let directory: String
  private let entries: [String: [Entry]]
  private let descriptor: Locked<Int32>

  /// Reads what has been done in a directory, which may not exist yet. Ends with a slash, or is empty for the current one.
  public init(directory: String) {
    self.directory = directory
    var entries: [String: [Entry]] = [:]
    let lines = (try? InputSelection.list(in: directory + Self.fileName, isNulSeparated: false)) ?? []
    for line in lines {
      let fields = line.split(separator: " ", maxSplits: 6)
      guard fields.count == 7, fields[0].count == 32, let input = Stamp(fields[2], fields[3]),
        let output = Stamp(fields[4], fields[5]), fields[6].last == ";"
      else { continue }
      let name = String(fields[6].dropLast())
      entries[name, default: []].append(
        Entry(settings: fields[0], content: fields[1], input: input, output: output))
    }
    self.entries = entries
    descriptor = Locked(-1)
  }

  deinit {
    let descriptor = descriptor.withLock { $0 }
    if descriptor >= 0 { close(descriptor) }
  }

  /// Names with a newline have no line.
  private static func canRecord(_ name: String) -> Bool { !name.utf8.contains(10) && !name.utf8.contains(13) }

  /// Whether an output is there as it was made from an input of the same content with the same settings.
  ///
  /// The content is read, unless size and time are those of the input that was read then, and the time is so long before the
  /// output's that the file cannot have been written again within the clock's resolution.
  public func isUpToDate(_ name: String, from input: String, settings: ContentHash) throws -> Bool {
    // Of two runs that made it at once, the line of the later file may stand before that of the other.
    let made = Stamp(ofFile: directory + name)
    guard let entry = entries[name]?.last(where: { $0.settings == settings.description && $0.output == made }),
      let stamp = Stamp(ofFile: input)
    else { return false }
    if stamp == entry.input && stamp.time < entry.output.time - 2_000_000_000 { return true }
    return try stamp.size == entry.input.size && ContentHash(ofFile: input).description == entry.content
  }

  /// Notes that an output has been made.
  ///
  /// - Parameters:
  ///   - name: The output's, in this directory.
  ///   - settings: Of all that the output depends on beside its input.
  ///   - content: Of the input, as it was before it was read.
  ///   - input: Likewise.
  public func add(_ name: String, settings: ContentHash, content: ContentHash, input: Stamp) throws {
    guard Self.canRecord(name), let made = Stamp(ofFile: directory + name) else { return }
    let line = "\(settings) \(content) \(input.size) \(input.time) \(made.size) \(made.time) \(name);\n"
    try descriptor.withLock { descriptor in
      if descriptor < 0 {
        descriptor = openFile(directory + Self.fileName, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
          throw ImbrexError(.output, "cannot write \(directory + Self.fileName): \(systemMessage())")
        }
        if lseek(descriptor, 0, SEEK_END) == 0 { try append(Self.heading, descriptor) }
      }
      // A line of its own, even after one that was cut short.
      try append((lastByte(descriptor) == 10 ? "" : "\n") + line, descriptor)
    }
  }

  private func lastByte(_ descriptor: Int32) -> UInt8 {
    // The descriptor is write-only; the few bytes are read through another.
    let reader = openFile(directory + Self.fileName, O_RDONLY | O_CLOEXEC)
    guard reader >= 0 else { return 10 }
    defer { close(reader) }
    var byte: UInt8 = 10
    let end = lseek(reader, 0, SEEK_END)
    if end > 0 { _ = pread(reader, &byte, 1, end - 1) }
    return byte
  }

  private func append(_ text: String, _ descriptor: Int32) throws {
    let bytes = PathText.bytes(text)
    guard write(descriptor, bytes, bytes.count) == bytes.count else {
      throw ImbrexError(.output, "cannot write \(directory + Self.fileName): \(systemMessage())")
    }
  }
}
