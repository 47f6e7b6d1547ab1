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
    guard high >= low else { throw ImbrexError(.usage, "--high \(high) is less than --low \(low)") }
    if usesQuantiles && !(low >= 0 && high <= 1) {
      throw ImbrexError(.usage, "with --quantiles, --low and --high are between 0 and 1")
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

  private func check(_ input: ImageDescription) throws {
    try mask?.check(fits: input)
    try input.checkHasLuma("edge")
    if isLinear { try input.checkTransferFunction() }
  }

  public func plan(for input: ImageDescription, isStreamed: Bool, tiling: TilingOptions) throws -> TilePlan {
    try check(input)
    return try TilePlan(
      input: input, outputRowBytes: outputDescription(for: input).bytesPerRow,
      stencil: CannyStencil(self, input, task: .label(low: low, high: high)), options: tiling, isStreamed: isStreamed)
  }

  public func residence(of input: ImageDescription, maxMemory: Int) -> String {
    let bits = held("two bits a pixel", byteCount: input.pixelCount / 4, maxMemory: maxMemory)
    let holdsPicture = usesQuantiles || (boundary == .wrap && sigma > 0)
    let picture = held("the picture", byteCount: input.byteCount, maxMemory: maxMemory)
    let passes = usesQuantiles ? "six passes (four for the quantiles)" : "two passes"
    return "\(passes); \(bits)\(holdsPicture ? "; \(picture)" : "")"
  }

  public func run(_ input: FilterInput, to output: FilterOutput, in context: RunContext) throws {
    let description = input.description
    try check(description)
    let made = outputDescription(for: description)
    var input = input
    var thresholds = (low, high)
    if usesQuantiles {
      // Quantiles are of the whole picture: it is kept, and gone over more than once.
      if case .stream(let source) = input {
        let kept = try context.picture(description)
        thresholds = try MagnitudeQuantiles(edge: self, [low, high]).find(
          in: .stream(source, keepIn: kept), kept, context: context)
        input = .picture(kept)
      } else if case .picture(let picture) = input {
        thresholds = try MagnitudeQuantiles(edge: self, [low, high]).find(
          in: .picture(picture), picture, context: context)
      }
    }
    let map = try EdgeMap(
      width: description.width, height: description.height, maxMemory: context.tiling.maxMemory)
    // scikit-image compares with the low threshold as a 32-bit float, and takes 1e-14 for 0.
    let low = Double(thresholds.0 == 0 ? Float(1e-14) : Float(thresholds.0))
    let labels = CannyStencil(self, description, task: .label(low: low, high: thresholds.1))
    try context.sweep(input, labels, to: .stream(map, made), making: made)
    map.finish(on: context.pool, workers: context.tiling.isSerial ? 1 : context.tiling.jobs)
    let emission: Sweep.Output
    let stage: any Stencil
    switch output {
    case .picture(let picture):
      emission = .picture(picture)
      stage = conversion(of: EdgeMapStencil(map: map), from: made, to: picture.description)
    case .stream(let sink, let wanted):
      emission = .stream(sink, wanted)
      stage = conversion(of: EdgeMapStencil(map: map), from: made, to: wanted)
    }
    try context.sweep(.none(made), stage, to: emission, rowBytes: made.bytesPerRow)
  }

  private func conversion(
    of stencil: any Stencil, from made: ImageDescription, to wanted: ImageDescription
  ) -> any Stencil {
    made == wanted ? stencil : ConvertingStencil(base: stencil, from: made, to: wanted)
  }
}
