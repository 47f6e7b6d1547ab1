// Rows are raw bytes; these are the samples in them.

extension UnsafeRawPointer {
  /// The bytes as samples of a type, which the caller knows; they must be aligned for it. Nothing is copied.
  @inlinable @inline(__always)
  public func samples<Sample>(_ type: Sample.Type = Sample.self) -> UnsafePointer<Sample> {
    assumingMemoryBound(to: Sample.self)
  }
}

extension UnsafeMutableRawPointer {
  /// The bytes as samples of a type, which the caller knows; they must be aligned for it. Nothing is copied.
  @inlinable @inline(__always)
  public func samples<Sample>(_ type: Sample.Type = Sample.self) -> UnsafeMutablePointer<Sample> {
    assumingMemoryBound(to: Sample.self)
  }
}
