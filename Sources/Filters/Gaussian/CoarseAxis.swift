#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A wide Gaussian along one axis as three steps: samples are smoothed by a cubic B-spline and taken at every ``stride``-th
/// place, what is left is correlated with a few weights, and cubic B-splines lead back to all places.
///
/// The weights are those for which the three steps together are nearest, in the least squares over all places between two
/// points, to the kernel wanted. M. Unser, A. Aldroubi, M. Eden 1993, "B-spline signal processing", doi:10.1109/78.193220.
struct CoarseAxis: Sendable {
  /// Samples from one point to the next.
  let stride: Int
  /// Half of the B-spline, from the centre on.
  let smoothing: [Float]
  /// Half of the weights of points, from the centre on.
  let weights: [Float]
  /// Of the points from the one before a place to two behind it: four for each place between two points.
  let blending: [Float]
  /// The most that a result may differ from the Gaussian's, in units of the samples' range.
  let error: Double

  /// Samples that the steps reach to either side.
  var reach: Int { (weights.count + 3) * stride }

  /// Nil for kernels that are not wide enough.
  ///
  /// - Parameter kernel: What is wanted, as ``GaussianKernel/weights``.
  init?(sigma: Double, kernel: [Double]) {
    let stride = Int(sigma / 3)
    guard stride >= 2 else { return nil }
    self.stride = stride
    let radius = kernel.count - 1
    let spline = (0..<(2 * stride)).map { Self.spline(Double($0) / Double(stride)) }
    let sum = spline[0] + 2 * spline[1...].reduce(0, +)
    let smoothing = spline.map { $0 / sum }
    let blending = (0..<stride).flatMap { place in
      (-1...2).map { Self.spline(Double(place) / Double(stride) - Double($0)) }
    }
    let count = radius / stride + (radius % stride == 0 ? 0 : 2)
    let fit = Fit(kernel, stride, smoothing, blending, count)
    guard let weights = fit.solution() else { return nil }
    self.smoothing = smoothing.map(Float.init)
    self.blending = blending.map(Float.init)
    // On a grid, so that the last bits of the machine's exponential function do not show; together 1.
    var rounded = weights.map { ($0 * 0x1p22).rounded() * 0x1p-22 }
    rounded[0] = 1 - 2 * rounded[1...].reduce(0, +)
    self.weights = rounded.map(Float.init)
    error = fit.error(of: rounded)
  }

  /// The cubic B-spline.
  private static func spline(_ x: Double) -> Double {
    let a = abs(x)
    return a < 1 ? (4 - 6 * a * a + 3 * a * a * a) / 6 : a < 2 ? (2 - a) * (2 - a) * (2 - a) / 6 : 0
  }

  /// What the steps make of one sample, as a function of the weights, beside what is wanted.
  private struct Fit {
    private let count: Int
    private let span: Int
    /// For each of some places between two points: what one point's weight contributes, at −span … span.
    private var responses: [[Double]] = []
    private var wanted: [Double]
    private let stride: Int
    /// Differences are looked at so many samples apart: wide kernels change little from one to the next.
    private let step: Int
    private var indices: StrideTo<Int> { Swift.stride(from: 0, to: 2 * span + 1, by: step) }

    init(_ kernel: [Double], _ stride: Int, _ smoothing: [Double], _ blending: [Double], _ count: Int) {
      (self.stride, self.count) = (stride, count)
      span = (count + 4) * stride
      step = max(stride / 16, 1)
      wanted = [Double](repeating: 0, count: 2 * span + 1)
      for k in 0..<kernel.count {
        wanted[span + k] = kernel[k]
        wanted[span - k] = kernel[k]
      }
      let places = min(stride, 8)
      for place in (0..<places).map({ $0 * stride / places }) {
        var response = [Double](repeating: 0, count: 2 * span + 1)
        for point in -1...2 {
          let centre = span + point * stride - place, weight = blending[4 * place + point + 1]
          for k in (1 - 2 * stride)..<(2 * stride) { response[centre + k] += weight * smoothing[abs(k)] }
        }
        responses.append(response)
      }
    }

    /// A point's contribution together with that of its mirror image.
    private func column(_ response: [Double], _ point: Int, _ index: Int) -> Double {
      func shifted(_ by: Int) -> Double { response.indices.contains(index - by) ? response[index - by] : 0 }
      return point == 0 ? response[index] : shifted(point * stride) + shifted(-point * stride)
    }

    /// The normal equations, by Cholesky's decomposition; nil if they have no solution.
    func solution() -> [Double]? {
      var matrix = [[Double]](repeating: [Double](repeating: 0, count: count), count: count)
      var right = [Double](repeating: 0, count: count)
      for response in responses {
        let columns = (0..<count).map { point in indices.map { column(response, point, $0) } }
        let target = indices.map { wanted[$0] }
        for i in 0..<count {
          right[i] += dot(columns[i], target)
          for j in 0...i { matrix[i][j] += dot(columns[i], columns[j]) }
        }
      }
      for i in 0..<count {
        for j in 0...i {
          var sum = matrix[i][j]
          for k in 0..<j { sum -= matrix[i][k] * matrix[j][k] }
          if i > j {
            matrix[i][j] = sum / matrix[j][j]
          } else {
            guard sum > 0 else { return nil }
            matrix[i][i] = sum.squareRoot()
          }
        }
      }
      for i in 0..<count {
        for k in 0..<i { right[i] -= matrix[i][k] * right[k] }
        right[i] /= matrix[i][i]
      }
      for i in (0..<count).reversed() {
        for k in (i + 1)..<count { right[i] -= matrix[k][i] * right[k] }
        right[i] /= matrix[i][i]
      }
      return right
    }

    private func dot(_ a: [Double], _ b: [Double]) -> Double {
      var sum = 0.0
      for i in a.indices { sum += a[i] * b[i] }
      return sum
    }

    /// The largest sum of differences from the kernel: what the worst picture of zeros and ones makes of them.
    func error(of weights: [Double]) -> Double {
      responses.map { response in
        indices.reduce(0.0) { sum, index in
          sum + abs((0..<count).reduce(-wanted[index]) { $0 + weights[$1] * column(response, $1, index) })
        }
      }.max()! * Double(step)
    }
  }
}
