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
  /// The response that is looked for peaks.
  public enum Method: String, CaseIterable, Sendable {
    /// Laplacian of Gaussian.
    case log
    /// Difference of Gaussians.
    case dog
    /// Determinant of Hessian.
    case doh
  }

  /// The response that is looked for peaks.
  public var method: Method
  /// The range of scales, in pixels; along x, where ``minSigmaY`` and ``maxSigmaY`` are others.
  public var minSigma: Double
  /// The end of the range; not less than ``minSigma``.
  public var maxSigma: Double
  /// The range along y; `doh` has only one.
  public var minSigmaY: Double
  /// The end of that range; not less than ``minSigmaY``.
  public var maxSigmaY: Double
  /// Whether blobs are told by a sigma and a radius of each axis.
  public var isElliptic = false
  /// Scales in the range, ends included (log, doh), linear or, with `isLogarithmic`, by equal factors.
  public var sigmaCount: Int
  /// Whether scales grow by equal factors, instead of by equal steps.
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
  public var excludedRows: Int
  /// Columns at the left and at the right without peaks.
  public var excludedColumns: Int
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
    (minSigmaY, maxSigmaY) = (self.minSigma, self.maxSigma)
    self.sigmaCount = sigmaCount
    self.isLogarithmic = isLogarithmic
    self.sigmaRatio = sigmaRatio
    self.threshold = threshold ?? [.log: 0.2, .dog: 0.5, .doh: 0.01][method]!
    self.relativeThreshold = relativeThreshold
    self.overlap = overlap
    (excludedRows, excludedColumns) = (excludedBorder, excludedBorder)
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

  /// The scales at which responses are taken, ascending; along x, where ``sigmasY`` are others.
  public var sigmas: [Double] { sigmas(from: minSigma, to: maxSigma) }
  /// The same along y, as many.
  public var sigmasY: [Double] { sigmas(from: minSigmaY, to: maxSigmaY) }

  private func sigmas(from minSigma: Double, to maxSigma: Double) -> [Double] {
    switch method {
    case .dog:
      // mean() and log() as in scikit-image: one more scale than the range needs, so that its end has a neighbour.
      func steps(_ ratio: Double) -> Double { Filters.logarithm(ratio) / Filters.logarithm(sigmaRatio) + 1 }
      let count = Int((steps(maxSigmaY / minSigmaY) + steps(self.maxSigma / self.minSigma)) / 2)
      return (0...count).map { minSigma * power(sigmaRatio, Double($0)) }
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

  /// The same of blobs that have two.
  public static let ellipticColumns = ["y", "x", "sigma_y", "sigma_x", "radius_y", "radius_x"]

  public var tableColumns: [String] { Self.columns(in: scale?.unit, isElliptic: isElliptic) }
  public func outputDescription(for input: ImageDescription) -> ImageDescription { input }

  public func stages(for input: ImageDescription) throws -> [Stage] {
    try input.checkHasLuma("blob-detect")
    if isLinear { try input.checkTransferFunction() }
    if method == .doh {
      let integral = IntegralStencil(self, input)
      let first =
        try Coverage(input, .pixels).map {
          TotalStencil(integral, $0, "the method doh takes", remedy: "use log or dog")
        } ?? integral as any Stencil
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
    let blobs = table.rows.map { row in
      var blob = blob(ofRow: row)
      (blob.y, blob.x) = (blob.y - origin.y, blob.x - origin.x)
      return blob
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
    return table.rows.map(blob(ofRow:))
  }

  private func blob(ofRow row: [Double]) -> Blob {
    let (y, x) = (Int(row[0]), Int(row[1]))
    return isElliptic
      ? Blob(y: y, x: x, sigma: row[3], radius: row[5], sigmaY: row[2], radiusY: row[4])
      : Blob(y: y, x: x, sigma: row[2], radius: row[3])
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
        let shape =
          isElliptic ? [blob.sigmaY, blob.sigma, blob.radiusY, blob.radius] : [blob.sigma, blob.radius]
        let row = [Double(blob.y), Double(blob.x)] + shape
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
    let sigma = sigmas[peak.scale], factor = method == .doh ? 1 : 2.0.squareRoot()
    guard isElliptic else { return Blob(y: peak.y, x: peak.x, sigma: sigma, radius: sigma * factor) }
    let sigmaY = sigmasY[peak.scale]
    return Blob(
      y: peak.y, x: peak.x, sigma: sigma, radius: sigma * factor, sigmaY: sigmaY, radiusY: sigmaY * factor)
  }
}

// Names that would otherwise be taken for `BlobDetector`'s own members.
func logarithm(_ x: Double) -> Double { log(x) }
func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
func arccos(_ x: Double) -> Double { acos(x) }
