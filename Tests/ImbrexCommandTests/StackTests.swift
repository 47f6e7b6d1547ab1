import Foundation
import Imbrex
import TestSupport
import Testing

/// Pages of stacks by their places: in `--page`, in names, in tables of blobs.
@Suite struct StackTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private static let imageJ = "ImageJ=1.53k\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n"
  /// The third of its axes changes fastest: Z.
  private static let ome =
    "<?xml version=\"1.0\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\"><Image ID=\"Image:0\">"
    + "<Pixels ID=\"Pixels:0\" DimensionOrder=\"XYZCT\" Type=\"uint8\" SizeX=\"40\" SizeY=\"30\" SizeZ=\"3\" SizeC=\"2\" "
    + "SizeT=\"2\"><Channel ID=\"Channel:0:0\" SamplesPerPixel=\"1\"/><Channel ID=\"Channel:0:1\" SamplesPerPixel=\"1\"/>"
    + "<TiffData IFD=\"0\" PlaneCount=\"12\"/></Pixels></Image></OME>"

  private func write(_ description: String, _ name: String = "in.tif") throws {
    var metadata = Metadata()
    metadata.items = [MetadataItem(kind: .tiff, tag: 270, type: 2, bytes: Array(description.utf8) + [0])]
    let page = ImageDescription(width: 40, height: 30, color: .gray, sampleType: .uint8)
    try writePictures((0..<12).map { testPicture(page, seed: $0) }, to: folder.path(name), metadata: metadata)
  }

  /// The pages of the input that those of a file are.
  private func pages(_ name: String, of input: String = "in.tif") throws -> [Int] {
    let all = try readPictures(folder.path(input))
    return try readPictures(folder.path(name)).map { page in all.firstIndex { $0.hasSameBytes(as: page) }! + 1 }
  }

  private func description(_ name: String) throws -> String {
    let item = try ImageReader(path: folder.path(name)).metadata.items.first { $0.kind == .tiff && $0.tag == 270 }
    return String(decoding: try #require(item).bytes, as: UTF8.self)
  }

  @Test func pages_are_chosen_by_their_places() throws {
    try write(Self.imageJ)
    let expected: [(String, [Int])] = [
      ("c=1", [1, 3, 5, 7, 9, 11]), ("c=2,z=2-3", [4, 6, 10, 12]), ("t=2", [7, 8, 9, 10, 11, 12]), ("z=1,t=1,c=2", [2]),
      ("3-5", [3, 4, 5]),
    ]
    for (places, numbers) in expected {
      let outcome = try run("median --size 1x1 --page \(places) in.tif -o out.tif")
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(try pages("out.tif") == numbers)
    }
    #expect(try run("median --size 1x1 --page c=2,z=2-3 in.tif -o out.tif").status == 0)
    let text = try description("out.tif")
    #expect(text.contains("images=4\n") && text.contains("slices=2\n") && text.contains("frames=2\n"))
    #expect(!text.contains("channels="))
    #expect(try run("info --json out.tif").text.contains("\"axes\":\"TZYX\""))
  }

  @Test func of_ome_likewise() throws {
    try write(Self.ome)
    #expect(try run("median --size 1x1 --page c=2,z=2-3 in.tif -o out.tif").status == 0)
    #expect(try pages("out.tif") == [5, 6, 11, 12])
    let text = try description("out.tif")
    #expect(text.contains("SizeZ=\"2\"") && text.contains("SizeC=\"1\"") && text.contains("SizeT=\"2\""))
    #expect(text.contains("IFD=\"0\" PlaneCount=\"4\""))
    #expect(try run("info --json out.tif").text.contains("\"axes\":\"TZYX\",\"shape\":[2,2,30,40]"))
  }

  /// Pages may be in another order than that of the axes: their TiffData tell.
  @Test func of_ome_each_page_is_the_plane_that_is_told() throws {
    let data = (0..<12).map { page in
      let (z, c, t) = (page / 4, page / 2 % 2, page % 2)
      return "<TiffData FirstZ=\"\(z)\" FirstC=\"\(c)\" FirstT=\"\(t)\" IFD=\"\(page)\" PlaneCount=\"1\"/>"
    }
    try write(Self.ome.replacing("<TiffData IFD=\"0\" PlaneCount=\"12\"/>", with: data.joined()))
    #expect(try run("median --size 1x1 --page c=2,z=2-3 in.tif -o out.tif").status == 0)
    #expect(try pages("out.tif") == [7, 8, 11, 12])
  }

  @Test func places_are_in_names() throws {
    try write(Self.imageJ)
    #expect(try run("median --size 1x1 in.tif -o out/ --name {stem}-t{t}-z{z:2}-c{c}.{ext}").status == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path("out"))
    #expect(names.count == 12)
    #expect(try pages("out/in-t2-z03-c1.tif") == [11])
    #expect(try run("median --size 1x1 in.tif -o c2/ --page c=2 --name {t}{z}.tif").status == 0)
    #expect(try pages("c2/13.tif") == [6])
    // Of two pages with one name the second is refused.
    let outcome = try run("median in.tif -o z/ --name {stem}{z}.tif")
    #expect(outcome.status != 0 && outcome.errors.contains("where page 1 has been written"), "\(outcome.errors)")
  }

  @Test func tables_of_blobs_have_places() throws {
    try write(Self.imageJ)
    let line = "blob-detect --max-sigma 4 --num-sigma 2 --threshold 0.02"
    let rows = try run("\(line) in.tif").text.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    #expect(rows[0] == ["page", "z", "c", "t", "y", "x", "sigma", "radius"])
    for row in rows.dropFirst() {
      let numbers = row[..<4].map { Int($0)! }
      #expect(numbers[0] == (numbers[3] - 1) * 6 + (numbers[1] - 1) * 2 + numbers[2])
    }
    let chosen = try run("\(line) --page c=2 in.tif").text.split(separator: "\n").dropFirst()
    #expect(chosen.map { $0.split(separator: ",")[2] }.allSatisfy { $0 == "2" })
    #expect(Array(chosen) == rows.dropFirst().filter { $0[2] == "2" }.map { $0.joined(separator: ",") }.map { $0[...] })
    try #require(run("job create job --parts 2 -- \(line) in.tif -o job.csv").status == 0)
    #expect(try run("job run job").status == 0)
    let table = try String(contentsOf: URL(fileURLWithPath: folder.path("job.csv")), encoding: .utf8)
    #expect(table.split(separator: "\n").map(String.init) == rows.map { $0.joined(separator: ",") })
  }

  @Test func places_are_known_where_options_vary() throws {
    try write(Self.imageJ)
    #expect(try run("gaussian --sigma {s} --vary s=0,1 --page c=2 in.tif -o {s}.tif").status == 0)
    #expect(try pages("0.tif") == [2, 4, 6, 8, 10, 12])
    #expect(try run("gaussian --sigma 1 --page c=2 in.tif -o alone.tif").status == 0)
    #expect(try areSameFiles(folder.path("1.tif"), folder.path("alone.tif")))
    let line = "blob-detect --max-sigma 4 --num-sigma 2 --threshold {t} in.tif"
    #expect(try run("\(line) --vary t=0.02,0.05 -o {t}.csv").status == 0)
    let alone = try run(line.replacing("{t}", with: "0.05")).text
    #expect(try String(contentsOf: URL(fileURLWithPath: folder.path("0.05.csv")), encoding: .utf8) == alone)
  }

  @Test(arguments: [
    ("median --page c=3 in.tif -o out.tif", 1, "there is no c=3: it has 2"),
    ("median --page c=1 plain.tif -o out.tif", 1, "--page is c=1, but nothing in the file says which c a page is"),
    ("median plain.tif -o out/ --name {z}.tif", 1, "--name has {z}, but nothing in the file says which z a page is"),
    (
      "median --page c=1,c=2 in.tif -o out.tif", 2,
      "--page is 'c=1,c=2', but must be a page from 1, a range such as 2-5, or places in a stack such as c=1,z=3-9"
    ),
    ("median --page x=1 in.tif -o out.tif", 2, "--page is 'x=1'"),
    ("median --page c=0 in.tif -o out.tif", 2, "--page is 'c=0'"),
    (
      "job create job --parts 2 -- median --page c=1 in.tif -o out.tif", 2,
      "--page must be N or N-M with a job: pages in a row"
    ),
  ])
  func what_cannot_be_is_said_in_a_line(line: String, status: Int32, says: String) throws {
    try write(Self.imageJ)
    try write("no axes", "plain.tif")
    let outcome = try run(line)
    #expect(outcome.status == status && outcome.errors.contains(says), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1)
  }
}
