import Foundation
import TestSupport
import Testing

/// No data in pictures of 64-bit floats: the samples that count are filtered in double precision too.
@Suite struct DoubleNodataTests {
  /// A NumPy array of 64-bit floats.
  private func array(_ rows: [[Double]]) -> [UInt8] {
    var header = "{'descr': '<f8', 'fortran_order': False, 'shape': (\(rows.count), \(rows[0].count)), }"
    header += String(repeating: " ", count: 127 - 10 - header.utf8.count) + "\n"
    var bytes: [UInt8] = [0x93]
    bytes += Array("NUMPY".utf8)
    bytes += [1, 0, UInt8(header.utf8.count), 0]
    bytes += Array(header.utf8)
    for number in rows.joined() {
      withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes += Array($0) }
    }
    return bytes
  }

  private func numbers(_ bytes: [UInt8], _ count: Int) -> [Double] {
    bytes.suffix(8 * count).withUnsafeBytes { bytes in
      (0..<count).map {
        Double(bitPattern: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)))
      }
    }
  }

  /// A plane stays a plane where only a part of each window counts, up to the last digits.
  @Test(arguments: ["--serial", "--tile 3x5"], ["nearest", "reflect", "wrap"])
  func a_normalised_gaussian_of_one_value_is_that_value(tiling: String, boundary: String) throws {
    let value = 0.123456789012345, none = -9999.0, (height, width) = (23, 31)
    func isMissing(_ y: Int, _ x: Int) -> Bool { y < 6 || (x * 7 + y * 11) % 5 == 0 }
    let rows: [[Double]] = (0..<height).map { y in (0..<width).map { x in isMissing(y, x) ? none : value } }
    let line = "gaussian --sigma 2,1.3 --nodata -9999 --boundary \(boundary) \(tiling) - -o - --format npy"
    let outcome = try Program.run(line.split(separator: " ").map(String.init), input: array(rows))
    try #require(outcome.status == 0, "\(outcome.errors)")
    for (made, was) in zip(numbers(outcome.output, height * width), rows.joined()) {
      #expect(was == none ? made == none : abs(made - value) < 1e-15)
    }
  }

  /// Where nothing is missing the numbers are the usual ones.
  @Test func without_a_missing_sample_nothing_changes() throws {
    func value(_ y: Int, _ x: Int) -> Double { Double((x * x + 3 * y) % 17) / 17 }
    let rows = (0..<9).map { y in (0..<11).map { x in value(y, x) } }
    func run(_ more: [String]) throws -> [UInt8] {
      try Program.run(["gaussian", "--sigma", "1.7", "-", "-o", "-", "--format", "npy"] + more, input: array(rows))
        .output
    }
    #expect(try run(["--nodata", "-1"]) == run([]))
  }
}
