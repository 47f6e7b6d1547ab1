import Pictures
import Pipeline
import Platform
import Kernels

/// The thinned edges of a whole picture, two bits a pixel: candidates, and which of them are sure.
///
/// Takes labels row by row; ``reconstruct()`` then grows the sure ones through the candidates (morphological
/// reconstruction, L. Vincent 1993, doi:10.1109/83.217222), which is the same as keeping the 8-connected components
/// with a sure pixel, and does not depend on how the picture was cut.
final class EdgeMap: RowSink, @unchecked Sendable {
  private let width: Int
  private let height: Int
  private let wordsPerRow: Int
  private let weak: PixelBuffer
  private let strong: PixelBuffer
  private var rows = 0

  /// - Parameter maxMemory: Bytes beyond which the bits are kept in a temporary file.
  init(width: Int, height: Int, maxMemory: Int) throws {
    self.width = width
    self.height = height
    wordsPerRow = (width + 63) / 64
    let byteCount = wordsPerRow * height * 8
    weak = try PixelBuffer(byteCount: byteCount, spilled: 2 * byteCount > maxMemory)
    strong = try PixelBuffer(byteCount: byteCount, spilled: 2 * byteCount > maxMemory)
  }

  private func row(_ y: Int, of bits: PixelBuffer) -> UnsafeMutablePointer<UInt64> {
    bits.base.samples() + y * wordsPerRow
  }

  func write(_ labels: UnsafeRawPointer, stride: Int, count: Int) {
    for line in 0..<count {
      KernelTable.current.pack_labels(
        (labels + line * stride).samples(), row(rows + line, of: weak), row(rows + line, of: strong), width)
    }
    rows += count
  }

  /// Hysteresis. Cost: a few operations on each word of 64 pixels, more where edges wind.
  func reconstruct() {
    let kernels = KernelTable.current
    // Rows to look at (again) because something was added beside them; swept down and up until none is left.
    var isStale = [Bool](repeating: true, count: height)
    var staleCount = height
    func visit(_ y: Int) {
      guard isStale[y] else { return }
      isStale[y] = false
      staleCount -= 1
      let changed = kernels.reconstruct_row(
        row(y, of: weak), y > 0 ? row(y - 1, of: strong) : nil, y + 1 < height ? row(y + 1, of: strong) : nil,
        row(y, of: strong), wordsPerRow)
      guard changed != 0 else { return }
      for neighbour in [y - 1, y + 1] where neighbour >= 0 && neighbour < height && !isStale[neighbour] {
        isStale[neighbour] = true
        staleCount += 1
      }
    }
    while staleCount > 0 {
      for y in 0..<height { visit(y) }
      for y in (0..<height).reversed() { visit(y) }
    }
  }

  /// Writes 0 or 255 for columns of row `y`. `columns` begins at a multiple of 64, or is handled bit by bit.
  func emit(row y: Int, columns: Range<Int>, into target: UnsafeMutablePointer<UInt8>) {
    let bits = row(y, of: strong)
    var x = columns.lowerBound
    while x < columns.upperBound && x % 64 != 0 {
      target[x - columns.lowerBound] = (bits[x / 64] >> UInt64(x % 64)) & 1 == 1 ? 255 : 0
      x += 1
    }
    KernelTable.current.unpack_bits_u8(
      bits + x / 64, target + (x - columns.lowerBound), 255, columns.upperBound - x)
  }
}

/// Writes the edges of a map.
struct EdgeMapStencil: Stencil {
  let map: EdgeMap

  var halo: Halo { .none }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    for y in region.y..<region.endY {
      map.emit(row: y, columns: region.x..<region.endX, into: output.row(y).samples() + region.x)
    }
  }
}
