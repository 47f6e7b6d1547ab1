import Pipeline

/// A blob: where it is, and at which scale its response is strongest.
public struct Blob: Equatable, Sendable {
  /// Row and column, in pixels.
  public var y, x: Int
  /// Standard deviation of the Gaussian that found it, in pixels; along x, if it is another along y.
  public var sigma: Double
  /// √2 σ for Laplacian and difference of Gaussians, σ for determinant of Hessian.
  public var radius: Double
  /// Both along y.
  public var sigmaY, radiusY: Double

  /// - Parameters:
  ///   - sigmaY: Nil: as along x.
  ///   - radiusY: Nil: as along x.
  public init(y: Int, x: Int, sigma: Double, radius: Double, sigmaY: Double? = nil, radiusY: Double? = nil) {
    (self.y, self.x, self.sigma, self.radius) = (y, x, sigma, radius)
    (self.sigmaY, self.radiusY) = (sigmaY ?? sigma, radiusY ?? radius)
  }

  var isRound: Bool { sigma == sigmaY && radius == radiusY }
}

/// Removes blobs that overlap a larger one.
enum BlobPruning {
  /// - Parameters:
  ///   - blobs: Strongest first; the order is kept.
  ///   - overlap: Of two blobs that overlap by more than this fraction of the smaller, the smaller goes; of equal ones
  ///     the first. A removed blob removes no others.
  /// - Complexity: O(n log n + pairs that are near each other).
  static func prune(_ blobs: [Blob], overlap: Double) -> [Blob] {
    let isRemoved = removed(of: blobs, overlap: overlap)
    return blobs.indices.filter { !isRemoved[$0] }.map { blobs[$0] }
  }

  /// Whether each blob is removed.
  static func removed(of blobs: [Blob], overlap: Double) -> [Bool] {
    var isRemoved = [Bool](repeating: false, count: blobs.count)
    visitNeighbours(blobs) { i, neighbours in
      for j in neighbours where j > i {
        if isRemoved[i] { break }
        if isRemoved[j] { continue }
        guard share(blobs[i], blobs[j]) > overlap else { continue }
        isRemoved[blobs[i].sigma > blobs[j].sigma ? j : i] = true
      }
    }
    return isRemoved
  }

  /// Blobs that overlap by more than a fraction, or hang together by others that do, have the same number.
  static func groups(of blobs: [Blob], overlap: Double) -> [Int] {
    var sets = DisjointSets(count: blobs.count)
    visitNeighbours(blobs) { i, neighbours in
      for j in neighbours where j > i && share(blobs[i], blobs[j]) > overlap { sets.join(i, j) }
    }
    return blobs.indices.map { sets.least($0) }
  }

  /// Calls `visit` for each blob, in order, with those that may overlap it (itself among them), in order.
  private static func visitNeighbours(_ blobs: [Blob], _ visit: (_ index: Int, _ neighbours: [Int]) -> Void) {
    guard let largest = blobs.map({ max($0.sigma, $0.sigmaY) }).max(), blobs.count > 1 else { return }
    // Blobs further apart than this have nothing in common; a grid of such cells finds the pairs.
    let reach = 2 * largest * 2.0.squareRoot()
    func cell(_ blob: Blob) -> SIMD2<Int32> {
      SIMD2(Int32(Double(blob.y) / reach), Int32(Double(blob.x) / reach))
    }
    var cells: [SIMD2<Int32>: [Int]] = [:]
    for (index, blob) in blobs.enumerated() { cells[cell(blob), default: []].append(index) }
    for (index, blob) in blobs.enumerated() {
      let home = cell(blob)
      var neighbours: [Int] = []
      for dy in -1...1 {
        for dx in -1...1 { neighbours += cells[home &+ SIMD2(Int32(dy), Int32(dx))] ?? [] }
      }
      visit(index, neighbours.sorted())
    }
  }

  /// Overlap of two blobs' discs as a share of the smaller one. Discs have radius √2 σ; ellipses are discs where each axis is
  /// measured in the larger one's sigmas.
  static func share(_ a: Blob, _ b: Blob) -> Double {
    let greater = max(a.sigma, b.sigma)
    guard greater > 0 else { return 0 }
    let r1 = a.sigma / greater, r2 = b.sigma / greater
    // Places first, then how far they are apart, as in scikit-image: ties between discs that touch fall alike.
    let larger = a.sigma > b.sigma ? a : b
    let (down, across) = (larger.sigmaY * 2.0.squareRoot(), larger.sigma * 2.0.squareRoot())
    let dy = Double(b.y) / down - Double(a.y) / down, dx = Double(b.x) / across - Double(a.x) / across
    let d = (dy * dy + dx * dx).squareRoot()
    if d > r1 + r2 { return 0 }
    if d <= abs(r1 - r2) { return 1 }
    // Area of the lens of two circles (mathworld.wolfram.com/Circle-CircleIntersection.html).
    func clamped(_ x: Double) -> Double { min(max(x, -1), 1) }
    let angle1 = arccos(clamped((d * d + r1 * r1 - r2 * r2) / (2 * d * r1)))
    let angle2 = arccos(clamped((d * d + r2 * r2 - r1 * r1) / (2 * d * r2)))
    let product = (-d + r2 + r1) * (d - r2 + r1) * (d + r2 - r1) * (d + r2 + r1)
    let area = r1 * r1 * angle1 + r2 * r2 * angle2 - 0.5 * abs(product).squareRoot()
    let smaller = min(r1, r2)
    return area / (.pi * smaller * smaller)
  }
}
