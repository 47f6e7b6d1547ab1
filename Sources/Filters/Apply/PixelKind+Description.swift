import Pictures

// What a function of tiles gets of a picture's pixels, and what picture its own pixels make.

extension PixelKind {
  /// Of a picture's pixels, as its file holds them.
  init(_ picture: ImageDescription) {
    let bits = picture.stored?.bits
    let number: NumberType =
      switch (picture.sampleType, picture.stored?.kind) {
      case (.uint8, _): .uint8
      case (.uint16, _): .uint16
      case (.float32, .signed): bits! > 8 ? .int16 : .int8
      case (.float32, _): bits == 16 ? .float16 : .float32
      case (.float64, .signed): bits! > 32 ? .int64 : .int32
      case (.float64, .unsigned): bits! > 32 ? .uint64 : .uint32
      case (.float64, _): .float64
      }
    let isInteger = picture.stored.map { $0.kind != .float } ?? false
    self.init(number, channels: picture.channels, bits: isInteger ? bits : nil, hasAlpha: picture.alpha != .none)
  }

  /// The picture that such pixels are of, of the input's size.
  ///
  /// As many channels as the input has mean what they mean there. Else one is gray, three are colour; others are bands of which
  /// nothing is known, but for alpha, if the function names it, or the input has it.
  func description(like input: ImageDescription) -> ImageDescription {
    var made = input
    let isSame = channels == input.channels && hasAlpha ?? (input.alpha != .none) == (input.alpha != .none)
    if !isSame {
      let isWithAlpha = (hasAlpha ?? (input.alpha != .none && (channels == 2 || channels == 4))) && channels > 1
      let rest = channels - (isWithAlpha ? 1 : 0)
      made.color = rest == 3 ? .rgb : .gray
      made.extraBands = rest - made.color.channels
      made.alpha = !isWithAlpha ? .none : input.alpha == .none ? .straight : input.alpha
    }
    switch number {
    case .uint8: made.sampleType = .uint8
    case .uint16: made.sampleType = .uint16
    case .int8, .int16, .float16, .float32: made.sampleType = .float32
    case .uint32, .int32, .uint64, .int64, .float64: made.sampleType = .float64
    }
    switch number {
    case .uint16 where bits < 16: made.stored = StoredSamples(.unsigned, bits: bits)
    case .int8, .int16, .int32: made.stored = StoredSamples(.signed, bits: bits)
    case .uint32: made.stored = StoredSamples(.unsigned, bits: bits)
    case .float16: made.stored = StoredSamples(.float, bits: 16)
    // Else they are whole numbers in floats, since no more is known of them.
    case _ where number == PixelKind(input).number && bits == 64: made.stored = input.stored
    default: made.stored = nil
    }
    return made
  }
}

/// Samples on their way between a picture in memory and what its file holds: ``StoredSamples`` tells the difference.
struct SampleConversion: Sendable {
  private let kind: PixelKind
  /// The number that stands for 1.0.
  private let most: Double
  /// Whether integers of 64 bits are fractions of that in memory too.
  private let isFraction: Bool

  /// - Parameter picture: In memory.
  init(_ kind: PixelKind, _ picture: ImageDescription) {
    self.kind = kind
    isFraction = picture.stored != nil
    most = picture.valueOfOne
  }

  /// Whether memory holds the very numbers.
  var isNone: Bool {
    switch kind.number {
    case .uint8, .float32, .float64: true
    case .uint16: kind.bits == 16
    default: false
    }
  }

  /// From memory to numbers of a file.
  func export(_ samples: UnsafeRawPointer, _ count: Int, to numbers: UnsafeMutableRawPointer) {
    switch kind.number {
    case .uint16:
      let from: UnsafePointer<UInt16> = samples.samples(), to: UnsafeMutablePointer<UInt16> = numbers.samples()
      let most = UInt32(most)
      for i in 0..<count { to[i] = UInt16((UInt32(from[i]) * most + 32767) / 65535) }
    case .int8: whole(samples.samples(Float.self), count, to: numbers.samples(Int8.self))
    case .int16: whole(samples.samples(Float.self), count, to: numbers.samples(Int16.self))
    case .int32: whole(samples.samples(Double.self), count, to: numbers.samples(Int32.self))
    case .uint32: whole(samples.samples(Double.self), count, to: numbers.samples(UInt32.self))
    case .int64: whole(samples.samples(Double.self), count, to: numbers.samples(Int64.self))
    case .uint64: whole(samples.samples(Double.self), count, to: numbers.samples(UInt64.self))
    case .float16:
      let from: UnsafePointer<Float> = samples.samples(), to: UnsafeMutablePointer<UInt16> = numbers.samples()
      for i in 0..<count { to[i] = halfBits(from[i]) }
    default: numbers.copyMemory(from: samples, byteCount: count * kind.number.byteCount)
    }
  }

  private func whole<Sample: BinaryFloatingPoint, Number: FixedWidthInteger>(
    _ samples: UnsafePointer<Sample>, _ count: Int, to numbers: UnsafeMutablePointer<Number>
  ) {
    let least = Double(Number.min), largest = Double(Number.max)
    for i in 0..<count {
      let value = (Double(samples[i]) * most).rounded()
      // A NaN becomes the least.
      numbers[i] = value <= least || value.isNaN ? Number.min : value < largest ? Number(value) : Number.max
    }
  }

  /// From numbers of a file to memory.
  ///
  /// - Throws: ``ImbrexError`` for 64-bit integers that no 64-bit float is.
  func `import`(_ numbers: UnsafeRawPointer, _ count: Int, to samples: UnsafeMutableRawPointer) throws {
    switch kind.number {
    case .uint16 where kind.bits < 16:
      let from: UnsafePointer<UInt16> = numbers.samples(), to: UnsafeMutablePointer<UInt16> = samples.samples()
      let most = UInt32(most)
      for i in 0..<count { to[i] = UInt16((min(UInt32(from[i]), most) * 65535 + most / 2) / most) }
    case .int8: parts(numbers.samples(Int8.self), count, to: samples.samples(Float.self))
    case .int16: parts(numbers.samples(Int16.self), count, to: samples.samples(Float.self))
    case .int32: parts(numbers.samples(Int32.self), count, to: samples.samples(Double.self))
    case .uint32: parts(numbers.samples(UInt32.self), count, to: samples.samples(Double.self))
    case .int64 where isFraction: parts(numbers.samples(Int64.self), count, to: samples.samples(Double.self))
    case .uint64 where isFraction: parts(numbers.samples(UInt64.self), count, to: samples.samples(Double.self))
    case .int64: try exact(numbers.samples(Int64.self), count, to: samples.samples())
    case .uint64: try exact(numbers.samples(UInt64.self), count, to: samples.samples())
    case .float16:
      let from: UnsafePointer<UInt16> = numbers.samples(), to: UnsafeMutablePointer<Float> = samples.samples()
      for i in 0..<count { to[i] = float(half: from[i]) }
    default: samples.copyMemory(from: numbers, byteCount: count * kind.number.byteCount)
    }
  }

  private func parts<Number: FixedWidthInteger, Sample: BinaryFloatingPoint>(
    _ numbers: UnsafePointer<Number>, _ count: Int, to samples: UnsafeMutablePointer<Sample>
  ) {
    let most = Sample(most)
    for i in 0..<count { samples[i] = Sample(numbers[i]) / most }
  }

  private func exact<Number: FixedWidthInteger>(
    _ numbers: UnsafePointer<Number>, _ count: Int, to samples: UnsafeMutablePointer<Double>
  ) throws {
    for i in 0..<count {
      guard let value = Double(exactly: numbers[i]) else {
        throw FrameHeader.failed(
          "the function makes \(kind.number.rawValue) samples, which become float64, and \(numbers[i]) cannot")
      }
      samples[i] = value
    }
  }
}

/// The IEEE 754 binary16 of a number that is one, or the nearest.
private func halfBits(_ value: Float) -> UInt16 {
  let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
  if value.isNaN { return sign | 0x7E00 }
  let size = value.magnitude
  // Beyond 65504 there is only infinity; below 2⁻¹⁴ steps are of 2⁻²⁴.
  if size >= 65520 { return sign | 0x7C00 }
  if size < 0x1p-14 { return sign | UInt16((size * 0x1p24).rounded(.toNearestOrEven)) }
  let bits = size.bitPattern - 112 << 23
  return sign | UInt16((bits + 0xFFF + (bits >> 13 & 1)) >> 13)
}

private func float(half bits: UInt16) -> Float {
  let sign: Float = bits & 0x8000 == 0 ? 1 : -1
  let exponent = Int(bits >> 10 & 31), fraction = UInt32(bits & 0x3FF)
  switch exponent {
  case 0: return sign * Float(fraction) * 0x1p-24
  case 31: return fraction == 0 ? sign * .infinity : .nan
  default: return sign * Float(bitPattern: UInt32(exponent + 112) << 23 | fraction << 13)
  }
}
