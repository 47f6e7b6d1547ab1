extension JobPlan {
  /// A Makefile for GNU make, to be run in the job's directory. Its targets are the files that say that tasks are done.
  ///
  /// make splits names at spaces whatever is done about it, so the job's own path is nowhere in it: targets and commands are relative
  /// to where make stands. What is needed stands behind a bar, since only its being there matters, not its age.
  ///
  /// - Parameter program: Path of imbrex.
  package func makefile(program: String) -> String {
    var isNeeded = [Bool](repeating: false, count: tasks.count)
    for task in tasks { for need in task.needs { isNeeded[need] = true } }
    let last = tasks.indices.filter { !isNeeded[$0] }.map { tasks[$0] }

    func targets(_ tasks: [Task]) -> String { tasks.map { " " + Self.doneFile($0) }.joined() }
    var text = """
      # The \(tasks.count) tasks of a job, made by imbrex \(version). In the job's directory:
      #
      #     make -j 8 -k                          eight at once; -k goes on with the others when one fails
      #     make -j 24 -k HOSTS='ant bee cat'     on several machines, by ssh, that have this directory under the same path
      #
      # Run again it does what is missing.

      IMBREX = \(Self.makeText(ShellText.word(program)))
      # Workers of one task: several tasks run at once.
      IMBREX_JOBS = 1
      HOSTS =

      task = IMBREX_JOBS=$(IMBREX_JOBS) $(IMBREX) job run . --task $*

      # The hosts take turns.
      ifneq ($(HOSTS),)
      quoted = '$(subst ','\\'',$1)'
      turns := $(HOSTS)
      next = $(firstword $(turns))$(eval turns := $(wordlist 2,$(words $(turns)),$(turns)) $(firstword $(turns)))
      remote = ssh $(next) $(call quoted,cd $(call quoted,$(CURDIR)) && $(task))
      endif

      MAKEFLAGS += --no-builtin-rules
      .SUFFIXES:
      .PHONY: all
      all:\(targets(last))

      done/%:
      \t$(or $(remote),$(task))

      """
    for wave in waves {
      text += "\n# \(wave.name): \(wave.tasks.count == 1 ? "one task" : "\(wave.tasks.count) tasks")\n"
      for task in tasks[wave.tasks] where !task.needs.isEmpty {
        text += "\(Self.doneFile(task)): |\(targets(task.needs.map { tasks[$0] }))\n"
      }
    }
    return text
  }

  /// A variable's value as make reads it back. Backslashes are themselves unless a `#` follows them, which gets one more.
  private static func makeText(_ text: String) -> String {
    var result = "", backslashes = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "$": result += "$$"
      case "#": result += backslashes + "\\#"
      default: result.unicodeScalars.append(scalar)
      }
      backslashes = scalar == "\\" ? backslashes + "\\" : ""
    }
    return result
  }
}
