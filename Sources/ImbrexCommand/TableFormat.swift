import Imbrex

/// Rows of a table that a file gave.
struct TableRows: Sendable {
  let file: String
  /// From 1; nil in files of one page.
  let page: Int?
  /// Where the page is on the axes of a stack, from 1; without axes on which no two pages differ.
  var place: [Character: Int] = [:]
  let table: Table
}

/// A text table's format.
enum TableFormat: String, CaseIterable {
  case csv, tsv, json, ndjson

  /// The format that a path's extension stands for.
  init?(path: String?) {
    guard let path, let dot = path.lastIndex(of: ".") else { return nil }
    self.init(rawValue: path[path.index(after: dot)...].lowercased())
  }

  /// The whole table.
  ///
  /// - Parameters:
  ///   - columns: Names of the numbers.
  ///   - naming: Begin each row with its file. Pages are told where any file has several, and their places in a stack where any
  ///     file says so.
  func text(_ parts: [TableRows], columns: [String], naming: Bool) -> String {
    let paging = parts.contains { $0.page != nil }
    let axes = (["z", "c", "t"] as [Character]).filter { axis in parts.contains { $0.place[axis] != nil } }
    let names = (naming ? ["file"] : []) + (paging ? ["page"] : []) + axes.map(String.init) + columns
    let lines = parts.flatMap { part in
      part.table.rows.map { row in
        let place = (paging ? [part.page ?? 1] : []) + axes.map { part.place[$0] ?? 1 }
        return line(part.file, place.map(Double.init) + row, names, naming: naming)
      }
    }
    switch self {
    case .csv: return ([names.joined(separator: ",")] + lines).map { $0 + "\n" }.joined()
    case .tsv: return ([names.joined(separator: "\t")] + lines).map { $0 + "\n" }.joined()
    case .ndjson: return lines.map { $0 + "\n" }.joined()
    case .json: return "[" + (lines.isEmpty ? "" : "\n  " + lines.joined(separator: ",\n  ") + "\n") + "]\n"
    }
  }

  /// A path that a spreadsheet would take for a formula, as one that begins with its directory: the same file.
  private static func harmless(_ path: String) -> String {
    path.utf8.first.map { Array("=+-@".utf8).contains($0) } ?? false ? "./" + path : path
  }

  private func line(_ file: String, _ numbers: [Double], _ names: [String], naming: Bool) -> String {
    let file = [.csv, .tsv].contains(self) && file != "-" ? Self.harmless(file) : file
    switch self {
    case .csv:
      let quoted =
        file.contains { ",\"\n\r".contains($0) }
        ? "\"" + file.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" : file
      return ((naming ? [quoted] : []) + numbers.map(shortest)).joined(separator: ",")
    case .tsv:
      let safe = String(file.map { $0 == "\t" || $0.isNewline ? " " : $0 })
      return ((naming ? [safe] : []) + numbers.map(shortest)).joined(separator: "\t")
    case .json, .ndjson:
      let members = (naming ? [JSONValue.string(file)] : []) + numbers.map(JSONValue.number)
      return JSONValue.object(Array(zip(names, members))).description
    }
  }
}
