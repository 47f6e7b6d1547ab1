import Kernels
import Pictures
import Pipeline

/// A wide Gaussian of 8-bit samples by way of a coarser grid, in a time that does not grow with sigma.
///
/// The grid's points are at multiples of its stride in the picture, wherever a tile begins. Only where the worst case is less
/// than a tenth of a step from the Gaussian.
struct CoarseGaussian {
  private static let largestError = 0.1 / 255
  private static let fewestSamples = 1 << 16

  private let input: ImageDescription
  private let boundary: Boundaries
  private let y: CoarseAxis
  private let x: CoarseAxis
  private let constant: UInt8

  /// - Parameters:
  ///   - weightsY: One half of the kernel wanted, from the centre on.
  ///   - constant: The sample beyond the border under `.constant`.
  init?(
    _ input: ImageDescription, _ gaussian: Gaussian, weightsY: [Double], weightsX: [Double], constant: Float
  ) {
    guard input.sampleType == .uint8, let border = UInt8(exactly: constant),
      input.width * input.height >= Self.fewestSamples / input.channels,
      let y = CoarseAxis(sigma: gaussian.sigmaY, kernel: weightsY),
      let x = gaussian.sigmaX == gaussian.sigmaY ? y : CoarseAxis(sigma: gaussian.sigmaX, kernel: weightsX),
      y.error + x.error <= Self.largestError,
      // What is beyond the border is made row by row and column by column: not much more than the picture.
      y.reach <= 2 * input.height && x.reach <= 2 * input.width
    else { return nil }
    (self.input, self.y, self.x) = (input, y, x)
    boundary = gaussian.boundary
    self.constant = border
  }

  var halo: Halo { Halo(y: y.reach, x: x.reach) }

  /// Points of which the places of a range are made, those that the weights reach left out.
  private func points(_ range: Range<Int>, _ axis: CoarseAxis) -> Range<Int> {
    let first = floored(range.lowerBound, axis.stride) - 1, last = floored(range.upperBound - 1, axis.stride) + 2
    return first..<(last + 1)
  }

  private func floored(_ value: Int, _ by: Int) -> Int { value >= 0 ? value / by : -((by - 1 - value) / by) }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let kernels = KernelTable.current, channels = input.channels
    let down = points(region.y..<region.endY, y), across = points(region.x..<region.endX, x)
    let samples = region.width * channels
    let rows = scratch.allocate(down.count * samples, of: Float.self)
    scratch.frame {
      blend(smoothed(region, down, across, source, scratch), region, down, across, into: rows, scratch)
    }
    for row in region.y..<region.endY {
      let before = floored(row, y.stride) - 1 - down.lowerBound, place = row - floored(row, y.stride) * y.stride
      let four = (0..<4).map { UnsafePointer(rows + (before + $0) * samples) }
      y.blending.withUnsafeBufferPointer { weights in
        kernels.blend_rows_u8(
          four, weights.baseAddress! + 4 * place, output.row(row).samples(UInt8.self) + region.x * channels, samples)
      }
    }
  }

  /// The points of a region, blurred.
  private func smoothed(
    _ region: Region, _ down: Range<Int>, _ across: Range<Int>, _ source: SourceRows, _ scratch: Scratch
  ) -> UnsafePointer<Float> {
    let kernels = KernelTable.current, channels = input.channels
    let reachY = y.weights.count - 1, reachX = x.weights.count - 1
    let wide = (across.lowerBound - reachX)..<(across.upperBound + reachX)
    let pitch = wide.count * channels, count = across.count * channels
    let points = scratch.allocate((down.count + 2 * reachY) * pitch, of: Float.self)
    let blurred = scratch.allocate(down.count * count, of: Float.self)
    scratch.frame {
      let line = Line(wide, self.x, input, scratch)
      for (k, point) in ((down.lowerBound - reachY)..<(down.upperBound + reachY)).enumerated() {
        take(point, line, source, into: points + k * pitch)
      }
      let sums = scratch.allocate(pitch, of: Float.self)
      for k in 0..<down.count {
        let rows = (0...(2 * reachY)).map { UnsafePointer(points + (k + $0) * pitch) }
        kernels.correlate_rows_f32(rows, y.weights, reachY, sums, pitch)
        kernels.correlate_row_f32(
          sums + reachX * channels, x.weights, reachX, channels, blurred + k * count, count)
      }
    }
    return UnsafePointer(blurred)
  }

  /// Rows of samples on their way to points.
  private struct Line {
    /// Picture columns, ghosts included, and those of them that are in the picture.
    let columns: Range<Int>
    let inside: Range<Int>
    let points: Int
    let sums: UnsafeMutablePointer<Float>
    let smoothed: UnsafeMutablePointer<Float>
    let border: UnsafeMutablePointer<UInt8>

    init(_ points: Range<Int>, _ axis: CoarseAxis, _ input: ImageDescription, _ scratch: Scratch) {
      let reach = 2 * axis.stride - 1
      columns = (points.lowerBound * axis.stride - reach)..<((points.upperBound - 1) * axis.stride + reach + 1)
      inside = columns.clamped(to: 0..<input.width)
      self.points = points.count
      sums = scratch.allocate(columns.count * input.channels, of: Float.self)
      smoothed = scratch.allocate(columns.count * input.channels, of: Float.self)
      border = scratch.allocate(max(input.width, 1) * input.channels, of: UInt8.self)
    }
  }

  /// Makes a row of points.
  private func take(_ point: Int, _ line: Line, _ source: SourceRows, into target: UnsafeMutablePointer<Float>) {
    let kernels = KernelTable.current, channels = input.channels
    let reach = 2 * y.stride - 1, reachX = 2 * x.stride - 1
    func sums(_ column: Int, _ count: Int, _ target: UnsafeMutablePointer<Float>) {
      var hasBorder = false
      let rows: [UnsafePointer<UInt8>] = ((point * y.stride - reach)...(point * y.stride + reach)).map { row in
        if let from = boundary.y.index(row, count: input.height) {
          return source.row(from).samples(UInt8.self) + column * channels
        }
        if !hasBorder { line.border.update(repeating: constant, count: count * channels) }
        hasBorder = true
        return UnsafePointer(line.border)
      }
      kernels.correlate_rows_u8_f32(rows, y.smoothing, reach, target, count * channels)
    }
    sums(
      line.inside.lowerBound, line.inside.count,
      line.sums + (line.inside.lowerBound - line.columns.lowerBound) * channels)
    extendRow(
      line.sums, columns: line.columns, channels: channels, pictureWidth: input.width, boundary: boundary.x,
      constant: Float(constant), fetch: sums)
    let count = (line.columns.count - 2 * reachX) * channels
    kernels.correlate_row_f32(line.sums + reachX * channels, x.smoothing, reachX, channels, line.smoothed, count)
    for k in 0..<line.points {
      for c in 0..<channels { target[k * channels + c] = line.smoothed[k * x.stride * channels + c] }
    }
  }

  /// From points to all places of a row, for each row of points.
  private func blend(
    _ points: UnsafePointer<Float>, _ region: Region, _ down: Range<Int>, _ across: Range<Int>,
    into rows: UnsafeMutablePointer<Float>, _ scratch: Scratch
  ) {
    let kernels = KernelTable.current, channels = input.channels, stride = x.stride
    let samples = region.width * channels, origin = across.lowerBound * stride
    let weights = scratch.allocate(4 * samples, of: Float.self)
    for column in 0..<region.width {
      let place = (region.x + column) - floored(region.x + column, stride) * stride
      for k in 0..<4 {
        for c in 0..<channels { weights[k * samples + column * channels + c] = x.blending[4 * place + k] }
      }
    }
    // Each point as often as there are places until the next.
    let repeated = scratch.allocate(across.count * stride * channels, of: Float.self)
    for row in 0..<down.count {
      let from = points + row * across.count * channels
      for point in 0..<across.count {
        for place in 0..<stride {
          for c in 0..<channels { repeated[(point * stride + place) * channels + c] = from[point * channels + c] }
        }
      }
      kernels.blend_row_f32(
        repeated + (region.x - origin - stride) * channels, stride * channels, weights, samples, rows + row * samples,
        samples)
    }
  }
}
