import Pictures
import Pipeline
import Platform

/// The pixels that survive thinning, and their components at one low threshold after the other, from the highest: the cuts of a
/// component tree (P. Salembier, A. Oliveras, L. Garrido 1998, doi:10.1109/83.663500).
///
/// A pixel is an edge for (low, high) if it is weak at least, and its 8-connected component of such pixels has one that is strong.
/// Going down, components only join: so a union–find that knows the highest rung of each component gives all pairs of one low
/// threshold at once, and the next low threshold adds what lies between. Cost: what survives, once for each low threshold; of a pair of
/// thresholds no more than writing its rows.
final class ThinnedTree: RowSink, @unchecked Sendable {
  /// Column, rung, component, its highest rung, and neighbours.
  static let bytesPerPixel = 4 + 2 + 4 + 2 + 2 + 12

  private let width, height: Int
  private let maxMemory: Int
  /// By rung, how many low thresholds it reaches.
  private let lowsReached: [UInt16]
  /// The rungs of the low thresholds, ascending.
  private let lows: [UInt16]
  // Of the pixels that survive, in raster order.
  private let columns: Numbers<Int32>
  private let rungs: Numbers<UInt16>
  /// Where each row's begin.
  private var rowStarts = [0]
  /// Once all rows are there.
  private var components: Components?

  /// - Parameters:
  ///   - pairs: Whose thresholds will be asked for.
  ///   - maxMemory: Bytes beyond which what is held is in temporary files.
  init(_ width: Int, _ height: Int, _ pairs: [ThresholdLadder.Pair], maxMemory: Int) {
    (self.width, self.height, self.maxMemory) = (width, height, maxMemory)
    lows = Set(pairs.map(\.low)).sorted()
    let highest = pairs.reduce(0) { max($0, $1.low, $1.high) }
    let lows = lows
    var reached: UInt16 = 0
    lowsReached = (0...highest).map { rung in
      while Int(reached) < lows.count, lows[Int(reached)] <= rung { reached += 1 }
      return reached
    }
    columns = Numbers(maxMemory: maxMemory)
    rungs = Numbers(maxMemory: maxMemory)
  }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    for line in 0..<count {
      let row: UnsafePointer<UInt16> = (rows + line * stride).samples()
      var x = 0
      while x < width {
        // Most are nothing: four at a time are passed over.
        if x + 4 <= width, UnsafeRawPointer(row + x).loadUnaligned(as: UInt64.self) == 0 {
          x += 4
          continue
        }
        for x in x..<min(x + 4, width) where row[x] != 0 {
          try columns.append(Int32(x))
          try rungs.append(row[x])
        }
        x += 4
      }
      rowStarts.append(columns.count)
    }
  }

  /// Makes the components those at a low threshold, which is no higher than the one before.
  func cut(at low: UInt16, in context: RunContext) throws {
    if components == nil { components = try Components(self, context) }
    components!.cut(at: lows.firstIndex(of: low)! + 1, in: context)
  }

  /// Writes a row's pixels: 255 in components of the cut that reach a rung, else 0.
  func emit(row y: Int, columns wanted: Range<Int>, reaching high: UInt16, into row: UnsafeMutablePointer<UInt8>) {
    (row + wanted.lowerBound).update(repeating: 0, count: wanted.count)
    let columns = columns.base, reach = components!.reach
    for pixel in rowStarts[y]..<rowStarts[y + 1] where reach[pixel] >= high {
      let x = Int(columns[pixel])
      if wanted.contains(x) { row[x] = 255 }
    }
  }

  // MARK: - Components

  private struct Components {
    /// Of each pixel, one of its component with a lower number; its own: it is the lowest.
    private let parents: Numbers<UInt32>
    /// Of the lowest of a component, the highest rung in it.
    private let highest: Numbers<UInt16>
    /// Of each pixel that the cut takes, the highest rung of its component; 0 of others.
    private let reaches: Numbers<UInt16>
    var reach: UnsafePointer<UInt16> { UnsafePointer(reaches.base) }
    /// Of bands of rows.
    private let neighbours: [Neighbours]
    private let rungs: Numbers<UInt16>
    private let lowsReached: [UInt16]
    /// How many of the low thresholds the components reach, at least.
    private var level: Int

    init(_ tree: ThinnedTree, _ context: RunContext) throws {
      let count = tree.columns.count, memory = tree.maxMemory
      parents = try Numbers(count: count, maxMemory: memory)
      highest = try Numbers(count: count, maxMemory: memory)
      reaches = try Numbers(count: count, maxMemory: memory)
      rungs = tree.rungs
      lowsReached = tree.lowsReached
      level = tree.lows.count + 1
      neighbours = try Self.neighbours(tree, context)
      for pixel in 0..<count {
        parents.base[pixel] = UInt32(pixel)
        highest.base[pixel] = rungs.base[pixel]
      }
    }

    /// Rows whose neighbours are found together, by one worker.
    private static let rowsPerBand = 256

    private static func neighbours(_ tree: ThinnedTree, _ context: RunContext) throws -> [Neighbours] {
      let bands = (tree.height + rowsPerBand - 1) / rowsPerBand
      let found = Locked([Result<Neighbours, any Error>?](repeating: nil, count: bands))
      context.pool.forEach(bands, workers: context.workers) { band in
        let rows = band * rowsPerBand..<min((band + 1) * rowsPerBand, tree.height)
        let neighbours = Result { try Neighbours(tree, rows) }
        found.withLock { $0[band] = neighbours }
      }
      return try found.withLock { try $0.map { try $0!.get() } }
    }

    /// The pixels of some rows, each with those of its neighbours that come before it, in the order of the levels that both reach:
    /// one list, however many levels there are.
    private struct Neighbours {
      private let pairs: Numbers<SIMD2<UInt32>>
      /// By level, where its pairs begin; one more for the end.
      private var starts: [Int]

      init(_ tree: ThinnedTree, _ rows: Range<Int>) throws {
        var starts = [Int](repeating: 0, count: tree.lows.count + 2)
        Self.visit(tree, rows) { _, _, level in starts[level + 1] += 1 }
        for level in 1..<starts.count { starts[level] += starts[level - 1] }
        pairs = try Numbers(count: starts.last!, maxMemory: tree.maxMemory)
        self.starts = starts
        let base = pairs.base
        Self.visit(tree, rows) { a, b, level in
          base[starts[level]] = SIMD2(UInt32(a), UInt32(b))
          starts[level] += 1
        }
      }

      func at(_ level: Int) -> UnsafeBufferPointer<SIMD2<UInt32>> {
        UnsafeBufferPointer(start: pairs.base + starts[level], count: starts[level + 1] - starts[level])
      }

      @inline(__always)
      private static func visit(_ tree: ThinnedTree, _ rows: Range<Int>, _ join: (Int, Int, _ level: Int) -> Void) {
        let columns = tree.columns.base, rungs = tree.rungs.base
        tree.lowsReached.withUnsafeBufferPointer { reached in
          func meet(_ a: Int, _ b: Int) {
            join(a, b, Int(min(reached[Int(rungs[a])], reached[Int(rungs[b])])))
          }
          for y in rows {
            // Of the row above, the first that is not too far left.
            var above = y > 0 ? tree.rowStarts[y - 1] : 0
            let aboveEnd = tree.rowStarts[y]
            for pixel in tree.rowStarts[y]..<tree.rowStarts[y + 1] {
              let x = columns[pixel]
              if pixel > tree.rowStarts[y] && columns[pixel - 1] == x - 1 { meet(pixel - 1, pixel) }
              while above < aboveEnd && columns[above] < x - 1 { above += 1 }
              var other = above
              while other < aboveEnd && columns[other] <= x + 1 {
                meet(other, pixel)
                other += 1
              }
            }
          }
        }
      }
    }

    mutating func cut(at wanted: Int, in context: RunContext) {
      precondition(wanted <= level, "low thresholds go down")
      guard wanted < level else { return }
      while level > wanted {
        level -= 1
        for neighbours in neighbours {
          for pair in neighbours.at(level) { join(Int(pair.x), Int(pair.y)) }
        }
      }
      // Parents have lower numbers: in this order theirs are at the root already.
      let count = parents.count, share = 1 << 16
      for pixel in 0..<count { parents.base[pixel] = parents.base[Int(parents.base[pixel])] }
      let (lowest, parents, highest, reaches, rungs, lowsReached) = (
        level, parents, highest, reaches, rungs, lowsReached
      )
      context.pool.forEach((count + share - 1) / share, workers: context.workers) { part in
        let (parents, highest, reach, rungs) = (parents.base, highest.base, reaches.base, rungs.base)
        lowsReached.withUnsafeBufferPointer { reached in
          for pixel in part * share..<min((part + 1) * share, count) {
            reach[pixel] = reached[Int(rungs[pixel])] >= lowest ? highest[Int(parents[pixel])] : 0
          }
        }
      }
    }

    private func root(_ pixel: Int) -> Int {
      let parents = parents.base
      var pixel = pixel
      while Int(parents[pixel]) != pixel {
        parents[pixel] = parents[Int(parents[pixel])]
        pixel = Int(parents[pixel])
      }
      return pixel
    }

    private func join(_ a: Int, _ b: Int) {
      let a = root(a), b = root(b)
      guard a != b else { return }
      let (low, high) = (min(a, b), max(a, b))
      parents.base[high] = UInt32(low)
      highest.base[low] = max(highest.base[low], highest.base[high])
    }
  }
}

/// Numbers one after the other in memory, or past a limit in a temporary file.
private final class Numbers<Number: BitwiseCopyable>: @unchecked Sendable {
  private(set) var count: Int
  private var buffer: PixelBuffer?
  private(set) var base: UnsafeMutablePointer<Number>
  private var capacity: Int
  private let maxMemory: Int

  init(maxMemory: Int) {
    (count, capacity, self.maxMemory) = (0, 0, maxMemory)
    base = UnsafeMutablePointer(bitPattern: MemoryLayout<Number>.alignment)!
  }

  init(count: Int, maxMemory: Int) throws {
    (self.count, capacity, self.maxMemory) = (count, count, maxMemory)
    let byteCount = count * MemoryLayout<Number>.stride
    let buffer = try PixelBuffer(byteCount: byteCount, spilled: byteCount * 4 > maxMemory)
    base = buffer.base.samples()
    self.buffer = buffer
  }

  @inline(__always)
  func append(_ number: Number) throws {
    if count == capacity { try grow() }
    base[count] = number
    count += 1
  }

  private func grow() throws {
    let larger = max(2 * capacity, 1 << 12), byteCount = larger * MemoryLayout<Number>.stride
    let buffer = try PixelBuffer(byteCount: byteCount, spilled: byteCount * 4 > maxMemory)
    let base: UnsafeMutablePointer<Number> = buffer.base.samples()
    base.update(from: self.base, count: count)
    (self.buffer, self.base, capacity) = (buffer, base, larger)
  }
}
