import Pictures
import Pipeline

import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Sums of all pixels above and left of each pixel, itself included, built row by row.
///
/// Summed down the columns first, then along the row, as numpy's `cumsum` does, so that rounding is the same.
final class IntegralImage: RowSink, @unchecked Sendable {
  let width: Int
  /// The picture's rows that it has.
  let rows: Range<Int>
  private let buffer: PixelBuffer
  private var columnSums: [Double]
  private var nextRow: Int

  /// - Parameter sums: Of the columns of all rows above; nil: there are none.
  init(width: Int, rows: Range<Int>, below sums: [Double]? = nil, maxMemory: Int) throws {
    self.width = width
    self.rows = rows
    let byteCount = width * rows.count * MemoryLayout<Double>.stride
    buffer = try PixelBuffer(byteCount: byteCount, spilled: byteCount > maxMemory)
    columnSums = sums ?? Array(repeating: 0, count: width)
    nextRow = rows.lowerBound
  }

  func row(_ y: Int) -> UnsafeMutablePointer<Double> {
    buffer.base.samples() + (y - rows.lowerBound) * width
  }

  func write(_ values: UnsafeRawPointer, stride: Int, count: Int) {
    for line in 0..<count {
      let pixels: UnsafePointer<Double> = (values + line * stride).samples()
      let sums = row(nextRow)
      columnSums.withUnsafeMutableBufferPointer { columns in
        var sum = 0.0
        for x in 0..<width {
          columns[x] += pixels[x]
          sum = x == 0 ? columns[0] : sum + columns[x]
          sums[x] = sum
        }
      }
      nextRow += 1
    }
  }
}

/// Converts pixels to the doubles that an integral image takes.
struct IntegralStencil: Stencil {
  private let detector: BlobDetector
  private let loader: DoubleLumaLoader

  init(_ detector: BlobDetector, _ input: ImageDescription) {
    self.detector = detector
    loader = DoubleLumaLoader(input: input, isLinear: detector.isLinear)
  }

  /// One double a pixel.
  var output: ImageDescription {
    ImageDescription(
      width: loader.input.width, height: loader.input.height, color: .gray, sampleType: .float64)
  }

  var halo: Halo { .none }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    for y in region.y..<region.endY {
      let target: UnsafeMutablePointer<Double> = output.row(y).samples() + region.x
      loader.load(source.row(y), x: region.x, count: region.width, into: target, scratch: scratch)
      if detector.findsDark { for x in 0..<region.width { target[x] = 1 - target[x] } }
    }
  }
}

/// Takes the integral image of a picture; the next sweep looks for peaks of its determinants of Hessian.
struct HessianStage: WholeStage {
  private let detector: BlobDetector
  private let picture: ImageDescription

  init(_ detector: BlobDetector, _ picture: ImageDescription) { (self.detector, self.picture) = (detector, picture) }

  var held: [Held] { [Held("the integral image", byteCount: 8 * picture.pixelCount)] }
  var next: StageShape { StageShape(halo: .none, output: nil) }
  var exchange: (any Exchange)? { ColumnSumExchange(detector: detector, picture: picture) }
  var tableExchange: (any TableExchange)? { BlobExchange(detector: detector, analysis: nil) }

  func begin(with picture: Picture?, in context: RunContext) throws -> any WholeRun {
    try Run(
      detector, self.picture,
      IntegralImage(width: self.picture.width, rows: 0..<self.picture.height, maxMemory: context.maxHeld))
  }

  final class Run: WholeRun {
    private let detector: BlobDetector
    private let picture: ImageDescription
    private let integral: IntegralImage

    init(_ detector: BlobDetector, _ picture: ImageDescription, _ integral: IntegralImage) {
      (self.detector, self.picture, self.integral) = (detector, picture, integral)
    }

    var sink: any RowSink { integral }

    func finish(in context: RunContext) throws -> (input: SweepInput, stage: Stage) {
      (.none(picture), .table(HessianAnalysis(detector, picture, integral)))
    }
  }
}

/// Determinants of the Hessian at all scales, from box sums of an integral image, and the peaks among them.
struct HessianAnalysis: TableAnalysis {
  private let detector: BlobDetector
  private let picture: ImageDescription
  private let integral: IntegralImage
  private let sigmas: [Double]

  init(_ detector: BlobDetector, _ picture: ImageDescription, _ integral: IntegralImage) {
    self.detector = detector
    self.picture = picture
    self.integral = integral
    sigmas = detector.sigmas
  }

  var halo: Halo { .none }

  func makePartial() -> Peaks { Peaks() }

  func table(of partial: Peaks, in region: Region?) -> Table { detector.table(of: partial, in: region) }

  func measure(_ region: Region, from source: SourceRows, into partial: inout Peaks, scratch: Scratch) {
    scratch.frame {
      var window = ScaleWindow<Double>(detector, tile: region, in: picture, scratch: scratch)
      let tile = window.region
      for (scale, sigma) in sigmas.enumerated() {
        let side = Int(3 * sigma)
        for y in tile.y..<tile.endY {
          let boxes = boxes(side: side, y: y)
          KernelTable.current.hessian_f64(
            boxes, 1 / Double(side) / Double(side), tile.x, picture.width, window.row(y, scale: scale), tile.width)
        }
        window.finish(scale: scale, of: sigmas.count)
      }
      window.report(to: &partial)
    }
  }

  /// The eight boxes of a filter of `side` pixels around row `y`: four of dxy, then wide and narrow of dxx and dyy.
  private func boxes(side: Int, y: Int) -> [hessian_box] {
    let half = (side - 1) / 2, third = side / 3, long = 2 * third - 1
    func box(_ row: Int, _ column: Int, _ height: Int, _ width: Int) -> hessian_box {
      let top = min(max(y + row, 0), picture.height - 1)
      let bottom = min(max(top + height, 0), picture.height - 1)
      return hessian_box(top: integral.row(top), bottom: integral.row(bottom), column: column, columns: width)
    }
    return [
      box(-third, 1, third, third), box(1, -third, third, third),
      box(-third, -third, third, third), box(1, 1, third, third),
      box(-third + 1, -half, long, side), box(-third + 1, -(third / 2), long, third),
      box(-half, -third + 1, side, long), box(-(third / 2), -third + 1, third, long),
    ]
  }
}
