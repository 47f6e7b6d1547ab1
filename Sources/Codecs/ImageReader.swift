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
    /// What of the picture counts, beside ``masks``.
    public var nodata = Nodata.asInFile
    /// What else does not count: a mask for all pages, or, if there are as many, for each its own.
    public var masks: [Mask] = []
    /// Whether a mask that the file has is left unread.
    public var passesMasksBy = false
    /// The defaults: the first page, a billion pixels at most, a quarter of the machine's memory, damage refused.
    public init() {}
  }

  /// What stands for no data.
  public enum Nodata: Equatable, Sendable {
    /// What the file says: the number of GDAL's tag, and a TIFF's mask.
    case asInFile
    case number(Double)
    /// Every NaN.
    case nan
    /// Nothing does, whatever the file says.
    case none
  }

  /// The format, as the file's first bytes tell it, whatever its name says.
  public let format: ImageFormat
  /// Pages in the file; nil where that shows only at its end: a stream of Netpbm pictures.
  public let pageCount: Int?
  /// Pictures in the file that are neither pages nor go with one (``Metadata/TIFFLayout/companions``).
  public let leftOut: Int

  /// What the file says of the current page.
  private struct Page {
    var description: ImageDescription
    let metadata: Metadata
    let decodesInOrder: Bool
    let fileBits: Int
    let fileColor: String

    init(_ decoder: any PictureDecoder) {
      let header = decoder.header
      var metadata = Metadata(header)
      decoder.complete(&metadata)
      self.metadata = metadata
      description = ImageDescription(header)
      decodesInOrder = header.in_order != 0
      // Of Netpbm's formats what is in memory.
      fileBits = header.file_bits > 0 ? Int(header.file_bits) : 8 * description.sampleType.byteCount
      let alpha = description.alpha == .none ? "" : " + alpha"
      fileColor = header.file_color.map { String(cString: $0) } ?? description.color.rawValue + alpha
    }
  }

  /// What the file's first page says, where another is the current one.
  public private(set) var firstPage: Metadata?

  private var page: Page
  let file: InputFile
  let options: Options
  /// Of the file, from 0.
  private(set) var pageIndex: Int
  let decoder: any PictureDecoder
  /// Of the current page, if a window of it is read and the decoder only reads from the top.
  private var cropper: RowCropper?

  public var description: ImageDescription { page.description }
  /// What the file says beside the samples, of the current page.
  public var metadata: Metadata { page.metadata }
  /// Whether rows come as the file is read; otherwise the decoder holds the whole picture.
  public var decodesInOrder: Bool { page.decodesInOrder }
  /// Bits a sample, and the name of the colours, as they are in the file.
  public var fileBits: Int { page.fileBits }
  /// The name of the colours in the file, such as `RGB`, `YCbCr` or `palette`; for people, not for programs.
  public var fileColor: String { page.fileColor }

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
      guard descriptor >= 0 else { throw ImbrexError(.input, refused: "cannot open") }
      try self.init(descriptor: descriptor, options: options)
    }
  }

  /// Takes over a descriptor, which is closed at the end even if this throws.
  init(descriptor: Int32, options: Options) throws {
    file = try InputFile(descriptor)
    format = try file.recognize()
    if format.codec.needsSeeking { try file.makeSeekable() }
    guard options.page == 0 || format.holdsPages else {
      throw ImbrexError(.noPage, "there is no page \(options.page + 1): a \(format.title) holds one picture")
    }
    // A stream can be read once, and no picture of it speaks for others.
    if options.page > 0 && format.codec.needsSeeking {
      var first = options
      first.page = 0
      firstPage = (try? format.codec.decoder(of: file, first)).map { Metadata($0.header) }
    } else {
      firstPage = nil
    }
    decoder = try format.codec.decoder(of: file, options)
    page = Page(decoder)
    pageIndex = options.page
    let count = Int(decoder.header.page_count)
    pageCount = count > 0 ? count : format.holdsPages ? nil : 1
    leftOut = decoder.leftOut
    self.options = options
    try checkRow()
    page.description.validity = try validity(of: options.page)
  }

  /// A run holds several rows, however low the picture is.
  private func checkRow() throws {
    try file.refuseWide(row: description.bytesPerRow, options)
  }

  public func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    guard let cropper else { return try decoder.read(into: rows, stride: stride, count: count) }
    try cropper.read(into: rows, stride: stride, count: count, from: decoder.read)
  }

  /// Reads only a window of the current page from now on.
  ///
  /// TIFFs are read where the window is: uncompressed strips the wanted bytes alone, other strips and tiles those that it
  /// touches; Netpbm's binary files likewise, if they are files and no pipes. Of other formats all rows above the
  /// window are decoded, and dropped.
  public func select(_ window: Region) throws {
    window.checkLies(in: description)
    if try !decoder.select(window) { cropper = RowCropper(window, of: description) }
  }

  /// Whether the window that has been selected is found by reading all above it.
  public var readsFromTop: Bool { cropper != nil }

  /// Goes on to the next page, whose rows come next; false if there is none.
  ///
  /// - Throws: ``ImbrexError`` as `init` does.
  public func nextPage() throws -> Bool {
    guard try decoder.nextPage() else { return false }
    cropper = nil
    if firstPage == nil && format.codec.needsSeeking { firstPage = page.metadata }
    page = Page(decoder)
    pageIndex += 1
    try checkRow()
    page.description.validity = try validity(of: pageIndex)
    return true
  }

  /// How many images ImageJ says there are, where only one has a directory and the others' data lies behind its own; else nil.
  public var imagesWithoutDirectory: Int? {
    guard pageCount == 1, metadata.tiff.compression <= 1,
      let item = metadata.items.first(where: { $0.kind == .tiff && $0.tag == MetadataItem.descriptionTag }),
      ImageJDescription.isOne(item.text)
    else { return nil }
    let count = ImageJDescription.imageCount(item.text)
    // One that has lost the others says so too, but has no data for them.
    let picture = description
    let one = Double(picture.width) * Double(picture.height) * Double(picture.channels * fileBits) / 8
    guard count > 1, let byteCount, Double(byteCount) >= one * Double(count) else { return nil }
    return count
  }

  /// Bytes of the file, if it is one that has a size.
  public var byteCount: Int? { file.byteCount }

  /// What was wrong with the rows read so far, if it was tolerated.
  public var damage: String? {
    let error = decoder.damage
    return error.status == 0 ? nil : ImbrexError(error, .input).message
  }

  /// Whether something follows the last page that is none; to be asked when there is no further one.
  package var trails: Bool { decoder.trails }

  /// How the current page is compressed and laid out in its file.
  package var fields: [FileField] { format.codec.fields(description, metadata) }

  /// Whether something may stand behind the picture that a writer's ``ImageWriter/complete(after:)`` takes once all rows are read.
  public var hasLateItems: Bool { format.codec.hasLateItems }
  /// Items that stand behind the picture; to be asked for when all rows are read.
  var lateItems: [MetadataItem] { decoder.lateItems }
}
