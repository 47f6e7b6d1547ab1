/// Points anywhere that are near each other, found by a grid of cells.
struct PointGraph: MatchingGraph {
  struct Cursor {
    var next: Int
    let end: Int
  }

  /// Of all left points, one after the other, and where each one's begin.
  private var neighbours: [Int32] = []
  private var starts = [0]
  private var isOpen: [Bool]

  init(_ left: [BlobCentre], _ right: [BlobCentre], tolerance: Double) {
    isOpen = Array(repeating: true, count: right.count)
    let side = max(tolerance, 1)
    func cell(_ point: BlobCentre) -> SIMD2<Int> {
      SIMD2(Int((point.y / side).rounded(.down)), Int((point.x / side).rounded(.down)))
    }
    var cells: [SIMD2<Int>: [Int32]] = [:]
    for (index, point) in right.enumerated() { cells[cell(point), default: []].append(Int32(index)) }
    for point in left {
      let home = cell(point)
      for dy in -1...1 {
        for dx in -1...1 {
          neighbours += (cells[home &+ SIMD2(dy, dx)] ?? []).filter { index in
            let y = right[Int(index)].y - point.y, x = right[Int(index)].x - point.x
            return y * y + x * x <= tolerance * tolerance
          }
        }
      }
      starts.append(neighbours.count)
    }
  }

  func cursor(of left: Int) -> Cursor { Cursor(next: starts[left], end: starts[left + 1]) }

  func next(_ cursor: inout Cursor) -> Int? {
    while cursor.next < cursor.end {
      let right = Int(neighbours[cursor.next])
      cursor.next += 1
      if isOpen[right] { return right }
    }
    return nil
  }

  mutating func close(_ cursor: Cursor) { isOpen[Int(neighbours[cursor.next - 1])] = false }

  mutating func open(_ cursor: Cursor) { isOpen[Int(neighbours[cursor.next - 1])] = true }

  mutating func openAll() { for index in isOpen.indices { isOpen[index] = true } }
}
