import Foundation
import Imbrex
import TestSupport
import Testing

/// What works for a filter works for a chain: directories, pipes, pages, repeated runs, plans, reports.
@Suite struct ChainBatchTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    for (name, source) in [
      ("in/a.png", "gradient.png"), ("in/b.ppm", "scene.ppm"), ("in/sub/c.tif", "rgb-strips-lzw.tif"),
      ("in/notes.txt", "cells.csv"),
    ] {
      let path = folder.path(name)
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: testImage(source), toPath: path)
    }
  }

  /// Runs what is typed, in the folder.
  private func run(_ line: String, input: [UInt8] = []) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), input: input, folder: folder.url)
  }

  private func files(_ directory: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: folder.path(directory))?.allObjects as? [String] ?? []
    return names.filter {
      (try? FileManager.default.contentsOfDirectory(atPath: folder.path("\(directory)/\($0)"))) == nil
    }
    .sorted()
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }

  private func copy(_ image: String, to name: String) throws {
    try FileManager.default.copyItem(atPath: testImage(image), toPath: folder.path(name))
  }

  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.path(name)) }

  // MARK: - Files

  @Test func a_directory_goes_through_a_chain_and_its_tees_into_directories() throws {
    let chain = try run("gaussian --sigma 2 then tee smooth/ then sobel then median in -r -o out/")
    #expect(chain.status == 0 && chain.errors == "imbrex: 3 done, 0 skipped, 0 failed\n")
    #expect(files("out") == ["a.png", "b.ppm", "sub/c.tif"] && files("smooth") == files("out"))
    for command in [
      "gaussian --sigma 2 -r in -o one/", "sobel -r one -o two/", "median -r two -o three/",
    ] {
      #expect(try run(command).status == 0)
    }
    for name in files("out") {
      let isSame =
        try areSameFiles(folder.path("out/\(name)"), folder.path("three/\(name)"))
        && areSameFiles(folder.path("smooth/\(name)"), folder.path("one/\(name)"))
      #expect(isSame, "\(name)")
    }
    // Without -r only what is in it.
    #expect(try run("gaussian then sobel in -o flat/").status == 0)
    #expect(files("flat") == ["a.png", "b.ppm"])
  }

  @Test func a_template_knows_all_filters_of_a_chain_and_a_tees_those_before_it() throws {
    let outcome = try run("gaussian then tee mid/ then sobel in/a.png in/b.ppm --name {stem}-{filter}.{ext} -o out/")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(files("out") == ["a-gaussian-sobel.png", "b-gaussian-sobel.ppm"])
    #expect(files("mid") == ["a-gaussian.png", "b-gaussian.ppm"])
  }

  @Test func a_bad_file_does_not_stop_the_others_and_leaves_no_tee() throws {
    try copy("damaged/truncated.png", to: "in/bad.png")
    let outcome = try run("gaussian then tee mid/ then edge in -o out/")
    #expect(outcome.status == 1 && outcome.errors.hasSuffix("imbrex: 2 done, 0 skipped, 1 failed\n"))
    #expect(files("out") == ["a.png", "b.ppm"] && files("mid") == ["a.png", "b.ppm"])
  }

  @Test func a_chain_stands_in_a_pipe() throws {
    for name in ["gradient.png", "scene.pam", "scene.pfm", "gray16-tiles-deflate.tif"] {
      let input = [UInt8](try Data(contentsOf: URL(fileURLWithPath: testImage(name))))
      let piped = try run("median then gaussian --sigma 2 then sobel", input: input)
      #expect(piped.status == 0 && piped.errors.isEmpty && piped.output.prefix(1) == input.prefix(1))
      var passed = input
      for stage in ["median", "gaussian --sigma 2", "sobel"] { passed = try run(stage, input: passed).output }
      let isSame = piped.output == passed
      #expect(isSame, "\(name)")
      #expect(try run("median then gaussian --sigma 2 then sobel - -o -", input: input).output.count == passed.count)
    }
  }

  @Test func a_tee_may_be_a_special_file_and_the_result_a_pipe() throws {
    let outcome = try run("gaussian then tee /dev/null then sobel --format pgm in/a.png -o -")
    #expect(outcome.status == 0 && outcome.output.starts(with: Array("P5".utf8)), "\(outcome.errors)")
  }

  @Test func every_page_goes_through_a_chain_and_its_tee() throws {
    let pages = [(40, 30), (17, 23), (40, 30)].enumerated().map { seed, size in
      testPicture(
        ImageDescription(width: size.0, height: size.1, color: .rgb, sampleType: seed == 1 ? .uint16 : .uint8),
        seed: seed)
    }
    try writePictures(pages, to: folder.path("pages.tif"))
    #expect(try run("gaussian then tee mid.tif then edge pages.tif -o out.tif").status == 0)
    #expect(try run("gaussian pages.tif -o one.tif").status == 0 && run("edge one.tif -o two.tif").status == 0)
    let isSame =
      try areSameFiles(folder.path("mid.tif"), folder.path("one.tif"))
      && areSameFiles(folder.path("out.tif"), folder.path("two.tif"))
    #expect(isSame)
    let made = try readPictures(folder.path("out.tif"))
    #expect(made.map(\.description.width) == [40, 17, 40])
    // Some of them.
    #expect(try run("gaussian then tee mid2.tif then edge --page 2-3 pages.tif -o out2.tif").status == 0)
    let part = try readPictures(folder.path("out2.tif")), between = try readPictures(folder.path("mid2.tif"))
    #expect(part.count == 2 && part[0].hasSameBytes(as: made[1]) && part[1].hasSameBytes(as: made[2]))
    #expect(try between.count == 2 && between[0].hasSameBytes(as: readPictures(folder.path("mid.tif"))[1]))
    #expect(try run("gaussian then edge --page 2 pages.tif -o second.png").status == 0)
    #expect(try readPictures(folder.path("second.png"))[0].hasSameBytes(as: made[1]))
    // Neither the result nor a tee of several pages is a PNG.
    for line in [
      "gaussian then edge pages.tif -o pages.png", "gaussian then tee pages.png then edge pages.tif -o p.tif",
    ] {
      let refused = try run(line)
      #expect(refused.status == 1 && refused.errors.contains("it has 3 pages, but a PNG holds one"))
      #expect(!exists("pages.png") && !exists("p.tif"))
    }
  }

  @Test func a_chain_works_in_place() throws {
    let before = try bytes("in/a.png")
    #expect(try run("gaussian then sobel in/a.png -o expected.png").status == 0)
    #expect(try run("gaussian then tee mid.png then sobel --in-place=.bak in/a.png").status == 0)
    #expect(try bytes("in/a.png") == bytes("expected.png") && bytes("in/a.png.bak") == before)
    #expect(try run("gaussian in/a.png.bak -o mid2.png").status == 0)
    #expect(try bytes("mid.png") == bytes("mid2.png"))
    // Without a suffix nothing is kept.
    #expect(try run("gaussian then sobel --in-place -r in").errors == "imbrex: 3 done, 0 skipped, 0 failed\n")
    #expect(files("in") == ["a.png", "a.png.bak", "b.ppm", "notes.txt", "sub/c.tif"])
    #expect(try run("gaussian then blob-detect --in-place in/a.png").status == 2)
  }

  // MARK: - Repeated runs

  @Test func an_incremental_chain_does_what_has_changed() throws {
    func go(_ line: String) throws -> String { try run(line + " -r in --incremental -o out/").errors }
    let all = "imbrex: 3 done, 0 skipped, 0 failed\n", none = "imbrex: 0 done, 3 skipped, 0 failed\n"
    let one = "imbrex: 1 done, 2 skipped, 0 failed\n"
    let line = "gaussian --sigma 2 then tee mid/ then median then sobel"
    #expect(try go(line) == all)
    #expect(try go(line) == none)
    // An option of any stage, a stage more, another place for the tee; and back.
    for changed in [
      "gaussian --sigma 2.5 then tee mid/ then median then sobel",
      "gaussian --sigma 2.5 then tee mid/ then median --radius 2 then sobel",
      "gaussian --sigma 2.5 then tee mid/ then median --radius 2 then sobel --operator farid",
      "gaussian --sigma 2.5 then tee mid/ then sobel --operator farid",
      "gaussian --sigma 2.5 then median then sobel --operator farid",
      "gaussian --sigma 2.5 then median then tee mid/ then sobel --operator farid",
      "gaussian --sigma 2.5 then median then tee mid2/ then sobel --operator farid",
    ] {
      #expect(try go(changed) == all, "\(changed)")
      #expect(try go(changed) == none, "\(changed)")
    }
    #expect(try go(line) == all)
    // What is missing is made again.
    try FileManager.default.removeItem(atPath: folder.path("mid/b.ppm"))
    #expect(try go(line) == one && exists("mid/b.ppm"))
    try FileManager.default.removeItem(atPath: folder.path("out/sub/c.tif"))
    #expect(try go(line) == one && exists("out/sub/c.tif"))
    // Workers do not matter.
    #expect(try go(line + " -j1") == none && go(line + " --tile 16x16") == none)
    // A changed input.
    try FileManager.default.removeItem(atPath: folder.path("in/a.png"))
    try copy("interlaced.png", to: "in/a.png")
    #expect(try go(line) == one)
  }

  // MARK: - Plans and reports

  @Test func a_dry_run_of_a_chain_lists_and_does_nothing() throws {
    let outcome = try run("gaussian then tee mid/ then sobel -r in -o out/ --dry-run")
    #expect(outcome.status == 0 && outcome.text.hasPrefix("in/a.png -> out/a.png\n") && outcome.errors.isEmpty)
    #expect(folder.contents == ["in"])
  }

  @Test func the_plan_of_a_chain_names_all_stages_and_nothing_is_done() throws {
    let outcome = try run(
      "gaussian --sigma 2 then tee mid.png then median then edge --quantiles --low 0.5 --high 0.9 then sobel in/a.png "
        + "-o out.png --explain")
    #expect(outcome.status == 0 && outcome.errors.isEmpty && folder.contents == ["in"])
    #expect(outcome.text.contains("filter:     gaussian then median then edge then sobel\n"))
    let sweeps = outcome.text.split(separator: "\n").filter { $0.hasPrefix("sweep ") }
    #expect(sweeps.count > 1)
    for filter in ["gaussian (halo 8,8)", "median (halo 1,1)", "edge (halo ", "sobel (halo 1,1)"] {
      #expect(sweeps.contains { $0.contains(filter) }, "\(filter)")
    }
  }

  @Test func a_chain_tells_the_time_of_each_stage() throws {
    let outcome = try run("gaussian then sobel then median -v in/a.png -o out.png")
    #expect(outcome.status == 0 && outcome.errors.split(separator: "\n").count == 1)
    #expect(outcome.errors.contains("; gaussian then sobel then median; "))
    for part in ["decoding ", "gaussian ", "sobel ", "median ", "encoding "] {
      #expect(outcome.errors.contains(try Regex(part + "[0-9]+ ms")), "\(part): \(outcome.errors)")
    }
  }

  @Test func a_report_has_an_object_for_each_file_of_a_chain() throws {
    try copy("damaged/truncated.png", to: "in/bad.png")
    #expect(try run("gaussian then edge -r in -o out/ --report report.json").status == 1)
    let lines = try String(decoding: bytes("report.json"), as: UTF8.self).split(separator: "\n")
    let objects = try lines.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    .filter { $0["input"] != nil }
    #expect(objects.count == 4)
    #expect(objects.count { $0["status"] as? String == "done" } == 3)
    let failed = try #require(objects.first { $0["status"] as? String == "failed" })
    #expect(failed["input"] as? String == "in/bad.png" && failed["error"] is String)
  }

  @Test func bench_times_a_chain() throws {
    for chain in ["gaussian then sobel", "median then edge", "gaussian then blob-detect --max-sigma 4"] {
      let outcome = try run("bench \(chain) --runs 2 --jobs 1,3 --json in/a.png")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let report = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any])
      #expect(report["filter"] as? String == chain.replacingOccurrences(of: " --max-sigma 4", with: ""))
      let runs = try #require(report["runs"] as? [[String: Any]])
      #expect(runs.count == 3 && runs.allSatisfy { $0["identical"] as? Bool == true })
    }
    #expect(try run("bench gaussian then sobel --end-to-end --runs 1 --jobs 2 in/a.png").status == 0)
    #expect(try run("bench gaussian then tee x.png then sobel in/a.png").status == 2)
  }

  // MARK: - Tables

  @Test func a_table_ends_a_chain() throws {
    try copy("cells.png", to: "cells.png")
    #expect(try run("gaussian --sigma 2 cells.png -o smooth.png").status == 0)
    let options = "blob-detect --max-sigma 10 --threshold 0.05"
    #expect(try run("\(options) smooth.png -o one.csv --overlay one.png").status == 0)
    #expect(
      try run("gaussian --sigma 2 then tee mid.png then \(options) cells.png -o two.csv --overlay two.png").status == 0)
    #expect(try String(decoding: bytes("two.csv"), as: UTF8.self).split(separator: "\n").count > 20)
    for (a, b) in [("one.csv", "two.csv"), ("one.png", "two.png"), ("smooth.png", "mid.png")] {
      let isSame = try areSameFiles(folder.path(a), folder.path(b))
      #expect(isSame, "\(b)")
    }
    // Standard output, other formats, tilings.
    let table = try run("gaussian --sigma 2 then \(options) cells.png")
    #expect(try table.status == 0 && Data(table.output) == bytes("one.csv"))
    for tiling in ["--serial", "-j1", "--tile 50x70", "--max-memory 2M"] {
      #expect(try run("gaussian --sigma 2 then \(options) cells.png \(tiling)").text == table.text)
    }
    let json = try run("gaussian --sigma 2 then \(options) cells.png --table json")
    let rows = try #require(try JSONSerialization.jsonObject(with: Data(json.output)) as? [[String: Double]])
    #expect(rows.count == table.text.split(separator: "\n").count - 1)
  }

  @Test func tables_overlays_and_tees_of_a_directory_are_files_in_directories() throws {
    let outcome = try run(
      "gaussian then tee mid/ then blob-detect --max-sigma 4 -r in -o tables/ --overlay seen/ --table tsv")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(files("tables") == ["a.tsv", "b.tsv", "sub/c.tsv"])
    #expect(files("seen") == ["a.png", "b.ppm", "sub/c.tif"] && files("mid") == files("seen"))
  }

  // MARK: - What is refused

  struct Refusal: CustomTestStringConvertible, Sendable {
    let line: String
    let says: String
    var testDescription: String { line }
    init(_ line: String, _ says: String) { (self.line, self.says) = (line, says) }
  }

  static let refusals = [
    Refusal("gaussian then tee out.png then sobel in/a.png -o out.png", "tee 'out.png'"),
    Refusal("gaussian then tee in/a.png then sobel in/a.png -o out.png", "over the input 'in/a.png'"),
    Refusal("gaussian then tee in/sub/../a.png then sobel in/a.png -o out.png", "over the input 'in/a.png'"),
    Refusal(
      "gaussian then tee x.png then sobel then tee x.png then median in/a.png -o out.png", "written already"),
    Refusal("gaussian then tee ./out.png then sobel in/a.png -o out.png", "would be written over the output"),
    Refusal("gaussian then tee x.png then sobel then tee ./x.png then median in/a.png -o out.png", "written already"),
    Refusal("gaussian then tee mid/ then sobel then tee ./mid/ then median in -o out/", "written already"),
    Refusal("gaussian then tee r.png then sobel in/a.png -o out.png --report r.png", "written already"),
    Refusal("gaussian then tee mid/ then sobel then tee mid/ then median in -o out/", "written already"),
    Refusal("gaussian then tee out/ then sobel in -o out/", "written already"),
    Refusal("gaussian then tee in/ then sobel in -o out/", "in/a.png"),
    Refusal("gaussian then tee x.png then sobel in/a.png in/b.ppm -o out/", "tee for several inputs needs a directory"),
    Refusal("gaussian then tee x.png then sobel in -o out/", "tee for several inputs needs a directory"),
    Refusal("gaussian then tee in/a.png then sobel --in-place in/a.png", "in/a.png"),
    Refusal("gaussian then tee x.xyz then sobel in/a.png -o out.png", "the format of 'x.xyz' cannot be told"),
    Refusal("blob-detect then sobel in/a.png -o out.png", "blob-detect makes a table: no stage can come after it"),
    Refusal("blob-detect then tee x.png in/a.png -o out.csv", "blob-detect makes a table: no stage can come after it"),
    Refusal("gaussian then blob-detect then median in/a.png -o out.png", "blob-detect makes a table"),
    Refusal("gaussian then", "the name of a filter must come after 'then'"),
    Refusal("gaussian then in/a.png -o out.png", "unknown filter 'in/a.png'"),
    Refusal("gaussian in/a.png -o out.png then", "the name of a filter must come after 'then'"),
    Refusal("gaussian then then sobel in/a.png -o out.png", "not 'then'"),
    Refusal("then gaussian in/a.png -o out.png", "a filter comes before 'then'"),
    Refusal("tee x.png then gaussian in/a.png -o out.png", "a filter comes before 'tee'"),
    Refusal("gaussian then tee", "tee needs a file"),
    Refusal("gaussian then sobel in/a.png -o one.png -o two.png", "--output is given twice"),
    Refusal("gaussian then sobel --sigma 2 in/a.png -o out.png", "--sigma is an option of gaussian"),
    Refusal("gaussian then blob-detect --overlay x.png then tee x.png in/a.png", "blob-detect makes a table"),
    Refusal("gaussian then tee x.png then blob-detect --overlay x.png in/a.png -o t.csv", "x.png"),
    Refusal("gaussian then tee t.png then blob-detect in/a.png -o t.png", "t.png"),
  ]

  @Test(arguments: refusals) func what_does_not_go_is_refused_and_nothing_written(refusal: Refusal) throws {
    let before = files(".")
    let outcome = try run(refusal.line)
    #expect(outcome.status == 2, "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1 && outcome.errors.hasPrefix("imbrex: "))
    #expect(outcome.errors.contains(refusal.says), "\(outcome.errors)")
    #expect(files(".") == before && outcome.output.isEmpty)
    let isUntouched = try bytes("in/a.png") == Data(contentsOf: URL(fileURLWithPath: testImage("gradient.png")))
    #expect(isUntouched)
  }

  @Test func a_file_that_is_there_is_known_by_any_of_its_names() throws {
    try copy("gradient.png", to: "there.png")
    try FileManager.default.createSymbolicLink(atPath: folder.path("link.png"), withDestinationPath: "there.png")
    let before = try bytes("there.png")
    for line in [
      "gaussian then tee ./there.png then sobel in/a.png -o there.png",
      "gaussian then tee link.png then sobel in/a.png -o there.png",
      "gaussian then tee there.png then sobel then tee in/../there.png then median in/a.png -o out.png",
      "gaussian then tee in/../there.png then sobel there.png -o out.png",
    ] {
      let outcome = try run(line)
      #expect(outcome.status == 2 && outcome.errors.split(separator: "\n").count == 1, "\(line): \(outcome.errors)")
      let isUntouched = try bytes("there.png") == before && !exists("out.png")
      #expect(isUntouched)
    }
  }

  @Test func a_file_of_the_name_then_is_taken_with_its_path() throws {
    try copy("gradient.png", to: "then")
    #expect(try run("gaussian then sobel ./then -o out.png").status == 0)
    #expect(try run("gaussian then sobel in/a.png -o same.png").status == 0)
    #expect(try bytes("out.png") == bytes("same.png"))
    #expect(try run("gaussian -o last.png -- then").status == 0 && exists("last.png"))
    #expect(try run("gaussian then tee ./then.png then sobel ./then -o x.png").status == 0 && exists("then.png"))
  }
}
