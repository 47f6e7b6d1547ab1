public import Pictures
public import Platform
/// How the user wants a run to be tiled; everything has a default.
public struct TilingOptions: Equatable, Sendable {
  public struct Grid: Equatable, Sendable {
    public var rows, columns: Int
    public init(rows: Int, columns: Int) {
      self.rows = rows
      self.columns = columns
    }
  }

  /// Workers.
  public var jobs: Int
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
  public var haloX: Int?
  /// Bytes that the run may hold at once.
  public var maxMemory: Int

  public init(jobs: Int = availableCores(), maxMemory: Int = TilingOptions.defaultMaxMemory) {
    precondition(jobs >= 1)
    self.jobs = jobs
    self.maxMemory = maxMemory
  }

  /// A quarter of the machine's memory.
  public static var defaultMaxMemory: Int { Platform.defaultMaxMemory() }

  /// The same, serially.
  public var serial: TilingOptions {
    var copy = TilingOptions(jobs: 1, maxMemory: maxMemory)
    copy.isSerial = true
    return copy
  }
}

/// The tiles of one sweep over a picture: full-width bands of rows, cut into columns if that was asked for, each with a
/// halo; and how many bands may be in memory at once.
public struct TilePlan: Equatable, Sendable {
  public let width, height: Int
  public let workers: Int
  /// Rows in a band (the last may have fewer).
  public let bandHeight: Int
  /// Columns in a tile (the last may have fewer).
  public let tileWidth: Int
  /// Ghost cells that each tile is given.
  public let halo: Halo
  /// Ghost cells beyond what the filter needs: filtered too, then trimmed.
  public let surplus: Halo
  /// Input and output bands in memory at once, where they are streamed.
  public let inputBands, outputBands: Int
  public let memory: Int

  /// Rows above and below a tile that must be there: at the picture's border the ghosts of one side are folded onto the
  /// other, which may reach less far.
  var reach: Int { max(halo.top, halo.bottom) }

  public var bands: Int { (height + bandHeight - 1) / bandHeight }
  public var columns: Int { (width + tileWidth - 1) / tileWidth }
  public var tiles: Int { bands * columns }

  /// Pixels that are read more than once, or filtered and trimmed, as a share of all: the price of the overlap.
  public var extraWork: Double {
    let picture = ImageDescription(width: width, height: height, color: .gray, sampleType: .uint8)
    var pixels = 0
    for band in 0..<bands {
      for column in 0..<columns {
        let grown = region(band: band, column: column).grown(by: halo, in: picture)
        pixels += grown.width * grown.height
      }
    }
    return Double(pixels) / Double(width * height) - 1
  }

  public func region(band: Int, column: Int) -> Region {
    let x = column * tileWidth, y = band * bandHeight
    return Region(x: x, y: y, width: min(tileWidth, width - x), height: min(bandHeight, height - y))
  }

  /// - Parameters:
  ///   - input: The picture.
  ///   - outputRowBytes: Bytes of a row of what comes out.
  ///   - stencil: What runs on the tiles.
  ///   - options: Workers, grid, halo and memory as asked for.
  ///   - isStreamed: Whether rows come and go, so that memory matters; false for pictures in memory.
  /// - Throws: ``ImbrexError`` for a halo smaller than the stencil's, or a memory limit that not even the smallest
  ///   bands meet.
  public init(
    input: ImageDescription, outputRowBytes: Int, stencil: any Stencil, options: TilingOptions, isStreamed: Bool
  ) throws {
    width = input.width
    height = input.height
    workers = options.isSerial ? 1 : options.jobs
    let need = stencil.halo
    halo = try Self.halo(need: need, options: options)
    surplus = Halo(
      top: halo.top - need.top, bottom: halo.bottom - need.bottom, left: halo.left - need.left,
      right: halo.right - need.right)
    let rowBytes = input.bytesPerRow + outputRowBytes
    let reach = halo.top + halo.bottom

    if options.isSerial {
      (bandHeight, tileWidth) = (height, width)
    } else if let tile = options.tile {
      (bandHeight, tileWidth) = (min(tile.height, height), min(tile.width, width))
    } else if let grid = options.chunks {
      bandHeight = (height + grid.rows - 1) / grid.rows
      tileWidth = (width + grid.columns - 1) / grid.columns
    } else {
      tileWidth = width
      bandHeight = Self.defaultBandHeight(
        width: width, height: height, rowBytes: rowBytes, reach: reach, workers: workers, options: options,
        isStreamed: isStreamed)
    }

    // Bands that a tile's halo touches, one that is being decoded, and one more for each further worker.
    let touched = 1 + 2 * ((max(halo.top, halo.bottom) + bandHeight - 1) / bandHeight)
    let all = (height + bandHeight - 1) / bandHeight
    inputBands = min(touched + workers, all)
    outputBands = min(workers + 1, all)
    memory = isStreamed ? bandHeight * (inputBands * input.bytesPerRow + outputBands * outputRowBytes) : 0
    guard memory <= options.maxMemory || options.isSerial else {
      throw ImbrexError(
        .limit,
        "the bands that these tiles need take \(memory >> 20) MiB, more than --max-memory allows: use smaller tiles")
    }
  }

  private static func halo(need: Halo, options: TilingOptions) throws -> Halo {
    guard options.haloY != nil || options.haloX != nil else { return need }
    let y = options.haloY ?? 0, x = options.haloX ?? 0
    guard y >= max(need.top, need.bottom) && x >= max(need.left, need.right) else {
      throw ImbrexError(
        .usage,
        "--halo \(y),\(x) is less than the filter needs: \(max(need.top, need.bottom)) rows and "
          + "\(max(need.left, need.right)) columns")
    }
    return Halo(y: y, x: x)
  }

  /// Bands large enough that their halo and their handling weigh little, small enough to stay in a core's cache and to
  /// keep all workers busy to the end; the whole picture if it is small.
  private static func defaultBandHeight(
    width: Int, height: Int, rowBytes: Int, reach: Int, workers: Int, options: TilingOptions, isStreamed: Bool
  ) -> Int {
    let smallPicture = 1 << 16
    if width * height <= smallPicture { return height }
    let cacheBytes = 1 << 19
    var rows = max(cacheBytes / max(rowBytes, 1), 16, reach / 2)
    if workers > 1 { rows = min(rows, max((height + 4 * workers - 1) / (4 * workers), 16)) }
    if isStreamed {
      // All bands in memory: those above plus the halo, on either side of the filter.
      let bandsHeld = 2 * workers + 4
      rows = min(rows, max((options.maxMemory / max(rowBytes, 1) - 2 * reach) / bandsHeld, 1))
    }
    return min(rows, height)
  }
}
