package import Imbrex

/// Reads a command line by the lists of filters, commands and options.
package enum CommandLineParser {
  /// Reads the words after the program's name. Filters are not made yet, so values that do not go together pass.
  ///
  /// - Throws: ``ImbrexError``, a usage error.
  package static func parse(_ words: [String]) throws -> ParsedCommand {
    guard let first = words.first else { return .help(.root, isShort: false) }
    if first == "help" { return try parseHelp(words.dropFirst()) }
    if isOption(first) { return try parseRoot(words) }
    guard let command = CommandDefinition(named: first) else {
      _ = try filter(first, isFirst: true)
      return try VariedLine.parse(words) { try parseLine($0, of: nil) } ?? parseLine(words, of: nil)
    }
    if command.name == CommandDefinition.job.name {
      // What stands behind `--` is another command line.
      let end = words.firstIndex(of: "--") ?? words.endIndex
      guard case .info(let line) = try parseLine(Array(words[1..<end]), of: command) else {
        return try parseLine(Array(words[1..<end]), of: command)
      }
      return .job(line, rest: Array(words[end...].dropFirst()))
    }
    guard command.takesFilters else { return try parseLine(Array(words.dropFirst()), of: command) }
    guard words.count > 1, words[1] != "-h", words[1] != "--help" else {
      return .help(.command(command), isShort: words.count > 1 && words[1] == "-h")
    }
    if words[1] == "--version" { return try parseRoot(Array(words.dropFirst())) }
    for option in ["vary", "truth"] where words.contains(where: { $0 == "--\(option)" || $0.hasPrefix("--\(option)=") })
    {
      throw ImbrexError(option: option, "is not an option of \(command.name)")
    }
    if isOption(words[1]) { throw filterFirst(words[1], "imbrex \(command.name)") }
    return try parseLine(Array(words.dropFirst()), of: command)
  }

  private static func parseLine(_ words: [String], of command: CommandDefinition?) throws -> ParsedCommand {
    var reader = LineReader(words, of: command)
    return try reader.read()
  }

  private static func parseHelp(_ words: ArraySlice<String>) throws -> ParsedCommand {
    guard let name = words.first, !isOption(name) else { return .help(.root, isShort: false) }
    let second = words.dropFirst().first
    if words.count > 2 { throw ImbrexError(.usage, "help takes one name, not also '\(words.last!)'") }
    guard let command = CommandDefinition(named: name) else {
      if name == "then" || name == "tee", second == nil || second == "tee" { return .help(.chain, isShort: false) }
      if let second { throw ImbrexError(.usage, "help takes one name, not also '\(second)'") }
      return .help(.filter(try filter(name, isFirst: true)), isShort: false)
    }
    guard let second else { return .help(.command(command), isShort: false) }
    guard command.takesFilters else { throw ImbrexError(.usage, "help takes one name, not also '\(second)'") }
    return .help(.commandOfFilter(command, try filter(second, isFirst: false)), isShort: false)
  }

  /// Reads what stands without a filter.
  private static func parseRoot(_ words: [String]) throws -> ParsedCommand {
    if words.contains("--version") {
      return .version(
        isVerbose: words.contains("-v") || words.contains("--verbose"), isJSON: words.contains("--json"))
    }
    let option = "--generate-completion-script"
    switch words[0] {
    case "-h": return .help(.root, isShort: true)
    case "--help": return .help(.root, isShort: false)
    case "--dump-definitions": return .definitions
    case option where words.count > 1: return .completionScript(try shell(words[1]))
    case let word where word == option || word.hasPrefix(option + "="):
      return .completionScript(try shell(String(word.dropFirst(option.count + 1))))
    default: throw filterFirst(words[0], "imbrex")
    }
  }

  private static func shell(_ name: String) throws -> Shell {
    guard let shell = Shell(rawValue: name) else {
      throw ImbrexError(
        option: "generate-completion-script",
        "is \(name.isEmpty ? "empty" : "'\(name)'"), but must be bash, zsh or fish")
    }
    return shell
  }

  private static func filterFirst(_ word: String, _ start: String) -> ImbrexError {
    let isKnown =
      (CommonOptionList.all + CommandDefinition.bench.options).contains { option in
        word.hasPrefix("--\(option.name)") || option.short.map { word.hasPrefix("-\($0)") } ?? false
      } || word == "--"
    guard !isKnown else { return ImbrexError(.usage, "'\(word)' stands before the filter: \(start) FILTER \(word) …") }
    let names = ["help", "version", "generate-completion-script"]
    let near = nearestName(to: String(word.drop { $0 == "-" }), in: names).map { "; did you mean '--\($0)'?" } ?? ""
    return ImbrexError(.usage, "unknown option '\(word)'\(near) (the filter comes first: \(start) FILTER [options])")
  }

  /// The filter of a name.
  ///
  /// - Parameter isFirst: Whether the other commands might have been meant.
  /// - Throws: A usage error that names the nearest one.
  static func filter(_ word: String, isFirst: Bool) throws -> FilterDefinition {
    if let definition = FilterDefinition(named: word) { return definition }
    if isFirst && fileExists(word) {
      throw ImbrexError(
        .usage, "'\(word)' is a file: a filter comes first, as in imbrex \(FilterDefinition.all[0].name) \(word)")
    }
    if word == "then" || word == "tee" { throw ImbrexError(.usage, "a filter comes before '\(word)'") }
    let others = isFirst ? CommandDefinition.all.map(\.name) + ["help"] : ["tee"]
    let names = FilterDefinition.all.map(\.name) + others
    let near = nearestName(to: word, in: names).map { "; did you mean '\($0)'?" } ?? ""
    throw ImbrexError(.usage, "unknown filter '\(word)'\(near) (\(names.joined(separator: ", ")))")
  }

  /// Whether a word is an option rather than a name or a lone `-`.
  ///
  /// Bytes, not characters: an accent could follow the dash and make one character with it.
  static func isOption(_ word: String) -> Bool { word.utf8.count > 1 && word.utf8.first == 0x2D }
}

/// What is said of an error: options with their dashes, and the option that would help.
package func messageText(_ error: ImbrexError) -> String {
  let text = error.option.map { "--\($0) \(error.message)" } ?? error.message
  guard let remedy = error.remedy else { return text }
  if let value = remedy.value {
    if remedy.option == error.option { return "\(text): at least \(amount(value)) are needed" }
    return "\(text): allow \(remedy.option == "max-pixels" ? "them" : "it") with --\(remedy.option) \(value)"
  }
  let lists = CommonOptionList.all + FilterDefinition.all.flatMap(\.options) + CommandDefinition.all.flatMap(\.options)
  let option = lists.first { $0.name == remedy.option }
  var name = option?.valueName ?? ""
  if case .optionalText? = option?.kind { name = "" }
  return "\(text): use --\(remedy.option)\(name.isEmpty ? "" : " " + name.uppercased())"
}

/// `22K`, which an option takes, as one would say it: `22 KiB`.
private func amount(_ value: String) -> String {
  guard let unit = value.last, "KMG".contains(unit) else { return value }
  return "\(value.dropLast()) \(unit)iB"
}
