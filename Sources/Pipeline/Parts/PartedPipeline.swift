package import Pictures

import Platform

/// A pipeline as parts of a picture do it: passes over all parts, between which they exchange partials.
///
/// A chain of stencils is one pass. A stage that must see the whole picture ends a pass in each of its rounds; its rows, and rows
/// that the stages after it need ghosts of, are pictures in parts between two passes.
package struct PartedPipeline: Sendable {
  /// What each part does at one go.
  package struct Pass: Sendable {
    /// What it reads.
    package enum Source: Equatable, Sendable {
      /// The picture.
      case input
      /// The picture in parts that a pass before made.
      case pass(Int)
      /// What the part kept.
      case kept
    }

    package enum Ending: Equatable, Sendable {
      /// The part's rows of a picture: the result, or what a later pass reads.
      case picture
      /// A partial.
      case round(exchange: Int, round: Int)
    }

    /// For names of tasks: the filters, and what it makes of them.
    package let name: String
    package let source: Source
    package let ending: Ending
    /// What the first stage reads.
    let input: ImageDescription
    let stages: [PartStage]
    /// After how many filters the picture is found, and behind how many stages: where a tap can be.
    let places: [(position: Int, level: Int)]
    /// What comes out of the last stage.
    package let output: ImageDescription
  }

  /// A stage of a pass.
  enum PartStage: Sendable {
    case fixed(Stage, filter: String)
    /// That with which a part goes on after an exchange.
    case resumed(exchange: Int, shape: StageShape)
  }

  package private(set) var passes: [Pass] = []
  package private(set) var exchanges: [any Exchange] = []
  package let input: ImageDescription
  /// What comes out; of a table, what it is made from.
  package let output: ImageDescription
  package let makesTable: Bool

  /// - Throws: ``ImbrexError`` for a filter that does not suit the picture, or cannot work in parts.
  package init(_ pipeline: Pipeline, _ input: ImageDescription) throws {
    self.input = input
    makesTable = pipeline.makesTable
    output = pipeline.outputDescription(for: input)
    var builder = Builder(input)
    var description = input
    for (index, link) in pipeline.links.enumerated() {
      let stages = try link.filter.stages(for: description)
      try builder.append(stages, filter: link.name)
      description = link.filter.outputDescription(for: description)
      builder.endFilter(index + 1)
    }
    if !makesTable { builder.end(.picture, "") }
    (passes, exchanges) = (builder.passes, builder.exchanges)
  }

  /// The pass in which the picture after so many filters is found.
  package func pass(ofPosition position: Int) -> Int? {
    passes.firstIndex { $0.places.contains { $0.position == position } }
  }

  /// The exchange that makes the table.
  package var tableExchange: (any TableExchange)? { makesTable ? exchanges.last as? any TableExchange : nil }
}

// MARK: - Cutting

extension PartedPipeline {
  private struct Builder {
    var passes: [Pass] = []
    var exchanges: [any Exchange] = []
    private var source = Pass.Source.input
    private var input: ImageDescription
    private var current: ImageDescription
    private var stages: [PartStage] = []
    private var names: [String] = []
    private var places = [(position: 0, level: 0)]

    init(_ input: ImageDescription) { (self.input, current) = (input, input) }

    mutating func append(_ new: [Stage], filter: String) throws {
      // What reads its input again has it in parts.
      let readsAgain = new.contains {
        if case .whole(let whole) = $0, case .again? = whole.exchange?.resumption { true } else { false }
      }
      if readsAgain && !(stages.isEmpty && source != .kept) { cut() }
      for stage in new {
        switch stage {
        case .stencil(let stencil, let making):
          let needsGhosts = stencil.halo != .none || stencil.needsWholePicture
          if (source == .kept && needsGhosts) || (stencil.needsWholePicture && !stages.isEmpty) { cut() }
          append(.fixed(stage, filter: filter), filter)
          current = making
        case .whole(let whole):
          guard let exchange = whole.exchange else { throw Self.cannot(filter) }
          let shape = exchange.resumption.shape
          cutForGhosts(of: exchange)
          run(exchange, filter)
          append(.resumed(exchange: exchanges.count - 1, shape: shape!.named(filter)), filter)
          if let output = shape!.output { current = output }
          if let next = whole.tableExchange { run(next, filter) }
        case .table(let analysis):
          guard let exchange = analysis.exchange else { throw Self.cannot(filter) }
          cutForGhosts(of: exchange)
          run(exchange, filter)
        case .measure: preconditionFailure("a filter makes something of what it measures")
        }
      }
    }

    /// What a part kept has no ghosts for an exchange that measures with some.
    private mutating func cutForGhosts(of exchange: any Exchange) {
      let rounds = exchange.rounds.filter(\.readsRows), readsAll = rounds.contains(where: \.needsWholePicture)
      let needsGhosts = readsAll || rounds.contains { $0.halo != .none }
      if (source == .kept && needsGhosts) || (readsAll && !stages.isEmpty) { cut() }
    }

    private static func cannot(_ filter: String) -> ImbrexError {
      ImbrexError(.usage, "\(filter) cannot work on parts of a picture")
    }

    private mutating func append(_ stage: PartStage, _ filter: String) {
      stages.append(stage)
      if names.last != filter { names.append(filter) }
    }

    /// Passes for all rounds.
    private mutating func run(_ exchange: any Exchange, _ filter: String) {
      exchanges.append(exchange)
      let index = exchanges.count - 1
      if names.last != filter { names.append(filter) }
      for (number, round) in exchange.rounds.enumerated() {
        let pass = Pass(
          name: (names + [round.name]).joined(separator: "-"), source: round.readsRows ? source : .kept,
          ending: .round(exchange: index, round: number), input: input, stages: round.readsRows ? stages : [],
          places: round.readsRows ? places : [], output: current)
        passes.append(pass)
      }
      // Each picture is tapped once.
      places = []
      names = []
      if case .ownRows = exchange.resumption {
        source = .kept
        stages = []
        input = current
      }
    }

    /// Writes the picture in parts.
    private mutating func cut() {
      end(.picture, "rows")
      source = .pass(passes.count - 1)
      input = current
      stages = []
      places = []
      names = []
    }

    mutating func end(_ ending: Pass.Ending, _ name: String) {
      passes.append(
        Pass(
          name: (names + (name.isEmpty ? [] : [name])).joined(separator: "-"), source: source, ending: ending,
          input: input, stages: stages, places: places, output: current))
    }

    mutating func endFilter(_ position: Int) { places.append((position, stages.count)) }
  }
}

extension Resumption {
  fileprivate var shape: StageShape? {
    switch self {
    case .ownRows(let shape), .again(let shape): shape
    case .table: nil
    }
  }
}

extension StageShape {
  fileprivate func named(_ filter: String) -> StageShape {
    var copy = self
    copy.filter = filter
    return copy
  }
}

// MARK: - What a part needs

extension PartedPipeline {
  /// The rows of a pass's source that some rows of what it makes, or measures, need.
  ///
  /// - Parameter rows: Of the pass's output.
  package func rowsRead(by pass: Int, for rows: Range<Int>) -> Range<Int> {
    let pass = passes[pass], all = 0..<pass.input.height
    var needed = rows
    func grow(by halo: Halo, wraps: Bool) {
      let reach = max(halo.top, halo.bottom)
      let grown = needed.lowerBound - reach..<needed.upperBound + reach
      let isInside = grown.lowerBound >= 0 && grown.upperBound <= all.upperBound
      needed = wraps && !isInside ? all : grown.clamped(to: all)
    }
    if case .round(let exchange, let round) = pass.ending {
      let round = exchanges[exchange].rounds[round]
      grow(by: round.halo, wraps: round.needsWholePicture)
    }
    for stage in pass.stages.reversed() {
      switch stage {
      case .fixed(.stencil(let stencil, _), _): grow(by: stencil.halo, wraps: stencil.needsWholePicture)
      case .fixed: break
      case .resumed(_, let shape): grow(by: shape.halo, wraps: shape.needsWholePicture)
      }
    }
    return needed
  }
}

extension PartedPipeline {
  /// Whether a pass goes on from an exchange, or is one of its rounds.
  package func isUsed(_ exchange: Int, by pass: Int) -> Bool {
    if case .round(exchange, _) = passes[pass].ending { return true }
    return passes[pass].stages.contains { if case .resumed(exchange, _) = $0 { true } else { false } }
  }
}
