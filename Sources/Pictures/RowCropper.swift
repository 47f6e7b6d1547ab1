/// Cuts a window out of rows that come from the top only: drops those above it, and of the others the columns beside it.
public final class RowCropper {
  private let window: Region
  private let bytesPerRow: Int
  private let bytesPerPixel: Int
  /// Whole rows, as many as are read at once.
  private let scratch: UnsafeMutableRawPointer
  private let scratchRows: Int
  private var rowsAbove: Int

  /// - Parameters:
  ///   - window: Within the picture.
  ///   - picture: What the rows are of.
  public init(_ window: Region, of picture: ImageDescription) {
    window.checkLies(in: picture)
    self.window = window
    bytesPerRow = picture.bytesPerRow
    bytesPerPixel = picture.bytesPerPixel
    rowsAbove = window.y
    scratchRows = min(max((1 << 18) / bytesPerRow, 1), max(window.y, window.height))
    scratch = .allocate(byteCount: scratchRows * bytesPerRow, alignment: 64)
  }

  deinit { scratch.deallocate() }

  /// Writes the window's next rows.
  ///
  /// - Parameter readRows: Writes the next whole rows of the picture, as ``RowSource/read(into:stride:count:)`` does.
  public func read(
    into rows: UnsafeMutableRawPointer, stride: Int, count: Int,
    from readRows: (_ rows: UnsafeMutableRawPointer, _ stride: Int, _ count: Int) throws -> Void
  ) throws {
    while rowsAbove > 0 {
      let part = min(rowsAbove, scratchRows)
      try readRows(scratch, bytesPerRow, part)
      rowsAbove -= part
    }
    let wanted = window.width * bytesPerPixel
    if wanted == bytesPerRow { return try readRows(rows, stride, count) }
    var done = 0
    while done < count {
      let part = min(count - done, scratchRows)
      try readRows(scratch, bytesPerRow, part)
      for row in 0..<part {
        (rows + (done + row) * stride).copyMemory(
          from: scratch + row * bytesPerRow + window.x * bytesPerPixel, byteCount: wanted)
      }
      done += part
    }
  }
}
