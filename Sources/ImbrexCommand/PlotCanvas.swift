import Imbrex

/// What a plot is drawn with. Nil is the colour of text on the ground.
struct PlotInk {
  var color: String?
  var opacity = 1.0

  func faint(_ opacity: Double) -> PlotInk { PlotInk(color: color, opacity: opacity) }
}

struct PlotText {
  enum Anchor: String { case start, middle, end }

  /// Of an em, in units of the plot.
  var size = 12.0
  var anchor = Anchor.start
  var isBold = false
}

/// What a plot is drawn on, in the plot's units, y downwards.
protocol PlotCanvas {
  typealias Point = (x: Double, y: Double)

  /// - Parameter dash: Lengths of a stroke and of the gap after it.
  mutating func line(_ points: [Point], width: Double, dash: (Double, Double)?, _ ink: PlotInk)
  mutating func dot(x: Double, y: Double, radius: Double, _ ink: PlotInk)
  /// `y` is the base line.
  mutating func text(_ text: String, x: Double, y: Double, _ style: PlotText, _ ink: PlotInk)
}

extension PlotCanvas {
  mutating func line(_ points: [Point], width: Double, _ ink: PlotInk) {
    line(points, width: width, dash: nil, ink)
  }
}

/// A plot as SVG, on no ground, whose text is dark or light as the reader's ground asks.
struct SVGCanvas: PlotCanvas {
  let width, height: Double
  private var parts: [String] = []

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  private func paint(_ kind: String, _ ink: PlotInk) -> String {
    "\(kind)=\"\(ink.color ?? "currentColor")\""
      + (ink.opacity < 1 ? " \(kind)-opacity=\"\(shortest(ink.opacity))\"" : "")
  }

  mutating func line(_ points: [Point], width: Double, dash: (Double, Double)?, _ ink: PlotInk) {
    let path = points.map { "\(fixed($0.x, 1)),\(fixed($0.y, 1))" }.joined(separator: " ")
    let dashes = dash.map { " stroke-dasharray=\"\(shortest($0.0)) \(shortest($0.1))\"" } ?? ""
    parts.append(
      "<polyline points=\"\(path)\" fill=\"none\" \(paint("stroke", ink)) stroke-width=\"\(shortest(width))\"\(dashes)/>"
    )
  }

  mutating func dot(x: Double, y: Double, radius: Double, _ ink: PlotInk) {
    parts.append(
      "<circle cx=\"\(fixed(x, 1))\" cy=\"\(fixed(y, 1))\" r=\"\(shortest(radius))\" \(paint("fill", ink))/>")
  }

  mutating func text(_ text: String, x: Double, y: Double, _ style: PlotText, _ ink: PlotInk) {
    let escaped = text.map { ["&": "&amp;", "<": "&lt;", ">": "&gt;"][$0] ?? String($0) }.joined()
    let weight = style.isBold ? " font-weight=\"600\"" : ""
    parts.append(
      """
      <text x="\(fixed(x, 1))" y="\(fixed(y, 1))" font-size="\(shortest(style.size))" \
      text-anchor="\(style.anchor.rawValue)"\(weight) \(paint("fill", ink))>\(escaped)</text>
      """)
  }

  var document: String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" width="\(Int(width))" \
    height="\(Int(height))" font-family="system-ui, sans-serif">
    <style>svg { color: #24292f } @media (prefers-color-scheme: dark) { svg { color: #d0d7de } }</style>
    \(parts.joined(separator: "\n"))
    </svg>

    """
  }
}

/// A plot as pixels on white: everything is made of lines with round ends, whose edges are smooth.
struct PixelCanvas: PlotCanvas {
  private let width, height: Int
  /// Pixels to a unit of the plot.
  private let scale: Double
  /// Red, green, blue in [0, 1].
  private var pixels: [SIMD3<Double>]
  private static let ground = SIMD3(1.0, 1, 1), text = SIMD3(0.14, 0.16, 0.18)

  init(width: Double, height: Double, scale: Double) {
    self.width = Int(width * scale)
    self.height = Int(height * scale)
    self.scale = scale
    pixels = Array(repeating: Self.ground, count: self.width * self.height)
  }

  mutating func line(_ points: [Point], width: Double, dash: (Double, Double)?, _ ink: PlotInk) {
    var segments = Array(zip(points, points.dropFirst()))
    if let dash { segments = segments.flatMap { Self.dashes($0.0, $0.1, dash) } }
    stroke(segments, width: width, ink)
  }

  mutating func dot(x: Double, y: Double, radius: Double, _ ink: PlotInk) {
    stroke([((x, y), (x, y))], width: 2 * radius, ink)
  }

  mutating func text(_ text: String, x: Double, y: Double, _ style: PlotText, _ ink: PlotInk) {
    // Capitals are six units high and two thirds of an em.
    let unit = style.size / 9
    let length = StrokeFont.width(of: text, unit: unit)
    let start = x - (style.anchor == .end ? length : style.anchor == .middle ? length / 2 : 0)
    for glyph in StrokeFont.segments(of: text, x: start, y: y, unit: unit) {
      stroke(glyph, width: style.isBold ? 1.7 : 1.1, ink)
    }
  }

  private static func dashes(_ a: Point, _ b: Point, _ dash: (Double, Double)) -> [(Point, Point)] {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let length = (dx * dx + dy * dy).squareRoot()
    return stride(from: 0, to: length, by: dash.0 + dash.1).map { start in
      let (from, to) = (start / length, min(start + dash.0, length) / length)
      return ((a.x + from * dx, a.y + from * dy), (a.x + to * dx, a.y + to * dy))
    }
  }

  /// Covers what is at most half of `width` away from one of the segments, each pixel once.
  private mutating func stroke(_ segments: [(Point, Point)], width: Double, _ ink: PlotInk) {
    let color = ink.color.map(Self.rgb) ?? Self.text
    let scale = scale, columns = self.width
    let lines = segments.map { a, b in ((a.x * scale, a.y * scale), (b.x * scale, b.y * scale)) }
    paintStrokes(lines, width: width * scale, in: (columns, height)) { x, y, cover in
      pixels[y * columns + x] += (color - pixels[y * columns + x]) * (cover * ink.opacity)
    }
  }

  /// #rrggbb
  private static func rgb(_ color: String) -> SIMD3<Double> {
    let value = Int(color.dropFirst(), radix: 16) ?? 0
    return SIMD3(Double(value >> 16 & 255), Double(value >> 8 & 255), Double(value & 255)) / 255
  }

  func picture() throws -> Picture {
    let picture = try Picture(
      ImageDescription(width: width, height: height, color: .rgb, sampleType: .uint8))
    for y in 0..<height {
      let row = picture.row(y).assumingMemoryBound(to: UInt8.self)
      for x in 0..<width {
        for c in 0..<3 { row[3 * x + c] = UInt8((pixels[y * width + x][c] * 255).rounded()) }
      }
    }
    return picture
  }
}
