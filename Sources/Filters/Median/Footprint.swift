public import Pictures
import Platform

/// A window of any shape: which pixels of a rectangle belong to it.
public struct Footprint: Equatable, Sendable {
  /// Rows of the rectangle, 1 … ``mostSide``.
  public let height: Int
  /// Columns of the rectangle, 1 … ``mostSide``.
  public let width: Int
  /// The columns of each of its runs of pixels, row by row.
  let runs: [Run]

  struct Run: Equatable, Sendable {
    let row: Int
    let columns: Range<Int>
  }

  /// The most rows and columns.
  public static let mostSide = 2001

  /// - Parameter contains: Whether the pixel of a row and a column belongs to it.
  /// - Throws: ``ImbrexError`` if none does, or the rectangle is too large.
  public init(height: Int, width: Int, contains: (_ row: Int, _ column: Int) -> Bool) throws {
    guard max(height, width) <= Self.mostSide else {
      let most = "\(Self.mostSide)x\(Self.mostSide)"
      throw ImbrexError(option: "footprint", "is of \(height)x\(width) pixels, but must be of at most \(most)")
    }
    (self.height, self.width) = (height, width)
    runs = (0..<height).flatMap { row in Self.runs(width) { contains(row, $0) }.map { Run(row: row, columns: $0) } }
    guard !runs.isEmpty else {
      throw ImbrexError(option: "footprint", "has no pixel, but must have at least one that is not 0")
    }
  }

  /// The pixels of a picture of which a colour is not 0.
  public init(reading source: any RowSource) throws {
    let size = source.description
    guard max(size.width, size.height) <= Self.mostSide else {
      try self.init(height: size.height, width: size.width) { _, _ in true }
      return
    }
    let mask = try Mask(reading: source)
    try self.init(height: mask.height, width: mask.width) { mask.contains(x: $1, y: $0) }
  }

  /// Where neighbours belong to it.
  static func runs(_ count: Int, _ contains: (Int) -> Bool) -> [Range<Int>] {
    var runs: [Range<Int>] = [], first: Int?
    for i in 0...count {
      if i < count && contains(i) {
        first = first ?? i
      } else if let start = first {
        runs.append(start..<i)
        first = nil
      }
    }
    return runs
  }
}
