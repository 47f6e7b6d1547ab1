import Platform

/// Some rows of a picture as they will stand in its file: blocks that are encoded already, and what the part above or below must
/// be told of. Written from its beginning to its end on one machine, read so on another.
public final class PartFile: Sendable {
  enum Kind: UInt64 { case end = 0, block, rows, lastRow }

  struct Record {
    let kind: Kind
    let numbers: [UInt64]
    let bytes: [UInt8]
  }

  static let damaged = ImbrexError(.input, "a part of the picture is damaged")
  private static let mark = "part"

  private let file: RawFile
  /// Of a file that is read: no record has more.
  private let byteCount: Int

  /// A new file.
  public init(making path: String) throws {
    file = try RawFile(making: path)
    byteCount = 0
  }

  /// One that another task has made.
  public init(reading path: String) throws {
    file = try RawFile(reading: path)
    byteCount = file.byteCount
  }

  /// Each record begins with how many numbers and bytes it has, and the bytes' checksum.
  func write(_ kind: Kind, numbers: [UInt64], _ bytes: UnsafeRawBufferPointer) throws {
    try file.write(
      WordRecord.bytes(
        Self.mark, [kind.rawValue, UInt64(numbers.count), UInt64(bytes.count), WordRecord.checksum(of: bytes)]))
    try file.write(WordRecord.bytes(Self.mark, numbers))
    if !bytes.isEmpty { try file.write(bytes) }
  }

  func readRecords(_ take: (Record) throws -> Void) throws {
    while true {
      let head = try WordRecord.words(Self.mark, in: file.read(WordRecord.byteCount(words: 4)))
      guard let kind = Kind(rawValue: head[0]), head[1] <= byteCount / 8, head[2] <= byteCount else {
        throw Self.damaged
      }
      let numbers = try WordRecord.words(Self.mark, in: file.read(WordRecord.byteCount(words: Int(head[1]))))
      let bytes = try file.read(Int(head[2]))
      guard bytes.withUnsafeBytes(WordRecord.checksum) == head[3] else { throw Self.damaged }
      try take(Record(kind: kind, numbers: numbers, bytes: bytes))
      if kind == .end { return }
    }
  }
}
