/// Collects rows into a picture.
public final class PictureCollector: RowSink, @unchecked Sendable {
  /// Filled from the top as rows come.
  public let picture: Picture
  private var next = 0

  /// - Parameter picture: Takes the rows; more rows than it has are a bug of the caller's.
  public init(_ picture: Picture) { self.picture = picture }

  public func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) {
    for row in 0..<count {
      picture.row(next + row).copyMemory(from: rows + row * stride, byteCount: picture.description.bytesPerRow)
    }
    next += count
  }
}
