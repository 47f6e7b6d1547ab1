import Pictures
import Pipeline

/// Rows of tiles that go on beyond the picture's border.
struct BorderRows: Sendable {
  private let boundary: Boundary
  private let picture: ImageDescription
  /// A pixel of the constant.
  private let constant: [UInt8]

  init(_ border: TileBorder, _ picture: ImageDescription) {
    (boundary, self.picture) = (border.boundary, picture)
    let value = border.constant * Double(picture.sampleType.fullScale)
    let sample =
      switch picture.sampleType {
      case .uint8: bytes(of: UInt8(min(max(value.rounded(), 0), 255)))
      case .uint16: bytes(of: UInt16(min(max(value.rounded(), 0), 65535)))
      case .float32: bytes(of: Float(value))
      case .float64: bytes(of: value)
      }
    constant = (0..<picture.channels).flatMap { _ in sample }
  }

  /// The rows of a region, from its first column; those that leave the picture are made in `scratch`.
  ///
  /// - Parameter row: Where column 0 of a row of the picture is, or would be.
  func rows(_ region: Region, _ row: (Int) -> UnsafeRawPointer, _ scratch: Scratch) -> [UnsafeRawPointer] {
    let step = picture.bytesPerPixel
    let isInside = region.x >= 0 && region.endX <= picture.width
    var made: [Int: UnsafeRawPointer] = [:]
    return (region.y..<region.endY).map { y in
      let from = boundary.index(y, count: picture.height)
      if let from, isInside { return row(from) + region.x * step }
      if let known = made[from ?? -1] { return known }
      let target = UnsafeMutableRawPointer(scratch.allocate(region.width * step, of: UInt8.self))
      fill(target, region.x..<region.endX, from.map(row))
      made[from ?? -1] = UnsafeRawPointer(target)
      return UnsafeRawPointer(target)
    }
  }

  /// - Parameter row: Nil: all of it is the constant.
  private func fill(_ target: UnsafeMutableRawPointer, _ columns: Range<Int>, _ row: UnsafeRawPointer?) {
    let step = picture.bytesPerPixel
    let inside = row == nil ? columns.lowerBound..<columns.lowerBound : columns.clamped(to: 0..<picture.width)
    if let row, !inside.isEmpty {
      (target + (inside.lowerBound - columns.lowerBound) * step).copyMemory(
        from: row + inside.lowerBound * step, byteCount: inside.count * step)
    }
    for x in columns where !inside.contains(x) {
      let pixel = target + (x - columns.lowerBound) * step
      if let row, let from = boundary.index(x, count: picture.width) {
        pixel.copyMemory(from: row + from * step, byteCount: step)
      } else {
        constant.withUnsafeBytes { pixel.copyMemory(from: $0.baseAddress!, byteCount: step) }
      }
    }
  }
}

private func bytes<Sample: BitwiseCopyable>(of sample: Sample) -> [UInt8] { withUnsafeBytes(of: sample) { Array($0) } }
