import Pictures

import Platform

/// How tiles travel through a pipe. What comes back may be of any of them, whatever goes out.
enum FrameFormat: String, CaseIterable, Sendable {
  /// Netpbm's PAM: unsigned integers of 8 or 16 bits in any number of channels.
  case pam
  /// NumPy's format: numbers of all types.
  case npy
  /// Netpbm's PGM and PPM.
  case pnm

  /// - Throws: ``ImbrexError`` for pixels that it cannot carry.
  func check(_ kind: PixelKind) throws {
    guard self != .npy else { return }
    let isUnsigned = kind.number == .uint8 || kind.number == .uint16
    guard !isUnsigned || (self == .pnm && kind.channels != 1 && kind.channels != 3) else { return }
    let what = isUnsigned ? "\(kind.channels) channels" : "\(kind.name) samples"
    throw ImbrexError(
      .input, "\(rawValue.uppercased()) frames cannot carry \(what)",
      remedy: .init("frames", value: isUnsigned ? "pam" : "npy"), cause: .unsupported)
  }

  /// Whether numbers of several bytes begin with the highest.
  private var isBigEndian: Bool { self != .npy }

  /// Whether samples have to be turned around on their way into a frame.
  func swaps(_ kind: PixelKind) -> Bool { isBigEndian != (1.bigEndian == 1) && kind.number.byteCount > 1 }

  /// What comes before the samples.
  ///
  /// - Parameter comments: Lines for formats that have room for them.
  func header(_ kind: PixelKind, width: Int, height: Int, comments: [String]) -> [UInt8] {
    let largest = 1 << kind.bits - 1
    let lines = comments.map { "# \($0)\n" }.joined()
    switch self {
    case .pam:
      let type = kind.tupleType.map { "TUPLTYPE \($0)\n" } ?? ""
      return Array(
        "P7\n\(lines)WIDTH \(width)\nHEIGHT \(height)\nDEPTH \(kind.channels)\nMAXVAL \(largest)\n\(type)ENDHDR\n".utf8)
    case .pnm: return Array("P\(kind.channels == 1 ? 5 : 6)\n\(lines)\(width) \(height)\n\(largest)\n".utf8)
    case .npy:
      let shape = kind.channels == 1 ? "(\(height), \(width))" : "(\(height), \(width), \(kind.channels))"
      let text = "{'descr': '\(kind.number.descriptor)', 'fortran_order': False, 'shape': \(shape), }"
      // The whole header is a multiple of 64 bytes and ends with a newline.
      let length = (10 + text.utf8.count + 1 + 63) / 64 * 64 - 10
      let padding = String(repeating: " ", count: length - text.utf8.count - 1)
      return [0x93] + "NUMPY".utf8 + [1, 0, UInt8(length & 255), UInt8(length >> 8)] + (text + padding + "\n").utf8
    }
  }
}

extension NumberType {
  /// NumPy's name, little-endian.
  var descriptor: String {
    let letter =
      switch self {
      case .uint8, .uint16, .uint32, .uint64: "u"
      case .int8, .int16, .int32, .int64: "i"
      case .float16, .float32, .float64: "f"
      }
    return (byteCount == 1 ? "|" : "<") + letter + "\(byteCount)"
  }
}

extension PixelKind {
  /// `uint16`, `uint12`.
  var name: String { number == .uint16 && bits < 16 ? "uint\(bits)" : number.rawValue }

  /// "uint8 samples in 3 channels".
  var text: String { "\(name) samples in \(channels) channel\(channels == 1 ? "" : "s")" }

  /// PAM's word for what the samples mean, if it has one.
  fileprivate var tupleType: String? {
    switch (channels, hasAlpha ?? false) {
    case (1, false): "GRAYSCALE"
    case (2, true): "GRAYSCALE_ALPHA"
    case (3, false): "RGB"
    case (4, true): "RGB_ALPHA"
    default: nil
    }
  }
}
