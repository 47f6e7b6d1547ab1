public import Pictures
public import Pipeline

import Platform

/// Replaces each sample by the median of a window, the value of rank ⌊count / 2⌋, or by that of another rank, channel by
/// channel.
///
/// Computes what `scipy.ndimage.median_filter` (`skimage.filters.median`), `rank_filter` and `percentile_filter` do.
/// Medians of 3 × 3 and 5 × 5 squares go through sorting networks, small windows are counted bit by bit, middling 8-bit
/// ones and those of other shapes followed from row to row, large 8-bit rectangles go through column histograms (cost
/// independent of the window), everything else through sets of ranks (cost grows with the window's height).
public struct Median: StencilFilter {
  /// Which pixels around one are looked at.
  public enum Shape: Equatable, Sendable {
    /// Offsets −(m / 2) … m − 1 − m / 2 on each axis; even sizes are allowed.
    case rectangle(height: Int, width: Int)
    /// Pixels at a distance of at most `radius`.
    case disk(radius: Int)
    /// A row and a column.
    case cross(radius: Int)
    /// Pixels that are at most `radius` steps along rows and columns away.
    case diamond(radius: Int)
    /// As regular as it can be: `octagon(m, n)` of `skimage.morphology`, n = ``slantedSide(ofOctagon:)``, m + 2 n = 2 r + 1.
    case octagon(radius: Int)
    /// Any pixels of a rectangle, whose offsets are those of ``rectangle(height:width:)``.
    case footprint(Footprint)

    /// A square of 2 × `radius` + 1 pixels on each side; 0 is the pixel itself.
    public static func square(radius: Int) -> Shape { .rectangle(height: 2 * radius + 1, width: 2 * radius + 1) }

    /// Rows that the slanted sides of an octagon go over.
    public static func slantedSide(ofOctagon radius: Int) -> Int {
      Int((Double(2 * radius + 1) / (2 + 2.0.squareRoot())).rounded())
    }
  }

  /// Which pixels around one are looked at.
  public var shape: Shape
  /// Which of the window's samples, in order of their values, comes out.
  public var selection = Selection.median
  /// What the window sees beyond the border.
  public var boundary: Boundaries
  /// Value beyond the border under ``Boundary/constant``, in units of full scale.
  public var constant: Double
  /// Whether the result is 32-bit float in units of full scale.
  public var makesFloat: Bool
  /// Whether colour is multiplied by alpha in linear light. It makes no difference to opaque pixels: their order is the
  /// same.
  public var isLinear = false
  /// Whether floats are in the units of the input's file, instead of those of full scale.
  public var preservesRange = false

  /// - Parameters:
  ///   - shape: At least one pixel.
  ///   - constant: Beyond the border under ``Boundary/constant``, in units of full scale.
  ///   - makesFloat: Floats in units of full scale, instead of the input's type.
  public init(
    _ shape: Shape = .square(radius: 1), boundary: Boundary = .nearest, constant: Double = 0, makesFloat: Bool = false
  ) {
    self.shape = shape
    self.boundary = Boundaries(boundary)
    self.constant = constant
    self.makesFloat = makesFloat
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    makesFloat || preservesRange ? floatResult(of: input) : input
  }

  public var keepsQuantity: Bool { true }

  public func stencil(for input: ImageDescription) throws -> any Stencil {
    if isLinear { try input.checkTransferFunction() }
    let window = MedianWindow(shape, selection)
    guard window.height * window.width < 1 << 30 else {
      throw ImbrexError(.limit, "a median window of \(window.height) × \(window.width) pixels is too large")
    }
    let stencil = MedianStencil(self, input, window)
    return try Coverage(input).map { CoveredMedian(stencil, $0) } ?? stencil
  }

  public func stages(for input: ImageDescription) throws -> [Stage] {
    // Medians are samples of the picture, or nearly (of colour times alpha): floats are made of them after that.
    let medians = try stencil(for: input)
    guard makesFloat || preservesRange else {
      return [.stencil(RoundedStencil.ifNeeded(medians, input), making: input)]
    }
    let made = outputDescription(for: input)
    let conversion = ConvertingStencil(from: input, to: made, one: preservesRange ? input.valueOfOne : 1)
    return [.stencil(medians, making: input), .stencil(conversion, making: made)]
  }
}
