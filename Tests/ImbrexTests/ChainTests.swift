import Imbrex
import TestSupport
import Testing

/// A chain gives what its filters give one after another, whatever the tiling; a region is that crop of it; a tap sees what
/// passes.
@Suite struct ChainTests {
  /// A random chain of two to six filters; it may make floats, and have boundaries that need the whole picture.
  private static func chain(_ noise: inout Noise) throws -> [any Filter] {
    var filters: [any Filter] = []
    for _ in 0..<Int.random(in: 2...6, using: &noise) {
      let boundary = Boundary.allCases.randomElement(using: &noise)!
      switch Int.random(in: 0..<6, using: &noise) {
      case 0, 1:
        filters.append(
          Gaussian(
            sigmaY: .random(in: 0...3, using: &noise), sigmaX: .random(in: 0...3, using: &noise), boundary: boundary,
            constant: 0.3, makesFloat: Int.random(in: 0..<5, using: &noise) == 0))
      case 2:
        let kind = Gradient.Operator.allCases.randomElement(using: &noise)!
        filters.append(
          try Gradient(operator: kind, boundary: boundary, isPerChannel: Bool.random(using: &noise)))
      case 3:
        filters.append(Median(.disk(radius: Int.random(in: 1...3, using: &noise)), boundary: boundary))
      case 4:
        filters.append(
          Median(
            .rectangle(height: Int.random(in: 1...5, using: &noise), width: Int.random(in: 1...5, using: &noise)),
            boundary: boundary))
      default:
        let usesQuantiles = Bool.random(using: &noise)
        filters.append(
          try Edge(
            sigma: .random(in: 0...2, using: &noise), low: usesQuantiles ? 0.5 : 0.1, high: usesQuantiles ? 0.8 : 0.4,
            usesQuantiles: usesQuantiles, boundary: boundary))
      }
    }
    return filters
  }

  private static func tiling(_ noise: inout Noise) -> TilingOptions {
    var options = TilingOptions(workers: Int.random(in: 1...4, using: &noise))
    switch Int.random(in: 0..<4, using: &noise) {
    case 0: options.tile = (height: .random(in: 1...20, using: &noise), width: .random(in: 1...90, using: &noise))
    case 1: options.chunks = .init(rows: .random(in: 1...9, using: &noise), columns: .random(in: 1...5, using: &noise))
    case 2: (options.haloY, options.haloX) = (40, 41)
    default: break
    }
    return options
  }

  private static let descriptions: [ImageDescription] = [
    ImageDescription(width: 61, height: 87, color: .gray, sampleType: .uint8),
    ImageDescription(width: 40, height: 53, color: .rgb, alpha: .straight, sampleType: .uint8),
    ImageDescription(width: 45, height: 38, color: .rgb, sampleType: .uint16),
    ImageDescription(width: 52, height: 66, color: .gray, sampleType: .float32),
    ImageDescription(width: 34, height: 57, color: .gray, sampleType: .float64),
    ImageDescription(
      width: 38, height: 44, color: .gray, sampleType: .float32, stored: StoredSamples(.signed, bits: 16)),
    ImageDescription(
      width: 37, height: 45, color: .gray, sampleType: .uint16, stored: StoredSamples(.unsigned, bits: 12)),
    ImageDescription(width: 3, height: 70, color: .gray, sampleType: .uint8),
    ImageDescription(width: 1, height: 1, color: .gray, sampleType: .uint8),
  ]

  @Test(arguments: 0..<60)
  func a_chain_is_its_filters_one_after_another(seed: Int) throws {
    var noise = Noise(seed: seed)
    let pool = WorkerPool(count: 4)
    defer { pool.close() }
    let filters = try Self.chain(&noise)
    let picture = testPicture(Self.descriptions[seed % Self.descriptions.count], seed: seed)
    // One by one, serially.
    let serial = RunContext(pool: pool, tiling: TilingOptions(workers: 1).serial)
    var steps = [picture]
    for filter in filters {
      let result = try Picture(filter.outputDescription(for: steps.last!.description))
      try filter.run(.picture(steps.last!), to: .picture(result), in: serial)
      steps.append(result)
    }
    let pipeline = try Pipeline(filters.enumerated().map { .init("stage \($0)", $1) })
    for _ in 0..<3 {
      let context = RunContext(pool: pool, tiling: Self.tiling(&noise))
      let plan = try pipeline.plan(for: picture.description, tiling: context.tiling)
      let sink = PictureSink(plan.output)
      let position = Int.random(in: 0...filters.count, using: &noise)
      let tap = PictureSink(plan.written(after: position))
      try plan.run(
        .stream(PictureSource(picture)), to: .stream(sink), taps: [Tap(after: position, tap)], in: context)
      #expect(sink.isComplete && sink.picture.hasSameBytes(as: steps.last!), "\(filters), \(context.tiling)")
      #expect(tap.isComplete && tap.picture.hasSameBytes(as: steps[position]), "tap \(position), \(filters)")
      // In memory.
      let result = try Picture(plan.output)
      try pipeline.plan(for: picture.description, tiling: context.tiling, streamsIn: false, streamsOut: false)
        .run(.picture(picture), to: .picture(result), in: context)
      #expect(result.hasSameBytes(as: steps.last!), "\(filters), \(context.tiling)")
    }
    // Regions.
    for _ in 0..<4 {
      let size = picture.description
      let x = Int.random(in: 0..<size.width, using: &noise), y = Int.random(in: 0..<size.height, using: &noise)
      let region = Region(
        x: x, y: y, width: Int.random(in: 1...(size.width - x), using: &noise),
        height: Int.random(in: 1...(size.height - y), using: &noise))
      let context = RunContext(pool: pool, tiling: Self.tiling(&noise))
      let plan = try pipeline.plan(for: size, region: region, tiling: context.tiling)
      let sink = PictureSink(plan.written)
      let position = Int.random(in: 0...filters.count, using: &noise)
      let tap = PictureSink(plan.written(after: position))
      try plan.run(
        .stream(PictureSource(picture)), to: .stream(sink), taps: [Tap(after: position, tap)], in: context)
      #expect(sink.isComplete && sink.picture.hasSameBytes(as: crop(steps.last!, region)), "\(filters), \(region)")
      #expect(tap.picture.hasSameBytes(as: crop(steps[position], region)), "tap \(position), \(filters), \(region)")
    }
  }

  private func crop(_ picture: Picture, _ region: Region) -> Picture {
    var description = picture.description
    (description.width, description.height) = (region.width, region.height)
    let result = try! Picture(description)
    for y in 0..<region.height {
      result.row(y).copyMemory(
        from: picture.row(region.y + y) + region.x * description.bytesPerPixel, byteCount: description.bytesPerRow)
    }
    return result
  }

  @Test func a_table_ends_a_chain() throws {
    let blobs = try BlobDetector(maxSigma: 4, threshold: 0.02)
    #expect(throws: ImbrexError.self) { try Pipeline([.init("blob-detect", blobs), .init("median", Median())]) }
    let pool = WorkerPool(count: 3)
    defer { pool.close() }
    let picture = testPicture(ImageDescription(width: 90, height: 110, color: .rgb, sampleType: .uint8))
    let blurred = try Picture(picture.description)
    let context = RunContext(pool: pool, tiling: TilingOptions(workers: 3))
    try Gaussian(sigma: 1).run(.picture(picture), to: .picture(blurred), in: context)
    let expected = try blobs.run(.picture(blurred), to: .table, in: context)!
    #expect(expected.rows.count > 3)
    let chain = try Pipeline([.init("gaussian", Gaussian(sigma: 1)), .init("blob-detect", blobs)])
    let plan = try chain.plan(for: picture.description, tiling: context.tiling)
    #expect(try plan.run(.stream(PictureSource(picture)), to: .table, in: context) == expected)
    // Of a region, the rows whose blobs lie in it.
    let region = Region(x: 20, y: 10, width: 40, height: 60)
    let part = try chain.plan(for: picture.description, region: region, tiling: context.tiling)
    let inside = expected.rows.filter { (10..<70).contains(Int($0[0])) && (20..<60).contains(Int($0[1])) }
    #expect(!inside.isEmpty && inside.count < expected.rows.count)
    #expect(try part.run(.stream(PictureSource(picture)), to: .table, in: context)?.rows == inside)
  }

  @Test func a_region_reads_only_what_it_needs() throws {
    let chain = try Pipeline([.init("gaussian", Gaussian(sigma: 2)), .init("sobel", try Gradient())])
    let picture = ImageDescription(width: 20000, height: 20000, color: .gray, sampleType: .uint8)
    let region = Region(x: 9000, y: 10000, width: 256, height: 200)
    let plan = try chain.plan(for: picture, region: region, tiling: TilingOptions(workers: 2))
    #expect(plan.sweeps[0].levels[0].window == Region(x: 8991, y: 9991, width: 274, height: 218))
    #expect(plan.memory < 1 << 20)
    for outside in [
      Region(x: -1, y: 0, width: 5, height: 5), Region(x: 19999, y: 0, width: 2, height: 1),
      Region(x: 0, y: 0, width: 0, height: 1),
    ] {
      #expect(throws: ImbrexError.self) { try chain.plan(for: picture, region: outside, tiling: TilingOptions()) }
    }
  }

  @Test func partials_merge_in_any_order_and_survive_being_written_down() throws {
    var noise = Noise(seed: 3)
    let parts = (0..<5).map { part in
      var peaks = Peaks()
      peaks.add(
        (0..<3).map { Peaks.Peak(y: part, x: $0, scale: 1, response: .random(in: -1...1, using: &noise)) },
        least: .random(in: -1...0, using: &noise), greatest: .random(in: 0...1, using: &noise))
      return peaks
    }
    func merged(_ order: [Int]) -> Peaks { order.reduce(into: Peaks()) { $0.merge(parts[$1]) } }
    let (a, b) = (merged([0, 1, 2, 3, 4]), merged([3, 0, 4, 2, 1]))
    #expect((a.least, a.greatest) == (b.least, b.greatest) && Set(a.peaks.map(\.y)) == Set(b.peaks.map(\.y)))
    #expect(a.bytes == b.bytes)
    #expect(try Peaks(bytes: a.bytes).bytes == a.bytes)
    var histograms = MagnitudeHistograms(prefixes: 2, level: 1)
    [0.5, 0.25, 3, 0].withUnsafeBufferPointer {
      histograms.add($0.baseAddress!, count: 4, prefixes: [0, 0x3FD0])
    }
    #expect(try MagnitudeHistograms(bytes: histograms.bytes) == histograms)
    for damage in [{ $0.removeLast() }, { $0[20] ^= 1 }] as [(inout [UInt8]) -> Void] {
      var bytes = a.bytes
      damage(&bytes)
      #expect(throws: ImbrexError.self) { try Peaks(bytes: bytes) }
    }
  }
}
