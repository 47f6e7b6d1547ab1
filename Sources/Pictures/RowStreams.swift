import Platform
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

  /// Whether `write` may be called now; otherwise there is work to be done first, or being done.
  var canTakeRows: Bool { get }
  /// Takes a piece of the sink's own work, such as compressing a block, for any thread to do beside all else.
  func takeWork() -> (@Sendable () throws -> Void)?
  /// Whether work is waiting or being done.
  var hasWork: Bool { get }
}

extension RowSink {
  // A sink that does all in `write`.
  public var canTakeRows: Bool { true }
  public func takeWork() -> (@Sendable () throws -> Void)? { nil }
  public var hasWork: Bool { false }
}
