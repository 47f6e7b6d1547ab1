import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// One half of a sampled Gaussian, or of a derivative: `weights[0]` is the centre, `weights[radius]` the right or lower end.
///
/// As scipy.ndimage's `_gaussian_kernel1d`: exp(−x²/2σ²) for x = −r … r, divided by their sum; the second derivative is
/// (x²/σ⁴ − 1/σ²) times that.
struct GaussianKernel: Equatable, Sendable {
  let weights: [Double]
  /// Whether the other half is the negative of this one.
  private(set) var isOdd = false

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

  /// A derivative, as sums with what lies around a pixel take it: of order 0 the Gaussian.
  ///
  /// As scipy's: of f = q(x) exp(p(x)) it is (q′ + q p′) exp(p), with q a polynomial and p′ = −x / σ².
  init(sigma: Double, truncate: Double, order: Int) {
    self.init(sigma: sigma, truncate: truncate)
    guard order > 0, sigma >= 1e-15 else { return }
    var q = [1.0] + [Double](repeating: 0, count: order)
    for _ in 0..<order {
      q = (0...order).map { k in
        let slope = k < order ? Double(k + 1) * q[k + 1] : 0
        return slope + (k > 0 ? q[k - 1] * (1 / -(sigma * sigma)) : 0)
      }
    }
    isOdd = order % 2 == 1
    // What lies to the right is weighed with the derivative to the left.
    let sign = isOdd ? -1.0 : 1
    self = GaussianKernel(
      weights.enumerated().map { x, weight in
        var power = 1.0, sum = 0.0
        for factor in q {
          sum += factor * power
          power *= Double(x)
        }
        return sign * sum * weight
      }, isOdd: isOdd)
  }

  private init(_ weights: [Double], isOdd: Bool) { (self.weights, self.isOdd) = (weights, isOdd) }

  init(secondDerivativeOf smoothing: GaussianKernel, sigma: Double) {
    let sigma2 = sigma * sigma
    weights = smoothing.weights.enumerated().map { x, weight in
      (-1 / sigma2 + Double(x * x) * (-1 / sigma2) * (-1 / sigma2)) * weight
    }
  }

  /// What weights add up to on both axes, as the kernels add.
  static func sum(ofY weightsY: [Double], x weightsX: [Double]) -> Double {
    let kernels = KernelTable.current, radiusY = weightsY.count - 1, radiusX = weightsX.count - 1
    var one = 1.0, column = 0.0, sum = 0.0
    withUnsafePointer(to: &one) { one in
      let rows = [UnsafePointer<Double>](repeating: one, count: 2 * radiusY + 1)
      kernels.correlate_rows_f64(rows, weightsY, radiusY, &column, 1)
    }
    [Double](repeating: column, count: 2 * radiusX + 1).withUnsafeBufferPointer { row in
      kernels.correlate_row_f64(row.baseAddress! + radiusX, weightsX, radiusX, 1, &sum, 1)
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
