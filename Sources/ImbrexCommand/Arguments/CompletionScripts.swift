import Imbrex

/// Scripts that teach a shell what may come next, made from the lists of filters, commands and options.
///
/// All three walk the words before the cursor in the same way, so that after `then` the next filter's options are offered.
/// What is expected has the same name in each: `first` (a filter or a command), `topic` (of `help`), `filter` (after
/// `bench`), `stage` (after `then`), `file` (anything else) and `nothing`.
package enum CompletionScripts {
  package static func script(for shell: Shell) -> String {
    switch shell {
    case .bash: bash
    case .zsh: zsh
    case .fish: fish
    }
  }

  // MARK: - What is offered

  /// A word, and what it is.
  struct Word {
    let text: String
    let description: String
  }

  static let filters = FilterDefinition.all.map { Word(text: $0.name, description: $0.abstract) }
  static let commands = CommandDefinition.all.map { Word(text: $0.name, description: $0.abstract) }
  static let tee = Word(text: "tee", description: "Write the picture as it is here.")
  static let then = Word(text: "then", description: "Add a stage.")
  /// Words by what is expected.
  static let expected: [(name: String, words: [Word])] = [
    ("first", filters + commands + [Word(text: "help", description: "Show the help of a filter or a command.")]),
    ("topic", filters + commands + [then, tee]), ("filter", filters), ("stage", filters + [tee]),
  ]
  /// The options that stand before any filter.
  static let rootOptions = [
    OptionDefinition("help", short: "h", .flag, help: "Show help."),
    OptionDefinition("version", .flag, help: "Show the version."),
    OptionDefinition("json", .flag, help: "With --version: print JSON."),
    OptionDefinition(
      "generate-completion-script", .choice(Shell.allCases.map(\.rawValue)), help: "Print completions for a shell."),
  ]
  static let help = OptionDefinition("help", short: "h", .flag, help: "Show help.")

  /// Lists of options by the name of the filter or command whose they are; `common` and `table` are those that filters share.
  static let lists: [(name: String, options: [OptionDefinition])] = {
    let tables = Set(CommonOptionList.tableOptions.map(\.name))
    return FilterDefinition.all.map { ($0.name, $0.options) }
      + CommandDefinition.all.map { ($0.name, $0.options + [help]) }
      + [
        ("common", CommonOptionList.all.filter { !tables.contains($0.name) } + [help]),
        ("table", CommonOptionList.tableOptions), ("root", rootOptions),
      ]
  }()

  /// Every option once that takes a value: an option of one name takes the same values wherever it is.
  static let valued: [OptionDefinition] = {
    var names = Set<String>()
    return lists.flatMap(\.options).filter { $0.takesValue && names.insert($0.name).inserted }
  }()
  static let fileOptions = valued.filter { $0.takesFile }
  static let choices: [(option: OptionDefinition, words: [String])] = valued.compactMap { option in
    option.words.isEmpty ? nil : (option, option.words)
  }

  /// `-o|--output|-f|--format`, as patterns of `case`.
  static func patterns(_ options: [OptionDefinition]) -> String {
    options.map { option in (option.short.map { "-\($0)|" } ?? "") + "--\(option.name)" }.joined(separator: "|")
  }

  static func joined(_ words: [Word]) -> String { words.map(\.text).joined(separator: " ") }

  /// After them there is no stage.
  static let tableMakers = FilterDefinition.all.filter(\.makesTable).map(\.name)
}

extension OptionDefinition {
  /// Whether a value must follow it.
  var takesValue: Bool {
    switch kind {
    case .flag, .optionalText: false
    default: true
    }
  }

  /// Whether its value is a file, or something in one.
  var takesFile: Bool {
    switch kind {
    case .file, .library: true
    default: false
    }
  }

  /// The values worth offering, if they can be told.
  var words: [String] {
    switch kind {
    case .choice(let words, _), .axisChoice(let words, _): words
    default: suggestions
    }
  }

  /// The first sentence of its help, without a full stop.
  var shortHelp: String {
    let end = help.utf8.indices.first {
      help.utf8[$0] == 0x2E
        && (help.utf8.index(after: $0) == help.utf8.endIndex
          || help.utf8[help.utf8.index(after: $0)] == 0x20)
    }
    return end.map { String(help[..<$0]) } ?? help
  }
}
