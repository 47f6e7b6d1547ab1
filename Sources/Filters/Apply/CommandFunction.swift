import Pictures
import Pipeline

import Platform

/// A command as a function of tiles: it reads a frame and writes one.
struct CommandFunction: TileFunction {
  /// For `sh -c`.
  let command: String
  /// Whether one process takes tile after tile.
  let keeps: Bool
  let frames: FrameFormat
  /// For each tile; nil: as long as it likes.
  let seconds: Double?

  // A process that starts costs milliseconds, and one that loads libraries a second. A tile of one that is there already should stay
  // in the cache on its way through pipes and processes: a quarter of a megabyte took half as long as three.
  var pixelsPerTile: Int { keeps ? 1 << 17 : 4 << 20 }

  func output(for input: ImageDescription) throws -> PixelKind? {
    try frames.check(kind(of: input))
    return nil
  }

  func makeRunner() -> any TileRunner { CommandRunner(self) }
}

/// Runs a command's process, or one after the other.
private final class CommandRunner: TileRunner, @unchecked Sendable {
  private let function: CommandFunction
  private var process: ChildProcess? { didSet { shared.withLock { $0.process = process } } }
  /// Whether the process has made a tile.
  private var hasMadeTile = false
  private var reader: FrameReader?
  private var swapped: PixelBuffer?
  /// The process that a call uses now, for other threads.
  private struct Shared {
    var process: ChildProcess?
    var isCancelled = false
  }
  private let shared = Locked(Shared())

  init(_ function: CommandFunction) { self.function = function }

  func cancel() {
    shared.withLock { shared in
      shared.isCancelled = true
      shared.process?.kill()
    }
  }

  // MARK: - A tile

  func process(_ tile: TileInput) throws -> TileOutput {
    let deadline = function.seconds.map { monotonicNanoseconds() + Int($0 * 1e9) }
    let process = try self.process ?? start(function.keeps ? [] : Self.variables(tile.place))
    let name = tile.place.tile.text
    process.lines.take = { Remarks.say("tile \(name): \($0)") }
    let header = function.frames.header(
      tile.kind, width: tile.place.grown.width, height: tile.place.grown.height,
      comments: function.keeps ? Self.variables(tile.place).map { "\($0.name)=\($0.value)" } : [])
    let reader = FrameReader(
      width: tile.place.grown.width, height: tile.place.grown.height, before: self.reader)
    self.reader = reader
    try header.withUnsafeBytes { header in
      var outgoing = ByteList()
      outgoing.append(header.baseAddress!, header.count)
      for row in try ordered(tile) { outgoing.append(row, tile.bytesPerRow) }
      try exchange(process, &outgoing, reader, until: deadline)
    }
    hasMadeTile = true
    if !function.keeps { self.process = nil }
    return try reader.tile()
  }

  func prepare() throws {
    if function.keeps { _ = try start([]) }
  }

  private func start(_ variables: [(name: String, value: String)]) throws -> ChildProcess {
    let process = try ChildProcess(shell: function.command, environment: Self.oneThread + variables)
    self.process = process
    hasMadeTile = false
    if shared.withLock({ $0.isCancelled }) { process.kill() }
    return process
  }

  /// Each worker has a process: libraries that would start a thread for each core in each of them take one, unless the user has said
  /// something else.
  private static let oneThread = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    .filter { environment($0) == nil }.map { (name: $0, value: "1") }

  /// Where a tile is.
  private static func variables(_ place: TilePlace) -> [(name: String, value: String)] {
    let ghosts = place.ghosts
    return [
      ("IMBREX_TILE_X", "\(place.tile.x)"), ("IMBREX_TILE_Y", "\(place.tile.y)"),
      ("IMBREX_TILE_WIDTH", "\(place.tile.width)"), ("IMBREX_TILE_HEIGHT", "\(place.tile.height)"),
      ("IMBREX_GHOSTS", "\(ghosts.top),\(ghosts.bottom),\(ghosts.left),\(ghosts.right)"),
      ("IMBREX_PICTURE_WIDTH", "\(place.pictureWidth)"), ("IMBREX_PICTURE_HEIGHT", "\(place.pictureHeight)"),
    ]
  }

  /// The rows in the frame's order of bytes.
  private func ordered(_ tile: TileInput) throws -> [UnsafeRawPointer] {
    guard function.frames.swaps(tile.kind) else { return tile.rows }
    let rowBytes = tile.bytesPerRow
    if (swapped?.byteCount ?? 0) < rowBytes * tile.rows.count {
      swapped = try PixelBuffer(byteCount: rowBytes * tile.rows.count)
    }
    return tile.rows.enumerated().map { index, row in
      let target = swapped!.base + index * rowBytes
      target.copyMemory(from: row, byteCount: rowBytes)
      swapBytes(target, rowBytes / tile.kind.number.byteCount, tile.kind.number.byteCount)
      return UnsafeRawPointer(target)
    }
  }

  /// Writes and reads at the same time, so that neither side waits for the other for ever.
  private func exchange(
    _ process: ChildProcess, _ outgoing: inout ByteList, _ reader: FrameReader, until deadline: Int?
  ) throws {
    // Once it has closed its standard input, the rest is not for it: perhaps it needs no more.
    var isWriting = true, isClosed = false
    while isWriting || !reader.isComplete || (!function.keeps && !isClosed) {
      var received = ChildProcess.Transfer.later
      let space = reader.space
      switch process.wait(toWrite: isWriting, toRead: !isClosed, until: deadline) {
      case .late: throw tookTooLong(process)
      case .gone: (isWriting, received) = (false, .closed)
      case .ready(let canWrite, let canRead):
        if canWrite && (process.write(&outgoing) == .closed || outgoing.isEmpty) {
          isWriting = false
          if !function.keeps { process.closeInput() }
        }
        if canRead { received = process.read(into: space.base, space.capacity) }
      }
      switch received {
      case .bytes(let count): try reader.add(count)
      case .later: break
      case .closed:
        guard reader.isComplete else { throw endedEarly(process, reader, until: deadline) }
        if function.keeps { return }
        isClosed = true
      }
    }
    guard !function.keeps else { return }
    guard let ending = process.waitForEnd(until: deadline) else { throw tookTooLong(process) }
    if let failure = failure(ending, process) { throw failure }
  }

  // MARK: - The end

  func end() throws {
    guard let process else { return }
    self.process = nil
    // One that was started beforehand, and of which nothing was needed: that it finds no tile is not its fault.
    guard hasMadeTile else { return process.kill() }
    process.lines.take = { Remarks.say($0) }
    process.closeInput()
    let seconds = function.seconds ?? 60
    let deadline = monotonicNanoseconds() + Int(seconds * 1e9)
    var surplus = 0
    let space = UnsafeMutableRawPointer.allocate(byteCount: 1 << 16, alignment: 1)
    defer { space.deallocate() }
    reading: while true {
      switch process.wait(toWrite: false, toRead: true, until: deadline) {
      case .late, .gone: break reading
      case .ready:
        switch process.read(into: space, 1 << 16) {
        case .bytes(let count): surplus += count
        case .later: break
        case .closed: break reading
        }
      }
    }
    guard let ending = process.waitForEnd(until: deadline) else {
      throw failed("the command does not end within \(shortest(seconds)) s of the end of its input", process)
    }
    if let failure = failure(ending, process) { throw failure.prefixed("after its last tile ") }
    if surplus > 0 { throw failed("after its last tile the command writes \(surplus) bytes more than its tiles have") }
  }

  /// Standard output has ended without a frame.
  private func endedEarly(_ process: ChildProcess, _ reader: FrameReader, until deadline: Int?) -> ImbrexError {
    if shared.withLock({ $0.isCancelled }) { return failed("is given up") }
    // It may have closed its output and go on.
    let grace = min(deadline ?? .max, monotonicNanoseconds() + 5_000_000_000)
    guard let ending = process.waitForEnd(until: grace) else {
      process.kill()
      return failed("the command closes its standard output after \(reader.progress)", process)
    }
    if let failure = failure(ending, process) { return failure }
    if function.keeps && hasMadeTile && reader.isEmpty {
      return failed(
        "the command ends though tiles are left: one that is kept goes on until its standard input ends", process)
    }
    let what = reader.isEmpty ? "nothing" : "only \(reader.progress)"
    return failed("the command writes \(what)", process)
  }

  private func failure(_ ending: ChildProcess.Ending, _ process: ChildProcess) -> ImbrexError? {
    switch ending {
    case .status(0): nil
    case .status(126): failed("the command cannot be executed", process)
    case .status(127): failed("the command is not found", process)
    case .status(let status): failed("the command fails with status \(status)", process)
    case .signal(let signal): failed("the command is killed by \(signalName(signal))", process)
    }
  }

  private func tookTooLong(_ process: ChildProcess) -> ImbrexError {
    process.kill()
    return failed("the command takes longer than \(shortest(function.seconds ?? 0)) s", process)
  }

  /// With the last that it had to say.
  private func failed(_ message: String, _ process: ChildProcess? = nil) -> ImbrexError {
    let last = process?.lines.last.map { ": \($0)" } ?? ""
    return ImbrexError(.input, message + last, cause: .functionFailed)
  }
}
