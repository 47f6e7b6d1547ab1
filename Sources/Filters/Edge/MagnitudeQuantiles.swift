import Pictures
import Pipeline

/// Makes quantiles of the gradient's magnitude over the whole picture into thresholds; the picture is held meanwhile.
struct QuantileThresholds: WholeStage {
  private let edge: Edge
  private let input: ImageDescription

  init(_ edge: Edge, _ input: ImageDescription) { (self.edge, self.input) = (edge, input) }

  var held: [Held] { [Held("the picture", byteCount: input.byteCount)] }
  var extraPasses: (count: Int, purpose: String) { (MagnitudeQuantiles.levels, "four for the quantiles") }

  var next: StageShape {
    let gradient = CannyGradient(edge, input)
    return StageShape(
      halo: gradient.halo, needsWholePicture: gradient.needsWholePicture, output: edge.outputDescription(for: input))
  }

  func begin(with picture: Picture?, in context: RunContext) throws -> any WholeRun {
    try Run(edge: edge, sink: PictureCollector(picture ?? context.picture(input)))
  }

  private final class Run: WholeRun {
    private let edge: Edge
    private let collector: PictureCollector

    init(edge: Edge, sink: PictureCollector) { (self.edge, collector) = (edge, sink) }

    var sink: any RowSink { collector }

    func finish(in context: RunContext) throws -> (input: SweepInput, stage: Stage) {
      let picture = collector.picture
      let thresholds = try MagnitudeQuantiles(edge, picture).find([edge.low, edge.high], in: context)
      let stencil = CannyStencil(edge, picture.description, low: thresholds[0], high: thresholds[1])
      return (.picture(picture), .stencil(stencil, making: edge.outputDescription(for: picture.description)))
    }
  }
}

/// Exact quantiles of the gradient's magnitude over a whole picture, without holding the magnitudes.
///
/// Magnitudes are not negative, so their bit patterns sort as they do. Each pass narrows a wanted rank by 16 bits with a histogram;
/// four passes find any value.
struct MagnitudeQuantiles {
  /// Passes.
  static let levels = 4

  private let edge: Edge
  private let picture: Picture

  init(_ edge: Edge, _ picture: Picture) { (self.edge, self.picture) = (edge, picture) }

  func find(_ quantiles: [Double], in context: RunContext) throws -> [Double] {
    let count = picture.description.pixelCount
    // numpy's linear interpolation between the two values around q × (count − 1).
    let positions = quantiles.map { $0 * Double(count - 1) }
    let ranks = positions.flatMap { [Int($0.rounded(.down)), min(Int($0.rounded(.down)) + 1, count - 1)] }
    var found = ranks.map { (prefix: UInt64(0), rank: $0) }
    for level in 0..<Self.levels {
      let prefixes = Set(found.map(\.prefix)).sorted()
      let analysis = MagnitudeAnalysis(
        gradient: CannyGradient(edge, picture.description), prefixes: prefixes, shift: UInt64(48 - 16 * level))
      let counts = try context.measure(analysis, of: picture, filter: "edge").counts
      for k in found.indices {
        let histogram = counts[prefixes.firstIndex(of: found[k].prefix)!]
        var digit = 0
        while found[k].rank >= histogram[digit] {
          found[k].rank -= Int(histogram[digit])
          digit += 1
        }
        found[k].prefix = found[k].prefix << 16 | UInt64(digit)
      }
    }
    let values = found.map { Double(bitPattern: $0.prefix) }
    return positions.indices.map { k in
      let (a, b) = (values[2 * k], values[2 * k + 1])
      let t = positions[k] - positions[k].rounded(.down)
      return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t)
    }
  }
}

/// Counts the magnitudes of a picture's gradient.
private struct MagnitudeAnalysis: Analysis {
  let gradient: CannyGradient
  let prefixes: [UInt64]
  let shift: UInt64

  var halo: Halo { gradient.halo }
  var needsWholePicture: Bool { gradient.needsWholePicture }

  func makePartial() -> MagnitudeHistograms { MagnitudeHistograms(prefixes: prefixes.count) }

  func measure(
    _ region: Region, from source: SourceRows, into partial: inout MagnitudeHistograms, scratch: Scratch
  ) {
    gradient.visit(region, from: source, scratch: scratch) { y, block, rows in
      guard y >= block.y && y < block.endY else { return }
      partial.add(
        rows.magnitude(y) + (block.x - rows.firstColumn), count: block.width, prefixes: prefixes, shift: shift)
    }
  }
}
