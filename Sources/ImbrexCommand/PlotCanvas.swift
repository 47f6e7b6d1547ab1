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
    let glyphs = text.map { StrokeFont.glyph($0) }
    let length = glyphs.reduce(0) { $0 + $1.advance } * unit
    var start = x - (style.anchor == .end ? length : style.anchor == .middle ? length / 2 : 0)
    for glyph in glyphs {
      let segments = glyph.strokes.flatMap { stroke in
        stroke.count == 1 ? [(stroke[0], stroke[0])] : Array(zip(stroke, stroke.dropFirst()))
      }
      self.stroke(
        segments.map { a, b in
          ((start + a.x * unit, y + (a.y - 6) * unit), (start + b.x * unit, y + (b.y - 6) * unit))
        }, width: style.isBold ? 1.7 : 1.1, ink)
      start += glyph.advance * unit
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
    let half = width * scale / 2
    let color = ink.color.map(Self.rgb) ?? Self.text
    let ends = segments.flatMap { [$0.0, $0.1] }
    guard let left = ends.map(\.x).min(), let right = ends.map(\.x).max(), let top = ends.map(\.y).min(),
      let bottom = ends.map(\.y).max()
    else { return }
    let columns = range(left, right, half, self.width), rows = range(top, bottom, half, height)
    for row in rows {
      for column in columns {
        let p = (x: (Double(column) + 0.5) / scale, y: (Double(row) + 0.5) / scale)
        let distance = segments.reduce(Double.infinity) { min($0, Self.distance(p, $1.0, $1.1)) }
        let cover = min(max(half + 0.5 - distance * scale, 0), 1) * ink.opacity
        if cover > 0 { pixels[row * self.width + column] += (color - pixels[row * self.width + column]) * cover }
      }
    }
  }

  private func range(_ from: Double, _ to: Double, _ half: Double, _ count: Int) -> Range<Int> {
    let first = max(Int((from * scale - half - 1).rounded(.down)), 0)
    return first..<max(min(Int((to * scale + half + 2).rounded(.up)), count), first)
  }

  private static func distance(_ p: Point, _ a: Point, _ b: Point) -> Double {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let squared = dx * dx + dy * dy
    let along = squared > 0 ? min(max(((p.x - a.x) * dx + (p.y - a.y) * dy) / squared, 0), 1) : 0
    let (ex, ey) = (a.x + along * dx - p.x, a.y + along * dy - p.y)
    return (ex * ex + ey * ey).squareRoot()
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

/// Letters as strokes, as a pen plotter draws them: enough of them for a plot's labels.
enum StrokeFont {
  struct Glyph {
    /// Capitals are 0 … 6 high, from the top; small letters begin at 2, tails end at 8.
    let strokes: [[PlotCanvas.Point]]
    let advance: Double
  }

  static func glyph(_ character: Character) -> Glyph {
    guard character != " " else { return Glyph(strokes: [], advance: 3) }
    // A capital that is not there is drawn as its small letter, anything else as a box.
    let code = glyphs[character] ?? character.lowercased().first.flatMap { glyphs[$0] } ?? "0040460600"
    let strokes = code.split(separator: " ").map { stroke -> [PlotCanvas.Point] in
      let digits = stroke.map { Double($0.wholeNumberValue ?? 0) }
      return stride(from: 0, to: digits.count - 1, by: 2).map { (digits[$0], digits[$0 + 1]) }
    }
    return Glyph(strokes: strokes, advance: (strokes.joined().map(\.x).max() ?? 0) + 2)
  }

  /// Strokes of points, each its column and its row.
  private static let glyphs: [Character: String] = [
    "0": "103041453616050110", "1": "012026 1636", "2": "01103041420646", "3": "0110304142334445361605 2333",
    "4": "36300444", "5": "400002324345361605", "6": "413010010516364544331304", "7": "004026",
    "8": "13020110304142331304051636454433", "9": "423313020110304145361605",
    "a": "4246 4332120305163645", "b": "0006 0312324345361605", "c": "4332120305163645", "d": "4046 4332120305163645",
    "e": "04444332120305163645", "f": "30201116 0232", "g": "4247381807 4332120305163645", "h": "0006 0312324346",
    "i": "0206 00", "j": "121708 10", "k": "0006 4204 1346", "l": "000516", "m": "0206 03122326 23324346",
    "n": "0206 0312324346", "o": "123243453616050312", "p": "0208 0312324345361605", "q": "4248 4332120305163645",
    "r": "0206 031232", "s": "4212031434453606", "t": "10152636 0232", "u": "0205163645 4246", "v": "022642",
    "w": "0216233642", "x": "0246 4206", "y": "0226 4218", "z": "02420646", "B": "00063645443303 3342413000",
    "G": "41301001051636454323", "R": "06003041423303 2346", "K": "0006 4004 1346", "L": "000646", "M": "0600234046",
    "Y": "0023 402326", "-": "0434", "+": "0444 2226", ".": "06", ",": "0607", ":": "03 06", "(": "10020517",
    ")": "00121507", "/": "4006", "%": "4006 0010110100 3545463635", "×": "0246 4206", "_": "0747", "=": "0343 0545",
  ]
}
