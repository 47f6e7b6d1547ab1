/// An XML document as a tree, with texts and values as they stand in it. It is no judge of documents: what it does not understand
/// it does not read, and what it does it writes again as it was.
struct XMLText {
  final class Element {
    /// With its prefix.
    let name: String
    var attributes: [(name: String, value: String)]
    var children: [Node] = []

    init(_ name: String, _ attributes: [(name: String, value: String)] = []) {
      (self.name, self.attributes) = (name, attributes)
    }

    enum Node {
      case element(Element)
      /// Text, comments and the like.
      case text(ArraySlice<UInt8>)
    }
  }

  private var prolog: ArraySlice<UInt8>, epilog: ArraySlice<UInt8>
  let root: Element

  /// Nil if it is not well-formed, has a document type (whose entities could mean anything), or is deeper than any of use.
  init?(_ bytes: ArraySlice<UInt8>) {
    var scanner = Scanner(rest: bytes)
    var open: [Element] = [], found: Element?
    var prolog = bytes[bytes.startIndex..<bytes.startIndex], epilog = prolog
    while let token = scanner.next() {
      switch token {
      case .text(let text):
        if let last = open.last {
          last.children.append(.text(text))
        } else if found == nil {
          prolog = bytes[bytes.startIndex..<text.endIndex]
        } else {
          epilog = bytes[(epilog.isEmpty ? text.startIndex : epilog.startIndex)..<text.endIndex]
        }
      case .start(let element, let isClosed):
        guard open.count < 100, found == nil || !open.isEmpty else { return nil }
        if let last = open.last { last.children.append(.element(element)) } else { found = element }
        if !isClosed { open.append(element) }
      case .end(let name):
        guard open.popLast()?.name == name else { return nil }
      }
    }
    guard !scanner.hasFailed, open.isEmpty, let found else { return nil }
    (self.prolog, self.epilog, root) = (prolog, epilog, found)
  }

  var bytes: [UInt8] {
    var bytes = Array(prolog)
    root.append(to: &bytes)
    return bytes + epilog
  }
}

extension XMLText.Element {
  /// Without its prefix.
  var localName: Substring { name.split(separator: ":", omittingEmptySubsequences: false).last! }

  subscript(_ attribute: String) -> String? {
    get { attributes.first { $0.name == attribute }?.value }
    set {
      let index = attributes.firstIndex { $0.name == attribute }
      switch (index, newValue) {
      case (let index?, let value?): attributes[index].value = value
      case (let index?, nil): attributes.remove(at: index)
      case (nil, let value?): attributes.append((attribute, value))
      case (nil, nil): break
      }
    }
  }

  /// A value without references: `&#181;m` is µm.
  func plain(_ attribute: String) -> String? {
    guard let value = self[attribute], value.contains("&") else { return self[attribute] }
    let parts = value.split(separator: "&", omittingEmptySubsequences: false)
    return parts.dropFirst().reduce(into: String(parts[0])) { result, part in
      guard let end = part.firstIndex(of: ";"), let character = Self.character(part[..<end]) else {
        result += "&" + part
        return
      }
      result.append(character)
      result += part[part.index(after: end)...]
    }
  }

  /// What a reference between `&` and `;` stands for.
  private static func character(_ reference: Substring) -> Character? {
    switch reference {
    case "lt": return "<"
    case "gt": return ">"
    case "amp": return "&"
    case "quot": return "\""
    case "apos": return "'"
    default:
      guard reference.first == "#" else { return nil }
      let digits = reference.dropFirst(), isHex = digits.first == "x"
      let code = isHex ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
      return code.flatMap(Unicode.Scalar.init).map(Character.init)
    }
  }

  func number(_ attribute: String) -> Int? { self[attribute].flatMap { Int($0) } }

  var elements: [XMLText.Element] {
    children.compactMap { if case .element(let element) = $0 { element } else { nil } }
  }

  func elements(_ localName: String) -> [XMLText.Element] { elements.filter { $0.localName == localName } }

  var text: String {
    children.reduce(into: "") { if case .text(let text) = $1 { $0 += String(decoding: text, as: UTF8.self) } }
  }

  /// Removes elements, and the space before each.
  func remove(where isGone: (XMLText.Element) -> Bool) {
    var kept: [Node] = []
    for child in children {
      if case .element(let element) = child, isGone(element) {
        if case .text(let text)? = kept.last, text.allSatisfy({ $0 <= 0x20 }) { kept.removeLast() }
      } else {
        kept.append(child)
      }
    }
    children = kept
  }

  /// Removes elements wherever they are, and attributes.
  func removeEverywhere(_ isGone: (String) -> Bool) {
    attributes.removeAll { isGone($0.name) }
    remove { isGone($0.name) }
    for element in elements { element.removeEverywhere(isGone) }
  }

  fileprivate func append(to bytes: inout [UInt8]) {
    bytes += "<\(name)".utf8
    for (name, value) in attributes {
      let quote = value.contains("\"") ? "'" : "\""
      bytes += " \(name)=\(quote)\(value)\(quote)".utf8
    }
    if children.isEmpty {
      bytes += "/>".utf8
      return
    }
    bytes += ">".utf8
    for child in children {
      switch child {
      case .element(let element): element.append(to: &bytes)
      case .text(let text): bytes += text
      }
    }
    bytes += "</\(name)>".utf8
  }
}

/// Takes a document apart.
private struct Scanner {
  var rest: ArraySlice<UInt8>
  private(set) var hasFailed = false

  enum Token {
    case text(ArraySlice<UInt8>)
    case start(XMLText.Element, isClosed: Bool)
    case end(String)
  }

  init(rest: ArraySlice<UInt8>) { self.rest = rest }

  /// Nil at the end, or where it cannot be understood.
  mutating func next() -> Token? {
    guard let first = rest.first, !hasFailed else { return nil }
    guard first == UInt8(ascii: "<") else {
      let end = rest.firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
      return .text(take(to: end))
    }
    for (start, end) in [("<?", "?>"), ("<!--", "-->"), ("<![CDATA[", "]]>")] where rest.starts(with: start.utf8) {
      return skip(past: Array(end.utf8)).map(Token.text)
    }
    let token = rest.starts(with: "<!".utf8) ? nil : tag()
    if token == nil { hasFailed = true }
    return token
  }

  private mutating func take(to end: Int) -> ArraySlice<UInt8> {
    defer { rest = rest[end...] }
    return rest[..<end]
  }

  private mutating func skip(past end: [UInt8]) -> ArraySlice<UInt8>? {
    var at = rest.startIndex + 2
    while at + end.count <= rest.endIndex {
      if rest[at] == end[0], rest[at..<(at + end.count)].elementsEqual(end) { return take(to: at + end.count) }
      at += 1
    }
    hasFailed = true
    return nil
  }

  private mutating func tag() -> Token? {
    rest = rest.dropFirst()
    let isEnd = rest.first == UInt8(ascii: "/")
    if isEnd { rest = rest.dropFirst() }
    let name = word()
    guard !name.isEmpty else { return nil }
    var attributes: [(name: String, value: String)] = []
    while true {
      skipSpace()
      switch rest.first {
      case UInt8(ascii: ">"):
        rest = rest.dropFirst()
        return isEnd ? .end(name) : .start(XMLText.Element(name, attributes), isClosed: false)
      case UInt8(ascii: "/") where !isEnd:
        guard rest.dropFirst().first == UInt8(ascii: ">") else { return nil }
        rest = rest.dropFirst(2)
        return .start(XMLText.Element(name, attributes), isClosed: true)
      default:
        guard !isEnd, attributes.count < 10000, let attribute = attribute() else { return nil }
        attributes.append(attribute)
      }
    }
  }

  private mutating func attribute() -> (name: String, value: String)? {
    let name = word()
    skipSpace()
    guard !name.isEmpty, rest.first == UInt8(ascii: "=") else { return nil }
    rest = rest.dropFirst()
    skipSpace()
    guard let quote = rest.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { return nil }
    rest = rest.dropFirst()
    guard let end = rest.firstIndex(of: quote) else { return nil }
    let value = take(to: end)
    rest = rest.dropFirst()
    return value.contains(UInt8(ascii: "<")) ? nil : (name, String(decoding: value, as: UTF8.self))
  }

  private mutating func word() -> String {
    let ends = Array("<>/= \t\r\n\"'".utf8)
    return String(decoding: take(to: rest.firstIndex { ends.contains($0) } ?? rest.endIndex), as: UTF8.self)
  }

  private mutating func skipSpace() { rest = rest.drop { $0 <= 0x20 } }
}
