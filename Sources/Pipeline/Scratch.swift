import Pictures

/// Memory for one worker's intermediate rows: handed out by moving an offset, taken back all at once.
///
/// Once its block has grown to what a tile needs, nothing is allocated any more.
public final class Scratch: @unchecked Sendable {
  @usableFromInline private(set) var blocks: [UnsafeMutableRawBufferPointer] = []
  @usableFromInline private(set) var used = 0
  private var total = 0
  private static let alignment = 64

  package init() {}

  deinit { blocks.forEach { $0.deallocate() } }

  /// Uninitialised memory for `count` values, aligned to a cache line, valid until the enclosing `frame` ends.
  @inlinable
  public func allocate<Value: BitwiseCopyable>(_ count: Int, of type: Value.Type = Value.self)
    -> UnsafeMutablePointer<Value>
  {
    allocate(byteCount: count * MemoryLayout<Value>.stride).bindMemory(to: Value.self, capacity: count)
  }

  @usableFromInline
  func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
    let size = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
    if blocks.last.map({ used + size > $0.count }) ?? true {
      // The larger of what is asked and half of all that there is, so that blocks stay few.
      let length = max(size, total / 2, 1 << 16)
      blocks.append(.allocate(byteCount: length, alignment: Self.alignment))
      total += length
      used = 0
    }
    let address = blocks.last!.baseAddress! + used
    used += size
    return address
  }

  /// Takes back all memory. If it took several blocks, one block of their size replaces them.
  package func reset() {
    used = 0
    guard blocks.count > 1 else { return }
    blocks.forEach { $0.deallocate() }
    blocks = [.allocate(byteCount: total, alignment: Self.alignment)]
  }

  /// Runs `body` and takes back what it allocated.
  @inlinable
  public func frame<Result>(_ body: () throws -> Result) rethrows -> Result {
    let blockCount = blocks.count, before = used
    defer { shrink(to: blockCount, used: before) }
    return try body()
  }

  /// Of the blocks that were added, the last one stays, empty, for the next frame.
  @usableFromInline
  func shrink(to blockCount: Int, used before: Int) {
    guard blocks.count > blockCount else {
      used = before
      return
    }
    for block in blocks[blockCount..<(blocks.count - 1)] {
      total -= block.count
      block.deallocate()
    }
    blocks.removeSubrange(blockCount..<(blocks.count - 1))
    used = 0
  }
}
