import Pictures

import Kernels

/// A median's window as rows of columns.
struct MedianWindow: Sendable {
  let height: Int
  let width: Int
  /// Of each row, the first column and one past the last, from the window's left.
  let spans: [Int32]
  let isRectangle: Bool

  init(_ shape: Median.Shape) {
    switch shape {
    case .rectangle(let height, let width):
      precondition(height > 0 && width > 0, "a window has at least one pixel")
      self.height = height
      self.width = width
      spans = (0..<height).flatMap { _ in [0, Int32(width)] }
      isRectangle = true
    case .disk(let radius):
      precondition(radius >= 0)
      height = 2 * radius + 1
      width = height
      spans = (-radius...radius).flatMap { y -> [Int32] in
        var reach = 0
        while (reach + 1) * (reach + 1) + y * y <= radius * radius { reach += 1 }
        return [Int32(radius - reach), Int32(radius + reach + 1)]
      }
      isRectangle = radius == 0
    }
  }

  /// Samples.
  var count: Int { stride(from: 0, to: spans.count, by: 2).reduce(0) { $0 + Int(spans[$1 + 1] - spans[$1]) } }
  /// Which way is the fastest for 8-bit samples: by bits, for few of them; from the window above, for more, as long as
  /// there is no way whose cost does not depend on the window.
  var isCounted: Bool { count <= Self.mostCounted }
  var isFollowed: Bool {
    height <= MEDIAN_SPAN_MOST && width <= MEDIAN_SPAN_MOST && (!isRectangle || count <= Self.mostFollowed)
  }
  private static let mostCounted = 30
  private static let mostFollowed = 256

  var halo: Halo {
    Halo(top: height / 2, bottom: height - 1 - height / 2, left: width / 2, right: width - 1 - width / 2)
  }
}
