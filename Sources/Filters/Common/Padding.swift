import Pictures
import Pipeline

/// Extends a row of ghost and picture columns beyond the picture, by a boundary rule.
///
/// - Parameters:
///   - row: Points at column `columns.lowerBound`; those of `columns` that lie in the picture are filled.
///   - columns: Picture columns, ghosts included.
///   - channels: Samples a pixel.
///   - pictureWidth: Columns of the picture.
///   - constant: The sample beyond the border under `.constant`.
///   - fetch: Called for columns that stand outside `columns` (under `wrap` on tiles, say): writes the samples of picture
///     columns `column ..< column + count`.
func extendRow<Sample: BitwiseCopyable>(
  _ row: UnsafeMutablePointer<Sample>, columns: Range<Int>, channels: Int, pictureWidth: Int, boundary: Boundary,
  constant: Sample, fetch: (_ column: Int, _ count: Int, _ target: UnsafeMutablePointer<Sample>) -> Void
) {
  let filled = columns.clamped(to: 0..<pictureWidth)
  func fill(_ ghosts: Range<Int>) {
    var column = ghosts.lowerBound
    while column < ghosts.upperBound {
      let target = row + (column - columns.lowerBound) * channels
      guard let from = boundary.index(column, count: pictureWidth) else {
        for c in 0..<channels { target[c] = constant }
        column += 1
        continue
      }
      if filled.contains(from) {
        let source = row + (from - columns.lowerBound) * channels
        for c in 0..<channels { target[c] = source[c] }
        column += 1
      } else {
        // `wrap` reaches beyond the span, to columns that run on to the picture's right edge; so does `mirror` by a column
        // where one side's halo is the smaller.
        let count = boundary == .wrap ? min(pictureWidth - from, ghosts.upperBound - column) : 1
        fetch(from, count, target)
        column += count
      }
    }
  }
  fill(columns.lowerBound..<filled.lowerBound)
  fill(filled.upperBound..<columns.upperBound)
}

/// A plane of samples with its ghost cells: rows `y - top … `, columns `x - left …`, extended beyond the picture.
struct PaddedPlane<Sample: BitwiseCopyable> {
  let base: UnsafeMutablePointer<Sample>
  /// Samples from one row to the next.
  let pitch: Int
  private let top: Int
  private let left: Int
  private let channels: Int

  private init(base: UnsafeMutablePointer<Sample>, pitch: Int, top: Int, left: Int, channels: Int) {
    (self.base, self.pitch, self.top, self.left, self.channels) = (base, pitch, top, left, channels)
  }

  /// Loads a region and its halo.
  ///
  /// - Parameters:
  ///   - load: Writes `count` pixels of picture row `row`, from column `column`, at `target`.
  init(
    region: Region, halo: Halo, in picture: ImageDescription, channels: Int, boundary: Boundaries, constant: Sample,
    scratch: Scratch, load: (_ row: Int, _ column: Int, _ count: Int, _ target: UnsafeMutablePointer<Sample>) -> Void
  ) {
    let width = region.width + halo.left + halo.right, height = region.height + halo.top + halo.bottom
    pitch = width * channels
    base = scratch.allocate(pitch * height)
    (top, left) = (region.y - halo.top, region.x - halo.left)
    self.channels = channels
    // Rows that stand for one another beyond the border are loaded once and copied.
    for row in 0..<height {
      let y = top + row
      let target = base + row * pitch
      guard let from = boundary.y.index(y, count: picture.height) else {
        target.update(repeating: constant, count: pitch)
        continue
      }
      if from < y && from >= top {
        target.update(from: base + (from - top) * pitch, count: pitch)
        continue
      }
      let columns = left..<(left + width), filled = columns.clamped(to: 0..<picture.width)
      load(from, filled.lowerBound, filled.count, target + (filled.lowerBound - left) * channels)
      extendRow(
        target, columns: columns, channels: channels, pictureWidth: picture.width, boundary: boundary.x,
        constant: constant
      ) { load(from, $0, $1, $2) }
    }
  }

  /// The same plane of other samples, `count` in all.
  func mapped<Other>(
    count: Int, scratch: Scratch, _ transform: (Sample) -> Other
  ) -> PaddedPlane<Other> {
    let samples = scratch.allocate(count, of: Other.self)
    for i in 0..<count { samples[i] = transform(base[i]) }
    return PaddedPlane<Other>(base: samples, pitch: pitch, top: top, left: left, channels: channels)
  }

  /// The sample of picture row `y` at picture column `x`, channel 0; ghosts are reached by going beyond.
  func row(_ y: Int, x: Int) -> UnsafeMutablePointer<Sample> {
    base + (y - top) * pitch + (x - left) * channels
  }
}
