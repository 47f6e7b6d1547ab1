import Foundation
import Imbrex
import TestSupport
import Testing

/// One line of Fixtures/levels.jsonl: a TIFF with something beside its pages, or of a kind that libtiff has trouble with.
struct LevelFixture: Decodable, CustomTestStringConvertible, Sendable {
  let name: String
  let file: Data
  let levels: [[Int]]?
  let masks: [[Int]]?
  let beside: [[Int]]?
  let pages: Int?
  let children: Bool?
  let cloud: Bool?
  let nodata: Double?
  let samples: Data?
  let type: String?
  let tolerance: Double?
  let keeps: Bool?
  var testDescription: String { name }

  static let all: [LevelFixture] = {
    let file = projectFolder.appendingPathComponent("Tests/Fixtures/levels.jsonl")
    return try! Data(contentsOf: file).split(separator: 10).map { try JSONDecoder().decode(Self.self, from: $0) }
  }()
}

/// Pyramids are made anew from the result, and what else stands beside a TIFF's pages stays.
@Suite struct LevelTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func done(_ line: String) throws {
    let outcome = try run(line)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(line): \(outcome.errors)")
  }

  private func write(_ fixture: LevelFixture, to name: String = "in.tif") throws {
    try fixture.file.write(to: URL(fileURLWithPath: folder.path(name)))
  }

  private func fixture(_ name: String) throws -> LevelFixture {
    try #require(LevelFixture.all.first { $0.name == name })
  }

  private func walk(_ name: String = "out.tif") throws -> TIFFWalk { try TIFFWalk(path: folder.path(name)) }
  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }

  /// A directory's picture.
  private func picture(_ walk: TIFFWalk, at offset: Int) throws -> Picture {
    let path = folder.path("part-\(UUID().uuidString).tif")
    try Data(walk.beginning(at: offset)).write(to: URL(fileURLWithPath: path))
    return try Picture(reading: ImageReader(path: path))
  }

  private func samples(_ picture: Picture, _ x: Int, _ y: Int, _ channel: Int) -> Double {
    let place = (x * picture.description.channels + channel) * picture.description.sampleType.byteCount
    let row = picture.row(y)
    switch picture.description.sampleType {
    case .uint8: return Double(row.load(fromByteOffset: place, as: UInt8.self))
    case .uint16: return Double(row.load(fromByteOffset: place, as: UInt16.self))
    case .float32: return Double(row.load(fromByteOffset: place, as: Float.self))
    case .float64: return row.load(fromByteOffset: place, as: Double.self)
    }
  }

  /// What numbers become at half the size: the slow and obvious way.
  struct Plane {
    var width: Int
    var height: Int
    var values: [Double]

    /// - Parameter mask: What it leaves out does not count, where something else does.
    func halved(_ join: ([Double]) -> Double, _ mask: Mask? = nil) -> Plane {
      var result = Plane(width: (width + 1) / 2, height: (height + 1) / 2, values: [])
      for y in 0..<result.height {
        for x in 0..<result.width {
          let right = min(2 * x + 1, width - 1), below = min(2 * y + 1, height - 1)
          let four = [(2 * x, 2 * y), (right, 2 * y), (2 * x, below), (right, below)]
          let counting = four.filter { mask?.contains(x: $0.0, y: $0.1) ?? true }
          result.values.append(join((counting.isEmpty ? four : counting).map { values[$0.1 * width + $0.0] }))
        }
      }
      return result
    }
  }

  private func plane(_ picture: Picture, _ channel: Int = 0) -> Plane {
    let (width, height) = (picture.description.width, picture.description.height)
    return Plane(
      width: width, height: height,
      values: (0..<width * height).map { samples(picture, $0 % width, $0 / width, channel) })
  }

  private func rounded(_ four: [Double]) -> Double { (four.reduce(0, +) / Double(four.count) + 0.5).rounded(.down) }

  /// Checks each level against the one that is halved before, of all channels.
  private func checkLevels(
    _ walk: TIFFWalk, _ page: TIFFWalk.Directory, _ levels: [TIFFWalk.Directory], _ join: ([Double]) -> Double,
    within tolerance: Double = 0, without mask: Mask? = nil
  ) throws {
    let full = try picture(walk, at: page.offset)
    for channel in 0..<full.description.channels {
      var expected = plane(full, channel), mask = mask
      for level in levels {
        let got = plane(try picture(walk, at: level.offset), channel)
        while expected.width > got.width + 1 {
          expected = expected.halved(join, mask)
          mask = try mask?.halved()
        }
        var largest = 0.0
        for y in 0..<got.height {
          for x in 0..<got.width {
            largest = max(largest, abs(got.values[y * got.width + x] - expected.values[y * expected.width + x]))
          }
        }
        #expect(largest <= tolerance, "level \(level.size), channel \(channel): \(largest)")
      }
    }
  }

  // MARK: - Files of other programs

  static let withLevels = LevelFixture.all.filter { $0.levels != nil }

  /// Levels were dropped with a warning, and Aperio's filtered as if they were pages.
  @Test(arguments: withLevels) func what_stands_beside_pages_stays(fixture: LevelFixture) throws {
    try write(fixture)
    try done("gaussian --sigma 1.5 in.tif -o out.tif")
    let old = try walk("in.tif"), new = try walk()
    #expect(new.chain.map(\.size) == old.chain.map(\.size))
    for (a, b) in zip(old.chain, new.chain) {
      #expect(a.children.map { old.directory(at: $0).size } == b.children.map { new.directory(at: $0).size })
      #expect(a.fields[322] == b.fields[322] && a.fields[323] == b.fields[323] && a.fields[259] == b.fields[259])
    }
    let info = try run("info out.tif").text.split(separator: " ", omittingEmptySubsequences: true).joined(
      separator: " ")
    func list(_ sizes: [[Int]]) -> String { sizes.map { "\($0[0]) x \($0[1])" }.joined(separator: ", ") }
    #expect(info.contains("levels: \(list(fixture.levels!))\n"), "\(info)")
    #expect(info.contains("\n pages: \(fixture.pages!)\n"))
    if let masks = fixture.masks { #expect(info.contains("masks: \(list(masks))\n")) }
    if let beside = fixture.beside { #expect(info.contains("pictures beside: \(list(beside))\n")) }
    #expect(info.contains("cloud optimized: yes\n") == (fixture.cloud ?? false))
    #expect(info.contains("nodata: -9999\n") == (fixture.nodata != nil))
    // Nothing of it depends on how the work is shared out.
    try done("gaussian --sigma 1.5 --serial in.tif -o serial.tif")
    try done("gaussian --sigma 1.5 --tile 23x40 -j 3 in.tif -o tiled.tif")
    #expect(try bytes("serial.tif") == bytes("out.tif") && bytes("tiled.tif") == bytes("out.tif"))
  }

  @Test(arguments: withLevels) func levels_are_means_of_the_result(fixture: LevelFixture) throws {
    guard fixture.nodata == nil else { return }
    try write(fixture)
    try done("gaussian in.tif -o out.tif")
    let walk = try walk(), chain = walk.chain, sizes = Set(fixture.levels!)
    let isLossy = [7, 50001].contains(chain[0].fields[259]![0])
    for page in 0..<(fixture.children == true ? chain.count : 1) {
      let levels =
        fixture.children == true
        ? chain[page].children.map(walk.directory)
        : chain.dropFirst().filter { sizes.contains($0.size) && $0.subfile & 4 == 0 }
      #expect(levels.count == fixture.levels!.count)
      // JPEG loses something of the page, and of each level.
      let mask = try ImageReader(path: folder.path("out.tif")).description.validity.masks.first
      try checkLevels(walk, chain[page], levels, rounded, within: isLossy ? 40 : 0, without: mask)
    }
  }

  /// A mean of −9999 and something else is neither.
  @Test func what_counts_for_nothing_does_not_count_in_levels() throws {
    try write(fixture("cloud optimized, no data"))
    try done("median --radius 0 in.tif -o out.tif")
    let walk = try walk(), chain = walk.chain
    func join(_ four: [Double]) -> Double {
      let valid = four.filter { $0 != -9999 }
      return valid.isEmpty ? -9999 : Double(Float(valid.reduce(0, +) / Double(valid.count)))
    }
    try checkLevels(walk, chain[0], Array(chain.dropFirst()), join)
  }

  /// Data that is not filtered is the same, byte for byte.
  @Test func labels_and_masks_are_untouched() throws {
    for name in ["aperio", "overviews, mask", "cloud optimized, mask", "hamamatsu"] {
      let fixture = try fixture(name)
      try write(fixture)
      try done("sobel in.tif -o out.tif")
      let old = try walk("in.tif"), new = try walk()
      let kept = Set((fixture.masks ?? []) + (fixture.beside ?? []))
      var count = 0
      for (a, b) in zip(old.chain, new.chain)
      where kept.contains(a.size) && (fixture.masks == nil || a.subfile & 4 != 0) {
        count += 1
        #expect(
          a.segments.map { Array(old.bytes[$0.offset..<($0.offset + $0.count)]) }
            == b.segments.map { Array(new.bytes[$0.offset..<($0.offset + $0.count)]) }, "\(name)")
        #expect(a.text == b.text && a.fields[262] == b.fields[262] && a.fields[259] == b.fields[259])
      }
      #expect(count == kept.count, "\(name)")
    }
    // A label may say whose slide it is.
    try write(fixture("aperio"))
    try done("gaussian --strip in.tif -o out.tif")
    #expect(try walk().chain.map(\.size) == [[131, 91], [32, 22]])
  }

  // MARK: - Layout for the cloud

  /// The specification of GDAL's COG driver, as far as a file can be held to it.
  @Test(arguments: withLevels.filter { $0.cloud == true })
  func a_file_for_the_cloud_stays_one(fixture: LevelFixture) throws {
    try write(fixture)
    for line in ["gaussian in.tif", "gaussian --levels drop in.tif", "gaussian --region 150x111+7+5 in.tif"] {
      let outcome = try run("\(line) -o out.tif")
      #expect(outcome.status == 0)
      let walk = try walk(), chain = walk.chain, head = walk.isBig ? 16 : 8
      let area = String(decoding: walk.bytes[head..<(head + 43 + 140)], as: UTF8.self)
      #expect(
        area.hasPrefix("GDAL_STRUCTURAL_METADATA_SIZE=000140 bytes\nLAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\n"))
      #expect(area.hasSuffix("BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "))
      // Directories in order, in front of all data.
      #expect(chain[0].offset < 300 && chain.map(\.offset) == chain.map(\.offset).sorted())
      let data = chain.map { $0.segments.map(\.offset).filter { $0 > 0 } }
      #expect(chain.last!.offset < data.joined().min()!)
      // Smaller pictures first, and tiles row by row.
      for (larger, smaller) in zip(data, data.dropFirst()) { #expect(smaller.last! < larger.first!) }
      for offsets in data { #expect(offsets == offsets.sorted()) }
      for segment in chain.flatMap(\.segments) where segment.count > 0 {
        let end = segment.offset + segment.count
        #expect((0..<4).reduce(0) { $0 | Int(walk.bytes[segment.offset - 4 + $1]) << (8 * $1) } == segment.count)
        #expect(walk.bytes[(end - 4)..<end] == walk.bytes[end..<(end + 4)])
      }
      #expect(chain[0].fields[34735] != nil)
    }
  }

  // MARK: - What is asked for

  private func makePicture(_ description: ImageDescription, _ change: (inout Metadata) -> Void = { _ in }) throws {
    var metadata = Metadata()
    (metadata.tiff.compression, metadata.tiff.tileWidth, metadata.tiff.tileHeight) = (8, 32, 16)
    change(&metadata)
    try writePictures([testPicture(description)], to: folder.path("in.tif"), metadata: metadata)
  }

  @Test(arguments: [SampleType.uint8, .uint16, .float32, .float64])
  func levels_are_made_where_there_are_none(type: SampleType) throws {
    try makePicture(ImageDescription(width: 101, height: 75, color: .rgb, sampleType: type))
    try done("median --levels 3 in.tif -o out.tif")
    let walk = try walk(), chain = walk.chain
    #expect(
      chain.map(\.size) == [[101, 75], [51, 38], [26, 19], [13, 10]] && chain.map(\.subfile) == [0, 1, 1, 1])
    #expect(chain.allSatisfy { $0.fields[322] == [32] && $0.fields[323] == [16] })
    func join(_ four: [Double]) -> Double {
      let mean = four.reduce(0, +) / 4
      return type == .float32 ? Double(Float(mean)) : type == .float64 ? mean : (mean + 0.5).rounded(.down)
    }
    try checkLevels(
      walk, chain[0], Array(chain.dropFirst()), join, within: type == .float64 ? 1e-15 : 0)
    // As many as there can be.
    try done("median --levels 16 in.tif -o many.tif")
    #expect(try self.walk("many.tif").chain.last!.size == [1, 1])
    try done("median --levels drop out.tif -o less.tif")
    #expect(try self.walk("less.tif").chain.count == 1)
  }

  /// A line of one pixel does not break: of two and two the larger stays.
  @Test func edges_go_by_majority() throws {
    try makePicture(ImageDescription(width: 101, height: 75, color: .gray, sampleType: .uint8))
    try done("edge --levels 2 in.tif -o out.tif")
    let walk = try walk(), chain = walk.chain
    try checkLevels(walk, chain[0], Array(chain.dropFirst()), { four in four.count { $0 == 255 } >= 2 ? 255 : 0 })
  }

  /// Colour counts by its alpha, so that what cannot be seen does not show.
  @Test func alpha_weighs_colour_in_levels() throws {
    let description = ImageDescription(width: 31, height: 20, color: .rgb, alpha: .straight, sampleType: .uint8)
    let picture = testPicture(description)
    for y in 0..<20 {
      for x in 0..<31 where (x / 3 + y / 2) % 2 == 0 {
        picture.row(y).storeBytes(of: 0, toByteOffset: 4 * x + 3, as: UInt8.self)
      }
    }
    try writePictures([picture], to: folder.path("in.tif"), metadata: Metadata())
    try done("median --radius 0 --levels 1 in.tif -o out.tif")
    let walk = try walk(), chain = walk.chain
    let full = try self.picture(walk, at: chain[0].offset), half = try self.picture(walk, at: chain[1].offset)
    for y in 0..<10 {
      for x in 0..<16 {
        let right = min(2 * x + 1, 30)
        let four = [(2 * x, 2 * y), (right, 2 * y), (2 * x, 2 * y + 1), (right, 2 * y + 1)]
        let alphas = four.map { samples(full, $0.0, $0.1, 3) }, sum = alphas.reduce(0, +)
        #expect(samples(half, x, y, 3) == rounded(alphas))
        guard sum > 0 else { continue }
        for channel in 0..<3 {
          let mean = zip(four, alphas).reduce(0) { $0 + samples(full, $1.0.0, $1.0.1, channel) * $1.1 } / sum
          #expect(samples(half, x, y, channel) == (mean + 0.5).rounded(.down))
        }
      }
    }
  }

  @Test func a_part_of_a_pyramid_has_levels_of_its_own() throws {
    try write(fixture("reduced pages"))
    try done("gaussian --region 61x50+13+7 in.tif -o out.tif")
    let walk = try walk(), chain = walk.chain
    #expect(chain.map(\.size) == [[61, 50], [31, 25], [16, 13]])
    try checkLevels(walk, chain[0], Array(chain.dropFirst()), rounded)
  }

  @Test func another_format_has_no_levels() throws {
    try write(fixture("reduced pages"))
    let kept = try run("gaussian in.tif -o out.png")
    #expect(kept.status == 0 && kept.errors == "imbrex: in.tif: warning: 2 overviews or masks are left out\n")
    let made = try run("gaussian --levels 2 in.tif -o out.png")
    #expect(made.status == 2)
    #expect(made.errors.contains("--levels are for TIFFs, but the output is a PNG"), "\(made.errors)")
    #expect(try run("gaussian --levels 0 in.tif -o out.tif").errors.contains("must be keep, drop or a number 1 … 16"))
  }

  // MARK: - Hostile files

  /// Numbers that a mask's directory claims cost no more than its file has.
  @Test func forged_companions_do_no_harm() throws {
    let bytes = [UInt8](try fixture("overviews, mask").file), old = TIFFWalk(bytes)
    var noise = Noise(seed: 3)
    for directory in old.chain.dropFirst() {
      for _ in 0..<12 {
        var broken = bytes
        let count = Int(bytes[directory.offset]), entry = Int.random(in: 0..<count, using: &noise)
        let place = directory.offset + 2 + 12 * entry + Int.random(in: 2..<12, using: &noise)
        broken[place] = UInt8.random(in: 0...255, using: &noise)
        if broken == bytes { continue }
        try Data(broken).write(to: URL(fileURLWithPath: folder.path("in.tif")))
        let outcome = try run("median in.tif -o out.tif")
        #expect([0, 1].contains(outcome.status), "\(place): \(outcome.errors)")
        #expect(outcome.errors.split(separator: "\n").count <= 3, "\(outcome.errors)")
        if outcome.status == 0 { #expect(try self.bytes("out.tif").count < 4 * bytes.count) }
      }
    }
  }

  /// The same level a thousand times is made once.
  @Test func a_level_is_made_once() throws {
    let pages = (0..<300).map { index in
      index == 0 ? (width: 40, height: 30, subfileType: 0) : (width: 20, height: 15, subfileType: 1)
    }
    try Data(PlainTIFF.file(pages: pages)).write(to: URL(fileURLWithPath: folder.path("in.tif")))
    let outcome = try run("gaussian in.tif -o out.tif")
    #expect(outcome.errors == "imbrex: in.tif: warning: 298 overviews or masks are left out\n")
    #expect(try walk().chain.map(\.size) == [[40, 30], [20, 15]])
  }

  // MARK: - Jobs

  /// Parts have no levels: the join makes them.
  @Test(arguments: withLevels) func a_job_makes_the_same_file(fixture: LevelFixture) throws {
    try write(fixture)
    for filter in ["gaussian", "edge --low 0.02 --high 0.05"] {
      if fixture.pages! > 1 && filter != "gaussian" { continue }
      try done("\(filter) in.tif -o alone.tif")
      try? FileManager.default.removeItem(atPath: folder.path("job"))
      try done("job create job --parts 3 -- \(filter) in.tif -o parts.tif")
      #expect(try run("job run job").status == 0)
      #expect(try bytes("parts.tif") == bytes("alone.tif"), "\(filter)")
    }
  }
}
