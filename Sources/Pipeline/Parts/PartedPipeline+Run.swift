package import Pictures

import Platform

extension PartedPipeline {
  /// Runs a pass on a part.
  ///
  /// - Parameters:
  ///   - pass: Its index.
  ///   - part: The part, with what is known for an exchange.
  ///   - region: What is wanted of the pass's picture; of a round, the part's rows.
  ///   - source: The whole of what the pass reads, of which it selects what it needs; nil if it reads what the part kept.
  ///   - sink: Takes the region's rows; nil for a round.
  ///   - taps: By position in the pipeline; those that are not of this pass are passed over. Each gets the region.
  ///   - path: Where a round keeps what the part needs later.
  /// - Returns: The partial of a round; nil for a picture.
  /// - Throws: What the source, the sink or a tap throws; ``ImbrexError`` for a memory limit that is too low.
  package func run(
    _ pass: Int, on part: (_ exchange: Int) throws -> Part, region: Region, reading source: (any RowSource)?,
    to sink: (any RowSink)? = nil, taps: [Tap] = [], keptAt path: String = "", in context: RunContext
  ) throws -> [UInt8]? {
    let pass = passes[pass]
    var places = Array(repeating: Plan.Place(leg: 0, level: 0), count: (pass.places.map(\.position).max() ?? 0) + 1)
    for place in pass.places { places[place.position].level = place.level }
    let taps = taps.filter { tap in pass.places.contains { $0.position == tap.position } }

    var run: (any ExchangeRun)?
    if case .round(let exchange, let round) = pass.ending {
      run = try exchanges[exchange].begin(round, of: part(exchange), in: context)
      if case .nothing = run!.wants { return try run!.finish(nil, keptAt: path, in: context) }
    }
    var stages = PlanPath(pass.input, places: places)
    var input = source.map(SweepInput.stream)
    for stage in pass.stages {
      switch stage {
      case .fixed(let stage, let filter): stages.append(stage, of: filter)
      case .resumed(let exchange, let shape):
        let (made, stage) = try exchanges[exchange].resume(part(exchange), in: context)
        if let made { input = made }
        stages.append(stage, of: shape.filter)
      }
    }
    var output = PipelineOutput.partial
    if let sink { output = .stream(sink) }
    switch run?.wants {
    case .rows(let sink): output = .stream(sink)
    case .measure(let analysis?): stages.append(.measure(analysis), of: pass.name)
    case .measure(nil), .nothing, nil: break
    }
    var streamsOut = false
    if case .stream = output { streamsOut = true }
    let plan = try Plan(
      stages, name: pass.name, output: pass.output, region: region, window: region, makesTable: false, context.tiling,
      streamsIn: source != nil, streamsOut: streamsOut)
    let result = try plan.result(input!, to: output, taps: taps, in: context)
    return try run?.finish(result.partial, keptAt: path, in: context)
  }
}
