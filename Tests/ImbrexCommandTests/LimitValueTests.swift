import Foundation
import TestSupport
import Testing

/// Numbers that lie just on a limit: what `Tests/Mutation` has shown nobody to look at.
@Suite struct LimitValueTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String, input: [UInt8] = []) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), input: input, folder: folder.url)
  }

  /// Samples are stretched to 255 (or 65535) and rounded to the nearest, not cut off.
  @Test func a_small_maxval_is_stretched_to_the_nearest_sample() throws {
    for maxval in [1, 2, 7, 100, 254] {
      let input = Array("P5 \(maxval + 1) 1 \(maxval)\n".utf8) + (0...maxval).map { UInt8($0) }
      let expected = (0...maxval).map { UInt8((Double($0) * 255 / Double(maxval)).rounded()) }
      #expect(try run("median --radius 0", input: input).output.suffix(maxval + 1) == expected[...], "\(maxval)")
    }
    let deep = Array("P5 3 1 1000\n".utf8) + [0, 1, 1, 0, 3, 232]
    let expected: [UInt16] = [66, UInt16((256.0 * 65535 / 1000).rounded()), 65535]
    #expect(
      try run("median --radius 0", input: deep).output.suffix(6)
        == expected.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }[...])
  }

  @Test func a_sample_above_the_maxval_is_an_error() throws {
    for (head, row) in [("P5 2 1 7\n", [7, 8]), ("P5 1 1 300\n", [1, 45]), ("P2 2 1 7\n", Array("7 8".utf8))]
      as [(String, [UInt8])]
    {
      let outcome = try run("median --radius 0", input: Array(head.utf8) + row)
      #expect(outcome.status == 1 && outcome.output.isEmpty, "\(head)")
      #expect(outcome.errors.contains("row 1 has a sample larger than the maxval of"), "\(outcome.errors)")
    }
  }

  @Test func what_is_no_number_becomes_black_in_integers() throws {
    let floats: [Float] = [.nan, 0.5, .infinity, -.infinity, -.nan, 2, -1]
    let input =
      Array("Pf\n7 1\n-1.0\n".utf8)
      + floats.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init) }
    for (bits, most) in [(8, 255), (16, 65535)] {
      #expect(try run("median --radius 0 --bit-depth \(bits) - -o out.png", input: input).status == 0)
      let result = try #require(Samples(netpbm: run("median --radius 0 --format pgm out.png").output))
      #expect(result.values == [0, Double((most + 1) / 2), Double(most), 0, 0, Double(most), 0])
    }
  }

  /// The greatest gradient of all is its own quantile 1, and not below the threshold.
  @Test func an_edge_as_strong_as_the_threshold_is_strong() throws {
    let outcome = try run("edge --quantiles --low 0.5 --high 1 --format pgm \(testImage("shapes.png"))")
    let edges = try #require(Samples(netpbm: outcome.output))
    #expect(edges.values.contains(255))
  }

  @Test func the_least_memory_that_is_named_is_the_least() throws {
    let line = "gaussian --sigma 3 \(testImage("photo.png")) -o out.png --max-memory"
    let refusal = try run("\(line) 20K")
    #expect(refusal.status == 1)
    let words = refusal.errors.split(separator: " ")
    let place = try #require(words.firstIndex(of: "least"))
    let least = try #require(Int(words[place + 1]))
    #expect(words[place + 2] == "KiB" && least > 20, "\(refusal.errors)")
    #expect(try run("\(line) \(least - 1)K").errors == refusal.errors)
    #expect(try run("\(line) \(least)K").status == 0)
  }

  /// Of two things that are held whole, each may have half of what the run may hold.
  @Test func what_is_held_shares_the_memory() throws {
    let line = "edge --quantiles --explain \(testImage("photo.png")) --max-memory"
    #expect(try run("\(line) 900K").text.contains("the picture held in a temporary file, past --max-memory"))
    #expect(try run("\(line) 1500K").text.contains("the picture held in memory"))
  }
}
