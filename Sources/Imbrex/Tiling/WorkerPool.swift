#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Threads that start once and then run one job after another, the calling thread among them.
///
/// Threads are only started when a job first needs them, so that a small picture pays for none.
public final class WorkerPool: @unchecked Sendable {
  /// Workers, the calling thread included.
  public let count: Int

  private let monitor = Monitor()
  // All below is guarded by the monitor.
  private var threads = 0
  private var job: (@Sendable (_ worker: Int) -> Void)?
  private var jobNumber = 0
  private var wanted = 0
  private var running = 0
  private var isClosed = false
  private var scratches: [Scratch] = [Scratch()]

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

  /// Runs `body` on `workers` threads at once (at most `count`), the calling thread as worker 0, and waits for all.
  func run(workers: Int, _ body: @Sendable @escaping (_ worker: Int) -> Void) {
    let workers = min(workers, count)
    if workers > 1 {
      monitor.locked {
        precondition(running == 0 && !isClosed, "one job at a time")
        while scratches.count < workers { scratches.append(Scratch()) }
        while threads < workers - 1 {
          guard startThread(number: threads + 1) else { break }
          threads += 1
        }
        job = body
        jobNumber += 1
        // If the system gives fewer threads, those that there are do all the work.
        wanted = min(workers - 1, threads)
        running = wanted
        monitor.wakeAll()
      }
    }
    body(0)
    if workers > 1 {
      monitor.locked {
        while running > 0 { monitor.wait() }
        job = nil
      }
    }
  }

  /// Scratch memory of one worker; only that worker may use it.
  func scratch(of worker: Int) -> Scratch { monitor.locked { scratches[worker] } }

  private func startThread(number: Int) -> Bool {
    final class Start {
      let pool: WorkerPool
      let number: Int
      init(pool: WorkerPool, number: Int) {
        self.pool = pool
        self.number = number
      }
    }
    let start = Unmanaged.passRetained(Start(pool: self, number: number))
    #if canImport(Darwin)
      var thread: pthread_t?
      let result = pthread_create(
        &thread, nil,
        { argument in
          let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
          start.pool.work(as: start.number)
          return nil
        }, start.toOpaque())
      if result == 0, let thread { pthread_detach(thread) }
    #else
      var thread = pthread_t()
      let result = pthread_create(
        &thread, nil,
        { argument in
          let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
          start.pool.work(as: start.number)
          return nil
        }, start.toOpaque())
      if result == 0 { pthread_detach(thread) }
    #endif
    if result != 0 { start.release() }
    return result == 0
  }

  private func work(as number: Int) {
    var done = 0
    while true {
      monitor.lock()
      while !isClosed && (jobNumber == done || number > wanted) { monitor.wait() }
      if isClosed {
        threads -= 1
        monitor.wakeAll()
        monitor.unlock()
        return
      }
      done = jobNumber
      let body = job
      monitor.unlock()
      body?(number)
      monitor.locked {
        running -= 1
        if running == 0 { monitor.wakeAll() }
      }
    }
  }
}
