import Imbrex

/// A chain of filters over files: the one way from inputs to pictures and tables.
struct FilterRun: Sendable {
  let options: CommonOptions
  let pipeline: Pipeline
  /// What `tee` writes on the way.
  let tees: [Tee]
  private let settings: ResultSettings
  /// The chain as it was given, for metadata.
  let provenance: String

  struct Tee: Sendable {
    /// After how many filters.
    let position: Int
    let path: String
  }

  init(_ line: ParsedLine) throws {
    options = CommonOptions(line)
    var links: [Pipeline.Link] = [], tees: [Tee] = []
    var settings = ResultSettings(), words: [String] = []
    for stage in line.stages {
      switch stage {
      case .filter(let definition, let values):
        words.append(definition.words(values))
        links.append(Pipeline.Link(definition.name, try definition.make(values)))
        if options.incremental { try settings.add(filter: definition.name, values) }
      case .tee(let path):
        tees.append(Tee(position: links.count, path: path))
        settings.add("tee \(path)")
      }
    }
    pipeline = try Pipeline(links)
    self.tees = tees
    let line = words.joined(separator: " then ").unicodeScalars.map { $0.value < 32 ? " " : String($0) }
    provenance = line.joined()
    if options.incremental { settings.add(common: options.values) }
    self.settings = settings
  }

  /// For names of files.
  var filterName: String { filterName(after: pipeline.links.count) }
  func filterName(after position: Int) -> String {
    pipeline.links[..<position].map(\.name).joined(separator: "-")
  }

  /// What a gray picture of a byte a pixel becomes.
  var grayResult: ImageDescription { pipeline.outputDescription(for: Self.gray) }
  /// Whether floats come out of integers, after so many filters.
  func makesFloat(after position: Int) -> Bool {
    pipeline.descriptions(for: Self.gray)[position].sampleType.isFloat
  }
  /// Whether a picture of 0 and 255 comes out, after so many filters.
  func makesTwoLevels(after position: Int) -> Bool { pipeline.links[position - 1].filter.makesTwoLevels }
  /// Whether samples measure what the input's do, after so many filters.
  func keepsQuantity(after position: Int) -> Bool { pipeline.links[..<position].allSatisfy(\.filter.keepsQuantity) }
  /// Whether floats are in the units of the input's file, after so many filters.
  func preservesRange(after position: Int) -> Bool {
    let made = pipeline.descriptions(for: Self.gray)[...position]
    // The filter that made floats of integers.
    guard let maker = made.lastIndex(where: { !$0.sampleType.isFloat }), maker < position else { return false }
    return pipeline.links[maker].filter.preservesRange
  }
  /// The option that asks for floats.
  var floatOption: String { pipeline.links.last!.filter.preservesRange ? "--preserve-range" : "--float" }
  var makesFloat: Bool { makesFloat(after: pipeline.links.count) }
  /// Whether floats are what the last filter is asked for, rather than what came to it.
  var asksForFloat: Bool {
    pipeline.links.last!.filter.outputDescription(for: Self.gray).sampleType.isFloat
  }

  private static let gray = ImageDescription(width: 1, height: 1, color: .gray, sampleType: .uint8)

  func run() throws {
    let tiling = try options.tiling()
    let outputs = try RunOutputs(self)
    if options.explain {
      let failures = (0..<outputs.plan.count).compactMap { explain(outputs.plan[$0].input, tiling) }
      if let failure = failures.first { throw failure }
      return
    }
    if let table = outputs.sharedTable, options.noClobber, table != "-", fileExists(table) { return }
    var runner = BatchRunner(options: options, plan: outputs.plan, tiling: tiling, settings: settings.hash)
    runner.sideOutputs = { outputs.sidePaths($0) }
    let rows = Locked([TableRows]())
    var failure: BatchFailure?
    do {
      try runner.run(sharesOutput: outputs.sharedTable != nil) { result in
        rows.withLock { $0 += result.rows }
      } _: { job in
        try PictureJob(self, job, outputs).perform()
      }
    } catch let error as BatchFailure {
      failure = error
    }
    let many = outputs.plan.count > 1
    if let path = outputs.sharedTable, !options.dryRun, failure == nil || many {
      try writeText(
        outputs.tableFormat.text(rows.withLock { $0 }, columns: pipeline.tableFilter!.tableColumns, naming: many),
        to: path)
    }
    if let failure { throw failure }
  }

  /// - Returns: What went wrong, once it has been reported.
  private func explain(_ input: String, _ tiling: TilingOptions) -> BatchFailure? {
    do {
      let reader = try ImageReader(path: input, options: options.readerOptions(tiling))
      var picture = reader.description
      if reader.metadata.isTurned && (options.autoOrient || options.strip) {
        picture = picture.turned(reader.metadata.orientation!)
      }
      let plan = try pipeline.plan(for: picture, region: options.region, tiling: tiling)
      print(plan.explanation(of: reader, input: input))
      return nil
    } catch {
      let failure = error as? ImbrexError ?? ImbrexError(.input, "\(error)")
      Messages.report(messageText(failure), file: input)
      return BatchFailure(status: failure.status)
    }
  }
}

extension FilterDefinition {
  /// The filter and the options that were given, as one would type them. Of files their names alone: where they lie is nobody's
  /// concern.
  fileprivate func words(_ values: OptionValues) -> String {
    let options = values.all.compactMap { option, value -> String? in
      guard values.isGiven(option.name), let value else { return nil }
      switch option.kind {
      case .flag: return "--\(option.name)"
      case .file: return "--\(option.name) \(value.description.split(separator: "/").last ?? "")"
      default: return "--\(option.name) \(value.description)"
      }
    }
    return ([name] + options).joined(separator: " ")
  }
}
