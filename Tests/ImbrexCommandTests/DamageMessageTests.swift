import Foundation
import TestSupport
import Testing

/// What a user reads of a damaged file, in words that are no library's.
@Suite struct DamageMessageTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func message(_ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: folder.path("in")))
    return try Program.run(["median", "in", "-o", "out.png"], folder: folder.url).errors
  }

  private func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: testImage(name))))
  }

  /// A PNG without its chunks of a name.
  private func without(_ name: String, _ file: [UInt8]) -> [UInt8] {
    var result = Array(file[..<8]), place = 8
    while place + 12 <= file.count {
      let count = file[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
      if Array(file[place + 4..<place + 8]) != Array(name.utf8) { result += file[place..<place + 12 + count] }
      place += 12 + count
    }
    return result
  }

  @Test func damaged_PNGs() throws {
    let file = try bytes("palette.png")
    #expect(try message(without("PLTE", file)) == "imbrex: in: the palette is missing\n")
    #expect(
      try message(without("IHDR", file)) == "imbrex: in: the header is missing (IHDR is not the first chunk)\n")
    var flipped = file
    flipped[45] ^= 1
    let said = try message(flipped)
    #expect(said.contains("the checksum of chunk ") && said.hasSuffix(" is wrong: the file is damaged\n"), "\(said)")
  }

  @Test func damaged_JPEGs() throws {
    let file = try bytes("photo.jpg")
    // Each quantisation table becomes a comment.
    var changed = file
    for i in 0..<file.count - 1 where i < 700 && file[i] == 0xFF && file[i + 1] == 0xDB { changed[i + 1] = 0xFE }
    #expect(try message(changed) == "imbrex: in: the header is damaged: a quantisation table is missing\n")
    changed = file
    for i in 0..<file.count - 1 where i < 700 && file[i] == 0xFF && [0xC0, 0xC2].contains(file[i + 1]) {
      changed[i + 1] = 0xC3
    }
    #expect(
      try message(changed)
        == "imbrex: in: this kind of JPEG is not supported (lossless or hierarchical, SOF 0xc3)\n")
  }

  @Test func damaged_TIFFs() throws {
    var file = SparseTIFF(width: 4, height: 4)
    // libtiff takes indices of 8 bits without a palette for gray.
    (file.photometric, file.rowsPerStrip, file.bits) = (3, 4, 4)
    file.present = [0: Array(repeating: 1, count: 8)]
    #expect(try message(file.bytes) == "imbrex: in: the palette is missing\n")
  }
}
