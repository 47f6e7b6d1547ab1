import Pictures
import Pipeline

// MARK: - 64-bit floats, by rank

extension MedianStencil {
  func processRanked(
    _ block: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch, cover: PlaneCover?
  ) {
    let count = block.width * block.height
    let planes: [UnsafeMutablePointer<Double>] = (0..<input.channels).map { channel in
      let plane = doublePlane(of: channel, block, from: source, scratch: scratch)
      let samples = plane.pitch * (block.height + window.height - 1)
      // Integers in the numbers' order; NaN above all, −0 as 0.
      func key(_ value: Double) -> UInt64 {
        let bits = (value.isNaN ? Double.nan : value + 0).bitPattern
        return bits >> 63 == 0 ? bits | 1 << 63 : ~bits
      }
      var sorted = UnsafeMutableBufferPointer(start: scratch.allocate(samples, of: UInt64.self), count: samples)
      for i in 0..<samples { sorted[i] = key(plane.base[i]) }
      sorted.sort()
      var distinct = 0
      for i in 0..<samples where i == 0 || sorted[i] != sorted[distinct - 1] {
        sorted[distinct] = sorted[i]
        distinct += 1
      }
      func rank(_ value: Double) -> Int32 {
        let wanted = key(value)
        var low = 0, high = distinct - 1
        while low < high {
          let middle = (low + high) / 2
          if sorted[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return Int32(low)
      }
      let ranks = scratch.allocate(count, of: Int32.self)
      filter(
        plane.mapped(count: samples, scratch: scratch, rank), cover?(channel), block, into: ranks, scratch: scratch)
      let result = scratch.allocate(count, of: Double.self)
      for i in 0..<count {
        // Where nothing counts it may be any number.
        let found = sorted[min(max(Int(ranks[i]), 0), distinct - 1)]
        result[i] = Double(bitPattern: found >> 63 == 1 ? found & ~(1 << 63) : ~found)
      }
      return result
    }
    store(planes, block, to: output, scratch: scratch)
  }

  /// One channel of a block in units of full scale, times alpha where that is straight, in linear light if asked for.
  func doublePlane(
    of channel: Int, _ block: Region, from source: SourceRows, scratch: Scratch
  ) -> PaddedPlane<Double> {
    let channels = input.channels
    let premultiplies = input.alpha == .straight && channel != channels - 1
    return PaddedPlane(
      region: block, halo: halo, in: input, channels: 1, boundary: boundary, constant: constant, scratch: scratch
    ) { row, column, count, target in
      func load(_ sample: (Int) -> Double) {
        for x in 0..<count {
          let value = sample(x * channels + channel)
          let light = isLinear && channel < input.color.channels ? Double(TransferFunction.linear(Float(value))) : value
          target[x] = premultiplies ? light * sample(x * channels + channels - 1) : light
        }
      }
      let pixels = source.row(row) + column * input.bytesPerPixel
      switch input.sampleType {
      case .uint8:
        let samples: UnsafePointer<UInt8> = pixels.samples()
        load { Double(samples[$0]) / 255 }
      case .uint16:
        let samples: UnsafePointer<UInt16> = pixels.samples()
        load { Double(samples[$0]) / 65535 }
      case .float32:
        let samples: UnsafePointer<Float> = pixels.samples()
        load { Double(samples[$0]) }
      case .float64:
        let samples: UnsafePointer<Double> = pixels.samples()
        load { samples[$0] }
      }
    }
  }

  func store(
    _ planes: [UnsafeMutablePointer<Double>], _ block: Region, to output: OutputRows, scratch: Scratch
  ) {
    let channels = input.channels
    let floats = scratch.allocate(channels, of: Float.self)
    for row in 0..<block.height {
      let pixels = output.row(block.y + row) + block.x * input.bytesPerPixel
      for x in 0..<block.width {
        let i = row * block.width + x
        let alpha = input.alpha == .straight ? planes[channels - 1][i] : 1
        for channel in 0..<channels {
          let isColor = input.alpha != .straight || channel != channels - 1
          var value = planes[channel][i]
          if isColor && alpha != 1 { value = alpha > 0 ? value / alpha : 0 }
          if isLinear && channel < input.color.channels { value = Double(TransferFunction.encoded(Float(value))) }
          if input.sampleType == .float64 {
            (pixels + x * input.bytesPerPixel).samples(Double.self)[channel] = value
          } else {
            floats[channel] = Float(value)
          }
        }
        if input.sampleType != .float64 {
          storeRow(floats, count: channels, scale: 1, as: input.sampleType, to: pixels + x * input.bytesPerPixel)
        }
      }
    }
  }
}
