import Foundation
import Imbrex
import TestSupport
import Testing

/// NumPy's arrays: every type, order, shape and version comes out as NumPy itself would write it.
@Suite struct NPYTests {
  /// A line of Fixtures/npy.jsonl.
  struct Fixture: Decodable, CustomTestStringConvertible, Sendable {
    let name: String
    let file: Data
    /// What becomes of it where no pixel changes.
    let made: Data
    var testDescription: String { name }

    static let all: [Fixture] = {
      let file = projectFolder.appendingPathComponent("Tests/Fixtures/npy.jsonl")
      return try! Data(contentsOf: file).split(separator: 10).map { try JSONDecoder().decode(Self.self, from: $0) }
    }()
  }

  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String, input: [UInt8] = []) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), input: input, folder: folder.url)
  }

  private func write(_ data: some Sequence<UInt8>, _ name: String = "in.npy") throws {
    try Data(data).write(to: folder.url.appendingPathComponent(name))
  }

  private func bytes(_ name: String = "out.npy") throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.url.appendingPathComponent(name)))
  }

  /// An array as NumPy writes it.
  private static func array(_ type: String, _ shape: String, isFortran: Bool = false, _ numbers: [UInt8] = [])
    -> [UInt8]
  {
    let order = isFortran ? "True" : "False"
    let text = "{'descr': '\(type)', 'fortran_order': \(order), 'shape': (\(shape)), }"
    return [0x93] + "NUMPY\u{1}\0".utf8 + [118, 0] + text.utf8 + [UInt8](repeating: 32, count: 117 - text.utf8.count)
      + [10] + numbers
  }

  private func shape(_ file: [UInt8]) -> String {
    let text = String(decoding: file.prefix(128), as: UTF8.self)
    return String(text[(text.range(of: "'shape': (")!.upperBound)...].prefix { $0 != ")" })
  }

  @Test(arguments: Fixture.all)
  func an_array_comes_out_as_numpy_writes_it(fixture: Fixture) throws {
    try write(fixture.file)
    let line = "median --size 1x1"
    #expect(try run("\(line) in.npy -o out.npy").status == 0)
    #expect(try bytes() == [UInt8](fixture.made))
    // Through pipes, where nothing can be written again.
    let script = "cat \"$2\" | \"$1\" \(line) | cat > \"$3\""
    #expect(try Program.shell(script, [Program.url.path, folder.path("in.npy"), folder.path("piped.npy")]).status == 0)
    #expect(try bytes("piped.npy") == [UInt8](fixture.made))
  }

  /// The same pixels in a TIFF give the same numbers.
  @Test(arguments: ["gaussian --sigma 2", "sobel", "sobel --direction vertical --float", "median", "edge --sigma 1"])
  func filters_make_what_they_make_of_a_tiff(filter: String) throws {
    for fixture in Fixture.all where fixture.name.hasSuffix(" C") && !fixture.name.contains("20)") {
      if fixture.name.contains("16)") && filter.hasPrefix("s") || fixture.name.contains("2)") { continue }
      if fixture.name.contains("16)") && filter.hasPrefix("e") { continue }
      try write(fixture.file)
      try #require(run("median --size 1x1 in.npy -o in.tif").status == 0)
      try #require(run("\(filter) in.npy -o a.npy").status == 0, "\(fixture.name)")
      try #require(run("\(filter) in.tif -o b.npy").status == 0)
      let (a, b) = (try readPictures(folder.path("a.npy")), try readPictures(folder.path("b.npy")))
      #expect(a.count == b.count && zip(a, b).allSatisfy { $0.hasSameBytes(as: $1) }, "\(fixture.name)")
    }
  }

  @Test func channels_are_colour_alpha_and_bands() throws {
    let expected = [1: "gray 1 0", 2: "gray 2 1", 3: "rgb 3 0", 4: "rgb 4 0", 5: "gray 5 4", 16: "gray 16 15"]
    for (channels, what) in expected {
      let count = 20 * 30 * channels
      try write(Self.array("|u1", "20, 30, \(channels)", [UInt8](repeating: 7, count: count)))
      let picture = try ImageReader(path: folder.path("in.npy")).description
      #expect("\(picture.color.rawValue) \(picture.channels) \(picture.extraBands)" == what)
      #expect(picture.alpha == (channels == 4 ? .straight : .none))
    }
  }

  @Test func pages_of_other_files_become_an_axis() throws {
    let page = ImageDescription(width: 40, height: 30, color: .gray, sampleType: .uint16)
    let pages = (1...3).map { testPicture(page, seed: $0) }
    try writePictures(pages, to: folder.path("in.tif"))
    #expect(try run("median --size 1x1 in.tif -o out.npy").status == 0)
    #expect(try shape(bytes()) == "3, 30, 40")
    #expect(try haveSamePages(folder.path("in.tif"), folder.path("out.npy")))
    #expect(try run("median --size 1x1 in.tif --page 2 -o one.npy").status == 0)
    #expect(try shape(bytes("one.npy")) == "30, 40")
    #expect(try run("median --size 1x1 out.npy -o pages/ --name {stem}-{page}.{ext}").status == 0)
    #expect(try shape(bytes("pages/out-3.npy")) == "30, 40")
    // And back.
    #expect(try run("median --size 1x1 out.npy -o back.tif").status == 0)
    #expect(try haveSamePages(folder.path("in.tif"), folder.path("back.tif")))
  }

  @Test func a_stream_of_pictures_becomes_one_array_in_a_file_and_several_in_a_pipe() throws {
    let one = Array("P5 20 17 255\n".utf8) + [UInt8](repeating: 3, count: 340)
    try write(one + one + one, "in.pgm")
    let script =
      "cat \"$2\" | \"$1\" median --format npy -o \"$3\" && cat \"$2\" | \"$1\" median --format npy | cat > \"$4\""
    let paths = ["in.pgm", "out.npy", "piped.npy"].map(folder.path)
    #expect(try Program.shell(script, [Program.url.path] + paths).status == 0)
    #expect(try shape(bytes()) == "3, 17, 20" && bytes().count == 128 + 3 * 340)
    let piped = try bytes("piped.npy")
    #expect(shape(piped) == "17, 20" && piped.count == 3 * (128 + 340))
  }

  @Test func pages_of_other_sizes_are_refused() throws {
    let pages = [40, 41].map {
      testPicture(ImageDescription(width: $0, height: 30, color: .gray, sampleType: .uint8))
    }
    try writePictures(pages, to: folder.path("in.tif"))
    let outcome = try run("median in.tif -o out.npy")
    #expect(outcome.status == 1 && outcome.errors.contains("an array holds pages of one size and type"))
    #expect(!folder.contents.contains("out.npy"))
  }

  @Test(arguments: ["C", "Fortran"])
  func a_region_is_that_part_of_the_result(order: String) throws {
    let fixture = Fixture.all.first { $0.name == "<u2 (3, 5, 9, 3) \(order)" }!
    try write(fixture.file)
    #expect(try run("median in.npy -o all.tif").status == 0)
    #expect(try run("median --region 4x2+5+2 in.npy -o part.npy").status == 0)
    let (all, part) = (try readPictures(folder.path("all.tif")), try readPictures(folder.path("part.npy")))
    let window = Region(x: 5, y: 2, width: 4, height: 2)
    #expect(zip(all, part).allSatisfy { cropped($0, to: window).hasSameBytes(as: $1) })
  }

  @Test func it_is_a_picture_of_a_directory_and_of_a_batch() throws {
    try write(Self.array("<f4", "20, 30", [UInt8](repeating: 0, count: 2400)), "a.npy")
    let picture = testPicture(ImageDescription(width: 30, height: 20, color: .gray, sampleType: .uint8))
    try writePictures([picture], to: folder.path("b.png"))
    #expect(try run("gaussian . -o out/").status == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted() == ["a.npy", "b.png"])
    #expect(try run("info a.npy").errors.isEmpty)
    #expect(try run("info --json a.npy").text.contains("\"format\":\"npy\""))
    #expect(try run("edge a.npy -o out/edges.npy").status == 0)
    #expect(try bytes("out/edges.npy").count == 128 + 600)
  }

  @Test func a_command_gets_and_gives_integers_of_64_bits() throws {
    let fixture = Fixture.all.first { $0.name == "<i8 C" }!
    try write(fixture.file)
    #expect(try run("apply --command cat --frames npy in.npy -o out.npy").status == 0)
    #expect(try bytes() == [UInt8](fixture.made))
    #expect(try run("median --size 1x1 in.npy -o out.tif").status == 0)
    #expect(try readPictures(folder.path("out.tif"))[0].description.stored == StoredSamples(.signed, bits: 64))
  }

  @Test func a_job_does_it_in_parts() throws {
    let picture = testPicture(ImageDescription(width: 90, height: 120, color: .rgb, sampleType: .uint16))
    try writePictures([picture], to: folder.path("in.npy"))
    for (filter, name) in [("gaussian --sigma 3", "a.npy"), ("edge", "a.npy"), ("sobel --float", "a.tif")] {
      let parted = "part" + name
      try #require(run("job create job-\(filter.prefix(4)) --parts 3 -- \(filter) in.npy -o \(parted)").status == 0)
      #expect(try run("job run job-\(filter.prefix(4))").status == 0)
      #expect(try run("\(filter) in.npy -o \(name)").status == 0)
      #expect(try areSameFiles(folder.path(name), folder.path(parted)))
    }
  }

  struct Bad: CustomTestStringConvertible, Sendable {
    let name: String
    let file: [UInt8]
    let says: String
    var testDescription: String { name }
  }

  static let bad: [Bad] = [
    Bad(name: "text", file: array("<U8", "3, 4"), says: "an array of type '<U8': numbers of 8 to 64 bits are wanted"),
    Bad(
      name: "complex", file: array("<c8", "3, 4"), says: "an array of type '<c8': numbers of 8 to 64 bits are wanted"),
    Bad(name: "long double", file: array("<f16", "3, 4"), says: "numbers of 8 to 64 bits are wanted"),
    Bad(name: "objects", file: array("|O", "3, 4"), says: "numbers of 8 to 64 bits are wanted"),
    Bad(
      name: "one axis", file: array("|u1", "12,", [UInt8](repeating: 0, count: 12)), says: "shape (12) is no picture"),
    Bad(name: "no axis", file: array("|u1", "", [0]), says: "is no picture"),
    Bad(name: "five axes", file: array("|u1", "1, 1, 1, 1, 1", [0]), says: "is no picture"),
    Bad(name: "no rows", file: array("|u1", "0, 4"), says: "the picture is empty"),
    Bad(name: "no pages", file: array("|u1", "0, 40, 40"), says: "is empty"),
    Bad(name: "large", file: array("|u1", "30000, 30000"), says: "too small for"),
    Bad(name: "huge", file: array("<f8", "4000000000, 4000000000"), says: "exceed the limit of"),
    Bad(name: "many pages", file: array("<f8", "2000000000, 20000, 20000, 60000"), says: "is too large"),
    Bad(name: "no number", file: array("<f8", "99999999999999999999999, 4"), says: "not that of a NumPy array"),
    Bad(name: "a negative length", file: array("|u1", "-3, 4"), says: "not that of a NumPy array"),
    Bad(
      name: "channels or pages", file: array("|u1", "40, 40, 30", [UInt8](repeating: 0, count: 48000)), says: "a[None]"),
    Bad(name: "cut", file: array("|u1", "20, 30", [UInt8](repeating: 0, count: 599)), says: "too small for"),
    Bad(name: "cut in its header", file: Array(array("|u1", "20, 30").prefix(100)), says: "ends within its header"),
    Bad(name: "version 4", file: patched(6, 4), says: "version 4 of NumPy's format is not supported"),
    Bad(name: "a long header", file: patched(6, 2), says: "not that of a NumPy array"),
    Bad(name: "no dictionary", file: patched(10, 65), says: "not that of a NumPy array"),
  ]

  private static func patched(_ place: Int, _ byte: UInt8) -> [UInt8] {
    var file = array("|u1", "1, 1", [0])
    file[place] = byte
    return file
  }

  @Test(arguments: bad)
  func what_is_no_picture_is_refused_in_a_line(bad: Bad) throws {
    try write(bad.file)
    let outcome = try run("median in.npy -o out.npy")
    #expect(outcome.status == 1 && outcome.errors.contains(bad.says), "\(outcome.errors)")
    #expect(outcome.errors.split(separator: "\n").count == 1 && !folder.contents.contains("out.npy"))
  }

  @Test(arguments: [false, true])
  func what_is_there_of_a_cut_array_is_read_if_asked_for(isFortran: Bool) throws {
    try write(Self.array("|u1", "20, 30", isFortran: isFortran, [UInt8](repeating: 9, count: 300)))
    let outcome = try run("median --size 1x1 --allow-truncated in.npy -o out.npy")
    #expect(outcome.status == 0 && outcome.errors.contains("read in part"))
    #expect(try bytes().dropFirst(128).count { $0 == 9 } == 300)
  }

  @Test func fortran_order_is_held_within_max_memory_or_on_disk() throws {
    let numbers = (0..<(300 * 200)).map { UInt8(truncatingIfNeeded: $0 * 7) }
    try write(Self.array("|u1", "300, 200", isFortran: true, numbers))
    var options = ImageReader.Options()
    options.maxMemory = 1000
    let picture = try Picture(reading: ImageReader(path: folder.path("in.npy"), options: options))
    #expect(unitSamples(picture)[1] == Double(numbers[300]) / 255)
  }

  /// Random damage: refused or read, never more than that.
  @Test func a_damaged_header_does_no_harm() throws {
    var noise = Noise(seed: 3)
    let good = Self.array("<u2", "4, 5, 3", [UInt8](repeating: 1, count: 120))
    var options = ImageReader.Options()
    options.maxPixels = 10_000
    for _ in 0..<3000 {
      var file = good
      for _ in 0...Int.random(in: 0..<4, using: &noise) {
        file[Int.random(in: 6..<80, using: &noise)] = UInt8.random(in: 0...255, using: &noise)
      }
      try write(file)
      do { _ = try Picture(reading: ImageReader(path: folder.path("in.npy"), options: options)) } catch is ImbrexError {
      }
    }
  }
}
