import Foundation
import Imbrex
import TestSupport
import Testing

/// What the values of options do to files, and what is printed: each against figures worked out here.
@Suite struct OptionValueTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String, input: [UInt8] = [], environment: [String: String] = [:]) throws -> Program.Outcome {
    try Program.run(
      line.split(separator: " ").map(String.init), input: input, environment: environment, folder: folder.url)
  }

  private func reader(_ name: String) throws -> ImageReader { try ImageReader(path: folder.path(name)) }

  private func copy(_ image: String, as name: String) throws {
    try FileManager.default.copyItem(atPath: testImage(image), toPath: folder.path(name))
  }

  // MARK: - Light

  /// IEC 61966-2-1.
  private func light(_ value: Double) -> Double {
    value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
  }

  private func encoded(_ light: Double) -> Double {
    light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055
  }

  /// A row blurred as scikit-image does, with the nearest pixel beyond its ends.
  private func blurred(_ row: [Double], sigma: Double) -> [Double] {
    let radius = Int(4 * sigma + 0.5)
    let weights = (-radius...radius).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let total = weights.reduce(0, +)
    return row.indices.map { x -> Double in
      var sum = 0.0
      for k in -radius...radius { sum += weights[k + radius] * row[min(max(x + k, 0), row.count - 1)] }
      return sum / total
    }
  }

  @Test func linear_blurs_light_and_not_samples() throws {
    let row = (0..<40).map { [0, 10, 255, 128, 60][$0 / 8] }
    let input = Array("P5 40 1 255\n".utf8) + row.map(UInt8.init)
    for (option, isLinear) in [("--linear", true), ("", false)] {
      let units = row.map { Double($0) / 255 }
      let expected =
        isLinear ? blurred(units.map(light), sigma: 2).map(encoded) : blurred(units, sigma: 2)
      let samples = try #require(Samples(netpbm: run("gaussian --sigma 2 \(option)", input: input).output))
      for x in row.indices { #expect(abs(samples.values[x] - expected[x] * 255) < 0.501, "\(option) at \(x)") }
      let exact = try #require(Samples(netpbm: run("gaussian --sigma 2 --float \(option)", input: input).output))
      for x in row.indices { #expect(abs(exact.values[x] - expected[x]) < 2e-6, "\(option) at \(x)") }
    }
  }

  @Test func linear_keeps_every_flat_sample() throws {
    for value in 0...255 {
      let input = Array("P5 3 2 255\n".utf8) + [UInt8](repeating: UInt8(value), count: 6)
      #expect(try run("gaussian --linear", input: input).output.suffix(6) == input.suffix(6), "\(value)")
    }
  }

  @Test func linear_gradients_are_of_light() throws {
    let row = (0..<24).map { UInt8(10 * $0) }
    let input = Array("P5 24 1 255\n".utf8) + row
    let line = "sobel --direction vertical --float --linear"
    let samples = try #require(Samples(netpbm: run(line, input: input).output))
    let units = row.map { light(Double($0) / 255) }
    // Weights are normalised so that a step from 0 to 1 gives 1; down the picture nothing changes.
    for x in 1..<23 { #expect(abs(samples.values[x] - (units[x + 1] - units[x - 1])) < 1e-6, "\(x)") }
  }

  // MARK: - Files

  @Test func a_jpeg_has_the_quality_that_was_asked_for() throws {
    var sizes: [Int] = []
    for quality in [1, 25, 50, 75, 90, 100] {
      #expect(try run("gaussian --quality \(quality) \(testImage("photo.png")) -o \(quality).jpg").status == 0)
      let made = try reader("\(quality).jpg")
      #expect(abs(Int(made.metadata.jpeg.quality) - quality) <= 1)
      sizes.append(try #require(made.byteCount))
    }
    #expect(sizes == sizes.sorted() && sizes[0] * 10 < sizes[5])
    // Without the option: as the input, which says 92; where it says nothing, 90.
    for (input, quality) in [("photo.jpg", 92), ("photo.png", 90)] {
      #expect(try run("gaussian \(testImage(input)) -o kept.jpg").status == 0)
      #expect(try reader("kept.jpg").metadata.jpeg.quality == quality)
    }
  }

  @Test func bit_depth_rounds_and_widens() throws {
    // 16-bit samples, most significant byte first.
    let values: [UInt16] = [0, 128, 129, 257, 32767, 32768, 65406, 65535]
    let deep = Array("P5 8 1 65535\n".utf8) + values.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
    let narrow = try run("median --radius 0 --bit-depth 8", input: deep)
    #expect(narrow.output == Array("P5\n8 1\n255\n".utf8) + [0, 0, 1, 1, 127, 128, 254, 255], "\(narrow.errors)")
    let shallow = Array("P5 4 1 255\n".utf8) + [0, 1, 128, 255]
    let wide = try #require(Samples(netpbm: run("median --radius 0 --bit-depth 16", input: shallow).output))
    #expect(wide.kind == .uint16 && wide.values == [0, 257, 128 * 257, 65535])
    #expect(try run("median --radius 0 --bit-depth 32f - -o out.pfm", input: shallow).status == 0)
    let float = try #require(Samples(netpbm: [UInt8](Data(contentsOf: folder.url.appendingPathComponent("out.pfm")))))
    #expect(float.kind == .float32 && float.values == [0, 1, 128, 255].map { Double(Float($0) / 255) })
  }

  @Test func alpha_is_put_over_the_background() throws {
    // Opaque red, half green, nothing.
    let input =
      Array("P7\nWIDTH 3\nHEIGHT 1\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n".utf8)
      + [255, 0, 0, 255, 0, 255, 0, 128, 9, 9, 9, 0]
    for (background, color) in [
      ("", [255, 255, 255]), ("--background white", [255, 255, 255]), ("--background black", [0, 0, 0]),
      ("--background gray", [128, 128, 128]), ("--background #0080FF", [0, 128, 255]),
      ("--background 10,20,30", [10, 20, 30]),
    ] {
      #expect(try run("median --radius 0 -q \(background) - -o out.ppm", input: input).status == 0)
      let samples = try #require(
        Samples(netpbm: [UInt8](Data(contentsOf: folder.url.appendingPathComponent("out.ppm")))))
      #expect(samples.values.prefix(3) == [255, 0, 0] && samples.values.suffix(3) == color.map(Double.init)[...])
      for c in 0..<3 {
        let expected = (c == 1 ? 255.0 : 0) * 128 / 255 + Double(color[c]) * 127 / 255
        #expect(abs(samples.values[3 + c] - expected) <= 0.51, "\(background) \(c)")
      }
    }
  }

  /// TIFF 6.0, tag 274: where the first row and the first column are shown.
  @Test(arguments: 1...8) func auto_orient_turns_each_orientation_upright(orientation: Int) throws {
    let upright = testPicture(ImageDescription(width: 5, height: 3, color: .rgb, sampleType: .uint8))
    let isTransposed = orientation > 4
    let (width, height) = isTransposed ? (3, 5) : (5, 3)
    let stored = try Picture(ImageDescription(width: width, height: height, color: .rgb, sampleType: .uint8))
    for y in 0..<height {
      for x in 0..<width {
        // Rows are shown from the bottom in 3, 4, 7 and 8 (there: columns from the right), and so on.
        let (row, column) = isTransposed ? (x, y) : (y, x)
        let isFromBottom = [3, 4, 7, 8].contains(orientation), isFromRight = [2, 3, 6, 7].contains(orientation)
        let shownY = isFromBottom ? 2 - row : row, shownX = isFromRight ? 4 - column : column
        // In 5 … 8 stored rows are shown as columns: 6 has its first row at the right, 8 its first column at the bottom.
        stored.row(y).advanced(by: 3 * x).copyMemory(from: upright.row(shownY).advanced(by: 3 * shownX), byteCount: 3)
      }
    }
    var metadata = Metadata()
    metadata.orientation = orientation
    try writePictures([stored], to: folder.path("in.tif"), metadata: metadata)
    #expect(try run("median --radius 0 --auto-orient in.tif -o out.tif").status == 0)
    #expect(try readPictures(folder.path("out.tif"))[0].hasSameBytes(as: upright))
    #expect(try !reader("out.tif").metadata.isTurned)
    // Left alone, it is turned by whoever shows it.
    #expect(try run("median --radius 0 in.tif -o kept.tif").status == 0)
    #expect(try readPictures(folder.path("kept.tif"))[0].hasSameBytes(as: stored))
    #expect(try (reader("kept.tif").metadata.orientation ?? 1) == orientation)
  }

  @Test func strip_leaves_samples_alone() throws {
    var metadata = Metadata()
    metadata.resolution = .init(x: 300, y: 300, unit: .inch)
    // A header as ICC.1:2022, 7.2 has it: size, what colour it is for.
    metadata.iccProfile = [0, 0, 0, 200] + [UInt8](repeating: 0, count: 196)
    metadata.iccProfile.replaceSubrange(16..<24, with: "GRAYXYZ ".utf8)
    metadata.items = [MetadataItem(kind: .tiff, tag: 270, type: 2, bytes: Array("a note\0".utf8))]
    let picture = testPicture(ImageDescription(width: 9, height: 7, color: .gray, sampleType: .uint16))
    try writePictures([picture], to: folder.path("in.tif"), metadata: metadata)
    #expect(try run("median --radius 0 in.tif -o kept.tif").status == 0)
    let kept = try reader("kept.tif").metadata
    #expect(kept.resolution == metadata.resolution && kept.iccProfile == metadata.iccProfile && !kept.items.isEmpty)
    for name in ["out.tif", "out.png"] {
      #expect(try run("median --radius 0 --strip in.tif -o \(name)").status == 0)
      let bare = try reader(name).metadata
      #expect(bare.iccProfile.isEmpty && bare.items.isEmpty && bare.resolution?.unit != .inch, "\(name)")
      #expect(try readPictures(folder.path(name))[0].hasSameBytes(as: picture), "\(name)")
    }
  }

  // MARK: - What is said

  @Test func info_tells_what_a_file_holds() throws {
    try copy("gray16-tiles-deflate.tif", as: "a.tif")
    let outcome = try run("info a.tif")
    #expect(
      outcome.text == """
        a.tif
          format:           tiff
          bytes:            7992
          pages:            1
          width:            96
          height:           72
          channels:         1
          type:             uint16
          color:            gray
          file bits:        16
          file color:       gray
          compression:      deflate
          predictor:        2
          layout:           tiles of 32 x 32
          planar:           no
          byte order:       little-endian
          bigtiff:          no
          resolution:       1, 1
          resolution unit:  none

        """)
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("a.tif"))))
    let piped = try run("info", input: bytes).text.replacingOccurrences(of: "standard input\n", with: "a.tif\n")
    #expect(piped.split(separator: "\n").filter { !$0.contains("bytes:") }.count == 18)
    #expect(piped.contains("  layout:           tiles of 32 x 32\n"))
  }

  @Test func info_prints_a_line_of_json_a_file() throws {
    try copy("interlaced.png", as: "a.png")
    try copy("cmyk.jpg", as: "b.jpg")
    let lines = try run("info --json a.png b.jpg").text.split(separator: "\n")
    let objects = try lines.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    try #require(objects.count == 2)
    #expect(objects[0]["file"] as? String == "a.png" && objects[0]["interlaced"] as? Bool == true)
    #expect(objects[0]["width"] as? Int == 93 && objects[0]["height"] as? Int == 67)
    #expect(objects[1]["color"] as? String == "cmyk" && objects[1]["quality"] as? Int == 90)
    #expect(objects[1]["channels"] as? Int == 4 && objects[1]["subsampling"] as? String == "4:4:4")
  }

  @Test func verbose_says_what_was_chosen_and_the_time_of_each_stage() throws {
    try copy("photo.png", as: "a.png")
    let plain = #"512 × 384 rgb uint8, png; streamed in one pass; 2 workers, 3 × 2 tiles, halo 4,4; kernels [a-z0-9]+"#
    let outcome = try run("gaussian -v -j2 --chunks 3x2 a.png -o b.png")
    let times = #"decoding \d+ ms, filtering \d+ ms, encoding \d+ ms(, waiting \d+ ms)?; \d+ ms in all"#
    #expect(
      outcome.errors.range(of: "^imbrex: a.png: \(plain); \(times)\n$", options: .regularExpression) != nil,
      "\(outcome.errors)")
    let chain = try run("gaussian then blob-detect --max-sigma 4 --verbose a.png -o b.csv").errors
    let words = ["; gaussian then blob-detect; ", " rows; decoding ", ", gaussian ", ", blob-detect ", " ms in all\n"]
    #expect(words.allSatisfy { chain.contains($0) }, "\(chain)")
    #expect(try run("gaussian a.png -o b.png").errors.isEmpty)
  }

  @Test func long_names_do_what_short_ones_do() throws {
    try FileManager.default.createDirectory(atPath: folder.path("in/below"), withIntermediateDirectories: true)
    for name in ["in/a.png", "in/below/b.png"] { try copy("pixel.png", as: name) }
    try Data("in/a.png\0in/below/b.png\0".utf8).write(to: URL(fileURLWithPath: folder.path("list")))
    for (long, short, files) in [
      ("--recursive in", "-r in", ["a.png", "below/b.png"]),
      ("--null --files-from list", "-0 --files-from list", ["a.png", "b.png"]),
    ] {
      for (words, place) in [(long, "long/"), (short, "short/")] {
        let outcome = try run("median \(words) --output \(place)")
        #expect(outcome.errors == "imbrex: \(files.count) done, 0 skipped, 0 failed\n")
        for file in files { #expect(FileManager.default.fileExists(atPath: folder.path(place + file)), "\(words)") }
        // Nothing is said where all went well, and nothing is done where outputs are there.
        #expect(try run("median --quiet --no-clobber \(words) -o \(place)").errors.isEmpty)
        #expect(
          try run("median -n \(words) -o \(place)").errors == "imbrex: 0 done, \(files.count) skipped, 0 failed\n")
        try FileManager.default.removeItem(atPath: folder.path(place))
      }
    }
  }

  // MARK: - bench

  @Test func bench_from_file_to_file_times_each_stage() throws {
    let line = "bench sobel --end-to-end --runs 2 --warmup 0 --jobs 2 \(testImage("shapes.png"))"
    let json = try run("\(line) --json")
    let report = try #require(try JSONSerialization.jsonObject(with: Data(json.output)) as? [String: Any])
    #expect(report["end_to_end"] as? Bool == true)
    let runs = try #require(report["runs"] as? [[String: Any]])
    #expect(runs.count == 2)
    for run in runs {
      let stages = try #require(run["stages"] as? [String: Double])
      #expect(stages.keys.sorted() == ["decode", "encode", "filter"] && stages.values.allSatisfy { $0 > 0 })
      #expect(run["identical"] as? Bool == true)
    }
    let title = try run(line).text.split(separator: "\n")
    #expect(title[0].hasSuffix("from file to file") && title[1].hasSuffix("decode ms  filter ms  encode ms"))
    let plain = try run("bench sobel --runs 1 --jobs 2 --json \(testImage("shapes.png"))")
    let inMemory = try #require(try JSONSerialization.jsonObject(with: Data(plain.output)) as? [String: Any])
    #expect(inMemory["end_to_end"] as? Bool == false)
    #expect((inMemory["runs"] as? [[String: Any]])?.allSatisfy { $0["stages"] is NSNull } == true)
  }

  /// Each run, timed or not, asks the command once: serially, and with one worker.
  @Test func warm_ups_are_runs_before_those_that_are_timed() throws {
    func count(_ options: String) throws -> Int {
      let log = folder.path("log-\(options.filter { $0 != " " })")
      let words = "bench apply --jobs 1 --chunks 1x1 \(options)".split(separator: " ").map(String.init)
      let command = ["--command", "echo x >> '\(log)'; cat", testImage("gradient.png")]
      #expect(try Program.run(words + command).status == 0)
      return try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").count
    }
    let least = try count("--warmup 0 --runs 1")
    #expect(try count("--warmup 3 --runs 1") == least + 6)
    #expect(try count("--warmup 0 --runs 4") == least + 6)
    #expect(try count("--runs 1") == least + 2)
  }

  // MARK: - The environment

  @Test func the_environment_says_how_many_workers_unless_an_option_does() throws {
    func workers(_ options: String, _ value: String) throws -> String? {
      let outcome = try run(
        "gaussian --explain \(options) \(testImage("photo.png"))", environment: ["IMBREX_JOBS": value])
      return outcome.text.split(separator: "\n").first { $0.hasPrefix("workers:") }.map { String($0.dropFirst(12)) }
    }
    #expect(try workers("", "3") == "3" && workers("", "1") == "1")
    #expect(try workers("-j 2", "3") == "2" && workers("--serial", "3") == "1")
    #expect(try workers("", "0") == workers("-j0", "7"))
    for value in ["x", "-1", "4097", "2.5"] {
      let outcome = try run("gaussian --explain \(testImage("photo.png"))", environment: ["IMBREX_JOBS": value])
      #expect(
        outcome.status == 2
          && outcome.errors == "imbrex: IMBREX_JOBS is '\(value)', but must be a number between 0 and 4096\n")
    }
  }

  /// On a terminal the bar has colours; where NO_COLOR is set (no-color.org), it has none.
  @Test(.enabled(if: (try? Program.shell("command -v python3", []))?.status == 0))
  func a_bar_has_no_colours_where_none_are_wanted() throws {
    let script = #"""
      import os, pty, subprocess, sys, threading, time
      master, slave = pty.openpty()
      run = subprocess.Popen([sys.argv[1], "gaussian", "-", "-o", sys.argv[2]], stdin=subprocess.PIPE, stderr=slave)
      os.close(slave)
      def feed():
          run.stdin.write(b"P5 1000 1000 255\n")
          for _ in range(10):
              run.stdin.write(bytes(100000))
              run.stdin.flush()
              time.sleep(0.12)
          run.stdin.close()
      threading.Thread(target=feed, daemon=True).start()
      seen = b""
      try:
          while True: seen += os.read(master, 65536)
      except OSError: pass
      print(run.wait(), "━".encode() in seen or "─".encode() in seen, b"\x1b[36m" in seen, b"m" in seen.replace(b"imbrex", b""))
      """#
    try script.write(toFile: folder.path("bar.py"), atomically: true, encoding: .utf8)
    func bar(_ setting: String) throws -> String {
      try Program.shell(
        "cd \"$1\" && \(setting) python3 bar.py \"$2\" out.png", [folder.url.path, Program.url.path]
      ).text
    }
    #expect(try bar("env -u NO_COLOR").hasPrefix("0 True True"))
    #expect(try bar("NO_COLOR=1") == "0 True False False\n")
  }
}
