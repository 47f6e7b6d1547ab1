import Imbrex

/// The texts of `-h` and `--help`, made from the lists of filters, commands and options.
package struct HelpText {
  private let columns: Int
  private var lines: [String] = []

  /// Where descriptions begin.
  private static let indent = 26
  private static let helpOptions = [
    OptionDefinition(
      "version", .flag, help: "Show the version; with -v also kernels and libraries, with --json all as JSON."),
    OptionDefinition("help", short: "h", .flag, help: "Show all of the help; -h: the shorter one."),
  ]

  /// The help for a topic, with a line break at its end.
  ///
  /// - Parameters:
  ///   - isShort: For a filter: what it does, examples and its own options only.
  ///   - columns: The width to fit; that of ``terminalColumns`` where nothing is said.
  package static func text(
    for topic: HelpTopic, isShort: Bool = false, columns: Int = HelpText.terminalColumns
  ) -> String {
    var help = HelpText(columns: columns)
    switch topic {
    case .root: help.addRoot()
    case .filter(let filter, let parts): help.add(filter, parts, isShort: isShort)
    case .command(let command): help.add(command)
    case .commandOfFilter(let command, let filter): help.add(command, of: filter)
    case .chain: help.addChain()
    }
    return help.lines.joined(separator: "\n") + "\n"
  }

  /// `COLUMNS` where it is set, else 80.
  package static var terminalColumns: Int {
    guard let text = environment("COLUMNS"), let columns = wholeNumber(text) else { return 80 }
    return min(max(columns, 40), 400)
  }

  private init(columns: Int) { self.columns = columns }
}

// MARK: - Topics

extension HelpText {
  private mutating func addRoot() {
    lines.append("Filter pictures in overlapping tiles on every core.")
    addUsage(["imbrex FILTER [options] [then FILTER [options]]... [INPUT...] [-o OUTPUT]"])
    addExamples([
      "imbrex gaussian --sigma 2 in.png -o out.png",
      "imbrex gaussian --sigma 2 then sobel scan.tif -o edges.tif",
      "imbrex edge < photo.jpg > edges.png",
      "imbrex blob-detect --max-sigma 20 cells.tif > cells.csv",
      "imbrex gaussian photos/*.jpg -o blurred/",
      "imbrex bench gaussian --sigma 2 photo.png",
    ])
    add(title: "Filters")
    for filter in FilterDefinition.all { addEntry(filter.name, filter.abstract) }
    add(title: "In a chain, after a filter")
    addStages()
    add(title: "Other commands")
    for command in CommandDefinition.all { addEntry(command.name, command.abstract) }
    addEntry("help FILTER", "Show the help of a filter or a command.")
    add(title: "Options")
    addOptions(Self.helpOptions)
    addEntry("--generate-completion-script <shell>", "Print completions for bash, zsh or fish.")
    add(title: "Exit status")
    addParagraph(
      "0 all done; 1 an input could not be read or an output not written; 2 usage; 128 + n ended by signal n.",
      indent: 2)
    lines.append("")
    addParagraph("All options of a filter: imbrex FILTER --help. The manual: man imbrex.")
  }

  private mutating func addStages() {
    addEntry("then FILTER", "Filter what the filter before has made; the options of each stand behind its name.")
    addEntry("then tee FILE", "Write the picture as it is there, and pass it on.")
  }

  private mutating func addChain() {
    let makers = FilterDefinition.all.filter(\.makesTable).map(\.name)
    addOverview(
      "Filter in several stages.",
      "Each filter works on what the one before it would have written, so the result is that of the filters run one after "
        + "another; but the picture is decoded once and encoded once, and all stages work at the same time. Inputs and the "
        + "options that all filters share may stand in any stage. \(listed(makers)) can only be the last filter.")
    addUsage([
      "imbrex FILTER [options] [then FILTER [options]]... [INPUT...] [-o OUTPUT]",
      "imbrex FILTER [options] then tee FILE [then ...] [INPUT...] [-o OUTPUT]",
    ])
    addExamples([
      "imbrex gaussian --sigma 2 then sobel scan.tif -o edges.tif",
      "imbrex gaussian --sigma 2 then tee smooth.tif then edge in.tif -o edges.png",
      "imbrex median then tee clean/ then blob-detect cells/ -o tables/",
    ])
    add(title: "Stages")
    addStages()
    addEntry(
      "FILE",
      "A file named as a picture, a directory (ending in /), or - for standard output if nothing else goes there.")
    add(title: "Filters")
    for filter in FilterDefinition.all { addEntry(filter.name, filter.abstract) }
    lines.append("")
    addParagraph("With a filter's own options: imbrex FILTER --help.")
  }

  private mutating func add(_ filter: FilterDefinition, _ parts: [FilterDefinition.Part], isShort: Bool) {
    addOverview(filter.abstract, filter.discussion)
    let output = filter.makesTable ? "[-o TABLE] [--overlay PICTURE]" : "[-o OUTPUT]"
    let then = filter.makesTable ? "" : " [then FILTER [options]]..."
    addUsage(["imbrex \(filter.name) [options]\(then) [INPUT...] \(output)"])
    addExamples(filter.examples)
    add(title: "Options of \(filter.name)")
    addOptions(filter.options)
    for part in parts {
      add(title: part.title, isName: true)
      addParagraph(part.abstract, indent: 2)
      for option in part.options { addEntry("--set \(option.name)=<\(option.valueName)>", Self.help(option)) }
    }
    guard !isShort else {
      lines.append("")
      addParagraph("Outputs, batches, tiling and all else: imbrex \(filter.name) --help, or man imbrex-\(filter.name).")
      return
    }
    add(title: "Arguments")
    addEntry("INPUT", "Pictures, directories of them, or - for standard input.")
    for section in CommonOptionList.sections {
      let isOfTables = section.options.first?.name == CommonOptionList.tableOptions[0].name
      guard filter.makesTable || !isOfTables else { continue }
      add(title: section.title)
      // One of the filter's own takes the place of one that filters share.
      addOptions(section.options.filter { option in !filter.options.contains { $0.name == option.name } })
    }
    add(title: "Help")
    addOptions(Self.helpOptions)
  }

  private mutating func add(_ command: CommandDefinition) {
    addOverview(command.abstract, command.discussion)
    addUsage([command.usage])
    addExamples(command.examples)
    if command.takesFilters {
      add(title: "Filters")
      for filter in FilterDefinition.all { addEntry(filter.name, filter.abstract) }
    }
    addRest(of: command)
    if command.takesFilters {
      lines.append("")
      addParagraph("With a filter's own options: imbrex \(command.name) FILTER --help.")
    }
  }

  private mutating func add(_ command: CommandDefinition, of filter: FilterDefinition) {
    addOverview(command.abstract, command.discussion)
    addUsage(["imbrex \(command.name) \(filter.name) [options] [then FILTER [options]]... INPUT"])
    add(title: "Options of \(filter.name)")
    addOptions(filter.options)
    addRest(of: command)
  }

  private mutating func addRest(of command: CommandDefinition) {
    add(title: "Arguments")
    addEntry("INPUT", command.inputHelp)
    add(title: "Options")
    addOptions(command.options + Self.helpOptions)
  }
}

// MARK: - Options

extension HelpText {
  /// What an option takes and what stands where it is not given, for the end of its help: "0 … 100; default: 4".
  static func note(_ option: OptionDefinition) -> String {
    var parts: [String] = []
    switch option.kind {
    case .integer(let range):
      if range == .min ... .max { break }
      parts.append(
        range.upperBound == .max ? "at least \(range.lowerBound)" : "\(range.lowerBound) … \(range.upperBound)")
    case .number(let range), .axes(let range):
      if range.upperBound < 1e300 { parts.append("\(shortest(range.lowerBound)) … \(shortest(range.upperBound))") }
    case .choice(let words, _), .axisChoice(let words, _): parts.append(listed(words, "or"))
    default: break
    }
    if option.isRepeatable { parts.append("may be given again") }
    if case .flag = option.kind {
    } else if let text = option.defaultText ?? option.defaultValue?.description {
      parts.append("default: \(text)")
    }
    return parts.joined(separator: "; ")
  }

  /// An option's help with its note behind it.
  static func help(_ option: OptionDefinition) -> String {
    let note = note(option)
    return note.isEmpty ? option.help : "\(option.help) (\(note))"
  }

  /// `-o, --output <output>`
  static func label(_ option: OptionDefinition) -> String {
    let value =
      switch option.kind {
      case .flag: ""
      case .optionalText: "[=<\(option.valueName)>]"
      default: " <\(option.valueName)>"
      }
    return (option.short.map { "-\($0), " } ?? "") + "--\(option.name)\(value)"
  }

  private mutating func addOptions(_ options: [OptionDefinition]) {
    for option in options { addEntry(Self.label(option), Self.help(option)) }
  }
}

// MARK: - Lines

extension HelpText {
  private mutating func addOverview(_ abstract: String, _ discussion: String) {
    addParagraph(abstract)
    lines.append("")
    addParagraph(discussion)
  }

  private mutating func addUsage(_ usages: [String]) {
    add(title: "Usage")
    for usage in usages { addParagraph(usage, indent: 2, hanging: 2) }
  }

  private mutating func addExamples(_ examples: [String]) {
    add(title: "Examples")
    lines += examples.map { "  " + $0 }
  }

  /// - Parameter isName: Whether it is to be read as it is written.
  private mutating func add(title: String, isName: Bool = false) { lines += ["", isName ? title : title.uppercased()] }

  /// A label, and beside it, or below where it is long, its text.
  private mutating func addEntry(_ label: String, _ text: String) {
    let start = "  " + label
    var wrapped = Self.wrapped(text, columns: columns - Self.indent)
    if start.count + 2 > Self.indent {
      lines.append(start)
    } else {
      let first = wrapped.isEmpty ? "" : wrapped.removeFirst()
      lines.append(start + String(repeating: " ", count: Self.indent - start.count) + first)
    }
    lines += wrapped.map { String(repeating: " ", count: Self.indent) + $0 }
  }

  private mutating func addParagraph(_ text: String, indent: Int = 0, hanging: Int = 0) {
    let wrapped = Self.wrapped(text, columns: columns - indent - hanging)
    for (index, line) in wrapped.enumerated() {
      lines.append(String(repeating: " ", count: index == 0 ? indent : indent + hanging) + line)
    }
  }

  private static func wrapped(_ text: String, columns: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= columns {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}
