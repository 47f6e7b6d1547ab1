/// A unit of length.
public enum LengthUnit: String, CaseIterable, Sendable {
  case nanometer = "nm"
  case micrometer = "um"
  case millimeter = "mm"
  case centimeter = "cm"
  case meter = "m"
  case kilometer = "km"
  case inch = "in"
  case foot = "ft"

  /// One of it in metres; a foot is the international one, 0.3048 m.
  public var meters: Double {
    switch self {
    case .nanometer: 1e-9
    case .micrometer: 1e-6
    case .millimeter: 1e-3
    case .centimeter: 1e-2
    case .meter: 1
    case .kilometer: 1e3
    case .inch: 0.0254
    case .foot: 0.3048
    }
  }

  /// What files and people call it.
  private static let synonyms: [String: LengthUnit] = [
    "\u{B5}m": .micrometer, "\u{3BC}m": .micrometer, "micron": .micrometer, "microns": .micrometer,
    "micrometer": .micrometer, "\\u00B5m": .micrometer, "nanometer": .nanometer, "millimeter": .millimeter,
    "centimeter": .centimeter, "meter": .meter, "inch": .inch, "inches": .inch,
  ]

  /// A unit by its symbol or a name that files use, such as `micron`; nil: unknown.
  public init?(named name: String) {
    guard let unit = LengthUnit(rawValue: name) ?? Self.synonyms[name] else { return nil }
    self = unit
  }

  /// Units as they are typed, with the letter that two keyboards have for micro.
  public static let typed: [(name: String, unit: LengthUnit)] =
    allCases.map { ($0.rawValue, $0) } + [("\u{B5}m", .micrometer), ("\u{3BC}m", .micrometer)]

  /// The unit in which a length is a number that is easy to read.
  public init(suiting meters: Double) {
    self = meters < 1e-8 ? .nanometer : meters < 1e-3 ? .micrometer : meters < 1 ? .millimeter : .meter
  }
}

/// How far apart the pixels of a picture are in the world, in metres.
public struct PixelSize: Equatable, Sendable {
  /// From one row to the next.
  public var y: Double
  /// From one column to the next.
  public var x: Double
  /// From one slice of a stack to the next, where the file says so.
  public var z: Double?

  /// - Returns: Nil for sizes that are none.
  public init?(y: Double, x: Double, z: Double? = nil) {
    guard y > 0, x > 0, y.isFinite, x.isFinite else { return nil }
    self.y = y
    self.x = x
    self.z = z.flatMap { $0 > 0 && $0.isFinite ? $0 : nil }
  }

  /// Of pixels that are square but for a thousandth; else nil.
  public var side: Double? {
    guard abs(y - x) <= 0.001 * max(y, x) else { return nil }
    return y == x ? x : (y * x).squareRoot()
  }

  /// That of the picture with its rows for columns.
  public var turned: PixelSize {
    var copy = self
    (copy.y, copy.x) = (x, y)
    return copy
  }
}
