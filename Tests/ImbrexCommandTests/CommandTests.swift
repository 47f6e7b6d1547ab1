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
    let plain = try Program.run(["median", "--radius", "0", "--format", "pgm", testImage("cells.png")])
    let ground = try #require(Samples(netpbm: plain.output))
    #expect(overlay.width == ground.width && overlay.height == ground.height && overlay.channels == 3)
    // A pixel is the picture's gray, or a circle's colour laid over it; each blob has some of its circle.
    let pixels = (0..<ground.bytes.count).map { Array(overlay.bytes[3 * $0..<3 * $0 + 3]) }
    let drawn = pixels.indices.filter { pixels[$0] != [UInt8](repeating: ground.bytes[$0], count: 3) }
    #expect(drawn.count > 100 && drawn.count < ground.bytes.count / 4)
    #expect(drawn.contains { Int(pixels[$0][0]) > Int(pixels[$0][2]) + 60 })
    let blobs = try String(contentsOfFile: folder.path("b.csv"), encoding: .utf8).split(separator: "\n").dropFirst()
      .map { $0.split(separator: ",").compactMap { Double($0) } }
    #expect(blobs.count > 20)
    for blob in blobs {
      let distances = drawn.map { place in
        let y = Double(place / ground.width) - blob[0], x = Double(place % ground.width) - blob[1]
        return abs((y * y + x * x).squareRoot() - blob[3])
      }
      #expect(distances.min()! < 1, "\(blob)")
    }
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
      try passes(["edge", "--quantiles"])
        == "six passes (three for the quantiles); the picture held in memory (1 MiB); "
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
    for (format, titleLines) in [([], 1), (["--markdown"], 2), (["--csv"], 0)] {
      let outcome = try Program.run(["bench", "sobel", "--runs", "1", "--jobs", "2", testImage("shapes.png")] + format)
      #expect(outcome.status == 0)
      let lines = outcome.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().dropFirst(titleLines)
      // Cells are parted by commas, bars or two spaces; a rule is no row.
      let rows = lines.map { line -> [String] in
        let text = line.replacingOccurrences(of: format == [] ? "  " : "|", with: ",")
        return text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
      }.filter { $0[0] != "---" }
      try #require(rows.count == 3 && rows.allSatisfy { $0.count == rows[0].count }, "\(outcome.text)")
      let runs = rows[1...].map { Dictionary(uniqueKeysWithValues: zip(rows[0], $0)) }
      #expect(runs.map { $0["mode"] } == ["serial", "parallel"] && runs.map { $0["jobs"] } == ["1", "2"])
      #expect(runs.map { $0["identical"] } == ["yes", "yes"])
      for (column, value) in runs.joined() where !["mode", "identical"].contains(column) {
        #expect(Double(value).map { $0.isFinite } ?? (value == "-"), "\(column): \(value)")
      }
    }
  }
}
