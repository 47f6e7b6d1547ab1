import Foundation
import Imbrex
import TestSupport
import Testing

/// `--preserve-range`: floats in the units of the input's file.
@Suite struct PreserveRangeTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  /// A page of one value everywhere, given as memory has it.
  private func write<Sample: BitwiseCopyable>(
    _ value: Sample, _ type: SampleType, _ stored: StoredSamples? = nil, alpha: Bool = false
  ) throws {
    let picture = try Picture(
      ImageDescription(
        width: 40, height: 30, color: .gray, alpha: alpha ? .straight : .none, sampleType: type, stored: stored))
    for y in 0..<30 {
      picture.row(y).assumingMemoryBound(to: Sample.self).update(repeating: value, count: alpha ? 80 : 40)
    }
    try writePictures([picture], to: folder.path("in.tif"))
  }

  private func samples(_ name: String = "out.tif") throws -> [Float] {
    let picture = try readPictures(folder.path(name))[0]
    try #require(picture.description.sampleType.isFloat && picture.description.stored == nil)
    if picture.description.sampleType == .float64 { return unitSamples(picture).map(Float.init) }
    return (0..<picture.description.height).flatMap { y in
      Array(
        UnsafeBufferPointer(
          start: picture.row(y).assumingMemoryBound(to: Float.self), count: picture.description.samplesPerRow))
    }
  }

  /// Whether all samples are a number; of the weights of a large sigma the sum is not exactly 1.
  private func isAll(_ value: Float, _ filter: String) throws -> Bool {
    try samples().allSatisfy { abs($0 - value) <= (filter.hasSuffix("40") ? abs(value) * 1e-6 : 0) }
  }

  @Test(arguments: ["gaussian --sigma 3", "median --radius 2", "gaussian --sigma 40", "median --shape disk"])
  func a_count_stays_what_it_is(filter: String) throws {
    let line = "\(filter) --preserve-range in.tif -o out.tif"
    try write(UInt8(77), .uint8)
    #expect(try run(line).status == 0)
    #expect(try isAll(77, filter))
    try write(UInt16(7650), .uint16)
    #expect(try run(line).status == 0)
    #expect(try isAll(7650, filter))
    // --float is what it was.
    #expect(try run("\(filter) --float in.tif -o out.tif").status == 0)
    #expect(try samples().allSatisfy { abs($0 - 7650 / 65535) < 1e-6 })
    try write(UInt16((1000 * 65535 + 2047) / 4095), .uint16, StoredSamples(.unsigned, bits: 12))
    #expect(try run(line).status == 0)
    #expect(try isAll(1000, filter))
    try write(Float(-1234) / 32767, .float32, StoredSamples(.signed, bits: 16))
    #expect(try run(line).status == 0)
    #expect(try isAll(-1234, filter))
    try write(7650 / 4294967295.0, .float64, StoredSamples(.unsigned, bits: 32))
    #expect(try run(line).status == 0)
    #expect(try isAll(7650, filter))
    try write(Float(7.5), .float32)
    #expect(try run(line).status == 0)
    #expect(try isAll(7.5, filter))
  }

  @Test func alpha_stays_between_0_and_1() throws {
    try write(UInt8(51), .uint8, alpha: true)
    for filter in ["gaussian", "median"] {
      #expect(try run("\(filter) --preserve-range in.tif -o out.tif").status == 0)
      let values = try samples()
      #expect(values.indices.allSatisfy { abs(values[$0] - ($0 % 2 == 0 ? 51 : 0.2)) < 1e-4 }, "\(filter)")
    }
  }

  @Test func gradients_are_of_the_counts() throws {
    let image = testImage("gradient.png")
    for direction in ["magnitude", "horizontal", "vertical"] {
      #expect(try run("sobel --direction \(direction) --float \(image) -o a.tif").status == 0)
      #expect(try run("sobel --direction \(direction) --preserve-range \(image) -o b.tif").status == 0)
      let (a, b) = (try samples("a.tif"), try samples("b.tif"))
      #expect(zip(a, b).allSatisfy { abs($0 * 255 - $1) < 1e-3 } && b.contains { abs($0) > 1 })
    }
  }

  /// The next filter takes floats as they are: its results are those of two commands.
  @Test func a_chain_is_its_commands_one_after_another() throws {
    try write(UInt16(7650), .uint16)
    #expect(try run("gaussian --preserve-range then median in.tif -o out.tif").status == 0)
    #expect(try isAll(7650, ""))
    let image = testImage("gradient.png")
    #expect(try run("gaussian --preserve-range then edge --low 20 --high 40 \(image) -o chain.png").status == 0)
    #expect(try run("gaussian --preserve-range \(image) -o blurred.tif").status == 0)
    #expect(try run("edge --low 20 --high 40 blurred.tif -o edges.png").status == 0)
    #expect(try haveSamePages(folder.path("chain.png"), folder.path("edges.png")))
  }

  @Test func what_cannot_hold_the_units_is_refused() throws {
    try write(UInt16(7650), .uint16)
    for (line, status, message) in [
      (
        "gaussian --preserve-range in.tif -o out.png", Int32(2),
        "--preserve-range needs an output that holds 32-bit floats, which png does not: use .tif or .pfm"
      ),
      (
        "gaussian --preserve-range then median in.tif -o out.png", 2,
        "in.tif: 'out.png' cannot hold the input's units that --preserve-range asks for: use .tif or .pfm"
      ),
      (
        "gaussian --preserve-range then tee out.png then edge in.tif -o edges.tif", 2,
        "in.tif: 'out.png' cannot hold the input's units that --preserve-range asks for: use .tif or .pfm"
      ),
      (
        "gaussian --preserve-range --bit-depth 16 in.tif -o out.tif", 2,
        "--bit-depth does not go with --preserve-range: integers hold 0 … 1 as their whole range"
      ),
      (
        "edge --preserve-range in.tif -o out.tif", 2,
        "--preserve-range is an option of gaussian, sobel and median, not of edge"
      ),
    ] {
      let outcome = try run(line)
      #expect(outcome.status == status && outcome.errors == "imbrex: \(message)\n", "\(line): \(outcome)")
      #expect(folder.contents == ["in.tif"])
    }
  }

  @Test func a_pipe_gets_a_pfm() throws {
    try write(UInt16(7650), .uint16)
    try Data(contentsOf: URL(fileURLWithPath: folder.path("in.tif"))).write(
      to: URL(fileURLWithPath: folder.path("a.tif")))
    #expect(try run("median --preserve-range a.tif -o out.pfm").status == 0)
    #expect(try Set(samples("out.pfm")) == [7650])
  }
}
