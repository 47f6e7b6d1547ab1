import Pictures
import Platform

/// A TIFF's directories as they stand in its file, past libtiff: for what is copied from file to file.
struct TIFFBytes: Sendable {
  /// A field, and where its values are.
  struct Entry {
    let tag: UInt16
    let type: UInt16
    let count: UInt64
    let place: UInt64

    var byteCount: UInt64 { count.multipliedReportingOverflow(by: UInt64(TIFFBytes.size(of: type))).partialValue }
  }

  struct Directory {
    let offset: UInt64
    let entries: [Entry]
    let next: UInt64

    subscript(_ tag: UInt16) -> Entry? { entries.first { $0.tag == tag } }
  }

  enum Tag {
    static let subfile: UInt16 = 254, width: UInt16 = 256, height: UInt16 = 257, bits: UInt16 = 258
    static let compression: UInt16 = 259, photometric: UInt16 = 262, description: UInt16 = 270
    static let samples: UInt16 = 277, rowsPerStrip: UInt16 = 278, planar: UInt16 = 284
    static let tileWidth: UInt16 = 322, tileHeight: UInt16 = 323, children: UInt16 = 330
    static let exif: UInt16 = 34665, gps: UInt16 = 34853, interoperability: UInt16 = 40965
    /// Where strips and tiles are, and how long.
    static let offsets: Set<UInt16> = [273, 324], counts: Set<UInt16> = [279, 325]
    /// Old JPEG's streams and tables, which lie anywhere.
    static let oldJPEG: Set<UInt16> = [513, 514, 519, 520, 521]
    static let ndpi: UInt16 = 65420, ndpiLens: UInt16 = 65421
  }

  /// No directory of a picture has more, nor a field that is no list of strips.
  private static let mostEntries: UInt64 = 4096, mostBytes: UInt64 = 1 << 30

  let file: SharedDescriptor
  let isBig: Bool
  let isBigEndian: Bool

  /// Nil if it is no TIFF.
  init?(_ file: SharedDescriptor) {
    guard let head = file.read(8, at: 0), head[0] == head[1], [0x49, 0x4D].contains(head[0]) else { return nil }
    self.file = file
    isBigEndian = head[0] == 0x4D
    let version = Self.number(head[2..<4], isBigEndian)
    guard version == 42 || version == 43 else { return nil }
    isBig = version == 43
  }

  static func size(of type: UInt16) -> Int {
    let sizes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]
    return Int(type) < sizes.count ? sizes[Int(type)] : 0
  }

  /// Bytes that are swapped as one.
  static func unit(of type: UInt16) -> Int { [5, 10].contains(type) ? 4 : size(of: type) }

  static func number(_ bytes: ArraySlice<UInt8>, _ isBigEndian: Bool) -> UInt64 {
    (isBigEndian ? bytes : ArraySlice(bytes.reversed())).reduce(0) { $0 << 8 | UInt64($1) }
  }

  static func bytes(of number: UInt64, size: Int, _ isBigEndian: Bool) -> [UInt8] {
    let little = (0..<size).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    return isBigEndian ? little.reversed() : little
  }

  var offsetSize: Int { isBig ? 8 : 4 }

  var first: UInt64 {
    file.read(offsetSize, at: isBig ? 8 : 4).map { Self.number($0[...], isBigEndian) } ?? 0
  }

  /// Nil if it is none, or damaged.
  func directory(at offset: UInt64) -> Directory? {
    let countSize = isBig ? 8 : 2, entrySize = isBig ? 20 : 12
    guard offset > 0, let head = file.read(countSize, at: offset) else { return nil }
    let count = Self.number(head[...], isBigEndian)
    guard count > 0, count <= Self.mostEntries,
      let table = file.read(Int(count) * entrySize + offsetSize, at: offset + UInt64(countSize))
    else { return nil }
    func number(_ place: Int, _ size: Int) -> UInt64 { Self.number(table[place..<(place + size)], isBigEndian) }
    var entries: [Entry] = []
    for index in 0..<Int(count) {
      let at = index * entrySize
      let type = UInt16(number(at + 2, 2)), size = UInt64(Self.size(of: type)), values = number(at + 4, offsetSize)
      guard size > 0, values > 0, values <= Self.mostBytes else { continue }
      let isInline = values * size <= UInt64(offsetSize)
      let inlinePlace = offset + UInt64(countSize + at + 4 + offsetSize)
      entries.append(
        Entry(
          tag: UInt16(number(at, 2)), type: type, count: values,
          place: isInline ? inlinePlace : number(at + 4 + offsetSize, offsetSize)))
    }
    return Directory(offset: offset, entries: entries, next: number(Int(count) * entrySize, offsetSize))
  }

  /// Values as they stand in the file; nil if it ends before.
  func bytes(of entry: Entry) -> [UInt8]? {
    entry.byteCount <= Self.mostBytes ? file.read(Int(entry.byteCount), at: entry.place) : nil
  }

  /// Whole numbers; none if they are not such, or cannot be read.
  func numbers(of entry: Entry?) -> [UInt64] {
    guard let entry, [1, 3, 4, 13, 16, 18].contains(entry.type), let bytes = bytes(of: entry) else { return [] }
    let size = Self.size(of: entry.type)
    return stride(from: 0, to: bytes.count, by: size).map { Self.number(bytes[$0..<($0 + size)], isBigEndian) }
  }

  func number(_ tag: UInt16, of directory: Directory) -> UInt64? { numbers(of: directory[tag]).first }
}
