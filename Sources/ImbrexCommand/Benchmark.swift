import Imbrex
import Platform

/// Times a filter: serially, then with several worker counts and tilings, checking that all results are the same bytes.
struct Benchmark: Sendable {
  /// One setting's times.
  struct Run: Sendable {
    let isSerial: Bool
    let workers: Int
    let tiles: Int
    /// Rows and columns of a tile.
    let tileHeight, tileWidth: Int
    /// One entry a timed run, in order: the filter in memory or, end to end, from file to file.
    let seconds: [Double]
    let isIdentical: Bool
    /// What is read of the picture and written of the result: in memory the samples, end to end the files.
    let bytes: Int
    /// Bytes a second that as many workers read and write when they copy memory.
    let copyRate: Double
    /// End to end, the medians of decoding, filtering and encoding, each by itself and in memory.
    let stages: [(name: String, seconds: Double)]?

    var least: Double { seconds.min()! }
    var greatest: Double { seconds.max()! }
    var median: Double { Benchmark.median(seconds) }
  }

  var pipeline: Pipeline
  var picture: Picture
  /// Ways to tile, their worker counts aside; each is timed with each count.
  var tilings: [TilingOptions]
  var warmups: Int
  var runs: Int
  /// The picture's file, to be timed from end to end; nil: in memory only.
  var file: String?
  /// How that is read.
  var readerOptions: ImageReader.Options

  init(
    pipeline: Pipeline, picture: Picture, tilings: [TilingOptions], warmups: Int = 1, runs: Int = 5,
    file: String? = nil, readerOptions: ImageReader.Options = ImageReader.Options()
  ) {
    precondition(runs >= 1 && warmups >= 0 && !tilings.isEmpty)
    self.pipeline = pipeline
    self.picture = picture
    self.tilings = tilings
    self.warmups = warmups
    self.runs = runs
    self.file = file
    self.readerOptions = readerOptions
  }

  static func median(_ seconds: [Double]) -> Double {
    let sorted = seconds.sorted(), middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Runs serially, then with each of these worker counts.
  ///
  /// Settings take turns, run by run, so that a slow moment of the machine does not fall on one of them alone.
  func measure(workers: [Int]) throws -> [Run] {
    let settings =
      [tilings[0].serial]
      + tilings.flatMap { tiling in
        workers.map { count in
          var options = tiling
          options.isSerial = false
          options.workers = count
          return options
        }
      }
    let pools = settings.map { WorkerPool(count: $0.workers) }
    defer { pools.forEach { $0.close() } }
    defer { try? pipeline.end() }
    let reference = try makeResult(), result = try makeResult()
    var times = settings.map { _ in Times() }
    var isIdentical = settings.map { _ in true }
    let copyRates = settings.indices.map { CopyRate.measure(pools[$0], workers: settings[$0].workers) }
    var bytes = bytes(of: picture) + (reference.picture.map(bytes) ?? 0)
    var written: String?
    for round in 0..<(warmups + runs) {
      for (index, options) in settings.enumerated() {
        let target = index == 0 ? reference : result
        let context = RunContext(pool: pools[index], tiling: options)
        var time = Times()
        time.filter = [try seconds { try run(into: target, context) }]
        if index > 0 && !target.equals(reference) { isIdentical[index] = false }
        if let file {
          time.decode = [try seconds { _ = try Picture(reading: ImageReader(path: file, options: readerOptions)) }]
          let (output, size) = try endToEnd(file, target, context, &time)
          bytes = size
          if index == 0 { written = output } else if output != written { isIdentical[index] = false }
        }
        if round >= warmups { times[index].append(time) }
      }
    }
    return try settings.indices.map { index in
      let sweep = try plan(settings[index]).mainSweep
      let time = times[index]
      return Run(
        isSerial: index == 0, workers: settings[index].workers, tiles: sweep.tiles, tileHeight: sweep.grid.bandHeight,
        tileWidth: sweep.grid.tileWidth, seconds: file == nil ? time.filter : time.together,
        isIdentical: isIdentical[index], bytes: bytes, copyRate: copyRates[index],
        stages: file == nil
          ? nil
          : [("decode", time.decode), ("filter", time.filter), ("encode", time.encode)].map { ($0, Self.median($1)) })
    }
  }

  private func bytes(of picture: Picture) -> Int { picture.description.bytesPerRow * picture.description.height }

  private struct Times {
    var decode: [Double] = [], filter: [Double] = [], encode: [Double] = [], together: [Double] = []

    mutating func append(_ other: Times) {
      decode += other.decode
      filter += other.filter
      encode += other.encode
      together += other.together
    }
  }

  private func seconds(_ body: () throws -> Void) throws -> Double {
    let start = monotonicNanoseconds()
    try body()
    return Double(monotonicNanoseconds() - start) / 1e9
  }

  /// Encodes a result, then runs from file to file; what the file holds comes back, as a hash or as text, and the bytes of both files.
  private func endToEnd(
    _ file: String, _ result: Result, _ context: RunContext, _ time: inout Times
  ) throws -> (content: String, bytes: Int) {
    let size = fileSize(file)
    guard let made = result.picture else {
      var table: Table?
      time.encode = [0]
      time.together = [
        try seconds {
          let reader = try ImageReader(path: file, options: readerOptions)
          let plan = try pipeline.plan(for: reader.description, tiling: context.tiling)
          table = try plan.run(.stream(reader), to: .table, in: context)
        }
      ]
      return ("\(table!.rows)", size)
    }
    let reader = try ImageReader(path: file, options: readerOptions)
    let format = reader.format.holding(made.description)
    let directory = try TemporaryDirectory(), path = "\(directory.path)/result.\(format.extensions[0])"
    let slot = removeOnSignal(path)
    defer {
      removeFile(path)
      forgetCleanup(slot)
      directory.remove()
    }
    func writer() throws -> ImageWriter {
      try ImageWriter(
        to: OutputFile(path: path), format: format, picture: made.description, metadata: reader.metadata,
        input: reader.description)
    }
    time.encode = [
      try seconds {
        let writer = try writer()
        let copy = Pipeline(Conversion(to: writer.description))
        let plan = try copy.plan(for: made.description, tiling: context.tiling, streamsIn: false)
        try plan.run(.picture(made), to: .stream(writer), in: context)
        try writer.finish()
      }
    ]
    time.together = [
      try seconds {
        let reader = try ImageReader(path: file, options: readerOptions)
        let writer = try writer()
        var chain = pipeline
        if writer.description != made.description {
          chain = chain.followed(by: .init("conversion", Conversion(to: writer.description)))
        }
        let plan = try chain.plan(for: reader.description, tiling: context.tiling)
        try plan.run(.stream(reader), to: .stream(writer), in: context)
        try writer.finish(after: reader)
      }
    ]
    return (try ContentHash(ofFile: path).description, size + fileSize(path))
  }

  private final class Result {
    let picture: Picture?
    var table: Table?
    init(picture: Picture?) { self.picture = picture }

    func equals(_ other: Result) -> Bool {
      guard let picture, let reference = other.picture else { return table == other.table }
      return picture.hasSameBytes(as: reference)
    }
  }

  private func makeResult() throws -> Result {
    Result(picture: pipeline.makesTable ? nil : try Picture(pipeline.outputDescription(for: picture.description)))
  }

  private func run(into result: Result, _ context: RunContext) throws {
    let plan = try plan(context.tiling)
    result.table = try plan.run(.picture(picture), to: result.picture.map { .picture($0) } ?? .table, in: context)
  }

  private func plan(_ options: TilingOptions) throws -> Plan {
    try pipeline.plan(for: picture.description, tiling: options, streamsIn: false, streamsOut: false)
  }
}
