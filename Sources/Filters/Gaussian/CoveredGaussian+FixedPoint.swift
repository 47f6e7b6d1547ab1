import Kernels
import Pictures
import Pipeline

extension CoveredGaussian {
  /// A block's results in fixed point. Where less than half of a window's weight counts, they are too coarse.
  ///
  /// - Returns: Nil where all is well, else what is, of results that floats are to replace.
  func blur(
    _ block: Region, _ rows: CoveredRows, in fixed: FixedPointGaussian, from source: SourceRows, to output: OutputRows,
    scratch: Scratch
  ) -> DenseSamples? {
    let kernels = KernelTable.current
    let channels = input.channels, samples = block.width * channels, half = (samples + 1) / 2
    let whole = fixed.whole
    // Sums of ones and zeros: of each row those at even places, then those at odd ones.
    let sums = scratch.allocate(2 * half * block.height, of: UInt16.self)
    let line = scratch.allocate((block.width + halo.left + halo.right) * channels, of: UInt8.self)
    FixedPointGaussian(ofCoverAs: fixed).blur(block, scratch: scratch) { y, column, count in
      let cover = rows.cover.row(y).samples(UInt8.self) + column * coverage.bands
      scratch.frame {
        let all = coverage.spread(cover, count, scratch)
        kernels.cover_bytes_u8(all, line, count * channels)
      }
      return UnsafePointer(line)
    } _: { row, y in
      let target = sums + (y - block.y) * 2 * half
      // What does not count is restored: it needs no division.
      kernels.keep_covered_u16(row.evens, row.centres.evens, whole, target, half)
      kernels.keep_covered_u16(row.odds, row.centres.odds, whole, target + half, samples / 2)
    }
    var isSparse: Int32 = 0
    fixed.blur(block, scratch: scratch) { y, column, _ in
      rows.values.row(y).samples(UInt8.self) + column * channels
    } _: { row, y in
      let cover = sums + (y - block.y) * 2 * half
      isSparse |= kernels.divide_covered_u16(row.evens, cover, whole, half)
      isSparse |= kernels.divide_covered_u16(row.odds, cover + half, whole, samples / 2)
      fixed.finish(row, y: y, of: block, to: output)
      untouched.restore(y, block.x..<block.endX, source, output, scratch)
    }
    return isSparse == 0 ? nil : DenseSamples(block, channels, sums, output, scratch)
  }
}

/// Results of a block where at least half of the windows' weight counts.
struct DenseSamples {
  private let block: Region
  private let channels: Int
  private let results: UnsafeMutablePointer<UInt8>
  private let isDense: UnsafeMutablePointer<UInt8>

  /// - Parameter sums: Of the weights that count, in 65280ths: of each row those at even places, then those at odd ones.
  fileprivate init(
    _ block: Region, _ channels: Int, _ sums: UnsafeMutablePointer<UInt16>, _ output: OutputRows, _ scratch: Scratch
  ) {
    (self.block, self.channels) = (block, channels)
    let samples = block.width * channels, half = (samples + 1) / 2
    results = scratch.allocate(samples * block.height, of: UInt8.self)
    isDense = scratch.allocate(samples * block.height, of: UInt8.self)
    for y in 0..<block.height {
      let row = output.row(block.y + y).samples(UInt8.self) + block.x * channels
      (results + y * samples).update(from: row, count: samples)
      for i in 0..<samples {
        isDense[y * samples + i] = sums[(2 * y + i % 2) * half + i / 2] < 32640 ? 0 : 1
      }
    }
  }

  func put(to output: OutputRows) {
    let samples = block.width * channels
    for y in 0..<block.height {
      let row = output.row(block.y + y).samples(UInt8.self) + block.x * channels
      KernelTable.current.choose_covered_u8(isDense + y * samples, results + y * samples, row, row, samples)
    }
  }
}
