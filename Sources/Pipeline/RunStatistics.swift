import Pictures
import Platform
/// Where the workers' time goes in a run, summed over workers.
public final class RunStatistics: Sendable {
  public enum Stage: Int, CaseIterable, Sendable {
    case decoding, filtering, encoding, waiting
  }

  private let nanoseconds = Locked([Int](repeating: 0, count: Stage.allCases.count))

  public init() {}

  func add(_ stage: Stage, _ duration: Int) {
    nanoseconds.withLock { $0[stage.rawValue] += duration }
  }

  /// Worker-seconds spent in a stage.
  public func seconds(in stage: Stage) -> Double {
    nanoseconds.withLock { Double($0[stage.rawValue]) / 1e9 }
  }
}
