internal import CodecShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Encodes a picture, row by row, into a file that appears under its name only when it is whole, or into a pipe.
public final class ImageWriter: RowSink, @unchecked Sendable {
  /// How to encode beyond what the metadata say.
  public struct Options: Equatable, Sendable {
    /// JPEG quality 1 … 100; nil: as the input, else 90.
    public var quality: Int?
    /// Deflate level 0 … 9 for PNG and TIFF: 1 and 2 are ISA-L's, the others zlib's; nil: 2.
    public var compressionLevel: Int?
    public init() {}
  }

  /// What the file holds: the nearest that its format can to what was asked for.
  public let description: ImageDescription
  public let format: ImageFormat
  private let file: OutputFile
  private var handle: OpaquePointer?
  /// Compresses on all workers, where the format allows it.
  private var blocks: (any BlockEncoding)?

  /// - Parameters:
  ///   - file: Where to write. Nothing appears there before ``finish()``.
  ///   - picture: What is to be written, if the format can hold it.
  /// - Throws: ``ImbrexError``, also if the format can hold nothing near.
  public init(
    to file: OutputFile, format: ImageFormat, picture: ImageDescription, metadata: Metadata,
    options: Options = Options()
  ) throws {
    self.file = file
    self.format = format
    description = try format.description(holding: picture)
    if format.needsSeeking { try file.makeSeekable() }
    var header = codec_header(description, metadata, netpbmKind: format.netpbmKind)
    var settings = codec_options(
      compression: Int32(options.compressionLevel ?? -1), jpeg_quality: Int32(options.quality ?? 0))
    var error = codec_error()
    let status = metadata.iccProfile.withUnsafeBufferPointer { profile in
      if !profile.isEmpty {
        header.icc_profile = profile.baseAddress
        header.icc_profile_count = profile.count
      }
      return format.codec.create(file.descriptor, &header, &settings, &handle, &error)
    }
    guard status == 0 else {
      file.discard()
      throw ImbrexError(error, .output)
    }
    header.icc_profile = nil  // It has been taken.
    if format == .png && !metadata.isInterlacedPNG {
      let codec = PNGBlocks(description, header: header, options: settings, writer: handle!)
      blocks = BlockEncoder(codec, description)
    } else if format == .tiff, let codec = TIFFBlocks(options: settings, writer: handle!) {
      blocks = BlockEncoder(codec, description)
    }
  }

  deinit { format.codec.discard(handle) }

  public func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    if let blocks { return blocks.write(rows, stride: stride, count: count) }
    var error = codec_error()
    guard format.codec.writeRows(handle!, rows, stride, UInt32(count), &error) == 0 else {
      throw ImbrexError(error, .output)
    }
  }

  /// Writes a whole picture, converted to what the file holds.
  public func write(picture: Picture) throws {
    let target = try picture.converted(to: description)
    try write(target.buffer.base, stride: target.stride, count: description.height)
  }

  public var canTakeRows: Bool { blocks?.canTakeRows ?? true }
  public func takeWork() -> (@Sendable () throws -> Void)? { blocks?.takeWork() }
  public var hasWork: Bool { blocks?.hasWork ?? false }

  /// Completes the file and gives it its name.
  public func finish() throws {
    while let work = takeWork() { try work() }
    var error = codec_error()
    guard format.codec.finish(handle!, &error) == 0 else { throw ImbrexError(error, .output) }
    try file.commit()
  }
}
