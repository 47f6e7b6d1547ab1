import Imbrex

/// One file's way through all combinations, page by page.
final class VariedJob: @unchecked Sendable {
  let run: VariedRun
  /// Of the combinations that are wanted.
  let jobs: [PictureJob]
  let choice: Choice?
  private let reader: ImageReader
  /// The combinations and the picture, once the first tiles have been seen of what tells by those what it makes.
  private var start: (variants: [Variant], source: any RowSource)
  /// Of each job, what it writes.
  var files: [[PictureJob.Output]]
  var tables: [[TableRows]]

  var options: CommonOptions { run.options }
  private var context: RunContext { jobs[0].context }
  private var isPaged: Bool { jobs[0].isPaged }

  init(_ run: VariedRun, _ jobs: [FileJob], _ choice: Choice?) throws {
    self.run = run
    self.choice = choice
    self.jobs = jobs.map { PictureJob(run.runs[$0.branch], $0, run.outputs[$0.branch]) }
    reader = try ImageReader(path: jobs[0].input, options: run.options.readerOptions(jobs[0].context.tiling))
    for job in jobs { (job.result.width, job.result.height) = (reader.description.width, reader.description.height) }
    tables = jobs.map { _ in [] }
    files = []
    start = (run.variants, reader)
    let axes = StackAxes(reader), chosen = try options.pageSelection?.list(in: axes)
    for job in jobs { (job.axes, job.pages) = (axes, chosen) }
    try self.jobs[0].skip(to: chosen?[0] ?? 0, from: 0, reader)
    try probe()
    files = try self.jobs.map { job in
      job.outputs.plan[job.job.index].output == nil && job.outputs.sharedTable == nil && !job.run.pipeline.makesTable
        ? [] : try job.pictureOutputs(reader, start.variants[job.job.branch].pipeline)
    }
  }

  private func probe() throws {
    start = (try run.variants(for: reader), reader)
    // Where the first tile of a turned picture is, is not known yet.
    guard !reader.metadata.isTurned else { return }
    start = try Pipeline.probed(
      start.variants, chosen: jobs.map(\.job.branch), on: reader, region: options.region, in: context)
  }

  func perform() throws {
    let began = monotonicNanoseconds()
    let asked = try options.pageCount(of: reader)
    if let asked { for (job, files) in zip(jobs, files) { try job.checkHolds(pages: asked, files) } }
    let expected = asked ?? jobs[0].expectedPages(of: reader)
    var page = 0, plans: [PlanTree] = []
    repeat {
      let wanted = try jobs.indices.filter { try !isPaged || jobs[$0].begin(page, &files[$0]) }
      if !wanted.isEmpty {
        let run = VariedPage(self, reader, start, page: page, of: expected, isOnly: asked == 1)
        plans = try run.perform(wanted)
      }
      page += 1
      guard try goesOn(after: page, of: asked) else { break }
      try probe()
    } while true
    for index in jobs.indices { try end(index, pages: page) }
    if let damage = reader.damage { jobs[0].job.warn("read in part: \(damage)") }
    if options.verbose, !plans.isEmpty { report(plans, start: began) }
  }

  private func goesOn(after page: Int, of asked: Int?) throws -> Bool {
    guard try jobs[0].goesOn(after: page, of: asked, reader, files[0]) else { return false }
    if asked == nil { for (job, files) in zip(jobs, files) { try job.checkHolds(pages: nil, files) } }
    return true
  }

  /// What has written an output holds memory, which would add up.
  func letGo(_ index: Int) {
    for file in files[index].indices { files[index][file].writer = nil }
  }

  /// The outputs of a combination are whole.
  private func end(_ index: Int, pages: Int) throws {
    let job = jobs[index]
    guard !job.job.hasEnded else { return }
    // Other pictures may be on their way through the same filters.
    if !job.outputs.plan.isMany { try job.run.pipeline.end() }
    try job.finish(files[index].filter { !$0.isPaged }, nil, at: nil, reader)
    if job.run.pipeline.makesTable && !isPaged && job.job.output != nil {
      try job.keep(tables(of: index), in: job.job.output)
    }
    if job.job.result.pagesLeft == pages { job.job.result.status = .skipped }
    letGo(index)
    try job.job.end()
  }

  /// A table of an only page says nothing of pages.
  private func tables(of index: Int) -> [TableRows] {
    guard tables[index].count == 1, let table = tables[index].first else { return tables[index] }
    return [TableRows(file: table.file, page: nil, table: table.table)]
  }

  /// The result of a combination is whole, and there is no other page.
  func finishOnly(_ index: Int) throws { try end(index, pages: 1) }

  private func report(_ plans: [PlanTree], start: Int) {
    let times = context.statistics.seconds.map { work, seconds in
      "\(work.name(isChain: true)) \(milliseconds(seconds)) ms"
    }
    let wall = Double(monotonicNanoseconds() - start) / 1e9
    jobs[0].job.say(
      ([
        "\(reader.description.summary), \(reader.format.name)", "\(jobs.count) combinations",
        "\(plans.count == 1 ? "one tree" : "\(plans.count) trees") of \(plans.reduce(0) { $0 + $1.sweepCount }) sweeps",
        "kernels \(kernelBuildName)", times.joined(separator: ", "), "\(milliseconds(wall)) ms in all",
      ]).joined(separator: "; "))
  }
}

/// A page of a file, and what all combinations make of it.
private final class VariedPage: VariantOutputs, @unchecked Sendable {
  private let varied: VariedJob
  private let reader: ImageReader
  /// Of all combinations, as they are for this page.
  private var variants: [Variant]
  private let start: any RowSource
  private let page: Int
  private let pageCount: Int
  /// Whether outputs are whole as soon as this page is.
  private let isOnly: Bool
  private var metadata: Metadata
  /// What the chain is given: the page, turned perhaps.
  private var input: ImageDescription
  private var choice: PictureChoice?
  /// By file.
  private var collectors: [Int: PictureCollector] = [:]
  /// By job, what overlays are drawn on.
  private var grounds: [Int: PictureCollector] = [:]

  private var jobs: [PictureJob] { varied.jobs }
  private var options: CommonOptions { varied.options }
  private var context: RunContext { jobs[0].context }

  init(
    _ varied: VariedJob, _ reader: ImageReader, _ start: (variants: [Variant], source: any RowSource), page: Int,
    of pageCount: Int, isOnly: Bool
  ) {
    (variants, self.start) = start
    (self.varied, self.reader, self.page, self.pageCount, self.isOnly) = (varied, reader, page, pageCount, isOnly)
    metadata = reader.metadata
    input = reader.description
  }

  /// - Parameter wanted: The jobs that this page is made for.
  /// - Returns: What was run.
  func perform(_ wanted: [Int]) throws -> [PlanTree] {
    let isTurned = jobs[wanted[0]].isTurnedFirst(varied.files[wanted[0]], metadata)
    for index in wanted where jobs[index].isTurnedFirst(varied.files[index], metadata) != isTurned {
      throw ImbrexError(
        .usage, "the picture is turned, and some of the outputs' formats can say so and some cannot: use --auto-orient")
    }
    if metadata.isTurned {
      variants = try varied.run.variants(for: reader, turn: isTurned ? metadata.orientation! : 1)
    }
    var source = jobs[0].job.watched(start, shareOfFile: 1 / Double(pageCount))
    if isTurned {
      source = try TurnedPicture(
        source, orientation: metadata.orientation!, spilled: reader.description.byteCount > context.tiling.maxMemory)
      metadata.orientation = 1
    }
    if options.strip { metadata.strip() }
    input = source.description
    let trees = try PlanTree.fitting(
      jobs.map { variants[$0.job.branch] }, chosen: wanted, for: input, region: options.region, taps: taps,
      tiling: context.tiling, outputs: varied.run.outputsAtOnce(context.tiling))
    // Of a combination that is passed over there would be nothing to show.
    choice = try varied.choice.map {
      try PictureChoice($0, jobs[0].job, input, page: page, number: jobs[0].number(page))
    }
    if trees.count == 1 {
      try trees[0].run(.stream(source), to: self, in: context)
    } else {
      // Decoded once, however many passes there are.
      let picture = try context.picture(input)
      try source.read(into: picture.buffer.base, stride: picture.stride, count: input.height)
      for tree in trees { try tree.run(.picture(picture), to: self, in: context) }
    }
    try choice?.end()
    return trees
  }

  /// After how many filters pictures are wanted.
  private var taps: Set<Int> {
    var taps = Set(varied.run.runs[0].tees.map(\.position))
    let beforeTable = varied.run.runs[0].pipeline.links.count - 1
    if jobs.contains(where: { $0.outputs.overlay != nil }) || (varied.choice?.wantsGround ?? false) {
      taps.insert(beforeTable)
    }
    return taps
  }

  private func written(_ index: Int, after position: Int) -> ImageDescription {
    var made = variants[jobs[index].job.branch].pipeline.descriptions(for: input)[position]
    if let region = options.region { (made.width, made.height) = (region.width, region.height) }
    return made
  }

  // MARK: - Results

  func begin(_ variants: [Int]) throws -> [any RowSink] {
    try variants.flatMap { index in
      var sinks: [any RowSink] = []
      if !varied.files[index].isEmpty { sinks.append(try open(index, 0)) }
      return sinks
        + (try choice?.sinks(
          jobs[index].job.branch, of: written(index, after: jobs[index].run.pipeline.links.count)) ?? [])
    }
  }

  func finish(_ variants: [Int]) throws {
    for index in variants {
      if !varied.files[index].isEmpty { try close(index, 0) }
      choice?.finish(jobs[index].job.branch)
      try finishPage(index)
    }
  }

  /// Opens one of a job's files, or begins its next page.
  private func open(_ index: Int, _ file: Int) throws -> any RowSink {
    let job = jobs[index], made = written(index, after: varied.files[index][file].position)
    let change = job.change(
      of: reader, page: page, of: pageCount, varied.files[index], isAlone: varied.files[index][file].isPaged)
    try job.open(&varied.files[index][file], made: made, change, of: pageCount, input: input, metadata)
    let opened = varied.files[index][file]
    guard job.isTurnedBehind(opened, metadata) else { return job.sink(of: opened, from: made) }
    let collector = PictureCollector(try context.picture(made))
    collectors[key(index, file)] = collector
    return collector
  }

  private func close(_ index: Int, _ file: Int) throws {
    guard let collector = collectors.removeValue(forKey: key(index, file)) else { return }
    let upright = try Picture(reading: TurnedPicture(collector.picture, orientation: metadata.orientation!))
    try jobs[index].sink(of: varied.files[index][file], from: upright.description).write(
      upright.buffer.base, stride: upright.stride, count: upright.description.height)
  }

  private func key(_ index: Int, _ file: Int) -> Int { index << 8 | file }

  private func finishPage(_ index: Int) throws {
    let job = jobs[index]
    if job.isPaged {
      try job.finish(page, varied.files[index], nil, reader, varied.tables[index].last)
      varied.letGo(index)
    } else if isOnly {
      try varied.finishOnly(index)
    }
  }

  // MARK: - On the way

  func begin(after position: Int, of variants: [Int]) throws -> [any RowSink] {
    var sinks: [any RowSink] = []
    try visitTees(position, variants) { index, file in sinks.append(try open(index, file)) }
    guard position == varied.run.runs[0].pipeline.links.count - 1, varied.run.runs[0].pipeline.makesTable else {
      return sinks
    }
    let needsGround =
      varied.choice?.wantsGround ?? false || variants.contains { jobs[$0].overlayPath(page: page) != nil }
    if needsGround {
      let ground = PictureCollector(try context.picture(written(variants[0], after: position)))
      for index in variants { grounds[index] = ground }
      sinks.append(ground)
    }
    return sinks
  }

  func finish(after position: Int, of variants: [Int]) throws {
    try visitTees(position, variants) { index, file in try close(index, file) }
  }

  /// Each file that is written at a point of the chain, once: combinations may have it in common.
  private func visitTees(_ position: Int, _ variants: [Int], _ visit: (_ index: Int, _ file: Int) throws -> Void) throws
  {
    var seen: Set<String> = []
    for index in variants {
      for (number, file) in varied.files[index].enumerated() where file.tee != nil && file.position == position {
        if seen.insert(file.path).inserted && !file.isLeft { try visit(index, number) }
      }
    }
  }

  // MARK: - Tables

  func take(_ table: Table, of variants: [Int]) throws {
    for index in variants {
      let job = jobs[index], isPaged = job.isPaged
      varied.tables[index].append(
        TableRows(
          file: job.job.input, page: isPaged ? nil : job.number(page), place: isPaged ? [:] : job.place(page),
          table: table))
      try choice?.take(table, job.job.branch, on: grounds[index]?.picture)
      if let path = job.overlayPath(page: page), let ground = grounds[index] {
        let change = job.change(
          of: reader, page: page, of: pageCount, varied.files[index], isAlone: job.outputs.overlay!.plan.isPaged)
        let overlay = try job.writeOverlay(
          of: table, by: self.variants[job.job.branch].pipeline.tableFilter!, on: ground.picture, options.region,
          metadata, change, reader.format, to: path)
        try job.job.writing(to: path) { try overlay.finish() }
      }
      grounds[index] = nil
      try finishPage(index)
    }
  }
}
