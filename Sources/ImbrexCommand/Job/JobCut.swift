import Imbrex

/// How a picture is cut into parts: at which rows, and which parts are done together.
struct JobCut {
  let parted: PartedPipeline
  /// Of each page, where its parts end.
  let ends: [[Int]]
  /// Parts that one task does, in order.
  let groups: [[JobPlan.PartNumber]]
  private let pages: [ImageDescription]
  private let tapped: Set<Int>

  /// - Parameters:
  ///   - index: The input's number.
  ///   - count: How many parts, about.
  init(
    _ run: FilterRun, _ outputs: RunOutputs, index: Int, _ item: BatchPlan.Item, pages: [ImageDescription],
    into count: Int, _ tiling: TilingOptions
  ) throws {
    self.pages = pages
    let pool = WorkerPool(count: 1)
    defer { pool.close() }
    let job = PictureJob(
      run, FileJob(index, item, RunContext(pool: pool, tiling: tiling), backupSuffix: nil, progress: nil), outputs)
    let reader = try ImageReader(path: item.input, options: run.options.readerOptions(tiling))
    let all = pages.reduce(0) { $0 + $1.pixelCount }
    var ends: [[Int]] = [], first: PageWork?
    for (number, page) in pages.enumerated() {
      if number > 0 { _ = try reader.nextPage() }
      let work = try PageWork(run, job, reader, page: number, of: pages.count, parts: nil, tiling)
      if first == nil { first = work }
      guard work.parted.passes.count == first!.parted.passes.count else {
        throw ImbrexError(.input, "its pages are of several kinds: write each by itself with --page")
      }
      let share = max(Int((Double(count) * Double(page.pixelCount) / Double(all)).rounded()), 1)
      ends.append(try Self.ends(work, into: share))
    }
    self.ends = ends
    parted = first!.parted
    let positions = first!.outputs.map(\.position) + (run.options.overlay == nil ? [] : [run.pipeline.links.count - 1])
    tapped = Set(positions.compactMap { first!.parted.pass(ofPosition: $0) })
    // Of a stack of many pages several parts are one task.
    let parts = ends.enumerated().flatMap { page, ends in ends.indices.map { JobPlan.PartNumber(page: page, part: $0) }
    }
    let size = parts.count > count ? (parts.count + count - 1) / count : 1
    groups = stride(from: 0, to: parts.count, by: size).map { Array(parts[$0..<min($0 + size, parts.count)]) }
  }

  /// Parts of about equal height, cut where the result's file can be put together of what they encode, if there are as many such
  /// places.
  private static func ends(_ work: PageWork, into count: Int) throws -> [Int] {
    let height = work.input.height
    // Only stages that see the whole picture need rows beyond what is written.
    let span = work.parted.passes.count == 1 ? work.written.y..<work.written.endY : 0..<height
    let result = try work.outputs.first.map { try PageWork.writer($0.file.format, $0.settings, work.input) }
    var step = result?.rowsPerSegment ?? result?.rowsPerJoint ?? 1, count = count
    // Where the input is cut as well: what two parts share is decoded twice.
    let both = leastCommonMultiple(step, rowsDecodedTogether(work))
    if span.count / both >= count { step = both }
    // More parts than large strips or tiles are high would decode and encode the same ones again and again.
    // Where there are few of them that is better than a job in few parts.
    if step >= coarse && span.count / step >= max(count / 8, 2) { count = min(count, span.count / step) }
    if work.written.height / step < count { step = 1 }
    let ends = (1..<max(count, 1)).map { number in
      let row = span.lowerBound + span.count * number / count
      // The nearest multiple, counted from the first row that is written.
      let steps = (Double(row - work.written.y) / Double(step)).rounded()
      return work.written.y + Int(steps) * step
    }
    return Set(ends.filter { $0 > 0 && $0 < height }).sorted() + [height]
  }

  /// Rows of a strip or tile that are too many to be decoded for a few of them.
  private static let coarse = 128

  /// Rows of a strip or tile of the input.
  private static func rowsDecodedTogether(_ work: PageWork) -> Int {
    let layout = work.metadata.tiff
    let rows = Int(layout.tileHeight > 0 ? layout.tileHeight : layout.rowsPerStrip)
    return rows > 0 && rows < work.input.height ? rows : 1
  }

  private static func leastCommonMultiple(_ a: Int, _ b: Int) -> Int {
    var (x, y) = (a, b)
    while y != 0 { (x, y) = (y, x % y) }
    return a / x * b
  }

  func parts(page: Int) -> [Range<Int>] { JobPlan.SplitPicture.rows(endingAt: ends[page]) }

  func rows(_ part: JobPlan.PartNumber) -> Range<Int> { parts(page: part.page)[part.part] }

  /// Whether parts of a pass go one after the other.
  func isSequential(_ pass: Int) -> Bool {
    guard case .round(let exchange, let round) = parted.passes[pass].ending else { return false }
    return parted.exchanges[exchange].rounds[round].isSequential
  }

  /// Whether an output, or what an overlay is drawn on, is made in a pass.
  func isTapped(_ pass: Int) -> Bool { tapped.contains(pass) }

  /// What is read for some parts, ghosts and all.
  func pixels(of parts: [JobPlan.PartNumber], pass: Int) -> Int {
    guard parted.passes[pass].source != .kept else {
      return parts.reduce(0) { $0 + rows($1).count * pages[$1.page].width }
    }
    return parts.reduce(0) { $0 + parted.rowsRead(by: pass, for: rows($1)).count * pages[$1.page].width }
  }
}
