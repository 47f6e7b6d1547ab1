import Imbrex

/// One file's way through a chain, page by page.
struct PictureJob {
  let run: FilterRun
  let job: FileJob
  let outputs: RunOutputs
  var options: CommonOptions { run.options }
  var context: RunContext { job.context }

  init(_ run: FilterRun, _ job: FileJob, _ outputs: RunOutputs) {
    (self.run, self.job, self.outputs) = (run, job, outputs)
  }

  /// A file that is being written, with a page for each of the input's; or a file for each page, one after the other.
  struct Output {
    var path: String
    let format: ImageFormat
    /// After how many filters.
    let position: Int
    /// What is written beside the result; nil: the result.
    let tee: RunOutputs.Side?
    /// Whether each page is a file of its own.
    let isPaged: Bool
    /// What is there is not written over.
    var isLeft = false
    var writer: ImageWriter?
    /// Whether values beyond what it holds were met.
    let clipping = Clipping()
  }

  /// Whether each page is a file of its own.
  var isPaged: Bool { outputs.plan.isPaged }

  func perform() throws {
    let began = monotonicNanoseconds()
    let reader = try ImageReader(path: job.input, options: options.readerOptions(context.tiling))
    (job.result.width, job.result.height) = (reader.description.width, reader.description.height)
    let asked = try options.pageCount(of: reader)
    job.axes = StackAxes(reader)
    job.pages = try options.pageSelection?.list(in: job.axes)
    try skip(to: job.pages?[0] ?? 0, from: 0, reader)
    var start = try start(reader)
    var files = try pictureOutputs(reader, start.pipeline)
    let leftOut = leftOut(of: reader, files)
    if leftOut > 0 {
      let what = leftOut == 1 ? "1 overview or mask is" : "\(leftOut) overviews or masks are"
      job.warn("\(what) left out", isPrinted: !options.quiet)
    }
    if let asked { try checkHolds(pages: asked, files) }
    let expected = asked ?? expectedPages(of: reader)
    var tables: [TableRows] = [], overlay: ImageWriter?, plan: Plan?, page = 0
    repeat {
      if try !isPaged || begin(page, &files) {
        let made = try process(page: page, of: expected, reader, start, &files)
        (plan, overlay) = (plan ?? made.plan, made.overlay)
        if let table = made.table {
          tables.append(
            TableRows(
              file: job.input, page: isPaged ? nil : number(page), place: isPaged ? [:] : place(page), table: table))
        }
        if isPaged { try finish(page, files, overlay, reader, tables.last) }
      }
      page += 1
      guard try goesOn(after: page, of: asked, reader, files) else { break }
      start = try self.start(reader)
    } while true
    // What still runs has to end well before there is an output; of many pictures, that is seen after the last.
    if !outputs.plan.isMany { try run.pipeline.end() }
    if page == 1, let table = tables.first { tables = [TableRows(file: table.file, page: nil, table: table.table)] }
    try finish(files.filter { !$0.isPaged }, isPaged ? nil : overlay, at: overlayPath(page: 0), reader)
    if run.pipeline.makesTable && !isPaged { try keep(tables, in: job.output) }
    if job.result.pagesLeft == page { job.result.status = .skipped }
    if let damage = reader.damage { job.warn("read in part: \(damage)") }
    if asked == nil && reader.trails {
      job.warn("what follows its last picture is none, and is left out", isPrinted: !options.quiet)
    }
    if options.verbose, let plan { report(reader, plan, tables, start: began) }
  }

  /// Completes files, and gives them their names.
  func finish(
    _ files: [Output], _ overlay: ImageWriter?, at overlayPath: String?, _ reader: ImageReader
  ) throws {
    let files = files.filter { $0.writer != nil }
    // None has its name before all are whole; the result is the last.
    for file in files {
      try job.writing(to: file.path) { try file.writer!.complete(after: options.strip ? nil : reader) }
    }
    if let overlay { try job.writing(to: overlayPath!) { try overlay.finish() } }
    for file in files.reversed() { try job.writing(to: file.path) { try file.writer!.commit() } }
    files.forEach(warnOfClipping)
    for note in (files.map { $0.writer! } + [overlay].compactMap { $0 }).flatMap({ $0.notes })
    where !job.result.warnings.contains(note) {
      job.warn(note, isPrinted: !options.quiet)
    }
  }

  // MARK: - A page

  private func process(
    page: Int, of pages: Int, _ reader: ImageReader, _ start: Start, _ files: inout [Output]
  ) throws -> (plan: Plan, table: Table?, overlay: ImageWriter?) {
    var metadata = reader.metadata
    var pipeline = start.pipeline
    var source = job.watched(start.source, shareOfFile: 1 / Double(pages))
    func change(isAlone: Bool) -> PictureChange {
      self.change(of: reader, page: page, of: pages, files, isAlone: isAlone)
    }
    if isTurnedFirst(files, metadata) {
      source = try TurnedPicture(
        source, orientation: metadata.orientation!, spilled: reader.description.byteCount > context.tiling.maxMemory)
      pipeline = try run.pipeline(for: reader, turn: metadata.orientation!)
      metadata.orientation = 1
    }
    if options.strip { metadata.strip() }
    let input = source.description
    // Whether the filters take such a picture is found out before anything is made.
    var plan = try pipeline.plan(for: input, region: options.region, tiling: context.tiling)
    for index in files.indices where !files[index].isLeft {
      let change = change(isAlone: files[index].isPaged)
      let made = plan.written(after: files[index].position)
      try open(&files[index], made: made, change, of: pages, input: input, metadata)
    }
    var taps: [Tap] = []
    var turned: [(file: Output, picture: Picture)] = []
    for file in run.pipeline.makesTable ? files[...] : files.dropFirst() where !file.isLeft {
      let made = plan.written(after: file.position)
      if isTurnedBehind(file, metadata) {
        let collector = PictureCollector(try context.picture(made))
        turned.append((file, collector.picture))
        taps.append(Tap(after: file.position, collector))
      } else {
        taps.append(Tap(after: file.position, sink(of: file, from: made)))
      }
    }
    var ground: PictureCollector?
    let overlayPath = overlayPath(page: page)
    if overlayPath != nil {
      let position = run.pipeline.links.count - 1
      ground = PictureCollector(try context.picture(plan.written(after: position)))
      taps.append(Tap(after: position, ground!))
    }
    var table: Table?, overlay: ImageWriter?
    if run.pipeline.makesTable {
      table = try plan.run(.stream(source), to: .table, taps: taps, in: context)!
      if let ground {
        let change = change(isAlone: outputs.overlay!.plan.isPaged)
        overlay = try writeOverlay(
          of: table!, by: pipeline.tableFilter!, on: ground.picture, plan.region, metadata, change, reader.format,
          to: overlayPath!)
      }
    } else {
      let writer = files[0].writer!
      if writer.description != plan.written {
        let conversion = Conversion(
          to: writer.description, background: options.background ?? .white, clipping: files[0].clipping)
        plan = try pipeline.followed(by: .init("conversion", conversion)).plan(
          for: input, region: options.region, tiling: context.tiling)
      }
      try plan.run(.stream(source), to: .stream(NamedSink(writer, path: files[0].path)), taps: taps, in: context)
    }
    for (file, picture) in turned {
      let upright = try Picture(reading: TurnedPicture(picture, orientation: metadata.orientation!))
      try sink(of: file, from: picture.description.turned(metadata.orientation!)).write(
        upright.buffer.base, stride: upright.stride, count: upright.description.height)
    }
    return (plan, table, overlay)
  }

  /// A page, and the chain for it.
  private struct Start {
    let pipeline: Pipeline
    let source: any RowSource
  }

  /// Finds out what the chain makes of the page, where that shows only when it is run.
  private func start(_ reader: ImageReader) throws -> Start {
    // Where the first tile of a turned picture is, is not known yet.
    let measured = try run.pipeline(for: reader)
    guard !reader.metadata.isTurned else { return Start(pipeline: measured, source: reader) }
    let (pipeline, source) = try measured.probed(on: reader, region: options.region, in: context)
    return Start(pipeline: pipeline, source: source)
  }

  /// Whether the picture is turned before it is filtered. A tee does not change what goes on: the result alone decides.
  func isTurnedFirst(_ files: [Output], _ metadata: Metadata) -> Bool {
    let result = run.pipeline.makesTable ? nil : files.first { $0.tee == nil }
    let turnsForResult = result.map { !$0.format.holdsOrientation } ?? false
    return metadata.isTurned && (options.autoOrient || options.strip || turnsForResult)
  }

  /// Whether a picture is turned on its way into a file that cannot say how it is turned.
  func isTurnedBehind(_ file: Output, _ metadata: Metadata) -> Bool {
    metadata.isTurned && !file.format.holdsOrientation
  }

  // MARK: - Report

  private func report(_ reader: ImageReader, _ plan: Plan, _ tables: [TableRows], start: Int) {
    let isChain = run.pipeline.links.count > 1
    let times = context.statistics.seconds.map { work, seconds in
      "\(work.name(isChain: isChain)) \(milliseconds(seconds)) ms"
    }
    let wall = Double(monotonicNanoseconds() - start) / 1e9
    let found = run.pipeline.makesTable ? ["\(tables.reduce(0) { $0 + $1.table.rows.count }) rows"] : []
    let left = reader.description.validity.text.map { ["without \($0)"] } ?? []
    let parts =
      ["\(reader.description.summary), \(reader.format.name)"] + left + (isChain ? [plan.name] : [])
      + [plan.passesText, plan.summary, "kernels \(kernelBuildName)"] + found
      + [times.joined(separator: ", "), "\(milliseconds(wall)) ms in all"]
    job.say(parts.joined(separator: "; "))
  }
}
