import Kernels
public import Pictures
public import Pipeline

import Platform

/// Finds edges with a first-derivative operator.
///
/// Computes what `skimage.filters.sobel` and its family do: responses are normalised so that a full step gives 1.
/// Cost: a few operations a pixel.
public struct Gradient: StencilFilter {
  /// The weights: 3 × 3, of `roberts` 2 × 2, of `farid` 5 × 5.
  public enum Operator: String, CaseIterable, Sendable {
    case sobel, scharr, prewitt, roberts, farid

    /// Symmetric weights across the derivative, from the centre.
    var smoothing: [Double] {
      switch self {
      case .sobel: [0.5, 0.25]
      case .scharr: [0.625, 0.1875]
      case .prewitt: [1.0 / 3, 1.0 / 3]
      // Farid and Simoncelli 2004, "Differentiation of discrete multidimensional signals", doi:10.1109/TIP.2004.823819.
      case .farid: [0.426374573253687, 0.249153396177344, 0.0376593171958126]
      case .roberts: []
      }
    }

    /// Antisymmetric, from the centre.
    static let faridDerivative = [0, 0.276690988455557, 0.109603762960254]
  }

  /// Which derivative comes out.
  public enum Direction: String, CaseIterable, Sendable {
    /// √(h² + v²) / √2
    case magnitude
    /// Answers to horizontal edges: below minus above.
    case horizontal
    /// Answers to vertical edges: right minus left.
    case vertical
    /// Of Roberts' cross: lower right minus upper left.
    case positiveDiagonal = "positive-diagonal"
    /// Of Roberts' cross: lower left minus upper right.
    case negativeDiagonal = "negative-diagonal"

    /// Those that an operator has.
    static func all(of operator: Operator) -> [Direction] {
      `operator` == .roberts
        ? [.magnitude, .positiveDiagonal, .negativeDiagonal] : [.magnitude, .horizontal, .vertical]
    }
  }

  /// The weights of the differences.
  public var `operator`: Operator
  /// Which derivative comes out; of `roberts`, only the magnitude.
  public var direction: Direction
  /// What the weights see beyond the border.
  public var boundary: Boundaries
  /// Value beyond the border under ``Boundary/constant``, in units of full scale.
  public var constant: Double
  /// Filters each colour channel by itself instead of luma.
  public var isPerChannel: Bool
  /// Whether the result is float, of 32 bits or of 64 for samples of more than 24: the response itself, signed for the directions.
  public var makesFloat: Bool
  /// Whether the gradient is that of linear light: the sRGB transfer function is undone before.
  public var isLinear = false
  /// Whether floats are in the units of the input's file, instead of those of full scale.
  public var preservesRange = false

  /// - Throws: ``ImbrexError`` for a direction that the operator does not have: differences of `roberts` are diagonal.
  public init(
    operator: Operator = .sobel, direction: Direction = .magnitude, boundary: Boundary = .reflect,
    constant: Double = 0, isPerChannel: Bool = false, makesFloat: Bool = false
  ) throws {
    let directions = Direction.all(of: `operator`)
    guard directions.contains(direction) else {
      let allowed = directions.map(\.rawValue),
        reason = `operator` == .roberts ? ", whose differences are diagonal" : ""
      throw ImbrexError(
        option: "direction",
        "is \(direction.rawValue), but must be \(allowed[0]), \(allowed[1]) or \(allowed[2]) with the operator "
          + `operator`.rawValue + reason)
    }
    self.operator = `operator`
    self.direction = direction
    self.boundary = Boundaries(boundary)
    self.constant = constant
    self.isPerChannel = isPerChannel
    self.makesFloat = makesFloat
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    var output = ImageDescription(
      width: input.width, height: input.height, color: isPerChannel ? input.color : .gray,
      extraBands: isPerChannel ? input.extraBands : 0, sampleType: input.sampleType, stored: input.stored)
    output.validity = input.validity
    return makesFloat || preservesRange ? floatResult(of: output) : output
  }

  public func stencil(for input: ImageDescription) throws -> any Stencil {
    if !isPerChannel { try input.checkHasLuma("sobel", remedy: .init("per-channel")) }
    if isLinear { try input.checkTransferFunction() }
    let stencil = GradientStencil(self, input)
    let usual: any Stencil =
      input.sampleType == .float64 ? DoubleGradientStencil(self, input, halo: stencil.halo) : stencil
    guard let coverage = try Coverage(input, isPerChannel ? .colors : .pixels) else { return usual }
    return FootprintStencil(
      usual, coverage, boundary, nothing: stencil.nothing, making: outputDescription(for: input))
  }
}

// MARK: - Options

extension Gradient {
  /// The filter `sobel` and its options.
  public static let definition = FilterDefinition(
    name: "sobel",
    abstract: "Find edges with a gradient operator.",
    discussion: """
      Computes what skimage.filters.sobel, scharr, prewitt, roberts and farid do. Colour is reduced to luma first. A response of 1.0 \
      is the sample type's maximum; signed directions are written as 0.5 + response / 2, and in float as they are.
      """,
    examples: [
      "imbrex sobel photo.jpg -o edges.png",
      "imbrex sobel --operator scharr --direction vertical --float in.tif -o dx.tif",
    ],
    options: [
      OptionDefinition(
        "operator", .choice(Operator.allCases.map(\.rawValue)), valueName: "name",
        default: .choice(Operator.sobel.rawValue), help: "Gradient operator."),
      OptionDefinition(
        "direction", .choice(Direction.allCases.map(\.rawValue)), valueName: "which",
        default: .choice(Direction.magnitude.rawValue),
        help: """
          Which response: the gradient's magnitude, or what answers to horizontal or to vertical edges, signed; of roberts \
          its two diagonal differences.
          """),
      .boundaries(default: .reflect), .cval,
      OptionDefinition("per-channel", .flag, help: "Filter each colour channel instead of luma."),
      .linear, .float, .preserveRange,
    ]
  ) { values, _ in
    var filter = try Gradient(
      operator: values.choice("operator"), direction: values.choice("direction"),
      constant: values.constant(), isPerChannel: values.flag("per-channel"),
      makesFloat: values.flag("float"))
    filter.boundary = values.boundaries()
    filter.isLinear = values.flag("linear")
    filter.preservesRange = values.flag("preserve-range")
    return filter
  }
}

struct GradientStencil: Stencil {
  private let filter: Gradient
  private let input: ImageDescription
  private let output: ImageDescription
  private let loader: FloatLoader

  init(_ filter: Gradient, _ input: ImageDescription) {
    self.filter = filter
    self.input = input
    output = filter.outputDescription(for: input)
    // Samples keep their own scale, so that whole numbers stay whole and halves are rounded alike.
    loader = FloatLoader(
      input: input, result: filter.isPerChannel ? .color : .luma,
      fullScale: filter.scale(of: input), isLinear: filter.isLinear)
  }

  var halo: Halo {
    switch filter.operator {
    case .sobel, .scharr, .prewitt: Halo(y: 1, x: 1)
    case .roberts: Halo(top: 0, bottom: 1, left: 0, right: 1)
    case .farid: Halo(y: 2, x: 2)
    }
  }

  var needsWholePicture: Bool { filter.boundary.y == .wrap }
  var needsWholeRows: Bool { filter.boundary.x == .wrap }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    guard takesWholeNumbers else { return processBlocks(region, from: source, to: output, scratch: scratch) }
    // The picture's first and last column have neighbours that the rows do not hold; whatever the tile, it is those.
    let start = max(region.x, 1), end = min(region.endX, input.width - 1)
    for (x, width) in [
      (region.x, max(start, region.x) - region.x), (max(end, region.x), region.endX - max(end, region.x)),
    ]
    where width > 0 {
      let edge = Region(x: x, y: region.y, width: width, height: region.height)
      processBlocks(edge, from: source, to: output, scratch: scratch)
    }
    guard end > start else { return }
    let channels = input.channels
    let constant = (filter.constant * 255).rounded(.toNearestOrAwayFromZero)
    let border = scratch.allocate((region.width + 2) * channels, of: UInt8.self)
    border.update(repeating: UInt8(min(max(constant, 0), 255)), count: (region.width + 2) * channels)
    withUnsafeTemporaryAllocation(of: UnsafePointer<UInt8>.self, capacity: 3) { rows in
      for y in region.y..<region.endY {
        for k in 0..<3 {
          let from = filter.boundary.y.index(y - 1 + k, count: input.height)
          rows[k] = from.map { source.row($0).samples() + start * channels } ?? UnsafePointer(border) + channels
        }
        let target: UnsafeMutablePointer<UInt8> = output.row(y).samples()
        KernelTable.current.sobel_u8(
          UnsafePointer(rows.baseAddress!), channels, target + start * channels, (end - start) * channels)
      }
    }
  }

  /// Whether whole numbers do: 8-bit samples, as they are, in and out.
  private var takesWholeNumbers: Bool {
    let isWhole = (filter.constant * 255).rounded() == filter.constant * 255 && (0...1).contains(filter.constant)
    return filter.operator == .sobel && filter.direction == .magnitude && !filter.isLinear
      && input.sampleType == .uint8 && output.sampleType == .uint8 && input.channels == output.channels
      && input.color == output.color && (filter.boundary.y != .constant && filter.boundary.x != .constant || isWhole)
  }

  private func processBlocks(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let block = max(4096 / loader.channels, 64)
    var x = region.x
    while x < region.endX {
      let part = Region(x: x, y: region.y, width: min(block, region.endX - x), height: region.height)
      scratch.frame { processBlock(part, from: source, to: output, scratch: scratch) }
      x += part.width
    }
  }

  private func processBlock(_ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let channels = loader.channels
    let plane = PaddedPlane<Float>(
      region: block, halo: halo, in: input, channels: channels, boundary: filter.boundary,
      constant: Float(filter.constant) * loader.fullScale, scratch: scratch
    ) { row, column, count, target in
      loader.load(source.row(row), x: column, count: count, into: target, scratch: scratch)
    }
    let samples = block.width * channels
    let horizontal = scratch.allocate(samples, of: Float.self)
    let vertical = scratch.allocate(samples, of: Float.self)
    for y in block.y..<block.endY {
      differentiate(plane, y: y, x: block.x, horizontal: horizontal, vertical: vertical, count: samples)
      let response: UnsafeMutablePointer<Float>
      switch filter.direction {
      case .magnitude:
        response = horizontal
        KernelTable.current.magnitude_f32(horizontal, vertical, Float(0.5).squareRoot(), response, samples)
      case .horizontal, .positiveDiagonal: response = horizontal
      case .vertical, .negativeDiagonal: response = vertical
      }
      // Signed responses of integer pictures lie around the middle.
      let isSigned = filter.direction != .magnitude && !self.output.sampleType.isFloat
      storeRow(
        response, count: samples,
        scale: (isSigned ? 0.5 : filter.valueOfOne(input)) / loader.fullScale, offset: isSigned ? 0.5 : 0,
        as: self.output.sampleType,
        to: output.row(y) + block.x * self.output.bytesPerPixel)
    }
  }

  /// Signed responses of integer pictures lie around the middle.
  private var isSigned: Bool { filter.direction != .magnitude && output.sampleType != .float32 }

  /// What no response is, in [0, 1].
  var nothing: Float { isSigned ? 0.5 : 0 }

  private func differentiate(
    _ plane: PaddedPlane<Float>, y: Int, x: Int, horizontal: UnsafeMutablePointer<Float>,
    vertical: UnsafeMutablePointer<Float>, count: Int
  ) {
    let kernels = KernelTable.current
    let channels = loader.channels
    func withRows(_ range: ClosedRange<Int>, _ body: (UnsafePointer<UnsafePointer<Float>>) -> Void) {
      let rows = range.map { UnsafePointer(plane.row(y + $0, x: x)) }
      rows.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
    switch filter.operator {
    case .sobel, .scharr, .prewitt:
      let smooth = filter.operator.smoothing.map(Float.init)
      withRows(-1...1) { kernels.gradient3_f32($0, smooth, channels, horizontal, vertical, count) }
    case .farid:
      let smooth = filter.operator.smoothing.map(Float.init)
      let derivative = Gradient.Operator.faridDerivative.map(Float.init)
      withRows(-2...2) { kernels.gradient5_f32($0, smooth, derivative, channels, horizontal, vertical, count) }
    case .roberts:
      withRows(0...1) { kernels.roberts_f32($0, channels, horizontal, vertical, count) }
    }
  }
}
