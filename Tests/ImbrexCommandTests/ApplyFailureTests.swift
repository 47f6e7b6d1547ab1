import Foundation
import Imbrex
import TestSupport
import Testing

/// Whatever a command does wrong: one line that names the tile, status 1, no output, no process left.
@Suite struct ApplyFailureTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    let picture = testPicture(ImageDescription(width: 200, height: 200, color: .gray, sampleType: .uint8))
    try writePictures([picture], to: folder.path("in.pgm"))
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let command: String
    let message: String
    /// With `--keep`, where that is another.
    let kept: String?
    var testDescription: String { command }
    init(_ command: String, _ message: String, kept: String? = nil) {
      (self.command, self.message, self.kept) = (command, message, kept)
    }
  }

  private static let tile = "tile 100x100+0+0: "

  static let cases = [
    Case("nosuchcommand 2>/dev/null", "the command is not found"),
    Case("/dev/null 2>/dev/null", "the command cannot be executed"),
    Case("exit 3", "the command fails with status 3"),
    Case("echo no model >&2; exit 4", "the command fails with status 4: no model"),
    Case("kill -9 $$", "the command is killed by signal 9, Killed"),
    Case("kill -11 $$", "the command is killed by signal 11, Segmentation fault"),
    Case("cat; exit 5", "the command fails with status 5", kept: "after its last tile the command fails with status 5"),
    Case(
      "cat; echo x", "the command writes more than one frame of a tile",
      kept: "after its last tile the command writes 2 bytes more than its tiles have"),
    Case("cat; yes", "the command writes more than one frame of a tile", kept: ""),
    Case("head -c 1000", "the command writes only ", kept: "the command writes only "),
    Case("head -c 20", "the command writes only 20 bytes of a frame's header"),
    Case("echo garbage", "what the command writes is no PAM, PNM or npy: it begins with 'garbage\\n'"),
    Case(
      "printf 'P5 3 3 255\\n123456789'", "the command makes 3 × 3 pixels of a tile of 100 × 100 pixels, ghosts included"
    ),
    Case("printf 'P5 3 0 255\\n'", "the command writes a frame of 3 × 0 pixels in 1 channels up to 255"),
    Case(
      "printf 'P7\\nWIDTH 100\\nHEIGHT 100\\nDEPTH 99999999\\nMAXVAL 255\\nENDHDR\\n'",
      "the command writes 99999999 channels, but at most 4096 are taken"),
    Case(
      "printf '\\223NUMPY\\001\\000\\072\\000%-57s\\n' \"{'descr': '<U8', 'fortran_order': False, 'shape': (3,)}\"",
      "the command writes an array of type '<U8': numbers of 8 to 64 bits are wanted"),
    Case(
      "printf '\\223NUMPY\\001\\000\\072\\000%-57s\\n' \"{'descr': '<u2', 'fortran_order': False, 'shape': (3,)}\"",
      "the command makes shape (3,) of a tile of 100 × 100 pixels, ghosts included"),
    Case("true", "the command writes nothing"),
    Case("cat >/dev/null", "the command writes nothing", kept: "the command takes longer than 1 s"),
    Case("sleep 97531", "the command takes longer than 1 s"),
    Case(
      "cat >/dev/null; while :; do sleep 0.01; echo busy >&2; done", "the command takes longer than 1 s: busy",
      kept: "the command takes longer than 1 s"),
    Case("yes flood >&2", "the command takes longer than 1 s: flood"),
    Case("exec >&-; cat >/dev/null; exit 9", "the command fails with status 9", kept: "the command"),
    Case("sleep 97531 & exit 6", "the command fails with status 6"),
    Case(
      "test $IMBREX_TILE_X = 0 || exit 7; cat", "tile 100x100+100+0: the command fails with status 7", kept: ""),
    Case(
      "if test $IMBREX_TILE_Y = 0; then cat; else cat >/dev/null; printf 'P6 100 100 255\\n'; head -c 30000 /dev/zero; fi",
      "the function makes uint8 samples in 3 channels, but of the first tile it made uint8 samples in 1 channel",
      kept: ""),
  ]

  @Test(arguments: cases) func a_failure_is_one_line_and_nothing_is_left(failure: Case) throws {
    for options in [[], ["--keep"]] {
      let message = options.isEmpty ? failure.message : failure.kept ?? failure.message
      if message.isEmpty { continue }
      let outcome = try Program.run(
        ["apply", "--command", failure.command, "--tile", "100x100", "--tile-timeout", "1", "-q", "-j2"] + options
          + ["in.pgm", "-o", "out.pgm"], folder: folder.url)
      #expect(outcome.status == 1, "\(options)")
      #expect(
        outcome.errors.hasPrefix("imbrex: in.pgm: ") && outcome.errors.contains(message),
        "\(options): \(outcome.errors)")
      if !message.hasPrefix("after its last") { #expect(outcome.errors.contains("tile 100x100+")) }
      #expect(outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
      #expect(folder.contents == ["in.pgm"])
    }
    try expectNoProcess()
  }

  /// Commands run in the test's folder: no process is there.
  private func expectNoProcess() throws {
    var left: [String] = []
    for _ in 0..<50 {
      left = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.filter {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/cwd"))
          == folder.url.resolvingSymlinksInPath().path
      }
      if left.isEmpty { return }
      usleep(20_000)
    }
    Issue.record(
      "left over: \(left.map { (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8)) ?? $0 })")
  }

  @Test func what_a_frame_cannot_carry_is_refused() throws {
    let signed = ImageDescription(
      width: 20, height: 20, color: .gray, sampleType: .float32, stored: StoredSamples(.signed, bits: 16))
    try writePictures([testPicture(signed)], to: folder.path("signed.tif"))
    let outcome = try Program.run(["apply", "--command", "cat", "signed.tif", "-o", "out.tif"], folder: folder.url)
    #expect(outcome.status == 1)
    #expect(
      outcome.errors == "imbrex: signed.tif: PAM frames cannot carry int16 samples: allow it with --frames npy\n")
  }

  @Test func usage_is_checked() throws {
    for (words, message) in [
      ("apply in.pgm", "--command is missing: apply needs a command to run"),
      ("apply --command cat --halo 1.5 in.pgm", "--halo is 1.5, but must be whole numbers"),
      ("apply --command cat --frames png in.pgm", "--frames is 'png', but must be pam, npy or pnm"),
    ] {
      let outcome = try Program.run(
        words.split(separator: " ").map(String.init) + ["-o", "out.pgm"], folder: folder.url)
      #expect(outcome.status == 2 && outcome.errors.hasPrefix("imbrex: \(message)"), "\(outcome.errors)")
    }
  }

  @Test func one_bad_picture_does_not_stop_the_others() throws {
    for name in ["a", "b", "c"] {
      try FileManager.default.createDirectory(atPath: folder.path("many"), withIntermediateDirectories: true)
      let side = name == "b" ? 77 : 200
      let picture = testPicture(ImageDescription(width: side, height: side, color: .gray, sampleType: .uint8))
      try writePictures([picture], to: folder.path("many/\(name).pgm"))
    }
    for options in [[], ["-j1"]] {
      let outcome = try Program.run(
        ["apply", "--command", "test $IMBREX_PICTURE_WIDTH = 200 || exit 8; cat"] + options + ["many", "-o", "made/"],
        folder: folder.url)
      #expect(outcome.status == 1 && outcome.errors.contains("2 done, 0 skipped, 1 failed"), "\(outcome.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("made")).sorted() == ["a.pgm", "c.pgm"])
      try FileManager.default.removeItem(atPath: folder.path("made"))
    }
    try expectNoProcess()
  }

  @Test func what_goes_wrong_elsewhere_ends_commands_too() throws {
    // A full disk, while tiles take for ever.
    let outcome = try Program.run(
      [
        "apply", "--command", "if test $IMBREX_TILE_Y = 0; then cat; else sleep 97531; fi", "--tile", "10x200", "-j1",
        "in.pgm", "-o", "/dev/full",
      ] + ["--tile-timeout", "3"], folder: folder.url)
    #expect(outcome.status == 1)
    // Whoever reads closes the pipe.
    let closed = try Program.shell(
      "cd \"$2\"; \"$1\" apply --command 'if test $IMBREX_TILE_Y -lt 20; then cat; else sleep 97531; fi' --tile 10x200 -j2 --tile-timeout 3 in.pgm | head -c 1; echo ${PIPESTATUS[0]}",
      [Program.url.path, folder.url.path])
    #expect(closed.status == 0)
    try expectNoProcess()
  }

  @Test(arguments: ["INT", "TERM", "HUP"]) func a_signal_ends_commands_too(signal: String) throws {
    for options in ["", "--keep"] {
      let script = """
        cd "$2"
        "$1" apply --command 'sleep 97531 & touch started; sleep 97532' \(options) --tile 50x50 -j2 in.pgm -o out.pgm &
        for i in $(seq 100); do test -e started && break; sleep 0.05; done
        kill -\(signal) $!
        wait $!
        echo $?
        rm started
        """
      // A shell's background jobs ignore SIGINT, and so does what they start.
      let outcome = try Program.shell("set -m\n" + script, [Program.url.path, folder.url.path])
      let status = ["INT": 130, "TERM": 143, "HUP": 129][signal]!
      #expect(outcome.text == "\(status)\n", "\(outcome.text) \(outcome.errors)")
      #expect(folder.contents == ["in.pgm"])
      try expectNoProcess()
    }
  }

  @Test func ended_commands_are_waited_for() throws {
    // Each command looks for siblings that have ended and are not waited for: the one before may be one for a moment.
    let script = "cat; cat /proc/[0-9]*/stat 2>/dev/null | awk -v parent=$PPID '$3 == \"Z\" && $4 == parent' >> zombies"
    let outcome = try Program.run(
      ["apply", "--command", script, "--tile", "20x50", "-j1", "in.pgm", "-o", "out.pgm"], folder: folder.url)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try String(contentsOfFile: folder.path("zombies"), encoding: .utf8) == "")
    try expectNoProcess()
  }
}
