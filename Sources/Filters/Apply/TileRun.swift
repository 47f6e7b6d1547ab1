import Pictures
import Pipeline

import Platform

/// Runners of one function that have nothing to do now: they are used again, also for the next picture.
final class IdleRunners: Sendable {
  private struct State {
    var runners: [any TileRunner] = []
    /// Those that were handed out are among them.
    var count = 0
  }
  private let state = Locked(State())

  /// Sees to it that there are so many. Whoever asks for one meanwhile waits, so that there are no more.
  func prepare(_ function: any TileFunction, _ count: Int) throws {
    try state.withLock { state in
      while state.count < count {
        let runner = try function.makeRunner()
        try runner.prepare()
        state.runners.append(runner)
        state.count += 1
      }
    }
  }

  func take(_ function: any TileFunction) throws -> any TileRunner {
    let idle = state.withLock { state in
      let idle = state.runners.popLast()
      if idle == nil { state.count += 1 }
      return idle
    }
    return try idle ?? function.makeRunner()
  }

  func giveBack(_ runner: any TileRunner) { state.withLock { $0.runners.append(runner) } }

  /// There are no more tiles.
  ///
  /// - Throws: The first that went wrong.
  func end() throws {
    let all = state.withLock { state in
      defer { state = State() }
      return state.runners
    }
    var failure: (any Error)?
    for runner in all {
      do { try runner.end() } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
  }
}

/// A function on the tiles of one picture.
final class TileRun: Sendable {
  let function: any TileFunction
  let input: ImageDescription
  let kind: PixelKind
  private let idle: IdleRunners
  private let conversion: SampleConversion
  /// Nil: tiles end where the picture does.
  private let border: BorderRows?
  private struct State {
    var active: [any TileRunner] = []
    var isCancelled = false
  }
  private let state = Locked(State())

  init(_ function: any TileFunction, _ idle: IdleRunners, _ input: ImageDescription) {
    (self.function, self.idle, self.input) = (function, idle, input)
    kind = function.kind(of: input)
    border = function.border.map { BorderRows($0, input) }
    conversion = SampleConversion(kind, input)
  }

  /// Runs the function on a tile.
  ///
  /// - Parameters:
  ///   - row: Where column 0 of a row of the input is, or would be.
  ///   - take: Is given what comes out, while it is there.
  /// - Throws: ``ImbrexError`` that names the tile.
  func make(
    _ place: TilePlace, from row: (Int) -> UnsafeRawPointer, scratch: Scratch, _ take: (TileOutput) throws -> Void
  ) throws {
    do {
      try scratch.frame {
        let tile = TileInput(input, place, kind, rows: rows(place.grown, row, scratch))
        let runner = try idle.take(function)
        try begin(runner)
        do {
          try take(runner.process(tile))
        } catch {
          // One that has failed is let go, and ends with that.
          _ = finish(runner)
          throw error
        }
        if finish(runner) { idle.giveBack(runner) }
      }
    } catch let error as ImbrexError where error.code != .closedPipe && error.code != .usage {
      throw error.prefixed("tile \(place.tile.text): ")
    }
  }

  /// The rows as a file holds them: where memory has the same, those in memory.
  private func rows(_ region: Region, _ row: (Int) -> UnsafeRawPointer, _ scratch: Scratch) -> [UnsafeRawPointer] {
    let inMemory =
      border?.rows(region, row, scratch) ?? (region.y..<region.endY).map { row($0) + region.x * input.bytesPerPixel }
    guard !conversion.isNone else { return inMemory }
    let rowBytes = region.width * kind.bytesPerPixel
    let numbers = UnsafeMutableRawPointer(scratch.allocate(rowBytes * region.height, of: UInt8.self))
    return inMemory.enumerated().map { index, samples in
      let target = numbers + index * rowBytes
      conversion.export(samples, region.width * kind.channels, to: target)
      return UnsafeRawPointer(target)
    }
  }

  private func begin(_ runner: any TileRunner) throws {
    try state.withLock { state in
      if state.isCancelled { throw ImbrexError(.input, "is given up", cause: .functionFailed) }
      state.active.append(runner)
    }
  }

  /// - Returns: Whether the runner can be used again.
  private func finish(_ runner: any TileRunner) -> Bool {
    state.withLock { state in
      state.active.removeAll { $0 === runner }
      return !state.isCancelled
    }
  }

  /// Something else has failed: tiles that are being made are given up.
  func cancel() {
    let active = state.withLock { state in
      state.isCancelled = true
      return state.active
    }
    active.forEach { $0.cancel() }
  }

  func place(_ tile: Region, halo: Halo) -> TilePlace {
    let all = Region(
      x: tile.x - halo.left, y: tile.y - halo.top, width: tile.width + halo.left + halo.right,
      height: tile.height + halo.top + halo.bottom)
    return TilePlace(
      tile: tile, grown: border == nil ? tile.grown(by: halo, in: input) : all, pictureWidth: input.width,
      pictureHeight: input.height)
  }
}

extension Region {
  /// As `--region` takes it.
  var text: String { "\(width)x\(height)+\(x)+\(y)" }
}
