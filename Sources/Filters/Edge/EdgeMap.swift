import Pictures
package import Pipeline
import Platform

import Kernels

/// The thinned edges of a picture, or of some of its rows, two bits a pixel: candidates (weak), and which of them are sure
/// (strong).
///
/// Takes labels row by row and grows the strong ones through the weak ones (morphological reconstruction, L. Vincent 1993,
/// doi:10.1109/83.217222), which is the same as keeping the 8-connected components with a strong pixel. Rows are gathered in
/// bands; each is grown by itself, on any worker, as soon as its rows are there. ``finish(on:workers:knowing:)`` then finds out
/// from the bands' borders what an edge that runs through several of them makes strong, and grows those bands once more. Where
/// the picture is cut does not show: what is reached in the end is one and the same.
package final class EdgeMap: RowSink, @unchecked Sendable {
  private struct State {
    /// Bands whose rows are all there.
    var ready: [Int] = []
    /// Bands that are ready or being grown.
    var unfinished = 0
    /// Of each band, once it is grown.
    var borders: [BorderComponents?]
  }

  /// Rows of a band: many enough that borders weigh little, few enough that its bits stay in a core's cache and that there
  /// are bands for many workers.
  package static let defaultRowsPerBand = 128

  private let width: Int
  private let height: Int
  private let firstRow: Int
  private let rowsPerBand: Int
  private let wordsPerRow: Int
  private let weak: PixelBuffer
  private let strong: PixelBuffer
  /// Of `write`, which is called by one thread at a time.
  private var rowsTaken = 0
  private let state: Locked<State>

  /// - Parameters:
  ///   - height: Rows that will be written.
  ///   - firstRow: Where in the picture they begin.
  ///   - maxMemory: Bytes beyond which the bits are kept in a temporary file.
  package init(
    width: Int, height: Int, firstRow: Int = 0, maxMemory: Int, rowsPerBand: Int = EdgeMap.defaultRowsPerBand
  ) throws {
    self.width = width
    self.height = height
    self.firstRow = firstRow
    self.rowsPerBand = rowsPerBand
    wordsPerRow = (width + 63) / 64
    let byteCount = wordsPerRow * height * 8
    weak = try PixelBuffer(byteCount: byteCount, spilled: 2 * byteCount > maxMemory)
    strong = try PixelBuffer(byteCount: byteCount, spilled: 2 * byteCount > maxMemory)
    state = Locked(State(borders: Array(repeating: nil, count: (height + rowsPerBand - 1) / rowsPerBand)))
  }

  private func row(_ y: Int, of bits: PixelBuffer) -> UnsafeMutablePointer<UInt64> {
    bits.base.samples() + y * wordsPerRow
  }

  private func rows(of band: Int) -> Range<Int> {
    band * rowsPerBand..<min((band + 1) * rowsPerBand, height)
  }

  // MARK: - Rows come in, bands are grown

  package func write(_ labels: UnsafeRawPointer, stride: Int, count: Int) {
    for line in 0..<count {
      KernelTable.current.pack_labels(
        (labels + line * stride).samples(), row(rowsTaken, of: weak), row(rowsTaken, of: strong), width)
      rowsTaken += 1
      guard rowsTaken % rowsPerBand == 0 || rowsTaken == height else { continue }
      let band = (rowsTaken - 1) / rowsPerBand
      state.withLock { state in
        state.ready.append(band)
        state.unfinished += 1
      }
    }
  }

  package var hasWork: Bool { state.withLock { $0.unfinished > 0 } }

  package func takeWork() -> (@Sendable () throws -> Void)? {
    guard let band = takeBand() else { return nil }
    return { self.settle(band) }
  }

  private func takeBand() -> Int? { state.withLock { $0.ready.popLast() } }

  /// Grows a band by itself.
  private func settle(_ band: Int) {
    let rows = rows(of: band)
    grow(rows, from: rows)
    let border = border(of: rows)
    state.withLock { state in
      state.borders[band] = border
      state.unfinished -= 1
    }
  }

  /// Grows what is strong within some rows. Cost: a few operations on each word of 64 pixels, more where edges wind.
  ///
  /// - Parameter stale: Rows to look at; the others have nothing to grow as yet.
  private func grow(_ rows: Range<Int>, from stale: some Sequence<Int>) {
    let kernels = KernelTable.current
    // Rows to look at (again) because something was added beside them; swept down and up until none is left.
    var isStale = [Bool](repeating: false, count: rows.count)
    var staleCount = 0
    func mark(_ y: Int) {
      guard rows.contains(y), !isStale[y - rows.lowerBound] else { return }
      isStale[y - rows.lowerBound] = true
      staleCount += 1
    }
    func visit(_ y: Int) {
      guard isStale[y - rows.lowerBound] else { return }
      isStale[y - rows.lowerBound] = false
      staleCount -= 1
      let changed = kernels.reconstruct_row(
        row(y, of: weak), rows.contains(y - 1) ? row(y - 1, of: strong) : nil,
        rows.contains(y + 1) ? row(y + 1, of: strong) : nil, row(y, of: strong), wordsPerRow)
      guard changed != 0 else { return }
      mark(y - 1)
      mark(y + 1)
    }
    for y in stale { mark(y) }
    while staleCount > 0 {
      for y in rows { visit(y) }
      for y in rows.reversed() { visit(y) }
    }
  }

  // MARK: - Borders

  /// What bands above and below must know of these rows, which are grown.
  private func border(of rows: Range<Int>) -> BorderComponents {
    // Every run of undecided pixels is a number; runs that touch are joined.
    var sets = DisjointSets()
    var above: [Range<Int>] = [], here: [Range<Int>] = []
    var firstAbove = 0, firstHere = 0
    for y in rows {
      findRuns(y, undecidedOnly: true, into: &here)
      firstHere = sets.add(here.count)
      joinTouching(above, here) { sets.join(firstAbove + $0, firstHere + $1) }
      swap(&above, &here)
      firstAbove = firstHere
    }
    var top: [Range<Int>] = [], bottom: [Range<Int>] = []
    findRuns(rows.lowerBound, undecidedOnly: false, into: &top)
    findRuns(rows.upperBound - 1, undecidedOnly: false, into: &bottom)
    // Undecided runs of the first row were given the first numbers, those of the last row the last.
    let topNumbers = undecidedNumbers(of: top, row: rows.lowerBound, from: 0)
    let bottomNumbers = undecidedNumbers(of: bottom, row: rows.upperBound - 1, from: firstAbove)
    return BorderComponents(
      width: width, rows: (firstRow + rows.lowerBound)..<(firstRow + rows.upperBound), top: top, bottom: bottom
    ) { isTop, index in (isTop ? topNumbers : bottomNumbers)[index].map { sets.least($0) } }
  }

  /// Numbers the runs of a row that are undecided. A run is strong or undecided as a whole.
  private func undecidedNumbers(of runs: [Range<Int>], row y: Int, from first: Int) -> [Int?] {
    let bits = row(y, of: strong)
    var next = first
    return runs.map { run in
      guard bits[run.lowerBound / 64] >> UInt64(run.lowerBound % 64) & 1 == 0 else { return nil }
      next += 1
      return next - 1
    }
  }

  /// The runs of weak and strong pixels of a row, or of those that are not strong.
  private func findRuns(_ y: Int, undecidedOnly: Bool, into runs: inout [Range<Int>]) {
    let weak = row(y, of: weak), strong = row(y, of: strong)
    runs.removeAll(keepingCapacity: true)
    var start: Int?
    var carry: UInt64 = 0
    for word in 0..<wordsPerRow {
      let bits = undecidedOnly ? weak[word] & ~strong[word] : weak[word]
      // Where a pixel differs from the one before it, a run begins or has ended.
      var changes = bits ^ (bits << 1 | carry)
      carry = bits >> 63
      while changes != 0 {
        let x = word * 64 + changes.trailingZeroBitCount
        changes &= changes - 1
        if let first = start {
          runs.append(first..<x)
          start = nil
        } else {
          start = x
        }
      }
    }
    if let first = start { runs.append(first..<width) }
  }

  // MARK: - As a file

  private static let mark = "edge map"

  /// Writes the bits to a new file, for ``init(reading:width:height:firstRow:maxMemory:rowsPerBand:)`` on any machine of the same byte order.
  package func write(to path: String) throws {
    let file = try RawFile(making: path)
    try file.write(WordRecord.bytes(Self.mark, [width, height, firstRow].map { UInt64($0) }))
    for bits in [weak, strong] {
      try file.write(UnsafeRawBufferPointer(start: bits.base, count: bits.byteCount))
    }
    try file.write(checksums)
  }

  /// Of the bits, behind them.
  private var checksums: [UInt8] {
    let sums = [weak, strong].map {
      WordRecord.checksum(of: UnsafeRawBufferPointer(start: $0.base, count: $0.byteCount))
    }
    return WordRecord.bytes(Self.mark, sums)
  }

  /// A map whose rows have all been written.
  package convenience init(
    reading path: String, width: Int, height: Int, firstRow: Int, maxMemory: Int,
    rowsPerBand: Int = EdgeMap.defaultRowsPerBand
  ) throws {
    try self.init(width: width, height: height, firstRow: firstRow, maxMemory: maxMemory, rowsPerBand: rowsPerBand)
    let file = try RawFile(reading: path)
    let header = WordRecord.bytes(Self.mark, [width, height, firstRow].map { UInt64($0) })
    guard try file.read(header.count) == header else { throw ImbrexError(.input, "\(path) is no map of these edges") }
    for bits in [weak, strong] {
      try file.read(into: UnsafeMutableRawBufferPointer(start: bits.base, count: bits.byteCount))
    }
    let sums = checksums
    guard try file.read(sums.count) == sums else { throw ImbrexError(.input, "\(path) is damaged") }
    rowsTaken = height
    state.withLock { state in
      state.ready = Array(state.borders.indices)
      state.unfinished = state.ready.count
    }
  }

  // MARK: - Joining

  /// What rows beyond the map's must know of it, once all rows are written.
  package func border(on pool: WorkerPool, workers: Int) -> BorderComponents {
    .merged(settledBorders(on: pool, workers: workers))
  }

  /// Ends the hysteresis, once all rows are written: edges are what is strong then.
  ///
  /// - Parameters:
  ///   - workers: How many of the pool's workers grow bands side by side.
  ///   - outside: The components of ``border(on:workers:)`` that are strong because of rows beyond the map's.
  package func finish(on pool: WorkerPool, workers: Int, knowing outside: Set<Int> = []) {
    let borders = settledBorders(on: pool, workers: workers)
    let decided = BorderComponents.decided(borders, knowing: outside)
    let bands = Locked(decided.indices.filter { !decided[$0].isEmpty })
    let count = bands.withLock { $0.count }
    guard count > 0 else { return }
    pool.run(workers: min(workers, count)) { _ in
      while let band = bands.withLock({ $0.popLast() }) { self.grow(band, borders[band], strong: decided[band]) }
    }
  }

  /// The borders of all bands, of which those that are still waiting are grown.
  private func settledBorders(on pool: WorkerPool, workers: Int) -> [BorderComponents] {
    precondition(rowsTaken == height, "hysteresis ends after the last row")
    let waiting = state.withLock { $0.ready.count }
    if waiting > 0 {
      pool.run(workers: min(workers, waiting)) { _ in while let band = self.takeBand() { self.settle(band) } }
    }
    return state.withLock { $0.borders.map { $0! } }
  }

  /// Grows a band once more, some of whose components have turned out to be strong.
  private func grow(_ band: Int, _ border: BorderComponents, strong components: Set<Int>) {
    let rows = rows(of: band)
    let first = rows.lowerBound, last = rows.upperBound - 1
    for (runs, y) in [(border.top, first), (border.bottom, last)] {
      for run in runs where components.contains(run.component) { makeStrong(run.columns, row: y) }
    }
    grow(rows, from: [first + 1, last - 1])
  }

  private func makeStrong(_ columns: Range<Int>, row y: Int) {
    let bits = row(y, of: strong)
    for word in columns.lowerBound / 64...(columns.upperBound - 1) / 64 {
      let from = max(columns.lowerBound - word * 64, 0), to = min(columns.upperBound - word * 64, 64)
      bits[word] |= (~0 >> UInt64(64 - (to - from))) << UInt64(from)
    }
  }

  // MARK: - Rows go out

  /// Writes 0 or 255 for columns of row `y`. `columns` begins at a multiple of 64, or is handled bit by bit.
  package func emit(row y: Int, columns: Range<Int>, into target: UnsafeMutablePointer<UInt8>) {
    let bits = row(y, of: strong)
    var x = columns.lowerBound
    while x < columns.upperBound && x % 64 != 0 {
      target[x - columns.lowerBound] = (bits[x / 64] >> UInt64(x % 64)) & 1 == 1 ? 255 : 0
      x += 1
    }
    KernelTable.current.unpack_bits_u8(
      bits + x / 64, target + (x - columns.lowerBound), 255, columns.upperBound - x)
  }
}
