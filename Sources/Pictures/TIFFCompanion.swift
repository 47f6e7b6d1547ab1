package import Platform

/// What a TIFF has beside one of its pages: a reduced version, a mask, a picture of its own such as a slide's label.
public struct TIFFCompanion: Equatable, Sendable {
  /// What it is for its page.
  public enum Role: Equatable, Sendable {
    /// The page, halved several times.
    case level(Level)
    /// Which pixels count; of the page, or of one of its levels.
    case mask
    /// Something else, which goes along as it is.
    case picture
  }

  /// How a level lies in its file, and what of the page it is.
  public struct Level: Equatable, Sendable {
    /// How often width and height are halved.
    public var halvings: Int
    /// Whether an odd last row or column counts.
    public var roundsUp = true
    /// 0: strips.
    public var tileWidth: UInt32 = 0
    /// Rows of a tile; 0: strips.
    public var tileHeight: UInt32 = 0
    /// Rows of a strip, where there are no tiles.
    public var rowsPerStrip: UInt32 = 0

    /// Tiles of longer sides, which a forged file may claim, are cut to what the level needs.
    package static let longestTile: UInt32 = 8192

    /// - Parameter halvings: At least 1; sides are rounded up, and the level is in strips, until that is set.
    public init(halvings: Int) { self.halvings = halvings }

    /// Pixels of what has so many.
    public func side(of full: Int) -> Int {
      guard halvings < Int.bitWidth - 2 else { return 1 }
      return max(roundsUp ? ((full - 1) >> halvings) + 1 : full >> halvings, 1)
    }
  }

  /// What it is for its page.
  public var role: Role
  /// Whether it hangs below its page (a SubIFD), not behind it.
  public var isChild: Bool
  /// Pixels, in the file that it was read from.
  public var width: Int
  /// Rows, in the file that it was read from.
  public var height: Int
  /// Where it is there.
  package var source: Source?
  /// A mask that is written anew, not copied from there.
  package var mask: Mask?

  /// A directory of a file.
  package struct Source: Equatable, Sendable {
    package let file: SharedDescriptor
    package let offset: UInt64

    package init(file: SharedDescriptor, offset: UInt64) { (self.file, self.offset) = (file, offset) }
  }

  /// - Parameters:
  ///   - isChild: Whether it hangs below its page (a SubIFD).
  ///   - width: Pixels.
  ///   - height: Pixels.
  public init(role: Role, isChild: Bool, width: Int, height: Int) {
    (self.role, self.isChild, self.width, self.height) = (role, isChild, width, height)
  }

  package var level: Level? { if case .level(let level) = role { level } else { nil } }
}
