public import Pictures

import Platform

/// A chain of filters: what is wanted of a picture. A ``Plan`` says how it is done.
///
/// A stage's input is what the stage before it would have written into a file, so a chain's result is that of its filters run one
/// after another.
public struct Pipeline: Sendable {
  /// A filter and what it is called.
  public struct Link: Sendable {
    /// For plans, times and messages; empty for a filter that stands alone.
    public let name: String
    /// What is done.
    public let filter: any Filter

    /// - Parameter name: As the user calls the filter; it need not be unique.
    public init(_ name: String, _ filter: any Filter) { (self.name, self.filter) = (name, filter) }
  }

  /// The filters in order; at least one.
  public let links: [Link]

  /// - Throws: ``ImbrexError`` if a filter that makes a table is not the last.
  public init(_ links: [Link]) throws {
    precondition(!links.isEmpty, "a pipeline has a filter")
    if let link = links.dropLast().first(where: { $0.filter is any TableFilter }) {
      throw ImbrexError(.usage, "\(link.name) makes a table: no filter can come after it")
    }
    self.links = links
  }

  /// A single filter.
  public init(_ filter: any Filter) { links = [Link("", filter)] }

  /// The last filter, where it makes a table; nil: a picture comes out.
  public var tableFilter: (any TableFilter)? { links[links.count - 1].filter as? any TableFilter }
  /// Whether a table comes out instead of a picture.
  public var makesTable: Bool { tableFilter != nil }

  /// The names of the filters with `then` between them.
  public var name: String { links.map(\.name).joined(separator: " then ") }

  /// What comes out for an input.
  public func outputDescription(for input: ImageDescription) -> ImageDescription {
    descriptions(for: input).last!
  }

  /// What goes into the first filter, and what comes out of each.
  public func descriptions(for input: ImageDescription) -> [ImageDescription] {
    links.reduce(into: [input]) { $0.append($1.filter.outputDescription(for: $0.last!)) }
  }

  /// With another filter behind it.
  public func followed(by link: Link) -> Pipeline {
    var copy = self
    copy.append(link)
    return copy
  }

  init(links: [Link]) { self.links = links }
  private mutating func append(_ link: Link) { self = Pipeline(links: links + [link]) }

  /// How the chain is run on a picture.
  ///
  /// - Parameters:
  ///   - input: The picture.
  ///   - region: The part of the result that is wanted; nil: all of it.
  ///   - tiling: Workers, tiles and memory as asked for.
  ///   - streamsIn: Rows come as they are read; false for a picture in memory.
  ///   - streamsOut: Rows go as they are made; false where the result is kept in memory.
  /// - Throws: ``ImbrexError`` for a filter that does not suit the picture, a region outside it, ghosts fewer than a filter needs, or
  ///   a memory limit that the smallest bands do not meet.
  public func plan(
    for input: ImageDescription, region: Region? = nil, tiling: TilingOptions, streamsIn: Bool = true,
    streamsOut: Bool = true
  ) throws -> Plan {
    try Plan(self, input, region, tiling, streamsIn: streamsIn, streamsOut: streamsOut)
  }
}
