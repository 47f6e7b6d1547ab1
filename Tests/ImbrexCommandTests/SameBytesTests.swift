import Foundation
import Imbrex
import TestSupport
import Testing

/// The same bytes run after run, wherever the system puts memory. ISA-L compressed small blocks by the address of its own structure.
@Suite struct SameBytesTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: ["tiles.tif", "strips.tif", "small.png"]) func a_hundred_runs_give_one_file(name: String) throws {
    var noise = Noise(seed: 1)
    let side = name.hasSuffix("png") ? 24 : 320
    let picture = try Picture(ImageDescription(width: side, height: side, color: .gray, sampleType: .uint8))
    for y in 0..<side {
      for x in 0..<side {
        let value = 128 + 100 * sin(Double(x) / 19) * cos(Double(y) / 23) + .random(in: 0..<3, using: &noise)
        picture.row(y).storeBytes(of: UInt8(value), toByteOffset: x, as: UInt8.self)
      }
    }
    var metadata = Metadata()
    metadata.tiff.compression = 8
    if name.hasPrefix("tiles") { (metadata.tiff.tileWidth, metadata.tiff.tileHeight) = (16, 16) }
    metadata.tiff.rowsPerStrip = 1
    try writePictures([picture], to: folder.path(name), metadata: metadata)
    var seen = Set<[UInt8]>()
    for run in 0..<100 {
      let outcome = try Program.run(
        ["gaussian", name, "-o", "-"] + (run % 2 == 0 ? ["--serial"] : []), folder: folder.url)
      #expect(outcome.status == 0)
      seen.insert(outcome.output)
    }
    #expect(seen.count == 1)
  }
}
