import Pictures
import Pipeline

import Kernels

// How a picture's samples become the rows that kernels work on.

/// Converts pixels to 32-bit floats.
struct FloatLoader: Sendable {
  enum Result: Sendable {
    /// All samples as they are.
    case samples
    /// All samples, colour multiplied by alpha where alpha is straight.
    case premultiplied
    /// One sample a pixel: gray, or luma of colour.
    case luma
    /// Colour and further bands without alpha.
    case color
  }

  let input: ImageDescription
  let result: Result
  /// What full scale becomes: 1, or the type's maximum to keep integers whole.
  let fullScale: Float
  /// Whether the sRGB transfer function is undone.
  var isLinear = false
  /// Whether the least of signed integers stays what it is, instead of −1.
  var keepsLeast = false

  /// Whether the least integer is raised to −1.
  var raisesLeast: Bool { input.hasLeast && !isWhole && !keepsLeast }

  /// Whether samples that memory holds as fractions become the whole numbers that the file has.
  fileprivate var isWhole: Bool {
    guard let stored = input.stored, stored.kind != .float else { return false }
    return fullScale == Float(input.valueOfOne)
  }

  var channels: Int {
    switch result {
    case .samples, .premultiplied: input.channels
    case .luma: 1
    case .color: input.color.channels + input.extraBands
    }
  }

  /// Converts `count` pixels of a row, from column `x`, into `count` × `channels` floats.
  func load(_ row: UnsafeRawPointer, x: Int, count: Int, into floats: UnsafeMutablePointer<Float>, scratch: Scratch) {
    let kernels = KernelTable.current
    let scale = fullScale / input.sampleType.fullScale
    let pixels = row + x * input.bytesPerPixel
    switch result {
    case .samples, .premultiplied:
      loadSamples(pixels, count, into: floats, scale: scale)
      if result == .premultiplied && input.alpha == .straight {
        kernels.premultiply_f32(floats, fullScale, input.channels, count)
      }
    case .luma where input.color == .rgb && !isLinear && input.sampleType != .float64 && !raisesLeast:
      switch input.sampleType {
      case .uint8: kernels.luma_u8_f32(pixels.samples(), floats, scale, input.channels, count)
      case .uint16: kernels.luma_u16_f32(pixels.samples(), floats, scale, input.channels, count)
      default: kernels.luma_f32_f32(pixels.samples(), floats, scale, input.channels, count)
      }
    case .luma, .color:
      if input.channels == channels {
        loadSamples(pixels, count, into: floats, scale: scale)
      } else {
        scratch.frame {
          let all = scratch.allocate(count * input.channels, of: Float.self)
          loadSamples(pixels, count, into: all, scale: scale)
          if result == .color {
            dropAlpha(all, into: floats, channels: input.channels, count: count)
          } else {
            reduceToLuma(all, into: floats, input, full: fullScale, count: count)
          }
        }
      }
    }
  }

  private func loadSamples(
    _ row: UnsafeRawPointer, _ count: Int, into floats: UnsafeMutablePointer<Float>, scale: Float
  ) {
    let kernels = KernelTable.current
    let n = count * input.channels
    switch input.sampleType {
    case .uint8: kernels.load_u8_f32(row.samples(), floats, scale, n)
    case .uint16: kernels.load_u16_f32(row.samples(), floats, scale, n)
    case .float32: kernels.scale_f32(row.samples(), floats, scale, 0, n)
    case .float64:
      let doubles: UnsafePointer<Double> = row.samples()
      for i in 0..<n { floats[i] = Float(doubles[i]) * scale }
    }
    if isWhole { for i in 0..<n { floats[i] = floats[i].rounded() } }
    if raisesLeast { for i in 0..<n { floats[i] = max(floats[i], -fullScale) } }
    if isLinear {
      TransferFunction.linearize(
        floats, count: count, colors: input.color.channels, channels: input.channels, fullScale: fullScale,
        type: input.sampleType)
    }
  }
}

/// Converts pixels to one 64-bit float each, in [0, 1]: gray, or luma of colour.
struct DoubleLumaLoader: Sendable {
  let input: ImageDescription
  /// Whether the sRGB transfer function is undone.
  var isLinear = false

  /// Converts `count` pixels of a row, from column `x`.
  func load(_ row: UnsafeRawPointer, x: Int, count: Int, into doubles: UnsafeMutablePointer<Double>, scratch: Scratch) {
    let kernels = KernelTable.current
    let scale = 1 / Double(input.sampleType.fullScale)
    let pixels = row + x * input.bytesPerPixel
    if isLinear {
      scratch.frame {
        let floats = scratch.allocate(count, of: Float.self)
        FloatLoader(input: input, result: .luma, fullScale: 1, isLinear: true)
          .load(row, x: x, count: count, into: floats, scratch: scratch)
        for i in 0..<count { doubles[i] = Double(floats[i]) }
      }
      return
    }
    if input.color == .rgb && input.sampleType != .float64 && input.wholeOne == nil {
      switch input.sampleType {
      case .uint8: kernels.luma_u8_f64(pixels.samples(), doubles, scale, input.channels, count)
      case .uint16: kernels.luma_u16_f64(pixels.samples(), doubles, scale, input.channels, count)
      default: kernels.luma_f32_f64(pixels.samples(), doubles, scale, input.channels, count)
      }
      return
    }
    scratch.frame {
      let n = count * input.channels
      let isPlain = input.channels == 1
      let all = isPlain ? doubles : scratch.allocate(n, of: Double.self)
      switch input.sampleType {
      case .uint8: kernels.load_u8_f64(pixels.samples(), all, scale, n)
      case .uint16: kernels.load_u16_f64(pixels.samples(), all, scale, n)
      case .float32: kernels.load_f32_f64(pixels.samples(), all, scale, n)
      case .float64: all.update(from: pixels.samples(), count: n)
      }
      if let one = input.wholeOne { makeExact(all, count: n, one: one) }
      if !isPlain { reduceToLuma(all, into: doubles, input, full: 1, count: count) }
    }
  }
}

/// Gray of colour, pixel by pixel: luma of RGB (ITU-R BT.709 as scikit-image has it), of what CMYK inks leave of it, and
/// L* of Lab.
func reduceToLuma<Number: BinaryFloatingPoint>(
  _ pixels: UnsafePointer<Number>, into result: UnsafeMutablePointer<Number>, _ input: ImageDescription, full: Number,
  count: Int
) {
  let channels = input.channels
  let weights: (Number, Number, Number) = (0.2125, 0.7154, 0.0721)
  switch input.color {
  case .gray, .lab:
    for x in 0..<count { result[x] = pixels[x * channels] }
  case .rgb:
    for x in 0..<count {
      let p = pixels + x * channels
      result[x] = weights.0 * p[0] + weights.1 * p[1] + weights.2 * p[2]
    }
  case .cmyk:
    for x in 0..<count {
      let p = pixels + x * channels
      let light = weights.0 * (full - p[0]) + weights.1 * (full - p[1]) + weights.2 * (full - p[2])
      result[x] = light * (full - p[3]) / full
    }
  }
}

/// Copies pixels without their last sample.
func dropAlpha<Sample: BitwiseCopyable>(
  _ pixels: UnsafePointer<Sample>, into result: UnsafeMutablePointer<Sample>, channels: Int, count: Int
) {
  for x in 0..<count {
    for c in 0..<(channels - 1) { result[x * (channels - 1) + c] = pixels[x * channels + c] }
  }
}

/// Writes floats as samples of a picture's type, rounded and clamped where it is an integer type.
///
/// - Parameters:
///   - scale: What a float is multiplied with to be in [0, 1].
///   - offset: Added in [0, 1] after that.
func storeRow(
  _ floats: UnsafePointer<Float>, count: Int, scale: Float, offset: Float = 0, as type: SampleType,
  to row: UnsafeMutableRawPointer
) {
  let kernels = KernelTable.current
  let full = type.fullScale
  // A scale of 1 exactly where full scales agree, so that whole numbers stay whole.
  let factor = scale == 1 / full ? 1 : scale == 0.5 / full ? 0.5 : scale * full
  switch type {
  case .uint8: kernels.store_f32_u8(floats, row.samples(), factor, offset * full, count)
  case .uint16: kernels.store_f32_u16(floats, row.samples(), factor, offset * full, count)
  case .float32: kernels.scale_f32(floats, row.samples(), factor, offset, count)
  case .float64:
    let doubles: UnsafeMutablePointer<Double> = row.samples()
    for i in 0..<count { doubles[i] = Double(floats[i] * factor + offset) }
  }
}

extension Filter {
  /// The scale in which samples are filtered, their own, so that integers stay whole: as memory holds them, or for a result in the
  /// file's units as that does.
  func scale(of input: ImageDescription) -> Float {
    preservesRange && input.stored != nil ? valueOfOne(input) : input.sampleType.fullScale
  }
}

extension Filter {
  /// A picture with 32-bit floats in units of full scale, or of the input's file.
  func floatResult(of input: ImageDescription) -> ImageDescription {
    var result = input.withFloatSamples
    if preservesRange { result.validity.nodata = input.validity.nodata.map { Double(Float($0)) } }
    return result
  }
}

/// Makes alpha 0 … 1 again where samples are in other units.
func scaleAlpha(_ pixels: UnsafeMutablePointer<Float>, by one: Float, channels: Int, count: Int) {
  for x in 0..<count { pixels[x * channels + channels - 1] /= one }
}
