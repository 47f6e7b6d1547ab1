import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// One half of a sampled Gaussian, or of its second derivative: `weights[0]` is the centre, `weights[radius]` the ends.
///
/// As scipy.ndimage's `_gaussian_kernel1d`: exp(−x²/2σ²) for x = −r … r, divided by their sum; the second derivative is
/// (x²/σ⁴ − 1/σ²) times that.
struct GaussianKernel: Equatable, Sendable {
  let weights: [Double]

  var radius: Int { weights.count - 1 }
  var floatWeights: [Float] { weights.map(Float.init) }

  /// - Parameters:
  ///   - sigma: Standard deviation in pixels, not negative; below 1e-15 the kernel is a single 1.
  ///   - truncate: Radius in standard deviations.
  init(sigma: Double, truncate: Double = 4) {
    guard sigma >= 1e-15 else {
      weights = [1]
      return
    }
    let radius = Self.radius(sigma: sigma, truncate: truncate)
    let scale = -0.5 / (sigma * sigma)
    let values = (-radius...radius).map { exp(scale * Double($0 * $0)) }
    let sum = pairwiseSum(values[...])
    weights = values[radius...].map { $0 / sum }
  }

  init(secondDerivativeOf smoothing: GaussianKernel, sigma: Double) {
    let sigma2 = sigma * sigma
    weights = smoothing.weights.enumerated().map { x, weight in
      (-1 / sigma2 + Double(x * x) * (-1 / sigma2) * (-1 / sigma2)) * weight
    }
  }

  /// What weights add up to on both axes, as the kernels add.
  static func sum(of weights: [Double]) -> Double {
    let kernels = KernelTable.current, radius = weights.count - 1
    let ones = [Double](repeating: 1, count: 2 * radius + 1)
    var column = 0.0, sum = 0.0
    ones.withUnsafeBufferPointer { ones in
      let rows = [UnsafePointer<Double>](repeating: ones.baseAddress!, count: 2 * radius + 1)
      kernels.correlate_rows_f64(rows, weights, radius, &column, 1)
    }
    [Double](repeating: column, count: 2 * radius + 1).withUnsafeBufferPointer { row in
      kernels.correlate_row_f64(row.baseAddress! + radius, weights, radius, 1, &sum, 1)
    }
    return sum
  }

  /// floor(truncate × sigma + 0.5)
  static func radius(sigma: Double, truncate: Double = 4) -> Int {
    sigma < 1e-15 ? 0 : Int(truncate * sigma + 0.5)
  }
}

/// Sums in numpy's order (eight partial sums in blocks of up to 128, halves above), so that weights come out the same.
private func pairwiseSum(_ values: ArraySlice<Double>) -> Double {
  let n = values.count, first = values.startIndex
  if n < 8 { return values.reduce(0, +) }
  if n > 128 {
    let half = n / 2 - (n / 2) % 8
    return pairwiseSum(values[..<(first + half)]) + pairwiseSum(values[(first + half)...])
  }
  var partial = Array(values[first..<(first + 8)])
  var i = 8
  while i + 8 <= n {
    for k in 0..<8 { partial[k] += values[first + i + k] }
    i += 8
  }
  var sum =
    ((partial[0] + partial[1]) + (partial[2] + partial[3])) + ((partial[4] + partial[5]) + (partial[6] + partial[7]))
  while i < n {
    sum += values[first + i]
    i += 1
  }
  return sum
}
