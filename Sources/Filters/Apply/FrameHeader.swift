import Platform

/// What a frame says of itself before its samples.
struct FrameHeader: Equatable {
  /// How samples are made of a frame's bytes.
  enum Coding: Equatable {
    /// As they are, or with the bytes of each the other way around.
    case numbers(isSwapped: Bool)
    /// 0 … `largest`, to be spread over all of the type.
    case scaled(largest: Int, isSwapped: Bool)
    /// NumPy's bool: true becomes 255.
    case truths
    /// A bit a pixel, in rows of whole bytes; 1 is black.
    case bits
  }

  var kind: PixelKind
  /// Pixels; nil for a NumPy array of another number of axes.
  var width: Int
  var height: Int
  /// In words for messages: "10 × 20 pixels", "shape (20, 10)".
  var shape: String
  var coding: Coding
  /// NumPy's `fortran_order`: the first axis varies fastest.
  var isFortran = false
  /// Bytes of the header itself.
  var byteCount = 0

  /// Bytes of the samples, of a frame of a tile's width and height.
  var dataBytes: Int { (coding == .bits ? (width + 7) / 8 : width * kind.bytesPerPixel) * height }

  /// The longest header that is looked at.
  static let longest = 1 << 16
  /// As for plug-ins.
  private static let mostChannels = 4096

  /// Reads a header.
  ///
  /// - Returns: Nil if it goes on behind these bytes.
  /// - Throws: ``ImbrexError`` if they are not the beginning of a frame.
  init?(_ bytes: [UInt8]) throws {
    guard let first = bytes.first else { return nil }
    let found: FrameHeader?
    if first == 0x93 {
      found = try Self.npy(bytes)
    } else if first == UInt8(ascii: "P") {
      guard bytes.count > 1 else { return nil }
      found = try bytes[1] == UInt8(ascii: "7") ? Self.pam(bytes) : Self.pnm(bytes)
    } else {
      throw Self.noFrame(bytes)
    }
    if let found {
      guard found.kind.channels <= Self.mostChannels else {
        throw Self.failed(
          "the command writes \(found.kind.channels) channels, but at most \(Self.mostChannels) are taken")
      }
      self = found
    } else {
      guard bytes.count < Self.longest else { throw Self.noFrame(bytes) }
      return nil
    }
  }

  private init(kind: PixelKind, width: Int, height: Int, shape: String? = nil, coding: Coding) {
    (self.kind, self.width, self.height, self.coding) = (kind, width, height, coding)
    self.shape = shape ?? "\(width) × \(height) pixels"
  }

  /// Bytes that are something else.
  static func noFrame(_ bytes: [UInt8]) -> ImbrexError {
    let start = String(decoding: bytes.prefix(24), as: UTF8.self)
    return failed("what the command writes is no PAM, PNM or npy: it begins with '\(start)'")
  }

  static func failed(_ message: String) -> ImbrexError { ImbrexError(.input, message, cause: .functionFailed) }

  // MARK: - Netpbm

  private init(netpbm kind: PixelKind, width: Int, height: Int, largest: Int) throws {
    guard width > 0, height > 0, kind.channels > 0, (1...65535).contains(largest) else {
      throw Self.failed(
        "the command writes a frame of \(width) × \(height) pixels in \(kind.channels) channels up to \(largest)")
    }
    let isWide = largest > 255, isSwapped = isWide && 1.bigEndian != 1
    let bits = (1...16).first { 1 << $0 - 1 == largest }
    var kind = kind
    kind.number = isWide ? .uint16 : .uint8
    kind.bits = isWide ? bits ?? 16 : 8
    let isWhole = isWide ? bits != nil : largest == 255
    self.init(
      kind: kind, width: width, height: height,
      coding: isWhole ? .numbers(isSwapped: isSwapped) : .scaled(largest: largest, isSwapped: isSwapped))
  }

  private static func pnm(_ bytes: [UInt8]) throws -> FrameHeader? {
    let letter = bytes[1]
    guard [UInt8(ascii: "4"), UInt8(ascii: "5"), UInt8(ascii: "6")].contains(letter) else { throw noFrame(bytes) }
    let wanted = letter == UInt8(ascii: "4") ? 2 : 3
    var numbers: [Int] = [], at = 2
    while numbers.count < wanted {
      // White space, with comments in it.
      guard at < bytes.count else { return nil }
      if bytes[at] == UInt8(ascii: "#") {
        guard let end = bytes[at...].firstIndex(of: 0x0A) else { return nil }
        at = end + 1
      } else if isSpace(bytes[at]) {
        at += 1
      } else {
        let digits = bytes[at...].prefix { (0x30...0x39).contains($0) }
        guard digits.endIndex < bytes.count else { return nil }
        guard let number = Int(String(decoding: digits, as: UTF8.self)), isSpace(bytes[digits.endIndex]) else {
          throw noFrame(bytes)
        }
        numbers.append(number)
        at = digits.endIndex
      }
    }
    // One white space, then samples.
    let kind = PixelKind(.uint8, channels: letter == UInt8(ascii: "6") ? 3 : 1, hasAlpha: false)
    var header = try FrameHeader(
      netpbm: kind, width: numbers[0], height: numbers[1], largest: wanted == 2 ? 255 : numbers[2])
    if wanted == 2 { header.coding = .bits }
    header.byteCount = at + 1
    return header
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func pam(_ bytes: [UInt8]) throws -> FrameHeader? {
    var fields: [String: Int] = [:], type = "", at = 0
    while let end = bytes[at...].firstIndex(of: 0x0A) {
      let line = String(decoding: bytes[at..<end], as: UTF8.self)
      at = end + 1
      let words = line.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
      guard let name = words.first, !name.hasPrefix("#"), name != "P7" else { continue }
      if name == "ENDHDR" {
        let channels = fields["DEPTH"] ?? 0
        let kind = PixelKind(
          .uint8, channels: channels, hasAlpha: type.isEmpty ? nil : type.hasSuffix("_ALPHA"))
        var header = try FrameHeader(
          netpbm: kind, width: fields["WIDTH"] ?? 0, height: fields["HEIGHT"] ?? 0, largest: fields["MAXVAL"] ?? 0)
        header.byteCount = at
        return header
      }
      if name == "TUPLTYPE" {
        type = words.dropFirst().joined(separator: " ")
      } else {
        guard words.count == 2, let number = Int(words[1]), number > 0 else { throw noFrame(bytes) }
        fields[name] = number
      }
    }
    return nil
  }

  // MARK: - NumPy

  private static func npy(_ bytes: [UInt8]) throws -> FrameHeader? {
    guard bytes.count >= 12 else { return nil }
    guard bytes[..<6].elementsEqual([0x93] + "NUMPY".utf8), (1...3).contains(bytes[6]) else { throw noFrame(bytes) }
    let isLong = bytes[6] > 1
    let length =
      isLong
      ? (0..<4).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) } : Int(bytes[8]) | Int(bytes[9]) << 8
    let start = isLong ? 12 : 10
    guard length <= longest else { throw noFrame(bytes) }
    guard bytes.count >= start + length else { return nil }
    let text = String(decoding: bytes[start..<(start + length)], as: UTF8.self)
    guard let descriptor = value(of: "descr", in: text), let order = value(of: "fortran_order", in: text),
      let shape = value(of: "shape", in: text), shape.first == "("
    else { throw noFrame(bytes) }
    let inner = shape.dropFirst().prefix { $0 != ")" }
    let sizes = inner.split(separator: ",").map { Int($0.trimmed) }
    guard descriptor.first == "'" || descriptor.first == "\"" else {
      throw failed("the command writes an array of records: numbers are wanted")
    }
    let type = descriptor.dropFirst().prefix { $0 != "'" && $0 != "\"" }
    guard let (number, isSwapped, isTruth) = numberType(type) else {
      throw failed("the command writes an array of type '\(type)': numbers of 8 to 64 bits are wanted")
    }
    // An array of other axes has a size that no tile has.
    let known = sizes.compactMap { $0 }
    let isPicture = known.count == sizes.count && (2...3).contains(known.count) && known.allSatisfy { $0 > 0 }
    let kind = PixelKind(number, channels: isPicture && known.count == 3 ? known[2] : 1)
    var header = FrameHeader(
      kind: kind, width: isPicture ? known[1] : 0, height: isPicture ? known[0] : 0, shape: "shape (\(inner))",
      coding: isTruth ? .truths : .numbers(isSwapped: isSwapped))
    header.isFortran = order.hasPrefix("True")
    header.byteCount = start + length
    return header
  }

  /// What stands behind a key of a Python dictionary.
  private static func value(of key: String, in text: String) -> Substring? {
    for quote in ["'", "\""] {
      let name = Array("\(quote)\(key)\(quote)".utf8), bytes = Array(text.utf8)
      guard bytes.count > name.count else { return nil }
      for at in 0..<(bytes.count - name.count) where bytes[at..<(at + name.count)].elementsEqual(name) {
        let rest = String(decoding: bytes[(at + name.count)...], as: UTF8.self)
        return rest.drop { $0 == " " || $0 == ":" }
      }
    }
    return nil
  }

  /// `<u2` and the like.
  private static func numberType(_ text: Substring) -> (NumberType, isSwapped: Bool, isTruth: Bool)? {
    guard let order = text.first, "<>|=".contains(order) else { return nil }
    let name = text.dropFirst()
    if name == "b1" { return (.uint8, false, true) }
    guard let found = NumberType.allCases.first(where: { $0.descriptor.dropFirst() == name }) else { return nil }
    let isBigEndian = order == ">" || (order == "=" && 1.bigEndian == 1)
    return (found, found.byteCount > 1 && isBigEndian != (1.bigEndian == 1), false)
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var rest = self.drop { $0 == " " }
    while rest.last == " " || rest.last == "L" { rest.removeLast() }
    return rest
  }
}
