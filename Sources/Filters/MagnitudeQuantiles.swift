import Pictures
import Pipeline
import Platform

/// Exact quantiles of the gradient's magnitude over a whole picture, without holding the magnitudes.
///
/// Magnitudes are not negative, so their bit patterns sort as they do. Each sweep narrows a wanted rank by 16 bits with
/// a histogram; four sweeps find any value, fewer where values are few.
struct MagnitudeQuantiles {
  private let edge: Edge
  private let quantiles: [Double]

  init(edge: Edge, _ quantiles: [Double]) {
    self.edge = edge
    self.quantiles = quantiles
  }

  func find(in first: Sweep.Input, _ picture: Picture, context: RunContext) throws -> (Double, Double) {
    let count = picture.description.pixelCount
    // numpy's linear interpolation between the two values around q × (count − 1).
    let positions = quantiles.map { $0 * Double(count - 1) }
    let ranks = positions.flatMap { [Int($0.rounded(.down)), min(Int($0.rounded(.down)) + 1, count - 1)] }
    var input = first
    var found = Array(repeating: (prefix: UInt64(0), rank: 0), count: ranks.count)
    for (k, rank) in ranks.enumerated() { found[k].rank = rank }
    for level in 0..<4 {
      let shift = UInt64(48 - 16 * level)
      let prefixes = Set(found.map(\.prefix)).sorted()
      let histograms = Histograms(prefixes: prefixes, shift: shift)
      let stencil = CannyStencil(edge, picture.description, task: .measure { histograms.add($0) })
      try context.sweep(input, stencil, to: .none, rowBytes: 0)
      input = .picture(picture)
      let counts = histograms.counts
      for k in found.indices {
        let histogram = counts[prefixes.firstIndex(of: found[k].prefix)!]
        var digit = 0
        while found[k].rank >= histogram[digit] {
          found[k].rank -= histogram[digit]
          digit += 1
        }
        found[k].prefix = found[k].prefix << 16 | UInt64(digit)
      }
    }
    let values = found.map { Double(bitPattern: $0.prefix) }
    func quantile(_ k: Int) -> Double {
      let (a, b) = (values[2 * k], values[2 * k + 1])
      let t = positions[k] - positions[k].rounded(.down)
      return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t)
    }
    return (quantile(0), quantile(1))
  }

  /// How many values begin with each of some prefixes, by their next 16 bits.
  private final class Histograms: Sendable {
    private let prefixes: [UInt64]
    private let shift: UInt64
    private let shared: Locked<[[Int]]>

    init(prefixes: [UInt64], shift: UInt64) {
      self.prefixes = prefixes
      self.shift = shift
      shared = Locked(Array(repeating: Array(repeating: 0, count: 1 << 16), count: prefixes.count))
    }

    var counts: [[Int]] { shared.withLock { $0 } }

    func add(_ values: UnsafeBufferPointer<Double>) {
      shared.withLock { counts in
        for value in values {
          let bits = value.bitPattern
          let prefix = shift == 48 ? 0 : bits >> (shift + 16)
          for k in prefixes.indices where prefixes[k] == prefix {
            counts[k][Int(bits >> shift & 0xFFFF)] += 1
          }
        }
      }
    }
  }
}
