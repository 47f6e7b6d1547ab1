import Pictures

/// Rows between two stages of a running sweep: made in bands, read by the next stage and by writers, let go when all have done
/// with them. Guarded by the sweep's monitor, but for the rows themselves, which belong to whoever makes or reads a band.
final class SweepLevel {
  /// Takes a level's rows in order: the output, or a tee.
  final class Writer {
    let sink: any RowSink
    /// The part of the picture that it takes.
    let window: Region
    /// What its time counts as.
    let work: RunStatistics.Work
    /// The next band to write; all before are written.
    var next: Int
    let end: Int
    var isWriting = false

    init(_ sink: any RowSink, window: Region, work: RunStatistics.Work, grid: TileGrid) {
      self.sink = sink
      self.window = window
      self.work = work
      let bands = grid.bands(of: window)
      (next, end) = (bands.lowerBound, bands.upperBound)
    }

    var isDone: Bool { next == end && !isWriting && !sink.hasWork }
  }

  private enum Store {
    /// Band b is in buffer b % count.
    case bands([PixelBuffer])
    /// A picture whose first pixel is the one at `x`, `y`.
    case picture(Picture, x: Int, y: Int)
    case none
  }

  let plan: SweepPlan.Level
  let bands: Range<Int>
  let columns: Range<Int>
  private let grid: TileGrid
  private let store: Store
  private let stride: Int
  var writers: [Writer] = []

  /// All bands before this one are there.
  private(set) var complete: Int
  private var tilesLeft: [Int]
  /// The next tile to be begun.
  private(set) var nextBand: Int
  private(set) var nextColumn: Int
  var isDecoding = false

  /// - Parameters:
  ///   - picture: Where the rows are, or go; nil: into bands of the level's own, or nowhere.
  ///   - isThere: Whether all rows are there from the beginning.
  init(_ plan: SweepPlan.Level, grid: TileGrid, picture: Picture?, isThere: Bool) throws {
    self.plan = plan
    self.grid = grid
    bands = grid.bands(of: plan.window)
    columns = grid.columns(of: plan.window)
    (nextBand, nextColumn) = (bands.lowerBound, columns.lowerBound)
    complete = isThere ? bands.upperBound : bands.lowerBound
    tilesLeft = Array(repeating: columns.count, count: bands.count)
    if let picture {
      stride = picture.stride
      // A picture as large as the whole holds it in place; another is the window alone.
      let isWhole =
        picture.description.width == plan.description.width
        && picture.description.height == plan.description.height
      store = .picture(picture, x: isWhole ? 0 : plan.window.x, y: isWhole ? 0 : plan.window.y)
    } else if plan.capacity > 0 {
      stride = (plan.window.width * plan.description.bytesPerPixel + 63) / 64 * 64
      let size = stride * grid.bandHeight
      store = .bands(try (0..<plan.capacity).map { _ in try PixelBuffer(byteCount: size) })
    } else {
      stride = 0
      store = .none
    }
  }

  // MARK: - How far it is

  var isComplete: Bool { complete == bands.upperBound }
  var hasTilesLeft: Bool { nextBand < bands.upperBound }

  /// Whether a further band fits, while all from `firstHeld` on are still read.
  func hasRoom(for band: Int, firstHeld: Int) -> Bool {
    guard case .bands(let buffers) = store else { return true }
    return band - firstHeld < buffers.count
  }

  func beginTile() -> (band: Int, column: Int) {
    let tile = (nextBand, nextColumn)
    nextColumn += 1
    if nextColumn == columns.upperBound { (nextBand, nextColumn) = (nextBand + 1, columns.lowerBound) }
    return tile
  }

  func finishTile(of band: Int) {
    tilesLeft[band - bands.lowerBound] -= 1
    while complete < bands.upperBound && tilesLeft[complete - bands.lowerBound] == 0 { complete += 1 }
  }

  func finishDecoding() {
    isDecoding = false
    complete += 1
  }

  // MARK: - Rows

  func rows(of band: Int) -> Range<Int> { grid.rows(of: band, in: plan.window) }
  func tile(band: Int, column: Int) -> Region { grid.tile(band: band, column: column, in: plan.window) }

  private func base(of band: Int) -> UnsafeMutableRawPointer? {
    guard case .bands(let buffers) = store else { return nil }
    return buffers[band % buffers.count].base
  }

  private var columnOffset: Int { plan.window.x * plan.description.bytesPerPixel }

  /// Where the window's part of a row stands.
  func start(ofRow y: Int) -> UnsafeMutableRawPointer {
    switch store {
    case .picture(let picture, let x, let firstY):
      return picture.row(y - firstY) + (plan.window.x - x) * plan.description.bytesPerPixel
    case .bands:
      let band = grid.band(of: y)
      return base(of: band)! + (y - grid.firstRow(of: band)) * stride
    case .none: preconditionFailure("the level keeps no rows")
    }
  }

  /// Reads a band's rows.
  func decode(_ band: Int, from source: any RowSource) throws {
    let rows = rows(of: band)
    try source.read(into: start(ofRow: rows.lowerBound), stride: stride, count: rows.count)
  }

  /// Writes a band's rows, as far as the writer takes them.
  func write(_ band: Int, to writer: Writer) throws {
    let rows = grid.rows(of: band, in: writer.window)
    let offset = (writer.window.x - plan.window.x) * plan.description.bytesPerPixel
    try writer.sink.write(start(ofRow: rows.lowerBound) + offset, stride: stride, count: rows.count)
  }

  /// What a tile of the next stage reads.
  func source(_ bands: ClosedRange<Int>) -> SourceRows {
    switch store {
    case .picture(let picture, let x, let y):
      return SourceRows(
        description: plan.description, chunks: [UnsafeRawPointer(picture.buffer.base)], firstChunk: 0,
        rowsPerChunk: Int.max, stride: stride, originY: y, columnOffset: x * plan.description.bytesPerPixel)
    case .bands:
      return SourceRows(
        description: plan.description, chunks: bands.map { UnsafeRawPointer(base(of: $0)) },
        firstChunk: bands.lowerBound, rowsPerChunk: grid.bandHeight, stride: stride, originY: grid.originY,
        columnOffset: columnOffset)
    case .none: return SourceRows(none: plan.description)
    }
  }

  /// Where a tile writes.
  func output(_ band: Int) -> OutputRows {
    switch store {
    case .picture(let picture, let x, let y):
      OutputRows(
        base: picture.buffer.base, firstRow: y, stride: stride, columnOffset: x * plan.description.bytesPerPixel)
    case .bands:
      OutputRows(
        base: base(of: band), firstRow: grid.firstRow(of: band), stride: stride, columnOffset: columnOffset)
    case .none: .none
    }
  }

  /// The first band that is still to be read, by the next stage or a writer.
  ///
  /// - Parameter next: The first band that the next stage reads from; nil if it has done with all, or there is none.
  func firstHeld(next: Int?) -> Int {
    writers.reduce(next ?? bands.upperBound) { $1.next < $1.end ? min($0, $1.next) : $0 }
  }
}
