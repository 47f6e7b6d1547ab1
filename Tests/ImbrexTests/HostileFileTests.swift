import Foundation
import Imbrex
import TestSupport
import Testing

/// Files made to hurt: each is refused by a message that says why, before memory is spent on it.
@Suite struct HostileFileTests {
  struct Hostile: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    let says: String
    var testDescription: String { name }
  }

  private static func fixture(_ name: String) -> [UInt8] { [UInt8](FormatFixture.all.first { $0.name == name }!.file) }

  /// The bytes with others put where a marker begins, some bytes on.
  private static func patch(_ bytes: [UInt8], after marker: [UInt8], skip: Int, with new: [UInt8]) -> [UInt8] {
    let start = bytes.indices.first { bytes[$0...].starts(with: marker) }! + skip
    var result = bytes
    result.replaceSubrange(start..<(start + new.count), with: new)
    return result
  }

  /// A PNG's header with its checksum.
  private static func png(width: UInt32, height: UInt32, interlaced: Bool = false) -> [UInt8] {
    func big(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> $0) } }
    func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
      let body = Array(name.utf8) + data
      let crc = body.reduce(~UInt32(0)) { crc, byte in
        (0..<8).reduce(crc ^ UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
      }
      return big(UInt32(data.count)) + body + big(~crc)
    }
    return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
      + chunk("IHDR", big(width) + big(height) + [8, 6, 0, 0, interlaced ? 1 : 0]) + chunk("IDAT", [0x78, 0x9C])
      + chunk("IEND", [])
  }

  /// A TIFF of one directory; values are numbers of 32 bits.
  private static func tiff(_ changed: [Int: UInt32] = [:], next: UInt32 = 0) -> [UInt8] {
    let tags: [(Int, UInt32)] = [
      (256, 4), (257, 4), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 4), (279, 16),
    ]
    func little(_ value: UInt32, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    let entries = tags.flatMap { tag, value in
      little(UInt32(tag), 2) + little(4, 2) + little(1, 4) + little(changed[tag] ?? value, 4)
    }
    return [0x49, 0x49, 0x2A, 0, 8, 0, 0, 0] + little(UInt32(tags.count), 2) + entries + little(next, 4)
      + [UInt8](repeating: 0, count: 64)
  }

  static let files: [Hostile] = [
    Hostile(name: "PNG of 900 megapixels", bytes: png(width: 30000, height: 30000), says: "too small for"),
    Hostile(
      name: "the same interlaced", bytes: png(width: 30000, height: 30000, interlaced: true), says: "too small for"),
    Hostile(
      name: "PNG of 2^62 pixels", bytes: png(width: .max >> 1, height: .max >> 1),
      says: "exceed the limit of"),
    Hostile(
      name: "JPEG of 900 megapixels",
      bytes: patch(fixture("jpeg RGB 0 baseline"), after: [0xFF, 0xC0], skip: 5, with: [0x75, 0x30, 0x75, 0x30]),
      says: "too small for"),
    Hostile(
      name: "progressive JPEG of 900 megapixels",
      bytes: patch(fixture("jpeg RGB 0 progressive"), after: [0xFF, 0xC2], skip: 5, with: [0x75, 0x30, 0x75, 0x30]),
      says: "too small for"),
    Hostile(name: "TIFF of 900 megapixels", bytes: tiff([256: 30000, 257: 30000, 278: 30000]), says: "too small for"),
    Hostile(
      name: "the same with zstd", bytes: tiff([256: 30000, 257: 30000, 278: 30000, 259: 50000]), says: "too small for"),
    Hostile(name: "TIFF whose directory is its next", bytes: tiff(next: 8), says: "form a loop"),
    Hostile(
      name: "TIFF with strips beyond the end", bytes: tiff([273: 1_000_000]), says: "the file ends after row 0 of 4"),
    Hostile(name: "TIFF of 60000 samples a pixel", bytes: tiff([277: 60000]), says: "too small for"),
    Hostile(name: "PPM of 900 megapixels", bytes: Array("P6\n30000 30000\n255\n".utf8), says: "too small for"),
    Hostile(
      name: "PGM of a number too large", bytes: Array("P5\n99999999999999999999 1\n255\n".utf8), says: "too large"),
    Hostile(name: "NumPy array of 900 megapixels", bytes: npy("30000, 30000"), says: "too small for"),
    Hostile(name: "NumPy array of 2^80 bytes", bytes: npy("1000000000, 40000, 20000, 65535"), says: "is too large"),
  ]

  private static func npy(_ shape: String) -> [UInt8] {
    let text = "{'descr': '<f8', 'fortran_order': False, 'shape': (\(shape)), }\n"
    return [0x93] + "NUMPY\u{1}\0".utf8 + [UInt8(text.utf8.count), 0] + text.utf8
  }

  @discardableResult
  private func read(_ bytes: [UInt8], in folder: TemporaryFolder, _ options: ImageReader.Options = .init()) throws
    -> (picture: Picture, damage: String?)
  {
    let path = folder.path("hostile")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    let reader = try ImageReader(path: path, options: options)
    let picture = try Picture(reading: reader)
    return (picture, reader.damage)
  }

  @Test(arguments: files)
  func a_forged_header_is_refused(file: Hostile) throws {
    let folder = try TemporaryFolder()
    do {
      try read(file.bytes, in: folder)
      Issue.record("it was read")
    } catch let error as ImbrexError {
      #expect(error.message.contains(file.says), "\(error.message)")
    }
  }

  @Test func a_progressive_jpeg_of_the_same_scan_again_and_again_is_refused() throws {
    let folder = try TemporaryFolder()
    let bytes = Self.fixture("jpeg L None progressive")
    let start = bytes.indices.first { bytes[$0...].starts(with: [0xFF, 0xDA]) }!
    let end = bytes.indices.dropFirst(start + 2).first { bytes[$0] == 0xFF && bytes[$0 + 1] != 0 }!
    let many = bytes[..<start] + (0..<400).flatMap { _ in bytes[start..<end] } + [0xFF, 0xD9]
    #expect(throws: ImbrexError.self) { try read(Array(many), in: folder) }
  }

  @Test func a_progressive_jpeg_is_held_within_max_memory_or_refused() throws {
    let folder = try TemporaryFolder()
    var options = ImageReader.Options()
    options.maxMemory = 1000
    do {
      try read(Self.fixture("jpeg RGB 0 progressive"), in: folder, options)
      Issue.record("it was read")
    } catch let error as ImbrexError {
      #expect(error.code == .limit && error.remedy?.option == "max-memory")
    }
  }

  @Test func an_interlaced_png_past_max_memory_goes_to_a_temporary_file() throws {
    let folder = try TemporaryFolder()
    var options = ImageReader.Options()
    options.maxMemory = 10
    let file = Self.fixture("png 40 x 40 interlaced")
    let spilled = try read(file, in: folder, options).picture
    #expect(try spilled.hasSameBytes(as: read(file, in: folder).picture))
  }

  /// Found by the fuzzer: behind a damaged header, libjpeg forgot how many components there were, and rows that were made
  /// up took the wrong size.
  @Test func a_damaged_jpeg_that_is_tolerated_stays_within_its_rows() throws {
    let text =
      "/9j/4AAQSkZJRgABAQAA2P/gABBKRklGAAEBAAABAAEAAP/bAEMABQQEBQQDBQUEBQYGBQYIDgkIBwcIEQwNCg4UERUUExETExYYHxsWFx4XExMbJRweICEjIyMVGiYpJiIpHyIjIv/CAAsIACAAGAEBEQD/xAAZAAACAwEAAAAAAAAAAAAAAAAFBgECBAP/2gAIAQEAAAABMMudHpIlY0MwHv8A/8QAHBAAAgIDAQEAAAAAAAAAAAAAAQMAEQIEEhQT/9oACAEBAAEFAtbKpg8U1wI+vE91T2dTayqZtNpYbevqZaptesQf/8QAFhABAQEAAAAAAAAAAAAAAAAAIDEA/9oACAEBAAY/AhdX/8QAGxABAQACAwEAAAAAAAAAAAAAAQARMRAhQVH/2gAIAQEAAT8hMmYO8w7n78QoicUBAAEAAP/bAEMABQQEBQQDBQUEBQYIBgUGDgkIBwcIEQwNCg4UERUUExETExYYHxsWFx4XExMbJRweICEjIyMVGiYpJiIpHyIjIv/bAEMBBgAAfwJ7iAyFECIWExYiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIv/CABEIACAAGAMBIgACEQEDEQH/xAAZAAADAAMAAAAAAAAAAAAAAAAABQYDBAf/xAAXAQEBAQEAAAAAAAAAAAAAAAACBAED/9oADAMBAAIQAxAAAAGjb87xjbQkQ9JtLVrWQ3yyP//EABsQAAEFAQEAAAAAAAAAAAAAAAEAAwQREhQC/9oACAEBAAEFAmHaXQKfdBBk4XchJ0pHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKo3s3H9G3WNLkNtMZX//EABoRAAICAwAAAAAAAAAAAAAAAAABAgMREhP/2gAIAQMBAT8BjXqdUiyY8n//xAAaEQACAgMAAAAAAAAAAAAAAAAAAQISAxET/9oACAECAQE/AZTucGzFDRZI/8QAFhAAAwAAAAAAAAAAAAAAAAAAIDAx/9oACAEBAAY/AgqP/8QAGRABAQADAQAAAAAAAAAAAAAAAQAQIVER/9oACAEBAAE/ITJu7pFu7MXfEXmO4ezJ1ckqNX//2gAMAwEAAgADAAAAECAbg//EABcRAQEBAQAAAAAAAAAAAAAAAAEAETH/2gAIAQMBAT8Q7G4IMwg3b//EABgRAQEBAQEAAAAAAAAAAAAAAAEAMREh/9oACAECAQE/EGxHotTAuX//xAAcEAEBAQEAAgMAAAAAAAAAAAABABEhMUFhkbH/2gAIAZ0BAAE/EA5EcOYUBIk5yFufqZh3vzbKZ9l82imfDWz2b+pucZf/2Q=="
    let folder = try TemporaryFolder()
    var options = ImageReader.Options()
    options.isTolerant = true
    let file = [UInt8](Data(base64Encoded: text)!)
    #expect(throws: ImbrexError.self) { try read(file, in: folder) }
    let (picture, damage) = try read(file, in: folder, options)
    #expect(picture.description == ImageDescription(width: 24, height: 32, color: .gray, sampleType: .uint8))
    #expect(damage != nil)
  }
}
