import Imbrex

/// `imbrex bench FILTER …`: serial against parallel, in one run.
struct BenchCommand {
  private let values: OptionValues
  private let input: String
  private let stages: [(name: String, values: OptionValues)]
  private let line: [ParsedStage]
  /// For any size of pixels.
  private let chain: Pipeline

  init(_ line: ParsedLine) throws {
    values = line.options
    input = line.inputs[0]
    self.line = line.stages
    stages = try line.stages.map { stage in
      guard case .filter(let definition, let values) = stage else {
        throw ImbrexError(.usage, "bench takes no tee: it writes no pictures")
      }
      return (definition.name, values)
    }
    chain = try Pipeline(stages.map { .init($0.name, try FilterDefinition(named: $0.name)!.make($0.values)) })
  }

  private var plot: String? { values.text("plot") }

  /// The tilings to be timed.
  private func tilings() -> [TilingOptions] {
    var base = TilingOptions(workers: 1)
    base.set(values)
    func sizes(_ name: String) -> [(Int, Int)] {
      values.list(name).map { if case .size(let a, let b) = $0 { (a, b) } else { preconditionFailure() } }
    }
    let tiles = sizes("tile").map { height, width in
      var options = base
      options.tile = (height: height, width: width)
      return options
    }
    let grids = sizes("chunks").map { rows, columns in
      var options = base
      options.chunks = TilingOptions.Grid(rows: rows, columns: columns)
      return options
    }
    return tiles.isEmpty && grids.isEmpty ? [base] : tiles + grids
  }

  private func workerCounts() -> [Int] {
    if let counts = values.text("jobs").flatMap(OptionText.workerCounts) { return counts }
    let cores = availableCores()
    var counts: [Int] = [], next = 1
    while next < cores {
      counts.append(next)
      next *= 2
    }
    return counts + [cores]
  }

  /// The options in effect.
  private var options: JSONValue {
    func object(_ values: OptionValues) -> JSONValue {
      .object(
        values.all.map { definition, value in
          (String(definition.name.map { $0 == "-" ? "_" : $0 }), value.map(JSONValue.init) ?? .null)
        })
    }
    if stages.count == 1 { return object(stages[0].values) }
    return .array(stages.map { .object([("filter", .string($0.name)), ("options", object($0.values))]) })
  }

  private func draw(_ drawing: SpeedupPlot, to path: String) throws {
    guard let format = ImageFormat(path: path) else { return try writeText(drawing.svg, to: path) }
    let picture = try drawing.picture()
    let writer = try ImageWriter(
      to: OutputFile(path: path), format: format, picture: picture.description, metadata: Metadata())
    try writer.write(picture.converted(to: writer.description))
    try writer.finish()
  }

  func run() throws {
    var confinement = Confinement(isOff: values.flag("no-sandbox"), isVerbose: false)
    confinement.reads(input)
    if let mask = values.text("mask") { confinement.reads(mask) }
    confinement.starts(line)
    if let plot { confinement.writes(plot, isDirectory: false) }
    confinement.enter()
    let picture: Picture, pipeline: Pipeline
    var readerOptions = ImageReader.Options()
    readerOptions.nodata = values.nodata
    readerOptions.masks = try values.text("mask").map(Mask.all) ?? []
    let isEndToEnd = values.flag("end-to-end")
    do {
      if isEndToEnd && input == "-" {
        throw ImbrexError(.usage, "--end-to-end reads its input again and again: name a file instead of standard input")
      }
      let reader = try ImageReader(path: input, options: readerOptions)
      pipeline = try chain.measured { reader.pixelSize }
      picture = try Picture(reading: reader)
    } catch let error as ImbrexError {
      Messages.report(messageText(error), file: input)
      throw BatchFailure(status: error.status)
    }
    let benchmark = Benchmark(
      pipeline: pipeline, picture: picture, tilings: tilings(), warmups: values.integer("warmup"),
      runs: values.integer("runs"), file: isEndToEnd ? input : nil, readerOptions: readerOptions)
    let report = BenchReport(
      filter: pipeline.name, options: options, picture: picture.description, isEndToEnd: isEndToEnd,
      runs: try benchmark.measure(workers: workerCounts()))
    if let plot { try draw(SpeedupPlot(report), to: plot) }
    let isJSON = values.flag("json"), isMarkdown = values.flag("markdown")
    print(isJSON ? report.json : isMarkdown ? report.markdown : values.flag("csv") ? report.csv : report.table)
    if let wrong = report.runs.first(where: { !$0.isIdentical }) {
      Messages.report("the result with \(wrong.workers) workers differs from the serial one")
      throw BatchFailure(status: 1)
    }
  }
}

extension JSONValue {
  init(_ value: OptionValue) {
    self =
      switch value {
      case .flag(let isSet): .bool(isSet)
      case .integer(let number): .integer(number)
      case .number(let number): .number(number)
      case .axes(let y, let x): .array([.number(y), .number(x)])
      case .choice(let word): .string(word)
      case .lengths, .size, .text: .string(value.description)
      case .list(let values): .array(values.map(JSONValue.init))
      }
  }
}
