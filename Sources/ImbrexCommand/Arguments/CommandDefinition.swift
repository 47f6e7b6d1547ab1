package import Imbrex

/// A subcommand that is no filter, as data.
package struct CommandDefinition: Sendable {
  package let name: String
  /// An imperative sentence.
  package let abstract: String
  package let usage: String
  package let discussion: String
  /// Whole command lines.
  package let examples: [String]
  /// What its positional arguments are.
  package let inputHelp: String
  package let options: [OptionDefinition]
  /// Whether a filter, or a chain of them, comes after its name.
  package let takesFilters: Bool

  /// The subcommands: the one list of them.
  package static let all = [info, bench, job]

  package init?(named name: String) {
    guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
    self = found
  }

  private init(
    name: String, abstract: String, usage: String, discussion: String, examples: [String], inputHelp: String,
    options: [OptionDefinition], takesFilters: Bool
  ) {
    self.name = name
    self.abstract = abstract
    self.usage = usage
    self.discussion = discussion
    self.examples = examples
    self.inputHelp = inputHelp
    self.options = options
    self.takesFilters = takesFilters
  }

  package static let info = CommandDefinition(
    name: "info",
    abstract: "Tell what a picture's file holds.",
    usage: "imbrex info [options] [INPUT...]",
    discussion: """
      Reads headers only: format, size, samples, colour, compression, layout, pages, profile, orientation, resolution, metadata.
      """,
    examples: ["imbrex info photo.jpg", "imbrex info --json *.tif > files.ndjson"],
    inputHelp: "Pictures, or - for standard input.",
    options: [
      OptionDefinition("json", .flag, help: "Print one JSON object a file, on a line of its own."),
      CommonOptionList.noSandbox,
    ],
    takesFilters: false)

  package static let bench = CommandDefinition(
    name: "bench",
    abstract: "Time a filter serially and in parallel, and check that the results are the same.",
    usage: "imbrex bench FILTER [options] [then FILTER [options]]... INPUT",
    discussion: """
      The filter runs on the picture in memory: first serially (one worker, one tile), then with each worker count. Every parallel \
      result must be byte for byte the serial one, else the status is 1.
      """,
    examples: [
      "imbrex bench gaussian --sigma 2 photo.png",
      "imbrex bench median --radius 5 --jobs 1,2,4 --runs 9 --json scan.tif",
    ],
    inputHelp: "A picture, or - for standard input.",
    options: [
      OptionDefinition(
        "jobs", short: "j",
        .text(allowed: "numbers between 1 and 4096, such as 1,2,4") { OptionText.workerCounts($0) != nil },
        valueName: "list", defaultText: "1, 2, 4 … cores", help: "Worker counts, such as 1,2,4."),
      OptionDefinition(
        "warmup", .integer(0...1000), valueName: "n", default: .integer(1), help: "Untimed runs before."),
      OptionDefinition("runs", .integer(1...10000), valueName: "n", default: .integer(5), help: "Timed runs."),
      OptionDefinition("json", .flag, help: "Print JSON."),
      OptionDefinition("markdown", .flag, help: "Print a Markdown table."),
      OptionDefinition("csv", .flag, help: "Print CSV."),
      OptionDefinition(
        "end-to-end", .flag, help: "Also time decoding, encoding, and all three together from file to file."),
      OptionDefinition(
        "plot", .file, valueName: "file",
        help: "Draw speed-up against workers into this file: .svg, or a picture such as .png."),
      CommonOptionList.tile(isRepeatable: true), CommonOptionList.chunks(isRepeatable: true),
      CommonOptionList.halo, CommonOptionList.maxMemory, CommonOptionList.mask, CommonOptionList.nodata,
      CommonOptionList.noSandbox,
    ],
    takesFilters: true)

  package static let job = CommandDefinition(
    name: "job",
    abstract: "Do a piece of work in tasks, on as many machines as there are.",
    usage: "imbrex job create|run|status|graph|submit [options] JOB/ [-- ...]",
    discussion: """
      create cuts the work of a command line into tasks and writes them down in the directory JOB; run does those that are \
      missing, or one; status tells how far it is; graph prints the tasks for other engines; submit hands them to Slurm or dask. \
      Any number of machines that see the files may run tasks, in any order that the graph allows. The result is byte for byte \
      that of the command line on one machine.
      """,
    examples: [
      "imbrex job create edges.job --parts 64 -- gaussian --sigma 2 then edge big.tif -o edges.tif",
      "imbrex job run edges.job",
    ],
    inputHelp: "What to do, and the job's directory.",
    options: [
      OptionDefinition(
        "parts", .integer(1...1_000_000), valueName: "n", help: "create: about how many parts the work is cut into."),
      OptionDefinition(
        "tiled-copy", .flag,
        help: "create: make tiled TIFFs of pictures that can only be read from the top (PNG, JPEG) first."),
      OptionDefinition(
        "task", .text(allowed: "the name of a task") { !$0.isEmpty }, valueName: "name",
        help: "run: only this task. Without it, in an array job of an engine, the one with the array's index."),
      OptionDefinition(
        "first", .integer(0...Int.max), valueName: "n",
        help: "run: the number of the task that the index 0 of an array job means."),
      OptionDefinition("json", .flag, help: "status, graph: print JSON."),
      OptionDefinition("dot", .flag, help: "graph: print a picture's description for Graphviz."),
      OptionDefinition("make", .flag, help: "graph: print a makefile."),
      OptionDefinition(
        "engine", .choice(["slurm", "dask"]), valueName: "engine", help: "submit: who runs the tasks."),
      OptionDefinition("go", .flag, help: "submit: do it, instead of printing what would be done."),
      OptionDefinition("wait", .flag, help: "submit --go: follow until all is done."),
      CommonOptionList.noSandbox,
    ],
    takesFilters: false)
}
