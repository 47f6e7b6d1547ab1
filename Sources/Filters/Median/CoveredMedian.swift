import Kernels
import Pictures
import Pipeline

/// A median of the samples that count. Where all of a block's windows count, it is the usual one.
struct CoveredMedian: Stencil {
  private let base: MedianStencil
  private let coverage: Coverage
  private let untouched: UntouchedSamples

  init(_ base: MedianStencil, _ coverage: Coverage) {
    (self.base, self.coverage) = (base, coverage)
    untouched = UntouchedSamples(coverage, making: coverage.input)
  }

  var halo: Halo { base.halo }
  var needsWholePicture: Bool { base.needsWholePicture }
  var needsWholeRows: Bool { base.needsWholeRows }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    if coverage.isTotal(region, halo: halo, boundary: base.boundary, source, scratch: scratch) {
      return base.process(region, from: source, to: output, scratch: scratch)
    }
    for block in base.blocks(of: region) {
      scratch.frame {
        if coverage.isTotal(block, halo: halo, boundary: base.boundary, source, scratch: scratch) {
          base.process(block, from: source, to: output, scratch: scratch)
        } else {
          processBlock(block, from: source, to: output, scratch: scratch)
        }
      }
    }
  }

  private func processBlock(_ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let bands = coverage.bands
    let plane = PaddedPlane<UInt8>(
      region: block, halo: halo, in: coverage.input, channels: bands, boundary: base.boundary, constant: 1,
      scratch: scratch
    ) { y, x, count, target in coverage.load(y, x: x, count: count, source, into: target, scratch: scratch) }
    let count = plane.pitch * (block.height + halo.top + halo.bottom) / bands
    let planes =
      bands == 1
      ? [plane.base]
      : (0..<bands).map { band in
        let single = scratch.allocate(count, of: UInt8.self)
        for i in 0..<count { single[i] = plane.base[i * bands + band] }
        return single
      }
    base.processBlock(block, from: source, to: output, scratch: scratch) {
      UnsafePointer(planes[bands == 1 ? 0 : $0])
    }
    for y in block.y..<block.endY {
      scratch.frame {
        let isFull = base.window.hasCentre ? nil : fullWindows(plane, y, block, scratch)
        untouched.restore(y, block.x..<block.endX, source, output, scratch, whereMade: isFull)
      }
    }
  }

  /// Of each sample of a row 1 if its window has one that counts, else 0: where the pixel itself is not in it.
  private func fullWindows(
    _ cover: PaddedPlane<UInt8>, _ y: Int, _ block: Region, _ scratch: Scratch
  ) -> UnsafePointer<UInt8> {
    let bands = coverage.bands, count = block.width * bands
    let isFull = scratch.allocate(count, of: UInt8.self)
    isFull.update(repeating: 0, count: count)
    for run in base.window.rows {
      let row = cover.row(y - halo.top + Int(run.line), x: block.x - halo.left)
      for column in run.first..<run.end {
        let shifted = row + Int(column) * bands
        for i in 0..<count { isFull[i] |= shifted[i] }
      }
    }
    return UnsafePointer(isFull)
  }
}

// MARK: - The medians of a plane of which not all counts

extension MedianStencil {
  func filter(
    _ plane: PaddedPlane<UInt8>, _ cover: UnsafePointer<UInt8>?, _ block: Region,
    into result: UnsafeMutablePointer<UInt8>, scratch: Scratch
  ) {
    let kernels = KernelTable.current
    guard let cover else { return filter(plane, block, into: result, scratch: scratch) }
    if window.networkSize != nil {
      filter(plane, cover, block, into: result, scratch: scratch, kernels.median_covered_u8)
    } else if window.isRectangle && window.height * window.width <= 65535 {
      scratch.frame {
        var shape = shape(plane, block, scratch)
        let histograms = scratch.allocate((block.width + window.width - 1) * 272, of: UInt16.self)
        kernels.median_covered_histogram_u8(plane.base, cover, result, &shape, histograms)
      }
    } else {
      scratch.frame {
        var shape = shape(plane, block, scratch)
        kernels.median_covered_spans_u8(plane.base, cover, result, &shape)
      }
    }
  }

  func filter(
    _ plane: PaddedPlane<UInt16>, _ cover: UnsafePointer<UInt8>?, _ block: Region,
    into result: UnsafeMutablePointer<UInt16>, scratch: Scratch
  ) {
    guard let cover else { return filter(plane, block, into: result, scratch: scratch) }
    if window.networkSize != nil {
      filter(plane, cover, block, into: result, scratch: scratch, KernelTable.current.median_covered_u16)
    } else {
      filterByRank(
        plane, block, keyBits: 16, key: { UInt32($0) }, into: result, scratch: scratch, cover: cover
      ) { UInt16(truncatingIfNeeded: $0) }
    }
  }

  func filter(
    _ plane: PaddedPlane<Int32>, _ cover: UnsafePointer<UInt8>?, _ block: Region,
    into result: UnsafeMutablePointer<Int32>, scratch: Scratch
  ) {
    guard let cover else { return filter(plane, block, into: result, scratch: scratch) }
    if window.networkSize != nil {
      filter(plane, cover, block, into: result, scratch: scratch, KernelTable.current.median_covered_i32)
    } else {
      filterByRank(
        plane, block, keyBits: 32, key: { UInt32(bitPattern: $0) ^ 1 << 31 }, into: result, scratch: scratch,
        cover: cover
      ) { Int32(bitPattern: $0 ^ 1 << 31) }
    }
  }

  private typealias Network<Sample> = (
    UnsafePointer<UnsafePointer<Sample>>, UnsafePointer<UnsafePointer<Sample>>, Int, UnsafeMutablePointer<Sample>, Int,
    Int, Int
  ) -> Void

  /// By a network, which takes what counts as samples with all bits set.
  private func filter<Sample: FixedWidthInteger & BitwiseCopyable>(
    _ plane: PaddedPlane<Sample>, _ cover: UnsafePointer<UInt8>, _ block: Region,
    into result: UnsafeMutablePointer<Sample>, scratch: Scratch, _ network: Network<Sample>
  ) {
    scratch.frame {
      let count = plane.pitch * (block.height + window.height - 1)
      let covers = scratch.allocate(count, of: Sample.self)
      for i in 0..<count { covers[i] = 0 &- Sample(truncatingIfNeeded: cover[i]) }
      let r = rows(plane, block, into: result, scratch: scratch)
      let under = scratch.allocate(block.height + window.height - 1, of: UnsafePointer<Sample>.self)
      for k in 0..<(block.height + window.height - 1) {
        under[k] = UnsafePointer(covers + k * plane.pitch + halo.left)
      }
      network(r.rows, UnsafePointer(under), window.height, r.target, r.pitch, r.count, r.height)
    }
  }
}
