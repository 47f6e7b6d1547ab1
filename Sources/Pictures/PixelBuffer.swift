import Platform
import Synchronization

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
    if spilled { SpilledBuffers.add(self) }
  }

  deinit {
    if isSpilled { SpilledBuffers.remove(self) }
    munmap(base, max(byteCount, 1))
  }
}

/// Of buffers in files, the pages that have been worked on do not stay in memory too.
package enum SpilledBuffers {
  private static let isAny = Atomic(0)
  private static let touched = Atomic(0)
  private static let all = Locked([UInt: Int]())

  fileprivate static func add(_ buffer: PixelBuffer) {
    all.withLock { $0[UInt(bitPattern: buffer.base)] = max(buffer.byteCount, 1) }
    isAny.add(1, ordering: .relaxed)
  }

  fileprivate static func remove(_ buffer: PixelBuffer) {
    isAny.subtract(1, ordering: .relaxed)
    all.withLock { $0[UInt(bitPattern: buffer.base)] = nil }
  }

  /// To be called when so many bytes have been made or read.
  ///
  /// - Parameter limit: Bytes of all buffers that may be in memory.
  package static func touch(_ byteCount: Int, limit: Int) {
    guard isAny.load(ordering: .relaxed) > 0 else { return }
    guard touched.add(byteCount, ordering: .relaxed).newValue > max(limit, 4 << 20) else { return }
    touched.store(0, ordering: .relaxed)
    // They stay in their files, and come back when they are looked at.
    all.withLock { all in
      for (base, byteCount) in all { madvise(UnsafeMutableRawPointer(bitPattern: base), byteCount, MADV_DONTNEED) }
    }
  }
}

/// Opens a new file in `TMPDIR` for reading and writing and removes its name at once.
///
/// - Returns: The descriptor, to be closed by the caller.
/// - Throws: ``ImbrexError`` with the directory and the reason.
package func openTemporaryFile() throws -> Int32 {
  let directory = temporaryDirectory()
  var template = PathText.bytes(TemporaryPlace.path + "/imbrex-XXXXXX").map { CChar(bitPattern: $0) } + [0]
  let descriptor = mkstemp(&template)
  guard descriptor >= 0 else {
    throw ImbrexError(.output, refused: "cannot make a temporary file in \(directory)")
  }
  unlink(template)
  return descriptor
}
