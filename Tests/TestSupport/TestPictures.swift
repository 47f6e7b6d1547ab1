public import Imbrex

/// Pictures for tests: smooth structure with noise on it, so that edges, blobs and medians all have something to find.
public func testPicture(_ description: ImageDescription, seed: Int = 1) -> Picture {
  let picture = try! Picture(description)
  var noise = Noise(seed: seed)
  for y in 0..<description.height {
    let row = picture.row(y)
    for x in 0..<description.width {
      for c in 0..<description.channels {
        // Blocks and slopes of a few pixels, different in each channel.
        let block = ((x / 7 + c) ^ (y / 5)) & 3
        let value =
          Double(block) / 4 + Double((x * 3 + y * 5 + c * 11) % 17) / 100 + Double.random(in: 0..<0.1, using: &noise)
        let i = x * description.channels + c
        switch description.sampleType {
        case .uint8: row.assumingMemoryBound(to: UInt8.self)[i] = UInt8(min(value * 255, 255))
        case .uint16: row.assumingMemoryBound(to: UInt16.self)[i] = UInt16(min(value * 65535, 65535))
        case .float32: row.assumingMemoryBound(to: Float.self)[i] = Float(value * 1.5 - 0.2)
        case .float64: row.assumingMemoryBound(to: Double.self)[i] = value * 1.5 - 0.2
        }
      }
    }
  }
  return picture
}

/// The samples of a picture as numbers in units of full scale, row by row.
public func unitSamples(_ picture: Picture) -> [Double] {
  let description = picture.description
  return (0..<description.height).flatMap { y -> [Double] in
    let row = picture.row(y)
    return (0..<description.samplesPerRow).map { i in
      switch description.sampleType {
      case .uint8: Double(row.assumingMemoryBound(to: UInt8.self)[i]) / 255
      case .uint16: Double(row.assumingMemoryBound(to: UInt16.self)[i]) / 65535
      case .float32: Double(row.assumingMemoryBound(to: Float.self)[i])
      case .float64: row.assumingMemoryBound(to: Double.self)[i]
      }
    }
  }
}

/// Hands out the rows of a picture in memory as a decoder would.
public final class PictureSource: RowSource, @unchecked Sendable {
  private let picture: Picture
  private var window: Region
  private var next = 0

  public init(_ picture: Picture) {
    self.picture = picture
    window = Region(all: picture.description)
  }

  public var description: ImageDescription { picture.description }

  public func select(_ window: Region) {
    window.checkLies(in: description)
    precondition(next == 0 && self.window == Region(all: description), "a window is selected once, and first")
    self.window = window
  }

  public func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) {
    precondition(next + count <= window.height, "more rows were asked for than there are")
    let size = description.bytesPerPixel
    for row in 0..<count {
      (rows + row * stride).copyMemory(
        from: picture.row(window.y + next + row) + window.x * size, byteCount: window.width * size)
    }
    next += count
  }
}

/// Collects rows into a picture as an encoder would.
public final class PictureSink: RowSink, @unchecked Sendable {
  public let picture: Picture
  private var next = 0

  public init(_ description: ImageDescription) { picture = try! Picture(description) }

  public func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) {
    for row in 0..<count {
      picture.row(next + row).copyMemory(
        from: rows + row * stride, byteCount: picture.description.bytesPerRow)
    }
    next += count
  }

  public var isComplete: Bool { next == picture.description.height }
}
