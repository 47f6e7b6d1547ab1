import Foundation
import Imbrex
import TestSupport
import Testing

@Suite struct BoundaryTests {
  @Test(arguments: [
    (Boundary.reflect, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1]), (.mirror, [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1]),
    (.nearest, [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2, 2]), (.wrap, [2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1]),
  ])
  func an_index_beyond_the_border_is_mapped_into_the_picture(boundary: Boundary, expected: [Int]) {
    #expect((-4..<8).map { boundary.index($0, count: 3) } == expected)
    #expect((-5..<5).allSatisfy { boundary.index($0, count: 1) == 0 })
  }

  @Test func the_constant_has_no_index() {
    #expect((-2..<5).map { Boundary.constant.index($0, count: 3) } == [nil, nil, 0, 1, 2, nil, nil])
  }

  @Test func modes_have_numpys_and_dasks_names_too() {
    #expect(Boundary(name: "symmetric") == .reflect)
    #expect(Boundary(name: "edge") == .nearest)
    #expect(Boundary(name: "periodic") == .wrap)
    #expect(Boundary(name: "mirror") == .mirror)
    #expect(Boundary(name: "none") == nil)
  }
}

@Suite struct SweepPlanTests {
  private let picture = ImageDescription(width: 1000, height: 700, color: .gray, sampleType: .uint8)

  private func plan(_ change: (inout TilingOptions) -> Void, streamed: Bool = true) throws -> SweepPlan {
    var options = TilingOptions(workers: 2, maxMemory: 1 << 30)
    change(&options)
    return try Pipeline(Gaussian(sigma: 2)).plan(
      for: picture, tiling: options, streamsIn: streamed, streamsOut: streamed
    ).lastSweep
  }

  @Test func tiles_cover_the_picture_once() throws {
    for change: (inout TilingOptions) -> Void in [
      { _ in }, { $0.workers = 64 }, { $0.chunks = .init(rows: 7, columns: 3) }, { $0.tile = (height: 33, width: 999) },
    ] {
      let plan = try plan(change)
      var covered = [Int](repeating: 0, count: picture.pixelCount)
      let window = Region(all: picture)
      for band in plan.grid.bands(of: window) {
        for column in plan.grid.columns(of: window) {
          let region = plan.grid.tile(band: band, column: column, in: window)
          for y in region.y..<region.endY { for x in region.x..<region.endX { covered[y * 1000 + x] += 1 } }
        }
      }
      #expect(covered.allSatisfy { $0 == 1 })
    }
  }

  @Test func a_grid_has_the_rows_and_columns_asked_for() throws {
    let plan = try plan { $0.chunks = .init(rows: 4, columns: 5) }
    let window = Region(all: picture)
    #expect((plan.grid.bands(of: window).count, plan.grid.columns(of: window).count) == (4, 5))
    #expect(plan.steps[0].halo == Halo(y: 8, x: 8))
  }

  @Test func a_serial_plan_is_one_tile() throws {
    #expect(try plan { $0 = $0.serial }.tiles == 1)
  }

  @Test func a_small_picture_is_one_tile() throws {
    let small = ImageDescription(width: 200, height: 200, color: .rgb, sampleType: .uint8)
    #expect(try Pipeline(Gaussian()).plan(for: small, tiling: TilingOptions(workers: 8)).lastSweep.tiles == 1)
  }

  @Test func there_are_tiles_for_all_workers_to_the_end() throws {
    #expect(try plan { $0.workers = 8 }.tiles >= 16)
  }

  @Test func a_halo_smaller_than_the_filters_is_refused() {
    #expect(throws: ImbrexError.self) { try plan { ($0.haloY, $0.haloX) = (7, 8) } }
    #expect(throws: Never.self) { try plan { ($0.haloY, $0.haloX) = (8, 9) } }
  }

  @Test func memory_does_not_grow_with_the_height() throws {
    let tall = ImageDescription(width: 20000, height: 2_000_000, color: .gray, sampleType: .uint8)
    let plan = try Pipeline(Gaussian(sigma: 2)).plan(for: tall, tiling: TilingOptions(workers: 2))
    #expect(plan.memory < 40 << 20)
  }

  @Test func bands_that_do_not_fit_are_refused() {
    #expect(throws: ImbrexError.self) {
      try plan {
        $0.chunks = .init(rows: 1, columns: 1)
        $0.maxMemory = 100_000
      }
    }
  }

  @Test func extra_work_counts_the_ghosts() throws {
    let plan = try plan { $0.chunks = .init(rows: 2, columns: 1) }
    // Two tiles of 350 rows, each with 8 ghost rows on its inner side.
    #expect(abs(plan.extraWork - 16.0 / 700) < 1e-12)
  }
}

@Suite struct BlobTests {
  private func detect(_ picture: Picture, _ detector: BlobDetector) throws -> [Blob] {
    let pool = WorkerPool(count: 2)
    defer { pool.close() }
    return try detector.detect(in: picture, context: RunContext(pool: pool, tiling: TilingOptions(workers: 2)))
  }

  /// Gaussian spots of known place and size.
  private func spots(_ spots: [(y: Int, x: Int, sigma: Double)]) throws -> Picture {
    let picture = try Picture(ImageDescription(width: 160, height: 120, color: .gray, sampleType: .float32))
    for y in 0..<120 {
      for x in 0..<160 {
        let value = spots.reduce(0.0) { sum, spot in
          let dy = Double(y - spot.y), dx = Double(x - spot.x)
          return sum + exp(-(dy * dy + dx * dx) / (2 * spot.sigma * spot.sigma))
        }
        picture.row(y).assumingMemoryBound(to: Float.self)[x] = Float(value)
      }
    }
    return picture
  }

  @Test(arguments: [BlobDetector.Method.log, .dog, .doh])
  func spots_are_found_where_they_are(method: BlobDetector.Method) throws {
    let known = [(y: 30, x: 40, sigma: 4.0), (y: 80, x: 110, sigma: 8.0), (y: 64, x: 32, sigma: 5.0)]
    let detector = try BlobDetector(
      method: method, minSigma: 2, maxSigma: 12, sigmaCount: 11, sigmaRatio: 1.2, threshold: method == .doh ? 0.01 : 0.1
    )
    let found = try detect(spots(known), detector)
    #expect(found.count == known.count)
    for spot in known {
      // Box filters answer at half as much again.
      let tolerance = method == .doh ? 4.5 : 1.6
      #expect(
        found.contains {
          abs($0.y - spot.y) <= 1 && abs($0.x - spot.x) <= 1 && abs($0.sigma - spot.sigma) < tolerance
        }, "\(found)")
    }
  }

  @Test func a_flat_picture_has_no_blobs() throws {
    let picture = try Picture(ImageDescription(width: 50, height: 50, color: .gray, sampleType: .uint8))
    for method in BlobDetector.Method.allCases {
      #expect(try detect(picture, BlobDetector(method: method, threshold: -1)).isEmpty)
    }
  }

  @Test func scales_that_make_no_sense_are_refused() {
    #expect(throws: ImbrexError.self) { try BlobDetector(minSigma: 5, maxSigma: 4) }
    #expect(throws: ImbrexError.self) { try BlobDetector(minSigma: 0) }
    #expect(throws: ImbrexError.self) { try BlobDetector(method: .doh, minSigma: 0.3) }
    #expect(throws: ImbrexError.self) { try BlobDetector(method: .dog, sigmaRatio: 1) }
  }
}

@Suite struct EngineTests {
  private struct Failure: Error, Equatable {}

  private final class FailingSource: RowSource, @unchecked Sendable {
    let description = ImageDescription(width: 100, height: 1000, color: .gray, sampleType: .uint8)
    private var rows = 0
    func select(_ window: Region) {}
    func read(into target: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
      rows += count
      if rows > 500 { throw Failure() }
    }
  }

  private final class FailingSink: RowSink, @unchecked Sendable {
    func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws { throw Failure() }
  }

  @Test(arguments: [1, 4]) func an_error_of_the_source_ends_the_run(jobs: Int) {
    let pool = WorkerPool(count: jobs)
    defer { pool.close() }
    let source = FailingSource()
    var options = TilingOptions(workers: jobs)
    options.tile = (height: 10, width: 100)
    let context = RunContext(pool: pool, tiling: options)
    #expect(throws: Failure.self) {
      try Gaussian().run(.stream(source), to: .stream(PictureSink(source.description)), in: context)
    }
    // The pool is fit for the next run.
    #expect(throws: Never.self) {
      let picture = testPicture(source.description)
      try Gaussian().run(.picture(picture), to: .picture(try Picture(source.description)), in: context)
    }
  }

  @Test(arguments: [1, 4]) func an_error_of_the_sink_ends_the_run(jobs: Int) {
    let pool = WorkerPool(count: jobs)
    defer { pool.close() }
    let picture = testPicture(ImageDescription(width: 100, height: 300, color: .gray, sampleType: .uint8))
    var options = TilingOptions(workers: jobs)
    options.tile = (height: 10, width: 100)
    #expect(throws: Failure.self) {
      try Gaussian().run(
        .picture(picture), to: .stream(FailingSink()),
        in: RunContext(pool: pool, tiling: options))
    }
  }

  @Test func a_spilled_buffer_holds_what_is_written_to_it() throws {
    let buffer = try PixelBuffer(byteCount: 100_000, spilled: true)
    #expect(buffer.isSpilled)
    memset(buffer.base, 0x5A, 100_000)
    #expect(UnsafeRawBufferPointer(start: buffer.base, count: 100_000).allSatisfy { $0 == 0x5A })
  }

  @Test func a_picture_beyond_the_memory_limit_is_spilled_and_comes_out_the_same() throws {
    let pool = WorkerPool(count: 2)
    defer { pool.close() }
    let picture = testPicture(ImageDescription(width: 300, height: 400, color: .gray, sampleType: .uint8))
    // Wrap holds the whole picture: 120 kB, more than is allowed.
    let filter = Gaussian(sigma: 2, boundary: .wrap)
    let expected = PictureSink(picture.description), result = PictureSink(picture.description)
    var options = TilingOptions(workers: 2)
    try filter.run(
      .stream(PictureSource(picture)), to: .stream(expected),
      in: RunContext(pool: pool, tiling: options))
    options.maxMemory = 60_000
    try filter.run(
      .stream(PictureSource(picture)), to: .stream(result),
      in: RunContext(pool: pool, tiling: options))
    #expect(result.picture.hasSameBytes(as: expected.picture))
  }
}
