import Foundation
import Imbrex
import TestSupport
import Testing

/// Defects that were mended, each with a line on what it was.
@Suite struct RegressionTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }

  /// Cells with an orientation and a resolution.
  private func writeTurnedCells() throws {
    let cells = try readPictures(testImage("cells.png"))[0]
    var metadata = Metadata()
    metadata.orientation = 6
    metadata.resolution = .init(x: 72, y: 72, unit: .inch)
    try writePictures([cells], to: folder.path("turned.tif"), metadata: metadata)
  }

  private let blobs = "blob-detect --max-sigma 8 --threshold 0.05"

  /// Tables were of the picture as it is stored, whatever was asked for.
  @Test func blob_detect_turns_pictures_upright_when_asked() throws {
    try writeTurnedCells()
    #expect(try run("median --radius 0 --auto-orient turned.tif -o upright.png").status == 0)
    let upright = try run("\(blobs) upright.png").text
    #expect(upright.split(separator: "\n").count > 20)
    let turned = try run("\(blobs) --auto-orient turned.tif --overlay seen.tif")
    #expect(turned.status == 0 && turned.text == upright)
    #expect(try run("\(blobs) turned.tif").text != upright)
    let overlay = try ImageReader(path: folder.path("seen.tif"))
    #expect(overlay.description.width == 320 && overlay.description.height == 400 && !overlay.metadata.isTurned)
    // Left alone, the overlay is turned as the input is.
    #expect(try run("\(blobs) turned.tif --overlay kept.tif").status == 0)
    let kept = try ImageReader(path: folder.path("kept.tif"))
    #expect(kept.metadata.orientation == 6 && kept.description.width == 400)
  }

  /// Overlays had the input's metadata in spite of --strip.
  @Test func blob_detect_strips_metadata_of_its_overlay() throws {
    try writeTurnedCells()
    #expect(try run("\(blobs) --strip turned.tif -o t.csv --overlay seen.tif").status == 0)
    let stripped = try ImageReader(path: folder.path("seen.tif"))
    #expect(stripped.metadata.resolution == nil && !stripped.metadata.isTurned && stripped.description.width == 320)
    #expect(try run("\(blobs) turned.tif -o t.csv --overlay kept.tif").status == 0)
    #expect(try ImageReader(path: folder.path("kept.tif")).metadata.resolution?.x == 72)
  }

  /// An overlay of a transparent picture was over white, whatever --background said.
  @Test func blob_detect_draws_over_the_background() throws {
    let image = testImage("transparent.png")
    let table = "--threshold 100 -o t.csv"  // No blob: the ground alone.
    for (option, color) in [
      ("", [255, 255, 255]), ("--background #102030", [16, 32, 48]), ("--background black", [0, 0, 0]),
    ] {
      #expect(try run("blob-detect --max-sigma 4 \(table) \(option) \(image) --overlay seen.ppm").status == 0)
      #expect(try run("median --radius 0 \(option) \(image) -q -o plain.ppm").status == 0)
      let seen = try #require(Samples(netpbm: [UInt8](try bytes("seen.ppm"))))
      let plain = try #require(Samples(netpbm: [UInt8](try bytes("plain.ppm"))))
      let isSame = seen == plain
      #expect(isSame, "\(option)")
      // The first pixel is transparent.
      #expect(seen.bytes.prefix(3).map(Int.init) == color, "\(option)")
    }
  }

  /// A second incremental run that asked for an overlay too was passed over; so was one whose overlay was gone.
  @Test func an_incremental_run_draws_overlays_that_are_missing() throws {
    try FileManager.default.copyItem(atPath: testImage("cells.png"), toPath: folder.path("a.png"))
    try FileManager.default.copyItem(atPath: testImage("shapes.png"), toPath: folder.path("b.png"))
    let line = "\(blobs) a.png b.png -o tables/ --incremental"
    let all = "imbrex: 2 done, 0 skipped, 0 failed\n", none = "imbrex: 0 done, 2 skipped, 0 failed\n"
    #expect(try run(line).errors == all)
    #expect(try run(line).errors == none)
    #expect(try run(line + " --overlay seen/").errors == all)
    let drawn = try bytes("seen/a.png")
    #expect(try run(line + " --overlay seen/").errors == none)
    try FileManager.default.removeItem(atPath: folder.path("seen/a.png"))
    #expect(try run(line + " --overlay seen/").errors == "imbrex: 1 done, 1 skipped, 0 failed\n")
    #expect(try bytes("seen/a.png") == drawn)
  }

  struct Refusal: CustomTestStringConvertible, Sendable {
    let line: String
    let message: String
    var testDescription: String { line }
    init(_ line: String, _ message: String) { (self.line, self.message) = (line, message) }
  }

  static let refusals = [
    Refusal("gaussian --cval 0.5", "--cval goes with the boundary constant only, not with nearest"),
    Refusal("sobel --cval 0.5", "--cval goes with the boundary constant only, not with reflect"),
    Refusal("median --cval 0.5 --boundary wrap", "--cval goes with the boundary constant only, not with wrap"),
    Refusal("edge --cval 0.5 --boundary mirror", "--cval goes with the boundary constant only, not with mirror"),
    Refusal("gaussian then median --cval 0", "--cval goes with the boundary constant only, not with nearest"),
    Refusal("gaussian -j 2 --serial", "--serial does not go with --jobs"),
    Refusal("gaussian then sobel --serial -j1", "--serial does not go with --jobs"),
  ]

  /// These had no effect, and nothing was said.
  @Test(arguments: refusals) func options_without_an_effect_are_refused(refusal: Refusal) throws {
    let outcome = try run("\(refusal.line) \(testImage("gradient.png")) -o out.png")
    #expect(outcome.status == 2 && outcome.errors == "imbrex: \(refusal.message)\n" && folder.contents.isEmpty)
  }

  @Test func options_that_go_together_are_taken() throws {
    let input = "\(testImage("gradient.png")) -o out.png"
    #expect(try run("gaussian --cval 0.5 --boundary constant \(input)").status == 0)
    #expect(try run("edge --cval 0.5 \(input)").status == 0)
  }

  /// Reduced pages and masks disappeared without a word.
  @Test func overviews_that_are_left_out_are_counted() throws {
    func write(_ types: [Int]) throws {
      let pages = types.map { (width: $0 == 0 ? 40 : 20, height: $0 == 0 ? 30 : 15, subfileType: $0) }
      try Data(PlainTIFF.file(pages: pages)).write(to: URL(fileURLWithPath: folder.path("in.tif")))
    }
    for (types, pages, message) in [
      ([0], 1, ""), ([0, 0], 2, ""), ([0, 1], 1, "1 overview or mask is left out"),
      ([0, 4], 1, "1 overview or mask is left out"),
    ] {
      try write(types)
      if pages == 1 {
        // Those of a TIFF stay; another format has none.
        #expect(try run("gaussian in.tif -o out.tif").errors.isEmpty)
        let outcome = try run("gaussian in.tif -o out.png")
        #expect(outcome.errors == (message.isEmpty ? "" : "imbrex: in.tif: warning: \(message)\n"))
      }
    }
    for (types, pages, message) in [
      ([0, 0, 0], 3, ""), ([0, 1, 0, 1, 5], 2, ""),
    ] {
      try write(types)
      let said = message.isEmpty ? "" : "imbrex: in.tif: warning: \(message)\n"
      for filter in ["gaussian", "median then sobel"] {
        let outcome = try run("\(filter) in.tif -o out.tif")
        #expect(outcome.status == 0 && outcome.errors == said, "\(types): \(outcome.errors)")
        #expect(try readPictures(folder.path("out.tif")).map(\.description.width) == Array(repeating: 40, count: pages))
        #expect(try run("\(filter) -q in.tif -o out.tif").errors.isEmpty)
      }
      // A table has none anyway.
      #expect(try run("blob-detect --max-sigma 3 in.tif -o t.csv").errors.isEmpty)
    }
  }

  // MARK: - Chains and regions, as strangers met them

  /// wrap along the rows alone read beyond a region's columns.
  @Test func a_region_of_a_blur_that_wraps_along_the_rows_is_the_crop() throws {
    let line = "gaussian --sigma 0,5 --boundary wrap \(testImage("photo.png")) --format ppm"
    let whole = try #require(Samples(netpbm: try run(line).output))
    let part = try #require(Samples(netpbm: try run(line + " --region 100x200+412+7").output))
    var rows: [UInt8] = []
    for y in 7..<207 {
      let start = (y * 512 + 412) * 3
      rows += whole.bytes[start..<(start + 300)]
    }
    #expect(part.width == 100 && part.height == 200 && part.bytes == rows)
  }

  /// Tiles were cut by the last stage's region, so that stages before it had thousands of tiles of a pixel.
  @Test func a_small_region_of_a_chain_is_not_cut_into_pixels() throws {
    let pipeline = try Pipeline([.init("a", Gaussian(sigma: 50)), .init("b", Gaussian(sigma: 50))])
    let picture = ImageDescription(width: 4000, height: 4000, color: .gray, sampleType: .uint8)
    let plan = try pipeline.plan(
      for: picture, region: Region(x: 2000, y: 2000, width: 1, height: 1), tiling: TilingOptions(workers: 2))
    #expect(plan.sweeps[0].tiles < 50)
  }

  /// A tee of a format that cannot say how it is turned changed the rest of the chain.
  @Test func a_tee_does_not_turn_what_goes_on() throws {
    try writeTurnedCells()
    #expect(try run("gaussian then sobel turned.tif -o a.tif").status == 0)
    #expect(try run("gaussian then tee t.pam then sobel turned.tif -o b.tif").status == 0)
    #expect(try bytes("a.tif") == bytes("b.tif"))
    // The tee is upright: what a copy of the blurred picture in that format would be.
    #expect(try run("gaussian turned.tif -o v.tif").status == 0)
    #expect(try run("gaussian --sigma 0 v.tif -o u.pam").status == 0)
    #expect(try bytes("t.pam") == bytes("u.pam"))
  }

  /// Tees were written in spite of --no-clobber, and the result had its name before a tee had failed.
  @Test func tees_are_left_alone_when_asked_and_fail_before_the_result_has_a_name() throws {
    try Data("mine".utf8).write(to: URL(fileURLWithPath: folder.path("tee.png")))
    #expect(try run("gaussian -n then tee tee.png then sobel \(testImage("gradient.png")) -o out.png").status == 0)
    #expect(try bytes("tee.png") == Data("mine".utf8))
    let full = try run("gaussian then tee /dev/full then sobel --format png \(testImage("photo.png")) -o never.png")
    #expect(full.status == 1 && full.errors.hasPrefix("imbrex: /dev/full: ") && !folder.contents.contains("never.png"))
  }

  /// Tees into directories rounded floats for the sake of the input's format.
  @Test func a_tee_of_floats_into_a_directory_is_a_tiff() throws {
    #expect(try run("gaussian --float then tee mid/ then sobel \(testImage("gradient.png")) -o out/").status == 0)
    #expect(try ImageReader(path: folder.path("mid/gradient.tif")).description.sampleType == .float32)
  }

  /// A float that was passed on to the last stage was refused for a PNG, which holds it as between two commands.
  @Test func floats_that_are_passed_on_are_rounded_at_the_end() throws {
    let image = testImage("photo.png")
    #expect(try run("gaussian --float then sobel \(image) -o chain.png").status == 0)
    #expect(try run("gaussian --float \(image) -o mid.tif").status == 0)
    #expect(try run("sobel mid.tif -o steps.png").status == 0)
    let (chain, steps) = (try readPictures(folder.path("chain.png"))[0], try readPictures(folder.path("steps.png"))[0])
    #expect(chain.hasSameBytes(as: steps))
    #expect(try run("gaussian --float \(image) -o refused.png").status == 2)
  }

  /// Bands of small pictures ignored --max-memory, and the remedy was of one picture's share.
  @Test func small_pictures_fit_a_small_memory_and_remedies_are_of_the_whole() throws {
    #expect(try run("gaussian --max-memory 100K \(testImage("gradient.png")) -o a.png").status == 0)
    let inputs = "\(testImage("photo.png")) \(testImage("cells.png")) -o out/"
    let refused = try run("gaussian \(inputs) --max-memory 10K").errors
    let words = refused.split { $0 == " " || $0.isNewline }
    let remedy = zip(words, words.dropFirst()).filter { $0.1 == "KiB" }.compactMap { Int($0.0) }.max() ?? 0
    #expect(remedy > 20)
    #expect(try run("gaussian \(inputs) --max-memory \(remedy)K").status == 0)
  }

  /// A long option behind one dash was told to belong to another filter.
  @Test func a_long_option_behind_one_dash_is_told_so() throws {
    #expect(
      try run("gaussian -sigma 2 x.png").errors == "imbrex: unknown option '-sigma'; did you mean '--sigma'?\n")
  }

  /// The tee of one input was written over the result of another.
  @Test func a_tee_is_not_written_over_another_inputs_result() throws {
    let manager = FileManager.default
    try manager.createDirectory(atPath: folder.path("in/sub"), withIntermediateDirectories: true)
    for name in ["in/x.png", "in/sub/x.png"] {
      try manager.copyItem(atPath: testImage("gradient.png"), toPath: folder.path(name))
    }
    let outcome = try run("gaussian then tee out/sub/ then sobel -r in -o out/")
    #expect(outcome.status == 2 && outcome.errors.contains("would both be written to 'out/sub/x.png'"))
    #expect(folder.contents == ["in"])
  }

  /// Edges of a JPEG were written as a JPEG, with a dozen gray values instead of two.
  @Test func edges_are_not_compressed_with_loss_unless_asked() throws {
    let photo = testImage("photo.jpg")
    func levels(_ path: String) throws -> Set<Double> { Set(unitSamples(try readPictures(path)[0])) }
    let piped = try run("edge \(photo)")
    #expect(piped.output.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    #expect(try run("edge \(photo) -o out/").status == 0)
    #expect(try run("gaussian then edge then tee tees/ then median \(photo) -o medians/").status == 0)
    for path in ["out/photo.png", "tees/photo.png"] { #expect(try levels(folder.path(path)) == [0, 1], "\(path)") }
    #expect(try ImageReader(path: folder.path("medians/photo.jpg")).format.name == "jpeg")
    // A name or --format asks for it.
    for line in ["edge \(photo) -o asked.jpg", "edge --format jpeg \(photo) -o -"] {
      let outcome = try run(line)
      let bytes = outcome.output.isEmpty ? [UInt8](try bytes("asked.jpg")) : outcome.output
      #expect(bytes.starts(with: [0xFF, 0xD8]), "\(line)")
    }
    // A TIFF stays one, without JPEG in it.
    var metadata = Metadata()
    metadata.tiff.compression = 7
    try writePictures([try readPictures(photo)[0]], to: folder.path("in.tif"), metadata: metadata)
    #expect(try ImageReader(path: folder.path("in.tif")).metadata.tiff.compression == 7)
    #expect(try run("edge in.tif -o edges.tif").status == 0)
    #expect(try levels(folder.path("edges.tif")) == [0, 1])
  }

  // MARK: - Files and batches, as users met them

  private func writeInputs(_ names: [String]) throws {
    try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: true)
    for name in names {
      try FileManager.default.copyItem(atPath: testImage("gradient.png"), toPath: folder.path("in/" + name))
    }
  }

  /// --fail-fast went on for dozens of files, until the results before the failure had been told.
  @Test func fail_fast_begins_nothing_after_a_failure() throws {
    // The first takes long, the second fails at once.
    try writeInputs((0..<100).map { "b\($0).png" })
    try FileManager.default.copyItem(atPath: testImage("photo.png"), toPath: folder.path("in/a0.png"))
    try Data("bad".utf8).write(to: URL(fileURLWithPath: folder.path("in/a1.png")))
    let outcome = try run("median --radius 60 in -o out/ --fail-fast -j2")
    #expect(outcome.status == 1 && outcome.errors.contains("1 failed"))
    let made = try FileManager.default.contentsOfDirectory(atPath: folder.path("out"))
    #expect(made.count <= 2, "\(made.count) outputs")
  }

  /// A directory as its own output was written over.
  @Test func a_directory_is_not_written_over_without_a_word() throws {
    try writeInputs(["a.png", "b.png"])
    let before = try bytes("in/a.png")
    for line in ["gaussian in -o in/", "gaussian in/a.png -o in/", "gaussian in -o ./in/"] {
      let outcome = try run(line)
      #expect(outcome.status == 2 && outcome.errors.contains("--in-place"), "\(line): \(outcome.errors)")
    }
    #expect(try bytes("in/a.png") == before)
  }

  /// A second --in-place=.bak wrote over the only original.
  @Test func a_backup_is_not_written_over() throws {
    try writeInputs(["a.png"])
    let original = try bytes("in/a.png")
    #expect(try run("gaussian --in-place=.bak in/a.png").status == 0)
    let again = try run("gaussian --in-place=.bak in/a.png")
    #expect(again.status == 2 && again.errors.contains("'in/a.png.bak', which is there already"))
    #expect(try bytes("in/a.png.bak") == original)
  }

  /// A suffix in a word of its own was taken for a picture.
  @Test func a_suffix_in_a_word_of_its_own_is_told_so() throws {
    try writeInputs(["a.png"])
    let outcome = try run("gaussian --in-place .bak in/a.png")
    #expect(outcome.status == 2)
    #expect(outcome.errors == "imbrex: there is no '.bak'; did you mean --in-place=.bak?\n")
  }

  /// Directories passed over TIFFs under the names that microscopes give them.
  @Test func directories_know_the_names_that_tiffs_have() throws {
    try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: true)
    for name in ["a.svs", "b.btf", "c.ndpi", "d.lsm"] {
      try FileManager.default.copyItem(atPath: testImage("float.tif"), toPath: folder.path("in/" + name))
    }
    #expect(try run("median in -o out/").errors == "imbrex: 4 done, 0 skipped, 0 failed\n")
  }
}
