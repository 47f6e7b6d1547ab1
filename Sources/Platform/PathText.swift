#if canImport(Glibc)
  package import Glibc
#elseif canImport(Musl)
  package import Musl
#elseif canImport(Darwin)
  package import Darwin
#endif

/// File names between the system, where they are bytes, and Swift, where text is Unicode.
///
/// A name that is not UTF-8 becomes text with each offending byte as a private-use character, U+10FF00 plus the byte, and
/// back without loss (the idea of Python's `surrogateescape`; Swift has no lone surrogates).
public enum PathText {
  private static let escapeBase: UInt32 = 0x10FF00

  /// The text that stands for bytes.
  public static func text(_ bytes: some Collection<UInt8>) -> String {
    let bytes = Array(bytes)
    if let text = String(validating: bytes, as: UTF8.self), !text.unicodeScalars.contains(where: isEscape) {
      return text
    }
    var result = String.UnicodeScalarView()
    var rest = bytes[...]
    while let byte = rest.first {
      let length = byte < 0x80 ? 1 : byte < 0xC2 ? 0 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : byte < 0xF5 ? 4 : 0
      if length > 0, rest.count >= length, let text = String(validating: rest.prefix(length), as: UTF8.self),
        let scalar = text.unicodeScalars.first, !isEscape(scalar)
      {
        result.append(scalar)
        rest = rest.dropFirst(length)
      } else {
        result.append(Unicode.Scalar(escapeBase + UInt32(byte))!)
        rest = rest.dropFirst()
      }
    }
    return String(result)
  }

  /// The text that stands for a C string.
  public static func text(_ pointer: UnsafePointer<CChar>) -> String {
    text(UnsafeRawBufferPointer(start: pointer, count: strlen(pointer)))
  }

  /// The bytes that a text stands for.
  public static func bytes(_ text: String) -> [UInt8] {
    // Escapes begin with F4 in UTF-8, as hardly anything else does.
    guard text.utf8.contains(0xF4) else { return Array(text.utf8) }
    return text.unicodeScalars.flatMap { scalar -> [UInt8] in
      isEscape(scalar) ? [UInt8(scalar.value - escapeBase)] : Array(String(scalar).utf8)
    }
  }

  /// A path's directory, which ends with a slash or is empty, and the name in it.
  ///
  /// Cut by bytes: an accent that a name begins with is one character with the slash before it.
  public static func split(_ path: String) -> (directory: String, name: String) {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return ("", path) }
    let name = path.utf8.index(after: slash)
    return (String(path[..<name]), String(path[name...]))
  }

  /// What stands between a path's slashes.
  public static func components(_ path: String) -> [String] {
    path.utf8.split(separator: 0x2F).map { String(Substring($0)) }
  }

  /// Text for one line of a terminal or a log: what would steer a terminal, or turn the order of what follows, is shown as `\n`,
  /// `\x1b` or `\u202e`, and so are the bytes of names that are not UTF-8.
  public static func printable(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { steersTerminals($0) || isEscape($0) }) else { return text }
    return text.unicodeScalars.map { scalar -> String in
      switch scalar.value {
      case 10: return "\\n"
      case 9: return "\\t"
      case 13: return "\\r"
      case _ where isEscape(scalar): return "\\x" + String(scalar.value - escapeBase, radix: 16)
      case _ where steersTerminals(scalar):
        let digits = String(scalar.value, radix: 16), isByte = scalar.value < 0x100
        return (isByte ? "\\x" : "\\u") + String(repeating: "0", count: (isByte ? 2 : 4) - digits.count) + digits
      default: return String(scalar)
      }
    }.joined()
  }

  /// Control characters, those of eight bits too; what ends lines or turns the direction of writing (Unicode's Bidi_Control).
  public static func steersTerminals(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x61C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }

  /// Calls a function of the system with a path.
  package static func withCPath<Result>(_ path: String, _ body: (UnsafePointer<CChar>) throws -> Result) rethrows
    -> Result
  {
    if !path.utf8.contains(0xF4) { return try path.withCString(body) }
    return try (bytes(path) + [0]).withUnsafeBufferPointer { buffer in
      try buffer.withMemoryRebound(to: CChar.self) { try body($0.baseAddress!) }
    }
  }

  static func isEscape(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value >= escapeBase + 0x80 && scalar.value <= escapeBase + 0xFF
  }
}

// The system's calls that take paths, under other names so that none is left out.

package func openFile(_ path: String, _ flags: Int32, _ mode: mode_t = 0) -> Int32 {
  PathText.withCPath(path) { open($0, flags, mode) }
}

/// What `stat` says of a path, symbolic links followed; nil if there is nothing.
package func fileStatus(_ path: String) -> stat? {
  var status = stat()
  return PathText.withCPath(path) { stat($0, &status) } == 0 ? status : nil
}

/// A device or a named pipe: something that exists and is written straight.
package func isSpecialFile(_ path: String) -> Bool {
  guard let kind = fileStatus(path).map({ $0.st_mode & S_IFMT }) else { return false }
  return kind != S_IFREG && kind != S_IFDIR
}

package func isDirectory(_ path: String) -> Bool { fileStatus(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }
/// Bytes of a file; 0 if there is none.
package func fileSize(_ path: String) -> Int { fileStatus(path).map { Int($0.st_size) } ?? 0 }
package func fileExists(_ path: String) -> Bool { fileStatus(path) != nil }

/// The path without symbolic links, or nil if it leads nowhere.
package func resolvedPath(_ path: String) -> String? {
  guard let resolved = PathText.withCPath(path, { realpath($0, nil) }) else { return nil }
  defer { free(resolved) }
  return PathText.text(resolved)
}

package func renameFile(_ from: String, _ to: String) -> Int32 {
  PathText.withCPath(from) { from in PathText.withCPath(to) { rename(from, $0) } }
}

package func linkFile(_ from: String, _ to: String) -> Int32 {
  PathText.withCPath(from) { from in PathText.withCPath(to) { link(from, $0) } }
}

@discardableResult
package func removeFile(_ path: String) -> Int32 { PathText.withCPath(path) { unlink($0) } }

/// Makes a directory in one that is there; false if that cannot be done.
package func makeDirectory(_ path: String) -> Bool { PathText.withCPath(path) { mkdir($0, 0o777) } == 0 }

/// Removes a directory, if it is empty.
package func removeDirectory(_ path: String) { _ = PathText.withCPath(path) { rmdir($0) } }

/// Makes a directory and those above it.
package func makeDirectories(_ path: String) throws {
  var prefix = path.utf8.first == 0x2F ? "/" : ""
  for part in PathText.components(path) {
    prefix += part
    if PathText.withCPath(prefix, { mkdir($0, 0o777) }) != 0 && errno != EEXIST {
      throw ImbrexError(.output, refused: "cannot make the directory '\(prefix)'")
    }
    prefix += "/"
  }
}

/// The directory that relative paths begin at.
public func currentDirectory() -> String {
  guard let path = getcwd(nil, 0) else { return "." }
  defer { free(path) }
  return PathText.text(path)
}

/// Makes relative paths begin at another directory, for the whole process.
///
/// - Throws: ``ImbrexError`` with the path, where it is no directory that may be entered.
public func changeDirectory(to path: String) throws {
  guard PathText.withCPath(path, { chdir($0) }) == 0 else {
    throw ImbrexError(.input, "cannot go to the directory '\(path)': \(systemMessage())")
  }
}
