public import Pictures
public import Pipeline
import Platform
import Kernels

/// Replaces each sample by the median of a window: the value of rank ⌊count / 2⌋, channel by channel.
///
/// Computes what `scipy.ndimage.median_filter` does (`skimage.filters.median`). 3 × 3 and 5 × 5 squares go through
/// sorting networks, small 8-bit windows are counted bit by bit, round and middling ones followed from row to row, large
/// 8-bit rectangles go through column histograms (cost independent of the window), everything else through sets of ranks
/// (cost grows with the window's height).
public struct Median: StencilFilter {
  public enum Shape: Equatable, Sendable {
    /// Offsets −(m / 2) … m − 1 − m / 2 on each axis; even sizes are allowed.
    case rectangle(height: Int, width: Int)
    /// Pixels at a distance of at most `radius`.
    case disk(radius: Int)

    public static func square(radius: Int) -> Shape { .rectangle(height: 2 * radius + 1, width: 2 * radius + 1) }
  }

  public var shape: Shape
  public var boundary: Boundary
  /// Value beyond the border under ``Boundary/constant``, in units of full scale.
  public var constant: Double
  /// Whether the result is 32-bit float in units of full scale.
  public var makesFloat: Bool
  /// Whether colour is multiplied by alpha in linear light. It makes no difference to opaque pixels: their order is the
  /// same.
  public var isLinear = false

  public init(
    _ shape: Shape = .square(radius: 1), boundary: Boundary = .nearest, constant: Double = 0, makesFloat: Bool = false
  ) {
    self.shape = shape
    self.boundary = boundary
    self.constant = constant
    self.makesFloat = makesFloat
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    makesFloat ? input.withFloatSamples : input
  }

  public func stencil(for input: ImageDescription) throws -> any Stencil {
    if isLinear { try input.checkTransferFunction() }
    let window = MedianWindow(shape)
    guard window.height * window.width < 1 << 30 else {
      throw ImbrexError(.usage, "a median window of \(window.height) × \(window.width) pixels is too large")
    }
    let stencil = MedianStencil(self, input, window)
    return makesFloat ? ConvertingStencil(base: stencil, from: input, to: outputDescription(for: input)) : stencil
  }
}

/// A median's window as rows of columns.
struct MedianWindow: Sendable {
  let height: Int
  let width: Int
  /// Of each row, the first column and one past the last, from the window's left.
  let spans: [Int32]
  let isRectangle: Bool

  init(_ shape: Median.Shape) {
    switch shape {
    case .rectangle(let height, let width):
      precondition(height > 0 && width > 0, "a window has at least one pixel")
      self.height = height
      self.width = width
      spans = (0..<height).flatMap { _ in [0, Int32(width)] }
      isRectangle = true
    case .disk(let radius):
      precondition(radius >= 0)
      height = 2 * radius + 1
      width = height
      spans = (-radius...radius).flatMap { y -> [Int32] in
        var reach = 0
        while (reach + 1) * (reach + 1) + y * y <= radius * radius { reach += 1 }
        return [Int32(radius - reach), Int32(radius + reach + 1)]
      }
      isRectangle = radius == 0
    }
  }

  /// Samples.
  var count: Int { stride(from: 0, to: spans.count, by: 2).reduce(0) { $0 + Int(spans[$1 + 1] - spans[$1]) } }
  /// Which way is the fastest for 8-bit samples: by bits, for few of them; from the window above, for more, as long as
  /// there is no way whose cost does not depend on the window.
  var isCounted: Bool { count <= Self.mostCounted }
  var isFollowed: Bool {
    height <= MEDIAN_SPAN_MOST && width <= MEDIAN_SPAN_MOST && (!isRectangle || count <= Self.mostFollowed)
  }
  private static let mostCounted = 30
  private static let mostFollowed = 256

  var halo: Halo {
    Halo(top: height / 2, bottom: height - 1 - height / 2, left: width / 2, right: width - 1 - width / 2)
  }
}

/// The rows of some windows, at the column of the first output, and where the outputs go.
private struct WindowRows<Sample> {
  let rows: UnsafePointer<UnsafePointer<Sample>>
  /// Samples from a pixel to the next.
  let step: Int
  let target: UnsafeMutablePointer<Sample>
  /// Samples from an output row to the next.
  let pitch: Int
  /// Samples in a row of outputs, and rows.
  let count: Int
  let height: Int

  init(
    rows: UnsafeMutablePointer<UnsafePointer<Sample>>, step: Int, target: UnsafeMutablePointer<Sample>, pitch: Int,
    count: Int, height: Int
  ) {
    self.rows = UnsafePointer(rows)
    (self.step, self.target, self.pitch, self.count, self.height) = (step, target, pitch, count, height)
  }
}

struct MedianStencil: Stencil {
  /// What is sorted: samples themselves, or integers in the same order.
  private enum Keys {
    case uint8, uint16, int32
    /// 64-bit floats by their rank in a block.
    case ranks
  }

  private let input: ImageDescription
  private let window: MedianWindow
  private let boundary: Boundary
  private let constant: Double
  private let keys: Keys
  private let isLinear: Bool

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
  var needsWholePicture: Bool { boundary == .wrap && (window.height > 1 || window.width > 1) }

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
  private var canGoStraight: Bool {
    let isNetwork = window.isRectangle && window.height == window.width && (window.height == 3 || window.height == 5)
    switch keys {
    case .uint8: return input.sampleType == .uint8 && (isNetwork || window.isCounted)
    case .uint16: return input.sampleType == .uint16 && isNetwork
    case .int32, .ranks: return false
    }
  }

  private func processStraight<Sample: FixedWidthInteger & BitwiseCopyable>(
    _ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch, sample: Sample.Type,
    _ filter: (WindowRows<Sample>, Scratch) -> Void
  ) {
    let channels = input.channels
    let rows: UnsafeMutablePointer<UnsafePointer<Sample>> = scratch.allocate(region.height + window.height - 1)
    var border: UnsafePointer<Sample>?
    for k in 0..<(region.height + window.height - 1) {
      if let y = boundary.index(region.y - halo.top + k, count: input.height) {
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

  private func processBlocks(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    // Blocks: wide enough that ghosts weigh little, small enough that planes and histograms stay in the cache.
    let blockWidth = max(keys == .int32 || keys == .ranks ? 256 : 512, window.width),
      blockHeight = max(64, window.height)
    for y in stride(from: region.y, to: region.endY, by: blockHeight) {
      for x in stride(from: region.x, to: region.endX, by: blockWidth) {
        let block = Region(
          x: x, y: y, width: min(blockWidth, region.endX - x), height: min(blockHeight, region.endY - y))
        scratch.frame { processBlock(block, from: source, to: output, scratch: scratch) }
      }
    }
  }

  private func processBlock(_ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let count = block.width * block.height
    switch keys {
    case .ranks: processRanked(block, from: source, to: output, scratch: scratch)
    case .uint8:
      let medians: [UnsafeMutablePointer<UInt8>] = (0..<input.channels).map { channel in
        let plane: PaddedPlane<UInt8> = plane(of: channel, block, from: source, scratch: scratch)
        let result = scratch.allocate(count, of: UInt8.self)
        filter(plane, block, into: result, scratch: scratch)
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
        filter(plane, block, into: result, scratch: scratch)
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
        filter(plane, block, into: result, scratch: scratch)
        return result
      }
      if input.sampleType == .uint16 {
        interleavePremultiplied(medians, block, to: output, sample: UInt16.self) { Int($0) + 1 << 31 }
      } else {
        interleaveFloats(medians, block, to: output, scratch: scratch)
      }
    }
  }

  // MARK: - 64-bit floats, by rank

  private func processRanked(_ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let count = block.width * block.height
    let planes: [UnsafeMutablePointer<Double>] = (0..<input.channels).map { channel in
      let plane = doublePlane(of: channel, block, from: source, scratch: scratch)
      let samples = plane.pitch * (block.height + window.height - 1)
      // Integers in the numbers' order; NaN above all, −0 as 0.
      func key(_ value: Double) -> UInt64 {
        let bits = (value.isNaN ? Double.nan : value + 0).bitPattern
        return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
      }
      var sorted = UnsafeMutableBufferPointer(start: scratch.allocate(samples, of: UInt64.self), count: samples)
      for i in 0..<samples { sorted[i] = key(plane.base[i]) }
      sorted.sort()
      var distinct = 0
      for i in 0..<samples where i == 0 || sorted[i] != sorted[distinct - 1] {
        sorted[distinct] = sorted[i]
        distinct += 1
      }
      func rank(_ value: Double) -> Int32 {
        let wanted = key(value)
        var low = 0, high = distinct - 1
        while low < high {
          let middle = (low + high) / 2
          if sorted[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return Int32(low)
      }
      let ranks = scratch.allocate(count, of: Int32.self)
      filter(plane.mapped(count: samples, scratch: scratch, rank), block, into: ranks, scratch: scratch)
      let result = scratch.allocate(count, of: Double.self)
      for i in 0..<count {
        let found = sorted[Int(ranks[i])]
        result[i] = Double(bitPattern: found >> 63 == 1 ? found & ~(1 << 63) : ~found)
      }
      return result
    }
    store(planes, block, to: output, scratch: scratch)
  }

  /// One channel of a block in units of full scale, times alpha where that is straight, in linear light if asked for.
  private func doublePlane(
    of channel: Int, _ block: Region, from source: SourceRows, scratch: Scratch
  ) -> PaddedPlane<Double> {
    let channels = input.channels
    let premultiplies = input.alpha == .straight && channel != channels - 1
    return PaddedPlane(
      region: block, halo: halo, in: input, channels: 1, boundary: boundary, constant: constant, scratch: scratch
    ) { row, column, count, target in
      func load(_ sample: (Int) -> Double) {
        for x in 0..<count {
          let value = sample(x * channels + channel)
          let light = isLinear && channel < input.color.channels ? Double(TransferFunction.linear(Float(value))) : value
          target[x] = premultiplies ? light * sample(x * channels + channels - 1) : light
        }
      }
      let pixels = source.row(row) + column * input.bytesPerPixel
      switch input.sampleType {
      case .uint8:
        let samples: UnsafePointer<UInt8> = pixels.samples()
        load { Double(samples[$0]) / 255 }
      case .uint16:
        let samples: UnsafePointer<UInt16> = pixels.samples()
        load { Double(samples[$0]) / 65535 }
      case .float32:
        let samples: UnsafePointer<Float> = pixels.samples()
        load { Double(samples[$0]) }
      case .float64:
        let samples: UnsafePointer<Double> = pixels.samples()
        load { samples[$0] }
      }
    }
  }

  private func store(
    _ planes: [UnsafeMutablePointer<Double>], _ block: Region, to output: OutputRows, scratch: Scratch
  ) {
    let channels = input.channels
    let floats = scratch.allocate(channels, of: Float.self)
    for row in 0..<block.height {
      let pixels = output.row(block.y + row) + block.x * input.bytesPerPixel
      for x in 0..<block.width {
        let i = row * block.width + x
        let alpha = input.alpha == .straight ? planes[channels - 1][i] : 1
        for channel in 0..<channels {
          let isColor = input.alpha != .straight || channel != channels - 1
          var value = planes[channel][i]
          if isColor && alpha != 1 { value = alpha > 0 ? value / alpha : 0 }
          if isLinear && channel < input.color.channels { value = Double(TransferFunction.encoded(Float(value))) }
          if input.sampleType == .float64 {
            (pixels + x * input.bytesPerPixel).samples(Double.self)[channel] = value
          } else {
            floats[channel] = Float(value)
          }
        }
        if input.sampleType != .float64 {
          storeRow(floats, count: channels, scale: 1, as: input.sampleType, to: pixels + x * input.bytesPerPixel)
        }
      }
    }
  }

  // MARK: - From pixels to planes

  private func integerConstant<Sample: FixedWidthInteger>() -> Sample {
    let full = Double(input.sampleType.fullScale)
    return Sample(min(max(constant * full, 0), full).rounded(.toNearestOrAwayFromZero))
  }

  /// One channel of a block, padded.
  private func plane<Sample: FixedWidthInteger & BitwiseCopyable>(
    of channel: Int, _ block: Region, from source: SourceRows, scratch: Scratch
  ) -> PaddedPlane<Sample> {
    let channels = input.channels
    return PaddedPlane(
      region: block, halo: halo, in: input, channels: 1, boundary: boundary, constant: integerConstant(),
      scratch: scratch
    ) { row, column, count, target in
      let samples: UnsafePointer<Sample> = source.row(row).samples() + column * channels + channel
      if channels == 1 {
        target.update(from: samples, count: count)
      } else {
        for x in 0..<count { target[x] = samples[x * channels] }
      }
    }
  }

  /// One channel times alpha, padded; alpha itself is scaled likewise so that it sorts the same.
  private func premultipliedPlane<Sample: FixedWidthInteger, Key: BitwiseCopyable>(
    of channel: Int, _ block: Region, from source: SourceRows, scratch: Scratch, sample: Sample.Type,
    _ key: (Int) -> Key
  ) -> PaddedPlane<Key> {
    let channels = input.channels, full = Int(Sample.max)
    let border = Int(integerConstant() as Sample)
    return PaddedPlane(
      region: block, halo: halo, in: input, channels: 1, boundary: boundary, constant: key(border * full),
      scratch: scratch
    ) { row, column, count, target in
      let pixels: UnsafePointer<Sample> = source.row(row).samples() + column * channels
      for x in 0..<count {
        let pixel = pixels + x * channels
        let alpha = channel == channels - 1 ? full : Int(pixel[channels - 1])
        target[x] = key(Int(pixel[channel]) * alpha)
      }
    }
  }

  private func floatPlane(
    of channel: Int, _ block: Region, from source: SourceRows, scratch: Scratch
  ) -> PaddedPlane<Int32> {
    let kernels = KernelTable.current
    let channels = input.channels
    let premultiplies = input.alpha == .straight && channel != channels - 1
    var border = Float(constant), borderKey: Int32 = 0
    kernels.float_keys(&border, &borderKey, 1)
    return PaddedPlane(
      region: block, halo: halo, in: input, channels: 1, boundary: boundary, constant: borderKey, scratch: scratch
    ) { row, column, count, target in
      let pixels: UnsafePointer<Float> = source.row(row).samples() + column * channels
      scratch.frame {
        let floats = scratch.allocate(count, of: Float.self)
        for x in 0..<count {
          let sample = pixels[x * channels + channel]
          floats[x] = premultiplies ? sample * pixels[x * channels + channels - 1] : sample
        }
        kernels.float_keys(floats, target, count)
      }
    }
  }

  // MARK: - From planes back to pixels

  private func interleave<Sample: FixedWidthInteger>(
    _ planes: [UnsafeMutablePointer<Sample>], _ block: Region, to output: OutputRows
  ) {
    let channels = input.channels
    for row in 0..<block.height {
      let target: UnsafeMutablePointer<Sample> = output.row(block.y + row).samples() + block.x * channels
      for channel in 0..<channels {
        let plane = planes[channel] + row * block.width
        if channels == 1 {
          target.update(from: plane, count: block.width)
        } else {
          for x in 0..<block.width { target[x * channels + channel] = plane[x] }
        }
      }
    }
  }

  private func interleavePremultiplied<Sample: FixedWidthInteger, Key>(
    _ planes: [UnsafeMutablePointer<Key>], _ block: Region, to output: OutputRows, sample: Sample.Type,
    _ value: (Key) -> Int
  ) {
    let channels = input.channels, full = Int(Sample.max)
    for row in 0..<block.height {
      let target: UnsafeMutablePointer<Sample> = output.row(block.y + row).samples() + block.x * channels
      for x in 0..<block.width {
        let i = row * block.width + x
        let alpha = value(planes[channels - 1][i]) / full
        target[x * channels + channels - 1] = Sample(alpha)
        for channel in 0..<(channels - 1) {
          let color = alpha == 0 ? 0 : (value(planes[channel][i]) + alpha / 2) / alpha
          target[x * channels + channel] = Sample(min(color, full))
        }
      }
    }
  }

  private func interleaveFloats(
    _ planes: [UnsafeMutablePointer<Int32>], _ block: Region, to output: OutputRows, scratch: Scratch
  ) {
    let channels = input.channels
    let floats: [UnsafeMutablePointer<Float>] = planes.map { plane in
      let values = scratch.allocate(block.width * block.height, of: Float.self)
      KernelTable.current.keys_float(plane, values, block.width * block.height)
      return values
    }
    for row in 0..<block.height {
      let target: UnsafeMutablePointer<Float> = output.row(block.y + row).samples() + block.x * channels
      for x in 0..<block.width {
        let i = row * block.width + x
        let alpha = input.alpha == .straight ? floats[channels - 1][i] : 1
        for channel in 0..<channels {
          let value = floats[channel][i]
          let isAlpha = input.alpha == .straight && channel == channels - 1
          target[x * channels + channel] = isAlpha || alpha == 1 ? value : alpha > 0 ? value / alpha : 0
        }
      }
    }
  }

  // MARK: - The medians of a plane

  private func shape<Sample>(_ plane: PaddedPlane<Sample>, _ block: Region) -> median_window {
    median_window(
      width: block.width, height: block.height, window_width: window.width, window_height: window.height,
      src_pitch: plane.pitch, dst_pitch: block.width)
  }

  /// The rows of a padded plane, for kernels that take rows.
  private func rows<Sample>(
    _ plane: PaddedPlane<Sample>, _ block: Region, into result: UnsafeMutablePointer<Sample>, scratch: Scratch
  ) -> WindowRows<Sample> {
    let rows: UnsafeMutablePointer<UnsafePointer<Sample>> = scratch.allocate(block.height + window.height - 1)
    for k in 0..<(block.height + window.height - 1) {
      rows[k] = UnsafePointer(plane.base + k * plane.pitch + halo.left)
    }
    return WindowRows(
      rows: rows, step: 1, target: result, pitch: block.width, count: block.width, height: block.height)
  }

  private func filter(
    _ plane: PaddedPlane<UInt8>, _ block: Region, into result: UnsafeMutablePointer<UInt8>, scratch: Scratch
  ) {
    let kernels = KernelTable.current
    var shape = shape(plane, block)
    if networkSize != nil || window.isCounted {
      scratch.frame { filter(rows(plane, block, into: result, scratch: scratch), scratch) }
    } else if window.isFollowed {
      kernels.median_spans_u8(plane.base, result, &shape, window.spans)
    } else if window.isRectangle && window.height * window.width <= 65535 {
      scratch.frame {
        let histograms = scratch.allocate((block.width + window.width - 1) * 272, of: UInt16.self)
        kernels.median_histogram_u8(plane.base, result, &shape, histograms)
      }
    } else {
      filterByRank(plane, block, keyBits: 8, key: { UInt32($0) }, into: result, scratch: scratch) {
        UInt8(truncatingIfNeeded: $0)
      }
    }
  }

  private func filter(
    _ plane: PaddedPlane<UInt16>, _ block: Region, into result: UnsafeMutablePointer<UInt16>, scratch: Scratch
  ) {
    if networkSize != nil {
      scratch.frame { filter(rows(plane, block, into: result, scratch: scratch), scratch) }
    } else {
      filterByRank(plane, block, keyBits: 16, key: { UInt32($0) }, into: result, scratch: scratch) {
        UInt16(truncatingIfNeeded: $0)
      }
    }
  }

  private func filter(
    _ plane: PaddedPlane<Int32>, _ block: Region, into result: UnsafeMutablePointer<Int32>, scratch: Scratch
  ) {
    let kernels = KernelTable.current
    guard let size = networkSize else {
      return filterByRank(
        plane, block, keyBits: 32, key: { UInt32(bitPattern: $0) ^ 1 << 31 }, into: result, scratch: scratch
      ) { Int32(bitPattern: $0 ^ 1 << 31) }
    }
    scratch.frame {
      let r = rows(plane, block, into: result, scratch: scratch)
      let kernel = size == 3 ? kernels.median3_i32 : kernels.median5_i32
      kernel(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    }
  }

  /// 3 or 5 where a sorting network does.
  private var networkSize: Int? {
    guard window.isRectangle && window.height == window.width else { return nil }
    return window.height == 3 || window.height == 5 ? window.height : nil
  }

  private func filter(_ r: WindowRows<UInt8>, _ scratch: Scratch) {
    let kernels = KernelTable.current
    switch networkSize {
    case 3: kernels.median3_u8(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    case 5: kernels.median5_u8(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    default: count(r, scratch)
    }
  }

  private func filter(_ r: WindowRows<UInt16>, _ scratch: Scratch) {
    let kernels = KernelTable.current
    let kernel = networkSize == 3 ? kernels.median3_u16 : kernels.median5_u16
    kernel(r.rows, r.step, r.target, r.pitch, r.count, r.height)
  }

  /// By counting: the window's samples as rows and offsets.
  private func count(_ r: WindowRows<UInt8>, _ scratch: Scratch) {
    let total = window.count
    let rows = scratch.allocate(total, of: UnsafePointer<UInt8>.self), offsets = scratch.allocate(total, of: Int32.self)
    for y in 0..<r.height {
      var k = 0
      for row in 0..<window.height {
        for column in window.spans[2 * row]..<window.spans[2 * row + 1] {
          rows[k] = r.rows[y + row]
          offsets[k] = (column - Int32(halo.left)) * Int32(r.step)
          k += 1
        }
      }
      KernelTable.current.median_count_u8(rows, offsets, total, UInt32(total / 2), r.target + y * r.pitch, r.count)
    }
  }

  private func filterByRank<Sample: BitwiseCopyable>(
    _ plane: PaddedPlane<Sample>, _ block: Region, keyBits: UInt32, key: (Sample) -> UInt32,
    into result: UnsafeMutablePointer<Sample>, scratch: Scratch, _ sample: (UInt32) -> Sample
  ) {
    scratch.frame {
      let kernels = KernelTable.current
      let count = plane.pitch * (block.height + window.height - 1)
      let keys = scratch.allocate(count, of: UInt32.self)
      let order = scratch.allocate(count, of: UInt32.self), spare = scratch.allocate(count, of: UInt32.self)
      let ranks = scratch.allocate(count, of: UInt32.self), values = scratch.allocate(count, of: UInt32.self)
      for i in 0..<count { keys[i] = key(plane.base[i]) }
      kernels.rank_samples(keys, count, keyBits, order, spare, ranks, values)
      let bits = scratch.allocate((count + 63) / 64, of: UInt64.self)
      var shape = shape(plane, block)
      let medians = keys  // Its keys are in `values` now.
      kernels.median_ranks(ranks, count, window.spans, values, bits, medians, &shape)
      for i in 0..<(block.width * block.height) { result[i] = sample(medians[i]) }
    }
  }
}
