import Pictures
import Pipeline

import Platform

/// Peaks of some tiles, and the range of their responses.
package struct Peaks: Partial, Equatable {
  package struct Peak: Equatable, Sendable {
    package var y, x, scale: Int
    package var response: Double

    package init(y: Int, x: Int, scale: Int, response: Double) {
      (self.y, self.x, self.scale, self.response) = (y, x, scale, response)
    }
  }

  package private(set) var peaks: [Peak] = []
  /// No response yet: greater is less than least.
  package private(set) var least = Double.infinity
  package private(set) var greatest = -Double.infinity

  package init() {}

  /// Of all pictures, without a range.
  init(peaks: [Peak]) { self.peaks = peaks }

  /// The range alone.
  init(range other: Peaks) { (least, greatest) = (other.least, other.greatest) }

  package mutating func add(_ peaks: [Peak], least: Double, greatest: Double) {
    self.peaks += peaks
    self.least = min(self.least, least)
    self.greatest = max(self.greatest, greatest)
  }

  package mutating func merge(_ other: Peaks) { add(other.peaks, least: other.least, greatest: other.greatest) }

  private static let mark = "peaks"

  /// The range, then of each peak, from the top, its row, column, scale and response: the same in whatever order they came.
  package var bytes: [UInt8] {
    var words: [UInt64] = [least.bitPattern, greatest.bitPattern]
    for peak in peaks.sorted(by: { ($0.y, $0.x, $0.scale) < ($1.y, $1.x, $1.scale) }) {
      words += [peak.y, peak.x, peak.scale].map { UInt64($0) }
      words.append(peak.response.bitPattern)
    }
    return WordRecord.bytes(Self.mark, words)
  }

  package init(bytes: [UInt8]) throws {
    let words = try WordRecord.words(Self.mark, in: bytes)
    let damaged = ImbrexError(.input, "the record of peaks is damaged")
    guard words.count % 4 == 2 else { throw damaged }
    (least, greatest) = (Double(bitPattern: words[0]), Double(bitPattern: words[1]))
    for place in stride(from: 2, to: words.count, by: 4) {
      let numbers = words[place..<(place + 3)].map { Int(clamping: $0) }
      guard numbers.allSatisfy({ $0 < 1 << 48 }) else { throw damaged }
      peaks.append(
        Peak(y: numbers[0], x: numbers[1], scale: numbers[2], response: Double(bitPattern: words[place + 3])))
    }
  }
}
