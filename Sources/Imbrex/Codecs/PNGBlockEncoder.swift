internal import CodecShims
import Synchronization

/// Compresses a PNG on all workers: rows are gathered into blocks, blocks are encoded on any thread and appended in order.
///
/// A block's size depends on the picture's width alone, so that the bytes of the file do not depend on tiles or workers.
final class PNGBlockEncoder: Sendable {
  /// Some rows, with the one above them in front.
  private final class Block: @unchecked Sendable {
    var index = 0
    let bytes: UnsafeMutablePointer<UInt8>
    var rows = 0
    var isLast = false

    init(capacity: Int) {
      bytes = .allocate(capacity: capacity)
    }

    deinit { bytes.deallocate() }
  }

  /// What a thread has encoded and not yet appended.
  private struct Encoded: @unchecked Sendable {
    var block: codec_png_encoded
  }

  private struct State {
    var filling: Block?
    var rowsTaken = 0
    var ready: [Block] = []
    /// Blocks that are full and not yet appended.
    var unfinished = 0
    var encoded: [Int: Encoded] = [:]
    var nextToAppend = 0
    var isAppending = false
    var failure: ImbrexError?
    // Memory to be used again.
    var spareBlocks: [Block] = []
    var spareWorkspaces: [Workspace] = []
  }

  private struct Workspace: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  private struct Settings: @unchecked Sendable {
    var header: codec_header
    var options: codec_options
    var writer: OpaquePointer
  }

  private let settings: Settings
  private let rowBytes: Int
  private let height: Int
  private let rowsPerBlock: Int
  private let mostUnfinished: Int
  private let state = Mutex(State())

  /// - Parameter writer: The shim's handle; the caller keeps it, and its own calls come after the last block's.
  init(
    _ description: ImageDescription, header: codec_header, options: codec_options, writer: OpaquePointer
  ) {
    var header = header
    header.icc_profile = nil  // It has been written.
    settings = Settings(header: header, options: options, writer: writer)
    rowBytes = description.bytesPerRow
    height = description.height
    // Small enough that every core has one soon, large enough that a fresh window costs nothing.
    rowsPerBlock = min(max((1 << 18) / max(rowBytes, 1), 8), height)
    mostUnfinished = 2 * availableCores() + 2
  }

  deinit {
    state.withLock { state in
      for var encoded in state.encoded.values { codec_png_free_block(&encoded.block) }
      for workspace in state.spareWorkspaces { codec_png_workspace_free(workspace.pointer) }
    }
  }

  var canTakeRows: Bool { state.withLock { $0.unfinished < mostUnfinished } }
  var hasWork: Bool { state.withLock { $0.unfinished > 0 && $0.failure == nil } }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) {
    for row in 0..<count { take(rows + row * stride) }
  }

  private func take(_ row: UnsafeRawPointer) {
    // Only the writing thread touches the block that is being filled.
    let block = state.withLock { state in
      if state.filling == nil {
        state.filling = newBlock(index: state.rowsTaken / rowsPerBlock, &state)
      }
      return state.filling!
    }
    (block.bytes + (block.rows + 1) * rowBytes).update(from: row.assumingMemoryBound(to: UInt8.self), count: rowBytes)
    block.rows += 1
    state.withLock { state in
      state.rowsTaken += 1
      guard block.rows == rowsPerBlock || state.rowsTaken == height else { return }
      block.isLast = state.rowsTaken == height
      state.filling = nil
      if !block.isLast {
        let next = newBlock(index: block.index + 1, &state)
        next.bytes.update(from: block.bytes + block.rows * rowBytes, count: rowBytes)
        state.filling = next
      }
      state.ready.append(block)
      state.unfinished += 1
    }
  }

  private func newBlock(index: Int, _ state: inout State) -> Block {
    let block = state.spareBlocks.popLast() ?? Block(capacity: (rowsPerBlock + 1) * rowBytes)
    (block.index, block.rows, block.isLast) = (index, 0, false)
    return block
  }

  func takeWork() -> (@Sendable () throws -> Void)? {
    state.withLock { state in
      guard state.failure == nil, !state.ready.isEmpty else { return nil }
      let block = state.ready.removeFirst()
      return { try self.encode(block) }
    }
  }

  private func encode(_ block: Block) throws {
    var part = codec_png_block(
      rows: UnsafePointer(block.bytes + rowBytes), above: block.index == 0 ? nil : UnsafePointer(block.bytes),
      count: UInt32(block.rows), is_first: block.index == 0 ? 1 : 0, is_last: block.isLast ? 1 : 0)
    var header = settings.header, options = settings.options
    var result = codec_png_encoded(), error = codec_error()
    let spare = state.withLock { $0.spareWorkspaces.popLast() }
    guard let workspace = spare?.pointer ?? codec_png_workspace_new(&header, UInt32(rowsPerBlock)) else {
      throw fail(ImbrexError(.limit, "not enough memory to compress \(rowsPerBlock) rows"))
    }
    let status = codec_png_encode_block(workspace, &options, &part, &result, &error)
    let encoded = Encoded(block: result), kept = Workspace(pointer: workspace)
    state.withLock { state in
      state.spareWorkspaces.append(kept)
      state.spareBlocks.append(block)
      if status == 0 { state.encoded[block.index] = encoded }
    }
    guard status == 0 else { throw fail(ImbrexError(error, .output)) }
    try appendFinished()
  }

  /// Appends what can be appended, unless another thread is at it (and will go on to this thread's block).
  private func appendFinished() throws {
    while true {
      let next: Encoded? = state.withLock { state in
        guard !state.isAppending, let next = state.encoded.removeValue(forKey: state.nextToAppend) else { return nil }
        state.isAppending = true
        return next
      }
      guard var next else { return }
      var error = codec_error()
      let status = codec_png_append_block(settings.writer, &next.block, &error)
      codec_png_free_block(&next.block)
      state.withLock { state in
        state.isAppending = false
        state.nextToAppend += 1
        state.unfinished -= 1
      }
      if status != 0 { throw fail(ImbrexError(error, .output)) }
    }
  }

  private func fail(_ error: ImbrexError) -> ImbrexError {
    state.withLock { $0.failure = $0.failure ?? error }
    return error
  }
}
