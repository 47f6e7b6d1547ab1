import Platform

/// A directory that is to be written past libtiff, with those that hang below it.
final class TIFFNode {
  /// A field's values, in the byte order of the file that is written, or where they stand there already.
  enum Values {
    case bytes([UInt8])
    case kept(at: UInt64)
  }

  struct Field {
    let tag: UInt16
    let type: UInt16
    let count: UInt64
    let values: Values
  }

  /// Strips or tiles.
  struct Segments {
    /// Where they are read.
    let file: SharedDescriptor
    let isTiled: Bool
    let places: [UInt64]
    let counts: [UInt64]
    /// Where they are in the file that is written.
    var offsets: [UInt64] = []
  }

  private(set) var fields: [Field] = []
  let pixelCount: UInt64
  var segments: Segments?
  var children: [(tag: UInt16, nodes: [TIFFNode])] = []
  /// Where it will be, and its lists of strips or tiles.
  fileprivate(set) var offset: UInt64 = 0
  fileprivate var listOffsets: (offsets: UInt64, counts: UInt64) = (0, 0)

  /// A directory with all that its fields hold, to be written into another file; or, of the file itself, with what is to
  /// stay where it is.
  ///
  /// - Throws: ``ImbrexError`` if it cannot be copied: it is damaged, or its samples would have to be swapped.
  init(_ directory: TIFFBytes.Directory, of bytes: TIFFBytes, isBigEndian: Bool, staysInPlace: Bool) throws {
    func side(_ tag: UInt16) -> UInt64 { min(bytes.number(tag, of: directory) ?? 0, UInt64(Int32.max)) }
    pixelCount = side(TIFFBytes.Tag.width) * side(TIFFBytes.Tag.height)
    let lists = TIFFBytes.Tag.offsets.union(TIFFBytes.Tag.counts)
    for entry in directory.entries {
      if !staysInPlace && (lists.contains(entry.tag) || TIFFBytes.Tag.children == entry.tag) { continue }
      if !staysInPlace && [TIFFBytes.Tag.exif, TIFFBytes.Tag.gps].contains(entry.tag) {
        try addChild(entry, of: bytes, isBigEndian)
        continue
      }
      if entry.tag == TIFFBytes.Tag.interoperability { continue }
      if staysInPlace && entry.byteCount > UInt64(bytes.offsetSize) {
        fields.append(Field(tag: entry.tag, type: entry.type, count: entry.count, values: .kept(at: entry.place)))
        continue
      }
      guard var values = bytes.bytes(of: entry) else { throw Self.damaged }
      if bytes.isBigEndian != isBigEndian { Self.swap(&values, by: TIFFBytes.unit(of: entry.type)) }
      fields.append(Field(tag: entry.tag, type: entry.type, count: entry.count, values: .bytes(values)))
    }
    if !staysInPlace { try readSegments(of: directory, bytes, isBigEndian) }
  }

  /// - Parameter segments: Their offsets are to come.
  init(fields: [Field], pixelCount: UInt64, segments: Segments) {
    (self.fields, self.pixelCount, self.segments) = (fields, pixelCount, segments)
  }

  /// Says that it is no page and no version of one, as Aperio says it of a macro, where only other tags of its maker's did.
  func markAsPicture(isBigEndian: Bool) {
    fields.removeAll { $0.tag == TIFFBytes.Tag.subfile }
    fields.append(
      Field(
        tag: TIFFBytes.Tag.subfile, type: 4, count: 1,
        values: .bytes(TIFFBytes.bytes(of: 9, size: 4, isBigEndian))))
  }

  private static let damaged = ImbrexError(.input, "a directory is damaged")

  private func readSegments(of directory: TIFFBytes.Directory, _ bytes: TIFFBytes, _ isBigEndian: Bool) throws {
    // Exif has none.
    guard let list = directory.entries.first(where: { TIFFBytes.Tag.offsets.contains($0.tag) }) else { return }
    let lengths = directory.entries.first { TIFFBytes.Tag.counts.contains($0.tag) }
    let places = bytes.numbers(of: list), counts = bytes.numbers(of: lengths)
    let isOld = directory.entries.contains { TIFFBytes.Tag.oldJPEG.contains($0.tag) }
    let bits = bytes.number(TIFFBytes.Tag.bits, of: directory) ?? 1
    // More than the file has would be copied again and again.
    let total = counts.reduce((sum: UInt64(0), overflow: false)) { result, count in
      let (sum, overflow) = result.sum.addingReportingOverflow(count)
      return (sum, result.overflow || overflow)
    }
    guard !places.isEmpty, places.count == counts.count, !isOld, !total.overflow,
      total.sum <= bytes.file.byteCount ?? 0,
      bytes.isBigEndian == isBigEndian || bits <= 8
    else { throw Self.damaged }
    segments = Segments(file: bytes.file, isTiled: list.tag == 324, places: places, counts: counts)
  }

  private func addChild(_ entry: TIFFBytes.Entry, of bytes: TIFFBytes, _ isBigEndian: Bool) throws {
    guard let offset = bytes.numbers(of: entry).first, let directory = bytes.directory(at: offset) else { return }
    let node = try TIFFNode(directory, of: bytes, isBigEndian: isBigEndian, staysInPlace: false)
    children.append((entry.tag, [node]))
  }

  private static func swap(_ bytes: inout [UInt8], by unit: Int) {
    guard unit > 1 else { return }
    for start in stride(from: 0, to: bytes.count - unit + 1, by: unit) { bytes[start..<(start + unit)].reverse() }
  }
}

/// Where directories go in a file, and their bytes.
struct TIFFNodeWriter {
  let isBig: Bool
  let isBigEndian: Bool
  /// Whether lists of strips and tiles stand behind all directories, as GDAL has it for the cloud.
  let hasListsLast: Bool

  private var offsetSize: Int { isBig ? 8 : 4 }
  private var offsetType: UInt16 { isBig ? 16 : 4 }

  private func all(_ nodes: [TIFFNode]) -> [TIFFNode] {
    nodes.flatMap { [$0] + all($0.children.flatMap(\.nodes)) }
  }

  private func even(_ count: Int) -> UInt64 { UInt64(count + count % 2) }

  /// What a node's fields come to, beside those that only now can be told.
  private func fieldCount(_ node: TIFFNode) -> Int {
    node.fields.count + node.children.count + (node.segments == nil ? 0 : 2)
  }

  private func tableSize(_ node: TIFFNode) -> Int {
    (isBig ? 8 : 2) + fieldCount(node) * (isBig ? 20 : 12) + offsetSize
  }

  /// Bytes of values behind the table.
  private func valuesSize(_ node: TIFFNode) -> UInt64 {
    var size: UInt64 = 0
    for field in node.fields {
      if case .bytes(let bytes) = field.values, bytes.count > offsetSize { size += even(bytes.count) }
    }
    for child in node.children where child.nodes.count > 1 { size += UInt64(child.nodes.count * offsetSize) }
    if !hasListsLast, let segments = node.segments, segments.counts.count > 1 {
      size += 2 * UInt64(segments.counts.count * offsetSize)
    }
    return size
  }

  /// Gives directories, one behind the other, their places; what follows them begins at the result.
  func place(_ chain: [TIFFNode], from start: UInt64) -> UInt64 {
    var place = start + start % 2
    for node in all(chain) {
      node.offset = place
      place += UInt64(tableSize(node)) + valuesSize(node)
      place += place % 2
    }
    guard hasListsLast else { return place }
    for node in all(chain) {
      guard let count = node.segments?.counts.count, count > 1 else { continue }
      node.listOffsets.offsets = place
      node.listOffsets.counts = place + UInt64(count * offsetSize)
      place += 2 * UInt64(count * offsetSize)
    }
    return place
  }

  /// The bytes of placed directories, from the first's place on.
  func bytes(of chain: [TIFFNode]) -> [UInt8] {
    guard let first = chain.first else { return [] }
    var result: [UInt8] = []
    func pad(to place: UInt64) {
      result += [UInt8](repeating: 0, count: Int(place - first.offset) - result.count)
    }
    func write(_ node: TIFFNode, next: UInt64) {
      pad(to: node.offset)
      result += table(of: node, next: next)
      for child in node.children.flatMap(\.nodes) { write(child, next: 0) }
    }
    for (index, node) in chain.enumerated() {
      write(node, next: index + 1 < chain.count ? chain[index + 1].offset : 0)
    }
    guard hasListsLast else { return result }
    for node in all(chain) {
      guard let segments = node.segments, segments.counts.count > 1 else { continue }
      pad(to: node.listOffsets.offsets)
      result += numbers(segments.offsets) + numbers(segments.counts)
    }
    return result
  }

  private func number(_ value: UInt64, _ size: Int) -> [UInt8] {
    TIFFBytes.bytes(of: value, size: size, isBigEndian)
  }

  private func numbers(_ values: [UInt64]) -> [UInt8] { values.flatMap { number($0, offsetSize) } }

  /// A directory's table and the values behind it.
  private func table(of node: TIFFNode, next: UInt64) -> [UInt8] {
    var fields = node.fields
    for child in node.children {
      let isList = child.nodes.count > 1 || child.tag == TIFFBytes.Tag.children
      fields.append(
        TIFFNode.Field(
          tag: child.tag, type: isList && isBig ? 18 : isList ? 13 : offsetType, count: UInt64(child.nodes.count),
          values: .bytes(numbers(child.nodes.map(\.offset)))))
    }
    if let segments = node.segments {
      let tags: (UInt16, UInt16) = segments.isTiled ? (324, 325) : (273, 279)
      let count = UInt64(segments.counts.count)
      for (tag, values, place) in [
        (tags.0, segments.offsets, node.listOffsets.offsets), (tags.1, segments.counts, node.listOffsets.counts),
      ] {
        // Lists that stand elsewhere are written there.
        let isApart = hasListsLast && count > 1
        fields.append(
          TIFFNode.Field(
            tag: tag, type: offsetType, count: count, values: isApart ? .kept(at: place) : .bytes(numbers(values))))
      }
    }
    fields.sort { $0.tag < $1.tag }
    var table = number(UInt64(fields.count), isBig ? 8 : 2), behind: [UInt8] = []
    let start = node.offset + UInt64(tableSize(node))
    for field in fields {
      table += number(UInt64(field.tag), 2) + number(UInt64(field.type), 2) + number(field.count, offsetSize)
      switch field.values {
      case .kept(let place): table += number(place, offsetSize)
      case .bytes(let bytes) where bytes.count <= offsetSize:
        table += bytes + [UInt8](repeating: 0, count: offsetSize - bytes.count)
      case .bytes(let bytes):
        table += number(start + UInt64(behind.count), offsetSize)
        behind += bytes + [UInt8](repeating: 0, count: bytes.count % 2)
      }
    }
    return table + number(next, offsetSize) + behind
  }
}
