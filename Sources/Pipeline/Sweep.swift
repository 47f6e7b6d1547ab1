package import Pictures
import Platform
/// One pass over a picture: rows come in, tiles are filtered, rows go out, all at the same time.
///
/// There is no thread for reading and none for writing. Every worker, when it is free, takes what is most useful of
/// what can be done now: compress what the sink has ready, else write the next band if it is complete, else filter a tile
/// whose rows (with ghosts) are there, else decode the next band if there is room. So decoding, filtering and encoding overlap, never more threads than
/// workers are runnable, and with one worker the same code is a plain loop.
///
/// Bands are decoded and written in order, one at a time each; a band's input is let go once the last band whose halo
/// needs it is filtered. Memory is therefore bounded by the plan, whatever the picture's height.
package final class Sweep: @unchecked Sendable {
  package enum Input {
    /// Decoded as it is needed; kept whole if a picture to keep it in is given.
    case stream(any RowSource, keepIn: Picture?)
    case picture(Picture)
    /// The stencil makes pixels of its own.
    case none(ImageDescription)

    package var description: ImageDescription {
      switch self {
      case .stream(let source, _): source.description
      case .picture(let picture): picture.description
      case .none(let description): description
      }
    }
  }

  package enum Output {
    case stream(any RowSink, ImageDescription)
    case picture(Picture)
    /// The stencil keeps its results itself.
    case none
  }

  private let input: Input
  private let output: Output
  private let stencil: any Stencil
  private let plan: TilePlan
  private let picture: ImageDescription
  private let monitor = Monitor()
  private let statistics: RunStatistics

  // Guarded by the monitor.
  private var failure: (any Error)?
  private var inputBuffers: [PixelBuffer] = []  // Band b is in buffer b % count.
  private var decodedBands = 0
  private var isDecoding = false
  private var nextTile = 0
  private var tilesLeft: [Int]  // Of each band.
  private var filteredBands = 0  // All bands before this one are filtered.
  private var outputBuffers: [PixelBuffer] = []
  private var writtenBands = 0
  private var isWriting = false
  private let streamsOut: Bool
  private let inputStride: Int
  private let outputStride: Int

  package init(input: Input, stencil: any Stencil, output: Output, plan: TilePlan, statistics: RunStatistics) throws {
    self.input = input
    self.output = output
    self.stencil = stencil
    self.plan = plan
    self.statistics = statistics
    picture = input.description
    tilesLeft = Array(repeating: plan.columns, count: plan.bands)
    inputStride = (picture.bytesPerRow + 63) / 64 * 64
    if case .stream(_, keepIn: nil) = input {
      let size = inputStride * plan.bandHeight
      for _ in 0..<plan.inputBands { inputBuffers.append(try PixelBuffer(byteCount: size)) }
    } else if case .stream = input {
    } else {
      decodedBands = plan.bands
    }
    if case .stream(_, let description) = output {
      streamsOut = true
      outputStride = (description.bytesPerRow + 63) / 64 * 64
      let size = outputStride * plan.bandHeight
      for _ in 0..<plan.outputBands { outputBuffers.append(try PixelBuffer(byteCount: size)) }
    } else {
      streamsOut = false
      outputStride = 0
    }
  }

  /// Runs to the end on the pool's workers.
  ///
  /// - Throws: The first error of the source or the sink.
  package func run(on pool: WorkerPool) throws {
    let useful = max(plan.tiles, 1)
    pool.run(workers: min(plan.workers, useful)) { scratch in
      while let action = self.next() { self.perform(action, scratch: scratch) }
    }
    if let failure { throw failure }
  }

  // MARK: - What to do next

  private enum Action {
    case work(@Sendable () throws -> Void)
    case write(band: Int)
    case filter(band: Int, column: Int)
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
    streamsOut ? writtenBands == plan.bands && !isWriting && !sinkHasWork : filteredBands == plan.bands
  }

  private var sinkHasWork: Bool {
    guard case .stream(let sink, _) = output else { return false }
    return sink.hasWork
  }

  private func available() -> Action? {
    if case .stream(let sink, _) = output {
      if let work = sink.takeWork() { return .work(work) }
      if !isWriting && writtenBands < plan.bands && tilesLeft[writtenBands] == 0 && sink.canTakeRows {
        isWriting = true
        return .write(band: writtenBands)
      }
    }
    if nextTile < plan.tiles {
      let band = nextTile / plan.columns
      let hasRoom = !streamsOut || band - writtenBands < plan.outputBands
      if hasRoom && decodedBands > lastBandNeeded(by: band) {
        nextTile += 1
        return .filter(band: band, column: (nextTile - 1) % plan.columns)
      }
    }
    if !isDecoding && decodedBands < plan.bands && decodedBands - firstBandHeld < inputCapacity {
      isDecoding = true
      return .decode(band: decodedBands)
    }
    return nil
  }

  /// The last input band that a band's tiles read from.
  private func lastBandNeeded(by band: Int) -> Int {
    if stencil.needsWholePicture { return plan.bands - 1 }
    let lastRow = min((band + 1) * plan.bandHeight + plan.reach, picture.height) - 1
    return lastRow / plan.bandHeight
  }

  private func firstBandNeeded(by band: Int) -> Int {
    if stencil.needsWholePicture { return 0 }
    return max(band * plan.bandHeight - plan.reach, 0) / plan.bandHeight
  }

  /// Input bands before this one are not needed any more.
  private var firstBandHeld: Int { firstBandNeeded(by: filteredBands) }

  private var inputCapacity: Int { inputBuffers.isEmpty ? plan.bands : inputBuffers.count }

  // MARK: - Doing it

  private func perform(_ action: Action, scratch: Scratch) {
    let start = monotonicNanoseconds()
    do {
      switch action {
      case .work(let work):
        try work()
        statistics.add(.encoding, monotonicNanoseconds() - start)
      case .write(let band):
        try write(band)
        statistics.add(.encoding, monotonicNanoseconds() - start)
      case .filter(let band, let column):
        filter(band: band, column: column, scratch: scratch)
        statistics.add(.filtering, monotonicNanoseconds() - start)
      case .decode(let band):
        try decode(band)
        statistics.add(.decoding, monotonicNanoseconds() - start)
      }
      monitor.locked {
        finish(action)
        monitor.wakeAll()
      }
    } catch {
      monitor.locked {
        if failure == nil { failure = error }
        monitor.wakeAll()
      }
    }
  }

  private func finish(_ action: Action) {
    switch action {
    case .work: break
    case .write:
      isWriting = false
      writtenBands += 1
    case .filter(let band, _):
      tilesLeft[band] -= 1
      while filteredBands < plan.bands && tilesLeft[filteredBands] == 0 { filteredBands += 1 }
    case .decode:
      isDecoding = false
      decodedBands += 1
    }
  }

  private func decode(_ band: Int) throws {
    guard case .stream(let source, let kept) = input else { preconditionFailure("nothing to decode") }
    let rows = plan.region(band: band, column: 0).height
    if let kept {
      try source.read(into: kept.row(band * plan.bandHeight), stride: kept.stride, count: rows)
    } else {
      let buffer = inputBuffers[band % inputBuffers.count]
      try source.read(into: buffer.base, stride: inputStride, count: rows)
    }
  }

  private func write(_ band: Int) throws {
    guard case .stream(let sink, _) = output else { preconditionFailure("nothing to write to") }
    let buffer = outputBuffers[band % outputBuffers.count]
    try sink.write(buffer.base, stride: outputStride, count: plan.region(band: band, column: 0).height)
  }

  private func filter(band: Int, column: Int, scratch: Scratch) {
    let region = plan.region(band: band, column: column)
    scratch.reset()
    let rows = outputRows(band: band)
    guard plan.surplus != .none, case .some(let outputDescription) = outputDescription else {
      stencil.process(region, from: sourceRows(band: band), to: rows, scratch: scratch)
      return
    }
    // More ghosts than needed were asked for: filter them as well, then trim.
    let grown = region.grown(by: plan.surplus, in: picture)
    let bytesPerPixel = outputDescription.bytesPerPixel
    let stride = grown.width * bytesPerPixel
    let ghosts = scratch.allocate(stride * grown.height, of: UInt8.self)
    let padded = OutputRows(
      base: ghosts, firstRow: grown.y, stride: stride, columnOffset: grown.x * bytesPerPixel)
    stencil.process(grown, from: sourceRows(band: band), to: padded, scratch: scratch)
    for y in region.y..<region.endY {
      (rows.row(y) + region.x * bytesPerPixel).copyMemory(
        from: padded.row(y) + region.x * bytesPerPixel, byteCount: region.width * bytesPerPixel)
    }
  }

  private var outputDescription: ImageDescription? {
    switch output {
    case .stream(_, let description): description
    case .picture(let picture): picture.description
    case .none: nil
    }
  }

  private func sourceRows(band: Int) -> SourceRows {
    switch input {
    case .picture(let picture), .stream(_, keepIn: .some(let picture)):
      return SourceRows(picture)
    case .none(let description):
      return SourceRows(none: description)
    case .stream(_, keepIn: .none):
      let first = firstBandNeeded(by: band), last = lastBandNeeded(by: band)
      let chunks = (first...last).map { UnsafeRawPointer?(inputBuffers[$0 % inputBuffers.count].base) }
      return SourceRows(
        description: picture, chunks: chunks, firstChunk: first, rowsPerChunk: plan.bandHeight, stride: inputStride)
    }
  }

  private func outputRows(band: Int) -> OutputRows {
    switch output {
    case .none: .none
    case .picture(let picture): OutputRows(picture)
    case .stream:
      OutputRows(
        base: outputBuffers[band % outputBuffers.count].base, firstRow: band * plan.bandHeight, stride: outputStride)
    }
  }
}
