package import Pipeline
import Platform

/// What a filter of a plug-in says of itself, as one of imbrex's own does in its definition.
package struct PluginDescription: Equatable, Sendable {
  package var name: String
  /// One sentence.
  package var help: String
  /// The types of samples that it takes; empty: all.
  package var types: Set<PluginSampleType>
  package var parameters: [PluginParameter]
}

/// A parameter of a plug-in.
package struct PluginParameter: Equatable, Sendable {
  enum Kind: Equatable, Sendable {
    case integer(ClosedRange<Int>, default: Int)
    case number(ClosedRange<Double>, default: Double)
    case choice([String], default: String)
    case text(default: String)
  }

  var name: String
  var help: String
  var kind: Kind

  /// The same as an option: checks and help come from there, as those of imbrex's own filters do.
  package var definition: OptionDefinition {
    switch kind {
    case .integer(let range, let value):
      OptionDefinition(name, .integer(range), valueName: "n", default: .integer(value), help: help)
    case .number(let range, let value):
      OptionDefinition(name, .number(range), valueName: "x", default: .number(value), help: help)
    case .choice(let words, let word):
      OptionDefinition(name, .choice(words), valueName: "word", default: .choice(word), help: help)
    case .text(let text):
      OptionDefinition(
        name, .text(allowed: "text without a zero byte") { !$0.utf8.contains(0) }, valueName: "text",
        default: .text(text), help: help)
    }
  }
}

/// The types of samples that the interface knows, by their number there.
package enum PluginSampleType: Int, CaseIterable, Sendable {
  case uint8 = 1, uint16 = 2, float32 = 4, float64 = 8

  package var name: String { "\(self)" }
}

// MARK: - As bytes, between a worker process and imbrex

extension PluginDescription {
  func write(to message: inout PluginMessage) {
    message.add(name)
    message.add(help)
    message.add(types.reduce(0) { $0 | $1.rawValue })
    message.add(parameters.count)
    for parameter in parameters { parameter.write(to: &message) }
  }

  init(from message: inout PluginMessage) throws {
    name = try message.text()
    help = try message.text()
    let mask = try message.integer()
    types = Set(PluginSampleType.allCases.filter { mask & $0.rawValue != 0 })
    parameters = []
    for _ in 0..<(try message.count()) { parameters.append(try PluginParameter(from: &message)) }
  }
}

extension PluginParameter {
  func write(to message: inout PluginMessage) {
    message.add(name)
    message.add(help)
    switch kind {
    case .integer(let range, let value):
      for number in [1, range.lowerBound, range.upperBound, value] { message.add(number) }
    case .number(let range, let value):
      message.add(2)
      for number in [range.lowerBound, range.upperBound, value] { message.add(number) }
    case .choice(let words, let word):
      message.add(3)
      message.add(words.count)
      for word in words + [word] { message.add(word) }
    case .text(let text):
      message.add(4)
      message.add(text)
    }
  }

  init(from message: inout PluginMessage) throws {
    name = try message.text()
    help = try message.text()
    switch try message.integer() {
    case 1:
      let (low, high) = (try message.integer(), try message.integer())
      guard low <= high else { throw PluginMessage.damaged }
      kind = .integer(low...high, default: try message.integer())
    case 2:
      let (low, high) = (try message.number(), try message.number())
      guard low <= high else { throw PluginMessage.damaged }
      kind = .number(low...high, default: try message.number())
    case 3:
      var words: [String] = []
      for _ in 0..<(try message.count()) { words.append(try message.text()) }
      kind = .choice(words, default: try message.text())
    case 4: kind = .text(default: try message.text())
    default: throw PluginMessage.damaged
    }
  }
}
