// Rows are raw bytes; these are the samples in them.

extension UnsafeRawPointer {
  @inlinable @inline(__always)
  public func samples<Sample>(_ type: Sample.Type = Sample.self) -> UnsafePointer<Sample> {
    assumingMemoryBound(to: Sample.self)
  }
}

extension UnsafeMutableRawPointer {
  @inlinable @inline(__always)
  public func samples<Sample>(_ type: Sample.Type = Sample.self) -> UnsafeMutablePointer<Sample> {
    assumingMemoryBound(to: Sample.self)
  }
}
