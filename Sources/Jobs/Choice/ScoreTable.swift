import Pipeline

/// The scores of all combinations of a sweep, the best first: by F1, and where that is equal in the order in which they were added.
package struct ScoreTable: Sendable {
  private let names: [String]
  private let tolerance: Double
  private var rows: [(values: [String], score: Score)] = []

  /// - Parameters:
  ///   - names: What varies.
  ///   - tolerance: That of the scores, in pixels.
  package init(names: [String], tolerance: Double) { (self.names, self.tolerance) = (names, tolerance) }

  /// - Parameter values: One for each name.
  package mutating func add(_ values: [String], _ score: Score) {
    precondition(values.count == names.count)
    rows.append((values, score))
  }

  private var bestFirst: [(values: [String], score: Score)] {
    rows.enumerated().sorted { a, b in
      let (first, second) = (a.element.score.f1, b.element.score.f1)
      return first != second ? first > second : a.offset < b.offset
    }.map(\.element)
  }

  /// A line of names and one for each combination, in columns.
  package var text: String {
    let head = names + ["found", "truth", "matched", "precision", "recall", "F1"]
    let lines =
      [head]
      + bestFirst.map { values, score in
        values + [score.found, score.truth, score.matched].map(String.init)
          + [score.precision, score.recall, score.f1].map { fixed($0, 4) }
      }
    let widths = head.indices.map { column in lines.map { $0[column].count }.max()! }
    return lines.map { line in
      zip(line, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ") + "\n"
    }.joined()
  }

  /// One object, with a line for each combination.
  package var json: String {
    let lines = bestFirst.map { values, score in
      JSONValue.object([
        ("values", .object(Array(zip(names, values.map(Self.value))))),
        ("found", .integer(score.found)), ("truth", .integer(score.truth)), ("matched", .integer(score.matched)),
        ("precision", .number(score.precision)), ("recall", .number(score.recall)), ("f1", .number(score.f1)),
      ]).description
    }
    let list = lines.isEmpty ? "" : "\n  " + lines.joined(separator: ",\n  ") + "\n"
    return "{\"tolerance\":\(JSONValue.number(tolerance)),\"combinations\":[\(list)]}\n"
  }

  /// Numbers as numbers, all else as it is.
  private static func value(_ text: String) -> JSONValue {
    let isDecimal = text.utf8.allSatisfy { (0x30...0x39).contains($0) || [0x2B, 0x2D, 0x2E, 0x45, 0x65].contains($0) }
    return isDecimal ? Double(text).map { $0.isFinite ? .number($0) : .string(text) } ?? .string(text) : .string(text)
  }
}
