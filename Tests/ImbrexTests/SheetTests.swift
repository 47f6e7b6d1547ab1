import Imbrex
import TestSupport
import Testing

@Suite struct SheetTests {
  private func gray(_ width: Int, _ height: Int) -> ImageDescription {
    ImageDescription(width: width, height: height, color: .gray, sampleType: .uint8)
  }

  private func axis(_ name: String, _ count: Int) -> Sheet.Axis { Sheet.Axis(name, (0..<count).map { "0.\($0)" }) }

  /// Where the pixels of a colour that is only in the thumbnails are, by the place of each.
  private func boxes(_ sheet: Sheet, _ count: Int, _ size: ImageDescription) throws -> [Region] {
    try (0..<count).map { index in
      let source = try Picture(
        ImageDescription(width: size.width, height: size.height, color: .rgb, sampleType: .uint8))
      for y in 0..<size.height {
        let row: UnsafeMutablePointer<UInt8> = source.row(y).samples()
        for x in 0..<size.width { (row[3 * x], row[3 * x + 1], row[3 * x + 2]) = (255, 0, UInt8(index % 250)) }
      }
      let sink = try sheet.sink(for: source.description, isLineMask: false)
      sink.write(source.row(0), stride: source.stride, count: size.height)
      sheet.place(sink.thumbnail, at: index)
      let description = sheet.picture.description
      var box: (Int, Int, Int, Int)?
      for y in 0..<description.height {
        let row: UnsafeMutablePointer<UInt8> = sheet.picture.row(y).samples()
        for x in 0..<description.width
        where row[3 * x] == 255 && row[3 * x + 1] == 0 && row[3 * x + 2] == UInt8(index % 250) {
          box = box.map { (min($0.0, x), min($0.1, y), max($0.2, x), max($0.3, y)) } ?? (x, y, x, y)
        }
      }
      let (left, top, right, bottom) = try #require(box)
      return Region(x: left, y: top, width: right - left + 1, height: bottom - top + 1)
    }
  }

  @Test func twoNamesAreRowsAndColumns() throws {
    let size = gray(800, 600)
    let sheet = try Sheet([axis("s", 3), axis("t", 4)], of: size, region: nil)
    let boxes = try boxes(sheet, 12, size)
    for (index, box) in boxes.enumerated() {
      #expect(box.y == boxes[index / 4 * 4].y && box.x == boxes[index % 4].x)
      #expect(box.width == boxes[0].width && box.height == boxes[0].height)
      // The picture's shape.
      #expect(abs(box.width * 3 - box.height * 4) <= 4)
    }
    #expect(boxes[1].x >= boxes[0].endX + 2 && boxes[4].y >= boxes[0].endY + 2)
    #expect(sheet.picture.description.width <= 1920 && sheet.picture.description.height <= 1080)
    // As large as the screen allows.
    #expect(sheet.picture.description.height > 1060 || sheet.picture.description.width > 1900)
  }

  @Test func moreNamesAreRowsTogether() throws {
    let size = gray(100, 100)
    let sheet = try Sheet([axis("a", 2), axis("b", 3), axis("c", 4)], of: size, region: nil)
    let boxes = try boxes(sheet, 24, size)
    #expect(Set(boxes.map(\.y)).count == 6 && Set(boxes.map(\.x)).count == 4)
  }

  @Test(arguments: [1, 2, 5, 12, 100])
  func oneNameGoesOnInTheNextRow(count: Int) throws {
    let size = gray(640, 480)
    let sheet = try Sheet([axis("sigma", count)], of: size, region: nil)
    let boxes = try boxes(sheet, count, size)
    let columns = Set(boxes.map(\.x)).count, rows = Set(boxes.map(\.y)).count
    #expect(columns * rows >= count && columns * (rows - 1) < count)
    #expect(count < 12 || (2...30).contains(columns) && rows > 1)
    #expect(sheet.picture.description.width <= 1920 && sheet.picture.description.height <= 1080)
  }

  @Test func aSheetIsNoLargerThanAsked() throws {
    for (width, height) in [(4000, 4000), (9000, 30), (30, 9000), (3, 3), (1, 1), (300, 200)] {
      for axes in [
        [axis("a", 3)], [axis("a", 7), axis("longer name", 5)],
        [Sheet.Axis("name", ["a very long value indeed, longer than any column is wide"])],
      ] {
        for most in [Sheet.Size.screen, Sheet.Size(width: 700, height: 500)] {
          let sheet = try Sheet(axes, of: gray(width, height), region: nil, most: most)
          #expect(sheet.picture.description.width <= most.width && sheet.picture.description.height <= most.height)
        }
      }
    }
  }

  @Test func regionsAreShownAtFullSize() throws {
    let size = gray(1000, 900), region = Region(x: 100, y: 200, width: 300, height: 200)
    let sheet = try Sheet([axis("s", 3), axis("t", 4)], of: size, region: region)
    let boxes = try boxes(sheet, 12, size)
    #expect(boxes[0].width == 300 && boxes[0].height == 200)
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let size = gray(1000, 900)
    let many = [axis("s", 100), axis("t", 100)]
    let error = try #require(throws: ImbrexError.self) { try Sheet(many, of: size, region: nil) }
    #expect(error.option == "sheet" && error.remedy?.option == "sheet-size")
    #expect(
      error.message
        == "has no room for 100 × 100 results on 1920 × 1080 pixels: they would be too small to see; vary fewer values")
    // The size that it names is enough.
    let sides = try #require(error.remedy?.value).split(separator: "x").map { Int($0)! }
    _ = try Sheet(many, of: size, region: nil, most: Sheet.Size(width: sides[0], height: sides[1]))

    let region = Region(x: 0, y: 0, width: 600, height: 500), few = [axis("s", 4), axis("t", 4)]
    let large = try #require(throws: ImbrexError.self) { try Sheet(few, of: size, region: region) }
    #expect(
      large.option == "sheet-region"
        && large.message.hasPrefix("is 600 × 500, but 4 × 4 results on 1920 × 1080 pixels leave "))
    let needed = try #require(large.remedy?.value).split(separator: "x").map { Int($0)! }
    _ = try Sheet(few, of: size, region: region, most: Sheet.Size(width: needed[0], height: needed[1]))

    let outside = try #require(throws: ImbrexError.self) {
      try Sheet(few, of: size, region: Region(x: 900, y: 0, width: 101, height: 10))
    }
    #expect(outside.description == "sheet-region ends at 1001,10, but the result has 1000 × 900 pixels")
  }

  @Test func labelsAreDrawnBesideThePictures() throws {
    // The same with other values differs, and only outside the thumbnails.
    let size = gray(200, 200)
    let one = try Sheet([Sheet.Axis("a", ["1", "2"]), Sheet.Axis("b", ["3", "4"])], of: size, region: nil)
    let other = try Sheet([Sheet.Axis("a", ["1", "7"]), Sheet.Axis("b", ["3", "4"])], of: size, region: nil)
    #expect(one.picture.description == other.picture.description)
    #expect(!one.picture.hasSameBytes(as: other.picture))
    let boxes = try boxes(one, 4, size)
    _ = try self.boxes(other, 4, size)
    for box in boxes { #expect(cropped(one.picture, to: box).hasSameBytes(as: cropped(other.picture, to: box))) }
  }

  @Test func tablesAreDrawnInTheThumbnailsScale() throws {
    let size = gray(1000, 1000)
    let sheet = try Sheet([axis("threshold", 6)], of: size, region: nil)
    let detector = try BlobDetector()
    let sink = try sheet.sink(for: size, isLineMask: false)
    let ground = sink.thumbnail
    let scale = Double(ground.description.width) / 1000
    let table = Table(
      columns: detector.tableColumns, rows: [[500, 500, 100, 141], [-3000, 5, 1, 2], [2000, 2000, 1, 2]])
    let drawing = try sheet.drawing(of: table, on: ground, by: detector)
    func isDrawn(_ x: Double, _ y: Double) -> Bool {
      let samples: UnsafeMutablePointer<UInt8> = drawing.row(Int(y * scale)).samples()
      return (0..<3).contains { samples[3 * Int(x * scale) + $0] > 60 }
    }
    #expect(isDrawn(641, 500) && isDrawn(500, 641) && isDrawn(359, 500))
    #expect(!isDrawn(500, 500) && !isDrawn(0, 0) && !isDrawn(999, 999))
  }

  /// Every character that can be typed has a form of its own.
  @Test func lettersAreTold() {
    let letters = (0x21...0x7E).map { String(UnicodeScalar(UInt8($0))) }
    let forms = letters.map { letter in
      StrokeFont.segments(of: letter, x: 0, y: 6, unit: 1).joined().map { "\($0.0) \($0.1)" }
    }
    #expect(Set(forms).count == letters.count)
    #expect(StrokeFont.segments(of: "\u{4E00}", x: 0, y: 6, unit: 1)[0].count == 4)
  }
}
