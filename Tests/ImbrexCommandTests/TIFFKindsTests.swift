import Foundation
import Imbrex
import TestSupport
import Testing

/// TIFFs of unusual kinds: compressions that are kept or said to be changed, and files with holes.
@Suite struct TIFFKindsTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func write(_ file: SparseTIFF, to name: String) throws {
    try Data(file.bytes).write(to: URL(fileURLWithPath: folder.path(name)))
  }

  private func metadata(of name: String) throws -> Metadata { try ImageReader(path: folder.path(name)).metadata }

  // MARK: - Compressions

  struct Kind: CustomTestStringConvertible, Sendable {
    let name: String
    let compression: Int32
    let color: ColorModel
    let type: SampleType
    var testDescription: String { "\(name), \(color) of \(type)" }
  }

  static let kept: [Kind] = [
    Kind(name: "lerc", compression: 34887, color: .gray, type: .uint8),
    Kind(name: "lerc", compression: 34887, color: .rgb, type: .uint16),
    Kind(name: "lerc", compression: 34887, color: .gray, type: .float32),
    Kind(name: "lerc", compression: 34887, color: .gray, type: .float64),
    Kind(name: "webp", compression: 50001, color: .rgb, type: .uint8),
  ]

  /// LERC and WebP came out deflated without a word, and `info` called them by their number.
  @Test(arguments: kept)
  func compressions_without_loss_are_kept(kind: Kind) throws {
    let picture = testPicture(ImageDescription(width: 150, height: 90, color: kind.color, sampleType: kind.type))
    // libtiff swaps the bytes of floats before LERC sees them: such files are made little-endian only.
    for isBigEndian in kind.compression == 34887 ? [false] : [false, true] {
      for tile: UInt32 in [0, 64] {
        var metadata = Metadata()
        metadata.tiff.compression = kind.compression
        metadata.tiff.isLosslessWebP = true
        metadata.tiff.isBigEndian = isBigEndian
        (metadata.tiff.tileWidth, metadata.tiff.tileHeight, metadata.tiff.rowsPerStrip) = (tile, tile, 32)
        try writePictures([picture], to: folder.path("in.tif"), metadata: metadata)
        let outcome = try run("median --radius 0 in.tif -o out.tif")
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        #expect(try run("info in.tif").text.contains("compression:      \(kind.name)\n"))
        #expect(try self.metadata(of: "out.tif").tiff == self.metadata(of: "in.tif").tiff)
        #expect(try readPictures(folder.path("out.tif"))[0].hasSameBytes(as: picture), "\(isBigEndian) \(tile)")
      }
    }
  }

  /// The error that the input was written with is that of the output, unless its samples are others.
  @Test func the_error_of_LERC_is_kept() throws {
    let picture = testPicture(ImageDescription(width: 150, height: 90, color: .gray, sampleType: .uint16))
    for addition: Int32 in [0, 1] {
      var metadata = Metadata()
      metadata.tiff.compression = 34887
      (metadata.tiff.lercError, metadata.tiff.lercAddition) = (40, addition)
      try writePictures([picture], to: folder.path("in.tif"), metadata: metadata)
      #expect(try self.metadata(of: "in.tif").tiff.lercError == 40)
      #expect(try run("info in.tif").text.contains("largest error:    40\n"))
      for (line, error) in [("median", 40.0), ("gaussian --float", 0), ("edge", 0)] {
        #expect(try run("\(line) in.tif -o out.tif").errors.isEmpty)
        let tiff = try self.metadata(of: "out.tif").tiff
        #expect(tiff.compression == 34887 && tiff.lercError == error && tiff.lercAddition == addition, "\(line)")
      }
    }
  }

  @Test func lossy_compressions_stay_lossy_but_for_edges() throws {
    let picture = testPicture(ImageDescription(width: 150, height: 90, color: .rgb, sampleType: .uint8))
    var metadata = Metadata()
    for (compression, name) in [(Int32(50001), "webp"), (32909, "pixarlog"), (7, "jpeg")] {
      metadata.tiff.compression = compression
      try writePictures([picture], to: folder.path("in.tif"), metadata: metadata)
      #expect(try run("median in.tif -o out.tif").errors.isEmpty)
      #expect(try self.metadata(of: "out.tif").tiff.compression == compression)
      #expect(try run("info out.tif").text.contains("compression:      \(name)\n"))
      #expect(try !self.metadata(of: "out.tif").tiff.isLosslessWebP)
      let edges = try run("edge in.tif -o edges.tif")
      #expect(edges.errors.isEmpty, "\(edges.errors)")
      #expect(try self.metadata(of: "edges.tif").tiff.compression == 8)
      #expect(try Set(unitSamples(readPictures(folder.path("edges.tif"))[0])).isSubset(of: [0, 1]))
    }
  }

  /// The file became another kind without a word.
  @Test func a_compression_that_cannot_be_kept_is_named_once() throws {
    let picture = testPicture(ImageDescription(width: 40, height: 30, color: .rgb, sampleType: .uint8))
    var metadata = Metadata()
    metadata.tiff.compression = 50001
    try writePictures([picture, picture, picture], to: folder.path("in.tif"), metadata: metadata)
    let outcome = try run("sobel in.tif -o out.tif")
    #expect(
      outcome.errors
        == "imbrex: in.tif: warning: WebP is written as deflate: it holds 8-bit RGB up to 16383 x 16383 pixels, not in planes\n"
    )
    #expect(try run("sobel -q in.tif -o out.tif").errors.isEmpty)
    #expect(try self.metadata(of: "out.tif").tiff.compression == 8)
    metadata.tiff.compression = 7
    try writePictures([picture], to: folder.path("in.tif"), metadata: metadata)
    let floats = try run("gaussian --float in.tif -o out.tif")
    let said = "warning: JPEG is written as deflate: it holds 8-bit gray, RGB and CMYK"
    #expect(floats.errors.contains(said), "\(floats.errors)")
    // libtiff gives LERC samples with their bytes swapped.
    metadata.tiff.compression = 34887
    metadata.tiff.isBigEndian = true
    let floats32 = testPicture(ImageDescription(width: 40, height: 30, color: .rgb, sampleType: .float32))
    try writePictures([floats32], to: folder.path("in.tif"), metadata: metadata)
    #expect(try readPictures(folder.path("in.tif"))[0].hasSameBytes(as: floats32))
    // Group 4: a black row, then the end.
    var fax = SparseTIFF(width: 8, height: 1)
    (fax.bits, fax.compression, fax.photometric) = (1, 4, 0)
    fax.present = [0: [0x80, 0x08, 0x00, 0x80]]
    try write(fax, to: "fax.tif")
    #expect(try run("info fax.tif").text.contains("compression:      ccitt g4\n"))
    let gray = try run("median fax.tif -o out.tif")
    #expect(gray.errors == "imbrex: fax.tif: warning: CCITT G4 is written as deflate: it holds bilevel pictures only\n")
  }

  @Test func a_compression_that_is_not_supported_is_named() throws {
    for (compression, says) in [
      (50002, "TIFF compressed with JPEG XL is not supported"),
      (34712, "TIFF compressed with JPEG 2000 is not supported"),
      (6, "TIFF compressed with old-style JPEG is not supported"),
      (12345, "TIFF of compression 12345 is not supported"),
    ] {
      var file = SparseTIFF(width: 4, height: 4)
      file.compression = compression
      file.rowsPerStrip = 4
      file.present = [0: Array(repeating: 1, count: 64)]
      try write(file, to: "in.tif")
      #expect(try run("median in.tif").errors == "imbrex: in.tif: \(says)\n")
    }
  }

  // MARK: - Holes

  struct Layout: CustomTestStringConvertible, Sendable {
    let name: String
    let change: @Sendable (inout SparseTIFF) -> Void
    var testDescription: String { name }
  }

  static let layouts: [Layout] = [
    Layout(name: "strips") { $0.rowsPerStrip = 10 },
    Layout(name: "tiles") { $0.tile = 32 },
    Layout(name: "strips in planes") { ($0.channels, $0.isPlanar, $0.photometric, $0.rowsPerStrip) = (3, true, 2, 10) },
    Layout(name: "tiles in planes") { ($0.channels, $0.isPlanar, $0.photometric, $0.tile) = (3, true, 2, 32) },
    Layout(name: "interleaved tiles") { ($0.channels, $0.photometric, $0.tile) = (3, 2, 32) },
    Layout(name: "16-bit strips, big-endian") { ($0.bits, $0.isBigEndian, $0.rowsPerStrip) = (16, true, 10) },
    Layout(name: "float tiles") { ($0.bits, $0.sampleFormat, $0.tile) = (32, 3, 32) },
    Layout(name: "signed strips, min-is-white") {
      ($0.bits, $0.sampleFormat, $0.photometric, $0.rowsPerStrip) = (16, 2, 0, 10)
    },
    Layout(name: "bilevel strips") { ($0.bits, $0.rowsPerStrip) = (1, 10) },
    Layout(name: "one large strip") { ($0.height, $0.rowsPerStrip, $0.width) = (2100, 2090, 9000) },
  ]

  /// Bytes of a strip or tile.
  private func segmentBytes(_ file: SparseTIFF, _ index: Int) -> Int {
    let channels = file.isPlanar ? 1 : file.channels
    if file.tile > 0 { return file.tile * file.tile * channels * file.bits / 8 }
    let inPlane = file.count / (file.isPlanar ? file.channels : 1)
    let rows = min(file.rowsPerStrip, file.height - index % inPlane * file.rowsPerStrip)
    return (file.width * channels * file.bits + 7) / 8 * rows
  }

  /// PackBits of bytes as they are; no packet goes over the end of a row.
  private func packed(_ bytes: [UInt8], row: Int) -> [UInt8] {
    stride(from: 0, to: bytes.count, by: row).flatMap { start in
      stride(from: start, to: min(start + row, bytes.count), by: 128).flatMap { place in
        let part = bytes[place..<min(place + 128, start + row, bytes.count)]
        return [UInt8(part.count - 1)] + part
      }
    }
  }

  /// They were refused as damaged.
  @Test(arguments: layouts)
  func holes_are_read_as_no_data_or_zero(layout: Layout) throws {
    for isBig in [false, true] {
      for compression in [1, 32773] {
        for nodata in [nil, "1"] {
          var sparse = SparseTIFF(width: 90, height: 70)
          layout.change(&sparse)
          (sparse.isBig, sparse.compression, sparse.nodata) = (isBig, compression, nodata)
          // One value of nodata as the file has it.
          var sample = [UInt8](repeating: 0, count: max(sparse.bits / 8, 1))
          if nodata != nil {
            sample = sparse.bits == 1 ? [0xFF] : sparse.sampleFormat == 3 ? [0, 0, 0x80, 0x3F] : sample
            if sparse.bits == 8 { sample = [1] }
            if sparse.bits == 16 { sample = sparse.isBigEndian ? [0, 1] : [1, 0] }
          }
          let columns = sparse.tile > 0 ? sparse.tile : sparse.width
          let row = (columns * (sparse.isPlanar ? 1 : sparse.channels) * sparse.bits + 7) / 8
          let encode = { compression == 1 ? $0 : packed($0, row: row) }
          var full = sparse
          for index in 0..<sparse.count {
            let count = segmentBytes(sparse, index)
            if index % 3 == 1 {
              var bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + index * 13 & 63) }
              if sparse.sampleFormat == 3 { bytes = (0..<count / 4).flatMap { [0, 0, UInt8($0 % 128), 0x3F] } }
              full.present[index] = encode(bytes)
              sparse.present[index] = full.present[index]
            } else {
              full.present[index] = encode((0..<count).map { sample[$0 % sample.count] })
            }
          }
          try write(sparse, to: "sparse.tif")
          try write(full, to: "full.tif")
          #expect(try haveSamePages(folder.path("sparse.tif"), folder.path("full.tif")), "\(isBig) \(compression)")
          let whole = try readPictures(folder.path("full.tif"))[0]
          for window in RegionWindows.some(in: whole.description) {
            let reader = try ImageReader(path: folder.path("sparse.tif"))
            try reader.select(window)
            let part = cropped(whole, to: window)
            let read = try Picture(part.description)
            try reader.read(into: read.buffer.base, stride: read.stride, count: window.height)
            #expect(read.hasSameBytes(as: part), "\(window.option)")
          }
        }
      }
    }
  }

  private enum RegionWindows {
    static func some(in picture: ImageDescription) -> [Region] {
      let (width, height) = (picture.width, picture.height)
      return [
        Region(x: 0, y: 0, width: 1, height: 1), Region(x: width / 3, y: height / 2, width: width / 2, height: 9),
        Region(x: width - 5, y: height - 20, width: 5, height: 20),
      ]
    }
  }

  @Test func holes_in_YCbCr_are_black() throws {
    for tile in [0, 32] {
      var sparse = SparseTIFF(width: 40, height: 40)
      (sparse.channels, sparse.photometric, sparse.rowsPerStrip, sparse.tile) = (3, 6, 10, tile)
      sparse.fields[530] = [1, 1]
      let gray: [UInt8] = [200, 128, 128]
      sparse.present[1] = (0..<(tile > 0 ? 32 * 32 : 40 * 10) * 3).map { gray[$0 % 3] }
      try write(sparse, to: "in.tif")
      let picture = try readPictures(folder.path("in.tif"))[0]
      let samples = unitSamples(picture).map { Int($0 * 255 + 0.5) }
      #expect(Set(samples) == [0, 200])
      #expect(samples.first == 0 && samples[(tile > 0 ? 39 : 40 * 15) * 3] == 200)
    }
  }

  /// No data that the type cannot hold is the nearest that it can.
  @Test func no_data_beyond_the_type_is_clamped() throws {
    for (text, value) in [("-9999", 0), ("300", 255), ("nan", 0), ("12", 12), ("words", 0)] {
      var sparse = SparseTIFF(width: 4, height: 4)
      sparse.nodata = text
      try write(sparse, to: "in.tif")
      #expect(
        try Set(unitSamples(readPictures(folder.path("in.tif"))[0]).map { Int($0 * 255 + 0.5) }) == [value], "\(text)")
    }
  }

  /// A hole is at 0 and has no bytes, and the list says so; all else is damage.
  @Test func what_is_cut_off_is_no_hole() throws {
    var file = SparseTIFF(width: 90, height: 70)
    file.rowsPerStrip = 10
    file.present = [0: Array(repeating: 1, count: 900)]
    file.missingPlaces = 3
    try write(file, to: "short.tif")
    file.missingPlaces = 0
    for index in 0..<7 { file.present[index] = Array(repeating: 1, count: 900) }
    try Data(file.bytes.dropLast(1000)).write(to: URL(fileURLWithPath: folder.path("cut.tif")))
    file.present[3] = []  // At some place, with no bytes.
    try write(file, to: "empty.tif")
    for name in ["short.tif", "cut.tif", "empty.tif"] {
      let outcome = try run("median \(name) -o out.tif")
      #expect(outcome.status == 1 && outcome.errors.hasPrefix("imbrex: \(name): "), "\(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1)
    }
  }

  /// A million pixels a side in a small file were too many for it; memory is that of the region.
  @Test func a_region_of_a_huge_sparse_TIFF_takes_little() throws {
    var file = SparseTIFF(width: 1_000_000, height: 1_000_000)
    (file.tile, file.isBig, file.nodata) = (4096, true, "9")
    file.present[245 * 100 + 100] = (0..<4096 * 4096).map { UInt8(truncatingIfNeeded: $0) }
    try write(file, to: "huge.tif")
    let refused = try run("gaussian --region 300x200+409600+409600 huge.tif -o out.tif")
    #expect(
      refused.errors
        == "imbrex: huge.tif: 1000 gigapixels exceed the limit of 1: allow them with --max-pixels 1000000000000\n"
    )
    let outcome = try run(
      "median --radius 0 --max-pixels 1000000000000 --region 300x200+409500+409600 huge.tif -o out.tif")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let row = unitSamples(try readPictures(folder.path("out.tif"))[0]).prefix(300).map { Int($0 * 255 + 0.5) }
    #expect(row == Array(repeating: 9, count: 100) + (0..<200).map { $0 })
    #expect(try run("info huge.tif").status == 0)
    // The same without holes claims what it cannot hold.
    for index in 0..<4 { file.present[index] = [1] }
    (file.width, file.height) = (8192, 8192)
    file.present[245 * 100 + 100] = nil
    try write(file, to: "forged.tif")
    #expect(try run("median forged.tif -o out.tif").errors.contains("is too small for 8192 x 8192 pixels"))
  }

  // MARK: - Messages

  /// It was libtiff's "sorry, can not handle image".
  @Test func subsampled_planar_YCbCr_is_named() throws {
    var file = SparseTIFF(width: 40, height: 40)
    (file.channels, file.photometric, file.rowsPerStrip, file.isPlanar) = (3, 6, 40, true)
    file.fields[530] = [2, 2]
    file.present = [
      0: Array(repeating: 1, count: 1600), 1: Array(repeating: 1, count: 400), 2: Array(repeating: 1, count: 400),
    ]
    try write(file, to: "in.tif")
    #expect(try run("median in.tif").errors == "imbrex: in.tif: subsampled planar YCbCr TIFF is not supported\n")
  }
}
