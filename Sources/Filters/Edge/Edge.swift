public import Pictures
public import Pipeline

import Platform

/// Finds edges with Canny's detector: one 8-bit channel of 0 and 255.
///
/// Computes what `skimage.feature.canny` does, in double precision and in its order, so that ties fall alike.
/// J. Canny 1986, "A computational approach to edge detection", doi:10.1109/TPAMI.1986.4767851.
/// Cost: pixels × 2 r, where r is the radius of the smoothing; two bits a pixel are held for the whole picture.
public struct Edge: Filter {
  /// Standard deviation of the smoothing in pixels, on either axis.
  public var sigmaY: Double
  /// The same along rows.
  public var sigmaX: Double
  /// Hysteresis thresholds on the gradient's magnitude (a full unsmoothed step gives 4), or quantiles of it.
  public var low: Double
  /// From this on an edge is strong; not less than ``low``.
  public var high: Double
  /// Whether the thresholds are quantiles of the gradient's magnitude, 0 … 1; that takes three passes more.
  public var usesQuantiles: Bool
  /// What smoothing and gradient see beyond the border.
  public var boundary: Boundary
  /// Value beyond the border under ``Boundary/constant``, in units of full scale.
  public var constant: Double
  /// Whether edges are looked for in linear light: the sRGB transfer function is undone before.
  public var isLinear = false

  /// - Throws: ``ImbrexError`` for thresholds out of order, or quantiles outside [0, 1].
  public init(
    sigma: Double = 1, low: Double = 0.1, high: Double = 0.2, usesQuantiles: Bool = false,
    boundary: Boundary = .constant, constant: Double = 0
  ) throws {
    precondition(sigma >= 0)
    guard high >= low else {
      throw ImbrexError(
        option: "high", "is \(shortest(high)), but must not be less than low, which is \(shortest(low))")
    }
    if usesQuantiles && !(low >= 0 && high <= 1) {
      let (name, value) = low >= 0 ? ("high", high) : ("low", low)
      throw ImbrexError(option: name, "is \(shortest(value)), but a quantile must be between 0 and 1")
    }
    (sigmaY, sigmaX) = (sigma, sigma)
    self.low = low
    self.high = high
    self.usesQuantiles = usesQuantiles
    self.boundary = boundary
    self.constant = constant
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    var output = ImageDescription(width: input.width, height: input.height, color: .gray, sampleType: .uint8)
    // Edges are no numbers of which one stands for no data.
    output.validity.masks = input.validity.masks
    return output
  }

  public var makesTwoLevels: Bool { true }

  public func stages(for input: ImageDescription) throws -> [Stage] {
    try input.checkHasLuma("edge")
    _ = try Coverage(input)
    if isLinear { try input.checkTransferFunction() }
    let labels = outputDescription(for: input)
    let first: Stage =
      usesQuantiles
      ? .whole(QuantileThresholds(self, input))
      : .stencil(CannyStencil(self, input, low: low, high: high), making: labels)
    return [first, .whole(Hysteresis(labels))]
  }
}

// MARK: - Options

extension Edge {
  /// The filter `edge` and its options.
  public static let definition = FilterDefinition(
    name: "edge",
    abstract: "Find edges with Canny's detector.",
    discussion: """
      Computes what skimage.feature.canny does on the picture scaled to [0, 1]: 0 or 255 in one 8-bit channel. Thresholds are on a \
      scale where a full unsmoothed step gives 4.
      """,
    examples: [
      "imbrex edge photo.jpg -o edges.png",
      "imbrex edge --sigma 2 --quantiles --low 0.8 --high 0.95 cells.tif -o edges.png",
    ],
    options: [
      OptionDefinition(
        "sigma", .axes(0...10000), valueName: "s", unit: "pixels", takesLengths: true, default: .axes(1, 1),
        help:
          "Smoothing before the gradient: its standard deviation in pixels or a unit (2, 0.5um), of both axes or SY,SX."
      ),
      OptionDefinition(
        "low", .number(.anyNumber), valueName: "t", default: .number(0.1), help: "Lower hysteresis threshold."),
      OptionDefinition(
        "high", .number(.anyNumber), valueName: "t", default: .number(0.2), help: "Upper hysteresis threshold."),
      OptionDefinition("quantiles", .flag, help: "The thresholds are quantiles of the gradient's magnitude, 0 … 1."),
      .boundary(default: .constant), .cval, .linear,
    ]
  ) { values, _ in
    try checkThresholds(values)
    var filter = try Edge(
      low: values.number("low"), high: values.number("high"),
      usesQuantiles: values.flag("quantiles"), boundary: values.choice("boundary"),
      constant: values.constant())
    (filter.sigmaY, filter.sigmaX) = values.axes("sigma")
    filter.isLinear = values.flag("linear")
    return filter
  }

  private static func checkThresholds(_ values: OptionValues) throws {
    let (low, high) = (values.number("low"), values.number("high"))
    guard high >= low else {
      // The one that was given is the one to change.
      guard values.isGiven("high") else {
        throw ImbrexError(
          option: "low", "is \(shortest(low)), but must not be more than high, which is \(shortest(high))")
      }
      throw ImbrexError(
        option: "high", "is \(shortest(high)), but must not be less than low, which is \(shortest(low))")
    }
    guard values.flag("quantiles") else { return }
    for (name, value) in [("low", low), ("high", high)] where !(0...1).contains(value) {
      throw ImbrexError(option: name, "is \(shortest(value)), but must be a quantile, between 0 and 1")
    }
  }
}
