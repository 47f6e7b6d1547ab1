/// Where rows come from, in order from the top: a decoder, or a picture in memory.
public protocol RowSource: AnyObject, Sendable {
  var description: ImageDescription { get }
  /// Writes the next `count` rows, `stride` bytes apart, at `rows`. One call at a time.
  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws
}

/// Where rows go, in order from the top: an encoder, or something that collects them.
public protocol RowSink: AnyObject, Sendable {
  /// Takes the next `count` rows, `stride` bytes apart. One call at a time.
  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws
}
