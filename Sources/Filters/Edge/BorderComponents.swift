import Pictures

import Platform

/// What hysteresis must know of some rows of a picture to join them with the rows above and below: where edges touch the
/// first and the last row, and which of them hang together.
///
/// An edge here is an 8-connected component of weak and strong pixels within the rows. One with a strong pixel is
/// strong; of these it is enough to know where they are. The others are undecided, until the rows beyond show one of them
/// to be strong. So the size grows with the border, not with the area.
///
/// Parts of a picture make such a value each, write it down (``bytes``) and are merged with their neighbours, in any order; a
/// part is then told which of its components are strong (``decided(_:knowing:)``) and grows those. Two values of the same rows
/// are equal, however they were cut and merged.
package struct BorderComponents: Equatable, Sendable {
  /// Columns of a border row that stand side by side, with a gap on either side.
  package struct Run: Equatable, Sendable {
    package let columns: Range<Int>
    /// 0 for all that is strong; else an undecided component's number.
    package let component: Int

    package init(columns: Range<Int>, component: Int) {
      self.columns = columns
      self.component = component
    }
  }

  /// The picture's columns.
  package let width: Int
  /// Which rows of the picture this tells of; at least one.
  package let rows: Range<Int>
  /// The runs of the first and of the last row, from the left.
  package let top: [Run]
  package let bottom: [Run]
  /// Undecided components: numbered from 1, in the order in which they are met along the top, then the bottom.
  package let undecidedCount: Int

  /// - Parameter component: Of the run at an index of the top (or bottom) row: any number for each undecided component,
  ///   nil if it is strong.
  init(
    width: Int, rows: Range<Int>, top: [Range<Int>], bottom: [Range<Int>],
    component: (_ isTop: Bool, _ index: Int) -> Int?
  ) {
    precondition(!rows.isEmpty && width > 0)
    var numbers: [Int: Int] = [:]
    func runs(_ columns: [Range<Int>], isTop: Bool) -> [Run] {
      columns.enumerated().map { index, columns in
        guard let component = component(isTop, index) else { return Run(columns: columns, component: 0) }
        let number = numbers[component] ?? numbers.count + 1
        numbers[component] = number
        return Run(columns: columns, component: number)
      }
    }
    self.width = width
    self.rows = rows
    self.top = runs(top, isTop: true)
    self.bottom = runs(bottom, isTop: false)
    undecidedCount = numbers.count
  }
}

// MARK: - Merging

extension BorderComponents {
  /// Of these rows and of those right above or right below them, as one.
  ///
  /// - Throws: ``ImbrexError`` if they are not neighbours of one picture.
  package func merged(with neighbour: BorderComponents) throws -> BorderComponents {
    let (upper, lower) = rows.lowerBound < neighbour.rows.lowerBound ? (self, neighbour) : (neighbour, self)
    guard upper.rows.upperBound == lower.rows.lowerBound, upper.width == lower.width else {
      throw ImbrexError(
        .input, "rows \(upper.rows) of \(upper.width) columns and \(lower.rows) of \(lower.width) are no neighbours")
    }
    return Self.merged([upper, lower])
  }

  /// Of parts from the top, each right below the one before it.
  static func merged(_ parts: [BorderComponents]) -> BorderComponents {
    var joined = JoinedComponents(parts)
    let last = parts.count - 1
    return BorderComponents(
      width: parts[0].width, rows: parts[0].rows.lowerBound..<parts[last].rows.upperBound,
      top: parts[0].top.map(\.columns), bottom: parts[last].bottom.map(\.columns)
    ) { isTop, index in
      let component =
        isTop
        ? joined.component(parts[0].top[index].component, of: 0)
        : joined.component(parts[last].bottom[index].component, of: last)
      return component == 0 ? nil : component
    }
  }

  /// Which undecided components of each part are strong because of the other parts.
  ///
  /// - Parameters:
  ///   - parts: From the top, each right below the one before it.
  ///   - outside: The components of `merged(parts)` that are strong because of what is beyond all of them.
  package static func decided(_ parts: [BorderComponents], knowing outside: Set<Int> = []) -> [Set<Int>] {
    var joined = JoinedComponents(parts)
    if !outside.isEmpty {
      // The runs of the whole's border rows are those of the first and of the last part.
      let whole = merged(parts)
      for (run, own) in zip(whole.top, parts[0].top) where outside.contains(run.component) {
        joined.join(0, of: 0, own.component, of: 0)
      }
      for (run, own) in zip(whole.bottom, parts.last!.bottom) where outside.contains(run.component) {
        joined.join(0, of: 0, own.component, of: parts.count - 1)
      }
    }
    return parts.enumerated().map { part, border in
      Set((1..<(border.undecidedCount + 1)).filter { joined.component($0, of: part) == 0 })
    }
  }
}

/// The components of parts that stand one below the other, joined where they touch.
private struct JoinedComponents {
  /// Of each part, what its component numbers begin with: 0 is everything strong, in all parts.
  private var offsets: [Int] = []
  private var sets: DisjointSets

  init(_ parts: [BorderComponents]) {
    var count = 0
    for part in parts {
      offsets.append(count)
      count += part.undecidedCount
    }
    sets = DisjointSets(count: count + 1)
    for lower in parts.indices.dropFirst() {
      precondition(
        parts[lower - 1].rows.upperBound == parts[lower].rows.lowerBound && parts[lower - 1].width == parts[lower].width
      )
      joinTouching(parts[lower - 1].bottom.map(\.columns), parts[lower].top.map(\.columns)) { above, below in
        join(
          parts[lower - 1].bottom[above].component, of: lower - 1, parts[lower].top[below].component, of: lower)
      }
    }
  }

  private func place(_ component: Int, of part: Int) -> Int { component == 0 ? 0 : offsets[part] + component }

  mutating func join(_ a: Int, of part: Int, _ b: Int, of other: Int) {
    sets.join(place(a, of: part), place(b, of: other))
  }

  /// 0 if it is strong, else the same number for all that is joined with it.
  mutating func component(_ component: Int, of part: Int) -> Int { sets.least(place(component, of: part)) }
}

/// Calls `join` for all pairs of runs, in two rows one above the other, that touch, corners included.
func joinTouching(_ above: [Range<Int>], _ below: [Range<Int>], _ join: (_ above: Int, _ below: Int) -> Void) {
  var first = 0
  for (index, run) in below.enumerated() {
    while first < above.count && above[first].upperBound < run.lowerBound { first += 1 }
    var other = first
    while other < above.count && above[other].lowerBound <= run.upperBound {
      join(other, index)
      other += 1
    }
  }
}

/// Numbers that are joined into sets (union–find, with path halving); each set is known by its least.
struct DisjointSets {
  private var parents: [Int]

  init(count: Int = 0) { parents = Array(0..<count) }

  /// Adds sets of one number each, and gives the first.
  mutating func add(_ count: Int) -> Int {
    let first = parents.count
    parents.append(contentsOf: first..<(first + count))
    return first
  }

  mutating func least(_ number: Int) -> Int {
    var number = number
    while parents[number] != number {
      parents[number] = parents[parents[number]]
      number = parents[number]
    }
    return number
  }

  mutating func join(_ a: Int, _ b: Int) {
    let a = least(a), b = least(b)
    parents[max(a, b)] = min(a, b)
  }
}
