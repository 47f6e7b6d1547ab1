import Pipeline

extension Gaussian {
  /// The filter `gaussian` and its options.
  public static let definition = FilterDefinition(
    name: "gaussian",
    abstract: "Blur with a Gaussian.",
    discussion: "Computes what skimage.filters.gaussian does. Transparent pixels do not bleed.",
    examples: [
      "imbrex gaussian --sigma 2 in.png -o out.png",
      "imbrex gaussian --sigma 0,5 --boundary wrap panorama.tif -o out.tif",
    ],
    options: [
      OptionDefinition(
        "sigma", .axes(0...10000), valueName: "s", unit: "pixels", default: .axes(1, 1),
        help: "Standard deviation in pixels, of both axes or SY,SX; 0 leaves an axis alone."),
      OptionDefinition(
        "truncate", .number(0...100), valueName: "t", unit: "standard deviations", default: .number(4),
        help: "Kernel radius in standard deviations."),
      .boundary(default: .nearest), .cval, .linear, .float,
    ]
  ) { values, _ in
    let sigma = values.axes("sigma")
    var filter = try Gaussian(
      sigmaY: sigma.y, sigmaX: sigma.x, truncate: values.number("truncate"), boundary: values.choice("boundary"),
      constant: values.constant(), makesFloat: values.flag("float"))
    filter.isLinear = values.flag("linear")
    return filter
  }
}
