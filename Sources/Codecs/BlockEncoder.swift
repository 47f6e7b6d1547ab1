import Pictures
import Platform

/// A format whose files can be made of blocks of rows that are compressed by themselves and appended in order.
protocol BlockCodec: Sendable {
  associatedtype Encoded: Sendable
  /// Rows of a block (the last may have fewer): from the picture's shape alone, so that the file's bytes do not depend on
  /// tiles or workers.
  var rowsPerBlock: Int { get }
  /// Compresses a block, on any thread.
  func encode(_ block: RowBlock) throws -> Encoded
  /// Appends a block; called in order, one at a time.
  func append(_ encoded: Encoded) throws
}

/// Some rows without gaps, with the one above them in front.
final class RowBlock: @unchecked Sendable {
  fileprivate(set) var index = 0
  fileprivate(set) var rows = 0
  fileprivate(set) var isLast = false
  private let memory: UnsafeMutablePointer<UInt8>
  private let rowBytes: Int

  fileprivate init(capacity: Int, rowBytes: Int) {
    self.rowBytes = rowBytes
    memory = .allocate(capacity: (capacity + 1) * rowBytes)
  }

  deinit { memory.deallocate() }

  /// The row above the first, which only block 0 has not.
  var above: UnsafeMutablePointer<UInt8> { memory }
  var first: UnsafeMutablePointer<UInt8> { memory + rowBytes }

  fileprivate func append(_ row: UnsafeRawPointer) {
    (first + rows * rowBytes).update(from: row.assumingMemoryBound(to: UInt8.self), count: rowBytes)
    rows += 1
  }

  fileprivate func startBelow(_ block: RowBlock) {
    above.update(from: block.first + (block.rows - 1) * rowBytes, count: rowBytes)
  }
}

/// What a sink does with rows that are compressed in blocks.
protocol BlockEncoding: Sendable {
  var canTakeRows: Bool { get }
  var hasWork: Bool { get }
  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int)
  func takeWork() -> (@Sendable () throws -> Void)?
}

/// Compresses a picture on all workers: rows are gathered into blocks, blocks are encoded on any thread and appended in
/// order.
final class BlockEncoder<Codec: BlockCodec>: BlockEncoding {
  private struct State {
    var filling: RowBlock?
    var rowsTaken = 0
    var ready: [RowBlock] = []
    /// Blocks that are full and not yet appended.
    var unfinished = 0
    var encoded: [Int: Codec.Encoded] = [:]
    var nextToAppend = 0
    var isAppending = false
    var hasFailed = false
    /// Memory to be used again.
    var spare: [RowBlock] = []
  }

  private let codec: Codec
  private let rowBytes: Int
  private let height: Int
  private let mostUnfinished = 2 * availableCores() + 2
  private let state = Locked(State())

  init(_ codec: Codec, _ description: ImageDescription) {
    self.codec = codec
    rowBytes = description.bytesPerRow
    height = description.height
  }

  var canTakeRows: Bool { state.withLock { $0.unfinished < mostUnfinished } }
  var hasWork: Bool { state.withLock { $0.unfinished > 0 && !$0.hasFailed } }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) {
    // Only the writing thread touches the block that is being filled.
    for row in 0..<count {
      let block = state.withLock { state in
        if state.filling == nil { state.filling = newBlock(index: 0, &state) }
        return state.filling!
      }
      block.append(rows + row * stride)
      state.withLock { finishRow(of: block, &$0) }
    }
  }

  private func finishRow(of block: RowBlock, _ state: inout State) {
    state.rowsTaken += 1
    guard block.rows == codec.rowsPerBlock || state.rowsTaken == height else { return }
    block.isLast = state.rowsTaken == height
    state.filling = nil
    if !block.isLast {
      let next = newBlock(index: block.index + 1, &state)
      next.startBelow(block)
      state.filling = next
    }
    state.ready.append(block)
    state.unfinished += 1
  }

  private func newBlock(index: Int, _ state: inout State) -> RowBlock {
    let block = state.spare.popLast() ?? RowBlock(capacity: codec.rowsPerBlock, rowBytes: rowBytes)
    (block.index, block.rows, block.isLast) = (index, 0, false)
    return block
  }

  func takeWork() -> (@Sendable () throws -> Void)? {
    state.withLock { state in
      guard !state.hasFailed, !state.ready.isEmpty else { return nil }
      let block = state.ready.removeFirst()
      return { try self.encode(block) }
    }
  }

  private func encode(_ block: RowBlock) throws {
    do {
      let encoded = try codec.encode(block)
      state.withLock { state in
        state.encoded[block.index] = encoded
        state.spare.append(block)
      }
      try appendFinished()
    } catch {
      state.withLock { $0.hasFailed = true }
      throw error
    }
  }

  /// Appends what can be appended, unless another thread is at it (and will go on to this thread's block).
  private func appendFinished() throws {
    while true {
      let next: Codec.Encoded? = state.withLock { state in
        guard !state.isAppending, let next = state.encoded.removeValue(forKey: state.nextToAppend) else { return nil }
        state.isAppending = true
        return next
      }
      guard let next else { return }
      try codec.append(next)
      state.withLock { state in
        state.isAppending = false
        state.nextToAppend += 1
        state.unfinished -= 1
      }
    }
  }
}
