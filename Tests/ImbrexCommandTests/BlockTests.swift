import Foundation
import TestSupport
import Testing

/// Files that are compressed in blocks hold what an uncompressed one holds, and their bytes do not depend on the workers.
@Suite struct BlockTests {
  @Test(arguments: [
    ("photo.png", "png"), ("noise16.png", "png"), ("transparent.png", "png"), ("row.png", "png"), ("pixel.png", "png"),
    ("gray16-tiles-deflate.tif", "tiff"),
  ])
  func compressed_rows_come_back(name: String, format: String) throws {
    let unpacked = try Program.run(["gaussian", testImage(name), "--format", "pam"]).output
    // (A median of one pixel changes nothing but the hidden colour of transparent pixels, which becomes 0.)
    let plain = try Program.run(["median", "--radius", "0"], input: unpacked).output
    var files: [String: [UInt8]] = [:]
    for level in [[], ["--compression", "0"], ["--compression", "2"], ["--compression", "9"]] {
      for jobs in ["1", "3"] {
        let file = try Program.run(["gaussian", testImage(name), "--format", format, "-j", jobs] + level).output
        let read = try Program.run(["median", "--radius", "0", "--format", "pam"], input: file)
        #expect(read.output == plain, "\(level) \(read.errors)")
        #expect(files[level.last ?? "", default: file] == file)
        files[level.last ?? ""] = file
      }
    }
    #expect(files["0"]!.count >= files["9"]!.count)
  }

  /// Long runs of one value cross every boundary of the coder's and the decoder's buffers at once.
  @Test func flat_pictures_of_any_height_come_back() throws {
    for height in 120...136 {
      let picture = Array("P5\n1023 \(height)\n255\n".utf8) + [UInt8](repeating: 200, count: 1023 * height)
      for level in ["0", "1", "6", "9"] {
        let file = try Program.run(["gaussian", "--format", "png", "--compression", level], input: picture).output
        let back = try Program.run(["median", "--radius", "0", "--format", "pgm"], input: file)
        #expect(back.output == picture, "\(height) rows at level \(level): \(back.errors)")
      }
    }
  }
}
