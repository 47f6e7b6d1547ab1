import Kernels
import Pictures
import Pipeline

/// A gradient of 64-bit floats, which stay such.
struct DoubleGradientStencil: Stencil {
  private let filter: Gradient
  private let input: ImageDescription
  private let loader: DoubleLoader
  /// As of every sample type.
  let halo: Halo
  /// Signed responses of integer pictures lie around the middle.
  private let isOffset: Bool

  init(_ filter: Gradient, _ input: ImageDescription, halo: Halo) {
    self.filter = filter
    self.input = input
    self.halo = halo
    loader = DoubleLoader(
      input: input, result: filter.isPerChannel ? .color : .luma, fullScale: filter.doubleScale(of: input),
      isLinear: filter.isLinear)
    isOffset = filter.direction != .magnitude && filter.outputDescription(for: input).stored != nil
  }

  var needsWholePicture: Bool { filter.boundary.y == .wrap }
  var needsWholeRows: Bool { filter.boundary.x == .wrap }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let block = max(2048 / loader.channels, 64)
    for x in stride(from: region.x, to: region.endX, by: block) {
      let part = Region(x: x, y: region.y, width: min(block, region.endX - x), height: region.height)
      scratch.frame { processBlock(part, from: source, to: output, scratch: scratch) }
    }
  }

  private func processBlock(_ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let channels = loader.channels, samples = block.width * channels
    let plane = PaddedPlane<Double>(
      region: block, halo: halo, in: input, channels: channels, boundary: filter.boundary,
      constant: filter.constant * loader.fullScale, scratch: scratch
    ) { row, column, count, target in
      loader.load(source.row(row), x: column, count: count, into: target, scratch: scratch)
    }
    let other = scratch.allocate(samples, of: Double.self)
    for y in block.y..<block.endY {
      let response: UnsafeMutablePointer<Double> = (output.row(y) + block.x * channels * 8).samples()
      switch filter.direction {
      case .magnitude:
        differentiate(plane, y: y, x: block.x, horizontal: response, vertical: other, count: samples)
        KernelTable.current.magnitude_f64(response, other, 0.5.squareRoot(), response, samples)
      case .horizontal, .positiveDiagonal:
        differentiate(plane, y: y, x: block.x, horizontal: response, vertical: other, count: samples)
      case .vertical, .negativeDiagonal:
        differentiate(plane, y: y, x: block.x, horizontal: other, vertical: response, count: samples)
      }
      if isOffset { for sample in 0..<samples { response[sample] = response[sample] * 0.5 + 0.5 } }
    }
  }

  private func differentiate(
    _ plane: PaddedPlane<Double>, y: Int, x: Int, horizontal: UnsafeMutablePointer<Double>,
    vertical: UnsafeMutablePointer<Double>, count: Int
  ) {
    let kernels = KernelTable.current, channels = loader.channels
    func withRows(_ range: ClosedRange<Int>, _ body: (UnsafePointer<UnsafePointer<Double>>) -> Void) {
      let rows = range.map { UnsafePointer(plane.row(y + $0, x: x)) }
      rows.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
    switch filter.operator {
    case .sobel, .scharr, .prewitt:
      let smooth = filter.operator.smoothing
      withRows(-1...1) { kernels.gradient3_f64($0, smooth, channels, horizontal, vertical, count) }
    case .farid:
      let smooth = filter.operator.smoothing, derivative = Gradient.Operator.faridDerivative
      withRows(-2...2) { kernels.gradient5_f64($0, smooth, derivative, channels, horizontal, vertical, count) }
    case .roberts:
      withRows(0...1) { kernels.roberts_f64($0, channels, horizontal, vertical, count) }
    }
  }
}
