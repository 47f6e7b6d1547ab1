import Pictures
import Platform

internal import CodecShims

extension TIFFNode {
  /// A mask as GDAL has it: a bit a pixel, 1 where it counts, in strips or in the tiles of its page; in PackBits, which every
  /// reader knows.
  ///
  /// - Parameter page: A mask of another size is that of one of its levels.
  convenience init(_ mask: Mask, like page: PageHeader, isBigEndian: Bool) throws {
    let isTiled = page.header.tiff_tile_width > 0 && page.header.tiff_tile_height > 0
    let bytesPerRow = (mask.width + 7) / 8
    let width = isTiled ? Int(page.header.tiff_tile_width) : 8 * bytesPerRow
    let height = isTiled ? Int(page.header.tiff_tile_height) : min(max((1 << 16) / bytesPerRow, 1), mask.height)
    let file = SharedDescriptor(try openTemporaryFile())
    var places: [UInt64] = [], counts: [UInt64] = [], end: UInt64 = 0
    for y in stride(from: 0, to: mask.height, by: height) {
      for x in stride(from: 0, to: mask.width, by: width) {
        var bytes: [UInt8] = []
        for row in y..<(isTiled ? y + height : min(y + height, mask.height)) {
          let packed =
            row < mask.height ? mask.bits(x: x, y: row, count: width) : [UInt8](repeating: 0, count: width / 8)
          packBits(packed, into: &bytes)
        }
        try file.write(bytes, at: end)
        places.append(end)
        counts.append(UInt64(bytes.count))
        end += UInt64(bytes.count)
      }
    }
    func field(_ tag: UInt16, _ type: UInt16, _ value: Int) -> Field {
      let size = type == 3 ? 2 : 4
      return Field(
        tag: tag, type: type, count: 1, values: .bytes(TIFFBytes.bytes(of: UInt64(value), size: size, isBigEndian)))
    }
    let isOfPage = (mask.width, mask.height) == (page.description.width, page.description.height)
    let layout =
      isTiled
      ? [field(TIFFBytes.Tag.tileWidth, 4, width), field(TIFFBytes.Tag.tileHeight, 4, height)]
      : [field(TIFFBytes.Tag.rowsPerStrip, 4, height)]
    self.init(
      fields: [
        field(TIFFBytes.Tag.subfile, 4, isOfPage ? 4 : 5), field(TIFFBytes.Tag.width, 4, mask.width),
        field(TIFFBytes.Tag.height, 4, mask.height), field(TIFFBytes.Tag.bits, 3, 1),
        field(TIFFBytes.Tag.compression, 3, 32773), field(TIFFBytes.Tag.photometric, 3, 4),
        field(TIFFBytes.Tag.samples, 3, 1), field(TIFFBytes.Tag.planar, 3, 1),
      ] + layout, pixelCount: UInt64(mask.width) * UInt64(mask.height),
      segments: Segments(file: file, isTiled: isTiled, places: places, counts: counts))
  }
}

extension Mask {
  /// Some pixels of a row, the first in the highest bit; 0 beyond its end.
  ///
  /// - Parameters:
  ///   - x: A multiple of 8.
  ///   - count: Likewise.
  fileprivate func bits(x: Int, y: Int, count: Int) -> [UInt8] {
    let words = words(y)
    return stride(from: x, to: x + count, by: 8).map { x in
      guard x < width else { return 0 }
      let byte = UInt8(truncatingIfNeeded: words[x >> 6] >> UInt64(x & 63)), left = width - x
      return reversed(left < 8 ? byte & (1 << UInt8(left) - 1) : byte)
    }
  }

  private func reversed(_ byte: UInt8) -> UInt8 {
    let pairs = byte >> 4 | byte << 4, ones = (pairs & 0xCC) >> 2 | (pairs & 0x33) << 2
    return (ones & 0xAA) >> 1 | (ones & 0x55) << 1
  }
}

/// Appends a row in PackBits (TIFF 6.0, section 9).
private func packBits(_ row: [UInt8], into bytes: inout [UInt8]) {
  var at = 0, literals = 0
  func run(from start: Int) -> Int {
    var end = start + 1
    while end < row.count && end - start < 128 && row[end] == row[start] { end += 1 }
    return end - start
  }
  func flush(_ bytes: inout [UInt8]) {
    guard literals > 0 else { return }
    bytes.append(UInt8(literals - 1))
    bytes += row[(at - literals)..<at]
    literals = 0
  }
  while at < row.count {
    let length = run(from: at)
    if length >= 3 {
      flush(&bytes)
      bytes += [UInt8(truncatingIfNeeded: 1 - length), row[at]]
      at += length
    } else {
      at += 1
      literals += 1
      if literals == 128 { flush(&bytes) }
    }
  }
  flush(&bytes)
}
