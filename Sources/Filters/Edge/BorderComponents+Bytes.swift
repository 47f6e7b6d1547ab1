import Platform

// MARK: - As bytes

extension BorderComponents {
  private static let mark = "border"
  /// Numbers before the runs.
  private static let headerCount = 5

  /// Width, first row, rows, runs of the top and of the bottom; of each run its first column, its columns and its component. To be
  /// read by ``init(bytes:)``, on any machine.
  package var bytes: [UInt8] {
    var numbers = [width, rows.lowerBound, rows.count, top.count, bottom.count]
    for run in top + bottom { numbers += [run.columns.lowerBound, run.columns.count, run.component] }
    return WordRecord.bytes(Self.mark, numbers.map { UInt64($0) })
  }

  /// - Throws: ``ImbrexError`` for bytes that ``bytes`` did not write.
  package init(bytes: [UInt8]) throws {
    let damaged = ImbrexError(.input, "the border of a part is damaged")
    guard let words = try? WordRecord.words(Self.mark, in: bytes) else { throw damaged }
    let numbers = words.map { Int(clamping: $0) }
    // No number is one that sums could overflow with.
    guard numbers.count >= Self.headerCount, numbers.allSatisfy({ $0 < 1 << 40 }) else { throw damaged }
    let (width, firstRow, rowCount, topCount, bottomCount) = (
      numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    )
    guard width > 0, rowCount > 0, numbers.count == Self.headerCount + 3 * (topCount + bottomCount) else {
      throw damaged
    }
    let runs = (0..<(topCount + bottomCount)).map { index in
      let place = Self.headerCount + 3 * index
      return Run(columns: numbers[place]..<(numbers[place] + numbers[place + 1]), component: numbers[place + 2])
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
}
