import Imbrex

/// A chain of filters over files: the one way from inputs to pictures and tables.
struct FilterRun: Sendable {
  private(set) var options: CommonOptions
  let pipeline: Pipeline
  /// The same as it is taken to be while no picture has been read.
  private let assumed: Pipeline
  /// What `tee` writes on the way.
  let tees: [Tee]
  /// As they were given, for reports and names.
  let stages: [ParsedStage]
  let nameFields: NameFields
  let settings: ResultSettings

  struct Tee: Sendable {
    /// After how many filters.
    let position: Int
    let path: String
  }

  /// - Parameters:
  ///   - listed: The files, where they are known already.
  ///   - made: Filters of other runs, which this one can have too.
  init(_ line: ParsedLine, listed: CommonOptions.Listed? = nil, made: MadeFilters? = nil) throws {
    var options = CommonOptions(line)
    options.listed = listed
    self.options = options
    var links: [Pipeline.Link] = [], tees: [Tee] = []
    var settings = ResultSettings()
    for stage in line.stages {
      switch stage {
      case .filter(let definition, let values):
        links.append(Pipeline.Link(definition.name, try made?.filter(definition, values) ?? definition.make(values)))
        if options.incremental { try settings.add(filter: definition.name, values) }
      case .tee(let path):
        tees.append(Tee(position: links.count, path: path))
        settings.add("tee \(path)")
      }
    }
    pipeline = try Pipeline(links)
    assumed = pipeline.assumed
    if !options.quiet { Remarks.show { Messages.report($0) } }
    stages = line.stages
    nameFields =
      options.name == nil
      ? NameFields()
      : NameFields(
        line.stages.compactMap { stage in
          if case .filter(let definition, let values) = stage { (definition.name, values) } else { nil }
        }, common: options.values, ["mask", "nodata"])
    self.tees = tees
    if options.incremental { try settings.add(common: options.values) }
    self.settings = settings
  }

  /// The run with the masks that its options name, which are pictures like others: to be read from within the sandbox.
  func withMasks(_ made: MadeFilters? = nil) throws -> FilterRun {
    var run = self
    try run.options.readMasks(made)
    return run
  }

  /// The chain for a picture, whose file may have to say how large pixels are.
  ///
  /// - Parameter turn: How it is turned before: the orientation, 1 … 8, that it has.
  func pipeline(for reader: ImageReader, turn: Int = 1) throws -> Pipeline {
    try pipeline.measured { turn >= 5 ? reader.pixelSize?.turned : reader.pixelSize }
  }

  /// For names of files.
  var filterName: String { filterName(after: pipeline.links.count) }
  func filterName(after position: Int) -> String {
    pipeline.links[..<position].map(\.name).joined(separator: "-")
  }

  /// The chain as it was given, so many filters of it, in one line.
  func provenance(after position: Int) -> String {
    let common = CommonOptionList.words(options.values, of: ["mask", "nodata"])
    return ((0..<position).map(words).joined(separator: " then ") + common).unicodeScalars
      .map { $0.value < 32 ? " " : String($0) }.joined()
  }

  /// A filter as it was given.
  func words(_ position: Int) -> String {
    let words = stages.compactMap { stage in
      if case .filter(let definition, let values) = stage { definition.words(values) } else { nil }
    }
    return words[position]
  }

  /// Of each filter, what tells it from others.
  var filterKeys: [String] {
    stages.compactMap { stage in
      if case .filter(let definition, let values) = stage { definition.key(values) } else { nil }
    }
  }

  /// What a gray picture of a byte a pixel becomes.
  var grayResult: ImageDescription { assumed.outputDescription(for: Self.gray) }
  /// Whether floats come out of integers, after so many filters.
  func makesFloat(after position: Int) -> Bool {
    assumed.descriptions(for: Self.gray)[position].sampleType.isFloat
  }
  /// Whether a picture of 0 and 255 comes out, after so many filters.
  func makesTwoLevels(after position: Int) -> Bool { pipeline.links[position - 1].filter.makesTwoLevels }
  /// Whether samples measure what the input's do, after so many filters.
  func keepsQuantity(after position: Int) -> Bool { pipeline.links[..<position].allSatisfy(\.filter.keepsQuantity) }
  /// Whether floats are in the units of the input's file, after so many filters.
  func preservesRange(after position: Int) -> Bool {
    let made = assumed.descriptions(for: Self.gray)[...position]
    // The filter that made floats of integers.
    guard let maker = made.lastIndex(where: { !$0.sampleType.isFloat }), maker < position else { return false }
    return pipeline.links[maker].filter.preservesRange
  }
  /// The option that asks for floats.
  var floatOption: String { pipeline.links.last!.filter.preservesRange ? "--preserve-range" : "--float" }
  var makesFloat: Bool { makesFloat(after: pipeline.links.count) }
  /// Whether floats are what the last filter is asked for, rather than what came to it.
  var asksForFloat: Bool {
    assumed.links.last!.filter.outputDescription(for: Self.gray).sampleType.isFloat
  }

  /// Files that options name and that are read: the mask, and those of filters.
  var optionFiles: [(option: String, path: String)] {
    let mask = options.values.text("mask").map { [(option: "mask", path: $0)] } ?? []
    return mask
      + stages.flatMap { stage -> [(option: String, path: String)] in
        guard case .filter(_, let values) = stage else { return [] }
        return values.all.compactMap { definition, value in
          value.flatMap(definition.path).map { (definition.name, $0) }
        }
      }
  }

  private static let gray = ImageDescription(width: 1, height: 1, color: .gray, sampleType: .uint8)

  func run() throws {
    let outputs = try RunOutputs(self)
    if let table = outputs.sharedTable, options.noClobber, !options.dryRun, !options.explain, table != "-",
      fileExists(table)
    {
      return
    }
    var confinement = Confinement(options)
    confinement.reads(self, outputs.plan)
    confinement.writes(outputs, of: options)
    try confinement.around { try withMasks().perform(outputs) }
  }

  private func perform(_ outputs: RunOutputs) throws {
    let tiling = try options.tiling()
    if options.explain { return try explain(outputs, tiling) }
    let runner = BatchRunner(branches: [.init(self, outputs)], tiling: tiling)
    let rows = Locked([TableRows]())
    var failure: BatchFailure?
    do {
      try runner.run { result, _ in
        rows.withLock { $0 += result.rows }
      } _: { jobs in
        try PictureJob(self, jobs[0], outputs).perform()
      }
    } catch let error as BatchFailure {
      failure = error
    }
    // Of one picture, this has been done before its output was.
    if failure == nil { try pipeline.end() }
    let many = outputs.plan.isMany
    if let path = outputs.sharedTable, !options.dryRun, failure == nil || many {
      try writeText(
        outputs.tableFormat.text(rows.withLock { $0 }, columns: pipeline.tableFilter!.tableColumns, naming: many),
        to: path, isSynced: options.sync)
    }
    if let failure { throw failure }
  }

  private func explain(_ outputs: RunOutputs, _ tiling: TilingOptions) throws {
    let shares = BatchRunner(branches: [.init(self, outputs)], tiling: tiling).memoryShares
    var tiling = tiling
    tiling.maxMemory /= shares
    let pool = WorkerPool(count: 1)
    defer { pool.close() }
    let context = RunContext(pool: pool, tiling: tiling)
    let failures = (0..<outputs.plan.count).compactMap { explain($0, outputs, context, picturesAtOnce: shares) }
    for (path, error) in outputs.plan.unread { Messages.report(messageText(error), file: path) }
    if let failure = failures.first { throw failure }
    if !outputs.plan.unread.isEmpty { throw BatchFailure(status: 1) }
  }

  /// - Returns: What went wrong, once it has been reported.
  private func explain(_ index: Int, _ outputs: RunOutputs, _ context: RunContext, picturesAtOnce: Int) -> BatchFailure?
  {
    let item = outputs.plan[index]
    do {
      let job = FileJob(index, item, context, backupSuffix: options.backupSuffix, progress: nil)
      let explanation = try PictureJob(self, job, outputs).explanation(picturesAtOnce: picturesAtOnce)
      if options.json { print(explanation.json) } else { Messages.show(explanation.text) }
      return nil
    } catch {
      let failure = error as? ImbrexError ?? ImbrexError(.input, "\(error)")
      Messages.report(messageText(failure), file: item.input)
      return BatchFailure(status: failure.status)
    }
  }
}

extension FilterDefinition {
  /// The filter and the options that were given, as one would type them. Of files their names alone: where they lie is nobody's
  /// concern.
  fileprivate func words(_ values: OptionValues) -> String {
    ([name] + values.all.compactMap { option, value in option.words(value, isGiven: values.isGiven(option.name)) })
      .joined(separator: " ")
  }
}

extension CommonOptionList {
  /// The same of some common options, each with a space before it.
  fileprivate static func words(_ values: OptionValues, of names: [String]) -> String {
    values.all.compactMap { option, value in
      names.contains(option.name) ? option.words(value, isGiven: values.isGiven(option.name)).map { " " + $0 } : nil
    }.joined()
  }
}

extension OptionDefinition {
  fileprivate func words(_ value: OptionValue?, isGiven: Bool) -> String? {
    guard isGiven, let value else { return nil }
    switch kind {
    case .flag: return "--\(name)"
    case .file, .library: return "--\(name) \(PathText.split(value.description).name)"
    default: return "--\(name) \(value.description)"
    }
  }
}
