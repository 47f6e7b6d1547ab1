import Pictures
import Pipeline

import Kernels

/// A median's window as runs of samples, and which of the samples is taken.
struct MedianWindow: Sendable {
  let height: Int
  let width: Int
  let isRectangle: Bool
  let selection: Median.Selection
  /// Row by row.
  let rows: [window_run]
  /// Column by column; none where it is too large to be followed.
  let columns: [window_run]
  /// Samples.
  let count: Int
  /// Whether the pixel itself is among them.
  let hasCentre: Bool

  init(_ shape: Median.Shape, _ selection: Median.Selection = .median) {
    switch shape {
    case .rectangle(let height, let width):
      precondition(height > 0 && width > 0, "a window has at least one pixel")
      self.init(height, width, (0..<height).map { .init(row: $0, columns: 0..<width) }, selection)
    case .disk(let radius): self.init(radius, selection) { y in Self.root(of: radius * radius - y * y) }
    case .cross(let radius): self.init(radius, selection) { y in y == 0 ? radius : 0 }
    case .diamond(let radius): self.init(radius, selection) { y in radius - y }
    case .octagon(let radius):
      let slanted = Median.Shape.slantedSide(ofOctagon: radius), side = 2 * radius + 1 - 2 * slanted
      self.init(radius, selection) { y in min(radius, radius + side / 2 - y) }
    case .footprint(let footprint): self.init(footprint.height, footprint.width, footprint.runs, selection)
    }
  }

  /// A symmetric one. `reach`: columns to either side of the middle in the rows so far from it.
  private init(_ radius: Int, _ selection: Median.Selection, _ reach: (_ distance: Int) -> Int) {
    precondition(radius >= 0)
    let runs = (-radius...radius).map { y in
      let reach = reach(abs(y))
      return Footprint.Run(row: radius + y, columns: (radius - reach)..<(radius + reach + 1))
    }
    self.init(2 * radius + 1, 2 * radius + 1, runs, selection)
  }

  private init(_ height: Int, _ width: Int, _ runs: [Footprint.Run], _ selection: Median.Selection) {
    (self.height, self.width) = (height, width)
    rows = runs.map {
      window_run(
        line: Int32($0.row), first: Int32($0.columns.lowerBound), end: Int32($0.columns.upperBound))
    }
    count = runs.reduce(0) { $0 + $1.columns.count }
    isRectangle = count == height * width
    hasCentre = runs.contains { $0.row == height / 2 && $0.columns.contains(width / 2) }
    columns = max(height, width) <= MEDIAN_SPAN_MOST ? Self.columns(height, width, runs) : []
    self.selection = selection == .percentile(50) || selection == .percentile(-50) ? .median : selection
  }

  private static func columns(_ height: Int, _ width: Int, _ runs: [Footprint.Run]) -> [window_run] {
    var isIn = [Bool](repeating: false, count: height * width)
    for run in runs { for column in run.columns { isIn[run.row * width + column] = true } }
    return (0..<width).flatMap { column in
      Footprint.runs(height) { isIn[$0 * width + column] }.map {
        window_run(line: Int32(column), first: Int32($0.lowerBound), end: Int32($0.upperBound))
      }
    }
  }

  private static func root(of square: Int) -> Int {
    var root = Int(Double(square).squareRoot())
    while root * root > square { root -= 1 }
    while (root + 1) * (root + 1) <= square { root += 1 }
    return root
  }

  /// Whether the greatest (true) or the least sample of a rectangle is wanted.
  var extreme: Bool? {
    guard isRectangle && height <= 255 && count > 1 else { return nil }
    let rank = selection.rank(of: count)
    return rank == 0 ? false : rank == count - 1 ? true : nil
  }

  /// Whether kernels take its rows from wherever they are.
  func goesByRows(bits: Int) -> Bool { networkSize != nil || extreme != nil || isCounted(bits: bits) }

  /// Which way is the fastest: by bits, for few samples (the more bits they have, the fewer; more where each is a run of
  /// its own); 8-bit ones from the window above, for more, as long as there is no way whose cost does not depend on the
  /// window.
  private func isCounted(bits: Int) -> Bool {
    switch bits {
    case 8: count <= Self.mostCounted
    case 16: count <= min(90 + 5 * rows.count, 255)
    default: count <= min(24 + 3 * rows.count / 2, 255)
    }
  }
  var isFollowed: Bool { !columns.isEmpty && (!isRectangle || count <= Self.mostFollowed) }
  private static let mostCounted = 30
  private static let mostFollowed = 256

  /// 3 or 5 where a sorting network does.
  var networkSize: Int? {
    isRectangle && height == width && (height == 3 || height == 5) && selection == .median ? height : nil
  }

  var halo: Halo {
    Halo(top: height / 2, bottom: height - 1 - height / 2, left: width / 2, right: width - 1 - width / 2)
  }
}
