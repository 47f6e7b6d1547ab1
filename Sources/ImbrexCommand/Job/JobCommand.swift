import Imbrex

/// `imbrex job create|run|status|graph|submit JOB/`.
struct JobCommand {
  private let action: Action
  private let directory: JobDirectory
  private let values: OptionValues
  /// What stands behind `--`.
  private let rest: [String]

  enum Action: String, CaseIterable {
    case create, run, status, graph, submit

    /// The options that go with it, of those that not all take.
    var options: Set<String> {
      switch self {
      case .create: ["parts", "tiled-copy", "no-sandbox"]
      case .run: ["task", "first", "no-sandbox"]
      case .status: ["json"]
      case .graph: ["json", "dot", "make"]
      case .submit: ["engine", "go", "wait"]
      }
    }
  }

  /// - Parameter rest: The words behind `--`.
  init(_ line: ParsedLine, rest: [String]) throws {
    let names = Action.allCases.map(\.rawValue)
    guard let word = line.inputs.first else {
      throw ImbrexError(.usage, "job needs to be told what to do: \(listed(names, "or"))")
    }
    guard let action = Action(rawValue: word) else {
      let near = nearestName(to: word, in: names).map { "; did you mean '\($0)'?" } ?? ""
      throw ImbrexError(.usage, "job cannot '\(word)'\(near) (\(names.joined(separator: ", ")))")
    }
    guard line.inputs.count > 1 else {
      throw ImbrexError(.usage, "job \(word) needs a directory: imbrex job \(word) JOB/")
    }
    guard line.inputs.count == 2 else {
      throw ImbrexError(.usage, "job \(word) takes one directory, '\(line.inputs[1])', not also '\(line.inputs[2])'")
    }
    for (option, _) in line.options.all
    where line.options.isGiven(option.name) && !action.options.contains(option.name) {
      let owners = Action.allCases.filter { $0.options.contains(option.name) }.map { "job \($0.rawValue)" }
      throw ImbrexError(option: option.name, "is an option of \(listed(owners)), not of job \(word)")
    }
    if !rest.isEmpty && action != .create && action != .submit {
      throw ImbrexError(.usage, "job \(word) takes nothing behind --, not '\(rest[0])'")
    }
    self.action = action
    directory = JobDirectory(line.inputs[1])
    values = line.options
    self.rest = rest
  }

  func run() throws {
    switch action {
    case .create: try create()
    case .run: try runTasks()
    case .status: try status()
    case .graph: try graph()
    case .submit: try submit()
    }
  }

  // MARK: - graph, submit

  private func graph() throws {
    let forms = JobGraph.allCases.filter { values.flag($0.rawValue) }
    guard forms.count == 1 else { throw ImbrexError(.usage, "job graph needs one of --json, --dot and --make") }
    try writeText(forms[0].text(directory), to: "-")
  }

  private func submit() throws {
    guard values.isGiven("engine") else {
      throw ImbrexError(option: "engine", "is missing: \(listed(JobSubmit.Engine.allCases.map(\.rawValue), "or"))")
    }
    let submission = JobSubmit(values.choice("engine"), directory, options: rest, waits: values.flag("wait"))
    if values.flag("go") { try submission.go() }
    try writeText(submission.script(), to: "-")
  }

  // MARK: - create

  private func create() throws {
    guard !rest.isEmpty else {
      throw ImbrexError(.usage, "job create needs a command line behind --: -- gaussian in.tif -o out.tif")
    }
    guard case .integer(let parts)? = values["parts"] else {
      throw ImbrexError(option: "parts", "is missing: --parts N")
    }
    let command = try CommandLineParser.parse(rest)
    if case .varied = command {
      throw ImbrexError(.usage, "--vary and --truth do not go with job: a job makes one result of each input")
    }
    guard case .filter(let line) = command else {
      throw ImbrexError(.usage, "what stands behind -- must be a filter, or a chain of them")
    }
    var planner = try JobPlanner(line, command: rest, parts: parts, makesCopies: values.flag("tiled-copy"))
    var confinement = Confinement(isOff: values.flag("no-sandbox"), isVerbose: line.options.flag("verbose"))
    planner.needs(&confinement)
    confinement.writes(directory.path, isDirectory: true)
    var tasks = 0, waves = 0
    try confinement.around {
      let plan = try planner.plan()
      try directory.create(plan)
      (tasks, waves) = (plan.tasks.count, plan.waves.count)
    }
    print(
      "\(tasks) \(tasks == 1 ? "task" : "tasks") in \(waves) \(waves == 1 ? "wave" : "waves"): imbrex job run \(PathText.printable(directory.path))"
    )
  }

  // MARK: - run

  /// Which the engines set in each task of an array job.
  private static let arrayIndices = [
    "SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX", "SGE_TASK_ID", "LSB_JOBINDEX", "AWS_BATCH_JOB_ARRAY_INDEX",
  ]

  private func runTasks() throws {
    let plan = try directory.plan()
    let number = try taskNumber(plan)
    let tasks = try JobTasks(directory, plan, isConfined: !values.flag("no-sandbox"))
    defer { tasks.close() }
    let runner = JobRunner(directory, plan)
    if let number {
      do {
        try runner.run(number, tasks.perform)
      } catch {
        throw fail(plan.tasks[number], error)
      }
      return
    }
    var status: Int32 = 1
    let outcome = try runner.runAll(tasks.perform) { task, error in
      if let error { status = max(status, fail(task, error).status) }
    }
    guard outcome.failed > 0 || outcome.blocked > 0 else { return }
    Messages.report("\(outcome.done) tasks done, \(outcome.failed) failed, \(outcome.blocked) wait for those")
    throw BatchFailure(status: 1)
  }

  /// Keeps why a task has failed, and says so.
  private func fail(_ task: JobPlan.Task, _ error: any Error) -> BatchFailure {
    var text = "\(error)", file: String?
    switch error {
    case let error as NamedError: (text, file) = (messageText(error.error), error.file)
    case let error as ImbrexError: text = messageText(error)
    default: break
    }
    directory.fail(task, file.map { "\($0): \(text)" } ?? text)
    if let file { Messages.report(text, file: file) } else { Messages.report(text) }
    return BatchFailure(status: 1)
  }

  /// The one task that is asked for, by its name or by an array job's index.
  private func taskNumber(_ plan: JobPlan) throws -> Int? {
    if let name = values.text("task") {
      guard let number = plan.tasks.firstIndex(where: { $0.name == name }) else {
        let near = nearestName(to: name, in: plan.tasks.map(\.name)).map { "; did you mean '\($0)'?" } ?? ""
        throw ImbrexError(option: "task", "is '\(name)', but the job has no such task\(near)")
      }
      return number
    }
    var first: Int?
    if case .integer(let value)? = values["first"] { first = value }
    guard
      let (variable, text) = Self.arrayIndices.lazy.compactMap({ name in environment(name).map { (name, $0) } }).first(
        where: { $0.1 != "undefined" })
    else {
      if first != nil { throw ImbrexError(option: "first", "goes with an array job, but no index of one is set") }
      return nil
    }
    guard let index = wholeNumber(text), index >= 0, (first ?? 0) + index < plan.tasks.count else {
      throw ImbrexError(.usage, "\(variable) is '\(text)', but the job's tasks go from 0 to \(plan.tasks.count - 1)")
    }
    return (first ?? 0) + index
  }

  // MARK: - status

  private func status() throws {
    let plan = try directory.plan()
    let done = try directory.names(in: "done"), failed = try directory.names(in: "failed").subtracting(done)
    let names = Set(plan.tasks.map(\.name))
    let claimed = try directory.names(in: "claims").intersection(names).subtracting(done)
    func count(_ wave: JobPlan.Wave, _ set: Set<String>) -> Int {
      wave.tasks.count { set.contains(plan.tasks[$0].name) }
    }
    let total = plan.tasks.count, complete = done.intersection(names).count
    if values.flag("json") {
      let value = JSONValue.object([
        ("tasks", .integer(total)), ("done", .integer(complete)), ("running", .integer(claimed.count)),
        (
          "failed",
          .array(
            plan.tasks.filter { failed.contains($0.name) }.map {
              .object([("task", .string($0.name)), ("error", .string(directory.failure(of: $0.name) ?? ""))])
            })
        ),
        (
          "waves",
          .array(
            plan.waves.map { wave in
              .object([
                ("name", .string(wave.name)), ("tasks", .integer(wave.tasks.count)),
                ("done", .integer(count(wave, done))),
                ("failed", .integer(count(wave, failed))),
              ])
            })
        ),
      ])
      return print(value)
    }
    for wave in plan.waves {
      let failures = count(wave, failed), text = "\(count(wave, done)) of \(wave.tasks.count) done"
      print("\(wave.name): \(text)\(failures > 0 ? ", \(failures) failed" : "")")
    }
    for task in plan.tasks where failed.contains(task.name) {
      print(PathText.printable("\(task.name) failed: \(directory.failure(of: task.name) ?? "")"))
    }
    print(complete == total ? "all \(total) tasks are done" : "\(complete) of \(total) tasks are done")
  }
}
