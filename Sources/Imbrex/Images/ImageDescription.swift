/// The shape of a picture's samples: interleaved pixels in rows from the top.
public struct ImageDescription: Equatable, Sendable {
  /// Pixels; at least 1 each.
  public var width: Int
  public var height: Int
  public var color: ColorModel
  public var alpha: Alpha
  public var sampleType: SampleType

  public init(
    width: Int, height: Int, color: ColorModel, alpha: Alpha = .none, sampleType: SampleType
  ) {
    precondition(width > 0 && height > 0, "a picture has at least one pixel")
    self.width = width
    self.height = height
    self.color = color
    self.alpha = alpha
    self.sampleType = sampleType
  }

  /// Samples a pixel, alpha included.
  public var channels: Int { color.channels + (alpha == .none ? 0 : 1) }
  public var samplesPerRow: Int { width * channels }
  public var bytesPerPixel: Int { channels * sampleType.byteCount }
  public var bytesPerRow: Int { width * bytesPerPixel }
  public var pixelCount: Int { width * height }
  public var byteCount: Int { bytesPerRow * height }
}
