import Foundation
import Imbrex
import TestSupport
import Testing

/// `--vary`: each output is that of its combination run alone, whatever is shared.
@Suite struct VaryTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String, input: [UInt8] = []) throws -> Program.Outcome {
    try Program.run(line.split(separator: " ").map(String.init), input: input, folder: folder.url)
  }

  /// What it prints.
  private func printed(_ line: String) throws -> String { String(decoding: try run(line).output, as: UTF8.self) }

  private func file(_ kind: FileKind, _ name: String = "in") throws -> String {
    URL(fileURLWithPath: try kind.write(in: folder, name)).lastPathComponent
  }

  private static var gray: FileKind { FileKind.all.first { $0.hasLuma && $0.fileExtension == "png" }! }

  /// Options of a stage whose values can vary, each with some.
  private static let values: [String: [[String]]] = [
    "--sigma": [["0", "0.7", "2"], ["1", "1.5,0.5"]], "--radius": [["1", "2"], ["0", "3"]],
    "--size": [["1x3", "5x3", "3x1"]],
    "--low": [["0.05", "0.1", "0.02"]], "--operator": [["sobel", "farid", "roberts"]],
    "--boundary": [["reflect", "wrap", "constant"]],
  ]

  /// Replaces values of a chain by names.
  private func varied(_ chain: inout [String], _ noise: inout Noise) -> [(name: String, values: [String])] {
    var names: [(name: String, values: [String])] = []
    for index in chain.indices.dropLast().shuffled(using: &noise) where names.count < 2 {
      // Quantiles are another range of thresholds, and a direction is not each operator's.
      guard let lists = Self.values[chain[index]], !chain.contains("--quantiles"), !chain.contains("--direction"),
        chain[index] != "--boundary" || !chain.contains("--cval")
      else {
        continue
      }
      let name = ["a", "b"][names.count]
      // No `--vary` without commas in its values.
      names.append((name, lists.randomElement(using: &noise)!.filter { !$0.contains(",") }))
      chain[index + 1] = "{\(name)}"
    }
    return names
  }

  @Test(arguments: FileKind.all.indices)
  func each_output_is_that_of_its_combination_alone(index: Int) throws {
    let kind = FileKind.all[index]
    var noise = Noise(seed: index + 7)
    let input = try file(kind)
    let stages = ChainCommandTests.stages(Int.random(in: 1...4, using: &noise), for: kind, &noise)
    var chain = Array(stages.joined(separator: ["then"]))
    let names = varied(&chain, &noise)
    guard !names.isEmpty else { return }
    let combinations = names.reduce([[String: String]()]) { all, name in
      all.flatMap { one in name.values.map { one.merging([name.name: $0]) { $1 } } }
    }
    func filled(_ word: String, _ combination: [String: String]) -> String {
      combination.reduce(word) { $0.replacingOccurrences(of: "{\($1.key)}", with: $1.value) }
    }
    let ending = chain.contains("--float") ? "tif" : kind.resultExtension
    let out = "out" + names.map { "-{\($0.name)}" }.joined() + ".\(ending)"
    let vary = names.flatMap { ["--vary", "\($0.name)=\($0.values.joined(separator: ","))"] }
    for tiling in ChainCommandTests.tilings.dropLast().shuffled(using: &noise).prefix(2) {
      let outcome = try Program.run(chain + vary + [input, "-o", out, "-q"] + tiling, folder: folder.url)
      try #require(outcome.status == 0 && outcome.errors.isEmpty, "\(kind.name): \(chain) \(vary): \(outcome.errors)")
      for combination in combinations {
        let words = chain.map { filled($0, combination) }
        let alone = try Program.run(words + [input, "-o", "alone.\(ending)", "-q"], folder: folder.url)
        try #require(alone.status == 0, "\(alone.errors)")
        let made = folder.path(filled(out, combination))
        #expect(try areSameFiles(made, folder.path("alone.\(ending)")), "\(kind.name), \(tiling): \(words)")
        try FileManager.default.removeItem(atPath: made)
      }
    }
  }

  @Test(arguments: ["", "--quantiles"])
  func all_thresholds_of_edge_come_from_one_gradient(option: String) throws {
    let input = try file(Self.gray)
    let lows = option.isEmpty ? ["0", "0.02", "0.1", "-1", "0.3"] : ["0", "0.3", "0.5", "0.7"]
    let highs = option.isEmpty ? ["0.3", "0.5", "2"] : ["0.7", "0.9", "1"]
    let chain = "edge --sigma 1.2 \(option)"
    for extra in ["", "--tile 32x48 -j3", "--serial", "--region 40x50+3+7"] {
      let vary = "--vary l=\(lows.joined(separator: ",")) --vary h=\(highs.joined(separator: ","))"
      #expect(try run("\(chain) --low {l} --high {h} \(vary) \(extra) \(input) -o e_{l}_{h}.png -q").status == 0)
      for low in lows {
        for high in highs {
          let region = extra.hasPrefix("--region") ? extra : ""
          #expect(try run("\(chain) --low \(low) --high \(high) \(region) \(input) -o alone.png").status == 0)
          #expect(
            try areSameFiles(folder.path("e_\(low)_\(high).png"), folder.path("alone.png")), "\(low) \(high) \(extra)")
        }
      }
    }
  }

  /// What comes behind hysteresis goes on for each pair of thresholds.
  @Test func filters_behind_edge_are_run_for_each() throws {
    let input = try file(Self.gray)
    let chain = "gaussian --sigma {s} then edge --low 0.02 --high {t} then tee t-{s}-{t}.png then gaussian --sigma {u}"
    let outcome = try run("\(chain) --vary s=0,1 --vary t=0.1,0.3 --vary u=1,2 \(input) -o {s}_{t}_{u}.png -q")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    for (s, t, u) in [("0", "0.1", "2"), ("1", "0.3", "1")] {
      let alone = "gaussian --sigma \(s) then edge --low 0.02 --high \(t) then tee t.png then gaussian --sigma \(u)"
      #expect(try run("\(alone) \(input) -o a.png").status == 0)
      #expect(try areSameFiles(folder.path("\(s)_\(t)_\(u).png"), folder.path("a.png")))
      #expect(try areSameFiles(folder.path("t-\(s)-\(t).png"), folder.path("t.png")))
    }
  }

  @Test func a_tee_of_what_combinations_share_is_written_once() throws {
    let input = try file(Self.gray)
    let outcome = try run(
      "gaussian --sigma 2 then tee smooth.png then edge --low 0.02 --high {t} then gaussian --sigma {u} --vary t=0.1,0.3 "
        + "--vary u=1,2 \(input) -o {t}_{u}.png -q")
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(try run("gaussian --sigma 2 \(input) -o smooth-alone.png").status == 0)
    #expect(try areSameFiles(folder.path("smooth.png"), folder.path("smooth-alone.png")))
    for t in ["0.1", "0.3"] {
      for u in ["1", "2"] {
        #expect(
          try run("gaussian --sigma 2 then edge --low 0.02 --high \(t) then gaussian --sigma \(u) \(input) -o a.png")
            .status
            == 0)
        #expect(try areSameFiles(folder.path("\(t)_\(u).png"), folder.path("a.png")))
      }
    }
  }

  @Test(arguments: ["log", "dog", "doh"])
  func all_thresholds_and_overlaps_of_blobs_come_from_one_scale_space(method: String) throws {
    let input = try file(Self.gray)
    let chain = "blob-detect --method \(method) --max-sigma 8"
    let line = "\(chain) --threshold {t} --overlap {o} --vary t=0,0.01,0.05,0.2 --vary o=0.1,0.6"
    #expect(try run("\(line) \(input) -o b_{t}_{o}.csv --overlay b_{t}_{o}.png -q").status == 0)
    for t in ["0", "0.01", "0.05", "0.2"] {
      for o in ["0.1", "0.6"] {
        #expect(try run("\(chain) --threshold \(t) --overlap \(o) \(input) -o a.csv --overlay a.png").status == 0)
        #expect(try areSameFiles(folder.path("b_\(t)_\(o).csv"), folder.path("a.csv")), "\(t) \(o)")
        #expect(try areSameFiles(folder.path("b_\(t)_\(o).png"), folder.path("a.png")), "\(t) \(o)")
      }
    }
    #expect(try run("\(chain) --threshold-rel {r} --vary r=0.1,0.5 \(input) -o r_{r}.json -q").status == 0)
    #expect(try run("\(chain) --threshold-rel 0.5 \(input) -o a.json").status == 0)
    #expect(try areSameFiles(folder.path("r_0.5.json"), folder.path("a.json")))
  }

  /// More outputs than are open at once, and less memory than all branches need.
  @Test func many_combinations_are_run_in_several_trees() throws {
    let input = try file(Self.gray)
    let sigmas = (1...150).map { String(Double($0) / 50) }
    let line = "gaussian --sigma {s} --vary s=\(sigmas.joined(separator: ",")) \(input) -o g_{s}.png"
    #expect(try printed("\(line) --explain").contains("held"))
    #expect(try run("\(line) -q").status == 0)
    for sigma in [sigmas[0], sigmas[74], sigmas[149]] {
      #expect(try run("gaussian --sigma \(sigma) \(input) -o a.png").status == 0)
      #expect(try areSameFiles(folder.path("g_\(sigma).png"), folder.path("a.png")))
    }
  }

  // MARK: - Directories, pages, pipes

  @Test func directories_have_the_names_beside_the_files() throws {
    try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: true)
    for name in ["a", "b"] { _ = try Self.gray.write(in: folder, "in/\(name)") }
    let line = "edge --low {t} --vary t=0.05,0.1 in -o out/ --name {stem}-{t}.{ext}"
    let outcome = try run(line)
    #expect(outcome.status == 0 && outcome.errors == "imbrex: 4 done, 0 skipped, 0 failed\n", "\(outcome.errors)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.path("out")).sorted()
        == ["a-0.05.png", "a-0.1.png", "b-0.05.png", "b-0.1.png"])
    #expect(try run("edge --low {t} --vary t=0.05,0.1 in -o each-{t}/ -q").status == 0)
    #expect(try areSameFiles(folder.path("each-0.1/b.png"), folder.path("out/b-0.1.png")))
  }

  @Test func only_new_combinations_are_made_again() throws {
    try FileManager.default.createDirectory(atPath: folder.path("in"), withIntermediateDirectories: true)
    _ = try Self.gray.write(in: folder, "in/a")
    let line = "edge --sigma {s} --high {t} --vary t=0.3,0.5 in -o out/ --name {stem}-{s}-{t}.{ext} --incremental"
    #expect(try run("\(line) --vary s=1").errors == "imbrex: 2 done, 0 skipped, 0 failed\n")
    #expect(try run("\(line) --vary s=1,2").errors == "imbrex: 2 done, 2 skipped, 0 failed\n")
    #expect(try run("\(line) --vary s=1,2").errors == "imbrex: 0 done, 4 skipped, 0 failed\n")
    try FileManager.default.removeItem(atPath: folder.path("out/a-2-0.5.png"))
    #expect(
      try printed("\(line) --vary s=1,2 --dry-run").split(separator: "\n").filter { !$0.contains("up to date") }
        .count == 1)
    #expect(try run("\(line) --vary s=1,2").errors == "imbrex: 1 done, 3 skipped, 0 failed\n")
  }

  @Test func pages_are_filtered_each_by_itself() throws {
    let picture = testPicture(ImageDescription(width: 40, height: 30, color: .gray, sampleType: .uint8))
    let path = folder.path("in.tif")
    let writer = try ImageWriter(
      to: OutputFile(path: path), format: ImageFormat(path: path)!, picture: picture.description, metadata: Metadata())
    for page in 0..<3 {
      if page > 0 { try writer.startPage(picture.description, metadata: Metadata()) }
      try writer.write(picture)
    }
    try writer.finish()
    #expect(try run("median --radius {r} --vary r=1,2 in.tif -o m{r}.tif -q").status == 0)
    #expect(try run("median --radius 2 in.tif -o a.tif").status == 0)
    #expect(try areSameFiles(folder.path("m2.tif"), folder.path("a.tif")))
    #expect(try run("median --radius {r} --vary r=1,2 in.tif -o p/ --name {stem}-{page}-{r}.{ext} -q").status == 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("p")).count == 6)
    let piped = try Data(contentsOf: URL(fileURLWithPath: path))
    #expect(try run("median --radius {r} --vary r=1,2 - -o q{r}.tif -q", input: Array(piped)).status == 0)
    #expect(try areSameFiles(folder.path("q2.tif"), folder.path("a.tif")))
  }

  @Test func a_report_has_a_line_for_each_combination() throws {
    let input = try file(Self.gray)
    #expect(try run("edge --high {t} --vary t=0.3,0.5 \(input) -o e{t}.png --report r.json -q").status == 0)
    let lines = try String(contentsOfFile: folder.path("r.json"), encoding: .utf8).split(separator: "\n")
    #expect(
      lines.count == 3 && lines[1].contains(#""values":{"t":"0.3"}"#) && lines[2].contains(#""values":{"t":"0.5"}"#))
  }

  @Test func explain_draws_what_is_shared() throws {
    let input = try file(Self.gray)
    let line =
      "gaussian --sigma {s} then edge --high {t} --vary s=1,2 --vary t=0.3:0.5:0.1 \(input) -o {s}-{t}.png --explain"
    let text = try printed(line)
    #expect(text.contains("saved:        1 of 6 decodings, 2 of 6 gaussian, 2 of 6 edge are run"))
    #expect(
      text.contains("├─ gaussian --sigma 1\n  │  └─ edge, 3 settings at once -> 1-0.3.png, 1-0.4.png, 1-0.5.png\n"))
    let json = try printed(line + " --json")
    let object = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
    #expect((object?["combinations"] as? [Any])?.count == 6)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).count == 1, "nothing is done")
  }

  // MARK: - Names and values

  @Test func values_are_lists_or_steps() throws {
    func values(_ text: String) throws -> [String] {
      let input = try file(Self.gray)
      return try printed("gaussian --sigma {s} --vary s=\(text) \(input) -o {s}.png --dry-run").split(separator: "\n")
        .map { String($0.split(separator: " ").last!.dropLast(4)) }
    }
    #expect(try values("1,2,0.5") == ["1", "2", "0.5"])
    #expect(try values("0.1:0.3:0.05") == ["0.1", "0.15", "0.2", "0.25", "0.3"])
    #expect(try values("3:1:-1") == ["3", "2", "1"])
    #expect(try values("0:1:0.4") == ["0", "0.4", "0.8"])
    #expect(try values("1:1:5") == ["1"])
    #expect(try values("0:0.003:1e-3") == ["0", "0.001", "0.002", "0.003"])
  }

  @Test(arguments: [
    (
      "gaussian --sigma {s} --vary s in.png -o {s}.png", "--vary is 's', but must be NAME=V,V,… or NAME=FIRST:LAST:STEP"
    ),
    ("gaussian --sigma {s} --vary s= in.png -o {s}.png", "--vary is 's=', but a value is empty"),
    ("gaussian --sigma {s} --vary s=1,,2 in.png -o {s}.png", "--vary is 's=1,,2', but a value is empty"),
    ("gaussian --sigma {s} --vary s=1,1 in.png -o {s}.png", "--vary is 's=1,1', but has 1 twice"),
    (
      "gaussian --sigma {s} --vary 1=1,2 in.png -o {s}.png",
      "--vary is '1=1,2', but a name is a letter, then letters, digits or _"
    ),
    ("gaussian --sigma {s} --vary s=1:3:0 in.png -o {s}.png", "--vary is 's=1:3:0', but the step is 0"),
    ("gaussian --sigma {s} --vary s=1:3:-1 in.png -o {s}.png", "--vary is 's=1:3:-1', but its steps lead away from 3"),
    (
      "gaussian --sigma {s} --vary s=0:9:1e-9 in.png -o {s}.png",
      "--vary is 's=0:9:1e-9', but that is more than 1000000 values"
    ),
    ("gaussian --sigma {s} --vary s=1 --vary s=2 in.png -o {s}.png", "--vary has the name s twice"),
    ("gaussian --sigma 1 --vary s=1,2 in.png -o a.png", "--vary has the name s, but '{s}' stands nowhere"),
    (
      "gaussian --sigma {s} --vary s=1,x in.png -o {s}.png",
      "--sigma is 'x', but must be a number between 0 and 10000, or two of them with a comma, or lengths such as 0.5um (with s=x)"
    ),
    (
      "gaussian --sigma {s} --vary s=1,2 in.png -o a.png",
      "'a.png' would be written with s=1 and with s=2: put {s} into the name"
    ),
    (
      "gaussian --sigma {s} --vary s=1,2 in.png",
      "'standard output' would be written with s=1 and with s=2: put {s} into the name of -o"
    ),
    (
      "gaussian --sigma {s} --vary s=1,2 in.png -o out/",
      "'out/in.png' would be written with s=1 and with s=2: put {s} into --name"
    ),
    ("gaussian --sigma {s} --vary s=1,2 in.png -o {s}-{u}.png", "'1-{u}.png' has '{u}', which does not vary ({s})"),
    (
      "gaussian --sigma {s} --vary s=1,2 {s}.png -o o{s}.png",
      "'1.png' is an input: values of --vary stand in options and outputs"
    ),
    ("gaussian --sigma {s} --vary s=0:10:0.0001 in.png -o {s}.png", "--vary makes 100001 combinations: use --yes"),
    (
      "gaussian --sigma {s} --vary s=1,2 --in-place in.png",
      "--in-place does not go with --vary: all results would be one file"
    ),
    ("gaussian --sigma 1 --yes in.png -o a.png", "--yes goes with --vary only"),
    (
      "edge --high {t} --low {l} --vary t=0.1,0.3 --vary l=0.2 in.png -o {t}.png",
      "--high is 0.1, but must not be less than low, which is 0.2"
    ),
  ])
  func what_is_wrong_is_said_in_one_line(line: String, message: String) throws {
    _ = try file(Self.gray)
    let outcome = try run(line)
    #expect(outcome.status == 2 && outcome.output.isEmpty)
    #expect(
      outcome.errors == "imbrex: \(message)\n" || outcome.errors == "imbrex: in.png: \(message)\n", "\(outcome.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["in.png"])
  }

  /// A slash in a value makes no directory.
  @Test func values_are_parts_of_names() throws {
    let input = try file(Self.gray)
    let words = ["apply", "--command", "{c}", "--vary", "c=/bin/cat,cat", input, "-o", "{c}.png", "-q"]
    let outcome = try Program.run(words, folder: folder.url)
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    #expect(try areSameFiles(folder.path("_bin_cat.png"), folder.path("cat.png")))
  }

  @Test func what_is_wrong_with_an_input_is_said_once() throws {
    try Data("nothing".utf8).write(to: URL(fileURLWithPath: folder.path("bad.png")))
    let outcome = try run("gaussian --sigma {s} --vary s=1,2 bad.png -o {s}.png")
    #expect(outcome.status == 1 && outcome.errors.split(separator: "\n").count == 2, "\(outcome.errors)")
    #expect(outcome.errors.hasSuffix("imbrex: 0 done, 0 skipped, 2 failed\n"))
  }
}
