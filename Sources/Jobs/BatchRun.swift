import Codecs
package import Pipeline
import Platform

/// Runs a function on numbers 0 … count − 1, several at a time on a pool's threads, and hands out the results in order.
///
/// Threads that find no further number help with what the others are at (see ``WorkerPool``). No thread runs further ahead
/// than a window, so that the results that wait for their turn stay few.
package final class BatchRun<Result: Sendable>: @unchecked Sendable {
  private let count: Int
  private let window: Int
  private let monitor = Monitor()
  // Guarded by the monitor.
  private var next = 0
  private var waiting: [Int: Result] = [:]
  private var emitted = 0
  private var isEmitting = false
  private var isStopped = false

  /// - Parameters:
  ///   - count: How many results there are to make.
  ///   - window: How many of them may be made ahead of the first that is not.
  package init(count: Int, window: Int) {
    precondition(count >= 0 && window >= 1)
    self.count = count
    self.window = window
  }

  /// - Parameters:
  ///   - pool: Whose workers make the results.
  ///   - body: Makes a result, on any thread.
  ///   - isLast: Asked at once, on that thread: whether nothing more is to be begun after this result.
  ///   - emit: Takes the results one at a time, in order; false stops: what is being made is finished, and its results
  ///     are handed out too.
  package func run(
    on pool: WorkerPool, _ body: @Sendable @escaping (Int) -> Result,
    isLast: @Sendable @escaping (Result) -> Bool = { _ in false }, emit: @Sendable @escaping (Int, Result) -> Bool
  ) {
    pool.run(workers: min(pool.count, max(count, 1)), helpsOthers: true) { scratch in
      while true {
        switch self.take() {
        case .number(let number):
          let result = body(number)
          if isLast(result) { self.stop() }
          self.finish(number, result, emit)
        case .full: if !pool.helpOnce(scratch) { self.waitForRoom() }
        case .none: return
        }
      }
    }
  }

  private func stop() {
    monitor.locked {
      isStopped = true
      monitor.wakeAll()
    }
  }

  private enum Taken { case number(Int), full, none }

  private func take() -> Taken {
    monitor.locked {
      if isStopped || next == count { return .none }
      if next >= emitted + window { return .full }
      next += 1
      return .number(next - 1)
    }
  }

  private func waitForRoom() {
    monitor.locked {
      if !isStopped && next < count && next >= emitted + window { monitor.wait() }
    }
  }

  private func finish(_ number: Int, _ result: Result, _ emit: (Int, Result) -> Bool) {
    monitor.lock()
    waiting[number] = result
    if !isEmitting {
      isEmitting = true
      while let ready = waiting.removeValue(forKey: emitted) {
        let index = emitted
        monitor.unlock()
        let goesOn = emit(index, ready)
        monitor.lock()
        emitted += 1
        if !goesOn { isStopped = true }
        monitor.wakeAll()
      }
      isEmitting = false
    }
    monitor.unlock()
  }
}
