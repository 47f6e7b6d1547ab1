import Pictures
import Pipeline

// Responses where not all pixels count: those of the picture whose other pixels hold m, the mean of what counts around the pixel
// that the response is of, under the same Gaussian. With f the picture, 0 where it does not count, v ones where it does, and L the
// scale's filter, that is L f + m (L 1 − L v). Where all of a window count, L v is L 1 to the bit.

extension ScaleSpaceAnalysis {
  /// The tile's responses, and the peaks among them.
  func measure(
    tile: Region, _ window: inout ScaleWindow<Value>, _ coverage: Coverage, _ source: SourceRows, _ scratch: Scratch
  ) {
    let isDark = detector.findsDark
    func rows(_ fill: (UnsafeMutablePointer<Value>, UnsafePointer<UInt8>, _ y: Int, _ x: Int, _ count: Int) -> Void)
      -> LoadedRows<Value>
    {
      LoadedRows<Value>(
        window.region, radius: radius, in: input, boundary: .reflect, constant: 0, scratch: scratch
      ) { y, x, count, target in
        scratch.frame {
          let cover = scratch.allocate(count, of: UInt8.self)
          coverage.load(y, x: x, count: count, source, into: cover, scratch: scratch)
          fill(target, cover, y, x, count)
        }
      }
    }
    let values = rows { target, cover, y, x, count in
      Value.load(
        source.row(y), of: input, isLinear: detector.isLinear, x: x, count: count, into: target, scratch: scratch)
      Value.cover(target, cover, isNegative: isDark, count: count)
    }
    let covers = rows { target, cover, _, _, count in Value.ones(cover, into: target, count: count) }
    let inside = scratch.allocate(tile.width * tile.height, of: UInt8.self)
    for y in tile.y..<tile.endY {
      coverage.load(
        y, x: tile.x, count: tile.width, source, into: inside + (y - tile.y) * tile.width, scratch: scratch)
    }
    window.cover = UnsafePointer(inside)
    switch detector.method {
    case .log: laplacians(values, covers, &window, scratch)
    default: differences(values, covers, &window, scratch)
    }
  }

  // MARK: - log

  private func laplacians(
    _ values: LoadedRows<Value>, _ covers: LoadedRows<Value>, _ window: inout ScaleWindow<Value>, _ scratch: Scratch
  ) {
    let region = window.region, size = region.width * region.height
    let filter = SeparableFilter<Value>(region, radius: radius.x, pictureWidth: input.width, scratch)
    let (f, v) = (ScalePlanes<Value>(filter, size, scratch), ScalePlanes<Value>(filter, size, scratch))
    for (scale, sigmas) in scales.enumerated() {
      let weights = ScaleWeights<Value>(sigmas)
      let whole = scratch.frame { WholeResponses<Value>(weights, scratch) }
      f.take(values, filter, weights, region, scratch)
      v.take(covers, filter, weights, region, scratch)
      for line in 0..<region.height {
        let row = line * region.width
        Value.complete(
          f.curved + row, mean: f.smooth + row, weight: v.smooth + row, whole: whole.curved, part: v.curved + row,
          into: window.row(region.y + line, scale: scale), count: region.width)
      }
      window.finish(scale: scale, of: scales.count)
    }
  }

  // MARK: - dog

  private func differences(
    _ values: LoadedRows<Value>, _ covers: LoadedRows<Value>, _ window: inout ScaleWindow<Value>, _ scratch: Scratch
  ) {
    let region = window.region, size = region.width * region.height
    let filter = SeparableFilter<Value>(region, radius: radius.x, pictureWidth: input.width, scratch)
    let smoothed = filter.plane(scratch)
    func plane() -> UnsafeMutablePointer<Value> { scratch.allocate(size) }
    var fine = (f: plane(), v: plane(), whole: Value(0)), coarse = (f: plane(), v: plane(), whole: Value(0))
    let factor = Value(1 / (detector.sigmaRatio - 1))
    for (scale, sigmas) in scales.enumerated() {
      let weights = ScaleWeights<Value>(sigmas)
      coarse.whole = scratch.frame { WholeResponses<Value>(weights, scratch).smooth }
      for (rows, target) in [(values, coarse.f), (covers, coarse.v)] {
        filter.down(rows, [weights.y[0]], for: sigmas.x.radius, into: [smoothed], scratch)
        filter.across(smoothed, weights.smoothX, into: target, pitch: region.width, scratch)
      }
      if scale > 0 {
        for y in region.y..<region.endY {
          scratch.frame {
            let row = (y - region.y) * region.width
            let a = scratch.allocate(region.width, of: Value.self), b = scratch.allocate(region.width, of: Value.self)
            // m is that of the larger Gaussian, for both.
            for (plane, target) in [(fine, a), (coarse, b)] {
              Value.complete(
                plane.f + row, mean: coarse.f + row, weight: coarse.v + row, whole: plane.whole, part: plane.v + row,
                into: target, count: region.width)
            }
            Value.difference(a, b, factor, into: window.row(y, scale: scale - 1), count: region.width)
          }
        }
        window.finish(scale: scale - 1, of: scales.count - 1)
      }
      swap(&fine, &coarse)
    }
  }
}

/// A scale's Gaussian and Laplacian of a plane.
private struct ScalePlanes<Value: ResponseValue> {
  let smooth, curved: UnsafeMutablePointer<Value>
  private let other: UnsafeMutablePointer<Value>
  private let columns: (smooth: UnsafeMutablePointer<Value>, curved: UnsafeMutablePointer<Value>)

  init(_ filter: SeparableFilter<Value>, _ size: Int, _ scratch: Scratch) {
    (smooth, curved, other) = (scratch.allocate(size), scratch.allocate(size), scratch.allocate(size))
    columns = (filter.plane(scratch), filter.plane(scratch))
  }

  func take(
    _ rows: LoadedRows<Value>, _ filter: SeparableFilter<Value>, _ weights: ScaleWeights<Value>, _ region: Region,
    _ scratch: Scratch
  ) {
    let pitch = region.width
    filter.down(
      rows, weights.y, for: weights.smoothX.count - 1, into: [columns.smooth, columns.curved], scratch)
    filter.across(columns.curved, weights.smoothX, into: curved, pitch: pitch, scratch)
    filter.across(columns.smooth, [weights.secondX, weights.smoothX], into: [other, smooth], pitch: pitch, scratch)
    Value.laplacian(curved, other, weights.factor, into: curved, count: region.width * region.height)
  }
}

/// What a scale's filters make of ones, added up as everywhere.
private struct WholeResponses<Value: ResponseValue> {
  private(set) var smooth: Value
  private(set) var curved: Value

  init(_ weights: ScaleWeights<Value>, _ scratch: Scratch) {
    let pixel = ImageDescription(width: 1, height: 1, color: .gray, sampleType: .uint8), region = Region(all: pixel)
    let radius = (y: weights.y[0].count - 1, x: weights.smoothX.count - 1)
    let ones = LoadedRows<Value>(
      region, radius: radius, in: pixel, boundary: .reflect, constant: 1, scratch: scratch
    ) { _, _, count, target in target.update(repeating: 1, count: count) }
    let filter = SeparableFilter<Value>(region, radius: radius.x, pictureWidth: 1, scratch)
    let planes = ScalePlanes<Value>(filter, 1, scratch)
    planes.take(ones, filter, weights, region, scratch)
    (smooth, curved) = (planes.smooth[0], planes.curved[0])
  }
}

// MARK: - Loops of one type: generic ones would not be specialised

extension Float {
  static func cover(_ values: Values, _ cover: UnsafePointer<UInt8>, isNegative: Bool, count: Int) {
    for k in 0..<count { values[k] = cover[k] == 0 ? 0 : isNegative ? 1 - values[k] : values[k] }
  }

  static func ones(_ cover: UnsafePointer<UInt8>, into values: Values, count: Int) {
    for k in 0..<count { values[k] = Self(cover[k]) }
  }

  static func complete(
    _ response: Values, mean: Values, weight: Values, whole: Self, part: Values, into result: Values, count: Int
  ) {
    for k in 0..<count {
      let lack = whole - part[k]
      result[k] = lack == 0 || weight[k] <= 0 ? response[k] : response[k] + mean[k] / weight[k] * lack
    }
  }
}

extension Double {
  static func cover(_ values: Values, _ cover: UnsafePointer<UInt8>, isNegative: Bool, count: Int) {
    for k in 0..<count { values[k] = cover[k] == 0 ? 0 : isNegative ? 1 - values[k] : values[k] }
  }

  static func ones(_ cover: UnsafePointer<UInt8>, into values: Values, count: Int) {
    for k in 0..<count { values[k] = Self(cover[k]) }
  }

  static func complete(
    _ response: Values, mean: Values, weight: Values, whole: Self, part: Values, into result: Values, count: Int
  ) {
    for k in 0..<count {
      let lack = whole - part[k]
      result[k] = lack == 0 || weight[k] <= 0 ? response[k] : response[k] + mean[k] / weight[k] * lack
    }
  }
}
