import Pipeline

import Platform

/// How many magnitudes there are of each value, as far as a round of a search for ranks looks: by their first 16 bits, then by
/// the next 16 of those that begin with some prefixes, then by the last 32.
///
/// Magnitudes are not negative, so their bit patterns sort as they do.
package struct MagnitudeHistograms: Partial, Equatable {
  /// Rounds of a search.
  package static let levels = 3

  package let level: Int
  /// For each prefix, by the next 16 bits; empty in the last round …
  package private(set) var counts: [[UInt64]]
  /// … in which few values are left, or many that are the same.
  package private(set) var rest: [[UInt32: UInt64]]

  package init(prefixes: Int, level: Int) {
    self.level = level
    let isLast = level == Self.levels - 1
    counts = isLast ? [] : Array(repeating: Array(repeating: 0, count: 1 << 16), count: prefixes)
    rest = isLast ? Array(repeating: [:], count: prefixes) : []
  }

  /// Adds values; of level 0 there is one prefix, 0, that all begin with.
  package mutating func add(_ values: UnsafePointer<Double>, count: Int, prefixes: [UInt64]) {
    for (k, prefix) in prefixes.enumerated() {
      guard level < Self.levels - 1 else {
        addLast(values, count, prefix, to: k)
        continue
      }
      let shift = UInt64(48 - 16 * level)
      counts[k].withUnsafeMutableBufferPointer { histogram in
        for x in 0..<count {
          let bits = values[x].bitPattern
          if shift == 48 || bits >> (shift + 16) == prefix { histogram[Int(bits >> shift & 0xFFFF)] += 1 }
        }
      }
    }
  }

  /// Equal values mostly stand side by side.
  private mutating func addLast(_ values: UnsafePointer<Double>, _ count: Int, _ prefix: UInt64, to k: Int) {
    var last: UInt32 = 0, run: UInt64 = 0
    for x in 0..<count {
      let bits = values[x].bitPattern
      guard bits >> 32 == prefix else { continue }
      let low = UInt32(truncatingIfNeeded: bits)
      if low != last {
        if run > 0 { rest[k][last, default: 0] += run }
        (last, run) = (low, 0)
      }
      run += 1
    }
    if run > 0 { rest[k][last, default: 0] += run }
  }

  package mutating func merge(_ other: MagnitudeHistograms) {
    for k in counts.indices { for digit in counts[k].indices { counts[k][digit] += other.counts[k][digit] } }
    for k in rest.indices { rest[k].merge(other.rest[k], uniquingKeysWith: +) }
  }

  package var prefixCount: Int { max(counts.count, rest.count) }

  /// What is counted for a prefix, in order.
  package func sorted(_ prefix: Int) -> [(digits: UInt64, count: UInt64)] {
    if level < Self.levels - 1 {
      return counts[prefix].enumerated().compactMap { $1 > 0 ? (UInt64($0), $1) : nil }
    }
    return rest[prefix].sorted { $0.key < $1.key }.map { (UInt64($0.key), $0.value) }
  }

  private static let mark = "gradient"

  /// The round, how many prefixes, then of what is not zero: prefix number, digits, count.
  package var bytes: [UInt8] {
    var words = [UInt64(level), UInt64(prefixCount)]
    for k in 0..<prefixCount { for (digits, count) in sorted(k) { words += [UInt64(k), digits, count] } }
    return WordRecord.bytes(Self.mark, words)
  }

  package init(bytes: [UInt8]) throws {
    let words = try WordRecord.words(Self.mark, in: bytes)
    let damaged = ImbrexError(.input, "the record of gradients is damaged")
    guard words.count % 3 == 2, words[0] < Self.levels, words[1] <= 64 else { throw damaged }
    self.init(prefixes: Int(words[1]), level: Int(words[0]))
    let most: UInt64 = level == Self.levels - 1 ? 1 << 32 : 1 << 16
    for place in stride(from: 2, to: words.count, by: 3) {
      guard words[place] < words[1], words[place + 1] < most, words[place + 2] < 1 << 56 else {
        throw damaged
      }
      if most == 1 << 16 {
        counts[Int(words[place])][Int(words[place + 1])] = words[place + 2]
      } else {
        rest[Int(words[place])][UInt32(words[place + 1])] = words[place + 2]
      }
    }
  }
}
