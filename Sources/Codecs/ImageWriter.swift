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

/// Encodes a picture, row by row, into a file that appears under its name only when it is whole, or into a pipe; page
/// after page where the format holds several.
public final class ImageWriter: RowSink, @unchecked Sendable {
  /// How to encode beyond what the metadata say.
  public struct Options: Equatable, Sendable {
    /// JPEG quality 1 … 100; nil: as the input, else 90.
    public var quality: Int?
    /// Deflate level 0 … 9 for PNG and TIFF: 1 and 2 are ISA-L's, the others zlib's; nil: 2.
    public var compressionLevel: Int?
    /// Zstandard's level 1 … 22; nil: 9.
    public var zstdLevel: Int?
    /// How a TIFF is compressed; nil: as the input.
    public var compression: TIFFCompression?
    /// How a TIFF is cut; nil: as the input.
    public var cut: TIFFCut?
    /// What becomes of the reduced versions of a TIFF's pages.
    public var levels = TIFFLevels.keep
    /// Whether the picture has no more than two values, so that a mean of them would be a third.
    public var isOfTwoValues = false
    /// The sample type to convert to; nil: what is given, or the nearest that the format can hold.
    public var sampleType: SampleType?
    /// Bytes of a picture that its format wants whole (interlaced PNG, PFM into a pipe) that are held in memory.
    public var maxMemory = defaultMaxMemory()
    /// Bytes that all pages together may take; more than 4 GB needs a BigTIFF.
    public var expectedByteCount = 0
    /// All as the input has it, or the format's defaults.
    public init() {}
  }

  /// What the file holds: the nearest that its format can to what was asked for.
  public private(set) var description: ImageDescription
  /// The format that is written.
  public let format: ImageFormat
  /// What the file holds otherwise than it was asked for, beside ``description``: a compression that does not go with
  /// the picture. Each line once.
  public private(set) var notes: [String] = []
  private let file: OutputFile
  private let options: Options
  private let encoder: any PictureEncoder
  /// Compresses on all workers, where the format allows it.
  private var blocks: (any BlockEncoding)?
  private var levels: LevelCascade?
  /// Of the last page.
  private var change: PictureChange?

  /// - Parameters:
  ///   - file: Where to write. Nothing appears there before ``finish(after:)``.
  ///   - format: The file's.
  ///   - picture: What is to be written, if the format can hold it.
  ///   - metadata: What goes with the picture, and how it is compressed and laid out.
  ///   - input: What the metadata were read with; nil: the same as `picture`.
  ///   - change: What the picture has become since, so that the metadata can be made true; nil: they are true of it.
  ///   - options: What is asked for beside that: quality, compression, sample type.
  /// - Throws: ``ImbrexError``, also if the format can hold nothing near.
  public init(
    to file: OutputFile, format: ImageFormat, picture: ImageDescription, metadata: Metadata,
    input: ImageDescription? = nil, change: PictureChange? = nil, options: Options = Options()
  ) throws {
    self.file = file
    self.change = change
    self.format = format
    self.options = options
    description = try Self.description(of: picture, in: format, options)
    if format.codec.needsSeeking { try file.makeSeekable() }
    do {
      let page = try Self.page(description, in: format, metadata, input: input ?? picture, change, options)
      encoder = try format.codec.encoder(to: file.descriptor, page)
    } catch {
      file.discard()
      throw error
    }
    blocks = encoder.blocks(nil)
    do {
      levels = try encoder.levels()
    } catch {
      file.discard()
      throw error
    }
    takeNotes()
  }

  private func takeNotes() {
    for note in encoder.notes where !notes.contains(note) { notes.append(note) }
  }

  /// What a file of this format holds of a picture, in the sample type that is asked for.
  public static func description(
    of picture: ImageDescription, in format: ImageFormat, _ options: Options
  ) throws -> ImageDescription {
    var wanted = picture
    if let type = options.sampleType { wanted.sampleType = type }
    let held = try format.description(holding: wanted)
    if let type = options.sampleType, held.sampleType != type {
      throw ImbrexError(option: "bit-depth", "is \(type.rawValue), but \(format.title) cannot hold such samples")
    }
    return held
  }

  /// Completes the page and begins the next, which may be of another size and type.
  public func startPage(
    _ picture: ImageDescription, metadata: Metadata, input: ImageDescription? = nil, change: PictureChange? = nil
  ) throws {
    guard format.holdsPages else {
      throw ImbrexError(.output, "a \(format.title) holds one picture only", cause: .unsupported)
    }
    try finishBlocks()
    description = try Self.description(of: picture, in: format, options)
    self.change = change
    try encoder.startPage(
      Self.page(description, in: format, metadata, input: input ?? picture, change, options))
    blocks = encoder.blocks(nil)
    levels = try encoder.levels()
    takeNotes()
  }

  private static func page(
    _ description: ImageDescription, in format: ImageFormat, _ metadata: Metadata, input: ImageDescription,
    _ change: PictureChange?, _ options: Options
  ) throws -> PageHeader {
    var metadata = change.map { metadata.after($0, as: description) } ?? metadata
    let isSameKind = description.color == input.color && description.sampleType == input.sampleType
    // An error in the input's units says nothing of samples of another type.
    if !isSameKind || description.stored != input.stored { metadata.tiff.lercError = 0 }
    try options.apply(to: &metadata, in: format)
    let isAlone = (change?.pages.count ?? 1) == 1
    try options.setCompanions(of: &metadata, for: description, change, isAlone: isAlone, in: format)
    let all = metadata.tiff.companions.isEmpty ? description.byteCount : description.byteCount / 3 * 4
    var page = PageHeader(
      description, metadata, items: format.codec.items(of: metadata, isSameKind: isSameKind),
      options: codec_options(
        compression: Int32(options.compressionLevel ?? -1), zstd_level: Int32(options.zstdLevel ?? 0),
        jpeg_quality: Int32(options.quality ?? 0),
        needs_big_tiff: max(options.expectedByteCount, all) > 3_900_000_000 ? 1 : 0,
        max_memory: UInt64(options.maxMemory)))
    if let change, change.knowsPages { page.header.page_count = UInt32(change.pages.count) }
    page.isOfTwoValues = options.isOfTwoValues
    if metadata.tiff.companions.contains(where: { $0.role == .mask }) { page.mask = try change?.ownMask() }
    page.mayHaveCompanions = !isAlone && format.name == "tiff" && options.levels != .drop
    page.beginsContiguousStack = page.isStackOfImageJ && page.companions.isEmpty && !page.isCloudOptimized
    try options.checkCompression(page)
    return page
  }

  public func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    try levels?.write(rows, stride: stride, count: count)
    if let blocks { return blocks.write(rows, stride: stride, count: count) }
    try encoder.write(rows, stride: stride, count: count)
  }

  /// Writes a whole picture, which must be what the file holds: ``description``.
  public func write(_ picture: Picture) throws {
    precondition(picture.description == description)
    try write(picture.buffer.base, stride: picture.stride, count: description.height)
  }

  public var canTakeRows: Bool { (blocks?.canTakeRows ?? true) && (levels?.canTakeRows ?? true) }
  public func takeWork() -> (@Sendable () throws -> Void)? { blocks?.takeWork() ?? levels?.takeWork() }
  public var hasWork: Bool { (blocks?.hasWork ?? false) || (levels?.hasWork ?? false) }

  // MARK: - Parts

  /// Rows of which a part of the page must begin at a multiple to be encoded by itself; nil: it cannot be, or levels are
  /// made of its rows.
  public var rowsPerSegment: Int? { levels == nil ? blocks?.rowsPerSegment : nil }

  /// Encodes some rows of the page by themselves, as they will stand in a file of this kind; this writer's own file is left as it is.
  ///
  /// - Parameters:
  ///   - rows: Beginning at a multiple of ``rowsPerSegment``.
  ///   - file: What ``append(_:)`` of another such writer takes.
  public func part(_ rows: Range<Int>, to file: PartFile) -> PartSink {
    precondition(rowsPerSegment.map { rows.lowerBound % $0 == 0 } ?? false, "a part begins where a segment does")
    return PartSink(self, encoder.blocks(PartTarget(rows: rows, file: file))!)
  }

  /// Appends rows that were encoded by themselves, instead of ``write(_:stride:count:)``: those that come next.
  public func append(_ part: PartFile) throws { try blocks!.append(part) }

  /// Rows of which a part of the page that is a file of the same kind, and settings, must begin at a multiple to be joined as it is;
  /// nil: it cannot be.
  public var rowsPerJoint: Int? { blocks == nil && levels == nil ? encoder.rowsPerJoint : nil }

  /// Appends such a file, instead of ``write(_:stride:count:)``: the rows that come next.
  ///
  /// - Parameter path: Of a file with a ``PartSeal``.
  public func append(file path: String, rows: Int) throws {
    try PartSeal.check(path)
    let descriptor = openFile(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ImbrexError(.input, "cannot open \(path): \(systemMessage())") }
    defer { close(descriptor) }
    try encoder.append(file: descriptor, rows: rows)
  }

  /// Completes the file and gives it its name.
  ///
  /// - Parameter reader: Where the picture came from; what stands behind it in its file is written too.
  public func finish(after reader: ImageReader? = nil) throws {
    try complete(after: reader)
    try commit()
  }

  /// Completes the file, which has no name yet; ``commit()`` gives it one.
  public func complete(after reader: ImageReader? = nil) throws {
    try finishBlocks()
    var late = Metadata()
    late.items = reader.map { $0.format == format ? $0.lateItems : [] } ?? []
    if var change {
      // They are of the file; what made the picture is said before it.
      change.provenance = nil
      change.firstPage = nil
      late = late.after(change, as: description)
    }
    try encoder.finish(lateItems: late.items)
    takeNotes()
  }

  /// Gives the complete file its name.
  public func commit() throws { try file.commit() }

  private func finishBlocks() throws {
    while let work = takeWork() { try work() }
    try encoder.endPage(levels: levels?.finish() ?? [])
    levels = nil
    takeNotes()
  }
}

/// Takes some rows of a page, see ``ImageWriter/part(_:to:)``.
public final class PartSink: RowSink, Sendable {
  /// Whose encoder it is.
  private let writer: ImageWriter
  private let blocks: any BlockEncoding

  fileprivate init(_ writer: ImageWriter, _ blocks: any BlockEncoding) { (self.writer, self.blocks) = (writer, blocks) }

  public func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    blocks.write(rows, stride: stride, count: count)
  }

  public var canTakeRows: Bool { blocks.canTakeRows }
  public func takeWork() -> (@Sendable () throws -> Void)? { blocks.takeWork() }
  public var hasWork: Bool { blocks.hasWork }

  /// Ends the part's file.
  public func finish() throws {
    while let work = takeWork() { try work() }
    try blocks.finishPart()
  }
}
