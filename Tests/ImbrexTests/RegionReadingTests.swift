import Foundation
import Imbrex
import TestSupport
import Testing

/// A window of a picture is the same whether it is selected or cut out of the whole.
@Suite struct RegionReadingTests {
  /// Corners, middle, edges, single pixels, and all.
  static func windows(in picture: ImageDescription) -> [Region] {
    let width = picture.width, height = picture.height
    let w = max(width / 3, 1), h = max(height / 3, 1)
    func window(_ x: Int, _ y: Int, _ width: Int, _ height: Int) -> Region {
      Region(x: x, y: y, width: width, height: height)
    }
    return [
      window(0, 0, width, height), window(0, 0, w, h), window(width - w, 0, w, h), window(0, height - h, w, h),
      window(width - w, height - h, w, h), window((width - w) / 2, (height - h) / 2, w, h),
      window(0, height / 2, width, 1), window(width / 2, 0, 1, height), window(width / 2, height / 3, 1, 1),
      window(width - 1, height - 1, 1, 1), window(0, (height - h) / 2, width, h),
    ]
  }

  /// Whether a source with a window selected hands out that part of a picture, in portions, and nothing beside it.
  static func hands(_ source: any RowSource, _ window: Region, of picture: Picture) throws -> Bool {
    try source.select(window)
    guard source.description == picture.description else { return false }
    let size = picture.description.bytesPerPixel, wanted = window.width * size, stride = wanted + 5
    var memory = [UInt8](repeating: 0xA5, count: stride * window.height)
    try memory.withUnsafeMutableBytes { memory in
      var done = 0
      while done < window.height {
        let part = min(done == 0 ? 1 : 7, window.height - done)
        try source.read(into: memory.baseAddress! + done * stride, stride: stride, count: part)
        done += part
      }
    }
    return (0..<window.height).allSatisfy { y in
      let row = memory[(y * stride)..<((y + 1) * stride)]
      let expected = UnsafeRawBufferPointer(
        start: picture.row(window.y + y) + window.x * size, count: wanted)
      return row.prefix(wanted).elementsEqual(expected) && row.suffix(5).allSatisfy { $0 == 0xA5 }
    }
  }

  private func expectWindows(of path: String, page: Int = 0) throws {
    var options = ImageReader.Options()
    options.page = page
    let picture = try Picture(reading: ImageReader(path: path, options: options))
    for window in Self.windows(in: picture.description) {
      #expect(try Self.hands(ImageReader(path: path, options: options), window, of: picture), "\(window)")
    }
  }

  @Test(arguments: FormatFixture.all) func a_window_of_every_kind_of_file(fixture: FormatFixture) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("file")
    try fixture.file.write(to: URL(fileURLWithPath: path))
    try expectWindows(of: path)
  }

  static let pictures = try! FileManager.default.contentsOfDirectory(atPath: testImage("")).filter {
    ImageFormat(path: $0) != nil
  }.sorted()

  @Test(arguments: pictures) func a_window_of_every_test_image(name: String) throws {
    try expectWindows(of: testImage(name))
  }

  // MARK: - Layouts

  struct Layout: Sendable, CustomStringConvertible {
    var compression: Int32 = 1
    var tile: UInt32 = 0
    var rowsPerStrip: UInt32 = 0
    var isPlanar = false
    var isBigEndian = false

    var metadata: Metadata {
      var metadata = Metadata()
      metadata.tiff.compression = compression
      (metadata.tiff.tileWidth, metadata.tiff.tileHeight) = (tile, tile)
      metadata.tiff.rowsPerStrip = rowsPerStrip
      metadata.tiff.isPlanar = isPlanar
      metadata.tiff.isBigEndian = isBigEndian
      return metadata
    }

    var description: String {
      "compression \(compression), tile \(tile), rows \(rowsPerStrip)\(isPlanar ? ", planar" : "")"
        + (isBigEndian ? ", big-endian" : "")
    }

    static let all: [Layout] = [1, 5, 8, 32773].flatMap { compression in
      [false, true].flatMap { isPlanar in
        [(0, 1), (0, 7), (0, 100), (16, 0), (48, 0)].map { tile, rows in
          Layout(
            compression: compression, tile: tile, rowsPerStrip: rows, isPlanar: isPlanar, isBigEndian: rows == 7)
        }
      }
    }
  }

  private func write(_ pages: [(Picture, Metadata)], _ format: String, to path: String) throws {
    let writer = try ImageWriter(
      to: OutputFile(path: path), format: ImageFormat(named: format)!, picture: pages[0].0.description,
      metadata: pages[0].1)
    for (number, page) in pages.enumerated() {
      if number > 0 { try writer.startPage(page.0.description, metadata: page.1) }
      try writer.write(page.0)
    }
    try writer.finish()
  }

  private func picture(_ width: Int, _ height: Int, _ type: SampleType, _ color: ColorModel = .rgb) -> Picture {
    testPicture(ImageDescription(width: width, height: height, color: color, alpha: .straight, sampleType: type))
  }

  @Test(arguments: Layout.all, SampleType.allCases)
  func a_window_of_every_layout(layout: Layout, type: SampleType) throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.tif")
    try write([(picture(101, 67, type), layout.metadata)], "tiff", to: path)
    try expectWindows(of: path)
  }

  @Test func strips_that_are_decoded_row_by_row() throws {
    let folder = try TemporaryFolder()
    // Two strips of more than 16 MiB.
    let large = try Picture(ImageDescription(width: 4100, height: 8400, color: .gray, sampleType: .uint8))
    for y in 0..<8400 {
      let row: UnsafeMutablePointer<UInt8> = large.row(y).samples()
      for x in 0..<4100 { row[x] = UInt8(truncatingIfNeeded: x &+ y / 3) }
    }
    let path = folder.path("a.tif")
    try write([(large, Layout(compression: 5, rowsPerStrip: 4200).metadata)], "tiff", to: path)
    for window in [
      Region(x: 1000, y: 2000, width: 300, height: 20), Region(x: 4099, y: 4190, width: 1, height: 30),
      Region(x: 0, y: 5000, width: 4100, height: 3),
    ] {
      #expect(try Self.hands(ImageReader(path: path), window, of: large), "\(window)")
    }
  }

  // MARK: - Pages

  @Test func windows_of_pages() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.tif")
    let pages = [
      (picture(90, 70, .uint8), Layout(compression: 8, tile: 16).metadata),
      (picture(40, 110, .uint16, .gray), Layout(compression: 8, rowsPerStrip: 9).metadata),
      (picture(77, 31, .float32), Layout(isPlanar: true).metadata),
    ]
    try write(pages, "tiff", to: path)
    for page in 0..<3 { try expectWindows(of: path, page: page) }
    let middle = { (picture: Picture) in Self.windows(in: picture.description)[5] }
    // One after the other, with rows of the first left unread, and the second unread altogether.
    let reader = try ImageReader(path: path)
    #expect(try Self.hands(reader, middle(pages[0].0), of: pages[0].0))
    #expect(try reader.nextPage())
    try reader.select(middle(pages[1].0))
    #expect(try reader.nextPage())
    #expect(try Self.hands(reader, middle(pages[2].0), of: pages[2].0))
    #expect(try !reader.nextPage())
    // A window is forgotten with its page.
    let again = try ImageReader(path: path)
    try again.select(middle(pages[0].0))
    #expect(try again.nextPage())
    #expect(try Picture(reading: again).hasSameBytes(as: pages[1].0))
  }

  // MARK: - Other sources

  @Test(arguments: ["ppm", "pam", "pfm", "tif", "png"]) func a_window_out_of_a_pipe(name: String) throws {
    let folder = try TemporaryFolder()
    let type: SampleType = name == "pfm" ? .float32 : .uint16
    let picture = testPicture(ImageDescription(width: 60, height: 50, color: .rgb, sampleType: type))
    try write([(picture, Metadata())], name, to: folder.path("a"))
    let pipe = folder.path("pipe")
    for window in Self.windows(in: picture.description) {
      #expect(mkfifo(pipe, 0o600) == 0)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.path("a")))
      let feeder = Thread { try? FileHandle(forWritingTo: URL(fileURLWithPath: pipe)).write(contentsOf: bytes) }
      feeder.start()
      #expect(try Self.hands(ImageReader(path: pipe), window, of: picture), "\(window)")
      unlink(pipe)
    }
  }

  @Test(arguments: 1...8) func a_window_of_a_turned_picture(orientation: Int) throws {
    let source = picture(23, 17, .uint16)
    func turned() throws -> TurnedPicture {
      try TurnedPicture(PictureSource(source), orientation: orientation, spilled: false)
    }
    let upright = try Picture(reading: turned())
    for window in Self.windows(in: upright.description) {
      #expect(try Self.hands(turned(), window, of: upright), "\(window)")
    }
  }

  @Test func a_window_of_a_picture_in_memory() throws {
    let picture = picture(31, 29, .uint8)
    for window in Self.windows(in: picture.description) {
      #expect(try Self.hands(PictureSource(picture), window, of: picture), "\(window)")
    }
  }

  @Test func what_lies_below_the_window_may_be_missing() throws {
    let folder = try TemporaryFolder()
    let file = try Data(contentsOf: URL(fileURLWithPath: testImage("photo.png")))
    let path = folder.path("cut.png")
    try file.prefix(file.count / 2).write(to: URL(fileURLWithPath: path))
    let whole = try Picture(reading: ImageReader(path: testImage("photo.png")))
    let window = Region(x: 3, y: 5, width: 20, height: 10)
    let reader = try ImageReader(path: path)
    #expect(try Self.hands(reader, window, of: whole))
    #expect(reader.damage == nil)
  }

  @Test func a_window_beyond_the_picture_is_a_mistake() async {
    await #expect(processExitsWith: .failure) {
      let reader = try ImageReader(path: testImage("photo.png"))
      try reader.select(Region(x: reader.description.width - 1, y: 0, width: 2, height: 1))
    }
  }
}
