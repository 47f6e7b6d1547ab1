import Pipeline
import Pictures
import Platform
internal import PluginInterface

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A filter of a loaded library with values for its parameters: calls its functions, and checks what they say.
///
/// Errors go on from the filter's name.
final class PluginCalls: @unchecked Sendable {
  private let filter: imbrex_filter
  private let values: UnsafeMutablePointer<imbrex_value>
  private let count: Int

  /// - Parameter values: In the order of the parameters.
  init(_ library: PluginLibrary, filter index: Int, _ values: [OptionValue]) throws {
    guard library.filters.indices.contains(index),
      library.filters[index].description.parameters.count == values.count
    else { throw PluginMessage.damaged }
    filter = library.filters[index].pointer.pointee
    count = values.count
    self.values = .allocate(capacity: max(count, 1))
    for (position, (value, parameter)) in zip(values, library.filters[index].description.parameters).enumerated() {
      var word = imbrex_value(number: 0, integer: 0, text: nil)
      switch value {
      case .integer(let number): (word.number, word.integer) = (Double(number), Int64(number))
      case .number(let number): word.number = number
      case .choice(let text), .text(let text):
        word.text = PathText.withCPath(text) { UnsafePointer(strdup($0)) }
        if case .choice(let words, _) = parameter.kind { word.integer = Int64(words.firstIndex(of: text) ?? 0) }
      default: throw PluginMessage.damaged
      }
      (self.values + position).initialize(to: word)
    }
  }

  deinit {
    for index in 0..<count { free(UnsafeMutablePointer(mutating: values[index].text)) }
    values.deallocate()
  }

  /// Calls a function with room for a message.
  private func call(_ function: (UnsafeMutablePointer<CChar>) -> Int32) throws {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(IMBREX_MESSAGE_SIZE)) { message in
      message.initialize(repeating: 0)
      let status = function(message.baseAddress!)
      guard status != 0 else { return }
      let length = strnlen(message.baseAddress!, message.count)
      let text = PathText.text(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: message[..<length])))
      throw ImbrexError(.input, length == 0 ? "fails with \(status) and no message" : PathText.printable(text))
    }
  }

  func reach() throws -> PluginReach {
    guard let function = filter.reach else { return PluginReach() }
    var reach = imbrex_reach()
    try call { function(values, &reach, $0) }
    let sides = [("above", reach.top), ("below", reach.bottom), ("left of", reach.left), ("right of", reach.right)]
    for (side, count) in sides where !(0...100_000).contains(count) {
      throw ImbrexError(
        .input, "asks for \(count) ghosts \(side) a tile, but it must be a number between 0 and 100000")
    }
    let boundary = pluginBoundary(Int(reach.boundary))
    guard boundary != nil || reach.boundary == 0 else {
      throw ImbrexError(.input, "asks for a boundary \(reach.boundary), which there is not")
    }
    guard reach.constant.isFinite else { throw ImbrexError(.input, "asks for a constant that is not finite") }
    return PluginReach(
      halo: Halo(top: Int(reach.top), bottom: Int(reach.bottom), left: Int(reach.left), right: Int(reach.right)),
      boundary: boundary, constant: reach.constant)
  }

  func output(for input: PluginPicture) throws -> PluginPicture {
    guard let function = filter.output else { return input }
    var source = input.inC
    var made = source
    try call { function(values, &source, &made, $0) }
    guard made.width == source.width, made.height == source.height else {
      throw ImbrexError(
        .input,
        "makes \(made.width) × \(made.height) pixels of \(input.width) × \(input.height), but must keep the size")
    }
    guard let type = PluginSampleType(rawValue: Int(made.type)) else {
      throw ImbrexError(.input, "makes samples of type \(made.type), which there is not")
    }
    guard (1...4096).contains(made.channels) else {
      throw ImbrexError(.input, "makes \(made.channels) channels, but it must be a number between 1 and 4096")
    }
    if made.channels != source.channels && made.color == source.color && made.alpha == source.alpha {
      made.color = ColorModel.gray.number
      made.alpha = Alpha.none.number
      if made.channels == 3 || made.channels == 4 { made.color = ColorModel.rgb.number }
      if made.channels == 2 || made.channels == 4 { made.alpha = Alpha.straight.number }
    }
    guard let color = ColorModel(number: Int(made.color)), let alpha = Alpha(number: Int(made.alpha)) else {
      throw ImbrexError(.input, "makes colour \(made.color) with alpha \(made.alpha), which there is not")
    }
    let least = color.channels + (alpha == .none ? 0 : 1)
    guard made.channels >= least else {
      throw ImbrexError(
        .input,
        "makes \(made.channels) channels of \(color.rawValue)\(alpha == .none ? "" : " with alpha"), which has \(least)"
      )
    }
    return PluginPicture(
      width: input.width, height: input.height, type: type, channels: Int(made.channels), color: color, alpha: alpha,
      one: input.one)
  }

  /// Makes a tile: the target is cleared before, and the bytes around it are looked at after.
  func apply(_ tile: PluginTile, source: UnsafeRawPointer, target: UnsafeMutableRawPointer) throws {
    let place = tile.place, first = target + tile.targetOffset
    let rowBytes = place.width * tile.output.bytesPerPixel
    let guards = tile.targetStride - rowBytes
    memcpy(first - PluginTile.guardSize, guardBytes, PluginTile.guardSize)
    for y in 0..<place.height {
      let row = first + y * tile.targetStride
      memset(row, 0, rowBytes)
      memcpy(row + rowBytes, guardBytes, guards)
    }
    var border: Int32 = 0
    if place.y == 0 { border |= Int32(IMBREX_TOP) }
    if place.endY == tile.input.height { border |= Int32(IMBREX_BOTTOM) }
    if place.x == 0 { border |= Int32(IMBREX_LEFT) }
    if place.endX == tile.input.width { border |= Int32(IMBREX_RIGHT) }
    var word = imbrex_tile(
      input: tile.input.inC, output: tile.output.inC, x: Int32(place.x), y: Int32(place.y), width: Int32(place.width),
      height: Int32(place.height), top: Int32(tile.ghosts.top), bottom: Int32(tile.ghosts.bottom),
      left: Int32(tile.ghosts.left), right: Int32(tile.ghosts.right), border: border,
      source: source + tile.sourceOffset, source_stride: tile.sourceStride, target: first,
      target_stride: tile.targetStride)
    try call { filter.apply(values, &word, $0) }
    guard memcmp(first - PluginTile.guardSize, guardBytes, PluginTile.guardSize) == 0 else {
      throw ImbrexError(.input, "writes before the first row of its tile")
    }
    for y in 0..<place.height
    where memcmp(first + (y * tile.targetStride + rowBytes), guardBytes, guards) != 0 {
      throw ImbrexError(.input, "writes beyond the end of row \(y) of its tile")
    }
  }
}

/// What must stand around a tile's rows after a call: bytes that no picture has in this order.
nonisolated(unsafe) private let guardBytes: UnsafeRawPointer = {
  let count = 2 * PluginTile.guardSize
  let bytes = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 64)
  for index in 0..<count {
    bytes.storeBytes(of: UInt8(truncatingIfNeeded: 0xA7 ^ index &* 37), toByteOffset: index, as: UInt8.self)
  }
  return UnsafeRawPointer(bytes)
}()
