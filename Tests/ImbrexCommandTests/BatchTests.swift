import Foundation
import TestSupport
import Testing

/// Directories, lists, renaming, repeated runs, and never losing a file.
@Suite struct BatchTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    for name in ["in/a.png", "in/b.jpg", "in/sub/c.tif", "in/sub/deeper/d.png", "in/notes.txt", "in/.hidden.png"] {
      let path = folder.path(name)
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      let source = ["jpg": "photo.jpg", "tif": "rgb-strips-lzw.tif"][(name as NSString).pathExtension] ?? "photo.png"
      try FileManager.default.copyItem(atPath: testImage(source), toPath: path)
    }
  }

  private func run(_ arguments: String...) throws -> Program.Outcome { try Program.run(arguments, folder: folder.url) }

  private func files(_ directory: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: folder.path(directory))?.allObjects as? [String] ?? []
    return names.filter {
      (try? FileManager.default.contentsOfDirectory(atPath: folder.path("\(directory)/\($0)"))) == nil
    }
    .sorted()
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }

  // MARK: - Which files

  @Test func a_directory_stands_for_its_pictures_and_is_descended_into_when_asked() throws {
    #expect(try run("median", "in", "-o", "flat/").errors == "imbrex: 2 done, 0 skipped, 0 failed\n")
    #expect(files("flat") == ["a.png", "b.jpg"])
    #expect(try run("median", "-r", "in/", "-o", "deep/").status == 0)
    #expect(files("deep") == ["a.png", "b.jpg", "sub/c.tif", "sub/deeper/d.png"])
  }

  @Test func globs_choose_files_and_leave_out_directories() throws {
    #expect(try run("median", "-r", "in", "--include", "*.png", "-o", "out/").status == 0)
    #expect(files("out") == ["a.png", "sub/deeper/d.png"])
    #expect(try run("median", "-r", "in", "--exclude", "deeper", "--exclude", "*.jpg", "-o", "rest/").status == 0)
    #expect(files("rest") == ["a.png", "sub/c.tif"])
    #expect(try run("median", "-r", "in", "--include", "sub/*.tif", "-o", "one/").status == 0)
    #expect(files("one") == ["sub/c.tif"])
  }

  @Test func lists_of_files_may_end_lines_or_names_with_nul() throws {
    let lines = try Program.run(
      ["median", "--files-from", "-", "-o", "out/"], input: Array("in/a.png\nin/b.jpg\n".utf8), folder: folder.url)
    #expect(lines.status == 0 && files("out") == ["a.png", "b.jpg"])
    let names = try Program.run(
      ["median", "--files-from", "-", "-0", "-o", "nul/"], input: Array("in/a.png\0in/sub/c.tif\0".utf8),
      folder: folder.url)
    #expect(names.status == 0 && files("nul") == ["a.png", "c.tif"])
  }

  @Test func an_output_directory_among_the_inputs_is_not_read_again() throws {
    for _ in 0..<2 { #expect(try run("median", "-r", "in", "-o", "in/out/").status == 0) }
    #expect(files("in/out") == ["a.png", "b.jpg", "sub/c.tif", "sub/deeper/d.png"])
  }

  @Test func names_that_are_no_utf8_or_have_newlines_are_read_written_and_reported() throws {
    let script = """
      cd "$2" && cp in/a.png $'in/odd\\xff\\n.png' || exit 9
      "$1" median in --include 'odd*' -o out/ --report report.json || exit 8
      [ -s $'out/odd\\xff\\n.png' ] || exit 7
      rm $'in/odd\\xff\\n.png'; echo x > $'in/odd\\xff\\n.png'
      "$1" median $'in/odd\\xff\\n.png' -o out.png
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path])
    #expect(outcome.status == 1)
    #expect(outcome.errors.split(separator: "\n").last?.contains("\\n.png: not a picture") == true)
    #expect(try String(decoding: bytes("report.json"), as: UTF8.self).contains(#"in/odd\udcff\n.png"#))
  }

  // MARK: - Where the results go

  @Test func a_template_renames_and_a_format_changes_extensions() throws {
    #expect(try run("sobel", "in", "--name", "{stem}-{filter}.{ext}", "--format", "tiff", "-o", "out/").status == 0)
    #expect(files("out") == ["a-sobel.tif", "b-sobel.tif"])
    for (template, says) in [
      ("same.png", "the same for all"), ("{stm}", "no field"), ("{stem", "not closed"), ("x/{stem}", "slash"),
    ] {
      let outcome = try run("sobel", "in", "--name", template, "-o", "out/")
      #expect(outcome.status == 2 && outcome.errors.contains(says), "\(outcome.errors)")
    }
  }

  @Test func outputs_that_collide_are_found_before_anything_is_written() throws {
    try FileManager.default.copyItem(atPath: folder.path("in/a.png"), toPath: folder.path("a.png"))
    let twice = try run("median", "a.png", "in/a.png", "-o", "out/")
    #expect(twice.status == 2 && twice.errors.contains("would both be written to 'out/a.png'"))
    try FileManager.default.copyItem(atPath: folder.path("a.png"), toPath: folder.path("a2.png"))
    let over = try run("median", "a.png", "a2.png", "--name", "{stem}2.{ext}", "-o", "./")
    #expect(over.status == 2 && over.errors.contains("would be written over the input 'a2.png'"))
    #expect(files("out").isEmpty)
  }

  @Test func a_dry_run_lists_and_does_nothing() throws {
    let outcome = try run("median", "-r", "in", "-o", "out/", "--dry-run")
    #expect(outcome.status == 0 && outcome.text.split(separator: "\n").count == 4)
    #expect(outcome.text.hasPrefix("in/a.png -> out/a.png\n"))
    #expect(files("out").isEmpty)
  }

  @Test func in_place_keeps_a_backup_when_asked() throws {
    let before = try bytes("in/a.png")
    #expect(try run("median", "--radius", "3", "--in-place", "in/a.png").status == 0)
    let once = try bytes("in/a.png")
    #expect(once != before)
    #expect(try run("gaussian", "--in-place=.bak", "in/a.png", "in/b.jpg").status == 0)
    #expect(try bytes("in/a.png.bak") == once && bytes("in/a.png") != once)
    #expect(files("in").filter { $0.hasSuffix(".bak") } == ["a.png.bak", "b.jpg.bak"])
    let both = try run("median", "--in-place", "in/a.png", "-o", "x.png")
    #expect(both.status == 2 && both.errors.contains("exclude each other"))
  }

  // MARK: - What becomes of each

  @Test func messages_and_summary_are_in_order_whatever_the_workers_and_the_report_is_complete() throws {
    for i in 0..<12 { try Data("bad".utf8).write(to: URL(fileURLWithPath: folder.path("in/x\(i).png"))) }
    var reports: [String] = []
    var messages: [String] = []
    for jobs in ["4", "1"] {
      let outcome = try run("median", "-r", "in", "-o", "out/", "-j", jobs, "--report", "report.json")
      #expect(outcome.status == 1)
      messages.append(outcome.errors)
      let text = try String(decoding: bytes("report.json"), as: UTF8.self)
      // The lines on files are in the order in which these were done.
      let lines = text.replacing(#/"seconds":[0-9.e-]+/#, with: "").split(separator: "\n").dropFirst()
      reports.append(lines.sorted().joined(separator: "\n"))
    }
    #expect(messages[0] == messages[1] && reports[0] == reports[1])
    #expect(messages[0].hasSuffix("imbrex: 4 done, 0 skipped, 12 failed\n"))
    #expect(reports[0].contains(#""input":"in/a.png","output":"out/a.png","status":"done","error":null"#))
    #expect(reports[0].contains(#""status":"failed","error":"not a picture"#))
  }

  @Test func nothing_that_is_written_beside_goes_over_an_input_or_output() throws {
    let photo = try Data(contentsOf: URL(fileURLWithPath: testImage("gradient.png")))
    for name in ["a.png", "b.png", "b.png.bak.png"] {
      try photo.write(to: URL(fileURLWithPath: folder.path(name)))
    }
    let a = folder.path("a.png"), b = folder.path("b.png"), directory = folder.path("") + "/"
    for arguments in [
      ["blob-detect", a, "-o", a], ["blob-detect", a, b, "-o", directory, "--name", "{stem}.png"],
      ["median", a, "-o", folder.path("o.png"), "--report", a],
      ["median", a, "-o", folder.path("o.png"), "--report", folder.path("o.png")],
      ["blob-detect", a, "-o", folder.path("t.csv"), "--overlay", a],
      ["blob-detect", a, "-o", folder.path("t"), "--overlay", directory],
      ["median", "--in-place=.bak.png", b, folder.path("b.png.bak.png")],
    ] {
      let outcome = try Program.run(arguments)
      #expect(
        outcome.status == 2 && outcome.errors.split(separator: "\n").count == 1, "\(arguments): \(outcome.errors)")
    }
    for name in ["a.png", "b.png", "b.png.bak.png"] {
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) == photo)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.path("o.png")))
  }

  @Test func fail_fast_stops_at_the_first_failure() throws {
    try Data("bad".utf8).write(to: URL(fileURLWithPath: folder.path("in/A.png")))
    let outcome = try run("median", "in", "-o", "out/", "--fail-fast", "-j1")
    #expect(outcome.status == 1 && files("out").isEmpty)
  }

  @Test func no_clobber_counts_what_it_leaves_alone() throws {
    #expect(try run("median", "in", "-o", "out/").status == 0)
    let before = try bytes("out/a.png")
    #expect(try run("sobel", "in", "-n", "-o", "out/").errors == "imbrex: 0 done, 2 skipped, 0 failed\n")
    #expect(try bytes("out/a.png") == before)
  }

  @Test func an_incremental_run_does_what_has_changed_and_no_more() throws {
    func go(_ more: String...) throws -> String {
      try Program.run(["gaussian", "-r", "in", "-o", "out/", "--incremental"] + more, folder: folder.url).errors
    }
    #expect(try go() == "imbrex: 4 done, 0 skipped, 0 failed\n")
    #expect(try go() == "imbrex: 0 done, 4 skipped, 0 failed\n")
    // Touched but the same, then other content of the same size and time.
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: folder.path("in/a.png"))
    #expect(try go() == "imbrex: 0 done, 4 skipped, 0 failed\n")
    var changed = try bytes("in/b.jpg")
    changed[changed.count / 2] ^= 1
    try changed.write(to: URL(fileURLWithPath: folder.path("in/b.jpg")))
    #expect(try go("--allow-truncated").contains("4 done"))
    #expect(try go("--allow-truncated").contains("4 skipped"))
    // Other options, an output that is gone or not as it was made, a record that was cut short.
    #expect(try go("--sigma", "2") == "imbrex: 4 done, 0 skipped, 0 failed\n")
    try FileManager.default.removeItem(atPath: folder.path("out/a.png"))
    #expect(try go("--sigma", "2") == "imbrex: 1 done, 3 skipped, 0 failed\n")
    try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path("out/sub/c.tif")))
    #expect(try go("--sigma", "2") == "imbrex: 1 done, 3 skipped, 0 failed\n")
    let record = try bytes("out/.imbrex-done")
    try record.prefix(record.count - 9).write(to: URL(fileURLWithPath: folder.path("out/.imbrex-done")))
    #expect(try go("--sigma", "2").contains("1 done"))
    #expect(try go("--sigma", "2").contains("4 skipped"))
  }

  @Test func two_incremental_runs_may_share_a_directory() throws {
    let script = """
      cd "$2"; for i in 1 2 3; do "$1" gaussian -q -r in -o out/ --incremental & done; wait
      "$1" gaussian -r in -o out/ --incremental
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path])
    #expect(outcome.errors == "imbrex: 0 done, 4 skipped, 0 failed\n")
  }

  @Test func a_killed_run_leaves_nothing_under_an_outputs_name_that_is_not_whole() throws {
    let script = """
      cd "$2"; mkdir many; for i in $(seq 300); do cp in/a.png many/$i.png; done
      "$1" median --radius 9 -q many -o out/ --incremental & pid=$!
      until ls out 2>/dev/null | grep -q png; do sleep 0.01; done
      kill -TERM $pid; wait $pid; echo "status $?"
      ls out | wc -l
      ls -A out | grep -c '^[.].*[.]imbrex-'
      "$1" median --radius 9 many -o out/ --incremental 2>&1 | tail -1
      ls out | wc -l; cmp out/1.png out/300.png
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path])
    let lines = outcome.text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    try #require(lines.count == 5, "\(outcome.text) \(outcome.errors)")
    // It was ended in the middle: some outputs were there, and not all.
    let early = try #require(Int(lines[1]))
    #expect(lines[0] == "status 143" && early > 0 && early < 300, "\(outcome.text)")
    #expect(lines[2] == "0" && lines[4] == "300", "\(outcome.text) \(outcome.errors)")
    // What the first run had recorded as done is not done again.
    let counts = lines[3].split { !$0.isNumber }.compactMap { Int($0) }
    #expect(
      counts.count == 3 && counts[0] + counts[1] == 300 && counts[1] <= early && counts[2] == 0, "\(outcome.text)")
  }

  @Test func progress_lines_go_to_standard_error_when_asked() throws {
    let outcome = try run("median", "-r", "in", "-o", "out/", "--progress", "always")
    #expect(outcome.errors.contains("100 %, 4 of 4 files") && outcome.text.isEmpty)
    #expect(try run("median", "in", "-o", "out/").errors == "imbrex: 2 done, 0 skipped, 0 failed\n")
  }

  @Test func blobs_of_a_directory_are_tables_and_overlays_in_directories() throws {
    let outcome = try run(
      "blob-detect", "--max-sigma", "4", "-r", "in", "-o", "tables/", "--overlay", "seen/", "--table", "json")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(files("tables") == ["a.json", "b.json", "sub/c.json", "sub/deeper/d.json"])
    #expect(files("seen") == ["a.png", "b.jpg", "sub/c.tif", "sub/deeper/d.png"])
  }
}
