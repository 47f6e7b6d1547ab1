import Kernels
import Pictures
import Pipeline

/// A Gaussian of the samples that count: their sum divided by that of their weights. Where all of a window count, it is the usual one.
///
/// H. Knutsson and C.-F. Westin 1993, "Normalized and differential convolution", doi:10.1109/CVPR.1993.341081.
struct CoveredGaussian: Stencil {
  private let base: GaussianStencil
  let coverage: Coverage
  /// Sums the ones and zeros that say what counts.
  private let covers: GaussianStencil
  let untouched: UntouchedSamples
  /// The sum of all weights, as the same kernels add them up: where ones and zeros give it, all are ones.
  private let whole: Float
  let input: ImageDescription

  init(_ gaussian: Gaussian, _ base: GaussianStencil, _ coverage: Coverage, making output: ImageDescription) {
    (self.base, self.coverage) = (base, coverage)
    input = coverage.input
    covers = GaussianStencil(of: CoveredRows.description(of: coverage), as: base)
    untouched = UntouchedSamples(coverage, making: output, one: gaussian.valueOfOne(coverage.input))
    let kernels = KernelTable.current
    let radiusY = base.weightsY.count - 1, radiusX = base.weightsX.count - 1
    let ones: [UInt8] = [1]
    var column: Float = 0, sum: Float = 0
    ones.withUnsafeBufferPointer { ones in
      let rows = [UnsafePointer<UInt8>](repeating: ones.baseAddress!, count: 2 * radiusY + 1)
      kernels.correlate_rows_u8_f32(rows, base.weightsY, radiusY, &column, 1)
    }
    [Float](repeating: column, count: 2 * radiusX + 1).withUnsafeBufferPointer { row in
      kernels.correlate_row_f32(row.baseAddress! + radiusX, base.weightsX, radiusX, 1, &sum, 1)
    }
    whole = sum
  }

  var halo: Halo { base.halo }
  var needsWholePicture: Bool { base.needsWholePicture }
  var needsWholeRows: Bool { base.needsWholeRows }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    if coverage.isTotal(region, halo: halo, boundary: base.boundary, source, scratch: scratch) {
      return base.process(region, from: source, to: output, scratch: scratch)
    }
    // Rows at a time, so that what counts everywhere is passed by.
    let height = max(64, halo.top)
    for y in stride(from: region.y, to: region.endY, by: height) {
      let rows = Region(x: region.x, y: y, width: region.width, height: min(height, region.endY - y))
      for block in blocks(of: rows) {
        scratch.frame { processBlock(block, from: source, to: output, scratch: scratch) }
      }
    }
  }

  /// Narrow ones, so that what counts everywhere is passed by, where their ghosts weigh little.
  private func blocks(of rows: Region) -> [Region] {
    base.blocks(of: rows).flatMap { block in
      let width = max(512 / input.channels, 8 * halo.left)
      return stride(from: block.x, to: block.endX, by: width).map { x in
        Region(x: x, y: block.y, width: min(width, block.endX - x), height: block.height)
      }
    }
  }

  private func processBlock(_ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let window = CoverWindow(block, halo: halo, boundary: base.boundary, in: input)
    if coverage.isTotal(window, source, scratch: scratch) {
      return base.process(block, from: source, to: output, scratch: scratch)
    }
    let rows = CoveredRows(coverage, window, source, scratch: scratch)
    guard let fixed = base.fixed else {
      let usual = base.coarse == nil ? nil : usualBytes(block, from: source, to: output, scratch: scratch)
      return blurFloats(block, rows, usual: usual, from: source, to: output, scratch: scratch)
    }
    guard let dense = blur(block, rows, in: fixed, from: source, to: output, scratch: scratch) else { return }
    blurFloats(block, rows, from: source, to: output, scratch: scratch)
    dense.put(to: output)
  }

  /// The results of a block as if all counted.
  private func usualBytes(
    _ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch
  ) -> UnsafePointer<UInt8> {
    let count = block.width * input.channels
    let bytes = scratch.allocate(count * block.height, of: UInt8.self)
    base.process(block, from: source, to: output, scratch: scratch)
    for y in block.y..<block.endY {
      let row = output.row(y).samples(UInt8.self) + block.x * input.channels
      (bytes + (y - block.y) * count).update(from: row, count: count)
    }
    return UnsafePointer(bytes)
  }

  /// - Parameter usual: What is taken where all of a window counts, if that is made otherwise than by floats.
  private func blurFloats(
    _ block: Region, _ rows: CoveredRows, usual: UnsafePointer<UInt8>? = nil, from source: SourceRows,
    to output: OutputRows, scratch: Scratch
  ) {
    let bands = coverage.bands, channels = input.channels
    let samples = block.width * bands
    let sums = scratch.allocate(samples * block.height, of: Float.self)
    covers.blur(block, from: rows.cover, scratch: scratch) { row, y in
      (sums + (y - block.y) * samples).update(from: row, count: samples)
    }
    let spread = scratch.allocate(block.width * channels, of: Float.self)
    base.blur(block, from: rows.values, scratch: scratch) { row, y in
      var divisors = sums + (y - block.y) * samples
      if bands < channels {
        for x in 0..<block.width { for c in 0..<channels { spread[x * channels + c] = divisors[x] } }
        divisors = spread
      }
      KernelTable.current.divide_covered_f32(row, divisors, whole, block.width * channels)
      base.finish(row, y: y, of: block, to: output)
      if let usual {
        let bytes = usual + (y - block.y) * block.width * channels
        let result = output.row(y).samples(UInt8.self) + block.x * channels
        for i in 0..<(block.width * channels) where divisors[i] == whole { result[i] = bytes[i] }
      }
      untouched.restore(y, block.x..<block.endX, source, output, scratch)
    }
  }
}
