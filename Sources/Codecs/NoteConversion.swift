import Pictures
import Platform
// What the notes of one kind of file become in another.

extension Metadata {
  private static let descriptionTag: UInt32 = 270, xmpTag: UInt32 = 700
  /// Chunks that say something of samples as they were.
  private static let ofSamples = ["sBIT", "bKGD"]
  /// Chunks that go with a profile's place: a file has one or the other.
  private static let ofColor = ["gAMA", "cHRM", "sRGB", "cICP", "mDCV", "cLLI"]

  /// The notes that a file of this format can take, and what this file's own amount to in it.
  ///
  /// - Parameter isSameKind: Whether colour and depth are those of the input.
  func notes(for format: ImageFormat, isSameKind: Bool) -> [Note] {
    switch format {
    case .png:
      return portable(format)
        + notes.filter { note in
          guard note.kind == .png else { return false }
          return isSameKind || !(Self.ofSamples + Self.ofColor).contains(note.chunkName)
        }
    case .jpeg: return portable(format) + notes.filter { $0.kind == .jpeg }
    case .tiff: return tags
    default: return []
    }
  }

  /// What PNG and JPEG can both take: Exif, XMP, comment. The orientation is in Exif.
  private func portable(_ format: ImageFormat) -> [Note] {
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
    if let xmp = notes.first(where: { $0.kind == .tiff && $0.tag == Self.xmpTag }) {
      result.append(Note(kind: .xmp, bytes: xmp.bytes))
    }
    result += notes.filter { $0.kind == .comment }
    let isCommented = result.contains { $0.kind == .comment }
    if !isCommented, format == .jpeg, let text = notes.lazy.compactMap(Self.text).first {
      result.append(Note(kind: .comment, bytes: text))
    }
    return result
  }

  private var tags: [Note] {
    var result = notes.filter { [.tiff, .tiffExif, .tiffGPS].contains($0.kind) }
    if let exif = notes.first(where: { $0.kind == .exif }) { result += Exif.notes(of: exif.bytes) }
    if let xmp = notes.first(where: { $0.kind == .xmp }) {
      result.append(Note(kind: .tiff, tag: Self.xmpTag, type: 1, bytes: xmp.bytes))
    }
    let isDescribed = result.contains { $0.kind == .tiff && $0.tag == Self.descriptionTag }
    if !isDescribed, let text = notes.lazy.compactMap(Self.text).first {
      result.append(Note(kind: .tiff, tag: Self.descriptionTag, type: 2, bytes: text + [0]))
    }
    return result
  }

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
