public import Pictures

/// A filter that can be run for several values of some of its options at the price of little more than one: what does not depend on
/// those is done once.
public protocol SharedFilter: Filter {
  /// What has to be equal for several to be run together: their other options.
  var commonKey: String { get }
  /// The stages of several filters of one key, of which this is the first.
  ///
  /// - Parameter filters: All of them, this one included; each makes the bytes that it would make alone.
  /// - Throws: ``ImbrexError`` for options that do not suit the picture.
  func stages(of filters: [any SharedFilter], for input: ImageDescription) throws -> SharedStages
}

/// What several filters are run as.
public enum SharedStages: Sendable {
  /// Stages, then one that takes the whole picture, behind which each filter's own way begins.
  case fork([Stage], any ForkStage)
  /// Stages, of which the last makes a partial; then of each filter what makes its table of that.
  case tables([Stage], [@Sendable (any Partial, Region?) -> Table])
}

/// As a ``WholeStage``, with several results.
public protocol ForkStage: Sendable {
  /// What a run of it holds, for the plan.
  var held: [Held] { get }
  /// The stage that the next sweep of each begins with.
  var next: StageShape { get }
  func begin(in context: RunContext) throws -> any ForkRun
}

/// One picture's way through a ``ForkStage``.
public protocol ForkRun: AnyObject, Sendable {
  /// Where the picture's rows go.
  var sink: any RowSink { get }
  /// The order in which results have to be asked for.
  var order: [Int] { get }
  /// All rows have been taken, and the results that come before this one in ``order`` have been used.
  ///
  /// - Returns: What the next sweep reads, and its first stage.
  func finish(_ index: Int, in context: RunContext) throws -> (input: SweepInput, stage: Stage)
}
