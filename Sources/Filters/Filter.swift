public import Pictures
public import Pipeline
import Platform
/// What a run works with: the worker pool, how to tile, and what it may hold.
public struct RunContext: Sendable {
  public let pool: WorkerPool
  public let tiling: TilingOptions
  public let statistics: RunStatistics
  /// What shows through where an output cannot hold alpha.
  public var background = Background.white

  public init(pool: WorkerPool, tiling: TilingOptions, statistics: RunStatistics = RunStatistics()) {
    self.pool = pool
    self.tiling = tiling
    self.statistics = statistics
  }
}

/// Where a filter's picture comes from.
public enum FilterInput: Sendable {
  case stream(any RowSource)
  case picture(Picture)

  public var description: ImageDescription {
    switch self {
    case .stream(let source): source.description
    case .picture(let picture): picture.description
    }
  }
}

/// Where a filter's picture goes.
public enum FilterOutput: Sendable {
  /// Rows of this description; the filter converts its result to it.
  case stream(any RowSink, ImageDescription)
  case picture(Picture)
}

/// Something that makes a picture from a picture.
public protocol Filter: Sendable {
  /// What comes out for an input, if it may be of any type.
  func outputDescription(for input: ImageDescription) -> ImageDescription
  /// Filters a whole picture.
  ///
  /// - Throws: ``ImbrexError`` for options that do not suit the picture, and what the input or the output throws.
  func run(_ input: FilterInput, to output: FilterOutput, in context: RunContext) throws
  /// What a run holds of a picture beside its bands, in words: for `--explain`.
  func residence(of input: ImageDescription, maxMemory: Int) -> String
  /// The tiles that `run` would use, for a picture that is streamed or in memory.
  func plan(for input: ImageDescription, isStreamed: Bool, tiling: TilingOptions) throws -> TilePlan
}

/// A filter that is a single stencil: one sweep over the picture.
public protocol StencilFilter: Filter {
  func stencil(for input: ImageDescription) throws -> any Stencil
}

extension StencilFilter {
  public func run(_ input: FilterInput, to output: FilterOutput, in context: RunContext) throws {
    let made = outputDescription(for: input.description)
    let stencil = try stencil(for: input.description)
    try context.sweep(input, stencil, to: output, making: made)
  }

  public func residence(of input: ImageDescription, maxMemory: Int) -> String {
    guard let stencil = try? stencil(for: input), stencil.needsWholePicture else { return "streamed in one pass" }
    return "one pass; \(held("the picture", byteCount: input.byteCount, maxMemory: maxMemory))"
  }

  public func plan(for input: ImageDescription, isStreamed: Bool, tiling: TilingOptions) throws -> TilePlan {
    try TilePlan(
      input: input, outputRowBytes: outputDescription(for: input).bytesPerRow, stencil: stencil(for: input),
      options: tiling, isStreamed: isStreamed)
  }
}

/// Says that something is held whole, and where.
func held(_ what: String, byteCount: Int, maxMemory: Int) -> String {
  let place = byteCount > maxMemory ? "a temporary file, past --max-memory" : "memory"
  return "\(what) held in \(place) (\(max(byteCount >> 20, 1)) MiB)"
}

extension RunContext {
  /// Runs one stencil over a picture, with a conversion behind it where the output is not what the stencil makes.
  ///
  /// - Parameters:
  ///   - made: What the stencil makes.
  ///   - kept: Where to keep a streamed input whole for later sweeps; if nil it is kept only where the stencil needs it.
  package func sweep(
    _ input: FilterInput, _ stencil: any Stencil, to output: FilterOutput, making made: ImageDescription,
    keepIn kept: Picture? = nil
  ) throws {
    let wanted: ImageDescription
    let sweepOutput: Sweep.Output
    switch output {
    case .stream(let sink, let description): (wanted, sweepOutput) = (description, .stream(sink, description))
    case .picture(let picture): (wanted, sweepOutput) = (picture.description, .picture(picture))
    }
    let stage =
      wanted == made
      ? stencil : ConvertingStencil(base: stencil, from: made, to: wanted, background: background)
    var source: Sweep.Input
    switch input {
    case .picture(let picture): source = .picture(picture)
    case .stream(let rows):
      let kept = try kept ?? (stencil.needsWholePicture ? picture(rows.description) : nil)
      source = .stream(rows, keepIn: kept)
    }
    try sweep(source, stage, to: sweepOutput, rowBytes: wanted.bytesPerRow)
  }

  /// Runs one sweep with the tiles that the options ask for.
  package func sweep(_ input: Sweep.Input, _ stencil: any Stencil, to output: Sweep.Output, rowBytes: Int) throws {
    var isStreamed = false
    if case .stream = output { isStreamed = true }
    if case .stream(_, keepIn: nil) = input { isStreamed = true }
    let plan = try TilePlan(
      input: input.description, outputRowBytes: rowBytes, stencil: stencil, options: tiling, isStreamed: isStreamed)
    try Sweep(input: input, stencil: stencil, output: output, plan: plan, statistics: statistics).run(on: pool)
  }

  /// Memory for a whole picture, in a temporary file if it is more than the run may hold.
  func picture(_ description: ImageDescription) throws -> Picture {
    try Picture(description, spilled: description.byteCount > tiling.maxMemory)
  }
}
