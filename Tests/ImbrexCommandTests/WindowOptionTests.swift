import Foundation
import Imbrex
import TestSupport
import Testing

/// Footprints, ranks, derivatives and axes among all else that a command line can ask for.
@Suite struct WindowOptionTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    var noise = Noise(seed: 3)
    let picture = try Picture(ImageDescription(width: 61, height: 53, color: .gray, sampleType: .uint8))
    for y in 0..<53 {
      for x in 0..<61 {
        let value = 120 + 90 * sin(Double(x) / 5) * cos(Double(y) / 7) + .random(in: 0..<20, using: &noise)
        picture.row(y).storeBytes(of: UInt8(value), toByteOffset: x, as: UInt8.self)
      }
    }
    try writePictures([picture], to: folder.path("in.tif"))
    try write("foot.pgm", "P2 4 3 9\n0 9 0 1\n3 0 0 0\n0 0 5 0\n")
  }

  private func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: folder.url.appendingPathComponent(name))
  }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func make(_ line: String) throws -> Data {
    let outcome = try run(line)
    try #require(outcome.status == 0, "\(line): \(outcome.errors)")
    return Data(outcome.output)
  }

  @Test func combinations_are_those_of_their_own_runs() throws {
    for (line, values) in [
      ("median --footprint foot.pgm --percentile {v}", ["10", "50", "-5"]),
      ("median --size 4x6 --rank {v}", ["0", "-1", "7"]),
      ("gaussian --sigma 2 --order {v}", ["0", "1,0"]), ("edge --sigma {v} --low 0.05", ["1", "2,0.5"]),
      ("sobel --boundary {v}", ["wrap", "wrap,reflect"]),
    ] {
      // A value with a comma is one by a script's quoting.
      let list = values.filter { !$0.contains(",") }
      _ = try make("\(line) --vary v=\(list.joined(separator: ",")) in.tif -o out-{v}.tif")
      for value in list {
        let own = try make(line.replacingOccurrences(of: "{v}", with: value) + " in.tif -o - --format tif")
        #expect(try own == Data(contentsOf: folder.url.appendingPathComponent("out-\(value).tif")), "\(line) \(value)")
      }
    }
  }

  @Test(arguments: [
    "median --footprint foot.pgm --percentile 66 --boundary wrap,mirror", "median --size 4x10 --rank -3",
    "gaussian --sigma 3,1 --order 1,2 --boundary constant,wrap --cval 0.3",
    "median --shape octagon --radius 4 then edge --sigma 2,0.7 --low 0.05",
    "sobel --operator roberts --direction negative-diagonal",
  ])
  func jobs_regions_and_tiles_make_the_same(chain: String) throws {
    let whole = try make("\(chain) --serial in.tif -o one.tif --compression none")
    #expect(whole.isEmpty)
    _ = try make("job create job --parts 3 -- \(chain) in.tif -o many.tif --compression none")
    _ = try make("job run job")
    #expect(try areSameFiles(folder.path("one.tif"), folder.path("many.tif")))
    _ = try make("\(chain) --tile 7x9 -j3 in.tif -o tiles.tif --compression none")
    #expect(try areSameFiles(folder.path("one.tif"), folder.path("tiles.tif")))
    _ = try make("\(chain) --region 20x17+31+11 in.tif -o region.tif --compression none")
    let part = cropped(
      try readPictures(folder.path("one.tif"))[0], to: Region(x: 31, y: 11, width: 20, height: 17))
    #expect(try readPictures(folder.path("region.tif"))[0].hasSameBytes(as: part))
    let explained = try make("\(chain) --explain in.tif -o out.tif")
    #expect(!explained.isEmpty)
  }

  @Test func ellipses_are_the_same_in_jobs_and_on_overlays() throws {
    let chain = "blob-detect --min-sigma 1,2 --max-sigma 3,6 --num-sigma 4 --threshold 0.05"
    let table = try make("\(chain) in.tif")
    #expect(table.starts(with: Data("y,x,sigma_y,sigma_x,radius_y,radius_x\n".utf8)) && table.count > 200)
    _ = try make("job create job --parts 3 -- \(chain) in.tif -o many.csv")
    _ = try make("job run job")
    #expect(try table == Data(contentsOf: folder.url.appendingPathComponent("many.csv")))
    _ = try make("\(chain) in.tif -o out.csv --overlay seen.png")
    #expect(try readPictures(folder.path("seen.png"))[0].description.color == .rgb)
  }

  /// The picture of a footprint is part of what a result is made of.
  @Test func another_footprint_makes_it_again() throws {
    let line = "median --footprint foot.pgm in.tif -o out/ --incremental --report report.json"
    func status() throws -> Bool {
      _ = try make(line)
      return try String(contentsOf: folder.url.appendingPathComponent("report.json"), encoding: .utf8)
        .contains(#""done""#)
    }
    try FileManager.default.createDirectory(atPath: folder.path("out"), withIntermediateDirectories: false)
    #expect(try status())
    #expect(try !status())
    try write("foot.pgm", "P2 3 1 9\n1 1 1\n")
    #expect(try status())
  }

  @Test(arguments: [
    ("median --footprint none.pgm", "none.pgm"), ("median --footprint zero.pgm", "--footprint has no pixel"),
    ("median --footprint wide.pgm", "--footprint is of 1x2002 pixels, but must be of at most 2001x2001"),
    ("median --percentile 101", "--percentile is '101', but must be a number between -100 and 100"),
    ("median --boundary reflect,no", "--boundary is 'reflect,no', but must be reflect"),
    ("median --boundary wrap,wrap,wrap", "--boundary is 'wrap,wrap,wrap'"),
    ("edge --boundary reflect,wrap", "--boundary is 'reflect,wrap'"),
    ("gaussian --order 0.5", "--order is 0.5, but must be whole numbers"),
    ("gaussian --order 1 --nodata 120", "--order of gaussian takes no picture with invalid pixels"),
    ("blob-detect --exclude-border 1.5", "--exclude-border is 1.5, but must be whole numbers"),
    ("blob-detect --method doh --min-sigma 1,2", "--min-sigma and max-sigma must be the same on both axes"),
    ("blob-detect --min-sigma 1,60", "--min-sigma is 1,60, but must not be more than max-sigma, which is 50"),
  ])
  func what_makes_no_sense_is_one_line(line: String, message: String) throws {
    try write("zero.pgm", "P2 2 1 9\n0 0\n")
    try write("wide.pgm", "P2 2002 1 9\n" + String(repeating: "1 ", count: 2002))
    let outcome = try run("\(line) in.tif -o out.\(line.hasPrefix("blob") ? "csv" : "tif")")
    #expect(outcome.status != 0)
    #expect(outcome.errors.contains(message) && outcome.errors.split(separator: "\n").count == 1, "\(outcome.errors)")
  }

  /// −128 is read as −1, but what only takes samples keeps it.
  @Test func the_least_integer_is_as_far_from_0_as_the_largest() throws {
    for (name, bits) in [("in8.tif", 8), ("in16.tif", 16)] {
      let picture = try Picture(
        ImageDescription(
          width: 9, height: 7, color: .gray, sampleType: .float32, stored: StoredSamples(.signed, bits: bits)))
      let most = Float(1 << (bits - 1) - 1)
      for y in 0..<7 {
        picture.row(y).assumingMemoryBound(to: Float.self).update(repeating: -(most + 1) / most, count: 9)
      }
      try writePictures([picture], to: folder.path(name))
      func values(_ line: String) throws -> Set<Double> {
        _ = try make("\(line) \(name) -o out.tif")
        return Set(unitSamples(try readPictures(folder.path("out.tif"))[0]))
      }
      #expect(try values("gaussian --sigma 0 --float") == [-1])
      #expect(try values("median") == [Double(-(most + 1) / most)])
      #expect(try values("gaussian --sigma 0 --preserve-range") == [Double(-(most + 1))])
    }
  }
}
