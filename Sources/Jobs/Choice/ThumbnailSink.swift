package import Pictures

/// Makes a small 8-bit RGB picture of a result while its rows go by.
///
/// A pixel is the mean of the area that it stands for, with exact weights also where that is no whole number of pixels. Values beyond
/// [0, 1] are cut off, transparent pixels are put over white. Of Lab there is the lightness, of bands of no known meaning the first.
///
/// Memory: one row of the thumbnail, and the thumbnail.
package final class ThumbnailSink: RowSink, @unchecked Sendable {
  /// Complete when all rows have been written.
  package let thumbnail: Picture
  private let picture: ImageDescription
  private let region: Region
  /// Whether the result is 255 on thin lines and 0 elsewhere.
  private let isLineMask: Bool
  /// How many pixels of the thumbnail a pixel becomes, in each direction, where it is enlarged.
  private let factor: Int
  /// Of the thumbnail before it is enlarged.
  private let columns, rows: Int
  private let spans: [Span]
  /// The next row of the picture, and of the thumbnail.
  private var next = 0, nextRow = 0
  private var line, sums: [SIMD3<Double>]

  /// The pixels of a row that a pixel of the thumbnail is made of, in parts of which one pixel has as many as the thumbnail has columns.
  private struct Span {
    let first, last: Int
    let firstWeight, lastWeight: Double
  }

  /// - Parameters:
  ///   - picture: What is written.
  ///   - region: The part of it that is shown.
  ///   - width: Of the thumbnail in pixels: at most that of the region, or a multiple of it; so is `height`.
  ///   - isLineMask: Whether the picture is 1 on thin lines and 0 elsewhere. Their mean would be a faint gray: they are brightened, so
  ///     that one line through a pixel shows.
  package init(of picture: ImageDescription, region: Region, width: Int, height: Int, isLineMask: Bool) throws {
    region.checkLies(in: picture)
    (self.picture, self.region, self.isLineMask) = (picture, region, isLineMask)
    factor = max(width / region.width, 1)
    (columns, rows) = (width / factor, height / factor)
    precondition(
      columns * factor == width && rows * factor == height && columns <= region.width && rows <= region.height)
    let columns = columns
    spans = (0..<columns).map { column in
      let start = column * region.width, end = start + region.width
      let first = start / columns, last = (end - 1) / columns
      return Span(
        first: first, last: last, firstWeight: Double(min((first + 1) * columns, end) - start),
        lastWeight: Double(last > first ? end - last * columns : 0))
    }
    line = Array(repeating: .zero, count: columns)
    sums = line
    thumbnail = try Picture(ImageDescription(width: width, height: height, color: .rgb, sampleType: .uint8))
  }

  package func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) {
    for row in 0..<count {
      if (region.y..<region.endY).contains(next) {
        sumLine(rows + row * stride + region.x * picture.bytesPerPixel)
        addLine(next - region.y)
      }
      next += 1
    }
  }

  // MARK: - Across

  private func sumLine(_ row: UnsafeRawPointer) {
    switch picture.sampleType {
    case .uint8 where picture.channels == 1: sumGray(row.samples())
    case .uint8: sumPixels(row.samples()) { (sample: UInt8) in Float(sample) }
    case .uint16: sumPixels(row.samples()) { (sample: UInt16) in Float(sample) }
    // What is no number is black.
    case .float32: sumPixels(row.samples()) { (sample: Float) in sample > 0 ? min(sample, 1) : 0 }
    case .float64: sumPixels(row.samples()) { (sample: Double) in sample > 0 ? Float(min(sample, 1)) : 0 }
    }
  }

  /// The most frequent kind, several times faster.
  private func sumGray(_ samples: UnsafePointer<UInt8>) {
    let weight = Double(columns)
    for (column, span) in spans.enumerated() {
      var middle: UInt32 = 0
      if span.last > span.first + 1 {
        for x in (span.first + 1)..<span.last { middle &+= UInt32(samples[x]) }
      }
      let ends = Double(samples[span.first]) * span.firstWeight + Double(samples[span.last]) * span.lastWeight
      line[column] = SIMD3(repeating: ends + Double(middle) * weight)
    }
  }

  @inline(__always)
  private func sumPixels<Sample>(_ samples: UnsafePointer<Sample>, _ value: (Sample) -> Float) {
    let channels = picture.channels, weight = Double(columns)
    for (column, span) in spans.enumerated() {
      func color(_ x: Int) -> SIMD3<Double> { SIMD3(rgb(samples + x * channels, value)) }
      var middle = SIMD3<Double>.zero
      if span.last > span.first + 1 {
        for x in (span.first + 1)..<span.last { middle += color(x) }
      }
      line[column] =
        color(span.first) * span.firstWeight + middle * weight
        + (span.last > span.first ? color(span.last) * span.lastWeight : .zero)
    }
  }

  /// A pixel over white, in units of the sample type.
  @inline(__always)
  private func rgb<Sample>(_ pixel: UnsafePointer<Sample>, _ value: (Sample) -> Float) -> SIMD3<Float> {
    let one = picture.sampleType.fullScale
    var color: SIMD3<Float>
    switch picture.color {
    case .gray, .lab: color = SIMD3(repeating: value(pixel[0]))
    case .rgb: color = SIMD3(value(pixel[0]), value(pixel[1]), value(pixel[2]))
    case .cmyk:
      color = (one - SIMD3(value(pixel[0]), value(pixel[1]), value(pixel[2]))) * (1 - value(pixel[3]) / one)
    }
    if picture.alpha == .none { return color }
    let alpha = value(pixel[picture.channels - 1])
    if picture.alpha == .straight { color *= alpha / one }
    return pointwiseMin(color + (one - alpha), SIMD3(repeating: one))
  }

  // MARK: - Down

  /// Adds the line, row `y` of the region, to the one or two rows of the thumbnail that it belongs to.
  private func addLine(_ y: Int) {
    let start = y * rows, end = start + rows, border = (nextRow + 1) * region.height
    let upper = Double(min(end, border) - start)
    for column in 0..<columns { sums[column] += line[column] * upper }
    guard end >= border else { return }
    finishRow()
    let lower = Double(end - border)
    for column in 0..<columns { sums[column] = line[column] * lower }
  }

  private func finishRow() {
    let scale = 1 / (Double(picture.sampleType.fullScale) * Double(region.width * region.height))
    let top = thumbnail.row(nextRow * factor)
    let samples: UnsafeMutablePointer<UInt8> = top.samples()
    for column in 0..<columns {
      let mean = sums[column] * scale
      for c in 0..<3 {
        let byte = UInt8(min((isLineMask ? brightened(mean[c]) : mean[c]) * 255 + 0.5, 255))
        for copy in 0..<factor { samples[3 * (column * factor + copy) + c] = byte }
      }
    }
    for copy in 1..<max(factor, 1) {
      (top + copy * thumbnail.stride).copyMemory(from: top, byteCount: 3 * columns * factor)
    }
    nextRow += 1
  }

  /// One line through a square of n × n pixels covers 1/n of it. 1 − (1 − 1/n)^(3n/2) is about 0.8 for every n, and two lines are brighter.
  /// The power is whole, so that no mathematical library decides about a bit.
  private func brightened(_ share: Double) -> Double {
    let side = max(region.width / columns, region.height / rows)
    var power = 1.0, base = 1 - min(share, 1), exponent = side == 1 ? 1 : side * 3 / 2
    while exponent > 0 {
      if exponent & 1 == 1 { power *= base }
      base *= base
      exponent >>= 1
    }
    return 1 - power
  }
}
