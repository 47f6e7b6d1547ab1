import Imbrex

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Times a filter: serially, then with several worker counts and tilings, checking that all results are the same bytes.
struct Benchmark: Sendable {
  /// What is run: a filter into a picture, or blob detection into a list.
  enum Subject: Sendable {
    case filter(any Filter)
    case blobs(BlobDetector)
  }

  /// One setting's times.
  struct Run: Sendable {
    let isSerial: Bool
    let jobs: Int
    let tiles: Int
    /// Rows and columns of a tile.
    let tileHeight, tileWidth: Int
    /// One entry a timed run, in order: the filter in memory or, end to end, from file to file.
    let seconds: [Double]
    let isIdentical: Bool
    /// End to end, the medians of decoding, filtering and encoding, each by itself and in memory.
    let stages: [(name: String, seconds: Double)]?

    var least: Double { seconds.min()! }
    var greatest: Double { seconds.max()! }
    var median: Double { Benchmark.median(seconds) }
  }

  var subject: Subject
  var picture: Picture
  /// Ways to tile, their worker counts aside; each is timed with each count.
  var tilings: [TilingOptions]
  var warmups: Int
  var runs: Int
  /// The picture's file, to be timed from end to end; nil: in memory only.
  var file: String?

  init(
    subject: Subject, picture: Picture, tilings: [TilingOptions], warmups: Int = 1, runs: Int = 5, file: String? = nil
  ) {
    precondition(runs >= 1 && warmups >= 0 && !tilings.isEmpty)
    self.subject = subject
    self.picture = picture
    self.tilings = tilings
    self.warmups = warmups
    self.runs = runs
    self.file = file
  }

  static func median(_ seconds: [Double]) -> Double {
    let sorted = seconds.sorted(), middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Runs serially, then with each of `jobs` workers.
  ///
  /// Settings take turns, run by run, so that a slow moment of the machine does not fall on one of them alone.
  func measure(jobs: [Int]) throws -> [Run] {
    let settings =
      [tilings[0].serial]
      + tilings.flatMap { tiling in
        jobs.map { count in
          var options = tiling
          options.isSerial = false
          options.jobs = count
          return options
        }
      }
    let pools = settings.map { WorkerPool(count: $0.jobs) }
    defer { pools.forEach { $0.close() } }
    let reference = try makeResult(), result = try makeResult()
    var times = settings.map { _ in Times() }
    var isIdentical = settings.map { _ in true }
    var written: String?
    for round in 0..<(warmups + runs) {
      for (index, options) in settings.enumerated() {
        let target = index == 0 ? reference : result
        let context = RunContext(pool: pools[index], tiling: options)
        var time = Times()
        time.filter = [try seconds { try run(into: target, context) }]
        if index > 0 && !target.equals(reference) { isIdentical[index] = false }
        if let file {
          time.decode = [try seconds { _ = try Picture(reading: ImageReader(path: file)) }]
          let output = try endToEnd(file, target, context, &time)
          if index == 0 { written = output } else if output != written { isIdentical[index] = false }
        }
        if round >= warmups { times[index].append(time) }
      }
    }
    return try settings.indices.map { index in
      let plan = try plan(settings[index])
      let time = times[index]
      return Run(
        isSerial: index == 0, jobs: settings[index].jobs, tiles: plan.tiles, tileHeight: plan.bandHeight,
        tileWidth: plan.tileWidth, seconds: file == nil ? time.filter : time.together, isIdentical: isIdentical[index],
        stages: file == nil
          ? nil
          : [("decode", time.decode), ("filter", time.filter), ("encode", time.encode)].map { ($0, Self.median($1)) })
    }
  }

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

  /// Encodes a result, then runs from file to file; what the file holds comes back, as a hash or as text.
  private func endToEnd(_ file: String, _ result: Result, _ context: RunContext, _ time: inout Times) throws -> String {
    guard case .filter(let filter) = subject, let made = result.picture else {
      guard case .blobs(let detector) = subject else { return "" }
      var blobs: [Blob] = []
      time.encode = [0]
      time.together = [
        try seconds { blobs = try detector.detect(in: .stream(ImageReader(path: file)), context: context) }
      ]
      return "\(blobs)"
    }
    let reader = try ImageReader(path: file)
    let format = reader.format.holding(made.description)
    let path = "\(environment("TMPDIR") ?? "/tmp")/imbrex-bench-\(getpid()).\(format.extensions[0])"
    let slot = removeOnSignal(path)
    defer {
      removeFile(path)
      forgetCleanup(slot)
    }
    func writer() throws -> ImageWriter {
      try ImageWriter(
        to: OutputFile(path: path), format: format, picture: made.description, metadata: reader.metadata,
        input: reader.description)
    }
    time.encode = [
      try seconds {
        let writer = try writer()
        try context.sweep(
          .picture(made), CopyStencil(description: made.description), to: .stream(writer, writer.description),
          making: made.description)
        try writer.finish()
      }
    ]
    time.together = [
      try seconds {
        let reader = try ImageReader(path: file)
        let writer = try writer()
        try filter.run(.stream(reader), to: .stream(writer, writer.description), in: context)
        try writer.finish(after: reader)
      }
    ]
    return try ContentHash(ofFile: path).description
  }

  private final class Result {
    let picture: Picture?
    var blobs: [Blob] = []
    init(picture: Picture?) { self.picture = picture }

    func equals(_ other: Result) -> Bool {
      guard let picture, let reference = other.picture else { return blobs == other.blobs }
      return picture.hasSameBytes(as: reference)
    }
  }

  private func makeResult() throws -> Result {
    switch subject {
    case .filter(let filter): Result(picture: try Picture(filter.outputDescription(for: picture.description)))
    case .blobs: Result(picture: nil)
    }
  }

  private func run(into result: Result, _ context: RunContext) throws {
    switch subject {
    case .filter(let filter): try filter.run(.picture(picture), to: .picture(result.picture!), in: context)
    case .blobs(let detector): result.blobs = try detector.detect(in: .picture(picture), context: context)
    }
  }

  private func plan(_ options: TilingOptions) throws -> TilePlan {
    switch subject {
    case .filter(let filter): try filter.plan(for: picture.description, isStreamed: false, tiling: options)
    case .blobs(let detector): try detector.plan(for: picture.description, isStreamed: false, tiling: options)
    }
  }
}

/// Hands on what it is given.
private struct CopyStencil: Stencil {
  let description: ImageDescription
  var halo: Halo { .none }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    for y in region.y..<region.endY {
      let offset = region.x * description.bytesPerPixel
      (output.row(y) + offset).copyMemory(
        from: source.row(y) + offset, byteCount: region.width * description.bytesPerPixel)
    }
  }
}
