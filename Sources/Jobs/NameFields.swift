package import Pipeline

/// The values of a chain's options, as fields of `--name`: `{sigma}` is that of the first filter that has it,
/// `{gaussian.sigma}` that of the first gaussian, `{2.sigma}` that of the second filter.
package struct NameFields: Sendable {
  private var values: [String: String] = [:]
  /// Without those that name a filter.
  package private(set) var names: [String] = []

  package init() {}

  /// - Parameter names: Of the common options that are fields too.
  package init(_ filters: [(name: String, values: OptionValues)], common: OptionValues, _ names: [String]) {
    for (index, filter) in filters.enumerated() {
      for (definition, value) in filter.values.all {
        // A default in words is not one value.
        let text = value?.description ?? (definition.defaultText == nil ? "none" : "default")
        if values[definition.name] == nil { self.names.append(definition.name) }
        for field in [definition.name, "\(filter.name).\(definition.name)", "\(index + 1).\(definition.name)"] {
          values[field] = values[field] ?? Self.inName(text)
        }
      }
    }
    for (definition, value) in common.all where names.contains(definition.name) && values[definition.name] == nil {
      self.names.append(definition.name)
      values[definition.name] = Self.inName(value?.description ?? "none")
    }
  }

  subscript(field: String) -> String? { values[field] }

  /// A value is part of a name, and makes no directories.
  private static func inName(_ text: String) -> String { String(text.map { $0 == "/" ? "_" : $0 }) }
}
