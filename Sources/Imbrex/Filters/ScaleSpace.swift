import Kernels

/// Three neighbouring scales' responses on a tile and one pixel around it, and the peaks among them.
struct ScaleWindow {
  /// Where responses are known.
  let region: Region
  private let tile: Region
  private let picture: ImageDescription
  private let slices: [UnsafeMutablePointer<Double>]
  private let pitch: Int
  private let mask: UnsafeMutablePointer<UInt8>
  private let detector: BlobDetector
  private var peaks: [PeakCollector.Peak] = []
  private var range = (least: Double.infinity, greatest: -Double.infinity)

  init(_ detector: BlobDetector, tile: Region, in picture: ImageDescription, scratch: Scratch) {
    self.detector = detector
    self.tile = tile
    self.picture = picture
    region = tile.grown(by: Halo(y: 1, x: 1), in: picture)
    pitch = region.width + 2
    let size = pitch * region.height
    slices = (0..<3).map { _ in scratch.allocate(size, of: Double.self) }
    mask = scratch.allocate(tile.width, of: UInt8.self)
  }

  /// Where the response of a scale goes: picture row `y`, from the region's first column.
  func row(_ y: Int, scale: Int) -> UnsafeMutablePointer<Double> {
    slices[scale % 3] + (y - region.y) * pitch + 1
  }

  /// Takes note of a scale whose rows are all there, and looks for peaks at the scale before it, and at the last.
  mutating func finish(scale: Int, of count: Int) {
    let kernels = KernelTable.current
    for y in region.y..<region.endY {
      // Beyond the picture, nearest.
      let values = row(y, scale: scale)
      values[-1] = values[0]
      values[region.width] = values[region.width - 1]
    }
    for y in tile.y..<tile.endY {
      kernels.range_f64(
        row(y, scale: scale) + (tile.x - region.x), tile.width, &range.least, &range.greatest)
    }
    if scale > 0 { findPeaks(scale: scale - 1, of: count) }
    if scale == count - 1 { findPeaks(scale: scale, of: count) }
  }

  private mutating func findPeaks(scale: Int, of count: Int) {
    let border = detector.excludedBorder
    let offset = tile.x - region.x
    for y in tile.y..<tile.endY where y >= border && y < picture.height - border {
      var rows: [UnsafePointer<Double>] = []
      for neighbour in [max(scale - 1, 0), scale, min(scale + 1, count - 1)] {
        for line in [max(y - 1, 0), y, min(y + 1, picture.height - 1)] {
          rows.append(UnsafePointer(row(line, scale: neighbour) + offset))
        }
      }
      KernelTable.current.peaks_f64(rows, detector.threshold, mask, tile.width)
      for x in 0..<tile.width where mask[x] != 0 {
        let column = tile.x + x
        guard column >= border && column < picture.width - border else { continue }
        peaks.append(.init(y: y, x: column, scale: scale, response: rows[4][x]))
      }
    }
  }

  /// Hands over what was found.
  func report(to collector: PeakCollector) { collector.add(peaks, range: range) }
}

/// Laplacians, or differences, of Gaussians at all scales, tile by tile.
struct ScaleSpaceStencil: Stencil {
  private let detector: BlobDetector
  private let input: ImageDescription
  private let collector: PeakCollector
  private let sigmas: [Double]
  private let smoothing: [GaussianKernel]
  private let loader: DoubleLumaLoader

  init(_ detector: BlobDetector, _ input: ImageDescription, _ collector: PeakCollector) {
    self.detector = detector
    self.input = input
    self.collector = collector
    sigmas = detector.sigmas
    smoothing = sigmas.map { GaussianKernel(sigma: $0) }
    loader = DoubleLumaLoader(input: input, isLinear: detector.isLinear)
  }

  private var radius: Int { smoothing.map(\.radius).max()! }

  var halo: Halo { Halo(y: radius + 1, x: radius + 1) }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let strip = max(1024, 4 * radius)
    for x in stride(from: region.x, to: region.endX, by: strip) {
      let tile = Region(x: x, y: region.y, width: min(strip, region.endX - x), height: region.height)
      scratch.frame { processTile(tile, from: source, scratch: scratch) }
    }
  }

  private func processTile(_ tile: Region, from source: SourceRows, scratch: Scratch) {
    var window = ScaleWindow(detector, tile: tile, in: input, scratch: scratch)
    let isDark = detector.findsDark
    // Loaded once with the ghosts of the largest scale; smaller ones use the middle of it.
    let pixels = DoubleRows(
      window.region, radius: radius, in: input, boundary: .reflect, constant: 0, scratch: scratch
    ) { y, x, count, target in
      loader.load(source.row(y), x: x, count: count, into: target, scratch: scratch)
      if isDark { for k in 0..<count { target[k] = 1 - target[k] } }
    }
    switch detector.method {
    case .log: laplacians(pixels, &window, scratch)
    default: differences(pixels, &window, scratch)
    }
    window.report(to: collector)
  }

  private func laplacians(_ pixels: DoubleRows, _ window: inout ScaleWindow, _ scratch: Scratch) {
    let region = window.region
    let other = scratch.allocate(region.width, of: Double.self)
    let blur = SeparableRow(width: region.width, radius: radius, x: region.x, pictureWidth: input.width, scratch)
    for (scale, sigma) in sigmas.enumerated() {
      let smooth = smoothing[scale], second = GaussianKernel(secondDerivativeOf: smooth, sigma: sigma)
      for y in region.y..<region.endY {
        let row = window.row(y, scale: scale)
        blur.filter(pixels, y, down: second.weights, across: smooth.weights, into: row)
        blur.filter(pixels, y, down: smooth.weights, across: second.weights, into: other)
        KernelTable.current.laplacian_f64(row, other, sigma * sigma, row, region.width)
      }
      window.finish(scale: scale, of: sigmas.count)
    }
  }

  private func differences(_ pixels: DoubleRows, _ window: inout ScaleWindow, _ scratch: Scratch) {
    let region = window.region
    let size = region.width * region.height
    var fine = scratch.allocate(size, of: Double.self), coarse = scratch.allocate(size, of: Double.self)
    let blur = SeparableRow(width: region.width, radius: radius, x: region.x, pictureWidth: input.width, scratch)
    let factor = 1 / (detector.sigmaRatio - 1)
    for scale in sigmas.indices {
      let weights = smoothing[scale].weights
      for y in region.y..<region.endY {
        let row = (y - region.y) * region.width
        blur.filter(pixels, y, down: weights, across: weights, into: coarse + row)
        if scale > 0 {
          KernelTable.current.difference_f64(
            fine + row, coarse + row, factor, window.row(y, scale: scale - 1), region.width)
        }
      }
      if scale > 0 { window.finish(scale: scale - 1, of: sigmas.count - 1) }
      swap(&fine, &coarse)
    }
  }
}

/// A symmetric separable filter, one row at a time, reflected beyond the picture.
private struct SeparableRow {
  private let width: Int
  private let x: Int
  private let radius: Int
  private let pictureWidth: Int
  private let padded: UnsafeMutablePointer<Double>

  init(width: Int, radius: Int, x: Int, pictureWidth: Int, _ scratch: Scratch) {
    self.width = width
    self.x = x
    self.radius = radius
    self.pictureWidth = pictureWidth
    padded = scratch.allocate(width + 2 * radius, of: Double.self)
  }

  func filter(
    _ pixels: DoubleRows, _ y: Int, down: [Double], across: [Double], into target: UnsafeMutablePointer<Double>
  ) {
    let reach = across.count - 1
    let columns = (x - reach)..<(x + width + reach)
    let inside = columns.clamped(to: 0..<pictureWidth)
    pixels.correlate(y, inside, down, into: padded + (inside.lowerBound - columns.lowerBound))
    extendRow(
      padded, columns: columns, channels: 1, pictureWidth: pictureWidth, boundary: .reflect, constant: 0
    ) { _, _, _ in preconditionFailure("reflected columns lie within the tile's") }
    KernelTable.current.correlate_row_f64(padded + reach, across, reach, 1, target, width)
  }
}
