/// A rectangle of pixels in a picture's coordinates.
public struct Region: Equatable, Sendable {
  /// The first column and row, from 0, and how many of each.
  public var x, y, width, height: Int

  /// Nothing is checked; see ``checkLies(in:)``.
  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  /// One past the last column and row.
  public var endX: Int { x + width }
  /// One past the last row.
  public var endY: Int { y + height }

  /// All of a picture.
  public init(all picture: ImageDescription) { self.init(x: 0, y: 0, width: picture.width, height: picture.height) }

  /// Traps unless this has pixels, all of them in the picture.
  public func checkLies(in picture: ImageDescription) {
    precondition(
      x >= 0 && y >= 0 && width > 0 && height > 0 && endX <= picture.width && endY <= picture.height,
      "a window must lie in its picture")
  }

  /// This region grown on all sides and clipped to a picture.
  public func grown(by halo: Halo, in picture: ImageDescription) -> Region {
    let left = max(x - halo.left, 0), right = min(endX + halo.right, picture.width)
    let top = max(y - halo.top, 0), bottom = min(endY + halo.bottom, picture.height)
    return Region(x: left, y: top, width: right - left, height: bottom - top)
  }

  /// The smallest region that has both in it.
  public func union(_ other: Region) -> Region {
    let left = min(x, other.x), top = min(y, other.y)
    return Region(
      x: left, y: top, width: max(endX, other.endX) - left, height: max(endY, other.endY) - top)
  }
}

/// How far a stage reaches beyond the pixels that it makes: ghost cells on each side. Chained stages add up.
public struct Halo: Equatable, Sendable {
  /// Pixels on each side; not negative in a stage.
  public var top, bottom, left, right: Int

  /// Pixels on each side.
  public init(top: Int = 0, bottom: Int = 0, left: Int = 0, right: Int = 0) {
    self.top = top
    self.bottom = bottom
    self.left = left
    self.right = right
  }

  /// The same above and below, and the same left and right.
  public init(y: Int, x: Int) { self.init(top: y, bottom: y, left: x, right: x) }

  /// No ghosts: each pixel is made of itself.
  public static let none = Halo()

  /// What two stages one after the other reach.
  public static func + (a: Halo, b: Halo) -> Halo {
    Halo(top: a.top + b.top, bottom: a.bottom + b.bottom, left: a.left + b.left, right: a.right + b.right)
  }

  /// What is left of a halo, side by side; negative where `b` is more.
  public static func - (a: Halo, b: Halo) -> Halo {
    Halo(top: a.top - b.top, bottom: a.bottom - b.bottom, left: a.left - b.left, right: a.right - b.right)
  }
}
