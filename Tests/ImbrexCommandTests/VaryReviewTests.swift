import Foundation
import Imbrex
import TestSupport
import Testing

/// `--vary` where it had gone wrong: odd thresholds, files that are in the way, many combinations, functions that are probed.
@Suite struct VaryReviewTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ words: [String], input: [UInt8] = []) throws -> Program.Outcome {
    try Program.run(words, input: input, folder: folder.url)
  }
  private func run(_ line: String, input: [UInt8] = []) throws -> Program.Outcome {
    try run(line.split(separator: " ").map(String.init), input: input)
  }

  private func write(_ picture: Picture, _ name: String) throws {
    let path = folder.path(name)
    let writer = try ImageWriter(
      to: OutputFile(path: path), format: ImageFormat(path: path)!, picture: picture.description, metadata: Metadata())
    try writer.write(picture)
    try writer.finish()
  }

  private func writeGray(_ name: String, width: Int = 60, height: Int = 44) throws {
    try write(
      testPicture(ImageDescription(width: width, height: height, color: .gray, sampleType: .uint8)), name)
  }

  /// Each output is that of its line alone.
  private func check(_ chain: String, _ values: [(name: String, values: [String])], _ ending: String = "png") throws {
    let names = values.map { "{\($0.name)}" }.joined(separator: "_")
    let vary = values.map { "--vary \($0.name)=\($0.values.joined(separator: ","))" }.joined(separator: " ")
    let outcome = try run("\(chain) \(vary) -o all_\(names).\(ending) -q")
    try #require(outcome.status == 0 && outcome.errors.isEmpty, "\(chain): \(outcome.status) \(outcome.errors)")
    let combinations = values.reduce([[(String, String)]([])]) { all, name in
      all.flatMap { one in name.values.map { one + [(name.name, $0)] } }
    }
    for combination in combinations {
      func filled(_ text: String) -> String {
        combination.reduce(text) { $0.replacingOccurrences(of: "{\($1.0)}", with: $1.1) }
      }
      let alone = try run("\(filled(chain)) -o alone.\(ending) -q")
      try #require(alone.status == 0, "\(alone.errors)")
      let made = folder.path(filled("all_\(names).\(ending)"))
      #expect(try areSameFiles(made, folder.path("alone.\(ending)")), "\(filled(chain))")
    }
  }

  // MARK: - Thresholds

  /// 0 is taken for 1e-14, which is above 1e-20.
  @Test func low_thresholds_about_0_are_cut_in_their_order() throws {
    try writeGray("in.png")
    try check("edge --low {l} --high {h} in.png", [("l", ["0", "1e-20", "-1", "0.02"]), ("h", ["0.3", "1e30"])])
  }

  @Test func quantiles_of_what_is_no_number_are_reached_by_nothing() throws {
    let picture = testPicture(ImageDescription(width: 40, height: 30, color: .gray, sampleType: .float32))
    let samples: UnsafeMutablePointer<Float> = picture.row(10).samples()
    for x in 5..<15 { samples[x] = .nan }
    try write(picture, "nan.tif")
    for option in ["", "--quantiles"] {
      try check(
        "edge --sigma 0 \(option) --low {l} --high {h} nan.tif", [("l", ["0", "0.2", "0.6"]), ("h", ["0.7", "0.9"])])
    }
  }

  @Test func edges_under_one_mask_are_found_together() throws {
    try writeGray("in.png")
    let mask = try Picture(ImageDescription(width: 60, height: 44, color: .gray, sampleType: .uint8))
    for y in 4..<40 { memset(mask.row(y) + 6, 255, 40) }
    try write(mask, "mask.png")
    try check("edge --mask mask.png --low {l} --high 0.3 in.png", [("l", ["0.02", "0.1", "0.2"])])
    let line = "edge --mask mask.png --low {l} --high 0.3 --vary l=0.02,0.1,0.2 in.png -o {l}.png --explain"
    #expect(String(decoding: try run(line).output, as: UTF8.self).contains("edge, 3 settings at once"))
  }

  // MARK: - Files in the way

  @Test(arguments: [
    ("in --sheet in/ -o {s}/", "--sheet 'in/a.png' would be written over the input 'in/a.png'"),
    ("in/a.png --sheet in/ -o {s}.png", "--sheet 'in/a.png' would be written over the input 'in/a.png'"),
    ("in/a.png --sheet {s}.png -o o-{s}.png", "--sheet varies, but must be the same for all combinations"),
    ("in --sheet 1/ -o {s}/", "--sheet '1/a.png' would be written over a result"),
    (
      "in/a.png in/b.pgm in/b.png --sheet sheets/ -o {s}/ --name {stem}-{ext}.png",
      "--sheet 'sheets/b.png' would be written over the sheet of 'in/b.pgm'"
    ),
  ])
  func a_sheet_is_written_over_nothing(line: String, message: String) throws {
    try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: true)
    for name in ["in/a.png", "in/b.pgm"] + (line.contains("b.png") ? ["in/b.png"] : []) { try writeGray(name) }
    let before = try Data(contentsOf: URL(fileURLWithPath: folder.path("in/a.png")))
    let outcome = try run("gaussian --sigma {s} --vary s=1,2 \(line)")
    #expect(outcome.status == 2 && outcome.errors == "imbrex: \(message)\n", "\(outcome.errors)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("in/a.png"))) == before)
  }

  // MARK: - Lines

  @Test(arguments: [
    (
      "gaussian --sigma 1 --region {r} --vary r=10x10+0+0,20x20+0+0 in.png -o {r}.png",
      "--region varies, but must be the same for all combinations"
    ),
    (
      "gaussian --sigma 1 {f} --vary f=--strip,--float in.png -o {f}.tif",
      "--strip varies, but must be the same for all combinations"
    ),
    (
      "gaussian --sigma 1 then {f} --vary f=edge,blob-detect in.png -o {f} --format png",
      "--format does not go with blob-detect, which makes a table: use --table (with f=blob-detect)"
    ),
    (
      "gaussian --sigma 1 then {f} --vary f=edge,blob-detect in.png -o {f}/",
      "the chain must have as many filters and tees whatever the values, but has not with f=blob-detect"
    ),
    ("bench gaussian --sigma {s} --vary s=1,2 in.png", "--vary is not an option of bench"),
  ])
  func what_is_one_for_all_does_not_vary(line: String, message: String) throws {
    try writeGray("in.png")
    let outcome = try run(line)
    #expect(outcome.status == 2 && outcome.errors == "imbrex: \(message)\n", "\(outcome.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["in.png"])
  }

  /// A value may hold a slash where no file is named.
  @Test func a_command_that_begins_with_tee_has_its_values_as_they_are() throws {
    try writeGray("in.png")
    try FileManager.default.createDirectory(atPath: folder.path("d"), withIntermediateDirectories: true)
    let outcome = try run(["apply", "--command", "tee {f}", "--vary", "f=d/x,d/y", "in.png", "-o", "{f}.png", "-q"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(FileManager.default.fileExists(atPath: folder.path("d/y")))
  }

  @Test func a_second_picture_is_refused_by_each_format() throws {
    try writeGray("in.pgm")
    let one = Array(try Data(contentsOf: URL(fileURLWithPath: folder.path("in.pgm"))))
    for order in ["tif,png", "png,tif"] {
      let outcome = try run("gaussian --sigma 1 --vary e=\(order) - -o o.{e} -q", input: one + one)
      #expect(outcome.status == 1 && outcome.errors.contains("but a PNG holds one: use --page N"), "\(outcome.errors)")
    }
  }

  // MARK: - Functions

  /// What a command makes is seen from the first tile, as it is alone, not from a small picture.
  @Test(arguments: ["", "--region 120x30+20+60", "--tile 75x140"])
  func a_command_is_probed_with_the_first_tile(option: String) throws {
    try writeGray("in.pgm", width: 140, height: 150)
    let command =
      "cat > tile{s}; w=$(sed -n 2p tile{s} | cut -d' ' -f1); "
      + "test $w -ge 100 || { echo too narrow >&2; exit 3; }; cat tile{s}"
    func words(_ s: String, _ out: String) -> [String] {
      ["apply", "--frames", "pnm", "--command", command.replacingOccurrences(of: "{s}", with: s)]
        + option.split(separator: " ").map(String.init) + ["in.pgm", "-o", out, "-q", "-j", "1"]
    }
    let outcome = try run(words("{s}", "{s}.png") + ["--vary", "s=1,2"])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(try run(words("3", "3.png")).status == 0)
    #expect(try areSameFiles(folder.path("2.png"), folder.path("3.png")))
  }

  /// Commands that are kept end well, or are said not to have.
  @Test func commands_that_are_kept_are_waited_for() throws {
    for name in ["a", "b", "c"] { try writeGray("\(name).pgm") }
    let words = ["apply", "--keep", "--frames", "pnm", "--command", "cat; exit {s}", "--vary", "s=0,3"]
    let outcome = try run(words + ["a.pgm", "b.pgm", "c.pgm", "-o", "o{s}/", "-q", "-j", "2"])
    #expect(outcome.status == 1 && outcome.errors.contains("status 3"), "\(outcome.errors)")
  }

  // MARK: - Many

  /// Files are open one group after the other where few may be.
  @Test func no_more_files_are_open_than_may_be() throws {
    try writeGray("in.png")
    let program = Program.url.path
    let line =
      "ulimit -n 100; '\(program)' gaussian --sigma {s} then tee t{s}.png then sobel --vary s=1:2:0.02 in.png -o {s}.png -q"
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments = ["-c", line]
    process.currentDirectoryURL = folder.url
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 103)
  }

  /// The lines of a long list are read without reading the list each time.
  @Test func ten_thousand_combinations_are_planned_at_once() throws {
    try writeGray("in.png", width: 1, height: 1)
    let began = ContinuousClock.now
    let outcome = try run("gaussian --sigma {s} --vary s=0.0001:1:0.0001 in.png -o {s}.png --dry-run")
    #expect(outcome.status == 0 && outcome.output.split(separator: 10).count == 10_000)
    // A minute on the slowest machine, when it was quadratic; now a second.
    #expect(began.duration(to: .now) < .seconds(15))
  }
}
