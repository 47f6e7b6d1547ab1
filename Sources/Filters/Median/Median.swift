public import Pictures
public import Pipeline

import Platform

/// Replaces each sample by the median of a window: the value of rank ⌊count / 2⌋, channel by channel.
///
/// Computes what `scipy.ndimage.median_filter` does (`skimage.filters.median`). 3 × 3 and 5 × 5 squares go through
/// sorting networks, small 8-bit windows are counted bit by bit, round and middling ones followed from row to row, large
/// 8-bit rectangles go through column histograms (cost independent of the window), everything else through sets of ranks
/// (cost grows with the window's height).
public struct Median: StencilFilter {
  public enum Shape: Equatable, Sendable {
    /// Offsets −(m / 2) … m − 1 − m / 2 on each axis; even sizes are allowed.
    case rectangle(height: Int, width: Int)
    /// Pixels at a distance of at most `radius`.
    case disk(radius: Int)

    public static func square(radius: Int) -> Shape { .rectangle(height: 2 * radius + 1, width: 2 * radius + 1) }
  }

  public var shape: Shape
  public var boundary: Boundary
  /// Value beyond the border under ``Boundary/constant``, in units of full scale.
  public var constant: Double
  /// Whether the result is 32-bit float in units of full scale.
  public var makesFloat: Bool
  /// Whether colour is multiplied by alpha in linear light. It makes no difference to opaque pixels: their order is the
  /// same.
  public var isLinear = false
  /// Whether floats are in the units of the input's file, instead of those of full scale.
  public var preservesRange = false

  public init(
    _ shape: Shape = .square(radius: 1), boundary: Boundary = .nearest, constant: Double = 0, makesFloat: Bool = false
  ) {
    self.shape = shape
    self.boundary = boundary
    self.constant = constant
    self.makesFloat = makesFloat
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    makesFloat || preservesRange ? floatResult(of: input) : input
  }

  public var keepsQuantity: Bool { true }

  public func stencil(for input: ImageDescription) throws -> any Stencil {
    if isLinear { try input.checkTransferFunction() }
    let window = MedianWindow(shape)
    guard window.height * window.width < 1 << 30 else {
      throw ImbrexError(.limit, "a median window of \(window.height) × \(window.width) pixels is too large")
    }
    let stencil = MedianStencil(self, input, window)
    return try Coverage(input).map { CoveredMedian(stencil, $0) } ?? stencil
  }

  public func stages(for input: ImageDescription) throws -> [Stage] {
    // Medians are samples of the picture, or nearly (of colour times alpha): floats are made of them after that.
    let medians = try stencil(for: input)
    guard makesFloat || preservesRange else {
      return [.stencil(RoundedStencil.ifNeeded(medians, input), making: input)]
    }
    let made = outputDescription(for: input)
    let conversion = ConvertingStencil(from: input, to: made, one: preservesRange ? input.valueOfOne : 1)
    return [.stencil(medians, making: input), .stencil(conversion, making: made)]
  }
}

// MARK: - Options

extension Median {
  /// The filter `median` and its options.
  public static let definition = FilterDefinition(
    name: "median",
    abstract: "Replace each pixel by the median of its window.",
    discussion: "Computes what scipy.ndimage.median_filter does, channel by channel.",
    examples: [
      "imbrex median --radius 2 noisy.png -o clean.png",
      "imbrex median --shape disk --radius 5 stars.tif -o background.tif",
    ],
    options: [
      OptionDefinition(
        "radius", .integer(0...5000), valueName: "r", unit: "pixels", default: .integer(1),
        help: "Window of (2R+1)×(2R+1) pixels."),
      OptionDefinition(
        "size", .size, valueName: "hxw", unit: "pixels",
        help: "Window of H×W pixels instead, both odd, at most 10001x10001."),
      OptionDefinition(
        "shape", .choice(["square", "disk"]), valueName: "shape", default: .choice("square"),
        help: "Shape of the window; a disk has the pixels at a distance of at most R."),
      .boundary(default: .nearest), .cval, .linear, .float, .preserveRange,
    ]
  ) { values, _ in
    var filter = try Median(
      try Shape(values), boundary: values.choice("boundary"), constant: values.constant(),
      makesFloat: values.flag("float"))
    filter.isLinear = values.flag("linear")
    filter.preservesRange = values.flag("preserve-range")
    return filter
  }
}

extension Median.Shape {
  /// The window that `radius`, `size` and `shape` ask for.
  fileprivate init(_ values: OptionValues) throws {
    let isDisk = values.text("shape") == "disk"
    guard case .size(let height, let width)? = values["size"] else {
      let radius = values.integer("radius")
      self = isDisk ? .disk(radius: radius) : .square(radius: radius)
      return
    }
    func refuse(_ allowed: String) -> ImbrexError {
      ImbrexError(option: "size", "is \(height)x\(width), but must be \(allowed)")
    }
    if values.isGiven("radius") { throw ImbrexError(option: "size", "and radius exclude each other") }
    if isDisk { throw ImbrexError(option: "size", "does not go with the shape disk: give its radius") }
    guard height % 2 == 1 && width % 2 == 1 else { throw refuse("two odd numbers") }
    guard max(height, width) <= 10001 else { throw refuse("at most 10001x10001") }
    self = .rectangle(height: height, width: width)
  }
}
