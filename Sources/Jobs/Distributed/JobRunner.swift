import Pipeline
import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs the tasks of a job that are missing, in an order that the graph allows, beside other runners of the same job.
package struct JobRunner {
  private let directory: JobDirectory
  private let plan: JobPlan

  /// What a run has done.
  package struct Outcome: Sendable {
    package var done = 0
    package var failed = 0
    /// Tasks that wait for one that has failed.
    package var blocked = 0
  }

  package init(_ directory: JobDirectory, _ plan: JobPlan) { (self.directory, self.plan) = (directory, plan) }

  /// Runs one task, unless it is done.
  ///
  /// - Parameter perform: Does the task; its error is kept with the job, and thrown.
  package func run(_ number: Int, _ perform: (JobPlan.Task) throws -> Void) throws {
    let task = plan.tasks[number]
    if directory.isDone(task) { return }
    if let missing = task.needs.first(where: { !directory.isDone(plan.tasks[$0]) }) {
      throw ImbrexError(.input, "\(task.name) needs \(plan.tasks[missing].name), which is not done")
    }
    let start = monotonicNanoseconds()
    do {
      try perform(task)
    } catch {
      // Another runner may have done it meanwhile, and taken away what it was made of.
      if directory.isDone(task) { return }
      throw error
    }
    try directory.finish(task, seconds: Double(monotonicNanoseconds() - start) / 1e9)
    tidy(after: task)
  }

  /// Removes what a picture's parts have made. Only when it is written down that the picture is: what was killed before is done again.
  private func tidy(after task: JobPlan.Task) {
    if case .join(let picture) = task.work { directory.removeParts(of: picture) }
  }

  /// Runs all that is missing.
  ///
  /// - Parameters:
  ///   - perform: Does a task.
  ///   - report: Told of each that is done, or why it failed.
  /// - Throws: ``ImbrexError`` if the job's directory cannot be read.
  package func runAll(
    _ perform: (JobPlan.Task) throws -> Void, report: (JobPlan.Task, (any Error)?) -> Void
  ) throws -> Outcome {
    var outcome = Outcome()
    var isDone = try plan.tasks.map(\.name).map(Set(directory.names(in: "done")).contains)
    var hasFailed = plan.tasks.map { _ in false }
    for (number, task) in plan.tasks.enumerated() where isDone[number] { tidy(after: task) }
    while true {
      var isWaiting = false, hasRun = false
      for (number, task) in plan.tasks.enumerated() where !isDone[number] && !hasFailed[number] {
        guard task.needs.allSatisfy({ isDone[$0] }) else { continue }
        guard directory.claim(task) else {
          isWaiting = true
          continue
        }
        defer { directory.release(task) }
        hasRun = true
        isDone[number] = directory.isDone(task)
        if isDone[number] { continue }
        do {
          try Heartbeat.beat(directory, task) { try run(number, perform) }
          isDone[number] = true
          outcome.done += 1
          report(task, nil)
        } catch {
          hasFailed[number] = true
          outcome.failed += 1
          report(task, error)
        }
      }
      if hasRun { continue }
      guard isWaiting else { break }
      // Others are at what is left.
      usleep(100_000)
      let names = try directory.names(in: "done")
      for (number, task) in plan.tasks.enumerated() where names.contains(task.name) { isDone[number] = true }
    }
    outcome.blocked = plan.tasks.indices.count { !isDone[$0] && !hasFailed[$0] }
    return outcome
  }
}

/// Shows every few seconds that a claimed task is being done.
private enum Heartbeat {
  static func beat(_ directory: JobDirectory, _ task: JobPlan.Task, _ body: () throws -> Void) rethrows {
    let isOver = Locked(false)
    let beater = Beater(directory: directory, task: task, isOver: isOver)
    var thread = pthread_t(bitPattern: 0)
    let pointer = Unmanaged.passRetained(beater).toOpaque()
    let made = pthread_create(
      &thread, nil,
      { argument in
        #if canImport(Darwin)
          let beater = Unmanaged<Beater>.fromOpaque(argument).takeRetainedValue()
        #else
          let beater = Unmanaged<Beater>.fromOpaque(argument!).takeRetainedValue()
        #endif
        beater.run()
        return nil
      }, pointer)
    if made != 0 { Unmanaged<Beater>.fromOpaque(pointer).release() }
    defer { isOver.withLock { $0 = true } }
    try body()
  }

  private final class Beater: Sendable {
    let directory: JobDirectory
    let task: JobPlan.Task
    let isOver: Locked<Bool>

    init(directory: JobDirectory, task: JobPlan.Task, isOver: Locked<Bool>) {
      (self.directory, self.task, self.isOver) = (directory, task, isOver)
    }

    func run() {
      pthread_detach(pthread_self())
      var beats = 0
      while !isOver.withLock({ $0 }) {
        usleep(200_000)
        beats += 1
        if beats % 25 == 0 { directory.refresh(task) }
      }
    }
  }
}
