import Pictures
public import Pipeline

import Platform

/// A filter with lengths among its options, which is made anew for each size of pixels.
struct LengthFilter: MeasuredFilter {
  private let definition: FilterDefinition
  private let values: OptionValues
  private let open: PictureOpener
  /// With other sizes: all but these is the same.
  fileprivate let assumed: any Filter

  init(_ definition: FilterDefinition, _ values: OptionValues, _ open: @escaping PictureOpener) throws {
    (self.definition, self.values, self.open) = (definition, values, open)
    var plain = values
    for option in definition.options where option.takesLengths { plain[option.name] = nil }
    assumed = try definition.make(plain, open)
  }

  func outputDescription(for input: ImageDescription) -> ImageDescription { assumed.outputDescription(for: input) }
  var makesTwoLevels: Bool { assumed.makesTwoLevels }
  var preservesRange: Bool { assumed.preservesRange }
  var keepsQuantity: Bool { assumed.keepsQuantity }

  func stages(for input: ImageDescription) throws -> [Stage] { try measured(nil).stages(for: input) }

  func measured(_ pixel: PixelSize?) throws -> any Filter {
    var plain = values
    for (option, y, x) in values.lengths {
      plain[option.name] = try option.pixels(
        y, x, pixel, definition.name, needsSquare: definition.makesTable && !BlobDetector.isElliptic(values))
    }
    let filter = try definition.make(plain, open)
    guard var detector = filter as? BlobDetector, let unit, let pixel else { return filter }
    detector.scale = BlobDetector.Scale(unit: unit, pixel: pixel)
    // The same columns for each file, whatever its pixels.
    detector.isElliptic = BlobDetector.isElliptic(values)
    return detector
  }

  fileprivate var isElliptic: Bool { BlobDetector.isElliptic(values) }
  /// The unit that was given first.
  fileprivate var unit: LengthUnit? { values.lengths.lazy.compactMap { $0.y.unit ?? $0.x.unit }.first }
}

/// The same of a filter that makes a table.
struct LengthTableFilter: MeasuredFilter, TableFilter {
  private let base: LengthFilter

  init(_ base: LengthFilter) { self.base = base }

  func outputDescription(for input: ImageDescription) -> ImageDescription { base.outputDescription(for: input) }
  func stages(for input: ImageDescription) throws -> [Stage] { try base.stages(for: input) }
  func measured(_ pixel: PixelSize?) throws -> any Filter { try base.measured(pixel) }

  var tableColumns: [String] { BlobDetector.columns(in: base.unit, isElliptic: base.isElliptic) }

  func draw(_ table: Table, on picture: Picture, origin: (y: Int, x: Int)) throws -> Picture {
    try (base.assumed as! any TableFilter).draw(table, on: picture, origin: origin)
  }
}

extension FilterDefinition {
  /// Makes the filter of values that may be lengths: it is then a ``MeasuredFilter``.
  public func makeMeasured(_ values: OptionValues, _ open: @escaping PictureOpener) throws -> any Filter {
    guard !values.lengths.isEmpty else { return try make(values, open) }
    let filter = try LengthFilter(self, values, open)
    return makesTable ? LengthTableFilter(filter) : filter
  }
}

extension OptionDefinition {
  /// Lengths as numbers of pixels.
  fileprivate func pixels(
    _ y: Length, _ x: Length, _ pixel: PixelSize?, _ filter: String, needsSquare: Bool
  ) throws -> OptionValue {
    let given = OptionValue.lengths(y, x).description
    guard let pixel else {
      throw ImbrexError(
        .input, "--\(name) is \(given), but nothing in the file says how large its pixels are: give it in pixels",
        cause: .unsupported)
    }
    func checked(_ number: Double, _ range: ClosedRange<Double>) throws -> Double {
      guard range.contains(number) else {
        let ends = "between \(shortest(range.lowerBound)) and \(shortest(range.upperBound))"
        throw ImbrexError(
          .input, "--\(name) is \(given), which is \(shortest(number)) pixels of this file, but must be \(ends)",
          cause: .unsupported)
      }
      return number
    }
    switch kind {
    case .axes(let range):
      guard needsSquare else {
        return .axes(try checked(y.pixels(pixel.y), range), try checked(x.pixels(pixel.x), range))
      }
      guard let side = pixel.side else {
        let unit = LengthUnit(suiting: max(pixel.y, pixel.x))
        let sizes = [pixel.y, pixel.x].map { shortest(($0 / unit.meters * 1e6).rounded() / 1e6) }
        throw ImbrexError(
          .input,
          "--\(name) is \(given), but pixels are \(sizes[0]) × \(sizes[1]) \(unit.rawValue), and \(filter) needs square ones: "
            + "give it in pixels, or one for each axis", cause: .unsupported)
      }
      let number = try checked(y.pixels(side), range)
      return .axes(number, number)
    case .number(let range): return .number(try checked(y.pixels(pixel.y), range))
    default: preconditionFailure("\(name) is no number")
    }
  }
}
