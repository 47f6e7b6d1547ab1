import Foundation
import Imbrex
import ImbrexCommand
import TestSupport
import Testing

/// One line of Fixtures/formats.jsonl: a file and what it holds. See Fixtures/README.md.
struct FormatFixture: Decodable, CustomStringConvertible, Sendable {
  let name: String
  let file: Data
  let width: Int
  let height: Int
  let color: ColorModelName
  let alpha: String
  let extra: Int
  let type: String
  let tolerance: Double
  let lossless: Bool
  let samples: Data
  let quality: Int?
  let orientation: Int?
  let notes: [String]?
  let profile: Int?

  typealias ColorModelName = String
  var description: String { name }

  static let all: [FormatFixture] = {
    let file = projectFolder.appendingPathComponent("Tests/Fixtures/formats.jsonl")
    return try! Data(contentsOf: file).split(separator: 10).map { try JSONDecoder().decode(Self.self, from: $0) }
  }()

  /// In steps of integer types, or as they are.
  var values: [Double] {
    func read<Value>(_ type: Value.Type, _ number: (Value) -> Double) -> [Double] {
      samples.withUnsafeBytes { bytes in
        (0..<bytes.count / MemoryLayout<Value>.size).map {
          number(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Value>.size, as: type))
        }
      }
    }
    switch type {
    case "uint8": return read(UInt8.self) { Double($0) }
    case "uint16": return read(UInt16.self) { Double(UInt16(littleEndian: $0)) }
    case "float32": return read(Float.self) { Double($0) }
    default: return read(Double.self) { $0 }
    }
  }
}

extension Picture {
  fileprivate var steps: [Double] { unitSamples(self).map { $0 * Double(description.sampleType.fullScale) } }
}

/// Every kind of file is read right and comes out as the same kind: one round trip for each line of the fixtures.
@Suite struct FormatTests {
  private func open(_ data: Data, in folder: TemporaryFolder, options: ImageReader.Options = .init()) throws
    -> ImageReader
  {
    let path = folder.path("file-\(UUID().uuidString)")
    try data.write(to: URL(fileURLWithPath: path))
    return try ImageReader(path: path, options: options)
  }

  private func largestDifference(_ a: [Double], _ b: [Double]) -> Double {
    guard a.count == b.count else { return .infinity }
    return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  @Test func the_fixtures_are_there() { #expect(FormatFixture.all.count == 303) }

  @Test(arguments: FormatFixture.all)
  func a_file_is_read_and_written_again_as_the_same_kind(fixture: FormatFixture) throws {
    let folder = try TemporaryFolder()
    let reader = try open(fixture.file, in: folder)
    let input = reader.description
    #expect(input.width == fixture.width && input.height == fixture.height)
    #expect(input.color.rawValue == fixture.color && input.alpha.rawValue == fixture.alpha)
    #expect(input.extraBands == fixture.extra && input.sampleType.rawValue == fixture.type)
    let picture = try Picture(reading: reader)
    #expect(
      largestDifference(picture.steps, fixture.values) <= max(fixture.tolerance, fixture.type == "float64" ? 1e-15 : 0))
    if let quality = fixture.quality { #expect(abs(Int(reader.metadata.jpeg.quality) - quality) <= 1) }
    #expect(reader.metadata.orientation.map { $0 } ?? 1 == fixture.orientation ?? 1)
    if let profile = fixture.profile { #expect(reader.metadata.iccProfile.count == profile) }

    let path = folder.path("out.\(reader.format.name)")
    let writer = try ImageWriter(
      to: OutputFile(path: path), format: reader.format, picture: input, metadata: reader.metadata)
    #expect(writer.description == input)
    try writer.write(picture.converted(to: writer.description))
    try writer.finish(after: reader)
    let again = try ImageReader(path: path)
    #expect(again.description == input)
    let copy = try Picture(reading: again)
    // With the tables that it had, a JPEG changes by rounding, and where chroma is halved by its halving: libjpeg's own by as much.
    let isHalved = reader.fileColor == "YCbCr" && reader.format.name == "tiff"
    #expect(largestDifference(copy.steps, picture.steps) <= (fixture.lossless ? 0 : isHalved ? 15 : 5))

    // Metadata: the same, but for what is written in another way on purpose.
    var before = reader.metadata, after = again.metadata
    (before.items, after.items) = ([], [])
    if reader.fileBits < 8 || reader.fileColor == "palette" || reader.fileColor == "bilevel" {
      // Widened to bytes, which other compressions may be for, and other strips.
      (before.tiff.compression, after.tiff.compression) = (0, 0)
    }
    if reader.fileColor == "YCbCr" { (before.jpeg, after.jpeg) = (Metadata().jpeg, Metadata().jpeg) }
    if before.orientation == nil { after.orientation = nil }
    before.tiff.predictor = max(before.tiff.predictor, 1)
    after.tiff.predictor = max(after.tiff.predictor, 1)
    // libtiff would write wrong floats with this predictor in the other byte order.
    let isSwapped = before.tiff.isBigEndian && input.sampleType.isFloat && input.stored?.kind != .signed
    if isSwapped { (before.tiff.predictor, after.tiff.predictor) = (1, 1) }
    #expect(before == after)
    let names = Set(ImageSummary(again).noteNames)
    for item in fixture.notes ?? [] {
      #expect(names.contains { $0 == item || $0 == "tag \(item)" || Self.synonyms[item] == $0 }, "\(item)")
    }
    for item in reader.metadata.items { #expect(again.metadata.items.contains(item), "\(item.kind) \(item.tag)") }
  }

  private static let synonyms = ["270": "description", "700": "xmp", "eXIf": "exif"]

  @Test(arguments: FormatFixture.all.filter { $0.name.contains("little-endian") || $0.name.hasPrefix("png type") })
  func any_cut_is_an_error_or_tolerated(fixture: FormatFixture) throws {
    let folder = try TemporaryFolder()
    for length in stride(from: 1, to: fixture.file.count - 1, by: max(fixture.file.count / 23, 1)) {
      let cut = fixture.file.prefix(length)
      #expect(throws: ImbrexError.self) { _ = try Picture(reading: open(cut, in: folder)) }
      var options = ImageReader.Options()
      options.isTolerant = true
      // Where the header is whole, so is the picture's size.
      guard let reader = try? open(cut, in: folder, options: options) else { continue }
      let picture = try Picture(reading: reader)
      #expect(picture.description.width == fixture.width && picture.description.height == fixture.height)
      #expect(reader.damage != nil)
    }
  }

  /// The deflate stream's last rows come out when all of it has been taken in.
  @Test func rows_may_wait_in_the_decoder_when_the_data_has_ended() throws {
    // 1023 × 129 of gray 200, compressed by zlib at level 9.
    let file = """
      iVBORw0KGgoAAAANSUhEUgAAA/8AAACBCAAAAACzqVWmAAABLUlEQVR42u3TMQ0AAAzDsPJHVlh9xmI2hEhJga8iAfgf8D/gf8D/
      gP8B/wP+B/wP+B/wP+B/wP+A/wH/A/4H/A/4H/A/4H/A/4D/Af8D/gf8D/gf8D/gf8D/gP8B/wP+B/wP/gf8D/gf8D/gf8D/gP8B
      /wP+B/wP+B/wP+B/wP+A/wH/A/4H/A/4H/A/4H/A/4D/Af8D/gf8D/gf8D/gf8D/gP8B/4P/Af8D/gf8D/gf8D/gf8D/gP8B/wP+
      B/wP+B/wP+B/wP+A/wH/A/4H/A/4H/A/4H/A/4D/Af8D/gf8D/gf8D/gf8D/4H/A/4D/Af8D/gf8D/gf8D/gf8D/gP8B/wP+B/wP
      +B/wP+B/wP+A/wH/A/4H/A/4H/A/4H/A/4D/Af8D/gf8D/gfOAMDJtLHdUcQ5gAAAABJRU5ErkJggg==
      """
    let data = try #require(Data(base64Encoded: file, options: .ignoreUnknownCharacters))
    let picture = try Picture(reading: open(data, in: TemporaryFolder()))
    #expect(picture.description.width == 1023 && picture.description.height == 129)
    #expect(picture.steps.allSatisfy { $0 == 200 })
  }

  @Test func metadata_items_go_from_format_to_format() throws {
    let folder = try TemporaryFolder()
    let fixture = FormatFixture.all.first { $0.name == "jpeg with notes" }!
    for name in ["png", "tiff", "jpeg"] {
      let reader = try open(fixture.file, in: folder)
      let picture = try Picture(reading: reader)
      let path = folder.path("out.\(name)")
      let writer = try ImageWriter(
        to: OutputFile(path: path), format: ImageFormat(named: name)!, picture: picture.description,
        metadata: reader.metadata)
      try writer.write(picture.converted(to: writer.description))
      try writer.finish(after: reader)
      let result = try ImageReader(path: path)
      #expect(result.metadata.orientation == 8)
      #expect(result.metadata.iccProfile == reader.metadata.iccProfile)
      #expect(abs((result.metadata.resolution?.y ?? 0) * (name == "png" ? 2.54 : 1) - 200) < 0.1)
      let names = ImageSummary(result).noteNames
      #expect(names.contains("exif"), "\(name): \(names)")
      #expect(names.contains { ["comment", "description", "tEXt"].contains($0) }, "\(name): \(names)")
      // And back: what Exif says is still there, whatever it went through.
      let back = folder.path("back.jpg")
      let second = try ImageWriter(
        to: OutputFile(path: back), format: ImageFormat(named: "jpeg")!, picture: picture.description,
        metadata: result.metadata)
      try second.write(picture.converted(to: second.description))
      try second.finish()
      let bytes = try Data(contentsOf: URL(fileURLWithPath: back))
      #expect(bytes.range(of: Data("Maker".utf8)) != nil && bytes.range(of: Data("2020:01:02 03:04:05".utf8)) != nil)
      #expect(try ImageReader(path: back).metadata.orientation == 8)
    }
  }
}

extension ImageSummary {
  fileprivate var noteNames: [String] {
    guard case .list(let values)? = fields.first(where: { $0.name == "metadata" })?.value else { return [] }
    return values.compactMap { if case .text(let text) = $0 { text } else { nil } }
  }
}
