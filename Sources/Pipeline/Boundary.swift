/// What a filter sees beyond the picture's border. Each stage of a chain applies its own.
public enum Boundary: String, CaseIterable, Sendable {
  /// d c b a | a b c d | d c b a
  case reflect
  /// d c b | a b c d | c b a
  case mirror
  /// a a a a | a b c d | d d d d
  case nearest
  /// a b c d | a b c d | a b c d
  case wrap
  /// k k k k | a b c d | k k k k
  case constant

  /// Names of numpy, dask and scipy.
  public static let synonyms = [
    "symmetric": "reflect", "edge": "nearest", "periodic": "wrap", "grid-mirror": "reflect", "grid-wrap": "wrap",
    "grid-constant": "constant",
  ]

  /// Also takes ``synonyms``.
  public init?(name: String) { self.init(rawValue: Self.synonyms[name] ?? name) }

  /// The index inside 0 ..< count that stands for any index; nil where the constant stands.
  @inlinable @inline(__always)
  public func index(_ i: Int, count n: Int) -> Int? {
    if i >= 0 && i < n { return i }
    switch self {
    case .constant: return nil
    case .nearest: return i < 0 ? 0 : n - 1
    case .wrap: return modulo(i, n)
    case .reflect:
      let j = modulo(i, 2 * n)
      return j >= n ? 2 * n - 1 - j : j
    case .mirror:
      guard n > 1 else { return 0 }
      let j = modulo(i, 2 * n - 2)
      return j >= n ? 2 * n - 2 - j : j
    }
  }
}

@inlinable @inline(__always)
internal func modulo(_ a: Int, _ n: Int) -> Int {
  let rest = a % n
  return rest < 0 ? rest + n : rest
}
