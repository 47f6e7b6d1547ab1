import Pictures
import Pipeline

import Platform

/// Makes quantiles of the gradient's magnitude over the whole picture into thresholds; the picture is held meanwhile.
struct QuantileThresholds: WholeStage {
  private let edge: Edge
  private let input: ImageDescription
  private let quantiles: [Double]
  private let output: ImageDescription
  /// The stage that comes next, of the thresholds.
  private let stencil: @Sendable ([Double]) -> any Stencil

  /// Of one detector.
  init(_ edge: Edge, _ input: ImageDescription) {
    self.init(edge, input, [edge.low, edge.high], making: edge.outputDescription(for: input)) {
      CannyStencil(edge, input, low: $0[0], high: $0[1])
    }
  }

  init(
    _ edge: Edge, _ input: ImageDescription, _ quantiles: [Double], making output: ImageDescription,
    by stencil: @Sendable @escaping ([Double]) -> any Stencil
  ) {
    (self.edge, self.input, self.quantiles, self.output) = (edge, input, quantiles, output)
    self.stencil = stencil
  }

  var held: [Held] { [Held("the picture", byteCount: input.byteCount)] }
  var extraPasses: (count: Int, purpose: String) { (MagnitudeHistograms.levels, "three for the quantiles") }

  var exchange: (any Exchange)? { QuantileExchange(edge: edge, input: input, next: next) }

  var next: StageShape {
    let gradient = CannyGradient(edge, input)
    return StageShape(
      halo: gradient.halo, needsWholePicture: gradient.needsWholePicture, output: output)
  }

  func begin(with picture: Picture?, in context: RunContext) throws -> any WholeRun {
    try Run(self, PictureCollector(picture ?? context.picture(input)))
  }

  private final class Run: WholeRun {
    private let stage: QuantileThresholds
    private let collector: PictureCollector

    init(_ stage: QuantileThresholds, _ collector: PictureCollector) {
      (self.stage, self.collector) = (stage, collector)
    }

    var sink: any RowSink { collector }

    func finish(in context: RunContext) throws -> (input: SweepInput, stage: Stage) {
      let picture = collector.picture
      let thresholds = try MagnitudeQuantiles(stage.edge, picture).find(stage.quantiles, in: context)
      return (.picture(picture), .stencil(stage.stencil(thresholds), making: stage.output))
    }
  }
}

/// Exact quantiles of the gradient's magnitude over a whole picture, without holding the magnitudes.
struct MagnitudeQuantiles {
  private let edge: Edge
  private let picture: Picture

  init(_ edge: Edge, _ picture: Picture) { (self.edge, self.picture) = (edge, picture) }

  func find(_ quantiles: [Double], in context: RunContext) throws -> [Double] {
    var search = QuantileSearch(quantiles, of: picture.description.pixelCount)
    while !search.isDone {
      let analysis = MagnitudeAnalysis(gradient: CannyGradient(edge, picture.description), search: search)
      search.narrow(by: try context.measure(analysis, of: picture, filter: "edge"))
    }
    return search.values
  }
}

/// A search for the values of some ranks: each round narrows them by some bits (``MagnitudeHistograms``).
struct QuantileSearch {
  /// numpy's linear interpolation is between the two values around q × (count − 1).
  private let positions: [Double]
  /// Of each rank that is looked for, the bits that are known, and its rank among the values that begin with them.
  private var found: [(prefix: UInt64, rank: Int)]
  private(set) var level = 0

  init(_ quantiles: [Double], of count: Int) {
    positions = quantiles.map { $0 * Double(count - 1) }
    found = positions.flatMap { position in
      let below = Int(position.rounded(.down))
      return [below, min(below + 1, count - 1)].map { (prefix: UInt64(0), rank: $0) }
    }
  }

  var isDone: Bool { level == MagnitudeHistograms.levels }
  /// What is looked for: values that begin with these bits.
  var prefixes: [UInt64] { Set(found.map(\.prefix)).sorted() }

  /// - Returns: Whether all ranks were among what is counted.
  @discardableResult
  mutating func narrow(by histograms: MagnitudeHistograms) -> Bool {
    let prefixes = prefixes, bits: UInt64 = level == MagnitudeHistograms.levels - 1 ? 32 : 16
    var areFound = true
    for k in found.indices {
      var isFound = false
      for (digits, count) in histograms.sorted(prefixes.firstIndex(of: found[k].prefix)!) {
        if found[k].rank < count {
          found[k].prefix = found[k].prefix << bits | digits
          isFound = true
          break
        }
        found[k].rank -= Int(count)
      }
      areFound = areFound && isFound
    }
    level += 1
    return areFound
  }

  /// The quantiles, when all rounds are done.
  var values: [Double] {
    let values = found.map { Double(bitPattern: $0.prefix) }
    return positions.indices.map { k in
      let (a, b) = (values[2 * k], values[2 * k + 1])
      let t = positions[k] - positions[k].rounded(.down)
      return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t)
    }
  }

  private static let mark = "search"

  /// What the rounds so far have found.
  var bytes: [UInt8] {
    WordRecord.bytes(Self.mark, [UInt64(level)] + found.flatMap { [$0.prefix, UInt64($0.rank)] })
  }

  /// The same search with what the rounds so far have found.
  func continued(from bytes: [UInt8]) throws -> QuantileSearch {
    let words = try WordRecord.words(Self.mark, in: bytes)
    guard words.count == 1 + 2 * found.count, words[0] <= MagnitudeHistograms.levels else {
      throw ImbrexError(.input, "the record of a search is damaged")
    }
    var search = self
    search.level = Int(words[0])
    for k in found.indices { search.found[k] = (words[1 + 2 * k], Int(clamping: words[2 + 2 * k])) }
    return search
  }
}

/// Counts the magnitudes of a picture's gradient.
struct MagnitudeAnalysis: Analysis {
  private let gradient: CannyGradient
  private let prefixes: [UInt64]
  private let level: Int

  init(gradient: CannyGradient, search: QuantileSearch) {
    self.gradient = gradient
    (prefixes, level) = (search.prefixes, search.level)
  }

  var halo: Halo { gradient.halo }
  var needsWholePicture: Bool { gradient.needsWholePicture }

  func makePartial() -> MagnitudeHistograms { MagnitudeHistograms(prefixes: prefixes.count, level: level) }

  func measure(
    _ region: Region, from source: SourceRows, into partial: inout MagnitudeHistograms, scratch: Scratch
  ) {
    gradient.visit(region, from: source, scratch: scratch) { y, block, rows in
      guard y >= block.y && y < block.endY else { return }
      partial.add(rows.magnitude(y) + (block.x - rows.firstColumn), count: block.width, prefixes: prefixes)
    }
  }
}
