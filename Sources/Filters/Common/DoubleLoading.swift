import Pictures
import Pipeline

import Kernels

/// Converts pixels that memory holds as 64-bit floats, which are filtered as such: single precision has fewer digits than
/// they, and than integers of 32 bits.
struct DoubleLoader: Sendable {
  let input: ImageDescription
  let result: FloatLoader.Result
  /// What 1.0 becomes: 1, or the largest number of the file's type.
  let fullScale: Double
  /// Whether the sRGB transfer function is undone.
  var isLinear = false
  /// Whether the least of signed integers stays what it is, instead of −1.
  var keepsLeast = false

  /// - Parameter input: Of 64-bit floats.
  init(input: ImageDescription, result: FloatLoader.Result, fullScale: Double, isLinear: Bool = false) {
    precondition(input.sampleType == .float64)
    (self.input, self.result, self.fullScale, self.isLinear) = (input, result, fullScale, isLinear)
  }

  /// Whether samples that memory holds as fractions become the whole numbers that the file has.
  private var isWhole: Bool { holdsIntegers && fullScale != 1 }

  private var holdsIntegers: Bool { input.stored.map { $0.kind != .float } ?? false }

  var channels: Int {
    switch result {
    case .samples, .premultiplied: input.channels
    case .luma: 1
    case .color: input.color.channels + input.extraBands
    }
  }

  /// Converts `count` pixels of a row, from column `x`, into `count` × `channels` numbers.
  func load(_ row: UnsafeRawPointer, x: Int, count: Int, into target: UnsafeMutablePointer<Double>, scratch: Scratch) {
    let pixels: UnsafePointer<Double> = (row + x * input.bytesPerPixel).samples()
    guard channels != input.channels || (result == .luma && input.color != .gray) else {
      loadSamples(pixels, count, into: target)
      if result == .premultiplied && input.alpha == .straight {
        premultiply(target, by: fullScale, channels: channels, count: count)
      }
      return
    }
    scratch.frame {
      let all = scratch.allocate(count * input.channels, of: Double.self)
      loadSamples(pixels, count, into: all)
      if result == .color {
        dropAlpha(all, into: target, channels: input.channels, count: count)
      } else {
        reduceToLuma(all, into: target, input, full: fullScale, count: count)
      }
    }
  }

  private func loadSamples(_ pixels: UnsafePointer<Double>, _ count: Int, into target: UnsafeMutablePointer<Double>) {
    let n = count * input.channels
    if isWhole {
      for i in 0..<n { target[i] = (pixels[i] * fullScale).rounded() }
    } else if let one = input.wholeOne, !keepsLeast {
      target.update(from: pixels, count: n)
      makeExact(target, count: n, one: one)
    } else if input.hasLeast && !keepsLeast {
      for i in 0..<n { target[i] = max(pixels[i], -1) }
    } else if fullScale == 1 {
      target.update(from: pixels, count: n)
    } else {
      for i in 0..<n { target[i] = pixels[i] * fullScale }
    }
    if isLinear {
      TransferFunction.linearize(
        target, count: count, colors: input.color.channels, channels: input.channels, fullScale: fullScale)
    }
  }
}

/// Colour times alpha, the last of a pixel's samples, whose full value is `full`; in place.
func premultiply(_ pixels: UnsafeMutablePointer<Double>, by full: Double, channels: Int, count: Int) {
  for x in 0..<count {
    let pixel = pixels + x * channels, alpha = pixel[channels - 1] / full
    for c in 0..<(channels - 1) { pixel[c] *= alpha }
  }
}

/// The reverse; 0 where alpha is 0.
func unpremultiply(_ pixels: UnsafeMutablePointer<Double>, by full: Double, channels: Int, count: Int) {
  for x in 0..<count {
    let pixel = pixels + x * channels, alpha = pixel[channels - 1] / full
    for c in 0..<(channels - 1) { pixel[c] = alpha > 0 ? pixel[c] / alpha : 0 }
  }
}

/// Makes alpha 0 … 1 again where samples are in other units.
func scaleAlpha(_ pixels: UnsafeMutablePointer<Double>, by one: Double, channels: Int, count: Int) {
  for x in 0..<count { pixels[x * channels + channels - 1] /= one }
}

extension Filter {
  /// The scale in which a picture of 64-bit floats is filtered: that of its result.
  func doubleScale(of input: ImageDescription) -> Double { preservesRange ? input.valueOfOne : 1 }
}
