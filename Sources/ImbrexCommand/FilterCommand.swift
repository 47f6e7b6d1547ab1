import ArgumentParser
import Imbrex

/// The command of one filter that makes a picture from a picture.
struct FilterCommand<Options: FilterOptions>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(commandName: Options.name, abstract: Options.abstract, discussion: Options.discussion)
  }

  @OptionGroup(title: "Filter") var filterOptions: Options
  @OptionGroup var files: FileOptionGroup
  @OptionGroup var jobs: JobsOptionGroup
  @OptionGroup(title: "Tiling") var tiling: TilingOptionGroup

  func run() throws {
    let filter = try filterOptions.makeFilter()
    let tilingOptions = try tiling.options(jobs: jobs.count())
    if filterOptions.makesFloat, let format = files.format, !format.canHoldFloat, format.name != "pam",
      format.name != "pnm"
    {
      throw ImbrexError(.usage, "--float does not go with --format \(format.name): use tiff or pfm")
    }
    let jobs = try PictureJob.jobs(files, makesFloat: filterOptions.makesFloat)
    let pool = WorkerPool(count: tilingOptions.jobs)
    defer { pool.close() }
    try runJobs(jobs, files) { job in
      if files.explain {
        try explain(filter, job, tilingOptions)
      } else {
        try process(filter, job, RunContext(pool: pool, tiling: tilingOptions))
      }
    }
  }

  private func process(_ filter: any Filter, _ job: PictureJob, _ context: RunContext) throws {
    let start = monotonicNanoseconds()
    let reader = try ImageReader(path: job.input, options: files.readerOptions(context.tiling))
    let pages = try files.pages(of: reader)
    let result = filter.outputDescription(for: reader.description)
    let format = try job.outputFormat(for: reader, result: result, files, makesFloat: filterOptions.makesFloat)
    guard pages == 1 || format.holdsPages else {
      throw ImbrexError(
        .input,
        "it has \(pages) pages, but a \(format.name.uppercased()) holds one: use --page N, or write a TIFF")
    }
    if reader.passedOver > 0 && !files.quiet {
      let what = reader.passedOver == 1 ? "a reduced version or mask" : "\(reader.passedOver) reduced versions or masks"
      Messages.warn("\(what) of its pages is not filtered and left out", file: job.input)
    }
    var context = context
    if let background = files.background { context.background = background.background }
    var writer: ImageWriter?
    for page in 0..<pages {
      if page > 0, try !reader.nextPage() { throw ImbrexError(.input, "page \(page + 1) is missing") }
      try process(page: page, of: pages, filter, job, reader, &writer, format, context)
    }
    try writer!.finish(after: reader)
    if let damage = reader.damage { Messages.warn("read in part: \(damage)", file: job.input) }
    if files.verbose {
      let plan = try filter.plan(for: reader.description, isStreamed: true, tiling: context.tiling)
      reportRun(filter, job, reader, plan, context, start: start)
    }
  }

  private func process(
    page: Int, of pages: Int, _ filter: any Filter, _ job: PictureJob, _ reader: ImageReader,
    _ writer: inout ImageWriter?, _ format: ImageFormat, _ context: RunContext
  ) throws {
    var metadata = reader.metadata
    var source: any RowSource = reader
    if metadata.isTurned && (files.autoOrient || files.strip || !format.holdsOrientation) {
      source = try TurnedPicture(
        reader, orientation: metadata.orientation!, spilled: reader.description.byteCount > context.tiling.maxMemory)
      metadata.orientation = 1
    }
    if files.strip { metadata.strip() }
    let result = filter.outputDescription(for: source.description)
    // Whether the filter takes such a picture is found out before anything is made.
    _ = try filter.plan(for: source.description, isStreamed: true, tiling: context.tiling)
    if let writer {
      try job.writing { try writer.startPage(result, metadata: metadata, input: source.description) }
    } else {
      var options = files.writerOptions
      options.expectedByteCount = pages > 1 ? pages * result.byteCount : 0
      writer = try job.writing {
        try ImageWriter(
          to: OutputFile(path: job.output), format: format, picture: result, metadata: metadata,
          input: source.description, options: options)
      }
      if !files.quiet { job.warnOfConversion(from: result, to: writer!.description, format, files) }
    }
    try filter.run(.stream(source), to: .stream(writer!, writer!.description), in: context)
  }

  private func reportRun(
    _ filter: any Filter, _ job: PictureJob, _ reader: ImageReader, _ plan: TilePlan, _ context: RunContext, start: Int
  ) {
    let times = RunStatistics.Stage.allCases.map { stage in
      "\(stage) \(milliseconds(context.statistics.seconds(in: stage))) ms"
    }
    let wall = Double(monotonicNanoseconds() - start) / 1e9
    Messages.report(
      "\(reader.description.summary), \(reader.format.name); "
        + "\(filter.residence(of: reader.description, maxMemory: context.tiling.maxMemory)); \(plan.summary); kernels \(kernelBuildName); "
        + "\(times.joined(separator: ", ")); \(milliseconds(wall)) ms in all", file: job.input)
  }

  private func explain(_ filter: any Filter, _ job: PictureJob, _ tiling: TilingOptions) throws {
    let reader = try ImageReader(path: job.input, options: files.readerOptions(tiling))
    let plan = try filter.plan(for: reader.description, isStreamed: true, tiling: tiling)
    let passes = filter.residence(of: reader.description, maxMemory: tiling.maxMemory)
    printPlan(plan, filter: Options.name, passes: passes, reader: reader, input: job.input)
  }
}

/// Prints what a run would do.
///
/// - Parameter passes: What the filter holds of the picture.
func printPlan(_ plan: TilePlan, filter: String, passes: String, reader: ImageReader, input: String) {
  let halo = plan.halo
  print(
    """
    input:      \(input == "-" ? "standard input" : input), \(reader.description.summary), \(reader.format.name)\
    \(reader.decodesInOrder ? "" : " (held whole by its decoder)")
    filter:     \(filter)
    passes:     \(passes)
    workers:    \(plan.workers)
    grid:       \(plan.bands) × \(plan.columns) tiles of \(plan.bandHeight) × \(plan.tileWidth) pixels
    halo:       \(halo.top) above, \(halo.bottom) below, \(halo.left) left, \(halo.right) right
    extra work: \(shortest((plan.extraWork * 1000).rounded() / 10)) % of the pixels are read more than once
    memory:     \((plan.memory + (1 << 20) - 1) >> 20) MiB of bands
    kernels:    \(kernelBuildName)
    """)
}

func milliseconds(_ seconds: Double) -> String { String(Int((seconds * 1000).rounded())) }

extension ImageDescription {
  /// `4096 × 4096 rgb uint8`
  var summary: String {
    "\(width) × \(height) \(color.rawValue)\(extraBands == 0 ? "" : " + \(extraBands) bands")"
      + "\(alpha == .none ? "" : " + alpha") \(sampleTypeName)"
  }
}

extension TilePlan {
  var summary: String {
    "\(workers) \(workers == 1 ? "worker" : "workers"), \(bands) × \(columns) \(tiles == 1 ? "tile" : "tiles"), halo \(max(halo.top, halo.bottom)),\(max(halo.left, halo.right))"
  }
}
