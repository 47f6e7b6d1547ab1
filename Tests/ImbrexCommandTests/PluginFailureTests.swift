import Foundation
import Imbrex
import TestSupport
import Testing

/// Whatever a plug-in does wrong: one line, no output, no process left.
@Suite struct PluginFailureTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    let picture = testPicture(ImageDescription(width: 60, height: 90, color: .rgb, sampleType: .uint8))
    try writePictures([picture], to: folder.path("in.ppm"))
  }

  /// Runs `apply`, which has to fail.
  private func expectFailure(
    _ words: [String], _ status: Int32, _ message: String, environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = folder.contents
    let outcome = try Program.run(
      ["apply"] + words + ["in.ppm", "-o", "out.ppm"], environment: environment, folder: folder.url)
    #expect(outcome.status == status, sourceLocation: sourceLocation)
    #expect(outcome.errors == "imbrex: \(message)\n", sourceLocation: sourceLocation)
    #expect(folder.contents == before, sourceLocation: sourceLocation)
    try expectNoProcess()
  }

  /// Worker processes are in the test's folder: none is there.
  private func expectNoProcess() throws {
    for attempt in 0... {
      let left = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.filter {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/cwd"))
          == folder.url.resolvingSymlinksInPath().path
      }
      if left.isEmpty { return }
      if attempt == 50 {
        Issue.record("left over: \(left)")
        return
      }
      usleep(20_000)
    }
  }

  // MARK: - While tiles are made

  static let calls: [(mode: String, message: String)] = [
    ("crash", "crashes (signal 11, Segmentation fault)"),
    ("abort", "crashes (signal 6, Aborted): is very wrong"),
    ("exit", "ends its process with status 0"),
    ("leave", "ends its process with status 3"),
    ("hang", "takes longer than 1 s (see --tile-timeout)"),
    ("fail", "finds nothing here"),
    ("fail-silently", "fails with 9 and no message"),
    ("long-message", String(repeating: "x", count: 256)),
    ("right", "writes beyond the end of row 0 of its tile"),
    ("left", "writes before the first row of its tile"),
    ("below", "crashes (signal 11, Segmentation fault)"),
    ("far", "crashes (signal 11, Segmentation fault)"),
    ("source", "crashes (signal 11, Segmentation fault)"),
    ("close", "closes what imbrex had opened"),
  ]

  @Test(arguments: calls.indices) func a_call_that_goes_wrong_names_the_tile(index: Int) throws {
    let (mode, message) = Self.calls[index], plugin = try #require(PluginFiles.hostile)
    try expectFailure(
      ["--plugin", plugin, "--set", "mode=\(mode)", "--set", "at=50", "--tile", "30x60", "--tile-timeout", "1", "-q"],
      1,
      "in.ppm: tile 60x30+0+30: hostile \(message)")
  }

  @Test(arguments: ["right", "left", "fail"]) func what_goes_wrong_in_imbrex_itself_is_told_too(mode: String) throws {
    let plugin = try #require(PluginFiles.hostile)
    let message = Self.calls.first { $0.mode == mode }!.message
    try expectFailure(
      ["--plugin", plugin, "--set", "mode=\(mode)", "--set", "at=50", "--tile", "30x60", "--in-process"], 1,
      "in.ppm: tile 60x30+0+30: hostile \(message)")
  }

  @Test func an_exit_inside_imbrex_is_no_success() throws {
    let plugin = try #require(PluginFiles.hostile)
    try expectFailure(
      ["--plugin", plugin, "--set", "mode=exit", "--set", "at=50", "--tile", "30x60", "--in-process"], 1,
      "the plug-in ends the process")
  }

  @Test func what_a_plugin_prints_is_no_part_of_the_picture() throws {
    let plugin = try #require(PluginFiles.hostile)
    for (mode, lines) in [("print", 1), ("flood", 100_000)] {
      let outcome = try Program.shell(
        "cd \"$2\" && \"$1\" apply --plugin \"$3\" --set mode=\(mode) < in.ppm | cmp - in.ppm",
        [Program.url.path, folder.url.path, plugin])
      #expect(outcome.status == 0 && outcome.output == [], "\(outcome.text)")
      #expect(outcome.errors.split(separator: "\n").count == lines)
      #expect(outcome.errors.hasPrefix("imbrex: tile 60x90+0+0: "), "\(outcome.errors.prefix(100))")
    }
    try expectNoProcess()
  }

  @Test func a_process_that_a_plugin_starts_ends_with_it() throws {
    let plugin = try #require(PluginFiles.hostile)
    let outcome = try Program.run(
      ["apply", "--plugin", plugin, "--set", "mode=fork", "in.ppm", "-o", "out.ppm"], folder: folder.url)
    #expect(outcome.status == 0 && outcome.errors == "")
    try expectNoProcess()
  }

  @Test(arguments: ["INT", "TERM", "HUP", "KILL"]) func a_signal_ends_the_processes_too(signal: String) throws {
    let plugin = try #require(PluginFiles.hostile)
    let script = """
      set -m
      cd "$2"
      "$1" apply --plugin "$3" --set mode=hang --tile 30x60 -j2 in.ppm -o out.ppm &
      for i in $(seq 100); do pgrep -P $! >/dev/null && break; sleep 0.05; done
      sleep 0.3
      kill -\(signal) $!
      wait $!
      echo $?
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path, plugin])
    #expect(outcome.text == "\(["INT": 130, "TERM": 143, "HUP": 129, "KILL": 137][signal]!)\n", "\(outcome.errors)")
    try expectNoProcess()
    // What SIGKILL leaves the next run removes.
    if signal != "KILL" { #expect(folder.contents == ["in.ppm"]) }
  }

  // MARK: - Before that

  static let replies: [(settings: [String], status: Int32, message: String)] = [
    (["mode=crash-reach"], 2, "--plugin 'P' crashes (signal 6, Aborted)"),
    (["mode=refuse"], 2, "--plugin 'P' does not like\\nthese values"),
    (["mode=boundary"], 2, "--plugin 'P' asks for a boundary 77, which there is not"),
    (["deep=-3"], 2, "--plugin 'P' asks for -3 ghosts above a tile, but it must be a number between 0 and 100000"),
    (
      ["deep=100001"], 2,
      "--plugin 'P' asks for 100001 ghosts above a tile, but it must be a number between 0 and 100000"
    ),
    (["mode=crash-output"], 1, "in.ppm: hostile crashes (signal 7, Bus error)"),
    (["mode=choosy"], 1, "in.ppm: hostile takes gray pictures only"),
    (["mode=grow"], 1, "in.ppm: hostile makes 61 × 90 pixels of 60 × 90, but must keep the size"),
    (["mode=type"], 1, "in.ppm: hostile makes samples of type 3, which there is not"),
    (["mode=channels"], 1, "in.ppm: hostile makes -1 channels, but it must be a number between 1 and 4096"),
    (["dep=1"], 2, "--set names 'dep', which hostile does not have; did you mean 'deep'? (mode, at, deep, secret)"),
    (["at=x"], 2, "--set at is 'x', but must be a whole number between 0 and 1000000"),
    (["at=1000001"], 2, "--set at is '1000001', but must be a whole number between 0 and 1000000"),
    (["secret=nan"], 2, "--set secret is 'nan', but must be a number"),
    (["at=1", "at=2"], 2, "--set gives at twice"),
    (["at"], 2, "--set is 'at', but must be NAME=VALUE"),
  ]

  @Test(arguments: replies.indices) func a_wrong_reply_or_value_is_told(index: Int) throws {
    let (settings, status, message) = Self.replies[index], plugin = try #require(PluginFiles.hostile)
    try expectFailure(
      ["--plugin", plugin] + settings.flatMap { ["--set", $0] }, status,
      message.replacingOccurrences(of: "'P'", with: "'\(plugin)'"))
  }

  static let tables: [(number: Int, message: String)] = [
    (-6, "ends its process with status 0"), (-5, "takes longer than 1 s (see --tile-timeout)"),
    (-4, "crashes (signal 11, Segmentation fault)"), (-3, "crashes (signal 6, Aborted)"), (-2, "has no filters"),
    (-1, "does not serve version 1 of imbrex_filter.h, which this imbrex has"),
    (0, "is made for version 7 of imbrex_filter.h (filter 1), but this imbrex has version 1"),
    (1, "has no name of filter 1"),
    (2, "has a wrong name of filter 1: 'not a name' is not of letters, digits, - and _"),
    (3, "has no help of hostile"), (4, "has a filter hostile without a function"),
    (5, "has a filter hostile of unknown types of samples: 64"), (6, "has a filter hostile with -1 parameters"),
    (7, "has a filter hostile with 4 parameters, which are NULL"),
    (8, "has a wrong name of parameter 1 of hostile: 'a b' is not of letters, digits, - and _"),
    (9, "has no help of the parameter a of hostile"),
    (10, "is wrong about the parameter a of hostile: its type is 9"),
    (11, "is wrong about the parameter a of hostile: its range is 2 … 1"),
    (12, "is wrong about the parameter a of hostile: its default 0 is not in 1 … 2"),
    (13, "is wrong about the parameter a of hostile: it has no choices"),
    (14, "is wrong about the parameter a of hostile: it has no choices"),
    (15, "is wrong about the parameter a of hostile: its numbers are not whole"),
  ]

  @Test(arguments: tables.indices) func a_wrong_table_is_told(index: Int) throws {
    let (number, message) = Self.tables[index], plugin = try #require(PluginFiles.table)
    try expectFailure(
      ["--plugin", plugin, "--tile-timeout", "1"], 2, "--plugin '\(plugin)' \(message)",
      environment: ["HOSTILE_TABLE": "\(number)"])
  }

  @Test func what_is_no_plugin_is_told() throws {
    let plugin = try #require(PluginFiles.sharpen), plain = try #require(PluginFiles.plain)
    let local = try #require(PluginFiles.local)
    try expectFailure(["--plugin", "no.so"], 2, "--plugin 'no.so' cannot be opened: No such file or directory")
    try expectFailure(["--plugin", "."], 2, "--plugin '.' is not a file")
    try expectFailure(["--plugin", "in.ppm"], 2, "--plugin 'in.ppm' is not a shared library")
    try expectFailure(
      ["--plugin", plain], 2, "--plugin '\(plain)' has no function imbrex_filters: it is no plug-in of imbrex")
    try expectFailure(
      ["--plugin", local], 2,
      "--plugin '\(local)' has 2 filters: name one, as in \(local):erode (erode, dilate)")
    try expectFailure(
      ["--plugin", local + ":dilat"], 2,
      "--plugin '\(local)' has no filter 'dilat'; did you mean 'dilate'? (erode, dilate)")
    try expectFailure(
      ["--plugin", local + ":dilate", "--set", "radius=30"], 2,
      "--plugin '\(local)' takes squares of a radius of at most 20")
    #if os(Linux)
      var bytes = try Data(contentsOf: URL(fileURLWithPath: plugin))
      try Data(bytes.prefix(700)).write(to: folder.url.appendingPathComponent("short.so"))
      let outcome = try Program.run(["apply", "--plugin", "short.so", "in.ppm", "-o", "out.ppm"], folder: folder.url)
      #expect(outcome.status == 2 && outcome.errors.hasPrefix("imbrex: --plugin 'short.so' c"))
      // The system's loader does not look at sizes, and dies of it.
      #expect(outcome.errors.split(separator: "\n").count == 1)
      (bytes[18], bytes[19]) = (243, 0)
      try bytes.write(to: folder.url.appendingPathComponent("other.so"))
      try expectFailure(
        ["--plugin", "other.so"], 2, "--plugin 'other.so' is for riscv, but this imbrex is for \(Build.architecture)")
    #endif
  }

  @Test func a_picture_of_a_type_that_is_not_taken_is_refused() throws {
    guard let plugin = PluginFiles.threshold else { return }
    let deep = ImageDescription(width: 60, height: 90, color: .gray, sampleType: .uint16)
    try writePictures([testPicture(deep)], to: folder.path("deep.pgm"))
    let outcome = try Program.run(["apply", "--plugin", plugin, "deep.pgm", "-o", "out.pgm"], folder: folder.url)
    #expect(outcome.status == 1)
    #expect(outcome.errors == "imbrex: deep.pgm: threshold takes uint8 samples, but the picture has uint16\n")
  }

  @Test func options_that_do_not_go_together_are_refused() throws {
    let plugin = try #require(PluginFiles.sharpen)
    let cases: [([String], String)] = [
      (["--plugin", plugin, "--command", "cat"], "--command and --plugin exclude each other"),
      (["--plugin", plugin, "--keep"], "--keep goes with --command only"),
      (["--plugin", plugin, "--frames", "npy"], "--frames goes with --command only"),
      (["--command", "cat", "--set", "a=1"], "--set goes with --plugin only"),
      (["--command", "cat", "--in-process"], "--in-process goes with --plugin only"),
      (
        ["--plugin", plugin, "--in-process", "--tile-timeout", "1"],
        "--tile-timeout does not go with --in-process: what runs in imbrex cannot be ended"
      ),
      ([], "--command is missing: apply needs a command to run, or a --plugin"),
    ]
    for (words, message) in cases { try expectFailure(words, 2, message) }
  }
}
