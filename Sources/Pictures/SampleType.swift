/// The number type of one sample of a picture in memory.
public enum SampleType: String, Sendable, CaseIterable {
  /// 0 … 255, read as x / 255.
  case uint8
  /// 0 … 65535, read as x / 65535.
  case uint16
  /// 32-bit IEEE float, read as it is.
  case float32
  /// 64-bit IEEE float, read as it is, and filtered in 64 bits.
  case float64

  /// Bytes of one sample: 1, 2, 4 or 8.
  public var byteCount: Int {
    switch self {
    case .uint8: 1
    case .uint16: 2
    case .float32: 4
    case .float64: 8
    }
  }

  /// Whether samples are floats, which are neither rounded nor clamped.
  public var isFloat: Bool { self == .float32 || self == .float64 }

  /// The sample that stands for 1.0.
  public var fullScale: Float {
    switch self {
    case .uint8: 255
    case .uint16: 65535
    case .float32, .float64: 1
    }
  }
}

/// How a file holds samples that are another type in memory: 12-bit as ``SampleType/uint16``, signed integers and
/// 16-bit floats as ``SampleType/float32``, integers of 32 and 64 bits as ``SampleType/float64``, each with 1.0 for the type's maximum.
public struct StoredSamples: Equatable, Sendable {
  /// Whole numbers from 0, whole numbers with a sign, or floats.
  public enum Kind: Int32, Sendable { case unsigned = 0, signed, float }
  /// What kind of numbers the file has.
  public var kind: Kind
  /// Bits of one sample in the file: 1 … 16, 32 or 64.
  public var bits: Int

  /// - Parameter bits: Not checked: what no codec writes is refused when it is written.
  public init(_ kind: Kind, bits: Int) {
    self.kind = kind
    self.bits = bits
  }

  /// `int16`, `uint12`, `float64`.
  public var name: String {
    switch kind {
    case .unsigned: "uint\(bits)"
    case .signed: "int\(bits)"
    case .float: "float\(bits)"
    }
  }
}

/// What the colour samples of a pixel mean.
public enum ColorModel: String, Sendable, CaseIterable {
  case gray
  case rgb
  /// Amounts of ink: 0 is none.
  case cmyk
  /// CIE L*a*b* with a* and b* offset, so that they are positive.
  case lab

  /// Samples a pixel, alpha not counted.
  public var channels: Int {
    switch self {
    case .gray: 1
    case .rgb, .lab: 3
    case .cmyk: 4
    }
  }
}

/// Whether a pixel ends with an alpha sample, and how it bears on the others.
public enum Alpha: String, Sendable {
  case none
  /// Colour is independent of alpha, as in PNG.
  case straight
  /// Colour has been multiplied by alpha, as in a TIFF's associated alpha.
  case premultiplied
}
