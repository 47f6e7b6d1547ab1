import Foundation
import Imbrex
import TestSupport
import Testing

/// `imbrex apply --command`: what commands get and give, and that it does not show how a picture was cut.
@Suite struct ApplyTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// The program itself is a command as well: it reads a PAM and writes one.
  private static let imbrex = "IMBREX_JOBS=1 '\(Program.url.path)'"

  @discardableResult private func run(_ arguments: [String], input: [UInt8] = []) throws -> Program.Outcome {
    let outcome = try Program.run(arguments, input: input, folder: folder.url)
    try #require(outcome.status == 0, "\(arguments): \(outcome.errors)")
    return outcome
  }

  private func picture(_ name: String) throws -> Picture { try readPictures(folder.path(name))[0] }

  /// Writes a test picture.
  private func write(_ description: ImageDescription, to name: String) throws {
    try writePictures([testPicture(description)], to: folder.path(name))
  }

  private static let gray = ImageDescription(width: 301, height: 203, color: .gray, sampleType: .uint8)
  private static let colour = ImageDescription(width: 301, height: 203, color: .rgb, sampleType: .uint8)

  // MARK: - Pixels

  static let descriptions = [
    gray, colour,
    ImageDescription(width: 65, height: 40, color: .rgb, alpha: .straight, sampleType: .uint8),
    ImageDescription(width: 65, height: 40, color: .gray, alpha: .straight, sampleType: .uint16),
    ImageDescription(width: 65, height: 40, color: .gray, extraBands: 4, sampleType: .uint16),
    ImageDescription(
      width: 65, height: 40, color: .gray, sampleType: .uint16, stored: StoredSamples(.unsigned, bits: 12)),
    ImageDescription(
      width: 65, height: 40, color: .gray, sampleType: .float32, stored: StoredSamples(.signed, bits: 8)),
    ImageDescription(
      width: 65, height: 40, color: .gray, sampleType: .float32, stored: StoredSamples(.signed, bits: 16)),
    ImageDescription(
      width: 65, height: 40, color: .gray, sampleType: .float32, stored: StoredSamples(.float, bits: 16)),
    ImageDescription(
      width: 65, height: 40, color: .gray, sampleType: .float64, stored: StoredSamples(.signed, bits: 32)),
    ImageDescription(
      width: 65, height: 40, color: .gray, sampleType: .float64, stored: StoredSamples(.unsigned, bits: 32)),
    ImageDescription(width: 65, height: 40, color: .rgb, sampleType: .float32),
    ImageDescription(width: 65, height: 40, color: .gray, sampleType: .float64),
  ]

  @Test(arguments: descriptions.indices) func what_a_command_copies_stays_as_it_is(index: Int) throws {
    let description = Self.descriptions[index]
    try write(description, to: "in.tif")
    let expected = try picture("in.tif")
    #expect(expected.description == description)
    for (number, options) in [
      "--frames npy", "--frames npy --keep --tile 17x23 --halo 3", "--tile 31x64 --halo 2,5", "--frames npy --serial",
    ].enumerated() {
      let isByte = description.sampleType == .uint8 || description.sampleType == .uint16
      if !isByte && !options.contains("npy") { continue }
      // A NumPy array of 16 bits does not say that 12 of them are used.
      if description.stored?.kind == .unsigned && description.stored?.bits == 12 && options.contains("npy") { continue }
      try run(
        ["apply", "--command", "cat"] + options.split(separator: " ").map(String.init) + [
          "in.tif", "-o", "\(number).tif",
        ])
      #expect(try picture("\(number).tif").hasSameBytes(as: expected), "\(options)")
    }
  }

  @Test func numbers_of_few_bits_are_those_of_the_file() throws {
    try write(Self.descriptions[5], to: "in.tif")
    try run(["apply", "--command", "cat", "--frames", "npy", "in.tif", "-o", "out.tif"])
    let before = try picture("in.tif"), after = try picture("out.tif")
    #expect(after.description.sampleType == .uint16 && after.description.stored == nil)
    let a: UnsafeMutablePointer<UInt16> = before.row(7).samples(),
      b: UnsafeMutablePointer<UInt16> = after.row(7).samples()
    for x in 0..<65 { #expect(Int(b[x]) == (Int(a[x]) * 4095 + 32767) / 65535) }
  }

  @Test(arguments: ["", "--tile 40x50", "--tile 64x301 --keep", "--chunks 3x2 -j3", "--serial"])
  func a_function_with_enough_ghosts_makes_what_it_makes_of_the_whole(tiling: String) throws {
    try write(Self.colour, to: "in.png")
    let options = tiling.split(separator: " ").map(String.init)
    for (halo, filter) in [("8", "gaussian --sigma 2"), ("1", "sobel"), ("3,1", "median --size 7x3")] {
      try run(filter.split(separator: " ").map(String.init) + ["in.png", "-o", "expected.png"])
      try run(
        ["apply", "--halo", halo, "--command", "\(Self.imbrex) \(filter)"]
          + options.filter { $0 != "--keep" } + ["in.png", "-o", "out.png"])
      #expect(try picture("out.png").hasSameBytes(as: picture("expected.png")), "\(filter) \(tiling)")
    }
    guard options.contains("--keep") else { return }
    // A stream of pictures, each of which comes out before the next is there.
    try run(
      ["apply", "--halo", "8", "--command", "\(Self.imbrex) gaussian --sigma 2"] + options + [
        "in.png", "-o", "out.png",
      ])
    try run(["gaussian", "--sigma", "2", "in.png", "-o", "expected.png"])
    #expect(try picture("out.png").hasSameBytes(as: picture("expected.png")))
  }

  @Test func a_large_tile_goes_both_ways_at_once() throws {
    try write(ImageDescription(width: 3001, height: 2003, color: .rgb, sampleType: .uint16), to: "in.ppm")
    for options in [["--serial"], ["--keep", "--tile", "1500x3001"], ["-j2"]] {
      try run(["apply", "--command", "cat"] + options + ["in.ppm", "-o", "out.ppm"])
      #expect(try picture("out.ppm").hasSameBytes(as: picture("in.ppm")), "\(options)")
    }
  }

  @Test func a_command_may_answer_in_any_netpbm() throws {
    try write(Self.gray, to: "in.png")
    // A PBM with all pixels black, and a PGM of up to 3 with all pixels 1.
    let script = """
      cat >/dev/null
      set -- $((IMBREX_TILE_WIDTH)) $((IMBREX_TILE_HEIGHT))
      if test $SHAPE = pbm; then printf 'P4\\n# no\\n%d %d\\n' $1 $2; head -c $((($1 + 7) / 8 * $2)) /dev/zero | tr '\\0' '\\377'
      else printf 'P5 %d %d 3\\n' $1 $2; head -c $(($1 * $2)) /dev/zero | tr '\\0' '\\1'; fi
      """
    for (shape, value) in [("pbm", 0), ("pgm", 85)] {
      try run(["apply", "--command", "SHAPE=\(shape); \(script)", "--tile", "50x61", "in.png", "-o", "out.png"])
      let made = try picture("out.png")
      #expect(made.description == Self.gray && made.row(99).samples(UInt8.self)[150] == UInt8(value), "\(shape)")
    }
  }

  @Test func what_comes_out_may_be_of_another_kind() throws {
    try write(Self.colour, to: "in.png")
    // One channel of three.
    try run([
      "apply", "--command", "\(Self.imbrex) sobel", "--halo", "1", "--tile", "50x50", "in.png", "-o", "gray.tif",
    ])
    #expect(try picture("gray.tif").description == Self.gray)
    try run(["sobel", "in.png", "-o", "expected.tif"])
    #expect(try picture("gray.tif").hasSameBytes(as: picture("expected.tif")))
  }

  // MARK: - A stage like any other

  @Test func a_command_stands_in_a_chain() throws {
    try write(Self.colour, to: "in.png")
    try run("gaussian --sigma 1 then median then edge in.png -o expected.png".split(separator: " ").map(String.init))
    for tiling in [[], ["--tile", "40x50"], ["-j1"]] {
      try run(
        [
          "gaussian", "--sigma", "1", "then", "apply", "--halo", "1", "--command", "\(Self.imbrex) median", "then",
          "edge",
        ]
          + tiling + ["in.png", "-o", "out.png"])
      #expect(try picture("out.png").hasSameBytes(as: picture("expected.png")), "\(tiling)")
    }
    // Behind a stage that needs the whole picture, and twice.
    try run("edge then median then sobel in.png -o expected.png".split(separator: " ").map(String.init))
    try run(
      [
        "edge", "then", "apply", "--halo", "1", "--command", "\(Self.imbrex) median", "then", "apply", "--halo", "1",
        "--command", "\(Self.imbrex) sobel", "--tile", "60x60", "in.png", "-o", "out.png",
      ])
    #expect(try picture("out.png").hasSameBytes(as: picture("expected.png")))
  }

  @Test func a_region_a_pipe_a_directory_and_a_job_give_the_same() throws {
    try write(Self.colour, to: "in.ppm")
    let apply = ["apply", "--halo", "1", "--command", "\(Self.imbrex) median"]
    try run(apply + ["in.ppm", "-o", "whole.ppm"])
    let whole = try picture("whole.ppm"), region = Region(x: 50, y: 61, width: 100, height: 77)
    for tiling in [[], ["--tile", "20x30"]] {
      try run(apply + ["--region", region.option] + tiling + ["in.ppm", "-o", "part.ppm"])
      #expect(try picture("part.ppm").hasSameBytes(as: cropped(whole, to: region)))
    }
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("in.ppm"))))
    let expected = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("whole.ppm"))))
    #expect(try run(apply + ["--tile", "50x50"], input: bytes).output == expected)
    // Two pictures in a stream.
    #expect(try run(apply, input: bytes + bytes).output == expected + expected)
    for name in ["a", "b", "c"] {
      try FileManager.default.createDirectory(atPath: folder.path("many"), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: folder.path("in.ppm"), toPath: folder.path("many/\(name).ppm"))
    }
    try run(apply + ["--keep", "many", "-o", "made/"])
    for name in ["a", "b", "c"] { #expect(try picture("made/\(name).ppm").hasSameBytes(as: whole)) }
    try run(["job", "create", "job", "--parts", "3", "--"] + apply + ["in.ppm", "-o", "job.ppm"])
    try run(["job", "run", "job"])
    #expect(try picture("job.ppm").hasSameBytes(as: whole))
    try run(["bench", "apply", "--halo", "1", "--command", "\(Self.imbrex) sobel", "--runs", "1", "in.ppm"])
  }

  @Test func explanations_and_lists_run_nothing() throws {
    try write(Self.gray, to: "in.png")
    for option in ["--explain", "--dry-run"] {
      try run(["apply", "--command", "touch ran; cat", option, "in.png", "-o", "out.png"])
    }
    #expect(!folder.contents.contains("ran"))
  }

  // MARK: - What a command is told

  @Test func a_command_is_told_where_its_tile_is() throws {
    try write(Self.gray, to: "in.png")
    let script =
      "echo $IMBREX_TILE_X $IMBREX_TILE_Y $IMBREX_TILE_WIDTH $IMBREX_TILE_HEIGHT $IMBREX_GHOSTS $IMBREX_PICTURE_WIDTH $IMBREX_PICTURE_HEIGHT >> log; cat"
    try run(["apply", "--command", script, "--halo", "5,7", "--tile", "100x200", "-j1", "in.png", "-o", "out.png"])
    let log = try String(contentsOfFile: folder.path("log"), encoding: .utf8).split(separator: "\n")
    #expect(
      log == [
        "0 0 200 100 0,5,0,7 301 203", "200 0 101 100 0,5,7,0 301 203", "0 100 200 100 5,3,0,7 301 203",
        "200 100 101 100 5,3,7,0 301 203", "0 200 200 3 5,0,0,7 301 203", "200 200 101 3 5,0,7,0 301 203",
      ])
    // With --keep the frames say so.
    try run(
      [
        "apply", "--command", "tee frames", "--keep", "--halo", "5,7", "--tile", "100x200", "-j1", "in.png", "-o",
        "out.png",
      ])
    let frames = String(decoding: try Data(contentsOf: URL(fileURLWithPath: folder.path("frames"))), as: UTF8.self)
    for line in ["# IMBREX_TILE_X=200\n", "# IMBREX_GHOSTS=5,0,7,0\n", "# IMBREX_PICTURE_HEIGHT=203\n"] {
      #expect(frames.contains(line), "\(line)")
    }
  }

  @Test func a_command_that_is_kept_runs_once_a_worker() throws {
    try write(Self.gray, to: "in.png")
    for (workers, most) in [("1", 1), ("3", 3)] {
      try? FileManager.default.removeItem(atPath: folder.path("log"))
      try run(
        [
          "apply", "--command", "echo $$ >> log; cat", "--keep", "--tile", "10x301", "-j\(workers)", "in.png", "-o",
          "out.png",
        ])
      let count = try String(contentsOfFile: folder.path("log"), encoding: .utf8).split(separator: "\n").count
      #expect((1...most).contains(count))
    }
  }

  @Test func what_a_command_says_is_shown_with_its_tile() throws {
    try write(Self.gray, to: "in.png")
    let arguments = ["apply", "--command", "cat; echo one >&2; printf 'two\\rthree' >&2", "in.png", "-o", "out.png"]
    #expect(try run(arguments).errors == "imbrex: tile 301x203+0+0: one\nimbrex: tile 301x203+0+0: three\n")
    #expect(try run(arguments + ["-q"]).errors == "")
  }

  @Test func a_command_has_pipes_and_signals_of_its_own() throws {
    try write(Self.gray, to: "in.png")
    // Nothing but the three, and that of the directory that is listed; SIGPIPE is not ignored.
    try run(
      [
        "apply", "--command", "ls /proc/self/fd > fds; grep SigIgn /proc/self/status > signals; cat", "in.png", "-o",
        "out.png",
      ])
    #expect(try String(contentsOfFile: folder.path("fds"), encoding: .utf8).split(separator: "\n").count == 4)
    let ignored = try String(contentsOfFile: folder.path("signals"), encoding: .utf8).split(separator: "\t").last ?? ""
    let mask = try #require(UInt64(ignored.trimmingCharacters(in: .whitespacesAndNewlines), radix: 16))
    #expect(mask & (1 << 12) == 0)
  }

  // MARK: - Seams

  @Test(arguments: [[], ["--tile", "64x64"], ["--tile", "64x64", "--keep"]])
  func too_few_ghosts_are_found(tiling: [String]) throws {
    try write(Self.gray, to: "in.pgm")
    func check(_ halo: String, _ command: String) throws -> Program.Outcome {
      try Program.run(
        ["apply", "--check-seams", "--halo", halo, "--command", "\(Self.imbrex) \(command)", "-q"] + tiling
          + ["in.pgm", "-o", "out-\(halo).pgm"], folder: folder.url)
    }
    #expect(try check("3", "median --radius 3").status == 0)
    #expect(try picture("out-3.pgm").description == Self.gray)
    let few = try check("1", "median --radius 3")
    #expect(few.status == 1 && few.errors.contains("pixel ") && few.errors.contains("--halo 3 does"), "\(few.errors)")
    #expect(!folder.contents.contains("out-1.pgm"))
    // Thresholds that are quantiles of the tile: nothing does.
    let global = try check("8", "edge --quantiles --low 0.5 --high 0.7")
    // One tile that has all of the picture may be matched by its middle with nearly all of it.
    #expect(global.status == 1 && (tiling.isEmpty || global.errors.contains("no halo up to")), "\(global.errors)")
  }

  @Test func a_function_that_changes_its_mind_is_named() throws {
    try write(Self.gray, to: "in.pgm")
    let script =
      "cat >/dev/null; printf 'P5 %d %d 255\\n' $IMBREX_TILE_WIDTH $IMBREX_TILE_HEIGHT; head -c $((IMBREX_TILE_WIDTH * IMBREX_TILE_HEIGHT)) /dev/urandom"
    // Of a picture without ghosts around it, so that the sizes are those of the tile.
    let outcome = try Program.run(
      ["apply", "--check-seams", "--command", script, "--serial", "in.pgm", "-o", "out.pgm"], folder: folder.url)
    #expect(outcome.status == 1)
    #expect(!folder.contents.contains("out.pgm"))
  }

  // MARK: - Python

  private static let python = ProcessInfo.processInfo.environment["IMBREX_TEST_PYTHON"] ?? "python3"
  private static let hasScipy =
    (try? Program.shell("\(python) -c 'import numpy, scipy.ndimage'", []))?.status == 0
  private static let hasScikitImage =
    (try? Program.shell("\(python) -c 'import skimage.util, skimage.restoration, dask.array'", []))?.status == 0

  /// As it stands in the manual.
  private static let loop = """
    import sys
    from types import SimpleNamespace
    from numpy.lib import format
    from scipy import ndimage
    # NumPy asks files for their position, which pipes do not have.
    pipe = SimpleNamespace(read=sys.stdin.buffer.read, write=sys.stdout.buffer.write)
    while sys.stdin.buffer.peek(1):
        tile = format.read_array(pipe)
        format.write_array(pipe, ndimage.uniform_filter(tile.astype('f4'), 5))
        sys.stdout.buffer.flush()

    """

  @Test(.enabled(if: hasScipy)) func a_python_function_runs_on_tiles() throws {
    try write(ImageDescription(width: 301, height: 203, color: .gray, sampleType: .uint16), to: "in.pgm")
    try Self.loop.write(toFile: folder.path("mean.py"), atomically: true, encoding: .utf8)
    for tiling in [["--serial"], ["--tile", "50x301"], ["--tile", "64x64", "-j3"]] {
      try run(
        ["apply", "--halo", "2", "--command", "\(Self.python) mean.py", "--keep", "--frames", "npy"] + tiling
          + ["in.pgm", "-o", "out\(tiling.count).pfm"])
    }
    #expect(try picture("out1.pfm").description.sampleType == .float32)
    #expect(try picture("out2.pfm").hasSameBytes(as: picture("out1.pfm")))
    #expect(try picture("out3.pfm").hasSameBytes(as: picture("out1.pfm")))
  }

  @Test(.enabled(if: hasScipy && hasScikitImage)) func it_is_what_apply_parallel_makes() throws {
    try write(ImageDescription(width: 301, height: 203, color: .gray, sampleType: .uint16), to: "in.pgm")
    try Self.loop.write(toFile: folder.path("mean.py"), atomically: true, encoding: .utf8)
    try run(
      [
        "apply", "--halo", "2", "--command", "\(Self.python) mean.py", "--keep", "--frames", "npy", "--tile", "50x100",
        "in.pgm", "-o", "out.pfm",
      ])
    let script = """
      import sys, numpy
      from scipy import ndimage
      from skimage.util import apply_parallel
      data = open(sys.argv[1], 'rb').read()
      image = numpy.frombuffer(data[-301 * 203 * 2:], '>u2').reshape(203, 301).astype('u2')
      made = apply_parallel(lambda tile: ndimage.uniform_filter(tile.astype('f4'), 5), image, chunks=(50, 100), depth=2,
          mode='reflect', dtype='f4', compute=True)
      data = open(sys.argv[2], 'rb').read()
      mine = numpy.frombuffer(data[-301 * 203 * 4:], '<f4').reshape(203, 301)[::-1]
      sys.exit(0 if numpy.array_equal(mine, made) else str(abs(mine - made).max()))
      """
    let outcome = try Program.shell(
      "\(Self.python) -c \"$1\" \"$2\" \"$3\"", [script, folder.path("in.pgm"), folder.path("out.pfm")])
    #expect(outcome.status == 0, "\(outcome.errors)")
  }

  // MARK: - Others' programs

  private static func has(_ program: String) -> Bool {
    (try? Program.shell("command -v \"$1\"", [program]))?.status == 0
  }

  @Test(.enabled(if: has("pnminvert") && has("pamfunc"))) func netpbms_tools_are_commands() throws {
    try write(Self.colour, to: "in.png")
    try run(
      [
        "apply", "--command", "pnminvert", "--frames", "pnm", "then", "apply", "--command", "pamfunc -subtractor 10",
        "--tile", "50x50", "in.png", "-o", "out.png",
      ])
    let before = try picture("in.png"), after = try picture("out.png")
    for x in 0..<903 {
      let a = Int(before.row(100).samples(UInt8.self)[x]), b = Int(after.row(100).samples(UInt8.self)[x])
      #expect(b == max(255 - a - 10, 0))
    }
  }

  @Test(.enabled(if: has("convert"))) func imagemagick_is_a_command() throws {
    try write(Self.colour, to: "in.png")
    try run(
      [
        "gaussian", "then", "apply", "--command", "convert - -negate pam:-", "--tile", "50x301", "then", "edge",
        "in.png",
        "-o", "out.png",
      ])
    // Edges of the negative are those of the picture, but for rounding.
    #expect(try picture("out.png").description == Self.gray)
  }
}
