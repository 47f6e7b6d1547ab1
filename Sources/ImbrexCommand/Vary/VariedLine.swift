import Imbrex

/// A command line that stands for several: one for each combination of the values of `--vary`.
package struct VariedLine: Sendable {
  let combinations: [Combination]
  /// One for each.
  package let lines: [ParsedLine]
  let names: [VariedName]

  /// More than this have to be asked for.
  static let manyCombinations = 10_000

  /// Reads a line, if it is such a one.
  ///
  /// - Parameter parse: Reads the words of one combination.
  /// - Returns: What is asked for; nil where nothing varies.
  /// - Throws: ``ImbrexError``, a usage error; where only some combinations are wrong it names the first.
  static func parse(_ words: [String], by parse: ([String]) throws -> ParsedCommand) throws -> ParsedCommand? {
    let given = values(of: "--vary", in: words)
    guard !given.isEmpty || !values(of: "--truth", in: words).isEmpty else { return nil }
    let combinations = try Combinations(given.map(VariedName.init))
    for name in combinations.names where !words.contains(where: { $0.contains("{\(name.name)}") }) {
      throw ImbrexError(option: "vary", "has the name \(name.name), but '{\(name.name)}' stands nowhere")
    }
    let isAllowed = words.prefix { $0 != "--" }.contains("--yes")
    guard let count = combinations.count, count <= manyCombinations || isAllowed else {
      let count = combinations.count.map { "\($0)" } ?? "too many"
      var error = ImbrexError(.usage, "makes \(count) combinations", remedy: .init("yes"))
      error.option = "vary"
      throw error
    }
    var lines: [ParsedLine] = []
    lines.reserveCapacity(count)
    for index in 0..<count {
      let combination = combinations[index]
      let command: ParsedCommand
      do {
        command = try parse(filled(words, combination, listsValues: index == 0))
      } catch var error as ImbrexError where count > 1 {
        // What is wrong whatever the values is not theirs.
        let other = combinations[index > 0 ? 0 : count - 1]
        if !isAlike(error, { try parse(filled(words, other)) }) { error.message += " (with \(combination.text))" }
        throw error
      }
      // Help, or a version.
      guard case .filter(let line) = command else { return command }
      lines.append(line)
    }
    let line = VariedLine(combinations: (0..<count).map { combinations[$0] }, lines: lines, names: combinations.names)
    try line.check()
    return .varied(line)
  }

  private static func isAlike(_ error: ImbrexError, _ body: () throws -> ParsedCommand) -> Bool {
    do {
      _ = try body()
      return false
    } catch let other {
      return (other as? ImbrexError)?.message == error.message
    }
  }

  private static func values(of option: String, in words: [String]) -> [String] {
    let words = Array(words.prefix { $0 != "--" })
    return words.indices.compactMap { index in
      if words[index] == option { return index + 1 < words.count ? words[index + 1] : "" }
      return words[index].hasPrefix(option + "=") ? String(words[index].dropFirst(option.count + 1)) : nil
    }
  }

  /// Words whose value names a file that is written.
  private static let outputs = ["-o", "--output", "tee", "--overlay", "--name"]

  /// - Parameter listsValues: Whether lists of values stay: ten thousand lines of as many values would take a while to read.
  private static func filled(_ words: [String], _ combination: Combination, listsValues: Bool = false) -> [String] {
    words.indices.map { index in
      let word = words[index], before = index > 0 ? words[index - 1] : ""
      if before == "--vary" { return listsValues ? word : "v=1" }
      if word.hasPrefix("--vary=") { return listsValues ? word : "--vary=v=1" }
      let isPath = outputs.contains { before == $0 || word.hasPrefix($0.count == 2 ? $0 : $0 + "=") }
      return combination.filling(word, isPath: isPath)
    }
  }

  /// Options that each combination can have of its own: of its filters, and of how its result is written.
  private static let own: Set = [
    "output", "format", "quality", "compression", "bit-depth", "background", "provenance", "table", "overlay", "name",
    "vary",
  ]

  /// - Throws: For what is one for all and varies, and names in outputs that do not.
  private func check() throws {
    let first = lines[0]
    for (index, line) in lines.enumerated().dropFirst() {
      if line.shape != first.shape {
        throw ImbrexError(
          .usage,
          "the chain must have as many filters and tees whatever the values, but has not with \(combinations[index].text)"
        )
      }
      for (one, other) in zip(first.options.all, line.options.all)
      where one.1 != other.1 && !Self.own.contains(one.0.name) {
        throw ImbrexError(option: one.0.name, "varies, but must be the same for all combinations")
      }
    }
    if let other = lines.first(where: { $0.inputs != lines[0].inputs }) {
      let input = zip(other.inputs, lines[0].inputs).first { $0 != $1 }?.1 ?? ""
      throw ImbrexError(.usage, "'\(input)' is an input: values of --vary stand in options and outputs")
    }
    for path in lines[0].outputs {
      guard let field = Self.firstField(path) else { continue }
      let known = names.map { "{\($0.name)}" }.joined(separator: ", ")
      throw ImbrexError(.usage, "'\(path)' has '{\(field)}', which does not vary (\(known))")
    }
  }

  /// What stands in the first braces that could be a name's.
  private static func firstField(_ path: String) -> String? {
    for part in path.split(separator: "{").dropFirst() {
      guard let close = part.firstIndex(of: "}") else { continue }
      let field = part[..<close]
      if !field.isEmpty && field.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) { return String(field) }
    }
    return nil
  }
}

extension ParsedLine {
  /// Where there are filters, filters that make tables, and tees.
  fileprivate var shape: [String] {
    stages.map { if case .filter(let definition, _) = $0 { definition.makesTable ? "table" : "filter" } else { "tee" } }
  }

  /// The files that are written.
  fileprivate var outputs: [String] {
    ["output", "overlay", "sheet"].compactMap { options.text($0) }
      + stages.compactMap { if case .tee(let path) = $0 { path } else { nil } }
  }
}
