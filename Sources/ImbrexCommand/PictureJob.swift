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
  private var isPaged: Bool { outputs.plan.isPaged }

  func perform() throws {
    let began = monotonicNanoseconds()
    let reader = try ImageReader(path: job.input, options: options.readerOptions(context.tiling))
    (job.result.width, job.result.height) = (reader.description.width, reader.description.height)
    let asked = try options.pageCount(of: reader)
    if reader.leftOut > 0 && !run.pipeline.makesTable {
      let what = reader.leftOut == 1 ? "1 overview or mask is" : "\(reader.leftOut) overviews or masks are"
      job.warn("\(what) left out", isPrinted: !options.quiet)
    }
    var start = try start(reader)
    var files = try pictureOutputs(reader, start.pipeline)
    if let asked { try checkHolds(pages: asked, files) }
    let expected = asked ?? expectedPages(of: reader)
    var tables: [TableRows] = [], overlay: ImageWriter?, plan: Plan?, page = 0
    repeat {
      if try !isPaged || begin(page, &files) {
        let made = try process(page: page, of: expected, reader, start, &files)
        (plan, overlay) = (plan ?? made.plan, made.overlay)
        if let table = made.table {
          tables.append(TableRows(file: job.input, page: isPaged ? nil : number(page), table: table))
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
  private func finish(
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

  // MARK: - Pages

  /// Goes on to the next page, if it is wanted and there is one.
  ///
  /// - Parameters:
  ///   - done: Pages so far.
  ///   - asked: How many are wanted; nil: all that there are.
  private func goesOn(after done: Int, of asked: Int?, _ reader: ImageReader, _ files: [Output]) throws -> Bool {
    if done == asked { return false }
    let isThere = try reader.nextPage()
    guard asked != nil else {
      if isThere { try checkHolds(pages: nil, files) }
      return isThere
    }
    guard isThere || reader.pageCount != nil else {
      throw CommonOptions.noPage(options.pages!.upperBound, only: options.pages!.lowerBound + done - 1)
    }
    guard isThere else { throw ImbrexError(.input, "page \(done + 1) is missing") }
    return true
  }

  /// As many as a stream's bytes could hold: for the layout of a TIFF, and to show how far a run is.
  private func expectedPages(of reader: ImageReader) -> Int {
    max((reader.byteCount ?? 0) / max(reader.description.byteCount, 1), 1)
  }

  /// Refuses what one picture only goes into.
  ///
  /// - Parameter pages: How many there are; nil: more than one.
  func checkHolds(pages: Int?, _ files: [Output]) throws {
    guard pages != 1 else { return }
    let what = pages.map { "it has \($0) pages" } ?? "it has more than one picture"
    if let overlay = outputs.overlay, !overlay.plan.isPaged, overlayPath(page: 0) != nil {
      throw ImbrexError(
        .input, "\(what), but an overlay is drawn on one", remedy: .init("page"), cause: .unsupported)
    }
    if let file = files.first(where: { !$0.isPaged && !$0.format.holdsPages }) {
      let name = outputs.writesToDirectory ? ", --name '{stem}-{page}.{ext}'" : ""
      throw ImbrexError(
        .input, "\(what), but a \(file.format.name.uppercased()) holds one: use --page N\(name), or write a TIFF",
        cause: .unsupported)
    }
  }

  // MARK: - Outputs

  /// - Parameter pipeline: As it is for this picture; nil: as it is for any.
  func pictureOutputs(_ reader: ImageReader, _ pipeline: Pipeline? = nil) throws -> [Output] {
    let made = (pipeline ?? run.pipeline).descriptions(for: reader.description)
    var files: [Output] = []
    if !run.pipeline.makesTable {
      files.append(
        Output(
          path: job.output ?? "-", format: try outputFormat(reader, made.last!), position: made.count - 1, tee: nil,
          isPaged: isPaged))
    }
    for (tee, side) in zip(run.tees, outputs.tees) {
      let path = side.path(job.index)
      if options.noClobber && path != "-" && fileExists(path) && !isSpecialFile(path) { continue }
      let made = made[tee.position]
      let format =
        path == "-"
        ? options.format?.holding(made) ?? pipeFormat(reader, made, after: tee.position)
        : ImageFormat(path: path) ?? (options.format ?? reader.format).holding(made)
      files.append(Output(path: path, format: format, position: tee.position, tee: side, isPaged: side.plan.isPaged))
    }
    return files
  }

  /// The format in which to write the result.
  private func outputFormat(_ reader: ImageReader, _ result: ImageDescription) throws -> ImageFormat {
    if let format = options.format { return format.holding(result) }
    if !options.inPlace, let output = job.output, output != "-", let format = ImageFormat(path: output) {
      return format
    }
    guard options.inPlace else { return pipeFormat(reader, result, after: run.pipeline.links.count) }
    let format = reader.format.holding(result)
    if format.isLossy && run.makesTwoLevels(after: run.pipeline.links.count) {
      throw ImbrexError(
        .usage,
        "a \(format.name.uppercased()) in place would not stay 0 and 255: use -o, or --format \(format.name) to have it so"
      )
    }
    if run.asksForFloat && !format.canHoldFloat {
      throw ImbrexError(
        .usage, "\(run.floatOption) does not go with --in-place: a \(format.name.uppercased()) cannot hold it")
    }
    return format
  }

  /// The format of what no name and no option says how to write: the input's, or one that holds the picture after so many filters.
  private func pipeFormat(_ reader: ImageReader, _ made: ImageDescription, after position: Int) -> ImageFormat {
    let format = reader.format.holding(made)
    if format.isLossy && run.makesTwoLevels(after: position) { return ImageFormat(named: "png")! }
    let makesFloat =
      run.makesFloat(after: position) || (made.sampleType.isFloat && !reader.description.sampleType.isFloat)
    return makesFloat && !format.canHoldFloat ? ImageFormat(named: "pfm")! : format
  }

  private func process(
    page: Int, of pages: Int, _ reader: ImageReader, _ start: Start, _ files: inout [Output]
  ) throws -> (plan: Plan, table: Table?, overlay: ImageWriter?) {
    var metadata = reader.metadata
    let pipeline = start.pipeline
    var source = job.watched(start.source, shareOfFile: 1 / Double(pages))
    func change(isAlone: Bool) -> PictureChange {
      self.change(of: reader, page: page, of: pages, files, isAlone: isAlone)
    }
    if isTurnedFirst(files, metadata) {
      source = try TurnedPicture(
        source, orientation: metadata.orientation!, spilled: reader.description.byteCount > context.tiling.maxMemory)
      metadata.orientation = 1
    }
    if options.strip { metadata.strip() }
    let input = source.description
    // Whether the filters take such a picture is found out before anything is made.
    var plan = try pipeline.plan(for: input, region: options.region, tiling: context.tiling)
    for index in files.indices where !files[index].isLeft {
      let change = change(isAlone: files[index].isPaged)
      try open(&files[index], plan, change, of: pages, input: input, metadata)
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
          of: table!, on: ground.picture, plan, metadata, change, reader.format, to: overlayPath!)
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
      try sink(of: file, from: upright.description).write(
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
    guard !reader.metadata.isTurned else { return Start(pipeline: run.pipeline, source: reader) }
    let (pipeline, source) = try run.pipeline.probed(on: reader, region: options.region, in: context)
    return Start(pipeline: pipeline, source: source)
  }

  /// Whether the picture is turned before it is filtered. A tee does not change what goes on: the result alone decides.
  func isTurnedFirst(_ files: [Output], _ metadata: Metadata) -> Bool {
    let turnsForResult = !run.pipeline.makesTable && !files[0].format.holdsOrientation
    return metadata.isTurned && (options.autoOrient || options.strip || turnsForResult)
  }

  /// Whether a picture is turned on its way into a file that cannot say how it is turned.
  func isTurnedBehind(_ file: Output, _ metadata: Metadata) -> Bool {
    metadata.isTurned && !file.format.holdsOrientation
  }

  /// Takes rows for a file that holds them in its own way.
  private func sink(of file: Output, from made: ImageDescription) -> any RowSink {
    ConvertingSink(
      NamedSink(file.writer!, path: file.path), from: made, to: file.writer!.description,
      background: options.background ?? .white, clipping: file.clipping)
  }

  /// What becomes of a page on its way, for its metadata.
  ///
  /// - Parameter isAlone: Whether it is the only one of its file.
  func change(
    of reader: ImageReader, page: Int, of pages: Int, _ files: [Output], isAlone: Bool = false
  ) -> PictureChange {
    var change = PictureChange(of: reader.description)
    if isTurnedFirst(files, reader.metadata) { change.turn = reader.metadata.orientation! }
    change.region = options.region
    let first = (options.pages?.lowerBound ?? 1) - 1
    (change.page, change.pages, change.pageCount) = (page, first..<(first + pages), reader.pageCount ?? pages)
    change.firstPage = page == 0 && !options.strip ? reader.firstPage : nil
    if isAlone {
      (change.page, change.pages) = (0, (first + page)..<(first + page + 1))
      change.firstPage = options.strip ? nil : reader.firstPage
    }
    return change
  }

  /// What made a picture, if that is to be written.
  private func provenance(after position: Int) -> String? {
    options.writesProvenance ? run.provenance(after: position) : nil
  }

  /// How a page is written into a file.
  struct PageSettings {
    var picture: ImageDescription
    var metadata: Metadata
    var change: PictureChange
    var options: ImageWriter.Options
  }

  /// - Parameters:
  ///   - made: What the file gets, as it is written.
  ///   - pages: How many there are in all.
  func settings(
    of file: Output, made: ImageDescription, _ change: PictureChange, pages: Int, _ metadata: Metadata
  ) -> PageSettings {
    var settings = PageSettings(picture: made, metadata: metadata, change: change, options: options.writerOptions)
    settings.change.provenance = provenance(after: file.position)
    settings.change.keepsQuantity = run.keepsQuantity(after: file.position)
    settings.change.preservesRange = run.preservesRange(after: file.position)
    if isTurnedBehind(file, metadata) {
      settings.change.turn = metadata.orientation!
      settings.picture = made.turned(metadata.orientation!)
      settings.metadata.orientation = 1
    }
    if run.makesTwoLevels(after: file.position) { settings.metadata.dropLossyCompression() }
    settings.options.expectedByteCount = pages > 1 && !file.isPaged ? pages * settings.picture.byteCount : 0
    // A tee is what the commands so far would write: the depth that is asked for is the result's.
    if file.tee != nil { settings.options.sampleType = nil }
    return settings
  }

  /// Begins a file, or its next page.
  func open(
    _ file: inout Output, _ plan: Plan, _ change: PictureChange, of pages: Int, input: ImageDescription,
    _ metadata: Metadata
  ) throws {
    let settings = settings(
      of: file, made: plan.written(after: file.position), change, pages: pages, metadata)
    let path = file.path
    if let writer = file.writer {
      try job.writing(to: path) {
        try writer.startPage(
          settings.picture, metadata: settings.metadata, input: input, change: settings.change)
      }
      return warnOfConversion(from: settings.picture, to: writer.description, file.format, path)
    }
    if file.tee?.isDirectory ?? outputs.writesToDirectory {
      try job.writing(to: path) { try makeParent(of: path) }
    }
    let format = file.format
    let writer = try job.writing(to: path) {
      try ImageWriter(
        to: OutputFile(path: path, backupSuffix: file.tee == nil ? job.backupSuffix : nil), format: format,
        picture: settings.picture, metadata: settings.metadata, input: input, change: settings.change,
        options: settings.options)
    }
    file.writer = writer
    if settings.change.preservesRange && !input.sampleType.isFloat && !writer.description.sampleType.isFloat {
      throw ImbrexError(
        .usage, "'\(path)' cannot hold the input's units that --preserve-range asks for: use .tif or .pfm")
    }
    warnOfConversion(from: settings.picture, to: writer.description, format, path)
  }

  /// A tee is what the commands so far would write: the depth that is asked for is the result's.
  func writerOptions(isMain: Bool) -> ImageWriter.Options {
    var writerOptions = options.writerOptions
    if !isMain { writerOptions.sampleType = nil }
    return writerOptions
  }

  private func warnOfClipping(_ file: Output) {
    guard file.clipping.hasHappened else { return }
    let remedy = options.writerOptions.sampleType == nil ? "use --float and a TIFF or PFM" : "use --bit-depth 32f"
    job.warn(
      "values outside 0 … 1 are clipped: \(remedy)", file: FileJob.name(of: file.path), isPrinted: !options.quiet)
  }

  /// Says once what an output cannot hold.
  private func warnOfConversion(
    from made: ImageDescription, to held: ImageDescription, _ format: ImageFormat, _ path: String
  ) {
    var losses: [String] = []
    let isAskedFor = options.writerOptions.sampleType != nil
    if made.sampleType != held.sampleType && !held.sampleType.isFloat && !isAskedFor {
      losses.append("\(made.sampleTypeName) samples become \(held.sampleTypeName)")
    }
    if made.color != held.color { losses.append("\(made.color.rawValue) becomes \(held.color.rawValue)") }
    if made.alpha != .none && held.alpha == .none {
      losses.append("alpha is put over \(options.background == nil ? "white" : "the background")")
    }
    guard !losses.isEmpty else { return }
    let text = "\(format.name) cannot hold it as it is: \(losses.joined(separator: ", "))"
    let file = FileJob.name(of: path)
    // Another page may have said so.
    guard !job.result.warnings.contains("\(file): \(text)") else { return }
    job.warn(text, file: file, isPrinted: !options.quiet)
  }

  // MARK: - Tables

  /// Where the overlay of a page goes, if there is to be one.
  func overlayPath(page: Int) -> String? {
    guard let path = outputs.overlay?.path(job.index, page: number(page)) else { return nil }
    return options.noClobber && fileExists(path) ? nil : path
  }

  /// Writes an input's tables, or hands them on to the one table of all inputs.
  func keep(_ tables: [TableRows], in path: String?) throws {
    guard outputs.sharedTable == nil, let path else {
      job.result.rows = tables
      return
    }
    try job.writing(to: path) {
      try makeParent(of: path)
      let file = try OutputFile(path: path)
      try file.write(outputs.tableFormat.text(tables, columns: run.pipeline.tableFilter!.tableColumns, naming: false))
      try file.commit()
    }
  }

  /// - Returns: The overlay, to be finished.
  func writeOverlay(
    of table: Table, on picture: Picture, _ plan: Plan, _ metadata: Metadata, _ change: PictureChange,
    _ inputFormat: ImageFormat, to path: String
  ) throws -> ImageWriter {
    var change = change
    change.provenance = provenance(after: run.pipeline.links.count)
    change.keepsQuantity = false
    return try job.writing(to: path) {
      var opaque = picture.description
      opaque.alpha = .none
      let ground = try picture.converted(to: opaque, background: options.background ?? .white)
      let drawing = try run.pipeline.tableFilter!.draw(
        table, on: ground, origin: (y: plan.region?.y ?? 0, x: plan.region?.x ?? 0))
      if outputs.overlay!.isDirectory { try makeParent(of: path) }
      let format = ImageFormat(path: path) ?? options.format ?? inputFormat
      let writer = try ImageWriter(
        to: OutputFile(path: path), format: format, picture: drawing.description, metadata: metadata,
        input: picture.description, change: change, options: options.writerOptions)
      try writer.write(drawing.converted(to: writer.description))
      return writer
    }
  }

  func makeParent(of path: String) throws {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return }
    try makeDirectories(String(path[..<slash]))
  }

  // MARK: - Pages as files

  /// Of a page that is read, the number in its file.
  private func number(_ page: Int) -> Int { (options.pages?.lowerBound ?? 1) + page }

  /// Where the files of a page go; false if its result is there, and to be left alone.
  private func begin(_ page: Int, _ files: inout [Output]) throws -> Bool {
    let page = number(page), result = outputs.plan.output(job.index, page: page)!
    if options.noClobber && fileExists(result) {
      job.result.pagesLeft += 1
      return false
    }
    try outputs.pagePlaces!.claim(result, for: job.index)
    if let overlay = outputs.overlay, overlay.plan.isPaged {
      try outputs.pagePlaces!.claim(overlay.path(job.index, page: page), for: job.index)
    }
    for index in files.indices where files[index].isPaged {
      let path = files[index].tee?.path(job.index, page: page) ?? result
      (files[index].path, files[index].writer) = (path, nil)
      files[index].isLeft = options.noClobber && fileExists(path)
      if files[index].tee != nil { try outputs.pagePlaces!.claim(path, for: job.index) }
    }
    return true
  }

  /// The files of a page are whole.
  private func finish(
    _ page: Int, _ files: [Output], _ overlay: ImageWriter?, _ reader: ImageReader, _ table: TableRows?
  ) throws {
    let result = outputs.plan.output(job.index, page: number(page))!
    try finish(files.filter(\.isPaged), overlay, at: overlayPath(page: page), reader)
    if let table { try keep([table], in: result) }
    job.result.pages = (job.result.pages ?? []) + [result]
  }

  // MARK: - Report

  private func report(_ reader: ImageReader, _ plan: Plan, _ tables: [TableRows], start: Int) {
    let isChain = run.pipeline.links.count > 1
    let times = context.statistics.seconds.map { work, seconds in
      "\(work.name(isChain: isChain)) \(milliseconds(seconds)) ms"
    }
    let wall = Double(monotonicNanoseconds() - start) / 1e9
    let found = run.pipeline.makesTable ? ["\(tables.reduce(0) { $0 + $1.table.rows.count }) rows"] : []
    let parts =
      ["\(reader.description.summary), \(reader.format.name)"] + (isChain ? [plan.name] : [])
      + [plan.passesText, plan.summary, "kernels \(kernelBuildName)"] + found
      + [times.joined(separator: ", "), "\(milliseconds(wall)) ms in all"]
    job.say(parts.joined(separator: "; "))
  }
}
