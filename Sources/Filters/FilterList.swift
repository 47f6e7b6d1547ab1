extension FilterDefinition {
  /// The filters: the one list of them, in the order in which they are shown.
  public static let all: [FilterDefinition] = [
    Gaussian.definition, Gradient.definition, Median.definition, Edge.definition, BlobDetector.definition,
    Apply.definition,
  ]

  /// The filter of a name, or nil if there is none.
  public init?(named name: String) {
    guard let found = Self.all.first(where: { $0.name == name }) else { return nil }
    self = found
  }
}
