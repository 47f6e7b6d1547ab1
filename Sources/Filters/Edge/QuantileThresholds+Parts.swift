import Pictures
import Pipeline

import Platform

/// Quantile thresholds where the picture is in parts: three rounds of counts, each of a bounded size whatever the picture's.
struct QuantileExchange: Exchange {
  let edge: Edge
  let input: ImageDescription
  /// Of the stage that comes after it.
  let next: StageShape

  var rounds: [ExchangeRound] {
    let gradient = CannyGradient(edge, input)
    return (1...MagnitudeHistograms.levels).map {
      ExchangeRound("counts\($0)", halo: gradient.halo, needsWholePicture: gradient.needsWholePicture)
    }
  }

  var resumption: Resumption { .again(next) }

  private func search(knowing verdict: [UInt8]?) throws -> QuantileSearch {
    let search = QuantileSearch([edge.low, edge.high], of: input.pixelCount)
    return try verdict.map(search.continued) ?? search
  }

  func begin(_ round: Int, of part: Part, in context: RunContext) throws -> any ExchangeRun {
    try CountRun(
      MagnitudeAnalysis(gradient: CannyGradient(edge, input), search: search(knowing: part.verdicts.last)))
  }

  private final class CountRun: ExchangeRun {
    private let analysis: MagnitudeAnalysis

    init(_ analysis: MagnitudeAnalysis) { self.analysis = analysis }

    var wants: ExchangeInput { .measure(analysis) }

    func finish(_ measured: (any Partial)?, keptAt path: String, in context: RunContext) -> [UInt8] { measured!.bytes }
  }

  func merge(
    _ partials: PartialList, after round: Int, knowing verdict: [UInt8]?, give: (Int?, [UInt8]) throws -> Void
  ) throws {
    var search = try search(knowing: verdict)
    var sum = MagnitudeHistograms(prefixes: search.prefixes.count, level: round)
    for index in 0..<partials.count {
      let partial = try MagnitudeHistograms(bytes: partials[index])
      guard partial.level == round, partial.prefixCount == sum.prefixCount else {
        throw ImbrexError(.input, "a record of gradients is of another round")
      }
      sum.merge(partial)
    }
    guard search.narrow(by: sum) else { throw ImbrexError(.input, "the records of gradients are of other parts") }
    try give(nil, search.bytes)
  }

  func resume(_ part: Part, in context: RunContext) throws -> (input: SweepInput?, stage: Stage) {
    let thresholds = try search(knowing: part.verdicts.last).values
    let stencil = CannyStencil(edge, input, low: thresholds[0], high: thresholds[1])
    return (nil, .stencil(stencil, making: edge.outputDescription(for: input)))
  }
}
