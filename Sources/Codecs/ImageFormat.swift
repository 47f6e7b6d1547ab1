public import Pictures
import Platform
internal import CodecShims

/// A file format: how it is recognised and named, what it can hold, and the shim functions that read and write it.
///
/// Each format is one file beside this one; ``all`` is the only list of them.
public struct ImageFormat: Sendable {
  /// The name that `--format` takes, lower case.
  public let name: String
  /// File name extensions, lower case, without the dot; the first is the usual one.
  public let extensions: [String]
  /// Whether a file may only be read, and written, with seeking.
  let needsSeeking: Bool
  /// Whether a file that begins with these bytes is of this format.
  let recognizes: @Sendable (ArraySlice<UInt8>) -> Bool
  /// The nearest description that a file can hold, or nil if nothing near can be held.
  let nearest: @Sendable (ImageDescription) -> ImageDescription?
  let codec: Codec
  /// For the Netpbm family, which member is written.
  var netpbmKind = codec_pnm_pam

  public static let all: [ImageFormat] = [.png, .jpeg, .tiff, .pam, .pnm, .pfm]

  /// The format with a name or an extension, in any case.
  public init?(named name: String) {
    let name = name.lowercased()
    guard let format = Self.all.first(where: { $0.name == name || $0.extensions.contains(name) }) else { return nil }
    self = format
  }

  /// The format that a path's extension stands for.
  public init?(path: String) {
    guard let dot = path.lastIndex(of: "."), !path[dot...].contains("/") else { return nil }
    guard let format = Self(named: String(path[path.index(after: dot)...])) else { return nil }
    self = format
  }

  init(
    name: String, extensions: [String], needsSeeking: Bool = false,
    recognizes: @escaping @Sendable (ArraySlice<UInt8>) -> Bool,
    nearest: @escaping @Sendable (ImageDescription) -> ImageDescription?, codec: Codec
  ) {
    self.name = name
    self.extensions = extensions
    self.needsSeeking = needsSeeking
    self.recognizes = recognizes
    self.nearest = nearest
    self.codec = codec
  }

  /// Bytes at a file's beginning that tell its format.
  static let signatureLength = 16

  /// What a file of this format holds of a picture: itself, or the nearest it can.
  ///
  /// - Throws: ``ImbrexError`` if the format can hold nothing near it.
  public func description(holding picture: ImageDescription) throws -> ImageDescription {
    guard let result = nearest(picture) else {
      let what =
        picture.extraBands > 0
        ? "\(picture.channels) bands" : picture.color == .lab ? "Lab colour" : "\(picture.sampleTypeName) samples"
      throw ImbrexError(.output, "\(name.uppercased()) cannot hold \(what): use TIFF")
    }
    return result
  }

  /// The nearest of a picture without bands of no known meaning, in gray or RGB, that is not a TIFF.
  ///
  /// - Parameter color: Also held: CMYK.
  static func simple(_ picture: ImageDescription, holdsCMYK: Bool = false) -> ImageDescription? {
    guard picture.extraBands == 0 && picture.color != .lab else { return nil }
    var result = picture
    result.stored = nil
    if picture.color == .cmyk && !holdsCMYK { result.color = .rgb }
    if picture.sampleType.isFloat { result.sampleType = .uint16 }
    if picture.alpha == .premultiplied { result.alpha = .straight }
    return result
  }

  /// Whether a file can hold several pictures.
  public var holdsPages: Bool { codec.pages != nil }
  /// Whether a file can say how its picture is turned.
  public var holdsOrientation: Bool { name == "tiff" || name == "jpeg" || name == "png" }

  /// The format in which a picture goes into a pipe when none is asked for: this one, or of the Netpbm family the
  /// member that holds it.
  public func holding(_ picture: ImageDescription) -> ImageFormat {
    guard name == "pnm" || name == "pam" || name == "pfm" else { return self }
    if picture.sampleType.isFloat { return .pfm }
    return picture.alpha != .none || name == "pam" ? .pam : .pnm
  }

  public var canHoldFloat: Bool {
    let picture = ImageDescription(width: 1, height: 1, color: .gray, sampleType: .float32)
    return nearest(picture)?.sampleType == .float32
  }
}

extension ImageFormat: Equatable {
  public static func == (a: ImageFormat, b: ImageFormat) -> Bool { a.name == b.name }
}

/// The shim functions of one format, with its handles as opaque pointers.
struct Codec: Sendable {
  typealias Rows =
    @Sendable (OpaquePointer, UnsafeMutableRawPointer, Int, UInt32, UnsafeMutablePointer<codec_error>) -> Int32

  var open:
    @Sendable (
      UnsafePointer<codec_input>, UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<codec_header>,
      UnsafeMutablePointer<codec_error>
    ) -> Int32
  var readRows: Rows
  var damage: @Sendable (OpaquePointer) -> UnsafePointer<codec_error>
  var close: @Sendable (OpaquePointer?) -> Void
  var create:
    @Sendable (
      Int32, UnsafePointer<codec_header>, UnsafePointer<codec_options>, UnsafeMutablePointer<OpaquePointer?>,
      UnsafeMutablePointer<codec_error>
    ) -> Int32
  var writeRows: @Sendable (OpaquePointer, UnsafeRawPointer, Int, UInt32, UnsafeMutablePointer<codec_error>) -> Int32
  var finish: @Sendable (OpaquePointer, UnsafeMutablePointer<codec_error>) -> Int32
  var discard: @Sendable (OpaquePointer?) -> Void
  /// Where a file can hold several pictures.
  var pages: Pages?
  /// Where notes can stand behind the picture.
  var lateNotes: LateNotes?

  struct Pages: Sendable {
    var next: @Sendable (OpaquePointer, UnsafeMutablePointer<codec_header>, UnsafeMutablePointer<codec_error>) -> Int32
    var start:
      @Sendable (
        OpaquePointer, UnsafePointer<codec_header>, UnsafePointer<codec_options>, UnsafeMutablePointer<codec_error>
      ) -> Int32
  }

  struct LateNotes: Sendable {
    var get: @Sendable (OpaquePointer, UnsafeMutablePointer<Int>) -> UnsafePointer<codec_note>?
    var add: @Sendable (OpaquePointer, UnsafePointer<codec_note>?, Int) -> Void
  }
}
