import Platform

/// A checksum behind the end of a TIFF, where readers of TIFFs do not look: its strips go into another file as they are, so that
/// no decoder would find out that they are damaged.
public enum PartSeal {
  private static let mark = "seal"
  private static let byteCount = WordRecord.byteCount(words: 1)
  private static let piece = 1 << 20

  /// Seals a complete file.
  public static func add(to path: String) throws {
    let file = try RawFile(reading: path), sum = try checksum(of: file, byteCount: file.byteCount)
    try RawFile(appendingTo: path).write(WordRecord.bytes(mark, [sum]))
  }

  /// - Throws: ``ImbrexError`` if the file is not as it was when it was sealed.
  package static func check(_ path: String) throws {
    let file = try RawFile(reading: path), count = file.byteCount - byteCount
    guard count > 0 else { throw PartFile.damaged }
    let sum = try checksum(of: file, byteCount: count)
    guard try WordRecord.words(mark, in: file.read(byteCount)) == [sum] else { throw PartFile.damaged }
  }

  /// Of the sums of pieces.
  private static func checksum(of file: RawFile, byteCount: Int) throws -> UInt64 {
    var sums: [UInt64] = []
    for start in stride(from: 0, to: byteCount, by: piece) {
      let bytes = try file.read(min(piece, byteCount - start))
      sums.append(bytes.withUnsafeBytes(WordRecord.checksum))
    }
    return sums.withUnsafeBytes(WordRecord.checksum)
  }
}
