import Imbrex

/// A chain over files with several combinations of options: what combinations share is done once for all of them.
struct VariedRun: Sendable {
  let line: VariedLine
  /// One for each combination.
  private(set) var runs: [FilterRun]
  let variants: [Variant]
  let outputs: [RunOutputs]
  private let made: MadeFilters

  init(_ line: VariedLine) throws {
    self.line = line
    made = MadeFilters()
    let first = try FilterRun(line.lines[0], made: made), firstOutputs = try RunOutputs(first)
    // The files are looked for once.
    var listed: CommonOptions.Listed?
    if first.options.shard == nil {
      let plan = firstOutputs.plan
      listed = .init(
        named: try first.options.namedInputs(), files: (0..<plan.count).map { (plan[$0].input, plan.kept($0)) })
    }
    var runs = [first], outputs = [firstOutputs]
    for line in line.lines.dropFirst() {
      runs.append(try FilterRun(line, listed: listed, made: made))
      outputs.append(try RunOutputs(runs.last!))
    }
    (self.runs, self.outputs) = (runs, outputs)
    variants = runs.map { Variant($0.pipeline, words: $0.filterKeys) }
    try checkApart()
  }

  var options: CommonOptions { runs[0].options }

  /// The variants for a picture, whose file may have to say how large pixels are.
  ///
  /// - Parameter turn: As for ``FilterRun/pipeline(for:turn:)``.
  func variants(for reader: ImageReader, turn: Int = 1) throws -> [Variant] {
    try zip(runs, variants).map { Variant(try $0.pipeline(for: reader, turn: turn), words: $1.words) }
  }

  func run() throws {
    var confinement = Confinement(options)
    for (run, outputs) in zip(runs, outputs) {
      confinement.reads(run, outputs.plan)
      confinement.writes(outputs, of: run.options)
    }
    if let truth = options.truth { confinement.reads(truth) }
    if let sheet = options.sheet { confinement.writes(sheet, isDirectory: sheet.hasSuffix("/") || isDirectory(sheet)) }
    try confinement.around {
      var run = self
      run.runs = try runs.map { try $0.withMasks(made) }
      try run.perform()
    }
  }

  private func perform() throws {
    let tiling = try options.tiling()
    let branches = runs.indices.map { BatchRunner.Branch(runs[$0], outputs[$0], line.combinations[$0]) }
    let runner = BatchRunner(branches: branches, tiling: tiling)
    if options.explain { return try explain(tiling, shares: runner.memoryShares) }
    let choice = try Choice(self)
    let rows = Locked(runs.map { _ in [TableRows]() })
    var failure: BatchFailure?
    do {
      try runner.run { result, branch in
        rows.withLock { $0[branch] += result.rows }
      } _: { jobs in
        try VariedJob(self, jobs, choice).perform()
      }
    } catch let error as BatchFailure {
      failure = error
    }
    if options.dryRun { return }
    if failure == nil { for run in runs { try run.pipeline.end() } }
    try writeTables(rows.withLock { $0 }, unless: failure != nil)
    if failure == nil || outputs[0].plan.isMany { try choice?.finish() }
    if let failure { throw failure }
  }

  /// The one table of all inputs, of each combination.
  private func writeTables(_ rows: [[TableRows]], unless hasFailed: Bool) throws {
    for (outputs, rows) in zip(outputs, rows) {
      guard let path = outputs.sharedTable, !hasFailed || outputs.plan.isMany else { continue }
      if options.noClobber && fileExists(path) { continue }
      try writeText(
        outputs.tableFormat.text(
          rows, columns: runs[0].pipeline.tableFilter!.tableColumns, naming: outputs.plan.isMany), to: path,
        isSynced: options.sync)
    }
  }

  // MARK: - Outputs

  /// How many results may be written at the same time: as many as files may be open, and processes be kept.
  func outputsAtOnce(_ tiling: TilingOptions) -> Int {
    let processes = runs[0].pipeline.links.count { $0.filter is any ProbedFilter }
    // A process that takes tiles has three pipes.
    let filesEach = 1 + runs[0].tees.count + 3 * processes * tiling.workers
    let most = max(128 / max(processes * tiling.workers, 1), 1),
      pictures = max(min(tiling.workers, outputs[0].plan.count), 1), others = 64
    let allowed = allowOpenFiles(most * filesEach * pictures + others)
    return min(max((allowed - others) / (filesEach * pictures), 1), most)
  }

  /// No two combinations write one file, but for what they have in common.
  private func checkApart() throws {
    guard runs.count > 1 else { return }
    var owners: [[UInt8]: (variant: Int, shared: String?)] = [:]
    func claim(_ path: String, _ variant: Int, shared: String? = nil) throws {
      let place = path == "-" ? [] : PathText.bytes(futurePlace(of: path))
      guard let owner = owners[place], owner.variant != variant else {
        owners[place] = (variant, shared)
        return
      }
      if let shared, shared == owner.shared { return }
      throw collision(path, owner.variant, variant)
    }
    for index in 0..<outputs[0].plan.count {
      for (variant, outputs) in outputs.enumerated() {
        if let path = outputs.sharedTable ?? outputs.plan[index].output { try claim(path, variant) }
        for (tee, side) in zip(runs[variant].tees, outputs.tees) {
          try claim(
            side.path(index), variant, shared: variants[variant].words[..<tee.position].joined(separator: " then "))
        }
        if let overlay = outputs.overlay { try claim(overlay.path(index), variant) }
      }
      // The table of all inputs is one path for each combination.
      if outputs[0].sharedTable != nil && outputs[0].sides.isEmpty { break }
    }
  }

  private func collision(_ path: String, _ one: Int, _ other: Int) -> ImbrexError {
    let (a, b) = (line.combinations[one], line.combinations[other])
    let names = zip(a.names, zip(a.values, b.values)).filter { $1.0 != $1.1 }.map { "{\($0.0)}" }
    let where_ = outputs[0].writesToDirectory ? "--name" : path == "-" ? "the name of -o" : "the name"
    return ImbrexError(
      .usage,
      "'\(FileJob.name(of: path))' would be written with \(a.text) and with \(b.text): put \(names.joined(separator: " and ")) into \(where_)"
    )
  }
}

/// Filters that have been made: those of equal options are one.
final class MadeFilters: @unchecked Sendable {
  private var made: [String: any Filter] = [:]
  private var masks: [String: [Mask]] = [:]

  func filter(_ definition: FilterDefinition, _ values: OptionValues) throws -> any Filter {
    let key = definition.key(values)
    if let known = made[key] { return known }
    let filter = try definition.make(values)
    made[key] = filter
    return filter
  }

  /// The masks of a file.
  func masks(_ path: String) throws -> [Mask] {
    if let known = masks[path] { return known }
    let read = try Mask.all(of: path)
    masks[path] = read
    return read
  }
}

extension FilterDefinition {
  /// The filter and all of its options in words.
  func key(_ values: OptionValues) -> String {
    ([name] + values.all.map { "\($0.name)=\($1?.description ?? "")" }).joined(separator: "\n")
  }
}
