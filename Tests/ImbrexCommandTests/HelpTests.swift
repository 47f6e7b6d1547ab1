import Foundation
import Imbrex
import ImbrexCommand
import Testing

/// Help and the dump for the manual: what the lists hold is in them.
@Suite struct HelpTests {
  @Test(arguments: FilterDefinition.all.map(\.name)) func the_help_of_a_filter_has_all_its_options(name: String) throws
  {
    let filter = try #require(FilterDefinition(named: name))
    let whole = HelpText.text(for: .filter(filter), columns: 80)
    let short = HelpText.text(for: .filter(filter), isShort: true, columns: 80)
    let bench = HelpText.text(for: .commandOfFilter(.bench, filter), columns: 80)
    for option in filter.options {
      for text in [whole, short, bench] { #expect(has(text, option), "\(option.name)") }
    }
    let tables = Set(CommonOptionList.tableOptions.map(\.name))
    for option in CommonOptionList.all {
      #expect(has(whole, option) == (filter.makesTable || !tables.contains(option.name)), "\(option.name)")
      let isOwn = filter.options.contains { $0.name == option.name }
      #expect(has(short, option) == isOwn, "\(option.name)")
    }
    for option in CommandDefinition.bench.options { #expect(has(bench, option), "\(option.name)") }
    for example in filter.examples {
      #expect(whole.contains("  \(example)\n") && short.contains("  \(example)\n"))
    }
  }

  @Test func the_root_help_names_all_filters_and_commands() {
    let text = HelpText.text(for: .root, columns: 80)
    for name in FilterDefinition.all.map(\.name) + CommandDefinition.all.map(\.name) {
      #expect(text.contains("\n  \(name) "), "\(name)")
    }
    #expect(text.contains("then FILTER") && text.contains("tee FILE") && text.contains("--generate-completion-script"))
  }

  @Test(arguments: [40, 60, 80, 132]) func lines_fit_the_width(columns: Int) {
    let topics =
      FilterDefinition.all.map { HelpTopic.filter($0) } + CommandDefinition.all.map { .command($0) } + [.root]
    for topic in topics {
      for line in HelpText.text(for: topic, columns: columns).split(separator: "\n") where line.count > columns {
        // Whole command lines, and words that are longer than what is left of a narrow line, are not cut.
        #expect(line.hasPrefix("  imbrex ") || line.drop { $0 == " " }.count > columns - 26, "\(line)")
      }
    }
  }

  @Test func defaults_and_ranges_are_shown() throws {
    let text = HelpText.text(for: .filter(try #require(FilterDefinition(named: "gaussian"))), columns: 200)
    #expect(text.contains("  --truncate <t>          Kernel radius in standard deviations. (0 … 100; default: 4)\n"))
    #expect(text.contains("(reflect, mirror, nearest, wrap or constant; default: nearest)\n"))
    #expect(text.contains("  -o, --output <output>   Output: a file"))
    #expect(text.contains("  --in-place[=<suffix>]   Write each result"))
    #expect(!text.contains("default: no"))
  }

  /// The lists themselves.
  @Test func names_are_clear() {
    for filter in FilterDefinition.all {
      // An option of the filter's own takes the place of one that filters share.
      let lists = [CommonOptionList.all, CommandDefinition.bench.options].map { common in
        filter.options + common.filter { option in !filter.options.contains { $0.name == option.name } }
      }
      for list in lists {
        #expect(Set(list.map(\.name)).count == list.count, "\(filter.name)")
        let shorts = list.compactMap(\.short)
        #expect(Set(shorts).count == shorts.count && !shorts.contains("h"), "\(filter.name)")
      }
    }
    for option in FilterDefinition.all.flatMap(\.options) + CommonOptionList.all + CommandDefinition.bench.options {
      #expect(option.help.hasSuffix("."), "\(option.name)")
      if case .flag = option.kind { #expect(option.valueName.isEmpty) } else { #expect(!option.valueName.isEmpty) }
      // A default is a value that could be given.
      if let value = option.defaultValue, value != .flag(false) {
        #expect(throws: Never.self) { try option.value(of: value.description) }
      }
    }
  }

  @Test func the_record_of_what_is_done_leaves_out_what_results_do_not_depend_on() {
    let kept = CommonOptionList.all.filter(\.changesResult).map(\.name)
    #expect(
      kept == [
        "format", "quality", "compression", "tiles", "levels", "bit-depth", "background", "auto-orient", "strip",
        "provenance", "page",
        "mask", "nodata", "region",
        "allow-truncated", "table", "overlay",
      ])
  }

  @Test func the_dump_is_json_with_all_options() throws {
    let dump = try #require(
      JSONSerialization.jsonObject(with: Data(DefinitionDump.text.utf8)) as? [String: Any])
    let filters = try #require(dump["filters"] as? [[String: Any]])
    #expect(filters.compactMap { $0["name"] as? String } == FilterDefinition.all.map(\.name))
    for (filter, definition) in zip(filters, FilterDefinition.all) {
      let names = try #require(filter["options"] as? [[String: Any]]).compactMap { $0["name"] as? String }
      #expect(names == definition.options.map(\.name))
    }
    let sections = try #require(dump["sections"] as? [[String: Any]])
    let common = sections.flatMap { $0["options"] as? [[String: Any]] ?? [] }.compactMap { $0["name"] as? String }
    #expect(common == CommonOptionList.all.map(\.name))
  }

  private func has(_ text: String, _ option: OptionDefinition) -> Bool {
    let start = option.short.map { "-\($0), " } ?? ""
    return [" ", "\n", "["].contains { text.contains("\n  \(start)--\(option.name)\($0)") }
  }

  // MARK: - What texts stand for

  @Test func sizes_and_places_are_read() {
    #expect(OptionText.byteCount("512M") == 512 << 20 && OptionText.byteCount("1.5GiB") == 3 << 29)
    #expect(OptionText.byteCount("100000") == 100_000 && OptionText.byteCount("2kb") == 2048)
    for text in ["", "0", "-1M", "M", "infG", "0x10", "1e30"] { #expect(OptionText.byteCount(text) == nil, "\(text)") }
    #expect(OptionText.region("640x480+100+50") == Region(x: 100, y: 50, width: 640, height: 480))
    for text in ["", "640x480", "640x480+1", "0x4+1+1", "4x4+-1+1", "4x4+1+1+1", "ax4+1+1", "99999999999x1+0+0"] {
      #expect(OptionText.region(text) == nil, "\(text)")
    }
    #expect(OptionText.pages("3") == 3...3 && OptionText.pages("2-5") == 2...5)
    for text in ["", "0", "5-2", "1-2-3", "-3", "a", "+1"] { #expect(OptionText.pages(text) == nil, "\(text)") }
    #expect(OptionText.compression("fast")?.level == 1 && OptionText.compression("9")?.level == 9)
    #expect(OptionText.compression("10") == nil && OptionText.compression("") == nil)
    #expect(OptionText.color("#fff") == .white && OptionText.color("255,255,255") == .white)
    #expect(OptionText.color("#0080FF")?.green == 128.0 / 255)
    for text in ["", "#ff", "#+f+f+f", "256,0,0", "1,2", "red"] { #expect(OptionText.color(text) == nil, "\(text)") }
    #expect(OptionText.halo("3").map { $0 == (3, 3) } == true && OptionText.halo("3,5").map { $0 == (3, 5) } == true)
    #expect(OptionText.halo("3,") == nil && OptionText.halo("1,2,3") == nil && OptionText.halo("-1") == nil)
    #expect(OptionText.workerCounts("1,2,4") == [1, 2, 4] && OptionText.workerCounts("1,0") == nil)
    #expect(OptionText.sampleType("32f") == .float32 && OptionText.sampleType("12") == nil)
  }
}
