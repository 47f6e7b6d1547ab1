import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A block of zeroed memory for pixels, in RAM or, past what a run may hold, in an unlinked temporary file.
///
/// The memory is freed with the last reference. Who may touch which bytes when is the engine's business.
public final class PixelBuffer: @unchecked Sendable {
  /// The first byte; aligned to a page.
  public let base: UnsafeMutableRawPointer
  /// Bytes that may be touched.
  public let byteCount: Int
  /// Whether the bytes are in a temporary file.
  public let isSpilled: Bool

  /// - Parameters:
  ///   - byteCount: Size; 0 is allowed.
  ///   - spilled: Keep the bytes in a file in `TMPDIR` (else /tmp) that has no name, so that the system can page them
  ///     out and that vanishes with the process.
  /// - Throws: ``ImbrexError`` if there is no memory, or no room for the file.
  public init(byteCount: Int, spilled: Bool = false) throws {
    precondition(byteCount >= 0)
    self.byteCount = byteCount
    isSpilled = spilled
    let length = max(byteCount, 1)
    var descriptor: Int32 = -1
    if spilled {
      descriptor = try openTemporaryFile()
      // Room is taken now: a page that finds none later would be a signal, not an error.
      #if canImport(Darwin)
        let failure = ftruncate(descriptor, off_t(length)) == 0 ? 0 : errno
      #else
        let failure = posix_fallocate(descriptor, 0, off_t(length))
      #endif
      guard failure == 0 else {
        close(descriptor)
        throw ImbrexError(
          .limit,
          "cannot make a temporary file of \(length) bytes in \(temporaryDirectory()): \(systemMessage(failure)) "
            + "(TMPDIR names another directory)", cause: .init(errno: failure, isOutput: true))
      }
    }
    let flags = spilled ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS
    let address = mmap(nil, length, PROT_READ | PROT_WRITE, flags, descriptor, 0)
    let failure = errno
    if descriptor >= 0 { close(descriptor) }
    guard let address, address != MAP_FAILED else {
      throw ImbrexError(.limit, "cannot allocate \(length) bytes: \(systemMessage(failure))")
    }
    base = address
  }

  deinit { munmap(base, max(byteCount, 1)) }
}

/// Opens a new file in `TMPDIR` for reading and writing and removes its name at once.
///
/// - Returns: The descriptor, to be closed by the caller.
/// - Throws: ``ImbrexError`` with the directory and the reason.
package func openTemporaryFile() throws -> Int32 {
  let directory = temporaryDirectory()
  var template = PathText.bytes(directory + "/imbrex-XXXXXX").map { CChar(bitPattern: $0) } + [0]
  let descriptor = mkstemp(&template)
  guard descriptor >= 0 else {
    throw ImbrexError(.output, refused: "cannot make a temporary file in \(directory)")
  }
  unlink(template)
  return descriptor
}
