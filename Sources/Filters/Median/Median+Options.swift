import Pipeline
import Platform

extension Median {
  /// The filter `median` and its options.
  public static let definition = FilterDefinition(
    name: "median",
    abstract: "Replace each pixel by the median of its window.",
    discussion: """
      Computes what scipy.ndimage.median_filter does, channel by channel; with --rank what rank_filter does, with --percentile what \
      percentile_filter does.
      """,
    examples: [
      "imbrex median --radius 2 noisy.png -o clean.png",
      "imbrex median --shape disk --radius 5 stars.tif -o background.tif",
      "imbrex median --percentile 10 --footprint ring.png cells.tif -o ground.tif",
    ],
    options: [
      OptionDefinition(
        "radius", .integer(0...5000), valueName: "r", unit: "pixels", default: .integer(1),
        help: "Window of (2R+1)×(2R+1) pixels."),
      OptionDefinition(
        "size", .size, valueName: "hxw", unit: "pixels",
        help:
          "Window of H×W pixels instead, at most 10001x10001; of even sizes the middle is the lower right of the two."),
      OptionDefinition(
        "shape", .choice(["square", "disk", "cross", "diamond", "octagon"]), valueName: "shape",
        default: .choice("square"),
        help:
          "Shape of the window; a disk has the pixels at a distance of at most R, a diamond those at most R steps away."
      ),
      OptionDefinition(
        "footprint", .file, valueName: "file",
        help: "Window of the pixels of a picture that are not 0, its middle where that of --size is."),
      OptionDefinition(
        "rank", .integer(.min ... .max), valueName: "n",
        help: "Take the sample of this rank instead of the median: 0 the least, -1 the greatest."),
      OptionDefinition(
        "percentile", .number(-100...100), valueName: "p",
        help: "Take the sample of rank P/100 of the window's count instead of the median; -20 is 80."),
      .boundaries(default: .nearest), .cval, .linear, .float, .preserveRange,
    ]
  ) { values, open in
    var filter = try Median(
      try Shape(values, open), constant: values.constant(),
      makesFloat: values.flag("float"))
    filter.boundary = values.boundaries()
    filter.selection = try Selection(values, of: filter.shape)
    filter.isLinear = values.flag("linear")
    filter.preservesRange = values.flag("preserve-range")
    return filter
  }
}

extension Median.Shape {
  /// The window that `radius`, `size`, `shape` and `footprint` ask for.
  fileprivate init(_ values: OptionValues, _ open: PictureOpener) throws {
    let shape = values.text("shape")!
    if let path = values.text("footprint") {
      for other in ["radius", "size", "shape"] where values.isGiven(other) {
        throw ImbrexError(option: "footprint", "and \(other) exclude each other")
      }
      self = .footprint(try Footprint(reading: open(path)))
      return
    }
    if case .size(let height, let width)? = values["size"] {
      if values.isGiven("radius") { throw ImbrexError(option: "size", "and radius exclude each other") }
      guard shape == "square" else {
        throw ImbrexError(option: "size", "does not go with the shape \(shape): give its radius")
      }
      guard max(height, width) <= 10001 else {
        throw ImbrexError(option: "size", "is \(height)x\(width), but must be at most 10001x10001")
      }
      self = .rectangle(height: height, width: width)
      return
    }
    let radius = values.integer("radius")
    switch shape {
    case "disk": self = .disk(radius: radius)
    case "cross": self = .cross(radius: radius)
    case "diamond": self = .diamond(radius: radius)
    case "octagon": self = .octagon(radius: radius)
    default: self = .square(radius: radius)
    }
  }
}

extension Median.Selection {
  /// What `rank` and `percentile` ask for.
  fileprivate init(_ values: OptionValues, of shape: Median.Shape) throws {
    if case .number(let percent)? = values["percentile"] {
      if values.isGiven("rank") { throw ImbrexError(option: "percentile", "and rank exclude each other") }
      self = .percentile(percent)
    } else if case .integer(let rank)? = values["rank"] {
      let count = MedianWindow(shape).count
      guard (-count..<count).contains(rank) else {
        let window = count == 1 ? "of a window of one pixel" : "of a window of \(count) pixels"
        throw ImbrexError(option: "rank", "is \(rank), but must be between \(-count) and \(count - 1), \(window)")
      }
      self = .rank(rank)
    } else {
      self = .median
    }
  }
}
