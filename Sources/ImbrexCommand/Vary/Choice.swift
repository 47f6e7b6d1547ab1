import Imbrex

/// What helps to choose among combinations: a sheet of all results, and scores against what is right.
final class Choice: Sendable {
  let run: VariedRun
  let sheet: SheetFiles?
  let truth: TruthFiles?
  /// Of each combination, over all pictures.
  private let scores: Locked<[Score]>
  private let tolerance = Locked<Double?>(nil)

  var options: CommonOptions { run.options }
  /// Whether tables are drawn on what they were made of.
  var wantsGround: Bool { sheet != nil && run.runs[0].pipeline.makesTable }

  /// Nil: nothing of that kind is wanted.
  init?(_ run: VariedRun) throws {
    let options = run.options
    guard options.sheet != nil || options.truth != nil else { return nil }
    self.run = run
    sheet = try options.sheet.map { try SheetFiles($0, run) }
    truth = try options.truth.map { try TruthFiles($0, run) }
    scores = Locked(run.runs.map { _ in Score(found: 0, truth: 0, matched: 0) })
    if truth != nil, run.outputs.contains(where: { $0.sharedTable == "-" || $0.plan[0].output == "-" }) {
      throw ImbrexError(option: "truth", "and a result would both be written to standard output: use -o FILE")
    }
  }

  func add(_ score: Score, of variant: Int, tolerance: Double) {
    scores.withLock { $0[variant] = $0[variant] + score }
    self.tolerance.withLock { $0 = $0 ?? tolerance }
  }

  /// Prints the scores, the best first.
  func finish() throws {
    guard truth != nil, let tolerance = tolerance.withLock({ $0 }) else { return }
    var table = ScoreTable(names: run.line.names.map(\.name), tolerance: tolerance)
    for (combination, score) in zip(run.line.combinations, scores.withLock { $0 }) {
      table.add(combination.values, score)
    }
    try writeText(options.json ? table.json : table.text, to: "-")
  }
}

/// The files of `--sheet`.
struct SheetFiles: Sendable {
  private let path: String
  private let isDirectory: Bool
  private let isSynced: Bool

  /// - Throws: A usage error for a name that says no format, or one file for several inputs.
  init(_ path: String, _ run: VariedRun) throws {
    self.path = path
    isSynced = run.options.sync
    isDirectory = path.hasSuffix("/") || Imbrex.isDirectory(path)
    guard isDirectory || !run.outputs[0].plan.isMany else {
      throw ImbrexError(option: "sheet", "for several inputs needs a directory: '\(path)/'")
    }
    guard isDirectory || ImageFormat(path: path) != nil else {
      throw ImbrexError(
        option: "sheet", "is '\(path)', but its extension must be a picture's, such as .png")
    }
    try checkApart(run)
  }

  /// - Throws: A usage error if a sheet would be written over what is read or written besides.
  private func checkApart(_ run: VariedRun) throws {
    var taken: [[UInt8]: String] = [:]
    func take(_ path: String?, _ what: String) {
      if let path, path != "-" { taken[PathText.bytes(futurePlace(of: path))] = what }
    }
    let inputs = run.outputs[0].plan, truth = try run.options.truth.map { try TruthFiles($0, run) }
    for index in 0..<inputs.count {
      take(try? truth?.path(of: inputs[index].input), "the truth")
      for outputs in run.outputs {
        take(outputs.sharedTable ?? outputs.plan[index].output, "a result")
        for side in outputs.sides { take(side.path(index), "a result") }
      }
    }
    for (_, path) in run.runs.flatMap(\.optionFiles) { take(path, "a file that an option names") }
    for path in [run.options.report, run.options.filesFrom] { take(path, "a file that an option names") }
    for index in 0..<inputs.count { take(inputs[index].input, "the input '\(inputs[index].input)'") }
    for index in 0..<inputs.count {
      let input = inputs[index].input, path = path(of: input), place = PathText.bytes(futurePlace(of: path))
      if let other = taken[place] { throw ImbrexError(option: "sheet", "'\(path)' would be written over \(other)") }
      taken[place] = "the sheet of '\(input)'"
    }
  }

  /// Where the sheet of an input goes.
  func path(of input: String) -> String {
    guard isDirectory else { return path }
    let name = PathText.split(input).name
    return (path.hasSuffix("/") ? path : path + "/") + stem(of: name) + ".png"
  }

  func write(_ sheet: Sheet, of job: FileJob) throws {
    let path = path(of: job.input)
    try job.writing(to: path) {
      if isDirectory { try makeDirectories(PathText.split(path).directory) }
      var settings = OutputFile.Settings()
      (settings.isNamed, settings.isSynced) = (!isDirectory, isSynced)
      let writer = try ImageWriter(
        to: OutputFile(path: path, settings), format: ImageFormat(path: path)!, picture: sheet.picture.description,
        metadata: Metadata())
      try writer.write(sheet.picture.converted(to: writer.description))
      try writer.finish()
    }
  }
}

/// The files of `--truth`.
struct TruthFiles: Sendable {
  private let path: String
  private let isDirectory: Bool

  /// - Throws: ``ImbrexError`` if there is nothing there.
  init(_ path: String, _ run: VariedRun) throws {
    self.path = path
    isDirectory = Imbrex.isDirectory(path)
    guard fileExists(path) else { throw ImbrexError(option: "truth", "is '\(path)', which does not exist") }
  }

  /// The file for an input: in a directory, the one of the same name, or of the same stem.
  func path(of input: String) throws -> String {
    guard isDirectory else { return path }
    let name = PathText.split(input).name, folder = path.hasSuffix("/") ? path : path + "/"
    let endings = ImageFormat.all.flatMap(\.extensions) + ["csv", "tsv", "json", "ndjson"]
    let names = [name] + endings.map { "\(stem(of: name)).\($0)" }
    guard let found = names.first(where: { fileExists(folder + $0) }) else {
      throw ImbrexError(option: "truth", "has no file for '\(name)' in '\(path)'")
    }
    return folder + found
  }
}

/// A file's name without its extension.
private func stem(of name: String) -> String {
  guard let dot = name.utf8.lastIndex(of: 0x2E), dot > name.utf8.startIndex else { return name }
  return String(name[..<dot])
}
