import Foundation
import Imbrex
import TestSupport
import Testing

/// Options that were made one by one, together.
@Suite struct CombinationTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String, input: [UInt8] = []) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), input: input, folder: folder.url)
  }

  private func write(_ bytes: some Sequence<UInt8>, to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path(name)))
  }

  /// Pages of which the first has a description of all.
  private func writeStack(_ description: String, pages: Int, to name: String) throws {
    let picture = testPicture(ImageDescription(width: 12, height: 8, color: .gray, sampleType: .uint8))
    var metadata = Metadata()
    metadata.items = [MetadataItem(kind: .tiff, tag: 270, type: 2, bytes: Array(description.utf8) + [0])]
    let path = folder.path(name)
    let writer = try ImageWriter(
      to: OutputFile(path: path), format: ImageFormat(path: path)!, picture: picture.description, metadata: metadata)
    for page in 0..<pages {
      if page > 0 { try writer.startPage(picture.description, metadata: Metadata()) }
      try writer.write(picture)
    }
    try writer.finish()
  }

  private func description(of name: String) throws -> String {
    let items = try ImageReader(path: folder.path(name)).metadata.items
    let text = items.first { $0.kind == .tiff && $0.tag == 270 }
    return text.map { String(decoding: $0.bytes.prefix { $0 != 0 }, as: UTF8.self) } ?? ""
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }

  private let stack = "ImageJ=1.53t\nimages=6\nchannels=2\nslices=3\nhyperstack=true\nunit=micron\n"

  // MARK: - Pages as files

  /// Only the file of the first page had one.
  @Test func each_page_s_file_has_a_description_of_that_page() throws {
    try writeStack(stack, pages: 6, to: "in.tif")
    #expect(try run("median in.tif -o out/ --name {stem}-{page}.{ext}").status == 0)
    #expect(try run("median --page 3-4 in.tif -o some/ --name {stem}-{page}.{ext}").status == 0)
    for name in ["out/in-1.tif", "out/in-2.tif", "out/in-6.tif", "some/in-3.tif", "some/in-4.tif"] {
      #expect(try description(of: name) == "ImageJ=1.53t\nunit=micron\n", "\(name)")
    }
    #expect(try run("median --strip in.tif -o bare/ --name {stem}-{page}.{ext}").status == 0)
    #expect(try description(of: "bare/in-2.tif").isEmpty)
  }

  /// It was said to be of one page, as the results are.
  @Test func a_tee_of_all_pages_beside_files_of_one_is_described_as_all() throws {
    try writeStack(stack, pages: 6, to: "in.tif")
    #expect(try run("median then tee all.tif then sobel in.tif -o out/ --name {stem}-{page}.{ext}").status == 0)
    #expect(try run("median in.tif -o expected.tif").status == 0)
    #expect(try bytes("all.tif") == bytes("expected.tif"))
  }

  // MARK: - Streams

  /// The header of the first picture was read twice, the second time from where the first had ended.
  @Test func a_later_picture_of_a_stream_is_found_whatever_the_first_header_is_like() throws {
    let first = Array("P5\n# \(String(repeating: "c", count: 500))\n3 2\n255\n".utf8) + [1, 2, 3, 4, 5, 6]
    let second = Array("P5\n2 1\n255\n".utf8) + [7, 9]
    try write(first + second, to: "in.pgm")
    for outcome in [
      try run("median --radius 0 --page 2", input: first + second), try run("median --radius 0 --page 2 in.pgm"),
    ] {
      #expect(outcome.status == 0 && outcome.output == second, "\(outcome.errors)")
    }
  }

  // MARK: - Descriptions

  /// tifffile's shape of a picture of indices stayed when it had become one of colours.
  @Test func a_shape_of_indices_goes_with_them() throws {
    let shape = "{\"shape\": [8, 12]}"
    try writeStack(shape, pages: 1, to: "gray.tif")
    #expect(try run("median gray.tif -o out.tif").status == 0)
    #expect(try description(of: "out.tif") == shape)
    let colors = (0..<3).flatMap { _ in (0..<256).map { UInt16($0 * 257) } }
    let tags = [(262, 3, [3]), (270, 2, Array(shape.utf8).map(UInt16.init) + [0]), (320, 3, colors)]
    try write(Self.tiff(width: 12, height: 8, tags), to: "palette.tif")
    #expect(try run("median palette.tif -o out.tif").status == 0)
    #expect(try run("info out.tif").text.contains("channels:         3"))
    #expect(try description(of: "out.tif").isEmpty)
  }

  /// A little-endian TIFF of bytes; tags are of type 2 (a byte each) or 3.
  private static func tiff(width: Int, height: Int, _ tags: [(tag: Int, type: Int, values: [UInt16])]) -> [UInt8] {
    func bytes(_ number: Int, _ count: Int) -> [UInt8] {
      (0..<count).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    let pixels = (0..<(width * height)).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let fixed: [(tag: Int, type: Int, values: [UInt16])] = [
      (256, 3, [UInt16(width)]), (257, 3, [UInt16(height)]), (258, 3, [8]), (259, 3, [1]), (273, 3, [8]),
      (277, 3, [1]), (278, 3, [UInt16(height)]), (279, 3, [UInt16(pixels.count)]),
    ]
    let all = (fixed + tags).sorted { $0.tag < $1.tag }
    var directory = bytes(all.count, 2), behind: [UInt8] = []
    let start = 8 + pixels.count, end = start + 2 + 12 * all.count + 4
    for (tag, type, values) in all {
      let data = values.flatMap { bytes(Int($0), type == 2 ? 1 : 2) }
      directory += bytes(tag, 2) + bytes(type, 2) + bytes(values.count, 4)
      directory += data.count <= 4 ? data + bytes(0, 4 - data.count) : bytes(end + behind.count, 4)
      if data.count > 4 { behind += data }
    }
    return [0x49, 0x49, 42, 0] + bytes(start, 4) + pixels + directory + bytes(0, 4) + behind
  }

  // MARK: - Provenance

  /// A tee claimed to be the end of the chain.
  @Test func a_tee_s_provenance_is_what_made_it() throws {
    try writeStack(stack, pages: 1, to: "in.tif")
    #expect(try run("gaussian --sigma 2 --provenance then tee tee.png then sobel in.tif -o out.png").status == 0)
    let (tee, out) = try (bytes("tee.png"), bytes("out.png"))
    #expect(tee.range(of: Data(": gaussian --sigma 2".utf8)) != nil && tee.range(of: Data("sobel".utf8)) == nil)
    #expect(out.range(of: Data(": gaussian --sigma 2 then sobel".utf8)) != nil)
  }

  // MARK: - Edges

  /// They were written over the JPEG as a JPEG, with gray around them.
  @Test func edges_are_not_written_over_a_JPEG_unless_that_is_asked_for() throws {
    try FileManager.default.copyItem(atPath: testImage("photo.jpg"), toPath: folder.path("in.jpg"))
    let before = try bytes("in.jpg"), outcome = try run("edge --in-place in.jpg")
    #expect(outcome.status == 2 && outcome.errors.contains("a JPEG in place would not stay 0 and 255: use -o, or"))
    #expect(try bytes("in.jpg") == before)
    #expect(try run("edge --in-place --format jpeg in.jpg").status == 0 && bytes("in.jpg") != before)
  }

  // MARK: - Plans

  /// The plan was shown of what the run refuses.
  @Test func a_plan_refuses_pages_that_the_output_cannot_hold() throws {
    try writeStack(stack, pages: 6, to: "in.tif")
    for line in ["median in.tif -o out.png", "median in.tif -o out/ --format png"] {
      let plan = try run(line + " --explain"), outcome = try run(line)
      #expect(plan.status == outcome.status && plan.errors.hasPrefix(outcome.errors.prefix { $0 != "\n" }), "\(line)")
    }
    #expect(try run("median in.tif -o out/ --format png --name {stem}-{page}.{ext} --explain").status == 0)
  }

  // MARK: - Names

  /// To Swift, a slash and an accent behind it are one character.
  @Test func names_may_begin_with_an_accent_alone() throws {
    let accent = "\u{301}x.png"
    try FileManager.default.createDirectory(atPath: folder.path("in/\u{301}sub"), withIntermediateDirectories: true)
    for name in ["in/" + accent, "in/\u{301}sub/" + accent] {
      try FileManager.default.copyItem(atPath: testImage("gradient.png"), toPath: folder.path(name))
    }
    for words in [
      ["median", "-r", "--incremental", "in", "-o", "out/"],
      ["median", "in/\(accent)", "in/\u{301}sub/\(accent)", "--base", "in", "-o", "out2/", "--incremental"],
    ] {
      #expect(try Program.run(words, folder: folder.url).errors == "imbrex: 2 done, 0 skipped, 0 failed\n")
      #expect(try Program.run(words, folder: folder.url).errors == "imbrex: 0 done, 2 skipped, 0 failed\n")
    }
    for directory in ["out", "out2"] {
      let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path(directory))
      // Foundation cuts by characters too, and leaves the slash.
      let expected = ["\u{301}sub", "\u{301}sub/.imbrex-done", "\u{301}sub/\(accent)", ".imbrex-done", accent]
      #expect(Set(names.map { Array($0.utf8.drop { $0 == 0x2F }) }) == Set(expected.map { Array($0.utf8) }))
    }
  }

  /// To Swift, texts are equal that differ in how accents are written. Linux has two files.
  #if os(Linux)
    @Test func names_that_differ_in_how_accents_are_written_are_two() throws {
      for name in ["e\u{301}.png", "\u{E9}.png"] {
        try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: testImage("gradient.png"), toPath: folder.path("in/\(name)"))
      }
      for line in ["median in -o a/ --name {stem}-{page}.{ext}", "median then tee t/ then sobel in -o b/"] {
        try FileManager.default.createDirectory(atPath: folder.path("t"), withIntermediateDirectories: true)
        let outcome = try run(line)
        #expect(outcome.status == 0 && outcome.errors == "imbrex: 2 done, 0 skipped, 0 failed\n", "\(outcome.errors)")
      }
    }
  #endif
}
