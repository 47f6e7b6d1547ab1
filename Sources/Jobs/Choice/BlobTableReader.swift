import Platform

/// Reads tables of blobs in all formats that they are written in.
struct BlobTableReader {
  /// Of the file, for messages.
  let name: String

  private static let yNames = ["y", "row", "centroid-0"], xNames = ["x", "column", "col", "centroid-1"]

  func rows(of bytes: [UInt8]) throws -> [BlobTruth.Row] {
    let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
    switch text.first(where: { $0 != 0x20 && !(0x09...0x0D).contains($0) }) {
    case UInt8(ascii: "["): return try array(text)
    case UInt8(ascii: "{"): return try objects(text)
    default: return try lines(text)
    }
  }

  private func wrong(_ place: String, _ what: String) -> ImbrexError {
    ImbrexError(.input, "\(name), \(place): \(what)")
  }

  private func row(_ y: Double?, _ x: Double?, file: String?, page: Double?) -> BlobTruth.Row? {
    // Of pixels; anything larger is no place in a picture.
    guard let y, let x, abs(y) < 1e12, abs(x) < 1e12 else { return nil }
    return BlobTruth.Row(file: file, page: page.flatMap { Int(exactly: $0) }, centre: BlobCentre(y: y, x: x))
  }

  // MARK: - JSON

  private func array(_ text: [UInt8]) throws -> [BlobTruth.Row] {
    let value: JSONValue
    do { value = try JSONValue(text: text) } catch let error as ImbrexError { throw error.prefixed("\(name): ") }
    return try (value.array ?? []).enumerated().map { try row($1, "element \($0 + 1)") }
  }

  private func objects(_ text: [UInt8]) throws -> [BlobTruth.Row] {
    try numberedLines(text).map { number, line in
      do {
        return try row(JSONValue(text: Array(line)), "line \(number)")
      } catch let error as ImbrexError where !error.message.hasPrefix(name) {
        throw error.prefixed("\(name), line \(number): ")
      }
    }
  }

  private func row(_ value: JSONValue, _ place: String) throws -> BlobTruth.Row {
    func number(_ names: [String]) -> Double? { names.lazy.compactMap { value[$0]?.number }.first }
    let found =
      value.array.map { $0.count >= 2 ? row($0[0].number, $0[1].number, file: nil, page: nil) : nil }
      ?? row(number(Self.yNames), number(Self.xNames), file: value["file"]?.string, page: value["page"]?.number)
    guard let found else { throw wrong(place, "no numbers y and x stand there") }
    return found
  }

  // MARK: - Lines

  /// Lines that say something, with their numbers.
  private func numberedLines(_ text: [UInt8]) -> [(number: Int, line: ArraySlice<UInt8>)] {
    text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated().compactMap { index, line in
      let line = line.last == 0x0D ? line.dropLast() : line
      guard let first = line.first(where: { $0 != 0x20 && $0 != 0x09 }), first != UInt8(ascii: "#") else { return nil }
      return (index + 1, line)
    }
  }

  private func lines(_ text: [UInt8]) throws -> [BlobTruth.Row] {
    var lines = numberedLines(text)
    guard let head = lines.first else {
      throw ImbrexError(.input, "\(name) is empty, but a table of no blobs has a line of names")
    }
    let separator = [UInt8(ascii: "\t"), UInt8(ascii: ","), UInt8(ascii: ";")].first { head.line.contains($0) }
    let names = fields(head.line, separator).map { $0.lowercased() }
    var columns = (y: 0, x: 1, file: Int?.none, page: Int?.none)
    // A first line of numbers has no names.
    if names.contains(where: { Double($0) == nil }) {
      func column(_ wanted: [String]) throws -> Int {
        guard let index = names.firstIndex(where: { wanted.contains($0) }) else {
          throw wrong("line \(head.number)", "there is no column \(wanted[0]), nor one named \(wanted[1])")
        }
        return index
      }
      columns = (
        try column(Self.yNames), try column(Self.xNames), names.firstIndex(of: "file"), names.firstIndex(of: "page")
      )
      lines.removeFirst()
    }
    return try lines.map { number, line in
      let fields = fields(line, separator)
      func pixels(_ column: Int, _ name: String) throws -> Double {
        guard column < fields.count else { throw wrong("line \(number)", "\(name) is missing") }
        guard let value = Double(fields[column]), abs(value) < 1e12 else {
          throw wrong("line \(number)", "\(name) is '\(fields[column])', but must be a number of pixels")
        }
        return value
      }
      func field(_ column: Int?) -> String? { column.flatMap { $0 < fields.count ? fields[$0] : nil } }
      return row(
        try pixels(columns.y, "y"), try pixels(columns.x, "x"), file: field(columns.file),
        page: field(columns.page).flatMap { Double($0) })!
    }
  }

  /// A line's fields without the space around them. Commas in quotes do not separate.
  ///
  /// - Parameter separator: nil: any space.
  private func fields(_ line: ArraySlice<UInt8>, _ separator: UInt8?) -> [String] {
    var fields: [[UInt8]] = [[]]
    var isQuoted = false, last: UInt8 = 0
    for byte in line {
      if byte == UInt8(ascii: "\"") {
        // Two in quotes are one that is meant.
        if !isQuoted && last == byte { fields[fields.count - 1].append(byte) }
        isQuoted.toggle()
      } else if !isQuoted, separator.map({ byte == $0 }) ?? (byte == 0x20) {
        fields.append([])
      } else {
        fields[fields.count - 1].append(byte)
      }
      last = byte
    }
    func trimmed(_ field: [UInt8]) -> String {
      let start = field.firstIndex { $0 != 0x20 } ?? field.count
      let end = (field.lastIndex { $0 != 0x20 } ?? -1) + 1
      return start < end ? PathText.text(Array(field[start..<end])) : ""
    }
    let texts = fields.map(trimmed)
    return separator == nil ? texts.filter { !$0.isEmpty } : texts
  }
}
