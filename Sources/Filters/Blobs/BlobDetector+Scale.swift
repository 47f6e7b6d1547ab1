public import Pictures

/// Blobs in a unit of length.
extension BlobDetector {
  /// What a pixel measures in the world, for columns in a unit beside those in pixels.
  public struct Scale: Sendable {
    /// The unit of those columns.
    public let unit: LengthUnit
    /// Of each column in pixels, units a pixel.
    private let factors, ellipticFactors: [Double]

    /// - Parameter pixel: Square, but for a thousandth.
    public init(unit: LengthUnit, pixel: PixelSize) {
      self.unit = unit
      let side = pixel.side ?? pixel.x
      factors = [pixel.y, pixel.x, side, side].map { $0 / unit.meters }
      ellipticFactors = [pixel.y, pixel.x, pixel.y, pixel.x, pixel.y, pixel.x].map { $0 / unit.meters }
    }

    /// What a row of pixels is in the unit: to 12 digits, since the last ones of a product say nothing.
    func numbers(_ row: [Double]) -> [Double] {
      zip(row, row.count == factors.count ? factors : ellipticFactors).map { ($0 * $1).rounded(digits: 12) }
    }
  }

  /// The columns in pixels, and those in a unit: `y_um`.
  static func columns(in unit: LengthUnit?, isElliptic: Bool) -> [String] {
    let columns = isElliptic ? ellipticColumns : columns
    return columns + (unit.map { unit in columns.map { "\($0)_\(unit.rawValue)" } } ?? [])
  }
}

extension Double {
  /// To so many significant digits.
  fileprivate func rounded(digits: Int) -> Double {
    guard self != 0, isFinite else { return self }
    let step = power(10, Double(digits - 1) - (logarithm(magnitude) / logarithm(10)).rounded(.down))
    return step.isFinite && step > 0 ? (self * step).rounded() / step : self
  }
}
