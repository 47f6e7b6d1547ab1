import Imbrex

/// All lists as JSON, from which man/make.py makes the manual: what the hidden `--dump-definitions` prints.
package enum DefinitionDump {
  package static var text: String {
    let filters = FilterDefinition.all.map { filter in
      JSONValue.object([
        ("name", .string(filter.name)), ("abstract", .string(filter.abstract)),
        ("discussion", .string(filter.discussion)), ("examples", .array(filter.examples.map(JSONValue.string))),
        ("makes_table", .bool(filter.makesTable)), ("options", options(filter.options)),
      ])
    }
    let sections = CommonOptionList.sections.map { section in
      JSONValue.object([("title", .string(section.title)), ("options", options(section.options))])
    }
    let commands = CommandDefinition.all.map { command in
      JSONValue.object([
        ("name", .string(command.name)), ("abstract", .string(command.abstract)), ("usage", .string(command.usage)),
        ("discussion", .string(command.discussion)), ("examples", .array(command.examples.map(JSONValue.string))),
        ("takes_filters", .bool(command.takesFilters)), ("options", options(command.options)),
      ])
    }
    return JSONValue.object([
      ("version", .string(Imbrex.version)), ("filters", .array(filters)), ("sections", .array(sections)),
      ("commands", .array(commands)),
    ]).description
  }

  private static func options(_ options: [OptionDefinition]) -> JSONValue { .array(options.map(option)) }

  private static func option(_ option: OptionDefinition) -> JSONValue {
    let (kind, details) = details(option.kind)
    return .object(
      [
        ("name", .string(option.name)), ("short", option.short.map { .string(String($0)) } ?? .null),
        ("kind", .string(kind)), ("value", .string(option.valueName)),
        ("unit", option.unit.map(JSONValue.string) ?? .null),
        ("default", (option.defaultText ?? option.defaultValue?.description).map(JSONValue.string) ?? .null),
        ("help", .string(option.help)), ("note", .string(HelpText.note(option))),
        ("allowed", .string(option.allowed)), ("repeatable", .bool(option.isRepeatable)),
        ("changes_result", .bool(option.changesResult)),
      ] + details)
  }

  private static func details(_ kind: OptionDefinition.Kind) -> (name: String, [(String, JSONValue)]) {
    func ends(_ range: ClosedRange<Double>) -> [(String, JSONValue)] {
      guard range.upperBound < 1e300 else { return [] }
      return [("minimum", .number(range.lowerBound)), ("maximum", .number(range.upperBound))]
    }
    switch kind {
    case .flag: return ("flag", [])
    case .optionalText: return ("optional-text", [])
    case .integer(let range):
      let most = range.upperBound == .max ? [] : [("maximum", JSONValue.integer(range.upperBound))]
      return ("integer", [("minimum", .integer(range.lowerBound))] + most)
    case .number(let range): return ("number", ends(range))
    case .axes(let range): return ("axes", ends(range))
    case .choice(let words, let synonyms):
      let others = synonyms.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
      return ("choice", [("choices", .array(words.map(JSONValue.string))), ("synonyms", .object(others))])
    case .axisChoice(let words, let synonyms):
      let choice = details(.choice(words, synonyms: synonyms))
      return ("choice", choice.1 + [("axes", .bool(true))])
    case .size: return ("size", [])
    case .file, .library: return ("file", [])
    case .text: return ("text", [])
    }
  }
}
