import Pictures
import Pipeline

import Kernels

// MARK: - From pixels to planes

extension MedianStencil {
  func integerConstant<Sample: FixedWidthInteger>() -> Sample {
    let full = Double(input.sampleType.fullScale)
    return Sample(min(max(constant * full, 0), full).rounded(.toNearestOrAwayFromZero))
  }

  /// One channel of a block, padded.
  func plane<Sample: FixedWidthInteger & BitwiseCopyable>(
    of channel: Int, _ block: Region, from source: SourceRows, scratch: Scratch
  ) -> PaddedPlane<Sample> {
    let channels = input.channels
    return PaddedPlane(
      region: block, halo: halo, in: input, channels: 1, boundary: boundary, constant: integerConstant(),
      scratch: scratch
    ) { row, column, count, target in
      let samples: UnsafePointer<Sample> = source.row(row).samples() + column * channels + channel
      if channels == 1 {
        target.update(from: samples, count: count)
      } else {
        for x in 0..<count { target[x] = samples[x * channels] }
      }
    }
  }

  /// One channel times alpha, padded; alpha itself is scaled likewise so that it sorts the same.
  func premultipliedPlane<Sample: FixedWidthInteger, Key: BitwiseCopyable>(
    of channel: Int, _ block: Region, from source: SourceRows, scratch: Scratch, sample: Sample.Type,
    _ key: (Int) -> Key
  ) -> PaddedPlane<Key> {
    let channels = input.channels, full = Int(Sample.max)
    let border = Int(integerConstant() as Sample)
    return PaddedPlane(
      region: block, halo: halo, in: input, channels: 1, boundary: boundary, constant: key(border * full),
      scratch: scratch
    ) { row, column, count, target in
      let pixels: UnsafePointer<Sample> = source.row(row).samples() + column * channels
      for x in 0..<count {
        let pixel = pixels + x * channels
        let alpha = channel == channels - 1 ? full : Int(pixel[channels - 1])
        target[x] = key(Int(pixel[channel]) * alpha)
      }
    }
  }

  func floatPlane(
    of channel: Int, _ block: Region, from source: SourceRows, scratch: Scratch
  ) -> PaddedPlane<Int32> {
    let kernels = KernelTable.current
    let channels = input.channels
    let premultiplies = input.alpha == .straight && channel != channels - 1
    var border = Float(constant), borderKey: Int32 = 0
    kernels.float_keys(&border, &borderKey, 1)
    return PaddedPlane(
      region: block, halo: halo, in: input, channels: 1, boundary: boundary, constant: borderKey, scratch: scratch
    ) { row, column, count, target in
      let pixels: UnsafePointer<Float> = source.row(row).samples() + column * channels
      scratch.frame {
        let floats = scratch.allocate(count, of: Float.self)
        for x in 0..<count {
          let sample = pixels[x * channels + channel]
          floats[x] = premultiplies ? sample * pixels[x * channels + channels - 1] : sample
        }
        kernels.float_keys(floats, target, count)
      }
    }
  }
}

// MARK: - From planes back to pixels

extension MedianStencil {
  func interleave<Sample: FixedWidthInteger>(
    _ planes: [UnsafeMutablePointer<Sample>], _ block: Region, to output: OutputRows
  ) {
    let channels = input.channels
    for row in 0..<block.height {
      let target: UnsafeMutablePointer<Sample> = output.row(block.y + row).samples() + block.x * channels
      for channel in 0..<channels {
        let plane = planes[channel] + row * block.width
        if channels == 1 {
          target.update(from: plane, count: block.width)
        } else {
          for x in 0..<block.width { target[x * channels + channel] = plane[x] }
        }
      }
    }
  }

  func interleavePremultiplied<Sample: FixedWidthInteger, Key>(
    _ planes: [UnsafeMutablePointer<Key>], _ block: Region, to output: OutputRows, sample: Sample.Type,
    _ value: (Key) -> Int
  ) {
    let channels = input.channels, full = Int(Sample.max)
    for row in 0..<block.height {
      let target: UnsafeMutablePointer<Sample> = output.row(block.y + row).samples() + block.x * channels
      for x in 0..<block.width {
        let i = row * block.width + x
        let alpha = value(planes[channels - 1][i]) / full
        // Where nothing counts it may be any number.
        target[x * channels + channels - 1] = Sample(min(alpha, full))
        for channel in 0..<(channels - 1) {
          let color = alpha == 0 ? 0 : (value(planes[channel][i]) + alpha / 2) / alpha
          target[x * channels + channel] = Sample(min(color, full))
        }
      }
    }
  }

  func interleaveFloats(
    _ planes: [UnsafeMutablePointer<Int32>], _ block: Region, to output: OutputRows, scratch: Scratch
  ) {
    let channels = input.channels
    let floats: [UnsafeMutablePointer<Float>] = planes.map { plane in
      let values = scratch.allocate(block.width * block.height, of: Float.self)
      KernelTable.current.keys_float(plane, values, block.width * block.height)
      return values
    }
    for row in 0..<block.height {
      let target: UnsafeMutablePointer<Float> = output.row(block.y + row).samples() + block.x * channels
      for x in 0..<block.width {
        let i = row * block.width + x
        let alpha = input.alpha == .straight ? floats[channels - 1][i] : 1
        for channel in 0..<channels {
          let value = floats[channel][i]
          let isAlpha = input.alpha == .straight && channel == channels - 1
          target[x * channels + channel] = isAlpha || alpha == 1 ? value : alpha > 0 ? value / alpha : 0
        }
      }
    }
  }
}
