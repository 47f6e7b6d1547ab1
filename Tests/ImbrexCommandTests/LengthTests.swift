import Foundation
import Imbrex
import TestSupport
import Testing

/// Lengths in units: `--sigma 0.5um`, where the file says how large its pixels are.
@Suite struct LengthTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private static let gray = ImageDescription(width: 90, height: 70, color: .gray, sampleType: .uint8)

  private static func ome(_ attributes: String) -> MetadataItem {
    let text =
      "<?xml version=\"1.0\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\"><Image ID=\"Image:0\">"
      + "<Pixels ID=\"Pixels:0\" DimensionOrder=\"XYZCT\" Type=\"uint8\" SizeX=\"90\" SizeY=\"70\" SizeZ=\"1\" SizeC=\"1\" "
      + "SizeT=\"1\" \(attributes)><TiffData/></Pixels></Image></OME>"
    return MetadataItem(kind: .tiff, tag: 270, type: 2, bytes: Array(text.utf8) + [0])
  }

  private static func numbers<Number>(_ tag: UInt32, _ type: UInt16, _ numbers: [Number]) -> MetadataItem {
    MetadataItem(
      kind: .tiff, tag: tag, type: type, count: numbers.count, bytes: numbers.withUnsafeBytes { Array($0) })
  }

  /// A file that says how large its pixels are, and a length with what it is in pixels.
  struct Kind: CustomTestStringConvertible, Sendable {
    let name: String
    var file = "in.tif"
    var items: [MetadataItem] = []
    var resolution: Metadata.Resolution?
    let length: String
    let pixels: String
    var testDescription: String { name }
  }

  static let kinds: [Kind] = [
    Kind(
      name: "OME", items: [ome("PhysicalSizeX=\"0.25\" PhysicalSizeY=\"0.25\" PhysicalSizeXUnit=\"µm\"")],
      length: "0.5um", pixels: "2"),
    Kind(
      name: "OME, nanometres",
      items: [
        ome(
          "PhysicalSizeX=\"500\" PhysicalSizeXUnit=\"nm\" PhysicalSizeY=\"250\" PhysicalSizeYUnit=\"nm\"")
      ], length: "1µm", pixels: "4,2"),
    Kind(
      name: "OME, one axis alone", items: [ome("PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.25\"")], length: "0,1um",
      pixels: "0,2"),
    Kind(
      name: "ImageJ",
      items: [
        MetadataItem(kind: .tiff, tag: 270, type: 2, bytes: Array("ImageJ=1.53k\nunit=micron\n\0".utf8))
      ], resolution: .init(x: 4, y: 4, unit: .none), length: "750nm", pixels: "3"),
    Kind(
      name: "GeoTIFF",
      items: [
        numbers(33550, 12, [10.0, 20, 0]), numbers(34735, 3, [UInt16(1), 1, 0, 2, 1024, 0, 1, 1, 3076, 0, 1, 9001]),
      ], length: "40m", pixels: "2,4"),
    Kind(
      name: "resolution of a TIFF", resolution: .init(x: 100, y: 100, unit: .centimeter), length: "0.2mm", pixels: "2"),
    Kind(
      name: "pHYs of a PNG", file: "in.png", resolution: .init(x: 50, y: 50, unit: .centimeter), length: "0.5mm",
      pixels: "2.5"),
    Kind(
      name: "density of a JPEG", file: "in.jpg", resolution: .init(x: 254, y: 254, unit: .inch), length: "0.3mm",
      pixels: "3"),
    Kind(name: "pixels", length: "2px", pixels: "2"),
  ]

  private func write(_ name: String, _ items: [MetadataItem], _ resolution: Metadata.Resolution?) throws {
    var metadata = Metadata()
    (metadata.items, metadata.resolution) = (items, resolution)
    try writePictures([testPicture(Self.gray)], to: folder.path(name), metadata: metadata)
  }

  @Test(arguments: kinds) func a_length_is_so_many_pixels(kind: Kind) throws {
    try write(kind.file, kind.items, kind.resolution)
    let outcome = try run("gaussian --sigma \(kind.length) \(kind.file) -o a.pgm")
    try #require(outcome.status == 0, "\(outcome.errors)")
    #expect(try run("gaussian --sigma \(kind.pixels) \(kind.file) -o b.pgm").status == 0)
    #expect(try areSameFiles(folder.path("a.pgm"), folder.path("b.pgm")))
    // In a chain, in parts and in the plan too.
    #expect(try run("median then gaussian --sigma \(kind.length) \(kind.file) -o c.pgm").status == 0)
    #expect(try run("gaussian --sigma \(kind.length) \(kind.file) -o c.pgm --explain").status == 0)
    #expect(try run("bench gaussian --sigma \(kind.length) \(kind.file) --runs 1 --jobs 1").status == 0)
    try #require(
      run("job create job --parts 3 -- gaussian --sigma \(kind.length) \(kind.file) -o d.pgm").status == 0)
    #expect(try run("job run job").status == 0)
    #expect(try areSameFiles(folder.path("a.pgm"), folder.path("d.pgm")))
  }

  @Test func of_many_files_each_has_its_own_size() throws {
    try write("a.tif", [Self.ome("PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.5\"")], nil)
    try write("b.tif", [Self.ome("PhysicalSizeX=\"0.25\" PhysicalSizeY=\"0.25\"")], nil)
    #expect(try run("gaussian --sigma 1um --incremental a.tif b.tif -o out/").status == 0)
    #expect(try run("gaussian --sigma 2 a.tif -o a.pgm").status == 0)
    #expect(try run("gaussian --sigma 4 b.tif -o b.pgm").status == 0)
    #expect(try haveSamePages(folder.path("out/a.tif"), folder.path("a.pgm")))
    #expect(try haveSamePages(folder.path("out/b.tif"), folder.path("b.pgm")))
    #expect(try run("gaussian --sigma 1um --incremental a.tif b.tif -o out/").errors.contains("0 done, 2 skipped"))
  }

  @Test func pixels_that_are_not_square_have_a_sigma_of_each_axis() throws {
    try write("a.tif", [Self.ome("PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.25\"")], nil)
    #expect(try run("edge --sigma 1um --low 0.01 --high 0.02 a.tif -o um.png").status == 0)
    #expect(try run("edge --sigma 4,2 --low 0.01 --high 0.02 a.tif -o pixels.png").status == 0)
    #expect(try haveSamePages(folder.path("um.png"), folder.path("pixels.png")))
    let options = "--num-sigma 3 --threshold 0.001 a.tif"
    let table = try run("blob-detect --min-sigma 0.5um,1um --max-sigma 1um,2um \(options)").text
    let columns = "y,x,sigma_y,sigma_x,radius_y,radius_x,y_um,x_um,sigma_y_um,sigma_x_um,radius_y_um,radius_x_um\n"
    #expect(table.hasPrefix(columns))
    // Two sigmas that happen to be one in pixels are two all the same.
    let wanted = try run("blob-detect --min-sigma 2 --max-sigma 4 \(options)").text.split(separator: "\n").dropFirst()
    let rows = table.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
    #expect(rows.map { [$0[0], $0[1], $0[3], $0[5]] } == wanted.map { $0.split(separator: ",") })
    #expect(rows.allSatisfy { Double($0[2])! * 0.25 == Double($0[8])! && $0[2] == $0[3] })
  }

  @Test func a_picture_that_is_turned_first_has_its_size_turned() throws {
    var metadata = Metadata()
    metadata.resolution = .init(x: 10, y: 20, unit: .centimeter)
    metadata.orientation = 6
    try writePictures([testPicture(Self.gray)], to: folder.path("in.tif"), metadata: metadata)
    #expect(try run("gaussian --sigma 2mm --auto-orient in.tif -o a.pgm").status == 0)
    #expect(try run("gaussian --sigma 2,4 --auto-orient in.tif -o b.pgm").status == 0)
    #expect(try areSameFiles(folder.path("a.pgm"), folder.path("b.pgm")))
  }

  @Test(arguments: [
    (
      "gaussian --sigma 1um plain.tif", 1,
      "--sigma is 1um, but nothing in the file says how large its pixels are: give it in pixels"
    ),
    ("gaussian --sigma 1um degrees.tif", 1, "nothing in the file says how large its pixels are"),
    (
      "blob-detect --max-sigma 3um oblong.tif", 1,
      "--max-sigma is 3um, but pixels are 0.25 × 0.5 um, and blob-detect needs square"
    ),
    (
      "gaussian --sigma 2m oblong.tif", 1,
      "--sigma is 2m, which is 8000000 pixels of this file, but must be between 0 and 10000"
    ),
    ("gaussian --sigma 2xm oblong.tif", 2, "or lengths such as 0.5um"),
    ("gaussian --sigma -2um oblong.tif", 2, "or lengths such as 0.5um"),
    ("edge --sigma 1um,2um,3um oblong.tif", 2, "or lengths such as 0.5um"),
    ("median --radius 1um oblong.tif", 2, "--radius is '1um', but must be"),
  ])
  func what_cannot_be_is_said_in_a_line(line: String, status: Int32, says: String) throws {
    try write("plain.tif", [], nil)
    try write("oblong.tif", [Self.ome("PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.25\"")], nil)
    try write(
      "degrees.tif",
      [Self.numbers(33550, 12, [0.1, 0.1, 0]), Self.numbers(34735, 3, [UInt16(1), 1, 0, 1, 1024, 0, 1, 2])],
      .init(x: 72, y: 72, unit: .inch))
    let outcome = try run(line + (line.hasPrefix("blob") ? "" : " -o out.tif"))
    #expect(outcome.status == status && outcome.errors.contains(says), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
    let file = line.split(separator: " ").last!
    if status == 1 { #expect(outcome.errors.hasPrefix("imbrex: \(file): ")) }
  }

  @Test func blobs_are_told_in_the_unit_too() throws {
    try write("in.tif", [Self.ome("PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.5\"")], nil)
    let options = "--num-sigma 4 --threshold 0.02"
    let outcome = try run("blob-detect --min-sigma 1um --max-sigma 3um \(options) in.tif")
    let plain = try run("blob-detect --min-sigma 2 --max-sigma 6 \(options) in.tif")
    let rows = outcome.text.split(separator: "\n").map { $0.split(separator: ",") }
    let plainRows = plain.text.split(separator: "\n").map { $0.split(separator: ",") }
    #expect(rows[0].joined(separator: ",") == "y,x,sigma,radius,y_um,x_um,sigma_um,radius_um")
    #expect(rows.count > 5 && rows.map { Array($0[..<4]) } == plainRows.map(Array.init))
    for row in rows.dropFirst().map({ $0.map { Double($0)! } }) {
      for column in 0..<4 { #expect(abs(row[column + 4] - row[column] / 2) < 1e-9) }
    }
    #expect(
      try run("blob-detect --max-sigma 3000nm --min-sigma 2 \(options) in.tif --table json").text.contains(
        "\"radius_nm\""))
    // In parts, and with a drawing.
    let line = "blob-detect --min-sigma 1um --max-sigma 3um \(options) in.tif -o"
    #expect(try run("\(line) a.csv --overlay a.ppm").status == 0)
    try #require(run("job create job --parts 3 -- \(line) b.csv --overlay b.ppm").status == 0)
    #expect(try run("job run job").status == 0)
    #expect(try areSameFiles(folder.path("a.csv"), folder.path("b.csv")))
    #expect(try areSameFiles(folder.path("a.ppm"), folder.path("b.ppm")))
    #expect(try run("blob-detect --min-sigma 2 --max-sigma 6 \(options) in.tif --overlay c.ppm").status == 0)
    #expect(try areSameFiles(folder.path("a.ppm"), folder.path("c.ppm")))
  }

  @Test func lengths_vary_too() throws {
    try write("in.tif", [Self.ome("PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.5\"")], nil)
    #expect(try run("gaussian --sigma {s}um --vary s=0.5,1,2 in.tif -o {s}.pgm").status == 0)
    for (length, pixels) in [("0.5", "1"), ("1", "2"), ("2", "4")] {
      #expect(try run("gaussian --sigma \(pixels) in.tif -o alone.pgm").status == 0)
      #expect(try areSameFiles(folder.path("\(length).pgm"), folder.path("alone.pgm")))
    }
    let line = "blob-detect --min-sigma 1um --max-sigma 3um --num-sigma 2 --threshold {t} in.tif"
    #expect(try run("\(line) --vary t=0.02,0.05 -o {t}.csv").status == 0)
    let alone = try run(line.replacing("{t}", with: "0.05")).text
    #expect(try String(contentsOf: URL(fileURLWithPath: folder.path("0.05.csv")), encoding: .utf8) == alone)
  }

  @Test func info_shows_physical_sizes() throws {
    let size = "PhysicalSizeX=\"0.5\" PhysicalSizeY=\"0.25\" PhysicalSizeZ=\"1500\" PhysicalSizeZUnit=\"nm\""
    try write("in.tif", [Self.ome(size)], nil)
    #expect(
      try run("info --json in.tif").text.contains(
        "\"pixel_size\":[0.5,0.25],\"pixel_size_unit\":\"um\",\"slice_distance\":1.5"))
    let info = try run("info in.tif")
    #expect((info.text + info.errors).contains("pixel size:"))
  }
}
