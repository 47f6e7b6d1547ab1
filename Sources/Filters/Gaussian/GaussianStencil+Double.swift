import Kernels
import Pictures
import Pipeline

/// A Gaussian of 64-bit floats, which stay such: sums in scipy's order, so that results are scipy's to the last digits.
struct DoubleGaussianStencil: Stencil {
  let input: ImageDescription
  let boundary: Boundaries
  let weightsY: [Double]
  let weightsX: [Double]
  let constant: Double
  let loader: DoubleLoader
  /// Whether samples come out in other units than alpha, which stays 0 … 1.
  private let scalesAlpha: Bool

  init(_ gaussian: Gaussian, _ input: ImageDescription) {
    self.input = input
    boundary = gaussian.boundary
    weightsY = GaussianKernel(sigma: gaussian.sigmaY, truncate: gaussian.truncate).weights
    weightsX = GaussianKernel(sigma: gaussian.sigmaX, truncate: gaussian.truncate).weights
    loader = DoubleLoader(
      input: input, result: .premultiplied, fullScale: gaussian.doubleScale(of: input), isLinear: gaussian.isLinear)
    constant = gaussian.constant * loader.fullScale
    scalesAlpha = loader.fullScale != 1 && input.alpha != .none
  }

  var radiusY: Int { weightsY.count - 1 }
  var radiusX: Int { weightsX.count - 1 }

  var halo: Halo { Halo(y: radiusY, x: radiusX) }
  var needsWholePicture: Bool { boundary.y == .wrap && radiusY > 0 }
  var needsWholeRows: Bool { boundary.x == .wrap && radiusX > 0 }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    for block in blocks(of: region) {
      scratch.frame { process(block: block, from: source, to: output, scratch: scratch) }
    }
  }

  /// Blocks that stay in the cache, but larger than their ghosts.
  func blocks(of region: Region) -> [Region] {
    let width = max(1024 / input.channels, 2 * radiusX, 64), height = max(64, 2 * radiusY)
    return stride(from: region.y, to: region.endY, by: height).flatMap { y in
      stride(from: region.x, to: region.endX, by: width).map { x in
        Region(x: x, y: y, width: min(width, region.endX - x), height: min(height, region.endY - y))
      }
    }
  }

  func process(block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let plane = PaddedPlane<Double>(
      region: block, halo: halo, in: input, channels: input.channels, boundary: boundary, constant: constant,
      scratch: scratch
    ) { row, column, count, target in
      loader.load(source.row(row), x: column, count: count, into: target, scratch: scratch)
    }
    if min(radiusY, radiusX) >= 16 {
      processLarge(block, plane, to: output, scratch: scratch)
    } else {
      processSmall(block, plane, to: output, scratch: scratch)
    }
  }

  private func processSmall(
    _ block: Region, _ plane: PaddedPlane<Double>, to output: OutputRows, scratch: Scratch
  ) {
    let sums = scratch.allocate(plane.pitch, of: Double.self)
    for y in block.y..<block.endY {
      let target = samples(of: output, y, block)
      blur(plane, y, of: block, channels: input.channels, into: target, sums: sums)
      finish(target, count: block.width)
    }
  }

  /// Makes a row of sums.
  ///
  /// - Parameter sums: Room for a row of the plane.
  func blur(
    _ plane: PaddedPlane<Double>, _ y: Int, of block: Region, channels: Int, into target: UnsafeMutablePointer<Double>,
    sums: UnsafeMutablePointer<Double>
  ) {
    let kernels = KernelTable.current
    withUnsafeTemporaryAllocation(of: UnsafePointer<Double>.self, capacity: 2 * radiusY + 1) { rows in
      for k in rows.indices { rows[k] = UnsafePointer(plane.row(y + k - radiusY, x: block.x - radiusX)) }
      kernels.correlate_rows_f64(rows.baseAddress!, weightsY, radiusY, sums, plane.pitch)
    }
    kernels.correlate_row_f64(sums + radiusX * channels, weightsX, radiusX, channels, target, block.width * channels)
  }

  /// Two transposing passes, whose cost a tap is lower; sums are the same.
  private func processLarge(
    _ block: Region, _ plane: PaddedPlane<Double>, to output: OutputRows, scratch: Scratch
  ) {
    let channels = input.channels, columns = block.width + 2 * radiusX
    // Lines of odd numbers of cache lines, so that columns do not fall on the same sets of the cache.
    func odd(_ count: Int) -> Int { ((count + 7) / 8 | 1) * 8 }
    let pitch = odd(block.height), resultPitch = odd(block.width)
    let turned = scratch.allocate(plane.pitch * pitch, of: Double.self)
    let column = scratch.allocate((max(block.height + 2 * radiusY, columns) + 4) * 8, of: Double.self)
    let rows = scratch.allocate(max(block.height + 2 * radiusY, columns), of: UnsafePointer<Double>.self)
    for k in 0..<(block.height + 2 * radiusY) {
      rows[k] = UnsafePointer(plane.row(block.y - radiusY + k, x: block.x - radiusX))
    }
    sum(rows, weightsY, into: turned, pitch: pitch, width: plane.pitch, height: block.height, column)
    let result = scratch.allocate(resultPitch * block.height, of: Double.self)
    for channel in 0..<channels {
      for x in 0..<columns { rows[x] = UnsafePointer(turned + (x * channels + channel) * pitch) }
      sum(rows, weightsX, into: result, pitch: resultPitch, width: block.height, height: block.width, column)
      for y in 0..<block.height {
        let target = samples(of: output, block.y + y, block), row = result + y * resultPitch
        for x in 0..<block.width { target[x * channels + channel] = row[x] }
      }
    }
    for y in block.y..<block.endY { finish(samples(of: output, y, block), count: block.width) }
  }

  private func sum(
    _ rows: UnsafeMutablePointer<UnsafePointer<Double>>, _ weights: [Double], into target: UnsafeMutablePointer<Double>,
    pitch: Int, width: Int, height: Int, _ column: UnsafeMutablePointer<Double>
  ) {
    weights.withUnsafeBufferPointer { weights in
      KernelTable.current.correlate_columns_f64(
        rows, [weights.baseAddress!], weights.count - 1, 1, [target], pitch, width, height, column)
    }
  }

  func samples(of output: OutputRows, _ y: Int, _ block: Region) -> UnsafeMutablePointer<Double> {
    (output.row(y) + block.x * input.bytesPerPixel).samples()
  }

  /// Makes a row of sums samples again, in place.
  func finish(_ row: UnsafeMutablePointer<Double>, count: Int) {
    let channels = input.channels
    if input.alpha == .straight { unpremultiply(row, by: loader.fullScale, channels: channels, count: count) }
    if loader.isLinear {
      TransferFunction.encode(
        row, count: count, colors: input.color.channels, channels: channels, fullScale: loader.fullScale)
    }
    if scalesAlpha { scaleAlpha(row, by: loader.fullScale, channels: channels, count: count) }
  }
}
