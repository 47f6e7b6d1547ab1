import Foundation
import Imbrex
import TestSupport
import Testing

/// `--sheet` and `--truth`: what helps to choose among the combinations of `--vary`.
@Suite struct ChoiceTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    let kind = FileKind.all.first { $0.hasLuma && $0.fileExtension == "png" }!
    _ = try kind.write(in: folder)
  }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func printed(_ line: String) throws -> String {
    let outcome = try run(line)
    #expect(outcome.status == 0, "\(outcome.errors)")
    return String(decoding: outcome.output, as: UTF8.self)
  }

  private func files() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
  }

  // MARK: - Truth

  /// What a combination finds is right where it is the truth.
  @Test func the_best_of_edges_is_the_truth_itself() throws {
    #expect(try run("edge --sigma 2 --low 0.02 --high 0.1 in.png -o truth.png").status == 0)
    let line = "edge --sigma {s} --low 0.02 --high {t} --vary s=1,2 --vary t=0.1,0.2 in.png --truth truth.png"
    let lines = try printed("\(line) --tolerance 0 -q").split(separator: "\n").map { $0.split(separator: " ") }
    #expect(lines.count == 5)
    #expect(lines[0].map(String.init) == ["s", "t", "found", "truth", "matched", "precision", "recall", "F1"])
    #expect(
      lines[1].map(String.init).prefix(2) == ["2", "0.1"] && lines[1].suffix(3) == ["1.0000", "1.0000", "1.0000"])
    let scores = lines.dropFirst().map { Double($0.last!)! }
    #expect(scores == scores.sorted(by: >) && scores[1] < 1)
    #expect(try files() == ["in.png", "truth.png"], "nothing else is written")

    // The same numbers as of the results themselves.
    #expect(try run("edge --sigma 1 --low 0.02 --high 0.2 in.png -o a.png").status == 0)
    let (found, truth) = (try mask("a.png"), try mask("truth.png"))
    let row = try #require(lines.first { $0.prefix(2) == ["1", "0.2"] })
    #expect(row[2] == "\(found.count { $0 })" && row[3] == "\(truth.count { $0 })")
    #expect(row[4] == "\(zip(found, truth).count { $0 && $1 })")
  }

  private func mask(_ name: String) throws -> [Bool] {
    let picture = try Picture(reading: ImageReader(path: folder.path(name)))
    return (0..<picture.description.height).flatMap { y in
      (0..<picture.description.width).map { picture.row(y).load(fromByteOffset: $0, as: UInt8.self) != 0 }
    }
  }

  @Test func one_run_is_scored_too_also_as_json() throws {
    #expect(try run("edge in.png --low 0.02 --high 0.1 -o truth.png").status == 0)
    let text = try printed("edge --low 0.02 --high 0.1 in.png --truth truth.png --json -o again.png")
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let scores = try #require(object["combinations"] as? [[String: Any]])
    #expect(scores.count == 1 && scores[0]["f1"] as? Double == 1)
    #expect(try areSameFiles(folder.path("again.png"), folder.path("truth.png")))
  }

  @Test func blobs_are_compared_with_a_table() throws {
    #expect(try run("blob-detect --max-sigma 6 --threshold 0.05 in.png -o truth.csv").status == 0)
    let line = "blob-detect --max-sigma 6 --threshold {t} --vary t=0.02,0.05,0.1 in.png --truth truth.csv -q"
    let lines = try printed(line).split(separator: "\n")
    #expect(lines.count == 4 && lines[1].split(separator: " ").first == "0.05" && lines[1].hasSuffix("1.0000"))
  }

  /// Of several pictures the counts are added.
  @Test func a_directory_of_truths_has_files_of_the_same_names() throws {
    for name in ["in", "truth"] {
      try FileManager.default.createDirectory(atPath: folder.path(name), withIntermediateDirectories: true)
    }
    for name in ["a", "b"] {
      try FileManager.default.copyItem(atPath: folder.path("in.png"), toPath: folder.path("in/\(name).png"))
    }
    #expect(try run("edge --low 0.02 --high 0.1 in -o truth/ --name {stem}.tif -q").status == 0)
    #expect(try files().contains("truth"))
    let line = "edge --low 0.02 --high {t} --vary t=0.1,0.2 in --truth truth -q"
    let lines = try printed(line).split(separator: "\n")
    let found = try mask("truth/a.tif").count { $0 }
    #expect(lines[1].split(separator: " ")[1] == "\(2 * found)" && lines[1].hasSuffix("1.0000"))
    try FileManager.default.removeItem(atPath: folder.path("truth/b.tif"))
    let outcome = try run(line)
    #expect(
      outcome.status == 1 && outcome.errors.contains("in/b.png: --truth has no file for 'b.png' in 'truth'"),
      "\(outcome.errors)")
  }

  // MARK: - Sheets

  @Test func a_sheet_shows_all_results_and_changes_none() throws {
    let line = "edge --sigma {s} --low 0.02 --high {t} --vary s=1,2 --vary t=0.1,0.2,0.3 in.png"
    #expect(try run("\(line) --sheet only.png -q").status == 0)
    #expect(try run("\(line) -o {s}-{t}.png -q --sheet too.png").status == 0)
    #expect(try areSameFiles(folder.path("only.png"), folder.path("too.png")))
    #expect(try run("edge --sigma 2 --low 0.02 --high 0.3 in.png -o a.png").status == 0)
    #expect(try areSameFiles(folder.path("2-0.3.png"), folder.path("a.png")))
    let sheet = try ImageReader(path: folder.path("only.png")).description
    #expect(sheet.color == .rgb && sheet.width <= 1920 && sheet.height <= 1080)
    #expect(try run("\(line) --sheet small.png --sheet-size 300x200 -q").status == 0)
    let small = try ImageReader(path: folder.path("small.png")).description
    #expect(small.width <= 300 && small.height <= 200)
  }

  @Test func tables_are_drawn_on_the_picture() throws {
    let line = "median then blob-detect --max-sigma 6 --threshold {t} --vary t=0.02,0.1 in.png"
    #expect(try run("\(line) --sheet blobs.png -q").status == 0)
    let picture = try Picture(reading: ImageReader(path: folder.path("blobs.png")))
    var colours: Set<[UInt8]> = []
    for y in 0..<picture.description.height {
      for x in 0..<picture.description.width {
        colours.insert((0..<3).map { picture.row(y).load(fromByteOffset: 3 * x + $0, as: UInt8.self) })
      }
    }
    #expect(colours.contains { $0[0] != $0[1] || $0[1] != $0[2] }, "circles are coloured")
  }

  @Test(arguments: [
    ("edge --sheet s.png in.png", "--sheet goes with --vary only"),
    (
      "edge --high {t} --vary t=0.3,0.4 --sheet s.txt in.png",
      "--sheet is 's.txt', but its extension must be a picture's, such as .png"
    ),
    (
      "edge --high {t} --vary t=0.3,0.4 --sheet in.png in.png",
      "--sheet 'in.png' would be written over the input 'in.png'"
    ),
    (
      "edge --high {t} --vary t=0.3,0.4 --sheet-region 5x5+0+0 in.png -o {t}.png",
      "--sheet-region goes with --sheet only"
    ),
    (
      "edge --high {t} --vary t=0.3,0.4 --sheet s.png --sheet-region 5000x5+0+0 in.png", "--sheet-region ends at 5000,5"
    ),
    ("edge --tolerance 3 in.png -o a.png", "--tolerance goes with --truth only"),
    ("edge --truth no.png in.png", "--truth is 'no.png', which does not exist"),
    ("sobel --truth in.png in.png -o a.png", "--truth goes with edge and blob-detect, not with sobel"),
    ("edge --truth in.png in.png -o -", "--truth and a result would both be written to standard output: use -o FILE"),
    (
      "edge --truth in.png in.png -o a.png --no-clobber",
      "--no-clobber does not go with --truth, which needs all results"
    ),
  ])
  func what_is_wrong_is_said_in_one_line(line: String, message: String) throws {
    let outcome = try run(line + " -q")
    #expect(outcome.status != 0 && outcome.output.isEmpty)
    #expect(outcome.errors.contains(message) && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
    #expect(try files() == ["in.png"])
  }
}
