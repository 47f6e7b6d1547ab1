public import Pictures

/// A stage that makes each output pixel from a window of input pixels: what the engine runs on every tile.
///
/// It knows nothing of tiles: it is asked for a region and finds input rows by their number in the picture. What it
/// makes for a pixel depends on that pixel's window alone, never on the region; so tiling cannot show.
public protocol Stencil: Sendable {
  /// Ghost cells: how far the window reaches beyond the pixel.
  var halo: Halo { get }
  /// Whether any pixel may be asked for, whatever the region (`wrap` takes ghosts from the opposite side).
  var needsWholePicture: Bool { get }
  /// Whether any column of the rows that a region needs may be asked for (`wrap` along the rows alone).
  var needsWholeRows: Bool { get }
  /// Pixels that a tile should have, where a call costs much whatever the tile; nil: as suits the cache.
  var pixelsPerTile: Int? { get }
  /// Makes the pixels of `region`.
  ///
  /// - Parameters:
  ///   - region: The pixels to make.
  ///   - source: The rows and columns of `region` grown by the larger of the halo's two sides on either axis, clipped to the
  ///     picture (all of it, if `needsWholePicture`).
  ///   - output: Where the rows of `region` go.
  ///   - scratch: Memory for intermediate rows.
  /// - Throws: What ends the run. Few stencils can fail.
  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) throws
  /// The run has failed elsewhere: calls that take long on other threads should end soon, in whatever way.
  func cancel()
}

extension Stencil {
  public var needsWholePicture: Bool { false }
  public var needsWholeRows: Bool { false }
  public var pixelsPerTile: Int? { nil }
  public func cancel() {}
}

/// The input rows that a tile may read, found by their number in the picture.
public struct SourceRows: @unchecked Sendable {
  public let description: ImageDescription
  private let chunks: [UnsafeRawPointer?]
  private let firstChunk: Int
  private let rowsPerChunk: Int
  private let stride: Int
  /// The row, at most 0, at which chunk 0 begins.
  private let originY: Int
  /// Bytes that the rows begin right of column 0.
  private let columnOffset: Int

  init(
    description: ImageDescription, chunks: [UnsafeRawPointer?], firstChunk: Int, rowsPerChunk: Int, stride: Int,
    originY: Int, columnOffset: Int
  ) {
    self.description = description
    self.chunks = chunks
    self.firstChunk = firstChunk
    self.rowsPerChunk = rowsPerChunk
    self.stride = stride
    self.originY = originY
    self.columnOffset = columnOffset
  }

  package init(_ picture: Picture) {
    self.init(
      description: picture.description, chunks: [UnsafeRawPointer(picture.buffer.base)], firstChunk: 0,
      rowsPerChunk: picture.description.height, stride: picture.stride, originY: 0, columnOffset: 0)
  }

  /// Some rows, from `firstRow` on, each where it is; nil where none is asked for.
  ///
  /// - Parameter columnOffset: Bytes that the rows begin right of column 0.
  package init(_ description: ImageDescription, rows: [UnsafeRawPointer?], firstRow: Int, columnOffset: Int) {
    self.init(
      description: description, chunks: rows, firstChunk: firstRow, rowsPerChunk: 1, stride: 0, originY: 0,
      columnOffset: columnOffset)
  }

  /// Of a stage without input.
  init(none description: ImageDescription) {
    self.init(
      description: description, chunks: [], firstChunk: 0, rowsPerChunk: 1, stride: 0, originY: 0, columnOffset: 0)
  }

  /// Where column 0 of row `y` is, or would be: only the columns that the tile asked for may be read; a row that is not among those
  /// that it asked for is a bug of the stencil's.
  public func row(_ y: Int) -> UnsafeRawPointer {
    let chunk = (y - originY) / rowsPerChunk
    return chunks[chunk - firstChunk]! + ((y - originY - chunk * rowsPerChunk) * stride - columnOffset)
  }
}

/// Where a tile writes, by row number in the picture.
public struct OutputRows: @unchecked Sendable {
  private let base: UnsafeMutableRawPointer?
  private let firstRow: Int
  private let stride: Int
  /// Bytes that the rows begin left of column 0 (for output that covers only some columns).
  private let columnOffset: Int

  package init(base: UnsafeMutableRawPointer?, firstRow: Int, stride: Int, columnOffset: Int = 0) {
    self.base = base
    self.firstRow = firstRow
    self.stride = stride
    self.columnOffset = columnOffset
  }

  package init(_ picture: Picture) { self.init(base: picture.buffer.base, firstRow: 0, stride: picture.stride) }

  /// Of a stage that keeps its results elsewhere.
  package static let none = OutputRows(base: nil, firstRow: 0, stride: 0)

  /// The first byte of row `y`, column 0 (which need not itself be writable, only the region's columns are).
  public func row(_ y: Int) -> UnsafeMutableRawPointer {
    base! + ((y - firstRow) * stride - columnOffset)
  }
}
