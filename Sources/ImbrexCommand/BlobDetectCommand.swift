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
    let inputs = try files.resolvedInputs()
    if let output = files.output, output.hasSuffix("/") || isDirectory(output) {
      throw ImbrexError(.usage, "-o is a table's file for blob-detect, but '\(output)' is a directory")
    }
    if let overlay {
      guard inputs.count == 1 else { throw ImbrexError(.usage, "--overlay takes one input") }
      guard ImageFormat(path: overlay) != nil else {
        throw ImbrexError(.usage, "the format of '\(overlay)' cannot be told from its extension")
      }
    }
    if files.noClobber, let output = files.output, fileExists(output) { return }
    let table = table ?? BlobTable(path: files.output) ?? .csv
    let pool = WorkerPool(count: tilingOptions.jobs)
    defer { pool.close() }

    var text = table.header(naming: inputs.count > 1)
    var rows: [String] = []
    let pictureJobs = inputs.map { PictureJob(input: $0, output: files.output ?? "-") }
    var failure: BatchFailure?
    let start = monotonicNanoseconds()
    do {
      try runJobs(pictureJobs, sharingOutput: true, files) { job in
        let reader = try ImageReader(path: job.input, options: files.readerOptions(tilingOptions))
        if files.explain {
          let plan = try detector.plan(for: reader.description, isStreamed: true, tiling: tilingOptions)
          return printPlan(
            plan, filter: "blob-detect",
            passes: detector.residence(of: reader.description, maxMemory: tilingOptions.maxMemory), reader: reader,
            input: job.input)
        }
        let context = RunContext(pool: pool, tiling: tilingOptions)
        let blobs: [Blob]
        if let overlay {
          let picture = try Picture(reading: reader)
          blobs = try detector.detect(in: .picture(picture), context: context)
          try writeOverlay(of: blobs, on: picture, reader, to: overlay)
        } else {
          blobs = try detector.detect(in: .stream(reader), context: context)
        }
        rows += blobs.map { table.row($0, file: inputs.count > 1 ? job.input : nil) }
        if files.verbose {
          let plan = try detector.plan(for: reader.description, isStreamed: true, tiling: tilingOptions)
          let wall = Double(monotonicNanoseconds() - start) / 1e9
          Messages.report(
            "\(reader.description.summary); \(plan.summary); kernels \(kernelBuildName); \(blobs.count) blobs; "
              + "\(milliseconds(wall)) ms", file: job.input)
        }
      }
    } catch let error as BatchFailure {
      failure = error
    }
    if !files.explain && (failure == nil || inputs.count > 1) {
      text += table.body(rows)
      try writeText(text, to: files.output ?? "-")
    }
    if let failure { throw failure }
  }

  private func writeOverlay(of blobs: [Blob], on picture: Picture, _ reader: ImageReader, to path: String) throws {
    do {
      let drawing = try BlobOverlay(blobs: blobs, sigmas: options.makeDetector().sigmas).draw(on: picture)
      let writer = try ImageWriter(
        to: OutputFile(path: path), format: ImageFormat(path: path)!, picture: drawing.description,
        metadata: reader.metadata, options: files.writerOptions)
      try writer.write(picture: drawing)
      try writer.finish()
    } catch let error as ImbrexError where error.code == .output {
      throw NamedError(file: path, error: error)
    }
  }
}

/// A text table's format.
enum BlobTable: String, CaseIterable, ExpressibleByArgument {
  case csv, tsv, json, ndjson

  init?(path: String?) {
    guard let path, let dot = path.lastIndex(of: ".") else { return nil }
    self.init(rawValue: path[path.index(after: dot)...].lowercased())
  }

  func header(naming: Bool) -> String {
    let columns = (naming ? ["file"] : []) + ["y", "x", "sigma", "radius"]
    switch self {
    case .csv: return columns.joined(separator: ",") + "\n"
    case .tsv: return columns.joined(separator: "\t") + "\n"
    case .json, .ndjson: return ""
    }
  }

  func row(_ blob: Blob, file: String?) -> String {
    let numbers = [Double(blob.y), Double(blob.x), blob.sigma, blob.radius]
    switch self {
    case .csv:
      let quoted = file.map { name in
        name.contains(where: { ",\"\n\r".contains($0) })
          ? "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"" : name
      }
      return ((quoted.map { [$0] } ?? []) + numbers.map(shortest)).joined(separator: ",")
    case .tsv:
      let safe = file.map { String($0.map { $0 == "\t" || $0 == "\n" ? " " : $0 }) }
      return ((safe.map { [$0] } ?? []) + numbers.map(shortest)).joined(separator: "\t")
    case .json, .ndjson:
      let members = zip(["y", "x", "sigma", "radius"], numbers.map(JSONValue.number))
      return JSONValue.object((file.map { [("file", .string($0))] } ?? []) + Array(members)).description
    }
  }

  func body(_ rows: [String]) -> String {
    switch self {
    case .csv, .tsv, .ndjson: rows.map { $0 + "\n" }.joined()
    case .json: "[" + (rows.isEmpty ? "" : "\n  " + rows.joined(separator: ",\n  ") + "\n") + "]\n"
    }
  }
}
