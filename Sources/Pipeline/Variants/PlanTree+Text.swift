/// A tree of plans, to be shown.
extension PlanTree {
  /// A filter, or several that are run together, and what comes behind it.
  package struct Node: Sendable {
    /// Of the filters that are one here: the number of the filter in the chain, and a variant of each.
    package let position: Int
    package let filters: [Int]
    /// Whether smoothing, scales or the like are done once for all of them.
    package let sharesWork: Bool
    /// The variants that pass through here.
    package let variants: [Int]
    package let next: [Node]
  }

  /// Passes over the picture or something that was made of it.
  package var sweepCount: Int { legs.count }

  /// What the variants that are run here have in common.
  package var nodes: [Node] { Self.nodes(variants, chosen, after: 0) }

  private static func nodes(_ variants: [Variant], _ chosen: [Int], after position: Int) -> [Node] {
    guard let first = chosen.first, position < variants[first].words.count else { return [] }
    return VariantGroups(variants).kin(chosen, position).flatMap { kin -> [Node] in
      let further = kin.flatMap { nodes(variants, $0, after: position + 1) }
      return [
        Node(
          position: position, filters: kin.map { $0[0] }, sharesWork: kin.count > 1, variants: kin.flatMap { $0 },
          next: further)
      ]
    }
  }
}
