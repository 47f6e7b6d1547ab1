import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A whole picture in memory.
public final class Picture: Sendable {
  /// What its samples are.
  public let description: ImageDescription
  /// The memory, freed with the last reference.
  public let buffer: PixelBuffer
  /// Bytes from one row to the next.
  public let stride: Int

  /// A black (or transparent) picture.
  public init(_ description: ImageDescription, spilled: Bool = false) throws {
    self.description = description
    // Rows a multiple of 4096 bytes apart fall into the same cache sets; 64 bytes more spread them.
    var stride = (description.bytesPerRow + 63) / 64 * 64
    if stride % 4096 == 0 { stride += 64 }
    self.stride = stride
    let (byteCount, overflow) = stride.multipliedReportingOverflow(by: description.height)
    guard !overflow else { throw ImbrexError(.limit, "the picture is too large for memory") }
    buffer = try PixelBuffer(byteCount: byteCount, spilled: spilled)
  }

  /// The first byte of row `y`, 0 ≤ y < height.
  public func row(_ y: Int) -> UnsafeMutableRawPointer { buffer.base + y * stride }

  /// Whether all samples are the same, byte for byte.
  public func hasSameBytes(as other: Picture) -> Bool {
    guard description.hasSameSamples(as: other.description) else { return false }
    return (0..<description.height).allSatisfy { memcmp(row($0), other.row($0), description.bytesPerRow) == 0 }
  }

  /// Decodes a whole picture.
  public convenience init(reading source: any RowSource, spilled: Bool = false) throws {
    try self.init(source.description, spilled: spilled)
    try source.read(into: buffer.base, stride: stride, count: description.height)
  }
}
