/// The number type of one sample of a picture.
public enum SampleType: String, Sendable, CaseIterable {
  /// 0 … 255, read as x / 255.
  case uint8
  /// 0 … 65535, read as x / 65535.
  case uint16
  /// 32-bit IEEE float, read as it is.
  case float32

  public var byteCount: Int {
    switch self {
    case .uint8: 1
    case .uint16: 2
    case .float32: 4
    }
  }

  /// The sample that stands for 1.0.
  public var fullScale: Float {
    switch self {
    case .uint8: 255
    case .uint16: 65535
    case .float32: 1
    }
  }
}

/// What the colour samples of a pixel mean.
public enum ColorModel: String, Sendable {
  case gray
  case rgb

  /// Samples a pixel, alpha not counted.
  public var channels: Int { self == .gray ? 1 : 3 }
}

/// Whether a pixel ends with an alpha sample, and how it bears on the others.
public enum Alpha: String, Sendable {
  case none
  /// Colour is independent of alpha, as in PNG.
  case straight
  /// Colour has been multiplied by alpha, as in a TIFF's associated alpha.
  case premultiplied
}
