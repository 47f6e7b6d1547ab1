import Foundation
import Imbrex
import TestSupport
import Testing

/// Where the results of many files go: directories that are made, names of templates, trees below a base, pages as files.
@Suite struct NamingTests {
  private let folder: TemporaryFolder
  init() throws {
    folder = try TemporaryFolder()
    for name in ["in/a.png", "in/sub/b.png", "in/sub/deep/c.png"] {
      try FileManager.default.createDirectory(
        atPath: (folder.path(name) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: testImage("gradient.png"), toPath: folder.path(name))
    }
  }

  private func run(_ arguments: String...) throws -> Program.Outcome { try Program.run(arguments, folder: folder.url) }
  private func run(words: String) throws -> Program.Outcome {
    try Program.run(words.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func files(_ directory: String) -> [String] {
    let names = FileManager.default.enumerator(atPath: folder.path(directory))?.allObjects as? [String] ?? []
    return names.filter { !$0.hasSuffix(".imbrex-done") }.filter {
      (try? FileManager.default.contentsOfDirectory(atPath: folder.path("\(directory)/\($0)"))) == nil
    }
    .sorted()
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }

  /// A TIFF of several pages, each different.
  private func makeStack(_ name: String, pages: Int) throws {
    let pictures = (0..<pages).map { seed in
      testPicture(ImageDescription(width: 19, height: 17, color: .gray, sampleType: .uint8), seed: seed)
    }
    try writePictures(pictures, to: folder.path(name))
  }

  // MARK: - Directories

  @Test func a_directory_of_outputs_is_made_unless_its_name_is_a_pictures() throws {
    #expect(try run(words: "median in -o new").status == 0)
    #expect(files("new") == ["a.png"])
    #expect(try run(words: "median in/a.png in/sub/b.png -o two").status == 0 && files("two") == ["a.png", "b.png"])
    let picture = try run(words: "median in -o new.png")
    #expect(picture.status == 2 && picture.errors == "imbrex: several inputs need a directory for -o: 'new.png/'\n")
    try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path("file")))
    let file = try run(words: "median in -o file")
    #expect(file.status == 2 && file.errors == "imbrex: several inputs need a directory for -o, but 'file' is a file\n")
    let single = try run(words: "median in/a.png -o no/where/a.png")
    #expect(single.status == 1 && single.errors == "imbrex: no/where/a.png: no does not exist: make it first\n")
  }

  // MARK: - Base

  @Test func listed_files_keep_their_paths_below_a_base() throws {
    let list = "in/a.png\nin/sub/b.png\n./in/sub/../sub/deep/c.png\n"
    try Data(list.utf8).write(to: URL(fileURLWithPath: folder.path("list")))
    #expect(try run(words: "median --files-from list --base in -o out/").status == 0)
    #expect(files("out") == ["a.png", "sub/b.png", "sub/deep/c.png"])
    #expect(try run(words: "median --files-from list --base . -o here/").status == 0)
    #expect(files("here") == ["in/a.png", "in/sub/b.png", "in/sub/deep/c.png"])
    // Named outright, and through a link; a directory's files too.
    try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: "in/sub")
    #expect(try run(words: "median link/b.png \(folder.path("in/a.png")) --base in -o linked/").status == 0)
    #expect(files("linked") == ["a.png", "sub/b.png"])
    #expect(try run(words: "median -r in/sub --base in -o tree/").status == 0)
    #expect(files("tree") == ["sub/b.png", "sub/deep/c.png"])
  }

  @Test func a_base_that_files_are_not_below_is_refused() throws {
    for (words, says) in [
      ("median in/a.png in/sub/b.png --base in/sub -o out/", "'in/a.png' is not below --base 'in/sub'"),
      ("median in/a.png --base nowhere -o out/", "--base is 'nowhere', which is not a directory"),
      ("median in/a.png --base in -o out.png", "--base goes with a directory for -o"),
      ("median in/a.png --base in --in-place", "--base does not go with --in-place"),
    ] {
      let outcome = try run(words: words)
      #expect(outcome.status == 2 && outcome.errors.contains(says), "\(outcome.errors)")
    }
    #expect(files("out").isEmpty)
  }

  // MARK: - Fields

  @Test func names_tell_directories_and_options() throws {
    #expect(
      try run(words: "gaussian --sigma 1.5,2 -r in --name {dir}-{stem}-{sigma}-{boundary}.{ext} -o out/").status == 0)
    #expect(
      files("out") == [
        "in-a-1.5,2-nearest.png", "in-sub-b-1.5,2-nearest.png", "in-sub-deep-c-1.5,2-nearest.png",
      ])
    let chain = "gaussian then median --radius 2 then gaussian --sigma 3 in"
    #expect(
      try run(words: "\(chain) --name {stem}-{sigma}-{3.sigma}-{median.radius}-{gaussian.sigma}.{ext} -o c/").status
        == 0)
    #expect(files("c") == ["a-1-3-2-1.png"])
    #expect(try run("edge", "--mask", "in/a.png", "in/a.png", "--name", "{stem}-{mask}", "-o", "m/").status == 0)
    #expect(files("m") == ["a-in_a.png"])
  }

  @Test func fields_that_there_are_not_are_refused_with_those_there_are() throws {
    for name in ["{stem}-{radius}", "{stem}-{2.sigma}", "{stem}-{page:x}", "{stem}-{median.sigma}"] {
      let outcome = try run(words: "gaussian in --name \(name) -o out/")
      #expect(outcome.status == 2)
      #expect(outcome.errors.contains("{dir}, {page}, {z}, {c}, {t}, {filter}, {sigma}, {truncate}"))
    }
    #expect(try run(words: "gaussian in --name {sigma}.png -o out/").errors.contains("the same for all"))
  }

  // MARK: - Pages

  @Test func each_page_can_be_a_file() throws {
    try makeStack("s.tif", pages: 11)
    try makeStack("t.tif", pages: 1)
    #expect(try run(words: "gaussian s.tif t.tif --name {stem}-{page:2}.png -o out/").status == 0)
    #expect(files("out") == (1...11).map { "s-\($0 < 10 ? "0" : "")\($0).png" } + ["t-01.png"])
    for page in [1, 2, 11] {
      #expect(try run(words: "gaussian s.tif --page \(page) -o one.png").status == 0)
      #expect(try bytes("one.png") == bytes("out/s-\(page < 10 ? "0" : "")\(page).png"))
    }
    #expect(try run(words: "gaussian s.tif --page 3-4 --name {page}.{ext} -o some/").status == 0)
    #expect(files("some") == ["3.tif", "4.tif"])
    let refused = try run(words: "gaussian s.tif --format png -o png/")
    #expect(refused.status == 1 && refused.errors.contains("--name '{stem}-{page}.{ext}'"))
  }

  @Test func tees_tables_and_overlays_have_a_file_a_page_too() throws {
    try makeStack("s.tif", pages: 2)
    let words =
      "gaussian then tee t/ then blob-detect --max-sigma 3 s.tif --overlay v/ --name {stem}-{page}.{ext} -o b/"
    let outcome = try run(words: words)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(files("t") == ["s-1.tif", "s-2.tif"] && files("v") == files("t") && files("b") == ["s-1.csv", "s-2.csv"])
    #expect(try run(words: "gaussian then blob-detect --max-sigma 3 s.tif --page 2 -o two.csv").status == 0)
    #expect(try bytes("two.csv") == bytes("b/s-2.csv"))
    // One file beside has all pages.
    #expect(try run(words: "gaussian then tee all.tif then sobel s.tif --name {stem}-{page}.{ext} -o g/").status == 0)
    #expect(try run(words: "gaussian s.tif -o whole.tif").status == 0)
    #expect(try bytes("all.tif") == bytes("whole.tif"))
  }

  @Test func pages_are_made_again_where_one_is_missing_or_changed() throws {
    try makeStack("s.tif", pages: 3)
    func go(_ more: String = "") throws -> String {
      try run(words: "gaussian s.tif in/a.png --name {stem}-{page}.png -o out/ --incremental \(more)").errors
    }
    #expect(try go() == "imbrex: 2 done, 0 skipped, 0 failed\n")
    #expect(try go() == "imbrex: 0 done, 2 skipped, 0 failed\n")
    try FileManager.default.removeItem(atPath: folder.path("out/s-2.png"))
    #expect(try go("-n") == "imbrex: 1 done, 1 skipped, 0 failed\n")
    #expect(files("out") == ["a-1.png", "s-1.png", "s-2.png", "s-3.png"])
    // What was left alone was not made by this run.
    #expect(try go() == "imbrex: 1 done, 1 skipped, 0 failed\n")
    try makeStack("s.tif", pages: 4)
    #expect(try go() == "imbrex: 1 done, 1 skipped, 0 failed\n")
    #expect(try go("-n") == "imbrex: 0 done, 2 skipped, 0 failed\n")
    #expect(try run(words: "sobel s.tif --name {stem}-{page}.png -n -o out/").status == 0)
  }

  @Test func a_page_goes_over_no_other_input_and_no_other_page() throws {
    try makeStack("s1.tif", pages: 1)
    try makeStack("s.tif", pages: 11)
    let before = try bytes("s1.tif")
    let over = try run(words: "gaussian s.tif s1.tif --name {stem}{page}.{ext} -o ./ -j1")
    #expect(over.status == 1 && over.errors.contains("written over the input 's1.tif'"), "\(over.errors)")
    #expect(try bytes("s1.tif") == before)
    let twice = try run(words: "gaussian s.tif s1.tif --name {stem}{page}.{ext} -o out/ -j1")
    #expect(twice.status == 1 && twice.errors.contains("written to 'out/s11.tif'"), "\(twice.errors)")
  }

  // MARK: - Dry runs

  @Test func a_dry_run_tells_what_would_be_left_alone_and_what_is_written_beside() throws {
    #expect(try run(words: "gaussian then tee t/ then sobel -r in -o out/ --incremental").status == 0)
    try FileManager.default.removeItem(atPath: folder.path("out/a.png"))
    #expect(
      try run(words: "gaussian then tee t/ then sobel -r in -o out/ --incremental --dry-run").text == """
        in/a.png -> out/a.png
        in/a.png -> t/a.png (tee)
        in/sub/b.png -> out/sub/b.png (up to date)
        in/sub/b.png -> t/sub/b.png (tee, up to date)
        in/sub/deep/c.png -> out/sub/deep/c.png (up to date)
        in/sub/deep/c.png -> t/sub/deep/c.png (tee, up to date)

        """)
    #expect(
      try run(words: "blob-detect in/a.png in/sub/b.png -o tables/ --overlay t/ -n --dry-run").text == """
        in/a.png -> tables/a.csv
        in/a.png -> t/a.png (overlay, skipped)
        in/sub/b.png -> tables/b.csv
        in/sub/b.png -> t/b.png (overlay)

        """)
    #expect(files("tables").isEmpty)
  }

  @Test func an_incremental_run_knows_names_with_newlines_and_other_controls() throws {
    let script = """
      cd "$2"; mkdir odd; for name in $'a\\nb' $'c\\r' $'\\td' '%0a' $'e\\x7f\\xff' ' f;'; do cp in/a.png "odd/$name.png"; done
      "$1" median odd -o out/ --incremental; "$1" median odd -o out/ --incremental
      grep -c ';$' out/.imbrex-done >&2
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path])
    #expect(outcome.errors == "imbrex: 6 done, 0 skipped, 0 failed\nimbrex: 0 done, 6 skipped, 0 failed\n6\n")
  }

  @Test func lines_of_older_records_are_passed_over() throws {
    #expect(try run(words: "median -r in -o out/ --incremental").status == 0)
    let record = try String(decoding: bytes("out/.imbrex-done"), as: UTF8.self)
    // As version 0.1 wrote them: without the form and the number of files.
    let old = record.split(separator: "\n").dropFirst().map { line in
      let fields = line.split(separator: " ")
      return (fields[1...6] + fields[8...]).joined(separator: " ")
    }
    try Data((old.joined(separator: "\n") + "\n").utf8).write(to: URL(fileURLWithPath: folder.path("out/.imbrex-done")))
    #expect(try run(words: "median -r in -o out/ --incremental").errors == "imbrex: 1 done, 2 skipped, 0 failed\n")
    #expect(try run(words: "median -r in -o out/ --incremental").errors == "imbrex: 0 done, 3 skipped, 0 failed\n")
  }
}
