import Foundation
import Imbrex
import TestSupport
import Testing

/// Large JPEGs are compressed in blocks of rows between restart markers.
@Suite struct JPEGBlockTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func run(_ line: String, input: [UInt8] = []) throws -> [UInt8] {
    let outcome = try Program.run(line.split(separator: " ").map(String.init), input: input, folder: folder.url)
    try #require(outcome.status == 0, "\(line): \(outcome.errors)")
    return outcome.output
  }

  private func netpbm(_ samples: ArraySlice<UInt8>, width: Int, channels: Int) -> [UInt8] {
    let header = "P\(channels == 1 ? 5 : 6)\n\(width) \(samples.count / width / channels)\n255\n"
    return Array(header.utf8) + samples
  }

  /// Waves and noise.
  private func samples(width: Int, height: Int, channels: Int) -> [UInt8] {
    var noise = Noise(seed: 3)
    return (0..<(height * width * channels)).map { i in
      let x = i / channels % width, y = i / channels / width
      return UInt8(100 + 60 * sin(Double(x * (i % channels + 1)) / 17) * cos(Double(y) / 23)) + UInt8(noise.next() % 20)
    }
  }

  /// A part of the picture that is small enough for one block is compressed alone to the same pixels.
  @Test(arguments: [(1, 1), (3, 2)])
  func blocks_are_compressed_as_one_picture_is(channels: Int, sampling: Int) throws {
    let width = 1003, height = 1501, part = 64, unit = 8 * sampling
    let all = samples(width: width, height: height, channels: channels)
    _ = try run("median --radius 0 - -f jpeg -o all.jpg", input: netpbm(all[...], width: width, channels: channels))
    let decoded = try #require(Samples(netpbm: run("median --radius 0 all.jpg -f pnm -o -"))).bytes
    let info = String(decoding: try run("info --json all.jpg"), as: UTF8.self)
    #expect(info.contains("\"restart_interval\":"))
    let row = width * channels
    for first in [0, 512, 1024, 1408] {
      let rows = all[(first * row)..<((first + part) * row)]
      _ = try run("median --radius 0 - -f jpeg -o part.jpg", input: netpbm(rows, width: width, channels: channels))
      let alone = try #require(Samples(netpbm: run("median --radius 0 part.jpg -f pnm -o -"))).bytes
      // Colour of the rows next to those cut off is interpolated with theirs.
      let kept = unit..<(part - unit)
      #expect(
        alone[(kept.lowerBound * row)..<(kept.upperBound * row)]
          == decoded[((first + kept.lowerBound) * row)..<((first + kept.upperBound) * row)])
    }
  }

  @Test func the_file_is_the_same_for_every_tiling() throws {
    let input = netpbm(samples(width: 900, height: 1100, channels: 3)[...], width: 900, channels: 3)
    let file = try run("gaussian - -f jpeg -o -", input: input)
    for options in ["--serial", "--jobs 2 --chunks 3x2", "--tile 100x77"] {
      #expect(try run("gaussian \(options) - -f jpeg -o -", input: input) == file, "\(options)")
    }
  }

  /// Intervals of whole rows of MCUs are the file's own: those of a picture in blocks come out as they went in.
  @Test func restart_intervals_are_kept() throws {
    let input = netpbm(samples(width: 1200, height: 1600, channels: 3)[...], width: 1200, channels: 3)
    _ = try run("gaussian - -f jpeg -o once.jpg", input: input)
    _ = try run("gaussian once.jpg -o twice.jpg")
    func interval(_ name: String) throws -> Substring? {
      String(decoding: try run("info --json \(name)"), as: UTF8.self).split(separator: ",")
        .first { $0.contains("restart_interval") }
    }
    #expect(try interval("once.jpg") != nil)
    #expect(try interval("twice.jpg") == interval("once.jpg"))
    // A smaller picture with them: several intervals in a block, whose markers are numbered through the file.
    let all = try #require(Samples(netpbm: run("median --radius 0 twice.jpg -f pnm -o -"))).bytes
    #expect(all.count == 1200 * 1600 * 3)
  }
}
