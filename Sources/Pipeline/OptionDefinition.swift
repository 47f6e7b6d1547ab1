import Platform

/// An option as data: all that parsing, help, the manual, completions, benchmarks, records of what is done and tests need to
/// know of it. Each filter has a list of them (``FilterDefinition/options``); nothing else about an option is written down
/// elsewhere.
public struct OptionDefinition: Sendable {
  /// What a value may be.
  public enum Kind: Sendable {
    /// Given or not; it takes no value.
    case flag
    /// Given or not, and where it is given perhaps with a value: `--in-place`, `--in-place=.bak`.
    case optionalText(allowed: String, isValid: @Sendable (String) -> Bool)
    case integer(ClosedRange<Int>)
    /// A finite number.
    case number(ClosedRange<Double>)
    /// One number for both axes, or `Y,X`.
    case axes(ClosedRange<Double>)
    /// One of some words. `synonyms` are taken for the word that they stand for, and not shown.
    case choice([String], synonyms: [String: String] = [:])
    /// A word for both axes, or `Y,X`.
    case axisChoice([String], synonyms: [String: String] = [:])
    /// Two whole numbers above 0 as `HxW`.
    case size
    /// A path.
    case file
    /// A path, perhaps with a colon and the name of something in the file behind it.
    case library
    /// Anything that `isValid` takes; `allowed` says what that is: "a size such as 512M or 2G".
    case text(allowed: String, isValid: @Sendable (String) -> Bool)
  }

  /// The long name, without dashes. Names of one meaning are the same in all lists.
  public let name: String
  /// A short name for it, such as `o`.
  public let short: Character?
  /// What a value may be.
  public let kind: Kind
  /// What stands for the value in help: `s`, `file`; empty for flags.
  public let valueName: String
  /// Whether it may be a length in a unit too, where a file says how large its pixels are: `0.5um`. Of numbers and axes.
  public let takesLengths: Bool
  /// What the number counts, such as `pixels`; nil where it has no unit.
  public let unit: String?
  /// The value where none is given; nil where the option is then not there at all.
  public let defaultValue: OptionValue?
  /// The default in words, where it is not one value: "50, doh 30".
  public let defaultText: String?
  /// Values worth offering where any text of a kind may stand.
  public let suggestions: [String]
  /// One or two sentences.
  public let help: String
  /// May be given several times; the values are gathered.
  public let isRepeatable: Bool
  /// Whether outputs depend on it. What does not (workers, progress) is left out of the record of what is done.
  public let changesResult: Bool

  /// An option; a flag's default is always that it is not given. Names, ranges and defaults are held to by the tests
  /// that walk the lists.
  public init(
    _ name: String, short: Character? = nil, _ kind: Kind, valueName: String = "", unit: String? = nil,
    takesLengths: Bool = false,
    default defaultValue: OptionValue? = nil, defaultText: String? = nil, suggestions: [String] = [],
    isRepeatable: Bool = false, changesResult: Bool = true, help: String
  ) {
    self.name = name
    self.short = short
    self.kind = kind
    self.valueName = valueName
    self.unit = unit
    self.takesLengths = takesLengths
    if case .flag = kind { self.defaultValue = .flag(false) } else { self.defaultValue = defaultValue }
    self.defaultText = defaultText
    self.suggestions = suggestions
    self.help = help
    self.isRepeatable = isRepeatable
    self.changesResult = changesResult
  }

  /// What a value may be, in words: "a number between 0 and 100".
  public var allowed: String {
    func between(_ low: String, _ high: String, _ isBounded: Bool) -> String {
      isBounded ? " between \(low) and \(high)" : ""
    }
    switch kind {
    case .flag: return "given without a value"
    case .integer(let range):
      if range == .min ... .max { return "a whole number" }
      if range.upperBound == .max {
        return "a whole number, " + (suggestions.first.map { "such as \($0)" } ?? "at least \(range.lowerBound)")
      }
      return "a whole number between \(range.lowerBound) and \(range.upperBound)"
    case .number(let range):
      return "a number" + between(shortest(range.lowerBound), shortest(range.upperBound), range.isBounded)
        + (takesLengths ? ", or a length such as 0.5um" : "")
    case .axes(let range):
      return "a number" + between(shortest(range.lowerBound), shortest(range.upperBound), range.isBounded)
        + ", or two of them with a comma" + (takesLengths ? ", or lengths such as 0.5um" : "")
    case .choice(let words, _): return Self.listed(words)
    case .axisChoice(let words, _): return Self.listed(words) + ", or two of them with a comma"
    case .size: return "two whole numbers, such as 256x256"
    case .file: return "a path"
    case .library: return "FILE or FILE:NAME"
    case .text(let allowed, _), .optionalText(let allowed, _): return allowed
    }
  }

  private static func listed(_ words: [String]) -> String {
    words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + words.last!
  }

  /// Reads a value.
  ///
  /// Numbers are decimal: no hexadecimal, no infinities, no NaN.
  ///
  /// - Throws: ``ImbrexError`` that names the option, the value and what is allowed.
  public func value(of text: String) throws -> OptionValue {
    let value: OptionValue? =
      switch kind {
      case .flag: nil
      case .integer(let range): wholeNumber(text).flatMap { range.contains($0) ? .integer($0) : nil }
      case .number(let range): decimalNumber(text).flatMap { range.contains($0) ? .number($0) : nil }
      case .axes(let range): Self.axes(text, range)
      case .choice(let words, let synonyms):
        words.contains(text) ? .choice(text) : synonyms[text].map { .choice($0) }
      case .axisChoice(let words, let synonyms): Self.axisChoice(text, words, synonyms)
      case .size: Self.size(text)
      case .file, .library: text.isEmpty || text.utf8.contains(0) ? nil : .text(text)
      case .text(_, let isValid), .optionalText(_, let isValid): isValid(text) ? .text(text) : nil
      }
    guard let value = value ?? lengths(text) else {
      throw ImbrexError(option: name, "is \(text.isEmpty ? "empty" : "'\(text)'"), but must be \(allowed)")
    }
    return value
  }

  /// The file that a value names.
  public func path(of value: OptionValue) -> String? {
    guard case .text(let text) = value else { return nil }
    switch kind {
    case .file: return text
    case .library: return Self.libraryParts(text).path
    default: return nil
    }
  }

  /// The path and the name of ``Kind/library``. What stands behind the last colon is a name, unless a file is called that.
  public static func libraryParts(_ text: String) -> (path: String, name: String?) {
    guard let colon = text.utf8.lastIndex(of: 0x3A), !fileExists(text) else { return (text, nil) }
    return (String(text[..<colon]), String(text[text.utf8.index(after: colon)...]))
  }

  private static func axes(_ text: String, _ range: ClosedRange<Double>) -> OptionValue? {
    let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { decimalNumber(String($0)) }
    guard numbers.count == 1 || numbers.count == 2, let y = numbers[0], let x = numbers[numbers.count - 1],
      range.contains(y), range.contains(x)
    else { return nil }
    return .axes(y, x)
  }

  private static func axisChoice(_ text: String, _ words: [String], _ synonyms: [String: String]) -> OptionValue? {
    let given = text.split(separator: ",", omittingEmptySubsequences: false).map { synonyms[String($0)] ?? String($0) }
    guard given.count <= 2, given.allSatisfy(words.contains) else { return nil }
    return .choice(given[0] == given[given.count - 1] ? given[0] : given.joined(separator: ","))
  }

  private func lengths(_ text: String) -> OptionValue? {
    guard takesLengths else { return nil }
    let lengths = text.split(separator: ",", omittingEmptySubsequences: false).map { Length(String($0)) }
    guard let y = lengths[0], let x = lengths[lengths.count - 1] else { return nil }
    switch kind {
    case .axes(let range) where lengths.count <= 2:
      guard y.unit == nil && x.unit == nil else { return .lengths(y, x) }
      return range.contains(y.number) && range.contains(x.number) ? .axes(y.number, x.number) : nil
    case .number(let range) where lengths.count == 1:
      guard y.unit == nil else { return .lengths(y, x) }
      return range.contains(y.number) ? .number(y.number) : nil
    default: return nil
    }
  }

  private static func size(_ text: String) -> OptionValue? {
    let numbers = text.lowercased().split(separator: "x", omittingEmptySubsequences: false).map {
      wholeNumber(String($0))
    }
    guard numbers.count == 2, let height = numbers[0], let width = numbers[1],
      (1...Int(Int32.max)).contains(height), (1...Int(Int32.max)).contains(width)
    else { return nil }
    return .size(height, width)
  }
}

/// The value of an option.
public enum OptionValue: Equatable, Sendable {
  case flag(Bool)
  case integer(Int)
  case number(Double)
  case axes(Double, Double)
  /// Along y and x; the same for an option that has one number.
  case lengths(Length, Length)
  case choice(String)
  case size(Int, Int)
  case text(String)
  case list([OptionValue])

  /// As it would be typed.
  public var description: String {
    switch self {
    case .flag(let isSet): isSet ? "yes" : "no"
    case .integer(let number): String(number)
    case .number(let number): shortest(number)
    case .axes(let y, let x): y == x ? shortest(y) : "\(shortest(y)),\(shortest(x))"
    case .lengths(let y, let x): y == x ? y.description : "\(y.description),\(x.description)"
    case .choice(let word): word
    case .size(let height, let width): "\(height)x\(width)"
    case .text(let text): text
    case .list(let values): values.map(\.description).joined(separator: " ")
    }
  }
}

/// The options that were given, and the defaults of the others.
///
/// Asking for an option that is not in the list, or as another type than its kind's, is a bug and traps.
public struct OptionValues: Sendable {
  private let definitions: [OptionDefinition]
  private var given: [String: OptionValue] = [:]

  /// Nothing is given yet: all values are the defaults of these options.
  public init(_ definitions: [OptionDefinition]) { self.definitions = definitions }

  /// The value that was given, else the default, else nil. A name that is not in the list traps; a value is not checked
  /// when it is set.
  public subscript(name: String) -> OptionValue? {
    get { given[name] ?? definition(name).defaultValue }
    set { given[definition(name).name] = newValue }
  }

  private func definition(_ name: String) -> OptionDefinition {
    guard let found = definitions.first(where: { $0.name == name }) else {
      preconditionFailure("there is no option \(name)")
    }
    return found
  }

  /// Whether it was given, rather than taken from the default.
  public func isGiven(_ name: String) -> Bool { given[definition(name).name] != nil }

  /// Whether a flag was given.
  public func flag(_ name: String) -> Bool {
    if case .flag(let value)? = self[name] { value } else { wrongKind(name) }
  }
  /// The value of an option of whole numbers that has a default.
  public func integer(_ name: String) -> Int {
    if case .integer(let value)? = self[name] { value } else { wrongKind(name) }
  }
  /// The value of an option of numbers that has a default; of lengths, in pixels.
  public func number(_ name: String) -> Double {
    if case .number(let value)? = self[name] { value } else { wrongKind(name) }
  }
  /// The value of an option of two axes that has a default; of lengths, in pixels.
  public func axes(_ name: String) -> (y: Double, x: Double) {
    if case .axes(let y, let x)? = self[name] { (y, x) } else { wrongKind(name) }
  }
  /// The value of an option of words that has a default, as a case of an enumeration with those words.
  public func choice<Word: RawRepresentable>(_ name: String, _ type: Word.Type = Word.self) -> Word
  where Word.RawValue == String {
    guard case .choice(let word)? = self[name], let value = Word(rawValue: word) else { wrongKind(name) }
    return value
  }
  /// Nil where it was not given and has no default.
  public func text(_ name: String) -> String? {
    switch self[name] {
    case .text(let value)?, .choice(let value)?: value
    case nil: nil
    default: wrongKind(name)
    }
  }
  /// All that were given of an option that may be repeated.
  public func list(_ name: String) -> [OptionValue] {
    switch self[name] {
    case .list(let values)?: values
    case let value?: [value]
    case nil: []
    }
  }

  private func wrongKind(_ name: String) -> Never { preconditionFailure("the option \(name) is of another kind") }

  /// The options that are lengths in a unit, which only a size of pixels makes numbers.
  public var lengths: [(definition: OptionDefinition, y: Length, x: Length)] {
    definitions.compactMap { if case .lengths(let y, let x)? = given[$0.name] { ($0, y, x) } else { nil } }
  }

  /// All options in the order of the list with their values; nil where there is none.
  public var all: [(definition: OptionDefinition, value: OptionValue?)] { definitions.map { ($0, self[$0.name]) } }
}

/// A number as the shortest text that reads back as it, whole ones without a point.
public func shortest(_ value: Double) -> String {
  value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : String(value)
}

/// A decimal number: digits, a point, an exponent, a sign; nothing else that Swift would take.
public func decimalNumber(_ text: String) -> Double? {
  guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }),
    let value = Double(text), value.isFinite
  else { return nil }
  return value
}

/// A whole decimal number.
public func wholeNumber(_ text: String) -> Int? { Int(text) }

extension ClosedRange<Double> {
  /// Whether its ends are worth telling.
  fileprivate var isBounded: Bool { upperBound < 1e300 || lowerBound > -1e300 }
}
