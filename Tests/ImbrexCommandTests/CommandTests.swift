import Foundation
import TestSupport
import Testing

/// The program as a process: what it writes, says and returns.
@Suite struct CommandTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  // MARK: - Files and pipes

  @Test(arguments: ["gaussian", "sobel", "median", "edge"])
  func a_filter_writes_the_file_it_is_told_to(filter: String) throws {
    for name in ["out.png", "out.jpg", "out.tif", "out.pam", "out.ppm"] {
      let outcome = try Program.run([filter, testImage("photo.png"), "-o", folder.path(name)])
      #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.output.isEmpty)
    }
    #expect(folder.contents == ["out.jpg", "out.pam", "out.png", "out.ppm", "out.tif"])
  }

  @Test func the_format_follows_the_extension_and_the_input_is_told_by_its_bytes() throws {
    try FileManager.default.copyItem(atPath: testImage("photo.jpg"), toPath: folder.path("misnamed.png"))
    #expect(try Program.run(["median", folder.path("misnamed.png"), "-o", folder.path("out.tif")]).status == 0)
    #expect(try Array(Data(contentsOf: URL(fileURLWithPath: folder.path("out.tif"))).prefix(2)) == [0x49, 0x49])
  }

  @Test func a_pipe_keeps_the_inputs_format() throws {
    for name in ["photo.png", "photo.jpg", "rgb-strips-lzw.tif", "scene.ppm", "scene.pam", "scene.pfm"] {
      let input = [UInt8](try Data(contentsOf: URL(fileURLWithPath: testImage(name))))
      let outcome = try Program.run(["gaussian"], input: input)
      #expect(outcome.status == 0, "\(name): \(outcome.errors)")
      #expect(outcome.output.prefix(2) == input.prefix(2), "\(name)")
      // A file gives the same bytes as a pipe.
      let file = try Program.run(["gaussian", testImage(name), "-o", "-"])
      #expect(file.output == outcome.output, "\(name)")
    }
  }

  @Test func two_filters_in_a_pipe_give_what_two_files_give() throws {
    let blurred = try Program.run(["gaussian", "--sigma", "2", "--format", "pam", testImage("photo.png")])
    let piped = try Program.run(["edge"], input: blurred.output)
    #expect(
      try Program.run(["gaussian", "--sigma", "2", testImage("photo.png"), "-o", folder.path("a.png")]).status == 0)
    let filed = try Program.run(["edge", "--format", "pam", folder.path("a.png")])
    #expect(piped.output == filed.output && !piped.output.isEmpty)
  }

  @Test func writing_onto_the_input_is_safe() throws {
    try FileManager.default.copyItem(atPath: testImage("photo.png"), toPath: folder.path("a.png"))
    let expected = try Program.run(["median", testImage("photo.png")]).output
    #expect(try Program.run(["median", folder.path("a.png"), "-o", folder.path("a.png")]).status == 0)
    #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder.path("a.png")))) == expected)
  }

  @Test func a_link_is_followed_and_the_mode_kept() throws {
    let manager = FileManager.default
    try manager.copyItem(atPath: testImage("photo.png"), toPath: folder.path("real.png"))
    try manager.setAttributes([.posixPermissions: 0o640], ofItemAtPath: folder.path("real.png"))
    try manager.createSymbolicLink(atPath: folder.path("link.png"), withDestinationPath: "real.png")
    #expect(try Program.run(["sobel", folder.path("link.png"), "-o", folder.path("link.png")]).status == 0)
    #expect(try manager.destinationOfSymbolicLink(atPath: folder.path("link.png")) == "real.png")
    let mode = try manager.attributesOfItem(atPath: folder.path("real.png"))[.posixPermissions] as? Int
    #expect(mode == 0o640)
    #expect(folder.contents == ["link.png", "real.png"])
  }

  @Test func many_inputs_go_into_a_directory_and_one_bad_file_does_not_stop_the_rest() throws {
    let outcome = try Program.run([
      "gaussian", testImage("photo.png"), testImage("damaged/truncated.png"), testImage("shapes.png"), "-o",
      folder.path("out") + "/",
    ])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("truncated.png: ") && outcome.errors.hasSuffix("2 done, 0 skipped, 1 failed\n"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted() == ["photo.png", "shapes.png"])
  }

  @Test func a_directory_stands_for_the_pictures_in_it() throws {
    let outcome = try Program.run(["gaussian", testImage("damaged"), "-o", folder.path("out") + "/"])
    #expect(outcome.status == 1)
    // crc.png, empty.png, huge-header.png, not-a-picture.png, truncated.jpg, truncated.png, truncated.tif
    #expect(outcome.errors.hasSuffix("0 done, 0 skipped, 7 failed\n"))
  }

  @Test func every_test_image_is_read() throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: testImage("")).sorted()
    where [".png", ".jpg", ".tif", ".ppm", ".pam", ".pfm"].contains(where: name.hasSuffix) && name != "cmyk.jpg" {
      let outcome = try Program.run(["gaussian", testImage(name), "-o", folder.path("out.tif")])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(name): \(outcome.errors)")
    }
  }

  // MARK: - Conversion

  @Test func what_a_format_cannot_hold_is_converted_with_one_warning() throws {
    let deep = try Program.run(["gaussian", testImage("noise16.png"), "-o", folder.path("a.jpg")])
    #expect(deep.status == 0)
    #expect(deep.errors.contains("warning: jpeg cannot hold it as it is: uint16 samples become uint8"))
    let clear = try Program.run(["gaussian", testImage("transparent.png"), "-o", folder.path("b.jpg")])
    #expect(clear.status == 0 && clear.errors.contains("alpha is put over white"))
    let float = try Program.run(["gaussian", testImage("float.tif"), "-o", folder.path("c.png")])
    #expect(float.status == 0 && float.errors.contains("float32 samples become uint16"))
    #expect(try Program.run(["gaussian", "-q", testImage("float.tif"), "-o", folder.path("c.png")]).errors.isEmpty)
  }

  @Test func float_output_is_unrounded() throws {
    let outcome = try Program.run(["gaussian", "--float", testImage("gradient.png")])
    let result = try #require(Samples(netpbm: outcome.output))
    #expect(result.kind == .float32)
    #expect(result.values.contains { ($0 * 255).truncatingRemainder(dividingBy: 1) != 0 })
  }

  // MARK: - Tables

  @Test func blobs_are_a_table_in_four_formats() throws {
    let arguments = ["blob-detect", "--max-sigma", "10", testImage("cells.png")]
    let csv = try Program.run(arguments).text.split(separator: "\n")
    #expect(csv.first == "y,x,sigma,radius" && csv.count > 20)
    #expect(try Program.run(arguments + ["--table", "tsv"]).text.split(separator: "\n").count == csv.count)
    let json = try Program.run(arguments + ["--table", "json"])
    let rows = try #require(try JSONSerialization.jsonObject(with: Data(json.output)) as? [[String: Double]])
    #expect(rows.count == csv.count - 1)
    #expect(try Program.run(arguments + ["-o", folder.path("b.ndjson")]).status == 0)
    let lines = try String(contentsOfFile: folder.path("b.ndjson"), encoding: .utf8).split(separator: "\n")
    #expect(lines.count == rows.count && lines.allSatisfy { $0.hasPrefix("{\"y\":") })
  }

  @Test func the_blobs_of_the_cells_are_where_they_were_drawn() throws {
    let known = try String(contentsOfFile: testImage("cells.csv"), encoding: .utf8).split(separator: "\n").dropFirst()
      .map { $0.split(separator: ",").compactMap { Double($0) } }
    let found = try Program.run([
      "blob-detect", "--min-sigma", "2", "--max-sigma", "14", "--threshold", "0.08", testImage("cells.png"),
    ])
    .text.split(separator: "\n").dropFirst().map { $0.split(separator: ",").compactMap { Double($0) } }
    let hits = known.count { cell in found.contains { abs($0[0] - cell[0]) <= 2 && abs($0[1] - cell[1]) <= 2 } }
    #expect(hits * 20 >= known.count * 19, "\(hits) of \(known.count)")
  }

  @Test func several_inputs_name_their_rows() throws {
    let cells = testImage("cells.png")
    let outcome = try Program.run(["blob-detect", "--max-sigma", "8", cells, testImage("pixel.png")])
    let lines = outcome.text.split(separator: "\n")
    #expect(lines.first == "file,y,x,sigma,radius" && lines.dropFirst().allSatisfy { $0.hasPrefix(cells + ",") })
  }

  @Test func an_overlay_is_a_colour_picture_of_the_same_size() throws {
    #expect(
      try Program.run([
        "blob-detect", "--max-sigma", "8", testImage("cells.png"), "--overlay", folder.path("o.ppm"), "-o",
        folder.path("b.csv"),
      ]).status == 0)
    let overlay = try #require(
      Samples(netpbm: [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("o.ppm"))))))
    #expect(overlay.channels == 3)
    #expect(
      stride(from: 0, to: overlay.bytes.count, by: 3).contains { overlay.bytes[$0] > overlay.bytes[$0 + 2] &+ 60 })
  }

  // MARK: - Tiling

  @Test func options_of_tiling_change_the_plan_but_no_byte() throws {
    let expected = try Program.run(["gaussian", "--sigma", "3", "--serial", testImage("photo.png")]).output
    for options in [
      ["-j1"], ["-j", "3"], ["--chunks", "3x2"], ["--tile", "50x70", "--halo", "20"], ["--max-memory", "1M"],
    ] {
      #expect(
        try Program.run(["gaussian", "--sigma", "3", testImage("photo.png")] + options).output == expected, "\(options)"
      )
    }
    for build in ["portable", "avx2", "avx512"] {
      let outcome = try Program.run(
        ["gaussian", "--sigma", "3", testImage("photo.png")], environment: ["IMBREX_CPU": build])
      // Either this machine runs it, with the same result, or it says that it does not.
      #expect(
        outcome.status == 0 ? outcome.output == expected : outcome.status == 2 && outcome.errors.contains("IMBREX_CPU"))
    }
  }

  @Test func a_plan_is_explained_and_nothing_done() throws {
    let outcome = try Program.run([
      "gaussian", "--sigma", "2", "--chunks", "2x2", "-j", "2", "--explain", testImage("photo.png"), "-o",
      folder.path("x.png"),
    ])
    #expect(outcome.status == 0 && folder.contents.isEmpty)
    #expect(outcome.text.contains("grid:       2 × 2 tiles of 192 × 256 pixels"))
    #expect(outcome.text.contains("halo:       8 above, 8 below, 8 left, 8 right"))
  }

  @Test func a_plan_says_what_is_held_and_where() throws {
    let photo = testImage("photo.png")
    func passes(_ arguments: [String]) throws -> String {
      let lines = try Program.run(arguments + ["--explain", photo]).text.split(separator: "\n")
      return String(lines.first { $0.hasPrefix("passes:") }?.dropFirst(12) ?? "")
    }
    #expect(try passes(["gaussian"]) == "streamed in one pass")
    #expect(try passes(["gaussian", "--boundary", "wrap"]) == "one pass; the picture held in memory (1 MiB)")
    #expect(
      try passes(["median", "--boundary", "wrap", "--max-memory", "500K"])
        == "one pass; the picture held in a temporary file, past --max-memory (1 MiB)")
    #expect(try passes(["edge"]) == "two passes; two bits a pixel held in memory (1 MiB)")
    #expect(
      try passes(["edge", "--quantiles"]) == "seven passes (four for the quantiles); the picture held in memory (1 MiB); "
        + "two bits a pixel held in memory (1 MiB)")
    #expect(try passes(["blob-detect", "--method", "doh"]).contains("the integral image held in memory"))
  }

  @Test func a_run_past_its_memory_limit_gives_the_same_bytes() throws {
    for arguments in [
      ["edge", "--quantiles", "--low", "0.7", "--high", "0.9"], ["gaussian", "--boundary", "wrap"],
      ["blob-detect", "--method", "doh"],
    ] {
      let arguments = arguments + [testImage("photo.png")]
      let limited = try Program.run(arguments + ["--max-memory", "400K"])
      #expect(try limited.status == 0 && limited.output == Program.run(arguments).output, "\(limited.errors)")
    }
  }

  // MARK: - bench

  @Test func bench_prints_json_with_identical_results() throws {
    for filter in [["gaussian"], ["sobel"], ["median"], ["edge"], ["blob-detect", "--max-sigma", "5"]] {
      let outcome = try Program.run(
        ["bench"] + filter + ["--runs", "2", "--jobs", "1,2", "--json", testImage("shapes.png")])
      #expect(outcome.status == 0, "\(outcome.errors)")
      let report = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output)) as? [String: Any])
      #expect(report["filter"] as? String == filter[0])
      let runs = try #require(report["runs"] as? [[String: Any]])
      #expect(runs.map { $0["mode"] as? String } == ["serial", "parallel", "parallel"])
      #expect(runs.map { $0["jobs"] as? Int } == [1, 1, 2])
      #expect(runs.allSatisfy { $0["identical"] as? Bool == true })
      #expect((runs[0]["seconds"] as? [String: Double]).map { $0.keys.sorted() } == ["max", "median", "min"])
    }
  }

  @Test func bench_draws_its_speed_up() throws {
    let bench = ["bench", "sobel", testImage("gradient.png"), "--runs", "1", "--jobs", "1,2", "--plot"]
    #expect(try Program.run(bench + [folder.path("plot.svg")]).status == 0)
    let svg = try String(contentsOfFile: folder.path("plot.svg"), encoding: .utf8)
    #expect(svg.hasPrefix("<svg") && svg.contains("ideal") && svg.contains("<circle"))
    #expect(try Program.run(bench + [folder.path("plot.png")]).status == 0)
    let pixels = try Program.run(["median", "--radius", "0", folder.path("plot.png"), "--format", "ppm"])
    let drawn = try #require(Samples(netpbm: pixels.output))
    #expect(drawn.width == 1280 && drawn.height == 840)
    // The line of the measured points is blue; most is ground.
    let values = drawn.values
    let blue = stride(from: 0, to: values.count, by: 3).count { values[$0 + 2] > values[$0] + 0.3 }
    #expect(blue > 500 && blue < 100_000)
    #expect(try Program.run(bench + ["plot.foo"]).status == 2)
  }

  @Test func bench_prints_tables() throws {
    for format in [[], ["--markdown"], ["--csv"]] {
      let outcome = try Program.run(["bench", "sobel", "--runs", "1", "--jobs", "2", testImage("shapes.png")] + format)
      #expect(outcome.status == 0 && outcome.text.contains("serial") && outcome.text.contains("parallel"))
    }
  }

  // MARK: - Bad input

  struct Failure: CustomTestStringConvertible, Sendable {
    let name: String
    let arguments: [String]
    let status: Int32
    let says: String
    var testDescription: String { name }
  }

  static let failures: [Failure] = [
    Failure(
      name: "missing", arguments: ["gaussian", "no-such.png", "-o", "OUT.png"], status: 1,
      says: "imbrex: no-such.png: cannot open: No such file or directory"),
    Failure(
      name: "empty", arguments: ["gaussian", "DAMAGED/empty.png", "-o", "OUT.png"], status: 1, says: "the file is empty"
    ),
    Failure(
      name: "truncated PNG", arguments: ["gaussian", "DAMAGED/truncated.png", "-o", "OUT.png"], status: 1,
      says: "truncated.png: "),
    Failure(
      name: "truncated JPEG", arguments: ["median", "DAMAGED/truncated.jpg", "-o", "OUT.png"], status: 1,
      says: "truncated.jpg: "),
    Failure(
      name: "truncated TIFF", arguments: ["edge", "DAMAGED/truncated.tif", "-o", "OUT.png"], status: 1,
      says: "truncated.tif: "),
    Failure(name: "bad CRC", arguments: ["sobel", "DAMAGED/crc.png", "-o", "OUT.png"], status: 1, says: "crc.png: "),
    Failure(
      name: "not a picture", arguments: ["sobel", "DAMAGED/not-a-picture.png", "-o", "OUT.png"], status: 1,
      says: "not a picture of a known format"),
    Failure(
      name: "absurd size", arguments: ["sobel", "DAMAGED/huge-header.png", "-o", "OUT.png"], status: 1,
      says: "--max-pixels"),
    Failure(
      name: "a limit", arguments: ["sobel", "PHOTO", "--max-pixels", "1000", "-o", "OUT.png"], status: 1,
      says: "--max-pixels"),
    Failure(
      name: "a directory as a file", arguments: ["sobel", "PHOTO", "-o", "missing-folder/out.png"], status: 1,
      says: "missing-folder/out.png: cannot write: No such file or directory"),
    Failure(
      name: "no output format", arguments: ["sobel", "PHOTO", "-o", "OUT.xyz"], status: 2, says: "the format of "),
    Failure(
      name: "a page of no number", arguments: ["median", "--page", "0", "PHOTO"], status: 2,
      says: "--page is '0', but must be a page from 1, or a range such as 2-5"),
    Failure(name: "an unknown filter", arguments: ["gausian", "PHOTO"], status: 2, says: "did you mean 'gaussian'"),
    Failure(name: "an unknown option", arguments: ["gaussian", "--sigm", "2", "PHOTO"], status: 2, says: "--sigma"),
    Failure(
      name: "a negative sigma", arguments: ["gaussian", "--sigma", "-1", "PHOTO", "-o", "OUT.png"], status: 2,
      says: "--sigma"),
    Failure(
      name: "a sigma of words", arguments: ["gaussian", "--sigma", "big", "PHOTO", "-o", "OUT.png"], status: 2,
      says: "big"),
    Failure(
      name: "an infinite sigma", arguments: ["gaussian", "--sigma", "inf", "PHOTO", "-o", "OUT.png"], status: 2,
      says: "--sigma"),
    Failure(
      name: "an even window", arguments: ["median", "--size", "4x4", "PHOTO", "-o", "OUT.png"], status: 2,
      says: "--size is 4x4, but must be two odd numbers"),
    Failure(
      name: "thresholds out of order", arguments: ["edge", "--low", "0.5", "--high", "0.2", "PHOTO", "-o", "OUT.png"],
      status: 2, says: "--high"),
    Failure(
      name: "quantiles beyond 1", arguments: ["edge", "--quantiles", "--high", "3", "PHOTO", "-o", "OUT.png"],
      status: 2, says: "between 0 and 1"),
    Failure(
      name: "doh below its least sigma", arguments: ["blob-detect", "--method", "doh", "--min-sigma", "0.2", "PHOTO"],
      status: 2, says: "--min-sigma"),
    Failure(
      name: "a halo too small", arguments: ["gaussian", "--sigma", "2", "--halo", "3", "PHOTO", "-o", "OUT.png"],
      status: 2, says: "--halo"),
    Failure(
      name: "jobs", arguments: ["gaussian", "--jobs", "-3", "PHOTO", "-o", "OUT.png"], status: 2, says: "--jobs"),
    Failure(
      name: "a grid", arguments: ["gaussian", "--chunks", "0x3", "PHOTO", "-o", "OUT.png"], status: 2, says: "--chunks"),
    Failure(
      name: "float into PNG", arguments: ["gaussian", "--float", "PHOTO", "-o", "OUT.png"], status: 2, says: "--float"),
    Failure(
      name: "two inputs, one output", arguments: ["gaussian", "PHOTO", "IMAGES/shapes.png", "-o", "OUT.png"], status: 2,
      says: "directory"),
    Failure(
      name: "a mask of another size", arguments: ["edge", "--mask", "IMAGES/pixel.png", "PHOTO", "-o", "OUT.png"],
      status: 2, says: "mask"),
    Failure(
      name: "a missing mask", arguments: ["edge", "--mask", "no-mask.png", "PHOTO", "-o", "OUT.png"], status: 1,
      says: "no-mask.png: cannot open"),
    Failure(
      name: "roberts with a direction",
      arguments: ["sobel", "--operator", "roberts", "--direction", "vertical", "PHOTO", "-o", "OUT.png"], status: 2,
      says: "roberts"),
  ]

  @Test(arguments: failures)
  func bad_input_gets_one_line_and_a_status_and_writes_nothing(failure: Failure) throws {
    let arguments = failure.arguments.map {
      $0.replacingOccurrences(of: "DAMAGED/", with: testImage("damaged") + "/").replacingOccurrences(
        of: "IMAGES/", with: testImage("") + "/"
      )
      .replacingOccurrences(of: "PHOTO", with: testImage("photo.png"))
      .replacingOccurrences(of: "OUT.", with: folder.path("out."))
    }
    let outcome = try Program.run(arguments, folder: folder.url)
    #expect(outcome.status == failure.status, "\(outcome.errors)")
    let lines = outcome.errors.split(separator: "\n")
    #expect(
      lines.count == 1 && outcome.errors.hasPrefix("imbrex: ") && outcome.errors.contains(failure.says),
      "\(outcome.errors)")
    #expect(outcome.output.isEmpty)
    #expect(folder.contents.isEmpty, "\(folder.contents)")
  }

  @Test func a_full_device_is_an_error() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else { return }
    for format in ["png", "jpeg", "pam", "tiff"] {
      let outcome = try Program.run(["gaussian", testImage("photo.png"), "--format", format, "-o", "/dev/full"])
      #expect(outcome.status == 1 && outcome.errors.hasPrefix("imbrex: /dev/full: "), "\(format): \(outcome.errors)")
    }
  }

  @Test func an_interrupted_run_leaves_nothing_behind() throws {
    // Standard input stays open, so that the run waits in the middle of the picture.
    let script = """
      cd "$1"
      pipe=$(mktemp -u)
      mkfifo "$pipe"
      { head -c 100000 "$3"; exec sleep 20; } > "$pipe" &
      writer=$!
      "$2" gaussian - -o out.png < "$pipe" &
      for i in $(seq 500); do [ -n "$(ls -A)" ] && break; sleep 0.01; done
      ls -A | wc -l
      kill -TERM $!
      wait $!
      echo $?
      kill -KILL $writer
      rm "$pipe"
      ls -A | wc -l
      """
    let outcome = try Program.shell(script, [folder.url.path, Program.url.path, testImage("photo.png")])
    #expect(outcome.text.split { " \n".contains($0) } == ["1", "143", "0"], "\(outcome.text) \(outcome.errors)")
  }

  @Test func a_closed_pipe_ends_the_run_quietly() throws {
    let outcome = try Program.shell(
      "\"$1\" gaussian --format pam \"$2\" | head -c 10 > /dev/null; echo ${PIPESTATUS[0]}",
      [Program.url.path, testImage("photo.png")])
    #expect(outcome.text == "0\n" && outcome.errors.isEmpty)
  }

  // A sanitizer's own files grow past the limit too.
  @Test(.disabled(if: ProcessInfo.processInfo.environment["IMBREX_SANITIZED"] != nil))
  func a_file_that_grows_past_its_limit_is_an_error_and_leaves_nothing() throws {
    let outcome = try Program.shell(
      "cd \"$1\"; ulimit -f 10; \"$2\" gaussian \"$3\" -o out.png; echo $?; ls -A | wc -l",
      [folder.url.path, Program.url.path, testImage("photo.png")])
    #expect(outcome.text.split { " \n".contains($0) } == ["1", "0"])
    #expect(outcome.errors == "imbrex: out.png: the file cannot be written: File too large\n")
  }

  @Test func closed_standard_descriptors_are_not_given_to_pictures() throws {
    // With standard error closed, the output would be descriptor 2, and the warning would be written into it.
    let script = """
      cd "$1"
      "$2" gaussian "$3" -o with.jpg 2>/dev/null
      "$2" gaussian "$3" -o without.jpg 2>&-
      cmp with.jpg without.jpg && echo same
      "$2" gaussian <&-
      echo $?
      """
    let outcome = try Program.shell(script, [folder.url.path, Program.url.path, testImage("noise16.png")])
    #expect(outcome.text == "same\n1\n", "\(outcome.errors)")
    #expect(outcome.errors == "imbrex: standard input: cannot read: Bad file descriptor\n")
  }

  @Test func help_and_version_go_to_standard_output() throws {
    for arguments in [
      ["--help"], ["help", "gaussian"], ["median", "--help"], ["bench", "edge", "-h"], ["--version"],
    ] {
      let outcome = try Program.run(arguments)
      #expect(outcome.status == 0 && !outcome.output.isEmpty && outcome.errors.isEmpty, "\(arguments)")
    }
    #expect(try Program.run(["--version", "-v"]).text.contains("kernels: "))
  }

  @Test func a_short_help_has_the_filters_own_options_and_examples() throws {
    let short = try Program.run(["median", "-h"]).text, whole = try Program.run(["median", "--help"]).text
    #expect(short.contains("--radius") && short.contains("EXAMPLES") && !short.contains("--max-memory"))
    #expect(whole.contains("--radius") && whole.contains("--max-memory"))
    // After --, a word is a file.
    #expect(try Program.run(["median", "--", "-h"]).status == 1)
  }
}

/// Files that are compressed in blocks hold what an uncompressed one holds, and their bytes do not depend on the workers.
@Suite struct BlockTests {
  @Test(arguments: [
    ("photo.png", "png"), ("noise16.png", "png"), ("transparent.png", "png"), ("row.png", "png"), ("pixel.png", "png"),
    ("gray16-tiles-deflate.tif", "tiff"),
  ])
  func compressed_rows_come_back(name: String, format: String) throws {
    let unpacked = try Program.run(["gaussian", testImage(name), "--format", "pam"]).output
    // (A median of one pixel changes nothing but the hidden colour of transparent pixels, which becomes 0.)
    let plain = try Program.run(["median", "--radius", "0"], input: unpacked).output
    var files: [String: [UInt8]] = [:]
    for level in [[], ["--compression", "0"], ["--compression", "2"], ["--compression", "9"]] {
      for jobs in ["1", "3"] {
        let file = try Program.run(["gaussian", testImage(name), "--format", format, "-j", jobs] + level).output
        let read = try Program.run(["median", "--radius", "0", "--format", "pam"], input: file)
        #expect(read.output == plain, "\(level) \(read.errors)")
        #expect(files[level.last ?? "", default: file] == file)
        files[level.last ?? ""] = file
      }
    }
    #expect(files["0"]!.count >= files["9"]!.count)
  }

  /// Long runs of one value cross every boundary of the coder's and the decoder's buffers at once.
  @Test func flat_pictures_of_any_height_come_back() throws {
    for height in 120...136 {
      let picture = Array("P5\n1023 \(height)\n255\n".utf8) + [UInt8](repeating: 200, count: 1023 * height)
      for level in ["0", "1", "6", "9"] {
        let file = try Program.run(["gaussian", "--format", "png", "--compression", level], input: picture).output
        let back = try Program.run(["median", "--radius", "0", "--format", "pgm"], input: file)
        #expect(back.output == picture, "\(height) rows at level \(level): \(back.errors)")
      }
    }
  }
}
