import Kernels
public import Pictures
public import Pipeline

import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Finds blobs: peaks, in space and scale, of a response at a range of scales.
///
/// Computes what `skimage.feature.blob_log`, `blob_dog` and `blob_doh` do. T. Lindeberg 1998, "Feature detection with
/// automatic scale selection", doi:10.1023/A:1008045108935; for `doh` the box filters of H. Bay et al. 2008, "SURF",
/// doi:10.1016/j.cviu.2007.09.014. Three scales are held at once, for a tile; `doh` holds the integral image.
/// Cost: pixels × scales × 4 r (log), × 2 r (dog), × 32 (doh), where r is a scale's radius.
public struct BlobDetector: TableFilter {
  public enum Method: String, CaseIterable, Sendable {
    /// Laplacian of Gaussian.
    case log
    /// Difference of Gaussians.
    case dog
    /// Determinant of Hessian.
    case doh
  }

  public var method: Method
  /// The range of scales, in pixels.
  public var minSigma: Double
  public var maxSigma: Double
  /// Scales in the range, ends included (log, doh), linear or, with `isLogarithmic`, by equal factors.
  public var sigmaCount: Int
  public var isLogarithmic: Bool
  /// From one scale to the next (dog).
  public var sigmaRatio: Double
  /// Least response of a peak.
  public var threshold: Double
  /// Least response as a share of the greatest one.
  public var relativeThreshold: Double?
  /// Of two blobs that overlap by more than this fraction the smaller goes.
  public var overlap: Double
  /// Rows and columns at the border without peaks.
  public var excludedBorder: Int
  /// Finds dark blobs on a light ground.
  public var findsDark: Bool
  /// Whether blobs are looked for in linear light: the sRGB transfer function is undone before.
  public var isLinear = false
  /// What is told of blobs beside pixels; nil: nothing.
  public var scale: Scale?

  /// Defaults are scikit-image's, and depend on the method.
  ///
  /// - Throws: ``ImbrexError`` for scales that make no sense.
  public init(
    method: Method = .log, minSigma: Double = 1, maxSigma: Double? = nil, sigmaCount: Int = 10,
    isLogarithmic: Bool = false, sigmaRatio: Double = 1.6, threshold: Double? = nil, relativeThreshold: Double? = nil,
    overlap: Double = 0.5, excludedBorder: Int = 0, findsDark: Bool = false
  ) throws {
    self.method = method
    self.minSigma = minSigma
    self.maxSigma = maxSigma ?? (method == .doh ? 30 : 50)
    self.sigmaCount = sigmaCount
    self.isLogarithmic = isLogarithmic
    self.sigmaRatio = sigmaRatio
    self.threshold = threshold ?? [.log: 0.2, .dog: 0.5, .doh: 0.01][method]!
    self.relativeThreshold = relativeThreshold
    self.overlap = overlap
    self.excludedBorder = excludedBorder
    self.findsDark = findsDark
    guard self.minSigma > 0 else { throw ImbrexError(option: "min-sigma", "is \(minSigma), but must be above 0") }
    guard self.maxSigma >= self.minSigma else {
      throw ImbrexError(
        option: "max-sigma",
        "is \(shortest(self.maxSigma)), but must not be below min-sigma, which is \(shortest(minSigma))")
    }
    guard method != .doh || minSigma >= 1.0 / 3 else {
      throw ImbrexError(option: "min-sigma", "is \(shortest(minSigma)), but must be at least 1/3 for the method doh")
    }
    guard sigmaRatio > 1 else { throw ImbrexError(option: "sigma-ratio", "is \(sigmaRatio), but must be above 1") }
    guard sigmaCount >= 1 else { throw ImbrexError(option: "num-sigma", "is \(sigmaCount), but must be at least 1") }
  }

  /// The scales at which responses are taken, ascending.
  public var sigmas: [Double] {
    switch method {
    case .dog:
      // mean() and log() as in scikit-image: one more scale than the range needs, so that its end has a neighbour.
      let steps = Int(Filters.logarithm(maxSigma / minSigma) / Filters.logarithm(sigmaRatio) + 1)
      return (0...steps).map { minSigma * power(sigmaRatio, Double($0)) }
    case .log, .doh:
      guard sigmaCount > 1 else { return [minSigma] }
      // blob_doh takes log(x) / log(10), which may round otherwise than log10, and its box sizes show it.
      func decades(_ x: Double) -> Double {
        method == .doh ? Filters.logarithm(x) / Filters.logarithm(10) : log10(x)
      }
      let (start, stop) = isLogarithmic ? (decades(minSigma), decades(maxSigma)) : (minSigma, maxSigma)
      let step = (stop - start) / Double(sigmaCount - 1)
      return (0..<sigmaCount).map { k in
        let value = k == sigmaCount - 1 ? stop : Double(k) * step + start
        return isLogarithmic ? power(10, value) : value
      }
    }
  }

  /// The columns of the table: row and column of the blob, its scale and its radius, in pixels.
  public static let columns = ["y", "x", "sigma", "radius"]

  public var tableColumns: [String] { Self.columns(in: scale?.unit) }
  public func outputDescription(for input: ImageDescription) -> ImageDescription { input }

  public func stages(for input: ImageDescription) throws -> [Stage] {
    try input.checkHasLuma("blob-detect")
    if isLinear { try input.checkTransferFunction() }
    if method == .doh {
      let integral = IntegralStencil(self, input)
      let first = try Coverage(input, .pixels).map { TotalStencil(integral, $0) } ?? integral as any Stencil
      return [.stencil(first, making: integral.output), .whole(HessianStage(self, input))]
    }
    return [
      .table(
        input.sampleType.isFloat
          ? try ScaleSpaceAnalysis<Double>(self, input) as any TableAnalysis
          : try ScaleSpaceAnalysis<Float>(self, input))
    ]
  }

  public func draw(_ table: Table, on picture: Picture, origin: (y: Int, x: Int)) throws -> Picture {
    let blobs = table.rows.map {
      Blob(y: Int($0[0]) - origin.y, x: Int($0[1]) - origin.x, sigma: $0[2], radius: $0[3])
    }
    return try BlobOverlay(blobs: blobs, sigmas: sigmas).draw(on: picture)
  }

  /// Finds the blobs of a picture in memory.
  ///
  /// - Returns: Strongest first, ties in raster order.
  /// - Throws: ``ImbrexError`` for a picture that has no luma.
  public func detect(in picture: Picture, context: RunContext) throws -> [Blob] {
    let plan = try Pipeline(self).plan(
      for: picture.description, tiling: context.tiling, streamsIn: false, streamsOut: false)
    let table = try plan.run(.picture(picture), to: .table, in: context)!
    return table.rows.map { Blob(y: Int($0[0]), x: Int($0[1]), sigma: $0[2], radius: $0[3]) }
  }

  /// The table of what was found.
  func table(of peaks: Peaks, in region: Region?) -> Table {
    table(of: BlobPruning.prune(strongest(of: peaks).map(blob), overlap: overlap), in: region)
  }

  func table(of blobs: [Blob], in region: Region?) -> Table {
    let found = blobs.filter { blob in
      region.map { ($0.x..<$0.endX).contains(blob.x) && ($0.y..<$0.endY).contains(blob.y) } ?? true
    }
    return Table(
      columns: tableColumns,
      rows: found.map { blob in
        let row = [Double(blob.y), Double(blob.x), blob.sigma, blob.radius]
        return row + (scale?.numbers(row) ?? [])
      })
  }

  /// The peaks that are strong enough, strongest first, ties in raster order.
  func strongest(of found: Peaks) -> [Peaks.Peak] {
    // A response that is one flat value has no peaks.
    guard found.least < found.greatest else { return [] }
    let least = max(threshold, relativeThreshold.map { $0 * found.greatest } ?? -.infinity)
    return Self.sorted(found.peaks.filter { $0.response > least })
  }

  static func sorted(_ peaks: [Peaks.Peak]) -> [Peaks.Peak] {
    peaks.sorted { a, b in (-a.response, a.y, a.x, a.scale) < (-b.response, b.y, b.x, b.scale) }
  }

  func blob(of peak: Peaks.Peak) -> Blob {
    let sigma = sigmas[peak.scale]
    return Blob(y: peak.y, x: peak.x, sigma: sigma, radius: sigma * (method == .doh ? 1 : 2.0.squareRoot()))
  }
}

// MARK: - Options

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
        "min-sigma", .number(0...1000), valueName: "s", unit: "pixels", takesLengths: true, default: .number(1),
        help: "Smallest scale, in pixels, or in a unit: 0.5um; above 0."),
      OptionDefinition(
        "max-sigma", .number(0...1000), valueName: "s", unit: "pixels", takesLengths: true, defaultText: "50, doh 30",
        help: "Largest scale, in pixels, or in a unit: 3um."),
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
        "exclude-border", .integer(0...Int.max), valueName: "n", unit: "pixels", default: .integer(0),
        help: "Drop peaks within N pixels of the border."),
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
    let method: Method = values.choice("method")
    try Self.check(values, method)
    try self.init(
      method: method, minSigma: values.number("min-sigma"), maxSigma: given("max-sigma"),
      sigmaCount: values.integer("num-sigma"), isLogarithmic: values.flag("log-scale"),
      sigmaRatio: values.number("sigma-ratio"), threshold: given("threshold"),
      relativeThreshold: given("threshold-rel"), overlap: values.number("overlap"),
      excludedBorder: values.integer("exclude-border"), findsDark: values.flag("dark"))
    isLinear = values.flag("linear")
  }

  private static func check(_ values: OptionValues, _ method: Method) throws {
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
    let least = values.number("min-sigma")
    guard least > 0 else { throw ImbrexError(option: "min-sigma", "is 0, but must be above 0") }
    guard method != .doh || least >= 1.0 / 3 else {
      throw ImbrexError(
        option: "min-sigma", "is \(shortest(least)), but must be at least 1/3 with the method doh")
    }
    var greatest = method == .doh ? 30.0 : 50
    if case .number(let value)? = values["max-sigma"] { greatest = value }
    guard greatest >= least else {
      let (small, large) = (shortest(least), shortest(greatest))
      throw values.isGiven("max-sigma")
        ? ImbrexError(option: "max-sigma", "is \(large), but must not be less than min-sigma, which is \(small)")
        : ImbrexError(option: "min-sigma", "is \(small), but must not be more than max-sigma, which is \(large)")
    }
  }
}

// Names that would otherwise be taken for `BlobDetector`'s own members.
func logarithm(_ x: Double) -> Double { log(x) }
func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
func arccos(_ x: Double) -> Double { acos(x) }
