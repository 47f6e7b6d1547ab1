import Kernels
import Pictures

import Pipeline

/// The local part of Canny's detector: smoothing, gradient and thinning. One byte a pixel: 0 no edge, 1 weak, 2 strong.
struct CannyStencil: Stencil {
  private let gradient: CannyGradient
  private let low: Double
  private let high: Double

  init(_ edge: Edge, _ input: ImageDescription, low: Double, high: Double) {
    self.init(edge, input, weakest: Self.weakest(low), high: high)
  }

  /// - Parameter low: What weak pixels have at least, exactly.
  init(_ edge: Edge, _ input: ImageDescription, weakest low: Double, high: Double) {
    gradient = CannyGradient(edge, input)
    self.low = low
    self.high = high
  }

  /// What weak pixels have at least: scikit-image compares with the low threshold as a 32-bit float, and takes 1e-14 for 0.
  static func weakest(_ low: Double) -> Double { Double(low == 0 ? Float(1e-14) : Float(low)) }

  var halo: Halo { gradient.halo }
  var needsWholePicture: Bool { gradient.needsWholePicture }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    visit(region, from: source, scratch: scratch) { y, block, rows in
      thin(y, of: block, rows, into: output.row(y).samples() + block.x, scratch: scratch)
    }
  }

  /// Goes over a region in blocks, and calls `visit` for each row of a block that can be thinned.
  func visit(
    _ region: Region, from source: SourceRows, scratch: Scratch,
    _ visit: (_ y: Int, _ block: Region, _ rows: CannyGradient.Rows) -> Void
  ) {
    gradient.visit(region, from: source, scratch: scratch) { y, block, rows in
      // A row can be thinned once the magnitudes below it are known.
      if y - 1 >= block.y { visit(y - 1, block, rows) }
      if y == gradient.input.height - 1 && y < block.endY { visit(y, block, rows) }
    }
  }

  /// Writes the labels of a block's row.
  func thin(
    _ y: Int, of block: Region, _ rows: CannyGradient.Rows, into labels: UnsafeMutablePointer<UInt8>, scratch: Scratch
  ) {
    let input = gradient.input
    // The picture's frame has no edges, and no neighbours to compare with.
    let columns = max(block.x, 1)..<max(min(block.endX, input.width - 1), max(block.x, 1))
    guard y > 0, y < input.height - 1, !columns.isEmpty else { return labels.update(repeating: 0, count: block.width) }
    if block.x == 0 { labels[0] = 0 }
    if block.endX == input.width { labels[block.width - 1] = 0 }
    let offset = columns.lowerBound - rows.firstColumn
    let magnitudes = (y - 1...y + 1).map { UnsafePointer(rows.magnitude($0) + offset) }
    scratch.frame {
      var valid: UnsafeMutablePointer<UInt8>?
      if let coverage = rows.coverage {
        valid = scratch.allocate(columns.count, of: UInt8.self)
        coverage.eroded(y, columns, rows.source, into: valid!, scratch: scratch)
      }
      KernelTable.current.canny_thin_f64(
        magnitudes, rows.down(y) + offset, rows.across(y) + offset, valid, low, high,
        labels + (columns.lowerBound - block.x), columns.count)
    }
  }
}
