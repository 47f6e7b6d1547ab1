public import Pictures

import Platform

/// A file format: how it is recognised and named, and what it can hold.
public struct ImageFormat: Sendable {
  let codec: any FileFormat

  /// The only list of formats, in the order in which files are recognised.
  public static let all = [
    ImageFormat(PNG()), ImageFormat(JPEG()), ImageFormat(TIFF()), ImageFormat(Netpbm.pam), ImageFormat(Netpbm.pnm),
    ImageFormat(Netpbm.pfm), ImageFormat(NPY()),
  ]

  private init(_ codec: any FileFormat) { self.codec = codec }

  /// The name that `--format` takes, lower case.
  public var name: String { codec.name }
  /// File name extensions, lower case, without the dot; the first is the usual one.
  public var extensions: [String] { codec.extensions }
  /// The name for messages.
  var title: String { name.uppercased() }

  /// The format with a name or an extension, in any case.
  public init?(named name: String) {
    let name = name.lowercased()
    guard let format = Self.all.first(where: { $0.name == name || $0.extensions.contains(name) }) else { return nil }
    self = format
  }

  /// The format that a path's extension stands for.
  public init?(path: String) {
    self.init(nameBytes: path.utf8)
  }

  /// Bytes at a file's beginning that tell its format.
  static let signatureLength = 16

  /// What a file of this format holds of a picture: itself, or the nearest it can.
  ///
  /// - Throws: ``ImbrexError`` if the format can hold nothing near it.
  public func description(holding picture: ImageDescription) throws -> ImageDescription {
    guard let result = codec.nearest(picture) else {
      if picture.color == .lab && picture.sampleType.isFloat {
        throw ImbrexError(.output, "no format holds Lab colour in floating-point samples: only integers in a TIFF")
      }
      let what =
        picture.extraBands > 0
        ? "\(picture.channels) bands" : picture.color == .lab ? "Lab colour" : "\(picture.sampleTypeName) samples"
      throw ImbrexError(.output, "\(title) cannot hold \(what): use TIFF", cause: .unsupported)
    }
    return result
  }

  /// Whether a file can hold several pictures.
  public var holdsPages: Bool { codec.holdsPages }
  /// Whether a file can say how its picture is turned.
  public var holdsOrientation: Bool { codec.holdsOrientation }
  /// Whether samples come back otherwise than they were written: JPEG.
  public var isLossy: Bool { codec.isLossy }

  /// The format in which a picture goes into a pipe when none is asked for: this one, or of its family the member that
  /// holds it.
  public func holding(_ picture: ImageDescription) -> ImageFormat { ImageFormat(codec.member(holding: picture)) }

  /// Whether a file keeps 32-bit float samples as they are: TIFF, PFM and NumPy arrays.
  public var canHoldFloat: Bool {
    let picture = ImageDescription(width: 1, height: 1, color: .gray, sampleType: .float32)
    return codec.nearest(picture)?.sampleType == .float32
  }
}

extension ImageFormat: Equatable {
  /// Formats are told apart by their names.
  public static func == (a: ImageFormat, b: ImageFormat) -> Bool { a.name == b.name }
}
