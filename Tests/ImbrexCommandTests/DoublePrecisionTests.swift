import Foundation
import Imbrex
import TestSupport
import Testing

/// Pictures of more than 24 bits a sample are filtered in double precision: to 1e-12 of scikit-image's results, which
/// Fixtures/make_double.py computes.
@Suite struct DoublePrecisionTests {
  struct Case: Decodable, CustomTestStringConvertible, Sendable {
    let input: String?
    let words: [String]?
    let of: String?
    let file: Data
    var testDescription: String { "\(of ?? "") \(words?.joined(separator: " ") ?? "")" }
  }

  private static let lines: [Case] = {
    let file = projectFolder.appendingPathComponent("Tests/Fixtures/double.jsonl")
    return try! Data(contentsOf: file).split(separator: 10).map { try JSONDecoder().decode(Case.self, from: $0) }
  }()
  private static let inputs = Dictionary(
    uniqueKeysWithValues: lines.filter { $0.input != nil }.map { ($0.input!, $0.file) })
  static let cases = lines.filter { $0.words != nil }

  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func write(_ data: Data, _ name: String) throws {
    try data.write(to: folder.url.appendingPathComponent(name))
  }

  private func numbers(_ name: String) throws -> [Double] {
    let picture = try readPictures(folder.path(name))[0]
    #expect(picture.description.sampleType == .float64 && picture.description.stored == nil)
    return unitSamples(picture)
  }

  @Test(arguments: cases)
  func results_are_scikit_images(case: Case) throws {
    try write(Self.inputs[`case`.of!]!, "in.npy")
    try write(`case`.file, "wanted.npy")
    let wanted = try numbers("wanted.npy")
    for tiling in [["--serial"], ["--tile", "4x5", "-j3"]] {
      let outcome = try Program.run(
        `case`.words! + ["--float", "in.npy", "-o", "out.npy"] + tiling, folder: folder.url)
      try #require(outcome.status == 0, "\(outcome.errors)")
      let made = try numbers("out.npy")
      #expect(made.count == wanted.count)
      let worst = zip(made, wanted).map { abs($0 - $1) }.max()!
      #expect(worst < 1e-12, "\(worst)")
    }
  }

  @Test func floats_of_64_bits_stay_such_without_an_option() throws {
    try write(Self.inputs["float64"]!, "in.npy")
    for words in ["gaussian", "sobel", "median", "gaussian --float then sobel"] {
      let outcome = try Program.run(
        words.split(separator: " ").map(String.init) + ["in.npy", "-o", "out.tif"], folder: folder.url)
      #expect(outcome.status == 0)
      _ = try numbers("out.tif")
    }
  }

  @Test func signed_responses_of_floats_are_as_they_are() throws {
    try write(Self.inputs["float64"]!, "in.npy")
    let words = ["sobel", "--direction", "vertical", "in.npy", "-o"]
    #expect(try Program.run(words + ["a.npy"], folder: folder.url).status == 0)
    #expect(try Program.run(words + ["b.npy", "--float"], folder: folder.url).status == 0)
    let (responses, floats) = (try numbers("a.npy"), try numbers("b.npy"))
    #expect(responses.contains { $0 < 0 } && responses == floats)
  }

  /// Integers of 32 bits come out as such, rounded.
  @Test(arguments: ["uint32", "int32"])
  func integers_of_32_bits_are_exact(kind: String) throws {
    try write(Self.inputs[kind]!, "in.npy")
    for (name, option) in [("whole.npy", "--truncate=4"), ("fraction.npy", "--float")] {
      let words = ["gaussian", "--sigma", "1.3", option, "in.npy", "-o", name]
      #expect(try Program.run(words, folder: folder.url).status == 0)
    }
    let whole = try readPictures(folder.path("whole.npy"))[0]
    let most = kind == "int32" ? 2147483647.0 : 4294967295
    #expect(whole.description.sampleTypeName == kind)
    let differences = zip(unitSamples(whole), try numbers("fraction.npy")).map { abs($0 - $1) * most }
    #expect(differences.max()! <= 0.5001)
  }

  /// The sum of counts is not lost among 24 bits.
  @Test func preserved_ranges_are_of_64_bits_too() throws {
    let picture = try Picture(
      ImageDescription(
        width: 30, height: 20, color: .gray, sampleType: .float64, stored: StoredSamples(.unsigned, bits: 32)))
    for y in 0..<20 {
      picture.row(y).assumingMemoryBound(to: Double.self).update(repeating: 4294967291 / 4294967295.0, count: 30)
    }
    try writePictures([picture], to: folder.path("in.tif"))
    for filter in ["gaussian", "median"] {
      let words = [filter, "--preserve-range", "in.tif", "-o", "out.tif"]
      #expect(try Program.run(words, folder: folder.url).status == 0)
      #expect(try numbers("out.tif").allSatisfy { abs($0 - 4294967291) < 0.01 })
    }
  }
}
