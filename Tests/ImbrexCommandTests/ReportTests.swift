import Foundation
import Imbrex
import TestSupport
import Testing

/// `--report`: what a program learns of a run, however it ends.
@Suite struct ReportTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: testImage("photo.png"), toPath: folder.path("in/a.png"))
  }

  private func run(_ words: String) throws -> Program.Outcome {
    try Program.run(words.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func objects(_ name: String) throws -> [[String: Any]] {
    try String(decoding: Data(contentsOf: URL(fileURLWithPath: folder.path(name))), as: UTF8.self)
      .split(separator: "\n").map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
      }
  }

  @Test func the_first_line_tells_version_chain_options_and_how_many_files_there_are() throws {
    #expect(try run("gaussian --sigma 2 then tee t/ then sobel in -o out/ --quality 80 --report r.json").status == 0)
    let lines = try objects("r.json"), first = lines[0]
    #expect(first["version"] is String && first["files"] as? Int == 1 && lines.count == 2)
    let chain = try #require(first["chain"] as? [[String: Any]])
    #expect(chain.map { $0["filter"] as? String } == ["gaussian", nil, "sobel"])
    #expect(
      (chain[0]["options"] as? [String: Any])?["sigma"] as? [Int] == [2, 2] && chain[1]["tee"] as? String == "t/")
    let options = try #require(first["options"] as? [String: Any])
    #expect(options["quality"] as? Int == 80 && options["output"] as? String == "out/" && options["strip"] == nil)
  }

  struct Failure: CustomTestStringConvertible, Sendable {
    let code: String
    let words: String
    var script = ":"
    var testDescription: String { code }
  }

  private static let failures = [
    Failure(code: "not-found", words: "median nothing.png -o o.png"),
    Failure(code: "not-found", words: "median in/a.png -o nowhere/o.png"),
    Failure(code: "unknown-format", words: "median x.png -o o.png", script: "echo text > x.png"),
    Failure(code: "truncated", words: "median x.png -o o.png", script: "head -c 3000 in/a.png > x.png"),
    Failure(code: "truncated", words: "median x.png -o o.png", script: ": > x.png"),
    Failure(
      code: "damaged", words: "median x.ppm -o o.png", script: "printf 'P6 4 x 255 ' > x.ppm"),
    Failure(
      code: "unsupported", words: "blob-detect x.pam -o o.csv",
      script: "printf 'P7\\nWIDTH 1\\nHEIGHT 1\\nDEPTH 7\\nMAXVAL 255\\nTUPLTYPE ODD\\nENDHDR\\n1234567' > x.pam"),
    Failure(code: "limit", words: "median in/a.png -o o.png --max-pixels 100"),
    Failure(code: "no-page", words: "median in/a.png -o o.png --page 3"),
    Failure(code: "disk-full", words: "median in/a.png -o full --format png", script: "ln -s /dev/full full"),
  ]

  @Test(arguments: failures) func an_error_has_a_word_that_stays(_ failure: Failure) throws {
    #expect(try Program.shell("cd \"$1\"; \(failure.script)", [folder.url.path]).status == 0)
    let outcome = try run(failure.words + " --report r.json")
    #expect(outcome.status == 1)
    let line = try #require(try objects("r.json").last)
    #expect(line["code"] as? String == failure.code && line["status"] as? String == "failed", "\(line)")
    #expect(line["error"] is String)
  }

  @Test func every_word_is_in_the_manual() throws {
    let manual = try String(contentsOf: projectFolder.appendingPathComponent("man/imbrex.1"), encoding: .utf8)
    for cause in ImbrexError.Cause.allCases { #expect(manual.contains(".It \(cause.rawValue)\n"), "\(cause)") }
  }

  @Test func warnings_are_in_the_report_even_where_they_are_not_printed() throws {
    let outcome = try run("median \(testImage("transparent.png")) -o o.jpg -q --report r.json")
    #expect(outcome.status == 0 && outcome.errors.isEmpty)
    let warnings = try #require(try objects("r.json")[1]["warnings"] as? [String])
    #expect(warnings.count == 1 && warnings[0].contains("alpha is put over white"))
  }

  @Test(arguments: ["TERM", "INT", "KILL"]) func a_run_that_is_ended_leaves_the_lines_of_what_was_done(
    _ signal: String
  ) throws {
    let script = """
      cd "$2"; mkdir many; for i in $(seq 400); do cp in/a.png many/$i.png; done
      echo old > r.json
      "$1" median --radius 9 -q many -o out/ --report r.json & pid=$!
      for i in $(seq 200); do sleep 0.05; [ $(ls out 2>/dev/null | wc -l) -ge 8 ] && break; done
      cp r.json before.json; kill -\(signal) $pid; wait $pid; ls out > made
      """
    // A shell's background jobs ignore SIGINT otherwise.
    _ = try Program.shell("set -m; \(script)", [Program.url.path, folder.url.path])
    let made = try String(contentsOfFile: folder.path("made"), encoding: .utf8).split(separator: "\n").count
    let lines = try objects("r.json").dropFirst()
    #expect(
      lines.count < 400 && lines.count >= 5 && abs(made - lines.count) <= 8, "\(made) files, \(lines.count) lines")
    #expect(lines.allSatisfy { $0["status"] as? String == "done" })
    #expect(try objects("before.json").count > 1)
  }

  @Test func fail_fast_leaves_the_lines_up_to_the_failure() throws {
    for name in ["a2.png", "a3.png"] { try Data("bad".utf8).write(to: URL(fileURLWithPath: folder.path("in/" + name))) }
    #expect(try run("median in -o out/ -j1 --fail-fast --report r.json").status == 1)
    #expect(try objects("r.json").dropFirst().map { $0["status"] as? String } == ["done", "failed"])
  }

  @Test func a_report_goes_over_nothing_that_is_read_or_written() throws {
    try Data("in/a.png\n".utf8).write(to: URL(fileURLWithPath: folder.path("list")))
    try FileManager.default.copyItem(atPath: testImage("photo.png"), toPath: folder.path("mask.png"))
    for words in [
      "median in/a.png -o o.png --report in/a.png", "median in/a.png -o o.png --report ./o.png",
      "median --files-from list -o o/ --report list", "edge in/a.png --mask mask.png -o o.png --report mask.png",
      "median in/a.png -o - --report -", "median in -o o/ --report o/a.png",
    ] {
      let outcome = try run(words)
      #expect(outcome.status == 2 && outcome.output.isEmpty, "\(words): \(outcome.errors)")
    }
    #expect(try String(contentsOfFile: folder.path("list"), encoding: .utf8) == "in/a.png\n")
  }

  @Test func a_report_that_is_not_read_any_more_is_no_error_and_one_without_room_is() throws {
    let script = """
      cd "$2"; set -o pipefail; cp in/a.png in/b.png
      "$1" median -q in -o out/ --report - | true; echo "$?"; ls out | wc -l
      "$1" median -q in -o out/ --report /dev/full; echo "$?"
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path])
    #expect(outcome.text == "0\n2\n1\n")
    #expect(outcome.errors == "imbrex: /dev/full: cannot write: No space left on device\n")
  }

  // MARK: - What killed runs leave

  @Test func the_next_run_removes_what_a_killed_one_has_left() throws {
    let script = """
      cd "$2"; mkdir many; for i in $(seq 200); do cp in/a.png many/$i.png; done
      "$1" median --radius 30 -q many -o out/ & pid=$!
      for i in $(seq 200); do sleep 0.02; ls -A out 2>/dev/null | grep -q imbrex && break; done
      kill -KILL $pid; wait $pid 2>/dev/null
      left=$(ls -A out | grep '^[.].*[.]imbrex-' | head -1)
      [ -n "$left" ] || exit 9
      process=$(echo "$left" | sed 's/.*imbrex-[0-9a-f]*-\\([0-9]*\\)-.*/\\1/')
      alive=$(echo "$left" | sed "s/-$process-[0-9]*-/-$$-$(cut -d')' -f2 /proc/$$/stat | cut -d' ' -f21)-/")
      reused=$(echo "$left" | sed "s/-$process-[0-9]*-/-$$-1-/")
      other=$(echo "$left" | sed 's/imbrex-[0-9a-f]*-/imbrex-0123456789abcdef-/')
      cd out; touch "$alive" "$reused" "$other" "$left.txt" .imbrex-1-2-3-4 "x$left"
      ln -s ../in/a.png "${left%-*}-998"; mkdir "${left%-*}-999"; cd ..
      "$1" gaussian -q in/a.png -o out/last.png || exit 8
      cd out; for name in "$left" "$reused"; do [ -e "$name" ] && echo "is there: $name"; done
      for name in "$alive" "$other" "$left.txt" .imbrex-1-2-3-4 "x$left" "${left%-*}-998" "${left%-*}-999" last.png; do
        [ -e "$name" ] || echo "is gone: $name"; done
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path])
    #expect(outcome.status == 0 && outcome.text.isEmpty, "\(outcome.status) \(outcome.text) \(outcome.errors)")
  }

  @Test func a_large_directory_is_not_looked_through_for_one_picture() throws {
    let script = """
      cd "$2"; mkdir out; cd out; seq -f 'a-file-with-a-rather-long-name-%.0f' 9000 | xargs touch
      cd ..; "$1" gaussian -q in/a.png -o out/a.png || exit 9
      command -v strace > /dev/null || exit 0
      strace -f -o trace "$1" gaussian -q in/a.png -o out/a.png; grep -c getdents trace
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path])
    #expect(outcome.status <= 1 && ["", "0\n"].contains(outcome.text), "\(outcome.text) \(outcome.errors)")
  }
}
