import Imbrex

/// Where a run's results go, checked before anything is written: pictures or tables, and what is written beside them.
struct RunOutputs: Sendable {
  /// Something that is written beside the result of each input.
  struct Side: Sendable {
    /// What it is called in messages.
    let name: String
    /// What it is called in lists.
    var kind: String { String(name.drop { $0 == "-" }) }
    /// The inputs with the paths of this; one path for a single input.
    fileprivate(set) var plan: BatchPlan
    let isDirectory: Bool
    /// As it was named.
    let place: String

    func path(_ index: Int) -> String { plan[index].output! }
    func path(_ index: Int, page: PageLabel) -> String { plan.output(index, page: page)! }
  }

  private let isTable: Bool
  private(set) var plan: BatchPlan
  /// The one table of all inputs: a path, or `-`; nil where pictures come out, or a table for each input.
  let sharedTable: String?
  let tableFormat: TableFormat
  /// In the order of the chain's tees.
  private(set) var tees: [Side] = []
  private(set) var overlay: Side?
  /// Whether outputs are files in a directory, which is made where it is missing.
  let writesToDirectory: Bool
  /// Who writes which page's file, where each page is a file of its own.
  let pagePlaces: PagePlaces?
  /// The first page that is read.
  private let firstPage: Int

  init(_ run: FilterRun) throws {
    let options = run.options, named = try run.options.namedInputs()
    isTable = run.pipeline.makesTable
    firstPage = options.pages?.lowerBound ?? 1
    let directory = options.outputDirectory(named, makesPictures: !isTable)
    writesToDirectory = directory != nil
    tableFormat = options.table ?? (writesToDirectory ? nil : TableFormat(path: options.output)) ?? .csv
    sharedTable = isTable && !writesToDirectory && !options.needsNoOutput ? options.output ?? "-" : nil
    plan = isTable ? try Self.tablePlan(run, named, directory, tableFormat) : try options.plan(run, named)
    pagePlaces = plan.isPaged ? PagePlaces(plan) : nil
    // All that is checked is checked of all parts.
    defer { if let shard = options.shard { choose(shard) } }
    for tee in run.tees {
      tees.append(
        try side(
          "tee", tee.path, run, filter: run.filterName(after: tee.position),
          makesFloat: run.makesFloat(after: tee.position),
          makesTwoLevels: run.makesTwoLevels(after: tee.position)))
    }
    if let path = options.overlay {
      overlay = try side("--overlay", path, run, filter: run.filterName, makesFloat: false, makesTwoLevels: false)
    }
    try checkApart(run)
  }

  private mutating func choose(_ shard: Shard) {
    plan = plan.part(shard)
    for index in tees.indices { tees[index].plan = tees[index].plan.part(shard) }
    if let plan = overlay?.plan { overlay!.plan = plan.part(shard) }
  }

  /// Where something is written: paths, and whether files are made in them.
  func places(_ options: CommonOptions) -> [(path: String, isDirectory: Bool)] {
    let main = sharedTable ?? options.output ?? "-"
    return [(main, writesToDirectory)]
      + sides.map { side in
        side.isDirectory ? (side.place, true) : (side.plan.count > 0 ? side.path(0) : "-", false)
      }
  }

  /// What is written beside results.
  var sides: [Side] { tees + [overlay].compactMap { $0 } }

  /// The files that are written beside the result of an input of so many pages.
  func sidePaths(_ index: Int, pages: Int) -> [String] {
    sides.flatMap { side in
      side.plan.isPaged ? pageNumbers(pages).map { side.path(index, page: PageLabel($0)) } : [side.path(index)]
    }
  }

  /// The files that are the result of an input of so many pages.
  func paths(_ index: Int, pages: Int) -> [String] {
    plan.isPaged ? pageNumbers(pages).map { plan.output(index, page: PageLabel($0))! } : [plan[index].output!]
  }

  /// Axes that names of pages tell, and a page does not.
  func missingAxes(_ page: PageLabel) -> [Character] {
    ([plan] + sides.map(\.plan)).flatMap(\.namedAxes).filter { page.place[$0] == nil }
  }

  private func pageNumbers(_ count: Int) -> Range<Int> { firstPage..<(firstPage + count) }

  private static func tablePlan(
    _ run: FilterRun, _ named: [String], _ directory: String?, _ format: TableFormat
  ) throws -> BatchPlan {
    let options = run.options
    if (options.explain && options.output == nil) || options.needsNoOutput { return try options.plan(named, .none) }
    guard let directory else {
      try options.checkWantsNoDirectory()
      if options.incremental { throw ImbrexError(.usage, "--incremental goes with a directory for -o") }
      return try options.plan(named, .single(options.output ?? "-"))
    }
    var naming = try options.naming(directory, run, format: nil, filter: run.filterName)
    naming.fixedExtension = format.rawValue
    return try options.plan(named, .directory(naming))
  }

  private func side(
    _ name: String, _ path: String, _ run: FilterRun, filter: String, makesFloat: Bool, makesTwoLevels: Bool
  ) throws -> Side {
    let options = run.options
    if path.hasSuffix("/") || isDirectory(path) {
      var naming = try options.naming(path, run, format: options.format, filter: filter)
      if makesFloat { naming.formatForFloat = ImageFormat(named: "tiff") }
      if makesTwoLevels { naming.formatForLossless = ImageFormat(named: "png") }
      let side = Side(name: name, plan: try plan.with(.directory(naming)), isDirectory: true, place: path)
      try side.plan.checkResultsApart()
      return side
    }
    if path == "-" {
      try checkStandardOutput(name, options)
      return Side(name: name, plan: try plan.with(.single(path)), isDirectory: false, place: path)
    }
    guard plan.count == 1 else {
      throw ImbrexError(.usage, "\(name) for several inputs needs a directory: '\(path)/'")
    }
    guard ImageFormat(path: path) != nil || isSpecialFile(path) && options.format != nil else {
      throw ImbrexError(
        .usage, "the format of '\(path)' cannot be told: give it the extension of a picture, such as .png")
    }
    return Side(name: name, plan: try plan.with(.single(path)), isDirectory: false, place: path)
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
  private func checkApart(_ run: FilterRun) throws {
    let options = run.options
    if let report = options.report { try checkReport(report, run) }
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
    guard !sides.isEmpty else { return }
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

  /// The report is written over what is there.
  private func checkReport(_ report: String, _ run: FilterRun) throws {
    try plan.checkApart(report, "--report")
    if report == "-", plan.isMany ? sharedTable == "-" : plan[0].output == "-" {
      throw ImbrexError(option: "report", "and the result would both be written to standard output")
    }
    let read = [("files-from", run.options.filesFrom)] + run.optionFiles.map { ($0.option, $0.path) }
    for (option, path) in read {
      guard let path, isSameFile(report, path) else { continue }
      throw ImbrexError(option: "report", "'\(report)' would be written over the file of --\(option)")
    }
  }

  /// No file beside the result of one input is the result of another, or beside that.
  private func checkAcrossInputs(_ sides: [Side]) throws {
    guard plan.count > 1, !sides.isEmpty else { return }
    var owners: [[UInt8]: Int] = [:]
    func claim(_ path: String, _ index: Int) throws {
      let place = PathText.bytes(futurePlace(of: path))
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
