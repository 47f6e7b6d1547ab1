import Foundation
import Imbrex
import ImbrexCommand
import TestSupport
import Testing

/// What is printed for programs: it can be read whatever files are called, and holds what people are told.
@Suite struct JSONTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ arguments: String...) throws -> Program.Outcome {
    try Program.run(arguments, folder: folder.url)
  }

  private func object(_ line: some StringProtocol) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
  }

  /// Copies a picture.
  private func copy(_ image: String, to name: String) throws {
    try FileManager.default.copyItem(atPath: testImage(image), toPath: folder.path(name))
  }

  // MARK: - Names

  private static let names = ["\u{1B}[31m.png", "a\n\t\"b\"\\.png", "\u{7F}\u{1}é.png", "日本 .png"]

  @Test(arguments: names) func any_name_makes_valid_json(name: String) throws {
    try copy("gray1.png", to: name)
    let info = try run("info", "--json", name)
    #expect(try object(info.text)["file"] as? String == name)
    let plan = try run("gaussian", "then", "tee", "tee" + name, "--explain", "--json", name, "-o", "out" + name)
    let members = try object(plan.text)
    #expect((members["input"] as? [String: Any])?["file"] as? String == name)
    let outputs = try #require(members["outputs"] as? [[String: Any]])
    #expect(outputs.map { $0["file"] as? String } == ["out" + name, "tee" + name])
  }

  /// As Python reads and writes them.
  @Test(.enabled(if: (try? Program.shell("command -v python3", []))?.status == 0))
  func names_that_are_not_utf_8_come_back() throws {
    let script = """
      cd "$2" && name=$'odd\\xff\\x80.png' && cp "$3" "$name" || exit 9
      for line in "$("$1" info --json "$name")" "$("$1" gaussian --explain --json "$name" | sed 's/^{"input"://; s/,"filter".*//')"; do
        printf '%s' "$line" | python3 -c 'import json, os, sys; print(os.fsencode(json.load(sys.stdin)["file"]))' || exit 8
      done
      """
    let outcome = try Program.shell(script, [Program.url.path, folder.url.path, testImage("gray1.png")])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.text == "b'odd\\xff\\x80.png'\nb'odd\\xff\\x80.png'\n")
  }

  /// A name or a description with control characters could write anything on the terminal.
  @Test func what_people_read_has_no_control_characters() throws {
    try copy("gray1.png", to: "\u{1B}[31m\n.png")
    for arguments in [["info"], ["gaussian", "--explain"]] {
      let outcome = try Program.run(arguments + ["\u{1B}[31m\n.png"], folder: folder.url)
      #expect(outcome.status == 0 && !outcome.text.contains("\u{1B}"))
      #expect(outcome.text.contains("\\x1b[31m\\n.png"))
    }
  }

  // MARK: - info

  @Test func info_has_one_object_a_file() throws {
    let outcome = try run("info", "--json", testImage("photo.jpg"), testImage("nosuch.png"), testImage("float.tif"))
    #expect(outcome.status == 1 && outcome.errors.contains("nosuch.png: cannot open"))
    let lines = try outcome.text.split(separator: "\n").map(object)
    #expect(lines.map { $0["format"] as? String } == ["jpeg", "tiff"])
    for line in lines {
      let pages = try #require(line["page_list"] as? [[String: Any]])
      #expect(pages.count == line["pages"] as? Int && pages[0]["width"] as? Int == line["width"] as? Int)
    }
  }

  /// All that people are told, by the same names.
  @Test(arguments: ["photo.jpg", "rgb-strips-lzw.tif", "interlaced.png", "scene.pam"])
  func info_tells_programs_what_it_tells_people(image: String) throws {
    let members = try object(run("info", "--json", testImage(image)).text)
    for line in try run("info", testImage(image)).text.split(separator: "\n").dropFirst() {
      let name = line.split(separator: ":")[0].trimmingCharacters(in: .whitespaces).replacingOccurrences(
        of: " ", with: "_")
      #expect(members[name] != nil, "\(name)")
    }
  }

  struct Stack: Sendable, CustomTestStringConvertible {
    let description: String, pages: Int, axes: String?
    var testDescription: String { description }
    init(_ description: String, pages: Int, _ axes: String?) {
      (self.description, self.pages, self.axes) = (description, pages, axes)
    }
  }

  private static let ome =
    "<?xml version=\"1.0\"?><OME xmlns=\"http://www.openmicroscopy.org/Schemas/OME/2016-06\"><Image><Pixels "
  static let stacks = [
    Stack("ImageJ=1.53k\nimages=12\nchannels=2\nslices=3\nframes=2\nhyperstack=true\n", pages: 12, "TZCYX 2 3 2 4 5"),
    Stack("ImageJ=1.53k\nimages=7\n", pages: 7, "ZYX 7 4 5"), Stack("ImageJ=1.53k\nslices=7\n", pages: 6, nil),
    Stack(
      ome + "DimensionOrder=\"XYZCT\" SizeX=\"5\" SizeY=\"4\" SizeZ=\"3\" SizeC=\"2\" SizeT=\"1\">", pages: 6,
      "CZYX 2 3 4 5"),
    Stack(ome + "DimensionOrder=\"XYCTZ\" SizeC=\"2\" SizeT=\"4\" SizeZ=\"1\">", pages: 8, "TCYX 4 2 4 5"),
    Stack(ome + "SizeC=\"2\">", pages: 2, nil), Stack("images=3", pages: 3, nil),
    Stack("ImageJ=1\nslices=9223372036854775807\nframes=9223372036854775807\nchannels=2", pages: 2, nil),
  ]

  @Test(arguments: stacks) func axes_are_those_of_the_description(stack: Stack) {
    let picture = ImageDescription(width: 5, height: 4, color: .gray, sampleType: .uint8)
    let axes = StackAxes(description: stack.description, picture: picture, pages: stack.pages)
    #expect(axes.map { ([$0.names] + $0.lengths.map(String.init)).joined(separator: " ") } == stack.axes)
  }

  // MARK: - --explain

  @Test func a_plan_has_stages_outputs_and_memory() throws {
    let outcome = try run(
      "median", "--radius", "3", "then", "tee", "mid.tif", "then", "edge", "--quantiles", "--low", "0.5", "--high",
      "0.9",
      testImage("photo.jpg"), "-o", "out.png", "--bit-depth", "16", "--explain", "--json", "-j2", "--max-memory", "8M")
    #expect(outcome.status == 0 && folder.contents.isEmpty, "\(outcome.errors)")
    let plan = try object(outcome.text)
    #expect(plan["filter"] as? String == "median then edge" && plan["passes"] as? Int == 6)
    #expect(plan["workers"] as? Int == 2 && plan["max_memory_bytes"] as? Int == 8 << 20)
    #expect(plan["kernels"] as? String == kernelBuildName && (plan["held"] as? [Any])?.count == 2)
    #expect((plan["halo"] as? [String: Int])?["top"] == 9)
    let outputs = try #require(plan["outputs"] as? [[String: Any]])
    #expect(outputs.map { $0["role"] as? String } == ["output", "tee"])
    #expect(outputs.map { $0["type"] as? String } == ["uint16", "uint8"])
    #expect(outputs[1]["after"] as? String == "median" && outputs[1]["format"] as? String == "tiff")
    let stages = try #require(plan["sweeps"] as? [[String: Any]]).flatMap { $0["stages"] as? [[String: Any]] ?? [] }
    #expect(stages.compactMap { $0["filter"] as? String } == ["median", "edge", "edge", "conversion"])
  }

  /// Pictures of a batch share what may be held; the plan was that of each alone.
  @Test func a_plan_knows_of_the_batch() throws {
    let outcome = try run(
      "gaussian", testImage("photo.png"), testImage("cells.png"), "-o", "out/", "-j2", "--max-memory", "8M",
      "--explain",
      "--json")
    let plans = try outcome.text.split(separator: "\n").map(object)
    #expect(plans.count == 2)
    for plan in plans {
      #expect(plan["pictures_at_once"] as? Int == 2 && plan["max_memory_bytes"] as? Int == 4 << 20)
    }
    #expect((plans[1]["outputs"] as? [[String: Any]])?.first?["file"] as? String == "out/cells.png")
  }

  /// What a run would refuse is refused.
  @Test func a_plan_that_cannot_be_done_is_an_error() throws {
    let outcome = try run("gaussian", testImage("photo.png"), "-o", "out.png", "--max-memory", "1K", "--explain")
    #expect(outcome.status == 1 && outcome.errors.contains("--max-memory is too small"))
    #expect(try run("gaussian", testImage("photo.png"), "-o", "out.xyz", "--explain").status == 2)
  }

  // MARK: - --version

  @Test func the_version_names_kernels_and_libraries() throws {
    for arguments in [["--version", "--json"], ["--json", "--version"], ["gaussian", "--version", "--json"]] {
      let members = try object(Program.run(arguments).text)
      #expect(members["version"] as? String == version)
      let kernels = try #require(members["kernels"] as? [String: Any])
      #expect(kernels["available"] as? [String] == kernelBuildNames)
      let libraries = try #require(members["libraries"] as? [String: Any])
      #expect(["libpng", "libtiff", "zlib", "isa-l", "xxhash"].allSatisfy { libraries[$0] != nil })
      #expect((libraries["zlib"] as? String)?.hasPrefix("1.") == true)
      #expect(
        Set((members["build"] as? [String: String] ?? [:]).keys) == ["system", "architecture", "swift", "compiler"])
    }
    #expect(try run("--version").text == version + "\n")
    #expect(try run("--version", "-v").text.contains("libraries: libpng "))
  }
}
