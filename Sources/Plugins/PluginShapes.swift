package import Pipeline
package import Pictures
import Platform
internal import PluginInterface

/// How far a plug-in's filter sees, and what it sees beyond the picture's border.
package struct PluginReach: Equatable, Sendable {
  package var halo = Halo.none
  /// Nil: nothing is there, and tiles at the border have fewer ghosts.
  package var boundary: Boundary?
  /// For ``Boundary/constant``, in units of full scale.
  package var constant = 0.0
}

/// A picture's shape in the interface's words.
package struct PluginPicture: Hashable, Sendable {
  package var width, height: Int
  package var type: PluginSampleType
  package var channels: Int
  package var color: ColorModel
  package var alpha: Alpha
  /// The number in the file that stands for full scale.
  package var one: Double

  package init(
    width: Int, height: Int, type: PluginSampleType, channels: Int, color: ColorModel, alpha: Alpha, one: Double
  ) {
    (self.width, self.height, self.type, self.channels) = (width, height, type, channels)
    (self.color, self.alpha, self.one) = (color, alpha, one)
  }

  package var bytesPerPixel: Int { channels * type.rawValue }
}

/// A tile on its way through a plug-in: its place, and where it lies in memory that holds the source and, from a page's
/// beginning, the target.
package struct PluginTile: Equatable, Sendable {
  package var input, output: PluginPicture
  /// Without ghosts.
  package var place: Region
  /// Those that there are.
  package var ghosts: Halo
  /// From one row to the next.
  package private(set) var sourceStride, targetStride: Int
  /// Bytes for the source, and for the target; both whole pages.
  var sourceSize, targetSize: Int

  /// Bytes around a row of the target that nothing may change.
  static let guardSize = 64
  /// At least that of any machine.
  static let pageSize = 1 << 16
  /// Bytes beyond which a tile is refused: a halo of thousands of pixels makes one quickly.
  private static let maxSize = 1 << 33

  /// - Throws: ``ImbrexError`` if so large a tile cannot be.
  package init(_ input: PluginPicture, _ output: PluginPicture, _ place: Region, ghosts: Halo) throws {
    func pages(_ size: Int) -> Int { (size + Self.pageSize - 1) / Self.pageSize * Self.pageSize }
    func line(_ size: Int) -> Int { (size + 63) / 64 * 64 }
    (self.input, self.output, self.place, self.ghosts) = (input, output, place, ghosts)
    sourceStride = line((place.width + ghosts.left + ghosts.right) * input.bytesPerPixel)
    targetStride = line(place.width * output.bytesPerPixel) + Self.guardSize
    let rows = place.height + ghosts.top + ghosts.bottom
    let (size, overflow) = sourceStride.multipliedReportingOverflow(by: rows)
    guard !overflow, size < Self.maxSize, targetStride < Self.maxSize / place.height else {
      throw ImbrexError(
        .limit, "a tile with its ghosts is too large: \(sourceStride) bytes a row, \(rows) rows",
        remedy: .init("tile"))
    }
    sourceSize = pages(size)
    targetSize = pages(targetStride * place.height + Self.guardSize)
  }

  /// Of the tile's first pixel, from the source's beginning.
  package var sourceOffset: Int { ghosts.top * sourceStride + ghosts.left * input.bytesPerPixel }
  /// Of the result's first pixel, from the target's: behind its last row the pages end.
  package var targetOffset: Int { targetSize - targetStride * place.height }
  package var byteCount: Int { sourceSize + targetSize }
}

// MARK: - As bytes

extension PluginReach {
  func write(to message: inout PluginMessage) {
    for number in [halo.top, halo.bottom, halo.left, halo.right, Int(number(of: boundary))] { message.add(number) }
    message.add(constant)
  }

  init(from message: inout PluginMessage) throws {
    halo = Halo(
      top: try message.integer(), bottom: try message.integer(), left: try message.integer(),
      right: try message.integer())
    guard [halo.top, halo.bottom, halo.left, halo.right].allSatisfy((0...100_000).contains) else {
      throw PluginMessage.damaged
    }
    boundary = pluginBoundary(try message.integer())
    constant = try message.number()
  }
}

extension PluginPicture {
  func write(to message: inout PluginMessage) {
    for number in [width, height, type.rawValue, channels, Int(color.number), Int(alpha.number)] { message.add(number) }
    message.add(one)
  }

  init(from message: inout PluginMessage) throws {
    (width, height) = (try message.integer(), try message.integer())
    let (type, channels) = (PluginSampleType(rawValue: try message.integer()), try message.integer())
    let (color, alpha) = (ColorModel(number: try message.integer()), Alpha(number: try message.integer()))
    guard let type, let color, let alpha, (1...65536).contains(channels), width > 0, height > 0 else {
      throw PluginMessage.damaged
    }
    (self.type, self.channels, self.color, self.alpha) = (type, channels, color, alpha)
    one = try message.number()
  }

  var inC: imbrex_picture {
    imbrex_picture(
      width: Int32(width), height: Int32(height), type: Int32(type.rawValue), channels: Int32(channels),
      color: color.number, alpha: alpha.number, one: one)
  }
}

extension PluginTile {
  func write(to message: inout PluginMessage) {
    input.write(to: &message)
    output.write(to: &message)
    for number in [
      place.x, place.y, place.width, place.height, ghosts.top, ghosts.bottom, ghosts.left, ghosts.right,
    ] { message.add(number) }
  }

  init(from message: inout PluginMessage) throws {
    let (input, output) = (try PluginPicture(from: &message), try PluginPicture(from: &message))
    let place = Region(
      x: try message.integer(), y: try message.integer(), width: try message.integer(), height: try message.integer())
    let ghosts = Halo(
      top: try message.integer(), bottom: try message.integer(), left: try message.integer(),
      right: try message.integer())
    try self.init(input, output, place, ghosts: ghosts)
  }
}

// MARK: - The interface's numbers

private let boundaries: [Boundary] = [.reflect, .mirror, .nearest, .wrap, .constant]

/// The number of a boundary; 0 for none.
func number(of boundary: Boundary?) -> Int32 { Int32(boundary.flatMap(boundaries.firstIndex).map { $0 + 1 } ?? 0) }
func pluginBoundary(_ number: Int) -> Boundary? {
  boundaries.indices.contains(number - 1) ? boundaries[number - 1] : nil
}

extension ColorModel {
  private static let numbered: [ColorModel] = [.gray, .rgb, .cmyk, .lab]
  var number: Int32 { Int32(Self.numbered.firstIndex(of: self)! + 1) }
  init?(number: Int) {
    guard Self.numbered.indices.contains(number - 1) else { return nil }
    self = Self.numbered[number - 1]
  }
}

extension Alpha {
  private static let numbered: [Alpha] = [.none, .straight, .premultiplied]
  var number: Int32 { Int32(Self.numbered.firstIndex(of: self)!) }
  init?(number: Int) {
    guard Self.numbered.indices.contains(number) else { return nil }
    self = Self.numbered[number]
  }
}
