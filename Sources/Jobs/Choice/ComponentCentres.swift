extension EdgePoints {
  /// The mean place of each group of points that hang together, also over corners, in raster order of their first points.
  ///
  /// - Complexity: O(words + points); memory by the runs of points in rows.
  var componentCentres: [BlobCentre] {
    var groups = RunGroups()
    var above: [(first: Int, last: Int, group: Int)] = []
    for y in 0..<height {
      var row: [(first: Int, last: Int, group: Int)] = []
      var next = 0
      for run in runs(of: y) {
        let group = groups.add(first: run.first, last: run.last, y: y)
        // Runs above that end too far left for this one do so for all that follow.
        while next < above.count && above[next].last + 1 < run.first { next += 1 }
        var other = next
        while other < above.count && above[other].first <= run.last + 1 {
          groups.join(above[other].group, group)
          other += 1
        }
        row.append((run.first, run.last, group))
      }
      above = row
    }
    return groups.centres
  }

  /// Neighbouring points of a row, from the left.
  private func runs(of y: Int) -> [(first: Int, last: Int)] {
    var runs: [(first: Int, last: Int)] = []
    for word in 0..<wordsPerRow {
      var bits = words[y * wordsPerRow + word]
      while bits != 0 {
        let start = bits.trailingZeroBitCount
        let length = (~(bits >> UInt64(start))).trailingZeroBitCount
        let first = 64 * word + start
        if let last = runs.last?.last, last + 1 == first {
          runs[runs.count - 1].last = first + length - 1
        } else {
          runs.append((first, first + length - 1))
        }
        if start + length >= 64 { break }
        bits &= ~0 << UInt64(start + length)
      }
    }
    return runs
  }
}

/// Which runs hang together; the first of each group knows its points' sums.
private struct RunGroups {
  private var parents: [Int] = []
  private var sums: [(count: Int, x: Int, y: Int)] = []

  mutating func add(first: Int, last: Int, y: Int) -> Int {
    let count = last - first + 1
    parents.append(parents.count)
    sums.append((count, (first + last) * count / 2, y * count))
    return parents.count - 1
  }

  private mutating func root(_ group: Int) -> Int {
    var group = group
    while parents[group] != group {
      parents[group] = parents[parents[group]]
      group = parents[group]
    }
    return group
  }

  mutating func join(_ a: Int, _ b: Int) {
    let (a, b) = (root(a), root(b))
    guard a != b else { return }
    let (first, second) = (min(a, b), max(a, b))
    parents[second] = first
    sums[first].count += sums[second].count
    sums[first].x += sums[second].x
    sums[first].y += sums[second].y
  }

  var centres: [BlobCentre] {
    parents.indices.filter { parents[$0] == $0 }.map {
      let sum = sums[$0]
      return BlobCentre(y: Double(sum.y) / Double(sum.count), x: Double(sum.x) / Double(sum.count))
    }
  }
}
