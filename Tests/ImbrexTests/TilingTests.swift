import Imbrex
import TestSupport
import Testing

/// Tiling never shows: for every filter, sample type, boundary, tiling and worker count, streamed or in memory, the bytes
/// are those of the serial run.
@Suite struct TilingTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let make: @Sendable (Boundary) throws -> any Filter
    var testDescription: String { name }
  }

  static let filters: [Case] = [
    Case(name: "gaussian 1.5") { Gaussian(sigma: 1.5, boundary: $0, constant: 0.3) },
    Case(name: "gaussian 8, 9") { Gaussian(sigmaY: 8, sigmaX: 9, boundary: $0, constant: 0.7) },
    Case(name: "gaussian 6, 0") { Gaussian(sigmaY: 6, sigmaX: 0, boundary: $0) },
    Case(name: "gaussian 0, 9 float") { Gaussian(sigmaY: 0, sigmaX: 9, boundary: $0, makesFloat: true) },
    Case(name: "sobel") { try Gradient(boundary: $0, constant: 0.5) },
    Case(name: "farid vertical per channel") {
      try Gradient(operator: .farid, direction: .vertical, boundary: $0, isPerChannel: true)
    },
    Case(name: "roberts") { try Gradient(operator: .roberts, boundary: $0) },
    Case(name: "median 3x3") { Median(.square(radius: 1), boundary: $0, constant: 0.5) },
    Case(name: "median 5x5") { Median(.square(radius: 2), boundary: $0) },
    Case(name: "median 9x9") { Median(.square(radius: 4), boundary: $0) },
    Case(name: "median even 4x6") { Median(.rectangle(height: 4, width: 6), boundary: $0) },
    Case(name: "median disk 3") { Median(.disk(radius: 3), boundary: $0) },
    Case(name: "rank of a footprint") {
      var filter = Median(
        .footprint(try Footprint(height: 6, width: 5) { ($0 + 2 * $1) % 4 == 1 }), boundary: $0, constant: 0.4)
      filter.selection = .percentile(70)
      return filter
    },
    Case(name: "greatest of 4x6") {
      var filter = Median(.rectangle(height: 4, width: 6))
      (filter.selection, filter.boundary) = (.rank(-1), Boundaries(y: $0, x: .wrap))
      return filter
    },
    Case(name: "gaussian derivative") {
      var filter = Gaussian(sigmaY: 1.2, sigmaX: 2, constant: 0.3)
      (filter.orderY, filter.orderX, filter.boundary) = (1, 2, Boundaries(y: .wrap, x: $0))
      return filter
    },
    Case(name: "sobel, a boundary for each axis") {
      var filter = try Gradient(constant: 0.2)
      filter.boundary = Boundaries(y: $0, x: .wrap)
      return filter
    },
    Case(name: "gaussian linear") {
      var filter = Gaussian(sigma: 1.5, boundary: $0)
      filter.isLinear = true
      return filter
    },
    Case(name: "median linear") {
      var filter = Median(.square(radius: 2), boundary: $0)
      filter.isLinear = true
      return filter
    },
    Case(name: "edge 1") { try Edge(sigma: 1, low: 0.2, high: 0.8, boundary: $0, constant: 0.2) },
    Case(name: "edge 2.5 quantiles") { try Edge(sigma: 2.5, low: 0.6, high: 0.9, usesQuantiles: true, boundary: $0) },
  ]

  static let descriptions: [ImageDescription] = [
    ImageDescription(width: 61, height: 47, color: .gray, sampleType: .uint8),
    ImageDescription(width: 40, height: 53, color: .rgb, sampleType: .uint8),
    ImageDescription(width: 45, height: 38, color: .gray, sampleType: .uint16),
    ImageDescription(width: 37, height: 41, color: .rgb, alpha: .straight, sampleType: .uint16),
    ImageDescription(width: 52, height: 33, color: .gray, sampleType: .float32),
    ImageDescription(width: 31, height: 36, color: .gray, alpha: .straight, sampleType: .uint8),
    ImageDescription(width: 23, height: 29, color: .rgb, alpha: .straight, sampleType: .float32),
    ImageDescription(width: 34, height: 27, color: .gray, sampleType: .float64),
    ImageDescription(width: 28, height: 31, color: .rgb, extraBands: 2, alpha: .straight, sampleType: .uint8),
    ImageDescription(width: 29, height: 26, color: .cmyk, sampleType: .uint16),
    // Smaller than most halos, and of one row, column or pixel.
    ImageDescription(width: 5, height: 4, color: .rgb, sampleType: .uint8),
    ImageDescription(width: 33, height: 1, color: .gray, sampleType: .uint8),
    ImageDescription(width: 1, height: 33, color: .gray, sampleType: .uint16),
    ImageDescription(width: 1, height: 1, color: .gray, sampleType: .float32),
  ]

  /// Ways to tile, as what they change in the options.
  static let tilings: [@Sendable (inout TilingOptions) -> Void] = [
    { $0.workers = 1 },
    { $0.workers = 3 },
    { $0.chunks = .init(rows: 3, columns: 2) },
    { $0.chunks = .init(rows: 1, columns: 5) },
    { ($0.tile, $0.workers) = ((height: 7, width: 11), 4) },
    { $0.tile = (height: 1, width: 1000) },
    { ($0.tile, $0.haloY, $0.haloX) = ((height: 13, width: 9), 40, 37) },
  ]

  @Test(arguments: filters)
  func no_tiling_changes_a_byte(filter: Case) throws {
    let pool = WorkerPool(count: 4)
    defer { pool.close() }
    let name = filter.name
    for boundary in Boundary.allCases {
      let filter = try filter.make(boundary)
      for description in Self.descriptions {
        // The transfer function is one of gray and RGB.
        if name.contains("linear") && description.color == .cmyk { continue }
        let picture = testPicture(description)
        let reference = try run(filter, picture, TilingOptions(workers: 1).serial, pool, streams: false)
        for (index, change) in Self.tilings.enumerated() {
          var options = TilingOptions(workers: 2)
          change(&options)
          for streams in [false, true] {
            let result = try run(filter, picture, options, pool, streams: streams)
            #expect(
              result.hasSameBytes(as: reference), "\(boundary), \(description), tiling \(index), streams \(streams)")
          }
        }
      }
    }
  }

  private func run(
    _ filter: any Filter, _ picture: Picture, _ options: TilingOptions, _ pool: WorkerPool, streams: Bool
  ) throws -> Picture {
    let made = filter.outputDescription(for: picture.description)
    let context = RunContext(pool: pool, tiling: options)
    guard streams else {
      let result = try Picture(made)
      try filter.run(.picture(picture), to: .picture(result), in: context)
      return result
    }
    let sink = PictureSink(made)
    try filter.run(.stream(PictureSource(picture)), to: .stream(sink), in: context)
    #expect(sink.isComplete)
    return sink.picture
  }

  @Test(arguments: BlobDetector.Method.allCases, SampleType.allCases)
  func no_tiling_changes_a_blob(method: BlobDetector.Method, type: SampleType) throws {
    let pool = WorkerPool(count: 4)
    defer { pool.close() }
    let picture = testPicture(ImageDescription(width: 83, height: 71, color: .rgb, sampleType: type))
    for relative in [nil, 0.3] {
      let detector = try BlobDetector(
        method: method, minSigma: 1, maxSigma: 6, sigmaCount: 5, threshold: method == .doh ? 0.0005 : 0.02,
        relativeThreshold: relative)
      let reference = try detector.detect(
        in: picture, context: RunContext(pool: pool, tiling: TilingOptions(workers: 1).serial))
      #expect(reference.count > 5)
      for change in Self.tilings {
        var options = TilingOptions(workers: 2)
        change(&options)
        options.haloY = nil
        options.haloX = nil
        let context = RunContext(pool: pool, tiling: options)
        #expect(try detector.detect(in: picture, context: context) == reference)
        let streamed = try detector.run(.stream(PictureSource(picture)), to: .table, in: context)
        #expect(streamed?.rows == reference.map { [Double($0.y), Double($0.x), $0.sigma, $0.radius] })
      }
    }
  }

  @Test func not_a_number_poisons_the_same_pixels_in_every_tiling() throws {
    let pool = WorkerPool(count: 2)
    defer { pool.close() }
    let picture = testPicture(ImageDescription(width: 40, height: 40, color: .gray, sampleType: .float32))
    for (x, y, value) in [(3, 3, Float.nan), (20, 17, .infinity), (39, 0, -.infinity), (16, 32, .nan)] {
      picture.row(y).assumingMemoryBound(to: Float.self)[x] = value
    }
    for filter: any Filter in [
      Gaussian(sigma: 1), Median(.square(radius: 1)), Median(.disk(radius: 4)), try Gradient(),
    ] {
      let reference = try run(filter, picture, TilingOptions(workers: 1).serial, pool, streams: false)
      var options = TilingOptions(workers: 2)
      options.tile = (height: 8, width: 8)
      #expect(try run(filter, picture, options, pool, streams: true).hasSameBytes(as: reference))
      // Nothing beyond the window is touched.
      let far = reference.row(25).assumingMemoryBound(to: Float.self)[28]
      #expect(far.isFinite)
    }
  }
}
