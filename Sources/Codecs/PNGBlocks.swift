import Pictures
import Platform
internal import CodecShims

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
  private let header: codec_header
  private let options: codec_options
  private let writer: OpaquePointer
  private let spare = Locked([Workspace]())

  /// - Parameter writer: The shim's handle; the caller keeps it, and its own calls come after the last block's.
  init(_ description: ImageDescription, header: codec_header, options: codec_options, writer: OpaquePointer) {
    self.header = header
    self.options = options
    self.writer = writer
    // Small enough that every core has one soon, large enough that a fresh window costs nothing.
    rowsPerBlock = min(max((1 << 18) / description.bytesPerRow, 8), description.height)
  }

  deinit {
    spare.withLock { $0.forEach { codec_png_workspace_free($0.pointer) } }
  }

  func encode(_ block: RowBlock) throws -> Encoded {
    var part = codec_png_block(
      rows: UnsafePointer(block.first), above: block.index == 0 ? nil : UnsafePointer(block.above),
      count: UInt32(block.rows), is_first: block.index == 0 ? 1 : 0, is_last: block.isLast ? 1 : 0)
    var header = header, options = options
    let kept = spare.withLock { $0.popLast() }
    guard let workspace = kept?.pointer ?? codec_png_workspace_new(&header, UInt32(rowsPerBlock)) else {
      throw ImbrexError(.limit, "not enough memory to compress \(rowsPerBlock) rows")
    }
    var result = codec_png_encoded(), error = codec_error()
    let status = codec_png_encode_block(workspace, &options, &part, &result, &error)
    let used = Workspace(pointer: workspace)
    spare.withLock { $0.append(used) }
    guard status == 0 else { throw ImbrexError(error, .output) }
    return Encoded(result)
  }

  func append(_ encoded: Encoded) throws {
    var error = codec_error()
    guard codec_png_append_block(writer, &encoded.block, &error) == 0 else { throw ImbrexError(error, .output) }
  }
}
