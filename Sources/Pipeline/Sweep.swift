import Pictures

import Platform

/// One pass over a picture: rows come in, tiles of every stage are made, rows go out, all at the same time.
///
/// There is no thread for reading and none for writing. Every worker, when it is free, takes what is most useful of what can be
/// done now, downstream first: compress what a sink has ready, else write the next band if it is complete, else make a tile of the
/// last stage whose rows (with ghosts) are there, else of the stage before it, and so on, else decode the next band if there is
/// room. So decoding, every stage and encoding overlap, never more threads than workers are runnable, and with one worker the same
/// code is a plain loop.
///
/// Bands are decoded and written in order, one at a time each; a level's band is let go once the last tile whose ghosts need it is
/// made. Memory is therefore bounded by the plan, whatever the picture's height, and nothing is computed twice.
final class Sweep: @unchecked Sendable {
  private let plan: SweepPlan
  private let input: SweepInput
  private let stages: [SweepStage]
  private let levels: [SweepLevel]
  private let pool: WorkerPool
  private let statistics: RunStatistics
  private let monitor = Monitor()
  // Guarded by the monitor, as are the levels.
  private var failure: (any Error)?

  /// - Parameters:
  ///   - result: Where the last level goes; nil: to writers, or nowhere.
  ///   - writers: By level, what takes its rows beside the next stage, and which part of them.
  init(
    _ plan: SweepPlan, input: SweepInput, stages: [SweepStage], result: Picture? = nil,
    writers: [(level: Int, sink: any RowSink, window: Region, work: RunStatistics.Work)] = [], context: RunContext
  ) throws {
    precondition(stages.count == plan.steps.count)
    self.plan = plan
    self.input = input
    self.stages = stages
    pool = context.pool
    statistics = context.statistics
    levels = try plan.levels.enumerated().map { index, level in
      let isLast = index == plan.levels.count - 1
      if index == 0 {
        switch input {
        case .picture(let picture):
          return try SweepLevel(level, grid: plan.grid, picture: picture, isThere: true)
        case .none: return try SweepLevel(level, grid: plan.grid, picture: nil, isThere: true)
        case .stream: break
        }
      }
      let picture = isLast ? result : level.isHeld ? try context.picture(level.description) : nil
      return try SweepLevel(level, grid: plan.grid, picture: picture, isThere: false)
    }
    for writer in writers {
      levels[writer.level].writers.append(
        .init(writer.sink, window: writer.window, work: writer.work, grid: plan.grid))
    }
    if case .stream(let source) = input, plan.levels[0].window != Region(all: plan.levels[0].description) {
      try source.select(plan.levels[0].window)
    }
  }

  /// Runs to the end on the pool's workers.
  ///
  /// - Throws: The first error of the source or a sink.
  func run() throws {
    pool.run(workers: min(plan.workers, max(plan.tiles, 1))) { scratch in
      while let action = self.next() { self.perform(action, scratch: scratch) }
    }
    if let failure { throw failure }
  }

  // MARK: - What to do next

  private enum Action {
    case work(@Sendable () throws -> Void, RunStatistics.Work)
    case write(SweepLevel, SweepLevel.Writer)
    /// Of stage `level` − 1, which makes that level.
    case tile(level: Int, band: Int, column: Int)
    case decode(band: Int)
  }

  /// Takes the most useful action there is, or waits for one; nil when all is done or has failed.
  private func next() -> Action? {
    monitor.lock()
    defer { monitor.unlock() }
    var waitedSince: Int?
    while true {
      if failure != nil || isFinished {
        monitor.wakeAll()
        return nil
      }
      if let action = available() {
        if let waitedSince { statistics.add(.waiting, monotonicNanoseconds() - waitedSince) }
        return action
      }
      if waitedSince == nil { waitedSince = monotonicNanoseconds() }
      monitor.wait()
    }
  }

  private var isFinished: Bool {
    levels.indices.allSatisfy { index in
      (!plan.readers[index].isEmpty || levels[index].isComplete) && levels[index].writers.allSatisfy(\.isDone)
    }
  }

  private func available() -> Action? {
    for index in levels.indices.reversed() {
      let level = levels[index]
      for writer in level.writers {
        if let work = writer.sink.takeWork() { return .work(work, writer.work) }
        if !writer.isWriting && writer.next < writer.end && writer.next < level.complete && writer.sink.canTakeRows {
          writer.isWriting = true
          return .write(level, writer)
        }
      }
      if index > 0, level.hasTilesLeft, hasRoom(in: index, for: level.nextBand),
        levels[plan.steps[index - 1].source].complete > bandsNeeded(by: level.nextBand, of: index).upperBound
      {
        let tile = level.beginTile()
        return .tile(level: index, band: tile.band, column: tile.column)
      }
    }
    let first = levels[0]
    if !first.isDecoding && !first.isComplete && hasRoom(in: 0, for: first.complete) {
      first.isDecoding = true
      return .decode(band: first.complete)
    }
    return nil
  }

  private func hasRoom(in index: Int, for band: Int) -> Bool {
    let level = levels[index]
    var next: Int?
    for step in plan.readers[index] where !levels[step + 1].isComplete {
      let needed = bandsNeeded(by: levels[step + 1].complete, of: step + 1).lowerBound
      next = min(next ?? needed, needed)
    }
    return level.hasRoom(for: band, firstHeld: level.firstHeld(next: next))
  }

  /// The bands of the level that a stage reads that a band of this one is made from.
  private func bandsNeeded(by band: Int, of index: Int) -> ClosedRange<Int> {
    let step = plan.steps[index - 1], below = levels[step.source]
    if step.readsAll { return below.bands.lowerBound...(below.bands.upperBound - 1) }
    let rows = levels[index].rows(of: band), window = below.plan.window
    return plan.grid.band(
      of: max(rows.lowerBound - step.ghostRows, window.y))...plan.grid.band(
        of: min(rows.upperBound + step.ghostRows, window.endY) - 1)
  }

  // MARK: - Doing it

  private func perform(_ action: Action, scratch: Scratch) {
    let start = monotonicNanoseconds()
    do {
      let work: RunStatistics.Work
      switch action {
      case .work(let body, let kind):
        try body()
        work = kind
      case .write(let level, let writer):
        try level.write(writer.next, to: writer)
        work = writer.work
      case .tile(let index, let band, let column):
        try makeTile(of: index, band: band, column: column, scratch: scratch)
        work = .filtering(plan.steps[index - 1].shape.filter)
      case .decode(let band):
        guard case .stream(let source) = input else { preconditionFailure("nothing to decode") }
        try levels[0].decode(band, from: source)
        work = .decoding
      }
      statistics.add(work, monotonicNanoseconds() - start)
      SpilledBuffers.touch(byteCount(of: action), limit: Self.spilledInMemory)
      monitor.locked {
        finish(action)
        monitor.wakeAll()
      }
    } catch {
      monitor.locked {
        if failure == nil { failure = error }
        monitor.wakeAll()
      }
      for case .stencil(let stencil) in stages { stencil.cancel() }
    }
  }

  /// Bytes of what is in temporary files that are in memory too.
  private static let spilledInMemory = 16 << 20

  /// Of pixels that an action reads or makes, about.
  private func byteCount(of action: Action) -> Int {
    switch action {
    case .work, .write: return 0
    case .tile(let index, let band, let column):
      let tile = levels[index].tile(band: band, column: column)
      return 2 * tile.width * tile.height * levels[index].plan.description.bytesPerPixel
    case .decode(let band):
      return levels[0].rows(of: band).count * levels[0].plan.description.bytesPerRow
    }
  }

  private func finish(_ action: Action) {
    switch action {
    case .work: break
    case .write(_, let writer):
      writer.isWriting = false
      writer.next += 1
    case .tile(let index, let band, _): levels[index].finishTile(of: band)
    case .decode: levels[0].finishDecoding()
    }
  }

  private func makeTile(of index: Int, band: Int, column: Int, scratch: Scratch) throws {
    let level = levels[index], step = plan.steps[index - 1]
    let tile = level.tile(band: band, column: column)
    let source = levels[step.source].source(bandsNeeded(by: band, of: index))
    scratch.reset()
    let stencil: any Stencil
    switch stages[index - 1] {
    case .analysis(let gathering): return gathering.measure(tile, from: source, scratch: scratch)
    case .stencil(let found): stencil = found
    }
    let rows = level.output(band)
    guard step.spare != .none else { return try stencil.process(tile, from: source, to: rows, scratch: scratch) }
    // More ghosts than needed were asked for: make them as well, then trim.
    let grown = tile.grown(by: step.spare, in: level.plan.description)
    let bytesPerPixel = level.plan.description.bytesPerPixel
    let stride = grown.width * bytesPerPixel
    let ghosts = scratch.allocate(stride * grown.height, of: UInt8.self)
    let padded = OutputRows(base: ghosts, firstRow: grown.y, stride: stride, columnOffset: grown.x * bytesPerPixel)
    try stencil.process(grown, from: source, to: padded, scratch: scratch)
    for y in tile.y..<tile.endY {
      (rows.row(y) + tile.x * bytesPerPixel).copyMemory(
        from: padded.row(y) + tile.x * bytesPerPixel, byteCount: tile.width * bytesPerPixel)
    }
  }
}
