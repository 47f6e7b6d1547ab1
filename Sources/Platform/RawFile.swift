#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file of bytes, read or written from its beginning to its end.
package final class RawFile: Sendable {
  private let descriptor: Int32
  private let path: String

  /// Makes a new file; what is there already is an error.
  package init(making path: String) throws {
    self.path = path
    descriptor = openFile(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw ImbrexError(.output, "cannot write \(path): \(systemMessage())") }
  }

  /// A file that is there, to be written on from its end.
  package init(appendingTo path: String) throws {
    self.path = path
    descriptor = openFile(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw ImbrexError(.output, "cannot write \(path): \(systemMessage())") }
  }

  package init(reading path: String) throws {
    self.path = path
    // A directory could be opened, but has no bytes.
    if let status = fileStatus(path), (status.st_mode & S_IFMT) == S_IFDIR {
      throw ImbrexError(.input, "cannot open \(path): it is a directory")
    }
    descriptor = openFile(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ImbrexError(.input, "cannot open \(path): \(systemMessage())") }
  }

  deinit { close(descriptor) }

  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let count = writeSome(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw ImbrexError(.output, "cannot write \(path): \(systemMessage())") }
      done += count
    }
  }

  package func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try write($0) } }

  /// Fills all of `bytes`.
  ///
  /// - Throws: ``ImbrexError`` if the file ends before.
  package func read(into bytes: UnsafeMutableRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let count = readSome(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw ImbrexError(.input, "cannot read \(path): \(systemMessage())") }
      guard count > 0 else { throw ImbrexError(.input, "\(path) is cut short") }
      done += count
    }
  }

  /// Bytes from its beginning to its end, wherever it is read.
  package var byteCount: Int {
    let place = lseek(descriptor, 0, SEEK_CUR)
    defer { lseek(descriptor, place, SEEK_SET) }
    return max(Int(lseek(descriptor, 0, SEEK_END)), 0)
  }

  package func read(_ count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBytes { try read(into: $0) }
    return bytes
  }

  /// The whole of a file.
  package static func bytes(of path: String) throws -> [UInt8] {
    let file = try RawFile(reading: path)
    return try file.read(file.byteCount)
  }
}

// The names of the system's calls are those of the methods above.
private func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
private func readSome(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(descriptor, bytes, count)
}
