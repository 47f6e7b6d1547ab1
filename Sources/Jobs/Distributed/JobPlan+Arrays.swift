/// Tasks that a scheduler may be given at once: an array job.
package struct TaskArray: Equatable, Sendable {
  /// The name of its wave, with a number where the wave is given in several arrays.
  package let name: String
  /// The task that index 0 means.
  package let first: Int
  /// Which of the tasks from ``first`` on, as schedulers write it: `0-63`, `3,17,20-25`.
  package let indices: String
  /// How many they are.
  package let count: Int
  /// Places, in the list of arrays, of those that make what its tasks need, but for those that others of them come after.
  package let after: [Int]
  /// Bytes to ask for, for each task.
  package let memory: Int
  /// Minutes to ask for, for each task.
  package let minutes: Int
}

extension JobPlan {
  /// The tasks that are missing, as arrays in an order in which what is needed comes first.
  ///
  /// An array waits only for the arrays that its own tasks need, so that pictures do not wait for each other more than they must.
  ///
  /// - Parameters:
  ///   - limit: Tasks of an array at most. Slurm's `MaxArraySize` is 1001 unless it was set.
  ///   - isDone: Whether the task of a number is done already, and is left out.
  /// - Complexity: O(tasks and needs), and O(arrays²).
  package func arrays(limit: Int = 1000, without isDone: (Int) -> Bool = { _ in false }) -> [TaskArray] {
    var arrays: [TaskArray] = []
    var arrayOfTask = [Int?](repeating: nil, count: tasks.count)
    // Of each array, all that have ended when it begins.
    var before: [Set<Int>] = []
    for wave in waves {
      for first in stride(from: wave.tasks.lowerBound, to: wave.tasks.upperBound, by: limit) {
        let missing = (first..<min(first + limit, wave.tasks.upperBound)).filter { !isDone($0) }
        if missing.isEmpty { continue }
        for task in missing { arrayOfTask[task] = arrays.count }
        let needed = Set(missing.flatMap { tasks[$0].needs.compactMap { arrayOfTask[$0] } })
        let implied = needed.reduce(into: Set()) { $0.formUnion(before[$1]) }
        before.append(needed.union(implied))
        let number = (first - wave.tasks.lowerBound) / limit + 1
        arrays.append(
          TaskArray(
            name: wave.tasks.count > limit ? "\(wave.name)-\(number)" : wave.name, first: first,
            indices: Self.indices(missing.map { $0 - first }), count: missing.count,
            after: needed.subtracting(implied).sorted(),
            memory: missing.map { tasks[$0].memoryToAskFor }.max()!,
            minutes: missing.map { tasks[$0].minutesToAskFor }.max()!))
      }
    }
    return arrays
  }

  /// Ascending numbers, runs of them as ranges.
  private static func indices(_ numbers: [Int]) -> String {
    var runs: [ClosedRange<Int>] = []
    for number in numbers {
      if let last = runs.last, last.upperBound == number - 1 {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }
}

extension JobPlan.Task {
  /// Bytes for the task and the program (its code and libraries, the stacks of its workers: below 100 MiB), in steps of 64 MiB.
  package var memoryToAskFor: Int {
    let step = 64 << 20
    return (memory + (100 << 20) + step - 1) / step * step
  }

  /// Ten minutes for starting and waiting for disks, and for each megapixel two seconds: several times what the slowest filters
  /// take on one core. A scheduler kills what is late, so that too little costs more than too much.
  package var minutesToAskFor: Int { 10 + (pixels * 2 / 1_000_000 + 59) / 60 }
}
