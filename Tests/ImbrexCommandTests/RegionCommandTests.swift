import Foundation
import Imbrex
import TestSupport
import Testing

/// `--region` gives that crop of the whole result, whatever the file, the filter and the tiling.
@Suite struct RegionCommandTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func pictures(_ name: String) throws -> [Picture] { try readPictures(folder.path(name)) }

  /// Runs a line with `-o` and region after region, and compares with the crop of what it gives without.
  private func expectCrops(
    of line: String, to name: String, count: Int = 3, seed: Int, tilings: [String] = ["", "-j1", "--tile 13x19"]
  ) throws {
    let whole = try run("\(line) -o whole-\(name)")
    try #require(whole.status == 0, "\(line): \(whole.errors)")
    let expected = try pictures("whole-\(name)")
    var noise = Noise(seed: seed)
    for number in 0..<count {
      let region = Region.random(in: expected[0].description, &noise)
      let tiling = tilings[number % tilings.count]
      let outcome = try run("\(line) --region \(region.option) \(tiling) -o part-\(name)")
      try #require(outcome.status == 0, "\(line) --region \(region.option) \(tiling): \(outcome.errors)")
      let parts = try pictures("part-\(name)")
      let areSame =
        parts.count == expected.count
        && zip(parts, expected).allSatisfy { $0.hasSameBytes(as: cropped($1, to: region)) }
      #expect(areSame, "\(line) --region \(region.option) \(tiling)")
    }
  }

  static let filters = [
    "gaussian --sigma 1.5", "gaussian --boundary wrap --float", "sobel --operator farid", "sobel --per-channel",
    "median --size 3x5", "median --shape disk --radius 3 --boundary wrap", "edge", "edge --sigma 2 --boundary wrap",
    "edge --quantiles --low 0.5 --high 0.8",
  ]

  /// All kinds of one page, or of equal ones.
  static let kinds = FileKind.all.filter { $0.name != "pages of many kinds" }

  @Test(arguments: kinds.indices)
  func a_region_of_a_filter_is_that_crop_of_its_result(index: Int) throws {
    let kind = Self.kinds[index]
    _ = try kind.write(in: folder)
    // Each kind with a few of the filters.
    for number in 0..<3 {
      let filter = Self.filters[(index * 3 + number) % Self.filters.count]
      if !kind.hasLuma && (filter.hasPrefix("sobel") || filter.hasPrefix("edge")) { continue }
      if !kind.takesFloat && filter.contains("--float") { continue }
      let isFloat = filter.contains("--float")
      try expectCrops(
        of: "\(filter) in.\(kind.fileExtension)", to: "\(number).\(isFloat ? "tif" : kind.resultExtension)",
        count: 2, seed: index * 10 + number)
    }
  }

  @Test(arguments: kinds.indices)
  func a_region_of_a_chain_is_that_crop_of_its_result_and_of_its_tees(index: Int) throws {
    let kind = Self.kinds[index]
    var noise = Noise(seed: index + 77)
    _ = try kind.write(in: folder)
    let stages = ChainCommandTests.stages(Int.random(in: 2...4, using: &noise), for: kind, &noise)
    let isFloat = stages.contains { $0.contains("--float") }
    let ext = isFloat ? "tif" : kind.resultExtension, between = isFloat ? "tif" : kind.betweenExtension
    func chain(_ tee: String) -> String {
      stages.enumerated().map { number, stage in
        (number == 0 ? "" : "then ") + stage.joined(separator: " ")
          + (number < stages.count - 1 ? " then tee \(tee)\(number).\(between)" : "")
      }
      .joined(separator: " ")
    }
    let whole = try run("\(chain("whole")) in.\(kind.fileExtension) -o whole.\(ext)")
    try #require(whole.status == 0, "\(whole.errors)")
    let expected = try pictures("whole.\(ext)")
    for tiling in ["", "-j1 --max-memory 3M", "--tile 17x23 -j3"] {
      let region = Region.random(in: expected[0].description, &noise)
      let line = "\(chain("part")) in.\(kind.fileExtension) --region \(region.option) \(tiling)"
      let outcome = try run("\(line) -o part.\(ext)")
      try #require(outcome.status == 0, "\(line): \(outcome.errors)")
      for name in (0..<stages.count - 1).map({ "\($0).\(between)" }) + [".\(ext)"] {
        let wholes = try pictures("whole\(name)"), parts = try pictures("part\(name)")
        let areSame =
          parts.count == wholes.count
          && zip(parts, wholes).allSatisfy { $0.hasSameBytes(as: cropped($1, to: region)) }
        #expect(areSame, "\(kind.name), part\(name) of \(line)")
      }
    }
  }

  @Test(arguments: ["log", "dog", "doh"])
  func a_region_of_a_table_has_the_rows_of_blobs_in_it(method: String) throws {
    let options = "blob-detect --method \(method) --max-sigma 8 --threshold \(method == "doh" ? 0.001 : 0.03)"
    for line in [options, "gaussian then \(options) --threshold-rel 0.1"] {
      let rows = try run("\(line) \(testImage("cells.png"))").text.split(separator: "\n")
      #expect(rows.count > 20)
      var noise = Noise(seed: 5)
      for tiling in ["", "-j1", "--tile 60x70"] {
        let region = Region.random(in: try readPictures(testImage("cells.png"))[0].description, &noise)
        let inside = rows.enumerated().filter { number, row in
          let place = row.split(separator: ",").prefix(2).compactMap { Double($0) }
          return number == 0
            || (region.y..<region.endY).contains(Int(place[0])) && (region.x..<region.endX).contains(Int(place[1]))
        }
        .map { String($0.element) }
        let outcome = try run("\(line) \(testImage("cells.png")) --region \(region.option) \(tiling)")
        #expect(outcome.text.split(separator: "\n").map(String.init) == inside, "\(line) \(region.option)")
      }
    }
  }

  @Test func an_overlay_of_a_region_is_that_crop_of_the_whole_one() throws {
    let line = "blob-detect --max-sigma 6 --threshold 0.05 \(testImage("cells.png")) -o t.csv"
    #expect(try run("\(line) --overlay whole.png").status == 0)
    let region = Region(x: 100, y: 60, width: 150, height: 120)
    #expect(try run("\(line) --overlay part.png --region \(region.option)").status == 0)
    let part = try pictures("part.png")[0]
    #expect(part.description.width == 150 && part.description.height == 120)
    // Circles of blobs just outside are not in the part; all others are.
    let whole = cropped(try pictures("whole.png")[0], to: region)
    let inner = Region(x: 30, y: 30, width: 90, height: 60)
    #expect(cropped(part, to: inner).hasSameBytes(as: cropped(whole, to: inner)))
  }

  @Test func a_region_is_one_of_the_picture_as_it_is_written() throws {
    // Kept as it is stored, or turned upright before.
    var metadata = Metadata()
    metadata.orientation = 8
    let photo = cropped(try readPictures(testImage("photo.png"))[0], to: Region(x: 40, y: 60, width: 120, height: 70))
    try writePictures([photo], to: folder.path("turned.jpg"), metadata: metadata)
    try writePictures([photo], to: folder.path("turned.tif"), metadata: metadata)
    for input in ["turned.jpg", "turned.tif"] {
      for (options, name) in [("--auto-orient", "a.tif"), ("--strip", "b.png"), ("", "c.tif"), ("-q", "d.pam")] {
        for filter in ["gaussian", "median then edge"] {
          try expectCrops(of: "\(filter) \(options) \(input)", to: name, seed: 3)
          let isTurned = name != "c.tif"
          #expect(try pictures("whole-\(name)")[0].description.width == (isTurned ? 70 : 120))
        }
      }
    }
  }

  @Test func a_region_of_pages_is_that_of_each() throws {
    let sizes = [(40, 30), (50, 60), (41, 31)]
    let pages = sizes.enumerated().map { seed, size in
      testPicture(ImageDescription(width: size.0, height: size.1, color: .rgb, sampleType: .uint8), seed: seed)
    }
    try writePictures(pages, to: folder.path("pages.tif"))
    for filter in ["gaussian", "edge --quantiles --low 0.5 --high 0.8", "median then sobel"] {
      try expectCrops(of: "\(filter) pages.tif", to: "out.tif", seed: 9)
      try expectCrops(of: "\(filter) --page 2 pages.tif", to: "out.png", seed: 10)
    }
    // It fits the second only.
    let outcome = try run("gaussian pages.tif --region 45x10+0+0 -o part.tif")
    #expect(outcome.status == 2 && outcome.errors.contains("not inside the picture of 40 × 30 pixels"))
    #expect(!folder.contents.contains("part.tif"))
    #expect(try run("gaussian pages.tif --region 45x10+0+0 --page 2 -o part.tif").status == 0)
    // And here a page after the first is too small: nothing half done is left.
    let late = try run("gaussian then tee mid.tif then sobel pages.tif --region 45x10+0+0 --page 2-3 -o late.tif")
    #expect(late.status == 2 && late.errors.split(separator: "\n").count == 1)
    #expect(!folder.contents.contains("late.tif") && !folder.contents.contains("mid.tif"))
  }

  @Test(arguments: ["10x10+90+0", "84x1+0+0", "1x62+0+0", "1x1+83+0", "1x1+0+61"])
  func a_region_outside_the_picture_is_one_line_and_nothing_is_written(region: String) throws {
    for line in ["gaussian", "edge", "gaussian then tee mid.png then median", "blob-detect"] {
      let out = line == "blob-detect" ? "t.csv" : "out.png"
      let outcome = try run("\(line) \(testImage("gray1.png")) --region \(region) -o \(out)")
      #expect(
        outcome.errors
          == "imbrex: \(testImage("gray1.png")): --region is \(region), which is not inside the picture of 83 × 61 pixels\n"
      )
      #expect(outcome.status == 2 && folder.contents.isEmpty, "\(line): \(folder.contents)")
    }
  }

  @Test func a_region_of_a_pipe_and_of_a_directory() throws {
    let photo = [UInt8](try Data(contentsOf: URL(fileURLWithPath: testImage("photo.png"))))
    let piped = try Program.run(["gaussian", "then", "sobel", "--region", "50x40+100+30"], input: photo)
    #expect(try run("gaussian then sobel \(testImage("photo.png")) --region 50x40+100+30 -o part.png").status == 0)
    try Data(piped.output).write(to: URL(fileURLWithPath: folder.path("piped.png")))
    let isSame = try areSameFiles(folder.path("piped.png"), folder.path("part.png"))
    #expect(piped.status == 0 && isSame)
    // In a directory one is too small; the others are done.
    let many = try run(
      "gaussian \(testImage("photo.png")) \(testImage("gray1.png")) \(testImage("cells.png")) --region 150x40+100+30 -o out/"
    )
    #expect(many.status == 1 && many.errors.hasSuffix("2 done, 0 skipped, 1 failed\n"))
    #expect(try pictures("out/cells.png")[0].description.width == 150)
    let explained = try run("gaussian --sigma 2 \(testImage("photo.png")) --region 50x40+100+30 --explain")
    #expect(explained.text.contains("region:     50x40+100+30\n"))
    #expect(explained.text.contains("read:       66 × 56 pixels from column 92, row 22\n"))
  }

  /// 400 million pixels of which a few tiles are needed: reading all of them would take long, holding them refused.
  @Test func a_region_of_a_huge_tiled_picture_reads_only_its_tiles() throws {
    let side = 20000, tile = 256
    let row = try PlainTIFF.writeSparse(side: side, tile: tile, to: URL(fileURLWithPath: folder.path("huge.tif")))
    let around = Region(x: 9000, y: row - 100, width: 600, height: 400)
    // The same pixels as a picture of its own, with more around them than the filters reach.
    #expect(try run("median --radius 0 huge.tif --region \(around.option) -o around.tif").status == 0)
    let part = Region(x: 9100, y: row - 30, width: 300, height: 200)
    for line in [
      "gaussian --sigma 2 then sobel", "median --shape disk --radius 4 then median", "sobel --boundary reflect",
    ] {
      let clock = ContinuousClock()
      let start = clock.now
      let outcome = try run("\(line) huge.tif --region \(part.option) --max-memory 8M -o part.tif")
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(clock.now - start < .seconds(5))
      #expect(try run("\(line) around.tif -o all.tif").status == 0)
      let inside = Region(x: part.x - around.x, y: part.y - around.y, width: part.width, height: part.height)
      let isSame = try pictures("part.tif")[0].hasSameBytes(as: cropped(pictures("all.tif")[0], to: inside))
      #expect(isSame, "\(line)")
    }
    // The last pixels, beyond which is the border.
    #expect(try run("gaussian huge.tif --region 40x30+19960+19970 -o corner.tif").status == 0)
    #expect(try pictures("corner.tif")[0].description.pixelCount == 1200)
  }
}
