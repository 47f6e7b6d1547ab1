public import Pictures
public import Pipeline
import Platform

/// Finds edges with Canny's detector: one 8-bit channel of 0 and 255.
///
/// Computes what `skimage.feature.canny` does, in double precision and in its order, so that ties fall alike.
/// J. Canny 1986, "A computational approach to edge detection", doi:10.1109/TPAMI.1986.4767851.
/// Cost: pixels × 2 r, where r is the radius of the smoothing; two bits a pixel are held for the whole picture.
public struct Edge: Filter {
  /// Standard deviation of the smoothing in pixels.
  public var sigma: Double
  /// Hysteresis thresholds on the gradient's magnitude (a full unsmoothed step gives 4), or quantiles of it.
  public var low: Double
  public var high: Double
  public var usesQuantiles: Bool
  public var mask: Mask?
  public var boundary: Boundary
  /// Value beyond the border under ``Boundary/constant``, in units of full scale.
  public var constant: Double
  /// Whether edges are looked for in linear light: the sRGB transfer function is undone before.
  public var isLinear = false

  /// - Throws: ``ImbrexError`` for thresholds out of order, or quantiles outside [0, 1].
  public init(
    sigma: Double = 1, low: Double = 0.1, high: Double = 0.2, usesQuantiles: Bool = false, mask: Mask? = nil,
    boundary: Boundary = .constant, constant: Double = 0
  ) throws {
    precondition(sigma >= 0)
    guard high >= low else {
      throw ImbrexError(option: "high", "is \(shortest(high)), but must not be less than low, which is \(shortest(low))")
    }
    if usesQuantiles && !(low >= 0 && high <= 1) {
      let (name, value) = low >= 0 ? ("high", high) : ("low", low)
      throw ImbrexError(option: name, "is \(shortest(value)), but a quantile must be between 0 and 1")
    }
    self.sigma = sigma
    self.low = low
    self.high = high
    self.usesQuantiles = usesQuantiles
    self.mask = mask
    self.boundary = boundary
    self.constant = constant
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    ImageDescription(width: input.width, height: input.height, color: .gray, sampleType: .uint8)
  }

  public func stages(for input: ImageDescription) throws -> [Stage] {
    try mask?.check(fits: input)
    try input.checkHasLuma("edge")
    if isLinear { try input.checkTransferFunction() }
    let labels = outputDescription(for: input)
    let first: Stage =
      usesQuantiles
      ? .whole(QuantileThresholds(self, input))
      : .stencil(CannyStencil(self, input, low: low, high: high), making: labels)
    return [first, .whole(Hysteresis(labels))]
  }
}
