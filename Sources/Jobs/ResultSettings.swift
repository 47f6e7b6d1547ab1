package import Pipeline

import Platform

/// Everything but an input's content that a result depends on: the version, every filter with all its options, and the common
/// options, unless one says that it does not matter (``OptionDefinition/changesResult``).
package struct ResultSettings: Sendable {
  private var lines = [Platform.version]

  package init() {}

  /// Adds a filter; of files that its options name, such as masks, the content counts.
  ///
  /// - Throws: ``ImbrexError`` if such a file cannot be read.
  package mutating func add(filter: String, _ values: OptionValues) throws {
    lines.append(filter)
    for (definition, value) in values.all where definition.changesResult {
      guard let value else { continue }
      if let path = definition.path(of: value) {
        do {
          lines.append("\(definition.name) \(try ContentHash(ofFile: path))")
          if path != value.description { lines.append("\(definition.name) \(value.description)") }
        } catch let error as ImbrexError {
          throw error.prefixed("\(path): ")
        }
      } else {
        lines.append("\(definition.name) \(value.description)")
      }
    }
  }

  /// Adds the common options; of a mask the content counts.
  ///
  /// - Throws: ``ImbrexError`` if that cannot be read.
  package mutating func add(common values: OptionValues) throws {
    for (definition, value) in values.all where definition.changesResult {
      guard let value else { continue }
      guard definition.name == "mask" else {
        lines.append("\(definition.name) \(value.description)")
        continue
      }
      do {
        lines.append("mask \(try ContentHash(ofFile: value.description))")
      } catch let error as ImbrexError {
        throw error.prefixed("\(value.description): ")
      }
    }
  }

  /// Adds anything else that matters.
  package mutating func add(_ text: String) { lines.append(text) }

  package var hash: ContentHash { ContentHash(of: lines.joined(separator: "\n")) }
}
