import Pictures
import Platform

internal import CodecShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A descriptor that is to be decoded, and the first bytes read from it; closed with the last reference.
final class InputFile {
  private(set) var descriptor: Int32
  private let head = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: ImageFormat.signatureLength)
  private var headCount = 0

  /// Takes over a descriptor, which is closed at the end even if this throws.
  init(_ descriptor: Int32) throws {
    self.descriptor = descriptor
    guard descriptor >= 0 else { throw ImbrexError(.input, refused: "cannot open") }
    try readHead()
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    head.deallocate()
  }

  private func readHead() throws {
    while headCount < head.count {
      let count = read(descriptor, head.baseAddress! + headCount, head.count - headCount)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw ImbrexError(.input, refused: "cannot read") }
      if count == 0 { break }
      headCount += count
    }
    guard headCount > 0 else { throw ImbrexError(.input, "the file is empty", cause: .truncated) }
  }

  func recognize() throws -> ImageFormat {
    let bytes = Array(head[..<headCount])
    guard let format = ImageFormat.all.first(where: { $0.codec.recognizes(bytes[...]) }) else {
      let names = ImageFormat.all.map { $0.name.uppercased() }.joined(separator: ", ")
      throw ImbrexError(.input, "not a picture of a known format (\(names))", cause: .unknownFormat)
    }
    return format
  }

  /// Copies a pipe into a temporary file, so that a decoder can go to and fro in it.
  func makeSeekable() throws {
    if lseek(descriptor, 0, SEEK_SET) == 0 { return }
    let spool = try openTemporaryFile()
    do {
      try writeAll(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(head)[..<headCount]), to: spool)
      try copyAll(from: descriptor, to: spool)
    } catch {
      close(spool)
      throw error
    }
    close(descriptor)
    descriptor = spool
  }

  /// Calls a shim's function that opens a reader. The reader must not outlive this.
  func open(
    _ options: ImageReader.Options,
    with shim: (
      UnsafePointer<codec_input>, UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<codec_header>,
      UnsafeMutablePointer<codec_error>
    ) -> Int32
  ) throws -> (handle: OpaquePointer, header: codec_header) {
    var input = input(options)
    var header = codec_header(), handle: OpaquePointer?
    try Codecs.check(.input) { shim(&input, &handle, &header, $0) }
    return (handle!, header)
  }

  private func input(_ options: ImageReader.Options) -> codec_input {
    codec_input(
      fd: descriptor, head: UnsafePointer(head.baseAddress), head_count: headCount,
      max_pixels: UInt64(options.maxPixels), max_memory: UInt64(options.maxMemory),
      is_tolerant: options.isTolerant ? 1 : 0, page: UInt32(options.page))
  }

  /// Refuses rows that are too wide for the memory that is allowed.
  func refuseWide(row byteCount: Int, _ options: ImageReader.Options) throws {
    var input = input(options)
    try Codecs.check(.input) { codec_check_row(&input, byteCount, $0) }
  }

  /// Bytes of the file, if it is one that has a size.
  var byteCount: Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, (status.st_mode & S_IFMT) == S_IFREG else { return nil }
    return Int(status.st_size)
  }
}

/// Writes all bytes to a descriptor.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
  var rest = bytes
  while !rest.isEmpty {
    let count = write(descriptor, rest.baseAddress!, rest.count)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else {
      throw errno == EPIPE
        ? ImbrexError(.closedPipe, "the output has been closed") : ImbrexError(.output, refused: "cannot write")
    }
    rest = UnsafeRawBufferPointer(rebasing: rest[count...])
  }
}

/// Copies a descriptor's remaining bytes to another.
func copyAll(from source: Int32, to target: Int32) throws {
  try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
    while true {
      let count = read(source, buffer.baseAddress!, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw ImbrexError(.input, refused: "cannot read") }
      if count == 0 { return }
      try writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: target)
    }
  }
}
