import Pictures
import Pipeline

import Platform

/// Runs a function on tiles: it gives a tile with its ghosts, trims those of what comes back, and keeps the rest.
struct ApplyStencil: Stencil {
  let run: TileRun
  /// Ghosts that a tile is given.
  let ghosts: Halo
  /// What the function makes, and as which picture it is kept.
  let made: PixelKind
  let output: ImageDescription
  /// What the first tile has shown.
  let probe: TileProbe?
  /// Nil: tiles are not looked at for seams.
  let seams: SeamCheck?

  var halo: Halo { seams?.reach ?? ghosts }
  var needsWholePicture: Bool { run.function.border?.boundary == .wrap && halo != .none }
  var pixelsPerTile: Int? { run.function.pixelsPerTile }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) throws {
    let place = run.place(region, halo: ghosts)
    let conversion = SampleConversion(made, self.output), samples = region.width * made.channels
    func keep(_ tile: TileOutput) throws {
      let first = tile.base + place.ghosts.left * made.bytesPerPixel
      for y in 0..<region.height {
        try conversion.import(
          first + (y + place.ghosts.top) * tile.stride, samples,
          to: output.row(region.y + y) + region.x * self.output.bytesPerPixel)
      }
    }
    if let known = probe?.take(place) {
      try keep(known.tile)
    } else {
      try run.make(place, from: source.row, scratch: scratch) { tile in
        try check(tile.kind)
        try keep(tile)
      }
    }
    try seams?.check(region, run, ghosts, made, from: source.row, scratch: scratch)
  }

  private func check(_ kind: PixelKind) throws {
    guard kind != made else { return }
    throw FrameHeader.failed("the function makes \(kind.text), but of the first tile it made \(made.text)")
  }

  func cancel() { run.cancel() }
}

/// What the first tile has shown: what the function makes, and the tile itself, which need not be made again.
final class TileProbe: Sendable {
  /// A tile that was made, with memory of its own.
  struct Known: Sendable {
    let place: TilePlace
    let tile: TileOutput
    let buffer: PixelBuffer
  }

  let input: PixelKind
  let made: PixelKind
  private let known: Locked<Known?>

  init(_ input: PixelKind, _ place: TilePlace, _ tile: TileOutput) throws {
    (self.input, made) = (input, tile.kind)
    let rowBytes = place.grown.width * tile.kind.bytesPerPixel
    let buffer = try PixelBuffer(byteCount: rowBytes * place.grown.height)
    for y in 0..<place.grown.height {
      (buffer.base + y * rowBytes).copyMemory(from: tile.base + y * tile.stride, byteCount: rowBytes)
    }
    known = Locked(
      Known(
        place: place, tile: TileOutput(tile.kind, base: UnsafeRawPointer(buffer.base), stride: rowBytes),
        buffer: buffer))
  }

  /// The tile, if it is this one; it is handed out once.
  func take(_ place: TilePlace) -> Known? {
    known.withLock { known in
      guard known?.place == place else { return nil }
      defer { known = nil }
      return known
    }
  }
}
