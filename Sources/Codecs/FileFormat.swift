import Pictures
import Platform

internal import CodecShims

/// What a format knows of itself. Each is a type in a file of its own, and has an entry in ``ImageFormat/all``; nothing
/// else names it.
protocol FileFormat: Sendable {
  var name: String { get }
  var extensions: [String] { get }
  /// Whether a file may only be read, and written, with seeking.
  var needsSeeking: Bool { get }
  var holdsPages: Bool { get }
  var holdsOrientation: Bool { get }
  /// Whether samples come back otherwise than they were written.
  var isLossy: Bool { get }
  /// Whether items may stand behind the picture.
  var hasLateItems: Bool { get }
  /// Whether a file that begins with these bytes is of this format.
  func recognizes(_ head: ArraySlice<UInt8>) -> Bool
  /// The nearest description that a file can hold, or nil if nothing near can be held.
  func nearest(_ picture: ImageDescription) -> ImageDescription?
  /// The member of this format's family that holds a picture.
  func member(holding picture: ImageDescription) -> any FileFormat
  /// The items that a file can take, and what those of other formats amount to in it.
  ///
  /// - Parameter isSameKind: Whether colour and depth are those of the input.
  func items(of metadata: Metadata, isSameKind: Bool) -> [MetadataItem]
  /// How a picture is compressed and laid out in its file.
  func fields(_ picture: ImageDescription, _ metadata: Metadata) -> [FileField]
  /// Opens a file, which the decoder keeps, and reads its header.
  func decoder(of file: InputFile, _ options: ImageReader.Options) throws -> any PictureDecoder
  /// Begins a file at the descriptor's position.
  func encoder(to descriptor: Int32, _ page: PageHeader) throws -> any PictureEncoder
  /// Of the mask that a page has beside it in its file; nil if there is none.
  func maskDecoder(of file: InputFile, _ page: Int) throws -> (any PictureDecoder)?
}

extension FileFormat {
  var needsSeeking: Bool { false }
  var holdsPages: Bool { false }
  var holdsOrientation: Bool { false }
  var isLossy: Bool { false }
  var hasLateItems: Bool { false }
  func member(holding picture: ImageDescription) -> any FileFormat { self }
  func maskDecoder(of file: InputFile, _ page: Int) throws -> (any PictureDecoder)? { nil }
}

extension ImageDescription {
  /// The nearest without bands of no known meaning, in gray or RGB (or CMYK), of unsigned integers, with straight alpha:
  /// what formats simpler than TIFF hold. Nil if that is not near.
  func simplified(holdsCMYK: Bool = false) -> ImageDescription? {
    guard extraBands == 0 && color != .lab else { return nil }
    var result = self
    result.stored = nil
    if color == .cmyk && !holdsCMYK { result.color = .rgb }
    if sampleType.isFloat { result.sampleType = .uint16 }
    if alpha == .premultiplied { result.alpha = .straight }
    return result
  }
}

/// Decodes the pictures of one file; owns the shim's handle.
protocol PictureDecoder: AnyObject {
  /// Of the current page; its pointers are valid until the next.
  var header: codec_header { get }
  /// Reads only a window of the current page from now on, without what is beside it; false, and nothing has changed, if
  /// the file can only be read from the top.
  func select(_ window: Region) throws -> Bool
  /// Writes the next rows of the page, or of the window.
  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws
  /// Goes on to the next page; false if there is none.
  func nextPage() throws -> Bool
  /// Whether something that is no picture comes behind the last; to be asked when there is no further page.
  var trails: Bool { get }
  /// What was wrong with the rows read so far, if it was tolerated.
  var damage: codec_error { get }
  /// Items that stand behind the picture, once all rows are read.
  var lateItems: [MetadataItem] { get }
  /// What goes with the current page; told before its first row is read.
  func complete(_ metadata: inout Metadata)
  /// Pictures in the file that are neither pages nor go with one.
  var leftOut: Int { get }
}

extension PictureDecoder {
  func select(_ window: Region) throws -> Bool { false }
  func nextPage() throws -> Bool { false }
  var trails: Bool { false }
  func complete(_ metadata: inout Metadata) {}
  var leftOut: Int { 0 }
  var lateItems: [MetadataItem] { [] }
}

/// Encodes pictures into one file; owns the shim's handle, and without ``finish(lateItems:)`` writes nothing more when it
/// goes.
protocol PictureEncoder: AnyObject {
  /// Compresses the current page's rows on all workers, where that can be done; they then come by that way.
  ///
  /// - Parameter part: Some of the rows, which are encoded by themselves into a file of their own; nil: all of them.
  func blocks(_ part: PartTarget?) -> (any BlockEncoding)?
  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws
  /// Rows of which a part that is a file of the same kind must begin at a multiple, so that it can be appended as it is; nil: it cannot.
  var rowsPerJoint: Int? { get }
  /// Appends a file of such rows.
  func append(file descriptor: Int32, rows: Int) throws
  /// What the current page holds otherwise than it was asked for, in lines for people.
  var notes: [String] { get }
  /// Makes the current page's levels of its rows, where it is to have some.
  func levels() throws -> LevelCascade?
  /// All rows of the page are written; before the next page begins, or the file ends.
  func endPage(levels: [LevelCascade.Made]) throws
  /// Completes the page and begins the next; only of formats that hold several.
  func startPage(_ page: PageHeader) throws
  /// - Parameter lateItems: What stood behind the picture in a file of this format.
  func finish(lateItems: [MetadataItem]) throws
}

extension PictureEncoder {
  func blocks(_ part: PartTarget?) -> (any BlockEncoding)? { nil }
  var rowsPerJoint: Int? { nil }
  func append(file descriptor: Int32, rows: Int) throws { preconditionFailure("files of this kind cannot be joined") }
  var notes: [String] { [] }
  func levels() throws -> LevelCascade? { nil }
  func endPage(levels: [LevelCascade.Made]) throws {}
  func startPage(_ page: PageHeader) throws { preconditionFailure("the format holds one picture only") }
}

/// Something that a file says of how it is made, for people and for programs.
package struct FileField: Sendable {
  package enum Value: Sendable {
    case text(String)
    case number(Double)
    case flag(Bool)
    /// Pixels.
    case extent(width: Int, height: Int)
    case list([Value])
  }

  /// Lower case with underscores.
  package let name: String
  package let value: Value

  package init(_ name: String, _ value: Value) { (self.name, self.value) = (name, value) }
}
