import Platform

internal import CodecShims

/// JPEG as blocks of rows between restart markers, each compressed by itself.
final class JPEGBlocks: BlockCodec, @unchecked Sendable {
  final class Encoded: @unchecked Sendable {
    fileprivate var block: codec_jpeg_encoded
    fileprivate init(_ block: codec_jpeg_encoded) { self.block = block }
    deinit { codec_jpeg_free_block(&block) }
  }

  private let layout: codec_jpeg_layout
  private let header: codec_header
  private let options: codec_options
  private let encoder: JPEGEncoder

  var rowsPerBlock: Int { Int(layout.rows_per_block) }
  var rowsPerSegment: Int { rowsPerBlock }
  var needsRowAbove: Bool { false }

  init(_ layout: codec_jpeg_layout, _ page: PageHeader, _ encoder: JPEGEncoder) {
    self.layout = layout
    (header, options) = (page.header, page.options)
    self.encoder = encoder
  }

  func encode(_ block: RowBlock) throws -> Encoded {
    var layout = layout, header = header, options = options, result = codec_jpeg_encoded()
    try check(.output) {
      codec_jpeg_encode_block(&layout, &header, &options, block.first, UInt32(block.rows), &result, $0)
    }
    return Encoded(result)
  }

  func append(_ encoded: Encoded) throws {
    var layout = layout
    try encoder.append(&encoded.block, &layout)
  }

  func record(of encoded: Encoded) -> (numbers: [UInt64], bytes: UnsafeRawBufferPointer) {
    ([UInt64(encoded.block.rows)], UnsafeRawBufferPointer(start: encoded.block.bytes, count: encoded.block.count))
  }

  func encoded(from record: PartFile.Record) throws -> Encoded {
    guard record.numbers.count == 1 else { throw PartFile.damaged }
    return Encoded(
      codec_jpeg_encoded(
        bytes: allocated(record.bytes), count: record.bytes.count, rows: UInt32(truncatingIfNeeded: record.numbers[0])))
  }
}
