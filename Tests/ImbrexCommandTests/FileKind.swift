import Foundation
import Imbrex
import TestSupport
import Testing

/// A kind of file to be filtered: one of TestImages, one of Fixtures/formats.jsonl, or one that is made here.
struct FileKind: CustomTestStringConvertible, Sendable {
  let name: String
  /// Of the same kind of file.
  let fileExtension: String
  /// Of files between two commands, which must hold all that a filter makes.
  let betweenExtension: String
  /// Of the last file: the same kind, unless that loses something.
  var resultExtension: String { fileExtension == "jpg" ? betweenExtension : fileExtension }
  /// Whether the transfer function of `--linear` is one of its colours.
  let takesLinear: Bool
  /// Whether a file can hold its colours as floats.
  let takesFloat: Bool
  /// Whether sobel, edge and blob-detect know what gray it is.
  let hasLuma: Bool
  private let make: @Sendable () throws -> Data
  var testDescription: String { name }

  /// Writes it into a folder; its path.
  func write(in folder: TemporaryFolder, _ name: String = "in") throws -> String {
    let path = folder.path("\(name).\(fileExtension)")
    try make().write(to: URL(fileURLWithPath: path))
    return path
  }

  private init(
    _ name: String, _ fileExtension: String, between: String? = nil, takesLinear: Bool = true, takesFloat: Bool = true,
    hasLuma: Bool = true, _ make: @escaping @Sendable () throws -> Data
  ) {
    (self.name, self.fileExtension, self.make) = (name, fileExtension, make)
    (self.takesLinear, self.takesFloat, self.hasLuma) = (takesLinear, takesFloat, hasLuma)
    betweenExtension = between ?? fileExtension
  }

  /// One of TestImages.
  private static func image(_ name: String, between: String? = nil, takesLinear: Bool = true) -> FileKind {
    FileKind(name, (name as NSString).pathExtension, between: between, takesLinear: takesLinear) {
      try Data(contentsOf: URL(fileURLWithPath: testImage(name)))
    }
  }

  private static func fixture(
    _ name: String, between: String? = nil, takesLinear: Bool = true, takesFloat: Bool = true,
    hasLuma: Bool = true
  ) -> FileKind {
    let format = ["png": "png", "jpeg": "jpg", "tiff": "tif"][name.prefix { $0 != " " }]!
    return FileKind(name, format, between: between, takesLinear: takesLinear, takesFloat: takesFloat, hasLuma: hasLuma)
    { fixtures[name]! }
  }

  private static let fixtures: [String: Data] = {
    struct Line: Decodable {
      let name: String
      let file: Data
    }
    let file = projectFolder.appendingPathComponent("Tests/Fixtures/formats.jsonl")
    let lines = try! Data(contentsOf: file).split(separator: 10).map { try! JSONDecoder().decode(Line.self, from: $0) }
    return Dictionary(uniqueKeysWithValues: lines.map { ($0.name, $0.file) })
  }()

  /// A TIFF of pages that are larger than the fixtures.
  private static func pages(
    _ name: String, _ descriptions: [ImageDescription], compression: Int32 = 8, tile: UInt32 = 0,
    takesLinear: Bool = true
  ) -> FileKind {
    FileKind(name, "tif", takesLinear: takesLinear) {
      let folder = try TemporaryFolder()
      var metadata = Metadata()
      (metadata.tiff.compression, metadata.tiff.predictor) = (compression, 1)
      (metadata.tiff.tileWidth, metadata.tiff.tileHeight) = (tile, tile)
      let pictures = descriptions.enumerated().map { testPicture($1, seed: $0) }
      try writePictures(pictures, to: folder.path("pages.tif"), metadata: metadata)
      return try Data(contentsOf: URL(fileURLWithPath: folder.path("pages.tif")))
    }
  }

  /// A NumPy array.
  private static func array(_ name: String, _ pages: [ImageDescription], takesLinear: Bool = true, hasLuma: Bool = true)
    -> FileKind
  {
    FileKind(name, "npy", takesLinear: takesLinear, hasLuma: hasLuma) {
      let folder = try TemporaryFolder()
      try writePictures(pages.enumerated().map { testPicture($1, seed: $0) }, to: folder.path("array.npy"))
      return try Data(contentsOf: URL(fileURLWithPath: folder.path("array.npy")))
    }
  }

  private static func description(
    _ width: Int, _ height: Int, _ color: ColorModel, _ type: SampleType, alpha: Alpha = .none,
    stored: StoredSamples? = nil
  ) -> ImageDescription {
    ImageDescription(width: width, height: height, color: color, alpha: alpha, sampleType: type, stored: stored)
  }

  /// What holds several pictures, of one size and of many.
  static let multipage: [FileKind] = [
    pages(
      "three equal pages",
      [
        description(61, 47, .rgb, .uint8), description(61, 47, .rgb, .uint8), description(61, 47, .rgb, .uint8),
      ], compression: 5),
    pages(
      "pages of many kinds",
      [
        description(61, 47, .gray, .uint16), description(40, 53, .rgb, .uint8, alpha: .straight),
        description(52, 33, .gray, .float32), description(5, 4, .rgb, .uint16),
      ]),
  ]

  static let all: [FileKind] =
    [
      image("photo.png"), image("noise16.png"), image("gradient.png"), image("gray1.png"), image("palette.png"),
      image("interlaced.png"), image("transparent.png"), image("row.png"), image("column.png"), image("pixel.png"),
      image("rgb-strips-lzw.tif"), image("gray16-tiles-deflate.tif"), image("packbits.tif"), image("float.tif"),
      image("scene.ppm"), image("scene.pam"),
      // A PFM holds floats only, so an edge picture would go through it as floats; in a pipe it would be a PGM.
      image("scene.pfm", between: "tif"),
      image("photo.jpg", between: "tif"), image("cmyk.jpg", between: "tif", takesLinear: false),
      fixture("png type 4 16"), fixture("png palette 4 tRNS"), fixture("png rgb 16 tRNS interlaced"),
      fixture("tiff uint8 tiles"), fixture("tiff int16 tiles"), fixture("tiff float16 tiles"),
      fixture("tiff uint32 tiles"), fixture("tiff float64 tiles"), fixture("tiff int8 lzw predictor"),
      fixture("tiff uint16 planar tiles big-endian"), fixture("tiff uint16 big-endian BigTIFF"),
      fixture("tiff uint8 CMYK", takesLinear: false),
      fixture("tiff uint16 CIELab", takesLinear: false, takesFloat: false),
      fixture("tiff uint16 unassociated alpha"), fixture("tiff uint8 associated alpha"),
      fixture("tiff uint8 alpha before a band"), fixture("tiff uint8 5 bands", takesLinear: false, hasLuma: false),
      fixture("tiff 12 bits"), fixture("tiff group4"), fixture("tiff palette"), fixture("tiff YCbCr 2 x 2"),
      array("npy float64", [description(38, 44, .gray, .float64)]),
      array("npy RGBA", [description(61, 47, .rgb, .uint8, alpha: .straight)]),
      array("npy pages", [description(40, 33, .rgb, .uint16), description(40, 33, .rgb, .uint16)]),
      array(
        "npy int32", [description(38, 44, .gray, .float64, stored: StoredSamples(.signed, bits: 32))]),
      pages("12 bits", [description(61, 87, .gray, .uint16, stored: StoredSamples(.unsigned, bits: 12))]),
      pages("int16", [description(38, 44, .gray, .float32, stored: StoredSamples(.signed, bits: 16))], tile: 16),
    ] + multipage
}
