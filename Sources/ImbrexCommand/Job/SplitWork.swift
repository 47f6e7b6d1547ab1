import Imbrex

/// A picture that a job works on in parts: what its tasks do.
struct SplitWork {
  let run: FilterRun
  let job: PictureJob
  let directory: JobDirectory
  /// Its number in the job.
  let number: Int
  let split: JobPlan.SplitPicture
  private var options: CommonOptions { run.options }
  private var context: RunContext { job.context }
  private var input: String { job.job.input }

  init(_ run: FilterRun, _ job: PictureJob, _ directory: JobDirectory, number: Int, _ split: JobPlan.SplitPicture) {
    (self.run, self.job, self.directory, self.number, self.split) = (run, job, directory, number, split)
  }

  private var pages: Int { split.ends.count }

  /// For what the job's own tasks have made: files of one page that must be sound.
  private var partOptions: ImageReader.Options {
    var options = options.readerOptions(context.tiling)
    (options.page, options.isTolerant, options.nodata, options.masks) = (0, false, ImageReader.Nodata.none, [])
    return options
  }

  private func reader(page: Int) throws -> ImageReader {
    var options = options.readerOptions(context.tiling)
    options.page += page
    return try ImageReader(path: input, options: options)
  }

  private func work(page: Int, _ reader: ImageReader) throws -> PageWork {
    try PageWork(run, job, reader, page: page, of: pages, parts: split.rows(page: page), context.tiling)
  }

  private func files(page: Int) throws -> PartFiles {
    PartFiles(folder: try directory.folder(picture: number, page: page))
  }

  // MARK: - A tiled copy

  private func copyPath() throws -> String { try files(page: 0).folder + "/copy.tif" }

  /// Makes a TIFF of tiles of all pages, deflated.
  func copy() throws {
    var metadata = Metadata()
    metadata.tiff.compression = 8
    (metadata.tiff.tileWidth, metadata.tiff.tileHeight) = (512, 512)
    let path = try copyPath()
    var settings = ImageWriter.Options()
    settings.compressionLevel = 1
    let first = try reader(page: 0)
    settings.expectedByteCount = pages * first.description.byteCount
    try named(path) {
      let writer = try ImageWriter(
        to: OutputFile(path: path), format: Self.tiff, picture: first.description, metadata: metadata, options: settings
      )
      for page in 0..<pages {
        let source = page == 0 ? first : try reader(page: page)
        if page > 0 { try writer.startPage(source.description, metadata: metadata) }
        try pass(source, to: writer)
      }
      try writer.finish()
    }
  }

  private static let tiff = ImageFormat(named: "tiff")!

  /// Reads and writes on all workers.
  private func pass(_ source: any RowSource, to sink: any RowSink) throws {
    try Plan.copying(source.description, context.tiling).run(.stream(source), to: .stream(sink), in: context)
  }

  // MARK: - Passes

  func run(pass: Int, on parts: [JobPlan.PartNumber]) throws {
    for part in parts {
      let reader = try reader(page: part.page)
      let work = try work(page: part.page, reader)
      let files = try files(page: part.page)
      let pass = try PartPass(work, pass, part.part, files, directory, context, options)
      switch work.parted.passes[pass.index].source {
      case .input:
        guard split.isCopied else {
          try pass.run(reading: reader)
          continue
        }
        var readerOptions = partOptions
        readerOptions.page = part.page
        let copy = try ImageReader(path: copyPath(), options: readerOptions)
        guard copy.description.hasSameSamples(as: work.input) else {
          throw ImbrexError(.input, "the job's copy is of another picture")
        }
        try pass.run(reading: copy)
      case .pass(let other):
        let made = work.parted.passes[other].output
        let source = PartsSource(
          made, work.parts.enumerated().map { ($1, files.rows(other, $0)) }, partOptions)
        try pass.run(reading: source)
      case .kept: try pass.run(reading: nil)
      }
    }
  }

  /// Merges what all parts of each page have made in a pass.
  func merge(pass: Int) throws {
    for page in 0..<pages {
      let work = try work(page: page, reader(page: page)), files = try files(page: page)
      guard pass < work.parted.passes.count, case .round(let exchange, let round) = work.parted.passes[pass].ending,
        !work.parted.exchanges[exchange].rounds[round].isSequential
      else { throw JobPlan.foreign }
      let partials = PartialList(count: work.parts.count) { try files.read(files.partial(exchange, round, $0)) }
      let before = try round == 0 ? nil : files.read(files.verdict(exchange, round - 1, nil))
      try work.parted.exchanges[exchange].merge(partials, after: round, knowing: before) { part, verdict in
        try directory.write(verdict, to: files.verdict(exchange, round, part))
      }
    }
  }

  // MARK: - Joining

  /// Makes the outputs.
  func join() throws {
    var writers: [PictureJob.Output] = []
    var tables: [TableRows] = []
    let first = try reader(page: 0)
    job.job.axes = StackAxes(first)
    job.job.result.width = first.description.width
    job.job.result.height = first.description.height
    writers = try job.pictureOutputs(first)
    for page in 0..<pages {
      let reader = page == 0 ? first : try reader(page: page)
      let work = try work(page: page, reader), files = try files(page: page)
      for index in writers.indices {
        try job.open(
          &writers[index], made: work.plan.written(after: writers[index].position), work.change, of: pages,
          input: work.input, work.metadata)
        try join(work, index, to: writers[index], files)
      }
      if run.pipeline.makesTable {
        let table = try table(work, files)
        let number = (options.pages?.lowerBound ?? 1) + page
        let place = pages > 1 ? job.place(page) : [:]
        tables.append(TableRows(file: input, page: pages > 1 ? number : nil, place: place, table: table))
        if let path = job.overlayPath(page: page) { try overlay(table, work, files, reader.format, to: path) }
      }
    }
    // What stands behind the picture in a PNG comes after its rows.
    if first.hasLateItems && writers.contains(where: { $0.format == first.format }) {
      try pass(first, to: NoSink())
    }
    for file in writers {
      try job.job.writing(to: file.path) { try file.writer!.complete(after: options.strip ? nil : first) }
    }
    for file in writers.reversed() { try job.job.writing(to: file.path) { try file.writer!.commit() } }
    if run.pipeline.makesTable { try job.keep(tables, in: job.job.output) }
  }

  private func join(_ work: PageWork, _ index: Int, to output: PictureJob.Output, _ files: PartFiles) throws {
    let form = work.outputs[index].form
    guard form != .rows else {
      let rows = source(work.outputs[index].held, work) { files.output(index, $0, form) }
      return try pass(rows, to: NamedSink(output.writer!, path: output.path))
    }
    for part in work.parts.indices {
      guard let written = work.written(part) else { continue }
      let path = files.output(index, part, form)
      try joining(path, into: output) {
        if form == .file { return try output.writer!.append(file: path, rows: written.height) }
        try output.writer!.append(PartFile(reading: path))
      }
    }
  }

  /// Rows of what is written that the parts have made into pictures.
  private func source(_ picture: ImageDescription, _ work: PageWork, _ path: (_ part: Int) -> String) -> PartsSource {
    let parts = work.parts.indices.compactMap { part in
      work.written(part).map { (rows: ($0.y - work.written.y)..<($0.endY - work.written.y), path: path(part)) }
    }
    return PartsSource(picture, parts, partOptions)
  }

  private func joining(_ path: String, into output: PictureJob.Output, _ body: () throws -> Void) throws {
    do {
      try job.job.writing(to: output.path, body)
    } catch let error as ImbrexError where error.code == .input {
      throw error.prefixed("\(path): ")
    }
  }

  private func table(_ work: PageWork, _ files: PartFiles) throws -> Table {
    let exchange = work.parted.exchanges.count - 1, maker = work.parted.tableExchange!
    let round = maker.rounds.count - 1
    let verdicts = PartialList(count: work.parts.count) { try files.verdict(exchange, round, part: $0) }
    return try maker.table(
      of: work.parts.indices.map { files.kept(exchange, round, $0) }, knowing: verdicts, in: options.region)
  }

  private func overlay(_ table: Table, _ work: PageWork, _ files: PartFiles, _ format: ImageFormat, to path: String)
    throws
  {
    let picture = work.plan.written(after: run.pipeline.links.count - 1)
    let ground = PictureCollector(try context.picture(picture))
    try pass(source(picture, work, files.ground), to: ground)
    let writer = try job.writeOverlay(
      of: table, by: work.tableFilter!, on: ground.picture, work.plan.region, work.metadata, work.change, format,
      to: path)
    try job.job.writing(to: path) { try writer.finish() }
  }
}

/// Takes rows and forgets them.
private final class NoSink: RowSink {
  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) {}
}
