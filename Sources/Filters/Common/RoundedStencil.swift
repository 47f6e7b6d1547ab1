import Pictures

import Pipeline

/// A stencil whose samples are rounded to what a file will hold of them, where files hold them otherwise than memory does
/// (``StoredSamples``): so the next filter of a chain sees what it would read from that file.
struct RoundedStencil: Stencil {
  private let base: any Stencil
  private let picture: ImageDescription
  private let stored: StoredSamples

  init(_ base: any Stencil, _ picture: ImageDescription) {
    self.base = base
    self.picture = picture
    stored = picture.stored!
  }

  /// The stencil itself, where memory holds what the file does.
  static func ifNeeded(_ base: any Stencil, _ made: ImageDescription) -> any Stencil {
    made.stored == nil ? base : RoundedStencil(base, made)
  }

  var halo: Halo { base.halo }
  var needsWholePicture: Bool { base.needsWholePicture }
  var needsWholeRows: Bool { base.needsWholeRows }
  var pixelsPerTile: Int? { base.pixelsPerTile }
  func cancel() { base.cancel() }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) throws {
    try base.process(region, from: source, to: output, scratch: scratch)
    let count = region.width * picture.channels
    for y in region.y..<region.endY {
      let row = output.row(y) + region.x * picture.bytesPerPixel
      switch picture.sampleType {
      case .uint8: break
      case .uint16: round(row.samples(UInt16.self), count)
      case .float32: round(row.samples(Float.self), count)
      case .float64: round(row.samples(Double.self), count)
      }
    }
  }

  /// Fewer bits, spread over 16.
  private func round(_ samples: UnsafeMutablePointer<UInt16>, _ count: Int) {
    guard stored.bits < 16 else { return }
    let most = UInt32(1) << UInt32(stored.bits) - 1
    for i in 0..<count {
      let narrow = (UInt32(samples[i]) * most + 32767) / 65535
      samples[i] = UInt16((narrow * 65535 + most / 2) / most)
    }
  }

  /// Signed integers in units of their maximum, and 16-bit floats.
  private func round(_ samples: UnsafeMutablePointer<Float>, _ count: Int) {
    switch stored.kind {
    case .signed:
      let most = Double(1 << (stored.bits - 1) - 1)
      for i in 0..<count {
        let scaled = (Double(samples[i]) * most + 0.5).rounded(.down)
        samples[i] = Float(clamped(scaled, -most - 1, most)) / Float(most)
      }
    case .float where stored.bits == 16: for i in 0..<count { samples[i] = roundedToHalf(samples[i]) }
    default: break
    }
  }

  /// Integers of 32 and 64 bits in units of their maximum.
  private func round(_ samples: UnsafeMutablePointer<Double>, _ count: Int) {
    guard stored.kind != .float else { return }
    let most = picture.valueOfOne
    let least = stored.kind == .unsigned ? 0 : stored.bits == 32 ? -most - 1 : -most
    for i in 0..<count {
      let scaled = samples[i] * most
      // What has no fraction stays as it is.
      let whole = scaled.magnitude < 0x1p52 ? (scaled + 0.5).rounded(.down) : scaled
      samples[i] = clamped(whole, least, most) / most
    }
  }

  /// A NaN becomes the least.
  private func clamped(_ value: Double, _ least: Double, _ most: Double) -> Double {
    value > least ? min(value, most) : least
  }
}

/// The nearest IEEE 754 binary16, ties to even. (Swift's own `Float16` is not there on all machines.)
private func roundedToHalf(_ value: Float) -> Float {
  let bits = value.bitPattern & 0x7FFF_FFFF
  if bits >= 0x7F80_0000 {
    return value.isNaN ? Float(bitPattern: value.bitPattern & 0x8000_0000 | 0x7FC0_0000) : value
  }
  if bits >= 0x477F_F000 { return value < 0 ? -.infinity : .infinity }
  if bits < 0x3880_0000 {
    return Float(signOf: value, magnitudeOf: (value.magnitude * 0x1p24).rounded(.toNearestOrEven) * 0x1p-24)
  }
  let rounded = (bits + 0xFFF + (bits >> 13 & 1)) & ~0x1FFF
  return Float(bitPattern: value.bitPattern & 0x8000_0000 | rounded)
}
