import Foundation
import Imbrex
import TestSupport
import Testing

/// Metadata of a result say what is true of the result.
@Suite struct MetadataTruthTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  // MARK: - Files

  /// Filters a file, and reads what came out.
  private func result(_ line: String, _ input: String = "in.tif", _ output: String = "out.tif") throws -> Metadata {
    let words = (line + " \(input) -o \(output)").split(separator: " ").map(String.init)
    let outcome = try Program.run(words, folder: folder.url)
    try #require(outcome.status == 0, "\(line): \(outcome.errors)")
    return try ImageReader(path: folder.path(output)).metadata
  }

  /// Writes pages; items are the first one's, as programs have it, but for the resolution.
  private func write(
    _ items: [MetadataItem], pages: Int = 1, _ type: SampleType = .uint16, color: ColorModel = .gray,
    stored: StoredSamples? = nil, everywhere: [MetadataItem] = [], to name: String = "in.tif"
  ) throws {
    let picture = testPicture(
      ImageDescription(width: 48, height: 40, color: color, sampleType: type, stored: stored))
    var metadata = Metadata()
    metadata.resolution = .init(x: 40000, y: 40000, unit: .centimeter)
    metadata.items = items + everywhere
    let path = folder.path(name)
    let writer = try ImageWriter(
      to: OutputFile(path: path), format: ImageFormat(path: path)!, picture: picture.description, metadata: metadata)
    metadata.items = everywhere
    for page in 0..<pages {
      if page > 0 { try writer.startPage(picture.description, metadata: metadata) }
      try writer.write(picture.converted(to: writer.description))
    }
    try writer.finish()
  }

  private func text(_ tag: UInt32, _ text: String) -> MetadataItem {
    MetadataItem(kind: .tiff, tag: tag, type: 2, bytes: Array(text.utf8) + [0])
  }

  private func numbers(_ tag: UInt32, _ values: [Double]) -> MetadataItem {
    MetadataItem(kind: .tiff, tag: tag, type: 12, count: values.count, bytes: values.withUnsafeBytes { Array($0) })
  }

  private func chunk(_ name: String, _ bytes: [UInt8]) -> MetadataItem {
    MetadataItem(kind: .png, tag: name.utf8.reduce(0) { $0 << 8 | UInt32($1) }, bytes: bytes)
  }

  // MARK: - ImageJ

  private let hyperstack = """
    ImageJ=1.53t\nimages=20\nchannels=2\nslices=2\nframes=5\nhyperstack=true\nmode=composite\nunit=micron\nspacing=0.5\nfinterval=2.5\n\
    loop=false\nmin=7000.0\nmax=10000.0\n
    """

  @Test(arguments: [
    ("", ["images=20", "channels=2", "slices=2", "frames=5", "hyperstack=true", "mode=composite"]),
    ("--page 1", []), ("--page 4", []),
    ("--page 3-4", ["images=2", "channels=2", "hyperstack=true", "mode=composite"]),
    ("--page 5-8", ["images=4", "channels=2", "slices=2", "hyperstack=true", "mode=composite"]),
    ("--page 5-12", ["images=8", "channels=2", "slices=2", "frames=2", "hyperstack=true", "mode=composite"]),
    ("--page 2-6", ["images=5", "slices=5"]),
  ])
  func imagej_s_stack_is_that_of_the_pages(option: String, shape: [String]) throws {
    try write([text(270, hyperstack)], pages: 20)
    let metadata = try result("gaussian \(option)")
    let lines = metadata.description.split(separator: "\n").map(String.init)
    let scale = ["unit=micron", "spacing=0.5", "finterval=2.5", "loop=false", "min=7000.0", "max=10000.0"]
    #expect(lines == ["ImageJ=1.53t"] + shape + scale)
    #expect(metadata.resolution?.x == 40000)
  }

  @Test func imagej_s_range_goes_with_the_samples() throws {
    try write([text(270, "ImageJ=1.53t\nc0=1\nc1=2\nmin=6553.5\nmax=65535\n")])
    func lines(_ line: String) throws -> [String] {
      try result(line).description.split(separator: "\n").dropFirst().map(String.init)
    }
    #expect(try lines("gaussian") == ["c0=1", "c1=2", "min=6553.5", "max=65535"])
    #expect(try lines("median --preserve-range") == ["c0=1", "c1=2", "min=6553.5", "max=65535"])
    #expect(try lines("gaussian --float") == ["min=0.1", "max=1.0"])
    #expect(try lines("gaussian --bit-depth 8") == ["min=25.5", "max=255.0"])
    #expect(try lines("sobel").isEmpty)
    #expect(try lines("gaussian then edge").isEmpty)
  }

  @Test(arguments: [false, true]) func imagej_s_labels_are_those_of_the_pages(isBigEndian: Bool) throws {
    func number(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: isBigEndian ? value.bigEndian : value) { Array($0) } }
    func code(_ word: String) -> [UInt8] { isBigEndian ? Array(word.utf8) : word.utf8.reversed() }
    let header = code("IJIJ") + code("labl") + number(3) + code("rang") + number(1)
    let labels = ["aa", "bbbb", "cc"].map { Array($0.utf8) }, range = [UInt8](repeating: 1, count: 16)
    let sizes = [header.count, 2, 4, 2, 16].map { UInt32($0) }
    var metadata = Metadata()
    metadata.tiff.isBigEndian = isBigEndian
    metadata.items = [
      text(270, "ImageJ=1.53t\nimages=3\nslices=3\n"),
      MetadataItem(kind: .tiff, tag: 50838, type: 4, count: 5, bytes: sizes.withUnsafeBytes { Array($0) }),
      MetadataItem(kind: .tiff, tag: 50839, type: 1, bytes: header + labels.joined() + range),
    ]
    let page = testPicture(ImageDescription(width: 20, height: 10, color: .gray, sampleType: .uint8))
    try writePictures([page, page, page], to: folder.path("in.tif"), metadata: metadata)
    func extras(_ line: String) throws -> (sizes: [UInt32], bytes: [UInt8])? {
      let items = try result(line).items
      guard let counts = items.first(where: { $0.tag == 50838 }), let bytes = items.first(where: { $0.tag == 50839 })
      else { return nil }
      return (counts.bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt32.self)) }, bytes.bytes)
    }
    let all = try #require(try extras("gaussian"))
    #expect(all.sizes == sizes && all.bytes == header + labels.joined() + range)
    let some = try #require(try extras("gaussian --page 2-3"))
    // The range is of all channels, of which these pages are.
    let expected = code("IJIJ") + code("labl") + number(2) + code("rang") + number(1)
    #expect(some.sizes == [UInt32(expected.count), 4, 2, 16] && some.bytes == expected + labels[1] + labels[2] + range)
    metadata.items[0] = text(270, "ImageJ=1.53t\nimages=3\nchannels=3\nhyperstack=true\n")
    try writePictures([page, page, page], to: folder.path("in.tif"), metadata: metadata)
    let channels = try #require(try extras("gaussian --page 2-3"))
    let names = code("IJIJ") + code("labl") + number(2)
    #expect(channels.sizes == [UInt32(names.count), 4, 2] && channels.bytes == names + labels[1] + labels[2])
    // What is damaged is left out.
    metadata.items[2] = MetadataItem(kind: .tiff, tag: 50839, type: 1, bytes: metadata.items[2].bytes.dropLast(9))
    try writePictures([page, page, page], to: folder.path("in.tif"), metadata: metadata)
    #expect(try extras("gaussian") == nil)
  }

  // MARK: - OME

  private func ome(
    _ pixels: String = "", order: String = "XYCZT", data: String = "<TiffData IFD=\"0\" PlaneCount=\"20\"/>",
    root: String = ""
  ) -> String {
    let planes = (0..<20).map {
      "<Plane TheC=\"\($0 % 2)\" TheZ=\"\($0 / 2 % 2)\" TheT=\"\($0 / 4)\" DeltaT=\"\($0)\"/>"
    }
    return """
      <?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"\(root)>\
      <Image ID="Image:0" Name="a &lt; b"><Pixels ID="Pixels:0" DimensionOrder="\(order)" Type="uint16" SizeX="48" SizeY="40" \
      SizeC="2" SizeZ="2" SizeT="5" SignificantBits="14" PhysicalSizeX="0.25" PhysicalSizeXUnit="µm" PhysicalSizeY="0.5">\
      <Channel ID="Channel:0:0" Name="DAPI" SamplesPerPixel="1"/><Channel ID="Channel:0:1" Name="GFP" SamplesPerPixel="1"/>\
      \(data)\(planes.joined())</Pixels></Image></OME>
      """
  }

  private func check(_ metadata: Metadata, has parts: [String], hasNot others: [String] = [], _ line: String) {
    let xml = metadata.description
    for part in parts + ["PhysicalSizeX=\"0.25\"", "a &lt; b"] {
      #expect(xml.contains(part), "\(line): \(part) in \(xml)")
    }
    for part in others { #expect(!xml.contains(part), "\(line): \(part) in \(xml)") }
  }

  @Test func ome_xml_is_that_of_the_pages() throws {
    try write([text(270, ome())], pages: 20)
    // Nothing has changed: byte for byte.
    #expect(try result("gaussian").description == ome())
    for (option, sizes, count, parts, others) in [
      (
        "--page 1", (1, 1, 1), 1, ["DAPI", "TheC=\"0\" TheZ=\"0\" TheT=\"0\" DeltaT=\"0\""], ["GFP", "DeltaT=\"1\""]
      ),
      ("--page 4", (1, 1, 1), 1, ["GFP", "TheC=\"0\" TheZ=\"0\" TheT=\"0\" DeltaT=\"3\""], ["DAPI", "DeltaT=\"0\""]),
      ("--page 3-4", (2, 1, 1), 2, ["DAPI", "GFP", "DeltaT=\"2\""], ["DeltaT=\"1\""]),
      ("--page 9-16", (2, 2, 2), 8, ["TheT=\"1\" DeltaT=\"15\""], ["DeltaT=\"16\"", "DeltaT=\"1\""]),
      // No block of channels, depths and times: a stack.
      ("--page 2-6", (1, 5, 1), 5, [], ["DAPI", "GFP", "<Plane"]),
    ] as [(String, (Int, Int, Int), Int, [String], [String])] {
      let metadata = try result("gaussian \(option)")
      let size = "SizeC=\"\(sizes.0)\" SizeZ=\"\(sizes.1)\" SizeT=\"\(sizes.2)\""
      check(
        metadata, has: [size, "<TiffData IFD=\"0\" PlaneCount=\"\(count)\"/>", "SizeX=\"48\" SizeY=\"40\""] + parts,
        hasNot: others, option)
      #expect(metadata.resolution?.x == 40000)
    }
  }

  @Test func ome_xml_is_that_of_the_samples() throws {
    try write([text(270, ome())], pages: 20)
    check(try result("gaussian --float"), has: ["Type=\"float\""], hasNot: ["SignificantBits"], "float")
    check(try result("gaussian --preserve-range"), has: ["Type=\"float\""], hasNot: ["SignificantBits"], "range")
    check(try result("gaussian --bit-depth 8"), has: ["Type=\"uint8\""], hasNot: ["SignificantBits"], "8")
    check(try result("edge --page 3-4"), has: ["Type=\"uint8\"", "SizeC=\"2\" SizeZ=\"1\""], "edge")
    check(try result("gaussian --region 20x10+3+4"), has: ["SizeX=\"20\" SizeY=\"10\"", "SignificantBits"], "region")
    // Colour becomes one channel.
    let rgb = ome(data: "<TiffData/>").replacing("SizeC=\"2\"", with: "SizeC=\"3\"")
      .replacing("SamplesPerPixel=\"1\"", with: "SamplesPerPixel=\"3\"")
      .replacing(/<Channel[^>]*GFP[^>]*>/, with: "").replacing(/<Plane[^>]*>/, with: "")
    try write([text(270, rgb)], pages: 10, color: .rgb)
    check(
      try result("gaussian"),
      has: ["SizeC=\"3\" SizeZ=\"2\" SizeT=\"5\"", "SamplesPerPixel=\"3\"", "PlaneCount=\"10\""], "rgb")
    check(try result("sobel"), has: ["SizeC=\"1\" SizeZ=\"2\" SizeT=\"5\"", "SamplesPerPixel=\"1\""], "sobel")
    check(
      try result("gaussian --page 3"),
      has: ["SizeC=\"3\" SizeZ=\"1\" SizeT=\"1\"", "SamplesPerPixel=\"3\"", "PlaneCount=\"1\""],
      "page of rgb")
  }

  /// Planes in any order, with the names of files: those are the input's, and pixels would be taken from there.
  @Test func ome_xml_names_no_other_file() throws {
    let uuid = "urn:uuid:11111111-2222-3333-4444-555555555555"
    let data = (0..<20).map { page in
      let place = 19 - page
      return """
        <TiffData FirstC="\(place % 2)" FirstZ="\(place / 2 % 2)" FirstT="\(place / 4)" IFD="\(page)" PlaneCount="1">\
        <UUID FileName="in.tif">\(uuid)</UUID></TiffData>
        """
    }
    try write([text(270, ome(data: data.joined(), root: " UUID=\"\(uuid)\""))], pages: 20)
    let all = try result("gaussian")
    check(
      all, has: ["FirstC=\"1\" FirstZ=\"1\" FirstT=\"4\" IFD=\"0\""], hasNot: ["UUID", "in.tif"], "all")
    let part = try result("gaussian --page 2-3")
    // Page 2 is plane 18 (C 0, Z 1, T 4), page 3 is plane 17 (C 1, Z 0, T 4): no block.
    check(part, has: ["SizeC=\"1\" SizeZ=\"2\" SizeT=\"1\"", "IFD=\"0\" PlaneCount=\"2\""], hasNot: ["UUID"], "2-3")
    // Of another file's planes nothing is said.
    let other = data[0...9].joined() + data[10...].joined().replacing(uuid, with: "urn:uuid:other")
    try write([text(270, ome(data: other, root: " UUID=\"\(uuid)\""))], pages: 20)
    check(
      try result("gaussian --page 1-4"), has: ["SizeC=\"2\" SizeZ=\"2\" SizeT=\"1\""], hasNot: ["UUID"], "two files")
  }

  @Test(arguments: [
    "<OME", "<Plane", "]]", "<TiffData IFD=\"0\"", "SizeC=\"2\"", "</Image>", "DimensionOrder=\"XYCZT\"", "\" ", "µm\"",
  ])
  func ome_xml_that_cannot_be_understood_is_left_out(spoilt: String) throws {
    for replacement in ["", "<", "&", "SizeC=\"99999999999\" IFD=\"-3\"", "SizeC=\"0\" IFD=\"7\"", "<!DOCTYPE a>"] {
      let xml = ome().replacing(spoilt, with: replacement, maxReplacements: 1)
      try write([text(270, xml)], pages: 20)
      for option in ["", "--page 3-4", "--float"] {
        // Whole or absent, and no crash.
        let text = try result("gaussian \(option)").description
        #expect(text.isEmpty || text.hasSuffix("</OME>") || text == xml, "\(option) \(spoilt) \(replacement): \(text)")
      }
    }
  }

  // MARK: - GDAL

  @Test func statistics_go_and_nodata_is_in_the_new_units() throws {
    let items = """
      <GDALMetadata>\n  <Item name="STATISTICS_MAXIMUM" sample="0">9</Item>\n  <Item name="AREA_OR_POINT">Area</Item>\n  \
      <Item name="SCALE" sample="0" role="scale">0.5</Item>\n  <Item name="STATISTICS_MEAN" sample="0">3</Item>\n</GDALMetadata>
      """
    try write([text(42112, items), text(42113, "13107")])
    for (line, scale, nodata) in [
      ("gaussian", "0.5", "13107"), ("median --preserve-range", "0.5", "13107"), ("median --float", "32767.5", "0.2"),
      ("gaussian --bit-depth 8", "128.5", "51"), ("sobel", nil, "13107"), ("edge", nil, nil),
      ("sobel --nodata none", nil, nil), ("gaussian --nodata none", "0.5", "13107"),
      ("gaussian --nodata 7", "0.5", "7"),
    ] as [(String, String?, String?)] {
      let metadata = try result(line)
      let kept = try #require(metadata.text(42112))
      #expect(!kept.contains("STATISTICS") && kept.contains("AREA_OR_POINT"), "\(line): \(kept)")
      #expect(kept.contains("role=\"scale\"") == (scale != nil))
      if let scale { #expect(kept.contains(">\(scale)<"), "\(line): \(kept)") }
      #expect(metadata.text(42113) == nodata, "\(line)")
    }
    // What no sample can be.
    try write([text(42113, "nan"), text(42112, "<GDALMetadata><Item")], .float32)
    #expect(try result("gaussian").text(42113) == "nan")
    #expect(try result("gaussian --bit-depth 16").text(42113) == nil)
    #expect(try result("gaussian").text(42112) == nil)
    try write([text(42112, "<GDALMetadata><Item name=\"STATISTICS_MEAN\">3</Item></GDALMetadata>")])
    #expect(try result("gaussian").text(42112) == nil)
  }

  @Test func least_and_greatest_values_go() throws {
    let item = MetadataItem(kind: .tiff, tag: 340, type: 3, count: 1, bytes: [1, 0])
    try write([item, MetadataItem(kind: .tiff, tag: 281, type: 3, count: 1, bytes: [1, 0])])
    #expect(try result("gaussian").items.isEmpty)
  }

  @Test func a_region_lies_where_it_lay() throws {
    let tiepoint = [0, 0, 0, 500000, 4_000_000, 0.0],
      matrix: [Double] = [10, 1, 0, 5, 2, -10, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1]
    try write([numbers(33922, tiepoint), numbers(33550, [10, 10, 0]), numbers(34264, matrix)])
    #expect(try result("gaussian").numbers(33922) == tiepoint)
    let part = try result("gaussian --region 10x8+5+6")
    #expect(part.numbers(33922) == [-5, -6, 0, 500000, 4_000_000, 0] && part.numbers(33550) == [10, 10, 0])
    var moved = matrix
    moved[3] = 5 + 10 * 5 + 1 * 6
    moved[7] = 6 + 2 * 5 - 10 * 6
    #expect(part.numbers(34264) == moved)
  }

  // MARK: - What is of the file

  @Test func software_and_times_of_change_go() throws {
    try write([
      text(305, "Camera 1.0"), text(306, "2020:01:01 00:00:00"), text(271, "Maker"), text(315, "me"),
    ])
    #expect(Set(try result("gaussian").items.map(\.tag)) == [271, 315])
    try write(
      [
        chunk("tIME", [7, 228, 1, 2, 3, 4, 5]), chunk("tEXt", Array("Software\0Cam".utf8)),
        chunk("tEXt", Array("Creation Time\0then".utf8)), chunk("tEXt", Array("Author\0me".utf8)),
      ], to: "in.png")
    let texts = try result("gaussian", "in.png", "out.png").items.map { String(decoding: $0.bytes, as: UTF8.self) }
    #expect(texts == ["Creation Time\0then", "Author\0me"])
  }

  @Test func page_numbers_are_those_of_the_output() throws {
    let numbers: [UInt16] = [3, 9]
    let item = MetadataItem(kind: .tiff, tag: 297, type: 3, count: 2, bytes: numbers.withUnsafeBytes { Array($0) })
    try write([], pages: 3, everywhere: [item])
    _ = try result("gaussian --page 2-3")
    let reader = try ImageReader(path: folder.path("out.tif"))
    #expect(reader.metadata.items.map(\.bytes) == [[0, 0, 2, 0]])
    #expect(try reader.nextPage() && reader.metadata.items.map(\.bytes) == [[1, 0, 2, 0]])
    #expect(try result("gaussian --page 2").items.isEmpty)
  }

  @Test func strip_strips_what_stands_behind_the_picture_too() throws {
    try write([], to: "plain.png")
    var file = try Data(contentsOf: URL(fileURLWithPath: folder.path("plain.png")))
    // "Author" with its checksum, before the end.
    let late: [UInt8] = [0, 0, 0, 9] + Array("tEXtAuthor\0me".utf8) + [0x06, 0x20, 0x70, 0xFA]
    file.insert(contentsOf: late, at: file.count - 12)
    try file.write(to: URL(fileURLWithPath: folder.path("in.png")))
    for (option, isKept) in [("", true), ("--strip", false)] {
      _ = try result("gaussian \(option)", "in.png", "out.png")
      let made = try Data(contentsOf: URL(fileURLWithPath: folder.path("out.png")))
      #expect((made.range(of: Data("Author".utf8)) != nil) == isKept)
    }
  }

  // MARK: - Pictures within

  /// A little-endian payload with a thumbnail, and a maker's note that has a preview.
  private func exif() -> [UInt8] {
    func number(_ value: Int, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    func entry(_ tag: Int, _ type: Int, _ count: Int, _ value: Int) -> [UInt8] {
      number(tag, 2) + number(type, 2) + number(count, 4) + number(value, 4)
    }
    let maker = Array("Maker\0".utf8), software = Array("Camera 1.0\0\0".utf8),
      date = Array("2020:01:01 00:00:00\0".utf8)
    let note = Array("NOTE".utf8) + preview + Array("REST".utf8)
    let data = 8 + 2 + 4 * 12 + 4, exif = data + maker.count + software.count + date.count
    let exifData = exif + 2 + 4 * 12 + 4, second = exifData + date.count + note.count
    let thumbnail = second + 2 + 2 * 12 + 4
    var bytes = Array("II*\0".utf8) + number(8, 4) + number(4, 2)
    bytes += entry(271, 2, 6, data) + entry(305, 2, 11, data + 6) + entry(306, 2, 20, data + 18)
    bytes += entry(34665, 4, 1, exif) + number(second, 4) + maker + software + date
    bytes += number(4, 2) + entry(36867, 2, 20, exifData) + entry(37500, 7, note.count, exifData + 20)
    bytes += entry(40962, 3, 1, 48) + entry(40963, 3, 1, 40) + number(0, 4) + date + note
    bytes += number(2, 2) + entry(513, 4, 1, thumbnail) + entry(514, 4, 1, preview.count) + number(0, 4) + preview
    return bytes
  }

  private let preview: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0] + [UInt8](repeating: 0x55, count: 40) + [0xFF, 0xD9]
  private var secret: Data { Data(preview[4..<20]) }

  @Test(arguments: ["jpg", "png", "tif"]) func no_thumbnail_shows_the_picture_as_it_was(name: String) throws {
    try write([MetadataItem(kind: .exif, bytes: exif())], .uint8, to: "in.jpg")
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path("in.jpg"))).range(of: secret) != nil)
    let metadata = try result("gaussian --sigma 40 --region 20x10+1+1", "in.jpg", "out.\(name)")
    let file = try Data(contentsOf: URL(fileURLWithPath: folder.path("out.\(name)")))
    #expect(file.range(of: secret) == nil && file.range(of: Data("Camera 1.0".utf8)) == nil)
    for kept in ["Maker", "2020:01:01 00:00:00", "NOTE", "REST"] {
      #expect(file.range(of: Data(kept.utf8)) != nil, "\(kept)")
    }
    #expect(file.ranges(of: Data("2020:01:01 00:00:00".utf8)).count == 1)
    if name == "tif" {
      #expect(metadata.items.first { $0.tag == 40962 }?.bytes == [20, 0])
    } else {
      let payload = try #require(metadata.items.first { $0.kind == .exif }?.bytes)
      #expect(payload.count < exif().count - preview.count)
    }
  }

  /// Whatever bytes there are, nothing breaks.
  @Test func damaged_exif_does_no_harm() throws {
    var noise = Noise(seed: 9)
    for _ in 0..<60 {
      var bytes = exif()
      for _ in 0..<Int.random(in: 1...6, using: &noise) {
        bytes[Int.random(in: 8..<bytes.count, using: &noise)] = UInt8.random(in: 0...255, using: &noise)
      }
      if Bool.random(using: &noise) { bytes.removeLast(Int.random(in: 0..<bytes.count - 20, using: &noise)) }
      try write([MetadataItem(kind: .exif, bytes: bytes)], .uint8, to: "in.jpg")
      _ = try result("gaussian", "in.jpg", "out.png")
    }
  }

  @Test func photoshop_s_thumbnails_and_layers_go() throws {
    func block(_ id: UInt8, _ text: String) -> [UInt8] {
      Array("8BIM".utf8) + [4, id, 0, 0, 0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8)
        + [UInt8](repeating: 0, count: text.utf8.count % 2)
    }
    let kept = block(4, "caption") + block(37, "digest"),
      all = block(4, "caption") + block(12, "thumbnail") + block(37, "digest")
    try write([
      MetadataItem(kind: .tiff, tag: 34377, type: 7, bytes: all),
      MetadataItem(kind: .tiff, tag: 37724, type: 7, bytes: Array("Adobe Photoshop Document Data Block\0layers".utf8)),
    ])
    #expect(try result("gaussian").items.map(\.bytes) == [kept])
    let signature = Array("Photoshop 3.0\0".utf8)
    try write([MetadataItem(kind: .jpeg, tag: 0xED, bytes: signature + all)], .uint8, to: "in.jpg")
    #expect(try result("gaussian", "in.jpg", "out.jpg").items.map(\.bytes) == [signature + kept])
  }

  @Test func xmp_s_thumbnails_go() throws {
    let packet = """
      <?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description \
      xmp:ModifyDate="2020" xmp:Rating="5"><xmp:Thumbnails><rdf:Alt><rdf:li><xmpGImg:image>SECRET</xmpGImg:image></rdf:li></rdf:Alt>\
      </xmp:Thumbnails><dc:title>a &amp; b</dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>
      """
    let expected = packet.replacing(" xmp:ModifyDate=\"2020\"", with: "")
      .replacing(/<xmp:Thumbnails>.*<\/xmp:Thumbnails>/, with: "")
    for name in ["jpg", "png", "tif"] {
      try write([MetadataItem(kind: .xmp, bytes: Array(packet.utf8))], .uint8, to: "in.\(name)")
      let item = try #require(try result("gaussian", "in.\(name)", "out.\(name)").items.first)
      #expect(String(decoding: item.bytes, as: UTF8.self) == expected, "\(name)")
    }
    // What cannot be read is left out; what has nothing to hide is left alone.
    try write([MetadataItem(kind: .xmp, bytes: Array(packet.utf8.dropLast(60)))], .uint8, to: "in.jpg")
    #expect(try result("gaussian", "in.jpg", "out.jpg").items.isEmpty)
    try write([MetadataItem(kind: .xmp, bytes: Array("no XML at all <".utf8))], .uint8, to: "in.jpg")
    #expect(try result("gaussian", "in.jpg", "out.jpg").items.count == 1)
  }

  // MARK: - Provenance

  @Test func provenance_is_written_when_asked_for() throws {
    try write([], .uint8, to: "in.png")
    let made = "imbrex \(version): gaussian --sigma 2 then median"
    func software(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }
    for name in ["out.png", "out.jpg", "out.tif", "out.ppm", "out.pam"] {
      _ = try result("gaussian --sigma 2 then median", "in.png", name)
      #expect(try software(name).range(of: Data("imbrex ".utf8)) == nil, "\(name)")
      _ = try result("gaussian --sigma 2 then median --provenance", "in.png", name)
      #expect(try software(name).range(of: Data(made.utf8)) != nil, "\(name)")
      // It is there once more with what comes next, and goes without.
      if name.hasSuffix("m") { continue }
      _ = try result("median --provenance --strip", name, "next.tif")
      _ = try result("median --provenance", name, "next.png")
      #expect(try software("next.png").range(of: Data("\(made); imbrex \(version): median".utf8)) != nil, "\(name)")
      _ = try result("median", name, "next.png")
      #expect(try software("next.png").range(of: Data("imbrex ".utf8)) == nil, "\(name)")
    }
    // Directories are nobody's concern.
    _ = try result("sobel --mask \(folder.path("in.png")) --provenance", "in.png", "out.tif")
    #expect(try software("out.tif").range(of: Data(": sobel --mask in.png\0".utf8)) != nil)
  }
}

extension Metadata {
  fileprivate func text(_ tag: UInt32) -> String? {
    items.first { $0.kind == .tiff && $0.tag == tag }.map {
      String(decoding: $0.bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  fileprivate var description: String { text(270) ?? "" }

  fileprivate func numbers(_ tag: UInt32) -> [Double]? {
    items.first { $0.kind == .tiff && $0.tag == tag }.map { item in
      item.bytes.withUnsafeBytes { raw in
        (0..<item.count).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
      }
    }
  }
}
