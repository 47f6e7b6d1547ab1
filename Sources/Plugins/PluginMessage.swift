import Pipeline
import Platform

/// Numbers and text as bytes, between imbrex and its worker processes: both are the same program.
struct PluginMessage {
  private(set) var bytes: [UInt8]
  private var next = 0

  init(_ bytes: [UInt8] = []) { self.bytes = bytes }

  /// What has been read from a process that a plug-in may have written over.
  static let damaged = ImbrexError(.input, "answers nonsense")

  mutating func add(_ number: Int) { withUnsafeBytes(of: number) { bytes += $0 } }
  mutating func add(_ number: Double) { withUnsafeBytes(of: number) { bytes += $0 } }
  mutating func add(_ text: String) {
    let text = PathText.bytes(text)
    add(text.count)
    bytes += text
  }

  mutating func add(bytes: [UInt8]) { self.bytes += bytes }

  mutating func integer() throws -> Int { try value() }
  mutating func number() throws -> Double { try value() }
  mutating func text() throws -> String {
    let length = try integer()
    guard length >= 0, length <= bytes.count - next else { throw Self.damaged }
    defer { next += length }
    return PathText.text(bytes[next..<(next + length)])
  }
  /// How many things follow, each of at least eight bytes.
  mutating func count() throws -> Int {
    let count = try integer()
    guard count >= 0, count <= (bytes.count - next) / 8 else { throw Self.damaged }
    return count
  }

  private mutating func value<Value: BitwiseCopyable>() throws -> Value {
    guard bytes.count - next >= MemoryLayout<Value>.size else { throw Self.damaged }
    defer { next += MemoryLayout<Value>.size }
    return bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: next, as: Value.self) }
  }
}

/// What a worker process is asked.
enum PluginRequest: Int {
  /// A path: describe the filters of a library.
  case load = 1
  /// The number of a filter and values for its parameters: use these from now on.
  case choose
  case reach
  /// A picture: what is made of it?
  case output
  /// A tile in the shared memory.
  case apply
}

extension OptionValue {
  func write(to message: inout PluginMessage) {
    switch self {
    case .integer(let number):
      message.add(1)
      message.add(number)
    case .number(let number):
      message.add(2)
      message.add(number)
    case .choice(let text):
      message.add(3)
      message.add(text)
    default:
      message.add(4)
      message.add(description)
    }
  }

  init(from message: inout PluginMessage) throws {
    switch try message.integer() {
    case 1: self = .integer(try message.integer())
    case 2: self = .number(try message.number())
    case 3: self = .choice(try message.text())
    case 4: self = .text(try message.text())
    default: throw PluginMessage.damaged
    }
  }
}
