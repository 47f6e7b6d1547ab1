import Foundation
import Imbrex
import TestSupport
import Testing

/// Plug-ins give what they should, whatever the tiling, wherever they stand.
@Suite struct PluginTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ words: [String], environment: [String: String] = [:]) throws -> Program.Outcome {
    try Program.run(words, environment: environment, folder: folder.url)
  }

  private func expectRun(_ words: [String]) throws {
    let outcome = try run(words)
    try #require(outcome.status == 0 && outcome.errors == "", "\(words): \(outcome.errors)")
  }

  private func write(_ description: ImageDescription, _ name: String) throws -> Picture {
    let picture = testPicture(description)
    try writePictures([picture], to: folder.path(name))
    return picture
  }

  private static let gray = ImageDescription(width: 97, height: 83, color: .gray, sampleType: .uint8)

  // MARK: - What comes out

  @Test func a_plugin_in_C_sharpens() throws {
    let plugin = try #require(PluginFiles.sharpen)
    let picture = try write(Self.gray, "in.pgm")
    try expectRun(["apply", "--plugin", plugin, "--set", "amount=2", "in.pgm", "-o", "out.pgm"])
    let made = try readPictures(folder.path("out.pgm"))[0]
    func sample(_ y: Int, _ x: Int) -> Float {
      Float(picture.row(min(max(y, 0), 82)).load(fromByteOffset: min(max(x, 0), 96), as: UInt8.self)) / 255
    }
    for y in 0..<83 {
      for x in 0..<97 {
        let sum = sample(y - 1, x) + sample(y, x - 1) + sample(y, x + 1) + sample(y + 1, x)
        let value = (sample(y, x) + 2 * (sample(y, x) - sum / 4)) * 255
        let found = Float(made.row(y).load(fromByteOffset: x, as: UInt8.self))
        #expect(abs(found - min(max(value, 0), 255)) <= 0.51, "\(x),\(y): \(found), not \(value)")
      }
    }
  }

  @Test func a_plugin_in_Swift_makes_one_channel_of_three() throws {
    guard let plugin = PluginFiles.threshold else { return }
    var color = Self.gray
    color.color = .rgb
    let picture = try write(color, "in.png")
    try expectRun(["apply", "--plugin", plugin, "--set", "level=100", "in.png", "-o", "out.png"])
    let made = try readPictures(folder.path("out.png"))[0]
    #expect(made.description == Self.gray)
    for y in 0..<83 {
      for x in 0..<97 {
        let red = picture.row(y).load(fromByteOffset: 3 * x, as: UInt8.self)
        #expect(made.row(y).load(fromByteOffset: x, as: UInt8.self) == (red < 100 ? 0 : 255))
      }
    }
  }

  @Test func a_plugin_in_Cxx_sees_clipped_ghosts() throws {
    let plugin = try #require(PluginFiles.local)
    let picture = try write(Self.gray, "in.pgm")
    try expectRun([
      "apply", "--plugin", plugin + ":dilate", "--set", "radius=3", "--set=shape=cross", "in.pgm", "-o", "out.pgm",
    ])
    let made = try readPictures(folder.path("out.pgm"))[0]
    for y in 0..<83 {
      for x in 0..<97 {
        var most: UInt8 = 0
        for d in -3...3 {
          if (0..<83).contains(y + d) { most = max(most, picture.row(y + d).load(fromByteOffset: x, as: UInt8.self)) }
          if (0..<97).contains(x + d) { most = max(most, picture.row(y).load(fromByteOffset: x + d, as: UInt8.self)) }
        }
        #expect(made.row(y).load(fromByteOffset: x, as: UInt8.self) == most)
      }
    }
  }

  @Test func ghosts_can_come_from_the_opposite_side() throws {
    let plugin = try #require(PluginFiles.hostile)
    let picture = try write(Self.gray, "in.pgm")
    for (deep, tiling) in [(7, "-j1"), (7, "--tile=10x13"), (200, "--tile=40x40")] {
      try expectRun([
        "apply", "--plugin", plugin, "--set", "mode=wrap", "--set", "deep=\(deep)", tiling, "in.pgm", "-o", "out.pgm",
      ])
      let made = try readPictures(folder.path("out.pgm"))[0]
      for y in 0..<83 {
        for x in 0..<97 {
          let from = picture.row((y - deep + 830) % 83).load(fromByteOffset: (x - deep + 970) % 97, as: UInt8.self)
          #expect(made.row(y).load(fromByteOffset: x, as: UInt8.self) == from)
        }
      }
    }
  }

  // MARK: - Everywhere the same

  static let descriptions: [(description: ImageDescription, file: String)] = [
    (ImageDescription(width: 301, height: 203, color: .gray, sampleType: .uint8), "in.png"),
    (ImageDescription(width: 301, height: 203, color: .rgb, alpha: .straight, sampleType: .uint8), "in.png"),
    (ImageDescription(width: 301, height: 203, color: .rgb, sampleType: .uint16), "in.tif"),
    (ImageDescription(width: 301, height: 203, color: .gray, sampleType: .float32), "in.tif"),
    (ImageDescription(width: 301, height: 203, color: .gray, sampleType: .float64), "in.tif"),
    (
      ImageDescription(
        width: 301, height: 203, color: .gray, sampleType: .uint16, stored: StoredSamples(.unsigned, bits: 12)),
      "in.tif"
    ),
    (
      ImageDescription(
        width: 301, height: 203, color: .gray, sampleType: .float32, stored: StoredSamples(.signed, bits: 16)),
      "in.tif"
    ),
  ]

  @Test(arguments: descriptions.indices) func tiling_and_processes_do_not_show(index: Int) throws {
    let (description, file) = Self.descriptions[index]
    _ = try write(description, file)
    let plugins = [[PluginFiles.sharpen], [PluginFiles.local.map { $0 + ":erode" }, "--set", "radius=4"]]
    for plugin in plugins.map({ $0.compactMap { $0 } }) {
      let line = ["apply", "--plugin"] + plugin + [file]
      try expectRun(line + ["--serial", "--in-process", "-o", "serial-\(file)"])
      for tiling in [
        ["-j2"], ["--tile", "17x23"], ["--in-process", "--tile", "64x301"], ["--halo", "9", "--chunks", "3x2"],
      ] {
        try expectRun(line + tiling + ["-o", "tiled-\(file)"])
        #expect(try areSameFiles(folder.path("serial-\(file)"), folder.path("tiled-\(file)")), "\(plugin) \(tiling)")
      }
      let part = Region(x: 31, y: 77, width: 150, height: 60)
      try expectRun(line + ["--region", part.option, "-o", "part-\(file)"])
      let whole = try readPictures(folder.path("serial-\(file)"))[0]
      #expect(try readPictures(folder.path("part-\(file)"))[0].hasSameBytes(as: cropped(whole, to: part)), "\(plugin)")
      #expect(whole.description.stored == description.stored, "the file is of the same kind")
    }
  }

  @Test func a_chain_is_its_filters_one_after_another() throws {
    let plugin = try #require(PluginFiles.sharpen)
    var color = Self.gray
    color.color = .rgb
    _ = try write(color, "in.png")
    let apply = ["apply", "--plugin", plugin, "--set", "amount=3"]
    try expectRun(["gaussian", "in.png", "-o", "1.png"])
    try expectRun(apply + ["1.png", "-o", "2.png"])
    try expectRun(["edge", "2.png", "-o", "3.png"])
    for tiling in [["-j2"], ["--tile", "20x31"]] {
      try expectRun(["gaussian", "then"] + apply + ["then", "edge"] + tiling + ["in.png", "-o", "chain.png"])
      #expect(try areSameFiles(folder.path("3.png"), folder.path("chain.png")))
    }
  }

  @Test func a_plugin_works_on_directories_in_bench_and_in_jobs() throws {
    let plugin = try #require(PluginFiles.local) + ":erode"
    try FileManager.default.createDirectory(atPath: folder.path("many"), withIntermediateDirectories: true)
    for (number, type) in [SampleType.uint8, .uint16, .uint8].enumerated() {
      let picture = ImageDescription(width: 90 + number, height: 80, color: .gray, sampleType: type)
      try writePictures([testPicture(picture, seed: number)], to: folder.path("many/\(number).png"))
    }
    let line = ["apply", "--plugin", plugin, "--set", "radius=2"]
    let batch = try run(line + ["-q", "many", "-o", "made/"])
    #expect(batch.status == 0 && batch.errors == "", "\(batch.errors)")
    for number in 0..<3 {
      try expectRun(line + ["--serial", "many/\(number).png", "-o", "one.png"])
      #expect(try areSameFiles(folder.path("one.png"), folder.path("made/\(number).png")))
    }
    let bench = try run(["bench"] + line + ["--runs", "1", "--jobs", "1,2", "--json", "many/0.png"])
    #expect(bench.status == 0 && bench.text.contains("\"identical\":true"), "\(bench.errors)")
    let created = try run(["job", "create", "JOB", "--parts", "3", "--"] + line + ["many/0.png", "-o", "job.png"])
    #expect(created.status == 0, "\(created.errors)")
    let job = try run(["job", "run", "JOB"])
    #expect(job.status == 0, "\(job.errors)")
    #expect(try areSameFiles(folder.path("job.png"), folder.path("made/0.png")))
  }

  @Test func another_library_under_the_same_name_makes_outputs_anew() throws {
    let plugin = try #require(PluginFiles.sharpen), other = try #require(PluginFiles.local)
    _ = try write(Self.gray, "in.png")
    try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: folder.path("in.png"), toPath: folder.path("in/in.png"))
    try FileManager.default.copyItem(atPath: plugin, toPath: folder.path("plugin.so"))
    func isUnchanged(_ reference: String) throws -> Bool {
      let outcome = try run(["apply", "--plugin", reference, "--incremental", "--report", "report", "in", "-o", "out/"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      return try String(contentsOfFile: folder.path("report"), encoding: .utf8).contains("\"unchanged\"")
    }
    #expect(try !isUnchanged("./plugin.so"))
    #expect(try isUnchanged("./plugin.so"))
    try FileManager.default.removeItem(atPath: folder.path("plugin.so"))
    try FileManager.default.copyItem(atPath: other, toPath: folder.path("plugin.so"))
    #expect(try !isUnchanged("./plugin.so:erode"))
    #expect(try !isUnchanged("./plugin.so:dilate"))
    #expect(try isUnchanged("./plugin.so:dilate"))
  }

  @Test func seams_are_found_and_only_where_they_are() throws {
    let good = try #require(PluginFiles.sharpen), bad = try #require(PluginFiles.hostile)
    _ = try write(Self.gray, "in.pgm")
    try expectRun(["apply", "--plugin", good, "--check-seams", "in.pgm", "-o", "out.pgm"])
    let outcome = try run(["apply", "--plugin", bad, "--set", "mode=seams", "--check-seams", "in.pgm", "-o", "bad.pgm"])
    #expect(
      outcome.status == 1 && outcome.errors.contains("the result depends on how the picture is cut"),
      "\(outcome.errors)")
    #expect(folder.contents == ["in.pgm", "out.pgm"])
  }

  // MARK: - Help

  @Test func help_lists_the_parameters_of_a_library() throws {
    let plugin = try #require(PluginFiles.local)
    let outcome = try run(["apply", "--plugin", plugin, "--help"])
    #expect(outcome.status == 0 && outcome.errors == "")
    for line in [
      "erode of \(plugin)\n  The least sample of the window.\n", "dilate of \(plugin)",
      "  --set radius=<n>        Pixels to each side. (0 … 50; default: 1)\n",
      "  --set shape=<word>      Shape of the window. (square or cross; default:\n",
    ] { #expect(outcome.text.contains(line), "\(line)") }
    let one = try run(["apply", "--plugin", plugin + ":erode", "-h"])
    #expect(one.status == 0 && one.text.contains("erode of") && !one.text.contains("dilate of"))
    let none = try run(["apply", "--plugin", "nothing.so", "--help"])
    #expect(none.status == 2 && none.text == "")
    #expect(none.errors == "imbrex: --plugin 'nothing.so' cannot be opened: No such file or directory\n")
  }
}
