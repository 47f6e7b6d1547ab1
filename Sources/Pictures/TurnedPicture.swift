/// A picture turned and mirrored so that it is upright, row by row. The picture is held whole.
public final class TurnedPicture: RowSource, @unchecked Sendable {
  public let description: ImageDescription
  private let picture: Picture
  private let orientation: Int
  private var nextRow = 0
  private var columns: Range<Int>

  /// - Parameters:
  ///   - source: All of it is read.
  ///   - orientation: 1 … 8 as in TIFF 6.0: where the first row and column are shown.
  ///   - spilled: Hold it in a temporary file.
  public convenience init(_ source: any RowSource, orientation: Int, spilled: Bool) throws {
    try self.init(Picture(reading: source, spilled: spilled), orientation: orientation)
  }

  /// - Parameters:
  ///   - picture: Not changed meanwhile.
  ///   - orientation: As above.
  /// - Throws: ``ImbrexError`` if there is no memory for a mask of the file's own, which is turned along.
  public init(_ picture: Picture, orientation: Int) throws {
    precondition((1...8).contains(orientation))
    self.picture = picture
    self.orientation = orientation
    var description = picture.description.turned(orientation)
    description.validity.masks = try picture.description.validity.masks.map {
      $0.isOfFile ? try $0.turned(orientation) : $0
    }
    self.description = description
    columns = 0..<description.width
  }

  public func select(_ window: Region) {
    window.checkLies(in: description)
    nextRow = window.y
    columns = window.x..<window.endX
  }

  public func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    let size = description.bytesPerPixel
    for i in 0..<count {
      let row = rows + i * stride
      // Where the first pixel comes from, and how far it is to the next.
      let y = nextRow + i, lastX = picture.description.width - 1, lastY = picture.description.height - 1
      let (start, step): (UnsafeMutableRawPointer, Int) =
        switch orientation {
        case 2: (picture.row(y) + lastX * size, -size)
        case 3: (picture.row(lastY - y) + lastX * size, -size)
        case 4: (picture.row(lastY - y), size)
        case 5: (picture.row(0) + y * size, picture.stride)
        case 6: (picture.row(lastY) + y * size, -picture.stride)
        case 7: (picture.row(lastY) + (lastX - y) * size, -picture.stride)
        case 8: (picture.row(0) + (lastX - y) * size, picture.stride)
        default: (picture.row(y), size)
        }
      let target: UnsafeMutablePointer<UInt8> = row.samples()
      for (i, x) in columns.enumerated() {
        let from: UnsafeMutablePointer<UInt8> = (start + x * step).samples()
        for b in 0..<size { target[i * size + b] = from[b] }
      }
    }
    nextRow += count
  }
}

extension ImageDescription {
  /// Of the picture made upright from this orientation, 1 … 8.
  package func turned(_ orientation: Int) -> ImageDescription {
    var copy = self
    if orientation >= 5 { (copy.width, copy.height) = (height, width) }
    // A mask of the file's own has to be turned by itself.
    if orientation > 1 { copy.validity.masks.removeAll(where: \.isOfFile) }
    return copy
  }
}
