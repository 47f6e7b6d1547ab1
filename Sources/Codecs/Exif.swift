import Pictures

/// Exif's payload (Exif 2.32, 4.5): a TIFF stream of directories without pictures. Here it becomes items, one a tag, and back.
enum Exif {
  static let orientationTag: UInt32 = 274
  static let exifPointer: UInt16 = 34665, gpsPointer: UInt16 = 34853
  /// What the first directory may carry over from and to a TIFF: description, maker, model, software, date, artist,
  /// copyright, and what Windows adds.
  private static let descriptive: Set<UInt32> = [
    270, 271, 272, 305, 306, 315, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095,
  ]

  // MARK: - Reading

  /// The items of TIFF kinds that the payload's directories amount to; none if it is damaged.
  static func items(of payload: [UInt8]) -> [MetadataItem] {
    guard let reader = Reader(payload), let first = reader.firstDirectory else { return [] }
    var items = reader.items(at: first, .tiff).filter { descriptive.contains($0.tag) }
    if let exif = reader.pointer(exifPointer, in: first) { items += reader.items(at: exif, .tiffExif) }
    if let gps = reader.pointer(gpsPointer, in: first) { items += reader.items(at: gps, .tiffGPS) }
    return items
  }

  /// 1 … 8, if the payload says.
  static func orientation(in payload: [UInt8]) -> Int? {
    guard let reader = Reader(payload), let place = reader.orientationPlace else { return nil }
    let value = reader.number(place, 2)
    return (1...8).contains(value) ? value : nil
  }

  /// The payload with another orientation: in place if it has one, made anew if it must be added.
  static func setting(orientation: Int, in payload: [UInt8]) -> [UInt8] {
    if let reader = Reader(payload), let place = reader.orientationPlace {
      var changed = payload
      changed[place + (reader.isBigEndian ? 1 : 0)] = UInt8(orientation)
      changed[place + (reader.isBigEndian ? 0 : 1)] = 0
      return changed
    }
    return orientation == 1 ? payload : Exif.payload(of: items(of: payload), orientation: orientation) ?? payload
  }

  struct Reader {
    let bytes: [UInt8]
    let isBigEndian: Bool

    init?(_ bytes: [UInt8]) {
      guard bytes.count >= 14 else { return nil }
      if bytes.starts(with: [0x49, 0x49, 0x2A, 0]) {
        isBigEndian = false
      } else if bytes.starts(with: [0x4D, 0x4D, 0, 0x2A]) {
        isBigEndian = true
      } else {
        return nil
      }
      self.bytes = bytes
    }

    func number(_ place: Int, _ size: Int) -> Int {
      guard place >= 0, place + size <= bytes.count else { return 0 }
      return (0..<size).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * (isBigEndian ? size - 1 - $1 : $1)) }
    }

    var firstDirectory: Int? {
      let offset = number(4, 4)
      return offset >= 8 && offset + 2 <= bytes.count ? offset : nil
    }

    /// Where the directory's entries begin.
    func entries(_ directory: Int) -> [Int] {
      (0..<min(number(directory, 2), 4096)).map { directory + 2 + 12 * $0 }.filter { $0 + 12 <= bytes.count }
    }

    func pointer(_ tag: UInt16, in directory: Int) -> Int? {
      guard let entry = entries(directory).first(where: { number($0, 2) == Int(tag) }) else { return nil }
      let offset = number(entry + 8, 4)
      return offset >= 8 && offset + 2 <= bytes.count ? offset : nil
    }

    var orientationPlace: Int? {
      guard let first = firstDirectory else { return nil }
      let entry = entries(first).first {
        number($0, 2) == Int(orientationTag) && number($0 + 2, 2) == 3 && number($0 + 4, 4) == 1
      }
      return entry.map { $0 + 8 }
    }

    func items(at directory: Int, _ kind: MetadataItem.Kind) -> [MetadataItem] {
      entries(directory).compactMap { entry in
        let type = UInt16(number(entry + 2, 2)), count = number(entry + 4, 4)
        // The interoperability directory would have to be moved along.
        guard let size = valueSize(type), count > 0, number(entry, 2) != 40965 else { return nil }
        let length = size.bytes * count
        let place = length <= 4 ? entry + 8 : number(entry + 8, 4)
        guard length <= bytes.count, place + length <= bytes.count else { return nil }
        var values = Array(bytes[place..<(place + length)])
        if isBigEndian != isBigEndianMachine { swap(&values, size.unit) }
        return MetadataItem(kind: kind, tag: UInt32(number(entry, 2)), type: type, count: count, bytes: values)
      }
    }
  }

  // MARK: - Writing

  /// A payload of items of TIFF kinds, little-endian; nil if there is nothing that belongs in one.
  static func payload(of items: [MetadataItem], orientation: Int?) -> [UInt8]? {
    var first = items.filter { $0.kind == .tiff && descriptive.contains($0.tag) }
    let exif = items.filter { $0.kind == .tiffExif }, gps = items.filter { $0.kind == .tiffGPS }
    if let orientation { first.append(short(orientationTag, orientation)) }
    guard !first.isEmpty || !exif.isEmpty || !gps.isEmpty else { return nil }
    var bytes: [UInt8] = [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0]
    // The first directory comes first, so its pointers are filled in when the others have a place.
    if !exif.isEmpty { first.append(pointer(exifPointer, 0)) }
    if !gps.isEmpty { first.append(pointer(gpsPointer, 0)) }
    let pointers = append(first, to: &bytes)
    for (tag, items) in [(exifPointer, exif), (gpsPointer, gps)] where !items.isEmpty {
      let place = bytes.count
      append(items, to: &bytes)
      put(place, 4, at: pointers[UInt32(tag)]!, in: &bytes)
    }
    return bytes
  }

  private static func short(_ tag: UInt32, _ value: Int) -> MetadataItem {
    MetadataItem(kind: .tiff, tag: tag, type: 3, count: 1, bytes: withUnsafeBytes(of: UInt16(value)) { Array($0) })
  }

  private static func pointer(_ tag: UInt16, _ value: UInt32) -> MetadataItem {
    MetadataItem(kind: .tiff, tag: UInt32(tag), type: 4, count: 1, bytes: withUnsafeBytes(of: value) { Array($0) })
  }

  private static func put(_ value: Int, _ size: Int, at place: Int, in bytes: inout [UInt8]) {
    for i in 0..<size { bytes[place + i] = UInt8(truncatingIfNeeded: value >> (8 * i)) }
  }

  /// Appends a directory, and returns where the value of each tag stands.
  @discardableResult
  private static func append(_ items: [MetadataItem], to bytes: inout [UInt8]) -> [UInt32: Int] {
    let items = items.filter { item in valueSize(item.type).map { $0.bytes * item.count == item.bytes.count } ?? false }
      .sorted { $0.tag < $1.tag }
    var places: [UInt32: Int] = [:]
    let start = bytes.count
    bytes += [UInt8](repeating: 0, count: 2 + 12 * items.count + 4)
    put(items.count, 2, at: start, in: &bytes)
    for (index, item) in items.enumerated() {
      let entry = start + 2 + 12 * index
      put(Int(item.tag), 2, at: entry, in: &bytes)
      put(Int(item.type), 2, at: entry + 2, in: &bytes)
      put(item.count, 4, at: entry + 4, in: &bytes)
      var values = item.bytes
      if isBigEndianMachine { swap(&values, valueSize(item.type)!.unit) }
      places[item.tag] = entry + 8
      if values.count <= 4 {
        for i in values.indices { bytes[entry + 8 + i] = values[i] }
      } else {
        put(bytes.count, 4, at: entry + 8, in: &bytes)
        places[item.tag] = bytes.count
        bytes += values
        if bytes.count % 2 != 0 { bytes.append(0) }
      }
    }
    return places
  }

  // MARK: - Values

  private static let isBigEndianMachine = Int(bigEndian: 1) == 1

  /// Bytes of a value of a TIFF type, and of the numbers in it.
  static func valueSize(_ type: UInt16) -> (bytes: Int, unit: Int)? {
    switch type {
    case 1, 2, 6, 7: (1, 1)
    case 3, 8: (2, 2)
    case 4, 9, 11, 13: (4, 4)
    case 5, 10: (8, 4)
    case 12: (8, 8)
    default: nil
    }
  }

  private static func swap(_ bytes: inout [UInt8], _ unit: Int) {
    guard unit > 1 else { return }
    for start in stride(from: 0, through: bytes.count - unit, by: unit) { bytes[start..<(start + unit)].reverse() }
  }
}
