public import Pictures
public import Pipeline
import Platform

/// Replaces each sample by the median of a window: the value of rank ⌊count / 2⌋, channel by channel.
///
/// Computes what `scipy.ndimage.median_filter` does (`skimage.filters.median`). 3 × 3 and 5 × 5 squares go through
/// sorting networks, small 8-bit windows are counted bit by bit, round and middling ones followed from row to row, large
/// 8-bit rectangles go through column histograms (cost independent of the window), everything else through sets of ranks
/// (cost grows with the window's height).
public struct Median: StencilFilter {
  public enum Shape: Equatable, Sendable {
    /// Offsets −(m / 2) … m − 1 − m / 2 on each axis; even sizes are allowed.
    case rectangle(height: Int, width: Int)
    /// Pixels at a distance of at most `radius`.
    case disk(radius: Int)

    public static func square(radius: Int) -> Shape { .rectangle(height: 2 * radius + 1, width: 2 * radius + 1) }
  }

  public var shape: Shape
  public var boundary: Boundary
  /// Value beyond the border under ``Boundary/constant``, in units of full scale.
  public var constant: Double
  /// Whether the result is 32-bit float in units of full scale.
  public var makesFloat: Bool
  /// Whether colour is multiplied by alpha in linear light. It makes no difference to opaque pixels: their order is the
  /// same.
  public var isLinear = false

  public init(
    _ shape: Shape = .square(radius: 1), boundary: Boundary = .nearest, constant: Double = 0, makesFloat: Bool = false
  ) {
    self.shape = shape
    self.boundary = boundary
    self.constant = constant
    self.makesFloat = makesFloat
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    makesFloat ? input.withFloatSamples : input
  }

  public func stencil(for input: ImageDescription) throws -> any Stencil {
    if isLinear { try input.checkTransferFunction() }
    let window = MedianWindow(shape)
    guard window.height * window.width < 1 << 30 else {
      throw ImbrexError(.limit, "a median window of \(window.height) × \(window.width) pixels is too large")
    }
    return MedianStencil(self, input, window)
  }

  public func stages(for input: ImageDescription) throws -> [Stage] {
    // Medians are samples of the picture, or nearly (of colour times alpha): floats are made of them after that.
    let medians = try stencil(for: input)
    guard makesFloat else { return [.stencil(RoundedStencil.ifNeeded(medians, input), making: input)] }
    let made = outputDescription(for: input)
    return [.stencil(medians, making: input), .stencil(ConvertingStencil(from: input, to: made), making: made)]
  }
}
