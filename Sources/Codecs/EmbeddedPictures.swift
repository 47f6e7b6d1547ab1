import Pictures

// Pictures inside metadata: they show the input, so that a face that was blurred would still be there to see.

/// Photoshop's blocks of resources (Adobe Photoshop File Formats Specification, "Image Resources"), as JPEG and TIFF have them.
enum PhotoshopResources {
  static let tag: UInt32 = 34377
  static let signature = Array("Photoshop 3.0\0".utf8)
  /// Thumbnails of two kinds, and Exif once more.
  private static let dropped: Set<Int> = [1033, 1036, 1058, 1059]
  private static let xmp = 1060

  /// The blocks without those; what cannot be read is left out.
  static func rewritten(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
    var result: [UInt8] = [], at = bytes.startIndex
    func number(_ place: Int, _ size: Int) -> Int { (0..<size).reduce(0) { $0 << 8 | Int(bytes[place + $1]) } }
    while at + 12 <= bytes.endIndex {
      guard ["8BIM", "MeSa", "AgHg", "PHUT", "DCSR"].contains(String(decoding: bytes[at..<(at + 4)], as: UTF8.self))
      else { break }
      let id = number(at + 4, 2), name = (Int(bytes[at + 6]) + 2) / 2 * 2
      let start = at + 6 + name + 4
      guard start <= bytes.endIndex else { break }
      let count = number(start - 4, 4)
      guard start + count <= bytes.endIndex else { break }
      let end = min(start + (count + 1) / 2 * 2, bytes.endIndex)
      let data = bytes[start..<(start + count)]
      // A packet that would have to change is one more copy of the file's.
      let isDropped = dropped.contains(id) || (id == xmp && XMP.rewritten(data) != Array(data))
      if !isDropped { result += bytes[at..<end] }
      at = end
    }
    return result
  }
}

/// XMP packets (ISO 16684-1).
enum XMP {
  /// Properties that hold pictures, that say where more of the packet is, or that tell of the file as it was.
  private static func isGone(_ name: String) -> Bool {
    [
      "xmp:Thumbnails", "xap:Thumbnails", "xmpNote:HasExtendedXMP", "xmp:ModifyDate", "xap:ModifyDate",
      "xmp:MetadataDate", "xap:MetadataDate", "tiff:Software", "tiff:DateTime",
    ].contains(name) || ["GImage:", "GDepth:", "GCamera:", "Container:", "xmpGImg:"].contains { name.hasPrefix($0) }
  }

  private static let signs = [
    ":Thumbnails", ":HasExtendedXMP", ":ModifyDate", ":MetadataDate", "tiff:Software", "tiff:DateTime", "GImage:",
    "GDepth:", "GCamera:", "Container:", "xmpGImg:",
  ].map { Array($0.utf8) }

  /// A packet without those; nil if it has some but cannot be read.
  static func rewritten(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
    guard signs.contains(where: { has($0, in: bytes) }) else { return Array(bytes) }
    // Packets in TIFFs end with a zero now and then.
    guard let document = XMLText(bytes.prefix { $0 != 0 }) else { return nil }
    document.root.removeEverywhere(isGone)
    return document.bytes
  }

  private static func has(_ word: [UInt8], in bytes: ArraySlice<UInt8>) -> Bool {
    guard bytes.count >= word.count else { return false }
    return bytes.withUnsafeBufferPointer { buffer in
      var at = 0
      while at + word.count <= buffer.count {
        if buffer[at] == word[0], word.indices.allSatisfy({ buffer[at + $0] == word[$0] }) { return true }
        at += 1
      }
      return false
    }
  }
}
