import Pictures
import Pipeline

import Platform

/// The integral image where the picture is in parts: sums of whole columns go from each part to the one below it.
///
/// They are doubles, so that only adding row after row gives the same bits as one machine: parts go one after the other here, each
/// reading its rows once. A partial has some rows of sums.
struct ColumnSumExchange: Exchange {
  let detector: BlobDetector
  let picture: ImageDescription

  var rounds: [ExchangeRound] { [ExchangeRound("sums", isSequential: true)] }
  var resumption: Resumption { .again(StageShape(halo: Halo(y: reach, x: 0), output: nil)) }

  /// Rows above and below that the largest boxes reach, and the pixel around a tile that peaks need.
  private var reach: Int { Int(3 * detector.sigmas.max()!) + 2 }

  private func firstRow(of rows: Range<Int>) -> Int { max(rows.lowerBound - reach, 0) }

  func begin(_ round: Int, of part: Part, in context: RunContext) throws -> any ExchangeRun {
    let above = try part.index == 0 ? nil : ColumnSums(bytes: part.partial(part.index - 1), width: picture.width)
    // Where a part begins to read, it needs the sums of all above.
    let starts = Set(part.all.map(firstRow)).intersection(part.rows)
    return SumRun(ColumnSums(width: picture.width, below: above, rows: part.rows, savedAt: starts))
  }

  private final class SumRun: ExchangeRun {
    private let sums: ColumnSums

    init(_ sums: ColumnSums) { self.sums = sums }

    var wants: ExchangeInput { .rows(sums) }

    func finish(_ measured: (any Partial)?, keptAt path: String, in context: RunContext) -> [UInt8] { sums.bytes }
  }

  func merge(
    _ partials: PartialList, after round: Int, knowing verdict: [UInt8]?, give: (Int?, [UInt8]) throws -> Void
  ) throws {
    preconditionFailure("sums are not merged")
  }

  func resume(_ part: Part, in context: RunContext) throws -> (input: SweepInput?, stage: Stage) {
    let first = firstRow(of: part.rows)
    let owner = part.all.firstIndex { $0.contains(first) }!
    let sums = try ColumnSums(bytes: part.partial(owner), width: picture.width)
    guard let above = sums.saved[first] else { throw ImbrexError(.input, "the record of sums is of other parts") }
    let rows = first..<min(part.rows.upperBound + reach, picture.height)
    return (nil, .whole(HessianPart(detector: detector, picture: picture, rows: rows, above: above)))
  }
}

/// Sums of the columns of all rows so far.
final class ColumnSums: RowSink, @unchecked Sendable {
  private var sums: [Double]
  private var nextRow: Int
  private let starts: Set<Int>
  /// The sums of all above some rows.
  private(set) var saved: [Int: [Double]] = [:]

  init(width: Int, below above: ColumnSums?, rows: Range<Int>, savedAt starts: Set<Int>) {
    sums = above?.sums ?? Array(repeating: 0, count: width)
    nextRow = rows.lowerBound
    self.starts = starts
  }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) {
    for line in 0..<count {
      if starts.contains(nextRow) { saved[nextRow] = sums }
      let pixels: UnsafePointer<Double> = (rows + line * stride).samples()
      for x in sums.indices { sums[x] += pixels[x] }
      nextRow += 1
    }
  }

  private static let mark = "sums"

  var bytes: [UInt8] {
    var words = [UInt64(nextRow)] + sums.map(\.bitPattern)
    for (row, sums) in saved.sorted(by: { $0.key < $1.key }) { words += [UInt64(row)] + sums.map(\.bitPattern) }
    return WordRecord.bytes(Self.mark, words)
  }

  init(bytes: [UInt8], width: Int) throws {
    let words = try WordRecord.words(Self.mark, in: bytes)
    guard !words.isEmpty, words.count % (width + 1) == 0 else {
      throw ImbrexError(.input, "the record of sums is damaged")
    }
    func row(_ index: Int) -> (row: Int, sums: [Double]) {
      let place = index * (width + 1)
      return (Int(clamping: words[place]), words[(place + 1)...(place + width)].map { Double(bitPattern: $0) })
    }
    (nextRow, sums) = row(0)
    starts = []
    for index in 1..<max(words.count / (width + 1), 1) {
      let (row, sums) = row(index)
      saved[row] = sums
    }
  }
}

/// ``HessianStage`` for some rows, of which the integral image has what their boxes reach.
private struct HessianPart: WholeStage {
  let detector: BlobDetector
  let picture: ImageDescription
  let rows: Range<Int>
  /// Sums of the columns above.
  let above: [Double]

  var held: [Held] { [Held("the integral image", byteCount: 8 * rows.count * picture.width)] }
  var next: StageShape { StageShape(halo: .none, output: nil) }

  func inputWindow(for window: Region) -> Region? {
    Region(x: 0, y: rows.lowerBound, width: picture.width, height: rows.count)
  }

  func begin(with picture: Picture?, in context: RunContext) throws -> any WholeRun {
    try HessianStage.Run(
      detector, self.picture,
      IntegralImage(width: self.picture.width, rows: rows, below: above, maxMemory: context.maxHeld))
  }
}
