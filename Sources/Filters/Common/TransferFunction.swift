import Pictures
import Pipeline
import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The sRGB transfer function (IEC 61966-2-1), between samples and linear light; 0 and 1 stay.
enum TransferFunction {
  static func linear(_ value: Float) -> Float {
    value <= 0.04045 ? value / 12.92 : Float(pow((Double(value) + 0.055) / 1.055, 2.4))
  }

  static func encoded(_ light: Float) -> Float {
    light <= 0.0031308 ? light * 12.92 : Float(1.055 * pow(Double(light), 1 / 2.4) - 0.055)
  }

  static func linear(_ value: Double) -> Double {
    value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
  }

  static func encoded(_ light: Double) -> Double {
    light <= 0.0031308 ? light * 12.92 : 1.055 * pow(light, 1 / 2.4) - 0.055
  }

  private static let linear8 = (0...255).map { linear(Float($0) / 255) }
  private static let linear16 = (0...65535).map { linear(Float($0) / 65535) }
  /// One more than needed, so that interpolation may look at the next. Between entries the error is below 1e-7.
  private static let encoded16 = (0...65537).map { encoded(Float($0) / 65536) }

  /// Makes samples of `type` scaled by `fullScale` linear, in place: the first `colors` of each pixel's `channels`.
  static func linearize(
    _ samples: UnsafeMutablePointer<Float>, count: Int, colors: Int, channels: Int, fullScale: Float, type: SampleType
  ) {
    func apply(_ function: (Float) -> Float) {
      for x in 0..<count {
        for c in 0..<colors { samples[x * channels + c] = function(samples[x * channels + c]) * fullScale }
      }
    }
    switch type {
    case .uint8: linear8.withUnsafeBufferPointer { t in apply { t[Int($0 * (255 / fullScale) + 0.5)] } }
    case .uint16: linear16.withUnsafeBufferPointer { t in apply { t[Int($0 * (65535 / fullScale) + 0.5)] } }
    case .float32, .float64: apply { linear($0 / fullScale) }
    }
  }

  /// Makes 64-bit floats linear likewise.
  static func linearize(
    _ samples: UnsafeMutablePointer<Double>, count: Int, colors: Int, channels: Int, fullScale: Double
  ) {
    for x in 0..<count {
      for sample in samples + x * channels..<samples + (x * channels + colors) {
        sample.pointee = linear(sample.pointee / fullScale) * fullScale
      }
    }
  }

  /// The reverse of that.
  static func encode(
    _ samples: UnsafeMutablePointer<Double>, count: Int, colors: Int, channels: Int, fullScale: Double
  ) {
    for x in 0..<count {
      for sample in samples + x * channels..<samples + (x * channels + colors) {
        sample.pointee = encoded(sample.pointee / fullScale) * fullScale
      }
    }
  }

  /// The reverse, for values between samples too.
  static func encode(
    _ samples: UnsafeMutablePointer<Float>, count: Int, colors: Int, channels: Int, fullScale: Float
  ) {
    encoded16.withUnsafeBufferPointer { table in
      for x in 0..<count {
        for c in 0..<colors {
          let light = samples[x * channels + c] / fullScale
          guard light >= 0 && light <= 1 else {
            samples[x * channels + c] = encoded(light) * fullScale
            continue
          }
          let position = light * 65536
          let index = Int(position)
          let low = table[index]
          samples[x * channels + c] = (low + (table[index + 1] - low) * (position - Float(index))) * fullScale
        }
      }
    }
  }
}

extension ImageDescription {
  func checkTransferFunction() throws {
    guard color == .gray || color == .rgb else {
      throw ImbrexError(option: "linear", "needs gray or RGB, but the picture is \(color.rawValue.uppercased())")
    }
  }
}
