public import Pictures

/// A filter of whose output nobody knows the type of samples before it has run: a command of the user's.
public protocol ProbedFilter: Filter {
  /// Ghosts that its tiles are given.
  var halo: Halo { get }
  /// False where it says beforehand what it makes, as a plug-in does.
  var needsProbe: Bool { get }
  /// The filter that takes what comes out to be like what goes in, for plans that are not run.
  var assumed: any ProbedFilter { get }
  /// The filter that has seen what comes out.
  ///
  /// - Parameters:
  ///   - tile: The first tile of a run, in a picture of `input`.
  ///   - pixels: The tile with its ghosts, clipped to the picture.
  func probed(_ tile: Region, of input: ImageDescription, _ pixels: Picture) throws -> any ProbedFilter
  /// So many tiles will be made at the same time: what takes a while to start is started.
  func prepare(_ count: Int) throws
  /// There is no more to do: waits for what still runs.
  ///
  /// - Throws: ``ImbrexError`` if that did not end well.
  func end() throws
}

extension Pipeline {
  private var hasProbed: Bool { links.contains { ($0.filter as? any ProbedFilter)?.needsProbe ?? false } }

  /// The chain as it is taken to be before anything has run.
  public var assumed: Pipeline { hasProbed ? Pipeline(links: links.map(\.assumed)) : self }

  /// There is no more to do for this chain.
  public func end() throws {
    for case let filter as any ProbedFilter in links.map(\.filter) { try filter.end() }
  }

  /// The chain for one picture, of which the first tile has been seen where that is needed to know what comes out.
  ///
  /// Behind a stage that needs the whole picture the first tile is not at hand; such a filter is left as it is, and tries something
  /// else.
  ///
  /// - Parameters:
  ///   - source: Where the picture comes from; its first rows are read.
  ///   - region: As for ``plan(for:region:tiling:streamsIn:streamsOut:)``.
  /// - Returns: The chain, and what is to be read instead of the source.
  public func probed(
    on source: any RowSource, region: Region?, in context: RunContext
  ) throws -> (pipeline: Pipeline, source: any RowSource) {
    guard hasProbed else { return (self, source) }
    let plan = try assumed.plan(for: source.description, region: region, tiling: context.tiling)
    for case let filter as any ProbedFilter in links.map(\.filter) {
      // The last sweep has the tiles of the last filter; those of others are as many, more or less.
      try filter.prepare(min(context.workers, plan.legs.last?.sweep?.tiles ?? 1))
    }
    let peeked = try PeekedSource(source, window: plan.legs[0].sweep.levels[0].window)
    return (try probed(on: peeked, region, in: context), peeked)
  }

  private func probed(on peeked: PeekedSource, _ region: Region?, in context: RunContext) throws -> Pipeline {
    let input = peeked.description
    var chain = links.map(\.assumed)
    var plan = try Pipeline(links: chain).plan(for: input, region: region, tiling: context.tiling)
    for (index, link) in links.enumerated() {
      guard let filter = link.filter as? any ProbedFilter, filter.needsProbe else { continue }
      let tile = plan.firstTile(afterFilter: index + 1)
      let before = Array(chain[..<index])
      let description = before.isEmpty ? input : Pipeline(links: before).outputDescription(for: input)
      if let pixels = try peeked.pixels(
        tile.grown(by: filter.halo, in: description), of: description, through: before, in: context)
      {
        chain[index] = Link(link.name, try filter.probed(tile, of: description, pixels))
      } else {
        chain[index] = link
      }
      plan = try Pipeline(links: chain).plan(for: input, region: region, tiling: context.tiling)
    }
    return Pipeline(links: chain)
  }

  /// As ``probed(on:region:in:)``, of several chains: what begins alike is probed once.
  ///
  /// - Parameter chosen: Which of them are for this picture.
  package static func probed(
    _ variants: [Variant], chosen: [Int], on source: any RowSource, region: Region?, in context: RunContext
  ) throws -> (variants: [Variant], source: any RowSource) {
    guard chosen.contains(where: { variants[$0].pipeline.hasProbed }) else { return (variants, source) }
    // What their trees will read is not known before.
    let peeked = try PeekedSource(source, window: Region(all: source.description))
    var variants = variants, known: [[String]: [Link]] = [:]
    for index in chosen {
      let (own, words) = (variants[index].pipeline.links, variants[index].words)
      guard let last = own.lastIndex(where: { ($0.filter as? any ProbedFilter)?.needsProbe ?? false }) else { continue }
      let beginning = Array(words[...last])
      let links: [Link]
      if let alike = known[beginning] {
        links = alike
      } else {
        let probed = try Pipeline(links: Array(own[...last])).probed(on: peeked, region, in: context)
        // Processes that are kept would be as many.
        if known.count >= 8 { try probed.end() }
        links = probed.links
        known[beginning] = links
      }
      variants[index] = Variant(Pipeline(links: links + own[(last + 1)...]), words: words)
    }
    return (variants, peeked)
  }
}

extension Pipeline.Link {
  fileprivate var assumed: Pipeline.Link { (filter as? any ProbedFilter).map { .init(name, $0.assumed) } ?? self }
}

extension Plan {
  /// The first tile that a run makes of what so many filters make.
  fileprivate func firstTile(afterFilter count: Int) -> Region {
    let place = places[count], sweep = legs[place.leg].sweep!, window = sweep.levels[place.level].window
    let tile = sweep.grid.tile(
      band: sweep.grid.bands(of: window).lowerBound, column: sweep.grid.columns(of: window).lowerBound, in: window)
    return tile.grown(by: sweep.steps[place.level - 1].spare, in: sweep.levels[place.level].description)
  }
}

/// Rows of which the first can be read before the others, and again with them.
private final class PeekedSource: RowSource, @unchecked Sendable {
  let description: ImageDescription
  private let base: any RowSource
  /// What is read of the picture.
  private let window: Region
  private var rows: PixelBuffer?
  private var rowCount = 0
  private var next = 0
  /// Where less is read than was thought.
  private var cropper: RowCropper?
  private var stride: Int { window.width * description.bytesPerPixel }

  /// - Parameter window: What the run will read.
  init(_ base: any RowSource, window: Region) throws {
    (self.base, self.window, description) = (base, window, base.description)
    if window != Region(all: description) { try base.select(window) }
  }

  func select(_ window: Region) {
    guard window != self.window else { return }
    precondition(self.window == Region(all: description), "a run reads what was planned")
    cropper = RowCropper(window, of: description)
  }

  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    guard let cropper else { return try readWindow(into: rows, stride, count) }
    try cropper.read(into: rows, stride: stride, count: count, from: readWindow)
  }

  private func readWindow(into rows: UnsafeMutableRawPointer, _ stride: Int, _ count: Int) throws {
    let known = min(max(rowCount - next, 0), count)
    for row in 0..<known {
      (rows + row * stride).copyMemory(from: self.rows!.base + (next + row) * self.stride, byteCount: self.stride)
    }
    if known < count { try base.read(into: rows + known * stride, stride: stride, count: count - known) }
    next += count
    if next >= rowCount { self.rows = nil }
  }

  /// The pixels of a region of what filters make of the picture.
  ///
  /// - Returns: Nil if that needs more of the picture than is read ahead.
  func pixels(
    _ region: Region, of made: ImageDescription, through links: [Pipeline.Link], in context: RunContext
  ) throws -> Picture? {
    var part = made
    (part.width, part.height) = (region.width, region.height)
    var plan: Plan?, needed = region
    if !links.isEmpty {
      plan = try Pipeline(links: links).plan(
        for: description, region: region, tiling: context.tiling, streamsOut: false)
      guard plan!.legs.count == 1, plan!.held.isEmpty else { return nil }
      needed = plan!.legs[0].sweep.levels[0].window
    }
    let count = needed.endY - window.y
    guard needed.y >= window.y, needed.x >= window.x, needed.endX <= window.endX, count <= window.height,
      count * stride <= min(context.tiling.maxMemory / 4, 1 << 28)
    else { return nil }
    try peek(count)
    let picture = try Picture(part)
    let source = Replay(self, needed)
    if let plan {
      try plan.run(.stream(source), to: .picture(picture), in: context)
    } else {
      try source.read(into: picture.buffer.base, stride: picture.stride, count: region.height)
    }
    return picture
  }

  private func peek(_ count: Int) throws {
    guard count > rowCount else { return }
    let more = try PixelBuffer(byteCount: count * stride)
    if let rows { more.base.copyMemory(from: rows.base, byteCount: rowCount * stride) }
    try base.read(into: more.base + rowCount * stride, stride: stride, count: count - rowCount)
    (rows, rowCount) = (more, count)
  }

  /// What has been read, once more.
  private final class Replay: RowSource, @unchecked Sendable {
    private let source: PeekedSource
    private let part: Region
    private var next: Int
    var description: ImageDescription { source.description }

    init(_ source: PeekedSource, _ part: Region) {
      (self.source, self.part) = (source, part)
      next = part.y
    }

    func select(_ window: Region) { precondition(window == part) }

    func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
      let pixel = description.bytesPerPixel
      for row in 0..<count {
        let from =
          source.rows!.base + (next + row - source.window.y) * source.stride
          + (part.x - source.window.x) * pixel
        (rows + row * stride).copyMemory(from: from, byteCount: part.width * pixel)
      }
      next += count
    }
  }
}
