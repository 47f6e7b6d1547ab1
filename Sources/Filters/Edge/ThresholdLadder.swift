import Platform

/// The thresholds of several detectors on one gradient, as rungs: a magnitude's rung is how many of them it reaches, so that every
/// comparison with a threshold is one of whole numbers.
final class ThresholdLadder: Sendable {
  /// Of a detector, the least rungs of a weak and of a strong pixel.
  struct Pair: Equatable, Sendable {
    var low, high: UInt16
  }

  /// More detectors would have more thresholds than a rung's number can tell.
  static let mostDetectors = 1 << 14

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
    let values = Set(pairs.flatMap { [$0.low, $0.high] }).sorted()
    rungs.withLock { rungs in
      rungs.values = values
      rungs.pairs = pairs.map { pair in
        Pair(low: UInt16(values.firstIndex(of: pair.low)! + 1), high: UInt16(values.firstIndex(of: pair.high)! + 1))
      }
    }
  }

  /// Ascending.
  var values: [Double] { rungs.withLock { $0.values } }
  /// Of each detector.
  var pairs: [Pair] { rungs.withLock { $0.pairs } }
}
