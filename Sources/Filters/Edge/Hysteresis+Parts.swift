import Pictures
import Pipeline

import Platform

/// Hysteresis where the picture is in parts: each makes labels, keeps them and tells of its border; the borders say which edges
/// are strong because of other parts, and each part grows those.
///
/// A partial has the runs of edge pixels on two rows: its size grows with the picture's width.
struct HysteresisExchange: Exchange {
  /// One byte a pixel; what comes in and what goes out.
  let picture: ImageDescription

  var rounds: [ExchangeRound] { [ExchangeRound("labels")] }
  var resumption: Resumption { .ownRows(StageShape(halo: .none, output: picture)) }

  func begin(_ round: Int, of part: Part, in context: RunContext) throws -> any ExchangeRun {
    try LabelRun(
      EdgeMap(
        width: picture.width, height: part.rows.count, firstRow: part.rows.lowerBound, maxMemory: context.maxHeld))
  }

  private final class LabelRun: ExchangeRun {
    private let map: EdgeMap

    init(_ map: EdgeMap) { self.map = map }

    var wants: ExchangeInput { .rows(map) }

    func finish(_ measured: (any Partial)?, keptAt path: String, in context: RunContext) throws -> [UInt8] {
      let border = map.border(on: context.pool, workers: context.workers)
      try map.write(to: path)
      return border.bytes
    }
  }

  /// All above a part, the part, and all below it are three borders: no more than that is in memory at once.
  func merge(
    _ partials: PartialList, after round: Int, knowing verdict: [UInt8]?, give: (Int?, [UInt8]) throws -> Void
  ) throws {
    let spool = try Spool()
    var above: BorderComponents?
    for index in 0..<partials.count {
      try spool.append(above?.bytes ?? [])
      let border = try BorderComponents(bytes: partials[index])
      let isNext = border.rows.lowerBound == above?.rows.upperBound ?? 0 && border.width == picture.width
      guard isNext, border.rows.upperBound <= picture.height else { throw Self.foreign }
      above = try above.map { try $0.merged(with: border) } ?? border
    }
    guard above?.rows.upperBound == picture.height else { throw Self.foreign }
    var below: BorderComponents?
    for index in (0..<partials.count).reversed() {
      let border = try BorderComponents(bytes: partials[index])
      let bytes = try spool.read(index)
      let above = bytes.isEmpty ? nil : try BorderComponents(bytes: bytes)
      let decided = BorderComponents.decided([above, border, below].compactMap { $0 })[above == nil ? 0 : 1]
      try give(index, WordRecord.bytes(Self.mark, decided.sorted().map { UInt64($0) }))
      below = try below.map { try border.merged(with: $0) } ?? border
    }
  }

  private static let foreign = ImbrexError(.input, "the border of a part is of other rows")
  private static let mark = "decided"

  func resume(_ part: Part, in context: RunContext) throws -> (input: SweepInput?, stage: Stage) {
    let map = try EdgeMap(
      reading: part.kept[0], width: picture.width, height: part.rows.count, firstRow: part.rows.lowerBound,
      maxMemory: context.maxHeld)
    let decided = try WordRecord.words(Self.mark, in: part.verdicts[0]).map { Int(clamping: $0) }
    map.finish(on: context.pool, workers: context.workers, knowing: Set(decided))
    return (.none(picture), .stencil(EdgeMapStencil(map: map, firstRow: part.rows.lowerBound), making: picture))
  }
}
