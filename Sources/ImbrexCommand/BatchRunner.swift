import Imbrex

/// Runs files side by side on one pool and reports each, in order.
struct BatchRunner: Sendable {
  let run: FilterRun
  let outputs: RunOutputs
  let tiling: TilingOptions
  /// Everything but the input's content that the outputs depend on.
  let settings: ContentHash

  /// Whether a last line says how many were done.
  var saysSummary = true

  private var options: CommonOptions { run.options }
  private var plan: BatchPlan { outputs.plan }
  /// All write to one output, which `--no-clobber` and `--incremental` are not asked about for each.
  private var sharesOutput: Bool { outputs.sharedTable != nil }

  /// How many results may wait for one before them.
  private static let window = 256
  /// A directory of more names is not looked through for one picture, which may take less time.
  private static let largestDirectory = 64 << 10

  /// - Parameters:
  ///   - take: Called with each result, in order.
  ///   - body: Does the work of one file, on any thread.
  /// - Throws: ``BatchFailure`` if any failed, or the error of a pipe that was closed.
  func run(
    take: @Sendable @escaping (FileResult) -> Void = { _ in },
    _ body: @Sendable @escaping (FileJob) throws -> Void
  ) throws {
    if options.dryRun { return list() }
    let pool = WorkerPool(count: tiling.workers)
    defer { pool.close() }
    let progress = Progress.make(options, total: plan.count)
    Messages.progress.withLock { $0 = progress }
    let report = try options.report.map { try ReportFile(path: $0, heading: run.reportHeading(files: plan.count)) }
    let records = options.incremental ? DoneRecords() : nil
    let leftOvers = LeftOvers(largest: plan.isMany ? .max : Self.largestDirectory)
    let totals = Locked(Totals())
    var tiling = tiling
    tiling.maxMemory /= memoryShares
    let shared = tiling

    BatchRun<FileResult>(count: plan.count, window: Self.window).run(on: pool) { index in
      let context = RunContext(pool: pool, tiling: shared)
      let item = plan[index]
      let job = FileJob(index, item, context, backupSuffix: options.backupSuffix, progress: progress)
      ([item.output].compactMap { $0 } + outputs.sides.map { $0.path(index) }).forEach(leftOvers.clear)
      perform(job, records, body)
      report?.add(job.result, item)
      progress?.finishFile(counted: job.counted.withLock { $0 })
      return job.result
    } isLast: { result in
      result.isClosedPipe || (options.failFast && result.status == .failed)
    } emit: { index, result in
      result.messages.forEach(Messages.print)
      let item = plan[index]
      if let error = result.error { Messages.report(error, file: result.errorFile ?? item.input) }
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
    if plan.isMany && saysSummary && !options.quiet {
      Messages.report("\(summary.done) done, \(summary.skipped) skipped, \(summary.failed) failed")
    }
    if summary.failed > 0 { throw BatchFailure(status: plan.isMany ? 1 : summary.exitStatus) }
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
    let records = DoneRecords()
    for index in 0..<plan.count {
      let item = plan[index], name = item.input == "-" ? "standard input" : item.input
      guard let output = item.output else {
        print(PathText.printable(name))
        continue
      }
      let reason = reasonToSkip(index, records)
      func line(_ path: String, _ notes: [String?]) {
        let notes = notes.compactMap { $0 }
        let end = notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))"
        print(PathText.printable("\(name) -> \(FileJob.name(of: path))\(end)"))
      }
      line(output, [reason])
      for side in outputs.sides {
        let path = side.path(index), isLeft = options.noClobber && fileExists(path) && !isSpecialFile(path)
        line(path, [side.kind, reason ?? (isLeft ? "skipped" : nil)])
      }
    }
  }

  /// Why an input would not be filtered, in a word.
  private func reasonToSkip(_ index: Int, _ records: DoneRecords) -> String? {
    let item = plan[index]
    guard let output = item.output, output != "-" else { return nil }
    if options.noClobber && fileExists(output) { return "skipped" }
    guard !sharesOutput && options.incremental else { return nil }
    let (record, name) = records.record(for: output)
    let isUpToDate = try? isUpToDate(record, name, item.input, index)
    return isUpToDate ?? false ? "up to date" : nil
  }

  private func isUpToDate(_ record: DoneRecord, _ name: String, _ input: String, _ index: Int) throws -> Bool {
    try record.isUpToDate(
      name, from: input, settings: settings, files: { outputs.paths(index, pages: $0) },
      beside: { outputs.sidePaths(index, pages: $0) })
  }

  private func perform(_ job: FileJob, _ records: DoneRecords?, _ body: (FileJob) throws -> Void) {
    let start = monotonicNanoseconds()
    defer { job.result.seconds = Double(monotonicNanoseconds() - start) / 1e9 }
    do {
      let isOwnFile = job.output != nil && job.output != "-" && !sharesOutput
      if isOwnFile, options.noClobber, fileExists(job.output!) {
        job.result.status = .skipped
        return
      }
      let record = isOwnFile && !options.explain ? records?.record(for: job.output!) : nil
      if let record, try isUpToDate(record.record, record.name, job.input, job.index) {
        job.result.status = .unchanged
        return
      }
      // As it is before it is read: if it changes meanwhile, the next run sees that.
      let made = try record.map { _ in (DoneRecord.Stamp(ofFile: job.input), try ContentHash(ofFile: job.input)) }
      try body(job)
      if let record, let made, let stamp = made.0, job.result.pagesLeft == 0 {
        try record.record.add(
          record.name, files: job.result.pages ?? [job.output!], settings: settings, content: made.1, input: stamp)
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
      records[key] = record
      return record
    }
    return (record, name)
  }
}
