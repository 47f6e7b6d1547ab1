import Imbrex

/// The command `imbrex`.
@main
enum ImbrexCommand {
  static func main() {
    PluginWorker.serveIfAsked()
    removeUnfinishedOutputsOnSignals()
    do {
      try checkKernelChoice()
      let arguments = rawArguments()
      PluginWorker.setConfined(!arguments.contains("--no-sandbox"))
      try run(CommandLineParser.parse(arguments))
      Messages.end()
    } catch {
      Messages.exit(with: error)
    }
  }

  private static func run(_ command: ParsedCommand) throws {
    switch command {
    case .filter(let line): try FilterRun(line).run()
    case .varied(let line): try VariedRun(line).run()
    case .bench(let line): try BenchCommand(line).run()
    case .job(let line, let rest): try JobCommand(line, rest: rest).run()
    case .info(let line): try InfoCommand(line).run()
    case .help(let topic, let isShort): print(HelpText.text(for: topic, isShort: isShort), terminator: "")
    case .version(let isVerbose, let isJSON):
      print(isJSON ? "\(VersionText.json)" : VersionText.text(isVerbose: isVerbose))
    case .completionScript(let shell): print(CompletionScripts.script(for: shell), terminator: "")
    case .definitions: print(DefinitionDump.text)
    }
  }

  /// The arguments as they were given: Swift's own have lost the bytes of names that are not UTF-8.
  private static func rawArguments() -> [String] {
    commandLineArguments()
  }

  private static func checkKernelChoice() throws {
    guard let name = environment("IMBREX_CPU"), !kernelBuildNames.contains(name) else { return }
    throw ImbrexError(
      .usage, "IMBREX_CPU is '\(name)', but must be \(listed(kernelBuildNames, "or")): what this machine runs")
  }
}
