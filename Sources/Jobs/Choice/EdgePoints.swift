package import Pictures
import Platform

/// Which pixels of a picture are edges: one bit each.
package struct EdgePoints: Equatable, Sendable {
  package let width, height: Int
  /// How many there are.
  package private(set) var count = 0
  /// Rows, each of whole words; a pixel's bit is the lower, the further left it is. Bits beyond the width are 0.
  private(set) var words: [UInt64]
  let wordsPerRow: Int

  package init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    wordsPerRow = (width + 63) / 64
    words = Array(repeating: 0, count: wordsPerRow * height)
  }

  /// Puts down a word of pixels that has none yet.
  fileprivate mutating func set(_ word: UInt64, row: Int, at index: Int) {
    words[row * wordsPerRow + index] = word
    count += word.nonzeroBitCount
  }

  package func contains(x: Int, y: Int) -> Bool { words[y * wordsPerRow + x / 64] >> UInt64(x % 64) & 1 == 1 }
}

/// Collects the edges of a result while its rows go by: the pixels whose luma is above 0, where there is alpha and it is not 0.
package final class EdgePointsSink: RowSink, @unchecked Sendable {
  /// Complete when all rows have been written.
  package private(set) var points: EdgePoints
  private let picture: ImageDescription
  private var next = 0

  package init(_ picture: ImageDescription) {
    self.picture = picture
    points = EdgePoints(width: picture.width, height: picture.height)
  }

  package func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) {
    for row in 0..<count {
      let pixels = rows + row * stride
      switch picture.sampleType {
      case .uint8 where picture.channels == 1: add(mask: pixels.samples(UInt8.self))
      case .uint8: add(pixels.samples(UInt8.self), one: 255)
      case .uint16: add(pixels.samples(UInt16.self), one: 65535)
      case .float32: add(pixels.samples(Float.self), one: 1)
      case .float64: add(pixels.samples(Double.self), one: 1)
      }
      next += 1
    }
  }

  /// Of plain bytes, eight at a time.
  private func add(mask samples: UnsafePointer<UInt8>) {
    for index in 0..<points.wordsPerRow {
      let first = 64 * index, count = min(64, points.width - first)
      var word: UInt64 = 0, place = 0
      while place + 8 <= count {
        let bytes = UInt64(littleEndian: UnsafeRawPointer(samples + first + place).loadUnaligned(as: UInt64.self))
        if bytes != 0 {
          // The top bit of each byte that is not 0; the product brings them together.
          let isSet = ((bytes & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7F7F_7F7F_7F7F_7F7F | bytes) & 0x8080_8080_8080_8080
          word |= ((isSet &>> 7 &* 0x0102_0408_1020_4080) &>> 56) &<< UInt64(place)
        }
        place += 8
      }
      while place < count {
        if samples[first + place] > 0 { word |= 1 << UInt64(place) }
        place += 1
      }
      if word != 0 { points.set(word, row: next, at: index) }
    }
  }

  @inline(__always)
  private func add<Sample: Comparable & ExpressibleByIntegerLiteral>(_ samples: UnsafePointer<Sample>, one: Sample) {
    let channels = picture.channels
    let isPlain = channels == 1
    for index in 0..<points.wordsPerRow {
      let first = 64 * index, count = min(64, points.width - first)
      var word: UInt64 = 0
      for place in 0..<count {
        let pixel = samples + (first + place) * channels
        if isPlain ? pixel[0] > 0 : isLight(pixel, one: one) { word |= 1 << UInt64(place) }
      }
      if word != 0 { points.set(word, row: next, at: index) }
    }
  }

  @inline(__always)
  private func isLight<Sample: Comparable & ExpressibleByIntegerLiteral>(
    _ pixel: UnsafePointer<Sample>, one: Sample
  ) -> Bool {
    if picture.alpha != .none, !(pixel[picture.channels - 1] > 0) { return false }
    switch picture.color {
    case .gray, .lab: return pixel[0] > 0
    case .rgb: return pixel[0] > 0 || pixel[1] > 0 || pixel[2] > 0
    case .cmyk: return pixel[3] < one && (pixel[0] < one || pixel[1] < one || pixel[2] < one)
    }
  }
}

extension EdgePoints {
  /// Reads a picture of what is right.
  ///
  /// - Parameters:
  ///   - source: A picture of the whole input's size, or of the region's.
  ///   - input: The input's size.
  ///   - region: The part of the input that results show; nil: all of it.
  /// - Throws: ``ImbrexError`` if it has another size, or no luma, or cannot be read.
  package init(truth source: any RowSource, of input: ImageDescription, region: Region? = nil) throws {
    let truth = source.description
    guard truth.hasLuma else {
      throw ImbrexError(
        option: "truth", "has \(1 + truth.extraBands) bands of no known colour, but must be gray or colour")
    }
    var shown = truth
    if let region, truth.width != region.width || truth.height != region.height {
      guard truth.width == input.width, truth.height == input.height else {
        throw Self.wrongSize(
          truth,
          "the region has \(region.width) × \(region.height) pixels, and the picture \(input.width) × \(input.height)")
      }
      try source.select(region)
      (shown.width, shown.height) = (region.width, region.height)
    } else if region == nil, truth.width != input.width || truth.height != input.height {
      throw Self.wrongSize(truth, "the picture has \(input.width) × \(input.height)")
    }
    let sink = EdgePointsSink(shown)
    let rows = 64
    let buffer = try PixelBuffer(byteCount: rows * shown.bytesPerRow)
    var y = 0
    while y < shown.height {
      let count = min(rows, shown.height - y)
      try source.read(into: buffer.base, stride: shown.bytesPerRow, count: count)
      sink.write(buffer.base, stride: shown.bytesPerRow, count: count)
      y += count
    }
    self = sink.points
  }

  private static func wrongSize(_ truth: ImageDescription, _ wanted: String) -> ImbrexError {
    ImbrexError(option: "truth", "has \(truth.width) × \(truth.height) pixels, but \(wanted)")
  }

  /// Whether more than half of all pixels are edges: black lines on white, most likely.
  package var looksInverted: Bool { 2 * count > width * height }
}
