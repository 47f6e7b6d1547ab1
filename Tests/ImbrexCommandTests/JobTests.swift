import Foundation
import Imbrex
import TestSupport
import Testing

/// A job's result is byte for byte that of one machine, however it is cut, in whatever order its tasks run, whatever is killed.
@Suite struct JobTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String, environment: [String: String] = [:]) throws -> Program.Outcome {
    try Program.run(
      line.split(separator: " ").map(String.init), environment: environment, folder: folder.url)
  }

  private func done(_ line: String) throws {
    let outcome = try run(line)
    #expect(outcome.status == 0, "\(line): \(outcome.errors)")
  }

  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path(name))) }
  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.path(name)) }
  private func files(_ name: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path(name))) ?? []).sorted()
  }

  private func plan(_ job: String = "job") throws -> JobPlan { try JobPlan(json: Array(bytes("\(job)/plan.json"))) }

  /// A picture of noise and shapes, tall enough to be cut, in the kind of file that its name says.
  private func makePicture(
    _ name: String, _ type: SampleType = .uint8, _ color: ColorModel = .gray, width: Int = 61,
    height: Int = 203, stored: StoredSamples? = nil, metadata: Metadata = Metadata()
  ) throws {
    var noise = Noise(seed: 7)
    var description = ImageDescription(width: width, height: height, color: color, sampleType: type)
    description.stored = stored
    let picture = try Picture(description)
    for y in 0..<height {
      for x in 0..<(width * description.channels) {
        let wave = (sin(Double(x / description.channels) / 5) * cos(Double(y) / 7) + 1) / 2
        let value = min(max(wave * 0.8 + .random(in: 0...0.2, using: &noise), 0), 1)
        switch type {
        case .uint8: picture.row(y).storeBytes(of: UInt8(value * 255), toByteOffset: x, as: UInt8.self)
        case .uint16: picture.row(y).storeBytes(of: UInt16(value * 65535), toByteOffset: 2 * x, as: UInt16.self)
        case .float32:
          let scaled = stored == nil ? Float(value) : (Float(value) * 127).rounded() / 127
          picture.row(y).storeBytes(of: scaled, toByteOffset: 4 * x, as: Float.self)
        case .float64: picture.row(y).storeBytes(of: value, toByteOffset: 8 * x, as: Double.self)
        }
      }
    }
    try writePictures([picture], to: folder.path(name), metadata: metadata)
  }

  private func tiff(_ compression: Int32, strips: UInt32 = 8) -> Metadata {
    var metadata = Metadata()
    metadata.tiff.compression = compression
    metadata.tiff.rowsPerStrip = strips
    return metadata
  }

  /// Makes the outputs of a command line by one machine and by a job, and compares all files of both.
  private func compare(_ parts: Int, _ command: String, outputs: [String], options: String = "") throws {
    func line(_ folder: String) -> String {
      var words = command.split(separator: " ").map(String.init)
      for index in words.indices where outputs.contains(words[index]) { words[index] = "\(folder)/\(words[index])" }
      return words.joined(separator: " ")
    }
    for name in ["one", "many", "job"] { try? FileManager.default.removeItem(atPath: folder.path(name)) }
    for name in ["one", "many"] {
      try FileManager.default.createDirectory(
        at: folder.url.appendingPathComponent(name), withIntermediateDirectories: true)
    }
    try done(line("one"))
    try done("job create job --parts \(parts) \(options) -- \(line("many"))")
    try done("job run job")
    for output in outputs {
      let isSame = try areSameFiles(folder.path("one/\(output)"), folder.path("many/\(output)"))
      #expect(isSame, "\(parts) parts: \(command): \(output)")
    }
    #expect(files("one") == files("many") && files("job/parts") == [], "\(command)")
  }

  // MARK: - Equality

  static let chains = [
    "gaussian --sigma 2", "gaussian --sigma 3 --boundary wrap", "sobel", "sobel --direction vertical",
    "median --radius 3",
    "median --shape disk --radius 4 --boundary mirror", "edge", "edge --sigma 2 --boundary wrap",
    "edge --quantiles --low 0.7 --high 0.9", "gaussian then sobel", "sobel then gaussian --sigma 2 then median",
    "gaussian then edge", "edge then gaussian --sigma 4", "edge then edge then median",
    "median then edge --quantiles --low 0.5 --high 0.8 then gaussian --sigma 2 --boundary wrap",
    "gaussian --sigma 2 then median --boundary wrap then sobel --boundary wrap", "sobel --float then gaussian --float",
    "gaussian --linear then sobel --operator roberts",
  ]

  static let tables = [
    "blob-detect --max-sigma 6 --threshold 0.02", "blob-detect --max-sigma 6 --threshold-rel 0.2 --overlap 0.1",
    "blob-detect --method dog --max-sigma 6 --threshold 0.02 --dark",
    "blob-detect --method doh --max-sigma 6 --threshold 0.0005",
    "median then blob-detect --max-sigma 4 --threshold 0.02",
    "gaussian then blob-detect --method doh --max-sigma 5 --threshold 0.0002 --exclude-border 5",
  ]

  @Test(arguments: chains) func a_picture_in_parts_is_that_of_one_machine(chain: String) throws {
    try makePicture("in.tif", .uint8, .rgb, metadata: tiff(8))
    for parts in [1, 2, 7, 64] { try compare(parts, "\(chain) in.tif -o out.tif", outputs: ["out.tif"]) }
  }

  @Test(arguments: tables) func a_table_of_parts_is_that_of_one_machine(chain: String) throws {
    try makePicture("in.tif", .uint8, .gray, metadata: tiff(8))
    for parts in [1, 2, 7, 64] {
      try compare(parts, "\(chain) in.tif -o out.csv --overlay drawn.png", outputs: ["out.csv", "drawn.png"])
    }
    #expect(try bytes("many/out.csv").count > 100)
  }

  @Test(arguments: [
    (SampleType.uint8, ColorModel.gray), (.uint16, .gray), (.uint16, .rgb), (.float32, .gray),
    (.float64, .gray),
  ])
  func all_sample_types(type: SampleType, color: ColorModel) throws {
    try makePicture("in.tif", type, color, metadata: tiff(1))
    for chain in ["gaussian --sigma 2", "median then sobel", "edge --quantiles --low 0.6 --high 0.9 then gaussian"] {
      for parts in [2, 7] { try compare(parts, "\(chain) in.tif -o out.tif", outputs: ["out.tif"]) }
    }
    try compare(5, "blob-detect --max-sigma 4 --threshold 0.01 in.tif -o out.json", outputs: ["out.json"])
  }

  /// Signed samples are floats in memory, rounded between stages.
  @Test func signed_samples() throws {
    try makePicture("in.tif", .float32, .gray, stored: StoredSamples(.signed, bits: 8), metadata: tiff(8))
    try compare(4, "gaussian then median then gaussian --sigma 2 in.tif -o out.tif", outputs: ["out.tif"])
  }

  /// Strips, blocks of PNG and what cannot be put together of coded parts.
  @Test(arguments: [
    "tif none", "tif lzw", "tif packbits", "tif deflate", "tif zstd", "png", "jpg", "pam", "pfm", "png interlaced",
    "tif tiles",
    "tif planar", "tif big-endian", "tif jpeg",
  ])
  func all_kinds_of_files(kind: String) throws {
    let words = kind.split(separator: " ").map(String.init)
    var metadata = Metadata()
    metadata.tiff.rowsPerStrip = 16
    let compressions: [String: Int32] = [
      "none": 1, "lzw": 5, "packbits": 32773, "deflate": 8, "zstd": 50000, "jpeg": 7,
    ]
    metadata.tiff.compression = words.count > 1 ? compressions[words[1]] ?? 8 : 8
    metadata.isInterlacedPNG = words.last == "interlaced"
    metadata.tiff.isPlanar = words.last == "planar"
    metadata.tiff.isBigEndian = words.last == "big-endian"
    if words.last == "tiles" { (metadata.tiff.tileWidth, metadata.tiff.tileHeight) = (32, 16) }
    // Several blocks of a PNG.
    try makePicture("in.\(words[0])", .uint8, .rgb, width: 301, height: 1203, metadata: metadata)
    for chain in ["gaussian", "edge", "edge then gaussian"] {
      let end = chain == "edge" && words[0] == "jpg" ? "png" : words[0]
      try compare(3, "\(chain) in.\(words[0]) -o out.\(end)", outputs: ["out.\(end)"])
    }
    if words[0] == "png" || words[0] == "jpg" {
      try compare(
        3, "gaussian in.\(words[0]) -o out.\(words[0])", outputs: ["out.\(words[0])"], options: "--tiled-copy")
    }
  }

  @Test func regions_tees_and_pages() throws {
    try makePicture("in.tif", .uint8, .rgb, metadata: tiff(8))
    for parts in [2, 7] {
      try compare(
        parts, "gaussian then tee a.png then edge then tee b.tif then median in.tif -o out.png --region 41x97+9+50",
        outputs: ["a.png", "b.tif", "out.png"])
      try compare(parts, "sobel in.tif -o out.tif --region 30x20+5+150", outputs: ["out.tif"])
      try compare(
        parts,
        "median then tee a.tif then blob-detect --max-sigma 3 --threshold 0.02 in.tif -o out.tsv --region 50x150+5+10",
        outputs: ["a.tif", "out.tsv"])
    }
    let pages = try (0..<5).map { number in
      let page = try Picture(ImageDescription(width: 40 + number, height: 90, color: .gray, sampleType: .uint8))
      for y in 0..<90 {
        for x in 0..<40 {
          page.row(y).storeBytes(of: UInt8((x * y * (number + 1)) & 255), toByteOffset: x, as: UInt8.self)
        }
      }
      return page
    }
    try writePictures(pages, to: folder.path("stack.tif"), metadata: tiff(8))
    for parts in [2, 3, 12] {
      try compare(parts, "gaussian then edge stack.tif -o out.tif", outputs: ["out.tif"])
      try compare(
        parts, "blob-detect --max-sigma 3 --threshold 0.05 stack.tif -o out.csv --page 2-4", outputs: ["out.csv"])
    }
  }

  @Test func masks_and_options_that_change_the_output() throws {
    try makePicture("in.tif", .uint16, .rgb, metadata: tiff(8))
    try makePicture("mask.png", .uint8, .gray)
    for line in [
      "edge --mask mask.png in.tif -o out.tif", "gaussian in.tif -o out.png --bit-depth 8 --compression 9",
      "gaussian in.tif -o out.jpg --quality 70", "sobel --mask mask.png --serial in.tif -o out.tif",
      "gaussian in.tif -o out.tif --max-memory 300K --chunks 3x2", "gaussian --preserve-range in.tif -o out.tif",
    ] {
      try compare(4, line, outputs: [String(line.split(separator: " ").first { $0.hasPrefix("out.") }!)])
    }
  }

  // MARK: - Directories

  private func makeDirectory() throws {
    try FileManager.default.createDirectory(
      at: folder.url.appendingPathComponent("in/sub"), withIntermediateDirectories: true)
    for number in 0..<9 { try makePicture("in/\(number).png", .uint8, .gray, width: 30 + number, height: 20) }
    try makePicture("in/sub/large.tif", .uint8, .rgb, width: 120, height: 300, metadata: tiff(8))
  }

  @Test func many_small_pictures_and_a_large_one() throws {
    try makeDirectory()
    try done("gaussian then edge -r in -o one/")
    try done("job create job --parts 6 -- gaussian then edge -r in -o many/")
    let plan = try plan()
    #expect(plan.pictures.count == 1 && plan.waves.last?.name == "files")
    #expect(plan.inputs.count == 10 && plan.inputs.last?.content.count == 32)
    try done("job run job")
    for name in (0..<9).map({ "\($0).png" }) + ["sub/large.tif"] {
      #expect(try areSameFiles(folder.path("one/\(name)"), folder.path("many/\(name)")), "\(name)")
    }
    try done("blob-detect --max-sigma 3 --threshold 0.05 -r in -o one.csv")
    try done("job create table --parts 6 -- blob-detect --max-sigma 3 --threshold 0.05 -r in -o many.csv")
    try done("job run table")
    #expect(try bytes("one.csv") == bytes("many.csv"))
  }

  /// One bad picture: the others are done, and status and exit say which it is.
  @Test func a_task_that_fails_stops_no_other() throws {
    try makeDirectory()
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: folder.path("in/5.png")))
    try done("job create job --parts 4 -- sobel -r in -o many/")
    let outcome = try run("job run job")
    #expect(outcome.status == 1 && outcome.errors.contains("imbrex: in/5.png: "), "\(outcome.errors)")
    #expect(files("many").count == 9 && exists("many/sub/large.tif") && !exists("many/5.png"))
    let status = try run("job status job")
    #expect(
      status.status == 0 && status.text.contains("failed: files-") && status.text.contains("1 of "), "\(status.text)")
    let json = try JSONValue(text: run("job status job --json").output)
    #expect(json["failed"]?.array?.count == 1)
    // Mended, it is another picture: the job says so.
    try FileManager.default.removeItem(atPath: folder.path("in/5.png"))
    try makePicture("in/5.png")
    let again = try run("job run job")
    #expect(again.status == 1 && again.errors.contains("in/5.png: has changed since the job was made"))
  }

  // MARK: - Orders and kills

  @Test(arguments: 0..<4) func any_order_that_the_graph_allows(seed: Int) throws {
    var noise = Noise(seed: seed)
    try makePicture("in.tif", .uint8, .rgb, metadata: tiff(8))
    let chain = "gaussian then edge --quantiles --low 0.6 --high 0.9 then gaussian --sigma 2"
    try done("\(chain) in.tif -o one.tif")
    try done("job create job --parts 3 -- \(chain) in.tif -o many.tif")
    let plan = try plan()
    var left = Set(plan.tasks.indices), done = Set<Int>()
    while !left.isEmpty {
      let ready = left.filter { plan.tasks[$0].needs.allSatisfy(done.contains) }.sorted()
      let number = ready.randomElement(using: &noise)!
      // By its name, or as an engine's array job asks for it; now and then twice.
      for _ in 0..<Int.random(in: 1...2, using: &noise) {
        let outcome =
          Bool.random(using: &noise)
          ? try run("job run job --task \(plan.tasks[number].name)")
          : try run("job run job --first 2", environment: ["SLURM_ARRAY_TASK_ID": "\(number - 2)"])
        if number < 2 && outcome.status == 2 {
          try self.done("job run job --task \(plan.tasks[number].name)")
        } else {
          #expect(outcome.status == 0, "\(outcome.errors)")
        }
      }
      done.insert(number)
      left.remove(number)
    }
    #expect(try areSameFiles(folder.path("one.tif"), folder.path("many.tif")))
  }

  @Test func runners_side_by_side_and_killed() throws {
    try makePicture("in.tif", .uint8, .rgb, width: 400, height: 1200, metadata: tiff(8))
    let chain = "gaussian --sigma 3 then edge then gaussian --sigma 5"
    try done("\(chain) in.tif -o one.tif")
    try done("job create job --parts 12 -- \(chain) in.tif -o many.tif")
    // Killed again and again, each time a little later; then two at once.
    let outcome = try Program.shell(
      """
      cd "$2"
      for i in 1 2 3 4 5 6 7 8; do timeout -s KILL 0.0$i "$1" job run job -- 2>/dev/null; timeout -s KILL 0.0$i "$1" job run job; done
      "$1" job run job & "$1" job run job; first=$?; wait $!; echo $first $?
      """, [Program.url.path, folder.url.path])
    #expect(outcome.text.hasSuffix("0 0\n"), "\(outcome)")
    #expect(try areSameFiles(folder.path("one.tif"), folder.path("many.tif")))
    #expect(files("job/claims").isEmpty && files("job/parts").isEmpty && files("job/failed").isEmpty)
    #expect(!files("").contains { $0.hasPrefix(".") })
  }

  @Test func what_is_missing_is_named() throws {
    try makePicture("in.tif", .uint8, .gray, metadata: tiff(8))
    try done("job create job --parts 3 -- edge then gaussian in.tif -o out.tif")
    let early = try run("job run job --task join")
    #expect(
      early.status == 1 && early.errors == "imbrex: join needs 2-gaussian-0000, which is not done\n", "\(early.errors)")
    try done("job run job --task 0-edge-labels-0000")
    try done("job run job --task 0-edge-labels-0001")
    try done("job run job --task 0-edge-labels-0002")
    try FileManager.default.removeItem(atPath: folder.path("job/parts/0/0/0-0-00001.partial"))
    let missing = try run("job run job --task 0-edge-labels-merge")
    #expect(missing.status == 1 && missing.errors.contains("what another task made is missing"), "\(missing.errors)")
    #expect(!exists("out.tif"))
    // Its task again, and all goes on.
    try FileManager.default.removeItem(atPath: folder.path("job/done/0-edge-labels-0001"))
    try done("job run job")
    try done("edge then gaussian in.tif -o one.tif")
    #expect(try areSameFiles(folder.path("one.tif"), folder.path("out.tif")))
  }

  @Test func damaged_and_foreign_jobs() throws {
    try makePicture("in.tif", .uint8, .gray, metadata: tiff(8))
    try done("job create job --parts 2 -- sobel in.tif -o out.tif")
    let text = String(decoding: try bytes("job/plan.json"), as: UTF8.self)
    func write(_ text: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.path("job/plan.json")))
    }
    for (changed, said) in [
      (text.replacingOccurrences(of: "\"imbrex\": \"", with: "\"imbrex\": \"9"), "the job was made by imbrex 9"),
      (String(text.dropLast(40)), "no valid JSON at byte"),
      (text.replacingOccurrences(of: "\"picture\":0", with: "\"picture\":7"), "plan.json is no plan of a job"),
      (text.replacingOccurrences(of: "\"ends\":[[", with: "\"ends\":[[900,"), "plan.json is no plan of a job"),
      ("{}", "plan.json is no plan of a job"), ("", "no valid JSON"),
    ] {
      try write(changed)
      let outcome = try run("job run job")
      #expect(outcome.status == 1 && outcome.errors.contains(said), "\(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1)
    }
    try write(text)
    try makePicture("in.tif", .uint8, .gray, height: 204, metadata: tiff(8))
    let changed = try run("job run job")
    #expect(changed.status == 1 && changed.errors.contains("in.tif: has changed since the job was made"))
    #expect(!exists("out.tif"))
  }

  @Test(arguments: [
    ("job", "job needs to be told what to do: create, run, status, graph or submit"),
    ("job crate job", "job cannot 'crate'; did you mean 'create'? (create, run, status, graph, submit)"),
    ("job run", "job run needs a directory: imbrex job run JOB/"),
    ("job run a b", "job run takes one directory, 'a', not also 'b'"),
    ("job create job -- sobel in.tif -o out.tif", "--parts is missing: --parts N"),
    ("job create job --parts 2", "job create needs a command line behind --: -- gaussian in.tif -o out.tif"),
    ("job create job --parts 2 -- info in.tif", "what stands behind -- must be a filter, or a chain of them"),
    ("job create job --parts 2 -- sobel --in-place in.tif", "--in-place does not go with a job"),
    ("job create job --parts 2 -- sobel in.tif -o out.tif --report r", "--report does not go with a job"),
    ("job create job --parts 2 -- sobel in.tif", "a job needs a file to write: use -o FILE"),
    ("job create job --parts 2 -- sobel - -o out.tif", "standard input cannot be read again and again: name a file"),
    ("job run job --parts 3", "--parts is an option of job create, not of job run"),
    ("job run job -- x", "job run takes nothing behind --, not 'x'"),
    (
      "job create job --parts 0 -- sobel in.tif -o out.tif",
      "--parts is '0', but must be a whole number between 1 and 1000000"
    ),
  ])
  func a_mistake_is_named(line: String, message: String) throws {
    try makePicture("in.tif", .uint8, .gray, metadata: tiff(8))
    let outcome = try run(line)
    #expect(outcome.status == 2 && outcome.errors == "imbrex: \(message)\n", "\(line): \(outcome.errors)")
    #expect(!exists("job"))
  }

  @Test func create_tells_what_could_not_be_written() throws {
    try makePicture("in.tif", .uint8, .gray, metadata: tiff(8))
    let outcome = try run("job create job --parts 2 -- sobel in.tif -o nowhere/out.tif")
    #expect(outcome.status == 1 && outcome.errors == "imbrex: nowhere/out.tif: nowhere does not exist: make it first\n")
    #expect(!exists("job"))
  }

  /// A picture that can only be read from its top costs more in parts, and create says so.
  @Test func create_tells_what_PNGs_cost() throws {
    try makePicture("in.png", .uint8, .gray)
    let outcome = try run("job create job --parts 4 -- sobel in.png -o out.png")
    #expect(outcome.errors.contains("in.png: can only be read from its top") && outcome.errors.contains("--tiled-copy"))
    let again = try run("job create job --parts 4 -- sobel in.png -o out.png")
    #expect(again.status == 2 && again.errors.contains("there is a job in '") && again.errors.contains("already"))
    #expect(try run("job create copied --parts 4 --tiled-copy -- sobel in.png -o out.png").errors == "")
  }

  // MARK: - Sizes

  /// What parts tell each other grows with their borders: a picture twice as high makes no larger partials.
  @Test(arguments: ["edge", "gaussian then edge --sigma 2", "blob-detect --max-sigma 3 --threshold 0.05"])
  func partials_do_not_grow_with_the_area(chain: String) throws {
    func sizes(_ height: Int) throws -> Int {
      try? FileManager.default.removeItem(atPath: folder.path("job"))
      try makePicture("in.tif", .uint8, .gray, width: 200, height: height, metadata: tiff(8))
      let output = chain.hasPrefix("blob") ? "out.csv" : "out.tif"
      try done("job create job --parts 2 -- \(chain) in.tif -o \(output)")
      for task in try plan().tasks where !["join", "table"].contains(task.name) {
        try done("job run job --task \(task.name)")
      }
      let partials = files("job/parts/0/0").filter { $0.hasSuffix(".partial") }
      return try partials.map { try bytes("job/parts/0/0/\($0)").count }.reduce(0, +)
    }
    let low = try sizes(400), high = try sizes(1600)
    #expect(Double(high) < 1.6 * Double(low), "\(low) and \(high) bytes")
  }
}
