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
  package static let all = [info, bench]

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
    options: [OptionDefinition("json", .flag, help: "Print one JSON object a file, on a line of its own.")],
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
      CommonOptionList.halo, CommonOptionList.maxMemory,
    ],
    takesFilters: true)
}
