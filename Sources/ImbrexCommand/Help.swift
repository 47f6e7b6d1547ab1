import ArgumentParser

/// Parts of the parser's help that are shown by themselves.
enum Help {
  /// What `-h` prints for a filter: what it does, examples and its own options. Nil for a command that is no filter, whose
  /// whole help is short.
  static func short(_ command: any ParsableCommand.Type) -> String? {
    let lines = command.helpMessage(columns: 80).split(separator: "\n", omittingEmptySubsequences: false)
    guard let filter = section("FILTER:", of: lines), let name = command.configuration.commandName else { return nil }
    let start = lines.prefix { !$0.hasPrefix("ARGUMENTS:") }
    return (start + filter).joined(separator: "\n")
      + "\n\nOutputs, batches, tiling and all else: imbrex \(name) --help, or man imbrex-\(name).\n"
  }

  /// What the value of an option may be: the first sentence of its help.
  static func meaning(of option: String, in command: any ParsableCommand.Type) -> String? {
    let lines = command.helpMessage(columns: 2000).split(separator: "\n")
    for line in lines where line.hasPrefix("  ") {
      let words = line.split(separator: " ")
      guard words[0].hasPrefix("-"),
        let place = words.prefix(2).firstIndex(where: { $0 == option || $0 == option + "," })
      else { continue }
      var text = words[(place + 1)...].drop { $0.hasPrefix("<") || $0.hasPrefix("-") }.joined(separator: " ")[...]
      for end in [". ", " (default", " (values"] {
        if let range = text.firstRange(of: end) { text = text[..<range.lowerBound] }
      }
      return String(text).trimmed(of: " .")
    }
    return nil
  }

  private static func section(_ title: String, of lines: [Substring]) -> ArraySlice<Substring>? {
    guard let start = lines.firstIndex(of: Substring(title)) else { return nil }
    let end = lines[start...].firstIndex { $0.isEmpty } ?? lines.endIndex
    return lines[start..<end]
  }
}

extension String {
  fileprivate func trimmed(of characters: String) -> String {
    var text = self[...]
    while let last = text.last, characters.contains(last) { text.removeLast() }
    return String(text)
  }
}
