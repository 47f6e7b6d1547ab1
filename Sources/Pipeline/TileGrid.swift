public import Pictures

/// How a sweep's rows and columns are cut: full-width bands of rows, and bands into tiles where that was asked for. All levels of
/// a sweep are cut at the same rows and columns of the picture, each within its own window.
public struct TileGrid: Equatable, Sendable {
  /// The first band's first row and the first tile's first column: 0, or less, so that any row has a band ≥ 0.
  let originY, originX: Int
  /// Rows in a band (at a window's ends there may be fewer).
  public let bandHeight: Int
  /// Columns in a tile, likewise.
  public let tileWidth: Int

  /// - Parameter window: Where the first band and the first tile begin.
  init(window: Region, bandHeight: Int, tileWidth: Int) {
    self.bandHeight = bandHeight
    self.tileWidth = tileWidth
    originY = window.y % bandHeight == 0 ? 0 : window.y % bandHeight - bandHeight
    originX = window.x % tileWidth == 0 ? 0 : window.x % tileWidth - tileWidth
  }

  func band(of y: Int) -> Int { (y - originY) / bandHeight }

  /// The first row of a band, which may lie above a window.
  func firstRow(of band: Int) -> Int { originY + band * bandHeight }

  /// The bands that a window touches.
  public func bands(of window: Region) -> Range<Int> { band(of: window.y)..<(band(of: window.endY - 1) + 1) }

  /// The rows of a band inside a window.
  func rows(of band: Int, in window: Region) -> Range<Int> {
    let first = firstRow(of: band)
    return max(first, window.y)..<min(first + bandHeight, window.endY)
  }

  /// The tile columns that a window touches.
  public func columns(of window: Region) -> Range<Int> {
    ((window.x - originX) / tileWidth)..<((window.endX - 1 - originX) / tileWidth + 1)
  }

  /// A tile inside a window.
  public func tile(band: Int, column: Int, in window: Region) -> Region {
    let rows = rows(of: band, in: window)
    let first = originX + column * tileWidth
    let x = max(first, window.x)
    return Region(
      x: x, y: rows.lowerBound, width: min(first + tileWidth, window.endX) - x, height: rows.count)
  }

  /// Tiles in a window.
  public func tileCount(of window: Region) -> Int { bands(of: window).count * columns(of: window).count }
}
