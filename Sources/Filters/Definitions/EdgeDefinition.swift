import Pipeline
import Platform

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
        "sigma", .number(0...10000), valueName: "s", unit: "pixels", default: .number(1),
        help: "Smoothing before the gradient: its standard deviation in pixels."),
      OptionDefinition(
        "low", .number(.anyNumber), valueName: "t", default: .number(0.1), help: "Lower hysteresis threshold."),
      OptionDefinition(
        "high", .number(.anyNumber), valueName: "t", default: .number(0.2), help: "Upper hysteresis threshold."),
      OptionDefinition("quantiles", .flag, help: "The thresholds are quantiles of the gradient's magnitude, 0 … 1."),
      .mask(help: "Find edges only where this picture is not zero."),
      .boundary(default: .constant), .cval, .linear,
    ]
  ) { values, open in
    try checkThresholds(values)
    var filter = try Edge(
      sigma: values.number("sigma"), low: values.number("low"), high: values.number("high"),
      usesQuantiles: values.flag("quantiles"), mask: values.mask(open), boundary: values.choice("boundary"),
      constant: values.constant())
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
