/// Where rows come from, in order from the top: a decoder, or a picture in memory.
public protocol RowSource: AnyObject, Sendable {
  /// Of the whole picture, whatever window is selected.
  var description: ImageDescription { get }
  /// From now on only a window of the picture is read: ``read(into:stride:count:)`` hands out its rows from its top, each
  /// with its columns alone, from the first byte of a row in memory. What is not in it need not be read at all.
  ///
  /// A source that can only be read from the top has ``RowCropper`` for it.
  ///
  /// - Parameter window: Within the picture. To be selected once at most, before the first row is read (of each page, where
  ///   a source has several).
  /// - Throws: ``ImbrexError`` if the source cannot be read there.
  func select(_ window: Region) throws
  /// Writes the next `count` rows, `stride` bytes apart, at `rows`. One call at a time. Rows may be left unread.
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
