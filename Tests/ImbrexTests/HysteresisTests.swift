import Imbrex
import TestSupport
import Testing

/// Hysteresis in bands and in parts equals a flood fill over the whole picture.
@Suite struct HysteresisTests {
  /// Labels of a picture: 0 nothing, 1 weak, 2 strong.
  struct Labels: CustomTestStringConvertible, Sendable {
    let name: String
    let width: Int
    let height: Int
    var values: [UInt8]

    init(_ name: String, width: Int, height: Int, _ label: (_ x: Int, _ y: Int) -> UInt8) {
      (self.name, self.width, self.height) = ("\(name) \(width) × \(height)", width, height)
      values = (0..<(width * height)).map { label($0 % width, $0 / width) }
    }

    var testDescription: String { name }

    /// Slow and obvious: what can be reached from strong pixels, pixel by pixel.
    var flooded: [UInt8] {
      var result = values.map { $0 == 2 ? UInt8(255) : 0 }
      var open = values.indices.filter { values[$0] == 2 }
      while let place = open.popLast() {
        let x = place % width, y = place / width
        for (nx, ny) in (-1...1).flatMap({ dy in (-1...1).map { (x + $0, y + dy) } })
        where nx >= 0 && nx < width && ny >= 0 && ny < height {
          let next = ny * width + nx
          guard values[next] != 0, result[next] == 0 else { continue }
          result[next] = 255
          open.append(next)
        }
      }
      return result
    }

    func rows(_ rows: Range<Int>) -> Labels {
      var part = Labels(name, width: width, height: rows.count) { _, _ in 0 }
      part.values = Array(values[rows.lowerBound * width..<rows.upperBound * width])
      return part
    }
  }

  static let pictures: [Labels] = noise + shapes

  private static let noise: [Labels] = [1, 63, 64, 65, 200].flatMap { width in
    [1, 255, 256, 257, 1000].flatMap { height in
      // Below, at and above the density at which edges run through the whole picture.
      [5, 35, 45, 90].map { density in
        var noise = Noise(seed: width * 7919 + height * 31 + density)
        let strong = width * height < 5000 ? 8 : 200
        return Labels("noise of \(density) %", width: width, height: height) { _, _ in
          guard Int.random(in: 0..<100, using: &noise) < density else { return 0 }
          return Int.random(in: 0..<strong, using: &noise) == 0 ? 2 : 1
        }
      }
    }
  }

  private static let shapes: [Labels] = [
    // One line wound inwards, strong at its inner end or at its outer.
    spiral(side: 131, strongInside: true), spiral(side: 131, strongInside: false),
    // Teeth joined below, or above, or by turns: a strong pixel must travel down and up through all bands.
    Labels("comb", width: 130, height: 300) { x, y in
      x == 0 && y == 0 ? 2 : x % 2 == 0 || y == 299 ? 1 : 0
    },
    Labels("meander", width: 130, height: 300) { x, y in
      x == 0 && y == 0 ? 2 : x % 2 == 0 || y == (x % 4 == 1 ? 299 : 0) ? 1 : 0
    },
    Labels("meander from below", width: 130, height: 300) { x, y in
      x == 0 && y == 299 ? 2 : x % 2 == 0 || y == (x % 4 == 1 ? 0 : 299) ? 1 : 0
    },
    // Pixels that meet at corners alone, down and up again.
    Labels("zigzag", width: 200, height: 300) { x, y in
      let fold = x % 100 < 50 ? x % 100 : 99 - x % 100
      return y % 50 == fold ? (x == 0 && y == 0 ? 2 : 1) : 0
    },
    Labels("diagonal", width: 200, height: 200) { x, y in x == y ? (x == 199 ? 2 : 1) : 0 },
    Labels("other diagonal", width: 200, height: 200) { x, y in x == 199 - y ? (x == 199 ? 2 : 1) : 0 },
    Labels("all weak", width: 65, height: 100) { _, _ in 1 },
    Labels("all weak but one", width: 65, height: 100) { x, y in x == 64 && y == 99 ? 2 : 1 },
    Labels("all strong", width: 65, height: 100) { _, _ in 2 },
    Labels("nothing", width: 65, height: 100) { _, _ in 0 },
  ]

  private static func spiral(side: Int, strongInside: Bool) -> Labels {
    var labels = Labels("spiral, strong \(strongInside ? "inside" : "outside")", width: side, height: side) { _, _ in 0
    }
    var x = 0, y = 0, dx = 1, dy = 0
    var path: [Int] = []
    func isOpen(_ x: Int, _ y: Int) -> Bool {
      x >= 0 && x < side && y >= 0 && y < side && labels.values[y * side + x] == 0
    }
    while true {
      labels.values[y * side + x] = 1
      path.append(y * side + x)
      // Straight on, unless there the line would touch itself.
      if !isOpen(x + dx, y + dy) || (isInside(x + 2 * dx, y + 2 * dy) && !isOpen(x + 2 * dx, y + 2 * dy)) {
        (dx, dy) = (-dy, dx)
        guard isOpen(x + dx, y + dy), isOpen(x + 2 * dx, y + 2 * dy) else { break }
      }
      (x, y) = (x + dx, y + dy)
    }
    func isInside(_ x: Int, _ y: Int) -> Bool { x >= 0 && x < side && y >= 0 && y < side }
    labels.values[strongInside ? path.last! : path.first!] = 2
    return labels
  }

  private static let bandHeights = [1, 2, 7, 64, EdgeMap.defaultRowsPerBand]

  private func withPool<Result>(_ body: (WorkerPool) throws -> Result) rethrows -> Result {
    let pool = WorkerPool(count: 3)
    defer { pool.close() }
    return try body(pool)
  }

  /// A map that has taken its rows, some at a time.
  private func map(_ labels: Labels, firstRow: Int = 0, rowsPerBand: Int) throws -> EdgeMap {
    let map = try EdgeMap(
      width: labels.width, height: labels.height, firstRow: firstRow, maxMemory: 1 << 30, rowsPerBand: rowsPerBand)
    labels.values.withUnsafeBytes { bytes in
      var y = 0
      while y < labels.height {
        let count = min(1 + y % 13, labels.height - y)
        map.write(bytes.baseAddress! + y * labels.width, stride: labels.width, count: count)
        y += count
        // As a sweep does, now and then.
        if y % 3 == 0, let work = map.takeWork() { try? work() }
      }
    }
    return map
  }

  private func pixels(of map: EdgeMap, _ labels: Labels) -> [UInt8] {
    var pixels = [UInt8](repeating: 1, count: labels.values.count)
    pixels.withUnsafeMutableBufferPointer { pixels in
      for y in 0..<labels.height {
        map.emit(row: y, columns: 0..<labels.width, into: pixels.baseAddress! + y * labels.width)
      }
    }
    return pixels
  }

  /// How many pixels differ. (`#expect` of the arrays themselves takes minutes to describe a difference.)
  private func differences(_ a: [UInt8], _ b: [UInt8]) -> Int {
    a.count == b.count ? zip(a, b).count { $0 != $1 } : max(a.count, b.count)
  }

  /// Rows cut into parts of random heights.
  private func cuts(_ height: Int, _ noise: inout Noise) -> [Range<Int>] {
    var parts: [Range<Int>] = []
    var first = 0
    while first < height {
      let count = min(Int.random(in: 1...max(height / 4, 1), using: &noise), height - first)
      parts.append(first..<(first + count))
      first += count
    }
    return parts
  }

  @Test(arguments: pictures)
  func bands_of_any_height_give_what_a_flood_fill_gives(labels: Labels) throws {
    let expected = labels.flooded
    try withPool { pool in
      for rowsPerBand in Self.bandHeights {
        for workers in [1, 3] {
          let map = try map(labels, rowsPerBand: rowsPerBand)
          map.finish(on: pool, workers: workers)
          #expect(!map.hasWork)
          #expect(
            differences(pixels(of: map, labels), expected) == 0, "bands of \(rowsPerBand) rows, \(workers) workers")
        }
      }
    }
  }

  @Test(arguments: pictures)
  func borders_merge_to_the_same_in_any_order(labels: Labels) throws {
    var noise = Noise(seed: labels.width + labels.height)
    try withPool { pool in
      // All rows as one band, and in bands.
      let whole = try map(labels, rowsPerBand: labels.height).border(on: pool, workers: 1)
      let isSameInBands = try map(labels, rowsPerBand: 7).border(on: pool, workers: 3) == whole
      #expect(isSameInBands)
      for _ in 0..<3 {
        var borders = try cuts(labels.height, &noise).map { rows in
          try map(labels.rows(rows), firstRow: rows.lowerBound, rowsPerBand: 16).border(on: pool, workers: 2)
        }
        while borders.count > 1 {
          let k = Int.random(in: 1..<borders.count, using: &noise)
          let (upper, lower) = (borders[k - 1], borders.remove(at: k))
          borders[k - 1] = try Bool.random(using: &noise) ? upper.merged(with: lower) : lower.merged(with: upper)
        }
        let isSameMerged = borders[0] == whole
        #expect(isSameMerged)
      }
    }
  }

  @Test(arguments: pictures)
  func parts_that_exchange_borders_as_bytes_give_what_a_flood_fill_gives(labels: Labels) throws {
    var noise = Noise(seed: labels.width ^ labels.height)
    let parts = cuts(labels.height, &noise)
    try withPool { pool in
      let maps = try parts.map { try map(labels.rows($0), firstRow: $0.lowerBound, rowsPerBand: 16) }
      let borders = try maps.map { map in
        let border = map.border(on: pool, workers: 2)
        let copy = try BorderComponents(bytes: border.bytes)
        let isSameCopy = copy == border
        #expect(isSameCopy)
        return copy
      }
      let decided = BorderComponents.decided(borders)
      var result: [UInt8] = []
      for (k, map) in maps.enumerated() {
        map.finish(on: pool, workers: 2, knowing: decided[k])
        result += pixels(of: map, labels.rows(parts[k]))
      }
      #expect(differences(result, labels.flooded) == 0)
    }
  }

  @Test func a_border_grows_with_the_width_and_not_with_the_height() throws {
    try withPool { pool in
      let counts = try [10, 1000].map { height in
        try map(Labels("columns", width: 200, height: height) { x, _ in x % 2 == 0 ? 1 : 0 }, rowsPerBand: 8)
          .border(on: pool, workers: 1).bytes.count
      }
      #expect(counts[0] == counts[1])
    }
  }

  @Test func damaged_borders_are_an_error() throws {
    let bytes = try withPool { pool in
      try map(Self.pictures.first { $0.name == "noise of 45 % 200 × 257" }!, firstRow: 300, rowsPerBand: 64)
        .border(on: pool, workers: 1).bytes
    }
    let damaged = ImbrexError(.input, "the border of a part is damaged")
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= UInt8(1 + place % 255)
      #expect(throws: damaged) { try BorderComponents(bytes: changed) }
    }
    for count in stride(from: 0, to: bytes.count, by: 5) {
      #expect(throws: damaged) { try BorderComponents(bytes: Array(bytes.prefix(count))) }
    }
    #expect(throws: damaged) { try BorderComponents(bytes: bytes + [0, 0, 0, 0]) }
    #expect(throws: damaged) { try BorderComponents(bytes: Array("P5 1 1 255 and then some more bytes".utf8)) }
  }

  @Test func rows_that_are_no_neighbours_do_not_merge() throws {
    try withPool { pool in
      func border(width: Int, firstRow: Int) throws -> BorderComponents {
        try map(Labels("weak", width: width, height: 4) { _, _ in 1 }, firstRow: firstRow, rowsPerBand: 4)
          .border(on: pool, workers: 1)
      }
      let rows = try border(width: 9, firstRow: 0)
      #expect(throws: ImbrexError.self) { try rows.merged(with: border(width: 9, firstRow: 5)) }
      #expect(throws: ImbrexError.self) { try rows.merged(with: border(width: 8, firstRow: 4)) }
      #expect(throws: ImbrexError.self) { try rows.merged(with: rows) }
    }
  }
}
