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
  func shape<Sample>(_ plane: PaddedPlane<Sample>, _ block: Region) -> median_window {
    median_window(
      width: block.width, height: block.height, window_width: window.width, window_height: window.height,
      src_pitch: plane.pitch, dst_pitch: block.width)
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
    var shape = shape(plane, block)
    if networkSize != nil || window.isCounted {
      scratch.frame { filter(rows(plane, block, into: result, scratch: scratch), scratch) }
    } else if window.isFollowed {
      kernels.median_spans_u8(plane.base, result, &shape, window.spans)
    } else if window.isRectangle && window.height * window.width <= 65535 {
      scratch.frame {
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
    if networkSize != nil {
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
    let kernels = KernelTable.current
    guard let size = networkSize else {
      return filterByRank(
        plane, block, keyBits: 32, key: { UInt32(bitPattern: $0) ^ 1 << 31 }, into: result, scratch: scratch
      ) { Int32(bitPattern: $0 ^ 1 << 31) }
    }
    scratch.frame {
      let r = rows(plane, block, into: result, scratch: scratch)
      let kernel = size == 3 ? kernels.median3_i32 : kernels.median5_i32
      kernel(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    }
  }

  /// 3 or 5 where a sorting network does.
  var networkSize: Int? {
    guard window.isRectangle && window.height == window.width else { return nil }
    return window.height == 3 || window.height == 5 ? window.height : nil
  }

  func filter(_ r: WindowRows<UInt8>, _ scratch: Scratch) {
    let kernels = KernelTable.current
    switch networkSize {
    case 3: kernels.median3_u8(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    case 5: kernels.median5_u8(r.rows, r.step, r.target, r.pitch, r.count, r.height)
    default: count(r, scratch)
    }
  }

  func filter(_ r: WindowRows<UInt16>, _ scratch: Scratch) {
    let kernels = KernelTable.current
    let kernel = networkSize == 3 ? kernels.median3_u16 : kernels.median5_u16
    kernel(r.rows, r.step, r.target, r.pitch, r.count, r.height)
  }

  /// By counting: the window's samples as rows and offsets.
  func count(_ r: WindowRows<UInt8>, _ scratch: Scratch) {
    let total = window.count
    let rows = scratch.allocate(total, of: UnsafePointer<UInt8>.self), offsets = scratch.allocate(total, of: Int32.self)
    for y in 0..<r.height {
      var k = 0
      for row in 0..<window.height {
        for column in window.spans[2 * row]..<window.spans[2 * row + 1] {
          rows[k] = r.rows[y + row]
          offsets[k] = (column - Int32(halo.left)) * Int32(r.step)
          k += 1
        }
      }
      KernelTable.current.median_count_u8(rows, offsets, total, UInt32(total / 2), r.target + y * r.pitch, r.count)
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
      var shape = shape(plane, block)
      let medians = keys  // Its keys are in `values` now.
      if let cover {
        for i in 0..<count where cover[i] == 0 { ranks[i] = .max }
        kernels.median_covered_ranks(ranks, count, window.spans, values, bits, medians, &shape)
      } else {
        kernels.median_ranks(ranks, count, window.spans, values, bits, medians, &shape)
      }
      for i in 0..<(block.width * block.height) { result[i] = sample(medians[i]) }
    }
  }
}
