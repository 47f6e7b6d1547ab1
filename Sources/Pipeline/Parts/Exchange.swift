public import Pictures

/// What a stage that must see the whole picture does where the picture is in parts, each perhaps on another machine.
///
/// It goes in rounds. In a round every part makes a *partial*, from its rows or from what it kept; the partials of all parts are
/// merged into a *verdict*, which all parts see in the next round. After the last round each part goes on by itself, from its own
/// rows and what it knows. Partials and verdicts are small; what a part keeps for itself may be as large as its rows.
public protocol Exchange: Sendable {
  var rounds: [ExchangeRound] { get }
  /// What each part does after the last round.
  var resumption: Resumption { get }
  /// Begins a part's turn in a round.
  func begin(_ round: Int, of part: Part, in context: RunContext) throws -> any ExchangeRun
  /// Merges the partials of all parts. Not asked of a sequential round.
  ///
  /// - Parameters:
  ///   - partials: How many there are, and each, from the top; read when it is asked for.
  ///   - verdict: Of the round before.
  ///   - give: Takes the verdict: one for all parts (index `nil`), or one for each.
  func merge(
    _ partials: PartialList, after round: Int, knowing verdict: [UInt8]?,
    give: (_ part: Int?, _ verdict: [UInt8]) throws -> Void
  ) throws
  /// The stage that a part goes on with, and what it reads (`nil`: what the stages before it make of the part's rows).
  func resume(_ part: Part, in context: RunContext) throws -> (input: SweepInput?, stage: Stage)
}

/// One round of an ``Exchange``.
public struct ExchangeRound: Equatable, Sendable {
  /// For names of tasks: "labels".
  public let name: String
  /// Whether it reads the picture's rows, beside what the part kept.
  public let readsRows: Bool
  /// Whether a part's partial begins with that of the part above it: parts go one after the other, and nothing is merged.
  public let isSequential: Bool
  /// Ghosts of what is measured.
  public let halo: Halo
  /// As ``Stencil/needsWholePicture``, of what is measured.
  public let needsWholePicture: Bool

  /// See the properties; a round reads rows, has no ghosts and runs on all parts at once unless said
  ///   otherwise.
  public init(
    _ name: String, readsRows: Bool = true, isSequential: Bool = false, halo: Halo = .none,
    needsWholePicture: Bool = false
  ) {
    self.name = name
    self.readsRows = readsRows
    self.isSequential = isSequential
    self.halo = halo
    self.needsWholePicture = needsWholePicture
  }
}

/// Partials that are read one at a time: all of them may be more than memory.
public struct PartialList: Sendable {
  /// How many there are: one for each part.
  public let count: Int
  private let read: @Sendable (Int) throws -> [UInt8]

  /// - Parameter read: Reads the partial of an index in 0 ..< `count`; it may throw, and is called on one thread.
  public init(count: Int, read: @Sendable @escaping (_ index: Int) throws -> [UInt8]) {
    (self.count, self.read) = (count, read)
  }

  /// Reads one, from the top; an index outside traps or throws as its reader does.
  public subscript(index: Int) -> [UInt8] { get throws { try read(index) } }
}

/// How a part goes on after an ``Exchange``.
public enum Resumption: Sendable {
  /// Makes its own rows from what it kept.
  case ownRows(StageShape)
  /// Reads the rows that the exchange began with again.
  case again(StageShape)
  /// Makes nothing further: a table is made of what the parts kept. See ``TableExchange``.
  case table
}

/// An exchange whose result is a table.
public protocol TableExchange: Exchange {
  /// - Parameters:
  ///   - kept: Files that the parts kept in the last round, from the top.
  ///   - region: Rows of the table that lie outside are left out; nil: none are.
  ///   - verdicts: Of the last round, for each part.
  func table(of kept: [String], knowing verdicts: PartialList, in region: Region?) throws -> Table
}

/// Some rows of a picture, and what is known of the others.
public struct Part: Sendable {
  /// The rows of all parts, from the top: all of the picture.
  public let all: [Range<Int>]
  /// Which part this is, from the top, from 0.
  public let index: Int
  /// Of the rounds before this one: the part's own, or the one for all.
  public let verdicts: [[UInt8]]
  /// The file that this part kept in each of the rounds before.
  public let kept: [String]
  /// Partials of other parts: those that a sequential round has made already.
  public let partial: @Sendable (_ index: Int) throws -> [UInt8]

  /// The picture's rows that this part makes.
  public var rows: Range<Int> { all[index] }

  /// See the properties. A part of the first round has neither verdicts nor kept files.
  public init(
    of all: [Range<Int>], index: Int, verdicts: [[UInt8]] = [], kept: [String] = [],
    partial: @Sendable @escaping (_ index: Int) throws -> [UInt8] = { _ in preconditionFailure("no partials") }
  ) {
    (self.all, self.index, self.verdicts, self.kept, self.partial) = (all, index, verdicts, kept, partial)
  }
}

/// A part's turn in a round of an ``Exchange``.
public protocol ExchangeRun: AnyObject, Sendable {
  /// What becomes of the part's rows.
  var wants: ExchangeInput { get }
  /// - Parameters:
  ///   - measured: What was measured of the part, if that is what it wants.
  ///   - path: Where to keep what the part needs later; a file only where there is something to keep.
  /// - Returns: The partial.
  func finish(_ measured: (any Partial)?, keptAt path: String, in context: RunContext) throws -> [UInt8]
}

/// What a part's turn in a round takes of the part's rows.
public enum ExchangeInput: Sendable {
  /// The part's rows, from the top.
  case rows(any RowSink)
  /// What this measures of the part's rows; nil: what the last stage, which measures, makes of them.
  case measure((any Analysis)?)
  case nothing
}
