/// Which points of two sets, left and right, are near enough to be a pair.
///
/// A search closes right points as it meets them, and does not meet them again.
protocol MatchingGraph {
  associatedtype Cursor
  /// Before the first neighbour of a left point.
  func cursor(of left: Int) -> Cursor
  /// The next open neighbour, and moves on behind it.
  func next(_ cursor: inout Cursor) -> Int?
  /// Closes the neighbour that ``next(_:)`` gave last.
  mutating func close(_ cursor: Cursor)
  /// Opens again what was closed with this cursor.
  mutating func open(_ cursor: Cursor)
  mutating func openAll()
}

/// A matching in a bipartite graph, made as large as possible by Hopcroft and Karp's algorithm (1973, doi:10.1137/0202019): in each
/// phase the shortest paths on which pairs can be exchanged for one more, as many of them as do not touch.
///
/// The last few paths are long, and each phase looks at nearly all points for them. So when a phase has made few new pairs, the points
/// that are left are tried one by one: what a search in vain has seen leads no other search anywhere, and stays closed.
struct Matching {
  private(set) var count = 0
  /// The left partner of each right point, or -1.
  private var partners: [Int32]
  /// The right partner of each left point, or -1.
  private var choices: [Int32]

  init(leftCount: Int, rightCount: Int) {
    partners = Array(repeating: -1, count: rightCount)
    choices = Array(repeating: -1, count: leftCount)
  }

  /// Makes a pair of two points that have none.
  mutating func join(_ left: Int, _ right: Int) {
    (partners[right], choices[left]) = (Int32(left), Int32(right))
    count += 1
  }

  mutating func complete(in graph: inout some MatchingGraph) {
    var levels = [Int32](repeating: -1, count: choices.count)
    var free = choices.indices.filter { choices[$0] < 0 }.map { Int32($0) }
    while let last = layer(free, &levels, in: &graph) {
      graph.openAll()
      for left in free { extend(from: left, last: last, levels, in: &graph) }
      let before = free.count
      free.removeAll { choices[Int($0)] >= 0 }
      if 3 * (before - free.count) < before { free = finish(free, in: &graph) }
    }
  }

  /// How many exchanges each left point is away from a free one.
  ///
  /// - Returns: Those of the nearest that has a free neighbour; nil if none has.
  private func layer(_ free: [Int32], _ levels: inout [Int32], in graph: inout some MatchingGraph) -> Int32? {
    for index in levels.indices { levels[index] = -1 }
    for left in free { levels[Int(left)] = 0 }
    graph.openAll()
    var queue = free, head = 0
    var last: Int32?
    while head < queue.count {
      let left = Int(queue[head]), level = levels[left]
      head += 1
      if let last, level > last { break }
      var cursor = graph.cursor(of: left)
      while let right = graph.next(&cursor) {
        graph.close(cursor)
        let partner = partners[right]
        if partner < 0 {
          last = level
        } else if last == nil {
          levels[Int(partner)] = level + 1
          queue.append(partner)
        }
      }
    }
    return last
  }

  /// Looks for a path from a free left point down the levels to a free right one, and exchanges its pairs.
  private mutating func extend<Graph: MatchingGraph>(
    from start: Int32, last: Int32, _ levels: [Int32], in graph: inout Graph
  ) {
    // Each left point of the path, with the neighbour that it is at.
    var path: [(left: Int32, right: Int32, cursor: Graph.Cursor)] = [(start, -1, graph.cursor(of: Int(start)))]
    while var step = path.popLast() {
      guard let right = graph.next(&step.cursor) else { continue }
      let partner = partners[right]
      if partner < 0 {
        graph.close(step.cursor)
        (partners[right], choices[Int(step.left)]) = (step.left, Int32(right))
        for step in path { (partners[Int(step.right)], choices[Int(step.left)]) = (step.left, step.right) }
        count += 1
        return
      }
      step.right = Int32(right)
      path.append(step)
      let level = levels[Int(partner)]
      if level == levels[Int(step.left)] + 1 && level <= last {
        graph.close(step.cursor)
        path.append((partner, -1, graph.cursor(of: Int(partner))))
      }
    }
  }

  /// Tries free left points one by one.
  ///
  /// - Returns: Those that have not been tried, because the searches went too far: phases do better there.
  private mutating func finish<Graph: MatchingGraph>(_ free: [Int32], in graph: inout Graph) -> [Int32] {
    graph.openAll()
    var parents = [Int32](repeating: -1, count: choices.count)
    var steps = 4 * (partners.count + choices.count)
    for (index, start) in free.enumerated() {
      guard steps > 0 else { return Array(free[index...]) }
      var queue = [start], closed: [Graph.Cursor] = [], head = 0
      search: while head < queue.count {
        let left = queue[head]
        head += 1
        var cursor = graph.cursor(of: Int(left))
        while let right = graph.next(&cursor) {
          graph.close(cursor)
          closed.append(cursor)
          guard partners[right] < 0 else {
            parents[Int(partners[right])] = left
            queue.append(partners[right])
            continue
          }
          exchange(from: Int32(right), left, parents, until: start)
          for cursor in closed { graph.open(cursor) }
          steps -= queue.count
          break search
        }
      }
    }
    return []
  }

  private mutating func exchange(from right: Int32, _ left: Int32, _ parents: [Int32], until start: Int32) {
    var (right, left) = (right, left)
    while true {
      let next = choices[Int(left)]
      (partners[Int(right)], choices[Int(left)]) = (left, right)
      if left == start { break }
      (right, left) = (next, parents[Int(left)])
    }
    count += 1
  }
}
