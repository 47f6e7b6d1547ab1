import Pictures
package import Pipeline
import Platform

/// A filter of a plug-in with the values of its parameters, ready to run.
package struct Plugin: Sendable {
  package let description: PluginDescription
  package let reach: PluginReach
  private let host: any PluginHost
  private let outputs = Locked([PluginPicture: PluginPicture]())

  /// Where the filters of a library run.
  package enum Place: Sendable {
    case here
    /// In worker processes.
    ///
    /// - Parameter timeout: Seconds that a call may take; nil: any.
    case workers(timeout: Double?)
  }

  /// - Parameters:
  ///   - reference: `FILE` or `FILE:NAME`.
  ///   - settings: `KEY=VALUE`, for parameters.
  /// - Throws: ``ImbrexError``, a usage error.
  package init(_ reference: String, settings: [String], in place: Place) throws {
    let reference = PluginReference(reference)
    let host = try reference.open(in: place)
    let index = try reference.choose(of: host.filters)
    let description = host.filters[index]
    let values = try description.values(settings)
    reach = try reference.calling {
      try host.choose(index, description.parameters.map { values[$0.name]! })
      return try host.reach()
    }
    self.description = description
    self.host = host
  }

  /// What it makes of a picture.
  ///
  /// - Throws: ``ImbrexError`` if it does not take it.
  package func output(for picture: PluginPicture) throws -> PluginPicture {
    if let known = outputs.withLock({ $0[picture] }) { return known }
    do {
      let made = try host.output(for: picture)
      outputs.withLock { $0[picture] = made }
      return made
    } catch let error as ImbrexError {
      throw error.prefixed("\(description.name) ")
    }
  }

  package func makeRunner() throws -> any PluginRunner { try host.makeRunner() }
}

/// `FILE` or `FILE:NAME`: a library, and one of its filters.
package struct PluginReference: Sendable {
  package let path: String
  /// Nil: the only one, or the first.
  package let name: String?

  package init(_ text: String) { (path, name) = OptionDefinition.libraryParts(text) }

  /// The filters of the library.
  package func describe(in place: Plugin.Place) throws -> [PluginDescription] { try open(in: place).filters }

  func open(in place: Plugin.Place) throws -> any PluginHost {
    try calling {
      // What can be seen from outside needs no process.
      try LibraryFile.check(path)
      switch place {
      case .here: return try LocalPlugin(path: path)
      case .workers(let timeout): return try RemotePlugin(path: path, timeout: timeout)
      }
    }
  }

  /// Makes errors of the library errors of the option.
  func calling<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch var error as ImbrexError {
      error.option = "plugin"
      error.code = .usage
      error.message = "'\(path)' \(error.message)"
      throw error
    }
  }

  /// The number of the filter that is meant.
  package func choose(of filters: [PluginDescription]) throws -> Int {
    let names = filters.map(\.name)
    guard let name else {
      guard filters.count == 1 else {
        throw ImbrexError(
          option: "plugin",
          "'\(path)' has \(filters.count) filters: name one, as in \(path):\(names[0]) (\(names.joined(separator: ", ")))"
        )
      }
      return 0
    }
    guard let index = names.firstIndex(of: name) else {
      let near = nearestName(to: name, in: names).map { "; did you mean '\($0)'?" } ?? ""
      throw ImbrexError(
        option: "plugin", "'\(path)' has no filter '\(name)'\(near) (\(names.joined(separator: ", ")))")
    }
    return index
  }
}

extension PluginDescription {
  /// The values of all parameters.
  ///
  /// - Parameter settings: `KEY=VALUE` each.
  /// - Throws: ``ImbrexError``, a usage error.
  package func values(_ settings: [String]) throws -> OptionValues {
    let definitions = parameters.map(\.definition)
    var values = OptionValues(definitions)
    for setting in settings {
      guard let equals = setting.utf8.firstIndex(of: 0x3D) else {
        throw ImbrexError(option: "set", "is '\(setting)', but must be NAME=VALUE")
      }
      let name = String(setting[..<equals]), text = String(setting[setting.utf8.index(after: equals)...])
      guard let definition = definitions.first(where: { $0.name == name }) else {
        guard !definitions.isEmpty else {
          throw ImbrexError(option: "set", "names '\(name)', but \(self.name) has no parameters")
        }
        let names = definitions.map(\.name)
        let near = nearestName(to: name, in: names).map { "; did you mean '\($0)'?" } ?? ""
        throw ImbrexError(
          option: "set", "names '\(name)', which \(self.name) does not have\(near) (\(names.joined(separator: ", ")))")
      }
      guard !values.isGiven(name) else { throw ImbrexError(option: "set", "gives \(name) twice") }
      do {
        values[name] = try definition.value(of: text)
      } catch let error as ImbrexError {
        throw ImbrexError(option: "set", "\(name) \(error.message)")
      }
    }
    return values
  }
}
