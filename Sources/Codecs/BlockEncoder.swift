import Pictures
import Platform

/// A format whose files can be made of blocks of rows that are compressed by themselves and appended in order.
protocol BlockCodec: Sendable {
  associatedtype Encoded: Sendable
  /// Rows of a block (the last may have fewer): from the picture's shape alone, so that the file's bytes do not depend on
  /// tiles or workers.
  var rowsPerBlock: Int { get }
  /// Rows of which a part of the picture that is encoded by itself must begin at a multiple.
  var rowsPerSegment: Int { get }
  /// Whether a block depends on the row above it.
  var needsRowAbove: Bool { get }
  /// Compresses a block, on any thread.
  func encode(_ block: RowBlock) throws -> Encoded
  /// Appends a block; called in order, one at a time.
  func append(_ encoded: Encoded) throws
  /// A block as numbers and bytes, for ``PartFile``, and back.
  func record(of encoded: Encoded) -> (numbers: [UInt64], bytes: UnsafeRawBufferPointer)
  func encoded(from record: PartFile.Record) throws -> Encoded
}

/// Some rows without gaps, with the one above them in front.
final class RowBlock: @unchecked Sendable {
  fileprivate(set) var index = 0
  fileprivate(set) var rows = 0
  /// Of the picture.
  fileprivate(set) var isFirst = false
  fileprivate(set) var isLast = false
  private let memory: UnsafeMutablePointer<UInt8>
  private let rowBytes: Int

  fileprivate init(capacity: Int, rowBytes: Int) {
    self.rowBytes = rowBytes
    memory = .allocate(capacity: (capacity + 1) * rowBytes)
  }

  deinit { memory.deallocate() }

  /// The row above the first, which the picture's first block has not.
  var above: UnsafeMutablePointer<UInt8> { memory }
  var first: UnsafeMutablePointer<UInt8> { memory + rowBytes }

  fileprivate func append(_ row: UnsafeRawPointer) {
    (first + rows * rowBytes).update(from: row.assumingMemoryBound(to: UInt8.self), count: rowBytes)
    rows += 1
  }

  fileprivate func startBelow(_ block: RowBlock) {
    above.update(from: block.first + (block.rows - 1) * rowBytes, count: rowBytes)
  }

  fileprivate var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: first, count: rows * rowBytes) }
  fileprivate var lastRow: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: first + (rows - 1) * rowBytes, count: rowBytes)
  }
}

/// What a sink does with rows that are compressed in blocks.
protocol BlockEncoding: Sendable {
  var canTakeRows: Bool { get }
  var hasWork: Bool { get }
  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int)
  func takeWork() -> (@Sendable () throws -> Void)?
  /// Rows of which a part that is encoded by itself must begin at a multiple.
  var rowsPerSegment: Int { get }
  /// Appends what was encoded by itself, of the rows that come next.
  func append(_ part: PartFile) throws
  func finishPart() throws
}

/// Some rows of a picture, and the file that they are encoded into by themselves.
struct PartTarget {
  let rows: Range<Int>
  let file: PartFile
}

/// Compresses a picture on all workers: rows are gathered into blocks, blocks are encoded on any thread and appended in
/// order.
final class BlockEncoder<Codec: BlockCodec>: BlockEncoding, @unchecked Sendable {
  private struct State {
    var filling: RowBlock?
    var rowsTaken = 0
    var ready: [RowBlock] = []
    /// Blocks that are full and not yet appended.
    var unfinished = 0
    var encoded: [Int: Piece] = [:]
    var nextToAppend = 0
    var isAppending = false
    var hasFailed = false
    /// Memory to be used again.
    var spare: [RowBlock] = []
    /// Of a part, for the one below it.
    var lastRow: [UInt8] = []
  }

  /// A block on its way: encoded, or as it is, because it depends on rows of another part.
  private enum Piece: Sendable {
    case encoded(Codec.Encoded)
    case raw(RowBlock)
  }

  private let codec: Codec
  private let rowBytes: Int
  private let pictureHeight: Int
  private let rows: Range<Int>
  /// Where blocks go; nil: to the codec.
  private let part: PartFile?
  private let mostUnfinished = 2 * availableCores() + 2
  private let state = Locked(State())
  /// While parts are appended: rows that are there, and the last of them where the next block depends on it.
  private var rowsJoined = 0
  private var rowAbove: [UInt8] = []

  /// - Parameter target: Some of the picture's rows, to be encoded by themselves; nil: all of them.
  init(_ codec: Codec, _ description: ImageDescription, _ target: PartTarget?) {
    self.codec = codec
    rowBytes = description.bytesPerRow
    pictureHeight = description.height
    rows = target?.rows ?? 0..<description.height
    part = target?.file
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
    let isEnd = state.rowsTaken == rows.count
    guard block.rows == codec.rowsPerBlock || isEnd else { return }
    block.isLast = rows.lowerBound + state.rowsTaken == pictureHeight
    if isEnd && part != nil && codec.needsRowAbove { state.lastRow = Array(block.lastRow) }
    state.filling = nil
    if !isEnd {
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
    block.isFirst = index == 0 && rows.lowerBound == 0
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
      if block.index == 0 && !block.isFirst && codec.needsRowAbove {
        state.withLock { $0.encoded[block.index] = .raw(block) }
      } else {
        let encoded = try codec.encode(block)
        state.withLock { state in
          state.encoded[block.index] = .encoded(encoded)
          state.spare.append(block)
        }
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
      let next: Piece? = state.withLock { state in
        guard !state.isAppending, let next = state.encoded.removeValue(forKey: state.nextToAppend) else { return nil }
        state.isAppending = true
        return next
      }
      guard let next else { return }
      switch next {
      case .encoded(let encoded): try deliver(encoded)
      case .raw(let block): try part!.write(.rows, numbers: [UInt64(block.rows)], block.bytes)
      }
      state.withLock { state in
        state.isAppending = false
        state.nextToAppend += 1
        state.unfinished -= 1
      }
    }
  }

  /// Ends a part's file, once all blocks are appended.
  func finishPart() throws {
    let (lastRow, count) = state.withLock { ($0.lastRow, $0.rowsTaken) }
    precondition(count == rows.count, "a part ends after its last row")
    try lastRow.withUnsafeBytes { try part!.write(.lastRow, numbers: [], $0) }
    let place = [count, rows.lowerBound, rowBytes].map { UInt64($0) }
    try part!.write(.end, numbers: place, UnsafeRawBufferPointer(start: nil, count: 0))
  }

  private func deliver(_ encoded: Codec.Encoded) throws {
    guard let part else { return try codec.append(encoded) }
    let record = codec.record(of: encoded)
    try part.write(.block, numbers: record.numbers, record.bytes)
  }

  // MARK: - Joining

  var rowsPerSegment: Int { codec.rowsPerSegment }

  func append(_ part: PartFile) throws {
    try part.readRecords { record in
      switch record.kind {
      case .block: try codec.append(codec.encoded(from: record))
      case .rows:
        let block = RowBlock(capacity: codec.rowsPerBlock, rowBytes: rowBytes)
        guard record.bytes.count % rowBytes == 0, record.bytes.count <= codec.rowsPerBlock * rowBytes,
          rowAbove.count == rowBytes
        else { throw PartFile.damaged }
        rowAbove.withUnsafeBufferPointer { block.above.update(from: $0.baseAddress!, count: rowBytes) }
        record.bytes.withUnsafeBytes { bytes in
          for start in stride(from: 0, to: bytes.count, by: rowBytes) { block.append(bytes.baseAddress! + start) }
        }
        block.isLast = rowsJoined + block.rows == pictureHeight
        try codec.append(codec.encode(block))
      case .lastRow: rowAbove = record.bytes
      case .end:
        // Of these rows, and of no others.
        guard record.numbers.count == 3, record.numbers[1] == rowsJoined, record.numbers[2] == rowBytes,
          record.numbers[0] <= pictureHeight - rowsJoined
        else { throw PartFile.damaged }
        rowsJoined += Int(record.numbers[0])
      }
    }
  }
}
