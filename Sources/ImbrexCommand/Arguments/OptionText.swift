package import Imbrex

/// What the text of an option stands for, where that is more than a number or a word. Nil for text that says nothing of the
/// kind: the lists of options check with these functions what the wiring then reads with them.
package enum OptionText {
  /// A number of bytes: `512M`, `2G`, `1.5GiB`, `100000`.
  package static func byteCount(_ text: String) -> Int? {
    var text = text.uppercased()[...]
    for suffix in ["IB", "B"] where text.hasSuffix(suffix) {
      text = text.dropLast(suffix.count)
      break
    }
    var factor = 1.0
    if let unit = text.last, let power = Array("KMGT").firstIndex(of: unit) {
      factor = Double(1 << (10 * (1 + power)))
      text = text.dropLast()
    }
    guard let number = decimalNumber(String(text)), number > 0, number * factor < 9e18 else { return nil }
    return Int(number * factor)
  }

  /// How hard to deflate, as a level 0 … 9: a level, or `fast`, `balanced`, `small`.
  package static func compressionLevel(_ text: String) -> Int? {
    if let level = ["fast": 1, "balanced": 2, "small": 6][text] { return level }
    return wholeNumber(text).flatMap { (0...9).contains($0) ? $0 : nil }
  }

  /// A sample type to write: `8`, `16` or `32f`.
  package static func sampleType(_ text: String) -> SampleType? {
    ["8": SampleType.uint8, "16": .uint16, "32f": .float32][text]
  }

  /// A colour: `white`, `black`, `gray`, `#rgb`, `#rrggbb`, or `R,G,B` with 0 … 255.
  package static func color(_ text: String) -> Background? {
    var levels: [Int?]
    if let named = ["white": 255, "black": 0, "gray": 128, "grey": 128][text.lowercased()] {
      levels = [named, named, named]
    } else if text.hasPrefix("#") {
      let digits = text.utf8.dropFirst().map { Int(String(UnicodeScalar($0)), radix: 16) }
      guard digits.allSatisfy({ $0 != nil }) else { return nil }
      switch digits.count {
      case 3: levels = digits.map { $0! * 17 }
      case 6: levels = [0, 2, 4].map { digits[$0]! * 16 + digits[$0 + 1]! }
      default: return nil
      }
    } else {
      levels = numbers(text, separatedBy: ",")
    }
    guard levels.count == 3, levels.allSatisfy({ $0.map { (0...255).contains($0) } ?? false }) else { return nil }
    let parts = levels.map { Float($0!) / 255 }
    return Background(red: parts[0], green: parts[1], blue: parts[2])
  }

  /// Pages of a file, from 1: `3` or `2-5`.
  package static func pages(_ text: String) -> ClosedRange<Int>? {
    let numbers = numbers(text, separatedBy: "-")
    guard numbers.count <= 2, let first = numbers.first!, let last = numbers.last! else { return nil }
    guard first >= 1 && last >= first && last <= Int(Int32.max) else { return nil }
    return first...last
  }

  /// Ghost cells: one number for both axes, or `NY,NX`.
  package static func halo(_ text: String) -> (y: Int, x: Int)? {
    let numbers = numbers(text, separatedBy: ",")
    guard numbers.count <= 2, let y = numbers.first!, let x = numbers.last! else { return nil }
    guard (0...1_000_000).contains(y) && (0...1_000_000).contains(x) else { return nil }
    return (y, x)
  }

  /// A rectangle of pixels, `WxH+X+Y`: 640x480+100+50 is 640 columns and 480 rows from column 100, row 50.
  package static func region(_ text: String) -> Region? {
    let parts = text.split(separator: "+", omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    let size = numbers(parts[0].lowercased(), separatedBy: "x")
    guard size.count == 2, let width = size[0], let height = size[1], let x = number(parts[1]),
      let y = number(parts[2])
    else { return nil }
    let range = 0...Int(Int32.max)
    guard width > 0, height > 0, [width, height, x, y].allSatisfy(range.contains) else { return nil }
    return Region(x: x, y: y, width: width, height: height)
  }

  /// A size in pixels, `WxH`: each 100 … 32767.
  package static func extent(_ text: String) -> (width: Int, height: Int)? {
    let size = numbers(text.lowercased(), separatedBy: "x")
    guard size.count == 2, let width = size[0], let height = size[1] else { return nil }
    return (100...32767).contains(width) && (100...32767).contains(height) ? (width, height) : nil
  }

  /// Worker counts to time: `1,2,4`, each 1 … 4096.
  package static func workerCounts(_ text: String) -> [Int]? {
    let counts = numbers(text, separatedBy: ",")
    guard counts.allSatisfy({ $0.map { (1...4096).contains($0) } ?? false }) else { return nil }
    return counts.map { $0! }
  }

  private static func numbers(_ text: String, separatedBy separator: Character) -> [Int?] {
    text.split(separator: separator, omittingEmptySubsequences: false).map { number($0) }
  }

  /// Digits and nothing else: a sign would be a mistake in all of these.
  private static func number(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }
}
