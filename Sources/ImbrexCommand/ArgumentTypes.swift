public import ArgumentParser
public import Imbrex

// Option values that are more than a number: each says what it is and checks its range.

/// A standard deviation, for both axes or `SY,SX`.
struct SigmaArgument: ExpressibleByArgument {
  static let range = 0.0...10000
  var y, x: Double

  init(_ sigma: Double) { (y, x) = (sigma, sigma) }

  init?(argument: String) {
    let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    guard values.count == 1 || values.count == 2, let y = values.first!, let x = values.last! else { return nil }
    guard Self.range.contains(y) && Self.range.contains(x) else { return nil }
    (self.y, self.x) = (y, x)
  }

  var defaultValueDescription: String { y == x ? shortest(y) : "\(shortest(y)),\(shortest(x))" }
}

/// Two whole numbers above 0, as `RxC` or `HxW`.
struct PairArgument: ExpressibleByArgument {
  var first, second: Int

  init?(argument: String) {
    let values = argument.lowercased().split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard values.count == 2, let first = values[0], let second = values[1] else { return nil }
    let range = 1...Int(Int32.max)
    guard range.contains(first) && range.contains(second) else { return nil }
    (self.first, self.second) = (first, second)
  }
}

/// Ghost cells: one number for both axes, or `NY,NX`.
struct HaloArgument: ExpressibleByArgument {
  var y, x: Int

  init?(argument: String) {
    let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard values.count == 1 || values.count == 2, let y = values.first!, let x = values.last! else { return nil }
    guard (0...1_000_000).contains(y) && (0...1_000_000).contains(x) else { return nil }
    (self.y, self.x) = (y, x)
  }
}

/// A number of bytes: `512M`, `2G`, `1.5GiB`, `100000`.
struct MemoryArgument: ExpressibleByArgument {
  var byteCount: Int

  init?(argument: String) {
    var text = argument.uppercased()[...]
    for suffix in ["IB", "B"] where text.hasSuffix(suffix) {
      text = text.dropLast(suffix.count)
      break
    }
    var factor = 1.0
    if let unit = text.last, let power = "KMGT".firstIndex(of: unit) {
      factor = Double(1 << (10 * (1 + "KMGT".distance(from: "KMGT".startIndex, to: power))))
      text = text.dropLast()
    }
    guard let number = Double(text), number > 0, number * factor < 9e18 else { return nil }
    byteCount = Int(number * factor)
  }
}

/// How hard to compress: a name, or a deflate level 0 … 9.
struct CompressionArgument: ExpressibleByArgument {
  var level: Int

  init?(argument: String) {
    switch argument {
    case "fast": level = 1
    case "balanced": level = 2
    case "small": level = 6
    default:
      guard let number = Int(argument), (0...9).contains(number) else { return nil }
      level = number
    }
  }
}

/// A sample type to write: `8`, `16` or `32f`.
struct BitDepthArgument: ExpressibleByArgument {
  var sampleType: SampleType

  init?(argument: String) {
    guard let type = ["8": SampleType.uint8, "16": .uint16, "32f": .float32][argument] else { return nil }
    sampleType = type
  }
}

/// A colour: `white`, `black`, `gray`, `#rgb`, `#rrggbb`, or `R,G,B` with 0 … 255.
struct ColorArgument: ExpressibleByArgument {
  var background: Background

  init?(argument: String) {
    var levels: [Int?]
    if let named = ["white": 255, "black": 0, "gray": 128, "grey": 128][argument.lowercased()] {
      levels = [named, named, named]
    } else if argument.hasPrefix("#"), argument.utf8.allSatisfy({ $0 < 0x80 }) {
      let digits = argument.dropFirst().map(String.init)
      switch digits.count {
      case 3: levels = digits.map { Int($0 + $0, radix: 16) }
      case 6: levels = [0, 2, 4].map { Int(digits[$0] + digits[$0 + 1], radix: 16) }
      default: return nil
      }
    } else {
      levels = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    }
    guard levels.count == 3, levels.allSatisfy({ $0.map { (0...255).contains($0) } ?? false }) else { return nil }
    let parts = levels.map { Float($0!) / 255 }
    background = Background(red: parts[0], green: parts[1], blue: parts[2])
  }
}

/// Pages of a file, from 1: `3` or `2-5`.
struct PageArgument: ExpressibleByArgument {
  var first, last: Int

  init?(argument: String) {
    let numbers = argument.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 1 || numbers.count == 2, let first = numbers.first!, let last = numbers.last! else {
      return nil
    }
    guard first >= 1 && last >= first && last <= Int(Int32.max) else { return nil }
    (self.first, self.last) = (first, last)
  }
}

/// A boundary mode under any of its names.
struct BoundaryArgument: ExpressibleByArgument {
  var boundary: Boundary

  init(_ boundary: Boundary) { self.boundary = boundary }

  init?(argument: String) {
    guard let boundary = Boundary(name: argument) else { return nil }
    self.boundary = boundary
  }

  var defaultValueDescription: String { boundary.rawValue }
  static var allValueStrings: [String] { Boundary.allCases.map(\.rawValue) }
}

extension Sobel.Operator: ExpressibleByArgument {}
extension Sobel.Direction: ExpressibleByArgument {}
extension BlobDetector.Method: ExpressibleByArgument {}

extension ImageFormat: ExpressibleByArgument {
  public init?(argument: String) { self.init(named: argument) }
  public static var allValueStrings: [String] { all.map(\.name) }
}


extension ParsableArguments {
  /// A usage error that names an option, what was given and what is allowed.
  func check(_ isAllowed: Bool, _ option: String, _ value: Any, _ allowed: String) throws {
    guard isAllowed else { throw ImbrexError(.usage, "\(option) is \(value), but must be \(allowed)") }
  }
}
