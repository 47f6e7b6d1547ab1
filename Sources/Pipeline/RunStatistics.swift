import Platform

/// Where the workers' time goes in a run, summed over workers.
public final class RunStatistics: Sendable {
  /// What a worker was at.
  public enum Work: Hashable, Sendable {
    case decoding
    /// A filter, by its name.
    case filtering(String)
    case encoding, waiting
  }

  private let nanoseconds = Locked([(work: Work, sum: Int)]())

  /// No time has been spent.
  public init() {}

  func add(_ work: Work, _ duration: Int) {
    nanoseconds.withLock { sums in
      if let index = sums.firstIndex(where: { $0.work == work }) {
        sums[index].sum += duration
      } else {
        sums.append((work, duration))
      }
    }
  }

  /// Worker-seconds spent, in the order in which each kind of work was first done; waiting last.
  public var seconds: [(work: Work, seconds: Double)] {
    nanoseconds.withLock { $0 }.map { ($0.work, Double($0.sum) / 1e9) }
      .sorted { $0.work != .waiting && $1.work == .waiting }
  }
}
