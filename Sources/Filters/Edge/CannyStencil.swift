import Kernels
import Pictures

import Pipeline

/// The local part of Canny's detector: smoothing, gradient and thinning. One byte a pixel: 0 no edge, 1 weak, 2 strong.
struct CannyStencil: Stencil {
  private let gradient: CannyGradient
  private let low: Double
  private let high: Double

  init(_ edge: Edge, _ input: ImageDescription, low: Double, high: Double) {
    gradient = CannyGradient(edge, input)
    // scikit-image compares with the low threshold as a 32-bit float, and takes 1e-14 for 0.
    self.low = Double(low == 0 ? Float(1e-14) : Float(low))
    self.high = high
  }

  var halo: Halo { gradient.halo }
  var needsWholePicture: Bool { gradient.needsWholePicture }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    gradient.visit(region, from: source, scratch: scratch) { y, block, rows in
      // A row can be thinned once the magnitudes below it are known.
      if y - 1 >= block.y { thin(y - 1, of: block, rows, source, to: output, scratch: scratch) }
      if y == gradient.input.height - 1 && y < block.endY {
        thin(y, of: block, rows, source, to: output, scratch: scratch)
      }
    }
  }

  private func thin(
    _ y: Int, of block: Region, _ rows: CannyGradient.Rows, _ source: SourceRows, to output: OutputRows,
    scratch: Scratch
  ) {
    let input = gradient.input
    let labels: UnsafeMutablePointer<UInt8> = output.row(y).samples()
    // The picture's frame has no edges, and no neighbours to compare with.
    let columns = max(block.x, 1)..<max(min(block.endX, input.width - 1), max(block.x, 1))
    guard y > 0, y < input.height - 1, !columns.isEmpty else {
      (labels + block.x).update(repeating: 0, count: block.width)
      return
    }
    if block.x == 0 { labels[0] = 0 }
    if block.endX == input.width { labels[input.width - 1] = 0 }
    let offset = columns.lowerBound - rows.firstColumn
    let magnitudes = (y - 1...y + 1).map { UnsafePointer(rows.magnitude($0) + offset) }
    scratch.frame {
      var valid: UnsafeMutablePointer<UInt8>?
      if let coverage = rows.coverage {
        valid = scratch.allocate(columns.count, of: UInt8.self)
        coverage.eroded(y, columns, source, into: valid!, scratch: scratch)
      }
      KernelTable.current.canny_thin_f64(
        magnitudes, rows.down(y) + offset, rows.across(y) + offset, valid, low, high, labels + columns.lowerBound,
        columns.count)
    }
  }
}
