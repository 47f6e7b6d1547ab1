public import Pictures
import Pipeline
import Platform

/// Which pixels of a picture count: those of a mask picture that are not zero.
public final class Mask: Sendable {
  public let width: Int
  public let height: Int
  /// One byte a pixel, 0 or 1.
  private let inside: [UInt8]

  /// Reads a mask: a pixel is inside if any of its colour samples is not zero.
  ///
  /// - Throws: What the source throws.
  public init(reading source: any RowSource) throws {
    let picture = try Picture(reading: source)
    let description = picture.description
    width = description.width
    height = description.height
    var inside = [UInt8](repeating: 0, count: width * height)
    let sampleBytes = description.sampleType.byteCount
    for y in 0..<height {
      let row = picture.row(y)
      for x in 0..<width {
        for c in 0..<description.color.channels {
          let sample = row + (x * description.channels + c) * sampleBytes
          let isSet =
            switch description.sampleType {
            case .uint8: sample.load(as: UInt8.self) != 0
            case .uint16: sample.load(as: UInt16.self) != 0
            case .float32: sample.load(as: Float.self) != 0
            case .float64: sample.load(as: Double.self) != 0
            }
          if isSet { inside[y * width + x] = 1 }
        }
      }
    }
    self.inside = inside
  }

  func check(fits picture: ImageDescription) throws {
    guard width == picture.width && height == picture.height else {
      throw ImbrexError(
        .usage,
        "the mask is \(width) × \(height) pixels, but must be as large as the picture: \(picture.width) × \(picture.height)"
      )
    }
  }

  @inline(__always)
  func contains(x: Int, y: Int) -> Bool { inside[y * width + x] != 0 }

  /// The mask eroded by 3 × 3 ones, with nothing beyond the picture: 1 where all nine pixels are inside.
  func eroded(row y: Int, columns: Range<Int>, into result: UnsafeMutablePointer<UInt8>) {
    for x in columns {
      var isInside = y > 0 && y < height - 1 && x > 0 && x < width - 1
      if isInside {
        for row in (y - 1)...(y + 1) {
          for column in (x - 1)...(x + 1) where !contains(x: column, y: row) { isInside = false }
        }
      }
      result[x - columns.lowerBound] = isInside ? 1 : 0
    }
  }
}

/// Stands for the picture of a mask that has been read: filters that name one file have one mask.
public final class MaskSource: RowSource {
  public let mask: Mask
  public var description: ImageDescription {
    ImageDescription(width: mask.width, height: mask.height, color: .gray, sampleType: .uint8)
  }

  public init(_ mask: Mask) { self.mask = mask }

  public func select(_ window: Region) { preconditionFailure("a mask is read whole") }
  public func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) {
    preconditionFailure("the mask has been read")
  }
}

extension Mask {
  /// - Throws: ``ImbrexError`` that names the file.
  public static func read(_ path: String, _ open: PictureOpener) throws -> Mask {
    let source = try open(path)
    if let known = source as? MaskSource { return known.mask }
    do {
      return try Mask(reading: source)
    } catch let error as ImbrexError {
      throw error.prefixed("\(path): ")
    }
  }
}
