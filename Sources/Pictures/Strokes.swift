package typealias StrokePoint = (x: Double, y: Double)
package typealias StrokeSegment = (StrokePoint, StrokePoint)

/// Draws lines with round ends and smooth edges: calls `paint` for each pixel that they cover, once.
///
/// - Parameters:
///   - segments: In pixels, from the left upper corner.
///   - size: Of what is drawn on. What lies beyond it is left out.
///   - paint: Takes a pixel and how much of it is covered, 0 … 1.
/// - Complexity: O(segments × pixels of the box around them).
package func paintStrokes(
  _ segments: [StrokeSegment], width: Double, in size: (width: Int, height: Int),
  _ paint: (_ x: Int, _ y: Int, _ cover: Double) -> Void
) {
  let half = width / 2
  let ends = segments.flatMap { [$0.0, $0.1] }
  guard let left = ends.map(\.x).min(), let right = ends.map(\.x).max(), let top = ends.map(\.y).min(),
    let bottom = ends.map(\.y).max()
  else { return }
  func range(_ from: Double, _ to: Double, _ count: Int) -> Range<Int> {
    let first = max(Int((from - half - 1).rounded(.down)), 0)
    return first..<max(min(Int((to + half + 2).rounded(.up)), count), first)
  }
  for y in range(top, bottom, size.height) {
    for x in range(left, right, size.width) {
      let middle = (x: Double(x) + 0.5, y: Double(y) + 0.5)
      let distance = segments.reduce(Double.infinity) { min($0, gap(from: middle, to: $1)) }
      let cover = min(max(half + 0.5 - distance, 0), 1)
      if cover > 0 { paint(x, y, cover) }
    }
  }
}

private func gap(from point: StrokePoint, to segment: StrokeSegment) -> Double {
  let (a, b) = segment
  let (dx, dy) = (b.x - a.x, b.y - a.y)
  let squared = dx * dx + dy * dy
  let along = squared > 0 ? min(max(((point.x - a.x) * dx + (point.y - a.y) * dy) / squared, 0), 1) : 0
  let (ex, ey) = (a.x + along * dx - point.x, a.y + along * dy - point.y)
  return (ex * ex + ey * ey).squareRoot()
}
