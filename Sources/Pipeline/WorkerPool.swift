import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads shared by all that a run does: pictures side by side, and the tiles of each.
///
/// A job asks for helpers; threads that have nothing else to do join it. So many small pictures keep every thread busy with
/// one of its own, and what threads are left over at the end help with the tiles of the last large one. Never more threads
/// than `count` are runnable. They are only started when a job first asks for them, so that a small picture pays for none.
public final class WorkerPool: @unchecked Sendable {
  /// Workers, the calling thread included.
  public let count: Int

  private final class Job {
    let body: @Sendable (Scratch) -> Void
    var wanted: Int
    var running = 0

    init(body: @escaping @Sendable (Scratch) -> Void, wanted: Int) {
      self.body = body
      self.wanted = wanted
    }
  }

  private let monitor = Monitor()
  // All below is guarded by the monitor.
  private var threads = 0
  private var jobs: [Job] = []
  private var isClosed = false
  private var scratches: [Scratch] = []

  /// - Parameter count: Workers, at least 1.
  public init(count: Int) {
    precondition(count >= 1)
    self.count = count
  }

  deinit { precondition(threads == 0 || isClosed, "a worker pool is closed before it is let go") }

  /// Ends the threads. No job may be running.
  public func close() {
    monitor.locked {
      isClosed = true
      monitor.wakeAll()
      while threads > 0 { monitor.wait() }
    }
  }

  /// Runs `body` on the calling thread and on up to `workers` − 1 others that are free now or become free before it
  /// ends, and waits for all. `body` is given scratch memory for itself alone.
  ///
  /// - Parameter helpsOthers: While the others finish, the calling thread joins their jobs.
  package func run(workers: Int, helpsOthers: Bool = false, _ body: @Sendable @escaping (Scratch) -> Void) {
    let scratch = monitor.locked { scratches.popLast() } ?? Scratch()
    defer { monitor.locked { scratches.append(scratch) } }
    let helpers = min(workers, count) - 1
    guard helpers > 0 else { return body(scratch) }
    let job = Job(body: body, wanted: helpers)
    monitor.locked {
      precondition(!isClosed)
      // If the system gives fewer threads, those that there are do all the work.
      while threads < helpers, startThread() { threads += 1 }
      jobs.append(job)
      monitor.wakeAll()
    }
    body(scratch)
    monitor.lock()
    jobs.removeAll { $0 === job }
    while job.running > 0 {
      if helpsOthers, let other = takeJob() {
        help(other, scratch)
      } else {
        monitor.wait()
      }
    }
    monitor.unlock()
  }

  /// Calls `body` for each number below a count, in any order, on up to `workers` threads, and waits for all.
  package func forEach(_ count: Int, workers: Int, _ body: @Sendable @escaping (Int) -> Void) {
    let next = Locked(0)
    run(workers: min(workers, count)) { _ in
      while true {
        let number = next.withLock { next in
          defer { next += 1 }
          return next
        }
        guard number < count else { return }
        body(number)
      }
    }
  }

  /// Joins a job that wants helpers, until that ends; false if there is none.
  package func helpOnce(_ scratch: Scratch) -> Bool {
    monitor.locked {
      guard let job = takeJob() else { return false }
      help(job, scratch)
      return true
    }
  }

  private func takeJob() -> Job? {
    guard let job = jobs.first(where: { $0.wanted > 0 }) else { return nil }
    job.wanted -= 1
    job.running += 1
    return job
  }

  /// Leaves the monitor while the job's body runs.
  private func help(_ job: Job, _ scratch: Scratch) {
    monitor.unlock()
    job.body(scratch)
    monitor.lock()
    job.running -= 1
    if job.running == 0 { monitor.wakeAll() }
  }

  private func startThread() -> Bool {
    let pool = Unmanaged.passRetained(self)
    #if canImport(Darwin)
      var thread: pthread_t?
      let result = pthread_create(
        &thread, nil,
        { argument in
          Unmanaged<WorkerPool>.fromOpaque(argument).takeRetainedValue().work()
          return nil
        }, pool.toOpaque())
      if result == 0, let thread { pthread_detach(thread) }
    #else
      var thread = pthread_t()
      let result = pthread_create(
        &thread, nil,
        { argument in
          Unmanaged<WorkerPool>.fromOpaque(argument!).takeRetainedValue().work()
          return nil
        }, pool.toOpaque())
      if result == 0 { pthread_detach(thread) }
    #endif
    if result != 0 { pool.release() }
    return result == 0
  }

  private func work() {
    let scratch = Scratch()
    monitor.lock()
    while !isClosed {
      if let job = takeJob() {
        help(job, scratch)
      } else {
        monitor.wait()
      }
    }
    threads -= 1
    monitor.wakeAll()
    monitor.unlock()
  }
}
