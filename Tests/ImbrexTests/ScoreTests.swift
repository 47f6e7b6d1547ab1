import Foundation
import Imbrex
import TestSupport
import Testing

/// One line of Fixtures/matching.jsonl: two pictures of edges and how many pairs they make. See Fixtures/README.md.
struct MatchingFixture: Decodable, CustomStringConvertible, Sendable {
  let name: String
  let width, height: Int
  let tolerance: Double
  let found, truth: String
  let matched: Int

  var description: String { name }

  static let all: [MatchingFixture] = {
    let file = projectFolder.appendingPathComponent("Tests/Fixtures/matching.jsonl")
    return try! Data(contentsOf: file).split(separator: 10).map { try JSONDecoder().decode(Self.self, from: $0) }
  }()

  /// Bits as hexadecimal digits, the highest first, rows one after the other.
  func mask(_ digits: String) -> [Bool] {
    digits.flatMap { digit in (0..<4).map { digit.hexDigitValue! >> (3 - $0) & 1 == 1 } }
  }
}

/// Points where a mask is true.
private func points(_ mask: [Bool], _ width: Int, _ height: Int) -> EdgePoints {
  let sink = EdgePointsSink(ImageDescription(width: width, height: height, color: .gray, sampleType: .uint8))
  let bytes = mask.prefix(width * height).map { $0 ? UInt8(255) : 0 }
  bytes.withUnsafeBytes { sink.write($0.baseAddress!, stride: width, count: height) }
  return sink.points
}

@Suite struct ScoreTests {
  @Test(arguments: MatchingFixture.all)
  func edgesMakeAsManyPairsAsInSciPy(fixture: MatchingFixture) {
    let found = points(fixture.mask(fixture.found), fixture.width, fixture.height)
    let truth = points(fixture.mask(fixture.truth), fixture.width, fixture.height)
    let score = Score(found: found, truth: truth, tolerance: fixture.tolerance)
    #expect(score == Score(found: found.count, truth: truth.count, matched: fixture.matched))
    #expect(Score(found: truth, truth: found, tolerance: fixture.tolerance).matched == fixture.matched)
    // The same points as blobs.
    func centres(_ points: EdgePoints) -> [BlobCentre] {
      (0..<fixture.height).flatMap { y in
        (0..<fixture.width).filter { points.contains(x: $0, y: y) }.map { BlobCentre(y: Double(y), x: Double($0)) }
      }
    }
    #expect(Score(found: centres(found), truth: centres(truth), tolerance: fixture.tolerance) == score)
  }

  /// Every way of pairing, for few points.
  private func most(_ left: ArraySlice<[Int]>, _ free: Set<Int>) -> Int {
    guard let first = left.first else { return 0 }
    let without = most(left.dropFirst(), free)
    return first.filter(free.contains).reduce(without) { max($0, 1 + most(left.dropFirst(), free.subtracting([$1]))) }
  }

  @Test func fewPointsMakeAsManyPairsAsAnyWayOfPairing() {
    var noise = Noise(seed: 7)
    for trial in 0..<300 {
      let width = Int.random(in: 1...9, using: &noise), height = Int.random(in: 1...6, using: &noise)
      let tolerance = [0, 1, 1.4143, 2, 2.5, 4, 100][trial % 7]
      func mask() -> [Bool] {
        var mask = [Bool](repeating: false, count: width * height)
        for _ in 0..<7 { mask[Int.random(in: mask.indices, using: &noise)] = true }
        return mask
      }
      let (found, truth) = (mask(), mask())
      let places = { (mask: [Bool]) in mask.indices.filter { mask[$0] } }
      let near = places(found).map { a in
        places(truth).filter { b in
          let y = a / width - b / width, x = a % width - b % width
          return Double(y * y + x * x) <= tolerance * tolerance
        }
      }
      let score = Score(found: points(found, width, height), truth: points(truth, width, height), tolerance: tolerance)
      #expect(score.matched == most(near[...], Set(places(truth))))
    }
  }

  /// A million points each in a few seconds, with chains of pairs through the whole picture.
  @Test func aMillionPointsAreMatched() {
    let width = 2000, height = 1100
    let block = points((0..<width * height).map { $0 % width < 1000 && $0 / width < 1000 }, width, height)
    let shifted = points(
      (0..<width * height).map { (30..<1030).contains($0 % width) && $0 / width < 1000 }, width, height)
    #expect(Score(found: block, truth: shifted, tolerance: 3).matched == 973_000)
    var noise = Noise(seed: 5)
    let found = points((0..<4000 * 4000).map { _ in Int.random(in: 0..<16, using: &noise) == 0 }, 4000, 4000)
    let truth = points((0..<4000 * 4000).map { _ in Int.random(in: 0..<16, using: &noise) == 0 }, 4000, 4000)
    for tolerance in [1.0, 3] {
      let score = Score(found: found, truth: truth, tolerance: tolerance)
      #expect(score.matched > 100_000)
    }
  }

  @Test func ratiosOfNothingAreZero() {
    #expect(Score(found: 0, truth: 5, matched: 0).precision == 0)
    #expect(Score(found: 5, truth: 0, matched: 0).recall == 0)
    #expect(Score(found: 0, truth: 0, matched: 0).f1 == 0)
    let score = Score(found: 4, truth: 8, matched: 2) + Score(found: 4, truth: 0, matched: 0)
    #expect(score.precision == 0.25 && score.recall == 0.25 && score.f1 == 0.25)
    let empty = EdgePoints(width: 3, height: 3)
    #expect(Score(found: empty, truth: empty, tolerance: 2) == Score(found: 0, truth: 0, matched: 0))
    #expect(abs(Score.defaultEdgeTolerance(width: 300, height: 400) - 3.75) < 1e-12)
  }

  // MARK: - Truth

  @Test(arguments: SampleType.allCases)
  func pointsAreWhereLumaIsAboveZero(type: SampleType) throws {
    for (color, alpha) in [
      (ColorModel.gray, Alpha.none), (.gray, .straight), (.rgb, .none), (.rgb, .premultiplied), (.cmyk, .none),
    ] {
      let description = ImageDescription(width: 131, height: 7, color: color, alpha: alpha, sampleType: type)
      let picture = testPicture(description)
      // Some pixels of every channel are 0, or full.
      for y in 0..<7 {
        for index in 0..<description.samplesPerRow {
          let value: Double? = index * 7 % 5 < 2 ? 0 : index * 11 % 7 < 3 ? 1 : nil
          guard let value else { continue }
          let place = index * type.byteCount
          switch type {
          case .uint8: picture.row(y).storeBytes(of: UInt8(value * 255), toByteOffset: place, as: UInt8.self)
          case .uint16: picture.row(y).storeBytes(of: UInt16(value * 65535), toByteOffset: place, as: UInt16.self)
          case .float32: picture.row(y).storeBytes(of: Float(value), toByteOffset: place, as: Float.self)
          case .float64: picture.row(y).storeBytes(of: value, toByteOffset: place, as: Double.self)
          }
        }
      }
      let points = try EdgePoints(truth: PictureSource(picture), of: description)
      let samples = unitSamples(picture), channels = description.channels
      var count = 0
      for pixel in 0..<131 * 7 {
        let values = samples[pixel * channels..<(pixel + 1) * channels].map { $0 }
        var isEdge = values.prefix(color.channels).contains { $0 > 0 }
        if color == .cmyk { isEdge = values[3] < 1 && values.prefix(3).contains { $0 < 1 } }
        if alpha != .none && !(values.last! > 0) { isEdge = false }
        #expect(points.contains(x: pixel % 131, y: pixel / 131) == isEdge)
        count += isEdge ? 1 : 0
      }
      #expect(points.count == count)
    }
  }

  @Test func truthIsOfThePictureOrOfTheRegion() throws {
    let whole = testPicture(ImageDescription(width: 90, height: 80, color: .gray, sampleType: .uint8))
    let region = Region(x: 9, y: 30, width: 70, height: 20)
    let part = cropped(whole, to: region)
    let ofPart = try EdgePoints(truth: PictureSource(part), of: whole.description, region: region)
    #expect(try EdgePoints(truth: PictureSource(whole), of: whole.description, region: region) == ofPart)
    #expect(throws: ImbrexError(option: "truth", "has 70 × 20 pixels, but the picture has 90 × 80")) {
      try EdgePoints(truth: PictureSource(part), of: whole.description)
    }
    let other = testPicture(ImageDescription(width: 5, height: 6, color: .gray, sampleType: .uint8))
    #expect(
      throws: ImbrexError(
        option: "truth", "has 5 × 6 pixels, but the region has 70 × 20 pixels, and the picture 90 × 80")
    ) {
      try EdgePoints(truth: PictureSource(other), of: whole.description, region: region)
    }
    let bands = testPicture(ImageDescription(width: 90, height: 80, color: .gray, extraBands: 2, sampleType: .uint8))
    #expect(throws: ImbrexError(option: "truth", "has 3 bands of no known colour, but must be gray or colour")) {
      try EdgePoints(truth: PictureSource(bands), of: whole.description)
    }
  }

  // MARK: - Blobs

  private func table(_ text: String) throws -> BlobTruth { try BlobTruth(table: Array(text.utf8), name: "truth.csv") }

  @Test(arguments: [
    "y,x,sigma,radius\n1,2,3,4\n5.5,6,1,1\n", "y,x\r\n1,2\r\n\r\n5.5,6", "1,2\n5.5,6\n", "x\ty\n2\t1\n6\t5.5\n",
    "\u{FEFF}Row; Column\n 1 ; 2 \n5.5;6\n", "# by hand\n1 2\n 5.5  6\n",
    "label,centroid-0,centroid-1\na,1,2\n\"b,\"\"c\"\"\",5.5,6\n",
    "[\n  {\"y\":1,\"x\":2,\"sigma\":1},\n  {\"y\":5.5,\"x\":6}\n]\n", "[[1,2],[5.5,6,9]]",
    "{\"y\":1,\"x\":2}\n{\"x\":6,\"y\":5.5}\n",
  ])
  func tablesAreReadInManyForms(text: String) throws {
    #expect(try table(text).centres(of: "a.png") == [BlobCentre(y: 1, x: 2), BlobCentre(y: 5.5, x: 6)])
  }

  @Test(arguments: [
    ("y,x\n1,2\n\n3,a\n", "truth.csv, line 4: x is 'a', but must be a number of pixels"),
    ("y,x\n1\n", "truth.csv, line 2: x is missing"),
    ("y,x\nnan,1", "truth.csv, line 2: y is 'nan', but must be a number of pixels"),
    ("sigma,x\n1,2\n", "truth.csv, line 1: there is no column y, nor one named row"),
    ("", "truth.csv is empty, but a table of no blobs has a line of names"),
    ("{\"y\":1,\"x\":2}\n{\"y\":1}\n", "truth.csv, line 2: no numbers y and x stand there"),
    ("{\"y\":1,\"x\":2}\n{\"y\":1\n", "truth.csv, line 2: no valid JSON at byte 6: a comma or a brace is missing"),
    ("[{\"y\":1,\"x\":2},{}]", "truth.csv, element 2: no numbers y and x stand there"),
    ("[1,", "truth.csv: no valid JSON at byte 3: no value stands there"),
  ])
  func badTablesAreNamedWithTheirLine(text: String, message: String) throws {
    let error = #expect(throws: ImbrexError.self) { try table(text) }
    #expect(error?.message == message)
  }

  @Test func tablesOfManyFilesAreTakenApart() throws {
    let truth = try table("file,page,y,x\nphotos/a.tif,1,1,2\nphotos/a.tif,2,3,4\nphotos/b.tif,1,50,60\n")
    #expect(truth.centres(of: "a.tif") == [BlobCentre(y: 1, x: 2)])
    #expect(truth.centres(of: "x/a.tif", page: 2) == [BlobCentre(y: 3, x: 4)])
    #expect(truth.centres(of: "b.tif", in: Region(x: 60, y: 50, width: 1, height: 1)).count == 1)
    #expect(truth.centres(of: "b.tif", in: Region(x: 61, y: 50, width: 9, height: 9)).isEmpty)
    #expect(try table("y,x\n").centres(of: "a.tif").isEmpty)
  }

  @Test func spotsOfAPictureAreBlobs() throws {
    let rows = [
      "##......#....................................................................###",
      "##.......#...................................................................#.#",
      "..........#..................................................................###",
      "...#.#...........######################################################.........",
      "....#...........................................................................",
    ]
    let description = ImageDescription(width: 80, height: 5, color: .gray, sampleType: .uint8)
    let picture = try Picture(description)
    for (y, row) in rows.enumerated() {
      for (x, character) in row.enumerated() where character == "#" {
        picture.row(y).storeBytes(of: 9, toByteOffset: x, as: UInt8.self)
      }
    }
    let truth = try BlobTruth(picture: PictureSource(picture), of: description)
    #expect(
      truth.centres(of: "a.png") == [
        BlobCentre(y: 0.5, x: 0.5), BlobCentre(y: 1, x: 9), BlobCentre(y: 1, x: 78), BlobCentre(y: 10.0 / 3, x: 4),
        BlobCentre(y: 3, x: 43.5),
      ])
    let region = Region(x: 70, y: 0, width: 10, height: 3)
    let part = try BlobTruth(picture: PictureSource(picture), of: description, region: region)
    #expect(part.centres(of: "a.png", in: region) == [BlobCentre(y: 1, x: 78)])
  }

  // MARK: - Table

  @Test func theBestIsFirst() throws {
    var table = ScoreTable(names: ["s", "method"], tolerance: 3.75)
    table.add(["1", "log"], Score(found: 10, truth: 20, matched: 5))
    table.add(["2.50", "log"], Score(found: 20, truth: 20, matched: 15))
    table.add(["10", "a \"b\""], Score(found: 10, truth: 20, matched: 5))
    table.add(["1e3", "doh"], Score(found: 0, truth: 20, matched: 0))
    #expect(
      table.text == """
           s  method  found  truth  matched  precision  recall      F1
        2.50     log     20     20       15     0.7500  0.7500  0.7500
           1     log     10     20        5     0.5000  0.2500  0.3333
          10   a "b"     10     20        5     0.5000  0.2500  0.3333
         1e3     doh      0     20        0     0.0000  0.0000  0.0000

        """)
    let json = try JSONValue(text: Array(table.json.utf8))
    #expect(json["tolerance"]?.number == 3.75)
    let rows = try #require(json["combinations"]?.array)
    #expect(rows.map { $0["values"]?["s"]?.number } == [2.5, 1, 10, 1000])
    #expect(rows[2]["values"]?["method"]?.string == "a \"b\"" && rows[0]["f1"]?.number == 0.75)
    #expect(rows[1]["found"]?.integer == 10 && rows[1]["precision"]?.number == 0.5 && rows[1]["matched"]?.integer == 5)
    #expect(ScoreTable(names: [], tolerance: 0).json == "{\"tolerance\":0,\"combinations\":[]}\n")
  }
}
