import Foundation
import Imbrex
import TestSupport
import Testing

/// What may be wrong around a job: damaged files in its directory, plans that were edited, claims of the dead, inputs of which one
/// cannot be done. One line says what it is, and no output is wrong.
@Suite struct JobSafetyTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), folder: folder.url)
  }

  private func done(_ line: String) throws {
    let outcome = try run(line)
    #expect(outcome.status == 0, "\(line): \(outcome.errors)")
  }

  private func url(_ name: String) -> URL { URL(fileURLWithPath: folder.path(name)) }
  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.path(name)) }
  private func bytes(_ name: String) throws -> Data { try Data(contentsOf: url(name)) }
  private func files(_ name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path(name)).sorted()
  }

  private func picture(width: Int, height: Int, seed: Int = 7) throws -> Picture {
    var noise = Noise(seed: seed)
    let picture = try Picture(ImageDescription(width: width, height: height, color: .gray, sampleType: .uint8))
    for y in 0..<height {
      for x in 0..<width {
        let wave = (sin(Double(x) / 5) * cos(Double(y) / 7) + 1) * 100 + .random(in: 0...50, using: &noise)
        picture.row(y).storeBytes(of: UInt8(wave), toByteOffset: x, as: UInt8.self)
      }
    }
    return picture
  }

  private func makePicture(
    _ name: String, width: Int = 61, height: Int = 203, compression: Int32 = 8, pages: Int = 1
  ) throws {
    var metadata = Metadata()
    metadata.tiff.compression = compression
    metadata.tiff.rowsPerStrip = 8
    try writePictures(
      (0..<pages).map { try picture(width: width, height: height, seed: $0) }, to: folder.path(name), metadata: metadata
    )
  }

  /// A job of one picture, all of whose tasks are done but those that make outputs.
  private func makeParts(_ command: String, parts: Int = 3, job: String = "job") throws {
    try done("job create \(job) --parts \(parts) -- \(command)")
    for task in try JobPlan(json: Array(bytes("\(job)/plan.json"))).tasks where !task.makesOutput {
      try done("job run \(job) --task \(task.name)")
    }
  }

  /// A thing that went wrong: one line for it, and nothing that looks like a result.
  private func fails(_ line: String, _ said: String, output: String = "out.tif") throws {
    let outcome = try run(line)
    #expect(outcome.status == 1 && outcome.errors.contains(said), "\(outcome.status): \(outcome.errors)")
    #expect(!exists(output))
  }

  // MARK: - Results

  /// What a part has kept has no ghosts for what finds blobs.
  @Test(arguments: ["dog --threshold 0.02", "log --threshold 0.02 --num-sigma 4", "doh --threshold 0.001"])
  func blobs_of_edges(method: String) throws {
    try makePicture("in.tif")
    let chain = "edge --sigma 0 then blob-detect --method \(method) --max-sigma 3 in.tif"
    try done("\(chain) -o one.csv")
    for parts in [2, 7] {
      try done("job create job\(parts) --parts \(parts) -- \(chain) -o many.csv")
      try done("job run job\(parts)")
      #expect(try bytes("one.csv") == bytes("many.csv"), "\(parts)")
    }
  }

  /// What the job has made between passes has one page.
  @Test func pages_behind_the_first() throws {
    try makePicture("in.tif", pages: 3)
    for chain in ["edge then gaussian --page 3", "edge then gaussian --page 2-3 --allow-truncated"] {
      try done("\(chain) in.tif -o one.tif")
      try done("job create job --parts 3 -- \(chain) in.tif -o many.tif")
      try done("job run job")
      #expect(try areSameFiles(folder.path("one.tif"), folder.path("many.tif")), "\(chain)")
      try FileManager.default.removeItem(at: url("job"))
    }
  }

  @Test func a_page_that_is_not_there() throws {
    let data = try picture(width: 20, height: 30)
    try writePictures([data], to: folder.path("in.pgm"))
    let line = "gaussian --page 1-2 in.pgm -o out.pgm"
    #expect(try run(line).status == 1)
    try done("job create job --parts 3 -- \(line)")
    try fails("job run job", "in.pgm: there is no page 2: it has 1", output: "out.pgm")
  }

  /// Of several pictures one is smaller than the region: the others are done.
  @Test func a_picture_that_cannot_be_cut_stops_no_other() throws {
    try FileManager.default.createDirectory(at: url("in"), withIntermediateDirectories: true)
    try makePicture("in/a.tif", height: 400)
    try makePicture("in/b.tif", height: 300)
    try makePicture("in/c.tif", height: 500)
    let line = "gaussian in --region 20x30+0+300"
    #expect(try run("\(line) -o one/").status == 1)
    try done("job create job --parts 8 -- \(line) -o many/")
    try fails("job run job", "in/b.tif: --region is", output: "many/b.tif")
    for name in ["a.tif", "c.tif"] {
      #expect(try areSameFiles(folder.path("one/\(name)"), folder.path("many/\(name)")), "\(name)")
    }
  }

  @Test func no_clobber_leaves_a_table_alone() throws {
    try makePicture("in.tif")
    try Data("mine".utf8).write(to: url("out.csv"))
    try done("job create job --parts 3 -- blob-detect --max-sigma 3 --no-clobber in.tif -o out.csv")
    try done("job run job")
    #expect(try bytes("out.csv") == Data("mine".utf8))
  }

  // MARK: - What was killed

  /// The join's marks come before its parts go, so that it can be done again whenever it is killed.
  @Test func what_a_killed_join_has_left_goes() throws {
    try makePicture("in.tif")
    try makeParts("sobel in.tif -o out.tif")
    let plan = try JobPlan(json: Array(bytes("job/plan.json")))
    let runner = JobRunner(JobDirectory(folder.path("job")), plan)
    struct Killed: Error {}
    #expect(throws: Killed.self) { try runner.run(plan.tasks.count - 1) { _ in throw Killed() } }
    #expect(try !files("job/parts/0/0").isEmpty)
    // Killed right behind its mark.
    try Data().write(to: url("job/done/join"))
    try done("job run job")
    #expect(try files("job/parts").isEmpty)
  }

  /// The number of a dead runner may be another process' by now: without a sign of life its task is free.
  @Test func a_claim_without_a_sign_of_life() throws {
    try makePicture("in.tif")
    try makeParts("sobel in.tif -o out.tif")
    var host = [CChar](repeating: 0, count: 256)
    gethostname(&host, 255)
    let name = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try Data("\(name) \(getpid())\n".utf8).write(to: url("job/claims/join"))
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -60)], ofItemAtPath: folder.path("job/claims/join"))
    try done("job run job")
    #expect(exists("out.tif"))
  }

  // MARK: - Damage

  /// Bits of whatever the join copies as it is coded.
  @Test(arguments: [("in.tif", 8), ("in.tif", 5), ("in.tif", 1), ("in.png", 8)] as [(String, Int32)])
  func damaged_parts_are_found(name: String, compression: Int32) throws {
    try makePicture(name, compression: compression)
    try makeParts("gaussian \(name) -o out.tif")
    let file = "job/parts/0/0/" + (try #require(files("job/parts/0/0").first { $0.hasPrefix("output") }))
    let sound = try bytes(file)
    for place in stride(from: 0, to: sound.count, by: max(sound.count / 20, 1)) {
      var damaged = sound
      damaged[damaged.startIndex + place] ^= 4
      try damaged.write(to: url(file))
      try fails("job run job --task join", "imbrex: \(name): ")
    }
    try sound.dropLast(9).write(to: url(file))
    try fails("job run job --task join", "imbrex: \(name): ")
    try sound.write(to: url(file))
    try done("job run job --task join")
  }

  @Test func parts_of_other_rows_or_scales() throws {
    try makePicture("in.tif")
    try done("job create job --parts 3 -- edge in.tif -o out.tif")
    for part in 0..<3 { try done("job run job --task 0-edge-labels-000\(part)") }
    let names = (0..<2).map { "job/parts/0/0/0-0-0000\($0).partial" }
    let (first, second) = (try bytes(names[0]), try bytes(names[1]))
    try second.write(to: url(names[0]))
    try first.write(to: url(names[1]))
    try fails("job run job", "the border of a part is of other rows")

    try makeParts("blob-detect --max-sigma 4 --num-sigma 2 --threshold 0.02 in.tif -o out.csv", job: "few")
    try makeParts("blob-detect --max-sigma 4 --num-sigma 9 --threshold 0.02 in.tif -o out.csv", job: "many")
    let file = try #require(files("few/parts/0/0").first { $0.hasPrefix("0-1-") && $0.hasSuffix(".kept") })
    try bytes("many/parts/0/0/\(file)").write(to: url("few/parts/0/0/\(file)"))
    try fails("job run few --task join", "the record of peaks is of other scales", output: "out.csv")
  }

  @Test func edited_plans() throws {
    try makePicture("in.tif")
    try done("job create job --parts 2 -- edge in.tif -o out.tif")
    let text = String(decoding: try bytes("job/plan.json"), as: UTF8.self)
    for (from, to, said) in [
      ("\"kind\":\"merge\",\"picture\":0,\"pass\":0", "\"kind\":\"merge\",\"picture\":0,\"pass\":9", "other work"),
      ("\"kind\":\"merge\",\"picture\":0,\"pass\":0", "\"kind\":\"merge\",\"picture\":0,\"pass\":1", "other work"),
      (",203]]", ",202]]", "other work"), (",203]]", ",9000]]", "other work"),
      ("\"kind\":\"join\"", "\"kind\":\"table\"", "other work"),
      ("\"name\":\"join\"", "\"name\":\"../join\"", "no plan of a job"),
      ("\"name\":\"join\"", "\"name\":\"\"", "no plan of a job"),
      ("\"memory\":", "\"memory\":9000000000", "no plan of a job"),
      ("\"pixels\":", "\"pixels\":-9", "no plan of a job"),
    ] {
      let changed = text.replacingOccurrences(of: from, with: to)
      #expect(changed != text, "\(from)")
      try Data(changed.utf8).write(to: url("job/plan.json"))
      try fails("job run job", said)
      for form in ["--json", "--dot", "--make"] { #expect(try run("job graph job \(form)").status <= 1) }
      #expect(try run("job submit job --engine slurm").status <= 1)
    }
  }
}

extension JobPlan.Task {
  fileprivate var makesOutput: Bool { name == "join" || name == "table" }
}
