import Pictures
import Pipeline

import Platform

/// Looks for signs that a function's result depends on how the picture is cut.
///
/// A sample of tiles is made again with more ghosts, on other rows and columns, and a part of each as a tile of its own with as many
/// ghosts as all have. Where a pixel differs, the least halo with which none does is looked for. What it cannot show is what happens
/// in tiles that are not in the sample, and a function that reaches further than all ghosts that are tried.
final class SeamCheck: Sendable {
  /// Ghosts of the reference.
  let reach: Halo
  private let looked = Locked(0)

  init(_ ghosts: Halo) {
    // Twice as many, and more than most functions need; odd, so that rows and columns fall elsewhere in blocks of any size.
    func more(_ count: Int, _ extra: Int) -> Int { (2 * count + extra) | 1 }
    reach = Halo(
      top: more(ghosts.top, 61), bottom: more(ghosts.bottom, 61), left: more(ghosts.left, 53),
      right: more(ghosts.right, 53))
  }

  /// Whether this tile is one of the sample: the first few, then fewer and fewer.
  private func takesTile() -> Bool {
    let number = looked.withLock { looked in
      defer { looked += 1 }
      return looked
    }
    return number < 4 || number % (number < 64 ? 8 : 64) == 0
  }

  /// - Throws: ``ImbrexError`` that names the tile, a pixel, and a halo that would do.
  func check(
    _ tile: Region, _ run: TileRun, _ ghosts: Halo, _ made: PixelKind, from row: (Int) -> UnsafeRawPointer,
    scratch: Scratch
  ) throws {
    guard takesTile() else { return }
    func make(_ tile: Region, _ halo: Halo) throws -> Sample {
      var sample: Sample?
      let place = run.place(tile, halo: halo)
      try run.make(place, from: row, scratch: scratch) {
        guard $0.kind == made else {
          throw FrameHeader.failed("with other ghosts the function makes \($0.kind.text) instead of \(made.text)")
        }
        sample = Sample($0, place)
      }
      return sample!
    }
    // A tile cut elsewhere: its middle.
    let part = Region(
      x: tile.x + tile.width / 3, y: tile.y + tile.height / 3, width: max(tile.width / 2, 1),
      height: max(tile.height / 2, 1))
    let reference = try make(tile, reach)
    func difference(_ halo: Halo) throws -> (y: Int, x: Int)? {
      try make(part, halo).difference(from: reference) ?? make(tile, halo).difference(from: reference)
    }
    guard let place = try difference(ghosts) else { return }
    guard try make(tile, reach).difference(from: reference) == nil else {
      throw failure(tile, "the function makes something else of the same tile each time: seams cannot be looked for")
    }
    let found = try leastHalo(above: ghosts) { try difference($0) == nil }
    let remedy =
      found.map { "--halo \($0) does here" }
      ?? "no halo up to \(reach.left - 1) does: the function looks further, or at the whole tile"
    throw failure(
      tile,
      "the result depends on how the picture is cut: pixel \(place.x),\(place.y) differs with more ghosts; \(remedy)")
  }

  private func failure(_ tile: Region, _ text: String) -> ImbrexError {
    ImbrexError(.input, "tile \(tile.text): \(text)", cause: .functionFailed)
  }

  /// By doubling, then by halving what is between.
  private func leastHalo(above ghosts: Halo, _ isGood: (Halo) throws -> Bool) throws -> Int? {
    let least = max(ghosts.top, ghosts.left), most = reach.left - 1
    func holds(_ count: Int) throws -> Bool {
      // Up to the reference's own ghosts, any function would seem good.
      try isGood(Halo(y: count, x: count))
    }
    var low = least, high = max(2 * least, 1)
    while high < most, try !holds(high) { (low, high) = (high, high * 2) }
    if high >= most {
      high = most * 3 / 4
      guard high > low, try holds(high) else { return nil }
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if try holds(middle) { high = middle } else { low = middle }
    }
    return high
  }

  /// The pixels of a tile, without ghosts.
  private struct Sample {
    let tile: Region
    let bytesPerPixel: Int
    private let bytes: [UInt8]

    init(_ made: TileOutput, _ place: TilePlace) {
      tile = place.tile
      bytesPerPixel = made.kind.bytesPerPixel
      var bytes: [UInt8] = []
      let rowBytes = tile.width * bytesPerPixel
      bytes.reserveCapacity(rowBytes * tile.height)
      for y in 0..<tile.height {
        let row = made.base + (y + place.ghosts.top) * made.stride + place.ghosts.left * bytesPerPixel
        bytes += UnsafeRawBufferPointer(start: row, count: rowBytes)
      }
      self.bytes = bytes
    }

    /// The first pixel, in the picture's coordinates, that is another one in a sample around this.
    func difference(from other: Sample) -> (y: Int, x: Int)? {
      let rowBytes = tile.width * bytesPerPixel
      for y in 0..<tile.height {
        let start = ((tile.y + y - other.tile.y) * other.tile.width + tile.x - other.tile.x) * bytesPerPixel
        let mine = bytes[(y * rowBytes)..<((y + 1) * rowBytes)], theirs = other.bytes[start..<(start + rowBytes)]
        if !mine.elementsEqual(theirs) {
          let at = zip(mine, theirs).enumerated().first { $0.element.0 != $0.element.1 }!.offset
          return (tile.y + y, tile.x + at / bytesPerPixel)
        }
      }
      return nil
    }
  }
}
