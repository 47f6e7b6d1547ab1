import Foundation
import Imbrex
import TestSupport
import Testing

/// A job's graph in the languages of others: Makefiles, pictures, scripts for schedulers. make and sh read them here; programs that
/// are not on every machine are played by shell scripts.
@Suite struct JobGraphTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// `parts` tasks, one that merges what they make, as many that finish, and one that joins.
  private static func plan(parts: Int, memory: Int = 300 << 20, pixels: Int = 90_000_000) throws -> JobPlan {
    func task(_ name: String, _ needs: [String], _ makes: String) -> String {
      let needs = needs.map { "\"\($0)\"" }.joined(separator: ",")
      return
        #"{"name":"\#(name)","needs":[\#(needs)],"makes":["\#(makes)"],"pixels":\#(pixels),"memory":\#(memory),"work":{"kind":"table"}}"#
    }
    let locals = (0..<parts).map { "local-\($0)" }, finals = (0..<parts).map { "finish-\($0)" }
    let tasks =
      locals.map { task($0, [], "parts/\($0)") } + [task("merge", locals, "merged")]
      + finals.indices.map { task(finals[$0], ["merge", locals[$0]], "parts/\(finals[$0])") }
      + [task("join", finals, "out put.tif")]
    let waves = [("local", 0, parts), ("merge", parts, 1), ("finish", parts + 1, parts), ("join", 2 * parts + 1, 1)]
      .map { #"{"name":"\#($0.0)","first":\#($0.1),"tasks":\#($0.2)}"# }
    let text = """
      {"imbrex":"0.0","directory":"/home/a b","command":["edge","in.tif","-o","out put.tif"],"parts":\(parts),"max_memory":1,"pictures":[],
      "inputs":[{"path":"in.tif","kept":"in.tif","size":1,"modified":"2","content":"c"}],"outputs":["out put.tif"],
      "waves":[\(waves.joined(separator: ","))],"tasks":[\(tasks.joined(separator: ","))]}
      """
    return try JobPlan(json: Array(text.utf8))
  }

  /// A script in a folder `bin`, and its path.
  @discardableResult
  private func script(_ name: String, in directory: String = "bin", _ text: String) throws -> String {
    let bin = folder.url.appendingPathComponent(directory)
    try FileManager.default.createDirectory(at: bin, withIntermediateDirectories: true)
    let path = bin.appendingPathComponent(name).path
    try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(fileURLWithPath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    return path
  }

  private func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
  }

  private func text(_ name: String) throws -> String {
    try String(decoding: Data(contentsOf: folder.url.appendingPathComponent(name)), as: UTF8.self)
  }

  /// An empty job in a directory whose name is hard to quote, and its absolute path.
  private func job(_ name: String = "a job's $HOME #1 %a.job") throws -> String {
    let path = folder.path(name)
    try FileManager.default.createDirectory(atPath: path + "/done", withIntermediateDirectories: true)
    return path
  }

  // MARK: - Arrays

  @Test func arrays_are_waves_in_pieces_that_wait_for_the_pieces_they_need() throws {
    let arrays = try Self.plan(parts: 25).arrays(limit: 10)
    #expect(
      arrays.map { "\($0.name) \($0.first)+\($0.indices) after \($0.after)" } == [
        "local-1 0+0-9 after []", "local-2 10+0-9 after []", "local-3 20+0-4 after []", "merge 25+0 after [0, 1, 2]",
        "finish-1 26+0-9 after [0, 3]", "finish-2 36+0-9 after [1, 3]", "finish-3 46+0-4 after [2, 3]",
        "join 51+0 after [4, 5, 6]",
      ])
    #expect(arrays.map(\.count) == [10, 10, 5, 1, 10, 10, 5, 1])
  }

  @Test func what_is_done_is_left_out_of_arrays() throws {
    let done: Set = [0, 1, 4, 5, 6, 9, 10]
    let arrays = try Self.plan(parts: 10).arrays { done.contains($0) }
    #expect(arrays.map(\.indices) == ["2-3,7-8", "0-9", "0"] && arrays.map(\.after) == [[], [0], [1]])
    #expect(try Self.plan(parts: 10).arrays { _ in true } == [])
  }

  @Test func tasks_ask_for_more_than_they_need() throws {
    let array = try Self.plan(parts: 2).arrays()[0]
    #expect(array.memory == 448 << 20 && array.minutes == 13)
    let tiny = try Self.plan(parts: 2, memory: 0, pixels: 0).arrays()[0]
    #expect(tiny.memory == 128 << 20 && tiny.minutes == 10)
  }

  // MARK: - make

  @Test func make_runs_each_task_after_what_it_needs_and_only_what_is_missing() throws {
    let job = try job(),
      program = try script("im'br#e$x", in: "b i\\n", "touch \"done/$5\"; echo \"$IMBREX_JOBS $*\" >> ran")
    try Self.plan(parts: 9).makefile(program: program).write(
      toFile: job + "/Makefile", atomically: true, encoding: .utf8)
    try Data().write(to: URL(fileURLWithPath: job + "/done/local-3"))
    let made = try Program.shell("make -C \"$1\" -j 4 -s", [job])
    #expect(made.status == 0 && made.errors == "", "\(made.errors)\(made.text)")
    let ran = try String(contentsOfFile: job + "/ran", encoding: .utf8).split(separator: "\n").map(String.init)
    #expect(ran.count == 19 && ran[18] == "1 job run . --task join" && ran[8] == "1 job run . --task merge")
    #expect(ran.filter { $0.contains("local-3") }.isEmpty)
    #expect(try Program.shell("make -C \"$1\"", [job]).text.contains("Nothing to be done"))
  }

  @Test func make_goes_on_past_a_task_that_fails() throws {
    let job = try job()
    let program = try script("imbrex", "case $5 in finish-1) exit 1;; esac; touch \"done/$5\"")
    try Self.plan(parts: 3).makefile(program: program).write(
      toFile: job + "/Makefile", atomically: true, encoding: .utf8)
    #expect(try Program.shell("make -C \"$1\" -j 2 -k", [job]).status == 2)
    let done = try FileManager.default.contentsOfDirectory(atPath: job + "/done").sorted()
    #expect(done == ["finish-0", "finish-2", "local-0", "local-1", "local-2", "merge"])
  }

  @Test func make_sends_tasks_to_hosts_by_turns() throws {
    let job = try job(), program = try script("imb rex", "touch \"done/$5\"")
    // What ssh does: its words are put together, and a shell of the host reads them.
    try script("ssh", "host=$1; shift; echo $host >> \"$HOSTS_SEEN\"; cd / && exec sh -c \"$*\"")
    try Self.plan(parts: 5).makefile(program: program).write(
      toFile: job + "/Makefile", atomically: true, encoding: .utf8)
    let made = try Program.shell(
      "PATH=\"$2:$PATH\" HOSTS_SEEN=\"$3\" make -C \"$1\" -j 3 -k HOSTS='ant bee cat'",
      [job, folder.path("bin"), folder.path("seen")])
    #expect(made.status == 0, "\(made.errors)")
    let seen = try text("seen").split(separator: "\n")
    #expect(["ant", "bee", "cat"].map { host in seen.count { $0 == host } } == [4, 4, 4])
  }

  // MARK: - JSON and pictures

  @Test func the_graph_as_json_has_commands_and_paths_for_use_anywhere() throws {
    let plan = try Self.plan(parts: 2)
    let graph = try JSONValue(text: Array(plan.graphJSON(job: "/j b", program: "/p/imbrex").utf8))
    let tasks = try #require(graph["tasks"]?.array)
    #expect(tasks.count == 6 && graph["outputs"]?.array?.compactMap(\.string) == ["/home/a b/out put.tif"])
    #expect(
      tasks[2].description
        == #"{"name":"merge","number":2,"wave":"merge","command":["/p/imbrex","job","run","/j b","--task","merge"],"#
        + #""shell":"/p/imbrex job run '/j b' --task merge","#
        + #""needs":["local-0","local-1"],"done":"/j b/done/merge","makes":["/j b/merged"],"pixels":90000000,"#
        + #""memory":469762048,"minutes":13,"cores":1}"#)
    #expect(tasks[5]["makes"]?.array?.compactMap(\.string) == ["/home/a b/out put.tif"])
  }

  @Test func a_picture_of_the_graph_stays_small() throws {
    let large = try Self.plan(parts: 300).dot(name: "a \"job\"")
    #expect(large.split(separator: "\n").count < 30)
    #expect(large.contains(#"label="finish\n300 tasks, each up to\n90 Mpixel, 300 MiB""#))
    #expect(
      large.contains("wave0 -> task300 [label=\"  all\"]") && large.contains("wave0 -> wave2 [label=\"  1 each\"]"))
    let small = try Self.plan(parts: 3).dot(name: "job")
    #expect(
      small.contains("task0 -> task3\n") && small.contains("subgraph cluster0") && small.contains("task7 -> output0"))
    if let place = ProcessInfo.processInfo.environment["IMBREX_TEST_PICTURES"] {
      for (name, text) in [("large", large), ("small", small)] {
        try text.write(toFile: "\(place)/\(name).dot", atomically: true, encoding: .utf8)
      }
    }
  }

  // MARK: - Slurm

  /// Plays a cluster that runs an array as it is submitted, with what is said to it in `asked`.
  private func playSlurm() throws {
    try script(
      "sbatch",
      """
      n=$(($(cat "$PLAY/count" 2> /dev/null || echo 0) + 1)); echo $n > "$PLAY/count"
      [ "$n" != "$FAIL_AT" ] || { echo "sbatch: error: no" >&2; exit 1; }
      printf '<%s>' "$@" >> "$PLAY/asked"; echo >> "$PLAY/asked"
      for word; do case $word in --array=*) indices=${word#--array=};; esac; program=$first; first=$word; done
      for range in $(echo $indices | tr , ' '); do
        for i in $(seq ${range%-*} ${range#*-}); do
          SLURM_CPUS_PER_TASK=3 SLURM_ARRAY_TASK_ID=$i sh "$program" $first || true
        done
      done < /dev/null
      echo "$n;cluster"
      """)
    try script("scancel", "echo $* >> \"$PLAY/cancelled\"")
    try script("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1")
    try script("sleep", ":")
  }

  /// A program that does what the task of a number does, by leaving that number.
  private func playProgram(failing: String = "none") throws -> String {
    try script(
      "imbrex", in: "b in",
      """
      [ "$2" = run ] || { echo "status of $3"; exit 0; }
      n=$(($5 + SLURM_ARRAY_TASK_ID)); echo "$IMBREX_JOBS: $n" >> "$PLAY/ran"
      case $n in \(failing)) exit 1;; esac
      touch "$3/done/$n"
      """)
  }

  private func run(_ script: SlurmScript, failAt: Int = 0) throws -> Program.Outcome {
    try write(script.text, "submit.sh")
    return try Program.shell(
      "export PATH=\"$1/bin:$PATH\" PLAY=\"$1\" FAIL_AT=$2; sh \"$1/submit.sh\"", [folder.url.path, "\(failAt)"])
  }

  @Test func slurm_is_given_an_array_for_each_wave_with_what_it_waits_for() throws {
    try playSlurm()
    let plan = try Self.plan(parts: 3), job = try job(), program = try playProgram()
    let ended = try run(
      SlurmScript(
        plan, arrays: plan.arrays(), job: job, program: program, options: ["--partition=a b", "-c", "4"], waits: true))
    #expect(ended.status == 0)
    #expect(
      ended.errors == """
        imbrex: local: 3 x 448 MiB, 13 min: Slurm job 1
        imbrex: merge: 1 x 448 MiB, 13 min: Slurm job 2, after 1
        imbrex: finish: 3 x 448 MiB, 13 min: Slurm job 3, after 1:2
        imbrex: join: 1 x 448 MiB, 13 min: Slurm job 4, after 3
        imbrex: 8 of 8 tasks done, 0 running
        status of \(job)

        """)
    let third = try text("asked").split(separator: "\n")[2]
    let log = job.replacing("%", with: "%%") + "/slurm/%x-%a.log"
    #expect(
      third
        == "<--parsable><--job-name=imbrex-finish><--array=0-2><--mem=448M><--time=13><--cpus-per-task=1><--requeue>"
        + "<--chdir=\(job)><--output=\(log)><--open-mode=append><--dependency=afterany:1:2>"
        + "<--partition=a b><-c><4><\(job)/slurm/task.sh><4>")
    #expect(try text("ran") == (0..<8).map { "3: \($0)\n" }.joined())
  }

  @Test func a_task_that_fails_on_slurm_is_tried_three_times_and_the_job_ends_with_status_1() throws {
    try playSlurm()
    let plan = try Self.plan(parts: 3), job = try job()
    let program = try playProgram(failing: "5")
    let ended = try run(SlurmScript(plan, arrays: plan.arrays(), job: job, program: program, waits: true))
    #expect(ended.status == 1 && ended.errors.hasSuffix("imbrex: 7 of 8 tasks done, 0 running\nstatus of \(job)\n"))
    #expect(try text("ran").split(separator: "\n").count { $0 == "3: 5" } == 3)
  }

  @Test func what_was_submitted_is_taken_back_if_the_rest_cannot_be() throws {
    try playSlurm()
    let plan = try Self.plan(parts: 3), job = try job(), program = try playProgram()
    let ended = try run(SlurmScript(plan, arrays: plan.arrays(), job: job, program: program), failAt: 3)
    #expect(ended.status == 1 && ended.errors.hasSuffix("sbatch: error: no\n"))
    #expect(try text("cancelled") == "1 2\n")
  }

  @Test func a_job_that_is_done_asks_slurm_for_nothing() throws {
    let plan = try Self.plan(parts: 3)
    let ended = try run(SlurmScript(plan, arrays: [], job: "/a b", program: "imbrex"))
    #expect(ended.status == 0 && ended.errors == "imbrex: /a b: all tasks are done\n")
  }

  @Test(arguments: ["--array=1", "-a1", "--dependency=singleton", "-d", "--wrap=x", "-W"])
  func options_that_take_the_graph_apart_are_refused(option: String) throws {
    let plan = try Self.plan(parts: 3)
    #expect(throws: ImbrexError.self) {
      try SlurmScript(plan, arrays: plan.arrays(), job: "/j", program: "imbrex", options: [option])
    }
  }

  @Test func memory_for_each_core_takes_the_place_of_that_for_a_task() throws {
    let plan = try Self.plan(parts: 3)
    let text = try SlurmScript(
      plan, arrays: plan.arrays(), job: "/j", program: "imbrex", options: ["--mem-per-cpu=2G"]
    ).text
    #expect(!text.contains(" --mem=") && text.contains("--mem-per-cpu=2G"))
  }
}
