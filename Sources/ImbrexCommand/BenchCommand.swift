import ArgumentParser
import Imbrex

/// `imbrex bench FILTER`: serial against parallel, in one run.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Time a filter serially and in parallel, and check that the results are the same.",
    usage: "imbrex bench FILTER [options] INPUT",
    discussion: """
      The filter runs on the picture in memory: first serially (one worker, one tile), then with each worker count. Every parallel \
      result must be byte for byte the serial one, else the status is 1.

      EXAMPLES
        imbrex bench gaussian --sigma 2 photo.png
        imbrex bench median --radius 5 --jobs 1,2,4 --runs 9 --json scan.tif
      """,
    subcommands: [
      BenchFilterCommand<GaussianOptions>.self, BenchFilterCommand<SobelOptions>.self,
      BenchFilterCommand<MedianOptions>.self, BenchFilterCommand<EdgeOptions>.self, BenchBlobCommand.self,
    ])
}

struct BenchOptionGroup: ParsableArguments {
  @Argument(help: ArgumentHelp("A picture, or - for standard input.", valueName: "input"), completion: .file())
  var input: String

  @Option(
    name: [.customShort("j", allowingJoined: true), .long], parsing: .unconditional,
    help: ArgumentHelp(
      "Worker counts, such as 1,2,4. (default: 1, 2, 4 … cores)", valueName: "list"))
  var jobs: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("Untimed runs before.", valueName: "n"))
  var warmup: Int = 1

  @Option(parsing: .unconditional, help: ArgumentHelp("Timed runs.", valueName: "n"))
  var runs: Int = 5

  @Flag(help: "Print JSON.")
  var json = false

  @Flag(help: "Print a Markdown table.")
  var markdown = false

  @Flag(help: "Print CSV.")
  var csv = false

  @Flag(help: "Also time decoding, encoding, and all three together from file to file.")
  var endToEnd = false

  @Option(
    help: ArgumentHelp(
      "Draw speed-up against workers into this file: .svg, or a picture such as .png.", valueName: "file"),
    completion: .file())
  var plot: String?

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Tiles of H×W pixels; given again, each is timed. (default: by cores and cache)", valueName: "hxw"))
  var tile: [PairArgument] = []

  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("A tile grid of R rows of C tiles; given again, each is timed.", valueName: "rxc"))
  var chunks: [PairArgument] = []

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Ghost cells around every tile: N or NY,NX. (default: what the filter needs)", valueName: "n"))
  var halo: HaloArgument?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Memory that a run may hold: 512M, 2G. (default: a quarter of RAM)", valueName: "size"))
  var maxMemory: MemoryArgument?

  /// The tilings to be timed, as what they are called and how they are asked for.
  private func tilings() -> [TilingOptions] {
    var base = TilingOptions(jobs: 1, maxMemory: maxMemory?.byteCount ?? TilingOptions.defaultMaxMemory)
    base.haloY = halo?.y
    base.haloX = halo?.x
    let tiles = tile.map { pair in
      var options = base
      options.tile = (height: pair.first, width: pair.second)
      return options
    }
    let grids = chunks.map { pair in
      var options = base
      options.chunks = TilingOptions.Grid(rows: pair.first, columns: pair.second)
      return options
    }
    return tiles.isEmpty && grids.isEmpty ? [base] : tiles + grids
  }

  func validate() throws {
    try check((0...1000).contains(warmup), "--warmup", warmup, "between 0 and 1000")
    try check((1...10000).contains(runs), "--runs", runs, "between 1 and 10000")
    if [json, markdown, csv].count(where: { $0 }) > 1 {
      throw ImbrexError(.usage, "--json, --markdown and --csv exclude each other")
    }
    if let plot, !plot.lowercased().hasSuffix(".svg"), ImageFormat(path: plot) == nil {
      throw ImbrexError(.usage, "--plot is '\(plot)', but its extension must be .svg, or a picture's, such as .png")
    }
  }

  func workerCounts() throws -> [Int] {
    if let jobs {
      let counts = jobs.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      guard counts.allSatisfy({ $0.map { (1...4096).contains($0) } ?? false }) else {
        throw ImbrexError(.usage, "--jobs is \(jobs), but must be numbers between 1 and 4096, such as 1,2,4")
      }
      return counts.map { $0! }
    }
    let cores = availableCores()
    var counts: [Int] = [], next = 1
    while next < cores {
      counts.append(next)
      next *= 2
    }
    return counts + [cores]
  }

  private func draw(_ drawing: SpeedupPlot, to path: String) throws {
    guard let format = ImageFormat(path: path) else { return try writeText(drawing.svg, to: path) }
    let picture = try drawing.picture()
    let writer = try ImageWriter(
      to: OutputFile(path: path), format: format, picture: picture.description, metadata: Metadata())
    try writer.write(picture.converted(to: writer.description))
    try writer.finish()
  }

  func run(_ subject: Benchmark.Subject, filter: String, options: [(String, JSONValue)]) throws {
    let reader: ImageReader
    let picture: Picture
    do {
      if endToEnd && input == "-" {
        throw ImbrexError(.usage, "--end-to-end reads its input again and again: name a file")
      }
      reader = try ImageReader(path: input)
      picture = try Picture(reading: reader)
    } catch let error as ImbrexError {
      Messages.report(error.message, file: input)
      throw BatchFailure(status: 1)
    }
    let benchmark = Benchmark(
      subject: subject, picture: picture, tilings: tilings(), warmups: warmup, runs: runs, file: endToEnd ? input : nil)
    let report = BenchReport(
      filter: filter, options: options, picture: picture.description, isEndToEnd: endToEnd,
      runs: try benchmark.measure(jobs: workerCounts()))
    if let plot { try draw(SpeedupPlot(report), to: plot) }
    print(json ? report.json : markdown ? report.markdown : csv ? report.csv : report.table)
    if let wrong = report.runs.first(where: { !$0.isIdentical }) {
      Messages.report("the result with \(wrong.jobs) workers differs from the serial one")
      throw BatchFailure(status: 1)
    }
  }
}

struct BenchFilterCommand<Options: FilterOptions>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(commandName: Options.name, abstract: "Time \(Options.name).")
  }

  @OptionGroup(title: "Filter") var options: Options
  @OptionGroup var bench: BenchOptionGroup

  func run() throws {
    try bench.run(.filter(options.makeFilter()), filter: Options.name, options: options.values)
  }
}

struct BenchBlobCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "blob-detect", abstract: "Time blob-detect.")

  @OptionGroup(title: "Filter") var options: BlobDetectOptions
  @OptionGroup var bench: BenchOptionGroup

  func run() throws {
    try bench.run(.blobs(options.makeDetector()), filter: "blob-detect", options: options.values)
  }
}

/// A benchmark's figures in several forms.
struct BenchReport {
  let filter: String
  let options: [(String, JSONValue)]
  let picture: ImageDescription
  let isEndToEnd: Bool
  let runs: [Benchmark.Run]

  func speedup(_ run: Benchmark.Run) -> Double { runs[0].median / run.median }
  private func throughput(_ run: Benchmark.Run) -> Double { Double(picture.pixelCount) / 1e6 / run.median }

  /// The share of serial work that a speed-up on p workers implies (Karp and Flatt 1990, doi:10.1145/78607.78614).
  func serialFraction(_ run: Benchmark.Run) -> Double? {
    guard run.jobs > 1 else { return nil }
    let p = Double(run.jobs)
    return (1 / speedup(run) - 1 / p) / (1 - 1 / p)
  }

  var json: String {
    JSONValue.object([
      ("version", .string(Imbrex.version)), ("filter", .string(filter)), ("options", .object(options)),
      (
        "image",
        .object([
          ("width", .integer(picture.width)), ("height", .integer(picture.height)),
          ("channels", .integer(picture.channels)), ("type", .string(picture.sampleType.rawValue)),
        ])
      ),
      ("kernels", .string(kernelBuildName)), ("end_to_end", .bool(isEndToEnd)),
      (
        "runs",
        .array(
          runs.map { run in
            .object([
              ("mode", .string(run.isSerial ? "serial" : "parallel")), ("jobs", .integer(run.jobs)),
              ("tiles", .integer(run.tiles)), ("tile_height", .integer(run.tileHeight)),
              ("tile_width", .integer(run.tileWidth)),
              ("stages", run.stages.map { stages in .object(stages.map { ($0.name, .number($0.seconds)) }) } ?? .null),
              (
                "seconds",
                .object([("median", .number(run.median)), ("min", .number(run.least)), ("max", .number(run.greatest))])
              ),
              ("mpixels_per_second", .number(throughput(run))), ("speedup", .number(speedup(run))),
              ("efficiency", .number(speedup(run) / Double(run.jobs))),
              ("serial_fraction", serialFraction(run).map(JSONValue.number) ?? .null),
              ("identical", .bool(run.isIdentical)),
            ])
          })
      ),
    ]).description
  }

  private var columns: [String] {
    var names = Self.baseColumns
    if hasTilings { names.insert("tile", at: 3) }
    if isEndToEnd { names += ["decode ms", "filter ms", "encode ms"] }
    return names
  }

  /// Whether there is more than one way of tiling to be told apart.
  private var hasTilings: Bool {
    Set(runs.filter { !$0.isSerial }.map { "\($0.tileHeight)x\($0.tileWidth)" }).count > 1
  }

  private static let baseColumns = [
    "mode", "jobs", "tiles", "median ms", "min ms", "max ms", "Mpixel/s", "speed-up", "efficiency", "serial fraction",
    "identical",
  ]

  private var cells: [[String]] {
    runs.map { run in
      var cells = [
        run.isSerial ? "serial" : "parallel", String(run.jobs), String(run.tiles), fixed(run.median * 1000, 2),
        fixed(run.least * 1000, 2), fixed(run.greatest * 1000, 2), fixed(throughput(run), 1), fixed(speedup(run), 2),
        fixed(speedup(run) / Double(run.jobs), 2), serialFraction(run).map { fixed($0, 3) } ?? "-",
        run.isIdentical ? "yes" : "NO",
      ]
      if hasTilings { cells.insert("\(run.tileHeight)x\(run.tileWidth)", at: 3) }
      if isEndToEnd { cells += (run.stages ?? []).map { fixed($0.seconds * 1000, 2) } }
      return cells
    }
  }

  private var title: String {
    "imbrex \(Imbrex.version) \(filter) on \(picture.summary), kernels \(kernelBuildName), \(runs[0].seconds.count) runs\(isEndToEnd ? ", from file to file" : "")"
  }

  var table: String {
    let rows = [columns] + cells
    let widths = columns.indices.map { column in rows.map { $0[column].count }.max()! }
    let lines = rows.map { row in
      row.enumerated().map { column, text in
        let padding = String(repeating: " ", count: widths[column] - text.count)
        return column == 0 ? text + padding : padding + text
      }.joined(separator: "  ")
    }
    return ([title] + lines).joined(separator: "\n")
  }

  var markdown: String {
    let separator = columns.indices.map { $0 == 0 ? "---" : "---:" }
    let lines = ([columns, separator] + cells).map { "| " + $0.joined(separator: " | ") + " |" }
    return (["\(title)", ""] + lines).joined(separator: "\n")
  }

  var csv: String {
    let names = columns.map { $0.lowercased().split { " -/".contains($0) }.joined(separator: "_") }
    return ([names] + cells).map { $0.joined(separator: ",") }.joined(separator: "\n")
  }
}

/// A number with a fixed count of decimals.
func fixed(_ value: Double, _ decimals: Int) -> String {
  guard value.isFinite, abs(value) < 1e12 else { return String(value) }
  var factor = 1.0
  for _ in 0..<decimals { factor *= 10 }
  let scaled = Int((abs(value) * factor).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  if decimals == 0 { return sign + String(scaled) }
  let fraction = String(scaled % Int(factor))
  return "\(sign)\(scaled / Int(factor)).\(String(repeating: "0", count: decimals - fraction.count))\(fraction)"
}
