/// Pixels that are near each other, found by looking at bits: nothing is kept for a pair.
struct PixelGraph: MatchingGraph {
  struct Cursor {
    /// The left point.
    let centreX, centreY: Int32
    /// Where to look next.
    var x, step: Int32
  }

  private let width, height, wordsPerRow: Int
  private let left: [(x: Int32, y: Int32)]
  private let right: [UInt64]
  private let ranks: [UInt32]
  private var open: [UInt64]
  /// How far the neighbourhood reaches to both sides, by the distance of the row.
  private let reach: [Int]

  /// - Parameter reach: See ``reach(of:in:)``.
  init(_ left: EdgePoints, _ right: EdgePoints, reach: [Int]) {
    (width, height, wordsPerRow) = (left.width, left.height, left.wordsPerRow)
    self.left = left.places
    self.right = right.words
    ranks = right.ranks
    open = right.words
    self.reach = reach
  }

  /// How far a disc reaches to both sides in its middle row, the next, and so on, clipped to a picture's size.
  static func reach(of tolerance: Double, in points: EdgePoints) -> [Int] {
    let most = max(points.width, points.height)
    var x = Int(min(tolerance, Double(most)).rounded(.down))
    return (0...x).map { y in
      while Double(x * x + y * y) > tolerance * tolerance { x -= 1 }
      return x
    }
  }

  func cursor(of index: Int) -> Cursor {
    let (x, y) = left[index]
    return Cursor(centreX: x, centreY: y, x: Int32(max(Int(x) - reach[0], 0)), step: 0)
  }

  /// The rows of a neighbourhood, from its middle outwards: paths that go straight on do not get into each other's way.
  private func row(_ cursor: Cursor, _ step: Int) -> Int {
    Int(cursor.centreY) + (step & 1 == 0 ? step / 2 : -(step + 1) / 2)
  }

  func next(_ cursor: inout Cursor) -> Int? {
    let centreX = Int(cursor.centreX)
    var step = Int(cursor.step), x = Int(cursor.x)
    while step < 2 * reach.count - 1 {
      let y = row(cursor, step)
      let end = y >= 0 && y < height ? min(centreX + reach[(step + 1) / 2], width - 1) : -1
      while x <= end {
        let word = y * wordsPerRow + x >> 6
        let bits = open[word] >> UInt64(x & 63)
        if bits == 0 {
          x = (x | 63) + 1
          continue
        }
        x += bits.trailingZeroBitCount
        if x > end { break }
        (cursor.x, cursor.step) = (Int32(x + 1), Int32(step))
        return rank(ofBit: x & 63, word)
      }
      step += 1
      if step < 2 * reach.count - 1 { x = max(centreX - reach[(step + 1) / 2], 0) }
    }
    cursor.step = Int32(step)
    return nil
  }

  private func rank(ofBit bit: Int, _ word: Int) -> Int {
    Int(ranks[word]) + (right[word] & (1 << UInt64(bit) - 1)).nonzeroBitCount
  }

  mutating func close(_ cursor: Cursor) {
    let x = Int(cursor.x) - 1
    open[row(cursor, Int(cursor.step)) * wordsPerRow + x >> 6] &= ~(1 << UInt64(x & 63))
  }

  mutating func open(_ cursor: Cursor) {
    let x = Int(cursor.x) - 1
    open[row(cursor, Int(cursor.step)) * wordsPerRow + x >> 6] |= 1 << UInt64(x & 63)
  }

  mutating func openAll() { open = right }
}

extension EdgePoints {
  /// How many points there are before each word.
  var ranks: [UInt32] {
    var sum: UInt32 = 0
    return words.map { word in
      defer { sum += UInt32(word.nonzeroBitCount) }
      return sum
    }
  }

  /// All points, row by row.
  fileprivate var places: [(x: Int32, y: Int32)] {
    var places: [(x: Int32, y: Int32)] = []
    places.reserveCapacity(count)
    for y in 0..<height {
      for word in 0..<wordsPerRow {
        var bits = words[y * wordsPerRow + word]
        while bits != 0 {
          places.append((Int32(64 * word + bits.trailingZeroBitCount), Int32(y)))
          bits &= bits - 1
        }
      }
    }
    return places
  }
}

/// How many pairs the pixels of two pictures make at most.
func matchedPixels(_ a: EdgePoints, _ b: EdgePoints, tolerance: Double) -> Int {
  precondition(a.width == b.width && a.height == b.height && tolerance >= 0, "points are compared in one picture")
  if tolerance < 1 { return zip(a.words, b.words).reduce(0) { $0 + ($1.0 & $1.1).nonzeroBitCount } }
  if a.count == 0 || b.count == 0 { return 0 }
  // The paths begin at the side that has less to pair: there are fewer in vain.
  let (left, right) = a.count <= b.count ? (a, b) : (b, a)
  let reach = PixelGraph.reach(of: tolerance, in: a)
  var matching = Matching(leftCount: left.count, rightCount: right.count)
  matching.joinNearest(left, right, reach: reach)
  guard matching.count < left.count else { return matching.count }
  var graph = PixelGraph(left, right, reach: reach)
  matching.complete(in: &graph)
  return matching.count
}

extension Matching {
  /// Pairs what is near, the nearest first, 64 pixels at once: nearly all pairs, so that few phases are left.
  fileprivate mutating func joinNearest(_ left: EdgePoints, _ right: EdgePoints, reach: [Int]) {
    let leftRanks = left.ranks, rightRanks = right.ranks, perRow = left.wordsPerRow
    var freeLeft = left.words, freeRight = right.words
    for (dx, dy) in Self.nearOffsets where abs(dy) < reach.count && abs(dx) <= reach[abs(dy)] {
      for y in max(0, -dy)..<max(min(left.height, left.height - dy), max(0, -dy)) {
        let row = y * perRow, otherRow = (y + dy) * perRow
        for word in row..<(row + perRow) where freeLeft[word] != 0 {
          // The other row's bits, from as many pixels further right or left.
          let own = word - row + otherRow, side = dx > 0 ? 1 : -1, shift = UInt64(abs(dx))
          var shifted = dx >= 0 ? freeRight[own] >> shift : freeRight[own] << shift
          if dx != 0, (otherRow..<(otherRow + perRow)).contains(own + side) {
            shifted |= dx > 0 ? freeRight[own + 1] << (64 - shift) : freeRight[own - 1] >> (64 - shift)
          }
          var pairs = freeLeft[word] & shifted
          freeLeft[word] &= ~pairs
          while pairs != 0 {
            let bit = pairs.trailingZeroBitCount
            pairs &= pairs - 1
            let x = 64 * (word - row) + bit + dx
            let other = otherRow + x >> 6, mask = UInt64(1) << UInt64(x & 63)
            freeRight[other] &= ~mask
            join(
              Int(leftRanks[word]) + (left.words[word] & (1 << UInt64(bit) - 1)).nonzeroBitCount,
              Int(rightRanks[other]) + (right.words[other] & (mask - 1)).nonzeroBitCount)
          }
        }
      }
    }
  }

  /// Up to three pixels away, the nearest first.
  private static let nearOffsets: [(dx: Int, dy: Int)] = (-3...3).flatMap { dy in (-3...3).map { (dx: $0, dy: dy) } }
    .filter { $0.dx * $0.dx + $0.dy * $0.dy <= 9 }
    .sorted {
      let (a, b) = ($0.dx * $0.dx + $0.dy * $0.dy, $1.dx * $1.dx + $1.dy * $1.dy)
      return a != b ? a < b : ($0.dy, $0.dx) < ($1.dy, $1.dx)
    }
}
