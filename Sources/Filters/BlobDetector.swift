public import Pictures
public import Pipeline
import Platform
import Kernels

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
public struct BlobDetector: Sendable {
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
    guard self.minSigma > 0 && self.maxSigma >= self.minSigma else {
      throw ImbrexError(
        .usage,
        "--min-sigma \(minSigma) and --max-sigma \(self.maxSigma): the first must be above 0 and not above the second")
    }
    guard method != .doh || minSigma >= 1.0 / 3 else {
      throw ImbrexError(.usage, "--min-sigma \(minSigma) is too small for --method doh: at least 1/3")
    }
    guard sigmaRatio > 1 else { throw ImbrexError(.usage, "--sigma-ratio \(sigmaRatio) is not above 1") }
    guard sigmaCount >= 1 else { throw ImbrexError(.usage, "--num-sigma \(sigmaCount) is not at least 1") }
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

  /// Finds the blobs of a picture.
  ///
  /// - Returns: Strongest first, ties in raster order.
  /// - Throws: What the input throws.
  public func detect(in input: FilterInput, context: RunContext) throws -> [Blob] {
    let peaks = PeakCollector()
    let description = input.description
    try check(description)
    switch method {
    case .log, .dog:
      try sweep(input, scaleSpace(description, peaks), context)
    case .doh:
      let integral = try integralImage(of: input, context: context)
      let stencil = HessianStencil(self, description, integral, peaks)
      try context.sweep(.none(description), stencil, to: .none, rowBytes: 0)
    }
    return blobs(from: peaks)
  }

  /// What `detect` holds of a picture beside its bands, in words.
  public func residence(of input: ImageDescription, maxMemory: Int) -> String {
    guard method == .doh else { return "streamed in one pass" }
    return "two passes; \(held("the integral image", byteCount: 8 * input.pixelCount, maxMemory: maxMemory))"
  }

  /// The tiles that `detect` would use.
  public func plan(for input: ImageDescription, isStreamed: Bool, tiling: TilingOptions) throws -> TilePlan {
    try check(input)
    let stencil: any Stencil =
      method == .doh ? IntegralStencil(self, input) : scaleSpace(input, PeakCollector())
    return try TilePlan(input: input, outputRowBytes: 0, stencil: stencil, options: tiling, isStreamed: isStreamed)
  }

  private func scaleSpace(_ input: ImageDescription, _ peaks: PeakCollector) -> any Stencil {
    input.sampleType.isFloat
      ? ScaleSpaceStencil<Double>(self, input, peaks) : ScaleSpaceStencil<Float>(self, input, peaks)
  }

  private func check(_ input: ImageDescription) throws {
    try input.checkHasLuma("blob-detect")
    if isLinear { try input.checkTransferFunction() }
  }

  private func sweep(_ input: FilterInput, _ stencil: any Stencil, _ context: RunContext) throws {
    switch input {
    case .stream(let source): try context.sweep(.stream(source, keepIn: nil), stencil, to: .none, rowBytes: 0)
    case .picture(let picture): try context.sweep(.picture(picture), stencil, to: .none, rowBytes: 0)
    }
  }

  private func integralImage(of input: FilterInput, context: RunContext) throws -> IntegralImage {
    let description = input.description
    let integral = try IntegralImage(
      width: description.width, height: description.height, maxMemory: context.tiling.maxMemory)
    let stencil = IntegralStencil(self, description)
    let rowBytes = description.width * 8
    switch input {
    case .stream(let source):
      try context.sweep(
        .stream(source, keepIn: nil), stencil, to: .stream(integral, stencil.output), rowBytes: rowBytes)
    case .picture(let picture):
      try context.sweep(.picture(picture), stencil, to: .stream(integral, stencil.output), rowBytes: rowBytes)
    }
    return integral
  }

  private func blobs(from collector: PeakCollector) -> [Blob] {
    let (found, range) = collector.result
    // A response that is one flat value has no peaks.
    guard range.least < range.greatest else { return [] }
    let least = max(threshold, relativeThreshold.map { $0 * range.greatest } ?? -.infinity)
    let sorted = found.filter { $0.response > least }.sorted { a, b in
      (-a.response, a.y, a.x, a.scale) < (-b.response, b.y, b.x, b.scale)
    }
    let sigmas = sigmas
    let radiusFactor = method == .doh ? 1 : 2.0.squareRoot()
    let blobs = sorted.map { peak in
      let sigma = sigmas[peak.scale]
      return Blob(y: peak.y, x: peak.x, sigma: sigma, radius: sigma * radiusFactor)
    }
    return BlobPruning.prune(blobs, overlap: overlap)
  }
}

/// Peaks of all tiles, and the range of all responses. The order of tiles does not matter.
final class PeakCollector: Sendable {
  struct Peak: Sendable {
    var y, x, scale: Int
    var response: Double
  }

  private let state = Locked((peaks: [Peak](), range: (least: Double.infinity, greatest: -Double.infinity)))

  func add(_ peaks: [Peak], range: (least: Double, greatest: Double)) {
    state.withLock {
      $0.peaks += peaks
      $0.range = (min($0.range.least, range.least), max($0.range.greatest, range.greatest))
    }
  }

  var result: (peaks: [Peak], range: (least: Double, greatest: Double)) { state.withLock { ($0.peaks, $0.range) } }
}

// Names that would otherwise be taken for `BlobDetector`'s own members.
func logarithm(_ x: Double) -> Double { log(x) }
func power(_ x: Double, _ y: Double) -> Double { pow(x, y) }
func arccos(_ x: Double) -> Double { acos(x) }
