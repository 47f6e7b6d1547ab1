package import Platform

/// The shape of a picture's samples: interleaved pixels in rows from the top, each with its colour, then bands of no
/// known meaning, then alpha.
public struct ImageDescription: Equatable, Sendable {
  /// Pixels; at least 1 each.
  public var width: Int
  /// Rows; at least 1.
  public var height: Int
  /// What the first samples of a pixel mean.
  public var color: ColorModel
  /// Whether the last sample of a pixel is alpha.
  public var alpha: Alpha
  /// Samples between colour and alpha, such as further channels of a microscope.
  public var extraBands: Int
  /// The number type of each sample in memory. Setting another drops ``stored``, or scales the number for no data to
  /// the new type.
  public var sampleType: SampleType {
    didSet {
      guard sampleType != oldValue else { return }
      if stored != nil { stored = nil } else { scaleNodata(Double(sampleType.fullScale) / Double(oldValue.fullScale)) }
    }
  }
  /// How a file holds the samples, if otherwise than as `sampleType`; gone when that changes.
  public var stored: StoredSamples? {
    didSet {
      if stored != oldValue { scaleNodata(valueOfOne / Self.valueOfOne(sampleType, oldValue)) }
    }
  }
  /// Which pixels count.
  public var validity = Validity()

  /// - Parameters:
  ///   - width: Columns, at least 1; less traps.
  ///   - height: Rows, at least 1; less traps.
  ///   - extraBands: Samples between colour and alpha; not negative.
  ///   - stored: How a file holds the samples, where that is another type; nil: as in memory.
  public init(
    width: Int, height: Int, color: ColorModel, extraBands: Int = 0, alpha: Alpha = .none, sampleType: SampleType,
    stored: StoredSamples? = nil
  ) {
    precondition(width > 0 && height > 0, "a picture has at least one pixel")
    self.width = width
    self.height = height
    self.color = color
    self.extraBands = extraBands
    self.alpha = alpha
    self.sampleType = sampleType
    self.stored = stored
  }

  /// Samples a pixel, alpha included.
  public var channels: Int { color.channels + extraBands + (alpha == .none ? 0 : 1) }
  /// Samples of a row, all channels.
  public var samplesPerRow: Int { width * channels }
  /// Bytes of one pixel in memory.
  public var bytesPerPixel: Int { channels * sampleType.byteCount }
  /// Bytes of a row without padding; ``Picture/stride`` is what lies between rows.
  public var bytesPerRow: Int { width * bytesPerPixel }
  /// Width times height.
  public var pixelCount: Int { width * height }
  /// Bytes of all rows, without padding.
  public var byteCount: Int { bytesPerRow * height }

  /// The file's name for the sample type.
  public var sampleTypeName: String { stored?.name ?? sampleType.rawValue }

  /// The number in a file that stands for 1.0: 4095 where it holds 12 bits.
  package var valueOfOne: Double { Self.valueOfOne(sampleType, stored) }

  private static func valueOfOne(_ sampleType: SampleType, _ stored: StoredSamples?) -> Double {
    guard let stored else { return Double(sampleType.fullScale) }
    switch stored.kind {
    // Of 64 bits the nearest that there is.
    case .unsigned: return Double(sign: .plus, exponent: stored.bits, significand: 1) - 1
    case .signed: return Double(sign: .plus, exponent: stored.bits - 1, significand: 1) - 1
    case .float: return 1
    }
  }

  /// The same with float samples, in memory and in a file: of 32 bits, or of 64 where memory holds no less already.
  public var withFloatSamples: ImageDescription {
    var copy = self
    if copy.sampleType != .float64 { copy.sampleType = .float32 }
    copy.stored = nil
    return copy
  }

  /// Whether rows are the same in memory and in a file, whatever of them counts.
  public func hasSameSamples(as other: ImageDescription) -> Bool {
    var copy = self
    copy.validity = other.validity
    return copy == other
  }

  /// Whether gray or luma can be made of it: not of several bands that nothing is known of.
  public var hasLuma: Bool { color != .gray || extraBands == 0 }

  package func checkHasLuma(_ filter: String, remedy: ImbrexError.Remedy? = nil) throws {
    guard hasLuma else {
      throw ImbrexError(
        .input,
        "\(filter) needs gray or colour, but the picture has \(1 + extraBands) bands of no known colour",
        remedy: remedy,
        cause: .unsupported)
    }
  }
}
