import Imbrex
import TestSupport
import Testing

/// 8-bit pictures are blurred in fixed point, or on a coarser grid: within a step of what floats give, and 99 of 100 samples the same.
@Suite struct FixedPointGaussianTests {
  /// Noise, with a quarter of one value that may stand for no data.
  private func picture(channels: Int, width: Int, height: Int) -> [UInt8] {
    var noise = Noise(seed: channels)
    let samples = (0..<(width * height * channels)).map { _ in
      let number = noise.next()
      return number >> 8 % 4 == 0 ? 7 : UInt8(truncatingIfNeeded: number)
    }
    return Array("P\(channels == 1 ? 5 : 6)\n\(width) \(height)\n255\n".utf8) + samples
  }

  private func samples(_ line: String, _ input: [UInt8], _ environment: [String: String] = [:]) throws -> [Double] {
    let outcome = try Program.run(
      line.split(separator: " ").map(String.init), input: input, environment: environment)
    try #require(outcome.status == 0, "\(line): \(outcome.errors)")
    return try #require(Samples(netpbm: outcome.output)).values
  }

  @Test(arguments: [
    "gaussian", "gaussian --sigma 0.4,3 --boundary reflect", "gaussian --sigma 2 --boundary mirror",
    "gaussian --sigma 4 --boundary wrap", "gaussian --sigma 1.5 --boundary constant --cval 0.3",
    "gaussian --sigma 2.5,0.7 --truncate 3", "gaussian --nodata 7", "gaussian --sigma 3 --nodata 7 --boundary wrap",
    "gaussian --sigma 1.2 --nodata 7 --boundary constant --cval 0.6", "gaussian --sigma 7",
    "gaussian --sigma 12,31 --boundary wrap", "gaussian --sigma 20,6 --boundary mirror",
    "gaussian --sigma 9 --nodata 7",
    "gaussian --sigma 60 --boundary constant --cval 1",
  ])
  func it_is_within_a_step_of_floats(line: String) throws {
    for (channels, width, height) in [(1, 311, 237), (3, 203, 170)] {
      let input = picture(channels: channels, width: width, height: height)
      let result = try samples(line, input), floats = try samples("\(line) --float -f pfm", input)
      let differences = zip(result, floats).map { abs($0 - ($1 * 255).rounded()) }
      #expect(result.count == width * height * channels)
      #expect(differences.max()! <= 1, "\(channels) channels")
      #expect(differences.count { $0 > 0 } * 100 <= result.count, "\(channels) channels")
      for options in ["--serial", "--chunks 3x2 --jobs 2", "--tile 17x31"] {
        #expect(try samples("\(line) \(options)", input) == result, "\(channels) channels, \(options)")
      }
      for build in kernelBuildNames {
        #expect(try samples(line, input, ["IMBREX_CPU": build]) == result, "\(channels) channels, \(build)")
      }
    }
  }

  /// Where hardly anything counts, sums in fixed point would be too coarse.
  @Test func a_lonely_sample_keeps_its_value() throws {
    let width = 300, height = 300
    var samples = [UInt8](repeating: 0, count: width * height)
    for y in stride(from: 5, to: height, by: 17) {
      for x in stride(from: 3, to: width, by: 19) { samples[y * width + x] = 201 }
    }
    let input = Array("P5\n\(width) \(height)\n255\n".utf8) + samples
    let result = try self.samples("gaussian --sigma 2 --nodata 0", input)
    #expect(zip(result, samples).allSatisfy { $0 == Double($1) })
  }

  @Test func what_is_constant_stays_so() throws {
    for value: UInt8 in [0, 1, 127, 254, 255] {
      let samples = [UInt8](repeating: value, count: 257 * 257)
      for sigma in ["0.3", "1", "2.2", "4", "7", "90"] {
        let result = try self.samples("gaussian --sigma \(sigma)", Array("P5\n257 257\n255\n".utf8) + samples)
        #expect(result.allSatisfy { $0 == Double(value) }, "\(value), sigma \(sigma)")
      }
    }
  }
}
