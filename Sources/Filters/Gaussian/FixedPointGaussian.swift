import Kernels
import Pictures
import Pipeline

/// A Gaussian of 8-bit samples in fixed point: weights of 16 bits, sums in 256ths of a sample.
///
/// Of a photograph 997 results in 1000 are those of double precision, the others next to them; the bits are the same on every
/// processor. Errors grow with the number of taps, so that large kernels are left to floats; so are small pictures, of which a
/// few samples are many in a hundred.
struct FixedPointGaussian {
  /// The most taps to either side.
  static let largestRadius = 16
  private static let fewestSamples = 1 << 16

  private let input: ImageDescription
  private let boundary: Boundaries
  private let weightsY: [UInt16]
  private let weightsX: [UInt16]
  /// The sample beyond the border under `.constant`, times 128.
  private let constant: UInt16

  /// Nil where samples are not of 8 bits, come in even numbers a pixel, or are few, and for kernels of no tap or of very many.
  ///
  /// - Parameters:
  ///   - weightsY: One half of the kernel, from the centre on; all of it adds up to 1.
  ///   - constant: The sample beyond the border under `.constant`.
  init?(
    _ input: ImageDescription, weightsY: [Double], weightsX: [Double], boundary: Boundaries, constant: Float
  ) {
    guard input.sampleType == .uint8 && input.channels % 2 == 1 && (0...255).contains(constant),
      input.width * input.height >= Self.fewestSamples / input.channels,
      let down = Self.fixed(weightsY), let across = Self.fixed(weightsX)
    else { return nil }
    (self.input, self.boundary) = (input, boundary)
    (self.weightsY, self.weightsX) = (down, across)
    self.constant = UInt16((constant * 128).rounded())
  }

  /// Of a picture of bytes that say what counts, 255 or 0, with the same kernel.
  init(ofCoverAs other: FixedPointGaussian) {
    (input, boundary, weightsY, weightsX) = (other.input, other.boundary, other.weightsY, other.weightsX)
    constant = 255 << 7
  }

  /// The centre's weight and those of pairs in 65536ths. Each is rounded so that all up to it, from the ends on, add up to what
  /// they should: together they are 65536, and what is constant stays so.
  private static func fixed(_ weights: [Double]) -> [UInt16]? {
    guard (2...(largestRadius + 1)).contains(weights.count) else { return nil }
    var fixed = [UInt16](repeating: 0, count: weights.count)
    var sum = 0.0, done = 0
    for k in stride(from: weights.count - 1, to: 0, by: -1) {
      sum += 2 * weights[k] * 65536
      let wanted = Int(sum.rounded())
      guard let weight = UInt16(exactly: wanted - done) else { return nil }
      fixed[k] = weight
      done = wanted
    }
    guard let centre = UInt16(exactly: 65536 - done) else { return nil }
    fixed[0] = centre
    return fixed
  }

  private var radiusY: Int { weightsY.count - 1 }
  private var radiusX: Int { weightsX.count - 1 }
  private var halo: Halo { Halo(y: radiusY, x: radiusX) }

  /// Half of what the cut products lack, at the places of sums that are halved, and of those that are not.
  private var biasDown: UInt16 { UInt16((radiusY + 1) / 2 + 1) }
  private var biasAcross: UInt16 { UInt16((radiusX + 1) / 2) }

  /// The sum where all samples are 255.
  var whole: UInt16 {
    func sum(_ weights: [UInt16], _ value: UInt32, _ bias: UInt16) -> UInt32 {
      weights.reduce(UInt32(bias)) { $0 + (2 * value * UInt32($1)) >> 16 }
    }
    return UInt16(sum(weightsX, sum(weightsY, 255 << 7, biasDown) >> 1, biasAcross))
  }

  /// Columns at a time, so that the rows of a window stay in the first cache where they can.
  func blocks(of region: Region) -> [Region] {
    let samples = min(max(24576 / (2 * weightsY.count), 512), 3072)
    let width = max(samples / input.channels, 64)
    return stride(from: region.x, to: region.endX, by: width).map { x in
      Region(x: x, y: region.y, width: min(width, region.endX - x), height: region.height)
    }
  }

  /// A row of sums of a block in 256ths: those of samples at even and at odd places, and the same of the samples themselves,
  /// times 128, in the middle of the window.
  struct Row {
    let evens: UnsafeMutablePointer<UInt16>
    let odds: UnsafeMutablePointer<UInt16>
    let centres: (evens: UnsafePointer<UInt16>, odds: UnsafePointer<UInt16>)
  }

  /// Makes a block's rows of sums, one after another.
  ///
  /// - Parameters:
  ///   - load: Where `count` pixels of a picture's row begin, from a column on; valid until it is called again.
  ///   - emit: Takes a row, which it may change, and its number in the picture.
  func blur(
    _ block: Region, scratch: Scratch,
    load: (_ row: Int, _ column: Int, _ count: Int) -> UnsafePointer<UInt8>,
    _ emit: (_ row: Row, _ y: Int) -> Void
  ) {
    let kernels = KernelTable.current
    let layout = Layout(block.width * input.channels, reach: radiusX * input.channels, step: input.channels)
    let count = weightsY.count * 2
    let ring = scratch.allocate(count * layout.pitch, of: UInt16.self)
    let line = scratch.allocate(layout.samples, of: UInt8.self)
    let down = scratch.allocate(2 * layout.pitch, of: UInt16.self)
    let across = scratch.allocate(2 * layout.pitch, of: UInt16.self)
    let rows = scratch.allocate(count, of: UnsafePointer<UInt16>.self)
    let taps = scratch.allocate(2 * weightsX.count, of: UnsafePointer<UInt16>.self)
    func row(_ y: Int) -> UnsafeMutablePointer<UInt16> { ring + (y - block.y + radiusY) % count * layout.pitch }

    var next = block.y - radiusY
    for y in stride(from: block.y, to: block.endY, by: 2) {
      // The last row of all may be wanted by none.
      while next < min(y + 2, block.endY) + radiusY {
        fill(row(next), layout, block, next, line, load)
        next += 1
      }
      for k in 0..<count { rows[k] = UnsafePointer(row(min(y - radiusY + k, next - 1))) }
      kernels.correlate_pairs_u16(rows, weightsY, radiusY, biasDown, 1, down, down + layout.pitch, layout.vectors)
      for lower in 0..<min(2, block.endY - y) {
        let sums = down + lower * layout.pitch
        for k in 0..<(2 * weightsX.count) { taps[k] = layout.tap(k - radiusX, in: sums) }
        kernels.correlate_pairs_u16(
          taps, weightsX, radiusX, biasAcross, 0, across, across + layout.pitch, layout.resultVectors)
        let centre = UnsafePointer(row(y + lower)) + layout.centre
        emit(
          Row(evens: across + layout.skipped, odds: across + layout.pitch, centres: (centre, centre + layout.half)),
          y + lower)
      }
    }
  }

  /// Splits a row of the picture, extended beyond its borders.
  private func fill(
    _ target: UnsafeMutablePointer<UInt16>, _ layout: Layout, _ block: Region, _ y: Int,
    _ line: UnsafeMutablePointer<UInt8>, _ load: (_ row: Int, _ column: Int, _ count: Int) -> UnsafePointer<UInt8>
  ) {
    let channels = input.channels
    guard let from = boundary.y.index(y, count: input.height) else {
      return target.update(repeating: constant, count: layout.pitch)
    }
    let columns = (block.x - radiusX)..<(block.endX + radiusX), inside = columns.clamped(to: 0..<input.width)
    var source = load(from, inside.lowerBound, inside.count)
    if inside != columns {
      (line + (inside.lowerBound - columns.lowerBound) * channels).update(from: source, count: inside.count * channels)
      extendRow(
        line, columns: columns, channels: channels, pictureWidth: input.width, boundary: boundary.x, constant: 0
      ) { column, count, target in target.update(from: load(from, column, count), count: count * channels) }
      source = UnsafePointer(line)
    }
    layout.split(source, into: target)
    if boundary.x == .constant {
      for column in columns where !inside.contains(column) {
        for c in 0..<channels {
          layout.place((column - columns.lowerBound) * channels + c, in: target).pointee = constant
        }
      }
    }
  }

  /// Stores a row of a block.
  func finish(_ row: Row, y: Int, of block: Region, to output: OutputRows) {
    KernelTable.current.join_samples_u8(
      row.evens, row.odds, output.row(y).samples(UInt8.self) + block.x * input.channels, block.width * input.channels)
  }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let channels = input.channels
    for block in blocks(of: region) {
      scratch.frame {
        blur(block, scratch: scratch) { y, column, _ in
          source.row(y).samples(UInt8.self) + column * channels
        } _: { row, y in
          finish(row, y: y, of: block, to: output)
        }
      }
    }
  }
}

/// Where the samples of a block's row with its ghosts lie, even places apart from odd ones.
///
/// A sample is put at an even place if it is an even number of samples from the block's first one.
private struct Layout {
  /// Samples with ghosts.
  let samples: Int
  /// Of what is at even places, slack for whole vectors included.
  let half: Int
  /// Places of the block's first sample, among the even ones.
  let centre: Int
  /// What is made of even places before the block's first sample.
  let skipped: Int
  /// How many values of a row whole vectors are made of, and how many of a block's row of results.
  let vectors: Int
  let resultVectors: Int
  private let step: Int
  /// 1 if the first ghost is at an odd place.
  private let isShifted: Bool

  var pitch: Int { 2 * half }

  init(_ count: Int, reach: Int, step: Int) {
    samples = count + 2 * reach
    self.step = step
    skipped = step / 2
    isShifted = reach % 2 == 1
    // Room before the first ghost for what is made of places before the block.
    centre = (reach + 1) / 2 + skipped
    func rounded(_ count: Int) -> Int { (count + 127) / 128 * 128 }
    resultVectors = rounded((count + 1) / 2 + skipped)
    half = rounded(centre + (reach + step) / 2 + resultVectors)
    vectors = 2 * half
  }

  /// Where sample `index`, ghosts counted, is.
  func place(_ index: Int, in row: UnsafeMutablePointer<UInt16>) -> UnsafeMutablePointer<UInt16> {
    let shifted = index + (isShifted ? 1 : 0)
    return row + (shifted % 2 == 0 ? 0 : half) + skipped + shifted / 2
  }

  func split(_ source: UnsafePointer<UInt8>, into row: UnsafeMutablePointer<UInt16>) {
    KernelTable.current.split_samples_u8(source, place(0, in: row), place(1, in: row), samples)
  }

  /// Sums of pixels `offset` away from those at even places, from ``skipped`` places before the block's first one on.
  func tap(_ offset: Int, in sums: UnsafeMutablePointer<UInt16>) -> UnsafePointer<UInt16> {
    let distance = offset * step
    // Of an odd number the place below, among the odd ones.
    return UnsafePointer(sums + (distance % 2 == 0 ? 0 : half) + centre - skipped + (distance >> 1))
  }
}
