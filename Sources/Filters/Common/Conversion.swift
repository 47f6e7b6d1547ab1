public import Pictures
public import Pipeline
import Platform

import Kernels

/// What transparent pixels are put over where a file cannot hold alpha, in [0, 1].
public struct Background: Equatable, Sendable {
  /// sRGB, 0 … 1 each; gray pictures get their luma.
  public var red, green, blue: Float

  /// sRGB, 0 … 1 each; values beyond are clamped when they become integers.
  public init(red: Float, green: Float, blue: Float) { (self.red, self.green, self.blue) = (red, green, blue) }

  /// The default.
  public static let white = Background(red: 1, green: 1, blue: 1)

  func samples(_ color: ColorModel) -> [Float] {
    switch color {
    case .gray: [0.2125 * red + 0.7154 * green + 0.0721 * blue]
    case .rgb: [red, green, blue]
    case .cmyk: [1 - red, 1 - green, 1 - blue, 0]
    case .lab: [1, 0.5, 0.5]  // White; no format without alpha holds it.
    }
  }
}

/// Whether values beyond what a file can hold were met on the way into it; any thread may ask and say so.
public final class Clipping: Sendable {
  private let flag = Locked(false)

  /// Nothing has been clipped yet.
  public init() {}

  /// Whether any value was clipped so far.
  public var hasHappened: Bool { flag.withLock { $0 } }

  /// Looks at values in [0, 1] that are about to become integers up to `most`. What is rounded to 0 or 1 is not clipped.
  fileprivate func look(at values: UnsafePointer<Float>, count: Int, most: Float) {
    guard !hasHappened else { return }
    let slack = 0.5 / most
    var isBeyond = false
    for index in 0..<count { isBeyond = isBeyond || values[index] < -slack || values[index] > 1 + slack }
    if isBeyond { flag.withLock { $0 = true } }
  }
}

/// Makes pictures such that a format can hold them: in another sample type, without alpha, in RGB.
public struct Conversion: Filter {
  /// What is to come out; its size is not looked at.
  public let target: ImageDescription
  /// What alpha is put over where it goes.
  public let background: Background
  /// Is told when values are clipped.
  public let clipping: Clipping?

  /// - Parameters:
  ///   - target: Sample type, colour and alpha to come out; its size is not looked at. Colour may change from CMYK to
  ///     RGB only.
  ///   - background: What alpha is put over where `target` has none.
  ///   - clipping: Is told when floats beyond 0 … 1 become integers; nil: nobody is.
  public init(to target: ImageDescription, background: Background = .white, clipping: Clipping? = nil) {
    (self.target, self.background, self.clipping) = (target, background, clipping)
  }

  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    var output = target
    (output.width, output.height) = (input.width, input.height)
    return output
  }

  public func stages(for input: ImageDescription) throws -> [Stage] {
    let output = outputDescription(for: input)
    let stencil = ConvertingStencil(from: input, to: output, background: background, clipping: clipping)
    return [.stencil(stencil, making: output)]
  }
}

/// Converts pixels.
///
/// Integers are rounded and clamped. Alpha is put over a background. CMYK becomes what its inks leave of white.
struct ConvertingStencil: Stencil {
  let from: ImageDescription
  let to: ImageDescription
  let background: [Float]
  /// Only where it can happen.
  private let clipping: Clipping?
  /// What 1.0 is in the result.
  private let one: Double
  /// The sample for no data becomes the other's, whatever rounding makes of others.
  private let nodata: (coverage: Coverage, sample: Double)?

  init(
    from: ImageDescription, to: ImageDescription, background: Background = .white, one: Double = 1,
    clipping: Clipping? = nil
  ) {
    precondition(from.extraBands == to.extraBands)
    precondition(from.color == to.color || (from.color == .cmyk && to.color == .rgb))
    self.from = from
    self.to = to
    self.background = background.samples(from.color)
    self.clipping = from.sampleType.isFloat && !to.sampleType.isFloat ? clipping : nil
    self.one = one
    if from.sampleType == to.sampleType && from.stored == to.stored || from.color != to.color {
      nodata = nil
    } else if let sample = to.nodataSample, let coverage = (try? Coverage(from, .colors))??.withoutMasks {
      nodata = (coverage, sample)
    } else {
      nodata = nil
    }
  }

  var halo: Halo { .none }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    for y in region.y..<region.endY {
      scratch.frame {
        convert(
          source.row(y) + region.x * from.bytesPerPixel, to: output.row(y) + region.x * to.bytesPerPixel,
          count: region.width, scratch: scratch)
      }
    }
  }

  func convert(
    _ pixels: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int, scratch: Scratch
  ) {
    if from.sampleType == .float64 && to.sampleType == .float64 {
      convert(doubles: pixels, to: target.samples(), count: count, scratch: scratch)
      if let nodata { keep(nodata.coverage, nodata.sample, pixels, target, count, scratch) }
      return
    }
    let kernels = KernelTable.current
    let floats = scratch.allocate(count * from.channels, of: Float.self)
    let loader = FloatLoader(
      input: from, result: .samples, fullScale: Float(one), keepsLeast: to.stored?.kind == .signed)
    loader.load(pixels, x: 0, count: count, into: floats, scratch: scratch)
    switch (from.alpha, to.alpha) {
    case (.straight, .premultiplied): kernels.premultiply_f32(floats, 1, from.channels, count)
    case (.premultiplied, .straight): kernels.unpremultiply_f32(floats, 1, from.channels, count)
    case (.straight, .none):
      kernels.premultiply_f32(floats, 1, from.channels, count)
      putOverBackground(floats, count: count)
    case (.premultiplied, .none): putOverBackground(floats, count: count)
    default: break
    }
    if from.color == .cmyk && to.color == .rgb { makeRGB(floats, count: count) }
    clipping?.look(at: floats, count: count * to.channels, most: to.sampleType == .uint8 ? 255 : 65535)
    storeRow(floats, count: count * to.channels, scale: 1, as: to.sampleType, to: target)
    if one != 1 && to.alpha != .none {
      scaleAlpha(target.samples(), by: Float(one), channels: to.channels, count: count)
    }
    if let nodata { keep(nodata.coverage, nodata.sample, pixels, target, count, scratch) }
  }

  /// The same without a detour through single precision.
  private func convert(
    doubles pixels: UnsafeRawPointer, to target: UnsafeMutablePointer<Double>, count: Int, scratch: Scratch
  ) {
    let doubles = scratch.allocate(count * from.channels, of: Double.self)
    var loader = DoubleLoader(input: from, result: .samples, fullScale: one)
    loader.keepsLeast = to.stored?.kind == .signed
    loader.load(pixels, x: 0, count: count, into: doubles, scratch: scratch)
    if from.alpha == .straight && to.alpha != .straight {
      premultiply(doubles, by: 1, channels: from.channels, count: count)
    }
    if from.alpha == .premultiplied && to.alpha == .straight {
      unpremultiply(doubles, by: 1, channels: from.channels, count: count)
    }
    if from.alpha != .none && to.alpha == .none { putOverBackground(doubles, count: count) }
    if from.color == .cmyk && to.color == .rgb { makeRGB(doubles, count: count) }
    target.update(from: doubles, count: count * to.channels)
    if one != 1 && to.alpha != .none { scaleAlpha(target, by: one, channels: to.channels, count: count) }
  }

  private func keep(
    _ coverage: Coverage, _ nodata: Double, _ pixels: UnsafeRawPointer, _ target: UnsafeMutableRawPointer,
    _ count: Int, _ scratch: Scratch
  ) {
    let bands = coverage.bands
    let cover = scratch.allocate(count * bands, of: UInt8.self)
    if coverage.load(pixels, y: 0, x: 0, count: count, into: cover, scratch: scratch) { return }
    for x in 0..<count {
      for band in 0..<bands where cover[x * bands + band] == 0 {
        target.setSample(x * to.channels + band, of: to.sampleType, to: nodata)
      }
    }
  }

  /// Drops the alpha of premultiplied pixels, in place.
  private func putOverBackground<Number: BinaryFloatingPoint>(_ floats: UnsafeMutablePointer<Number>, count: Int) {
    let channels = from.channels
    for x in 0..<count {
      let rest = 1 - floats[x * channels + channels - 1]
      for c in 0..<(channels - 1) {
        let behind = c < background.count ? Number(background[c]) : 0
        floats[x * (channels - 1) + c] = floats[x * channels + c] + rest * behind
      }
    }
  }

  /// Turns CMYK (with what alpha there is) into RGB, in place.
  private func makeRGB<Number: BinaryFloatingPoint>(_ floats: UnsafeMutablePointer<Number>, count: Int) {
    let rest = to.channels - 3
    for x in 0..<count {
      let from = floats + x * (4 + rest), to = floats + x * (3 + rest)
      let light = 1 - from[3]
      for c in 0..<3 { to[c] = (1 - from[c]) * light }
      for c in 0..<rest { to[3 + c] = from[4 + c] }
    }
  }
}

/// Converts rows on their way to a sink that takes another description.
public final class ConvertingSink: RowSink, @unchecked Sendable {
  private let base: any RowSink
  private let stencil: ConvertingStencil?
  private let scratch = Scratch()

  /// - Parameters:
  ///   - base: Where rows of `to` go.
  ///   - from: What comes; `to` may be of another sample type, without alpha, or in RGB instead of CMYK.
  ///   - clipping: Is told when values are clipped.
  public init(
    _ base: any RowSink, from: ImageDescription, to: ImageDescription, background: Background = .white,
    clipping: Clipping? = nil
  ) {
    self.base = base
    stencil = from == to ? nil : ConvertingStencil(from: from, to: to, background: background, clipping: clipping)
  }

  public func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    guard let stencil else { return try base.write(rows, stride: stride, count: count) }
    scratch.reset()
    let rowBytes = stencil.to.bytesPerRow
    let converted = scratch.allocate(rowBytes * count, of: UInt8.self)
    for row in 0..<count {
      scratch.frame {
        stencil.convert(
          rows + row * stride, to: UnsafeMutableRawPointer(converted + row * rowBytes), count: stencil.to.width,
          scratch: scratch)
      }
    }
    try base.write(converted, stride: rowBytes, count: count)
  }

  public var canTakeRows: Bool { base.canTakeRows }
  public func takeWork() -> (@Sendable () throws -> Void)? { base.takeWork() }
  public var hasWork: Bool { base.hasWork }
}

extension Picture {
  /// This picture in another sample type, or without alpha; itself if it is that already.
  public func converted(to wanted: ImageDescription, background: Background = .white) throws -> Picture {
    if wanted == description { return self }
    let result = try Picture(wanted)
    let conversion = ConvertingStencil(from: description, to: wanted, background: background)
    let scratch = Scratch()
    for y in 0..<description.height {
      scratch.frame { conversion.convert(row(y), to: result.row(y), count: description.width, scratch: scratch) }
    }
    return result
  }
}
