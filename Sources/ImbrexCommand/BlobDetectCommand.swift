import ArgumentParser
import Imbrex

struct BlobDetectOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "log (Laplacian of Gaussian), dog (difference of Gaussians) or doh (determinant of Hessian).", valueName: "method"
    ))
  var method: BlobDetector.Method = .log

  @Option(parsing: .unconditional, help: ArgumentHelp("Smallest scale, in pixels.", valueName: "s"))
  var minSigma: Double = 1

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Largest scale, in pixels. (default: 50, doh 30)", valueName: "s"))
  var maxSigma: Double?

  @Option(parsing: .unconditional, help: ArgumentHelp("Scales in the range (log, doh). (default: 10)", valueName: "n"))
  var numSigma: Int?

  @Flag(help: "Scales by equal factors instead of equal steps (log, doh).")
  var logScale = false

  @Option(
    parsing: .unconditional, help: ArgumentHelp("From one scale to the next (dog). (default: 1.6)", valueName: "k"))
  var sigmaRatio: Double?

  @Option(
    parsing: .unconditional, help: ArgumentHelp("Least response. (default: log 0.2, dog 0.5, doh 0.01)", valueName: "t")
  )
  var threshold: Double?

  @Option(parsing: .unconditional, help: ArgumentHelp("Least response as a share of the greatest.", valueName: "t"))
  var thresholdRel: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Of two blobs that overlap more than this the smaller goes, 0 … 1.", valueName: "f"))
  var overlap: Double = 0.5

  @Option(parsing: .unconditional, help: ArgumentHelp("Drop peaks within N pixels of the border.", valueName: "n"))
  var excludeBorder: Int = 0

  @Flag(help: "Find dark blobs on a light ground.")
  var dark = false

  @OptionGroup var light: LightOptionGroup

  func makeDetector() throws -> BlobDetector {
    if numSigma != nil && method == .dog {
      throw ImbrexError(.usage, "--num-sigma does not go with --method dog: use --sigma-ratio")
    }
    if logScale && method == .dog {
      throw ImbrexError(.usage, "--log-scale does not go with --method dog: its scales are logarithmic")
    }
    if sigmaRatio != nil && method != .dog { throw ImbrexError(.usage, "--sigma-ratio goes with --method dog only") }
    try check((0...1000).contains(minSigma), "--min-sigma", minSigma, "between 0 and 1000")
    if let maxSigma { try check((0...1000).contains(maxSigma), "--max-sigma", maxSigma, "between 0 and 1000") }
    if let numSigma { try check((1...1000).contains(numSigma), "--num-sigma", numSigma, "between 1 and 1000") }
    if let sigmaRatio {
      try check(sigmaRatio >= 1.001 && sigmaRatio <= 1000, "--sigma-ratio", sigmaRatio, "between 1.001 and 1000")
    }
    if let thresholdRel {
      try check((0...1).contains(thresholdRel), "--threshold-rel", thresholdRel, "between 0 and 1")
    }
    if let threshold { try check(threshold.isFinite, "--threshold", threshold, "a number") }
    try check((0...1).contains(overlap), "--overlap", overlap, "between 0 and 1")
    try check(excludeBorder >= 0, "--exclude-border", excludeBorder, "at least 0")
    var detector = try BlobDetector(
      method: method, minSigma: minSigma, maxSigma: maxSigma, sigmaCount: numSigma ?? 10, isLogarithmic: logScale,
      sigmaRatio: sigmaRatio ?? 1.6, threshold: threshold, relativeThreshold: thresholdRel, overlap: overlap,
      excludedBorder: excludeBorder, findsDark: dark)
    detector.isLinear = light.linear
    return detector
  }

  var values: [(String, JSONValue)] {
    guard let detector = try? makeDetector() else { return [] }
    return [
      ("method", .string(method.rawValue)), ("min_sigma", .number(detector.minSigma)),
      ("max_sigma", .number(detector.maxSigma)), ("num_sigma", .integer(detector.sigmaCount)),
      ("log_scale", .bool(logScale)), ("sigma_ratio", .number(detector.sigmaRatio)),
      ("threshold", .number(detector.threshold)), ("threshold_rel", thresholdRel.map(JSONValue.number) ?? .null),
      ("overlap", .number(overlap)), ("exclude_border", .integer(excludeBorder)), ("dark", .bool(dark)),
      ("linear", .bool(light.linear)),
    ]
  }
}

/// `imbrex blob-detect`: a table of blobs instead of a picture.
struct BlobDetectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blob-detect",
    abstract: "Find blobs and list them.",
    usage: "imbrex blob-detect [options] [INPUT...] [-o TABLE] [--overlay PICTURE]",
    discussion: """
      Computes what skimage.feature.blob_log, blob_dog and blob_doh do. One row a blob, strongest first: y, x, sigma and radius in \
      pixels.

      EXAMPLES
        imbrex blob-detect --min-sigma 3 --max-sigma 20 cells.tif > cells.csv
        imbrex blob-detect --method doh --dark pores.png -o pores.json --overlay pores-marked.png
      """)

  @OptionGroup(title: "Filter") var options: BlobDetectOptions

  @Option(
    help: ArgumentHelp(
      "Table format: \(BlobTable.allCases.map(\.rawValue).joined(separator: ", ")). (default: by the output's extension, else csv)",
      valueName: "name"))
  var table: BlobTable?

  @Option(
    help: ArgumentHelp("Also draw the blobs on the picture, into this file.", valueName: "file"), completion: .file())
  var overlay: String?

  @OptionGroup var files: FileOptionGroup
  @OptionGroup var jobs: JobsOptionGroup
  @OptionGroup(title: "Tiling") var tiling: TilingOptionGroup

  func run() throws {
    let detector = try options.makeDetector()
    let tilingOptions = try tiling.options(jobs: jobs.count())
    if files.format != nil { throw ImbrexError(.usage, "blob-detect writes a table: use --table") }
    if files.batch.inPlace { throw ImbrexError(.usage, "blob-detect writes a table: it has no --in-place") }
    let named = try files.namedInputs()
    let table = table ?? (files.writesToDirectory ? nil : BlobTable(path: files.output)) ?? .csv
    let plan = try plan(named, table)
    let overlays = try overlays(named, plan)
    if !files.explain { try checkApart(plan, overlays) }
    if files.explain {
      for index in 0..<plan.count { try explain(detector, plan[index].input, tilingOptions) }
      return
    }
    if !files.writesToDirectory, files.batch.noClobber, let output = files.output, fileExists(output) { return }
    let runner = BatchRunner(
      files: files, plan: plan, tiling: tilingOptions,
      settings: try files.settings(
        filter: "blob-detect", options.values + [("table", .string(table.rawValue))], mask: nil))
    let command = UncheckedSendable(self)
    let rows = Locked([BlobRow]())
    var failure: BatchFailure?
    do {
      try runner.run(sharesOutput: !files.writesToDirectory) { result in
        rows.withLock { $0 += result.rows }
      } _: { job in
        try command.value.process(detector, job, table, overlay: overlays(job.input))
      }
    } catch let error as BatchFailure {
      failure = error
    }
    let isOneTable = !files.writesToDirectory && !files.batch.dryRun
    if isOneTable && (failure == nil || plan.count > 1) {
      try writeText(table.text(rows.withLock { $0 }, naming: plan.count > 1), to: files.output ?? "-")
    }
    if let failure { throw failure }
  }

  private func plan(_ named: [String], _ table: BlobTable) throws -> BatchPlan {
    guard files.writesToDirectory, !files.explain else {
      if files.batch.name != nil { throw ImbrexError(.usage, "--name goes with a directory for -o") }
      if files.batch.incremental { throw ImbrexError(.usage, "--incremental goes with a directory for -o") }
      return try files.plan(named, files.explain ? .none : .single(files.output ?? "-"))
    }
    var naming = try OutputNaming(
      directory: files.output!, format: nil, template: files.batch.name, filter: "blob-detect")
    naming.fixedExtension = table.rawValue
    return try files.plan(named, .directory(naming))
  }

  /// Tables and overlays go over no input, nor over each other.
  private func checkApart(_ plan: BatchPlan, _ overlays: (String) -> String?) throws {
    if files.writesToDirectory {
      try plan.checkResultsApart()
    } else if let output = files.output, output != "-" {
      if let format = ImageFormat(path: output) {
        throw ImbrexError(
          .usage, "'\(output)' is named as a \(format.name.uppercased()), but the output is a table: see --overlay")
      }
      try plan.checkApart(output, "the table", isOutput: true)
    }
    guard overlay != nil else { return }
    for index in 0..<plan.count {
      let item = plan[index]
      guard let path = overlays(item.input) else { continue }
      if plan.count == 1 { try plan.checkApart(path, "--overlay") }
      if path == item.output { throw ImbrexError(.usage, "the table and --overlay are both '\(path)'") }
    }
  }

  /// Where the overlay of an input goes, if there is to be one.
  private func overlays(_ named: [String], _ plan: BatchPlan) throws -> @Sendable (String) -> String? {
    guard let overlay else { return { _ in nil } }
    if overlay.hasSuffix("/") || isDirectory(overlay) {
      let naming = try OutputNaming(directory: overlay, format: nil, template: files.batch.name, filter: "blob-detect")
      let pictures = try files.plan(named, .directory(naming))
      try pictures.checkResultsApart()
      let paths = Dictionary(
        (0..<pictures.count).map { (pictures[$0].input, pictures[$0].output!) },
        uniquingKeysWith: { first, _ in first })
      return { paths[$0] }
    }
    guard plan.count == 1 else {
      throw ImbrexError(.usage, "--overlay for several inputs needs a directory: '\(overlay)/'")
    }
    guard ImageFormat(path: overlay) != nil else {
      throw ImbrexError(.usage, "the format of '\(overlay)' cannot be told from its extension")
    }
    return { _ in overlay }
  }

  private func process(_ detector: BlobDetector, _ job: FileJob, _ table: BlobTable, overlay: String?) throws {
    let start = monotonicNanoseconds()
    let reader = try ImageReader(path: job.input, options: files.readerOptions(job.context.tiling))
    (job.result.width, job.result.height) = (reader.description.width, reader.description.height)
    let pages = try files.pages(of: reader)
    let firstPage = files.page?.first ?? 1
    if overlay != nil && pages > 1 {
      throw ImbrexError(.input, "it has \(pages) pages, but --overlay draws on one: use --page N")
    }
    var rows: [BlobRow] = []
    for page in 0..<pages {
      if page > 0, try !reader.nextPage() { throw ImbrexError(.input, "page \(page + 1) is missing") }
      let source = job.watched(reader, shareOfFile: 1 / Double(pages))
      let blobs: [Blob]
      if let overlay {
        let picture = try Picture(
          reading: source, spilled: source.description.byteCount > job.context.tiling.maxMemory)
        blobs = try detector.detect(in: .picture(picture), context: job.context)
        try writeOverlay(of: blobs, on: picture, reader, detector.sigmas, to: overlay)
      } else {
        blobs = try detector.detect(in: .stream(source), context: job.context)
      }
      rows += blobs.map { BlobRow(file: job.input, page: pages > 1 ? firstPage + page : nil, blob: $0) }
    }
    if files.writesToDirectory {
      let output = job.output!
      if let slash = output.utf8.lastIndex(of: 0x2F) {
        try job.writing { try makeDirectories(String(output[..<slash])) }
      }
      try job.writing {
        let file = try OutputFile(path: output)
        try file.write(table.text(rows, naming: false))
        try file.commit()
      }
    } else {
      job.result.rows = rows
    }
    if let damage = reader.damage { job.warn("read in part: \(damage)") }
    if files.verbose {
      let plan = try detector.plan(for: reader.description, isStreamed: true, tiling: job.context.tiling)
      let wall = Double(monotonicNanoseconds() - start) / 1e9
      job.say(
        "\(reader.description.summary); \(plan.summary); kernels \(kernelBuildName); \(rows.count) blobs; "
          + "\(milliseconds(wall)) ms")
    }
  }

  private func writeOverlay(
    of blobs: [Blob], on picture: Picture, _ reader: ImageReader, _ sigmas: [Double], to path: String
  ) throws {
    do {
      let drawing = try BlobOverlay(blobs: blobs, sigmas: sigmas).draw(on: picture)
      if let slash = path.utf8.lastIndex(of: 0x2F), let overlay, overlay.hasSuffix("/") || isDirectory(overlay) {
        try makeDirectories(String(path[..<slash]))
      }
      let format = ImageFormat(path: path) ?? reader.format
      let writer = try ImageWriter(
        to: OutputFile(path: path), format: format, picture: drawing.description, metadata: reader.metadata,
        input: picture.description, options: files.writerOptions)
      try writer.write(drawing.converted(to: writer.description))
      try writer.finish()
    } catch let error as ImbrexError where error.code == .output {
      throw NamedError(file: path, error: error)
    }
  }

  private func explain(_ detector: BlobDetector, _ input: String, _ tiling: TilingOptions) throws {
    do {
      let reader = try ImageReader(path: input, options: files.readerOptions(tiling))
      let plan = try detector.plan(for: reader.description, isStreamed: true, tiling: tiling)
      let passes = detector.residence(of: reader.description, maxMemory: tiling.maxMemory)
      printPlan(plan, filter: "blob-detect", passes: passes, reader: reader, input: input)
    } catch let error as ImbrexError {
      Messages.report(error.message, file: input)
      throw BatchFailure(status: error.status)
    }
  }
}

/// A row of a table: a blob, and where it was found.
struct BlobRow: Sendable {
  let file: String
  /// From 1; nil in files of one page.
  let page: Int?
  let blob: Blob
}

/// A text table's format.
enum BlobTable: String, CaseIterable, ExpressibleByArgument {
  case csv, tsv, json, ndjson

  init?(path: String?) {
    guard let path, let dot = path.lastIndex(of: ".") else { return nil }
    self.init(rawValue: path[path.index(after: dot)...].lowercased())
  }

  /// The whole table.
  ///
  /// - Parameter naming: Begin each row with its file. Pages are told where any file has several.
  func text(_ rows: [BlobRow], naming: Bool) -> String {
    let paging = rows.contains { $0.page != nil }
    let names = (naming ? ["file"] : []) + (paging ? ["page"] : []) + ["y", "x", "sigma", "radius"]
    let lines = rows.map { row in line(row, names, naming: naming, paging: paging) }
    switch self {
    case .csv: return ([names.joined(separator: ",")] + lines).map { $0 + "\n" }.joined()
    case .tsv: return ([names.joined(separator: "\t")] + lines).map { $0 + "\n" }.joined()
    case .ndjson: return lines.map { $0 + "\n" }.joined()
    case .json: return "[" + (lines.isEmpty ? "" : "\n  " + lines.joined(separator: ",\n  ") + "\n") + "]\n"
    }
  }

  private func line(_ row: BlobRow, _ names: [String], naming: Bool, paging: Bool) -> String {
    let page = paging ? [Double(row.page ?? 1)] : []
    let numbers = page + [Double(row.blob.y), Double(row.blob.x), row.blob.sigma, row.blob.radius]
    switch self {
    case .csv:
      let quoted =
        row.file.contains { ",\"\n\r".contains($0) }
        ? "\"" + row.file.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        : row.file
      return ((naming ? [quoted] : []) + numbers.map(shortest)).joined(separator: ",")
    case .tsv:
      let safe = String(row.file.map { $0 == "\t" || $0 == "\n" ? " " : $0 })
      return ((naming ? [safe] : []) + numbers.map(shortest)).joined(separator: "\t")
    case .json, .ndjson:
      let members = (naming ? [JSONValue.string(row.file)] : []) + numbers.map(JSONValue.number)
      return JSONValue.object(Array(zip(names, members))).description
    }
  }
}
