import Pictures
import Platform
// What the notes of one kind of file become in another.

extension Note {
  /// TIFF's tags for a description, and for an XMP packet.
  static let descriptionTag: UInt32 = 270, xmpTag: UInt32 = 700
}

extension Metadata {
  /// What PNG and JPEG can both take: Exif, XMP, comment. The orientation is in Exif.
  var portableNotes: [Note] {
    var result: [Note] = []
    let own = notes.first { $0.kind == .exif }
    if let own {
      // Only a JPEG or PNG has it so, and only there it says something of the picture's place.
      let payload = orientation.map { Exif.setting(orientation: $0, in: own.bytes) } ?? own.bytes
      result.append(Note(kind: .exif, bytes: payload))
    } else if let payload = Exif.payload(of: notes, orientation: isTurned ? orientation : nil) {
      result.append(Note(kind: .exif, bytes: payload))
    }
    result += notes.filter { $0.kind == .xmp }
    if let xmp = notes.first(where: { $0.kind == .tiff && $0.tag == Note.xmpTag }) {
      result.append(Note(kind: .xmp, bytes: xmp.bytes))
    }
    result += notes.filter { $0.kind == .comment }
    return result
  }

  /// The first comment, or PNG's text of that meaning.
  var comment: [UInt8]? { notes.lazy.compactMap(Self.text).first }

  /// A comment, or PNG's text of that meaning.
  private static func text(_ note: Note) -> [UInt8]? {
    if note.kind == .comment { return note.bytes }
    guard note.kind == .png, ["tEXt", "iTXt"].contains(note.chunkName), let end = note.bytes.firstIndex(of: 0) else {
      return nil
    }
    let keyword = String(decoding: note.bytes[..<end], as: UTF8.self)
    guard ["Description", "Comment"].contains(keyword) else { return nil }
    guard note.chunkName == "iTXt" else { return Array(note.bytes[(end + 1)...]) }
    // A flag for compression, its method, a language, the keyword in that language, the text.
    let parts = note.bytes[(end + 1)...].dropFirst(2).split(
      separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
    return note.bytes[end + 1] == 0 && parts.count == 3 ? Array(parts[2]) : nil
  }
}
