import Imbrex

/// Speed-up against workers, as a picture: the ideal line, medians with their spread, and what share of the work a speed-up
/// says is serial. Colours go with light and dark grounds.
struct SpeedupPlot {
  private struct Point {
    let jobs: Int
    let speedup, least, greatest: Double
    let serialFraction: Double?
  }

  private let title: String
  /// A line for each tiling, by its name (empty if there is one).
  private let lines: [(name: String, points: [Point])]
  private static let width = 640.0, height = 420.0
  private static let left = 60.0, right = 24.0, top = 56.0, bottom = 52.0
  private static let colors = ["#2f7ed8", "#d9822b", "#3a9d5d", "#b4569c", "#8a8f2a", "#c94f4f"]

  init(_ report: BenchReport) {
    title = "imbrex \(report.filter), \(report.picture.summary)\(report.isEndToEnd ? ", from file to file" : "")"
    let serial = report.runs[0].median
    var lines: [(String, [Point])] = []
    let parallel = report.runs.filter { !$0.isSerial }
    let names = parallel.map { "tiles of \($0.tileHeight) × \($0.tileWidth)" }
    // The default tiling depends on the worker count, but is one line.
    let isOneTiling = Dictionary(grouping: parallel.indices, by: { parallel[$0].jobs }).values.allSatisfy {
      $0.count == 1
    }
    for (run, name) in zip(parallel, names) {
      let point = Point(
        jobs: run.jobs, speedup: report.speedup(run), least: serial / run.greatest, greatest: serial / run.least,
        serialFraction: report.serialFraction(run))
      let name = isOneTiling ? "" : name
      if let index = lines.firstIndex(where: { $0.0 == name }) {
        lines[index].1.append(point)
      } else {
        lines.append((name, [point]))
      }
    }
    self.lines = lines.map { ($0.0, $0.1.sorted { $0.jobs < $1.jobs }) }
  }

  private var mostJobs: Double { Double(max(lines.flatMap(\.points).map(\.jobs).max() ?? 1, 2)) }
  private var mostSpeedup: Double { max(mostJobs, lines.flatMap(\.points).map(\.greatest).max() ?? 1) }

  private func x(_ jobs: Double) -> Double {
    Self.left + (jobs - 1) / (mostJobs - 1) * (Self.width - Self.left - Self.right)
  }

  private func y(_ speedup: Double) -> Double {
    Self.height - Self.bottom - speedup / mostSpeedup * (Self.height - Self.top - Self.bottom)
  }

  /// Whole steps, at most about eight of them.
  private func ticks(_ most: Double) -> [Double] {
    var step = 1.0
    while most / step > 8 { step *= 2 }
    return Array(stride(from: step, through: most, by: step))
  }

  var svg: String {
    var parts: [String] = []
    func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
      parts.append(
        #"<line x1="\#(fixed(x1, 1))" y1="\#(fixed(y1, 1))" x2="\#(fixed(x2, 1))" y2="\#(fixed(y2, 1))" \#(style)/>"#)
    }
    func text(_ x: Double, _ y: Double, _ content: String, _ style: String = "") {
      let escaped = content.map { ["&": "&amp;", "<": "&lt;", ">": "&gt;"][$0] ?? String($0) }.joined()
      parts.append(#"<text x="\#(fixed(x, 1))" y="\#(fixed(y, 1))" \#(style)>\#(escaped)</text>"#)
    }
    text(Self.left, 24, title, #"font-size="15" font-weight="600""#)
    text(Self.left, 42, "speed-up over one worker and one tile", #"opacity="0.7""#)
    for tick in ticks(mostSpeedup) {
      line(Self.left, y(tick), Self.width - Self.right, y(tick), #"stroke="currentColor" stroke-opacity="0.15""#)
      text(Self.left - 8, y(tick) + 4, shortest(tick), #"text-anchor="end""#)
    }
    for jobs in Set([1] + lines.flatMap(\.points).map(\.jobs)).sorted() {
      text(x(Double(jobs)), Self.height - Self.bottom + 20, String(jobs), #"text-anchor="middle""#)
    }
    text((Self.left + Self.width - Self.right) / 2, Self.height - 12, "workers", #"text-anchor="middle" opacity="0.7""#)
    line(Self.left, y(0), Self.width - Self.right, y(0), #"stroke="currentColor" stroke-opacity="0.5""#)
    line(x(1), y(1), x(mostJobs), y(mostJobs), #"stroke="currentColor" stroke-opacity="0.5" stroke-dasharray="5 4""#)
    text(x(mostJobs) - 6, y(mostJobs) - 6, "ideal", #"text-anchor="end" opacity="0.7""#)
    for (index, entry) in lines.enumerated() {
      let color = Self.colors[index % Self.colors.count]
      let path = entry.points.map { "\(fixed(x(Double($0.jobs)), 1)),\(fixed(y($0.speedup), 1))" }.joined(
        separator: " ")
      parts.append(#"<polyline points="\#(path)" fill="none" stroke="\#(color)" stroke-width="2.5"/>"#)
      for point in entry.points {
        let px = x(Double(point.jobs))
        line(px, y(point.least), px, y(point.greatest), #"stroke="\#(color)" stroke-width="6" stroke-opacity="0.3""#)
        parts.append(#"<circle cx="\#(fixed(px, 1))" cy="\#(fixed(y(point.speedup), 1))" r="4" fill="\#(color)"/>"#)
        if lines.count == 1, let fraction = point.serialFraction {
          text(
            px - 8, y(point.speedup) + 20, "\(fixed(point.speedup, 2)) (\(fixed(100 * max(fraction, 0), 1)) % serial)",
            #"text-anchor="end" fill="\#(color)""#)
        }
      }
      if !entry.name.isEmpty {
        text(Self.left + 16, Self.top + 18 + 18 * Double(index), entry.name, #"fill="\#(color)" font-weight="600""#)
      }
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(Int(Self.height))" width="\(Int(Self.width))" \
      height="\(Int(Self.height))" font-family="system-ui, sans-serif" font-size="12">
      <style>svg { color: #24292f } text { fill: currentColor } @media (prefers-color-scheme: dark) { svg { color: #d0d7de } }</style>
      \(parts.joined(separator: "\n"))
      </svg>

      """
  }
}
