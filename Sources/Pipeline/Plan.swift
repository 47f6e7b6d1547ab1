public import Pictures

import Platform

/// How a ``Pipeline`` is run on a picture: the one place where that is decided. The run, `--explain`, `-v` and benchmarks read it.
///
/// A stage that must see the whole picture ends one sweep and begins the next; what is between stages of one sweep is a level of
/// bands.
public struct Plan: Sendable {
  /// A sweep, and what takes its rows.
  struct Leg: Sendable {
    var shapes: [StageShape] = []
    /// The stages; nil for a first one that the ``WholeStage`` before gives when it has finished.
    var stages: [Stage?] = []
    /// What the sweep reads.
    var input: ImageDescription
    /// Takes all rows; nil: they are the result.
    var whole: (any WholeStage)?
    var sweep: SweepPlan!
  }

  /// Where the picture between two filters is found: a level of a sweep.
  struct Place: Equatable, Sendable {
    var leg, level: Int
  }

  /// The picture that was planned for; another is a bug of the caller's and traps.
  public let input: ImageDescription
  /// What comes out; of a table, what it was made from.
  public let output: ImageDescription
  /// What was asked for: workers, tiles, memory.
  public let tiling: TilingOptions
  /// The part of the result that is wanted; nil: all of it.
  public let region: Region?
  /// Whether a table comes out instead of a picture.
  public let makesTable: Bool
  /// The name of the chain.
  public let name: String
  /// Whether rows come as they are read.
  private let streamsIn: Bool
  let legs: [Leg]
  /// Of what goes into the first filter, and comes out of each.
  let places: [Place]

  /// - Parameters:
  ///   - region: The part of the result that is wanted; of a table, the rows that lie in it.
  init(
    _ pipeline: Pipeline, _ input: ImageDescription, _ region: Region?, _ tiling: TilingOptions, streamsIn: Bool,
    streamsOut: Bool
  ) throws {
    if let region { try region.check(liesIn: input) }
    var path = PlanPath(input)
    var description = input
    for link in pipeline.links {
      for stage in try link.filter.stages(for: description) { path.append(stage, of: link.name) }
      description = link.filter.outputDescription(for: description)
      path.endFilter()
    }
    try self.init(
      path, name: pipeline.name, output: description, region: region, window: pipeline.makesTable ? nil : region,
      makesTable: pipeline.makesTable, tiling, streamsIn: streamsIn, streamsOut: streamsOut && !pipeline.makesTable)
  }

  /// - Parameter window: What the last stage is asked for; nil: all.
  init(
    _ path: PlanPath, name: String, output: ImageDescription, region: Region?, window: Region?, makesTable: Bool,
    _ tiling: TilingOptions, streamsIn: Bool, streamsOut: Bool
  ) throws {
    input = path.legs[0].input
    self.streamsIn = streamsIn
    self.tiling = tiling
    self.region = region
    self.makesTable = makesTable
    self.name = name
    self.output = output
    places = path.places
    var legs = path.legs
    var window = window
    for index in legs.indices.reversed() {
      let isFirst = index == 0, isLast = index == legs.count - 1
      legs[index].sweep = try SweepPlan(
        input: legs[index].input, shapes: legs[index].shapes, window: window, options: tiling,
        streamsIn: isFirst && streamsIn, streamsOut: !isLast || streamsOut)
      if !isFirst { window = legs[index - 1].whole?.inputWindow(for: legs[index].sweep.levels[0].window) }
    }
    self.legs = legs
    try checkMemory()
  }

  /// - Throws: ``ImbrexError`` if the smallest bands of some sweep, or those of the tiles asked for, are more than may be held; its
  ///   remedy is the least that would do.
  private func checkMemory() throws {
    guard memory > tiling.maxMemory && !tiling.isSerial else { return }
    throw ImbrexError.tooLittleMemory(needed: memory, tiling)
  }

  /// No filter: the picture as it comes, read and written at the same time.
  public static func copying(_ picture: ImageDescription, _ tiling: TilingOptions) throws -> Plan {
    try Plan(
      PlanPath(picture), name: "copy", output: picture, region: nil, window: nil, makesTable: false, tiling,
      streamsIn: true, streamsOut: true)
  }

  /// How many filters there are.
  public var filterCount: Int { places.count - 1 }

  /// The picture's size as it is written: the region's, where one is wanted.
  public var written: ImageDescription { cropped(output) }

  /// The same of the picture after so many filters.
  public func written(after position: Int) -> ImageDescription {
    let place = places[position]
    return cropped(legs[place.leg].sweep.levels[place.level].description)
  }

  private func cropped(_ description: ImageDescription) -> ImageDescription {
    guard let region else { return description }
    var cropped = description
    (cropped.width, cropped.height) = (region.width, region.height)
    return cropped
  }

  /// The sweeps, in order.
  public var sweeps: [SweepPlan] { legs.map(\.sweep) }

  /// The sweep that the output's tiles are those of.
  public var lastSweep: SweepPlan { legs[legs.count - 1].sweep }

  /// Bytes of bands in memory, of the sweep that needs the most.
  public var memory: Int { sweeps.map(\.memory).max()! }

  /// What is held whole, and how large it is.
  public var held: [Held] {
    legs.enumerated().flatMap { index, leg in
      // A picture that is in memory anyway is not held for the stage.
      let levels = leg.sweep.levels.dropFirst(index == 0 && streamsIn ? 0 : 1).filter(\.isHeld)
      return levels.map { Held("the picture", byteCount: $0.description.byteCount) } + (leg.whole?.held ?? [])
    }
  }

  /// Bytes beyond which something that is held whole is held in a temporary file.
  public var maxHeld: Int { tiling.maxMemory / max(held.count, 1) }

  /// Passes over the picture, and what more there are for.
  public var passes: (count: Int, purposes: [String]) {
    let extra = legs.compactMap { $0.whole?.extraPasses }.filter { $0.count > 0 }
    return (legs.count + extra.reduce(0) { $0 + $1.count }, extra.map(\.purpose))
  }

  /// Ghost cells that a part of the result needs of the input: the sum of the stages' halos.
  public var halo: Halo { sweeps.flatMap(\.steps).reduce(.none) { $0 + $1.halo } }
}

/// Stages one behind the other, as the legs of a plan.
struct PlanPath {
  private(set) var legs: [Plan.Leg]
  /// Of what goes into the first filter, and comes out of each.
  private(set) var places = [Plan.Place(leg: 0, level: 0)]

  init(_ input: ImageDescription) { legs = [Plan.Leg(input: input)] }

  /// Stages of one leg, with places that are known.
  init(_ input: ImageDescription, places: [Plan.Place]) {
    legs = [Plan.Leg(input: input)]
    self.places = places
  }

  mutating func append(_ stage: Stage, of filter: String) {
    let last = legs.count - 1
    switch stage {
    case .stencil(let stencil, let making):
      legs[last].append(stage, StageShape(stencil, of: filter, making: making))
    case .table(let analysis): append(stage, measuring: analysis, of: filter)
    case .measure(let analysis): append(stage, measuring: analysis, of: filter)
    case .whole(let whole):
      legs[last].whole = whole
      var next = Plan.Leg(input: legs[last].result)
      var shape = whole.next
      shape.filter = filter
      next.append(nil, shape)
      legs.append(next)
    }
  }

  private mutating func append(_ stage: Stage, measuring analysis: some Analysis, of filter: String) {
    legs[legs.count - 1].append(stage, StageShape(analysis, of: filter))
  }

  /// The stages so far are those of a filter, and of those before it.
  mutating func endFilter() { places.append(Plan.Place(leg: legs.count - 1, level: legs[legs.count - 1].shapes.count)) }
}

extension Plan.Leg {
  fileprivate mutating func append(_ stage: Stage?, _ shape: StageShape) {
    stages.append(stage)
    shapes.append(shape)
  }

  /// What the last stage so far makes.
  fileprivate var result: ImageDescription { shapes.last?.output ?? input }
}

extension ImbrexError {
  /// The smallest bands of a sweep need more than may be held.
  static func tooLittleMemory(needed: Int, _ tiling: TilingOptions) -> ImbrexError {
    let isTiled = tiling.tile != nil || tiling.chunks != nil
    var error = ImbrexError(
      .limit, "is too small\(isTiled ? " for these tiles" : "")",
      remedy: .init("max-memory", value: "\((needed + 1023) >> 10)K"))
    error.option = "max-memory"
    return error
  }
}

extension Region {
  /// - Throws: ``ImbrexError`` if it is not inside a picture.
  func check(liesIn picture: ImageDescription) throws {
    guard width > 0, height > 0, x >= 0, y >= 0, endX <= picture.width, endY <= picture.height else {
      throw ImbrexError(
        option: "region",
        "is \(width)x\(height)+\(x)+\(y), which is not inside the picture of \(picture.width) × \(picture.height) pixels"
      )
    }
  }
}
