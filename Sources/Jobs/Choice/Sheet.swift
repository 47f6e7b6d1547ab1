package import Pictures
package import Pipeline
import Platform

/// All results of a sweep on one picture, small and labelled.
///
/// The values of the last name stand over the columns, those of all others beside the rows. With one name the results go on in the
/// next row, where each has its own label.
package struct Sheet: Sendable {
  /// A name that varies, with its values as they are to be read.
  package struct Axis: Equatable, Sendable {
    package var name: String
    package var values: [String]

    package init(_ name: String, _ values: [String]) { (self.name, self.values) = (name, values) }
  }

  /// A sheet's size in pixels.
  package struct Size: Equatable, Sendable {
    package var width, height: Int

    package init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

    package static let screen = Size(width: 1920, height: 1080)
  }

  /// The longer side of a thumbnail that still shows something.
  static let leastSide = 24
  /// A small picture is not enlarged beyond this.
  static let mostEnlargedSide = 256

  package let picture: Picture
  /// The part of each result that is shown.
  package let region: Region
  let layout: SheetLayout

  /// Lays out the sheet and draws its labels.
  ///
  /// - Parameters:
  ///   - axes: At least one; the combinations are counted with the last one's values next to each other.
  ///   - result: Whose size all results have.
  ///   - region: What is shown of each, at full size; nil: all of it, reduced to fit.
  ///   - most: The sheet is no larger.
  /// - Throws: ``ImbrexError`` if there is no room for so many, or if the region does not lie in the result.
  package init(_ axes: [Axis], of result: ImageDescription, region: Region?, most: Size = .screen) throws {
    if let region { try Self.check(region, in: result) }
    self.region = region ?? Region(all: result)
    layout = try SheetLayout(axes, shown: self.region, isFullSize: region != nil, most: most)
    picture = try Picture(
      ImageDescription(width: layout.width, height: layout.height, color: .rgb, sampleType: .uint8))
    drawGround()
  }

  private static func check(_ region: Region, in result: ImageDescription) throws {
    guard region.endX <= result.width, region.endY <= result.height else {
      throw ImbrexError(
        option: "sheet-region",
        "ends at \(region.endX),\(region.endY), but the result has \(result.width) × \(result.height) pixels")
    }
  }

  // MARK: - Thumbnails

  /// What takes the rows of one result, of this type.
  ///
  /// - Parameter isLineMask: Whether the result is a mask of thin lines, as edges are.
  package func sink(for result: ImageDescription, isLineMask: Bool) throws -> ThumbnailSink {
    try ThumbnailSink(
      of: result, region: region, width: layout.thumbnail.width, height: layout.thumbnail.height, isLineMask: isLineMask
    )
  }

  /// Puts a thumbnail into its place. Sinks' own thumbnails have the right size.
  ///
  /// - Parameter index: Of the combination, the last axis' values next to each other. Different ones may be placed at the same time.
  package func place(_ thumbnail: Picture, at index: Int) {
    let (x, y) = layout.corner(of: index)
    for row in 0..<layout.thumbnail.height {
      (picture.row(y + row) + 3 * x).copyMemory(from: thumbnail.row(row), byteCount: 3 * layout.thumbnail.width)
    }
  }

  /// A thumbnail of what a table was made of, with what is in the table drawn on it.
  ///
  /// - Parameters:
  ///   - table: Columns `y`, `x`, `sigma` and `radius` of blobs, in pixels of the picture.
  ///   - ground: Thumbnail of the picture.
  ///   - filter: Which made the table.
  package func drawing(of table: Table, on ground: Picture, by filter: any TableFilter) throws -> Picture {
    let scale = Double(layout.thumbnail.width) / Double(region.width)
    var reduced = table
    reduced.rows = table.rows.compactMap { row in
      guard (region.y..<region.endY).contains(Int(row[0])), (region.x..<region.endX).contains(Int(row[1])) else {
        return nil
      }
      var row = row
      // The pixel in which the middle of the blob's pixel comes to lie.
      row[0] = min(((row[0] + 0.5 - Double(region.y)) * scale).rounded(.down), Double(ground.description.height - 1))
      row[1] = min(((row[1] + 0.5 - Double(region.x)) * scale).rounded(.down), Double(ground.description.width - 1))
      row[3] *= scale
      return row
    }
    return try filter.draw(reduced, on: ground, origin: (y: 0, x: 0))
  }

  // MARK: - Ground and labels

  private static let ground: UInt8 = 244, border: UInt8 = 170
  private static let valueInk: [Double] = [36, 41, 47], nameInk: [Double] = [9, 85, 165]

  private func drawGround() {
    for y in 0..<layout.height {
      (picture.row(y)).initializeMemory(as: UInt8.self, repeating: Self.ground, count: 3 * layout.width)
    }
    for index in 0..<layout.count {
      let (x, y) = layout.corner(of: index)
      for row in (y - 1)...(y + layout.thumbnail.height) {
        (picture.row(row) + 3 * (x - 1)).initializeMemory(
          as: UInt8.self, repeating: Self.border, count: 3 * (layout.thumbnail.width + 2))
      }
    }
    for label in layout.labels {
      for glyph in StrokeFont.segments(of: label.text, x: label.x, y: label.y, unit: SheetLayout.unit) {
        paintStrokes(glyph, width: 1.35, in: (layout.width, layout.height)) { x, y, cover in
          let samples: UnsafeMutablePointer<UInt8> = picture.row(y).samples()
          for c in 0..<3 {
            let before = Double(samples[3 * x + c])
            let ink = (label.isName ? Self.nameInk : Self.valueInk)[c]
            samples[3 * x + c] = UInt8((before + (ink - before) * cover).rounded())
          }
        }
      }
    }
  }
}
