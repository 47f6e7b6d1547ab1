import Foundation
import Imbrex
import TestSupport
import Testing

/// What does not count of a picture: a number for no data, and masks.
@Suite struct NodataTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func succeed(_ lines: String...) throws {
    for line in lines {
      let outcome = try run(line)
      try #require(outcome.status == 0, "\(line): \(outcome.errors)")
    }
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: folder.url.appendingPathComponent(name)) }

  private func tag(_ name: String) throws -> String? {
    let item = try ImageReader(path: folder.path(name)).metadata.items.first { $0.tag == 42113 }
    return item.map { String(decoding: $0.bytes.prefix { $0 != 0 }, as: UTF8.self) }
  }

  /// A picture as a TIFF with GDAL's tag, in which a corner, some rows and pixels here and there have its number.
  ///
  /// - Parameter number: Nil: there is no tag.
  private func write(
    _ name: String, _ type: SampleType, _ color: ColorModel = .gray, alpha: Alpha = .none, number: Double?,
    hasHoles: Bool = true, stored: StoredSamples? = nil
  ) throws {
    let description = ImageDescription(
      width: 83, height: 61, color: color, alpha: alpha, sampleType: type, stored: stored)
    let picture = testPicture(description)
    var noise = Noise(seed: 7), marked = description
    marked.validity.nodata = number ?? 0
    let sample = marked.nodataSample ?? 0, channels = description.channels
    for y in 0..<61 where hasHoles {
      for x in 0..<83 where (x < 20 && y < 30) || (40..<45).contains(y) || noise.next() % 10 == 0 {
        for c in 0..<channels where alpha == .none || c < channels - 1 {
          let row = picture.row(y), place = x * channels + c
          switch type {
          case .uint8: row.assumingMemoryBound(to: UInt8.self)[place] = UInt8(sample)
          case .uint16: row.assumingMemoryBound(to: UInt16.self)[place] = UInt16(sample)
          case .float32: row.assumingMemoryBound(to: Float.self)[place] = Float(sample)
          case .float64: row.assumingMemoryBound(to: Double.self)[place] = sample
          }
        }
      }
    }
    var metadata = Metadata()
    if let number {
      let text = number == number.rounded() ? String(Int(number)) : "\(number)"
      metadata.items = [MetadataItem(kind: .tiff, tag: 42113, type: 2, bytes: Array(text.utf8) + [0])]
    }
    try writePictures([picture], to: folder.path(name), metadata: metadata)
  }

  // MARK: - Numbers

  @Test(arguments: ["gaussian", "sobel", "median", "edge", "blob-detect"])
  func a_filter_computes_what_the_formulas_say_whatever_the_tiles(filter: String) throws {
    let file = projectFolder.appendingPathComponent("Tests/Fixtures/nodata.jsonl")
    let fixtures = try Data(contentsOf: file).split(separator: 10).map {
      try JSONDecoder().decode(FilterFixture.self, from: Data($0))
    }.filter { $0.filter == filter }
    #expect(fixtures.count > 10)
    for (number, fixture) in fixtures.enumerated() {
      for tiles in [[], ["--tile", number % 2 == 0 ? "5x7" : "16x3", "-j2"]] {
        if let failure = try FixtureTests.failure(of: fixture, filter, tiles) {
          Issue.record("\(fixture.name) \(fixture.arguments) \(tiles): \(failure)")
        }
      }
    }
  }

  private static let chains = [
    "gaussian --sigma 2", "gaussian --sigma 2 --float", "gaussian --linear --boundary wrap", "median",
    "median --radius 3",
    "median --float", "sobel", "sobel --operator farid --direction vertical --per-channel", "edge",
    "edge --boundary reflect",
  ]

  @Test(arguments: [SampleType.uint8, .uint16, .float32, .float64])
  func where_nothing_is_left_out_the_bits_are_the_usual_ones(type: SampleType) throws {
    let number = type.isFloat ? -9999.0 : nil
    try write("all.tif", type, number: number, hasHoles: false)
    try write("usual.tif", type, number: nil, hasHoles: false)
    for chain in Self.chains {
      // No sample of an integer picture is a fraction.
      try succeed(
        "\(chain) all.tif -o a.tif --nodata \(number == nil ? "0.5" : "-9999")", "\(chain) usual.tif -o b.tif")
      let a = try readPictures(folder.path("a.tif"))[0], b = try readPictures(folder.path("b.tif"))[0]
      #expect(a.hasSameBytes(as: b), "\(chain)")
    }
  }

  @Test(arguments: [SampleType.uint8, .uint16, .float32, .float64])
  func beyond_the_reach_of_what_is_left_out_the_bits_are_the_usual_ones(type: SampleType) throws {
    try write("in.tif", type, number: nil, hasHoles: false)
    let mask = try Picture(ImageDescription(width: 83, height: 61, color: .gray, sampleType: .uint8))
    for y in 0..<61 { mask.row(y).initializeMemory(as: UInt8.self, repeating: y == 3 ? 0 : 9, count: 83) }
    try writePictures([mask], to: folder.path("mask.tif"))
    let far = Region(x: 1, y: 30, width: 81, height: 30)
    for chain in Self.chains where !chain.contains("edge") && !chain.contains("wrap") {
      try succeed("\(chain) --mask mask.tif in.tif -o a.tif", "\(chain) in.tif -o b.tif")
      let parts = try ["a.tif", "b.tif"].map { cropped(try readPictures(folder.path($0))[0], to: far) }
      #expect(parts[0].hasSameBytes(as: parts[1]), "\(chain)")
    }
  }

  @Test func bands_are_left_out_by_themselves() throws {
    var samples = Samples(width: 40, height: 30, channels: 3, kind: .uint8, bytes: [])
    var noise = Noise(seed: 3)
    for _ in 0..<3600 { samples.bytes.append(noise.next() % 5 == 0 ? 9 : UInt8(truncatingIfNeeded: noise.next())) }
    for chain in ["gaussian --sigma 1.5 --nodata 9", "median --radius 2 --nodata 9", "median --radius 4 --nodata 9"] {
      let words = chain.split(separator: " ").map(String.init)
      let all = try #require(Samples(netpbm: Program.run(words, input: samples.netpbm).output))
      for band in 0..<3 {
        var single = samples
        single.channels = 1
        single.bytes = stride(from: band, to: 3600, by: 3).map { samples.bytes[$0] }
        let gray = try #require(Samples(netpbm: Program.run(words, input: single.netpbm).output))
        #expect(stride(from: band, to: 3600, by: 3).map { all.bytes[$0] } == gray.bytes, "\(chain), band \(band)")
      }
    }
  }

  @Test func transparent_and_signed_pictures() throws {
    try write("alpha.tif", .uint8, .rgb, alpha: .straight, number: 3)
    try write("signed.tif", .float32, number: -32768, stored: StoredSamples(.signed, bits: 16))
    try write("twelve.tif", .uint16, number: 4095, stored: StoredSamples(.unsigned, bits: 12))
    for name in ["alpha.tif", "signed.tif", "twelve.tif"] {
      let before = try readPictures(folder.path(name))[0]
      let sample = try #require(before.description.nodataSample)
      for chain in ["gaussian --sigma 3", "median", "median --radius 4"] {
        try succeed("\(chain) \(name) -o out.tif", "\(chain) --tile 9x11 \(name) -o tiled.tif")
        #expect(try bytes("out.tif") == bytes("tiled.tif"))
        let after = try readPictures(folder.path("out.tif"))[0]
        let (old, new) = (unitSamples(before), unitSamples(after))
        let invalid = sample / Double(before.description.sampleType.fullScale)
        let channels = before.description.channels, hasAlpha = before.description.alpha != .none
        // Alpha stands for no data nowhere.
        let places = old.indices.filter { old[$0] == invalid && !(hasAlpha && $0 % channels == channels - 1) }
        let isKept = !places.isEmpty && places.allSatisfy { new[$0] == invalid }
        #expect(isKept, "\(chain) \(name)")
      }
    }
  }

  // MARK: - Files

  @Test func a_geotiff_keeps_its_number_and_its_numbers() throws {
    try write("in.tif", .float32, number: -9999)
    for (chain, number) in [
      ("gaussian", "-9999"), ("median", "-9999"), ("sobel", "-9999"), ("gaussian --float", "-9999"), ("edge", nil),
      ("gaussian then sobel --nodata -9999", "-9999"), ("gaussian --strip", nil),
    ] as [(String, String?)] {
      try succeed("\(chain) in.tif -o out.tif")
      #expect(try tag("out.tif") == number, "\(chain)")
      guard number != nil else { continue }
      let values = unitSamples(try readPictures(folder.path("out.tif"))[0])
      #expect(values.allSatisfy { $0 == -9999 || abs($0) <= 2 }, "\(chain)")
      #expect(values.contains(-9999), "\(chain)")
    }
  }

  @Test(arguments: [
    "gaussian --sigma 2|median", "gaussian --float|sobel", "median --radius 3|gaussian --preserve-range|sobel",
    "sobel|gaussian", "gaussian|edge --low 0.01 --high 0.02", "gaussian|blob-detect --max-sigma 4 --threshold 0.02",
  ])
  func a_chain_is_its_commands_through_files(stages: String) throws {
    for (name, type, number) in [("u.tif", SampleType.uint8, 9.0), ("f.tif", .float32, -9999), ("w.tif", .uint16, 700)]
    {
      try write(name, type, number: number)
      let commands = stages.split(separator: "|").map(String.init)
      let end = commands.last!.hasPrefix("blob") ? "csv" : "tif"
      var input = name
      for (index, command) in commands.enumerated() {
        let output = index == commands.count - 1 ? "files.\(end)" : "\(index).tif"
        try succeed("\(command) \(input) -o \(output)")
        input = output
      }
      try succeed("\(commands.joined(separator: " then ")) --tile 13x17 \(name) -o chain.\(end)")
      #expect(try bytes("files.\(end)") == bytes("chain.\(end)"), "\(name)")
    }
  }

  @Test func a_mask_of_the_file_itself_is_honoured() throws {
    // Slopes that have zeros, as picture and as mask.
    try Data(PlainTIFF.file(pages: [(90, 70, 0), (90, 70, 4)])).write(to: folder.url.appendingPathComponent("own.tif"))
    try Data(PlainTIFF.file(pages: [(90, 70, 0), (45, 35, 4)])).write(
      to: folder.url.appendingPathComponent("other.tif"))
    try Data(PlainTIFF.file(pages: [(90, 70, 0)])).write(to: folder.url.appendingPathComponent("in.tif"))
    for chain in ["gaussian --sigma 2", "median", "sobel", "gaussian then edge --low 0.01 --high 0.02"] {
      try succeed(
        "\(chain) -q own.tif -o a.tif", "\(chain) --mask in.tif in.tif -o b.tif",
        "\(chain) -q --nodata none own.tif -o c.tif",
        "\(chain) in.tif -o d.tif", "\(chain) -q other.tif -o e.tif")
      let results = try ["a", "b", "c", "d", "e"].map { unitSamples(try readPictures(folder.path("\($0).tif"))[0]) }
      #expect(results[0] == results[1], "\(chain)")
      #expect(results[2] == results[3] && results[4] == results[3], "\(chain)")
      #expect(results[0] != results[3], "\(chain)")
    }
    #expect(try run("gaussian -v own.tif -o a.tif").errors.contains("without what its own mask leaves out"))
    #expect(try run("info own.tif").text.contains("mask:             yes"))
  }

  @Test func a_mask_has_a_page_for_all_or_for_each() throws {
    let description = ImageDescription(width: 50, height: 40, color: .gray, sampleType: .uint8)
    let pages = (1...3).map { testPicture(description, seed: $0) }
    let masks = (0..<3).map { page in
      let mask = testPicture(description)
      for y in 0..<40 { for x in 0..<50 { mask.row(y).assumingMemoryBound(to: UInt8.self)[x] = x / 9 == page ? 0 : 1 } }
      return mask
    }
    try writePictures(pages, to: folder.path("in.tif"))
    try writePictures(masks, to: folder.path("masks.tif"))
    try succeed("gaussian --mask masks.tif in.tif -o all.tif", "gaussian --mask masks.tif --page 3 in.tif -o third.tif")
    let all = try readPictures(folder.path("all.tif"))
    #expect(try all[2].hasSameBytes(as: readPictures(folder.path("third.tif"))[0]))
    for (page, mask) in masks.enumerated() {
      try writePictures([mask], to: folder.path("mask.tif"))
      try writePictures([pages[page]], to: folder.path("page.tif"))
      try succeed("gaussian --mask mask.tif page.tif -o one.tif")
      #expect(try all[page].hasSameBytes(as: readPictures(folder.path("one.tif"))[0]))
    }
  }

  @Test func parts_of_a_job_and_regions_are_those_of_the_whole() throws {
    try write("in.tif", .float32, number: -9999)
    try write("mask.tif", .uint8, number: 0)
    for line in [
      "gaussian --sigma 2 then sobel", "median --radius 3", "edge --quantiles --low 0.6 --high 0.9",
      "gaussian then edge --low 0.01 --high 0.02 --mask mask.tif", "gaussian --nodata none --mask mask.tif",
    ] {
      try succeed(
        "\(line) in.tif -o whole.tif", "job create J\(line.count)/ --parts 4 -- \(line) in.tif -o job.tif",
        "job run J\(line.count)/", "\(line) --region 30x20+11+17 in.tif -o part.tif")
      #expect(try bytes("whole.tif") == bytes("job.tif"), "\(line)")
      let part = cropped(
        try readPictures(folder.path("whole.tif"))[0], to: Region(x: 11, y: 17, width: 30, height: 20))
      #expect(try part.hasSameBytes(as: readPictures(folder.path("part.tif"))[0]), "\(line)")
    }
    let blobs = "blob-detect --max-sigma 3 --threshold 0.01"
    try succeed(
      "\(blobs) in.tif -o whole.csv", "job create JB/ --parts 4 -- \(blobs) in.tif -o job.csv", "job run JB/")
    #expect(try bytes("whole.csv") == bytes("job.csv"))
  }

  // MARK: - What is said

  @Test func what_is_left_out_is_said() throws {
    try write("in.tif", .float32, number: -9999)
    #expect(try run("gaussian -v in.tif -o o.tif").errors.contains("; without nodata -9999;"))
    #expect(try run("gaussian --explain in.tif -o o.tif").text.contains("left out:   nodata -9999"))
    #expect(try run("info in.tif").text.contains("nodata:           -9999"))
    #expect(try run("info --json in.tif").text.contains("\"nodata\":-9999"))
    let doh = try run("blob-detect --method doh in.tif -o o.csv")
    #expect(doh.status == 1)
    #expect(
      doh.errors
        == "imbrex: in.tif: the method doh takes no picture with invalid pixels, and this one has some: use log or dog\n"
    )
    #expect(try run("blob-detect --method doh --nodata none --max-sigma 4 in.tif -o o.csv").status == 0)
    try write("small.tif", .uint8, number: nil)
    try succeed("gaussian --region 20x20+0+0 small.tif -o crop.tif")
    let mask = try run("median --mask crop.tif in.tif -o o.tif")
    #expect(mask.status == 2 && mask.errors.contains("20 × 20 pixels, but must be as large as the picture: 83 × 61"))
  }

  @Test func a_result_is_made_anew_when_the_mask_changes() throws {
    try write("in.tif", .uint8, number: nil)
    try write("mask.tif", .uint8, number: 0)
    try FileManager.default.createDirectory(atPath: folder.path("out"), withIntermediateDirectories: true)
    let line = "gaussian --mask mask.tif --incremental in.tif -o out/"
    try succeed(line)
    let first = try bytes("out/in.tif")
    try write("mask.tif", .uint8, number: 0, hasHoles: false)
    try succeed(line)
    #expect(try bytes("out/in.tif") != first)
  }
}
