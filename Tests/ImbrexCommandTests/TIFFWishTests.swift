import Foundation
import Imbrex
import TestSupport
import Testing

/// TIFFs as one wants them: compressions, tiles, and kinds that libtiff has trouble with.
@Suite struct TIFFWishTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func done(_ line: String) throws {
    let outcome = try run(line)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(line): \(outcome.errors)")
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }
  private func info(_ name: String) throws -> String { try run("info \(name)").text }

  private func makePicture(
    _ type: SampleType = .uint8, _ color: ColorModel = .rgb, width: Int = 150, height: Int = 203,
    _ change: (inout Metadata) -> Void = { _ in }
  ) throws {
    var metadata = Metadata()
    metadata.tiff.compression = 8
    change(&metadata)
    let picture = testPicture(ImageDescription(width: width, height: height, color: color, sampleType: type))
    try writePictures([picture], to: folder.path("in.tif"), metadata: metadata)
  }

  // MARK: - Compressions

  @Test(arguments: TIFFCompression.allCases, ["strips", "48x32"])
  func every_compression_can_be_had(method: TIFFCompression, cut: String) throws {
    for (type, color) in [(SampleType.uint8, ColorModel.rgb), (.uint16, .gray), (.float32, .gray)] {
      if [.jpeg, .webp].contains(method) && type != .uint8 { continue }
      try makePicture(type, color)
      try done("median --compression \(method.rawValue) --tiles \(cut) in.tif -o out.tif")
      let reader = try ImageReader(path: folder.path("out.tif"))
      #expect(try info("out.tif").contains("compression:      \(method.rawValue)\n"))
      #expect(reader.metadata.tiff.tileWidth == (cut == "strips" ? 0 : 32))
      #expect(reader.metadata.tiff.tileHeight == (cut == "strips" ? 0 : 48))
      try done("median in.tif -o plain.tif")
      let same = try readPictures(folder.path("plain.tif"))[0].hasSameBytes(as: Picture(reading: reader))
      #expect(same == (method != .jpeg))
      // All workers compress, and nobody can see which.
      for sharing in ["--serial", "-j 4 --tile 31x60"] {
        try done("median --compression \(method.rawValue) --tiles \(cut) \(sharing) in.tif -o other.tif")
        #expect(try bytes("other.tif") == bytes("out.tif"))
      }
    }
  }

  @Test func a_job_compresses_in_its_parts() throws {
    for method in ["zstd", "lzw", "jpeg", "webp"] {
      try makePicture(height: 620)
      let options = "--compression \(method) --tiles 32x64"
      try done("gaussian \(options) in.tif -o alone.tif")
      try? FileManager.default.removeItem(atPath: folder.path("job"))
      try done("job create job --parts 4 -- gaussian \(options) in.tif -o parts.tif")
      #expect(try run("job run job").status == 0)
      #expect(try bytes("parts.tif") == bytes("alone.tif"), "\(method)")
    }
  }

  @Test func levels_make_smaller_files() throws {
    try makePicture(.uint8, .gray)
    func size(_ compression: String) throws -> Int {
      try done("gaussian --sigma 6 --compression \(compression) in.tif -o out.tif")
      return try bytes("out.tif").count
    }
    #expect(try Set(["zstd:1", "zstd:9", "zstd:22"].map(size)).count > 1)
    #expect(try size("zstd") == size("zstd:9") && size("zstd:small") == size("zstd:19"))
    #expect(try size("deflate:9") < size("deflate:1") && size("deflate") == size("deflate:balanced"))
    // A level alone is of the compression that the file has.
    try done("median --compression zstd in.tif -o z.tif")
    try done("median --compression 1 z.tif -o fast.tif")
    #expect(try info("fast.tif").contains("compression:      zstd\n"))
    try done("median --compression zstd:1 z.tif -o one.tif")
    #expect(try bytes("fast.tif") == bytes("one.tif"))
  }

  @Test func a_compression_that_does_not_fit_is_refused() throws {
    try makePicture(.uint16)
    let holds = "JPEG holds 8-bit gray, RGB and CMYK without alpha, not in planes"
    for (options, output, problem) in [
      ("--compression jpeg", "out.tif", "--compression is jpeg, but \(holds)"),
      ("--compression webp", "out.tif", "--compression is webp, but WebP holds 8-bit RGB"),
      ("--compression lzw", "out.png", "--compression is lzw, which is for TIFFs, but the output is a PNG"),
      ("--tiles 256x256", "out.png", "--tiles is for TIFFs, but the output is a PNG"),
      ("--tiles 100x100", "out.tif", "must be a height and a width in multiples of 16, such as 256x256, or strips"),
      ("--compression jpeg:80", "out.tif", "must be none, packbits, lzw"),
      ("--compression zstd:23", "out.tif", "must be none, packbits, lzw"),
    ] {
      let outcome = try run("gaussian \(options) in.tif -o \(output)")
      #expect(outcome.status == 2 && outcome.errors.contains(problem), "\(options): \(outcome.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path(output)))
    }
    // A tee is what the result would be, as far as it can.
    try done("gaussian --compression lzw in.tif then tee side.png -o out.tif")
    #expect(try info("out.tif").contains("compression:      lzw\n"))
    try done("gaussian --compression deflate:9 in.tif -o out.png")
  }

  // MARK: - Kinds

  static let kinds = LevelFixture.all.filter { $0.samples != nil }

  /// Palettes with alpha were refused, others called missing or taken for gray; big-endian floats lost their predictor,
  /// 12 bits their tiles, CMYK its JPEG.
  @Test(arguments: kinds) func a_kind_is_read_and_kept(fixture: LevelFixture) throws {
    try fixture.file.write(to: URL(fileURLWithPath: folder.path("in.tif")))
    let reader = try ImageReader(path: folder.path("in.tif")), picture = try Picture(reading: reader)
    let description = picture.description
    var got = Data()
    for y in 0..<description.height { got.append(Data(bytes: picture.row(y), count: description.bytesPerRow)) }
    #expect(got.count == fixture.samples!.count)
    let largest = zip(got, fixture.samples!).reduce(0) { max($0, abs(Int($1.0) - Int($1.1))) }
    #expect(largest <= Int(fixture.tolerance ?? 0), "\(largest)")
    guard fixture.keeps == true else { return }
    try done("median --radius 0 in.tif -o out.tif")
    let written = try ImageReader(path: folder.path("out.tif"))
    #expect(written.metadata.tiff == reader.metadata.tiff)
    let isLossy = reader.metadata.tiff.compression == 7
    #expect(try isLossy || picture.hasSameBytes(as: Picture(reading: written)))
  }

  @Test func twelve_bits_come_in_tiles_of_every_size() throws {
    for (width, tile) in [(150, 16), (157, 48), (31, 64)] {
      for color in [ColorModel.gray, .rgb] {
        var description = ImageDescription(width: width, height: 53, color: color, sampleType: .uint16)
        description.stored = StoredSamples(.unsigned, bits: 12)
        let picture = testPicture(description)
        // Twelve bits of each sample are its first twelve again.
        for y in 0..<53 {
          for x in 0..<(width * description.channels) {
            let value = UInt32(picture.row(y).load(fromByteOffset: 2 * x, as: UInt16.self) >> 4)
            picture.row(y).storeBytes(of: UInt16((value * 65535 + 2047) / 4095), toByteOffset: 2 * x, as: UInt16.self)
          }
        }
        var metadata = Metadata()
        (metadata.tiff.compression, metadata.tiff.tileWidth, metadata.tiff.tileHeight) = (5, UInt32(tile), 16)
        try writePictures([picture], to: folder.path("in.tif"), metadata: metadata)
        #expect(try readPictures(folder.path("in.tif"))[0].hasSameBytes(as: picture), "\(width) \(tile) \(color)")
        #expect(try ImageReader(path: folder.path("in.tif")).metadata.tiff.tileHeight == 16)
      }
    }
  }
}
