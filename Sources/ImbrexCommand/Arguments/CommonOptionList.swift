package import Imbrex

/// Options under a title of the help.
package struct OptionSection: Sendable {
  package let title: String
  package let options: [OptionDefinition]
}

/// The options that all filters share: the one list of them.
package enum CommonOptionList {
  /// As help and the manual show them.
  package static let sections = [files, tables, sweeps, batch, tiling, reporting]
  package static let all = sections.flatMap(\.options)
  /// What only tables have: of use where the last stage of a chain makes one.
  package static let tableOptions = tables.options

  private static let files = OptionSection(
    title: "Files",
    options: [
      OptionDefinition(
        "output", short: "o", .file, valueName: "output", changesResult: false,
        help: "Output: a file, a directory (ending in /), or - for standard output."),
      OptionDefinition(
        "format", short: "f", .choice(ImageFormat.all.map(\.name), synonyms: formatSynonyms), valueName: "name",
        defaultText: "by the output's extension, else as the input", help: "Output format."),
      OptionDefinition(
        "quality", .integer(1...100), valueName: "q", defaultText: "as the input, else 90", help: "JPEG quality."),
      OptionDefinition(
        "compression", .text(allowed: OptionText.compressionAllowed) { OptionText.compression($0) != nil },
        valueName: "method:level", defaultText: "as the input, balanced",
        suggestions: ["fast", "balanced", "small"] + TIFFCompression.allCases.map(\.rawValue),
        help: "A TIFF's compression, and its level: \(listed(TIFFCompression.allCases.map(\.rawValue), "or")); "
          + "fast, balanced, small, or a level 0 … 9 of deflate, 1 … 22 of zstd."),
      OptionDefinition(
        "tiles", .text(allowed: OptionText.cutAllowed) { OptionText.cut($0) != nil }, valueName: "hxw",
        unit: "pixels", defaultText: "as the input", suggestions: ["strips", "256x256", "512x512"],
        help: "Cut a TIFF into tiles of H×W pixels, multiples of 16, or into strips."),
      OptionDefinition(
        "levels", .text(allowed: OptionText.levelsAllowed) { OptionText.levels($0) != nil }, valueName: "n",
        defaultText: "keep", suggestions: ["keep", "drop"],
        help: "Reduced versions in a TIFF: keep (made anew from the result), drop, or make N of them."),
      OptionDefinition(
        "bit-depth", .choice(["8", "16", "32f"]), valueName: "bits", defaultText: "as the input",
        help: "Bits of the samples to write."),
      OptionDefinition(
        "background",
        .text(allowed: "white, black, gray, #rrggbb or R,G,B with 0 … 255") { OptionText.color($0) != nil },
        valueName: "color", defaultText: "white", suggestions: ["white", "black", "gray"],
        help: "What alpha is put over where the output cannot hold it: white, black, gray, #rrggbb or R,G,B."),
      OptionDefinition("auto-orient", .flag, help: "Turn the picture upright instead of keeping its orientation."),
      OptionDefinition(
        "strip", .flag,
        help: "Write no metadata: profile, Exif, XMP, text, resolution; a turned picture is turned upright."),
      OptionDefinition(
        "provenance", .flag, help: "Write into the picture what made it: version and filters, with their options."),
      OptionDefinition(
        "page",
        .text(allowed: "a page from 1, a range such as 2-5, or places in a stack such as c=1,z=3-9") {
          PageSelection($0) != nil
        }, valueName: "n", defaultText: "all",
        help: "Pages of a TIFF, an array or a stream, from 1: N, N-M, or in a stack by z, c and t: c=1,z=3-9."),
      mask, nodata,
      OptionDefinition(
        "region",
        .text(allowed: "a width, a height and a place, such as 640x480+100+50") { OptionText.region($0) != nil },
        valueName: "wxh+x+y", defaultText: "all", help: "Only this part of the result."),
      OptionDefinition(
        "allow-truncated", .flag, help: "Keep what can be read of damaged and cut-short inputs."),
      OptionDefinition(
        "max-pixels", .integer(1...Int.max), valueName: "n", default: .integer(1_000_000_000),
        suggestions: ["2000000000"], changesResult: false,
        help: "Refuse pictures that claim more pixels."),
    ])

  /// Extensions stand for their formats, in any case.
  private static let formatSynonyms: [String: String] = {
    var synonyms: [String: String] = [:]
    for format in ImageFormat.all {
      for word in [format.name] + format.extensions {
        if word != format.name { synonyms[word] = format.name }
        synonyms[word.uppercased()] = format.name
      }
    }
    return synonyms
  }()

  private static let tables = OptionSection(
    title: "Tables",
    options: [
      OptionDefinition(
        "table", .choice(["csv", "tsv", "json", "ndjson"]), valueName: "name",
        defaultText: "by the output's extension, else csv", help: "Format of the table."),
      OptionDefinition(
        "overlay", .file, valueName: "file", help: "Also draw what is in the table on the picture, into this file."),
    ])

  private static let sweeps = OptionSection(
    title: "Sweeps",
    options: [
      OptionDefinition(
        "vary", .text(allowed: VariedName.allowed) { (try? VariedName($0)) != nil }, valueName: "name=values",
        isRepeatable: true, changesResult: false,
        help:
          "Run once for each value: NAME=V,V,… or NAME=FIRST:LAST:STEP; {NAME} stands for it in options and outputs."),
      OptionDefinition(
        "sheet", .file, valueName: "file", changesResult: false,
        help: "Also draw all results of --vary, small and labelled, on one picture."),
      OptionDefinition(
        "sheet-region",
        .text(allowed: "a width, a height and a place, such as 200x150+100+50") {
          OptionText.region($0) != nil
        }, valueName: "wxh+x+y", changesResult: false,
        help: "Of each result, show this part at full size on the sheet."),
      OptionDefinition(
        "sheet-size", .text(allowed: "a width and a height, such as 3840x2160") { OptionText.extent($0) != nil },
        valueName: "wxh", unit: "pixels", defaultText: "1920x1080", suggestions: ["3840x2160"], changesResult: false,
        help: "The sheet is no larger than this."),
      OptionDefinition(
        "truth", .file, valueName: "file", changesResult: false,
        help: "Print precision, recall and F1 against a picture, or a table, of what is right; best first."),
      OptionDefinition(
        "tolerance", .number(0...1000), valueName: "n", unit: "pixels", defaultText: "by the picture's size",
        changesResult: false, help: "How far from the truth an edge pixel or a blob's centre may lie."),
      OptionDefinition("yes", .flag, changesResult: false, help: "Take more than 10,000 combinations."),
    ])

  private static let batch = OptionSection(
    title: "Batch",
    options: [
      OptionDefinition(
        "recursive", short: "r", .flag, changesResult: false, help: "Descend into the directories of directories."),
      OptionDefinition(
        "include", pattern, valueName: "glob", isRepeatable: true, changesResult: false,
        help: "Of directories, only files that match."),
      OptionDefinition(
        "exclude", pattern, valueName: "glob", isRepeatable: true, changesResult: false,
        help: "Of directories, no files or directories that match."),
      OptionDefinition(
        "files-from", .file, valueName: "file", changesResult: false,
        help: "Read inputs from a file, one a line, or - for standard input."),
      OptionDefinition(
        "null", short: "0", .flag, changesResult: false, help: "The names in --files-from are ended by NUL."),
      OptionDefinition(
        "base", .file, valueName: "dir", changesResult: false,
        help: "Keep the inputs' paths below this directory in the directory of outputs."),
      OptionDefinition(
        "name", .text(allowed: "a template such as {stem}-blur.{ext}") { !$0.isEmpty }, valueName: "template",
        defaultText: "{stem}.{ext}", changesResult: false,
        help:
          "Name outputs in a directory: {stem}, {ext}, {name}, {dir}, {page}, {z}, {c}, {t}, {filter}, and options such as {sigma}."
      ),
      OptionDefinition(
        "in-place", .optionalText(allowed: "a suffix without a slash") { !$0.isEmpty && !$0.utf8.contains(0x2F) },
        valueName: "suffix", changesResult: false,
        help: "Write each result over its input; with a suffix, keep what was there under the name with it added."),
      OptionDefinition(
        "sync", .flag, changesResult: false,
        help: "Have each output on the disk before its name leads to it, as --in-place does anyway."),
      OptionDefinition("no-clobber", short: "n", .flag, changesResult: false, help: "Leave existing outputs alone."),
      OptionDefinition(
        "incremental", .flag, changesResult: false,
        help: "Do only what has changed since the last run: inputs' content, options, version."),
      OptionDefinition(
        "shard", .text(allowed: "K/N, the part of how many, such as 2/8") { Shard($0) != nil }, valueName: "k/n",
        changesResult: false, help: "Only the K-th of N parts of the inputs, which together are all of them."),
      OptionDefinition("dry-run", .flag, changesResult: false, help: "List what would be done, and do nothing."),
      OptionDefinition("fail-fast", .flag, changesResult: false, help: "Stop at the first file that fails."),
    ])

  private static let pattern = OptionDefinition.Kind.text(allowed: "a pattern such as *.tif") { !$0.isEmpty }

  private static let tiling = OptionSection(
    title: "Tiling",
    options: [
      OptionDefinition(
        "jobs", short: "j", .integer(0...4096), valueName: "n", defaultText: "IMBREX_JOBS, else 0",
        changesResult: false,
        help: "Workers; 0: as many as cores that this process may use."),
      OptionDefinition("serial", .flag, changesResult: false, help: "One worker and no tiling: the reference run."),
      chunks(isRepeatable: false), tile(isRepeatable: false), halo, maxMemory,
    ])

  private static let reporting = OptionSection(
    title: "Reporting",
    options: [
      OptionDefinition(
        "explain", .flag, changesResult: false,
        help: "Print the plan (workers, grid, halo, memory, kernels, outputs) and do nothing."),
      OptionDefinition(
        "json", .flag, changesResult: false,
        help: "With --explain: print one JSON object a file, on a line of its own; with --truth: the scores."
      ),
      OptionDefinition(
        "report", .file, valueName: "file", changesResult: false,
        help:
          "Write a line of JSON on the run and one on each file when it is done: status, error, warnings, size, seconds."
      ),
      OptionDefinition(
        "progress", .choice(["auto", "always", "never"]), valueName: "when", default: .choice("auto"),
        changesResult: false, help: "Show progress on standard error; auto: on a terminal."),
      noSandbox,
      OptionDefinition("quiet", short: "q", .flag, changesResult: false, help: "Report errors only."),
      OptionDefinition(
        "verbose", short: "v", .flag, changesResult: false,
        help: "Also report what was chosen, and the time in each stage."),
    ])
}

// MARK: - Options that other commands have too

extension CommonOptionList {
  static let mask = OptionDefinition(
    "mask", .file, valueName: "file",
    help: "Only pixels count where this picture, which is as large, is not zero.")

  static let nodata = OptionDefinition(
    "nodata", .text(allowed: "a number, nan or none") { OptionText.nodata($0) != nil }, valueName: "value",
    defaultText: "what the file says", suggestions: ["nan", "none"],
    help: "The sample that stands for no data and does not count: a number in the file's units, nan or none.")

  static func chunks(isRepeatable: Bool) -> OptionDefinition {
    OptionDefinition(
      "chunks", .size, valueName: "rxc", defaultText: isRepeatable ? nil : "by cores and cache",
      isRepeatable: isRepeatable, changesResult: false,
      help: isRepeatable ? "A tile grid of R rows of C tiles; each is timed." : "Tile grid of R rows of C tiles.")
  }

  static func tile(isRepeatable: Bool) -> OptionDefinition {
    OptionDefinition(
      "tile", .size, valueName: "hxw", unit: "pixels", defaultText: isRepeatable ? "by cores and cache" : nil,
      isRepeatable: isRepeatable, changesResult: false,
      help: isRepeatable ? "Tiles of H×W pixels; each is timed." : "Tiles of H×W pixels instead.")
  }

  static let halo = OptionDefinition(
    "halo", .text(allowed: "a number of pixels, or two of them as NY,NX") { OptionText.halo($0) != nil },
    valueName: "n", unit: "pixels", defaultText: "what the filter needs", changesResult: false,
    help: "Ghost cells around every tile: N or NY,NX.")

  static let noSandbox = OptionDefinition(
    "no-sandbox", .flag, changesResult: false,
    help: "Keep all rights of the user while pictures are read: see SECURITY in imbrex(1).")

  static let maxMemory = OptionDefinition(
    "max-memory", .text(allowed: "a size such as 512M or 2G") { OptionText.byteCount($0) != nil }, valueName: "size",
    unit: "bytes", defaultText: "a quarter of RAM", changesResult: false,
    help: "Memory that the run may hold at once: 512M, 2G.")
}
