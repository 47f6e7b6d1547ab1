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
    let reader = try ImageReader(path: job.input, maxPixels: files.maxPixels)
    let result = filter.outputDescription(for: reader.description)
    let format = try job.outputFormat(for: reader, result: result, files, makesFloat: filterOptions.makesFloat)
    let writer = try job.writing {
      try ImageWriter(
        to: OutputFile(path: job.output), format: format, picture: result, metadata: reader.metadata,
        options: files.writerOptions)
    }
    if !files.quiet { job.warnOfConversion(from: result, to: writer.description, format) }
    try filter.run(.stream(reader), to: .stream(writer, writer.description), in: context)
    try writer.finish()
    if files.verbose {
      let plan = try filter.plan(for: reader.description, isStreamed: true, tiling: context.tiling)
      reportRun(filter, job, reader, plan, context, start: start)
    }
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
    let reader = try ImageReader(path: job.input, maxPixels: files.maxPixels)
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
    "\(width) × \(height) \(color.rawValue)\(alpha == .none ? "" : " + alpha") \(sampleType.rawValue)"
  }
}

extension TilePlan {
  var summary: String {
    "\(workers) \(workers == 1 ? "worker" : "workers"), \(bands) × \(columns) \(tiles == 1 ? "tile" : "tiles"), halo \(max(halo.top, halo.bottom)),\(max(halo.left, halo.right))"
  }
}
