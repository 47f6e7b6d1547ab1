/// Times a filter on a picture in memory: serially, then with several worker counts, checking that all results are the
/// same bytes.
public struct Benchmark: Sendable {
  /// What is run: a filter into a picture, or blob detection into a list.
  public enum Subject: Sendable {
    case filter(any Filter)
    case blobs(BlobDetector)
  }

  /// One setting's times.
  public struct Run: Sendable {
    public let isSerial: Bool
    public let jobs: Int
    public let tiles: Int
    /// One entry a timed run, in order.
    public let seconds: [Double]
    public let isIdentical: Bool

    public var least: Double { seconds.min()! }
    public var greatest: Double { seconds.max()! }
    public var median: Double {
      let sorted = seconds.sorted(), middle = sorted.count / 2
      return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
  }

  public var subject: Subject
  public var picture: Picture
  public var tiling: TilingOptions
  public var warmups: Int
  public var runs: Int

  public init(subject: Subject, picture: Picture, tiling: TilingOptions, warmups: Int = 1, runs: Int = 5) {
    precondition(runs >= 1 && warmups >= 0)
    self.subject = subject
    self.picture = picture
    self.tiling = tiling
    self.warmups = warmups
    self.runs = runs
  }

  /// Runs serially, then with each of `jobs` workers.
  ///
  /// Settings take turns, run by run, so that a slow moment of the machine does not fall on one of them alone.
  public func measure(jobs: [Int]) throws -> [Run] {
    let settings =
      [tiling.serial]
      + jobs.map { count in
        var options = tiling
        options.isSerial = false
        options.jobs = count
        return options
      }
    let pools = settings.map { WorkerPool(count: $0.jobs) }
    defer { pools.forEach { $0.close() } }
    let reference = try makeResult(), result = try makeResult()
    var seconds = settings.map { _ in [Double]() }
    var isIdentical = settings.map { _ in true }
    for round in 0..<(warmups + runs) {
      for (index, options) in settings.enumerated() {
        let target = index == 0 ? reference : result
        let start = monotonicNanoseconds()
        try run(into: target, RunContext(pool: pools[index], tiling: options))
        let elapsed = Double(monotonicNanoseconds() - start) / 1e9
        if round >= warmups { seconds[index].append(elapsed) }
        if index > 0 && !target.equals(reference) { isIdentical[index] = false }
      }
    }
    return try settings.indices.map { index in
      Run(
        isSerial: index == 0, jobs: settings[index].jobs, tiles: try plan(settings[index]).tiles,
        seconds: seconds[index], isIdentical: isIdentical[index])
    }
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
