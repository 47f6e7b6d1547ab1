package import Pictures
import Platform

/// Takes what variants make.
package protocol VariantOutputs: AnyObject, Sendable {
  /// A result begins that is that of these variants; its rows are those of the region that is wanted.
  ///
  /// - Returns: What takes them.
  func begin(_ variants: [Int]) throws -> [any RowSink]
  /// All rows of a result have been taken.
  func finish(_ variants: [Int]) throws
  /// As ``begin(_:)``, of what goes into or comes out of a filter on the way.
  func begin(after position: Int, of variants: [Int]) throws -> [any RowSink]
  func finish(after position: Int, of variants: [Int]) throws
  /// The table of variants.
  func take(_ table: Table, of variants: [Int]) throws
}

extension PlanTree {
  /// Runs all variants on a picture.
  ///
  /// - Parameters:
  ///   - input: The picture that was planned for.
  ///   - outputs: Where results go, as they are made: few at a time.
  ///   - context: The workers.
  /// - Throws: What the input or an output throws.
  package func run(_ input: SweepInput, to outputs: any VariantOutputs, in context: RunContext) throws {
    var context = context
    context.heldCount = held.count
    try TreeRun(region: region, picture: self.input, outputs: outputs, context: context).run(root, input, first: nil)
  }
}

private struct TreeRun {
  let region: Region?
  let picture: ImageDescription
  let outputs: any VariantOutputs
  let context: RunContext

  func run(_ leg: PlanTree.Leg, _ input: SweepInput, first: Stage?) throws {
    var gathered: [Int: any Gathering] = [:]
    let stages = leg.stages.enumerated().map { index, stage -> SweepStage in
      switch stage ?? first {
      case .stencil(let stencil, _): return .stencil(stencil)
      case .table(let analysis):
        let gatherer = analysis.gathering()
        gathered[index] = gatherer
        return .analysis(gatherer)
      case .measure, .whole, nil: preconditionFailure("not a stage of a sweep")
      }
    }
    var runs = try sweep(leg, input, stages)
    for (index, (level, end)) in leg.ends.enumerated() {
      switch end {
      case .result(let variants): try outputs.finish(variants)
      case .tap(let position, let variants): try outputs.finish(after: position, of: variants)
      case .tables(let tables):
        guard case .table(let analysis)? = leg.stages[level - 1] ?? first else { preconditionFailure("no table") }
        for table in tables {
          let gatherer = gathered[level - 1]!
          let made = table.make.map { $0(gatherer.partial, region) } ?? analysis.table(from: gatherer, in: region)
          try outputs.take(made, of: table.variants)
        }
      case .whole(_, let next):
        // Let go with the last that reads it.
        guard case .whole(let run) = runs.removeValue(forKey: index) else { preconditionFailure("it was begun") }
        let made = try timed(next) { try run.finish(in: context) }
        try self.run(next, made.input, first: made.stage)
      case .fork(_, let nexts):
        guard case .fork(let run) = runs.removeValue(forKey: index) else { preconditionFailure("it was begun") }
        for index in run.order {
          let made = try timed(nexts[index]) { try run.finish(index, in: context) }
          try self.run(nexts[index], made.input, first: made.stage)
        }
      }
    }
  }

  /// What takes a whole picture.
  private enum Run {
    case whole(any WholeRun)
    case fork(any ForkRun)
  }

  /// - Returns: By the number of the end, what has taken a whole picture.
  private func sweep(_ leg: PlanTree.Leg, _ input: SweepInput, _ stages: [SweepStage]) throws -> [Int: Run] {
    var runs: [Int: Run] = [:]
    var writers: [(level: Int, sink: any RowSink, window: Region, work: RunStatistics.Work)] = []
    let wanted = region ?? Region(all: picture)
    func write(_ level: Int, _ sinks: [any RowSink], _ window: Region, _ work: RunStatistics.Work) {
      writers += sinks.map { (level, $0, window, work) }
    }
    for (index, (level, end)) in leg.ends.enumerated() {
      let all = leg.sweep.levels[level].window
      switch end {
      case .result(let variants): write(level, try outputs.begin(variants), wanted, .encoding)
      case .tap(let position, let variants):
        write(level, try outputs.begin(after: position, of: variants), wanted, .encoding)
      case .tables: break
      case .whole(let stage, let next):
        // The picture itself, where it is in memory anyway.
        var whole: Picture?
        if level == 0, case .picture(let picture) = input { whole = picture }
        let run = try stage.begin(with: whole, in: context)
        runs[index] = .whole(run)
        if whole == nil { write(level, [run.sink], all, .filtering(next.shapes[0].filter)) }
      case .fork(let stage, let nexts):
        let run = try stage.begin(in: context)
        runs[index] = .fork(run)
        write(level, [run.sink], all, .filtering(nexts[0].shapes[0].filter))
      }
    }
    if !stages.isEmpty || !writers.isEmpty {
      try Sweep(leg.sweep, input: input, stages: stages, writers: writers, context: context).run()
    }
    return runs
  }

  private func timed<Made>(_ next: PlanTree.Leg, _ body: () throws -> Made) throws -> Made {
    let start = monotonicNanoseconds()
    defer { context.statistics.add(.filtering(next.shapes[0].filter), monotonicNanoseconds() - start) }
    return try body()
  }
}
