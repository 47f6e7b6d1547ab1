internal import CodecShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Decodes a picture, row by row, from a file or a pipe.
public final class ImageReader: RowSource, @unchecked Sendable {
  public let description: ImageDescription
  public let format: ImageFormat
  public let metadata: Metadata
  /// Whether rows come as the file is read; otherwise the decoder holds the whole picture.
  public let decodesInOrder: Bool

  private let descriptor: Int32
  /// Bytes read to recognise the format; the shim's handle points into them.
  private let head: UnsafeMutableBufferPointer<UInt8>
  private let handle: OpaquePointer

  /// Opens a file and reads its header.
  ///
  /// - Parameters:
  ///   - path: A path, or `-` for standard input.
  ///   - maxPixels: A header that claims more pixels is refused before anything is allocated.
  /// - Throws: ``ImbrexError`` if it cannot be read, is no picture, or is a kind of picture that is not supported.
  public convenience init(path: String, maxPixels: Int = 1_000_000_000) throws {
    if path == "-" {
      try self.init(descriptor: dup(0), maxPixels: maxPixels)
    } else {
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw ImbrexError(.input, "cannot open: \(systemMessage())") }
      try self.init(descriptor: descriptor, maxPixels: maxPixels)
    }
  }

  /// Takes over a descriptor, which is closed at the end even if this throws.
  init(descriptor: Int32, maxPixels: Int) throws {
    var opened = OpenInput(descriptor: descriptor)
    do {
      guard descriptor >= 0 else { throw ImbrexError(.input, systemMessage()) }
      try opened.readHead()
      let format = try opened.recognize()
      if format.needsSeeking { try opened.makeSeekable() }
      var input = codec_input(
        fd: opened.descriptor, head: UnsafePointer(opened.head.baseAddress), head_count: opened.headCount,
        max_pixels: UInt64(maxPixels))
      var header = codec_header(), error = codec_error(), handle: OpaquePointer?
      guard format.codec.open(&input, &handle, &header, &error) == 0, let handle else {
        throw ImbrexError(error, .input)
      }
      self.handle = handle
      self.format = format
      description = ImageDescription(header)
      metadata = Metadata(header)
      decodesInOrder = header.in_order != 0
      self.descriptor = opened.descriptor
      head = opened.head
    } catch {
      opened.close()
      throw error
    }
  }

  deinit {
    format.codec.close(handle)
    close(descriptor)
    head.deallocate()
  }

  public func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    var error = codec_error()
    guard format.codec.readRows(handle, rows, stride, UInt32(count), &error) == 0 else {
      throw ImbrexError(error, .input)
    }
  }
}

/// A descriptor and the first bytes read from it.
private struct OpenInput {
  var descriptor: Int32
  let head = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: ImageFormat.signatureLength)
  var headCount = 0

  init(descriptor: Int32) { self.descriptor = descriptor }

  func close() {
    if descriptor >= 0 { _ = systemClose(descriptor) }
    head.deallocate()
  }

  mutating func readHead() throws {
    while headCount < head.count {
      let count = read(descriptor, head.baseAddress! + headCount, head.count - headCount)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw ImbrexError(.input, "cannot read: \(systemMessage())") }
      if count == 0 { break }
      headCount += count
    }
    guard headCount > 0 else { throw ImbrexError(.input, "the file is empty") }
  }

  func recognize() throws -> ImageFormat {
    let bytes = Array(head[..<headCount])
    guard let format = ImageFormat.all.first(where: { $0.recognizes(bytes[...]) }) else {
      let names = ImageFormat.all.map { $0.name.uppercased() }.joined(separator: ", ")
      throw ImbrexError(.input, "not a picture of a known format (\(names))")
    }
    return format
  }

  /// Copies a pipe into a temporary file, so that a decoder can go to and fro in it.
  mutating func makeSeekable() throws {
    if lseek(descriptor, 0, SEEK_SET) == 0 { return }
    let spool = try openTemporaryFile()
    do {
      try writeAll(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(head)[..<headCount]), to: spool)
      try copyAll(from: descriptor, to: spool)
    } catch {
      _ = systemClose(spool)
      throw error
    }
    _ = systemClose(descriptor)
    descriptor = spool
  }
}

// `close` is also a method's name here.
private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }

/// Writes all bytes to a descriptor.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
  var rest = bytes
  while !rest.isEmpty {
    let count = write(descriptor, rest.baseAddress!, rest.count)
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else {
      throw ImbrexError(errno == EPIPE ? .closedPipe : .output, "cannot write: \(systemMessage())")
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
      guard count >= 0 else { throw ImbrexError(.input, "cannot read: \(systemMessage())") }
      if count == 0 { return }
      try writeAll(UnsafeRawBufferPointer(rebasing: buffer[..<count]), to: target)
    }
  }
}
