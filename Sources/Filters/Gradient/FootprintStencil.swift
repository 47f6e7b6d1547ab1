import Kernels
import Pictures
import Pipeline

/// Keeps the responses of an operator where all that it looks at counts; the rest becomes the picture's sample for no data, or nothing.
///
/// A mask is eroded by 3 × 3 whatever the operator, with nothing beyond the picture, as in scikit-image.
struct FootprintStencil: Stencil {
  private let base: any Stencil
  private let boundary: Boundaries
  private let output: ImageDescription
  private let coverage: Coverage
  private let nodata: Coverage?
  private let mask: Coverage?
  /// What stands where there is no response.
  private let nothing: Double

  /// - Parameters:
  ///   - coverage: Of each channel that has a response, or of pixels.
  ///   - nothing: No response, in [0, 1].
  init(
    _ base: any Stencil, _ coverage: Coverage, _ boundary: Boundaries, nothing: Float, making output: ImageDescription
  ) {
    (self.base, self.boundary, self.output, self.coverage) = (base, boundary, output, coverage)
    (nodata, mask) = (coverage.withoutMasks, coverage.withoutNodata)
    if let sample = output.nodataSample {
      self.nothing = sample
    } else {
      // Rounded as responses are.
      var stored = [UInt8](repeating: 0, count: 8), zero = nothing
      self.nothing = stored.withUnsafeMutableBytes { bytes in
        storeRow(&zero, count: 1, scale: 1, as: output.sampleType, to: bytes.baseAddress!)
        return bytes.baseAddress!.sample(0, of: output.sampleType)
      }
    }
  }

  var halo: Halo { base.halo }
  var needsWholePicture: Bool { base.needsWholePicture }
  var needsWholeRows: Bool { base.needsWholeRows }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) throws {
    try base.process(region, from: source, to: output, scratch: scratch)
    let height = 64
    for y in stride(from: region.y, to: region.endY, by: height) {
      for x in stride(from: region.x, to: region.endX, by: 512) {
        let block = Region(x: x, y: y, width: min(512, region.endX - x), height: min(height, region.endY - y))
        scratch.frame { clear(block, source, output, scratch) }
      }
    }
  }

  private func clear(_ block: Region, _ source: SourceRows, _ output: OutputRows, _ scratch: Scratch) {
    if let nodata, !nodata.isTotal(block, halo: halo, boundary: boundary, source, scratch: scratch) {
      clear(block, nodata, halo, boundary, beyond: 1, source, output, scratch)
    }
    if let mask {
      let ring = Halo(y: 1, x: 1)
      let touchesFrame =
        block.x == 0 || block.y == 0 || block.endX == self.output.width || block.endY == self.output.height
      if touchesFrame || !mask.isTotal(block, halo: ring, boundary: .constant, source, scratch: scratch) {
        clear(block, mask, ring, .constant, beyond: 0, source, output, scratch)
      }
    }
  }

  /// - Parameter beyond: 1 where the constant beyond the border counts.
  private func clear(
    _ block: Region, _ coverage: Coverage, _ halo: Halo, _ boundary: Boundaries, beyond: UInt8, _ source: SourceRows,
    _ result: OutputRows, _ scratch: Scratch
  ) {
    let bands = coverage.bands
    let plane = PaddedPlane<UInt8>(
      region: block, halo: halo, in: coverage.input, channels: bands, boundary: boundary, constant: beyond,
      scratch: scratch
    ) { y, x, count, target in
      // A mask needs no row of the picture, and may reach beyond those that are there.
      coverage.load(y, x: x, count: count, source, into: target, scratch: scratch)
    }
    let ghosts = halo.left + halo.right
    let columns = (block.width + ghosts) * bands, samples = block.width * bands
    let down = scratch.allocate(columns, of: UInt8.self), counts = scratch.allocate(samples, of: UInt8.self)
    let channels = output.channels, count = block.width * channels
    let nothings = UnsafeMutableRawPointer(
      scratch.allocate(count * output.sampleType.byteCount, of: UInt8.self))
    for i in 0..<count { nothings.setSample(i, of: output.sampleType, to: nothing) }
    let spread = scratch.allocate(count, of: UInt8.self)
    for y in block.y..<block.endY {
      let first = plane.row(y - halo.top, x: block.x - halo.left)
      down.update(from: first, count: columns)
      for k in 1..<(halo.top + halo.bottom + 1) {
        let row = first + k * plane.pitch
        for i in 0..<columns { down[i] &= row[i] }
      }
      counts.update(from: down, count: samples)
      for k in 1..<(ghosts + 1) {
        let shifted = down + k * bands
        for i in 0..<samples { counts[i] &= shifted[i] }
      }
      let row = result.row(y) + block.x * output.bytesPerPixel
      if bands < channels {
        for x in 0..<block.width { for c in 0..<channels { spread[x * channels + c] = counts[x] } }
      }
      chooseSamples(
        bands < channels ? spread : counts, UnsafeRawPointer(row), UnsafeRawPointer(nothings), output.sampleType, count,
        into: row)
    }
  }
}

extension UnsafeMutableRawPointer {
  /// A sample of a row, counted from its beginning.
  fileprivate func sample(_ index: Int, of type: SampleType) -> Double {
    switch type {
    case .uint8: Double(samples(UInt8.self)[index])
    case .uint16: Double(samples(UInt16.self)[index])
    case .float32: Double(samples(Float.self)[index])
    case .float64: samples(Double.self)[index]
    }
  }
}
