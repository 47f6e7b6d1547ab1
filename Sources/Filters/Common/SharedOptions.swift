public import Pipeline
import Pictures

import Platform

// Options that several filters have, written once.

extension OptionDefinition {
  /// What a filter sees beyond the picture's border.
  public static func boundary(default mode: Boundary) -> OptionDefinition {
    OptionDefinition(
      "boundary", .choice(Boundary.allCases.map(\.rawValue), synonyms: Boundary.synonyms), valueName: "mode",
      default: .choice(mode.rawValue), help: "What is seen beyond the picture's border.")
  }

  /// The same, on either axis.
  public static func boundaries(default mode: Boundary) -> OptionDefinition {
    OptionDefinition(
      "boundary", .axisChoice(Boundary.allCases.map(\.rawValue), synonyms: Boundary.synonyms), valueName: "mode",
      default: .choice(mode.rawValue), help: "What is seen beyond the picture's border, of both axes or Y,X.")
  }

  /// The value that ``boundary(default:)``'s `constant` stands for.
  public static let cval = OptionDefinition(
    "cval", .number(.anyNumber), valueName: "v", default: .number(0),
    help: "Value beyond the border for 'constant', in [0, 1] units.")

  /// Whether light is filtered instead of samples as they are stored.
  public static let linear = OptionDefinition(
    "linear", .flag,
    help: "Filter in linear light: the sRGB transfer function is undone before, and done again to what is light after.")

  /// Whether the result is left unrounded.
  public static let float = OptionDefinition(
    "float", .flag, help: "Write the unrounded result as 32-bit float, in [0, 1] units.")

  /// Whether the result is left in the input's units.
  public static let preserveRange = OptionDefinition(
    "preserve-range", .flag,
    help: "Write the unrounded result as 32-bit float in the input's own units: a count of 7650 stays 7650.0.")
}

extension OptionValues {
  /// The value of ``OptionDefinition/boundaries(default:)``.
  func boundaries() -> Boundaries { Boundaries(name: text("boundary")!)! }

  /// Two whole numbers, of an option of which no fraction has a meaning.
  func wholeAxes(_ name: String) throws -> (y: Int, x: Int) {
    let (y, x) = axes(name)
    guard y == y.rounded() && x == x.rounded() else {
      throw ImbrexError(option: name, "is \(OptionValue.axes(y, x).description), but must be whole numbers")
    }
    return (Int(y), Int(x))
  }

  /// The value beyond the border.
  ///
  /// - Throws: ``ImbrexError`` where it was given for a boundary that has none.
  func constant() throws -> Double {
    if isGiven("cval"), let boundary = text("boundary"), !boundary.split(separator: ",").contains("constant") {
      throw ImbrexError(option: "cval", "goes with the boundary constant only, not with \(boundary)")
    }
    return number("cval")
  }
}

extension ClosedRange<Double> {
  /// Every finite number.
  static let anyNumber = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
}
