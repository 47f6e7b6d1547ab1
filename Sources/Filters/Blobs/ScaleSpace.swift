import Pictures
import Pipeline

import Kernels

/// The type of responses, and the kernels for it.
protocol ResponseValue: BinaryFloatingPoint, BitwiseCopyable, Sendable {
  typealias Values = UnsafeMutablePointer<Self>
  typealias Rows = UnsafePointer<UnsafePointer<Self>>

  /// Luma of `count` pixels of a row, from column `x`.
  static func load(
    _ row: UnsafeRawPointer, of input: ImageDescription, isLinear: Bool, x: Int, count: Int, into values: Values,
    scratch: Scratch)
  static func correlateColumns(
    _ rows: Rows, _ kernels: [UnsafePointer<Self>], radius: Int, into targets: [Values], pitch: Int, width: Int,
    height: Int, column: Values)
  static func laplacian(_ a: Values, _ b: Values, _ scale: Self, into result: Values, count: Int)
  static func difference(_ a: Values, _ b: Values, _ scale: Self, into result: Values, count: Int)
  static func findPeaks(
    _ rows: [UnsafePointer<Self>], above threshold: Self, into mask: UnsafeMutablePointer<UInt8>, count: Int)
  static func widen(_ range: inout (least: Self, greatest: Self), _ values: Values, count: Int)
  /// Values that count, of the picture or its negative, and 0 for the others.
  static func cover(_ values: Values, _ cover: UnsafePointer<UInt8>, isNegative: Bool, count: Int)
  /// Ones and zeros.
  static func ones(_ cover: UnsafePointer<UInt8>, into values: Values, count: Int)
  /// response + mean / weight × (whole − part), or the response alone where nothing is missing or nothing counts.
  static func complete(
    _ response: Values, mean: Values, weight: Values, whole: Self, part: Values, into result: Values, count: Int)
}

extension Float: ResponseValue {
  static func load(
    _ row: UnsafeRawPointer, of input: ImageDescription, isLinear: Bool, x: Int, count: Int, into values: Values,
    scratch: Scratch
  ) {
    FloatLoader(input: input, result: .luma, fullScale: 1, isLinear: isLinear)
      .load(row, x: x, count: count, into: values, scratch: scratch)
  }
  static func correlateColumns(
    _ rows: Rows, _ kernels: [UnsafePointer<Self>], radius: Int, into targets: [Values], pitch: Int, width: Int,
    height: Int, column: Values
  ) {
    KernelTable.current.correlate_columns_f32(
      rows, kernels, radius, kernels.count, targets, pitch, width, height, column)
  }
  static func laplacian(_ a: Values, _ b: Values, _ scale: Self, into result: Values, count: Int) {
    KernelTable.current.laplacian_f32(a, b, scale, result, count)
  }
  static func difference(_ a: Values, _ b: Values, _ scale: Self, into result: Values, count: Int) {
    KernelTable.current.difference_f32(a, b, scale, result, count)
  }
  static func findPeaks(
    _ rows: [UnsafePointer<Self>], above threshold: Self, into mask: UnsafeMutablePointer<UInt8>, count: Int
  ) {
    KernelTable.current.peaks_f32(rows, threshold, mask, count)
  }
  static func widen(_ range: inout (least: Self, greatest: Self), _ values: Values, count: Int) {
    KernelTable.current.range_f32(values, count, &range.least, &range.greatest)
  }
}

extension Double: ResponseValue {
  static func load(
    _ row: UnsafeRawPointer, of input: ImageDescription, isLinear: Bool, x: Int, count: Int, into values: Values,
    scratch: Scratch
  ) {
    DoubleLumaLoader(input: input, isLinear: isLinear)
      .load(row, x: x, count: count, into: values, scratch: scratch)
  }
  static func correlateColumns(
    _ rows: Rows, _ kernels: [UnsafePointer<Self>], radius: Int, into targets: [Values], pitch: Int, width: Int,
    height: Int, column: Values
  ) {
    KernelTable.current.correlate_columns_f64(
      rows, kernels, radius, kernels.count, targets, pitch, width, height, column)
  }
  static func laplacian(_ a: Values, _ b: Values, _ scale: Self, into result: Values, count: Int) {
    KernelTable.current.laplacian_f64(a, b, scale, result, count)
  }
  static func difference(_ a: Values, _ b: Values, _ scale: Self, into result: Values, count: Int) {
    KernelTable.current.difference_f64(a, b, scale, result, count)
  }
  static func findPeaks(
    _ rows: [UnsafePointer<Self>], above threshold: Self, into mask: UnsafeMutablePointer<UInt8>, count: Int
  ) {
    KernelTable.current.peaks_f64(rows, threshold, mask, count)
  }
  static func widen(_ range: inout (least: Self, greatest: Self), _ values: Values, count: Int) {
    KernelTable.current.range_f64(values, count, &range.least, &range.greatest)
  }
}

/// Three neighbouring scales' responses on a tile and one pixel around it, and the peaks among them.
struct ScaleWindow<Value: ResponseValue> {
  /// Where responses are known.
  let region: Region
  private let tile: Region
  private let picture: ImageDescription
  private let slices: [UnsafeMutablePointer<Value>]
  let pitch: Int
  private let mask: UnsafeMutablePointer<UInt8>
  /// Of the tile's pixels, 0 where one does not count; nil: all do.
  var cover: UnsafePointer<UInt8>?
  private let detector: BlobDetector
  private var peaks: [Peaks.Peak] = []
  private var range = (least: Value.infinity, greatest: -Value.infinity)

  init(_ detector: BlobDetector, tile: Region, in picture: ImageDescription, scratch: Scratch) {
    self.detector = detector
    self.tile = tile
    self.picture = picture
    region = tile.grown(by: Halo(y: 1, x: 1), in: picture)
    pitch = region.width + 2
    let size = pitch * region.height
    slices = (0..<3).map { _ in scratch.allocate(size, of: Value.self) }
    mask = scratch.allocate(tile.width, of: UInt8.self)
  }

  /// Where the response of a scale goes: picture row `y`, from the region's first column.
  func row(_ y: Int, scale: Int) -> UnsafeMutablePointer<Value> {
    slices[scale % 3] + (y - region.y) * pitch + 1
  }

  /// Takes note of a scale whose rows are all there, and looks for peaks at the scale before it, and at the last.
  mutating func finish(scale: Int, of count: Int) {
    for y in region.y..<region.endY {
      // Beyond the picture, nearest.
      let values = row(y, scale: scale)
      values[-1] = values[0]
      values[region.width] = values[region.width - 1]
    }
    for y in tile.y..<tile.endY {
      let values = row(y, scale: scale) + (tile.x - region.x)
      if let cover = cover.map({ $0 + (y - tile.y) * tile.width }) {
        for x in 0..<tile.width where cover[x] != 0 { Value.widen(&range, values + x, count: 1) }
      } else {
        Value.widen(&range, values, count: tile.width)
      }
    }
    // Flat responses have no peaks, but a single one is a peak, as in scikit-image.
    if count == 1 && picture.pixelCount == 1 { range.least = -.infinity }
    if scale > 0 { findPeaks(scale: scale - 1, of: count) }
    if scale == count - 1 { findPeaks(scale: scale, of: count) }
  }

  private mutating func findPeaks(scale: Int, of count: Int) {
    let (rows, columns) = (detector.excludedRows, detector.excludedColumns)
    let offset = tile.x - region.x
    // Not above the one that counts in the end, where it is rounded.
    let threshold = Value(detector.threshold).nextDown
    for y in tile.y..<tile.endY where y >= rows && y < picture.height - rows {
      var lines: [UnsafePointer<Value>] = []
      for neighbour in [max(scale - 1, 0), scale, min(scale + 1, count - 1)] {
        for line in [max(y - 1, 0), y, min(y + 1, picture.height - 1)] {
          lines.append(UnsafePointer(row(line, scale: neighbour) + offset))
        }
      }
      Value.findPeaks(lines, above: threshold, into: mask, count: tile.width)
      if let cover { for x in 0..<tile.width { mask[x] &= cover[(y - tile.y) * tile.width + x] } }
      for x in 0..<tile.width where mask[x] != 0 {
        let column = tile.x + x
        guard column >= columns && column < picture.width - columns else { continue }
        peaks.append(.init(y: y, x: column, scale: scale, response: Double(lines[4][x])))
      }
    }
  }

  /// Hands over what was found.
  func report(to partial: inout Peaks) {
    partial.add(peaks, least: Double(range.least), greatest: Double(range.greatest))
  }
}

/// Laplacians, or differences, of Gaussians at all scales, tile by tile.
///
/// In single precision for integer samples, whose responses are then known to 3e-7; in double precision for floats, whose
/// range is not known.
struct ScaleSpaceAnalysis<Value: ResponseValue>: TableAnalysis {
  let detector: BlobDetector
  let input: ImageDescription
  let scales: [BlobScale]
  /// Which pixels count; nil: all.
  private let coverage: Coverage?

  /// - Throws: ``ImbrexError`` for a mask of another size.
  init(_ detector: BlobDetector, _ input: ImageDescription) throws {
    coverage = try Coverage(input, .pixels)
    self.detector = detector
    self.input = input
    scales = zip(detector.sigmasY, detector.sigmas).map { BlobScale(sigmaY: $0, sigmaX: $1) }
    radius = (scales.map(\.y.radius).max()!, scales.map(\.x.radius).max()!)
  }

  let radius: (y: Int, x: Int)

  var halo: Halo { Halo(y: radius.y + 1, x: radius.x + 1) }

  func makePartial() -> Peaks { Peaks() }

  func table(of partial: Peaks, in region: Region?) -> Table { detector.table(of: partial, in: region) }
  var exchange: (any TableExchange)? { BlobExchange(detector: detector, analysis: self) }

  func measure(_ region: Region, from source: SourceRows, into partial: inout Peaks, scratch: Scratch) {
    let block = max(1024, 4 * radius.x)
    for x in stride(from: region.x, to: region.endX, by: block) {
      let tile = Region(x: x, y: region.y, width: min(block, region.endX - x), height: region.height)
      scratch.frame { measure(tile: tile, from: source, into: &partial, scratch: scratch) }
    }
  }

  private func measure(tile: Region, from source: SourceRows, into partial: inout Peaks, scratch: Scratch) {
    var window = ScaleWindow<Value>(detector, tile: tile, in: input, scratch: scratch)
    let isDark = detector.findsDark
    if let coverage, !coverage.isTotal(tile, halo: halo, boundary: .reflect, source, scratch: scratch) {
      measure(tile: tile, &window, coverage, source, scratch)
      return window.report(to: &partial)
    }
    // Loaded once with the ghosts of the largest scale; smaller ones use the middle of it.
    let pixels = LoadedRows<Value>(
      window.region, radius: radius, in: input, boundary: .reflect, constant: 0, scratch: scratch
    ) { y, x, count, target in
      Value.load(
        source.row(y), of: input, isLinear: detector.isLinear, x: x, count: count, into: target, scratch: scratch)
      if isDark { for k in 0..<count { target[k] = 1 - target[k] } }
    }
    switch detector.method {
    case .log: laplacians(pixels, &window, scratch)
    default: differences(pixels, &window, scratch)
    }
    window.report(to: &partial)
  }

  private func laplacians(_ pixels: LoadedRows<Value>, _ window: inout ScaleWindow<Value>, _ scratch: Scratch) {
    let region = window.region
    let filter = SeparableFilter<Value>(region, radius: radius.x, pictureWidth: input.width, scratch)
    let smoothed = filter.plane(scratch), curved = filter.plane(scratch)
    let other = scratch.allocate(region.width * region.height, of: Value.self)
    for (index, scale) in scales.enumerated() {
      let weights = ScaleWeights<Value>(scale)
      let target = window.row(region.y, scale: index)
      filter.down(pixels, weights.y, for: scale.x.radius, into: [smoothed, curved], scratch)
      filter.across(curved, weights.smoothX, into: target, pitch: window.pitch, scratch)
      filter.across(smoothed, weights.secondX, into: other, pitch: region.width, scratch)
      for line in 0..<region.height {
        let row = target + line * window.pitch
        Value.laplacian(row, other + line * region.width, weights.factor, into: row, count: region.width)
      }
      window.finish(scale: index, of: scales.count)
    }
  }

  private func differences(_ pixels: LoadedRows<Value>, _ window: inout ScaleWindow<Value>, _ scratch: Scratch) {
    let region = window.region
    let filter = SeparableFilter<Value>(region, radius: radius.x, pictureWidth: input.width, scratch)
    let smoothed = filter.plane(scratch)
    let size = region.width * region.height
    var fine = scratch.allocate(size, of: Value.self), coarse = scratch.allocate(size, of: Value.self)
    let factor = Value(1 / (detector.sigmaRatio - 1))
    for (scale, sigmas) in scales.enumerated() {
      let weights = ScaleWeights<Value>(sigmas)
      filter.down(pixels, [weights.y[0]], for: sigmas.x.radius, into: [smoothed], scratch)
      filter.across(smoothed, weights.smoothX, into: coarse, pitch: region.width, scratch)
      if scale > 0 {
        for y in region.y..<region.endY {
          let row = (y - region.y) * region.width
          Value.difference(
            fine + row, coarse + row, factor, into: window.row(y, scale: scale - 1), count: region.width)
        }
        window.finish(scale: scale - 1, of: scales.count - 1)
      }
      swap(&fine, &coarse)
    }
  }
}

/// A scale's Gaussians, of which an axis may have one of its own.
struct BlobScale: Sendable {
  let sigmaY, sigmaX: Double
  let y, x: GaussianKernel

  init(sigmaY: Double, sigmaX: Double) {
    (self.sigmaY, self.sigmaX) = (sigmaY, sigmaX)
    (y, x) = (GaussianKernel(sigma: sigmaY), GaussianKernel(sigma: sigmaX))
  }
}

/// The weights of a scale, and what its Laplacian is multiplied with.
struct ScaleWeights<Value: ResponseValue> {
  /// The Gaussian and its second derivative.
  let y: [[Value]]
  let smoothX, secondX: [Value]
  let factor: Value

  init(_ scale: BlobScale) {
    func second(_ kernel: GaussianKernel, _ sigma: Double) -> [Value] {
      GaussianKernel(secondDerivativeOf: kernel, sigma: sigma).weights.map { Value($0) }
    }
    y = [scale.y.weights.map { Value($0) }, second(scale.y, scale.sigmaY)]
    smoothX = scale.x.weights.map { Value($0) }
    secondX = second(scale.x, scale.sigmaX)
    let mean = (scale.sigmaY + scale.sigmaX) / 2
    factor = Value(mean * mean)
  }
}

/// A symmetric separable filter of a region, reflected beyond the picture: sums down the columns into a transposed plane,
/// then down that plane's.
struct SeparableFilter<Value: ResponseValue> {
  /// Sums of a picture column in each line.
  typealias Plane = UnsafeMutablePointer<Value>

  private let region: Region
  private let pictureWidth: Int
  private let radius: Int
  /// Between a plane's lines: an odd number of cache lines, so that columns do not fall on the same sets.
  private let pitch: Int

  /// Values in a cache line.
  private static var lineCount: Int { 64 / MemoryLayout<Value>.stride }

  init(_ region: Region, radius: Int, pictureWidth: Int, _ scratch: Scratch) {
    self.region = region
    self.pictureWidth = pictureWidth
    self.radius = radius
    pitch = ((region.height + Self.lineCount - 1) / Self.lineCount | 1) * Self.lineCount
  }

  func plane(_ scratch: Scratch) -> Plane { scratch.allocate(columns(radius).count * pitch) }

  /// The picture's columns that sums along the rows reach.
  private func columns(_ reach: Int) -> Range<Int> {
    ((region.x - reach)..<(region.endX + reach)).clamped(to: 0..<pictureWidth)
  }

  /// Sums with each of one or two kernels of the same radius, for sums along the rows that reach `columns` further.
  func down(
    _ pixels: LoadedRows<Value>, _ kernels: [[Value]], for columns: Int, into planes: [Plane], _ scratch: Scratch
  ) {
    let reach = kernels[0].count - 1
    let columns = self.columns(columns)
    scratch.frame {
      let rows = pixels.rows((region.y - reach)..<(region.endY + reach), column: columns.lowerBound, scratch)
      correlate(rows, kernels, into: planes, pitch: pitch, width: columns.count, height: region.height, scratch)
    }
  }

  /// Sums of a plane that `down` made with a kernel of this radius, into rows `pitch` apart.
  func across(
    _ plane: Plane, _ kernel: [Value], into target: UnsafeMutablePointer<Value>, pitch: Int, _ scratch: Scratch
  ) { across(plane, [kernel], into: [target], pitch: pitch, scratch) }

  /// The same with each of one or two kernels.
  func across(
    _ plane: Plane, _ kernels: [[Value]], into targets: [UnsafeMutablePointer<Value>], pitch: Int, _ scratch: Scratch
  ) {
    let reach = kernels[0].count - 1
    let first = columns(reach).lowerBound
    scratch.frame {
      let lines = scratch.allocate(region.width + 2 * reach, of: UnsafePointer<Value>.self)
      for k in 0..<(region.width + 2 * reach) {
        let column = Boundary.reflect.index(region.x - reach + k, count: pictureWidth)!
        lines[k] = UnsafePointer(plane + (column - first) * self.pitch)
      }
      correlate(lines, kernels, into: targets, pitch: pitch, width: region.height, height: region.width, scratch)
    }
  }

  private func correlate(
    _ rows: UnsafePointer<UnsafePointer<Value>>, _ kernels: [[Value]], into targets: [UnsafeMutablePointer<Value>],
    pitch: Int, width: Int, height: Int, _ scratch: Scratch
  ) {
    let reach = kernels[0].count - 1
    let column = scratch.allocate((height + 4 + 2 * reach) * Self.lineCount, of: Value.self)
    kernels[0].withUnsafeBufferPointer { first in
      kernels[kernels.count - 1].withUnsafeBufferPointer { last in
        let pointers = [first.baseAddress!, last.baseAddress!].prefix(kernels.count)
        Value.correlateColumns(
          rows, Array(pointers), radius: reach, into: targets, pitch: pitch, width: width, height: height,
          column: column)
      }
    }
  }
}
