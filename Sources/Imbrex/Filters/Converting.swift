import Kernels

/// Another stencil's result in another sample type, or without alpha: what an output format can hold.
///
/// Integers are rounded and clamped. Alpha is put over white.
struct ConvertingStencil: Stencil {
  let base: any Stencil
  let from: ImageDescription
  let to: ImageDescription

  init(base: any Stencil, from: ImageDescription, to: ImageDescription) {
    precondition(from.width == to.width && from.height == to.height && from.color == to.color)
    self.base = base
    self.from = from
    self.to = to
  }

  var halo: Halo { base.halo }
  var needsWholePicture: Bool { base.needsWholePicture }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {
    let stride = region.width * from.bytesPerPixel
    let made = scratch.allocate(stride * region.height, of: UInt8.self)
    let rows = OutputRows(
      base: made, firstRow: region.y, stride: stride, columnOffset: region.x * from.bytesPerPixel)
    base.process(region, from: source, to: rows, scratch: scratch)
    for y in region.y..<region.endY {
      scratch.frame {
        convert(
          rows.row(y) + region.x * from.bytesPerPixel, to: output.row(y) + region.x * to.bytesPerPixel,
          count: region.width, scratch: scratch)
      }
    }
  }

  fileprivate func convert(
    _ pixels: UnsafeRawPointer, to target: UnsafeMutableRawPointer, count: Int, scratch: Scratch
  ) {
    let kernels = KernelTable.current
    let floats = scratch.allocate(count * from.channels, of: Float.self)
    let loader = FloatLoader(input: from, result: .samples, fullScale: 1)
    loader.load(pixels, x: 0, count: count, into: floats, scratch: scratch)
    switch (from.alpha, to.alpha) {
    case (.straight, .premultiplied): kernels.premultiply_f32(floats, 1, from.channels, count)
    case (.premultiplied, .straight): kernels.unpremultiply_f32(floats, 1, from.channels, count)
    case (.straight, .none):
      kernels.premultiply_f32(floats, 1, from.channels, count)
      putOverWhite(floats, count: count)
    case (.premultiplied, .none): putOverWhite(floats, count: count)
    default: break
    }
    storeRow(floats, count: count * to.channels, scale: 1, as: to.sampleType, to: target)
  }

  /// Drops the alpha of premultiplied pixels, in place.
  private func putOverWhite(_ floats: UnsafeMutablePointer<Float>, count: Int) {
    let channels = from.channels
    for x in 0..<count {
      let rest = 1 - floats[x * channels + channels - 1]
      for c in 0..<(channels - 1) { floats[x * (channels - 1) + c] = floats[x * channels + c] + rest }
    }
  }
}

extension Picture {
  /// This picture in another sample type, or without alpha; itself if it is that already.
  public func converted(to wanted: ImageDescription) throws -> Picture {
    if wanted == description { return self }
    let result = try Picture(wanted)
    let conversion = ConvertingStencil(base: NoStencil(), from: description, to: wanted)
    let scratch = Scratch()
    for y in 0..<description.height {
      scratch.frame { conversion.convert(row(y), to: result.row(y), count: description.width, scratch: scratch) }
    }
    return result
  }
}

/// Stands where a conversion has nothing before it.
private struct NoStencil: Stencil {
  var halo: Halo { .none }
  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) {}
}
