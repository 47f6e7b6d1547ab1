public import Pictures
public import Pipeline

/// A function from a tile with its ghosts to a tile, of which nobody knows more: a command, or a plug-in.
public protocol TileFunction: Sendable {
  /// The ghosts that it asks for itself; those of `--halo` are used where they are more.
  var halo: Halo { get }
  /// Pixels that a tile should have for a call to cost little beside the work.
  var pixelsPerTile: Int { get }
  /// What it sees beyond the picture's border; nil: nothing, so that tiles there have fewer ghosts.
  var border: TileBorder? { get }
  /// The pixels of a picture as it gets them.
  func kind(of picture: ImageDescription) -> PixelKind
  /// Whether ``output(for:)`` says what it makes.
  var tellsOutput: Bool { get }
  /// What it makes of a picture; nil: the first tile that comes back shows it.
  ///
  /// - Throws: ``ImbrexError`` if it does not take it.
  func output(for input: ImageDescription) throws -> PixelKind?
  /// The picture that such pixels are of.
  func picture(of made: PixelKind, like input: ImageDescription) -> ImageDescription
  /// Something that runs it on one tile after the other. Each worker has one; they are used again for the next picture.
  func makeRunner() throws -> any TileRunner
}

/// Runs a ``TileFunction`` on one tile at a time: a process, or a row of them.
///
/// What it holds ends with it, by force, when the last reference goes.
public protocol TileRunner: AnyObject, Sendable {
  /// Tiles will come: starts what takes a while to start.
  func prepare() throws
  /// - Returns: A tile of the same width and height, ghosts included, which stays until the next call.
  /// - Throws: ``ImbrexError`` in one line, without the tile's name; the runner is not used again.
  func process(_ tile: TileInput) throws -> TileOutput
  /// Makes a call that is under way on another thread fail soon.
  func cancel()
  /// There are no more tiles: waits for the function's own end.
  ///
  /// - Throws: ``ImbrexError`` if that was not a good one.
  func end() throws
}

extension TileRunner {
  public func prepare() throws {}
}

extension TileFunction {
  public var halo: Halo { .none }
  public var border: TileBorder? { nil }
  /// As files have them.
  public func kind(of picture: ImageDescription) -> PixelKind { PixelKind(picture) }
  public var tellsOutput: Bool { false }
  public func picture(of made: PixelKind, like input: ImageDescription) -> ImageDescription {
    made.description(like: input)
  }
}

/// What tiles have beyond the picture's border.
public struct TileBorder: Equatable, Sendable {
  /// How samples beyond the border are made.
  public var boundary: Boundary
  /// For ``Boundary/constant``, in units of full scale.
  public var constant: Double

  /// - Parameter constant: In units of full scale, 0 … 1 for integers; of use with ``Boundary/constant`` only.
  public init(_ boundary: Boundary, constant: Double = 0) { (self.boundary, self.constant) = (boundary, constant) }
}

/// A number type of samples as files have them.
public enum NumberType: String, Sendable, CaseIterable {
  case uint8, int8, uint16, int16, uint32, int32, uint64, int64, float16, float32, float64

  /// Bytes of one sample: 1, 2, 4 or 8.
  public var byteCount: Int {
    switch self {
    case .uint8, .int8: 1
    case .uint16, .int16, .float16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }
}

/// What a function gets of a pixel, or makes.
public struct PixelKind: Equatable, Sendable {
  /// The type of each sample.
  public var number: NumberType
  /// Interleaved samples, alpha included.
  public var channels: Int
  /// Of unsigned integers, the bits that are used: 12 where the largest is 4095.
  public var bits: Int
  /// Whether the last channel is alpha; nil: whoever made it did not say.
  public var hasAlpha: Bool?

  /// - Parameters:
  ///   - channels: At least 1, alpha included.
  ///   - bits: Those that are used of an unsigned integer; nil: all.
  ///   - hasAlpha: Nil: not said, and then taken from the picture that went in.
  public init(_ number: NumberType, channels: Int, bits: Int? = nil, hasAlpha: Bool? = nil) {
    self.number = number
    self.channels = channels
    self.bits = bits ?? number.byteCount * 8
    self.hasAlpha = hasAlpha
  }

  /// Bytes of one pixel, all channels.
  public var bytesPerPixel: Int { channels * number.byteCount }
}

/// Where a tile lies in its picture.
public struct TilePlace: Equatable, Sendable {
  /// What is kept of the result.
  public var tile: Region
  /// The same with ghosts, clipped to the picture unless the function has a border: what it gets, and gives back.
  public var grown: Region
  /// The picture's size.
  public var pictureWidth, pictureHeight: Int

  /// Ghosts on each side.
  public var ghosts: Halo {
    Halo(
      top: tile.y - grown.y, bottom: grown.endY - tile.endY, left: tile.x - grown.x, right: grown.endX - tile.endX)
  }
}

/// A tile with its ghosts on the way into a function.
public struct TileInput: @unchecked Sendable {
  /// The picture that the tile is of, in memory.
  public let picture: ImageDescription
  /// Where in the picture it is.
  public let place: TilePlace
  /// What one of its pixels is, which may be otherwise than in memory.
  public let kind: PixelKind
  /// The first byte of each row of `place.grown`, from the top; rows have `place.grown.width` pixels in machine byte order.
  public let rows: [UnsafeRawPointer]

  /// - Parameter rows: One pointer a row of `place.grown`, each to at least ``bytesPerRow`` bytes that stay until the
  ///   function returns.
  public init(_ picture: ImageDescription, _ place: TilePlace, _ kind: PixelKind, rows: [UnsafeRawPointer]) {
    (self.picture, self.place, self.kind, self.rows) = (picture, place, kind, rows)
  }

  /// Bytes of a row with its ghosts.
  public var bytesPerRow: Int { place.grown.width * kind.bytesPerPixel }
}

/// A tile that came out of a function: as many pixels as went in, rows `stride` bytes apart, in machine byte order.
public struct TileOutput: @unchecked Sendable {
  /// What one of its pixels is; it must be the same for all tiles of a picture.
  public let kind: PixelKind
  /// The first pixel of the first row, ghosts included. The function keeps the memory until its runner makes the next
  /// tile.
  public let base: UnsafeRawPointer
  /// Bytes from one row to the next; at least those of a row.
  public let stride: Int

  /// - Parameters:
  ///   - base: The first of `stride` × height bytes, which stay until the runner is asked for another tile.
  ///   - stride: Bytes from one row to the next.
  public init(_ kind: PixelKind, base: UnsafeRawPointer, stride: Int) {
    (self.kind, self.base, self.stride) = (kind, base, stride)
  }
}
