import Imbrex

/// What each task of a job does.
struct JobTasks {
  let directory: JobDirectory
  let plan: JobPlan
  private let line: ParsedLine
  private let tiling: TilingOptions
  private let pool: WorkerPool

  /// - Throws: ``ImbrexError`` for a plan of another version, or whose directory is not there.
  init(_ directory: JobDirectory, _ plan: JobPlan, isConfined: Bool) throws {
    guard plan.version == version else {
      throw ImbrexError(
        .input, "\(directory.path): the job was made by imbrex \(plan.version), this is \(version): make the job anew")
    }
    self.directory = directory
    self.plan = plan
    try changeDirectory(to: plan.directory)
    guard case .filter(let line) = try CommandLineParser.parse(plan.command) else {
      throw ImbrexError(.input, "\(directory.path): the plan's command is no filter")
    }
    self.line = line
    var tiling = try CommonOptions(line).tiling()
    tiling.maxMemory = plan.maxMemory
    self.tiling = tiling
    if isConfined { Self.confine(directory, plan, line) }
    pool = WorkerPool(count: tiling.workers)
  }

  /// To the job's directory, its inputs and its outputs.
  private static func confine(_ directory: JobDirectory, _ plan: JobPlan, _ line: ParsedLine) {
    var confinement = Confinement(isOff: false, isVerbose: line.options.flag("verbose"))
    var places = InputPlaces()
    for file in plan.inputs + plan.named { places.add(file: file.path) }
    confinement.reads(places)
    if let mask = line.options.text("mask") { confinement.reads(mask) }
    confinement.starts(line.stages)
    confinement.writes(directory.path, isDirectory: true)
    for directory in Set(plan.outputs.map { PathText.split($0).directory }) {
      confinement.writes(directory.isEmpty ? "." : directory, isDirectory: true)
    }
    let tees = line.stages.compactMap { if case .tee(let path) = $0 { path } else { nil } }
    for path in tees + [line.options.text("overlay")].compactMap({ $0 }) {
      confinement.writes(path, isDirectory: path.hasSuffix("/") || isDirectory(path))
    }
    confinement.enter()
  }

  func close() { pool.close() }

  func perform(_ task: JobPlan.Task) throws {
    for file in plan.named { try file.check() }
    switch task.work {
    case .files(let inputs): try run(inputs, task)
    case .copy(let picture): try split(picture) { try $0.copy() }
    case .pass(let pass, let picture, let parts): try split(picture) { try $0.run(pass: pass, on: parts) }
    case .merge(let pass, let picture): try split(picture) { try $0.merge(pass: pass) }
    case .join(let picture):
      try split(picture) { work in
        try work.join()
        if isTableShared { try JobTables(directory).write(work.job.job.result.rows, input: work.split.input) }
      }
    case .table: try writeTable()
    }
  }

  private func split(_ number: Int, _ body: (SplitWork) throws -> Void) throws {
    let picture = plan.pictures[number], input = plan.inputs[picture.input]
    try input.check()
    let run = try FilterRun(line, listed: .init(files: [(input.path, input.kept)])).withMasks()
    let outputs = try RunOutputs(run)
    let job = FileJob(
      0, outputs.plan[0], RunContext(pool: pool, tiling: tiling), backupSuffix: nil, progress: nil)
    do {
      try body(SplitWork(run, PictureJob(run, job, outputs), directory, number: number, picture))
    } catch let error as ImbrexError {
      throw NamedError(file: input.path, error: error)
    }
    job.result.messages.forEach(Messages.print)
  }

  /// Whole files: all of them, whatever becomes of one.
  private func run(_ inputs: [Int], _ task: JobPlan.Task) throws {
    let files = inputs.map { plan.inputs[$0] }
    var failures = 0
    var sound: [Int] = []
    for (index, file) in zip(inputs, files) {
      do {
        try file.check()
        sound.append(index)
      } catch let error as ImbrexError {
        Messages.report(messageText(error))
        failures += 1
      }
    }
    if !sound.isEmpty {
      let run = try FilterRun(line, listed: .init(files: sound.map { (plan.inputs[$0].path, plan.inputs[$0].kept) }))
        .withMasks()
      let outputs = try RunOutputs(run)
      let results = Locked([FileResult]())
      var runner = BatchRunner(branches: [.init(run, outputs)], tiling: tiling)
      runner.saysSummary = false
      do {
        try runner.run { result, _ in
          results.withLock { $0.append(result) }
        } _: { jobs in
          try PictureJob(run, jobs[0], outputs).perform()
        }
      } catch is BatchFailure {}
      let all = results.withLock { $0 }
      failures += all.count { $0.status == .failed }
      if isTableShared {
        for (place, result) in all.enumerated() { try JobTables(directory).write(result.rows, input: sound[place]) }
      }
    }
    if failures > 0 {
      throw ImbrexError(
        .input, "\(task.name): \(failures) of \(inputs.count) \(inputs.count == 1 ? "file" : "files") failed")
    }
  }

  // MARK: - One table of all inputs

  private var isTableShared: Bool { plan.tasks.last.map { $0.work == .table } ?? false }

  private func writeTable() throws {
    let run = try FilterRun(line, listed: .init(files: plan.inputs.map { ($0.path, $0.kept) }))
    let outputs = try RunOutputs(run)
    guard let path = outputs.sharedTable, let filter = run.pipeline.tableFilter else { throw JobPlan.foreign }
    let rows = try plan.inputs.indices.flatMap { try JobTables(directory).rows(input: $0) }
    try writeText(
      outputs.tableFormat.text(
        rows, columns: filter.tableColumns, naming: plan.inputs.count > 1),
      to: path)
  }
}

/// Rows of the table that all inputs share, kept until all are there.
private struct JobTables {
  private let directory: JobDirectory

  init(_ directory: JobDirectory) { self.directory = directory }

  private func path(_ input: Int) -> String { "\(directory.path)/tables/\(input).json" }

  func write(_ tables: [TableRows], input: Int) throws {
    try makeDirectories("\(directory.path)/tables")
    let values = tables.map { table in
      JSONValue.object([
        ("file", .string(table.file)), ("page", table.page.map(JSONValue.integer) ?? .null),
        ("place", .object(table.place.sorted { $0.key < $1.key }.map { (String($0.key), .integer($0.value)) })),
        ("columns", .array(table.table.columns.map(JSONValue.string))),
        ("rows", .array(table.table.rows.map { .array($0.map(JSONValue.number)) })),
      ])
    }
    try directory.write(PathText.bytes(JSONValue.array(values).description), to: path(input))
  }

  func rows(input: Int) throws -> [TableRows] {
    guard fileExists(path(input)) else { return [] }
    let values = try JSONValue(text: RawFile.bytes(of: path(input))).array ?? []
    return values.map { value in
      let columns = (value["columns"]?.array ?? []).compactMap(\.string)
      let rows = (value["rows"]?.array ?? []).map { ($0.array ?? []).compactMap(\.number) }
      let place = (["z", "c", "t"] as [Character]).compactMap { axis in
        value["place"]?[String(axis)]?.integer.map { (axis, $0) }
      }
      return TableRows(
        file: value["file"]?.string ?? "", page: value["page"]?.integer,
        place: Dictionary(uniqueKeysWithValues: place), table: Table(columns: columns, rows: rows))
    }
  }
}
