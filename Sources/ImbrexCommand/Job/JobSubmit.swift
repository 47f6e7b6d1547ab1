import Imbrex
import Platform

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

  private let engine: Engine
  private let directory: JobDirectory
  /// Options of the engine: of `sbatch`, of `imbrex_dask.py`.
  private let options: [String]
  /// Whether Slurm's tasks are followed; dask's always are, since it forgets what nobody waits for.
  private let waits: Bool

  init(_ engine: Engine, _ directory: JobDirectory, options: [String], waits: Bool) {
    self.engine = engine
    self.directory = directory
    self.options = options
    self.waits = waits
  }

  /// What is to be run, as a shell script.
  func script() throws -> String {
    let plan = try directory.plan(), program = try runningProgram()
    guard engine == .slurm else {
      return try DaskScript(job: directory.path, program: program, options: options).text
    }
    let done = try directory.names(in: "done")
    let arrays = plan.arrays { done.contains(plan.tasks[$0].name) }
    return try SlurmScript(
      plan, arrays: arrays, job: directory.path, program: program, options: options, waits: waits
    ).text
  }

  /// Becomes the script, which is kept in the job's directory, and so ends as it does.
  func go() throws -> Never {
    let path = "\(directory.path)/submit-\(engine.rawValue).sh"
    try writeText(script(), to: path)
    fflush(nil)
    // What the program ignores would be ignored by what it becomes.
    signal(SIGPIPE, SIG_DFL)
    signal(SIGXFSZ, SIG_DFL)
    var arguments: [UnsafeMutablePointer<CChar>?] = ["/bin/sh", path].map { PathText.withCPath($0) { strdup($0) } }
    arguments.append(nil)
    execv("/bin/sh", arguments)
    throw ImbrexError(.output, "cannot run /bin/sh: \(systemMessage())")
  }
}

/// `imbrex job graph`: the tasks for other programs.
enum JobGraph: String, CaseIterable {
  case json, dot, make

  func text(_ directory: JobDirectory) throws -> String {
    let plan = try directory.plan()
    return switch self {
    case .json: plan.graphJSON(job: directory.path, program: try runningProgram())
    case .dot: plan.dot(name: directory.path)
    case .make: plan.makefile(program: try runningProgram())
    }
  }
}

/// Absolute path of this program.
private func runningProgram() throws -> String {
  #if canImport(Darwin)
    var name = [CChar](repeating: 0, count: Int(PATH_MAX))
    var size = UInt32(name.count)
    let link =
      _NSGetExecutablePath(&name, &size) == 0 ? name.withUnsafeBufferPointer { PathText.text($0.baseAddress!) } : ""
  #else
    let link = "/proc/self/exe"
  #endif
  guard let path = resolvedPath(link) else {
    throw ImbrexError(.input, "cannot find out where imbrex is: \(systemMessage())")
  }
  return path
}
