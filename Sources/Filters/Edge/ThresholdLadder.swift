import Platform

/// The thresholds of several detectors on one gradient, as rungs: a magnitude's rung is how many of them it reaches, so that every
/// comparison with a threshold is one of whole numbers.
final class ThresholdLadder: Sendable {
  /// Of a detector, the least rungs of a weak and of a strong pixel.
  struct Pair: Equatable, Sendable {
    var low, high: UInt16
  }

  private struct Rungs {
    var values: [Double] = []
    var pairs: [Pair] = []
  }
  private let rungs = Locked(Rungs())

  /// - Parameter thresholds: Low and high of each detector; nil: they are known later.
  init(_ thresholds: [(low: Double, high: Double)]? = nil) {
    if let thresholds { set(thresholds) }
  }

  func set(_ thresholds: [(low: Double, high: Double)]) {
    let pairs = thresholds.map { (low: CannyStencil.weakest($0.low), high: $0.high) }
    // Quantiles of what is no number are none: nothing reaches them.
    let values = Set(pairs.flatMap { [$0.low, $0.high] }.filter { !$0.isNaN }).sorted()
    let rung = Dictionary(uniqueKeysWithValues: zip(values, 1...).map { ($0, UInt16($1)) })
    rungs.withLock { rungs in
      rungs.values = values
      rungs.pairs = pairs.map { pair in
        Pair(low: rung[pair.low] ?? .max, high: rung[pair.high] ?? .max)
      }
    }
  }

  /// Ascending.
  var values: [Double] { rungs.withLock { $0.values } }
  /// Of each detector.
  var pairs: [Pair] { rungs.withLock { $0.pairs } }
}
