import Foundation
import Imbrex
import TestSupport
import Testing

/// Names and texts of strangers, on their way to terminals, spreadsheets and programs.
@Suite struct HostileNameTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func shell(_ script: String) throws -> Program.Outcome {
    try Program.shell("cd \"$2\"; \(script)", [Program.url.path, folder.url.path])
  }

  /// Whether all of it can be shown: lines of UTF-8 without what steers a terminal.
  private func isTame(_ bytes: [UInt8]) -> Bool {
    guard let text = String(validating: bytes, as: UTF8.self) else { return false }
    return text.unicodeScalars.allSatisfy { $0 == "\n" || !PathText.steersTerminals($0) }
  }

  private static let names = [
    #"\e]0;title\a\e[2J"#, #"\xc2\x9b31m"#, #"\xe2\x80\xaegnp"#, #"\xe2\x81\xa6x"#, #"\xff\x9b31m"#, #"a\nb\rc"#,
    #"\xe2\x80\xa8"#,
  ]

  /// Eight-bit controls, marks that turn the direction of writing, and bytes that are not UTF-8 went through.
  @Test(arguments: names) func names_never_steer_a_terminal(_ name: String) throws {
    let make = "name=$'\(name).png'; mkdir in; cp '\(testImage("shapes.png"))' \"in/$name\"; echo x > \"in/bad$name\"\n"
    for command in [
      "median in -o out/", "median in -o out/ --dry-run", "info in/*", "info --json in/*", "median in/* -o out/ -v",
      "median --explain in -o out/", "median --explain --json \"in/$name\" -o o.png",
      "blob-detect --table json in -o -",
      "median in -o out/ --report - -q", "job create job --parts 2 -- median in -o out/",
    ] {
      let outcome = try shell("\(make)\"$1\" \(command) 2>&1; rm -r job out in 2>/dev/null; true")
      #expect(isTame(outcome.output), "\(command): \(outcome.text)")
      #expect(!outcome.output.isEmpty)
    }
  }

  @Test func names_that_are_not_utf8_show_their_bytes() throws {
    let script = #"cp '\#(testImage("shapes.png"))' $'a\xe9.png'; "$1" median $'a\xe9.png' x.png --dry-run -o out/"#
    let outcome = try shell(script)
    #expect(outcome.text == "a\\xe9.png -> out/a\\xe9.png\nx.png -> out/x.png\n")
  }

  @Test func reports_are_json_for_any_name() throws {
    let names = Self.names.map { "$'in/\($0).png'" }.joined(separator: " ")
    let outcome = try shell(
      """
      mkdir in; for name in \(names); do cp '\(testImage("shapes.png"))' "$name"; done
      "$1" median in -o out/ --report report.json -q || exit
      python3 -c 'import json, os
      lines = [json.loads(line) for line in open("report.json")][1:]
      assert sorted(os.fsencode(line["input"]) for line in lines) == sorted(b"in/" + n for n in os.listdir(b"in"))
      print(len(lines))'
      """)
    #expect(outcome.text == "\(Self.names.count)\n", "\(outcome.errors)")
  }

  /// What a picture says of itself.
  @Test func texts_of_pictures_never_steer_a_terminal() throws {
    var metadata = Metadata()
    metadata.items = [MetadataItem(kind: .comment, bytes: Array("\u{1B}]0;x\u{7}\u{9B}31m\u{202E}".utf8))]
    try writePictures([try readPictures(testImage("shapes.png"))[0]], to: folder.path("a.png"), metadata: metadata)
    for option in ["", "--json"] {
      let outcome = try shell("\"$1\" info \(option) a.png")
      #expect(outcome.status == 0 && isTame(outcome.output), "\(outcome.text)")
    }
  }

  /// It printed help, with status 0.
  @Test func a_file_that_is_named_like_an_option_is_an_error_that_says_how() throws {
    let outcome = try shell("cp '\(testImage("shapes.png"))' ./-h.png; cp ./-h.png a.png; \"$1\" median *.png -o out/")
    #expect(outcome.status == 2 && outcome.text.isEmpty)
    #expect(outcome.errors == "imbrex: unknown option '-.' in '-h.png'; the file of that name is './-h.png'\n")
    #expect(try shell("\"$1\" median ./*.png -o out/").status == 0)
    #expect(try shell("\"$1\" median -qh").text.contains("imbrex median"))
  }

  /// To a spreadsheet they were formulas.
  @Test func names_in_tables_are_no_formulas() throws {
    let script = """
      for name in =1+1 +a @b -c d; do cp '\(testImage("cells.png"))' "./$name.png"; done
      "$1" blob-detect --threshold 0.3 -- *.png | cut -d, -f1 | sort -u; "$1" blob-detect --threshold 0.3 --table tsv -- =*.png d.png | cut -f1 | sort -u
      """
    let outcome = try shell("export LC_ALL=C; \(script)")
    #expect(outcome.text == "./+a.png\n./-c.png\n./=1+1.png\n./@b.png\nd.png\nfile\n./=1+1.png\nd.png\nfile\n")
  }
}
