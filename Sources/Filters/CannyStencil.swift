import Pictures
import Pipeline
import Platform
import Kernels

/// Smoothing, gradient and thinning of Canny's detector, each stage with its own boundary.
struct CannyStencil: Stencil {
  enum Task: Sendable {
    /// Writes one byte a pixel: 0 no edge, 1 weak, 2 strong.
    case label(low: Double, high: Double)
    /// Writes nothing; gives the magnitudes of each row to a collector.
    case measure(@Sendable (UnsafeBufferPointer<Double>) -> Void)
  }

  private let edge: Edge
  private let input: ImageDescription
  private let task: Task
  private let weights: [Double]
  private let loader: DoubleLumaLoader
  private let dividesByCoverage: Bool

  init(_ edge: Edge, _ input: ImageDescription, task: Task) {
    self.edge = edge
    self.input = input
    self.task = task
    weights = GaussianKernel(sigma: edge.sigma).weights
    loader = DoubleLumaLoader(input: input, isLinear: edge.isLinear)
    dividesByCoverage = edge.boundary == .constant || edge.mask != nil
  }

  private var radius: Int { weights.count - 1 }

  var halo: Halo { Halo(y: radius + 2, x: radius + 2) }
  var needsWholePicture: Bool { edge.boundary == .wrap && radius > 0 }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    // Blocks whose rows, in double precision, stay in the cache; larger ones where their ghosts would outweigh them.
    let blockWidth = max(2048, 2 * radius), blockHeight = max(64, 4 * radius)
    for y in stride(from: region.y, to: region.endY, by: blockHeight) {
      for x in stride(from: region.x, to: region.endX, by: blockWidth) {
        let block = Region(
          x: x, y: y, width: min(blockWidth, region.endX - x), height: min(blockHeight, region.endY - y))
        scratch.frame { processBlock(block, from: source, to: output, scratch: scratch) }
      }
    }
  }

  private func processBlock(_ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let kernels = KernelTable.current
    // Magnitudes are needed one pixel around the block, smoothed values one further, both clipped to the picture.
    let magnitudes = block.grown(by: Halo(y: 1, x: 1), in: input)
    let smoother = Smoother(
      block.grown(by: Halo(y: 2, x: 2), in: input), edge: edge, weights: weights, dividesByCoverage: dividesByCoverage,
      loader: loader, source: source, scratch: scratch)

    // Rings of rows: row y is at y % 4, columns begin one before the magnitudes'.
    let pitch = magnitudes.width + 2
    let smoothed = scratch.allocate(4 * pitch, of: Double.self)
    let i = scratch.allocate(4 * pitch, of: Double.self), j = scratch.allocate(4 * pitch, of: Double.self)
    let m = scratch.allocate(4 * pitch, of: Double.self)
    m.update(repeating: 0, count: 4 * pitch)
    func slot(_ ring: UnsafeMutablePointer<Double>, _ y: Int) -> UnsafeMutablePointer<Double> {
      ring + (y & 3) * pitch + 1
    }

    var nextSmoothed = smoother.region.y
    func smooth(through last: Int) {
      while nextSmoothed <= last {
        let row = slot(smoothed, nextSmoothed)
        // Beyond the picture's left and right, reflect: the gradient's own boundary.
        smoother.row(nextSmoothed, into: row + (smoother.region.x - magnitudes.x))
        if magnitudes.x == 0 { row[-1] = row[0] }
        if magnitudes.endX == input.width { row[magnitudes.width] = row[magnitudes.width - 1] }
        nextSmoothed += 1
      }
    }

    for y in magnitudes.y..<magnitudes.endY {
      smooth(through: min(y + 1, input.height - 1))
      let rows = [y == 0 ? 0 : y - 1, y, y == input.height - 1 ? y : y + 1].map {
        UnsafePointer(slot(smoothed, $0))
      }
      kernels.canny_gradient_f64(rows, slot(i, y), slot(j, y), slot(m, y), magnitudes.width)
      switch task {
      case .measure(let collect):
        if y >= block.y && y < block.endY {
          collect(UnsafeBufferPointer(start: slot(m, y) + (block.x - magnitudes.x), count: block.width))
        }
      case .label(let low, let high):
        // A row can be thinned once the magnitudes below it are known.
        if y - 1 >= block.y { thin(y - 1, low: low, high: high) }
        if y == magnitudes.endY - 1 && y < block.endY { thin(y, low: low, high: high) }
      }
    }

    func thin(_ y: Int, low: Double, high: Double) {
      let labels: UnsafeMutablePointer<UInt8> = output.row(y).samples()
      // The picture's frame has no edges, and no neighbours to compare with.
      let columns = max(block.x, 1)..<max(min(block.endX, input.width - 1), max(block.x, 1))
      guard y > 0, y < input.height - 1, !columns.isEmpty else {
        (labels + block.x).update(repeating: 0, count: block.width)
        return
      }
      if block.x == 0 { labels[0] = 0 }
      if block.endX == input.width { labels[input.width - 1] = 0 }
      let offset = columns.lowerBound - magnitudes.x
      let rows = (y - 1...y + 1).map { UnsafePointer(slot(m, $0) + offset) }
      scratch.frame {
        var valid: UnsafeMutablePointer<UInt8>?
        if let mask = edge.mask {
          valid = scratch.allocate(columns.count, of: UInt8.self)
          mask.eroded(row: y, columns: columns, into: valid!)
        }
        kernels.canny_thin_f64(
          rows, slot(i, y) + offset, slot(j, y) + offset, valid, low, high, labels + columns.lowerBound, columns.count)
      }
    }
  }
}

/// The smoothed picture of Canny's detector, row by row: Gaussian, divided by the same Gaussian of what is covered.
private struct Smoother {
  /// The pixels that it can make.
  let region: Region
  private let edge: Edge
  private let input: ImageDescription
  private let weights: [Double]
  private let kernels = KernelTable.current
  private let columns: Range<Int>
  private let values: LoadedRows<Double>
  private let coverage: LoadedRows<Double>?
  private let padded: UnsafeMutablePointer<Double>
  private let divisors: UnsafeMutablePointer<Double>?
  /// Whether the divisors are those of rows whose window does not leave the picture above or below: all the same.
  private let holdsInnerDivisors: UnsafeMutablePointer<Bool>

  private var radius: Int { weights.count - 1 }

  init(
    _ region: Region, edge: Edge, weights: [Double], dividesByCoverage: Bool, loader: DoubleLumaLoader,
    source: SourceRows, scratch: Scratch
  ) {
    self.region = region
    self.edge = edge
    self.weights = weights
    input = loader.input
    let radius = weights.count - 1
    columns = (region.x - radius)..<(region.endX + radius)
    let mask = edge.mask
    values = LoadedRows(
      region, radius: radius, in: input, boundary: edge.boundary, constant: edge.constant, scratch: scratch
    ) { y, x, count, target in
      loader.load(source.row(y), x: x, count: count, into: target, scratch: scratch)
      if let mask {
        for column in 0..<count where !mask.contains(x: x + column, y: y) { target[column] = 0 }
      }
    }
    if dividesByCoverage {
      coverage = LoadedRows(
        region, radius: radius, in: input, boundary: edge.boundary, constant: edge.constant, scratch: scratch,
        isSameEverywhere: mask == nil
      ) { y, x, count, target in
        for column in 0..<count {
          target[column] = mask.map { $0.contains(x: x + column, y: y) ? 1 : 0 } ?? 1
        }
      }
      divisors = scratch.allocate(region.width, of: Double.self)
    } else {
      coverage = nil
      divisors = nil
    }
    padded = scratch.allocate(columns.count, of: Double.self)
    holdsInnerDivisors = scratch.allocate(1)
    holdsInnerDivisors.pointee = false
  }

  /// Writes the smoothed values of row `y`, the region's columns, at `target`.
  func row(_ y: Int, into target: UnsafeMutablePointer<Double>) {
    blur(values, y, into: target)
    guard let coverage, let divisors else { return }
    let isInner = edge.mask == nil && y >= radius && y < input.height - radius
    if !(isInner && holdsInnerDivisors.pointee) { blur(coverage, y, into: divisors) }
    holdsInnerDivisors.pointee = isInner
    // float64's epsilon, as in scikit-image.
    kernels.divide_f64(target, divisors, 0x1p-52, region.width)
  }

  private func blur(_ rows: LoadedRows<Double>, _ y: Int, into target: UnsafeMutablePointer<Double>) {
    let inside = columns.clamped(to: 0..<input.width)
    rows.correlate(y, inside, weights, into: padded + (inside.lowerBound - columns.lowerBound))
    extendRow(
      padded, columns: columns, channels: 1, pictureWidth: input.width, boundary: edge.boundary,
      constant: edge.constant
    ) { column, count, ghosts in rows.correlate(y, column..<(column + count), weights, into: ghosts) }
    kernels.correlate_row_f64(padded + radius, weights, radius, 1, target, region.width)
  }
}
