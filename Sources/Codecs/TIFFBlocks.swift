import Platform
internal import CodecShims

/// TIFF as blocks of strips or of rows of tiles, each deflated by itself.
final class TIFFBlocks: BlockCodec, @unchecked Sendable {
  final class Encoded: @unchecked Sendable {
    fileprivate var block: codec_tiff_encoded
    fileprivate init(_ block: codec_tiff_encoded) { self.block = block }
    deinit { codec_tiff_free_block(&block) }
  }

  private let layout: codec_tiff_layout
  private let encoder: TIFFEncoder

  var rowsPerBlock: Int { Int(layout.rows_per_block) }

  init(_ layout: codec_tiff_layout, _ encoder: TIFFEncoder) {
    self.layout = layout
    self.encoder = encoder
  }

  func encode(_ block: RowBlock) throws -> Encoded {
    var layout = layout, result = codec_tiff_encoded()
    try check(.output) { codec_tiff_encode_block(&layout, block.first, UInt32(block.rows), &result, $0) }
    return Encoded(result)
  }

  func append(_ encoded: Encoded) throws { try encoder.append(&encoded.block) }
}
