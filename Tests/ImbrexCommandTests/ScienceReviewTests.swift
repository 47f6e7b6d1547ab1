import Foundation
import Imbrex
import TestSupport
import Testing

/// What files of science say, where several such things meet: masks and regions and levels, stacks and their channels, units
/// as XML has them.
@Suite struct ScienceReviewTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func succeed(_ line: String) throws {
    let outcome = try run(line)
    try #require(outcome.status == 0 && outcome.errors.isEmpty, "\(line): \(outcome.errors)")
  }

  private func write(_ fixture: String) throws {
    let found = try #require(LevelFixture.all.first { $0.name == fixture })
    try found.file.write(to: URL(fileURLWithPath: folder.path("in.tif")))
  }

  private func description(_ text: String) -> MetadataItem {
    MetadataItem(kind: .tiff, tag: 270, type: 2, bytes: Array(text.utf8) + [0])
  }

  private func walk(_ name: String) throws -> TIFFWalk { try TIFFWalk(path: folder.path(name)) }

  /// One of a file's directories as a picture of its own; a mask's is bytes of 0 and 255.
  private func picture(_ walk: TIFFWalk, at offset: Int) throws -> Picture {
    let path = folder.path("part-\(UUID().uuidString).tif")
    try Data(walk.beginning(at: offset)).write(to: URL(fileURLWithPath: path))
    return try Picture(reading: ImageReader(path: path))
  }

  // MARK: - Masks

  private static func isMask(_ directory: TIFFWalk.Directory) -> Bool { directory.subfile & 4 != 0 }

  private func mask(_ name: String) throws -> Mask {
    try #require(try ImageReader(path: folder.path(name)).description.validity.masks.first)
  }

  private func isSame(_ a: Mask, _ b: Mask) -> Bool {
    guard a.width == b.width && a.height == b.height else { return false }
    return (0..<a.height).allSatisfy { y in
      (0..<a.width).allSatisfy { a.contains(x: $0, y: y) == b.contains(x: $0, y: y) }
    }
  }

  /// They were left out with a warning.
  @Test(arguments: ["cloud optimized, mask", "overviews, mask"])
  func a_mask_is_cut_as_its_picture_is(fixture: String) throws {
    try write(fixture)
    let own = try mask("in.tif")
    let region = Region(x: own.width / 3, y: own.height / 4, width: own.width / 2 + 1, height: own.height / 2 + 1)
    let option = "--region \(region.width)x\(region.height)+\(region.x)+\(region.y)"
    try succeed("gaussian --sigma 2 in.tif -o out.tif \(option)")
    let chain = try walk("out.tif").chain, masks = chain.filter(Self.isMask), levels = chain.filter { $0.subfile == 1 }
    #expect(masks.count == levels.count + 1 && masks[0].size == [region.width, region.height])
    for level in levels { #expect(masks.contains { $0.size == level.size && $0.subfile == 5 }) }
    #expect(isSame(try mask("out.tif"), try own.cropped(to: region)))
    #expect(try run("info out.tif").text.contains("mask:             yes"))
    try succeed("gaussian --sigma 2 in.tif -o again.tif --tile 9x9 -j3 \(option)")
    let files = try ["out.tif", "again.tif"].map { try Data(contentsOf: URL(fileURLWithPath: folder.path($0))) }
    #expect(files[0] == files[1])
  }

  /// Likewise.
  @Test(arguments: 2...8) func a_mask_is_turned_as_its_picture_is(orientation: Int) throws {
    try write("overviews, mask")
    try setOrientation(orientation, of: "in.tif")
    let own = try mask("in.tif")
    try succeed("median --auto-orient --levels 2 in.tif -o out.tif")
    #expect(isSame(try mask("out.tif"), try own.turned(orientation)))
    #expect(try walk("out.tif").chain.count(where: Self.isMask) == 3)
  }

  /// Writes the orientation into the first directory, in the place of a tag that says nothing.
  private func setOrientation(_ orientation: Int, of name: String) throws {
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path(name))))
    let first = try walk(name).first, count = Int(bytes[first]) | Int(bytes[first + 1]) << 8
    for entry in 0..<count {
      let at = first + 2 + 12 * entry
      // PlanarConfiguration, 1 anyway.
      guard bytes[at] == 0x1C && bytes[at + 1] == 0x01 else { continue }
      bytes.replaceSubrange(at..<(at + 12), with: [0x12, 0x01, 3, 0, 1, 0, 0, 0, UInt8(orientation), 0, 0, 0])
    }
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path(name)))
  }

  @Test func half_a_mask_is_what_most_pixels_are() throws {
    var noise = Noise(seed: 4)
    for (width, height) in [(1, 1), (2, 3), (63, 5), (64, 4), (65, 7), (129, 2), (200, 33)] {
      let picture = try Picture(ImageDescription(width: width, height: height, color: .gray, sampleType: .uint8))
      for y in 0..<height {
        for x in 0..<width { picture.row(y).assumingMemoryBound(to: UInt8.self)[x] = UInt8(noise.next() & 1) }
      }
      try writePictures([picture], to: folder.path("mask.tif"))
      let mask = try Mask(reading: ImageReader(path: folder.path("mask.tif"))), half = try mask.halved()
      #expect(half.width == (width + 1) / 2 && half.height == (height + 1) / 2)
      for y in 0..<half.height {
        for x in 0..<half.width {
          let four = [(0, 0), (0, 1), (1, 0), (1, 1)].count { dy, dx in
            mask.contains(x: min(2 * x + dx, width - 1), y: min(2 * y + dy, height - 1))
          }
          #expect(half.contains(x: x, y: y) == (four >= 2), "\(width) × \(height) at \(x), \(y)")
        }
      }
      let region = Region(x: width / 3, y: height / 2, width: width - width / 3, height: height - height / 2)
      let part = try mask.cropped(to: region)
      for y in 0..<region.height {
        for x in 0..<region.width {
          #expect(part.contains(x: x, y: y) == mask.contains(x: region.x + x, y: region.y + y))
        }
      }
    }
  }

  /// Levels were means of what does not count, too.
  @Test func what_a_mask_leaves_out_is_not_in_the_levels() throws {
    try write("overviews, mask")
    let own = try mask("in.tif")
    let region = "\(own.width - 1)x\(own.height - 1)+1+1"
    try succeed("median --radius 0 in.tif -o out.tif --levels 1 --compression deflate --region \(region)")
    let result = try walk("out.tif"), chain = result.chain
    let page = try picture(result, at: chain[0].offset)
    let level = try picture(result, at: chain.first { $0.subfile == 1 }!.offset)
    let mask = try mask("out.tif")
    let width = page.description.width, height = page.description.height, channels = page.description.channels
    var mixed = 0
    for y in 0..<level.description.height {
      for x in 0..<level.description.width {
        let four = [(0, 0), (0, 1), (1, 0), (1, 1)].map {
          (min(2 * y + $0.0, height - 1), min(2 * x + $0.1, width - 1))
        }
        let counting = four.filter { mask.contains(x: $0.1, y: $0.0) }
        guard !counting.isEmpty else { continue }
        mixed += counting.count < 4 ? 1 : 0
        for c in 0..<channels {
          let sum = counting.reduce(0) { sum, place in
            sum + Int(page.row(place.0).assumingMemoryBound(to: UInt8.self)[place.1 * channels + c])
          }
          let mean = (2 * sum + counting.count) / (2 * counting.count)
          #expect(Int(level.row(y).assumingMemoryBound(to: UInt8.self)[x * channels + c]) == mean, "\(x), \(y)")
        }
      }
    }
    #expect(mixed > 10)
  }

  // MARK: - Stacks

  /// ImageJ's extras: two doubles and a colour table for each of so many channels.
  private func extras(channels: Int) -> [MetadataItem] {
    func word(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    let ranges = (0..<(2 * channels)).flatMap { number in
      withUnsafeBytes(of: Double(number).bitPattern.littleEndian) { Array($0) }
    }
    let tables = (0..<channels).map { [UInt8](repeating: UInt8($0), count: 768) }
    let head =
      Array("IJIJ".utf8.reversed()) + Array("gnar".utf8) + word(1) + Array("stul".utf8) + word(UInt32(channels))
    let counts = [head.count, ranges.count] + tables.map(\.count)
    return [
      MetadataItem(kind: .tiff, tag: 50838, type: 4, count: counts.count, bytes: counts.flatMap { word(UInt32($0)) }),
      MetadataItem(kind: .tiff, tag: 50839, type: 1, bytes: head + ranges + tables.flatMap { $0 }),
    ]
  }

  private func writeStack(_ name: String = "in.tif", compression: Int32 = 1) throws {
    let pages = try (0..<24).map { page in
      let picture = try Picture(ImageDescription(width: 20, height: 15, color: .gray, sampleType: .uint8))
      for y in 0..<15 { picture.row(y).initializeMemory(as: UInt8.self, repeating: UInt8(9 * page + y), count: 20) }
      return picture
    }
    let text = "ImageJ=1.53t\nimages=24\nchannels=4\nslices=3\nframes=2\nhyperstack=true\nmode=composite\n"
    var metadata = Metadata()
    metadata.items = [description(text)] + extras(channels: 4)
    (metadata.tiff.compression, metadata.tiff.rowsPerStrip) = (compression, 15)
    try writePictures(pages, to: folder.path(name), metadata: metadata)
  }

  /// ImageJ reads no directory but the first where nothing is compressed, and what stood between the pages came out as pixels.
  @Test(arguments: ["", "--page c=2", "--page 3-17", "--region 7x5+3+2", "--bit-depth 16", "--provenance"])
  func an_uncompressed_stack_of_ImageJ_is_in_one_piece(options: String) throws {
    try writeStack()
    try succeed("median --radius 0 in.tif -o out.tif \(options)")
    let walk = try walk("out.tif"), chain = walk.chain
    var end = chain[0].segments[0].offset
    for directory in chain {
      for segment in directory.segments {
        #expect(segment.offset == end)
        end = segment.offset + segment.count
      }
    }
    #expect(chain.allSatisfy { $0.offset >= end })
    let pages = try readPictures(folder.path("out.tif"))
    try succeed("median --radius 0 in.tif -o lzw.tif --compression lzw \(options)")
    for (a, b) in zip(pages, try readPictures(folder.path("lzw.tif"))) { #expect(a.hasSameBytes(as: b)) }
    try succeed("median --radius 0 in.tif -o again.tif -j1 --tile 4x4 \(options)")
    let files = try ["out.tif", "again.tif"].map { try Data(contentsOf: URL(fileURLWithPath: folder.path($0))) }
    #expect(files[0] == files[1])
  }

  /// `c=1-2` kept the tables of all four channels, and `c=2` none.
  @Test(arguments: [("c=1-2", [0, 1]), ("c=2-3", [1, 2]), ("c=3", [2]), ("z=2", [0, 1, 2, 3]), ("t=1,c=4", [3])])
  func colour_tables_are_those_of_the_channels_that_stay(page: String, channels: [Int]) throws {
    try writeStack(compression: 5)
    try succeed("median --radius 0 in.tif -o out.tif --page \(page)")
    let items = try ImageReader(path: folder.path("out.tif")).metadata.items
    let bytes = try #require(items.first { $0.tag == 50839 }).bytes
    let head = 4 + 16, ranges = 16 * channels.count
    #expect(bytes.count == head + ranges + 768 * channels.count)
    let tables = bytes[(head + ranges)...]
    #expect(Array(stride(from: tables.startIndex, to: tables.endIndex, by: 768)).map { Int(tables[$0]) } == channels)
    let first = bytes[head..<(head + 8)].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    #expect(Double(bitPattern: first) == Double(2 * channels[0]))
  }

  /// All but the first image were lost without a word.
  @Test func images_without_directories_are_not_lost_in_silence() throws {
    try writeStack()
    try succeed("median --radius 0 in.tif -o whole.tif")
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path("whole.tif"))))
    let first = try walk("whole.tif").first, count = Int(bytes[first]) | Int(bytes[first + 1]) << 8
    bytes.replaceSubrange((first + 2 + 12 * count)..<(first + 6 + 12 * count), with: [0, 0, 0, 0])
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path("one.tif")))
    let outcome = try run("gaussian one.tif -o out.tif")
    #expect(
      outcome.status == 1
        && outcome.errors == "imbrex: one.tif: ImageJ says that it has 24 images, but only the first has a directory, "
          + "as in its files over 4 GB: take that alone with --page 1\n",
      "\(outcome.errors)")
    try succeed("gaussian one.tif -o out.tif --page 1")
    #expect(try run("info one.tif").status == 0)
  }

  // MARK: - Units

  /// Python's XML writer has `&#181;m`, which was no unit; nor was what few use.
  @Test(arguments: [
    ("0.5", "\u{B5}m", "0.5, 0.5", "um"), ("0.5", "&#181;m", "0.5, 0.5", "um"), ("0.5", "&#xB5;m", "0.5, 0.5", "um"),
    ("5", "\u{C5}", "0.5, 0.5", "nm"), ("500", "pm", "0.5, 0.5", "nm"), ("2", "thou", "50.8, 50.8", "um"),
  ])
  func units_of_OME_are_understood(size: String, name: String, shown: String, unit: String) throws {
    let text = """
      <?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0">\
      <Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="20" SizeY="15" SizeZ="1" SizeC="1" SizeT="1" \
      PhysicalSizeX="\(size)" PhysicalSizeXUnit="\(name)" PhysicalSizeY="\(size)" PhysicalSizeYUnit="\(name)">\
      <TiffData IFD="0" PlaneCount="1"/></Pixels></Image></OME>
      """
    var metadata = Metadata()
    metadata.items = [description(text)]
    let picture = testPicture(ImageDescription(width: 20, height: 15, color: .gray, sampleType: .uint8))
    try writePictures([picture], to: folder.path("in.tif"), metadata: metadata)
    let info = try run("info in.tif").text
    #expect(info.contains("pixel size:       \(shown)\n") && info.contains("pixel size unit:  \(unit)\n"), "\(info)")
  }

  // MARK: - What is told

  /// `nodata` stood there twice, once as a number and once as text; sizes of levels were texts.
  @Test func info_says_each_thing_once() throws {
    try write("cloud optimized, no data")
    let line = try run("info --json in.tif").text
    let object = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    #expect(object["nodata"] as? Double == -9999)
    #expect(line.components(separatedBy: "\"nodata\"").count == 3, "once for the file, once for its page")
    let levels = try #require(object["levels"] as? [[String: Int]])
    #expect(levels.allSatisfy { $0.keys.sorted() == ["height", "width"] } && !levels.isEmpty)
  }

  @Test func LERC_of_64_bit_integers_is_refused_by_name() throws {
    for kind in [StoredSamples.Kind.unsigned, .signed] {
      let description = ImageDescription(
        width: 30, height: 20, color: .gray, sampleType: .float64, stored: StoredSamples(kind, bits: 64))
      try writePictures([testPicture(description)], to: folder.path("in.tif"))
      let outcome = try run("median in.tif -o out.tif --compression lerc")
      #expect(
        outcome.status == 2 && outcome.errors.contains("--compression is lerc, but LERC holds"), "\(outcome.errors)")
    }
  }
}
