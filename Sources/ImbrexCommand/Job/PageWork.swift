import Imbrex

/// One page of a picture that a job works on in parts: what comes of it, and how.
struct PageWork {
  /// A file that is made of the page.
  struct Output {
    let file: PictureJob.Output
    /// After how many filters of ``PageWork/parted``.
    let position: Int
    /// What is found there, and what the file holds of it, both of the size that is written.
    let made: ImageDescription
    let held: ImageDescription
    let settings: PictureJob.PageSettings
    let form: PartForm
  }

  /// What a part of an output is until it is joined.
  enum PartForm: Equatable {
    /// Blocks as they will stand in the file.
    case blocks
    /// A file of the same kind, whose strips or tiles are copied.
    case file
    /// A picture, whose rows are encoded once more.
    case rows
  }

  let input: ImageDescription
  let metadata: Metadata
  let change: PictureChange
  let parted: PartedPipeline
  /// The last filter, where it makes a table.
  let tableFilter: (any TableFilter)?
  /// Of the whole page.
  let plan: Plan
  /// The result, where it is a picture, then the tees.
  private(set) var outputs: [Output] = []
  let parts: [Range<Int>]
  /// What is written: all, or `--region`.
  let written: Region

  /// - Parameters:
  ///   - reader: At this page.
  ///   - page: Of those that are worked on, from 0.
  ///   - pages: How many are worked on.
  ///   - parts: The rows of its parts; nil: not known yet.
  init(
    _ run: FilterRun, _ job: PictureJob, _ reader: ImageReader, page: Int, of pages: Int, parts: [Range<Int>]?,
    _ tiling: TilingOptions
  ) throws {
    var metadata = reader.metadata
    if run.options.strip { metadata.strip() }
    self.metadata = metadata
    input = reader.description
    var pipeline = try run.pipeline(for: reader)
    tableFilter = pipeline.tableFilter
    plan = try pipeline.plan(for: input, region: run.options.region, tiling: tiling)
    let written = run.options.region ?? Region(all: input)
    self.written = written
    let rows = parts ?? [0..<reader.description.height]
    self.parts = rows
    guard rows.last?.upperBound == input.height else { throw JobPlan.foreign }
    let files = try job.pictureOutputs(reader)
    change = job.change(of: reader, page: page, of: pages, files)
    var found: [Output] = []
    for (index, file) in files.enumerated() {
      var made = plan.written(after: file.position), position = file.position
      let settings = job.settings(of: file, made: made, change, pages: pages, metadata)
      let held = try ImageWriter.description(of: settings.picture, in: file.format, settings.options)
      if index == 0 && !pipeline.makesTable && held != made {
        pipeline = pipeline.followed(
          by: .init("conversion", Conversion(to: held, background: run.options.background ?? .white)))
        (made, position) = (held, pipeline.links.count)
      }
      let starts = rows.map { $0.lowerBound - written.y }.filter { $0 > 0 && $0 < written.height }
      func isCut(at segment: Int?) -> Bool {
        segment.map { segment in starts.allSatisfy { $0 % segment == 0 } } ?? false
      }
      let writer = try Self.writer(file.format, settings, input)
      let form = isCut(at: writer.rowsPerSegment) ? PartForm.blocks : isCut(at: writer.rowsPerJoint) ? .file : .rows
      found.append(
        Output(file: file, position: position, made: made, held: held, settings: settings, form: form))
    }
    parted = try PartedPipeline(pipeline, input)
    outputs = found
  }

  /// A writer that shows how a file is laid out, and encodes parts; what it writes itself is lost.
  static func writer(
    _ format: ImageFormat, _ settings: PictureJob.PageSettings, _ input: ImageDescription
  ) throws -> ImageWriter {
    try ImageWriter(
      to: OutputFile(unnamed: ()), format: format, picture: settings.picture, metadata: settings.metadata, input: input,
      change: settings.change, options: settings.options)
  }

  /// Whether a pass makes the result.
  func isFinal(_ pass: Int) -> Bool { pass == parted.passes.count - 1 && !parted.makesTable }

  /// The part's rows of what is written, if it has any.
  func written(_ part: Int) -> Region? {
    let rows = parts[part].clamped(to: written.y..<written.endY)
    return rows.isEmpty ? nil : Region(x: written.x, y: rows.lowerBound, width: written.width, height: rows.count)
  }

  /// A part as an exchange sees it.
  ///
  /// - Parameters:
  ///   - rounds: How many of the exchange's rounds are behind.
  ///   - files: Of this page.
  func part(_ index: Int, of exchange: Int, rounds: Int, _ files: PartFiles) throws -> Part {
    let all = parted.exchanges[exchange].rounds
    let verdicts = try (0..<rounds).filter { !all[$0].isSequential }.map {
      try files.verdict(exchange, $0, part: index)
    }
    return Part(
      of: parts, index: index, verdicts: verdicts, kept: (0..<rounds).map { files.kept(exchange, $0, index) }
    ) { other in
      try files.read(files.partial(exchange, all.firstIndex { $0.isSequential }!, other))
    }
  }
}

/// The names of what parts of a page make, in a folder of the job.
struct PartFiles: Sendable {
  let folder: String

  private func name(_ start: String, _ part: Int, _ end: String) -> String {
    let number = String(part)
    return "\(folder)/\(start)-\(String(repeating: "0", count: max(5 - number.count, 0)))\(number).\(end)"
  }

  func partial(_ exchange: Int, _ round: Int, _ part: Int) -> String { name("\(exchange)-\(round)", part, "partial") }
  func kept(_ exchange: Int, _ round: Int, _ part: Int) -> String { name("\(exchange)-\(round)", part, "kept") }
  func verdict(_ exchange: Int, _ round: Int, _ part: Int?) -> String {
    part.map { name("\(exchange)-\(round)", $0, "verdict") } ?? "\(folder)/\(exchange)-\(round).verdict"
  }
  /// Rows of the picture that a pass makes for others.
  func rows(_ pass: Int, _ part: Int) -> String { name("rows\(pass)", part, "tif") }
  /// A part of an output, as it will stand in its file, or as a picture.
  func output(_ output: Int, _ part: Int, _ form: PageWork.PartForm) -> String {
    name("output\(output)", part, form == .blocks ? "part" : "tif")
  }
  /// A part of what an overlay is drawn on.
  func ground(_ part: Int) -> String { name("ground", part, "tif") }

  func read(_ path: String) throws -> [UInt8] {
    do {
      return try RawFile.bytes(of: path)
    } catch let error as ImbrexError {
      throw ImbrexError(.input, "what another task made is missing: \(error.message)")
    }
  }

  /// The part's own verdict, or the one for all.
  func verdict(_ exchange: Int, _ round: Int, part: Int) throws -> [UInt8] {
    let shared = verdict(exchange, round, nil)
    return try read(fileExists(shared) ? shared : verdict(exchange, round, part))
  }
}
