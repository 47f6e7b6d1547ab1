import Kernels
import Pictures
import Pipeline
import Platform

// Derivatives of a blurred picture: sums with derivatives of the Gaussian.

extension Gaussian {
  var isDerivative: Bool { orderY > 0 || orderX > 0 }

  /// As the input without alpha.
  func derivativeDescription(for input: ImageDescription) -> ImageDescription {
    var output = ImageDescription(
      width: input.width, height: input.height, color: input.color, extraBands: input.extraBands,
      sampleType: input.sampleType, stored: input.stored)
    output.validity = input.validity
    return output
  }

  func derivative(of input: ImageDescription) throws -> any Stencil {
    let stencil: any Stencil =
      input.sampleType == .float64
      ? DerivativeStencil<Double>(
        self, input,
        loading: DoubleLoader(
          input: input, result: .color, fullScale: doubleScale(of: input), isLinear: isLinear))
      : DerivativeStencil<Float>(
        self, input,
        loading: FloatLoader(
          input: input, result: .color, fullScale: scale(of: input), isLinear: isLinear))
    guard let coverage = try Coverage(input, .colors) else { return stencil }
    return TotalStencil(stencil, coverage, "--order of gaussian takes", remedy: "leave it out")
  }
}

/// What loads the colour of rows as numbers.
protocol ColorLoader: Sendable {
  associatedtype Number: DerivativeNumber
  var channels: Int { get }
  var fullScale: Number { get }
  func load(_ row: UnsafeRawPointer, x: Int, count: Int, into target: UnsafeMutablePointer<Number>, scratch: Scratch)
}

extension FloatLoader: ColorLoader {}
extension DoubleLoader: ColorLoader {}

/// The type of sums, and the kernels for it.
protocol DerivativeNumber: BinaryFloatingPoint, BitwiseCopyable, Sendable {
  typealias Numbers = UnsafeMutablePointer<Self>
  static func sumRows(
    _ rows: UnsafePointer<UnsafePointer<Self>>, _ weights: [Self], isOdd: Bool, into sums: Numbers, count: Int)
  static func sumRow(_ row: Numbers, _ weights: [Self], isOdd: Bool, step: Int, into sums: Numbers, count: Int)
  static func store(
    _ responses: Numbers, count: Int, scale: Self, offset: Self, as type: SampleType, to row: UnsafeMutableRawPointer)
}

extension Float: DerivativeNumber {
  static func sumRows(
    _ rows: UnsafePointer<UnsafePointer<Self>>, _ weights: [Self], isOdd: Bool, into sums: Numbers, count: Int
  ) {
    let kernels = KernelTable.current
    (isOdd ? kernels.correlate_odd_rows_f32 : kernels.correlate_rows_f32)(rows, weights, weights.count - 1, sums, count)
  }
  static func sumRow(_ row: Numbers, _ weights: [Self], isOdd: Bool, step: Int, into sums: Numbers, count: Int) {
    let kernels = KernelTable.current, radius = weights.count - 1
    (isOdd ? kernels.correlate_odd_row_f32 : kernels.correlate_row_f32)(row, weights, radius, step, sums, count)
  }
  static func store(
    _ responses: Numbers, count: Int, scale: Self, offset: Self, as type: SampleType, to row: UnsafeMutableRawPointer
  ) {
    storeRow(responses, count: count, scale: scale, offset: offset, as: type, to: row)
  }
}

extension Double: DerivativeNumber {
  static func sumRows(
    _ rows: UnsafePointer<UnsafePointer<Self>>, _ weights: [Self], isOdd: Bool, into sums: Numbers, count: Int
  ) {
    let kernels = KernelTable.current
    (isOdd ? kernels.correlate_odd_rows_f64 : kernels.correlate_rows_f64)(rows, weights, weights.count - 1, sums, count)
  }
  static func sumRow(_ row: Numbers, _ weights: [Self], isOdd: Bool, step: Int, into sums: Numbers, count: Int) {
    let kernels = KernelTable.current, radius = weights.count - 1
    (isOdd ? kernels.correlate_odd_row_f64 : kernels.correlate_row_f64)(row, weights, radius, step, sums, count)
  }
  static func store(
    _ responses: Numbers, count: Int, scale: Self, offset: Self, as type: SampleType, to row: UnsafeMutableRawPointer
  ) {
    let target: Numbers = row.samples()
    for i in 0..<count { target[i] = responses[i] * scale + offset }
  }
}

/// One derivative, in the precision in which the picture is blurred, each colour by itself.
private struct DerivativeStencil<Number: DerivativeNumber>: Stencil {
  private let input: ImageDescription
  private let outputType: SampleType
  private let outputBytesPerPixel: Int
  private let boundary: Boundaries
  private let constant: Number
  private let channels: Int
  private let y, x: (weights: [Number], isOdd: Bool)
  private let scale, offset: Number
  private let load: @Sendable (UnsafeRawPointer, Int, Int, UnsafeMutablePointer<Number>, Scratch) -> Void

  init<Loader: ColorLoader>(_ gaussian: Gaussian, _ input: ImageDescription, loading loader: Loader)
  where Loader.Number == Number {
    self.input = input
    let output = gaussian.outputDescription(for: input)
    (outputType, outputBytesPerPixel) = (output.sampleType, output.bytesPerPixel)
    boundary = gaussian.boundary
    constant = Number(gaussian.constant) * loader.fullScale
    channels = loader.channels
    func half(_ sigma: Double, _ order: Int) -> (weights: [Number], isOdd: Bool) {
      let kernel = GaussianKernel(sigma: sigma, truncate: gaussian.truncate, order: order)
      return (kernel.weights.map { Number($0) }, kernel.isOdd)
    }
    (y, x) = (half(gaussian.sigmaY, gaussian.orderY), half(gaussian.sigmaX, gaussian.orderX))
    // Responses of integer pictures lie around the middle.
    let isOffset = output.sampleType == .float64 ? output.stored != nil : !output.sampleType.isFloat
    let one = input.sampleType == .float64 ? loader.fullScale : Number(gaussian.valueOfOne(input))
    scale = (isOffset ? 0.5 : one) / loader.fullScale
    offset = isOffset ? 0.5 : 0
    load = { loader.load($0, x: $1, count: $2, into: $3, scratch: $4) }
  }

  private var radiusY: Int { y.weights.count - 1 }
  private var radiusX: Int { x.weights.count - 1 }

  var halo: Halo { Halo(y: radiusY, x: radiusX) }
  var needsWholePicture: Bool { boundary.y == .wrap && radiusY > 0 }
  var needsWholeRows: Bool { boundary.x == .wrap && radiusX > 0 }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    // Blocks that stay in the cache, but larger than their ghosts.
    let width = max(2048 / channels, 2 * radiusX, 64), height = max(64, 2 * radiusY)
    for y in stride(from: region.y, to: region.endY, by: height) {
      for x in stride(from: region.x, to: region.endX, by: width) {
        let block = Region(x: x, y: y, width: min(width, region.endX - x), height: min(height, region.endY - y))
        scratch.frame { process(block: block, from: source, to: output, scratch: scratch) }
      }
    }
  }

  private func process(block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let plane = PaddedPlane<Number>(
      region: block, halo: halo, in: input, channels: channels, boundary: boundary, constant: constant, scratch: scratch
    ) { row, column, count, target in load(source.row(row), column, count, target, scratch) }
    let count = block.width * channels
    let sums = scratch.allocate(plane.pitch, of: Number.self), responses = scratch.allocate(count, of: Number.self)
    let rows: UnsafeMutablePointer<UnsafePointer<Number>> = scratch.allocate(2 * radiusY + 1)
    for line in block.y..<block.endY {
      for k in 0...(2 * radiusY) {
        rows[k] = UnsafePointer(plane.row(line + k - radiusY, x: block.x - radiusX))
      }
      Number.sumRows(rows, y.weights, isOdd: y.isOdd, into: sums, count: plane.pitch)
      if boundary.x == .constant { fillGhosts(of: sums, block) }
      Number.sumRow(
        sums + radiusX * channels, x.weights, isOdd: x.isOdd, step: channels, into: responses, count: count)
      Number.store(
        responses, count: count, scale: scale, offset: offset, as: outputType,
        to: output.row(line) + block.x * outputBytesPerPixel)
    }
  }

  /// Beyond the picture's sides sums are the constant too, as in scipy.
  private func fillGhosts(of sums: UnsafeMutablePointer<Number>, _ block: Region) {
    let columns = (block.x - radiusX)..<(block.endX + radiusX), inside = columns.clamped(to: 0..<input.width)
    let left = (inside.lowerBound - columns.lowerBound) * channels
    let right = (columns.upperBound - inside.upperBound) * channels
    sums.update(repeating: constant, count: left)
    (sums + columns.count * channels - right).update(repeating: constant, count: right)
  }
}
