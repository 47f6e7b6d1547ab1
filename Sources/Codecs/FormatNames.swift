import Platform

extension ImageFormat {
  /// The format that a file's name stands for by its extension; of names as the system has them, since a directory may have a million.
  package init?(nameBytes name: some BidirectionalCollection<UInt8>) {
    guard let format = Self.byExtension[Self.key(name) ?? 0] else { return nil }
    self = format
  }

  /// By what stands behind the last dot, in small letters, packed into a number.
  private static let byExtension: [UInt64: ImageFormat] = {
    var formats: [UInt64: ImageFormat] = [:]
    for format in all.reversed() {
      for name in [format.name] + format.extensions { formats[key(Array(".\(name)".utf8))!] = format }
    }
    return formats
  }()

  private static func key(_ name: some BidirectionalCollection<UInt8>) -> UInt64? {
    var key: UInt64 = 0, shift: UInt64 = 0
    for byte in name.reversed() {
      if byte == 0x2E { return key }
      guard shift < 64, byte != 0x2F else { return nil }
      key |= UInt64((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) << shift
      shift += 8
    }
    return nil
  }
}
