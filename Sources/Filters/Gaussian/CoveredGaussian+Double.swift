import Kernels
import Pictures
import Pipeline

/// As ``CoveredGaussian``, in double precision.
struct CoveredDoubleGaussian: Stencil {
  private let base: DoubleGaussianStencil
  private let coverage: Coverage
  private let untouched: UntouchedSamples
  /// The sum of all weights, as the same kernels add them up: where ones and zeros give it, all are ones.
  private let whole: Double

  init(_ gaussian: Gaussian, _ base: DoubleGaussianStencil, _ coverage: Coverage, making output: ImageDescription) {
    (self.base, self.coverage) = (base, coverage)
    untouched = UntouchedSamples(coverage, making: output, one: gaussian.valueOfOne(coverage.input))
    let ones = [1.0]
    var column = 0.0, sum = 0.0
    ones.withUnsafeBufferPointer { ones in
      let rows = [UnsafePointer<Double>](repeating: ones.baseAddress!, count: 2 * base.radiusY + 1)
      KernelTable.current.correlate_rows_f64(rows, base.weightsY, base.radiusY, &column, 1)
    }
    [Double](repeating: column, count: 2 * base.radiusX + 1).withUnsafeBufferPointer { row in
      KernelTable.current.correlate_row_f64(row.baseAddress! + base.radiusX, base.weightsX, base.radiusX, 1, &sum, 1)
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
    for block in base.blocks(of: region) {
      scratch.frame {
        let window = CoverWindow(block, halo: halo, boundary: base.boundary, in: base.input)
        if coverage.isTotal(window, source, scratch: scratch) {
          base.process(block: block, from: source, to: output, scratch: scratch)
        } else {
          process(block: block, from: source, to: output, scratch: scratch)
        }
      }
    }
  }

  private func process(block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let channels = base.input.channels, bands = coverage.bands
    func load(_ row: Int, _ column: Int, _ count: Int, _ take: (UnsafePointer<UInt8>) -> Void) {
      scratch.frame {
        let cover = scratch.allocate(count * bands, of: UInt8.self)
        _ = coverage.load(source.row(row), y: row, x: column, count: count, into: cover, scratch: scratch)
        take(cover)
      }
    }
    // What lies beyond the picture counts, where it is a constant.
    let covers = PaddedPlane<Double>(
      region: block, halo: halo, in: base.input, channels: bands, boundary: base.boundary, constant: 1, scratch: scratch
    ) { row, column, count, target in
      load(row, column, count) { cover in for i in 0..<(count * bands) { target[i] = Double(cover[i]) } }
    }
    let values = PaddedPlane<Double>(
      region: block, halo: halo, in: base.input, channels: channels, boundary: base.boundary, constant: base.constant,
      scratch: scratch
    ) { row, column, count, target in
      base.loader.load(source.row(row), x: column, count: count, into: target, scratch: scratch)
      load(row, column, count) { cover in
        for x in 0..<count {
          for c in 0..<channels where cover[bands < channels ? x : x * channels + c] == 0 {
            target[x * channels + c] = 0
          }
        }
      }
    }
    let sums = scratch.allocate(max(values.pitch, covers.pitch), of: Double.self)
    let divisors = scratch.allocate(block.width * bands, of: Double.self)
    for y in block.y..<block.endY {
      let row = base.samples(of: output, y, block)
      base.blur(covers, y, of: block, channels: bands, into: divisors, sums: sums)
      base.blur(values, y, of: block, channels: channels, into: row, sums: sums)
      for x in 0..<block.width {
        for c in 0..<channels {
          let divisor = divisors[bands < channels ? x : x * channels + c]
          if divisor != whole && divisor != 0 { row[x * channels + c] /= divisor }
        }
      }
      base.finish(row, count: block.width)
      untouched.restore(y, block.x..<block.endX, source, output, scratch)
    }
  }
}
