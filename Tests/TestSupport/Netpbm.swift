/// Samples in memory and as Netpbm files: written and read here independently of the program's own codecs.
public struct Samples: Equatable, Sendable {
  public enum Kind: String, Codable, Sendable { case uint8, uint16, float32 }
  public var width: Int
  public var height: Int
  public var channels: Int
  public var kind: Kind
  /// Little-endian, interleaved, rows from the top.
  public var bytes: [UInt8]

  public init(width: Int, height: Int, channels: Int, kind: Kind, bytes: [UInt8]) {
    self.width = width
    self.height = height
    self.channels = channels
    self.kind = kind
    self.bytes = bytes
  }

  private var sampleBytes: Int { kind == .uint8 ? 1 : kind == .uint16 ? 2 : 4 }

  /// The samples as numbers.
  public var values: [Double] {
    stride(from: 0, to: bytes.count, by: sampleBytes).map { i in
      switch kind {
      case .uint8: Double(bytes[i])
      case .uint16: Double(UInt16(bytes[i]) | UInt16(bytes[i + 1]) << 8)
      case .float32: Double(Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[i + $1]) << (8 * $1) }))
      }
    }
  }

  /// PGM, PPM or PFM.
  public var netpbm: [UInt8] {
    let rowBytes = width * channels * sampleBytes
    let rows = (0..<height).map { Array(bytes[($0 * rowBytes)..<(($0 + 1) * rowBytes)]) }
    switch kind {
    case .float32:
      return Array("\(channels == 3 ? "PF" : "Pf")\n\(width) \(height)\n-1.0\n".utf8) + rows.reversed().joined()
    case .uint8:
      return Array("\(channels == 3 ? "P6" : "P5")\n\(width) \(height)\n255\n".utf8) + bytes
    case .uint16:
      var swapped = bytes
      for i in stride(from: 0, to: bytes.count, by: 2) { swapped.swapAt(i, i + 1) }
      return Array("\(channels == 3 ? "P6" : "P5")\n\(width) \(height)\n65535\n".utf8) + swapped
    }
  }

  /// Reads PGM, PPM or PFM as the program writes them; nil for anything else.
  public init?(netpbm file: [UInt8]) {
    var position = 0
    func word() -> String {
      var text = ""
      while position < file.count, file[position] > 32 {
        text.unicodeScalars.append(Unicode.Scalar(file[position]))
        position += 1
      }
      position += 1
      return text
    }
    let magic = word()
    guard ["P5", "P6", "Pf", "PF"].contains(magic), let width = Int(word()), let height = Int(word()),
      let range = Double(word())
    else { return nil }
    let channels = magic == "P6" || magic == "PF" ? 3 : 1
    let kind: Kind = magic.lowercased() == "pf" ? .float32 : range > 255 ? .uint16 : .uint8
    self.init(width: width, height: height, channels: channels, kind: kind, bytes: [])
    let rowBytes = width * channels * sampleBytes
    guard position <= file.count, file.count - position == rowBytes * height else { return nil }
    var data = Array(file[position...])
    if kind == .uint16 { for i in stride(from: 0, to: data.count, by: 2) { data.swapAt(i, i + 1) } }
    if kind == .float32 {
      data = Array((0..<height).reversed().map { data[($0 * rowBytes)..<(($0 + 1) * rowBytes)] }.joined())
    }
    bytes = data
  }
}
