public import Pictures

import Platform

/// How one pass over a picture is done: which tiles each stage works on, with which ghosts, and what is in memory.
///
/// Between two stages, before the first and after the last there is a *level*: rows of one description, held in bands of which so
/// many are in memory as the stages after it need at once. Several stages may read one level: then the sweep is a tree, whose
/// branches have the stages before it in common.
public struct SweepPlan: Sendable {
  /// Rows between two stages, before the first or after the last.
  public struct Level: Sendable {
    /// What its samples are; of the whole picture, whatever the window.
    public let description: ImageDescription
    /// The part that is made of it: all, or what a region of the output needs.
    public let window: Region
    /// Held whole for the stage that reads it.
    public let isHeld: Bool
    /// Bands in memory at once, where it is not.
    public fileprivate(set) var capacity = 0
  }

  /// A stage and its ghosts.
  public struct Step: Sendable {
    /// What planning knows of the stage.
    public let shape: StageShape
    /// The level that it reads; it makes the one after its own number.
    public let source: Int
    /// Ghost cells that each tile is given.
    public let halo: Halo
    /// Ghost cells beyond what the stage needs: made too, then trimmed.
    public let spare: Halo
    /// Whether it reads the whole picture: ghosts of its window are taken from the opposite side.
    public fileprivate(set) var readsAll = false

    /// Rows above and below a tile that must be there: at the picture's border the ghosts of one side are folded onto the
    /// other, which may have fewer.
    var ghostRows: Int { max(halo.top, halo.bottom) }
    var ghostColumns: Int { max(halo.left, halo.right) }
  }

  /// How many work at once; fewer than asked for where there are fewer tiles.
  public let workers: Int
  /// The stages, in order; there may be none.
  public let steps: [Step]
  /// One more than stages: what goes in, what each makes.
  public private(set) var levels: [Level]
  /// By level, the stages that read it.
  let readers: [[Int]]
  /// How rows and columns are cut, the same for all levels.
  public let grid: TileGrid
  /// Bytes of bands in memory; 0 where nothing is streamed. More than is allowed where not even the smallest bands would do.
  public private(set) var memory: Int

  /// Tiles of the stage that makes most.
  public var tiles: Int { levels.dropFirst().map { grid.tileCount(of: $0.window) }.max() ?? bands }
  private var bands: Int { grid.bands(of: levels[0].window).count }

  /// - Parameters:
  ///   - input: What goes in.
  ///   - shapes: The stages, in order; there may be none.
  ///   - sources: The level that each reads; nil: each what the one before it makes.
  ///   - window: The part of each result that is wanted; nil: all.
  ///   - options: Workers, grid, ghosts and memory as asked for.
  ///   - streamsIn: Rows come as they are read; otherwise the input is in memory or there is none.
  ///   - streamsOut: Rows go as they are made; otherwise they are kept, or there are none.
  /// - Throws: ``ImbrexError`` for ghosts fewer than a stage needs.
  public init(
    input: ImageDescription, shapes: [StageShape], sources: [Int]? = nil, window: Region?, options: TilingOptions,
    streamsIn: Bool, streamsOut: Bool
  ) throws {
    workers = options.isSerial ? 1 : options.workers
    var steps = try shapes.enumerated().map { index, shape in
      let halo = try Self.halo(of: shape, options)
      return Step(shape: shape, source: sources?[index] ?? index, halo: halo, spare: halo - shape.halo)
    }
    let whole = Region(all: input)
    var readers = [[Int]](repeating: [], count: steps.count + 1)
    for (index, step) in steps.enumerated() { readers[step.source].append(index) }
    self.readers = readers
    // What is wanted of each level: of an end as much as of the result, of the others what the stages that read it need.
    var needed: [Region?] = readers.map { $0.isEmpty ? window ?? whole : nil }
    for index in steps.indices.reversed() {
      let step = steps[index], wanted = needed[index + 1]!
      // Rows in the middle of the picture have their ghosts about them.
      let reachesBorder = wanted.y < step.ghostRows || wanted.endY + step.ghostRows > input.height
      steps[index].readsAll = step.shape.needsWholePicture && reachesBorder
      var read =
        steps[index].readsAll ? whole : wanted.grown(by: Halo(y: step.ghostRows, x: step.ghostColumns), in: input)
      if step.shape.needsWholePicture || step.shape.needsWholeRows { (read.x, read.width) = (0, input.width) }
      needed[step.source] = needed[step.source]?.union(read) ?? read
    }
    var levels = needed.indices.map { index in
      let description = index == 0 ? input : steps[index - 1].shape.output
      return Level(
        description: description
          ?? (steps[index - 1].source == 0 ? input : steps[steps[index - 1].source - 1].shape.output!),
        window: needed[index]!, isHeld: readers[index].contains { steps[$0].readsAll })
    }
    self.steps = steps
    // The largest part that a stage makes: later ones may be smaller by the ghosts of those before.
    let largest = levels.dropFirst().map(\.window).reduce(nil) { $0?.union($1) ?? $1 } ?? levels[0].window
    let makesRows = levels.indices.map { $0 == 0 || steps[$0 - 1].shape.output != nil }
    let rowBytes = levels.indices.map { index in
      makesRows[index] ? levels[index].window.width * levels[index].description.bytesPerPixel : 0
    }

    let (bandHeight, tileWidth): (Int, Int)
    if options.isSerial {
      (bandHeight, tileWidth) = (largest.height, largest.width)
    } else if let tile = options.tile {
      (bandHeight, tileWidth) = (min(tile.height, input.height), min(tile.width, input.width))
    } else if let chunks = options.chunks {
      bandHeight = (largest.height + chunks.rows - 1) / chunks.rows
      tileWidth = (largest.width + chunks.columns - 1) / chunks.columns
    } else {
      tileWidth = largest.width
      bandHeight = Self.defaultBandHeight(
        largest, steps: steps, rowBytes: rowBytes, workers: workers, options: options,
        isStreamed: streamsIn || streamsOut)
    }
    grid = TileGrid(window: largest, bandHeight: bandHeight, tileWidth: tileWidth)

    memory = 0
    for index in levels.indices where !levels[index].isHeld {
      guard readers[index].isEmpty ? streamsOut && makesRows[index] : index > 0 || streamsIn else { continue }
      levels[index].capacity = Self.capacity(
        bands: grid.bands(of: levels[index].window).count,
        reach: readers[index].map { steps[$0].ghostRows }.max(), bandHeight: bandHeight, workers: workers)
      memory += levels[index].capacity * bandHeight * rowBytes[index]
    }
    self.levels = levels
  }

  /// Bands of a level in memory: those that a tile of the next stage touches, one that is being made, and one more for each
  /// further worker. Behind the last stage only the writer reads (`reach` is nil).
  private static func capacity(bands: Int, reach: Int?, bandHeight: Int, workers: Int) -> Int {
    let touched = reach.map { 1 + 2 * (($0 + bandHeight - 1) / bandHeight) } ?? 1
    return min(touched + workers, bands)
  }

  private static func halo(of shape: StageShape, _ options: TilingOptions) throws -> Halo {
    guard options.haloY != nil || options.haloX != nil else { return shape.halo }
    let y = options.haloY ?? 0, x = options.haloX ?? 0, need = shape.halo
    guard y >= max(need.top, need.bottom) && x >= max(need.left, need.right) else {
      let rows = max(need.top, need.bottom), columns = max(need.left, need.right)
      throw ImbrexError(
        option: "halo",
        "is \(y),\(x), fewer than \(shape.filter.isEmpty ? "the filter" : shape.filter) needs: \(rows) "
          + "\(rows == 1 ? "row" : "rows") and \(columns) \(columns == 1 ? "column" : "columns")")
    }
    return Halo(y: y, x: x)
  }

  /// Bands large enough that their ghosts and their handling weigh little, small enough to stay in a core's cache and to keep all
  /// workers busy to the end; the whole picture if it is small.
  private static func defaultBandHeight(
    _ window: Region, steps: [Step], rowBytes: [Int], workers: Int, options: TilingOptions, isStreamed: Bool
  ) -> Int {
    // The most that a stage reads and makes of a row.
    let widest = steps.indices.map { rowBytes[steps[$0].source] + rowBytes[$0 + 1] }.max() ?? rowBytes[0]
    let reach = steps.map { $0.halo.top + $0.halo.bottom }.max() ?? 0
    let cacheBytes = 1 << 19
    let isSmall = window.width * window.height <= 1 << 16
    var rows = isSmall ? window.height : max(cacheBytes / max(widest, 1), 16, reach / 2)
    if let pixels = steps.compactMap(\.shape.pixelsPerTile).max() {
      // As many as are asked for, and so many that ghosts are an eighth at most, or less where tiles do not become large by that; but at least two for each worker, if they do not become much smaller by that.
      rows = max(pixels / window.width, 8 * reach, min(32 * reach, (1 << 20) / window.width), 1)
      rows = min(rows, max((window.height + 2 * workers - 1) / (2 * workers), rows / 4, 1))
    } else if workers > 1 && !isSmall {
      rows = min(rows, max((window.height + 4 * workers - 1) / (4 * workers), 16))
    }
    if isStreamed {
      // All bands in memory: those above plus the ghosts, on either side of each stage.
      let total = max(rowBytes.reduce(0, +), 1)
      rows = min(rows, max((options.maxMemory / total - 2 * reach) / (2 * workers + 4), 1))
    }
    return min(rows, window.height)
  }

  /// Pixels that are read more than once, or made and trimmed, as a share of all: the price of the overlap.
  public var extraWork: Double {
    var made = 0, wanted = 0
    let picture = levels[0].description
    for (index, step) in steps.enumerated() {
      let window = levels[index + 1].window
      let rows = grid.bands(of: window).reduce(0) { sum, band in
        let rows = grid.rows(of: band, in: window)
        return sum + min(rows.upperBound + step.halo.bottom, picture.height) - max(rows.lowerBound - step.halo.top, 0)
      }
      let columns = grid.columns(of: window).reduce(0) { sum, column in
        let tile = grid.tile(band: grid.band(of: window.y), column: column, in: window)
        return sum + min(tile.endX + step.halo.right, picture.width) - max(tile.x - step.halo.left, 0)
      }
      made += rows * columns
      wanted += window.width * window.height
    }
    return wanted == 0 ? 0 : Double(made) / Double(wanted) - 1
  }
}
