public import Foundation
public import Imbrex

/// The pages of a file, decoded.
public func readPictures(_ path: String) throws -> [Picture] {
  let reader = try ImageReader(path: path)
  var pages = [try Picture(reading: reader)]
  while try reader.nextPage() { pages.append(try Picture(reading: reader)) }
  return pages
}

/// Writes pictures as the pages of a file, in the format that its name says.
public func writePictures(_ pages: [Picture], to path: String, metadata: Metadata = Metadata()) throws {
  let writer = try ImageWriter(
    to: OutputFile(path: path), format: ImageFormat(path: path)!, picture: pages[0].description, metadata: metadata)
  for (number, page) in pages.enumerated() {
    if number > 0 { try writer.startPage(page.description, metadata: metadata) }
    try writer.write(page.converted(to: writer.description))
  }
  try writer.finish()
}

/// A part of a picture, as a picture.
public func cropped(_ picture: Picture, to region: Region) -> Picture {
  region.checkLies(in: picture.description)
  var description = picture.description
  (description.width, description.height) = (region.width, region.height)
  let result = try! Picture(description)
  for y in 0..<region.height {
    result.row(y).copyMemory(
      from: picture.row(region.y + y) + region.x * description.bytesPerPixel, byteCount: description.bytesPerRow)
  }
  return result
}

/// A region of a picture as `--region` takes it.
extension Region {
  public var option: String { "\(width)x\(height)+\(x)+\(y)" }

  /// Somewhere in a picture, of any size that has room there.
  public static func random(in picture: ImageDescription, _ noise: inout Noise) -> Region {
    let x = Int.random(in: 0..<picture.width, using: &noise), y = Int.random(in: 0..<picture.height, using: &noise)
    return Region(
      x: x, y: y, width: Int.random(in: 1...(picture.width - x), using: &noise),
      height: Int.random(in: 1...(picture.height - y), using: &noise))
  }
}

/// Little-endian TIFFs of 8-bit gray made by hand: what no writer of the program makes.
public enum PlainTIFF {
  private static func number<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// A directory at an offset: fields of one number each, of type LONG, then where the next one is.
  private static func directory(_ fields: [(tag: UInt16, count: Int, value: Int)], next: Int) -> [UInt8] {
    let entries = fields.flatMap {
      number($0.tag) + number(UInt16(4)) + number(UInt32($0.count)) + number(UInt32($0.value))
    }
    return number(UInt16(fields.count)) + entries + number(UInt32(next))
  }

  /// Directories one after another, each of one strip with a slope in it.
  ///
  /// - Parameter pages: Their sizes, and what they are in tag 254: 0 a page, 1 a reduced one, 4 a mask.
  public static func file(pages: [(width: Int, height: Int, subfileType: Int)]) -> [UInt8] {
    var file = Array("II*\0".utf8) + number(UInt32(8))
    for (index, page) in pages.enumerated() {
      let bytes = page.width * page.height, directoryBytes = 2 + 10 * 12 + 4
      let data = file.count + directoryBytes, end = data + bytes + bytes % 2
      file += directory(
        [
          (254, 1, page.subfileType), (256, 1, page.width), (257, 1, page.height), (258, 1, 8), (259, 1, 1),
          (262, 1, 1), (273, 1, data), (277, 1, 1), (278, 1, page.height), (279, 1, bytes),
        ], next: index == pages.count - 1 ? 0 : end)
      file += (0..<bytes + bytes % 2).map { UInt8(truncatingIfNeeded: $0 % page.width * 3 + $0 / page.width * 5) }
    }
    return file
  }

  /// A square of zeros in tiles that are a hole in the file, with one row of tiles of noise in its middle.
  ///
  /// - Parameters:
  ///   - side: Pixels, much more than `tile`.
  ///   - tile: Pixels, a multiple of 16.
  /// - Returns: The first row of the noise.
  public static func writeSparse(side: Int, tile: Int, to url: URL) throws -> Int {
    let across = (side + tile - 1) / tile, count = across * across
    let directoryBytes = 2 + 10 * 12 + 4, offsets = 8 + directoryBytes, counts = offsets + 4 * count
    let data = (counts + 4 * count + 4095) / 4096 * 4096
    var head = Array("II*\0".utf8) + number(UInt32(8))
    head += directory(
      [
        (256, 1, side), (257, 1, side), (258, 1, 8), (259, 1, 1), (262, 1, 1), (277, 1, 1), (322, 1, tile),
        (323, 1, tile), (324, count, offsets), (325, count, counts),
      ], next: 0)
    head += (0..<count).flatMap { number(UInt32(data + $0 * tile * tile)) }
    head += (0..<count).flatMap { _ in number(UInt32(tile * tile)) }
    try Data(head).write(to: url)
    let file = try FileHandle(forWritingTo: url)
    defer { try? file.close() }
    try file.truncate(atOffset: UInt64(data + count * tile * tile))
    var noise = Noise(seed: side)
    let middle = across / 2
    try file.seek(toOffset: UInt64(data + middle * across * tile * tile))
    let samples = (0..<across * tile * tile / 8).flatMap { _ in number(noise.next()) }
    try file.write(contentsOf: Data(samples))
    return middle * tile
  }
}

/// Whether two files are the same, byte for byte; where both are deflated, it is enough that they say the same and hold the same
/// pages: ISA-L gives other bytes for small blocks according to where memory lies, with one and the same command too.
public func areSameFiles(_ a: String, _ b: String) throws -> Bool {
  let contents = try [a, b].map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
  if contents[0] == contents[1] { return true }
  guard let first = try? ImageReader(path: a), let second = try? ImageReader(path: b) else { return false }
  let isDeflated = first.format.name == "png" || [8, 32946].contains(first.metadata.tiff.compression)
  guard isDeflated, first.format == second.format, first.metadata == second.metadata else { return false }
  return try haveSamePages(a, b)
}

/// Whether two files have the same pages.
public func haveSamePages(_ a: String, _ b: String) throws -> Bool {
  let (a, b) = (try readPictures(a), try readPictures(b))
  return a.count == b.count && zip(a, b).allSatisfy { $0.hasSameBytes(as: $1) }
}
