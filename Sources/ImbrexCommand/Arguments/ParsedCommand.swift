package import Imbrex

/// What a command line asks for.
package enum ParsedCommand: Sendable {
  /// A filter, or a chain of them.
  case filter(ParsedLine)
  /// The same with several combinations of options.
  case varied(VariedLine)
  /// `bench`, with exactly one input.
  case bench(ParsedLine)
  /// `info`, without stages.
  case info(ParsedLine)
  /// `job`, with what stands behind `--`.
  case job(ParsedLine, rest: [String])
  case help(HelpTopic, isShort: Bool)
  /// - Parameters:
  ///   - isVerbose: The kernels and libraries too.
  ///   - isJSON: All of it, for programs.
  case version(isVerbose: Bool, isJSON: Bool)
  case completionScript(Shell)
  /// The hidden `--dump-definitions`.
  case definitions
}

/// What a command works on: stages, inputs and the options that are no stage's own.
package struct ParsedLine: Sendable {
  /// In the order of the command line; the first is a filter.
  package var stages: [ParsedStage] = []
  /// As they were given: files, directories or `-`.
  package var inputs: [String] = []
  /// Of ``CommonOptionList/all``, or of the command's own list.
  package var options: OptionValues
}

/// One stage of a chain.
package enum ParsedStage: Sendable {
  case filter(FilterDefinition, OptionValues)
  /// Writes the picture as it is at that point, and passes it on.
  case tee(path: String)
}

/// What help is asked for.
package enum HelpTopic: Sendable {
  case root
  /// - Parameter parts: What the line's options bring along.
  case filter(FilterDefinition, parts: [FilterDefinition.Part] = [])
  case command(CommandDefinition)
  /// A command that takes filters, with one: `bench gaussian`.
  case commandOfFilter(CommandDefinition, FilterDefinition)
  /// `then` and `tee`.
  case chain
}

/// A shell that there is a completion script for.
package enum Shell: String, CaseIterable, Sendable {
  case bash, zsh, fish
}
