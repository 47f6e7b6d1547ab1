import Imbrex

/// The pictures that are written: where, in which format, with which metadata.
extension PictureJob {
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
  func outputFormat(_ reader: ImageReader, _ result: ImageDescription) throws -> ImageFormat {
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
  func pipeFormat(_ reader: ImageReader, _ made: ImageDescription, after position: Int) -> ImageFormat {
    let format = reader.format.holding(made)
    if format.isLossy && run.makesTwoLevels(after: position) { return ImageFormat(named: "png")! }
    let makesFloat =
      run.makesFloat(after: position) || (made.sampleType.isFloat && !reader.description.sampleType.isFloat)
    return makesFloat && !format.canHoldFloat ? ImageFormat(named: "pfm")! : format
  }

  /// Takes rows for a file that holds them in its own way.
  func sink(of file: Output, from made: ImageDescription) -> any RowSink {
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
    change.writesNodata = !options.strip
    let first = number(0) - 1
    (change.page, change.pages, change.pageCount) = (page, first..<(first + pages), reader.pageCount ?? pages)
    if let list = job.pages, list.count > 1, list.last! - list[0] != list.count - 1 { change.pageList = list }
    change.knowsPages = isAlone || options.pages != nil || reader.pageCount != nil
    change.firstPage = page == 0 && !options.strip ? reader.firstPage : nil
    if isAlone {
      let own = number(page) - 1
      (change.page, change.pages, change.pageList) = (0, own..<(own + 1), nil)
      change.firstPage = options.strip ? nil : reader.firstPage
    }
    return change
  }

  /// What made a picture, if that is to be written.
  func provenance(after position: Int) -> String? {
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
    var settings = PageSettings(
      picture: made, metadata: metadata, change: change, options: writerOptions(isMain: file.tee == nil))
    // What only the result must be able to have.
    if file.tee != nil && file.format.name != "tiff" {
      (settings.options.compression, settings.options.cut, settings.options.levels) = (nil, nil, .keep)
    }
    settings.options.isOfTwoValues = run.makesTwoLevels(after: file.position)
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
    return settings
  }

  /// Begins a file, or its next page.
  ///
  /// - Parameter made: What the chain makes, as much of it as is wanted.
  func open(
    _ file: inout Output, made: ImageDescription, _ change: PictureChange, of pages: Int, input: ImageDescription,
    _ metadata: Metadata
  ) throws {
    let settings = settings(of: file, made: made, change, pages: pages, metadata)
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
        to: OutputFile(path: path, fileSettings(path, of: file.tee)), format: format,
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

  /// How what is written to a path comes to be there.
  ///
  /// - Parameter side: What it is beside the result; nil: the result.
  func fileSettings(_ path: String, of side: RunOutputs.Side?) -> OutputFile.Settings {
    var settings = OutputFile.Settings()
    settings.backupSuffix = side == nil ? job.backupSuffix : nil
    // Of an original there may be no other copy.
    settings.isSynced = options.sync || options.inPlace || isSameFile(path, job.input)
    settings.isNamed = !(side?.isDirectory ?? outputs.writesToDirectory)
    return settings
  }

  /// A tee is what the commands so far would write: the depth that is asked for is the result's.
  func writerOptions(isMain: Bool) -> ImageWriter.Options {
    var writerOptions = options.writerOptions
    writerOptions.maxMemory = context.tiling.maxMemory
    if !isMain { writerOptions.sampleType = nil }
    return writerOptions
  }

  func warnOfClipping(_ file: Output) {
    guard file.clipping.hasHappened else { return }
    let remedy = options.writerOptions.sampleType == nil ? "use --float and a TIFF or PFM" : "use --bit-depth 32f"
    job.warn(
      "values outside 0 … 1 are clipped: \(remedy)", file: FileJob.name(of: file.path), isPrinted: !options.quiet)
  }

  /// Says once what an output cannot hold.
  func warnOfConversion(
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
}
