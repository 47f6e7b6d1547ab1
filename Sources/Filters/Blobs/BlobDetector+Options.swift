public import Pipeline
import Platform

extension BlobDetector {
  /// The filter `blob-detect` and its options.
  public static let definition = FilterDefinition(
    name: "blob-detect",
    abstract: "Find blobs and list them.",
    discussion: """
      Computes what skimage.feature.blob_log, blob_dog and blob_doh do. One row a blob, strongest first: y, x, sigma and radius in \
      pixels.
      """,
    examples: [
      "imbrex blob-detect --min-sigma 3 --max-sigma 20 cells.tif > cells.csv",
      "imbrex blob-detect --method doh --dark pores.png -o pores.json --overlay pores-marked.png",
    ],
    options: [
      OptionDefinition(
        "method", .choice(Method.allCases.map(\.rawValue)), valueName: "method", default: .choice(Method.log.rawValue),
        help: "Laplacian of Gaussian (log), difference of Gaussians (dog) or determinant of Hessian (doh)."),
      OptionDefinition(
        "min-sigma", .axes(0...1000), valueName: "s", unit: "pixels", takesLengths: true, default: .axes(1, 1),
        help: "Smallest scale, in pixels, or in a unit: 0.5um; above 0. SY,SX: of ellipses (log, dog)."),
      OptionDefinition(
        "max-sigma", .axes(0...1000), valueName: "s", unit: "pixels", takesLengths: true, defaultText: "50, doh 30",
        help: "Largest scale, in pixels, or in a unit: 3um; or SY,SX."),
      OptionDefinition(
        "num-sigma", .integer(1...1000), valueName: "n", default: .integer(10),
        help: "Number of scales in the range (log, doh)."),
      OptionDefinition(
        "log-scale", .flag, help: "Scales grow by equal factors instead of equal steps (log, doh)."),
      OptionDefinition(
        "sigma-ratio", .number(1.001...1000), valueName: "k", default: .number(1.6),
        help: "From one scale to the next (dog)."),
      OptionDefinition(
        "threshold", .number(.anyNumber), valueName: "t", defaultText: "log 0.2, dog 0.5, doh 0.01",
        help: "Least response of a blob."),
      OptionDefinition(
        "threshold-rel", .number(0...1), valueName: "t", help: "Least response as a share of the greatest."),
      OptionDefinition(
        "overlap", .number(0...1), valueName: "f", default: .number(0.5),
        help: "Of two blobs that overlap by more than this share the smaller goes."),
      OptionDefinition(
        "exclude-border", .axes(0...1e9), valueName: "n", unit: "pixels", default: .axes(0, 0),
        help: "Drop peaks within N pixels of the border, or within NY rows and NX columns: NY,NX."),
      OptionDefinition("dark", .flag, help: "Find dark blobs on a light ground."),
      .linear,
    ],
    makesTable: true
  ) { values, _ in try BlobDetector(values) }

  /// A detector as the options of ``definition`` ask for it.
  ///
  /// - Throws: ``ImbrexError`` for values that do not go together, naming the option.
  public init(_ values: OptionValues) throws {
    func given(_ name: String) -> Double? { if case .number(let value)? = values[name] { value } else { nil } }
    func axes(_ name: String) -> (y: Double, x: Double)? {
      if case .axes(let y, let x)? = values[name] { (y, x) } else { nil }
    }
    let least = values.axes("min-sigma"), greatest = axes("max-sigma"), border = try values.wholeAxes("exclude-border")
    let method: Method = values.choice("method")
    try Self.check(values, method)
    try self.init(
      method: method, minSigma: least.x, maxSigma: greatest?.x,
      sigmaCount: values.integer("num-sigma"), isLogarithmic: values.flag("log-scale"),
      sigmaRatio: values.number("sigma-ratio"), threshold: given("threshold"),
      relativeThreshold: given("threshold-rel"), overlap: values.number("overlap"),
      findsDark: values.flag("dark"))
    (excludedRows, excludedColumns) = border
    minSigmaY = least.y
    if let greatest { maxSigmaY = greatest.y }
    isElliptic = Self.isElliptic(values)
    isLinear = values.flag("linear")
  }

  /// Whether a scale is one along y and another along x, in whatever units.
  static func isElliptic(_ values: OptionValues) -> Bool {
    ["min-sigma", "max-sigma"].contains { name in
      switch values[name] {
      case .axes(let y, let x)?: y != x
      case .lengths(let y, let x)?: y != x
      default: false
      }
    }
  }

  private static func check(_ values: OptionValues, _ method: Method) throws {
    if method == .doh && isElliptic(values) {
      throw ImbrexError(option: "min-sigma", "and max-sigma must be the same on both axes with the method doh")
    }
    if method == .dog {
      if values.isGiven("num-sigma") {
        throw ImbrexError(option: "num-sigma", "does not go with the method dog, which has a sigma-ratio instead")
      }
      if values.flag("log-scale") {
        throw ImbrexError(option: "log-scale", "does not go with the method dog, whose scales are logarithmic anyway")
      }
    } else if values.isGiven("sigma-ratio") {
      throw ImbrexError(option: "sigma-ratio", "goes with the method dog only, not with \(method.rawValue)")
    }
    let least = values.axes("min-sigma")
    guard min(least.y, least.x) > 0 else { throw ImbrexError(option: "min-sigma", "is 0, but must be above 0") }
    guard method != .doh || least.x >= 1.0 / 3 else {
      throw ImbrexError(
        option: "min-sigma", "is \(shortest(least.x)), but must be at least 1/3 with the method doh")
    }
    var greatest = method == .doh ? (y: 30.0, x: 30.0) : (y: 50.0, x: 50.0)
    if case .axes(let y, let x)? = values["max-sigma"] { greatest = (y, x) }
    guard greatest.y >= least.y && greatest.x >= least.x else {
      func text(_ axes: (y: Double, x: Double)) -> String { OptionValue.axes(axes.y, axes.x).description }
      let (small, large) = (text(least), text(greatest))
      throw values.isGiven("max-sigma")
        ? ImbrexError(option: "max-sigma", "is \(large), but must not be less than min-sigma, which is \(small)")
        : ImbrexError(option: "min-sigma", "is \(small), but must not be more than max-sigma, which is \(large)")
    }
  }
}
