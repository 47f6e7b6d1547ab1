import Platform

/// Which pixels of a picture count: those of a mask picture that are not zero.
///
/// Held as bits, in a temporary file where they are many.
public final class Mask: Sendable {
  /// Columns, as many as its picture has.
  public let width: Int
  /// Rows, as many as its picture has.
  public let height: Int
  /// Whether it stands in the picture's own file, and is turned with it; else the user has given it for the picture as it is filtered.
  public let isOfFile: Bool
  /// Rows of words; bit x & 63 of word x >> 6 is set where the pixel counts.
  private let bits: PixelBuffer
  private let wordsPerRow: Int

  private static let mostInMemory = 1 << 28

  private init(width: Int, height: Int, isOfFile: Bool) throws {
    (self.width, self.height, self.isOfFile) = (width, height, isOfFile)
    wordsPerRow = (width + 63) / 64
    let byteCount = 8 * wordsPerRow * height
    bits = try PixelBuffer(byteCount: byteCount, spilled: byteCount > Self.mostInMemory)
  }

  private func row(_ y: Int) -> UnsafeMutablePointer<UInt64> { bits.base.samples() + y * wordsPerRow }

  /// Reads a mask: a pixel counts if any of its colour samples is not zero.
  ///
  /// - Throws: What the source throws.
  public convenience init(reading source: any RowSource, isOfFile: Bool = false) throws {
    let description = source.description
    try self.init(width: description.width, height: description.height, isOfFile: isOfFile)
    let rows = min(max((1 << 20) / description.bytesPerRow, 1), height)
    let buffer = try PixelBuffer(byteCount: rows * description.bytesPerRow)
    for y in stride(from: 0, to: height, by: rows) {
      let count = min(rows, height - y)
      try source.read(into: buffer.base, stride: description.bytesPerRow, count: count)
      for line in 0..<count { take(buffer.base + line * description.bytesPerRow, of: description, as: y + line) }
    }
  }

  private func take(_ pixels: UnsafeRawPointer, of picture: ImageDescription, as y: Int) {
    func take<Sample: BitwiseCopyable>(_: Sample.Type, _ isSet: (Sample) -> Bool) {
      let samples: UnsafePointer<Sample> = pixels.samples(), words = row(y)
      let colors = picture.color.channels, channels = picture.channels
      for x in 0..<width {
        for c in 0..<colors where isSet(samples[x * channels + c]) { words[x >> 6] |= 1 << UInt64(x & 63) }
      }
    }
    switch picture.sampleType {
    case .uint8: take(UInt8.self) { $0 != 0 }
    case .uint16: take(UInt16.self) { $0 != 0 }
    case .float32: take(Float.self) { $0 != 0 }
    case .float64: take(Double.self) { $0 != 0 }
    }
  }

  /// Throws unless it is as large as a picture.
  package func check(fits picture: ImageDescription) throws {
    guard width == picture.width && height == picture.height else {
      throw ImbrexError(
        .usage,
        "the mask is \(width) × \(height) pixels, but must be as large as the picture: \(picture.width) × \(picture.height)"
      )
    }
  }

  /// The words of row `y`.
  package func words(_ y: Int) -> UnsafePointer<UInt64> { UnsafePointer(row(y)) }

  package func contains(x: Int, y: Int) -> Bool { row(y)[x >> 6] >> UInt64(x & 63) & 1 != 0 }

  /// Whether all of some pixels of a row count.
  package func containsAll(of columns: Range<Int>, y: Int) -> Bool {
    guard let last = columns.last else { return true }
    let words = row(y), first = columns.lowerBound
    let head = UInt64.max << UInt64(first & 63), tail = UInt64.max >> UInt64(63 - last & 63)
    if first >> 6 == last >> 6 { return ~words[first >> 6] & head & tail == 0 }
    guard ~words[first >> 6] & head == 0, ~words[last >> 6] & tail == 0 else { return false }
    var missing: UInt64 = 0
    for word in (first >> 6 + 1)..<(last >> 6) { missing |= ~words[word] }
    return missing == 0
  }

  /// Of the picture made upright from this orientation, 1 … 8, as ``TurnedPicture`` turns it.
  package func turned(_ orientation: Int) throws -> Mask {
    let swaps = orientation >= 5
    let result = try Mask(width: swaps ? height : width, height: swaps ? width : height, isOfFile: isOfFile)
    for y in 0..<result.height {
      let words = result.row(y)
      for x in 0..<result.width {
        let isSet =
          switch orientation {
          case 2: contains(x: width - 1 - x, y: y)
          case 3: contains(x: width - 1 - x, y: height - 1 - y)
          case 4: contains(x: x, y: height - 1 - y)
          case 5: contains(x: y, y: x)
          case 6: contains(x: y, y: height - 1 - x)
          case 7: contains(x: width - 1 - y, y: height - 1 - x)
          case 8: contains(x: width - 1 - y, y: x)
          default: contains(x: x, y: y)
          }
        if isSet { words[x >> 6] |= 1 << UInt64(x & 63) }
      }
    }
    return result
  }
}

extension Mask {
  /// A part of it.
  public func cropped(to region: Region) throws -> Mask {
    let result = try Mask(width: region.width, height: region.height, isOfFile: isOfFile)
    let words = (region.width + 63) / 64, shift = UInt64(region.x & 63)
    for y in 0..<region.height {
      let from = row(region.y + y) + region.x >> 6, to = result.row(y)
      let last = (width + 63) / 64 - region.x >> 6 - 1
      for word in 0..<words {
        // What is beyond the width is not looked at.
        to[word] = from[word] >> shift | (shift > 0 && word < last ? from[word + 1] << (64 - shift) : 0)
      }
    }
    return result
  }

  /// Half its size: what most of four pixels are, or that they count where two and two differ. A last row or column that
  /// stands alone counts twice.
  public func halved() throws -> Mask {
    let result = try Mask(width: (width + 1) / 2, height: (height + 1) / 2, isOfFile: isOfFile)
    let words = (width + 63) / 64
    for y in 0..<result.height {
      let upper = row(2 * y), lower = row(min(2 * y + 1, height - 1)), target = result.row(y)
      for word in 0..<words {
        var a = upper[word], b = lower[word]
        if width % 2 != 0 && word == words - 1 {
          let end = UInt64(width & 63)
          (a, b) = (a & ~(1 << end) | a << 1 & 1 << end, b & ~(1 << end) | b << 1 & 1 << end)
        }
        // Of pairs, at their even bits.
        let most = a & a >> 1 | b & b >> 1 | (a | a >> 1) & (b | b >> 1)
        target[word >> 1] |= Self.evenBits(of: most) << UInt64(32 * (word & 1))
      }
    }
    return result
  }

  private static func evenBits(of word: UInt64) -> UInt64 {
    var bits = word & 0x5555_5555_5555_5555
    bits = (bits | bits >> 1) & 0x3333_3333_3333_3333
    bits = (bits | bits >> 2) & 0x0F0F_0F0F_0F0F_0F0F
    bits = (bits | bits >> 4) & 0x00FF_00FF_00FF_00FF
    bits = (bits | bits >> 8) & 0x0000_FFFF_0000_FFFF
    return (bits | bits >> 16) & 0x0000_0000_FFFF_FFFF
  }

  /// Writes 1 for each pixel of a row that counts, else 0.
  package func unpack(_ y: Int, into bytes: UnsafeMutablePointer<UInt8>) {
    let words = row(y)
    for x in 0..<width { bytes[x] = UInt8(truncatingIfNeeded: words[x >> 6] >> UInt64(x & 63) & 1) }
  }
}

extension Mask: Equatable {
  /// Whether they are the same, not alike.
  public static func == (a: Mask, b: Mask) -> Bool { a === b }
}
