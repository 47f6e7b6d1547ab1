import Foundation
import Imbrex
import TestSupport
import Testing

/// What the machine, or others on it, can do to a run: each a defect that was mended.
@Suite struct SafetyTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String, environment: [String: String] = [:]) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), environment: environment, folder: folder.url)
  }

  private func fault(_ fault: String?, _ line: String, log: String? = nil) throws -> Program.Outcome? {
    try FaultLibrary.run(
      line.split(separator: " ").map(String.init), fault: fault, folder: folder.url, log: log.map(folder.path))
  }

  private func shell(_ script: String) throws -> Program.Outcome {
    try Program.shell("cd \"$2\"; \(script)", [Program.url.path, folder.url.path])
  }

  private func bytes(_ name: String) -> Data? { FileManager.default.contents(atPath: folder.path(name)) }

  private func files(_ name: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path(name))) ?? []).sorted()
  }

  /// `in/` with pictures of these names.
  private func makeInputs(_ names: [String]) throws {
    for name in names {
      let url = folder.url.appendingPathComponent("in/\(name)")
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: testImage("shapes.png"), toPath: url.path)
    }
  }

  // MARK: - Directories

  /// What came behind a failure was passed over without a word, with status 0.
  @Test func a_directory_that_cannot_be_read_to_its_end_is_told() throws {
    try makeInputs(["a.png", "b.png", "c.png"])
    guard let outcome = try fault("readdir:4:5", "median in -o out/") else { return }
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("imbrex: in/: cannot read to its end: "))
    #expect(outcome.errors.contains("1 failed"))
    let listed = try #require(try fault("readdir:4:5", "median in -o out/ --dry-run"))
    #expect(listed.status == 1)
    let job = try #require(try fault("readdir:4:5", "job create job --parts 2 -- median in -o made/"))
    #expect(job.status == 1 && !FileManager.default.fileExists(atPath: folder.path("job/plan.json")))
  }

  @Test func a_subdirectory_that_cannot_be_read_is_told_and_the_rest_done() throws {
    try makeInputs(["a.png", "sub/b.png", "z.png"])
    guard let outcome = try fault("opendir:2:13", "median -r in -o out/ --report report.json") else { return }
    #expect(outcome.status == 1)
    #expect(
      outcome.errors == "imbrex: in/sub: cannot open: Permission denied\nimbrex: 2 done, 0 skipped, 1 failed\n")
    #expect(files("out") == ["a.png", "z.png"])
    let report = String(decoding: try #require(bytes("report.json")), as: UTF8.self)
    #expect(report.contains(#""input":"in/sub""#) && report.contains(#""code":"permission""#))
  }

  @Test func links_to_what_has_no_end_are_no_inputs_of_a_directory() throws {
    try makeInputs(["a.png"])
    let outcome = try shell("ln -s /dev/zero in/z.png; mkfifo in/f.png; ln -s f.png in/g.png; \"$1\" median in -o out/")
    #expect(outcome.status == 0 && files("out") == ["a.png"])
  }

  // MARK: - What is written

  /// A file without a header came out, with status 0.
  @Test func a_tiff_is_whole_or_an_error_wherever_its_size_cannot_be_asked() throws {
    try FileManager.default.copyItem(atPath: testImage("shapes.png"), toPath: folder.path("a.png"))
    #expect(try run("median a.png -o right.tif").status == 0)
    let right = try #require(bytes("right.tif"))
    for number in 1...12 {
      guard let outcome = try fault("fstat:\(number):5", "median a.png -o out.tif") else { return }
      #expect(outcome.status == (bytes("out.tif") == nil ? 1 : 0), "\(number): \(outcome.errors)")
      if let made = bytes("out.tif") { #expect(made == right, "\(number)") }
      try? FileManager.default.removeItem(atPath: folder.path("out.tif"))
    }
  }

  /// What is written over an original was nowhere but in memory when its name led to it.
  @Test func what_replaces_an_original_is_on_the_disk_first() throws {
    func order(_ line: String) throws -> [String]? {
      try? FileManager.default.removeItem(atPath: folder.path("log"))
      guard let outcome = try fault(nil, line, log: "log") else { return nil }
      #expect(outcome.status == 0, "\(line): \(outcome.errors)")
      let names = String(decoding: try #require(bytes("log")), as: UTF8.self).split(separator: "\n").map(String.init)
      return names.filter { ["fdatasync", "fsync", "rename"].contains($0) }
    }
    try makeInputs(["a.png"])
    guard let synced = try order("median --in-place in/a.png") else { return }
    #expect(synced == ["fdatasync", "rename", "fdatasync"])
    #expect(try order("median in/a.png -o in/a.png") == synced)
    #expect(try order("median --sync in/a.png -o b.png") == synced)
    #expect(try order("blob-detect --sync in/a.png -o b.csv") == synced)
    #expect(try order("median in/a.png -o b.png") == ["rename"])
    let before = bytes("in/a.png")
    let outcome = try #require(try fault("fdatasync:1:5", "median --radius 3 --in-place in/a.png"))
    #expect(outcome.status == 1 && bytes("in/a.png") == before && files("in") == ["a.png"])
  }

  /// It was made readable for all, and closed to others only then.
  @Test func what_stands_beside_a_private_file_is_private_from_its_beginning() throws {
    try makeInputs(["a.png"])
    _ = try shell("umask 022; cp in/a.png b.png; chmod 600 b.png")
    // Even where the mode cannot be set.
    guard let outcome = try fault("fchmod:1:1", "median in/a.png -o b.png") else { return }
    #expect(outcome.status == 0)
    #expect(try shell("stat -c %a b.png").text == "600\n")
  }

  /// The system refuses to follow a stranger's link in a directory where all may write; its target was found by other means.
  @Test func links_that_the_system_does_not_follow_are_not_followed() throws {
    let outcome = try shell(
      """
      [ "$(id -u)" = 0 ] && [ "$(cat /proc/sys/fs/protected_symlinks 2>/dev/null)" = 1 ] || exit 77
      mkdir open; chmod 1777 open; echo precious > victim; ln -s ../victim open/out.png; chown -h 65534 open/out.png
      "$1" median '\(testImage("shapes.png"))' -o open/out.png; status=$?
      cat victim; [ -L open/out.png ] || echo replaced; exit $status
      """)
    if outcome.status == 77 { return }
    #expect(outcome.status == 1 && outcome.text == "precious\n")
    #expect(outcome.errors == "imbrex: open/out.png: cannot write: Permission denied\n")
  }

  /// A pipe that somebody had put where a result of a batch was to go held it up for ever.
  @Test func a_batch_does_not_wait_for_a_pipe_in_the_place_of_an_output() throws {
    try makeInputs(["a.png", "b.png"])
    let outcome = try shell("mkdir out; mkfifo out/a.png; timeout 20 \"$1\" median in -o out/")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("imbrex: out/a.png: cannot write: it is a device or a named pipe\n"))
    #expect(files("out") == ["a.png", "b.png"])
  }

  /// Its name in the temporary directory could be guessed, and a link be put there.
  @Test func bench_writes_into_a_directory_of_its_own() throws {
    try makeInputs(["a.png"])
    try FileManager.default.createDirectory(atPath: folder.path("tmp"), withIntermediateDirectories: true)
    let outcome = try run(
      "bench median --end-to-end --runs 1 --warmup 0 in/a.png", environment: ["TMPDIR": folder.path("tmp")])
    #expect(outcome.status == 0 && files("tmp").isEmpty)
    if let log = try fault(nil, "bench median --end-to-end --runs 1 --warmup 0 --no-sandbox in/a.png", log: "log") {
      #expect(log.status == 0)
      #expect(String(decoding: try #require(bytes("log")), as: UTF8.self).contains("mkdir\n"))
    }
  }

  // MARK: - Signals

  /// Only of SIGINT, SIGTERM and SIGHUP was nothing left.
  @Test(arguments: ["QUIT", "XCPU", "ALRM", "USR1", "VTALRM", "PROF"])
  func nothing_is_left_after_a_signal(_ signal: String) throws {
    let outcome = try shell(
      """
      ulimit -c 0; mkdir out; mkfifo pipe
      env --default-signal "$1" median - -o out/a.pgm < pipe 2>/dev/null & child=$!
      exec 3> pipe; printf 'P5\\n64 64\\n255\\n' >&3; head -c 2000 /dev/zero >&3
      until [ -n "$(ls -A out)" ]; do :; done
      kill -\(signal) $child; wait $child; status=$?
      ls -A out; [ $status -gt 128 ]
      """)
    #expect(outcome.status == 0 && outcome.text.isEmpty, "\(outcome.text)")
  }

  // MARK: - The record of incremental runs

  /// Strangers' links were followed, a pipe was waited for, and a device without end was read.
  @Test(arguments: [
    ("ln -s ../victim out/.imbrex-done", "is a link"), ("ln victim out/.imbrex-done", "is another file too"),
    ("mkfifo out/.imbrex-done", "is no file"), ("ln -s /dev/zero out/.imbrex-done", "is a link"),
  ]) func a_record_that_is_no_file_of_ones_own_is_left_alone(_ planted: (script: String, reason: String)) throws {
    try makeInputs(["a.png"])
    for _ in 0..<2 {
      let outcome = try shell(
        "mkdir -p out; echo precious > victim; [ -e out/.imbrex-done ] || \(planted.script)\n"
          + "timeout 20 \"$1\" median in -o out/ --incremental; status=$?; cat victim; exit $status")
      #expect(outcome.status == 0 && outcome.text == "precious\n")
      #expect(
        outcome.errors
          == "imbrex: warning: out/.imbrex-done \(planted.reason): nothing in it is believed, and nothing noted\n")
    }
  }

  @Test func a_record_of_another_user_is_not_believed() throws {
    try makeInputs(["a.png", "b.png"])
    #expect(try run("median in -o out/ --incremental").status == 0)
    let outcome = try shell(
      "[ \"$(id -u)\" = 0 ] || exit 77; chown 65534 out/.imbrex-done; \"$1\" median in -o out/ --incremental")
    if outcome.status == 77 { return }
    #expect(outcome.errors.contains("belongs to another user") && outcome.errors.contains("2 done, 0 skipped"))
  }

  /// An interrupted write was an error, and one that was cut short a lost line.
  @Test(arguments: ["4", "short"]) func the_record_is_whole_however_the_system_writes(_ what: String) throws {
    try makeInputs(["a.png", "b.png"])
    for number in 1...8 {
      try? FileManager.default.removeItem(atPath: folder.path("out"))
      guard let outcome = try fault("write:\(number):\(what)", "median in -o out/ --incremental -j 1") else { return }
      #expect(outcome.status == 0, "\(number): \(outcome.errors)")
      let again = try run("median in -o out/ --incremental")
      #expect(again.errors == "imbrex: 0 done, 2 skipped, 0 failed\n", "\(number)")
    }
  }
}
