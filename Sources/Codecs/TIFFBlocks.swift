import Platform
internal import CodecShims

/// TIFF as blocks of strips or of rows of tiles, each compressed by itself.
final class TIFFBlocks: BlockCodec, @unchecked Sendable {
  final class Encoded: @unchecked Sendable {
    fileprivate var block: codec_tiff_encoded
    fileprivate init(_ block: codec_tiff_encoded) { self.block = block }
    deinit { codec_tiff_free_block(&block) }
  }

  private let layout: codec_tiff_layout
  private let header: codec_header
  private let options: codec_options
  private let encoder: TIFFEncoder

  var rowsPerBlock: Int { Int(layout.rows_per_block) }
  var rowsPerSegment: Int { Int(layout.segment_rows) }
  var needsRowAbove: Bool { false }

  init(_ layout: codec_tiff_layout, _ page: PageHeader, _ encoder: TIFFEncoder) {
    self.layout = layout
    (header, options) = (page.header, page.options)
    self.encoder = encoder
  }

  func encode(_ block: RowBlock) throws -> Encoded {
    var layout = layout, header = header, options = options, result = codec_tiff_encoded()
    try check(.output) {
      codec_tiff_encode_block(&layout, &header, &options, block.first, UInt32(block.rows), &result, $0)
    }
    return Encoded(result)
  }

  func append(_ encoded: Encoded) throws { try encoder.append(&encoded.block) }

  /// Rows and the sizes of the strips or tiles.
  func record(of encoded: Encoded) -> (numbers: [UInt64], bytes: UnsafeRawBufferPointer) {
    let block = encoded.block
    let counts = UnsafeBufferPointer(start: block.counts, count: Int(block.segments)).map { UInt64($0) }
    return (
      [UInt64(block.rows)] + counts,
      UnsafeRawBufferPointer(start: block.bytes, count: counts.reduce(0) { $0 + Int($1) })
    )
  }

  func encoded(from record: PartFile.Record) throws -> Encoded {
    let counts = record.numbers.dropFirst().map { Int(clamping: $0) }
    guard !counts.isEmpty, counts.allSatisfy({ $0 <= record.bytes.count }), counts.reduce(0, +) == record.bytes.count
    else { throw PartFile.damaged }
    let memory = UnsafeMutableRawPointer(
      allocated(counts.flatMap { count in (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } }))
    return Encoded(
      codec_tiff_encoded(
        bytes: allocated(record.bytes), counts: memory.assumingMemoryBound(to: Int.self),
        segments: UInt32(counts.count),
        rows: UInt32(truncatingIfNeeded: record.numbers[0])))
  }
}
