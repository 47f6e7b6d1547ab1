import Pictures
import Pipeline

extension Coverage {
  /// Eroded by 3 × 3 ones: 1 where all nine pixels count.
  ///
  /// - Parameter columns: Of the picture but its first and last, as the row is.
  func eroded(
    _ y: Int, _ columns: Range<Int>, _ source: SourceRows, into result: UnsafeMutablePointer<UInt8>, scratch: Scratch
  ) {
    scratch.frame {
      let count = columns.count + 2
      let down = scratch.allocate(count, of: UInt8.self), row = scratch.allocate(count, of: UInt8.self)
      load(y - 1, x: columns.lowerBound - 1, count: count, source, into: down, scratch: scratch)
      for neighbour in [y, y + 1] {
        load(neighbour, x: columns.lowerBound - 1, count: count, source, into: row, scratch: scratch)
        for x in 0..<count { down[x] &= row[x] }
      }
      for x in 0..<columns.count { result[x] = down[x] & down[x + 1] & down[x + 2] }
    }
  }
}
