import Foundation
import Imbrex
import ImbrexCommand
import TestSupport
import Testing

/// Every option of the lists is used by some test.
///
/// An option counts as used where its long name with its dashes (`--name`) stands in the text of a test, or in a command of the fixtures
/// or of the engines' scripts. Short names do not count: `-n` and `-q` are those of other programs too. Nor do suites that only read
/// command lines, or only see them refused: what they name has not been run. A new option without a test makes this one fail and is named
/// by it.
@Suite struct OptionCoverageTests {
  private static let readersOnly: Set<String> = [
    "ArgumentsTests.swift", "BadInputTests.swift", "CompletionTests.swift", "HelpTests.swift", "MessageTests.swift",
    "OptionCoverageTests.swift",
  ]

  /// All that tests run, as one text.
  private static let text: String = {
    let tests = projectFolder.appendingPathComponent("Tests")
    let names = FileManager.default.enumerator(atPath: tests.path)?.allObjects as? [String] ?? []
    let files = names.filter { name in
      let isTest = name.contains("Tests/") && name.hasSuffix(".swift")
      let isFixture = name.hasPrefix("Fixtures/") && name.hasSuffix(".jsonl")
      let isEngine = name.hasPrefix("Engines/") && name.hasSuffix(".sh")
      return (isTest || isFixture || isEngine) && !readersOnly.contains((name as NSString).lastPathComponent)
    }
    return files.map { (try? String(contentsOf: tests.appendingPathComponent($0), encoding: .utf8)) ?? "" }.joined()
  }()

  private static func isUsed(_ option: OptionDefinition) -> Bool {
    text.range(of: "--\(option.name)(?![a-z0-9-])", options: .regularExpression) != nil
  }

  private static func unused(_ options: [OptionDefinition]) -> [String] {
    options.filter { !isUsed($0) }.map { "--\($0.name)" }
  }

  @Test(arguments: FilterDefinition.all.map(\.name)) func every_option_of_a_filter_has_a_test(name: String) throws {
    #expect(Self.unused(try #require(FilterDefinition(named: name)).options).isEmpty)
  }

  @Test func every_common_option_has_a_test() { #expect(Self.unused(CommonOptionList.all).isEmpty) }

  @Test(arguments: CommandDefinition.all.map(\.name)) func every_option_of_a_command_has_a_test(name: String) throws {
    #expect(Self.unused(try #require(CommandDefinition(named: name)).options).isEmpty)
  }

  /// The way of looking itself: what nobody has written is not found.
  @Test func an_option_that_no_test_has_is_found_out() {
    let word = ["no", "such", "option"].joined(separator: "-")
    #expect(Self.unused([OptionDefinition(word, .flag, help: "None.")]) == ["--\(word)"])
    #expect(Self.unused([OptionDefinition("jobs", .flag, help: "Workers.")]).isEmpty)
  }
}
