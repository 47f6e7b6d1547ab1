import Pictures
import Pipeline

struct MedianStencil: Stencil {
  /// What is sorted: samples themselves, or integers in the same order.
  enum Keys {
    case uint8, uint16, int32
    /// 64-bit floats by their rank in a block.
    case ranks
  }

  let input: ImageDescription
  let window: MedianWindow
  let boundary: Boundaries
  let constant: Double
  let keys: Keys
  let isLinear: Bool

  init(_ median: Median, _ input: ImageDescription, _ window: MedianWindow) {
    self.input = input
    self.window = window
    boundary = median.boundary
    constant = median.constant
    let isStraight = input.alpha == .straight
    isLinear = median.isLinear && isStraight
    if isLinear || input.sampleType == .float64 {
      keys = .ranks
      return
    }
    switch input.sampleType {
    // Premultiplied colour is sorted unrounded: sample × alpha, which takes twice the bits.
    case .uint8: keys = isStraight ? .uint16 : .uint8
    case .uint16: keys = isStraight ? .int32 : .uint16
    default: keys = .int32
    }
  }

  var halo: Halo { window.halo }
  var needsWholePicture: Bool { boundary.y == .wrap && window.height > 1 }
  var needsWholeRows: Bool { boundary.x == .wrap && window.width > 1 }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    guard canGoStraight else { return processBlocks(region, from: source, to: output, scratch: scratch) }
    // Where windows do not leave the picture sideways, rows are taken as they are.
    let start = max(region.x, halo.left), end = min(region.endX, input.width - halo.right)
    guard end - start >= 64 else { return processBlocks(region, from: source, to: output, scratch: scratch) }
    for (x, width) in [(region.x, start - region.x), (end, region.endX - end)] where width > 0 {
      let edge = Region(x: x, y: region.y, width: width, height: region.height)
      processBlocks(edge, from: source, to: output, scratch: scratch)
    }
    let inside = Region(x: start, y: region.y, width: end - start, height: region.height)
    scratch.frame {
      if keys == .uint8 {
        processStraight(inside, from: source, to: output, scratch: scratch, sample: UInt8.self, filter)
      } else {
        processStraight(inside, from: source, to: output, scratch: scratch, sample: UInt16.self, filter)
      }
    }
  }

  /// Whether rows of the picture can be filtered where they are, channels interleaved.
  var canGoStraight: Bool {
    switch keys {
    case .uint8: return input.sampleType == .uint8 && window.goesByRows(bits: 8)
    case .uint16: return input.sampleType == .uint16 && window.goesByRows(bits: 16)
    case .int32, .ranks: return false
    }
  }

  func processStraight<Sample: FixedWidthInteger & BitwiseCopyable>(
    _ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch, sample: Sample.Type,
    _ filter: (WindowRows<Sample>, Scratch) -> Void
  ) {
    let channels = input.channels
    let rows: UnsafeMutablePointer<UnsafePointer<Sample>> = scratch.allocate(region.height + window.height - 1)
    var border: UnsafePointer<Sample>?
    for k in 0..<(region.height + window.height - 1) {
      if let y = boundary.y.index(region.y - halo.top + k, count: input.height) {
        rows[k] = source.row(y).samples() + region.x * channels
        continue
      }
      if border == nil {
        let count = (region.width + window.width) * channels
        let constant: UnsafeMutablePointer<Sample> = scratch.allocate(count)
        constant.update(repeating: integerConstant(), count: count)
        border = UnsafePointer(constant) + halo.left * channels
      }
      rows[k] = border!
    }
    let first: UnsafeMutablePointer<Sample> = output.row(region.y).samples()
    let pitch = region.height > 1 ? output.row(region.y + 1) - output.row(region.y) : 0
    filter(
      WindowRows(
        rows: rows, step: channels, target: first + region.x * channels,
        pitch: pitch / MemoryLayout<Sample>.size, count: region.width * channels, height: region.height),
      scratch)
  }

  func processBlocks(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    for block in blocks(of: region) {
      scratch.frame { processBlock(block, from: source, to: output, scratch: scratch) }
    }
  }

  /// Wide enough that ghosts weigh little, small enough that planes and histograms stay in the cache.
  func blocks(of region: Region) -> [Region] {
    let width = max(keys == .int32 || keys == .ranks ? 256 : 512, window.width), height = max(64, window.height)
    return stride(from: region.y, to: region.endY, by: height).flatMap { y in
      stride(from: region.x, to: region.endX, by: width).map { x in
        Region(x: x, y: y, width: min(width, region.endX - x), height: min(height, region.endY - y))
      }
    }
  }

  /// Tells of a channel's padded plane what counts: 0 where a sample does not.
  typealias PlaneCover = (_ channel: Int) -> UnsafePointer<UInt8>

  /// - Parameter cover: Nil where all samples count.
  func processBlock(
    _ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch, cover: PlaneCover? = nil
  ) {
    let count = block.width * block.height
    switch keys {
    case .ranks: processRanked(block, from: source, to: output, scratch: scratch, cover: cover)
    case .uint8:
      let medians: [UnsafeMutablePointer<UInt8>] = (0..<input.channels).map { channel in
        let plane: PaddedPlane<UInt8> = plane(of: channel, block, from: source, scratch: scratch)
        let result = scratch.allocate(count, of: UInt8.self)
        filter(plane, cover?(channel), block, into: result, scratch: scratch)
        return result
      }
      interleave(medians, block, to: output)
    case .uint16:
      let medians: [UnsafeMutablePointer<UInt16>] = (0..<input.channels).map { channel in
        let plane: PaddedPlane<UInt16>
        if input.sampleType == .uint16 {
          plane = self.plane(of: channel, block, from: source, scratch: scratch)
        } else {
          plane = premultipliedPlane(
            of: channel, block, from: source, scratch: scratch, sample: UInt8.self
          ) { UInt16(truncatingIfNeeded: $0) }
        }
        let result = scratch.allocate(count, of: UInt16.self)
        filter(plane, cover?(channel), block, into: result, scratch: scratch)
        return result
      }
      if input.sampleType == .uint16 {
        interleave(medians, block, to: output)
      } else {
        interleavePremultiplied(medians, block, to: output, sample: UInt8.self) { Int($0) }
      }
    case .int32:
      let medians: [UnsafeMutablePointer<Int32>] = (0..<input.channels).map { channel in
        let plane: PaddedPlane<Int32>
        if input.sampleType == .uint16 {
          plane = premultipliedPlane(
            of: channel, block, from: source, scratch: scratch, sample: UInt16.self
          ) { Int32(truncatingIfNeeded: $0 - 1 << 31) }
        } else {
          plane = floatPlane(of: channel, block, from: source, scratch: scratch)
        }
        let result = scratch.allocate(count, of: Int32.self)
        filter(plane, cover?(channel), block, into: result, scratch: scratch)
        return result
      }
      if input.sampleType == .uint16 {
        interleavePremultiplied(medians, block, to: output, sample: UInt16.self) { Int($0) + 1 << 31 }
      } else {
        interleaveFloats(medians, block, to: output, scratch: scratch)
      }
    }
  }
}
