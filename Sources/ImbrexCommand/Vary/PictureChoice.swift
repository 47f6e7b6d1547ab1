import Imbrex

/// The part of a ``Choice`` that is one page's: its thumbnails, and its results as they are compared with what is right.
final class PictureChoice: @unchecked Sendable {
  private let choice: Choice
  private let job: FileJob
  private let input: ImageDescription
  private let page: Int
  private let region: Region?
  private var sheet: Sheet?
  private var thumbnails: [Int: ThumbnailSink] = [:]
  private var edges: (truth: EdgePoints, tolerance: Double)?
  private var blobs: (truth: [BlobCentre], tolerance: Double)?
  private var points: [Int: EdgePointsSink] = [:]
  /// Edges that are to be compared.
  private var pending: [(variant: Int, points: EdgePoints)] = []

  private var run: VariedRun { choice.run }
  private var options: CommonOptions { choice.options }

  /// - Parameters:
  ///   - page: From 0, of those that are read; the sheet shows the first.
  ///   - number: Of the page in its file, from 1.
  init(_ choice: Choice, _ job: FileJob, _ input: ImageDescription, page: Int, number: Int) throws {
    (self.choice, self.job, self.input, self.page) = (choice, job, input, number)
    region = choice.options.region
    if choice.sheet != nil && page == 0 {
      let axes = choice.run.line.names.map { Sheet.Axis($0.name, $0.values) }
      var result = choice.run.variants[0].pipeline.assumed.outputDescription(for: input)
      if let region { (result.width, result.height) = (region.width, region.height) }
      sheet = try Sheet(axes, of: result, region: choice.options.sheetRegion, most: choice.options.sheetSize)
    }
    if let truth = choice.truth { try read(truth.path(of: job.input)) }
  }

  private func read(_ path: String) throws {
    func reader() throws -> ImageReader {
      var settings = options.readerOptions(job.context.tiling)
      settings.page = 0
      let reader = try ImageReader(path: path, options: settings)
      guard page > 1, reader.pageCount != 1 else { return reader }
      settings.page = page - 1
      return try ImageReader(path: path, options: settings)
    }
    do {
      guard run.runs[0].pipeline.makesTable else {
        let tolerance =
          options.tolerance ?? Score.defaultEdgeTolerance(width: input.width, height: input.height)
        let truth = try EdgePoints(truth: reader(), of: input, region: region)
        if truth.looksInverted {
          job.warn("more than half of the truth is edges: is it inverted?", file: path, isPrinted: !options.quiet)
        }
        edges = (truth, tolerance)
        return
      }
      let truth =
        BlobTruth.isTable(path)
        ? try BlobTruth(table: path) : try BlobTruth(picture: reader(), of: input, region: region)
      blobs = (
        truth.centres(of: job.input, page: page, in: region), options.tolerance ?? Score.defaultBlobTolerance
      )
    } catch let error as ImbrexError where error.option == nil && !error.message.hasPrefix(path) {
      throw NamedError(file: path, error: error)
    }
  }

  // MARK: - Results

  /// What takes the rows of a result, beside its file.
  func sinks(_ variant: Int, of made: ImageDescription) throws -> [any RowSink] {
    var sinks: [any RowSink] = []
    if let sheet {
      let run = run.runs[variant]
      thumbnails[variant] = try sheet.sink(
        for: made, isLineMask: run.makesTwoLevels(after: run.pipeline.links.count))
      sinks.append(thumbnails[variant]!)
    }
    if edges != nil {
      points[variant] = EdgePointsSink(made)
      sinks.append(points[variant]!)
    }
    return sinks
  }

  func finish(_ variant: Int) {
    if let thumbnail = thumbnails.removeValue(forKey: variant) { sheet!.place(thumbnail.thumbnail, at: variant) }
    if let found = points.removeValue(forKey: variant) {
      pending.append((variant, found.points))
      if pending.count >= 4 * job.context.workers { compare() }
    }
  }

  func take(_ table: Table, _ variant: Int, on ground: Picture?) throws {
    if let blobs {
      let score = Score(found: BlobCentre.all(of: table), truth: blobs.truth, tolerance: blobs.tolerance)
      choice.add(score, of: variant, tolerance: blobs.tolerance)
    }
    guard let sheet, let ground else { return }
    let thumbnail = try sheet.sink(for: ground.description, isLineMask: false)
    thumbnail.write(ground.buffer.base, stride: ground.stride, count: ground.description.height)
    var moved = table
    for row in moved.rows.indices {
      moved.rows[row][0] -= Double(region?.y ?? 0)
      moved.rows[row][1] -= Double(region?.x ?? 0)
    }
    let filter = run.runs[variant].pipeline.tableFilter!
    sheet.place(try sheet.drawing(of: moved, on: thumbnail.thumbnail, by: filter), at: variant)
  }

  /// Compares what has come so far, on all workers.
  private func compare() {
    guard let edges, !pending.isEmpty else { return }
    let jobs = pending, choice = choice
    pending = []
    job.context.pool.forEach(jobs.count, workers: job.context.workers) { index in
      let score = Score(found: jobs[index].points, truth: edges.truth, tolerance: edges.tolerance)
      choice.add(score, of: jobs[index].variant, tolerance: edges.tolerance)
    }
  }

  /// All results are there.
  func end() throws {
    compare()
    if let sheet { try choice.sheet!.write(sheet, of: job) }
  }
}
