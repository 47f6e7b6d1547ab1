import ArgumentParser
import Imbrex

/// Which files, and what becomes of each: shared by all filters.
struct BatchOptionGroup: ParsableArguments {
  @Flag(name: [.short, .long], help: "Descend into the directories of directories.")
  var recursive = false

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Of directories, only files that match; may be given again.", valueName: "glob"))
  var include: [String] = []

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Of directories, no files or directories that match; may be given again.", valueName: "glob"))
  var exclude: [String] = []

  @Option(help: ArgumentHelp("Read inputs from a file, one a line, or - for standard input.", valueName: "file"))
  var filesFrom: String?

  @Flag(name: [.customShort("0"), .customLong("null")], help: "The names in --files-from are ended by NUL.")
  var isNulSeparated = false

  @Option(
    help: ArgumentHelp(
      "Name outputs in a directory: {stem}, {ext}, {name}, {filter}. (default: {stem}.{ext})", valueName: "template"))
  var name: String?

  @Flag(
    help: ArgumentHelp(
      "Write each result over its input; --in-place=SUFFIX keeps what was there under the name with SUFFIX added."))
  var inPlace = false

  /// What `--in-place=SUFFIX` becomes.
  @Option(parsing: .unconditional, help: .private)
  var inPlaceBackup: String?

  @Flag(name: [.customShort("n"), .customLong("no-clobber")], help: "Leave existing outputs alone.")
  var noClobber = false

  @Flag(help: "Do only what has changed since the last run: inputs' content, options, version.")
  var incremental = false

  @Flag(help: "List what would be done, and do nothing.")
  var dryRun = false

  @Flag(help: "Stop at the first file that fails.")
  var failFast = false

  @Option(
    help: ArgumentHelp("Write one JSON object a file: input, output, status, error, size, seconds.", valueName: "file"),
    completion: .file())
  var report: String?

  enum ProgressArgument: String, ExpressibleByArgument, CaseIterable { case auto, always, never }

  @Option(
    help: ArgumentHelp(
      "Show progress on standard error: auto (on a terminal), always or never.", valueName: "when"))
  var progress: ProgressArgument = .auto

  func selection(output: String?) -> InputSelection {
    var selection = InputSelection()
    selection.isRecursive = recursive
    selection.includes = include
    selection.excludes = exclude
    selection.excludedDirectory = output
    return selection
  }

  func validate() throws {
    if isNulSeparated && filesFrom == nil { throw ImbrexError(.usage, "-0 goes with --files-from") }
    if inPlace && incremental {
      throw ImbrexError(.usage, "--incremental does not go with --in-place: an input that is written over has changed")
    }
    if inPlace && name != nil { throw ImbrexError(.usage, "--name does not go with --in-place") }
    if inPlace && noClobber { throw ImbrexError(.usage, "--no-clobber does not go with --in-place") }
    if let suffix = inPlaceBackup {
      try check(!suffix.isEmpty && !suffix.contains("/"), "--in-place", "'\(suffix)'", "a suffix without a slash")
    }
  }
}

/// Makes `--in-place=SUFFIX` two arguments: the parser knows flags and options, but no flag that may have a value.
func splitInPlace(_ arguments: [String]) -> [String] {
  var result: [String] = []
  var isOption = true
  for argument in arguments {
    if argument == "--" { isOption = false }
    if isOption, argument.hasPrefix("--in-place=") {
      result += ["--in-place", "--in-place-backup", String(argument.dropFirst("--in-place=".count))]
    } else {
      result.append(argument)
    }
  }
  return result
}
