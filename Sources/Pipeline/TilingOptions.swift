import Pictures
public import Platform

/// How the user wants a run to be tiled; everything has a default.
public struct TilingOptions: Equatable, Sendable {
  /// Rows of tiles, and tiles in each.
  public struct Grid: Equatable, Sendable {
    /// At least 1 each.
    public var rows, columns: Int
    /// At least 1 each; a grid finer than the picture's pixels is cut down to them.
    public init(rows: Int, columns: Int) {
      self.rows = rows
      self.columns = columns
    }
  }

  /// Workers.
  public var workers: Int
  /// One worker and one tile: the reference that every tiling must equal.
  public var isSerial = false
  /// A grid of so many tiles, however large.
  public var chunks: Grid?
  /// Tiles of so many pixels instead.
  public var tile: (height: Int, width: Int)? {
    get { tileHeight.flatMap { height in tileWidth.map { (height, $0) } } }
    set { (tileHeight, tileWidth) = (newValue?.height, newValue?.width) }
  }
  private var tileHeight: Int?
  private var tileWidth: Int?
  /// Ghost cells around every tile; at least what the filter needs.
  public var haloY: Int?
  /// The same for columns: at least what the filter needs; nil: just that.
  public var haloX: Int?
  /// Bytes that the run may hold at once.
  public var maxMemory: Int

  /// - Parameters:
  ///   - workers: At least 1; 0 or less traps. The default respects affinity and cgroups' quotas.
  ///   - maxMemory: Bytes; a run that cannot do with them throws, with the least that would do.
  public init(workers: Int = availableCores(), maxMemory: Int = TilingOptions.defaultMaxMemory) {
    precondition(workers >= 1)
    self.workers = workers
    self.maxMemory = maxMemory
  }

  /// A quarter of the machine's memory.
  public static var defaultMaxMemory: Int { Platform.defaultMaxMemory() }

  /// The same, serially.
  public var serial: TilingOptions {
    var copy = TilingOptions(workers: 1, maxMemory: maxMemory)
    copy.isSerial = true
    return copy
  }
}
