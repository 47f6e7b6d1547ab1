extension JobPlan {
  /// The file that says that a task is done, in the job's directory.
  static func doneFile(_ task: Task) -> String { "done/\(task.name)" }

  /// The words of the command that runs a task.
  package func command(of task: Task, job: String, program: String) -> [String] {
    [program, "job", "run", job, "--task", task.name]
  }

  /// The graph for engines of any kind, as JSON: tasks with their commands, as words and for a shell, and paths that lead there from
  /// anywhere.
  ///
  /// - Parameters:
  ///   - job: Absolute path of the job's directory.
  ///   - program: Absolute path of imbrex.
  package func graphJSON(job: String, program: String) -> String {
    let outputs = Set(outputs)
    var waveOfTask = [String](repeating: "", count: tasks.count)
    for wave in waves { for task in wave.tasks { waveOfTask[task] = wave.name } }

    func path(_ made: String) -> String {
      if made.hasPrefix("/") { return made }
      return (outputs.contains(made) ? directory : job) + "/" + made
    }
    func object(_ number: Int, _ task: Task) -> JSONValue {
      let words = command(of: task, job: job, program: program)
      return .object([
        ("name", .string(task.name)), ("number", .integer(number)), ("wave", .string(waveOfTask[number])),
        ("command", .array(words.map(JSONValue.string))), ("shell", .string(ShellText.line(words))),
        ("needs", .array(task.needs.map { .string(tasks[$0].name) })),
        ("done", .string("\(job)/\(Self.doneFile(task))")),
        ("makes", .array(task.makes.map { .string(path($0)) })), ("pixels", .integer(task.pixels)),
        ("memory", .integer(task.memoryToAskFor)), ("minutes", .integer(task.minutesToAskFor)), ("cores", .integer(1)),
      ])
    }
    let head: [(String, JSONValue)] = [
      ("imbrex", .string(version)), ("job", .string(job)), ("inputs", .array(inputs.map { .string($0.path) })),
      ("outputs", .array(self.outputs.map { .string(path($0)) })),
    ]
    let lines = tasks.enumerated().map { "    \(object($0, $1))" }
    return "{\n" + head.map { "  \"\($0)\": \($1),\n" }.joined() + "  \"tasks\": [\n" + lines.joined(separator: ",\n")
      + "\n  ]\n}\n"
  }
}
