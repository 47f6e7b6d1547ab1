import ArgumentParser
import Imbrex

/// The command `imbrex`.
@main
struct ImbrexCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "imbrex",
    abstract: "Filter pictures in overlapping tiles on every core.",
    usage: "imbrex FILTER [options] [INPUT...] [-o OUTPUT]",
    discussion: """
      EXAMPLES
        imbrex gaussian --sigma 2 in.png -o out.png
        imbrex median --radius 2 scan.tif -o clean.tif
        imbrex edge photo.jpg -o edges.png
        imbrex blob-detect --max-sigma 20 cells.tif > cells.csv
        imbrex gaussian photos/*.jpg -o blurred/
        imbrex bench gaussian --sigma 2 photo.png

      EXIT STATUS
        0 all done; 1 an input could not be read or an output not written; 2 usage; 128 + n ended by signal n.
      """,
    version: Imbrex.version,
    subcommands: filterCommands + [InfoCommand.self, BenchCommand.self])

  /// The filters: the one list of them.
  static let filterCommands: [any ParsableCommand.Type] = [
    FilterCommand<GaussianOptions>.self, FilterCommand<SobelOptions>.self, FilterCommand<MedianOptions>.self,
    FilterCommand<EdgeOptions>.self, BlobDetectCommand.self,
  ]

  static func main() {
    removeUnfinishedOutputsOnSignals()
    let arguments = splitInPlace(rawArguments())
    do {
      if arguments.contains("--version") && (arguments.contains("-v") || arguments.contains("--verbose")) {
        print(
          "imbrex \(Imbrex.version)\nkernels: \(kernelBuildName) (this machine runs \(kernelBuildNames.joined(separator: ", ")))"
        )
        return
      }
      try checkKernelChoice()
      if let text = shortHelp(arguments) { return print(text, terminator: "") }
      if var command = parseFilter(arguments) { return try command.run() }
      try checkSubcommand(arguments.first)
      var command = try parseAsRoot(arguments)
      try command.run()
    } catch {
      Messages.exit(with: error, of: named(arguments))
    }
  }

  /// The command that the first words name, to ask for its help.
  private static func named(_ arguments: [String]) -> any ParsableCommand.Type {
    var command: any ParsableCommand.Type = ImbrexCommand.self
    for word in arguments.prefix(2) {
      guard let next = command.configuration.subcommands.first(where: { $0.configuration.commandName == word }) else {
        break
      }
      command = next
    }
    return command
  }

  private static func shortHelp(_ arguments: [String]) -> String? {
    guard arguments.prefix(while: { $0 != "--" }).contains("-h"),
      let command = filterCommands.first(where: { $0.configuration.commandName == arguments.first })
    else { return nil }
    return Help.short(command)
  }

  /// The arguments as they were given: Swift's own have lost the bytes of names that are not UTF-8.
  private static func rawArguments() -> [String] {
    (1..<max(Int(CommandLine.argc), 1)).map { PathText.text(CommandLine.unsafeArgv[$0]!) }
  }

  /// Parses a filter's arguments by themselves: setting up the parser for all commands takes a millisecond or two, which a
  /// shell loop pays for every picture. Nil for anything else, such as a request for help or a mistake, which the whole
  /// parser then explains.
  private static func parseFilter(_ arguments: [String]) -> (any ParsableCommand)? {
    guard let command = filterCommands.first(where: { $0.configuration.commandName == arguments.first }) else {
      return nil
    }
    return try? command.parseAsRoot(Array(arguments.dropFirst()))
  }

  /// Names the nearest subcommand where the first word is none.
  private static func checkSubcommand(_ word: String?) throws {
    guard let word, !word.hasPrefix("-") else { return }
    let names = configuration.subcommands.compactMap { $0.configuration.commandName } + ["help"]
    guard !names.contains(word) else { return }
    let near = nearestName(to: word, in: names).map { "; did you mean '\($0)'?" } ?? ""
    throw ImbrexError(.usage, "unknown filter '\(word)'\(near) (\(names.joined(separator: ", ")))")
  }

  private static func checkKernelChoice() throws {
    guard let name = environment("IMBREX_CPU"), !kernelBuildNames.contains(name) else { return }
    throw ImbrexError(
      .usage, "IMBREX_CPU is '\(name)', but this machine runs: \(kernelBuildNames.joined(separator: ", "))")
  }
}
