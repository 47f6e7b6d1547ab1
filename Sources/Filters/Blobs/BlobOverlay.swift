public import Pictures
import Pipeline

/// Draws blobs on a picture: anti-aliased circles, coloured by scale, with a dark rim so that they show on any ground.
public struct BlobOverlay: Sendable {
  private let blobs: [Blob]
  private let scales: ClosedRange<Double>

  /// - Parameters:
  ///   - blobs: What to draw, in pixels of the picture.
  ///   - sigmas: The scales that were looked at: the first is drawn yellow, the last magenta.
  public init(blobs: [Blob], sigmas: [Double]) {
    self.blobs = blobs
    scales = (sigmas.min() ?? 1)...(sigmas.max() ?? 1)
  }

  /// A copy of the picture, in colour, at its own depth, with the blobs drawn on it.
  ///
  /// Cost: pixels, and blobs × radius.
  public func draw(on picture: Picture) throws -> Picture {
    // Inks are drawn on as the light that they leave; of Lab and of bands there is gray.
    var picture = picture
    if picture.description.color == .cmyk {
      var wanted = picture.description
      wanted.color = .rgb
      picture = try picture.converted(to: wanted)
    }
    let description = picture.description
    let drawing = try Picture(
      ImageDescription(
        width: description.width, height: description.height, color: .rgb, sampleType: description.sampleType))
    copyColor(of: picture, to: drawing)
    // Weakest first, so that the strongest lie on top.
    for blob in blobs.reversed() { draw(blob, on: drawing) }
    return drawing
  }

  private func copyColor(of picture: Picture, to drawing: Picture) {
    let from = picture.description
    let size = from.sampleType.byteCount
    for y in 0..<from.height {
      let source = picture.row(y), target = drawing.row(y)
      for x in 0..<from.width {
        let pixel = source + x * from.bytesPerPixel
        for c in 0..<3 {
          (target + (3 * x + c) * size).copyMemory(from: pixel + (from.color == .rgb ? c : 0) * size, byteCount: size)
        }
      }
    }
  }

  private func draw(_ blob: Blob, on drawing: Picture) {
    let description = drawing.description
    guard blob.isRound else { return drawEllipse(blob, on: drawing) }
    let radius = max(blob.radius, 1)
    let reach = Int(radius + 4)
    let color = color(of: blob.sigma)
    for y in max(blob.y - reach, 0)...min(blob.y + reach, description.height - 1) {
      // Only where the ring crosses this row: outside the circle of radius + 3, inside that of radius − 3.
      let dy = Double(y - blob.y)
      let outer = (radius + 3) * (radius + 3) - dy * dy
      guard outer >= 0 else { continue }
      let half = Int(outer.squareRoot()) + 1
      for x in max(blob.x - half, 0)...min(blob.x + half, description.width - 1) {
        let dx = Double(x - blob.x)
        drawPixel(y, x, distance: abs((dx * dx + dy * dy).squareRoot() - radius), color, on: drawing)
      }
    }
  }

  private func drawEllipse(_ blob: Blob, on drawing: Picture) {
    let description = drawing.description
    let (radiusY, radiusX) = (max(blob.radiusY, 1), max(blob.radius, 1)), color = color(of: blob.sigma)
    let (down, across) = (Int(radiusY + 4), Int(radiusX + 4))
    for y in max(blob.y - down, 0)...min(blob.y + down, description.height - 1) {
      for x in max(blob.x - across, 0)...min(blob.x + across, description.width - 1) {
        // Where the ellipse is 1: how far it is from that, by how fast it grows.
        let (v, u) = (Double(y - blob.y) / radiusY, Double(x - blob.x) / radiusX)
        let value = (v * v + u * u).squareRoot()
        guard value > 0 else { continue }
        let slope = (v * v / (radiusY * radiusY) + u * u / (radiusX * radiusX)).squareRoot() / value
        drawPixel(y, x, distance: abs(value - 1) / slope, color, on: drawing)
      }
    }
  }

  /// A bright line 1.5 pixels wide on a dark one of 3.5.
  private func drawPixel(_ y: Int, _ x: Int, distance: Double, _ color: [Double], on drawing: Picture) {
    let dark = coverage(distance, halfWidth: 1.75) * 0.6, bright = coverage(distance, halfWidth: 0.75)
    guard dark > 0 else { return }
    for c in 0..<3 {
      blend(drawing, x: x, y: y, channel: c) { ($0 * (1 - dark)) * (1 - bright) + color[c] * bright }
    }
  }

  /// How much of a pixel at `distance` from a line's middle the line covers.
  private func coverage(_ distance: Double, halfWidth: Double) -> Double {
    min(max(halfWidth + 0.5 - distance, 0), 1)
  }

  private func color(of sigma: Double) -> [Double] {
    let span = scales.upperBound - scales.lowerBound
    let t = span > 0 ? min(max((sigma - scales.lowerBound) / span, 0), 1) : 0
    // Yellow, orange, red, magenta: all far from gray.
    let stops: [[Double]] = [[1, 0.95, 0.2], [1, 0.6, 0.1], [1, 0.25, 0.25], [0.95, 0.3, 1]]
    let position = t * Double(stops.count - 1)
    let index = min(Int(position), stops.count - 2)
    let f = position - Double(index)
    return (0..<3).map { stops[index][$0] * (1 - f) + stops[index + 1][$0] * f }
  }

  private func blend(_ drawing: Picture, x: Int, y: Int, channel: Int, _ change: (Double) -> Double) {
    let index = 3 * x + channel
    switch drawing.description.sampleType {
    case .uint8:
      let samples: UnsafeMutablePointer<UInt8> = drawing.row(y).samples()
      samples[index] = UInt8(min(max(change(Double(samples[index]) / 255) * 255 + 0.5, 0), 255))
    case .uint16:
      let samples: UnsafeMutablePointer<UInt16> = drawing.row(y).samples()
      samples[index] = UInt16(min(max(change(Double(samples[index]) / 65535) * 65535 + 0.5, 0), 65535))
    case .float32:
      let samples: UnsafeMutablePointer<Float> = drawing.row(y).samples()
      samples[index] = Float(change(Double(samples[index])))
    case .float64:
      let samples: UnsafeMutablePointer<Double> = drawing.row(y).samples()
      samples[index] = change(samples[index])
    }
  }
}
