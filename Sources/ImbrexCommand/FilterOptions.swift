import ArgumentParser
import Imbrex

/// The options of one filter, shared by its command and by its benchmark.
protocol FilterOptions: ParsableArguments {
  static var name: String { get }
  /// An imperative sentence.
  static var abstract: String { get }
  /// More for `--help`: what it computes, and examples.
  static var discussion: String { get }
  /// What the options ask for.
  ///
  /// - Throws: A usage error that names the option.
  func makeFilter() throws -> any Filter
  /// The options in effect, for reports.
  var values: [(String, JSONValue)] { get }
  var makesFloat: Bool { get }
  /// A file whose content the result depends on.
  var maskPath: String? { get }
}

extension FilterOptions {
  var maskPath: String? { nil }
}

/// Shared by all filters.
struct LightOptionGroup: ParsableArguments {
  @Flag(help: "Filter in linear light: the sRGB transfer function is undone before, and redone on what is light again.")
  var linear = false
}

struct GaussianOptions: FilterOptions {
  static let name = "gaussian"
  static let abstract = "Blur with a Gaussian."
  static let discussion = """
    Computes what skimage.filters.gaussian does. Transparent pixels do not bleed.

    EXAMPLES
      imbrex gaussian --sigma 2 in.png -o out.png
      imbrex gaussian --sigma 0,5 --boundary wrap panorama.tif -o out.tif
    """

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Standard deviation in pixels, 0 … 10000, on both axes or SY,SX; 0 leaves an axis alone.", valueName: "s"))
  var sigma = SigmaArgument(1)

  @Option(parsing: .unconditional, help: ArgumentHelp("Kernel radius in standard deviations, 0 … 100.", valueName: "t"))
  var truncate: Double = 4

  @Option(
    help: ArgumentHelp(
      "Beyond the border: reflect, mirror, nearest, wrap or constant.", valueName: "mode"))
  var boundary = BoundaryArgument(.nearest)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Value beyond the border for 'constant', in [0, 1] units.", valueName: "v"))
  var cval: Double = 0

  @OptionGroup var light: LightOptionGroup

  @Flag(name: .customLong("float"), help: "Write the unrounded result as 32-bit float.")
  var makesFloat = false

  func makeFilter() throws -> any Filter {
    try check((0...100).contains(truncate), "--truncate", truncate, "between 0 and 100")
    try check(cval.isFinite, "--cval", cval, "a number")
    var filter = Gaussian(
      sigmaY: sigma.y, sigmaX: sigma.x, truncate: truncate, boundary: boundary.boundary, constant: cval,
      makesFloat: makesFloat)
    filter.isLinear = light.linear
    return filter
  }

  var values: [(String, JSONValue)] {
    [
      ("sigma", .array([.number(sigma.y), .number(sigma.x)])), ("truncate", .number(truncate)),
      ("boundary", .string(boundary.boundary.rawValue)), ("cval", .number(cval)), ("float", .bool(makesFloat)),
      ("linear", .bool(light.linear)),
    ]
  }
}

struct SobelOptions: FilterOptions {
  static let name = "sobel"
  static let abstract = "Find edges with a gradient operator."
  static let discussion = """
    Computes what skimage.filters.sobel, scharr, prewitt, roberts and farid do. Colour is reduced to luma first. A response of 1.0 is the \
    sample type's maximum; signed directions are written as 0.5 + response / 2, and as they are in float.

    EXAMPLES
      imbrex sobel photo.jpg -o edges.png
      imbrex sobel --operator scharr --direction vertical --float in.tif -o dx.tif
    """

  @Option(help: ArgumentHelp("Operator: sobel, scharr, prewitt, roberts or farid.", valueName: "name"))
  var `operator`: Sobel.Operator = .sobel

  @Option(
    help: ArgumentHelp(
      "Response: magnitude, horizontal (answers to horizontal edges) or vertical.", valueName: "which"))
  var direction: Sobel.Direction = .magnitude

  @Option(help: ArgumentHelp("Beyond the border: reflect, mirror, nearest, wrap or constant.", valueName: "mode"))
  var boundary = BoundaryArgument(.reflect)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Value beyond the border for 'constant', in [0, 1] units.", valueName: "v"))
  var cval: Double = 0

  @Flag(help: "Filter each colour channel instead of luma.")
  var perChannel = false

  var maskPath: String? { mask }

  @Option(
    help: ArgumentHelp("Keep responses only where this picture, eroded by 3×3, is not zero.", valueName: "file"),
    completion: .file())
  var mask: String?

  @OptionGroup var light: LightOptionGroup

  @Flag(name: .customLong("float"), help: "Write the unrounded response as 32-bit float.")
  var makesFloat = false

  func makeFilter() throws -> any Filter {
    try check(cval.isFinite, "--cval", cval, "a number")
    var filter = try Sobel(
      operator: `operator`, direction: direction, boundary: boundary.boundary, constant: cval,
      isPerChannel: perChannel, mask: mask.map(readMask), makesFloat: makesFloat)
    filter.isLinear = light.linear
    return filter
  }

  var values: [(String, JSONValue)] {
    [
      ("operator", .string(`operator`.rawValue)), ("direction", .string(direction.rawValue)),
      ("boundary", .string(boundary.boundary.rawValue)), ("cval", .number(cval)), ("per_channel", .bool(perChannel)),
      ("mask", mask.map(JSONValue.string) ?? .null), ("float", .bool(makesFloat)),
      ("linear", .bool(light.linear)),
    ]
  }
}

struct MedianOptions: FilterOptions {
  static let name = "median"
  static let abstract = "Replace each pixel by the median of its window."
  static let discussion = """
    Computes what scipy.ndimage.median_filter does, channel by channel.

    EXAMPLES
      imbrex median --radius 2 noisy.png -o clean.png
      imbrex median --shape disk --radius 5 stars.tif -o background.tif
    """

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Window of (2R+1)×(2R+1) pixels, R 0 … 5000. (default: 1)", valueName: "r"))
  var radius: Int?

  @Option(parsing: .unconditional, help: ArgumentHelp("Window of H×W pixels instead, both odd.", valueName: "hxw"))
  var size: PairArgument?

  enum ShapeArgument: String, ExpressibleByArgument, CaseIterable { case square, disk }

  @Option(help: ArgumentHelp("Window: square, or disk (pixels at a distance of at most R).", valueName: "shape"))
  var shape: ShapeArgument = .square

  @Option(help: ArgumentHelp("Beyond the border: reflect, mirror, nearest, wrap or constant.", valueName: "mode"))
  var boundary = BoundaryArgument(.nearest)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Value beyond the border for 'constant', in [0, 1] units.", valueName: "v"))
  var cval: Double = 0

  @OptionGroup var light: LightOptionGroup

  @Flag(name: .customLong("float"), help: "Write the result as 32-bit float in [0, 1] units.")
  var makesFloat = false

  func makeFilter() throws -> any Filter {
    try check(cval.isFinite, "--cval", cval, "a number")
    let radius = radius ?? 1
    try check((0...5000).contains(radius), "--radius", radius, "between 0 and 5000")
    if let size {
      guard self.radius == nil else { throw ImbrexError(.usage, "--radius and --size exclude each other") }
      guard shape == .square else { throw ImbrexError(.usage, "--shape disk takes --radius, not --size") }
      let text = "\(size.first)x\(size.second)"
      try check(size.first % 2 == 1 && size.second % 2 == 1, "--size", text, "two odd numbers")
      try check(max(size.first, size.second) <= 10001, "--size", text, "at most 10001x10001")
    }
    let window: Median.Shape =
      if let size {
        .rectangle(height: size.first, width: size.second)
      } else {
        shape == .disk ? .disk(radius: radius) : .square(radius: radius)
      }
    var filter = Median(window, boundary: boundary.boundary, constant: cval, makesFloat: makesFloat)
    filter.isLinear = light.linear
    return filter
  }

  var values: [(String, JSONValue)] {
    [
      ("radius", size == nil ? .number(Double(radius ?? 1)) : .null),
      ("size", size.map { .string("\($0.first)x\($0.second)") } ?? .null), ("shape", .string(shape.rawValue)),
      ("boundary", .string(boundary.boundary.rawValue)), ("cval", .number(cval)), ("float", .bool(makesFloat)),
      ("linear", .bool(light.linear)),
    ]
  }
}

struct EdgeOptions: FilterOptions {
  static let name = "edge"
  static let abstract = "Find edges with Canny's detector."
  static let discussion = """
    Computes what skimage.feature.canny does on the picture scaled to [0, 1]: 0 or 255 in one 8-bit channel. Thresholds are on a \
    scale where a full unsmoothed step gives 4.

    EXAMPLES
      imbrex edge photo.jpg -o edges.png
      imbrex edge --sigma 2 --quantiles --low 0.8 --high 0.95 cells.tif -o edges.png
    """

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Smoothing before the gradient: standard deviation in pixels, 0 … 10000.", valueName: "s"))
  var sigma: Double = 1

  @Option(parsing: .unconditional, help: ArgumentHelp("Lower hysteresis threshold. (default: 0.1)", valueName: "t"))
  var low: Double?

  @Option(parsing: .unconditional, help: ArgumentHelp("Upper hysteresis threshold. (default: 0.2)", valueName: "t"))
  var high: Double?

  @Flag(help: "Thresholds are quantiles of the gradient magnitude.")
  var quantiles = false

  var maskPath: String? { mask }

  @Option(help: ArgumentHelp("Find edges only where this picture is not zero.", valueName: "file"), completion: .file())
  var mask: String?

  @Option(help: ArgumentHelp("Beyond the border: reflect, mirror, nearest, wrap or constant.", valueName: "mode"))
  var boundary = BoundaryArgument(.constant)

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Value beyond the border for 'constant', in [0, 1] units.", valueName: "v"))
  var cval: Double = 0

  @OptionGroup var light: LightOptionGroup

  var makesFloat: Bool { false }

  func makeFilter() throws -> any Filter {
    try check(cval.isFinite, "--cval", cval, "a number")
    try check((0...10000).contains(sigma), "--sigma", sigma, "between 0 and 10000")
    var filter = try Edge(
      sigma: sigma, low: low ?? 0.1, high: high ?? 0.2, usesQuantiles: quantiles, mask: mask.map(readMask),
      boundary: boundary.boundary, constant: cval)
    filter.isLinear = light.linear
    return filter
  }

  var values: [(String, JSONValue)] {
    [
      ("sigma", .number(sigma)), ("low", .number(low ?? 0.1)), ("high", .number(high ?? 0.2)),
      ("quantiles", .bool(quantiles)), ("mask", mask.map(JSONValue.string) ?? .null),
      ("boundary", .string(boundary.boundary.rawValue)), ("cval", .number(cval)), ("linear", .bool(light.linear)),
    ]
  }
}

/// Reads a mask; its errors name its file.
func readMask(_ path: String) throws -> Mask {
  do {
    return try Mask(reading: ImageReader(path: path))
  } catch let error as ImbrexError {
    throw ImbrexError(error.code, "\(path): \(error.message)")
  }
}
