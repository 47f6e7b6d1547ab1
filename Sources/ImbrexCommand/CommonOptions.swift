import ArgumentParser
import Imbrex

/// How to tile, shared by all filters and their benchmarks.
struct TilingOptionGroup: ParsableArguments {
  @Flag(help: "One worker and no tiling: the reference run.")
  var serial = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Tile grid of R rows of C tiles. (default: by cores and cache)", valueName: "rxc"))
  var chunks: PairArgument?

  @Option(parsing: .unconditional, help: ArgumentHelp("Tiles of H×W pixels instead.", valueName: "hxw"))
  var tile: PairArgument?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Ghost cells around every tile: N or NY,NX. (default: what the filter needs)", valueName: "n"))
  var halo: HaloArgument?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Memory that the run may hold at once: 512M, 2G. (default: a quarter of RAM)", valueName: "size"))
  var maxMemory: MemoryArgument?

  /// - Parameter jobs: Workers, or 0 for one a core.
  func options(jobs: Int) throws -> TilingOptions {
    if chunks != nil && tile != nil { throw ImbrexError(.usage, "--chunks and --tile exclude each other") }
    if serial && (chunks != nil || tile != nil) {
      throw ImbrexError(.usage, "--serial does not go with \(chunks != nil ? "--chunks" : "--tile")")
    }
    var options = TilingOptions(
      jobs: serial ? 1 : jobs == 0 ? availableCores() : jobs,
      maxMemory: maxMemory?.byteCount ?? TilingOptions.defaultMaxMemory)
    options.isSerial = serial
    options.chunks = chunks.map { TilingOptions.Grid(rows: $0.first, columns: $0.second) }
    options.tile = tile.map { (height: $0.first, width: $0.second) }
    options.haloY = halo?.y
    options.haloX = halo?.x
    return options
  }
}

/// How many workers: `--jobs`, else `IMBREX_JOBS`, else one a core.
struct JobsOptionGroup: ParsableArguments {
  @Option(
    name: [.customShort("j", allowingJoined: true), .long], parsing: .unconditional,
    help: ArgumentHelp(
      "Workers; 0: as many as cores that this process may use. Also IMBREX_JOBS.", valueName: "n"))
  var jobs: Int?

  func count() throws -> Int {
    if let jobs {
      try check((0...4096).contains(jobs), "--jobs", jobs, "between 0 and 4096")
      return jobs
    }
    guard let text = environment("IMBREX_JOBS") else { return 0 }
    guard let jobs = Int(text), (0...4096).contains(jobs) else {
      throw ImbrexError(.usage, "IMBREX_JOBS is '\(text)', but must be a number between 0 and 4096")
    }
    return jobs
  }
}

/// What to read, what to write and how, shared by all filters.
struct FileOptionGroup: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Pictures, directories of them, or - for standard input.", valueName: "input"),
    completion: .file())
  var inputs: [String] = []

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Output: a file, a directory (ending in /), or - for standard output.", valueName: "output"), completion: .file())
  var output: String?

  @Option(
    name: [.short, .long],
    help: ArgumentHelp(
      "Output format: \(ImageFormat.all.map(\.name).joined(separator: ", ")). (default: by the output's extension)",
      valueName: "name"))
  var format: ImageFormat?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("JPEG quality 1 … 100. (default: as the input, else 90)", valueName: "q"))
  var quality: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Deflate of PNG and TIFF: fast, balanced, small, or a level 0 … 9. (default: balanced)", valueName: "level"))
  var compression: CompressionArgument?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Samples to write: 8, 16 or 32f. (default: as the input)", valueName: "bits"))
  var bitDepth: BitDepthArgument?

  @Option(
    help: ArgumentHelp(
      "What alpha is put over where the output cannot hold it: a name, #rrggbb or R,G,B. (default: white)",
      valueName: "color"))
  var background: ColorArgument?

  @Flag(help: "Turn the picture upright instead of keeping its orientation.")
  var autoOrient = false

  @Flag(help: "Write no metadata: profile, Exif, XMP, text, resolution; a turned picture is turned upright.")
  var strip = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Pages of a multi-page TIFF, from 1: N or N-M. (default: all)", valueName: "n"))
  var page: PageArgument?

  @Flag(help: "Keep what can be read of damaged and cut-short inputs.")
  var allowTruncated = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Refuse pictures that claim more pixels.", valueName: "n"))
  var maxPixels: Int = 1_000_000_000

  @Flag(help: "Print the plan (workers, grid, halo, memory, kernels) and do nothing.")
  var explain = false

  @Flag(name: [.short, .long], help: "Report errors only.")
  var quiet = false

  @Flag(name: [.short, .long], help: "Also report what was chosen, and the time in each stage.")
  var verbose = false

  @OptionGroup(title: "Batch") var batch: BatchOptionGroup

  func validate() throws {
    try check(maxPixels > 0, "--max-pixels", maxPixels, "at least 1")
    if let quality { try check((1...100).contains(quality), "--quality", quality, "between 1 and 100") }
  }

  var writerOptions: ImageWriter.Options {
    var options = ImageWriter.Options()
    options.quality = quality
    options.compressionLevel = compression?.level
    options.sampleType = bitDepth?.sampleType
    return options
  }

  func readerOptions(_ tiling: TilingOptions) -> ImageReader.Options {
    var options = ImageReader.Options()
    options.maxPixels = maxPixels
    options.maxMemory = tiling.maxMemory
    options.isTolerant = allowTruncated
    options.page = page.map { $0.first - 1 } ?? 0
    return options
  }

  /// How many pages of a file are asked for.
  func pages(of reader: ImageReader) throws -> Int {
    guard let page else { return reader.pageCount }
    guard page.last <= reader.pageCount else {
      throw ImbrexError(.noPage, "there is no page \(page.last), only \(reader.pageCount)")
    }
    return page.last - page.first + 1
  }
}
