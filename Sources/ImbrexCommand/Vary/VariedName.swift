import Imbrex

/// A name of `--vary`, and what it stands for: `s=1,2,4`, or `t=0.1:0.3:0.05`.
struct VariedName: Equatable, Sendable {
  let name: String
  let values: [String]

  /// How values are written, for messages.
  static let allowed = "NAME=V,V,… or NAME=FIRST:LAST:STEP"

  /// - Throws: ``ImbrexError`` that says what is wrong with it.
  init(_ text: String) throws {
    func fail(_ why: String) -> ImbrexError { ImbrexError(option: "vary", "is '\(text)', \(why)") }
    guard let equals = text.firstIndex(of: "=") else { throw fail("but must be \(Self.allowed)") }
    name = String(text[..<equals])
    guard Self.isName(name) else { throw fail("but a name is a letter, then letters, digits or _") }
    let list = String(text[text.index(after: equals)...])
    if let steps = try Self.steps(list, fail) {
      values = steps
    } else {
      values = list.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    if values.contains("") { throw fail("but a value is empty") }
    if let twice = Self.firstTwice(values) { throw fail("but has \(twice) twice") }
  }

  private static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, first | 0x20 >= 0x61, first | 0x20 <= 0x7A else { return false }
    return name.utf8.allSatisfy { byte in
      (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || byte == 0x5F
    }
  }

  private static func firstTwice(_ values: [String]) -> String? {
    var seen: Set<String> = []
    return values.first { !seen.insert($0).inserted }
  }

  // MARK: - Steps

  /// The most values that a name can have.
  private static let mostSteps = 1_000_000

  /// The values of `FIRST:LAST:STEP`; nil where the text is something else.
  private static func steps(_ text: String, _ fail: (String) -> ImbrexError) throws -> [String]? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3, !text.contains(",") else { return nil }
    let numbers = parts.compactMap(decimalNumber)
    guard numbers.count == 3 else { return nil }
    let (first, last, step) = (numbers[0], numbers[1], numbers[2])
    guard step != 0 else { throw fail("but the step is 0") }
    guard (last - first) / step >= 0 else { throw fail("but its steps lead away from \(parts[1])") }
    // The last one is among them though the steps before were rounded.
    let count = ((last - first) / step + 1e-6).rounded(.down) + 1
    guard count <= Double(mostSteps) else { throw fail("but that is more than \(mostSteps) values") }
    // As many decimals as were given: 0.1 + 2 × 0.05 is to be 0.2.
    let decimals = max(Self.decimals(parts[0]), Self.decimals(parts[2]))
    return (0..<Int(count)).map { Self.rounded(first + Double($0) * step, to: decimals) }
  }

  private static func decimals(_ number: String) -> Int {
    let parts = number.lowercased().split(separator: "e", omittingEmptySubsequences: false)
    let places = parts[0].split(separator: ".", omittingEmptySubsequences: false).dropFirst().first?.count ?? 0
    return max(places - (parts.count > 1 ? Int(parts[1]) ?? 0 : 0), 0)
  }

  private static func rounded(_ number: Double, to decimals: Int) -> String {
    guard decimals <= 15 else { return shortest(number) }
    let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
    let rounded = (number * scale).rounded() / scale
    return shortest(rounded == 0 ? 0 : rounded)
  }
}

/// One value for each name.
struct Combination: Equatable, Sendable {
  let names: [String]
  let values: [String]

  /// `s=1 t=0.2`
  var text: String { zip(names, values).map { "\($0)=\($1)" }.joined(separator: " ") }

  /// A word with `{NAME}` replaced by its value.
  ///
  /// - Parameter isPath: Whether a value makes no directories.
  func filling(_ word: String, isPath: Bool = false) -> String {
    guard word.utf8.contains(0x7B) else { return word }
    var bytes: [UInt8] = []
    var rest = PathText.bytes(word)[...]
    // Braces that stand for nothing stay: a value is never looked at again.
    while let open = rest.firstIndex(of: 0x7B) {
      bytes += rest[..<open]
      rest = rest[open...]
      guard let close = rest.firstIndex(of: 0x7D),
        let index = names.firstIndex(where: { Array($0.utf8) == Array(rest[(open + 1)..<close]) })
      else {
        bytes.append(rest.removeFirst())
        continue
      }
      bytes += values[index].utf8.map { isPath && $0 == 0x2F ? 0x5F : $0 }
      rest = rest[(close + 1)...]
    }
    return PathText.text(bytes + rest)
  }
}

/// All combinations of some names' values; the last name changes first.
struct Combinations: Sendable {
  let names: [VariedName]

  /// - Throws: ``ImbrexError`` for a name that is given twice.
  init(_ names: [VariedName]) throws {
    for (index, name) in names.enumerated() where names[..<index].contains(where: { $0.name == name.name }) {
      throw ImbrexError(option: "vary", "has the name \(name.name) twice")
    }
    self.names = names
  }

  /// Nil: more than can be counted.
  var count: Int? {
    names.reduce(1) { count, name in
      guard let count else { return nil }
      let (product, overflows) = count.multipliedReportingOverflow(by: name.values.count)
      return overflows ? nil : product
    }
  }

  subscript(index: Int) -> Combination {
    var rest = index
    var values: [String] = []
    for name in names.reversed() {
      values.append(name.values[rest % name.values.count])
      rest /= name.values.count
    }
    return Combination(names: names.map(\.name), values: values.reversed())
  }
}

extension Combination {
  /// Names and values.
  var json: JSONValue { .object(zip(names, values).map { ($0, .string($1)) }) }
}
