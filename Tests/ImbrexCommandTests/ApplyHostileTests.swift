import Foundation
import Imbrex
import TestSupport
import Testing

/// What commands and plug-ins do on purpose, and what happens to imbrex itself: nothing hangs, crashes or stays.
@Suite struct ApplyHostileTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    try write(200, to: "in.pgm")
  }

  private func write(_ side: Int, to name: String) throws {
    let picture = testPicture(ImageDescription(width: side, height: side, color: .gray, sampleType: .uint8))
    try writePictures([picture], to: folder.path(name))
  }

  /// Runs `apply` on the picture, which has to take less time than what is left behind.
  private func run(_ words: [String], input: String = "in.pgm", to output: String = "out.pgm") throws -> Program.Outcome
  {
    let start = ContinuousClock.now
    let outcome = try Program.run(["apply"] + words + [input, "-o", output], folder: folder.url)
    #expect(ContinuousClock.now - start < .seconds(25), "\(words)")
    return outcome
  }

  /// Commands run in the test's folder: no process is there.
  private func expectNoProcess() throws {
    for _ in 0..<50 {
      let left = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }.filter {
        (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\($0)/cwd"))
          == folder.url.resolvingSymlinksInPath().path
      }
      if left.isEmpty { return }
      usleep(20_000)
    }
    Issue.record("processes are left over")
  }

  // MARK: - Frames

  @Test(arguments: ["9223372036854775807", "4611686018427387904", "100000"])
  func absurd_channels_are_an_error(count: String) throws {
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (200, 200, \(count)), }"
    let outcome = try run(["--command", "printf '\\223NUMPY\\001\\000\\166\\000%-117s\\n' \"\(header)\""])
    #expect(
      outcome.errors
        == "imbrex: in.pgm: tile 200x200+0+0: the command writes \(count) channels, but at most 4096 are taken\n")
    #expect(outcome.status == 1 && folder.contents == ["in.pgm"])
  }

  // MARK: - What is left behind

  /// With a session of its own it is in no group that imbrex could end, and holds the command's pipes.
  @Test(arguments: ["sleep 30", "timeout 30 sh -c 'yes >&2'"]) func what_leaves_the_group_is_not_waited_for(
    program: String
  ) throws {
    for options in [["--tile", "200x200"], ["--tile", "200x200", "--keep"]] {
      let failed = try run(["--command", "setsid \(program) & exit 6", "-q"] + options)
      #expect(failed.errors.hasPrefix("imbrex: in.pgm: tile 200x200+0+0: the command fails with status 6"))
      let outcome = try run(["--command", "setsid \(program) & cat", "-q"] + options)
      #expect(outcome.status == 0, "\(options): \(outcome.errors)")
      #expect(try readPictures(folder.path("out.pgm"))[0].hasSameBytes(as: readPictures(folder.path("in.pgm"))[0]))
    }
  }

  @Test(arguments: ["orphan", "daemon"]) func a_plugin_that_crashes_beside_its_child_is_told(mode: String) throws {
    let plugin = try #require(PluginFiles.hostile)
    let outcome = try run(["--plugin", plugin, "--set", "mode=\(mode)"])
    #expect(
      outcome.errors == "imbrex: in.pgm: tile 200x200+0+0: hostile crashes (signal 6, Aborted)\n")
    #expect(folder.contents == ["in.pgm"])
    if mode == "orphan" { try expectNoProcess() }
  }

  /// No handler sees the first of these, and the other has none. Others may be blocked in what a test starts.
  @Test(arguments: ["KILL", "SEGV"]) func commands_end_with_imbrex_however_that_ends(signal: String) throws {
    for options in ["", "--keep"] {
      let script = """
        cd "$2"; ulimit -c 0; export SWIFT_BACKTRACE=enable=no
        "$1" apply --command 'sleep 97531 & touch started; sleep 97532' \(options) --tile 50x50 -j2 in.pgm -o out.pgm &
        for i in $(seq 100); do test -e started && break; sleep 0.05; done
        kill -\(signal) $!
        wait $!
        rm started
        """
      _ = try Program.shell("set -m\n" + script, [Program.url.path, folder.url.path])
      try expectNoProcess()
      #expect(!folder.contents.contains("out.pgm"))
    }
  }

  // MARK: - Jobs

  /// Parts of two states of one library would be put together.
  @Test func a_job_sees_that_its_plugin_has_changed() throws {
    let plugin = try #require(PluginFiles.sharpen), other = try #require(PluginFiles.hostile)
    try FileManager.default.copyItem(atPath: plugin, toPath: folder.path("lib.so"))
    func job(_ words: String...) throws -> Program.Outcome { try Program.run(["job"] + words, folder: folder.url) }
    let made = try job(
      "create", "job", "--parts", "2", "--", "apply", "--plugin", "./lib.so", "in.pgm", "-o", "out.pgm")
    #expect(made.status == 0, "\(made.errors)")
    #expect(try job("run", "job", "--task", "0-apply-0000").status == 0)
    try FileManager.default.removeItem(atPath: folder.path("lib.so"))
    try FileManager.default.copyItem(atPath: other, toPath: folder.path("lib.so"))
    let changed = try job("run", "job")
    #expect(changed.status == 1 && changed.errors.contains("./lib.so: has changed since the job was made"))
    #expect(!folder.contents.contains("out.pgm"))
  }

  // MARK: - Processes that are kept

  @Test func a_batch_has_as_many_kept_processes_as_workers() throws {
    try FileManager.default.createDirectory(atPath: folder.path("many"), withIntermediateDirectories: true)
    for number in 0..<12 { try write(400, to: "many/\(number).pgm") }
    for turn in 0..<5 {
      let outcome = try run(
        ["--keep", "--command", "echo >> starts\(turn); cat", "-j3"], input: "many", to: "made\(turn)/")
      #expect(outcome.status == 0, "\(outcome.errors)")
      let starts = try Data(contentsOf: URL(fileURLWithPath: folder.path("starts\(turn)"))).count
      #expect((1...3).contains(starts), "\(starts) processes")
    }
    try expectNoProcess()
  }

  // MARK: - The environment

  @Test func libraries_take_one_thread_unless_the_user_says_more() throws {
    let names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    let command = "echo \(names.map { "$\($0)" }.joined(separator: " ")) > threads; cat"
    for (given, expected) in [([:], "1 1 1\n"), (["OMP_NUM_THREADS": "4"], "4 1 1\n")] {
      let unset = names.filter { given[$0] == nil }.map { "-u \($0)" }.joined(separator: " ")
      let outcome = try Program.shell(
        "cd \"$2\" && env \(unset) \(given.map { "\($0)=\($1)" }.joined()) \"$1\" apply --command \"$3\" in.pgm -o out.pgm",
        [Program.url.path, folder.url.path, command])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try String(contentsOfFile: folder.path("threads"), encoding: .utf8) == expected)
    }
  }
}
