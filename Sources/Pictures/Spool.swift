import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Byte strings in a temporary file, for what is read again later and may be more than memory.
package final class Spool {
  private let descriptor: Int32
  private var ends: [Int] = []

  package init() throws { descriptor = try openTemporaryFile() }

  deinit { close(descriptor) }

  package func append(_ bytes: [UInt8]) throws {
    let start = ends.last ?? 0
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(descriptor, $0.baseAddress! + done, bytes.count - done, off_t(start + done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw ImbrexError(.output, "cannot write a temporary file: \(systemMessage())") }
      done += count
    }
    ends.append(start + bytes.count)
  }

  /// The string that was appended as the `index`-th.
  package func read(_ index: Int) throws -> [UInt8] {
    let start = index == 0 ? 0 : ends[index - 1]
    var bytes = [UInt8](repeating: 0, count: ends[index] - start)
    var done = 0
    while done < bytes.count {
      let size = bytes.count
      let count = bytes.withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress! + done, size - done, off_t(start + done))
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw ImbrexError(.input, "cannot read a temporary file: \(systemMessage())") }
      done += count
    }
    return bytes
  }
}
