/// What a filter sees beyond the picture's border, on either axis.
public struct Boundaries: Equatable, Sendable {
  /// Above and below.
  public var y: Boundary
  /// Left and right. A pixel beyond a corner is a constant if either axis says so.
  public var x: Boundary

  /// Each axis by itself.
  public init(y: Boundary, x: Boundary) { (self.y, self.x) = (y, x) }
  /// The same on both axes.
  public init(_ both: Boundary) { self.init(y: both, x: both) }

  /// ``Boundary/reflect`` on both axes.
  public static let reflect = Boundaries(.reflect)
  /// ``Boundary/mirror`` on both axes.
  public static let mirror = Boundaries(.mirror)
  /// ``Boundary/nearest`` on both axes.
  public static let nearest = Boundaries(.nearest)
  /// ``Boundary/wrap`` on both axes.
  public static let wrap = Boundaries(.wrap)
  /// ``Boundary/constant`` on both axes.
  public static let constant = Boundaries(.constant)

  /// One name, or two with a comma, rows first; as ``Boundary/init(name:)`` takes them.
  public init?(name: String) {
    let names = name.split(separator: ",", omittingEmptySubsequences: false).map { Boundary(name: String($0)) }
    guard names.count <= 2, let y = names[0], let x = names[names.count - 1] else { return nil }
    self.init(y: y, x: x)
  }
}
