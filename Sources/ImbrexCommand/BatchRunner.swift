import Imbrex

/// Runs files side by side on one pool and reports each, in order.
///
/// An input may have several results, each with options of its own: branches. All have the same inputs.
struct BatchRunner: Sendable {
  struct Branch: Sendable {
    let run: FilterRun
    let outputs: RunOutputs
    /// Everything but the input's content that the outputs depend on.
    let settings: ContentHash
    /// The values that it has of what varies.
    var combination: Combination?

    init(_ run: FilterRun, _ outputs: RunOutputs, _ combination: Combination? = nil) {
      (self.run, self.outputs, self.combination) = (run, outputs, combination)
      settings = run.settings.hash
    }

    /// Whether all inputs write to one output, which `--no-clobber` and `--incremental` are not asked about for each.
    var sharesOutput: Bool { outputs.sharedTable != nil }
  }

  let branches: [Branch]
  let tiling: TilingOptions

  /// Whether a last line says how many were done.
  var saysSummary = true

  private var options: CommonOptions { branches[0].run.options }
  private var plan: BatchPlan { branches[0].outputs.plan }

  /// How many results may wait for one before them.
  private static let window = 256
  /// A directory of more names is not looked through for one picture, which may take less time.
  private static let largestDirectory = 64 << 10

  /// - Parameters:
  ///   - take: Called with each result and the number of its branch, in order.
  ///   - body: Does the work of one file, on any thread: of those of its branches that are wanted.
  /// - Throws: ``BatchFailure`` if any failed, or the error of a pipe that was closed.
  func run(
    take: @Sendable @escaping (FileResult, Int) -> Void = { _, _ in },
    _ body: @Sendable @escaping ([FileJob]) throws -> Void
  ) throws {
    if options.dryRun { return try list() }
    let pool = WorkerPool(count: tiling.workers)
    defer { pool.close() }
    let progress = Progress.make(options, total: plan.count)
    Messages.progress.withLock { $0 = progress }
    let report = try options.report.map { try ReportFile(path: $0, heading: heading) }
    let records = options.incremental ? DoneRecords() : nil
    let leftOvers = LeftOvers(largest: plan.isMany ? .max : Self.largestDirectory)
    let totals = Locked(Totals())
    for (path, error) in plan.unread {
      let result = FileResult(unread: error)
      Messages.report(result.error!, file: path)
      report?.add(result, BatchPlan.Item(input: path, output: nil))
      _ = totals.withLock { $0.add(result) }
    }
    var tiling = tiling
    tiling.maxMemory /= memoryShares
    let shared = tiling

    BatchRun<[FileResult]>(count: plan.count, window: Self.window).run(on: pool) { index in
      let context = RunContext(pool: pool, tiling: shared)
      let jobs = branches.enumerated().map { branch, found in
        let item = found.outputs.plan[index]
        ([item.output].compactMap { $0 } + found.outputs.sides.map { $0.path(index) }).forEach(leftOvers.clear)
        return FileJob(
          index, item, context, backupSuffix: options.backupSuffix, progress: progress, branch: branch)
      }
      perform(jobs, records, body)
      for job in jobs {
        report?.add(job.result, branches[job.branch].outputs.plan[index], branches[job.branch].combination)
      }
      progress?.finishFile(counted: jobs[0].counted.withLock { $0 })
      return jobs.map(\.result)
    } isLast: { results in
      results.contains { $0.isClosedPipe || (options.failFast && $0.status == .failed) }
    } emit: { index, results in
      var goesOn = true, last: FileResult?
      for (branch, result) in results.enumerated() {
        result.messages.forEach(Messages.print)
        // What is wrong with the input is said once, not for each branch.
        if let error = result.error, error != last?.error || result.errorFile != last?.errorFile {
          Messages.report(error, file: result.errorFile ?? plan[index].input)
        }
        last = result
        take(result, branch)
        goesOn = totals.withLock { $0.add(result) } && goesOn && !(options.failFast && result.status == .failed)
      }
      return goesOn
    }
    progress?.finish()
    Messages.progress.withLock { $0 = nil }
    let summary = totals.withLock { $0 }
    try report?.finish()
    if summary.isClosedPipe { throw ImbrexError(.closedPipe, "the output has been closed") }
    if (plan.isMany || branches.count > 1) && saysSummary && !options.quiet {
      Messages.report("\(summary.done) done, \(summary.skipped) skipped, \(summary.failed) failed")
    }
    if summary.failed > 0 { throw BatchFailure(status: plan.isMany || branches.count > 1 ? 1 : summary.exitStatus) }
  }

  private struct Totals {
    var done = 0, skipped = 0, failed = 0
    var exitStatus: Int32 = 0
    var isClosedPipe = false

    /// - Returns: Whether there is still somebody who reads.
    mutating func add(_ result: FileResult) -> Bool {
      switch result.status {
      case .done: done += 1
      case .skipped, .unchanged: skipped += 1
      case .failed: failed += 1
      }
      exitStatus = max(exitStatus, result.exitStatus)
      isClosedPipe = isClosedPipe || result.isClosedPipe
      return !result.isClosedPipe
    }
  }

  private var heading: JSONValue {
    let combinations = branches.compactMap(\.combination)
    var heading = branches[0].run.reportHeading(files: plan.count)
    if case .object(let members) = heading, !combinations.isEmpty {
      heading = .object(members + [("combinations", .array(combinations.map(\.json)))])
    }
    return heading
  }

  private func list() throws {
    let records = DoneRecords()
    defer { plan.unread.forEach { Messages.report(messageText($0.error), file: $0.path) } }
    for index in 0..<plan.count {
      for branch in branches { list(index, branch, records) }
    }
    if !plan.unread.isEmpty { throw BatchFailure(status: 1) }
  }

  private func list(_ index: Int, _ branch: Branch, _ records: DoneRecords) {
    let item = branch.outputs.plan[index], name = item.input == "-" ? "standard input" : item.input
    guard let output = item.output else { return print(PathText.printable(name)) }
    let reason = reasonToSkip(index, branch, records)
    func line(_ path: String, _ notes: [String?]) {
      let notes = notes.compactMap { $0 }
      let end = notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))"
      print(PathText.printable("\(name) -> \(FileJob.name(of: path))\(end)"))
    }
    line(output, [reason])
    for side in branch.outputs.sides {
      let path = side.path(index), isLeft = options.noClobber && fileExists(path) && !isSpecialFile(path)
      line(path, [side.kind, reason ?? (isLeft ? "skipped" : nil)])
    }
  }

  /// Why an input would not be filtered, in a word.
  private func reasonToSkip(_ index: Int, _ branch: Branch, _ records: DoneRecords) -> String? {
    let item = branch.outputs.plan[index]
    guard let output = item.output, output != "-" else { return nil }
    if options.noClobber && fileExists(output) { return "skipped" }
    guard !branch.sharesOutput && options.incremental else { return nil }
    let (record, name) = records.record(for: output)
    let isUpToDate = try? isUpToDate(record, name, item.input, index, branch)
    return isUpToDate ?? false ? "up to date" : nil
  }

  private func isUpToDate(
    _ record: DoneRecord, _ name: String, _ input: String, _ index: Int, _ branch: Branch
  ) throws -> Bool {
    try record.isUpToDate(
      name, from: input, settings: branch.settings, files: { branch.outputs.paths(index, pages: $0) },
      beside: { branch.outputs.sidePaths(index, pages: $0) })
  }

  private func perform(_ jobs: [FileJob], _ records: DoneRecords?, _ body: ([FileJob]) throws -> Void) {
    let start = monotonicNanoseconds()
    var wanted = jobs
    defer { for job in jobs { job.result.seconds = Double(monotonicNanoseconds() - start) / 1e9 } }
    do {
      wanted = try jobs.filter { try !isLeft($0, records) }
      guard !wanted.isEmpty else { return }
      // As it is before it is read: if it changes meanwhile, the next run sees that.
      let isRecorded = wanted.contains { record(of: $0, records) != nil }
      let input = jobs[0].input
      let made = isRecorded ? (DoneRecord.Stamp(ofFile: input), try ContentHash(ofFile: input)) : nil
      for job in wanted {
        job.remember = { [self] in
          guard let made, let stamp = made.0, job.result.pagesLeft == 0, let record = record(of: job, records) else {
            return
          }
          try record.record.add(
            record.name, files: job.result.pages ?? [job.output!], settings: branches[job.branch].settings,
            content: made.1, input: stamp)
        }
      }
      try body(wanted)
      try wanted.forEach { try $0.end() }
    } catch {
      for job in wanted where !job.hasEnded { fail(job, error) }
    }
  }

  /// Whether a job has an output of its own.
  private func ownsOutput(_ job: FileJob) -> Bool {
    job.output != nil && job.output != "-" && !branches[job.branch].sharesOutput
  }

  private func record(of job: FileJob, _ records: DoneRecords?) -> (record: DoneRecord, name: String)? {
    ownsOutput(job) && !options.explain ? records?.record(for: job.output!) : nil
  }

  /// Whether there is nothing to do for a job: then its result says why.
  private func isLeft(_ job: FileJob, _ records: DoneRecords?) throws -> Bool {
    if ownsOutput(job), options.noClobber, fileExists(job.output!) {
      job.result.status = .skipped
      return true
    }
    if let record = record(of: job, records),
      try isUpToDate(record.record, record.name, job.input, job.index, branches[job.branch])
    {
      job.result.status = .unchanged
      return true
    }
    return false
  }

  /// A picture of several has its share of the memory; what helps is said of all of it.
  private func ofWhole(_ error: ImbrexError) -> ImbrexError {
    guard let remedy = error.remedy, remedy.option == "max-memory", memoryShares > 1,
      let needed = remedy.value.flatMap(OptionText.byteCount)
    else { return error }
    var error = error
    error.remedy!.value = "\((needed * memoryShares) >> 10)K"
    return error
  }

  /// What a run may hold is shared by the pictures that are at hand at once.
  var memoryShares: Int { max(min(tiling.workers, plan.count), 1) }

  private func fail(_ job: FileJob, _ error: any Error) {
    job.result.status = .failed
    switch error {
    case let error as NamedError:
      (job.result.error, job.result.errorFile) = (messageText(ofWhole(error.error)), error.file)
      job.result.code = error.error.cause.rawValue
      job.result.exitStatus = error.error.status
      job.result.isClosedPipe = error.error.code == .closedPipe
    case let error as ImbrexError:
      job.result.error = messageText(ofWhole(error))
      job.result.code = error.cause.rawValue
      if error.code == .output { job.result.errorFile = job.outputName }
      job.result.exitStatus = error.status
      job.result.isClosedPipe = error.code == .closedPipe
    default:
      job.result.error = "\(error)"
      job.result.code = ImbrexError.Cause.readFailed.rawValue
      job.result.exitStatus = 1
    }
    if job.result.isClosedPipe { job.result.error = nil }
  }
}

extension FilterRun {
  /// What a report begins with: all that the lines on files depend on.
  fileprivate func reportHeading(files: Int) -> JSONValue {
    func object(_ values: OptionValues, where isWanted: (OptionDefinition) -> Bool = { _ in true }) -> JSONValue {
      .object(
        values.all.compactMap { definition, value in
          guard isWanted(definition) else { return nil }
          return (String(definition.name.map { $0 == "-" ? "_" : $0 }), value.map(JSONValue.init) ?? .null)
        })
    }
    let chain = stages.map { stage -> JSONValue in
      switch stage {
      case .filter(let definition, let values):
        .object([("filter", .string(definition.name)), ("options", object(values))])
      case .tee(let path): .object([("tee", .string(path))])
      }
    }
    return .object([
      ("version", .string(Imbrex.version)), ("chain", .array(chain)),
      ("options", object(options.values) { options.values.isGiven($0.name) }), ("files", .integer(files)),
    ])
  }
}

/// The records of the directories that outputs go to, each read once.
private final class DoneRecords: Sendable {
  private let records = Locked([[UInt8]: DoneRecord]())

  func record(for output: String) -> (record: DoneRecord, name: String) {
    let (directory, name) = PathText.split(output), key = PathText.bytes(directory)
    let record = records.withLock { records in
      if let known = records[key] { return known }
      let record = DoneRecord(directory: directory)
      if let distrust = record.distrust {
        Remarks.say(
          "warning: \(directory)\(DoneRecord.fileName) \(distrust): nothing in it is believed, and nothing noted")
      }
      records[key] = record
      return record
    }
    return (record, name)
  }
}
