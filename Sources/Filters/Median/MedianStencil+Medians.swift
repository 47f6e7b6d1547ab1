import Pictures
import Pipeline

import Kernels

/// The rows of some windows, at the column of the first output, and where the outputs go.
struct WindowRows<Sample> {
  let rows: UnsafePointer<UnsafePointer<Sample>>
  /// Samples from a pixel to the next.
  let step: Int
  let target: UnsafeMutablePointer<Sample>
  /// Samples from an output row to the next.
  let pitch: Int
  /// Samples in a row of outputs, and rows.
  let count: Int
  let height: Int

  init(
    rows: UnsafeMutablePointer<UnsafePointer<Sample>>, step: Int, target: UnsafeMutablePointer<Sample>, pitch: Int,
    count: Int, height: Int
  ) {
    self.rows = UnsafePointer(rows)
    (self.step, self.target, self.pitch, self.count, self.height) = (step, target, pitch, count, height)
  }
}

// MARK: - The medians of a plane

extension MedianStencil {
  /// The window as kernels take it; valid in the enclosing frame.
  func shape<Sample>(_ plane: PaddedPlane<Sample>, _ block: Region, _ scratch: Scratch) -> median_window {
    func copy(_ runs: [window_run]) -> UnsafePointer<window_run> {
      let copy = scratch.allocate(runs.count, of: window_run.self)
      for (i, run) in runs.enumerated() { copy[i] = run }
      return UnsafePointer(copy)
    }
    var shape = median_window()
    (shape.width, shape.height) = (block.width, block.height)
    (shape.window_width, shape.window_height) = (window.width, window.height)
    (shape.src_pitch, shape.dst_pitch) = (plane.pitch, block.width)
    (shape.rows, shape.row_count) = (copy(window.rows), window.rows.count)
    (shape.columns, shape.column_count) = (copy(window.columns), window.columns.count)
    switch window.selection {
    case .median: shape.percent = 50
    case .rank(let rank): (shape.has_rank, shape.rank) = (1, Int64(rank))
    case .percentile(let percent): shape.percent = percent < 0 ? percent + 100 : percent
    }
    return shape
  }

  /// The rows of a padded plane, for kernels that take rows.
  func rows<Sample>(
    _ plane: PaddedPlane<Sample>, _ block: Region, into result: UnsafeMutablePointer<Sample>, scratch: Scratch
  ) -> WindowRows<Sample> {
    let rows: UnsafeMutablePointer<UnsafePointer<Sample>> = scratch.allocate(block.height + window.height - 1)
    for k in 0..<(block.height + window.height - 1) {
      rows[k] = UnsafePointer(plane.base + k * plane.pitch + halo.left)
    }
    return WindowRows(
      rows: rows, step: 1, target: result, pitch: block.width, count: block.width, height: block.height)
  }

  func filter(
    _ plane: PaddedPlane<UInt8>, _ block: Region, into result: UnsafeMutablePointer<UInt8>, scratch: Scratch
  ) {
    let kernels = KernelTable.current
    if window.goesByRows(bits: 8) {
      scratch.frame { filter(rows(plane, block, into: result, scratch: scratch), scratch) }
    } else if window.isFollowed {
      scratch.frame {
        var shape = shape(plane, block, scratch)
        kernels.median_spans_u8(plane.base, result, &shape)
      }
    } else if window.isRectangle && window.height * window.width <= 65535 {
      scratch.frame {
        var shape = shape(plane, block, scratch)
        let histograms = scratch.allocate((block.width + window.width - 1) * 272, of: UInt16.self)
        kernels.median_histogram_u8(plane.base, result, &shape, histograms)
      }
    } else {
      filterByRank(plane, block, keyBits: 8, key: { UInt32($0) }, into: result, scratch: scratch) {
        UInt8(truncatingIfNeeded: $0)
      }
    }
  }

  func filter(
    _ plane: PaddedPlane<UInt16>, _ block: Region, into result: UnsafeMutablePointer<UInt16>, scratch: Scratch
  ) {
    if window.goesByRows(bits: 16) {
      scratch.frame { filter(rows(plane, block, into: result, scratch: scratch), scratch) }
    } else {
      filterByRank(plane, block, keyBits: 16, key: { UInt32($0) }, into: result, scratch: scratch) {
        UInt16(truncatingIfNeeded: $0)
      }
    }
  }

  func filter(
    _ plane: PaddedPlane<Int32>, _ block: Region, into result: UnsafeMutablePointer<Int32>, scratch: Scratch
  ) {
    if window.goesByRows(bits: 32) {
      scratch.frame { filter(rows(plane, block, into: result, scratch: scratch), scratch) }
    } else {
      filterByRank(
        plane, block, keyBits: 32, key: { UInt32(bitPattern: $0) ^ 1 << 31 }, into: result, scratch: scratch
      ) { Int32(bitPattern: $0 ^ 1 << 31) }
    }
  }

  func filter(_ r: WindowRows<UInt8>, _ scratch: Scratch) {
    let kernels = KernelTable.current
    switch window.networkSize {
    case 3: kernels.median3_u8(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    case 5: kernels.median5_u8(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    default:
      if let isGreatest = window.extreme {
        extremes(r, isGreatest, scratch, kernels.extreme_u8)
      } else {
        count(r, scratch, kernels.median_count_u8)
      }
    }
  }

  func filter(_ r: WindowRows<UInt16>, _ scratch: Scratch) {
    let kernels = KernelTable.current
    switch window.networkSize {
    case 3: kernels.median3_u16(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    case 5: kernels.median5_u16(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    default:
      if let isGreatest = window.extreme {
        extremes(r, isGreatest, scratch, kernels.extreme_u16)
      } else {
        count(r, scratch, kernels.median_count_u16)
      }
    }
  }

  func filter(_ r: WindowRows<Int32>, _ scratch: Scratch) {
    let kernels = KernelTable.current
    switch window.networkSize {
    case 3: kernels.median3_i32(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    case 5: kernels.median5_i32(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    default:
      if let isGreatest = window.extreme {
        extremes(r, isGreatest, scratch, kernels.extreme_i32)
      } else {
        count(r, scratch, kernels.median_count_i32)
      }
    }
  }

  private typealias Extremes<Sample> = (
    UnsafePointer<UnsafePointer<Sample>>, Int, Int, Int, Int32, UnsafeMutablePointer<Sample>, Int,
    UnsafeMutablePointer<Sample>
  ) -> Void

  /// The greatest or the least samples.
  private func extremes<Sample: BitwiseCopyable>(
    _ r: WindowRows<Sample>, _ isGreatest: Bool, _ scratch: Scratch, _ kernel: Extremes<Sample>
  ) {
    let rows: UnsafeMutablePointer<UnsafePointer<Sample>> = scratch.allocate(r.height + window.height - 1)
    for k in 0..<(r.height + window.height - 1) { rows[k] = r.rows[k] - halo.left * r.step }
    let spare: UnsafeMutablePointer<Sample> = scratch.allocate(r.count + (window.width - 1) * r.step)
    for y in 0..<r.height {
      kernel(
        rows + y, window.height, window.width, r.step, isGreatest ? 1 : 0, r.target + y * r.pitch, r.count, spare)
    }
  }

  /// By counting: the window's samples as rows and offsets.
  private func count<Sample>(
    _ r: WindowRows<Sample>, _ scratch: Scratch,
    _ kernel: (
      UnsafePointer<UnsafePointer<Sample>>, UnsafePointer<Int32>, Int, UInt32, UnsafeMutablePointer<Sample>, Int
    ) -> Void
  ) {
    let total = window.count, rank = UInt32(window.selection.rank(of: total))
    let rows: UnsafeMutablePointer<UnsafePointer<Sample>> = scratch.allocate(total)
    let offsets = scratch.allocate(total, of: Int32.self)
    for y in 0..<r.height {
      var k = 0
      for run in window.rows {
        for column in run.first..<run.end {
          rows[k] = r.rows[y + Int(run.line)]
          offsets[k] = (column - Int32(halo.left)) * Int32(r.step)
          k += 1
        }
      }
      kernel(rows, offsets, total, rank, r.target + y * r.pitch, r.count)
    }
  }

  func filterByRank<Sample: BitwiseCopyable>(
    _ plane: PaddedPlane<Sample>, _ block: Region, keyBits: UInt32, key: (Sample) -> UInt32,
    into result: UnsafeMutablePointer<Sample>, scratch: Scratch, cover: UnsafePointer<UInt8>? = nil,
    _ sample: (UInt32) -> Sample
  ) {
    scratch.frame {
      let kernels = KernelTable.current
      let count = plane.pitch * (block.height + window.height - 1)
      let keys = scratch.allocate(count, of: UInt32.self)
      let order = scratch.allocate(count, of: UInt32.self), spare = scratch.allocate(count, of: UInt32.self)
      let ranks = scratch.allocate(count, of: UInt32.self), values = scratch.allocate(count, of: UInt32.self)
      for i in 0..<count { keys[i] = key(plane.base[i]) }
      kernels.rank_samples(keys, count, keyBits, order, spare, ranks, values)
      let bits = scratch.allocate((count + 63) / 64, of: UInt64.self)
      var shape = shape(plane, block, scratch)
      let medians = keys  // Its keys are in `values` now.
      if let cover {
        for i in 0..<count where cover[i] == 0 { ranks[i] = .max }
        kernels.median_covered_ranks(ranks, count, values, bits, medians, &shape)
      } else {
        kernels.median_ranks(ranks, count, values, bits, medians, &shape)
      }
      for i in 0..<(block.width * block.height) { result[i] = sample(medians[i]) }
    }
  }
}
