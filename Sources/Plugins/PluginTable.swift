import Pipeline
import Platform
internal import PluginInterface

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reads what a plug-in says of a filter, and says what is wrong with it.
enum PluginTable {
  private static let maxCount = 1000
  private static let maxText = 4096

  static func description(of filter: UnsafePointer<imbrex_filter>, number: Int) throws -> PluginDescription {
    // Of another version nothing else may be read.
    let version = UnsafeRawPointer(filter).load(as: Int32.self)
    guard version == IMBREX_FILTER_VERSION else {
      throw ImbrexError(
        .input,
        "is made for version \(version) of imbrex_filter.h (filter \(number)), but this imbrex has version \(IMBREX_FILTER_VERSION)"
      )
    }
    let table = filter.pointee
    let name = try self.name(table.name, of: "filter \(number)")
    let types = PluginSampleType.allCases.filter { Int(table.types) & $0.rawValue != 0 }
    guard types.reduce(0, { $0 | $1.rawValue }) == Int(table.types) else {
      throw ImbrexError(.input, "has a filter \(name) of unknown types of samples: \(table.types)")
    }
    guard table.apply != nil else { throw ImbrexError(.input, "has a filter \(name) without a function") }
    let count = Int(table.parameter_count)
    guard (0...maxCount).contains(count), count == 0 || table.parameters != nil else {
      throw ImbrexError(.input, "has a filter \(name) with \(count) parameters\(count > 0 ? ", which are NULL" : "")")
    }
    var parameters: [PluginParameter] = []
    for index in 0..<count {
      let parameter = try self.parameter(table.parameters[index], number: index + 1, of: name)
      guard !parameters.contains(where: { $0.name == parameter.name }) else {
        throw ImbrexError(.input, "has a filter \(name) with two parameters \(parameter.name)")
      }
      parameters.append(parameter)
    }
    return PluginDescription(
      name: name, help: try text(table.help, "help of \(name)"), types: Set(types), parameters: parameters)
  }

  private static func parameter(
    _ parameter: imbrex_parameter, number: Int, of filter: String
  ) throws -> PluginParameter {
    let name = try self.name(parameter.name, of: "parameter \(number) of \(filter)")
    let place = "the parameter \(name) of \(filter)"
    func wrong(_ what: String) -> ImbrexError { ImbrexError(.input, "is wrong about \(place): \(what)") }
    let help = try text(parameter.help, "help of \(place)")
    let (low, high, value) = (parameter.minimum, parameter.maximum, parameter.default_number)
    let isAny = low == 0 && high == 0
    func checkRange() throws {
      guard low.isFinite, high.isFinite, value.isFinite else { throw wrong("its numbers are not finite") }
      guard low <= high else { throw wrong("its range is \(shortest(low)) … \(shortest(high))") }
      guard isAny || (low...high).contains(value) else {
        throw wrong("its default \(shortest(value)) is not in \(shortest(low)) … \(shortest(high))")
      }
    }
    switch parameter.type {
    case Int32(IMBREX_INTEGER):
      try checkRange()
      // Beyond that doubles are not all whole numbers.
      guard let low = Int(exactly: low), let high = Int(exactly: high), let value = Int(exactly: value),
        [low, high, value].allSatisfy({ abs($0) <= 1 << 53 })
      else { throw wrong("its numbers are not whole") }
      return PluginParameter(
        name: name, help: help, kind: .integer(isAny ? Int.min...Int.max : low...high, default: value))
    case Int32(IMBREX_NUMBER):
      try checkRange()
      let all = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
      return PluginParameter(name: name, help: help, kind: .number(isAny ? all : low...high, default: value))
    case Int32(IMBREX_CHOICE):
      guard let list = parameter.choices else { throw wrong("it has no choices") }
      var words: [String] = []
      while let word = list[words.count] {
        guard words.count < maxCount else { throw wrong("its choices have no NULL at their end") }
        words.append(try text(word, "choice \(words.count + 1) of \(place)"))
      }
      guard let first = words.first else { throw wrong("it has no choices") }
      let word = try parameter.default_text.map { try text($0, "default of \(place)") } ?? first
      guard words.contains(word) else { throw wrong("its default '\(word)' is none of its choices") }
      return PluginParameter(name: name, help: help, kind: .choice(words, default: word))
    case Int32(IMBREX_TEXT):
      let value = try parameter.default_text.map { try text($0, "default of \(place)") } ?? ""
      return PluginParameter(name: name, help: help, kind: .text(default: value))
    default: throw wrong("its type is \(parameter.type)")
    }
  }

  /// Letters, digits, `-` and `_`: what can be typed behind a colon and before an equals sign.
  private static func name(_ pointer: UnsafePointer<CChar>?, of thing: String) throws -> String {
    let name = try text(pointer, "name of \(thing)")
    let isPlain = name.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
      default: false
      }
    }
    guard isPlain, (1...64).contains(name.utf8.count) else {
      throw ImbrexError(.input, "has a wrong name of \(thing): '\(name)' is not of letters, digits, - and _")
    }
    return name
  }

  private static func text(_ pointer: UnsafePointer<CChar>?, _ what: String) throws -> String {
    guard let pointer else { throw ImbrexError(.input, "has no \(what)") }
    let length = strnlen(pointer, maxText)
    guard length < maxText else { throw ImbrexError(.input, "has an endless \(what)") }
    return PathText.printable(PathText.text(UnsafeRawBufferPointer(start: pointer, count: length)))
  }
}
