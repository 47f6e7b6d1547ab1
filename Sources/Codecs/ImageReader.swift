public import Pictures
import Platform
internal import CodecShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Decodes a picture, row by row, from a file or a pipe; page after page where there are several.
public final class ImageReader: RowSource, @unchecked Sendable {
  /// What to take from a file, and what to refuse.
  public struct Options: Equatable, Sendable {
    /// A header that claims more pixels is refused before anything is allocated.
    public var maxPixels = 1_000_000_000
    /// Bytes that a decoder may hold where it cannot stream; more is spilled or refused.
    public var maxMemory = defaultMaxMemory()
    /// Damaged and cut files are read as far as they go, the rest is black; see ``ImageReader/damage``.
    public var isTolerant = false
    /// The first page to read, from 0.
    public var page = 0
    public init() {}
  }

  // Of the current page.
  public private(set) var description: ImageDescription
  public private(set) var metadata: Metadata
  /// Whether rows come as the file is read; otherwise the decoder holds the whole picture.
  public private(set) var decodesInOrder: Bool
  /// Bits a sample, and the name of the colours, as they are in the file.
  public private(set) var fileBits: Int
  public private(set) var fileColor: String

  public let format: ImageFormat
  /// Pages in the file.
  public let pageCount: Int
  /// Pictures in the file that are no pages but reduced versions or masks of one; they are passed over.
  public let passedOver: Int

  private let descriptor: Int32
  /// Bytes read to recognise the format; the shim's handle points into them.
  private let head: UnsafeMutableBufferPointer<UInt8>
  private let handle: OpaquePointer

  /// Opens a file and reads its header.
  ///
  /// - Parameters:
  ///   - path: A path, or `-` for standard input.
  ///   - options: Limits, and which pages.
  /// - Throws: ``ImbrexError`` if it cannot be read, is no picture, or is a kind of picture that is not supported.
  public convenience init(path: String, options: Options = Options()) throws {
    if path == "-" {
      try self.init(descriptor: dup(0), options: options)
    } else {
      let descriptor = openFile(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw ImbrexError(.input, "cannot open: \(systemMessage())") }
      try self.init(descriptor: descriptor, options: options)
    }
  }

  /// Takes over a descriptor, which is closed at the end even if this throws.
  init(descriptor: Int32, options: Options) throws {
    var opened = OpenInput(descriptor: descriptor)
    do {
      guard descriptor >= 0 else { throw ImbrexError(.input, systemMessage()) }
      try opened.readHead()
      let format = try opened.recognize()
      if format.needsSeeking { try opened.makeSeekable() }
      guard options.page == 0 || format.holdsPages else {
        throw ImbrexError(
          .noPage, "there is no page \(options.page + 1): a \(format.name.uppercased()) holds one picture")
      }
      var input = codec_input(
        fd: opened.descriptor, head: UnsafePointer(opened.head.baseAddress), head_count: opened.headCount,
        max_pixels: UInt64(options.maxPixels), max_memory: UInt64(options.maxMemory),
        is_tolerant: options.isTolerant ? 1 : 0, page: UInt32(options.page))
      var header = codec_header(), error = codec_error(), handle: OpaquePointer?
      guard format.codec.open(&input, &handle, &header, &error) == 0, let handle else {
        throw ImbrexError(error, .input)
      }
      self.handle = handle
      self.format = format
      description = ImageDescription(header)
      metadata = Metadata(header)
      decodesInOrder = header.in_order != 0
      (fileBits, fileColor) = header.fileSamples
      pageCount = max(Int(header.page_count), 1)
      passedOver = Int(header.tiff_left_out)
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

  /// Goes on to the next page, whose rows come next; false if there is none.
  ///
  /// - Throws: ``ImbrexError`` as `init` does.
  public func nextPage() throws -> Bool {
    guard let pages = format.codec.pages else { return false }
    var header = codec_header(), error = codec_error()
    guard pages.next(handle, &header, &error) == 0 else {
      let failure = ImbrexError(error, .input)
      if failure.code == .noPage { return false }
      throw failure
    }
    description = ImageDescription(header)
    metadata = Metadata(header)
    decodesInOrder = header.in_order != 0
    (fileBits, fileColor) = header.fileSamples
    return true
  }

  /// Bytes of the file, if it is one that has a size.
  public var byteCount: Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, (status.st_mode & S_IFMT) == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// What was wrong with the rows read so far, if it was tolerated.
  public var damage: String? {
    let error = format.codec.damage(handle).pointee
    return error.status == 0 ? nil : ImbrexError(error, .input).message
  }

  /// Notes that stand behind the picture; to be asked for when all rows are read.
  var lateNotes: [Note] {
    guard let lateNotes = format.codec.lateNotes else { return [] }
    var count = 0
    let list = lateNotes.get(handle, &count)
    return UnsafeBufferPointer(start: list, count: count).compactMap(Note.init)
  }
}

extension codec_header {
  /// Bits a sample and the colour's name in the file; of Netpbm's formats what is in memory.
  fileprivate var fileSamples: (Int, String) {
    let description = ImageDescription(self)
    let bits = file_bits > 0 ? Int(file_bits) : 8 * description.sampleType.byteCount
    let alpha = description.alpha == .none ? "" : " + alpha"
    return (bits, file_color.map { String(cString: $0) } ?? description.color.rawValue + alpha)
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
