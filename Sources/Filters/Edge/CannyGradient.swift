import Kernels
import Pictures

import Pipeline

/// Smoothing and gradient of Canny's detector, each with its own boundary, row by row.
struct CannyGradient: Sendable {
  let edge: Edge
  let input: ImageDescription
  private let weights: (y: [Double], x: [Double])
  private let loader: DoubleLumaLoader
  /// Which pixels count; nil: all.
  let coverage: Coverage?
  /// What the weights of the smoothing add up to.
  private let whole: Double

  init(_ edge: Edge, _ input: ImageDescription) {
    self.edge = edge
    self.input = input
    weights = (GaussianKernel(sigma: edge.sigmaY).weights, GaussianKernel(sigma: edge.sigmaX).weights)
    loader = DoubleLumaLoader(input: input, isLinear: edge.isLinear)
    // Whoever makes stages of an edge has seen that the mask fits.
    coverage = (try? Coverage(input, .pixels)) ?? nil
    whole = GaussianKernel.sum(ofY: weights.y, x: weights.x)
  }

  private var radiusY: Int { weights.y.count - 1 }
  private var radiusX: Int { weights.x.count - 1 }

  /// Of thinning, which looks a pixel further than the gradient.
  var halo: Halo { Halo(y: radiusY + 2, x: radiusX + 2) }
  var needsWholePicture: Bool { edge.boundary == .wrap && max(radiusY, radiusX) > 0 }

  /// Rings of rows: of picture row y, which is there until row y + 4 is, the gradient down and across and its magnitude.
  struct Rows {
    fileprivate let down, across, magnitude: UnsafeMutablePointer<Double>
    fileprivate let pitch: Int
    /// The picture's column that the rows begin at.
    let firstColumn: Int
    /// Which pixels count; nil: all that these rows were made of.
    let coverage: Coverage?
    let source: SourceRows

    fileprivate static func slot(_ ring: UnsafeMutablePointer<Double>, _ y: Int, _ pitch: Int)
      -> UnsafeMutablePointer<Double>
    { ring + (y & 3) * pitch + 1 }

    func down(_ y: Int) -> UnsafeMutablePointer<Double> { Self.slot(down, y, pitch) }
    func across(_ y: Int) -> UnsafeMutablePointer<Double> { Self.slot(across, y, pitch) }
    func magnitude(_ y: Int) -> UnsafeMutablePointer<Double> { Self.slot(magnitude, y, pitch) }
  }

  /// Goes over a region in blocks that stay in the cache, and over each block, and one row more above and below it, from the top.
  ///
  /// - Parameter visit: Called when row `y` is there; rows `y` − 3 … are too.
  func visit(
    _ region: Region, from source: SourceRows, scratch: Scratch,
    _ visit: (_ y: Int, _ block: Region, _ rows: Rows) -> Void
  ) {
    // Blocks whose rows, in double precision, stay in the cache; larger ones where their ghosts would outweigh them.
    let width = max(2048, 2 * radiusX), height = max(64, 4 * radiusY)
    for y in stride(from: region.y, to: region.endY, by: height) {
      for x in stride(from: region.x, to: region.endX, by: width) {
        let block = Region(x: x, y: y, width: min(width, region.endX - x), height: min(height, region.endY - y))
        scratch.frame { self.visit(block: block, from: source, scratch: scratch, visit) }
      }
    }
  }

  private func visit(
    block: Region, from source: SourceRows, scratch: Scratch, _ visit: (_ y: Int, _ block: Region, _ rows: Rows) -> Void
  ) {
    let kernels = KernelTable.current
    // Where nothing is left out a number for no data changes nothing; a mask always divides, as in scikit-image.
    var coverage = coverage
    if let rule = coverage, !rule.hasMask,
      rule.isTotal(block, halo: halo, boundary: Boundaries(edge.boundary), source, scratch: scratch)
    {
      coverage = nil
    }
    // Magnitudes are needed one pixel around the block, smoothed values one further, both clipped to the picture.
    let magnitudes = block.grown(by: Halo(y: 1, x: 1), in: input)
    let smoother = Smoother(
      block.grown(by: Halo(y: 2, x: 2), in: input), edge: edge, weights: weights, coverage: coverage, whole: whole,
      loader: loader, source: source, scratch: scratch)
    // Columns begin one before the magnitudes'.
    let pitch = magnitudes.width + 2
    func ring() -> UnsafeMutablePointer<Double> { scratch.allocate(4 * pitch) }
    let smoothed = ring()
    let rows = Rows(
      down: ring(), across: ring(), magnitude: ring(), pitch: pitch, firstColumn: magnitudes.x,
      coverage: coverage, source: source)
    rows.magnitude.update(repeating: 0, count: 4 * pitch)

    var nextSmoothed = smoother.region.y
    for y in magnitudes.y..<magnitudes.endY {
      while nextSmoothed <= min(y + 1, input.height - 1) {
        let row = Rows.slot(smoothed, nextSmoothed, pitch)
        // Beyond the picture's left and right, reflect: the gradient's own boundary.
        smoother.row(nextSmoothed, into: row + (smoother.region.x - magnitudes.x))
        if magnitudes.x == 0 { row[-1] = row[0] }
        if magnitudes.endX == input.width { row[magnitudes.width] = row[magnitudes.width - 1] }
        nextSmoothed += 1
      }
      let window = [max(y - 1, 0), y, min(y + 1, input.height - 1)].map {
        UnsafePointer(Rows.slot(smoothed, $0, pitch))
      }
      kernels.canny_gradient_f64(window, rows.down(y), rows.across(y), rows.magnitude(y), magnitudes.width)
      visit(y, block, rows)
    }
  }
}
