import Pictures
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
  private let writer: OpaquePointer

  var rowsPerBlock: Int { Int(layout.rows_per_block) }

  /// Nil if the writer's file is not deflated, or not of interleaved samples in this machine's byte order.
  ///
  /// - Parameter writer: The shim's handle; the caller keeps it, and its own calls come after the last block's.
  init?(options: codec_options, writer: OpaquePointer) {
    var options = options, layout = codec_tiff_layout()
    guard codec_tiff_blocks(writer, &options, &layout) == 1 else { return nil }
    self.layout = layout
    self.writer = writer
  }

  func encode(_ block: RowBlock) throws -> Encoded {
    var layout = layout, result = codec_tiff_encoded(), error = codec_error()
    guard codec_tiff_encode_block(&layout, block.first, UInt32(block.rows), &result, &error) == 0 else {
      throw ImbrexError(error, .output)
    }
    return Encoded(result)
  }

  func append(_ encoded: Encoded) throws {
    var error = codec_error()
    guard codec_tiff_append_block(writer, &encoded.block, &error) == 0 else { throw ImbrexError(error, .output) }
  }
}
