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
    /// Colour without alpha.
    case color
  }

  let input: ImageDescription
  let result: Result
  /// What full scale becomes: 1, or the type's maximum to keep integers whole.
  let fullScale: Float

  var channels: Int {
    switch result {
    case .samples, .premultiplied: input.channels
    case .luma: 1
    case .color: input.color.channels
    }
  }

  /// Converts `count` pixels of a row, from column `x`, into `count` × `channels` floats.
  func load(_ row: UnsafeRawPointer, x: Int, count: Int, into floats: UnsafeMutablePointer<Float>, scratch: Scratch) {
    let kernels = KernelTable.current
    let scale = fullScale / input.sampleType.fullScale
    let pixels = row + x * input.bytesPerPixel
    switch result {
    case .samples, .premultiplied:
      loadSamples(pixels, count * input.channels, into: floats, scale: scale)
      if result == .premultiplied && input.alpha == .straight {
        kernels.premultiply_f32(floats, fullScale, input.channels, count)
      }
    case .luma where input.color == .rgb:
      switch input.sampleType {
      case .uint8: kernels.luma_u8_f32(pixels.samples(), floats, scale, input.channels, count)
      case .uint16: kernels.luma_u16_f32(pixels.samples(), floats, scale, input.channels, count)
      case .float32: kernels.luma_f32_f32(pixels.samples(), floats, scale, input.channels, count)
      }
    case .luma, .color:
      if input.alpha == .none {
        loadSamples(pixels, count * input.channels, into: floats, scale: scale)
      } else {
        scratch.frame {
          let all = scratch.allocate(count * input.channels, of: Float.self)
          loadSamples(pixels, count * input.channels, into: all, scale: scale)
          dropAlpha(all, into: floats, channels: input.channels, count: count)
        }
      }
    }
  }

  private func loadSamples(_ row: UnsafeRawPointer, _ n: Int, into floats: UnsafeMutablePointer<Float>, scale: Float) {
    let kernels = KernelTable.current
    switch input.sampleType {
    case .uint8: kernels.load_u8_f32(row.samples(), floats, scale, n)
    case .uint16: kernels.load_u16_f32(row.samples(), floats, scale, n)
    case .float32: kernels.scale_f32(row.samples(), floats, scale, 0, n)
    }
  }
}

/// Converts pixels to one 64-bit float each, in [0, 1]: gray, or luma of colour.
struct DoubleLumaLoader: Sendable {
  let input: ImageDescription

  /// Converts `count` pixels of a row, from column `x`.
  func load(_ row: UnsafeRawPointer, x: Int, count: Int, into doubles: UnsafeMutablePointer<Double>, scratch: Scratch) {
    let kernels = KernelTable.current
    let scale = 1 / Double(input.sampleType.fullScale)
    let pixels = row + x * input.bytesPerPixel
    if input.color == .rgb {
      switch input.sampleType {
      case .uint8: kernels.luma_u8_f64(pixels.samples(), doubles, scale, input.channels, count)
      case .uint16: kernels.luma_u16_f64(pixels.samples(), doubles, scale, input.channels, count)
      case .float32: kernels.luma_f32_f64(pixels.samples(), doubles, scale, input.channels, count)
      }
      return
    }
    scratch.frame {
      let n = count * input.channels
      let all = input.alpha == .none ? doubles : scratch.allocate(n, of: Double.self)
      switch input.sampleType {
      case .uint8: kernels.load_u8_f64(pixels.samples(), all, scale, n)
      case .uint16: kernels.load_u16_f64(pixels.samples(), all, scale, n)
      case .float32: kernels.load_f32_f64(pixels.samples(), all, scale, n)
      }
      if input.alpha != .none { dropAlpha(all, into: doubles, channels: input.channels, count: count) }
    }
  }
}

/// Copies pixels without their last sample.
private func dropAlpha<Sample: BitwiseCopyable>(
  _ pixels: UnsafePointer<Sample>, into result: UnsafeMutablePointer<Sample>, channels: Int, count: Int
) {
  for x in 0..<count {
    for c in 0..<(channels - 1) { result[x * (channels - 1) + c] = pixels[x * channels + c] }
  }
}

extension UnsafeRawPointer {
  @inline(__always)
  func samples<Sample>(_ type: Sample.Type = Sample.self) -> UnsafePointer<Sample> {
    assumingMemoryBound(to: Sample.self)
  }
}

extension UnsafeMutableRawPointer {
  @inline(__always)
  func samples<Sample>(_ type: Sample.Type = Sample.self) -> UnsafeMutablePointer<Sample> {
    assumingMemoryBound(to: Sample.self)
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
  }
}
