import Imbrex

/// Speed-up against workers, as a picture: the ideal line, medians with their spread, and what share of the work a speed-up
/// says is serial. Colours go with light and dark grounds.
struct SpeedupPlot {
  private struct Point {
    let workers: Int
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
    let isOneTiling = Dictionary(grouping: parallel.indices, by: { parallel[$0].workers }).values.allSatisfy {
      $0.count == 1
    }
    for (run, name) in zip(parallel, names) {
      let point = Point(
        workers: run.workers, speedup: report.speedup(run), least: serial / run.greatest, greatest: serial / run.least,
        serialFraction: report.serialFraction(run))
      let name = isOneTiling ? "" : name
      if let index = lines.firstIndex(where: { $0.0 == name }) {
        lines[index].1.append(point)
      } else {
        lines.append((name, [point]))
      }
    }
    self.lines = lines.map { ($0.0, $0.1.sorted { $0.workers < $1.workers }) }
  }

  private var mostWorkers: Double { Double(max(lines.flatMap(\.points).map(\.workers).max() ?? 1, 2)) }
  private var mostSpeedup: Double { max(mostWorkers, lines.flatMap(\.points).map(\.greatest).max() ?? 1) }

  private func x(_ workers: Double) -> Double {
    Self.left + (workers - 1) / (mostWorkers - 1) * (Self.width - Self.left - Self.right)
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

  func draw(on canvas: inout some PlotCanvas) {
    let size = Self.height, ground = PlotInk()
    canvas.text(title, x: Self.left, y: 24, PlotText(size: 15, isBold: true), ground)
    canvas.text("speed-up over one worker and one tile", x: Self.left, y: 42, PlotText(), ground.faint(0.7))
    for tick in ticks(mostSpeedup) {
      canvas.line([(Self.left, y(tick)), (Self.width - Self.right, y(tick))], width: 1, ground.faint(0.15))
      canvas.text(shortest(tick), x: Self.left - 8, y: y(tick) + 4, PlotText(anchor: .end), ground)
    }
    for workers in Set([1] + lines.flatMap(\.points).map(\.workers)).sorted() {
      canvas.text(
        String(workers), x: x(Double(workers)), y: size - Self.bottom + 20, PlotText(anchor: .middle), ground)
    }
    canvas.text(
      "workers", x: (Self.left + Self.width - Self.right) / 2, y: size - 12, PlotText(anchor: .middle),
      ground.faint(0.7))
    canvas.line([(Self.left, y(0)), (Self.width - Self.right, y(0))], width: 1, ground.faint(0.5))
    canvas.line([(x(1), y(1)), (x(mostWorkers), y(mostWorkers))], width: 1, dash: (5, 4), ground.faint(0.5))
    canvas.text("ideal", x: x(mostWorkers) - 6, y: y(mostWorkers) - 6, PlotText(anchor: .end), ground.faint(0.7))
    for (index, entry) in lines.enumerated() {
      let ink = PlotInk(color: Self.colors[index % Self.colors.count])
      canvas.line(entry.points.map { (x(Double($0.workers)), y($0.speedup)) }, width: 2.5, ink)
      for point in entry.points {
        let px = x(Double(point.workers))
        canvas.line([(px, y(point.least)), (px, y(point.greatest))], width: 6, ink.faint(0.3))
        canvas.dot(x: px, y: y(point.speedup), radius: 4, ink)
        if lines.count == 1, let fraction = point.serialFraction {
          canvas.text(
            "\(fixed(point.speedup, 2)) (\(fixed(100 * max(fraction, 0), 1)) % serial)", x: px - 8,
            y: y(point.speedup) + 20, PlotText(anchor: .end), ink)
        }
      }
      if !entry.name.isEmpty {
        canvas.text(
          entry.name, x: Self.left + 16, y: Self.top + 18 + 18 * Double(index), PlotText(isBold: true), ink)
      }
    }
  }

  var svg: String {
    var canvas = SVGCanvas(width: Self.width, height: Self.height)
    draw(on: &canvas)
    return canvas.document
  }

  /// The same drawing in pixels, twice as large, on white.
  func picture() throws -> Picture {
    var canvas = PixelCanvas(width: Self.width, height: Self.height, scale: 2)
    draw(on: &canvas)
    return try canvas.picture()
  }
}
