import Imbrex

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// `imbrex job submit`: gives a job's tasks to an engine.
struct JobSubmit {
  enum Engine: String, CaseIterable {
    case slurm, dask
  }

  let engine: Engine
  let plan: JobPlan
  /// Absolute path of the job's directory.
  let job: String
  /// Absolute path of imbrex.
  let program: String
  /// Options of the engine: of `sbatch`, of `imbrex_dask.py`.
  let options: [String]
  /// Whether Slurm's tasks are followed; dask's always are, since it forgets what nobody waits for.
  let waits: Bool
  /// Whether the task of a number is done.
  let isDone: (Int) -> Bool

  /// What is to be run, as a shell script.
  func script() throws -> String {
    switch engine {
    case .slurm:
      try SlurmScript(
        plan, arrays: plan.arrays(without: isDone), job: job, program: program, options: options, waits: waits
      ).text
    case .dask: try DaskScript(job: job, program: program, options: options).text
    }
  }

  /// Runs it, and ends as it does. It is kept in the job's directory.
  func go() throws -> Never {
    let path = "\(job)/submit-\(engine.rawValue).sh"
    try writeText(script(), to: path)
    fflush(nil)
    // What the program ignores would be ignored by what it becomes.
    signal(SIGPIPE, SIG_DFL)
    signal(SIGXFSZ, SIG_DFL)
    let words = ["/bin/sh", path].map { PathText.bytes($0) + [0] }
    var arguments = words.map { word in
      word.withUnsafeBufferPointer { $0.withMemoryRebound(to: CChar.self) { strdup($0.baseAddress!) } }
    }
    arguments.append(nil)
    execv("/bin/sh", arguments)
    throw ImbrexError(.output, "cannot run /bin/sh: \(String(cString: strerror(errno)))")
  }
}
