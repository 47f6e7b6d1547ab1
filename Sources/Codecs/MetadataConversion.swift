import Pictures
import Platform

// What the items of one kind of file become in another.

extension MetadataItem {
  /// TIFF's tags for a description, and for an XMP packet.
  static let descriptionTag: UInt32 = 270, xmpTag: UInt32 = 700
}

extension Metadata {
  /// What PNG and JPEG can both take: Exif, XMP, comment. The orientation is in Exif.
  var portableItems: [MetadataItem] {
    var result: [MetadataItem] = []
    let own = items.first { $0.kind == .exif }
    if let own {
      // Only a JPEG or PNG has it so, and only there it says something of the picture's place.
      let payload = orientation.map { Exif.setting(orientation: $0, in: own.bytes) } ?? own.bytes
      result.append(MetadataItem(kind: .exif, bytes: payload))
    } else if let payload = Exif.payload(of: items, orientation: isTurned ? orientation : nil) {
      result.append(MetadataItem(kind: .exif, bytes: payload))
    }
    result += items.filter { $0.kind == .xmp }
    if let xmp = items.first(where: { $0.kind == .tiff && $0.tag == MetadataItem.xmpTag }) {
      result.append(MetadataItem(kind: .xmp, bytes: xmp.bytes))
    }
    result += items.filter { $0.kind == .comment }
    return result
  }

  /// The first comment, or PNG's text of that meaning.
  var comment: [UInt8]? { items.lazy.compactMap(Self.text).first }

  /// A comment, or PNG's text of that meaning.
  private static func text(_ item: MetadataItem) -> [UInt8]? {
    if item.kind == .comment { return item.bytes }
    guard item.kind == .png, ["tEXt", "iTXt"].contains(item.chunkName), let end = item.bytes.firstIndex(of: 0) else {
      return nil
    }
    let keyword = String(decoding: item.bytes[..<end], as: UTF8.self)
    guard ["Description", "Comment"].contains(keyword) else { return nil }
    guard item.chunkName == "iTXt" else { return Array(item.bytes[(end + 1)...]) }
    // A flag for compression, its method, a language, the keyword in that language, the text.
    let parts = item.bytes[(end + 1)...].dropFirst(2).split(
      separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
    return item.bytes[end + 1] == 0 && parts.count == 3 ? Array(parts[2]) : nil
  }
}
