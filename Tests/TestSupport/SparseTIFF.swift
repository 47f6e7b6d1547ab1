import Foundation

/// A TIFF made by hand whose strips or tiles are there or not, as GDAL's SPARSE_OK leaves them: one that is not is at 0,
/// with no bytes.
public struct SparseTIFF: Sendable {
  public var width: Int
  public var height: Int
  /// Side of the tiles; 0: strips.
  public var tile = 0
  public var rowsPerStrip = 1
  public var channels = 1
  public var bits = 8
  /// 1 unsigned, 2 signed, 3 floating.
  public var sampleFormat = 1
  public var isPlanar = false
  public var isBig = false
  public var isBigEndian = false
  public var compression = 1
  public var photometric = 1
  /// GDAL's tag.
  public var nodata: String?
  /// What is there, by number.
  public var present: [Int: [UInt8]] = [:]
  /// Entries that the list of places lacks: a damaged file.
  public var missingPlaces = 0
  /// Further fields of one SHORT, or of two.
  public var fields: [UInt16: [Int]] = [:]

  public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

  public var count: Int {
    let inPlane =
      tile > 0
      ? (width + tile - 1) / tile * ((height + tile - 1) / tile) : (height + rowsPerStrip - 1) / rowsPerStrip
    return inPlane * (isPlanar ? channels : 1)
  }

  private func number(_ value: Int, _ size: Int) -> [UInt8] {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    return isBigEndian ? bytes.reversed() : bytes
  }

  /// The file's bytes. Lists of millions of places are mostly zeros, so nothing is made of them one by one.
  public var bytes: [UInt8] {
    let word = isBig ? 8 : 4, long = isBig ? 16 : 4
    var entries: [(tag: Int, type: Int, count: Int, bytes: [UInt8])] = []
    func shorts(_ tag: Int, _ values: [Int]) {
      entries.append((tag, 3, values.count, values.flatMap { number($0, 2) }))
    }
    func longs(_ tag: Int, _ value: Int) { entries.append((tag, 4, 1, number(value, 4))) }
    let places = count - missingPlaces
    longs(256, width)
    longs(257, height)
    shorts(258, Array(repeating: bits, count: channels))
    shorts(259, [compression])
    shorts(262, [photometric])
    shorts(277, [channels])
    shorts(284, [isPlanar ? 2 : 1])
    shorts(339, Array(repeating: sampleFormat, count: channels))
    if tile > 0 {
      longs(322, tile)
      longs(323, tile)
    } else {
      longs(278, rowsPerStrip)
    }
    for (tag, values) in fields { shorts(Int(tag), values) }
    if let nodata { entries.append((42113, 2, nodata.utf8.count + 1, Array(nodata.utf8) + [0])) }
    let zeros = [UInt8](repeating: 0, count: places * word)
    entries.append((tile > 0 ? 324 : 273, long, places, zeros))
    entries.append((tile > 0 ? 325 : 279, long, places, zeros))
    entries.sort { $0.tag < $1.tag }
    let head = isBig ? 16 : 8
    var next = head + (isBig ? 8 : 2) + entries.count * (isBig ? 20 : 12) + word
    let starts = entries.map { entry in
      guard entry.bytes.count > word else { return 0 }
      defer { next += entry.bytes.count }
      return next
    }
    for (index, bytes) in present.sorted(by: { $0.key < $1.key }) {
      for (entry, value) in [
        (entries.firstIndex { [273, 324].contains($0.tag) }!, next),
        (entries.firstIndex { [279, 325].contains($0.tag) }!, bytes.count),
      ] {
        entries[entry].bytes.replaceSubrange(index * word..<(index + 1) * word, with: number(value, word))
      }
      next += bytes.count
    }
    var file = Array((isBigEndian ? "MM" : "II").utf8)
    file += isBig ? number(43, 2) + number(8, 2) + number(0, 2) + number(head, 8) : number(42, 2) + number(head, 4)
    file += number(entries.count, isBig ? 8 : 2)
    for (entry, start) in zip(entries, starts) {
      file += number(entry.tag, 2) + number(entry.type, 2) + number(entry.count, word)
      let fits = entry.bytes.count <= word
      file += fits ? entry.bytes + [UInt8](repeating: 0, count: word - entry.bytes.count) : number(start, word)
    }
    file += number(0, word)
    for entry in entries where entry.bytes.count > word { file += entry.bytes }
    for (_, bytes) in present.sorted(by: { $0.key < $1.key }) { file += bytes }
    return file
  }
}
