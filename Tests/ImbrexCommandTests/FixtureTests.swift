import Foundation
import Imbrex
import TestSupport
import Testing

/// One line of a fixture file: a command and what scikit-image makes of its input. See Fixtures/README.md.
struct FilterFixture: Decodable {
  struct Picture: Decodable {
    let width: Int
    let height: Int
    let channels: Int
    let type: Samples.Kind
    let samples: Data

    var decoded: Samples {
      Samples(width: width, height: height, channels: channels, kind: type, bytes: [UInt8](samples))
    }
  }

  enum Expected: Decodable {
    case picture(Samples)
    case blobs([[Double]])

    init(from decoder: any Decoder) throws {
      enum Key: CodingKey { case blobs }
      let container = try decoder.container(keyedBy: Key.self)
      if container.contains(.blobs) {
        self = .blobs(try container.decode([[Double]].self, forKey: .blobs))
      } else {
        self = .picture(try Picture(from: decoder).decoded)
      }
    }
  }

  enum Comparison: String, Decodable { case float, rounded, exact, edge, blobs }

  let name: String
  /// Where a file has cases of several.
  let filter: String?
  let arguments: [String]
  let input: Picture
  let mask: Picture?
  let expected: Expected
  let compare: Comparison
}

@Suite struct FixtureTests {
  /// A filter of the list without reference results fails.
  @Test(arguments: FilterDefinition.all.filter { $0.needs == nil }.map(\.name))
  func a_filter_computes_what_scikit_image_computes(filter: String) throws {
    let file = projectFolder.appendingPathComponent("Tests/Fixtures/\(filter).jsonl")
    let lines = try Data(contentsOf: file).split(separator: 10)
    #expect(lines.count > 20)
    for line in lines {
      let fixture = try JSONDecoder().decode(FilterFixture.self, from: Data(line))
      if let failure = try Self.failure(of: fixture, filter) {
        Issue.record("\(filter) \(fixture.name) \(fixture.arguments): \(failure)")
      }
    }
  }

  /// Runs the program as the fixture says; what is wrong with the result, if anything.
  static func failure(of fixture: FilterFixture, _ filter: String, _ options: [String] = []) throws -> String? {
    let folder = try TemporaryFolder()
    var arguments = [filter] + fixture.arguments + options
    if let mask = fixture.mask {
      try Data(mask.decoded.netpbm).write(to: URL(fileURLWithPath: folder.path("mask.pgm")))
      arguments += ["--mask", folder.path("mask.pgm")]
    }
    let outcome = try Program.run(arguments, input: fixture.input.decoded.netpbm)
    guard outcome.status == 0 else { return "status \(outcome.status): \(outcome.errors)" }
    switch fixture.expected {
    case .blobs(let expected):
      let rows = outcome.text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").map { Double($0)! } }
      guard rows.count == expected.count else { return "\(rows.count) blobs instead of \(expected.count)" }
      for (row, wanted) in zip(rows, expected)
      where row[0] != wanted[0] || row[1] != wanted[1] || abs(row[2] - wanted[2]) > 1e-6 {
        return "\(row) instead of \(wanted)"
      }
      return nil
    case .picture(let expected):
      guard let result = Samples(netpbm: outcome.output) else { return "not a Netpbm file" }
      guard
        (result.width, result.height, result.channels, result.kind)
          == (expected.width, expected.height, expected.channels, expected.kind)
      else { return "\(result.width) × \(result.height) × \(result.channels) \(result.kind)" }
      return difference(result.values, expected.values, fixture.compare)
    }
  }

  private static func difference(_ result: [Double], _ expected: [Double], _ compare: FilterFixture.Comparison)
    -> String?
  {
    let differences = zip(result, expected).map { $0 == $1 || ($0.isNaN && $1.isNaN) ? 0 : abs($0 - $1) }
    // NaN where a number is expected is a difference, too.
    let wrong = differences.count { !($0 <= (compare == .float ? 1e-5 : 0)) }
    if compare == .rounded {
      let isClose = differences.allSatisfy { $0 <= 1 } && wrong * 100 <= differences.count
      return isClose ? nil : "\(wrong) of \(differences.count) samples differ"
    }
    return wrong == 0 ? nil : "\(wrong) of \(differences.count) samples differ"
  }
}
