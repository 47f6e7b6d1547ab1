public import Pictures
public import Pipeline
import Platform
import Kernels

/// Finds edges with Canny's detector: one 8-bit channel of 0 and 255.
///
/// Computes what `skimage.feature.canny` does, in double precision and in its order, so that ties fall alike.
/// J. Canny 1986, "A computational approach to edge detection", doi:10.1109/TPAMI.1986.4767851.
/// Cost: pixels × 2 r, where r is the radius of the smoothing; two bits a pixel are held for the whole picture.
public struct Edge: Filter {
  /// Standard deviation of the smoothing in pixels.
  public var sigma: Double
  /// Hysteresis thresholds on the gradient's magnitude (a full unsmoothed step gives 4), or quantiles of it.
  public var low: Double
  public var high: Double
  public var usesQuantiles: Bool
  public var mask: Mask?
  public var boundary: Boundary
  /// Value beyond the border under ``Boundary/constant``, in units of full scale.
  public var constant: Double
  /// Whether edges are looked for in linear light: the sRGB transfer function is undone before.
  public var isLinear = false

  /// - Throws: ``ImbrexError`` for thresholds out of order, or quantiles outside [0, 1].
  public init(
    sigma: Double = 1, low: Double = 0.1, high: Double = 0.2, usesQuantiles: Bool = false, mask: Mask? = nil,
    boundary: Boundary = .constant, constant: Double = 0
  ) throws {
    precondition(sigma >= 0)
    guard high >= low else { throw ImbrexError(.usage, "--high \(high) is less than --low \(low)") }
    if usesQuantiles && !(low >= 0 && high <= 1) {
      throw ImbrexError(.usage, "with --quantiles, --low and --high are between 0 and 1")
    }
    self.sigma = sigma
    self.low = low
    self.high = high
    self.usesQuantiles = usesQuantiles
    self.mask = mask
    self.boundary = boundary
    self.constant = constant
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    ImageDescription(width: input.width, height: input.height, color: .gray, sampleType: .uint8)
  }

  private func check(_ input: ImageDescription) throws {
    try mask?.check(fits: input)
    try input.checkHasLuma("edge")
    if isLinear { try input.checkTransferFunction() }
  }

  public func plan(for input: ImageDescription, isStreamed: Bool, tiling: TilingOptions) throws -> TilePlan {
    try check(input)
    return try TilePlan(
      input: input, outputRowBytes: outputDescription(for: input).bytesPerRow,
      stencil: CannyStencil(self, input, task: .label(low: low, high: high)), options: tiling, isStreamed: isStreamed)
  }

  public func residence(of input: ImageDescription, maxMemory: Int) -> String {
    let bits = held("two bits a pixel", byteCount: input.pixelCount / 4, maxMemory: maxMemory)
    let holdsPicture = usesQuantiles || (boundary == .wrap && sigma > 0)
    let picture = held("the picture", byteCount: input.byteCount, maxMemory: maxMemory)
    let passes = usesQuantiles ? "six passes (four for the quantiles)" : "two passes"
    return "\(passes); \(bits)\(holdsPicture ? "; \(picture)" : "")"
  }

  public func run(_ input: FilterInput, to output: FilterOutput, in context: RunContext) throws {
    let description = input.description
    try check(description)
    let made = outputDescription(for: description)
    var input = input
    var thresholds = (low, high)
    if usesQuantiles {
      // Quantiles are of the whole picture: it is kept, and gone over more than once.
      if case .stream(let source) = input {
        let kept = try context.picture(description)
        thresholds = try MagnitudeQuantiles(edge: self, [low, high]).find(
          in: .stream(source, keepIn: kept), kept, context: context)
        input = .picture(kept)
      } else if case .picture(let picture) = input {
        thresholds = try MagnitudeQuantiles(edge: self, [low, high]).find(
          in: .picture(picture), picture, context: context)
      }
    }
    let map = try EdgeMap(
      width: description.width, height: description.height, maxMemory: context.tiling.maxMemory)
    // scikit-image compares with the low threshold as a 32-bit float, and takes 1e-14 for 0.
    let low = Double(thresholds.0 == 0 ? Float(1e-14) : Float(thresholds.0))
    let labels = CannyStencil(self, description, task: .label(low: low, high: thresholds.1))
    try context.sweep(input, labels, to: .stream(map, made), making: made)
    map.reconstruct()
    let emission: Sweep.Output
    let stage: any Stencil
    switch output {
    case .picture(let picture):
      emission = .picture(picture)
      stage = conversion(of: EdgeMapStencil(map: map), from: made, to: picture.description)
    case .stream(let sink, let wanted):
      emission = .stream(sink, wanted)
      stage = conversion(of: EdgeMapStencil(map: map), from: made, to: wanted)
    }
    try context.sweep(.none(made), stage, to: emission, rowBytes: made.bytesPerRow)
  }

  private func conversion(
    of stencil: any Stencil, from made: ImageDescription, to wanted: ImageDescription
  ) -> any Stencil {
    made == wanted ? stencil : ConvertingStencil(base: stencil, from: made, to: wanted)
  }
}

// MARK: - The local part

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
    let strip = max(2048, 2 * radius)
    for x in stride(from: region.x, to: region.endX, by: strip) {
      let part = Region(x: x, y: region.y, width: min(strip, region.endX - x), height: region.height)
      scratch.frame { processStrip(part, from: source, to: output, scratch: scratch) }
    }
  }

  private func processStrip(_ strip: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let kernels = KernelTable.current
    // Magnitudes are needed one pixel around the strip, smoothed values one further, both clipped to the picture.
    let magnitudes = strip.grown(by: Halo(y: 1, x: 1), in: input)
    let smoother = Smoother(
      strip.grown(by: Halo(y: 2, x: 2), in: input), edge: edge, weights: weights, dividesByCoverage: dividesByCoverage,
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
        if y >= strip.y && y < strip.endY {
          collect(UnsafeBufferPointer(start: slot(m, y) + (strip.x - magnitudes.x), count: strip.width))
        }
      case .label(let low, let high):
        // A row can be thinned once the magnitudes below it are known.
        if y - 1 >= strip.y { thin(y - 1, low: low, high: high) }
        if y == magnitudes.endY - 1 && y < strip.endY { thin(y, low: low, high: high) }
      }
    }

    func thin(_ y: Int, low: Double, high: Double) {
      let labels: UnsafeMutablePointer<UInt8> = output.row(y).samples()
      // The picture's frame has no edges, and no neighbours to compare with.
      let columns = max(strip.x, 1)..<max(min(strip.endX, input.width - 1), max(strip.x, 1))
      guard y > 0, y < input.height - 1, !columns.isEmpty else {
        (labels + strip.x).update(repeating: 0, count: strip.width)
        return
      }
      if strip.x == 0 { labels[0] = 0 }
      if strip.endX == input.width { labels[input.width - 1] = 0 }
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

// MARK: - The global part

/// The thinned edges of a whole picture, two bits a pixel: candidates, and which of them are sure.
///
/// Takes labels row by row; ``reconstruct()`` then grows the sure ones through the candidates (morphological
/// reconstruction, L. Vincent 1993, doi:10.1109/83.217222), which is the same as keeping the 8-connected components
/// with a sure pixel, and does not depend on how the picture was cut.
final class EdgeMap: RowSink, @unchecked Sendable {
  private let width: Int
  private let height: Int
  private let wordsPerRow: Int
  private let weak: PixelBuffer
  private let strong: PixelBuffer
  private var rows = 0

  /// - Parameter maxMemory: Bytes beyond which the bits are kept in a temporary file.
  init(width: Int, height: Int, maxMemory: Int) throws {
    self.width = width
    self.height = height
    wordsPerRow = (width + 63) / 64
    let byteCount = wordsPerRow * height * 8
    weak = try PixelBuffer(byteCount: byteCount, spilled: 2 * byteCount > maxMemory)
    strong = try PixelBuffer(byteCount: byteCount, spilled: 2 * byteCount > maxMemory)
  }

  private func row(_ y: Int, of bits: PixelBuffer) -> UnsafeMutablePointer<UInt64> {
    bits.base.samples() + y * wordsPerRow
  }

  func write(_ labels: UnsafeRawPointer, stride: Int, count: Int) {
    for line in 0..<count {
      KernelTable.current.pack_labels(
        (labels + line * stride).samples(), row(rows + line, of: weak), row(rows + line, of: strong), width)
    }
    rows += count
  }

  /// Hysteresis. Cost: a few operations on each word of 64 pixels, more where edges wind.
  func reconstruct() {
    let kernels = KernelTable.current
    // Rows to look at (again) because something was added beside them; swept down and up until none is left.
    var isStale = [Bool](repeating: true, count: height)
    var staleCount = height
    func visit(_ y: Int) {
      guard isStale[y] else { return }
      isStale[y] = false
      staleCount -= 1
      let changed = kernels.reconstruct_row(
        row(y, of: weak), y > 0 ? row(y - 1, of: strong) : nil, y + 1 < height ? row(y + 1, of: strong) : nil,
        row(y, of: strong), wordsPerRow)
      guard changed != 0 else { return }
      for neighbour in [y - 1, y + 1] where neighbour >= 0 && neighbour < height && !isStale[neighbour] {
        isStale[neighbour] = true
        staleCount += 1
      }
    }
    while staleCount > 0 {
      for y in 0..<height { visit(y) }
      for y in (0..<height).reversed() { visit(y) }
    }
  }

  /// Writes 0 or 255 for columns of row `y`. `columns` begins at a multiple of 64, or is handled bit by bit.
  func emit(row y: Int, columns: Range<Int>, into target: UnsafeMutablePointer<UInt8>) {
    let bits = row(y, of: strong)
    var x = columns.lowerBound
    while x < columns.upperBound && x % 64 != 0 {
      target[x - columns.lowerBound] = (bits[x / 64] >> UInt64(x % 64)) & 1 == 1 ? 255 : 0
      x += 1
    }
    KernelTable.current.unpack_bits_u8(
      bits + x / 64, target + (x - columns.lowerBound), 255, columns.upperBound - x)
  }
}

private struct EdgeMapStencil: Stencil {
  let map: EdgeMap

  var halo: Halo { .none }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    for y in region.y..<region.endY {
      map.emit(row: y, columns: region.x..<region.endX, into: output.row(y).samples() + region.x)
    }
  }
}

// MARK: - Quantile thresholds

/// Exact quantiles of the gradient's magnitude over a whole picture, without holding the magnitudes.
///
/// Magnitudes are not negative, so their bit patterns sort as they do. Each sweep narrows a wanted rank by 16 bits with
/// a histogram; four sweeps find any value, fewer where values are few.
private struct MagnitudeQuantiles {
  private let edge: Edge
  private let quantiles: [Double]

  init(edge: Edge, _ quantiles: [Double]) {
    self.edge = edge
    self.quantiles = quantiles
  }

  func find(in first: Sweep.Input, _ picture: Picture, context: RunContext) throws -> (Double, Double) {
    let count = picture.description.pixelCount
    // numpy's linear interpolation between the two values around q × (count − 1).
    let positions = quantiles.map { $0 * Double(count - 1) }
    let ranks = positions.flatMap { [Int($0.rounded(.down)), min(Int($0.rounded(.down)) + 1, count - 1)] }
    var input = first
    var found = Array(repeating: (prefix: UInt64(0), rank: 0), count: ranks.count)
    for (k, rank) in ranks.enumerated() { found[k].rank = rank }
    for level in 0..<4 {
      let shift = UInt64(48 - 16 * level)
      let prefixes = Set(found.map(\.prefix)).sorted()
      let histograms = Histograms(prefixes: prefixes, shift: shift)
      let stencil = CannyStencil(edge, picture.description, task: .measure { histograms.add($0) })
      try context.sweep(input, stencil, to: .none, rowBytes: 0)
      input = .picture(picture)
      let counts = histograms.counts
      for k in found.indices {
        let histogram = counts[prefixes.firstIndex(of: found[k].prefix)!]
        var digit = 0
        while found[k].rank >= histogram[digit] {
          found[k].rank -= histogram[digit]
          digit += 1
        }
        found[k].prefix = found[k].prefix << 16 | UInt64(digit)
      }
    }
    let values = found.map { Double(bitPattern: $0.prefix) }
    func quantile(_ k: Int) -> Double {
      let (a, b) = (values[2 * k], values[2 * k + 1])
      let t = positions[k] - positions[k].rounded(.down)
      return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t)
    }
    return (quantile(0), quantile(1))
  }

  /// How many values begin with each of some prefixes, by their next 16 bits.
  private final class Histograms: Sendable {
    private let prefixes: [UInt64]
    private let shift: UInt64
    private let shared: Locked<[[Int]]>

    init(prefixes: [UInt64], shift: UInt64) {
      self.prefixes = prefixes
      self.shift = shift
      shared = Locked(Array(repeating: Array(repeating: 0, count: 1 << 16), count: prefixes.count))
    }

    var counts: [[Int]] { shared.withLock { $0 } }

    func add(_ values: UnsafeBufferPointer<Double>) {
      shared.withLock { counts in
        for value in values {
          let bits = value.bitPattern
          let prefix = shift == 48 ? 0 : bits >> (shift + 16)
          for k in prefixes.indices where prefixes[k] == prefix {
            counts[k][Int(bits >> shift & 0xFFFF)] += 1
          }
        }
      }
    }
  }
}
