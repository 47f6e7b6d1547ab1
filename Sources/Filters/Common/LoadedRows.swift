import Pictures
import Pipeline

import Kernels

/// The rows that a tile's vertical sums need, converted to numbers, extended beyond the picture's top and bottom.
struct LoadedRows<Value: BitwiseCopyable> {
  private let firstRow: Int
  private let radius: (y: Int, x: Int)
  private let origin: Int
  private let table: UnsafeMutablePointer<UnsafePointer<Value>>

  /// - Parameters:
  ///   - region: The rows and columns for which sums will be asked.
  ///   - radius: Rows that sums, and columns that sums along them, reach beyond.
  ///   - isSameEverywhere: All rows are alike, and are loaded once.
  ///   - load: Writes `count` values of picture row `row`, from column `column`, at `target`.
  init(
    _ region: Region, radius: (y: Int, x: Int), in picture: ImageDescription, boundary: Boundaries, constant: Value,
    scratch: Scratch, isSameEverywhere: Bool = false,
    load: (_ row: Int, _ column: Int, _ count: Int, _ target: UnsafeMutablePointer<Value>) -> Void
  ) {
    firstRow = region.y
    self.radius = radius
    let wanted = (region.y - radius.y)..<(region.endY + radius.y)
    // Under `wrap` any column may be asked for.
    let columns =
      boundary.x == .wrap
      ? 0..<picture.width : ((region.x - radius.x)..<(region.endX + radius.x)).clamped(to: 0..<picture.width)
    origin = columns.lowerBound
    table = scratch.allocate(wanted.count)
    var border: UnsafePointer<Value>?
    var loaded: [Int: UnsafePointer<Value>] = [:]
    for y in wanted {
      let target: UnsafePointer<Value>
      if let from = boundary.y.index(y, count: picture.height) {
        let key = isSameEverywhere ? 0 : from
        if let known = loaded[key] {
          target = known
        } else {
          let values = scratch.allocate(columns.count, of: Value.self)
          load(from, columns.lowerBound, columns.count, values)
          target = UnsafePointer(values)
          loaded[key] = target
        }
      } else {
        if border == nil {
          let values = scratch.allocate(columns.count, of: Value.self)
          values.update(repeating: constant, count: columns.count)
          border = UnsafePointer(values)
        }
        target = border!
      }
      table[y - wanted.lowerBound] = target
    }
  }

  /// Rows, from a column that is held; valid in the enclosing frame.
  func rows(_ rows: Range<Int>, column: Int, _ scratch: Scratch) -> UnsafePointer<UnsafePointer<Value>> {
    let pointers = scratch.allocate(rows.count, of: UnsafePointer<Value>.self)
    for (k, y) in rows.enumerated() { pointers[k] = table[y - firstRow + radius.y] + (column - origin) }
    return UnsafePointer(pointers)
  }
}

extension LoadedRows<Double> {
  /// Sums down some of the picture's columns, around row `y`, with weights that reach at most `radius` rows.
  func correlate(_ y: Int, _ columns: Range<Int>, _ weights: [Double], into sums: UnsafeMutablePointer<Double>) {
    let reach = weights.count - 1
    withUnsafeTemporaryAllocation(of: UnsafePointer<Double>.self, capacity: 2 * reach + 1) { rows in
      for k in 0...(2 * reach) {
        rows.initializeElement(at: k, to: table[y - firstRow + radius.y - reach + k] + (columns.lowerBound - origin))
      }
      KernelTable.current.correlate_rows_f64(rows.baseAddress!, weights, reach, sums, columns.count)
    }
  }
}
