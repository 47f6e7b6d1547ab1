import Imbrex

/// What became of one file.
struct FileResult: Sendable {
  enum Status: String, Sendable { case done, skipped, unchanged, failed }
  var status = Status.done
  var error: String?
  /// The file that the error is about, if not the input.
  var errorFile: String?
  var exitStatus: Int32 = 0
  var isClosedPipe = false
  var width: Int?
  var height: Int?
  var seconds = 0.0
  /// Lines for standard error, in order.
  var messages: [String] = []
  /// What goes into a table that all files share.
  var rows: [BlobRow] = []
}

/// One file's work: where it comes from and goes to, and what it has to say.
final class FileJob {
  let input: String
  let output: String?
  let context: RunContext
  let backupSuffix: String?
  let progress: Progress?
  let counted = Locked(0.0)
  var result = FileResult()

  init(_ item: BatchPlan.Item, _ context: RunContext, backupSuffix: String?, progress: Progress?) {
    input = item.input
    output = item.output
    self.context = context
    self.backupSuffix = backupSuffix
    self.progress = progress
  }

  var outputName: String { output == "-" || output == nil ? "standard output" : output! }

  func say(_ message: String, file: String? = nil) {
    result.messages.append(Messages.line(message, file: file ?? input))
  }
  func warn(_ message: String, file: String? = nil) { say("warning: \(message)", file: file) }

  /// The source, with its progress shown.
  func watched(_ source: any RowSource, shareOfFile: Double = 1) -> any RowSource {
    guard let progress else { return source }
    return ProgressSource(source, progress, shareOfFile: shareOfFile, counter: counted)
  }

  /// Runs something that concerns the output; its errors name the output.
  func writing<Result>(_ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as ImbrexError where error.code == .output {
      throw NamedError(file: outputName, error: error)
    }
  }
}

/// An error of a file other than the job's input.
struct NamedError: Error {
  let file: String
  let error: ImbrexError
}

/// Runs files side by side on one pool and reports each, in order.
struct BatchRunner: Sendable {
  let files: FileOptionGroup
  let plan: BatchPlan
  let tiling: TilingOptions
  /// Everything but the input's content that the outputs depend on.
  let settings: ContentHash
  var background: Background?

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
    if files.batch.dryRun { return list() }
    let pool = WorkerPool(count: tiling.jobs)
    defer { pool.close() }
    let progress = Progress.make(files, total: plan.count)
    Messages.progress.withLock { $0 = progress }
    if let path = files.batch.report { try plan.checkApart(path, "--report") }
    let report = try files.batch.report.map { try ReportFile(path: $0) }
    let records = DoneRecords()
    let totals = Locked(Totals())
    // What a run may hold is shared by the pictures that are at hand at once.
    var tiling = tiling
    tiling.maxMemory /= max(min(tiling.jobs, plan.count), 1)
    let shared = tiling

    BatchRun<FileResult>(count: plan.count, window: Self.window).run(on: pool) { index in
      var context = RunContext(pool: pool, tiling: shared)
      if let background { context.background = background }
      let job = FileJob(plan[index], context, backupSuffix: files.batch.inPlaceBackup, progress: progress)
      perform(job, records: sharesOutput ? nil : records, checksOutput: !sharesOutput, body)
      progress?.finishFile(counted: job.counted.withLock { $0 })
      return job.result
    } emit: { index, result in
      result.messages.forEach(Messages.print)
      let item = plan[index]
      if let error = result.error { Messages.report(error, file: result.errorFile ?? item.input) }
      report?.add(result, item)
      take(result)
      return totals.withLock { totals in
        totals.add(result)
        return !result.isClosedPipe && !(files.batch.failFast && result.status == .failed)
      }
    }
    progress?.finish()
    Messages.progress.withLock { $0 = nil }
    let summary = totals.withLock { $0 }
    try report?.finish()
    if summary.isClosedPipe { throw ImbrexError(.closedPipe, "the output has been closed") }
    if plan.count > 1 && !files.quiet {
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
      if checksOutput, isFile, files.batch.noClobber, fileExists(job.output!) {
        job.result.status = .skipped
        return
      }
      let record = files.batch.incremental && isFile && !files.explain ? records?.record(for: job.output!) : nil
      if let record, try record.record.isUpToDate(record.name, from: job.input, settings: settings) {
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

  private func fail(_ job: FileJob, _ error: any Error) {
    job.result.status = .failed
    switch error {
    case let error as NamedError:
      (job.result.error, job.result.errorFile) = (error.error.message, error.file)
      job.result.exitStatus = error.error.status
      job.result.isClosedPipe = error.error.code == .closedPipe
    case let error as ImbrexError:
      job.result.error = error.message
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

/// `--report`: one JSON object a file, whole when the run has ended.
private final class ReportFile: Sendable {
  private let path: String
  private let file: OutputFile
  private let failure = Locked<ImbrexError?>(nil)

  init(path: String) throws {
    self.path = path
    do {
      file = try OutputFile(path: path)
    } catch let error as ImbrexError {
      throw ImbrexError(error.code, "\(path): \(error.message)")
    }
  }

  func add(_ result: FileResult, _ item: BatchPlan.Item) {
    let line = JSONValue.object([
      ("input", .string(item.input)), ("output", item.output.map(JSONValue.string) ?? .null),
      ("status", .string(result.status.rawValue)), ("error", result.error.map(JSONValue.string) ?? .null),
      ("width", result.width.map(JSONValue.integer) ?? .null),
      ("height", result.height.map(JSONValue.integer) ?? .null),
      ("seconds", .number((result.seconds * 1e6).rounded() / 1e6)),
    ])
    do {
      try file.write("\(line)\n")
    } catch let error as ImbrexError {
      failure.withLock { $0 = $0 ?? error }
    } catch {}
  }

  func finish() throws {
    do {
      if let failure = failure.withLock({ $0 }) { throw failure }
      try file.commit()
    } catch let error as ImbrexError {
      throw ImbrexError(error.code, "\(path): \(error.message)")
    }
  }
}

extension FileOptionGroup {
  /// The inputs as they are named, on the command line and in `--files-from`; standard input if there are none.
  func namedInputs() throws -> [String] {
    var named = inputs
    if let list = batch.filesFrom {
      if list == "-" && inputs.contains("-") {
        throw ImbrexError(.usage, "standard input cannot be both a list and a picture")
      }
      named += try InputSelection.list(in: list, isNulSeparated: batch.isNulSeparated)
      return named
    }
    if named.isEmpty {
      guard isTerminal(0) == false else { throw ImbrexError(.usage, "no input: name a picture, or pipe one in") }
      return ["-"]
    }
    if named.count(where: { $0 == "-" }) > 1 { throw ImbrexError(.usage, "standard input can be read only once") }
    return named
  }

  /// Whether the outputs go to a directory, or must.
  func isMany(_ named: [String]) -> Bool {
    named.count > 1 || batch.filesFrom != nil || named.contains { $0 != "-" && isDirectory($0) }
  }

  /// Whether outputs are files in a directory, which is made where it is missing.
  var writesToDirectory: Bool { output.map { $0.hasSuffix("/") || isDirectory($0) } ?? false }

  /// The files to work on and where their results go.
  ///
  /// - Parameter makesFloat: Results are 32-bit float, which not all formats hold.
  /// - Throws: A usage error: no input, no output, a format that cannot be told, outputs that collide.
  func plan(filter: String, makesFloat: Bool) throws -> BatchPlan {
    let named = try namedInputs()
    if explain { return try plan(named, .none) }
    if batch.inPlace {
      if output != nil { throw ImbrexError(.usage, "--in-place and -o exclude each other") }
      let plan = try plan(named, .inPlace)
      if let suffix = batch.inPlaceBackup { try plan.checkBackups(suffix: suffix) }
      return plan
    }
    let isMany = isMany(named)
    guard let output else {
      if isMany { throw ImbrexError(.usage, "several inputs need -o DIRECTORY/") }
      if isTerminal(1) {
        throw ImbrexError(.usage, "no output: use -o FILE (pictures are not written to a terminal)")
      }
      return try plan(named, .single("-"))
    }
    if output == "-" && isTerminal(1) {
      throw ImbrexError(.usage, "pictures are not written to a terminal: use -o FILE, or a pipe")
    }
    if output.hasSuffix("/") || isDirectory(output) {
      var naming = try OutputNaming(directory: output, format: format, template: batch.name, filter: filter)
      if makesFloat { naming.formatForFloat = ImageFormat(named: "tiff") }
      return try plan(named, .directory(naming))
    }
    if isMany { throw ImbrexError(.usage, "several inputs need a directory for -o: '\(output)/'") }
    if batch.name != nil { throw ImbrexError(.usage, "--name goes with a directory for -o: '\(output)/'") }
    if output != "-" && format == nil && !isSpecialFile(output) {
      guard let format = ImageFormat(path: output) else {
        throw ImbrexError(
          .usage,
          "the format of '\(output)' cannot be told: give it an extension "
            + "(\(ImageFormat.all.map { $0.extensions[0] }.joined(separator: ", "))) or use --format")
      }
      if makesFloat && !format.canHoldFloat {
        throw ImbrexError(
          .usage, "--float needs an output of 32-bit float, which \(format.name) is not: use .tif or .pfm")
      }
    }
    return try plan(named, .single(output))
  }

  func plan(_ named: [String], _ output: BatchPlan.Output) throws -> BatchPlan {
    let plan = try BatchPlan(inputs: named, selection: batch.selection(output: self.output), output: output)
    guard plan.count > 0 else {
      throw ImbrexError(
        .usage,
        named.isEmpty ? "there are no inputs in '\(batch.filesFrom!)'" : "there are no pictures in '\(named[0])'")
    }
    return plan
  }

  /// What outputs depend on beside their inputs' content.
  ///
  /// - Parameter values: The filter's own options.
  func settings(filter: String, _ values: [(String, JSONValue)], mask: String?) throws -> ContentHash {
    guard batch.incremental else { return ContentHash(of: "") }
    let mask = try mask.map { try ContentHash(ofFile: $0).description }
    let parts: [String] = [
      Imbrex.version, filter, JSONValue.object(values).description, mask ?? "", format?.name ?? "",
      "\(quality ?? 0) \(compression?.level ?? -1) \(bitDepth?.sampleType.rawValue ?? "") \(autoOrient) \(strip)",
      background.map { "\($0.background)" } ?? "", page.map { "\($0.first)-\($0.last)" } ?? "", "\(allowTruncated)",
    ]
    return ContentHash(of: parts.joined(separator: "\n"))
  }
}
