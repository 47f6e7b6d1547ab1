#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A descriptor that is closed when nobody has it any more; read and written at places, so that all can at once.
package final class SharedDescriptor: Sendable, Equatable {
  package let number: Int32

  /// Takes over a descriptor.
  package init(_ number: Int32) { self.number = number }

  /// The same file under a number of its own; nil if there is no room for one.
  package convenience init?(copying number: Int32) {
    let copy = dup(number)
    guard copy >= 0 else { return nil }
    self.init(copy)
  }

  deinit { close(number) }

  package static func == (a: SharedDescriptor, b: SharedDescriptor) -> Bool { a === b }

  /// Nil if the system does not say.
  package var byteCount: UInt64? {
    var status = stat()
    return fstat(number, &status) == 0 ? UInt64(max(status.st_size, 0)) : nil
  }

  /// Bytes from a place on; nil if the file ends before, or cannot be read.
  package func read(_ count: Int, at place: UInt64) -> [UInt8]? {
    guard place <= Int64.max - Int64(count) else { return nil }
    // Memory is not spent on what a forged number promises.
    if count > 1 << 16 { guard let byteCount, place + UInt64(count) <= byteCount else { return nil } }
    var bytes = [UInt8](repeating: 0, count: count), done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes {
        pread(number, $0.baseAddress! + done, count - done, off_t(place) + off_t(done))
      }
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { return nil }
      done += got
    }
    return bytes
  }

  /// - Throws: ``ImbrexError`` if the system refuses.
  package func write(_ bytes: [UInt8], at place: UInt64) throws {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(number, $0.baseAddress! + done, bytes.count - done, off_t(place) + off_t(done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw ImbrexError(.output, refused: "cannot write") }
      done += count
    }
  }

  /// Ends the file there.
  package func cut(to count: UInt64) throws {
    guard ftruncate(number, off_t(count)) == 0 else { throw ImbrexError(.output, refused: "cannot write") }
  }
}
