import Imbrex

/// Where a run's results go, checked before anything is written: pictures or tables, and what is written beside them.
struct RunOutputs: Sendable {
  /// Something that is written beside the result of each input.
  struct Side: Sendable {
    /// What it is called in messages.
    let name: String
    /// The inputs with the paths of this; one path for a single input.
    let plan: BatchPlan
    let isDirectory: Bool

    func path(_ index: Int) -> String { plan[index].output! }
  }

  private let isTable: Bool
  let plan: BatchPlan
  /// The one table of all inputs: a path, or `-`; nil where pictures come out, or a table for each input.
  let sharedTable: String?
  let tableFormat: TableFormat
  /// In the order of the chain's tees.
  private(set) var tees: [Side] = []
  private(set) var overlay: Side?
  /// Whether outputs are files in a directory, which is made where it is missing.
  let writesToDirectory: Bool

  init(_ run: FilterRun) throws {
    let options = run.options
    writesToDirectory = options.writesToDirectory
    isTable = run.pipeline.makesTable
    tableFormat = options.table ?? (writesToDirectory ? nil : TableFormat(path: options.output)) ?? .csv
    sharedTable = isTable && !writesToDirectory ? options.output ?? "-" : nil
    plan = isTable ? try Self.tablePlan(run, tableFormat) : try options.plan(run)
    for tee in run.tees {
      tees.append(
        try side(
          "tee", tee.path, options, filter: run.filterName(after: tee.position),
          makesFloat: run.makesFloat(after: tee.position),
          makesTwoLevels: run.makesTwoLevels(after: tee.position)))
    }
    if let path = options.overlay {
      overlay = try side("--overlay", path, options, filter: run.filterName, makesFloat: false, makesTwoLevels: false)
    }
    try checkApart(options)
  }

  /// All that is written beside the result of an input.
  func sidePaths(_ index: Int) -> [String] { (tees + [overlay].compactMap { $0 }).map { $0.path(index) } }

  private static func tablePlan(_ run: FilterRun, _ format: TableFormat) throws -> BatchPlan {
    let options = run.options, named = try run.options.namedInputs()
    if options.explain && options.output == nil { return try options.plan(named, .none) }
    guard options.writesToDirectory else {
      if options.name != nil { throw ImbrexError(.usage, "--name goes with a directory for -o") }
      if options.incremental { throw ImbrexError(.usage, "--incremental goes with a directory for -o") }
      return try options.plan(named, .single(options.output ?? "-"))
    }
    var naming = try OutputNaming(
      directory: options.output!, format: nil, template: options.name, filter: run.filterName)
    naming.fixedExtension = format.rawValue
    return try options.plan(named, .directory(naming))
  }

  private func side(
    _ name: String, _ path: String, _ options: CommonOptions, filter: String, makesFloat: Bool,
    makesTwoLevels: Bool
  ) throws -> Side {
    if path.hasSuffix("/") || isDirectory(path) {
      var naming = try OutputNaming(
        directory: path, format: options.format, template: options.name, filter: filter)
      if makesFloat { naming.formatForFloat = ImageFormat(named: "tiff") }
      if makesTwoLevels { naming.formatForLossless = ImageFormat(named: "png") }
      let side = Side(name: name, plan: try plan.with(.directory(naming)), isDirectory: true)
      try side.plan.checkResultsApart()
      return side
    }
    if path == "-" {
      try checkStandardOutput(name, options)
      return Side(name: name, plan: try plan.with(.single(path)), isDirectory: false)
    }
    guard plan.count == 1 else {
      throw ImbrexError(.usage, "\(name) for several inputs needs a directory: '\(path)/'")
    }
    guard ImageFormat(path: path) != nil || isSpecialFile(path) && options.format != nil else {
      throw ImbrexError(
        .usage, "the format of '\(path)' cannot be told: give it the extension of a picture, such as .png")
    }
    return Side(name: name, plan: try plan.with(.single(path)), isDirectory: false)
  }

  /// Standard output takes one picture, and no terminal.
  private func checkStandardOutput(_ name: String, _ options: CommonOptions) throws {
    guard plan.count == 1 else { throw ImbrexError(.usage, "\(name) for several inputs needs a directory, not -") }
    let isTaken = tees.contains { $0.path(0) == "-" } || sharedTable == "-" || plan[0].output == "-"
    guard !isTaken else {
      throw ImbrexError(
        .usage, "\(name) and something else would both go to standard output: give one of them a file's name")
    }
    if isTerminal(1) && !options.explain {
      throw ImbrexError(.usage, "pictures are not written to a terminal: give \(name) a file's name, or use a pipe")
    }
  }

  /// Nothing is written over an input, nor twice to one file.
  private func checkApart(_ options: CommonOptions) throws {
    if let table = sharedTable, table != "-" {
      if let format = ImageFormat(path: table) {
        throw ImbrexError(
          .usage,
          "'\(table)' is named as a \(format.name.uppercased()), but the output is a table: "
            + "name it .csv or .json, or use --overlay for a picture")
      }
      try plan.checkApart(table, "the table", isOutput: true)
    } else if isTable && sharedTable == nil {
      try plan.checkResultsApart()
    }
    let sides = tees + [overlay].compactMap { $0 }
    for index in 0..<plan.count {
      var taken = [plan[index].output].compactMap { $0 }
      if let report = options.report { taken.append(report) }
      for side in sides {
        let path = side.path(index)
        if plan.count == 1 && !side.isDirectory && path != "-" { try plan.checkApart(path, side.name) }
        if let other = taken.first(where: { isSameFile($0, path) }) {
          throw ImbrexError(.usage, "\(side.name) would write '\(path)', where '\(other)' is written already")
        }
        taken.append(path)
      }
    }
    try checkAcrossInputs(sides)
  }

  /// No file beside the result of one input is the result of another, or beside that.
  private func checkAcrossInputs(_ sides: [Side]) throws {
    guard plan.count > 1, !sides.isEmpty else { return }
    var owners: [String: Int] = [:]
    func claim(_ path: String, _ index: Int) throws {
      let place = futurePlace(of: path)
      if let owner = owners[place], owner != index {
        throw ImbrexError(
          .usage, "'\(plan[owner].input)' and '\(plan[index].input)' would both be written to '\(path)'")
      }
      owners[place] = index
    }
    for index in 0..<plan.count {
      if sharedTable == nil, let output = plan[index].output { try claim(output, index) }
      for side in sides { try claim(side.path(index), index) }
    }
  }
}
