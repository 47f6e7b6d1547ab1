import Platform

// MARK: - Reading (RFC 8259)

extension JSONValue {
  /// Reads one JSON text.
  ///
  /// - Throws: ``ImbrexError`` that says at which byte it is wrong.
  /// - Complexity: O(bytes); nesting deeper than 64 is refused.
  package init(text: [UInt8]) throws {
    var reader = JSONReader(bytes: text)
    self = try reader.whole()
  }

  /// A member of an object; nil if there is none, or this is no object.
  package subscript(_ name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.0 == name }?.1
  }

  package var string: String? { if case .string(let text) = self { text } else { nil } }
  package var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var number: Double? { if case .number(let value) = self { value } else { nil } }
  /// A number that is whole.
  package var integer: Int? { number.flatMap { Int(exactly: $0) } }
}

private struct JSONReader {
  let bytes: [UInt8]
  var place = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  mutating func whole() throws -> JSONValue {
    let result = try value(depth: 0)
    skipSpace()
    guard place == bytes.count else { throw wrong("something follows the value") }
    return result
  }

  private func wrong(_ what: String) -> ImbrexError { ImbrexError(.input, "no valid JSON at byte \(place): \(what)") }

  private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || (0x09...0x0D).contains(byte) { place += 1 }
  }

  private mutating func take(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard place + count <= bytes.count,
      (0..<count).allSatisfy({ bytes[place + $0] == word.utf8Start[$0] })
    else { return false }
    place += count
    return true
  }

  private mutating func value(depth: Int) throws -> JSONValue {
    guard depth < 64 else { throw wrong("it is nested too deeply") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try text())
    case UInt8(ascii: "t") where take("true"): return .bool(true)
    case UInt8(ascii: "f") where take("false"): return .bool(false)
    case UInt8(ascii: "n") where take("null"): return .null
    default: return .number(try number())
    }
  }

  private mutating func array(_ depth: Int) throws -> JSONValue {
    place += 1
    var values: [JSONValue] = []
    skipSpace()
    if take("]") { return .array([]) }
    while true {
      values.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return .array(values) }
      guard take(",") else { throw wrong("a comma or a bracket is missing") }
    }
  }

  private mutating func object(_ depth: Int) throws -> JSONValue {
    place += 1
    var members: [(String, JSONValue)] = []
    skipSpace()
    if take("}") { return .object([]) }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw wrong("a member's name is missing") }
      let name = try text()
      skipSpace()
      guard take(":") else { throw wrong("a colon is missing") }
      members.append((name, try value(depth: depth + 1)))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw wrong("a comma or a brace is missing") }
    }
  }

  private mutating func number() throws -> Double {
    let start = place
    while let byte = next,
      byte == 0x2B || byte == 0x2D || byte == 0x2E || byte | 0x20 == 0x65 || (0x30...0x39).contains(byte)
    {
      place += 1
    }
    guard let value = Double(String(decoding: bytes[start..<place], as: UTF8.self)) else {
      place = start
      throw wrong("no value stands there")
    }
    return value
  }

  private mutating func text() throws -> String {
    place += 1
    var result: [UInt8] = []
    while let byte = next {
      place += 1
      switch byte {
      case UInt8(ascii: "\""): return PathText.text(result)
      case UInt8(ascii: "\\"): try escape(into: &result)
      case 0..<0x20: throw wrong("a control character stands in a text")
      default: result.append(byte)
      }
    }
    throw wrong("a text does not end")
  }

  private mutating func escape(into result: inout [UInt8]) throws {
    guard let byte = next else { throw wrong("a text does not end") }
    place += 1
    switch byte {
    case UInt8(ascii: "n"): result.append(10)
    case UInt8(ascii: "r"): result.append(13)
    case UInt8(ascii: "t"): result.append(9)
    case UInt8(ascii: "b"): result.append(8)
    case UInt8(ascii: "f"): result.append(12)
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
    case UInt8(ascii: "u"):
      let first = try codeUnit()
      // A byte of a name that is not UTF-8.
      if (0xDC80...0xDCFF).contains(first) { return result.append(UInt8(first - 0xDC00)) }
      var scalar = UInt32(first)
      if (0xD800...0xDBFF).contains(first) {
        guard take("\\u"), case let second = try codeUnit(), (0xDC00...0xDFFF).contains(second) else {
          throw wrong("half of a surrogate pair")
        }
        scalar = 0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(second) - 0xDC00)
      }
      guard let found = Unicode.Scalar(scalar) else { throw wrong("half of a surrogate pair") }
      result += Array(String(found).utf8)
    default: throw wrong("an unknown escape")
    }
  }

  private mutating func codeUnit() throws -> UInt16 {
    guard place + 4 <= bytes.count,
      let value = UInt16(String(decoding: bytes[place..<(place + 4)], as: UTF8.self), radix: 16)
    else { throw wrong("an escape of four digits is cut short") }
    place += 4
    return value
  }
}
