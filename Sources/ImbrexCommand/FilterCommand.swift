import ArgumentParser
import Imbrex

/// The command of one filter that makes a picture from a picture.
struct FilterCommand<Options: FilterOptions>: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: Options.name, abstract: Options.abstract,
      usage: "imbrex \(Options.name) [options] [INPUT...] [-o OUTPUT]", discussion: Options.discussion)
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
    let plan = try files.plan(filter: Options.name, makesFloat: filterOptions.makesFloat)
    if files.explain {
      for index in 0..<plan.count { try explain(filter, plan[index].input, tilingOptions) }
      return
    }
    let runner = BatchRunner(
      files: files, plan: plan, tiling: tilingOptions,
      settings: try files.settings(filter: Options.name, filterOptions.values, mask: filterOptions.maskPath),
      background: files.background?.background)
    let process = UncheckedSendable(self)
    try runner.run { job in try process.value.process(filter, job) }
  }

  private func process(_ filter: any Filter, _ job: FileJob) throws {
    let start = monotonicNanoseconds()
    let context = job.context
    let reader = try ImageReader(path: job.input, options: files.readerOptions(context.tiling))
    (job.result.width, job.result.height) = (reader.description.width, reader.description.height)
    let pages = try files.pages(of: reader)
    let result = filter.outputDescription(for: reader.description)
    let format = try outputFormat(job, reader, result)
    guard pages == 1 || format.holdsPages else {
      throw ImbrexError(
        .input,
        "it has \(pages) pages, but a \(format.name.uppercased()) holds one: use --page N, or write a TIFF")
    }
    if reader.passedOver > 0 && !files.quiet {
      let what = reader.passedOver == 1 ? "a reduced version or mask" : "\(reader.passedOver) reduced versions or masks"
      job.warn("\(what) of its pages is not filtered and left out")
    }
    var writer: ImageWriter?
    for page in 0..<pages {
      if page > 0, try !reader.nextPage() { throw ImbrexError(.input, "page \(page + 1) is missing") }
      try process(page: page, of: pages, filter, job, reader, &writer, format)
    }
    try job.writing { try writer!.finish(after: reader) }
    if let damage = reader.damage { job.warn("read in part: \(damage)") }
    if files.verbose {
      let plan = try filter.plan(for: reader.description, isStreamed: true, tiling: context.tiling)
      reportRun(filter, job, reader, plan, start: start)
    }
  }

  /// The format in which to write a job's result.
  private func outputFormat(_ job: FileJob, _ reader: ImageReader, _ result: ImageDescription) throws -> ImageFormat {
    if let format = files.format { return format.holding(result) }
    if !files.batch.inPlace, let output = job.output, output != "-", let format = ImageFormat(path: output) {
      return format
    }
    let format = reader.format.holding(result)
    guard filterOptions.makesFloat && !format.canHoldFloat else { return format }
    guard !files.batch.inPlace else {
      throw ImbrexError(.usage, "--float does not go with --in-place: a \(format.name.uppercased()) cannot hold it")
    }
    return ImageFormat(named: "pfm")!
  }

  private func process(
    page: Int, of pages: Int, _ filter: any Filter, _ job: FileJob, _ reader: ImageReader,
    _ writer: inout ImageWriter?, _ format: ImageFormat
  ) throws {
    let context = job.context
    var metadata = reader.metadata
    var source = job.watched(reader, shareOfFile: 1 / Double(pages))
    if metadata.isTurned && (files.autoOrient || files.strip || !format.holdsOrientation) {
      source = try TurnedPicture(
        source, orientation: metadata.orientation!, spilled: reader.description.byteCount > context.tiling.maxMemory)
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
      let output = job.output!
      if files.writesToDirectory, let slash = output.utf8.lastIndex(of: 0x2F) {
        try job.writing { try makeDirectories(String(output[..<slash])) }
      }
      writer = try job.writing {
        try ImageWriter(
          to: OutputFile(path: output, backupSuffix: job.backupSuffix), format: format, picture: result,
          metadata: metadata,
          input: source.description, options: options)
      }
      if !files.quiet { warnOfConversion(from: result, to: writer!.description, format, job) }
    }
    try filter.run(.stream(source), to: .stream(writer!, writer!.description), in: context)
  }

  /// Says once what the output cannot hold.
  private func warnOfConversion(
    from made: ImageDescription, to held: ImageDescription, _ format: ImageFormat, _ job: FileJob
  ) {
    var losses: [String] = []
    let isAskedFor = files.bitDepth != nil
    if made.sampleType != held.sampleType && !held.sampleType.isFloat && !isAskedFor {
      losses.append("\(made.sampleTypeName) samples become \(held.sampleTypeName)")
    }
    if made.color != held.color { losses.append("\(made.color.rawValue) becomes \(held.color.rawValue)") }
    if made.alpha != .none && held.alpha == .none {
      losses.append("alpha is put over \(files.background == nil ? "white" : "the background")")
    }
    guard !losses.isEmpty else { return }
    job.warn("\(format.name) cannot hold it as it is: \(losses.joined(separator: ", "))", file: job.outputName)
  }

  private func reportRun(_ filter: any Filter, _ job: FileJob, _ reader: ImageReader, _ plan: TilePlan, start: Int) {
    let times = RunStatistics.Stage.allCases.map { stage in
      "\(stage) \(milliseconds(job.context.statistics.seconds(in: stage))) ms"
    }
    let wall = Double(monotonicNanoseconds() - start) / 1e9
    let residence = filter.residence(of: reader.description, maxMemory: job.context.tiling.maxMemory)
    job.say(
      "\(reader.description.summary), \(reader.format.name); \(residence); \(plan.summary); kernels \(kernelBuildName); "
        + "\(times.joined(separator: ", ")); \(milliseconds(wall)) ms in all")
  }

  private func explain(_ filter: any Filter, _ input: String, _ tiling: TilingOptions) throws {
    do {
      let reader = try ImageReader(path: input, options: files.readerOptions(tiling))
      let plan = try filter.plan(for: reader.description, isStreamed: true, tiling: tiling)
      let passes = filter.residence(of: reader.description, maxMemory: tiling.maxMemory)
      printPlan(plan, filter: Options.name, passes: passes, reader: reader, input: input)
    } catch let error as ImbrexError {
      Messages.report(error.message, file: input)
      throw BatchFailure(status: error.status)
    }
  }
}

/// Options are values that the parser has filled in, and are only read from then on.
struct UncheckedSendable<Value>: @unchecked Sendable {
  let value: Value
  init(_ value: Value) { self.value = value }
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
