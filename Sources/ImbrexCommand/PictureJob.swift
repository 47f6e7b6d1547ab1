import Imbrex

/// One file's way through a chain, page by page.
struct PictureJob {
  private let run: FilterRun
  private let job: FileJob
  private let outputs: RunOutputs
  private var options: CommonOptions { run.options }
  private var context: RunContext { job.context }

  init(_ run: FilterRun, _ job: FileJob, _ outputs: RunOutputs) {
    (self.run, self.job, self.outputs) = (run, job, outputs)
  }

  /// A file that is being written, with a page for each of the input's.
  private struct Output {
    let path: String
    let format: ImageFormat
    /// After how many filters.
    let position: Int
    var writer: ImageWriter?
  }

  func perform() throws {
    let start = monotonicNanoseconds()
    let reader = try ImageReader(path: job.input, options: options.readerOptions(context.tiling))
    (job.result.width, job.result.height) = (reader.description.width, reader.description.height)
    let asked = try options.pageCount(of: reader)
    if reader.leftOut > 0 && !options.quiet && !run.pipeline.makesTable {
      let what = reader.leftOut == 1 ? "1 overview or mask is" : "\(reader.leftOut) overviews or masks are"
      job.warn("\(what) left out")
    }
    var files = try pictureOutputs(reader)
    if let asked { try checkHolds(pages: asked, files) }
    let expected = asked ?? expectedPages(of: reader)
    var tables: [TableRows] = [], overlay: ImageWriter?, plan: Plan?, page = 0
    repeat {
      let made = try process(page: page, of: expected, reader, &files)
      (plan, overlay) = (plan ?? made.plan, made.overlay)
      page += 1
      if let table = made.table {
        let number = (options.pages?.lowerBound ?? 1) + page - 1
        tables.append(TableRows(file: job.input, page: number, table: table))
      }
    } while try goesOn(after: page, of: asked, reader, files)
    if page == 1, let table = tables.first { tables = [TableRows(file: table.file, page: nil, table: table.table)] }
    // None has its name before all are whole; the result is the last.
    for file in files { try job.writing(to: file.path) { try file.writer!.complete(after: reader) } }
    if let overlay { try job.writing(to: overlayPath!) { try overlay.finish() } }
    for file in files.reversed() { try job.writing(to: file.path) { try file.writer!.commit() } }
    if run.pipeline.makesTable { try keep(tables) }
    if let damage = reader.damage { job.warn("read in part: \(damage)") }
    if !options.quiet {
      if asked == nil && reader.trails { job.warn("what follows its last picture is none, and is left out") }
      let notes = (files.compactMap(\.writer) + [overlay].compactMap { $0 }).flatMap(\.notes)
      for (index, note) in notes.enumerated() where !notes[..<index].contains(note) { job.warn(note) }
    }
    if options.verbose { report(reader, plan!, tables, start: start) }
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
  private func checkHolds(pages: Int?, _ files: [Output]) throws {
    guard pages != 1 else { return }
    let what = pages.map { "it has \($0) pages" } ?? "it has more than one picture"
    if overlayPath != nil {
      throw ImbrexError(.input, "\(what), but an overlay is drawn on one", remedy: .init("page"))
    }
    if let file = files.first(where: { !$0.format.holdsPages }) {
      throw ImbrexError(
        .input, "\(what), but a \(file.format.name.uppercased()) holds one: use --page N, or write a TIFF")
    }
  }

  // MARK: - Outputs

  private func pictureOutputs(_ reader: ImageReader) throws -> [Output] {
    let made = run.pipeline.descriptions(for: reader.description)
    var files: [Output] = []
    if !run.pipeline.makesTable {
      files.append(
        Output(path: job.output!, format: try outputFormat(reader, made.last!), position: made.count - 1))
    }
    for (tee, side) in zip(run.tees, outputs.tees) {
      let path = side.path(job.index)
      if options.noClobber && fileExists(path) && !isSpecialFile(path) { continue }
      let format = ImageFormat(path: path) ?? (options.format ?? reader.format).holding(made[tee.position])
      files.append(Output(path: path, format: format, position: tee.position))
    }
    return files
  }

  /// The format in which to write the result.
  private func outputFormat(_ reader: ImageReader, _ result: ImageDescription) throws -> ImageFormat {
    if let format = options.format { return format.holding(result) }
    if !options.inPlace, let output = job.output, output != "-", let format = ImageFormat(path: output) {
      return format
    }
    let format = reader.format.holding(result)
    if format.isLossy && !options.inPlace && run.makesTwoLevels(after: run.pipeline.links.count) {
      return ImageFormat(named: "png")!
    }
    guard run.makesFloat && !format.canHoldFloat else { return format }
    if options.inPlace && !run.asksForFloat { return format }
    guard !options.inPlace else {
      throw ImbrexError(.usage, "--float does not go with --in-place: a \(format.name.uppercased()) cannot hold it")
    }
    return ImageFormat(named: "pfm")!
  }

  private func process(
    page: Int, of pages: Int, _ reader: ImageReader, _ files: inout [Output]
  ) throws -> (plan: Plan, table: Table?, overlay: ImageWriter?) {
    var metadata = reader.metadata
    var source = job.watched(reader, shareOfFile: 1 / Double(pages))
    // A tee does not change what goes on: the result alone decides whether the picture is turned before it is filtered.
    let turnsForResult = !run.pipeline.makesTable && !files[0].format.holdsOrientation
    if metadata.isTurned && (options.autoOrient || options.strip || turnsForResult) {
      source = try TurnedPicture(
        source, orientation: metadata.orientation!, spilled: reader.description.byteCount > context.tiling.maxMemory)
      metadata.orientation = 1
    }
    if options.strip { metadata.strip() }
    let input = source.description
    // Whether the filters take such a picture is found out before anything is made.
    var plan = try run.pipeline.plan(for: input, region: options.region, tiling: context.tiling)
    for index in files.indices {
      try open(&files[index], plan, page: page, of: pages, input: input, metadata)
    }
    var taps: [Tap] = []
    var turned: [(file: Output, picture: Picture)] = []
    for file in run.pipeline.makesTable ? files[...] : files.dropFirst() {
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
    if overlayPath != nil {
      let position = run.pipeline.links.count - 1
      ground = PictureCollector(try context.picture(plan.written(after: position)))
      taps.append(Tap(after: position, ground!))
    }
    var table: Table?, overlay: ImageWriter?
    if run.pipeline.makesTable {
      table = try plan.run(.stream(source), to: .table, taps: taps, in: context)!
      if let ground { overlay = try writeOverlay(of: table!, on: ground.picture, plan, metadata, reader.format) }
    } else {
      let writer = files[0].writer!
      if writer.description != plan.written {
        let conversion = Conversion(to: writer.description, background: options.background ?? .white)
        plan = try run.pipeline.followed(by: .init("conversion", conversion)).plan(
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

  /// Whether a picture is turned on its way into a file that cannot say how it is turned.
  private func isTurnedBehind(_ file: Output, _ metadata: Metadata) -> Bool {
    metadata.isTurned && !file.format.holdsOrientation
  }

  /// Takes rows for a file that holds them in its own way.
  private func sink(of file: Output, from made: ImageDescription) -> any RowSink {
    ConvertingSink(
      NamedSink(file.writer!, path: file.path), from: made, to: file.writer!.description,
      background: options.background ?? .white)
  }

  /// Begins a file, or its next page.
  private func open(
    _ file: inout Output, _ plan: Plan, page: Int, of pages: Int, input: ImageDescription, _ metadata: Metadata
  ) throws {
    var picture = plan.written(after: file.position), metadata = metadata
    if isTurnedBehind(file, metadata) {
      picture = picture.turned(metadata.orientation!)
      metadata.orientation = 1
    }
    if run.makesTwoLevels(after: file.position) { metadata.dropLossyCompression() }
    let path = file.path
    if let writer = file.writer {
      try job.writing(to: path) { try writer.startPage(picture, metadata: metadata, input: input) }
      if !options.quiet { warnOfConversion(from: picture, to: writer.description, file.format, path) }
      return
    }
    var writerOptions = options.writerOptions
    writerOptions.expectedByteCount = pages > 1 ? pages * picture.byteCount : 0
    let isMain = !run.pipeline.makesTable && file.path == job.output
    // A tee is what the commands so far would write: the depth that is asked for is the result's.
    if !isMain { writerOptions.sampleType = nil }
    if isMain ? outputs.writesToDirectory : outputs.tees.contains(where: \.isDirectory) {
      try job.writing(to: path) { try makeParent(of: path) }
    }
    let format = file.format
    let writer = try job.writing(to: path) {
      try ImageWriter(
        to: OutputFile(path: path, backupSuffix: isMain ? job.backupSuffix : nil), format: format, picture: picture,
        metadata: metadata, input: input, options: writerOptions)
    }
    file.writer = writer
    if !options.quiet { warnOfConversion(from: picture, to: writer.description, format, path) }
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
    let said = job.result.messages.count
    job.warn(
      "\(format.name) cannot hold it as it is: \(losses.joined(separator: ", "))", file: FileJob.name(of: path))
    // Of another page.
    if job.result.messages[..<said].contains(job.result.messages[said]) { job.result.messages.removeLast() }
  }

  // MARK: - Tables

  /// Where the overlay goes, if there is to be one.
  private var overlayPath: String? {
    guard let path = outputs.overlay?.path(job.index) else { return nil }
    return options.noClobber && fileExists(path) ? nil : path
  }

  /// Writes an input's tables, or hands them on to the one table of all inputs.
  private func keep(_ tables: [TableRows]) throws {
    guard outputs.sharedTable == nil, let path = job.output else {
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
  private func writeOverlay(
    of table: Table, on picture: Picture, _ plan: Plan, _ metadata: Metadata, _ inputFormat: ImageFormat
  ) throws -> ImageWriter {
    let path = overlayPath!
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
        input: picture.description, options: options.writerOptions)
      try writer.write(drawing.converted(to: writer.description))
      return writer
    }
  }

  private func makeParent(of path: String) throws {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return }
    try makeDirectories(String(path[..<slash]))
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
