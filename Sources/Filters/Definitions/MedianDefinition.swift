import Pipeline
import Platform

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
      .boundary(default: .nearest), .cval, .linear, .float,
    ]
  ) { values, _ in
    var filter = try Median(
      try Shape(values), boundary: values.choice("boundary"), constant: values.constant(),
      makesFloat: values.flag("float"))
    filter.isLinear = values.flag("linear")
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
