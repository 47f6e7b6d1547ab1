import Foundation
import TestSupport
import Testing

/// The smallest pictures, as scikit-image has them.
@Suite struct SmallPictureTests {
  private func table(_ line: String) throws -> String {
    let outcome = try Program.run(line.split(separator: " ").map(String.init), input: Array("P5 1 1 255 \u{40}".utf8))
    #expect(outcome.status == 0, "\(outcome.errors)")
    return String(decoding: outcome.output, as: UTF8.self)
  }

  /// One response is a peak, though all are the same.
  @Test(arguments: ["log --num-sigma 1", "doh --num-sigma 1"])
  func a_single_response_above_the_threshold_is_a_blob(method: String) throws {
    let line = "blob-detect --min-sigma 1 --max-sigma 1 --method \(method) --threshold"
    #expect(try table("\(line) -1 -").split(separator: "\n").count == 2)
    #expect(try table("\(line) 1 -").split(separator: "\n").count == 1)
  }

  /// Two scales of one pixel are flat.
  @Test func several_equal_responses_are_none() throws {
    let line = "blob-detect --min-sigma 1 --max-sigma 2 --num-sigma 2 --method doh --threshold -1 -"
    #expect(try table(line).split(separator: "\n").count == 1)
  }
}
