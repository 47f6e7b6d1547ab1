import Imbrex

/// The pages of a file that are wanted: by their numbers, or by their places on the axes of a stack; all from 1.
package struct PageSelection: Equatable, Sendable {
  /// Pages in a row; nil: chosen by ``axes``.
  package private(set) var range: ClosedRange<Int>?
  /// Of each axis that is named, z, c or t, the places that are wanted.
  package private(set) var axes: [Character: ClosedRange<Int>] = [:]

  /// `3`, `2-5`, `c=1`, `z=3-9,c=1`.
  package init?(_ text: String) {
    if let range = OptionText.pages(text) {
      self.range = range
      return
    }
    for part in text.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
      let words = part.split(separator: "=", omittingEmptySubsequences: false)
      guard words.count == 2, let axis = words[0].first, words[0].count == 1, "zct".contains(axis),
        axes[axis] == nil, let range = OptionText.pages(String(words[1]))
      else { return nil }
      axes[axis] = range
    }
  }

  /// As it would be typed.
  private var text: String {
    axes.sorted { $0.key < $1.key }.map { axis, range in
      "\(axis)=\(range.lowerBound)" + (range.count > 1 ? "-\(range.upperBound)" : "")
    }.joined(separator: ",")
  }

  /// The pages of a file by their places on its axes, from 0 in their order; nil where all in ``range`` are meant.
  ///
  /// - Throws: ``ImbrexError`` for a file that says nothing of such an axis, or has no such place on it.
  func list(in stack: StackAxes?) throws -> [Int]? {
    guard range == nil else { return nil }
    for (axis, range) in axes.sorted(by: { $0.key < $1.key }) {
      guard let stack, let length = stack.length(of: axis) else {
        throw ImbrexError(
          .input, "--page is \(text), but nothing in the file says which \(axis) a page is", cause: .noPage)
      }
      guard range.upperBound <= length else {
        throw ImbrexError(.noPage, "there is no \(axis)=\(range.upperBound): it has \(length)")
      }
    }
    return (0..<stack!.pages).filter { page in
      let place = stack!.place(of: page)
      return axes.allSatisfy { axis, range in range.contains(place[axis] ?? 1) }
    }
  }
}
