import Kernels
public import Pictures
public import Pipeline

/// Blurs a picture with a Gaussian, axis by axis.
///
/// Computes what `skimage.filters.gaussian` does. Cost: pixels × channels × (ry + rx), where ry and rx are the radii.
public struct Gaussian: StencilFilter {
  /// Standard deviation in pixels, 0 … 10000; 0 leaves that axis alone.
  public var sigmaY: Double
  /// The same along rows.
  public var sigmaX: Double
  /// Kernel radius in standard deviations: floor(truncate × sigma + 0.5) pixels.
  public var truncate: Double
  /// Which derivative of the Gaussian: 0 blurs. With one that is not, the result is one of the picture's derivatives.
  public var orderY = 0
  /// The same along rows.
  public var orderX = 0
  /// What the kernel sees beyond the border.
  public var boundary: Boundaries
  /// Value beyond the border under ``Boundary/constant``, in units of full scale.
  public var constant: Double
  /// Whether the result is float in units of full scale, unrounded: of 32 bits, or of 64 for samples of more than 24.
  public var makesFloat: Bool
  /// Whether colour is blurred in linear light: the sRGB transfer function is undone before and redone after.
  public var isLinear = false
  /// Whether floats are in the units of the input's file, instead of those of full scale.
  public var preservesRange = false

  /// - Parameters:
  ///   - sigma: Standard deviation in pixels, for both axes: 0 … 10000; a negative one traps.
  ///   - truncate: Radius in standard deviations, 0 … 100; a negative one traps.
  ///   - constant: Beyond the border under ``Boundary/constant``, in units of full scale.
  ///   - makesFloat: Unrounded floats in units of full scale, instead of the input's type.
  public init(
    sigma: Double = 1, truncate: Double = 4, boundary: Boundary = .nearest, constant: Double = 0,
    makesFloat: Bool = false
  ) {
    self.init(
      sigmaY: sigma, sigmaX: sigma, truncate: truncate, boundary: boundary, constant: constant, makesFloat: makesFloat)
  }

  /// - Parameters:
  ///   - sigmaY: Standard deviation down columns, in pixels; 0 leaves the axis alone, a negative one traps.
  ///   - sigmaX: The same along rows.
  public init(
    sigmaY: Double, sigmaX: Double, truncate: Double = 4, boundary: Boundary = .nearest, constant: Double = 0,
    makesFloat: Bool = false
  ) {
    precondition(sigmaY >= 0 && sigmaX >= 0 && truncate >= 0)
    self.sigmaY = sigmaY
    self.sigmaX = sigmaX
    self.truncate = truncate
    self.boundary = Boundaries(boundary)
    self.constant = constant
    self.makesFloat = makesFloat
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    let result = isDerivative ? derivativeDescription(for: input) : input
    return makesFloat || preservesRange ? floatResult(of: result) : result
  }

  public var keepsQuantity: Bool { !isDerivative }

  public func stencil(for input: ImageDescription) throws -> any Stencil {
    if isLinear { try input.checkTransferFunction() }
    if isDerivative { return try derivative(of: input) }
    let coverage = try Coverage(input)
    if input.sampleType == .float64 {
      let stencil = DoubleGaussianStencil(self, input)
      return coverage.map { CoveredDoubleGaussian(self, stencil, $0, making: outputDescription(for: input)) } ?? stencil
    }
    let stencil = GaussianStencil(self, input)
    return coverage.map { CoveredGaussian(self, stencil, $0, making: outputDescription(for: input)) } ?? stencil
  }
}

struct GaussianStencil: Stencil {
  private let input: ImageDescription
  private let outputType: SampleType
  let boundary: Boundaries
  let weightsY: [Float]
  let weightsX: [Float]
  private let constant: Float
  private let loader: FloatLoader
  /// What 1.0 is in the result.
  private let one: Float
  /// Makes the result where samples of 8 bits stay such, and kernels are small.
  let fixed: FixedPointGaussian?
  /// Makes the result where they are wide.
  let coarse: CoarseGaussian?

  init(_ gaussian: Gaussian, _ input: ImageDescription) {
    self.input = input
    outputType = gaussian.outputDescription(for: input).sampleType
    one = gaussian.valueOfOne(input)
    boundary = gaussian.boundary
    let down = GaussianKernel(sigma: gaussian.sigmaY, truncate: gaussian.truncate)
    let across = GaussianKernel(sigma: gaussian.sigmaX, truncate: gaussian.truncate)
    (weightsY, weightsX) = (down.floatWeights, across.floatWeights)
    // Samples keep their own scale until they are stored: integers stay whole, and sums of two are exact.
    loader = FloatLoader(
      input: input, result: .premultiplied, fullScale: gaussian.scale(of: input), isLinear: gaussian.isLinear)
    constant = Float(gaussian.constant) * loader.fullScale
    let staysBytes = outputType == .uint8 && one == 1 && loader.fullScale == 255 && !loader.isLinear
    guard staysBytes && input.alpha == .none else {
      (fixed, coarse) = (nil, nil)
      return
    }
    fixed = FixedPointGaussian(
      input, weightsY: down.weights, weightsX: across.weights, boundary: boundary, constant: constant)
    coarse =
      fixed == nil
      ? CoarseGaussian(input, gaussian, weightsY: down.weights, weightsX: across.weights, constant: constant) : nil
  }

  /// Sums the ones and zeros that say what counts, which are ones beyond the border of the boundary `constant`.
  init(of cover: ImageDescription, as gaussian: GaussianStencil) {
    input = cover
    outputType = .float32
    one = 1
    boundary = gaussian.boundary
    (weightsY, weightsX) = (gaussian.weightsY, gaussian.weightsX)
    loader = FloatLoader(input: cover, result: .samples, fullScale: 255)
    constant = 1
    (fixed, coarse) = (nil, nil)
  }

  private var radiusY: Int { weightsY.count - 1 }
  private var radiusX: Int { weightsX.count - 1 }

  var halo: Halo { coarse?.halo ?? Halo(y: radiusY, x: radiusX) }
  var needsWholePicture: Bool { boundary.y == .wrap && radiusY > 0 }
  var needsWholeRows: Bool { boundary.x == .wrap && radiusX > 0 }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    if let fixed { return fixed.process(region, from: source, to: output, scratch: scratch) }
    if let coarse {
      return scratch.frame { coarse.process(region, from: source, to: output, scratch: scratch) }
    }
    for block in blocks(of: region) {
      scratch.frame {
        blur(block, from: source, scratch: scratch) { row, y in finish(row, y: y, of: block, to: output) }
      }
    }
  }

  /// Columns at a time, so that the rows of a window stay in the cache.
  func blocks(of region: Region) -> [Region] {
    let block = max(4096 / input.channels, 2 * radiusX, 64)
    return stride(from: region.x, to: region.endX, by: block).map { x in
      Region(x: x, y: region.y, width: min(block, region.endX - x), height: region.height)
    }
  }

  /// Takes a block's row of sums, which it may change, and its number in the picture.
  typealias Emit = (_ row: UnsafeMutablePointer<Float>, _ y: Int) -> Void

  /// Sums of a block, in the samples' scale, colour times alpha, row by row.
  func blur(_ block: Region, from source: SourceRows, scratch: Scratch, _ emit: Emit) {
    // Two transposing passes, whose cost a tap is lower, where there are many taps; sums are the same.
    let isLarge = min(radiusY, radiusX) >= (input.channels == 1 ? 32 : 64) && boundary.x != .wrap
    if isLarge {
      // Rows at a time, so that what is between the passes stays in the cache.
      let height = max(64, radiusY)
      for y in stride(from: block.y, to: block.endY, by: height) {
        let part = Region(x: block.x, y: y, width: block.width, height: min(height, block.endY - y))
        scratch.frame { blurLarge(part, from: source, scratch: scratch, emit) }
      }
    } else {
      blurSmall(block, from: source, scratch: scratch, emit)
    }
  }

  private func blurSmall(_ block: Region, from source: SourceRows, scratch: Scratch, _ emit: Emit) {
    let kernels = KernelTable.current
    let channels = input.channels
    let columns = (block.x - radiusX)..<(block.endX + radiusX)
    let inside = columns.clamped(to: 0..<input.width)
    let rows = VerticalPass(
      block: block, radius: radiusY, inside: inside, boundary: boundary, constant: constant, loader: loader,
      source: source, scratch: scratch)

    let padded = scratch.allocate(columns.count * channels, of: Float.self)
    let blurred = scratch.allocate(block.width * channels, of: Float.self)
    let samples = block.width * channels
    for y in block.y..<block.endY {
      rows.correlate(y, inside, weightsY, into: padded + (inside.lowerBound - columns.lowerBound) * channels)
      extendRow(
        padded, columns: columns, channels: channels, pictureWidth: input.width, boundary: boundary.x,
        constant: constant
      ) { column, count, target in rows.correlate(y, column..<(column + count), weightsY, into: target) }
      kernels.correlate_row_f32(padded + radiusX * channels, weightsX, radiusX, channels, blurred, samples)
      emit(blurred, y)
    }
  }

  private func blurLarge(_ block: Region, from source: SourceRows, scratch: Scratch, _ emit: Emit) {
    let kernels = KernelTable.current
    let channels = input.channels
    let columns = (block.x - radiusX)..<(block.endX + radiusX)
    let inside = columns.clamped(to: 0..<input.width)
    let rows = VerticalPass(
      block: block, radius: radiusY, inside: inside, boundary: boundary, constant: constant, loader: loader,
      source: source, scratch: scratch, isConverted: true)

    // Lines of odd numbers of cache lines, so that columns do not fall on the same sets of the cache.
    func odd(_ count: Int) -> Int { ((count + 15) / 16 | 1) * 16 }
    let samples = inside.count * channels
    let pitch = odd(block.height), resultPitch = odd(block.width)
    let plane = scratch.allocate(samples * pitch, of: Float.self)
    let column = scratch.allocate((max(block.height + 2 * radiusY, columns.count) + 4) * 16, of: Float.self)
    weightsY.withUnsafeBufferPointer { weights in
      kernels.correlate_columns_f32(
        rows.floats, [weights.baseAddress!], radiusY, 1, [plane], pitch, samples, block.height, column)
    }

    let border = scratch.allocate(block.height, of: Float.self)
    border.update(repeating: constant, count: block.height)
    let lines = scratch.allocate(columns.count, of: UnsafePointer<Float>.self)
    let results = (0..<channels).map { _ in scratch.allocate(resultPitch * block.height, of: Float.self) }
    for channel in 0..<channels {
      for x in columns {
        let from = boundary.x.index(x, count: input.width)
        let line = from.map { plane + (($0 - inside.lowerBound) * channels + channel) * pitch } ?? border
        lines[x - columns.lowerBound] = UnsafePointer(line)
      }
      weightsX.withUnsafeBufferPointer { weights in
        kernels.correlate_columns_f32(
          lines, [weights.baseAddress!], radiusX, 1, [results[channel]], resultPitch, block.height, block.width, column)
      }
    }
    let row = scratch.allocate(block.width * channels, of: Float.self)
    for y in block.y..<block.endY {
      let start = (y - block.y) * resultPitch
      if channels == 1 {
        emit(results[0] + start, y)
      } else {
        for (channel, result) in results.enumerated() {
          for x in 0..<block.width { row[x * channels + channel] = result[start + x] }
        }
        emit(row, y)
      }
    }
  }

  /// Stores a row of the block.
  func finish(_ blurred: UnsafeMutablePointer<Float>, y: Int, of block: Region, to output: OutputRows) {
    let kernels = KernelTable.current
    let channels = input.channels
    if input.alpha == .straight {
      kernels.unpremultiply_f32(blurred, loader.fullScale, channels, block.width)
    }
    if loader.isLinear {
      TransferFunction.encode(
        blurred, count: block.width, colors: input.color.channels, channels: channels,
        fullScale: loader.fullScale)
    }
    let target = output.row(y) + block.x * channels * outputType.byteCount
    storeRow(
      blurred, count: block.width * channels, scale: one / loader.fullScale, as: outputType, to: target)
    if one != 1 && input.alpha != .none {
      scaleAlpha(target.samples(), by: one, channels: channels, count: block.width)
    }
  }
}

/// Sums down the columns of a block: straight from the picture's samples where that is possible, else from rows
/// converted to floats first (which gives the same bits).
private struct VerticalPass {
  private let input: ImageDescription
  private let radius: Int
  private let firstRow: Int
  private let sampleType: SampleType
  /// Picture column that the row pointers point at.
  private let origin: Int
  private let table: UnsafeMutablePointer<UnsafeRawPointer>
  private let bytesPerPixel: Int

  init(
    block: Region, radius: Int, inside: Range<Int>, boundary: Boundaries, constant: Float, loader: FloatLoader,
    source: SourceRows, scratch: Scratch, isConverted: Bool = false
  ) {
    input = loader.input
    self.radius = radius
    firstRow = block.y
    let wanted = (block.y - radius)..<(block.endY + radius)
    table = scratch.allocate(wanted.count)
    let leavesPicture = wanted.lowerBound < 0 || wanted.upperBound > input.height
    let isConverted =
      isConverted || input.alpha == .straight || (boundary.y == .constant && leavesPicture) || loader.isLinear
      || loader.fullScale != input.sampleType.fullScale || loader.raisesLeast
    guard isConverted else {
      sampleType = input.sampleType
      origin = 0
      bytesPerPixel = input.bytesPerPixel
      for y in wanted { table[y - wanted.lowerBound] = source.row(boundary.y.index(y, count: input.height)!) }
      return
    }
    // Under `wrap` any column may be asked for; otherwise only the block's own.
    let columns = boundary.x == .wrap ? 0..<input.width : inside
    sampleType = .float32
    origin = columns.lowerBound
    bytesPerPixel = input.channels * 4
    let samples = columns.count * input.channels
    var border: UnsafeMutablePointer<Float>?
    var loaded: [Int: UnsafeRawPointer] = [:]
    for y in wanted {
      let target: UnsafeRawPointer
      if let from = boundary.y.index(y, count: input.height) {
        if let known = loaded[from] {
          target = known
        } else {
          let floats = scratch.allocate(samples, of: Float.self)
          loader.load(source.row(from), x: columns.lowerBound, count: columns.count, into: floats, scratch: scratch)
          target = UnsafeRawPointer(floats)
          loaded[from] = target
        }
      } else {
        if border == nil {
          border = scratch.allocate(samples, of: Float.self)
          border!.update(repeating: constant, count: samples)
        }
        target = UnsafeRawPointer(border!)
      }
      table[y - wanted.lowerBound] = target
    }
  }

  /// All rows, if they were converted, from the first column inside the picture.
  var floats: UnsafePointer<UnsafePointer<Float>> { UnsafeRawPointer(table).samples() }

  /// Sums of row `y` for some of the picture's columns.
  func correlate(_ y: Int, _ columns: Range<Int>, _ weights: [Float], into sums: UnsafeMutablePointer<Float>) {
    let kernels = KernelTable.current
    let samples = columns.count * input.channels
    let offset = (columns.lowerBound - origin) * bytesPerPixel
    withUnsafeTemporaryAllocation(of: UnsafeRawPointer.self, capacity: 2 * radius + 1) { rows in
      for k in 0...(2 * radius) { rows.initializeElement(at: k, to: table[y - firstRow + k] + offset) }
      let rows = UnsafeRawPointer(rows.baseAddress!)
      switch sampleType {
      case .uint8: kernels.correlate_rows_u8_f32(rows.samples(), weights, radius, sums, samples)
      case .uint16: kernels.correlate_rows_u16_f32(rows.samples(), weights, radius, sums, samples)
      case .float32, .float64: kernels.correlate_rows_f32(rows.samples(), weights, radius, sums, samples)
      }
    }
  }
}
