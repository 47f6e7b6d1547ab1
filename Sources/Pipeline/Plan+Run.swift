public import Pictures
import Platform

/// Where a pipeline's result goes.
public enum PipelineOutput: Sendable {
  /// Rows of ``Plan/written``.
  case stream(any RowSink)
  /// A picture of ``Plan/written``.
  case picture(Picture)
  /// A table.
  case table
  /// A partial, of the last stage.
  case partial
}

/// What a run gives back beside the rows that it writes.
public enum PipelineResult: Sendable {
  case none
  case table(Table)
  case partial(any Partial)

  /// The table, if that is the result.
  public var table: Table? { if case .table(let table) = self { table } else { nil } }
  public var partial: (any Partial)? { if case .partial(let partial) = self { partial } else { nil } }
}

/// Takes the picture between two filters as well: `tee`.
public struct Tap: Sendable {
  /// After how many filters; 0: what goes into the first.
  public let position: Int
  /// Gets the rows from the top, once each, on one thread at a time.
  public let sink: any RowSink

  /// - Parameters:
  ///   - position: After how many filters, 0 … the number of filters; others trap when the plan is run.
  ///   - sink: Takes rows of ``Plan/written(after:)``.
  public init(after position: Int, _ sink: any RowSink) { (self.position, self.sink) = (position, sink) }
}

extension Plan {
  /// Runs the pipeline on a picture.
  ///
  /// - Parameters:
  ///   - input: The picture that was planned for.
  ///   - output: Where the result goes.
  ///   - taps: What takes pictures on their way; each gets the region that is wanted of the result.
  ///   - context: The workers.
  /// - Returns: The table, if one is made.
  /// - Throws: What the input, the output or a tap throws.
  @discardableResult
  public func run(
    _ input: SweepInput, to output: PipelineOutput, taps: [Tap] = [], in context: RunContext
  ) throws -> Table? {
    try result(input, to: output, taps: taps, in: context).table
  }

  /// As ``run(_:to:taps:in:)``, with whatever is made that is no picture.
  func result(
    _ input: SweepInput, to output: PipelineOutput, taps: [Tap] = [], in context: RunContext
  ) throws -> PipelineResult {
    var context = context
    context.heldCount = held.count
    var input = input
    var first: Stage?
    for (index, leg) in legs.enumerated() {
      let isLast = index == legs.count - 1
      let whole = picture(input, unlessChangedBy: leg)
      let run = try leg.whole?.begin(with: whole, in: context)
      let isSkipped = run != nil && whole != nil
      var gathering: (analysis: (any TableAnalysis)?, gatherer: any Gathering)?
      let stages = leg.stages.map { stage -> SweepStage in
        switch stage ?? first {
        case .stencil(let stencil, _): return .stencil(stencil)
        case .table(let analysis):
          let gatherer = analysis.gathering()
          gathering = (analysis, gatherer)
          return .analysis(gatherer)
        case .measure(let analysis):
          let gatherer = analysis.gathering()
          gathering = (nil, gatherer)
          return .analysis(gatherer)
        case .whole, nil: preconditionFailure("a whole stage is not one of a sweep")
        }
      }
      var writers = taps.filter { places[$0.position].leg == index }.map { tap in
        (
          level: places[tap.position].level, sink: tap.sink, window: region ?? Region(all: self.input),
          work: RunStatistics.Work.encoding
        )
      }
      var result: Picture?
      if let run {
        if !isSkipped {
          writers.append(
            (
              level: leg.sweep.levels.count - 1, sink: run.sink, window: leg.sweep.levels.last!.window,
              work: .filtering(legs[index + 1].shapes[0].filter)
            ))
        }
      } else if isLast {
        switch output {
        case .stream(let sink):
          writers.append(
            (
              level: leg.sweep.levels.count - 1, sink: sink, window: region ?? Region(all: self.input),
              work: .encoding
            ))
        case .picture(let picture): result = picture
        case .table, .partial: break
        }
      }
      if !isSkipped || !writers.isEmpty {
        try Sweep(leg.sweep, input: input, stages: stages, result: result, writers: writers, context: context).run()
      }
      if let run {
        let start = monotonicNanoseconds()
        (input, first) = try run.finish(in: context)
        context.statistics.add(.filtering(legs[index + 1].shapes[0].filter), monotonicNanoseconds() - start)
      } else if let gathering {
        guard case .table = output, let analysis = gathering.analysis else {
          return .partial(gathering.gatherer.partial)
        }
        return .table(analysis.table(from: gathering.gatherer, in: region))
      }
    }
    return .none
  }

  /// The picture that a leg's ``WholeStage`` can have as it is.
  private func picture(_ input: SweepInput, unlessChangedBy leg: Leg) -> Picture? {
    guard leg.stages.isEmpty, case .picture(let picture) = input else { return nil }
    return picture
  }
}

extension Filter {
  /// Plans and runs this filter alone on a picture.
  ///
  /// - Parameters:
  ///   - input: The picture, as it is read or in memory.
  ///   - output: Where the result goes: rows, or a picture, of ``outputDescription(for:)``, or a table.
  ///   - context: The workers, and how to tile.
  /// - Returns: The table, if one is made.
  /// - Throws: ``ImbrexError`` for options that do not suit the picture, and what input and output throw.
  @discardableResult
  public func run(_ input: SweepInput, to output: PipelineOutput, in context: RunContext) throws -> Table? {
    var streamsIn = false, streamsOut = false
    if case .stream = input { streamsIn = true }
    if case .stream = output { streamsOut = true }
    let plan = try Pipeline(self).plan(
      for: input.description, tiling: context.tiling, streamsIn: streamsIn, streamsOut: streamsOut)
    return try plan.run(input, to: output, in: context)
  }
}
