extension Median {
  /// Which of a window's samples is taken, of all in order.
  public enum Selection: Equatable, Sendable {
    /// The one of rank ⌊count / 2⌋ from the least.
    case median
    /// Counted from the least, which is 0; a negative number from the greatest, which is −1. Where fewer samples count,
    /// the last there is.
    case rank(Int)
    /// That of rank ⌊count × percent / 100⌋, of 100 the greatest; a negative one is less than 100: −20 is 80.
    case percentile(Double)

    /// Its rank among so many samples, of which there is at least one.
    func rank(of count: Int) -> Int {
      switch self {
      case .median: count / 2
      case .rank(let rank): min(max(rank < 0 ? count + rank : rank, 0), count - 1)
      case .percentile(let percent): min(Int(Double(count) * (percent < 0 ? percent + 100 : percent) / 100), count - 1)
      }
    }
  }
}
