public import Pictures

/// A length as it was given: in a unit, or in pixels.
public struct Length: Equatable, Sendable {
  /// How many units, or pixels; not negative where it was read from text.
  public var number: Double
  /// Nil: pixels.
  public var unit: LengthUnit?

  /// - Parameter unit: Nil: `number` is in pixels already.
  public init(_ number: Double, _ unit: LengthUnit?) { (self.number, self.unit) = (number, unit) }

  /// `0.5um`, `3px`, `3`.
  public init?(_ text: String) {
    let units = LengthUnit.typed.map { ($0.name, Optional($0.unit)) } + [("px", nil), ("", nil)]
    // The longest that fits: `um` before `m`.
    for (name, unit) in units.sorted(by: { $0.0.utf8.count > $1.0.utf8.count }) where text.hasSuffix(name) {
      guard let number = decimalNumber(String(text.dropLast(name.count))), number >= 0 else { continue }
      self.init(number, unit)
      return
    }
    return nil
  }

  public var description: String { shortest(number) + (unit?.rawValue ?? "") }

  /// In pixels of a size in metres.
  public func pixels(_ size: Double) -> Double { unit.map { number * ($0.meters / size) } ?? number }
}
