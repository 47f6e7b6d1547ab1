import Pictures

// What Exif may say of a result. Nothing is moved, since a maker's note has offsets of its own.

extension Exif {
  /// Tags of the file rather than of what was taken: the program that wrote it, and when.
  static let software: UInt32 = 305, dateTime: UInt32 = 306
  static let makerNote: UInt32 = 37500
  /// Width and height.
  static let dimensions: [UInt32] = [40962, 40963]
  /// Places in the picture.
  static let places: Set<UInt32> = [37396, 41492]

  /// A payload without thumbnail, software and time of change; with the size of the picture that it is written with.
  static func payload(_ payload: [UInt8], of output: ImageDescription, movesPixels: Bool) -> [UInt8] {
    guard let reader = Reader(payload), let first = reader.firstDirectory else { return payload }
    var editor = Editor(reader)
    editor.removeThumbnail(behind: first)
    editor.remove([software, dateTime], from: first)
    if let exif = reader.pointer(exifPointer, in: first) {
      editor.set(dimensions[0], output.width, in: exif)
      editor.set(dimensions[1], output.height, in: exif)
      if movesPixels { editor.remove(places, from: exif) }
      editor.blankPictures(in: exif)
    }
    return editor.bytes
  }

  /// Overwrites JPEGs, which are previews of the picture as it was.
  static func blankPictures(_ bytes: inout [UInt8], in range: Range<Int>) {
    var at = range.lowerBound
    while at + 3 <= range.upperBound {
      guard bytes[at] == 0xFF, bytes[at + 1] == 0xD8, bytes[at + 2] == 0xFF else {
        at += 1
        continue
      }
      while at < range.upperBound, !(bytes[at] == 0xFF && at + 1 < range.upperBound && bytes[at + 1] == 0xD9) {
        bytes[at] = 0
        at += 1
      }
    }
  }

  private struct Editor {
    private let reader: Reader
    var bytes: [UInt8]

    init(_ reader: Reader) { (self.reader, bytes) = (reader, reader.bytes) }

    private mutating func put(_ value: Int, _ size: Int, at place: Int) {
      guard place >= 0, place + size <= bytes.count else { return }
      for i in 0..<size {
        bytes[place + i] = UInt8(truncatingIfNeeded: value >> (8 * (reader.isBigEndian ? size - 1 - i : i)))
      }
    }

    private mutating func blank(_ range: Range<Int>) {
      for i in range.clamped(to: 0..<bytes.count) { bytes[i] = 0 }
    }

    /// Where an entry's values stand.
    private func values(_ entry: Int) -> Range<Int>? {
      guard let size = valueSize(UInt16(reader.number(entry + 2, 2))) else { return nil }
      let length = size.bytes * reader.number(entry + 4, 4)
      let start = length <= 4 ? entry + 8 : reader.number(entry + 8, 4)
      return start + length <= bytes.count ? start..<(start + length) : nil
    }

    private func range(of directory: Int) -> Range<Int> {
      directory..<min(directory + 6 + 12 * reader.number(directory, 2), max(directory, bytes.count))
    }

    /// What is in use but for thumbnails: directories, and the values of their entries.
    private func used(_ directories: [Int]) -> [Range<Int>] {
      directories.flatMap { [range(of: $0)] + reader.entries($0).compactMap(values) } + [0..<8]
    }

    /// Takes the second directory out of the chain, and overwrites it and its picture.
    mutating func removeThumbnail(behind first: Int) {
      let link = first + 2 + 12 * reader.number(first, 2)
      let second = reader.number(link, 4)
      guard link + 4 <= bytes.count, second != 0 else { return }
      let children = [exifPointer, gpsPointer].compactMap { reader.pointer($0, in: first) }
      let used = used([first] + children)
      var gone: [Range<Int>] = []
      if second >= 8, second + 2 <= bytes.count {
        gone = [range(of: second)] + reader.entries(second).compactMap(values)
        func numbers(_ tag: Int) -> [Int] {
          guard let entry = reader.entries(second).first(where: { reader.number($0, 2) == tag }),
            let place = values(entry)
          else { return [] }
          let size = reader.number(entry + 2, 2) == 3 ? 2 : 4
          return stride(from: place.lowerBound, through: place.upperBound - size, by: size).map {
            reader.number($0, size)
          }
        }
        for (start, length) in zip(numbers(513) + numbers(273), numbers(514) + numbers(279)) {
          gone.append(start..<min(start + length, max(start, bytes.count)))
        }
      }
      put(0, 4, at: link)
      for range in gone where !used.contains(where: { $0.overlaps(range) }) { blank(range) }
      // What stands last need not be there at all.
      let end = used.map(\.upperBound).max()!
      if gone.allSatisfy({ $0.lowerBound >= end }) && gone.contains(where: { $0.upperBound == bytes.count }) {
        bytes.removeLast(bytes.count - min(end, bytes.count))
      }
    }

    /// Closes the gap in the directory, and overwrites the values.
    mutating func remove(_ tags: Set<UInt32>, from directory: Int) {
      let entries = reader.entries(directory)
      let kept = entries.filter { !tags.contains(UInt32(reader.number($0, 2))) }
      guard kept.count < entries.count, entries.count == reader.number(directory, 2) else { return }
      let old = bytes, end = directory + 2 + 12 * entries.count
      guard end + 4 <= old.count else { return }
      for entry in entries where !kept.contains(entry) {
        if let values = values(entry), values.count > 4 { blank(values) }
      }
      let next = Array(bytes[end..<(end + 4)])
      put(kept.count, 2, at: directory)
      for (index, entry) in kept.enumerated() {
        for i in 0..<12 { bytes[directory + 2 + 12 * index + i] = old[entry + i] }
      }
      let newEnd = directory + 2 + 12 * kept.count
      for i in 0..<4 { bytes[newEnd + i] = next[i] }
      blank((newEnd + 4)..<(end + 4))
    }

    /// Sets a number, where there is one.
    mutating func set(_ tag: UInt32, _ value: Int, in directory: Int) {
      guard let entry = reader.entries(directory).first(where: { reader.number($0, 2) == Int(tag) }),
        reader.number(entry + 4, 4) == 1
      else { return }
      switch reader.number(entry + 2, 2) {
      case 3 where value < 65536: put(value, 2, at: entry + 8)
      // A short holds no more: as a long.
      case 3:
        put(4, 2, at: entry + 2)
        put(value, 4, at: entry + 8)
      case 4: put(value, 4, at: entry + 8)
      default: break
      }
    }

    mutating func blankPictures(in directory: Int) {
      for entry in reader.entries(directory) where reader.number(entry, 2) == Int(makerNote) {
        if let range = values(entry) { Exif.blankPictures(&bytes, in: range) }
      }
    }
  }

  /// An item of a TIFF's Exif directory in the same way; nil if it goes.
  static func item(_ item: MetadataItem, of output: ImageDescription, movesPixels: Bool) -> MetadataItem? {
    var result = item
    switch item.tag {
    case makerNote: blankPictures(&result.bytes, in: 0..<result.bytes.count)
    case dimensions[0], dimensions[1]:
      let value = UInt32(item.tag == dimensions[0] ? output.width : output.height)
      result = MetadataItem(
        kind: .tiffExif, tag: item.tag, type: 4, count: 1, bytes: withUnsafeBytes(of: value) { Array($0) })
    case _ where movesPixels && places.contains(item.tag): return nil
    default: break
    }
    return result
  }
}
