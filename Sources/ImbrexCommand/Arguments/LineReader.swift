import Imbrex

/// Reads the stages, inputs and options of one command line, word by word.
struct LineReader {
  private enum Stage {
    case filter(FilterDefinition, OptionValues)
    case tee(path: String?)
  }

  private let words: [String]
  private let command: CommandDefinition?
  /// The options that may stand in any stage.
  private let common: [OptionDefinition]
  private var next = 0
  private var stages: [Stage] = []
  private var inputs: [String] = []
  private var options: OptionValues

  /// - Parameters:
  ///   - words: What follows the command's name; with the first filter's name where filters are taken.
  ///   - command: Nil for a filter.
  init(_ words: [String], of command: CommandDefinition?) {
    self.words = words
    self.command = command
    common = command?.options ?? CommonOptionList.all
    options = OptionValues(common)
  }

  mutating func read() throws -> ParsedCommand {
    if command?.takesFilters ?? true { try beginStage() }
    var areOptions = true
    while next < words.count {
      let word = words[next]
      next += 1
      if areOptions && word == "--" {
        areOptions = false
      } else if areOptions && word == "then" && !stages.isEmpty {
        if next < words.count, words[next] == "--help" || words[next] == "-h" {
          return .help(.chain, isShort: words[next] == "-h")
        }
        try beginStage()
      } else if areOptions && CommandLineParser.isOption(word) {
        if let request = try readOption(word) { return request }
      } else if case .tee(path: nil)? = stages.last {
        stages[stages.count - 1] = .tee(path: word)
      } else {
        inputs.append(word)
      }
    }
    return try finish()
  }

  private func finish() throws -> ParsedCommand {
    try checkTee()
    var line = ParsedLine(options: options)
    line.inputs = inputs
    line.stages = stages.map { stage in
      switch stage {
      case .filter(let definition, let values): .filter(definition, values)
      case .tee(let path): .tee(path: path!)
      }
    }
    guard let command else {
      if let last = lastFilter { try OptionChecks.check(options, of: last) }
      return .filter(line)
    }
    guard command.takesFilters else { return .info(line) }
    guard let first = inputs.first else {
      throw ImbrexError(.usage, "\(command.name) needs an input: a picture, or - for standard input")
    }
    guard inputs.count == 1 else {
      throw ImbrexError(.usage, "\(command.name) takes one input, '\(first)', not also '\(inputs[1])'")
    }
    try OptionChecks.checkBench(options)
    return .bench(line)
  }
}

// MARK: - Stages

extension LineReader {
  /// Begins the stage whose name comes next.
  private mutating func beginStage() throws {
    try checkTee()
    if case .filter(let last, _)? = stages.last, last.makesTable {
      throw ImbrexError(.usage, "\(last.name) makes a table: no stage can come after it")
    }
    guard next < words.count, words[next] != "then", !CommandLineParser.isOption(words[next]) else {
      let found = next < words.count ? ", not '\(words[next])'" : ""
      throw ImbrexError(
        .usage, "the name of a filter must come after '\(next > 0 ? words[next - 1] : "bench")'\(found)")
    }
    if words[next] == "tee" && !stages.isEmpty {
      stages.append(.tee(path: nil))
    } else {
      let definition = try CommandLineParser.filter(words[next], isFirst: stages.isEmpty && command == nil)
      stages.append(.filter(definition, OptionValues(definition.options)))
    }
    next += 1
  }

  private func checkTee() throws {
    if case .tee(path: nil)? = stages.last {
      throw ImbrexError(.usage, "tee needs a file: then tee FILE")
    }
  }

  private var lastFilter: FilterDefinition? {
    for case .filter(let definition, _) in stages.reversed() { return definition }
    return nil
  }

  /// The filter whose options may stand here, or the command where there is none.
  private var context: String {
    switch stages.last {
    case .filter(let definition, _): definition.name
    case .tee: "tee"
    case nil: command?.name ?? ""
    }
  }

  private var ownOptions: [OptionDefinition] {
    if case .filter(let definition, _)? = stages.last { definition.options } else { [] }
  }
}

// MARK: - Options

extension LineReader {
  /// Reads an option, with its value if that is a word of its own.
  ///
  /// - Returns: Help or the version, where it asks for that.
  private mutating func readOption(_ word: String) throws -> ParsedCommand? {
    guard word.utf8.starts(with: "--".utf8) else { return try readShort(word) }
    let body = word.utf8.dropFirst(2)
    let equals = body.firstIndex(of: 0x3D)
    let name = String(Substring(body[..<(equals ?? body.endIndex)]))
    let value = equals.map { String(Substring(body[body.index(after: $0)...])) }
    if name == "help" || name == "version" {
      guard value == nil else { throw ImbrexError(option: name, "takes no value, but has '\(value!)'") }
      return name == "help"
        ? .help(try topic(), isShort: false)
        : .version(isVerbose: asksFor("-v", "--verbose"), isJSON: asksFor("--json"))
    }
    guard let option = definition({ $0.name == name }) else { throw unknown(word, name) }
    try take(option, value)
    return nil
  }

  /// Reads `-q`, `-qr`, `-j2`, `-qj 2`.
  private mutating func readShort(_ word: String) throws -> ParsedCommand? {
    var letters = Substring(word).unicodeScalars.dropFirst()
    while let letter = letters.popFirst() {
      if letter == "h" {
        // A pattern of the shell's may have found a file of such a name.
        if let other = letters.first(where: { letter in
          letter != "h" && definition { $0.short == Character(letter) } == nil
        }) {
          throw unknown("-\(other)' in '\(word)", word)
        }
        return .help(try topic(), isShort: true)
      }
      guard let option = definition({ $0.short == Character(letter) }) else {
        let known = CommonOptionList.all.first { $0.short == Character(letter) }
        let shown = word.unicodeScalars.count == 2 ? word : "-\(letter)' in '\(word)"
        throw unknown(shown, known?.name ?? String(word.dropFirst()))
      }
      if case .flag = option.kind {
        try take(option, nil)
      } else {
        // Behind an equals sign stands the value, even if it is empty.
        let hasEquals = letters.first == "="
        if hasEquals { letters.removeFirst() }
        try take(option, letters.isEmpty && !hasEquals ? nil : String(Substring(letters)))
        return nil
      }
    }
    return nil
  }

  private func definition(_ isWanted: (OptionDefinition) -> Bool) -> OptionDefinition? {
    ownOptions.first(where: isWanted) ?? common.first(where: isWanted)
  }

  /// Keeps an option's value.
  ///
  /// - Parameter text: The value that is part of the word; else the next word is it, whatever it is, where one is needed.
  private mutating func take(_ option: OptionDefinition, _ text: String?) throws {
    let value: OptionValue
    switch option.kind {
    case .flag:
      guard text == nil else { throw ImbrexError(option: option.name, "takes no value, but has '\(text!)'") }
      value = .flag(true)
    case .optionalText:
      value = try text.map(option.value) ?? .text("")
    default:
      value = try option.value(of: text ?? nextWord(for: option))
    }
    guard case .filter(let definition, var values)? = stages.last,
      definition.options.contains(where: { $0.name == option.name })
    else { return try store(value, of: option, in: &options) }
    try store(value, of: option, in: &values)
    stages[stages.count - 1] = .filter(definition, values)
  }

  private func store(_ value: OptionValue, of option: OptionDefinition, in values: inout OptionValues) throws {
    if option.isRepeatable {
      values[option.name] = .list((values.isGiven(option.name) ? values.list(option.name) : []) + [value])
    } else if case .flag = value {
      // Said twice, it means no more than said once.
      values[option.name] = value
    } else {
      guard !values.isGiven(option.name) else { throw ImbrexError(option: option.name, "is given twice") }
      values[option.name] = value
    }
  }

  private mutating func nextWord(for option: OptionDefinition) throws -> String {
    // `then` is never a value: whoever forgot the value is better told so.
    guard next < words.count, words[next] != "then" else {
      throw ImbrexError(option: option.name, "needs a value: \(option.allowed)")
    }
    next += 1
    return words[next - 1]
  }

  private func topic() throws -> HelpTopic {
    if case .tee? = stages.last { return .chain }
    if command == nil, case .filter(let definition, let values)? = stages.last {
      return .filter(definition, parts: try definition.parts(values))
    }
    guard let command else { return lastFilter.map { .filter($0) } ?? .root }
    return lastFilter.map { .commandOfFilter(command, $0) } ?? .command(command)
  }

  private func asksFor(_ options: String...) -> Bool { words.prefix { $0 != "--" }.contains(where: options.contains) }
}

// MARK: - Options that are not there

extension LineReader {
  /// What to say of an option that may not stand here: whose it is, or which one is near.
  private func unknown(_ word: String, _ name: String) -> ImbrexError {
    func has(_ options: [OptionDefinition]) -> Bool { options.contains { $0.name == name } }
    // A long name behind a single dash.
    if has(ownOptions + common) { return ImbrexError(.usage, "unknown option '-\(name)'; did you mean '--\(name)'?") }
    var owners = FilterDefinition.all.filter { has($0.options) }.map(\.name)
    // Of several that have it, those of this chain are meant.
    let mine = owners.filter { words.contains($0) && $0 != context }
    if !mine.isEmpty { owners = mine }
    owners += CommandDefinition.all.filter { has($0.options) && $0.name != command?.name }.map(\.name)
    let place = stages.isEmpty || command == nil || !owners.isEmpty ? context : command!.name
    if command != nil && has(CommonOptionList.all) {
      return ImbrexError(option: name, "is not an option of \(command!.name)")
    }
    if !owners.isEmpty { return ImbrexError(option: name, "is an option of \(listed(owners)), not of \(place)") }
    let names = (ownOptions + common).map(\.name) + ["help", "version"]
    let near = nearestName(to: name, in: names).map { "; did you mean '--\($0)'?" } ?? ""
    let file = words[next - 1]
    let hint = near.isEmpty && fileExists(file) ? "; the file of that name is './\(file)'" : near
    return ImbrexError(.usage, "unknown option '\(word)'\(hint)")
  }
}

/// `a`, `a and b`, `a, b and c`.
func listed(_ words: [String], _ conjunction: String = "and") -> String {
  words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " \(conjunction) " + words.last!
}
