public import Pictures

/// What a run works with: the workers, how to tile, what it may hold, and where it items its times.
public struct RunContext: Sendable {
  /// Who works; several runs may share it.
  public let pool: WorkerPool
  /// How many of them at most, how tiles are cut, what may be held.
  public let tiling: TilingOptions
  /// Gathers where the workers' time goes.
  public let statistics: RunStatistics

  /// - Parameters:
  ///   - pool: Must outlive the run, and must not be closed meanwhile.
  ///   - tiling: Results do not depend on it, but for an error where memory does not do.
  ///   - statistics: Another for each run whose times are to be told apart.
  public init(pool: WorkerPool, tiling: TilingOptions, statistics: RunStatistics = RunStatistics()) {
    self.pool = pool
    self.tiling = tiling
    self.statistics = statistics
  }

  /// How many things a run holds whole; they share what it may hold.
  var heldCount = 1

  /// How many work at once.
  public var workers: Int { tiling.isSerial ? 1 : tiling.workers }

  /// Bytes beyond which something that is held whole is held in a temporary file.
  public var maxHeld: Int { tiling.maxMemory / max(heldCount, 1) }

  /// Memory for a whole picture, in a temporary file if it is more than the run may hold.
  public func picture(_ description: ImageDescription) throws -> Picture {
    try Picture(description, spilled: description.byteCount > maxHeld)
  }

  /// Runs an analysis over a picture in memory.
  ///
  /// - Parameter filter: Whose time it is.
  public func measure<Measure: Analysis>(
    _ analysis: Measure, of picture: Picture, filter: String
  ) throws -> Measure.Result {
    let shape = StageShape(
      filter: filter, halo: analysis.halo, needsWholePicture: analysis.needsWholePicture, output: nil)
    let plan = try SweepPlan(
      input: picture.description, shapes: [shape], window: nil, options: tiling, streamsIn: false, streamsOut: false)
    let gatherer = analysis.gatherer()
    let sweep = try Sweep(plan, input: .picture(picture), stages: [.analysis(gatherer)], context: self)
    try sweep.run()
    return gatherer.result
  }
}
