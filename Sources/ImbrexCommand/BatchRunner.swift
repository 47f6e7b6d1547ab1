import Imbrex

/// Runs files side by side on one pool and reports each, in order.
struct BatchRunner: Sendable {
  let options: CommonOptions
  let plan: BatchPlan
  let tiling: TilingOptions
  /// Everything but the input's content that the outputs depend on.
  let settings: ContentHash
  /// What else is written for an input, which must be there for it to be up to date.
  var sideOutputs: @Sendable (_ index: Int) -> [String] = { _ in [] }

  /// How many results may wait for one before them.
  private static let window = 256

  /// - Parameters:
  ///   - sharesOutput: All write to one output, which `--no-clobber` and `--incremental` are not asked about.
  ///   - take: Called with each result, in order.
  ///   - body: Does the work of one file, on any thread.
  /// - Throws: ``BatchFailure`` if any failed, or the error of a pipe that was closed.
  func run(
    sharesOutput: Bool = false, take: @Sendable @escaping (FileResult) -> Void = { _ in },
    _ body: @Sendable @escaping (FileJob) throws -> Void
  ) throws {
    if options.dryRun { return list() }
    let pool = WorkerPool(count: tiling.workers)
    defer { pool.close() }
    let progress = Progress.make(options, total: plan.count)
    Messages.progress.withLock { $0 = progress }
    if let path = options.report { try plan.checkApart(path, "--report") }
    let report = try options.report.map { try ReportFile(path: $0) }
    let records = DoneRecords()
    let totals = Locked(Totals())
    var tiling = tiling
    tiling.maxMemory /= memoryShares
    let shared = tiling

    BatchRun<FileResult>(count: plan.count, window: Self.window).run(on: pool) { index in
      let context = RunContext(pool: pool, tiling: shared)
      let job = FileJob(index, plan[index], context, backupSuffix: options.backupSuffix, progress: progress)
      perform(job, records: sharesOutput ? nil : records, checksOutput: !sharesOutput, body)
      progress?.finishFile(counted: job.counted.withLock { $0 })
      return job.result
    } isLast: { result in
      result.isClosedPipe || (options.failFast && result.status == .failed)
    } emit: { index, result in
      result.messages.forEach(Messages.print)
      let item = plan[index]
      if let error = result.error { Messages.report(error, file: result.errorFile ?? item.input) }
      report?.add(result, item)
      take(result)
      return totals.withLock { totals in
        totals.add(result)
        return !result.isClosedPipe && !(options.failFast && result.status == .failed)
      }
    }
    progress?.finish()
    Messages.progress.withLock { $0 = nil }
    let summary = totals.withLock { $0 }
    try report?.finish()
    if summary.isClosedPipe { throw ImbrexError(.closedPipe, "the output has been closed") }
    if plan.count > 1 && !options.quiet {
      Messages.report("\(summary.done) done, \(summary.skipped) skipped, \(summary.failed) failed")
    }
    if summary.failed > 0 { throw BatchFailure(status: plan.count == 1 ? summary.exitStatus : 1) }
  }

  private struct Totals {
    var done = 0, skipped = 0, failed = 0
    var exitStatus: Int32 = 0
    var isClosedPipe = false

    mutating func add(_ result: FileResult) {
      switch result.status {
      case .done: done += 1
      case .skipped, .unchanged: skipped += 1
      case .failed: failed += 1
      }
      exitStatus = max(exitStatus, result.exitStatus)
      isClosedPipe = isClosedPipe || result.isClosedPipe
    }
  }

  private func list() {
    for index in 0..<plan.count {
      let item = plan[index]
      let name = item.input == "-" ? "standard input" : item.input
      print(PathText.printable(item.output.map { "\(name) -> \($0 == "-" ? "standard output" : $0)" } ?? name))
    }
  }

  private func perform(
    _ job: FileJob, records: DoneRecords?, checksOutput: Bool, _ body: (FileJob) throws -> Void
  ) {
    let start = monotonicNanoseconds()
    defer { job.result.seconds = Double(monotonicNanoseconds() - start) / 1e9 }
    do {
      let isFile = job.output != nil && job.output != "-"
      if checksOutput, isFile, options.noClobber, fileExists(job.output!) {
        job.result.status = .skipped
        return
      }
      let record = options.incremental && isFile && !options.explain ? records?.record(for: job.output!) : nil
      if let record, sideOutputs(job.index).allSatisfy(fileExists),
        try record.record.isUpToDate(record.name, from: job.input, settings: settings)
      {
        job.result.status = .unchanged
        return
      }
      // As it is before it is read: if it changes meanwhile, the next run sees that.
      let made = try record.map { _ in (DoneRecord.Stamp(ofFile: job.input), try ContentHash(ofFile: job.input)) }
      try body(job)
      if let record, let made, let stamp = made.0 {
        try record.record.add(record.name, settings: settings, content: made.1, input: stamp)
      }
    } catch {
      fail(job, error)
    }
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
      job.result.exitStatus = error.error.status
      job.result.isClosedPipe = error.error.code == .closedPipe
    case let error as ImbrexError:
      job.result.error = messageText(ofWhole(error))
      if error.code == .output { job.result.errorFile = job.outputName }
      job.result.exitStatus = error.status
      job.result.isClosedPipe = error.code == .closedPipe
    default:
      job.result.error = "\(error)"
      job.result.exitStatus = 1
    }
    if job.result.isClosedPipe { job.result.error = nil }
  }
}

/// The records of the directories that outputs go to, each read once.
private final class DoneRecords: Sendable {
  private let records = Locked([String: DoneRecord]())

  func record(for output: String) -> (record: DoneRecord, name: String) {
    let slash = output.utf8.lastIndex(of: 0x2F)
    let directory = slash.map { String(output[...$0]) } ?? ""
    let name = slash.map { String(output[output.utf8.index(after: $0)...]) } ?? output
    let record = records.withLock { records in
      if let known = records[directory] { return known }
      let record = DoneRecord(directory: directory)
      records[directory] = record
      return record
    }
    return (record, name)
  }
}
