import Foundation
import Imbrex
import TestSupport
import Testing

/// A chain's files are those of its commands run one after another, whatever the file and the tiling.
@Suite struct ChainCommandTests {
  /// Stages as they are typed, without the word between them.
  static func stages(_ count: Int, for kind: FileKind, _ noise: inout Noise) -> [[String]] {
    func pick<Value>(_ values: [Value]) -> Value { values.randomElement(using: &noise)! }
    func number(_ range: ClosedRange<Double>) -> String {
      String((Double.random(in: range, using: &noise) * 100).rounded() / 100)
    }
    func odd() -> Int { 2 * Int.random(in: 0...3, using: &noise) + 1 }
    return (0..<count).map { _ in
      var stage: [String]
      switch Int.random(in: 0..<(kind.hasLuma ? 8 : 4), using: &noise) {
      case 0, 1:
        stage = ["gaussian", "--sigma", pick([number(0...3), "\(number(0...3)),\(number(0...2))"])]
        if Bool.random(using: &noise) { stage += ["--truncate", number(1...5)] }
      case 2:
        stage = ["median"] + (Bool.random(using: &noise) ? ["--shape", "disk"] : [])
        stage += ["--radius", String(Int.random(in: 0...3, using: &noise))]
      case 3: stage = ["median", "--size", "\(odd())x\(odd())"]
      case 4, 5:
        let kind = pick(["sobel", "scharr", "prewitt", "roberts", "farid"])
        stage = ["sobel", "--operator", kind]
        if kind != "roberts" && Bool.random(using: &noise) {
          stage += ["--direction", pick(["magnitude", "horizontal", "vertical"])]
        }
        if Bool.random(using: &noise) { stage.append("--per-channel") }
      default:
        stage = ["edge", "--sigma", number(0...2)]
        stage += pick([
          ["--low", "0.05", "--high", "0.15"], [], ["--quantiles", "--low", "0.4", "--high", "0.7"],
          ["--quantiles", "--low", "0.8", "--high", "0.95"],
        ])
      }
      let boundary = pick(["", "reflect", "mirror", "nearest", "wrap", "constant"])
      if !boundary.isEmpty { stage += ["--boundary", boundary] }
      if boundary == "constant" && Bool.random(using: &noise) { stage += ["--cval", number(-0.2...1)] }
      if kind.takesLinear && Int.random(in: 0..<5, using: &noise) == 0 { stage.append("--linear") }
      if kind.takesFloat && stage[0] != "edge" && Int.random(in: 0..<6, using: &noise) == 0 { stage.append("--float") }
      return stage
    }
  }

  /// Ways to tile that change no byte.
  static let tilings = [
    ["--serial"], ["-j1"], ["-j3"], ["--tile", "13x19"], ["--chunks", "3x2", "-j4"], ["--max-memory", "2M"],
    ["--halo", "60,61", "--tile", "32x48"],
  ]

  @Test(arguments: FileKind.all.indices)
  func a_chain_is_its_commands_one_after_another(index: Int) throws {
    let kind = FileKind.all[index]
    for seed in [index, index + 1000] {
      var noise = Noise(seed: seed)
      let folder = try TemporaryFolder()
      let input = try kind.write(in: folder)
      let stages = Self.stages(Int.random(in: 2...6, using: &noise), for: kind, &noise)
      let line = stages.map { $0.joined(separator: " ") }.joined(separator: " then ")

      // One by one. Once floats have come in, files that hold them are between.
      var extensions: [String] = [], isFloat = false
      for (number, stage) in stages.enumerated() {
        isFloat = isFloat || stage.contains("--float")
        let isLast = number == stages.count - 1
        extensions.append(isFloat ? "tif" : isLast ? kind.resultExtension : kind.betweenExtension)
        let outcome = try Program.run(
          stage + [
            number == 0 ? input : folder.path("step\(number - 1).\(extensions[number - 1])"), "-o",
            folder.path("step\(number).\(extensions[number])"), "-q",  // Fax becomes deflate, which is said.
          ])
        try #require(outcome.status == 0 && outcome.errors.isEmpty, "\(kind.name): \(stage): \(outcome.errors)")
      }
      let last = stages.count - 1, result = "step\(last).\(extensions[last])"

      // In one command, with tees in all gaps.
      var chain: [String] = []
      for (number, stage) in stages.enumerated() {
        chain += number == 0 ? stage : ["then"] + stage
        if number < last { chain += ["then", "tee", folder.path("tee\(number).\(extensions[number])")] }
      }
      let out = folder.path("out.\(extensions[last])")
      let outcome = try Program.run(chain + [input, "-o", out, "-q"])
      try #require(outcome.status == 0 && outcome.errors.isEmpty, "\(kind.name): \(line): \(outcome.errors)")
      for number in stages.indices {
        let made = number == last ? out : folder.path("tee\(number).\(extensions[number])")
        let step = folder.path("step\(number).\(extensions[number])")
        // What another format between drops (a PNG's interlacing) is not in the last file of the commands, a TIFF that was
        // made of another format has that one's layout, and big-endian floats are written without the predictor, which
        // later commands then do not see: there the pixels tell.
        let dropsPredictor = isFloat && kind.name.contains("big-endian")
        let isSameKind = extensions[...number].allSatisfy { $0 == kind.fileExtension } && !dropsPredictor
        let isSame = try isSameKind ? areSameFiles(made, step) : haveSamePages(made, step)
        #expect(isSame, "\(kind.name), stage \(number + 1) of \(line)")
      }

      // Without tees, and however tiled.
      let plain = Array(stages.joined(separator: ["then"]))
      for tiling in Self.tilings.shuffled(using: &noise).prefix(4) {
        let outcome = try Program.run(plain + [input, "-o", folder.path(result)] + tiling)
        let isSame = try outcome.status == 0 && areSameFiles(folder.path(result), out)
        #expect(isSame, "\(kind.name), \(tiling), \(line): \(outcome.errors)")
      }
    }
  }
}
