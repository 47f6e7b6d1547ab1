import Pipeline
import Platform

extension Gaussian {
  /// The filter `gaussian` and its options.
  public static let definition = FilterDefinition(
    name: "gaussian",
    abstract: "Blur with a Gaussian.",
    discussion: """
      Computes what skimage.filters.gaussian does. Transparent pixels do not bleed. With --order what scipy.ndimage.gaussian_filter does \
      with one: in integers 0.5 + response / 2, in float the response.
      """,
    examples: [
      "imbrex gaussian --sigma 2 in.png -o out.png",
      "imbrex gaussian --sigma 0,5 --boundary wrap panorama.tif -o out.tif",
      "imbrex gaussian --sigma 2 --order 0,1 --float in.tif -o slope.tif",
    ],
    options: [
      OptionDefinition(
        "sigma", .axes(0...10000), valueName: "s", unit: "pixels", takesLengths: true, default: .axes(1, 1),
        help: "Standard deviation in pixels or a unit (2, 0.5um), of both axes or SY,SX; 0 leaves an axis alone."),
      OptionDefinition(
        "truncate", .number(0...100), valueName: "t", unit: "standard deviations", default: .number(4),
        help: "Kernel radius in standard deviations."),
      OptionDefinition(
        "order", .axes(0...10), valueName: "n", default: .axes(0, 0),
        help: """
          Which derivative of the Gaussian, of both axes or NY,NX: 0,1 is the slope along x, 2 a curvature. Colours each by \
          themselves; alpha is dropped.
          """),
      .boundaries(default: .nearest), .cval, .linear, .float, .preserveRange,
    ]
  ) { values, _ in
    let sigma = values.axes("sigma")
    var filter = try Gaussian(
      sigmaY: sigma.y, sigmaX: sigma.x, truncate: values.number("truncate"),
      constant: values.constant(), makesFloat: values.flag("float"))
    filter.boundary = values.boundaries()
    (filter.orderY, filter.orderX) = try values.wholeAxes("order")
    filter.isLinear = values.flag("linear")
    filter.preservesRange = values.flag("preserve-range")
    return filter
  }
}
