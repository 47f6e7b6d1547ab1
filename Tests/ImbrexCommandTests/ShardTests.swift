import Foundation
import TestSupport
import Testing

/// `--shard`: parts of a batch that together are all of it.
@Suite struct ShardTests {
  private let folder: TemporaryFolder
  private let names: [String]
  init() throws {
    folder = try TemporaryFolder()
    names = (0..<24).map { $0 % 3 == 0 ? "in/sub/p\($0).png" : "in/p\($0).png" }.sorted()
    for name in names {
      try FileManager.default.createDirectory(
        atPath: (folder.path(name) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: testImage("gradient.png"), toPath: folder.path(name))
    }
  }

  private func run(_ words: String) throws -> Program.Outcome {
    try Program.run(words.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func part(_ shard: String, _ inputs: String = "-r in") throws -> [String] {
    try run("median \(inputs) -o out/ --shard \(shard) --dry-run").text.split(separator: "\n").map {
      String($0.prefix { $0 != " " })
    }
  }

  @Test(arguments: [1, 2, 3, 7, 40]) func all_parts_together_are_all_files_and_none_is_in_two(_ count: Int) throws {
    let parts = try (1...count).map { try part("\($0)/\(count)") }
    #expect(parts.flatMap { $0 }.sorted() == names)
    if count == 2 { #expect(parts.allSatisfy { $0.count > 4 }) }
  }

  @Test func files_that_are_added_move_no_others_and_the_way_to_them_does_not_matter() throws {
    let before = try part("2/3")
    for name in ["in/a.png", "in/zz.png", "in/sub/zz.png"] {
      try FileManager.default.copyItem(atPath: testImage("gradient.png"), toPath: folder.path(name))
    }
    #expect(try part("2/3").filter(names.contains) == before)
    let list = names.reversed().joined(separator: "\n")
    try Data(list.utf8).write(to: URL(fileURLWithPath: folder.path("list")))
    #expect(try part("2/3", "--files-from list --base in").sorted() == before)
    let absolute = try part("2/3", "-r \(folder.path("in"))").filter { path in names.contains { path.hasSuffix($0) } }
    #expect(absolute.count == before.count)
  }

  @Test func parts_may_run_at_once_into_one_directory() throws {
    let script = """
      cd "$2"; for k in 1 2 3 4; do "$1" gaussian -q -r in -o out/ --incremental --shard $k/4 --report $k.json & done; wait
      "$1" gaussian -r in -o out/ --incremental; cat ?.json | grep -c '"status":"done"' >&2
      cat out/.imbrex-done out/sub/.imbrex-done | grep -c ';$' >&2
      head -qn1 ?.json | sed 's/.*"files"://; s/}//' | awk '{ n += $1 } END { print n }' >&2
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path])
    #expect(outcome.errors == "imbrex: 0 done, 24 skipped, 0 failed\n24\n24\n24\n")
  }

  @Test func an_empty_part_is_no_error() throws {
    let empty = try #require(try (1...40).first { try part("\($0)/40").isEmpty })
    let outcome = try run("median -r in -o out/ --shard \(empty)/40")
    #expect(outcome.status == 0 && outcome.errors == "imbrex: 0 done, 0 skipped, 0 failed\n")
  }

  @Test func what_collides_is_seen_by_every_part() throws {
    for shard in ["1/9", "2/9", "9/9"] {
      let outcome = try run(
        "median in/p1.png in/sub/p0.png in/../in/p1.png --name {stem}.{ext} -o out/ --shard \(shard)")
      #expect(outcome.status == 2 && outcome.errors.contains("would both be written"), "\(outcome.errors)")
    }
  }

  @Test func tables_of_parts_have_the_same_columns() throws {
    let tables = try (1...12).map { try run("blob-detect --max-sigma 3 -r in --shard \($0)/12").text }
    #expect(tables.allSatisfy { $0.hasPrefix("file,y,x,sigma,radius\n") })
  }

  @Test(arguments: ["0/3", "4/3", "1", "1/", "/2", "a/b", "1/0", "-1/2", "1/2/3", "+1/2"])
  func other_values_are_refused(
    _ value: String
  ) throws {
    let outcome = try run("median -r in -o out/ --shard=\(value)")
    #expect(outcome.status == 2 && outcome.errors.contains("but must be K/N, the part of how many, such as 2/8"))
  }
}
