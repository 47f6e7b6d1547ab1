import Foundation
import Imbrex
import TestSupport
import Testing

/// What SciPy and scikit-image make with options that they have beside the usual ones, and of signed pictures: cases that
/// Fixtures/make_exact.py computes.
@Suite struct ExactTests {
  private struct Line: Decodable {
    let input: String?
    let file: Data?
    let of: String?
    let words: [String]?
    let files: [String: Data]?
    let tolerance: Double?
    let wanted: Data?
    let rows: [[Double]]?
  }

  private static let lines: [Line] = {
    let file = projectFolder.appendingPathComponent("Tests/Fixtures/exact.jsonl")
    return try! Data(contentsOf: file).split(separator: 10).map { try JSONDecoder().decode(Line.self, from: $0) }
  }()
  private static let inputs = Dictionary(
    uniqueKeysWithValues: lines.filter { $0.input != nil }.map { ($0.input!, $0.file!) })

  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func write(_ data: Data, _ name: String) throws {
    try data.write(to: folder.url.appendingPathComponent(name))
  }

  @Test(arguments: [
    ["median", "uint8"], ["median", "uint16"], ["median", "int16"], ["median", "float32"], ["median", "float64"],
    ["median", "few values"], ["median", "bytes"], ["median", "words"], ["median", "noise"], ["gaussian", ""],
    ["sobel", ""], ["edge", ""], ["blob-detect", ""],
  ])
  func results_are_scipys(names: [String]) throws {
    let cases = Self.lines.filter { $0.words?[0] == names[0] && $0.of!.hasPrefix(names[1]) }
    #expect(cases.count > 10)
    for line in cases {
      try write(Self.inputs[line.of!]!, "in.npy")
      for (name, data) in line.files ?? [:] { try write(data, name) }
      for tiling in [["--serial"], ["--tile", "5x6", "-j3"]] {
        if let failure = try failure(of: line, tiling) {
          Issue.record("\(line.of!): \(line.words!.joined(separator: " ")) \(tiling[0]): \(failure)")
        }
      }
    }
  }

  private func failure(of line: Line, _ tiling: [String]) throws -> String? {
    let isTable = line.rows != nil
    let outcome = try Program.run(
      line.words! + ["in.npy", "-o", isTable ? "-" : "out.npy"] + tiling, folder: folder.url)
    guard outcome.status == 0 else { return outcome.errors }
    if let rows = line.rows {
      let found = outcome.text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").map { Double($0)! } }
      guard found.count == rows.count else { return "\(found.count) blobs instead of \(rows.count)" }
      for (row, wanted) in zip(found, rows) where zip(row, wanted).contains(where: { abs($0 - $1) > 1e-9 }) {
        return "\(row) instead of \(wanted)"
      }
      return nil
    }
    try write(line.wanted!, "wanted.npy")
    let made = try readPictures(folder.path("out.npy"))[0], wanted = try readPictures(folder.path("wanted.npy"))[0]
    guard made.description == wanted.description else { return "\(made.description) instead of \(wanted.description)" }
    let steps: Double = [.uint8: 255, .uint16: 65535][wanted.description.sampleType] ?? 1
    let worst = zip(unitSamples(made), unitSamples(wanted)).map { $0 == $1 ? 0 : abs($0 - $1) * steps }.max()!
    return worst <= line.tolerance! * (1 + 1e-6) ? nil : "\(worst) apart"
  }
}
