import Platform

// MARK: - As bytes
//
// Little-endian words of 32 bits: a mark, width, first row, rows, runs of the top, runs of the bottom; of each run its
// first column, its columns and its component; two words of FNV-1a over all bytes before them.

extension BorderComponents {
  private static let mark: UInt32 = 0x3143_4249  // "IBC1"
  private static let headerWords = 6

  /// To be read by ``init(bytes:)``, on any machine.
  package var bytes: [UInt8] {
    var words = [Self.mark] + [width, rows.lowerBound, rows.count, top.count, bottom.count].map { UInt32($0) }
    for run in top + bottom {
      words += [run.columns.lowerBound, run.columns.count, run.component].map { UInt32($0) }
    }
    var bytes = words.flatMap(Self.bytes)
    let sum = Self.checksum(bytes[...])
    bytes += Self.bytes(UInt32(truncatingIfNeeded: sum)) + Self.bytes(UInt32(truncatingIfNeeded: sum >> 32))
    return bytes
  }

  /// - Throws: ``ImbrexError`` for bytes that ``bytes`` did not write.
  package init(bytes: [UInt8]) throws {
    let damaged = ImbrexError(.input, "the border of a part is damaged")
    guard bytes.count % 4 == 0, bytes.count >= 4 * (Self.headerWords + 2) else { throw damaged }
    let words = stride(from: 0, to: bytes.count, by: 4).map { start in
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << UInt32(8 * $1) }
    }
    let sum = UInt64(words[words.count - 2]) | UInt64(words[words.count - 1]) << 32
    guard words[0] == Self.mark, sum == Self.checksum(bytes.dropLast(8)) else { throw damaged }
    let header = words[1..<Self.headerWords].map { Int($0) }
    let (width, firstRow, rowCount, topCount, bottomCount) = (header[0], header[1], header[2], header[3], header[4])
    guard width > 0, rowCount > 0, words.count == Self.headerWords + 3 * (topCount + bottomCount) + 2 else {
      throw damaged
    }
    let runs = (0..<(topCount + bottomCount)).map { index in
      let run = words[(Self.headerWords + 3 * index)...].prefix(3).map { Int($0) }
      return Run(columns: run[0]..<(run[0] + run[1]), component: run[2])
    }
    let top = Array(runs[..<topCount]), bottom = Array(runs[topCount...])
    for row in [top, bottom] {
      var end = -1
      for run in row {
        guard run.columns.lowerBound > end, !run.columns.isEmpty, run.columns.upperBound <= width else { throw damaged }
        end = run.columns.upperBound
      }
    }
    self.init(
      width: width, rows: firstRow..<(firstRow + rowCount), top: top.map(\.columns), bottom: bottom.map(\.columns)
    ) { isTop, index in
      let component = (isTop ? top : bottom)[index].component
      return component == 0 ? nil : component
    }
    // Components have the numbers that they are given here, and a single row is its own top and bottom.
    guard self.top == top, self.bottom == bottom, rowCount > 1 || top == bottom else { throw damaged }
  }

  private static func bytes(_ word: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } }

  private static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}
