import Foundation

/// A TIFF's directories, read without imbrex.
public struct TIFFWalk {
  public struct Directory {
    public let offset: Int
    public let next: Int
    /// Whole numbers of each field; of texts their bytes.
    public let fields: [Int: [Int]]
    public var children: [Int] { fields[330] ?? [] }
    public var size: [Int] { [fields[256]![0], fields[257]![0]] }
    public var subfile: Int { fields[254]?[0] ?? 0 }
    /// Where strips or tiles begin, and their lengths.
    public var segments: [(offset: Int, count: Int)] {
      zip(fields[324] ?? fields[273] ?? [], fields[325] ?? fields[279] ?? []).map { ($0, $1) }
    }
    public var text: String {
      String(decoding: (fields[270] ?? []).map { UInt8($0) }.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  public let bytes: [UInt8]
  public let isBig: Bool
  private let isBigEndian: Bool

  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    isBigEndian = bytes[0] == 0x4D
    isBig = bytes[isBigEndian ? 3 : 2] == 43
  }

  public init(path: String) throws { self.init([UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))) }

  private func number(_ place: Int, _ size: Int) -> Int {
    let bytes = bytes[place..<(place + size)]
    return (isBigEndian ? Array(bytes) : bytes.reversed()).reduce(0) { $0 << 8 | Int($1) }
  }

  public var first: Int { isBig ? number(8, 8) : number(4, 4) }

  /// All that follow one another from the header on.
  public var chain: [Directory] {
    var result: [Directory] = [], offset = first
    while offset != 0 {
      result.append(directory(at: offset))
      offset = result.last!.next
    }
    return result
  }

  public func directory(at offset: Int) -> Directory {
    let wide = isBig ? 8 : 4, head = isBig ? 8 : 2, entry = isBig ? 20 : 12
    let count = number(offset, head)
    var fields: [Int: [Int]] = [:]
    for index in 0..<count {
      let at = offset + head + index * entry
      let sizes = [3: 2, 4: 4, 13: 4, 16: 8, 18: 8, 1: 1, 2: 1, 7: 1], type = number(at + 2, 2)
      guard let size = sizes[type] else { continue }
      let values = number(at + 4, wide)
      let place = values * size <= wide ? at + 4 + wide : number(at + 4 + wide, wide)
      fields[number(at, 2)] = (0..<values).map { number(place + $0 * size, size) }
    }
    return Directory(offset: offset, next: number(offset + head + count * entry, wide), fields: fields)
  }

  /// The same file with another directory as its first, so that this is the picture that is read.
  public func beginning(at offset: Int) -> [UInt8] {
    var result = bytes
    let size = isBig ? 8 : 4
    for index in 0..<size {
      result[(isBig ? 8 : 4) + index] = UInt8(
        truncatingIfNeeded: offset >> (8 * (isBigEndian ? size - 1 - index : index)))
    }
    return result
  }
}
