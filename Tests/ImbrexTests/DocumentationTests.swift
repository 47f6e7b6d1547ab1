import Foundation
import TestSupport
import Testing

/// What documents show is what is built.
@Suite struct DocumentationTests {
  private func text(_ path: String) throws -> String {
    try String(contentsOf: projectFolder.appendingPathComponent(path), encoding: .utf8)
  }

  /// The Swift in an article, block after block.
  private func code(in article: String) -> String {
    var lines: [Substring] = [], isCode = false
    for line in article.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isCode = line == "```swift"
      } else if isCode {
        lines.append(line)
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  @Test func the_article_on_filters_is_the_program_that_is_built() throws {
    let shown = code(in: try text("Sources/Imbrex/Documentation.docc/OwnFilter.md"))
    #expect(shown == (try text("Tests/ExamplePackage/Sources/grow/main.swift")))
    #expect(shown.split(separator: "\n", omittingEmptySubsequences: false).count - 1 <= 40)
  }

  /// Files that CONTRIBUTING names are there, so that it cannot go stale unseen.
  @Test func the_files_that_contributors_are_sent_to_are_there() throws {
    let words = try text("CONTRIBUTING.md").split(separator: "`").enumerated().filter { $0.offset % 2 == 1 }.map(
      \.element)
    let paths = words.filter { word in
      word.contains("/") && !word.contains(" ")
        && ["Sources/", "Tests/", "man/", "TestImages"].contains(where: word.hasPrefix)
        // Names to be filled in.
        && !word.lowercased().contains("name")
    }
    #expect(paths.count > 20)
    for path in paths {
      #expect(
        FileManager.default.fileExists(atPath: projectFolder.appendingPathComponent(String(path)).path), "\(path)")
    }
  }

  @Test func the_targets_that_contributors_are_told_of_are_there() throws {
    let makefile = try text("Makefile")
    let text = try text("CONTRIBUTING.md")
    let targets = text.split(separator: "`").compactMap { part -> Substring? in
      part.hasPrefix("make ") ? part.dropFirst(5).prefix { $0.isLetter || $0.isNumber || $0 == "-" } : nil
    }
    #expect(targets.count > 5)
    for target in Set(targets) { #expect(makefile.contains("\n\(target):"), "make \(target)") }
  }
}
