import Imbrex
import Pipeline

/// How fast a machine copies memory: what a filter that does nothing would take.
enum CopyRate {
  /// Together more than caches hold.
  private static let byteCount = 1 << 27

  /// Bytes a second that some workers read and write when each copies its part of a block; the best of three copies.
  static func measure(_ pool: WorkerPool, workers: Int) -> Double {
    let memory = Memory(byteCount)
    let part = byteCount / workers
    var best = Double.infinity
    for turn in 0..<4 {
      let start = monotonicNanoseconds()
      pool.forEach(workers, workers: workers) { index in
        memory.to.advanced(by: index * part).copyMemory(from: memory.from.advanced(by: index * part), byteCount: part)
      }
      let seconds = Double(monotonicNanoseconds() - start) / 1e9
      // The first makes the pages.
      if turn > 0 { best = min(best, seconds) }
    }
    return Double(2 * part * workers) / best
  }

  private final class Memory: @unchecked Sendable {
    let from, to: UnsafeMutableRawPointer

    init(_ byteCount: Int) {
      from = .allocate(byteCount: byteCount, alignment: 4096)
      to = .allocate(byteCount: byteCount, alignment: 4096)
      from.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
    }

    deinit {
      from.deallocate()
      to.deallocate()
    }
  }
}
