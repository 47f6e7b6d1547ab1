import Platform

/// A shell script that gives the missing tasks of a job to Slurm: one `sbatch` for each array, each after those that it needs.
///
/// An array begins when those before it have ended, well or not (`afterany`): tasks look themselves for what they need, and the
/// pictures that nothing is wrong with go on.
package struct SlurmScript: Sendable {
  private let plan: JobPlan
  private let arrays: [TaskArray]
  private let job: String
  private let program: String
  private let options: [String]
  private let waits: Bool

  /// - Parameters:
  ///   - arrays: Of ``JobPlan/arrays(limit:without:)``.
  ///   - job: Absolute path of the job's directory, the same on all nodes.
  ///   - program: Absolute path of imbrex, the same on all nodes.
  ///   - options: For `sbatch`; they stand behind the script's own, and so win.
  ///   - waits: Whether it follows the tasks to their end, and ends as the job does.
  /// - Throws: ``ImbrexError`` for options that would take the graph apart.
  package init(
    _ plan: JobPlan, arrays: [TaskArray], job: String, program: String, options: [String] = [], waits: Bool = false
  ) throws {
    for option in options {
      let name = option.hasPrefix("--") ? String(option.prefix { $0 != "=" }) : String(option.prefix(2))
      if ["--array", "-a", "--dependency", "-d", "--wait", "-W", "--wrap"].contains(name) {
        throw ImbrexError(.usage, "sbatch's \(name) is set by the plan: leave it out")
      }
    }
    self.plan = plan
    self.arrays = arrays
    self.job = job
    self.program = program
    self.options = options
    self.waits = waits
  }

  package var text: String {
    let count = arrays.reduce(0) { $0 + $1.count }
    let size = "\(count) of \(plan.tasks.count) tasks in \(arrays.count == 1 ? "one array" : "\(arrays.count) arrays")"
    let head = """
      #!/bin/sh
      # Gives the job \(ShellText.comment(job)) to Slurm: \(size). Made by imbrex \(plan.version).
      set -eu
      job=\(ShellText.word(job))

      """
    if count == 0 { return head + "echo \"imbrex: $job: all tasks are done\" >&2\n" }
    let lines = arrays.enumerated().map { number, array in
      let words = "\(array.count) \(array.first) \(array.indices) \(array.memory >> 20) \(array.minutes)"
      return "array \(array.name) \(words)\(array.after.map { " $a\($0)" }.joined()); a\(number)=$id\n"
    }
    return head + functions + lines.joined() + "trap - EXIT\n" + (waits ? following : "")
  }

  private var functions: String {
    // --mem and --mem-per-cpu exclude each other.
    let memory = options.contains { $0.hasPrefix("--mem-per-") } ? "" : " --mem=\"${memory}M\""
    return """
      command -v sbatch > /dev/null || { echo "imbrex: there is no sbatch: this is no machine of a Slurm cluster" >&2; exit 1; }

      # What runs on a node: one task. Much that goes wrong there is over after a while, so it is tried three times.
      mkdir -p "$job/slurm"
      cat > "$job/slurm/task.sh" <<'END_OF_TASK'
      #!/bin/sh
      export IMBREX_JOBS="${SLURM_CPUS_PER_TASK:-1}"
      for pause in 5 15 0; do
        \(ShellText.line([program, "job", "run", job, "--first"])) "$1" && exit
        status=$?
        sleep $pause
      done
      exit $status
      END_OF_TASK

      # If the rest cannot be submitted, what was is taken back.
      submitted=
      trap '[ -z "$submitted" ] || scancel $submitted' EXIT
      trap 'exit 1' HUP INT TERM

      # In names of files % is Slurm's, unless there are two.
      log=$(printf '%s\\n' "$job" | sed 's/%/%%/g')/slurm/%x-%a.log

      array() { # NAME TASKS FIRST INDICES MEGABYTES MINUTES AFTER...
        name=$1 tasks=$2 first=$3 indices=$4 memory=$5 minutes=$6
        shift 6
        after=$(IFS=:; echo "$*")
        id=$(sbatch --parsable --job-name="imbrex-$name" --array="$indices"\(memory) --time="$minutes" \\
          --cpus-per-task=1 --requeue --chdir="$job" --output="$log" --open-mode=append \\
          ${after:+--dependency="afterany:$after"} \(options.isEmpty ? "" : ShellText.line(options) + " ")\\
          "$job/slurm/task.sh" "$first" < /dev/null)
        id=${id%%;*}
        submitted="$submitted $id"
        echo "imbrex: $name: $tasks x $memory MiB, $minutes min: Slurm job $id${after:+, after $after}" >&2
      }


      """
  }

  /// Says how far they are until Slurm knows nothing more of them, then ends as the job does.
  private var following: String {
    """

    ids=$(echo $submitted | tr ' ' ',')
    trap 'echo "imbrex: the tasks go on; scancel$submitted ends them" >&2; exit 130' HUP INT TERM
    said= pause=1
    while :; do
      # Slurm forgets what has ended some minutes ago. Any other trouble with it is waited out.
      left=$(squeue --noheader --format='%T %r' --jobs="$ids" 2>&1) || case $left in
        *"Invalid job id"*) left= ;;
        *) left="PENDING no answer from Slurm" ;;
      esac
      complete=$(ls "$job/done" | wc -l)
      running=$(echo "$left" | grep -c '^RUNNING' || true)
      reason=$(echo "$left" | sed -n 's/^PENDING //p' | grep -Ev '^(Dependency|None)' | sed -n '1s/^/, waiting: /p' || true)
      now="$complete of \(plan.tasks.count) tasks done, $running running$reason"
      [ "$now" = "$said" ] || echo "imbrex: $now" >&2
      said=$now
      [ -n "$left" ] || break
      sleep $pause
      [ $pause -ge 10 ] || pause=$((pause + 1))
    done
    \(ShellText.line([program, "job", "status", job])) >&2 || true
    [ "$complete" -ge \(plan.tasks.count) ]

    """
  }
}
