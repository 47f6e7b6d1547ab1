import Pictures
import Platform

internal import CodecShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// PNG as blocks of rows: filtered, deflated and joined into one stream.
final class PNGBlocks: BlockCodec, @unchecked Sendable {
  final class Encoded: @unchecked Sendable {
    fileprivate var block: codec_png_encoded
    fileprivate init(_ block: codec_png_encoded) { self.block = block }
    deinit { codec_png_free_block(&block) }
  }

  private struct Workspace: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  let rowsPerBlock: Int
  var rowsPerSegment: Int { rowsPerBlock }
  var needsRowAbove: Bool { true }
  private let page: PageHeader
  private let encoder: PNGEncoder
  private let spare = Locked([Workspace]())

  init(_ page: PageHeader, _ encoder: PNGEncoder) {
    self.page = page
    self.encoder = encoder
    // Small enough that every core has one soon, large enough that a fresh window costs nothing.
    rowsPerBlock = min(max((1 << 18) / page.description.bytesPerRow, 8), page.description.height)
  }

  deinit {
    spare.withLock { $0.forEach { codec_png_workspace_free($0.pointer) } }
  }

  func encode(_ block: RowBlock) throws -> Encoded {
    var part = codec_png_block(
      rows: UnsafePointer(block.first), above: block.isFirst ? nil : UnsafePointer(block.above),
      count: UInt32(block.rows), is_first: block.isFirst ? 1 : 0, is_last: block.isLast ? 1 : 0)
    var header = page.header, options = page.options
    let kept = spare.withLock { $0.popLast() }
    guard let workspace = kept?.pointer ?? codec_png_workspace_new(&header, UInt32(rowsPerBlock)) else {
      throw ImbrexError(.limit, "not enough memory to compress \(rowsPerBlock) rows")
    }
    let used = Workspace(pointer: workspace)
    defer { spare.withLock { $0.append(used) } }
    var result = codec_png_encoded()
    try check(.output) { codec_png_encode_block(workspace, &options, &part, &result, $0) }
    return Encoded(result)
  }

  func append(_ encoded: Encoded) throws { try encoder.append(&encoded.block) }

  func record(of encoded: Encoded) -> (numbers: [UInt64], bytes: UnsafeRawBufferPointer) {
    let block = encoded.block
    return (
      [UInt64(block.adler), block.raw_count, UInt64(block.rows), block.is_last != 0 ? 1 : 0],
      UnsafeRawBufferPointer(start: block.bytes, count: block.count)
    )
  }

  func encoded(from record: PartFile.Record) throws -> Encoded {
    guard record.numbers.count == 4 else { throw PartFile.damaged }
    return Encoded(
      codec_png_encoded(
        bytes: allocated(record.bytes), count: record.bytes.count, adler: UInt32(truncatingIfNeeded: record.numbers[0]),
        raw_count: record.numbers[1], rows: UInt32(truncatingIfNeeded: record.numbers[2]),
        is_last: record.numbers[3] == 0 ? 0 : 1))
  }
}

/// The bytes in memory that C frees.
func allocated(_ bytes: [UInt8]) -> UnsafeMutablePointer<UInt8> {
  let memory = malloc(max(bytes.count, 1))!.assumingMemoryBound(to: UInt8.self)
  memory.update(from: bytes, count: bytes.count)
  return memory
}
