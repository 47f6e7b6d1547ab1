public import Pictures

import Platform

/// What an analysis makes of tiles: it can be merged with others in any order to the same end, and written down. Tiles hand it
/// to each other inside a process, parts of a picture between machines.
public protocol Partial: Sendable {
  mutating func merge(_ other: Self)
  /// The same on every machine.
  var bytes: [UInt8] { get }
  /// - Throws: ``ImbrexError`` if the bytes are damaged.
  init(bytes: [UInt8]) throws
}

/// A stage that makes a partial of each tile.
public protocol Analysis<Result>: Sendable {
  associatedtype Result: Partial
  /// As ``Stencil/halo`` and ``Stencil/needsWholePicture``.
  var halo: Halo { get }
  var needsWholePicture: Bool { get }
  /// The partial of no tile.
  func makePartial() -> Result
  /// Adds a tile to a partial.
  func measure(_ region: Region, from source: SourceRows, into partial: inout Result, scratch: Scratch)
}

extension Analysis {
  public var needsWholePicture: Bool { false }
  /// Runs the analysis on tiles, on any thread.
  public func gatherer() -> Gatherer<Self> { Gatherer(self) }
  func gathering() -> any Gathering { gatherer() }
}

/// An analysis whose result is a table.
public protocol TableAnalysis: Analysis {
  /// How the table is made where the picture is in parts; nil: it cannot be.
  var exchange: (any TableExchange)? { get }
  /// - Parameter region: Rows of the table that lie outside are left out; nil: none are.
  func table(of partial: Result, in region: Region?) -> Table
}

extension TableAnalysis {
  public var exchange: (any TableExchange)? { nil }

  /// The table of what was gathered of this analysis.
  func table(from gathered: any Gathering, in region: Region?) -> Table {
    table(of: (gathered as! Gatherer<Self>).result, in: region)
  }
}

/// An ``Analysis`` at work on a picture's tiles.
public protocol Gathering: AnyObject, Sendable {
  func measure(_ region: Region, from source: SourceRows, scratch: Scratch)
  /// All that was measured.
  var partial: any Partial { get }
}

/// Gathers partials: one for each worker that is at it at the same time, merged at the end.
public final class Gatherer<Measure: Analysis>: Gathering {
  private let analysis: Measure
  private let idle = Locked([Measure.Result]())

  init(_ analysis: Measure) { self.analysis = analysis }

  public func measure(_ region: Region, from source: SourceRows, scratch: Scratch) {
    var partial = idle.withLock { $0.popLast() } ?? analysis.makePartial()
    analysis.measure(region, from: source, into: &partial, scratch: scratch)
    idle.withLock { $0.append(partial) }
  }

  public var partial: any Partial { result }

  /// All that was measured.
  public var result: Measure.Result {
    idle.withLock { partials in
      partials.reduce(into: analysis.makePartial()) { $0.merge($1) }
    }
  }
}

/// Rows of numbers under names: what a filter makes that makes no picture.
public struct Table: Equatable, Sendable {
  /// Names of the columns, lower case.
  public let columns: [String]
  /// As many numbers each as there are columns.
  public var rows: [[Double]]

  /// - Parameter rows: As many numbers each as there are columns; not checked.
  public init(columns: [String], rows: [[Double]] = []) { (self.columns, self.rows) = (columns, rows) }
}
