import Foundation
import Imbrex
import TestSupport
import Testing

/// What users are told: it names the thing, what is wrong with it, and what would be right.
@Suite struct MessageTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String, input: [UInt8] = []) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), input: input, folder: folder.url)
  }

  /// A float picture with a value below 0 and one above 1.
  private func writeFloats(_ values: [Float], to name: String) throws {
    var bytes = Array("Pf\n\(values.count) 1\n-1.0\n".utf8)
    for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path(name)))
  }

  // MARK: - Limits

  /// The remedy was more than was needed, and in a chain that of its first sweep.
  @Test(arguments: ["gaussian", "median --radius 9 then edge then gaussian --sigma 9", "edge then sobel -j3"])
  func the_least_memory_is_named(chain: String) throws {
    let line = "\(chain) \(testImage("photo.png")) -o out.png --max-memory"
    let refused = try run("\(line) 1K")
    let said = "--max-memory is too small: at least "
    let least = try #require(refused.errors.components(separatedBy: said).last?.split(separator: " ").first)
    #expect(refused.status == 1 && refused.errors.hasSuffix("\(said)\(least) KiB are needed\n"), "\(refused.errors)")
    #expect(try run("\(line) \(least)K").status == 0)
    #expect(try run("\(line) \(#require(Int(least)) - 1)K").status == 1)
  }

  @Test func the_tiles_asked_for_need_more_memory() throws {
    let outcome = try run("gaussian --tile 100x100 --max-memory 4K \(testImage("photo.png")) -o out.png")
    #expect(outcome.errors.contains("--max-memory is too small for these tiles: at least "))
  }

  @Test func too_many_pixels_are_counted() throws {
    #expect(
      try run("gaussian --max-pixels 1000 \(testImage("photo.png")) -o out.png").errors.hasSuffix(
        "196608 pixels exceed the limit of 1000: allow them with --max-pixels 196608\n"))
    // A picture of one colour, which could be as small as this.
    let header = Array("P4\n40000 40000\n".utf8)
    try Data(header).write(to: URL(fileURLWithPath: folder.path("large.pbm")))
    truncate(folder.path("large.pbm"), off_t(header.count + 40000 * 5000))
    #expect(
      try run("gaussian --max-pixels 1000000000 large.pbm -o out.png").errors.hasSuffix(
        "1.6 gigapixels exceed the limit of 1: allow them with --max-pixels 1600000000\n"))
  }

  // MARK: - Values that are lost

  @Test func values_that_are_clipped_are_told_of_once() throws {
    try writeFloats([-0.5, 0, 0.5, 1, 1.5], to: "beyond.pfm")
    let clipped = "values outside 0 … 1 are clipped: use "
    let outcome = try run("median beyond.pfm -o out.png")
    #expect(outcome.status == 0 && outcome.errors.components(separatedBy: clipped).count == 2)
    #expect(outcome.errors.contains("imbrex: out.png: warning: \(clipped)--float and a TIFF or PFM\n"))
    #expect(try run("median beyond.pfm -o out.tif --bit-depth 8").errors.contains("\(clipped)--bit-depth 32f\n"))
    let tee = try run("median then tee tee.png then edge beyond.pfm -o out.png")
    #expect(tee.errors.contains("imbrex: tee.png: warning: \(clipped)"))
    #expect(!tee.errors.contains("out.png: warning: \(clipped)"))
    for line in ["median beyond.pfm -o out.tif", "median -q beyond.pfm -o out.png"] {
      #expect(try run(line).errors.isEmpty, "\(line)")
    }
  }

  /// What rounding brings back is not clipped.
  @Test func values_inside_are_not_told_of() throws {
    try writeFloats([0, -1e-6, 0.5, 1, 1.000001], to: "inside.pfm")
    #expect(try !run("gaussian --sigma 0 inside.pfm -o out.png").errors.contains("clipped"))
  }

  /// The file could not be read again.
  @Test func lab_is_not_written_as_floats() throws {
    let lab = Fixture.lab
    try Data(lab).write(to: URL(fileURLWithPath: folder.path("lab.tif")))
    #expect(try run("gaussian lab.tif -o same.tif").status == 0)
    for option in ["gaussian --float", "gaussian --bit-depth 32f"] {
      let outcome = try run("\(option) lab.tif -o out.tif")
      #expect(outcome.status == 1 && outcome.errors.contains("no format holds Lab colour in floating-point samples"))
    }
    #expect(try run("sobel --float lab.tif -o gradient.tif").status == 0)
    #expect(folder.contents == ["gradient.tif", "lab.tif", "same.tif"])
  }

  // MARK: - Standard output

  @Test func a_tee_goes_to_standard_output_where_nothing_else_does() throws {
    let image = testImage("photo.png")
    let outcome = try run("gaussian then tee - then sobel \(image) -o out.png")
    #expect(try outcome.status == 0 && outcome.output == run("gaussian \(image)").output)
    #expect(folder.contents == ["out.png"])
    let table = try run("gaussian then tee - then blob-detect --max-sigma 3 \(image) -o out.csv")
    #expect(table.status == 0 && table.output == outcome.output)
    for line in [
      "gaussian then tee - \(image)", "gaussian then tee - then tee - then sobel \(image) -o x.png",
      "gaussian then tee - then blob-detect \(image)",
    ] {
      let outcome = try run(line)
      #expect(outcome.status == 2 && outcome.errors.contains("would both go to standard output"), "\(line)")
    }
    #expect(
      try run("gaussian then tee - \(image) \(testImage("cells.png")) -o out/").errors.contains(
        "needs a directory, not -"))
    #expect(folder.contents == ["out.csv", "out.png"])
  }

  // MARK: - Words

  @Test func a_file_in_place_of_a_filter_is_seen_to_be_one() throws {
    let outcome = try run(testImage("photo.png"))
    #expect(outcome.status == 2 && outcome.errors.contains("is a file: a filter comes first, as in imbrex gaussian "))
  }

  @Test func help_knows_of_chains() throws {
    let text = try run("help then").text
    #expect(text.contains("then tee FILE") && text.contains("then tee smooth.tif then edge"))
    for line in ["help tee", "gaussian then --help", "gaussian --sigma 2 then tee -h"] {
      #expect(try run(line).text == text)
    }
  }
}

private enum Fixture {
  /// A TIFF of one Lab pixel, in 8 bits: the least that there can be.
  static let lab: [UInt8] = {
    let entries: [(tag: UInt16, type: UInt16, count: UInt32, value: UInt32)] = [
      (256, 4, 1, 1), (257, 4, 1, 1), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 8), (273, 4, 1, 140), (277, 3, 1, 3),
      (278, 4, 1, 1), (279, 4, 1, 3), (284, 3, 1, 1),
    ]
    func word(_ value: UInt16) -> [UInt8] { [UInt8(value & 0xFF), UInt8(value >> 8)] }
    func long(_ value: UInt32) -> [UInt8] { word(UInt16(value & 0xFFFF)) + word(UInt16(value >> 16)) }
    var bytes: [UInt8] = [0x49, 0x49, 42, 0] + long(14)
    bytes += [8, 8, 8].flatMap(word)  // Bits a sample.
    bytes += word(UInt16(entries.count))
    for entry in entries {
      bytes += word(entry.tag) + word(entry.type) + long(entry.count) + long(entry.value)
    }
    return bytes + long(0) + [128, 10, 20]
  }()
}
