/// Numbers as bytes that another process, or another machine, reads back: a mark, how many, the numbers, a checksum; all of 64 bits,
/// little-endian.
public enum WordRecord {
  /// - Parameter mark: What the numbers are, at most eight ASCII characters.
  public static func bytes(_ mark: String, _ words: [UInt64]) -> [UInt8] {
    let bytes = ([word(mark), UInt64(words.count)] + words).flatMap(bytes)
    return bytes + Self.bytes(checksum(bytes[...]))
  }

  /// - Throws: ``ImbrexError`` for bytes that ``bytes(_:_:)`` did not make with this mark.
  public static func words(_ mark: String, in bytes: [UInt8]) throws -> [UInt64] {
    let damaged = ImbrexError(.input, "the record of \(mark) is damaged")
    guard bytes.count >= 24, bytes.count % 8 == 0 else { throw damaged }
    let words = stride(from: 0, to: bytes.count, by: 8).map { start in
      (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) }
    }
    guard words[0] == word(mark), words[1] == UInt64(words.count - 3),
      words[words.count - 1] == checksum(bytes.dropLast(8))
    else { throw damaged }
    return Array(words[2..<(words.count - 1)])
  }

  /// Bytes that so many numbers take.
  public static func byteCount(words: Int) -> Int { 8 * (words + 3) }

  /// Of bytes that are too many for a record: FNV-1a over words of 64 bits, then over what is left.
  public static func checksum(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    var sum: UInt64 = 0xCBF2_9CE4_8422_2325, place = 0
    while place + 8 <= bytes.count {
      sum = (sum ^ UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self))) &* 0x100_0000_01B3
      place += 8
    }
    return bytes[place...].reduce(sum) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  private static func word(_ mark: String) -> UInt64 {
    precondition(mark.utf8.count <= 8)
    return mark.utf8.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func bytes(_ word: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }

  /// FNV-1a.
  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
