package import Pictures

import Platform

/// One of several chains of the same filters, with other options, that are run on the same picture.
package struct Variant: Sendable {
  package let pipeline: Pipeline
  /// Of each filter, its options in words: filters of equal words are equal.
  package let words: [String]

  package init(_ pipeline: Pipeline, words: [String]) {
    precondition(pipeline.links.count == words.count)
    (self.pipeline, self.words) = (pipeline, words)
  }
}

/// How several chains are run on one picture: equal beginnings are one, in one pass, and filters that differ in some options share
/// what does not depend on those (``SharedFilter``).
///
/// As a ``Plan``, but a sweep is a tree of stages, and behind a stage that takes the whole picture each branch goes on by itself, one
/// after the other.
package struct PlanTree: Sendable {
  /// A sweep, and what is done with what it makes.
  struct Leg: Sendable {
    var input: ImageDescription
    var shapes: [StageShape] = []
    /// Nil for a first one that is known when what comes before has finished.
    var stages: [Stage?] = []
    var sources: [Int] = []
    var ends: [(level: Int, end: End)] = []
    var sweep: SweepPlan!

    func description(of level: Int) -> ImageDescription { level == 0 ? input : shapes[level - 1].output! }
  }

  /// Who takes a level's rows, or the partial of the stage that makes it.
  enum End: Sendable {
    /// It is the result of variants.
    case result([Int])
    /// It is what is between filters of variants.
    case tap(position: Int, [Int])
    case tables([Tables])
    case whole(any WholeStage, Leg)
    case fork(any ForkStage, [Leg])
  }

  /// The table of variants: of a partial, by what is shared; nil: by the analysis itself.
  struct Tables: Sendable {
    let variants: [Int]
    var make: (@Sendable (any Partial, Region?) -> Table)?
  }

  package let variants: [Variant]
  /// Those that are run.
  package let chosen: [Int]
  package let input: ImageDescription
  package let region: Region?
  package let tiling: TilingOptions
  let root: Leg

  /// - Parameters:
  ///   - variants: Which of them to run; all have as many filters.
  ///   - taps: After how many filters pictures are taken on their way.
  /// - Throws: As ``Pipeline/plan(for:region:tiling:streamsIn:streamsOut:)``.
  package init(
    _ variants: [Variant], chosen: [Int]? = nil, for input: ImageDescription, region: Region? = nil,
    taps: Set<Int> = [],
    tiling: TilingOptions, streamsIn: Bool = true
  ) throws {
    if let region { try region.check(liesIn: input) }
    self.variants = variants
    self.chosen = chosen ?? Array(variants.indices)
    (self.input, self.region, self.tiling) = (input, region, tiling)
    var root = Leg(input: input)
    let builder = Builder(variants: variants, taps: taps)
    try builder.add(self.chosen, after: 0, to: &root, level: 0)
    try Self.plan(&root, region: region, tiling, streamsIn: streamsIn)
    self.root = root
  }

  /// Plans the sweeps, those that come last first.
  private static func plan(_ leg: inout Leg, region: Region?, _ tiling: TilingOptions, streamsIn: Bool) throws {
    // What is wanted of the levels at the ends: what the neediest of them needs.
    var window: Region?
    let whole = Region(all: leg.input)
    for index in leg.ends.indices {
      let wanted: Region
      switch leg.ends[index].end {
      case .result, .tap: wanted = region ?? whole
      case .tables: wanted = whole
      case .whole(let stage, var next):
        try plan(&next, region: region, tiling, streamsIn: false)
        leg.ends[index].end = .whole(stage, next)
        wanted = stage.inputWindow(for: next.sweep.levels[0].window) ?? whole
      case .fork(let stage, let nexts):
        leg.ends[index].end = .fork(
          stage,
          try nexts.map { next in
            var next = next
            try plan(&next, region: region, tiling, streamsIn: false)
            return next
          })
        wanted = whole
      }
      window = window?.union(wanted) ?? wanted
    }
    leg.sweep = try SweepPlan(
      input: leg.input, shapes: leg.shapes, sources: leg.sources, window: window, options: tiling,
      streamsIn: streamsIn, streamsOut: true)
  }

  // MARK: - What it takes

  /// Bytes of bands in memory, of the sweep that needs the most.
  package var memory: Int { legs.map(\.sweep.memory).max()! }

  /// What is held whole at the same time, at most.
  var held: [Held] { Self.held(root) }

  private static func held(_ leg: Leg) -> [Held] {
    var own = leg.sweep.levels.filter(\.isHeld).map { Held("the picture", byteCount: $0.description.byteCount) }
    var later: [Held] = []
    func add(_ next: Leg) {
      let further = held(next)
      if further.reduce(0, { $0 + $1.byteCount }) > later.reduce(0, { $0 + $1.byteCount }) { later = further }
    }
    for (_, end) in leg.ends {
      switch end {
      case .whole(let stage, let next):
        own += stage.held
        add(next)
      case .fork(let stage, let nexts):
        own += stage.held
        nexts.forEach(add)
      case .result, .tap, .tables: break
      }
    }
    return own + later
  }

  /// All sweeps, those that come first first.
  var legs: [Leg] { Self.legs(root) }

  private static func legs(_ leg: Leg) -> [Leg] {
    [leg]
      + leg.ends.flatMap { _, end -> [Leg] in
        switch end {
        case .whole(_, let next): legs(next)
        case .fork(_, let nexts): nexts.flatMap(legs)
        case .result, .tap, .tables: []
        }
      }
  }

  /// Outputs that are written at the same time, at most.
  var outputsAtOnce: Int {
    legs.map { leg in
      leg.ends.reduce(0) { count, end in
        if case .result(let variants) = end.end { count + variants.count } else { count }
      }
    }.max()!
  }

  /// Several plans, each of which fits: one where all variants fit in one.
  ///
  /// - Parameter outputs: How many results may be written at the same time.
  /// - Throws: ``ImbrexError`` if not even one variant fits.
  package static func fitting(
    _ variants: [Variant], chosen: [Int]? = nil, for input: ImageDescription, region: Region? = nil,
    taps: Set<Int> = [], tiling: TilingOptions, streamsIn: Bool = true, outputs: Int = 128
  ) throws -> [PlanTree] {
    let chosen = chosen ?? Array(variants.indices)
    let plan = try PlanTree(
      variants, chosen: chosen, for: input, region: region, taps: taps, tiling: tiling, streamsIn: streamsIn)
    let fits = plan.memory <= tiling.maxMemory || tiling.isSerial
    if fits && (plan.outputsAtOnce <= outputs || chosen.count == 1) { return [plan] }
    guard chosen.count > 1 else { throw ImbrexError.tooLittleMemory(needed: plan.memory, tiling) }
    return try [chosen[..<(chosen.count / 2)], chosen[(chosen.count / 2)...]].flatMap { half in
      try fitting(
        variants, chosen: Array(half), for: input, region: region, taps: taps, tiling: tiling, streamsIn: streamsIn,
        outputs: outputs)
    }
  }
}

/// Which variants do the same, or much of the same, at a filter.
struct VariantGroups {
  let variants: [Variant]

  init(_ variants: [Variant]) { self.variants = variants }

  /// More filters are not run together: those of edges have two thresholds, which are counted in 16 bits.
  private static let mostTogether = 1 << 14

  /// Groups of variants whose filters are equal, put together where their filters are run together.
  func kin(_ chosen: [Int], _ position: Int) -> [[[Int]]] {
    let kin = grouped(grouped(chosen) { variants[$0].words[position] }) { group in
      let link = variants[group[0]].pipeline.links[position]
      guard let filter = link.filter as? any SharedFilter else { return "own \(group[0])" }
      return "\(link.name) \(filter.commonKey)"
    }
    return kin.flatMap { kin in
      stride(from: 0, to: kin.count, by: Self.mostTogether).map {
        Array(kin[$0..<min($0 + Self.mostTogether, kin.count)])
      }
    }
  }

  private func grouped<Element>(_ elements: [Element], by key: (Element) -> String) -> [[Element]] {
    var order: [String] = [], groups: [String: [Element]] = [:]
    for element in elements {
      let key = key(element)
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(element)
    }
    return order.map { groups[$0]! }
  }
}

/// Puts chains into a tree.
private struct Builder {
  let variants: [Variant]
  let taps: Set<Int>

  private func link(_ variant: Int, _ position: Int) -> Pipeline.Link { variants[variant].pipeline.links[position] }

  /// Adds what comes after so many filters of variants that are equal up to there.
  func add(_ group: [Int], after position: Int, to leg: inout PlanTree.Leg, level: Int) throws {
    if taps.contains(position) { leg.ends.append((level, .tap(position: position, group))) }
    guard position < variants[group[0]].words.count else {
      leg.ends.append((level, .result(group)))
      return
    }
    for kin in VariantGroups(variants).kin(group, position) {
      let description = leg.description(of: level)
      if kin.count > 1 {
        try add(sharing: kin, position, of: description, to: &leg, level)
      } else {
        let link = link(kin[0][0], position)
        let stages = try link.filter.stages(for: description)
        try add(stages[...], of: link.name, to: &leg, level, tables: [.init(variants: kin[0])]) {
          try add(kin[0], after: position + 1, to: &$0, level: $1)
        }
      }
    }
  }

  private func add(
    sharing kin: [[Int]], _ position: Int, of description: ImageDescription, to leg: inout PlanTree.Leg, _ level: Int
  ) throws {
    let filters = kin.map { link($0[0], position).filter as! any SharedFilter }
    let name = link(kin[0][0], position).name
    switch try filters[0].stages(of: filters, for: description) {
    case .fork(let stages, let fork):
      try add(stages[...], of: name, to: &leg, level) { leg, level in
        leg.ends.append(
          (
            level,
            .fork(
              fork,
              try kin.map { group in
                var next = PlanTree.Leg(input: leg.description(of: level))
                next.append(nil, fork.next, of: name, source: 0)
                try add(group, after: position + 1, to: &next, level: 1)
                return next
              })
          ))
      }
    case .tables(let stages, let tables):
      try add(stages[...], of: name, to: &leg, level, tables: zip(kin, tables).map { .init(variants: $0, make: $1) }) {
        _, _ in preconditionFailure("a table is the last")
      }
    }
  }

  /// Adds a filter's stages, and then what comes behind them: further filters, or the tables that are made.
  private func add(
    _ stages: ArraySlice<Stage>, of name: String, to leg: inout PlanTree.Leg, _ level: Int,
    tables: [PlanTree.Tables] = [], then next: (inout PlanTree.Leg, Int) throws -> Void
  ) throws {
    guard let stage = stages.first else { return try next(&leg, level) }
    let rest = stages.dropFirst()
    switch stage {
    case .stencil(let stencil, let making):
      let made = leg.append(stage, StageShape(stencil, making: making), of: name, source: level)
      try add(rest, of: name, to: &leg, made, tables: tables, then: next)
    case .table(let analysis):
      let made = leg.append(stage, StageShape(analysis), of: name, source: level)
      leg.ends.append((made, .tables(tables)))
    case .whole(let whole):
      var further = PlanTree.Leg(input: leg.description(of: level))
      further.append(nil, whole.next, of: name, source: 0)
      if whole.next.output == nil {
        further.ends.append((1, .tables(tables)))
      } else {
        try add(rest, of: name, to: &further, 1, tables: tables, then: next)
      }
      leg.ends.append((level, .whole(whole, further)))
    case .measure: preconditionFailure("a partial is not the result of a chain")
    }
  }
}

extension PlanTree.Leg {
  /// - Returns: The level that the stage makes.
  @discardableResult
  fileprivate mutating func append(_ stage: Stage?, _ shape: StageShape, of filter: String, source: Int) -> Int {
    var shape = shape
    shape.filter = filter
    stages.append(stage)
    shapes.append(shape)
    sources.append(source)
    return shapes.count
  }
}
