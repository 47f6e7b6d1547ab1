import Pipeline

import Platform

/// How many magnitudes begin with each of some prefixes, by their next 16 bits.
package struct MagnitudeHistograms: Partial, Equatable {
  /// For each prefix, by the next 16 bits.
  package private(set) var counts: [[UInt64]]

  package init(prefixes: Int) { counts = Array(repeating: Array(repeating: 0, count: 1 << 16), count: prefixes) }

  package mutating func add(_ values: UnsafePointer<Double>, count: Int, prefixes: [UInt64], shift: UInt64) {
    for (k, prefix) in prefixes.enumerated() {
      counts[k].withUnsafeMutableBufferPointer { histogram in
        for x in 0..<count {
          let bits = values[x].bitPattern
          if shift == 48 || bits >> (shift + 16) == prefix { histogram[Int(bits >> shift & 0xFFFF)] += 1 }
        }
      }
    }
  }

  package mutating func merge(_ other: MagnitudeHistograms) {
    for k in counts.indices { for digit in counts[k].indices { counts[k][digit] += other.counts[k][digit] } }
  }

  private static let mark = "gradient"

  /// Only what is not zero: prefix number, digit, count.
  package var bytes: [UInt8] {
    var words = [UInt64(counts.count)]
    for (k, histogram) in counts.enumerated() {
      for (digit, count) in histogram.enumerated() where count > 0 { words += [UInt64(k), UInt64(digit), count] }
    }
    return WordRecord.bytes(Self.mark, words)
  }

  package init(bytes: [UInt8]) throws {
    let words = try WordRecord.words(Self.mark, in: bytes)
    guard let prefixes = words.first, prefixes <= 64, words.count % 3 == 1 else {
      throw ImbrexError(.input, "the record of gradients is damaged")
    }
    self.init(prefixes: Int(prefixes))
    for place in stride(from: 1, to: words.count, by: 3) {
      guard words[place] < prefixes, words[place + 1] < 1 << 16 else {
        throw ImbrexError(.input, "the record of gradients is damaged")
      }
      counts[Int(words[place])][Int(words[place + 1])] = words[place + 2]
    }
  }
}
