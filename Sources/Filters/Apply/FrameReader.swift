import Pictures

import Platform

/// Takes a frame as it comes out of a pipe, and makes a tile of it.
final class FrameReader {
  private let width: Int
  private let height: Int
  /// The header's bytes, and with them the first samples.
  private var start: [UInt8] = []
  private var header: FrameHeader?
  /// The samples: memory of the tile before, if it is large enough.
  private var buffer: PixelBuffer?
  private var filled = 0
  private var wanted = 0
  private static let startBytes = 1 << 16
  private let startBuffer = UnsafeMutableRawPointer.allocate(byteCount: startBytes, alignment: 64)

  /// - Parameters:
  ///   - width: What a frame must have, in pixels.
  ///   - before: Whose memory may be used again.
  init(width: Int, height: Int, before: FrameReader?) {
    (self.width, self.height) = (width, height)
    buffer = before?.buffer
  }

  deinit { startBuffer.deallocate() }

  /// Whether nothing has come.
  var isEmpty: Bool { start.isEmpty }
  var isComplete: Bool { header != nil && filled == wanted }
  /// How much of a frame has come, in words.
  var progress: String {
    guard header != nil else { return "\(start.count) bytes of a frame's header" }
    return "\(filled) of \(wanted) bytes of a frame's samples"
  }

  /// Where what comes next is to be read to.
  var space: (base: UnsafeMutableRawPointer, capacity: Int) {
    // Of a complete frame, one byte is asked for, which should not be there.
    guard header != nil, !isComplete else { return (startBuffer, header == nil ? Self.startBytes : 1) }
    return (buffer!.base + filled, wanted - filled)
  }

  /// So many bytes have been read to ``space``.
  func add(_ count: Int) throws {
    guard header == nil else {
      if isComplete { throw Self.surplus }
      filled += count
      return
    }
    start += UnsafeRawBufferPointer(start: startBuffer, count: count)
    guard let found = try FrameHeader(start) else { return }
    guard found.width == width && found.height == height else {
      throw FrameHeader.failed(
        "the command makes \(found.shape) of a tile of \(width) × \(height) pixels, ghosts included")
    }
    header = found
    wanted = found.dataBytes
    // Bits become bytes in place.
    let room = width * height * found.kind.bytesPerPixel
    if (buffer?.byteCount ?? 0) < room {
      buffer = nil
      buffer = try PixelBuffer(byteCount: room)
    }
    filled = start.count - found.byteCount
    guard filled <= wanted else { throw Self.surplus }
    start.withUnsafeBytes {
      buffer!.base.copyMemory(from: $0.baseAddress! + found.byteCount, byteCount: filled)
    }
  }

  private static var surplus: ImbrexError { FrameHeader.failed("the command writes more than one frame of a tile") }

  /// The tile, once it is complete.
  func tile() throws -> TileOutput {
    let header = header!, base = buffer!.base
    let samples = width * height * header.kind.channels
    switch header.coding {
    case .numbers(let isSwapped): if isSwapped { swapBytes(base, samples, header.kind.number.byteCount) }
    case .scaled(let largest, let isSwapped):
      if header.kind.number == .uint8 {
        let values: UnsafeMutablePointer<UInt8> = base.samples()
        for i in 0..<samples { values[i] = UInt8((min(Int(values[i]), largest) * 255 + largest / 2) / largest) }
      } else {
        let values: UnsafeMutablePointer<UInt16> = base.samples()
        for i in 0..<samples {
          let value = Int(isSwapped ? values[i].byteSwapped : values[i])
          values[i] = UInt16((min(value, largest) * 65535 + largest / 2) / largest)
        }
      }
    case .truths:
      let values: UnsafeMutablePointer<UInt8> = base.samples()
      for i in 0..<samples { values[i] = values[i] == 0 ? 0 : 255 }
    case .bits: spreadBits(base.samples())
    }
    if header.isFortran { try transpose(header.kind) }
    return TileOutput(header.kind, base: UnsafeRawPointer(buffer!.base), stride: width * header.kind.bytesPerPixel)
  }

  /// Bytes of bits become bytes, from the end: no bit is written over before it is read.
  private func spreadBits(_ values: UnsafeMutablePointer<UInt8>) {
    let rowBytes = (width + 7) / 8
    for y in (0..<height).reversed() {
      for x in (0..<width).reversed() {
        let isBlack = values[y * rowBytes + x / 8] >> (7 - UInt8(x % 8)) & 1 == 1
        values[y * width + x] = isBlack ? 0 : 255
      }
    }
  }

  private func transpose(_ kind: PixelKind) throws {
    let size = kind.number.byteCount, old = buffer!
    let turned = try PixelBuffer(byteCount: old.byteCount)
    for c in 0..<kind.channels {
      for x in 0..<width {
        for y in 0..<height {
          (turned.base + ((y * width + x) * kind.channels + c) * size).copyMemory(
            from: old.base + ((c * width + x) * height + y) * size, byteCount: size)
        }
      }
    }
    buffer = turned
  }
}

/// Turns the bytes of each number around, in place.
func swapBytes(_ numbers: UnsafeMutableRawPointer, _ count: Int, _ size: Int) {
  func swap<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) {
    let values = numbers.bindMemory(to: Number.self, capacity: count)
    for i in 0..<count { values[i] = values[i].byteSwapped }
  }
  switch size {
  case 2: swap(UInt16.self)
  case 4: swap(UInt32.self)
  case 8: swap(UInt64.self)
  default: break
  }
}
