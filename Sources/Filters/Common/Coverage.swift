import Kernels
import Pictures
import Pipeline

/// Which samples of a picture's rows count: ``Validity``, made ready for rows in memory.
struct Coverage: Sendable {
  /// What is told of a pixel.
  enum Form: Sendable {
    /// Each of its samples. Alpha stands for no data nowhere.
    case samples
    /// Each but alpha.
    case colors
    /// Whether all that luma is made of counts.
    case pixels
  }

  let input: ImageDescription
  let form: Form
  private let nodata: Double?
  private let masks: [Mask]

  /// Nil where all pixels count.
  ///
  /// - Throws: ``ImbrexError`` for a mask of another size.
  init?(_ input: ImageDescription, _ form: Form = .samples) throws {
    for mask in input.validity.masks { try mask.check(fits: input) }
    (self.input, self.form) = (input, form)
    nodata = input.nodataSample
    masks = input.validity.masks
    if nodata == nil && masks.isEmpty { return nil }
  }

  private init(_ other: Coverage, nodata: Double?, masks: [Mask]) {
    (input, form) = (other.input, other.form)
    (self.nodata, self.masks) = (nodata, masks)
  }

  var hasMask: Bool { !masks.isEmpty }
  /// By the number for no data alone; nil if there is none.
  var withoutMasks: Coverage? { nodata == nil ? nil : Coverage(self, nodata: nodata, masks: []) }
  /// By the masks alone; nil if there is none.
  var withoutNodata: Coverage? { masks.isEmpty ? nil : Coverage(self, nodata: nil, masks: masks) }

  /// Bytes that it writes for a pixel: a mask holds for all samples.
  var bands: Int {
    guard nodata != nil else { return 1 }
    switch form {
    case .samples: return input.channels
    case .colors: return input.color.channels + input.extraBands
    case .pixels: return 1
    }
  }

  /// Writes 1 for what counts and 0 for what does not: ``bands`` bytes for each of some pixels of a row.
  ///
  /// - Parameters:
  ///   - row: The picture's row `y`, where column 0 is; masks alone need none.
  ///   - x: The first column.
  /// - Returns: Whether all counts.
  @discardableResult
  func load(
    _ row: UnsafeRawPointer?, y: Int, x: Int, count: Int, into cover: UnsafeMutablePointer<UInt8>, scratch: Scratch
  ) -> Bool {
    var isTotal = true
    if nodata == nil {
      cover.update(repeating: 1, count: count)
    } else if bands == input.channels {
      isTotal = loadSamples(row! + x * input.bytesPerPixel, count, into: cover)
    } else {
      scratch.frame {
        let all = scratch.allocate(count * input.channels, of: UInt8.self)
        if loadSamples(row! + x * input.bytesPerPixel, count, into: all) {
          cover.update(repeating: 1, count: count * bands)
        } else {
          isTotal = choose(all, count, into: cover)
        }
      }
    }
    for mask in masks where !mask.containsAll(of: x..<(x + count), y: y) {
      isTotal = false
      scratch.frame {
        let first = x & 63
        let inside = scratch.allocate(first + count, of: UInt8.self)
        KernelTable.current.unpack_bits_u8(mask.words(y) + x >> 6, inside, 1, first + count)
        for i in 0..<count where inside[first + i] == 0 {
          for band in 0..<bands { cover[i * bands + band] = 0 }
        }
      }
    }
    return isTotal
  }

  /// The same of a picture's row, which masks alone do not read: it may lie beyond the rows that a tile has.
  @discardableResult
  func load(
    _ y: Int, x: Int, count: Int, _ source: SourceRows, into cover: UnsafeMutablePointer<UInt8>, scratch: Scratch
  ) -> Bool {
    load(nodata == nil ? nil : source.row(y), y: y, x: x, count: count, into: cover, scratch: scratch)
  }

  private func loadSamples(
    _ pixels: UnsafeRawPointer, _ count: Int, into cover: UnsafeMutablePointer<UInt8>
  ) -> Bool {
    let kernels = KernelTable.current, n = count * input.channels, nodata = nodata!
    let isTotal =
      switch input.sampleType {
      case .uint8: kernels.cover_u8(pixels.samples(), UInt8(nodata), cover, n)
      case .uint16: kernels.cover_u16(pixels.samples(), UInt16(nodata), cover, n)
      case .float32: kernels.cover_f32(pixels.samples(), Float(nodata), cover, n)
      case .float64: kernels.cover_f64(pixels.samples(), nodata, cover, n)
      }
    guard isTotal == 0 else { return true }
    guard input.alpha != .none else { return false }
    let channels = input.channels
    for i in 0..<count { cover[i * channels + channels - 1] = 1 }
    return (0..<n).allSatisfy { cover[$0] != 0 }
  }

  /// The form's bytes of those of all samples.
  private func choose(
    _ all: UnsafePointer<UInt8>, _ count: Int, into cover: UnsafeMutablePointer<UInt8>
  ) -> Bool {
    let channels = input.channels, bands = bands
    var isTotal: UInt8 = 1
    if form == .colors {
      for i in 0..<count {
        for band in 0..<bands {
          cover[i * bands + band] = all[i * channels + band]
          isTotal &= all[i * channels + band]
        }
      }
      return isTotal != 0
    }
    // Of Lab it is L* alone.
    let colors = input.color == .lab ? 1 : input.color.channels
    for i in 0..<count {
      var counts: UInt8 = 1
      for c in 0..<colors { counts &= all[i * channels + c] }
      cover[i] = counts
      isTotal &= counts
    }
    return isTotal != 0
  }

  /// A byte for each sample, of those that tell of pixels; valid in the enclosing frame.
  func spread(_ cover: UnsafePointer<UInt8>, _ count: Int, _ scratch: Scratch) -> UnsafePointer<UInt8> {
    let channels = input.channels
    if bands == channels { return cover }
    let all = scratch.allocate(count * channels, of: UInt8.self)
    for i in 0..<count { for c in 0..<channels { all[i * channels + c] = cover[i] } }
    return UnsafePointer(all)
  }

  /// Whether all samples of a window count.
  func isTotal(_ window: CoverWindow, _ source: SourceRows, scratch: Scratch) -> Bool {
    scratch.frame {
      let columns = window.columns
      let cover = scratch.allocate(columns.count * bands, of: UInt8.self)
      return window.rows.allSatisfy { y in
        if nodata == nil { return masks.allSatisfy { $0.containsAll(of: columns, y: y) } }
        return load(source.row(y), y: y, x: columns.lowerBound, count: columns.count, into: cover, scratch: scratch)
      }
    }
  }

  /// Whether all that a region's windows reach counts.
  func isTotal(
    _ region: Region, halo: Halo, boundary: Boundaries, _ source: SourceRows, scratch: Scratch
  ) -> Bool {
    isTotal(CoverWindow(region, halo: halo, boundary: boundary, in: input), source, scratch: scratch)
  }
}

/// The rows and columns of the picture that the windows of a region's pixels reach, ghosts beyond the border included.
struct CoverWindow {
  /// In ascending order.
  let rows: [Int]
  let columns: Range<Int>

  init(_ region: Region, halo: Halo, boundary: Boundaries, in picture: ImageDescription) {
    // Of two sides the larger: what is mirrored on one may lie beyond the smaller on the other.
    let y = max(halo.top, halo.bottom), x = max(halo.left, halo.right)
    let wanted = (region.y - y)..<(region.endY + y), across = (region.x - x)..<(region.endX + x)
    var rows = Array(wanted.clamped(to: 0..<picture.height))
    if boundary.y == .wrap && rows.count < wanted.count {
      rows =
        wanted.count >= picture.height
        ? Array(0..<picture.height)
        : Set(wanted.map { boundary.y.index($0, count: picture.height)! }).sorted()
    }
    self.rows = rows
    let inside = across.clamped(to: 0..<picture.width)
    columns = boundary.x == .wrap && inside.count < across.count ? 0..<picture.width : inside
  }
}

/// A window's samples with 0 for what does not count, and a picture of ones and zeros that says what does.
struct CoveredRows {
  let values: SourceRows
  /// Of ``Coverage/bands`` bytes a pixel.
  let cover: SourceRows

  /// How the ones and zeros are a picture.
  static func description(of coverage: Coverage) -> ImageDescription {
    ImageDescription(
      width: coverage.input.width, height: coverage.input.height, color: .gray, extraBands: coverage.bands - 1,
      sampleType: .uint8)
  }

  /// - Parameter scratch: The rows are in it until the enclosing frame ends.
  init(_ coverage: Coverage, _ window: CoverWindow, _ source: SourceRows, scratch: Scratch) {
    let input = coverage.input, columns = window.columns, bands = coverage.bands
    let first = window.rows[0], count = window.rows.last! - first + 1
    var values = [UnsafeRawPointer?](repeating: nil, count: count), covers = values
    for y in window.rows {
      let row = source.row(y)
      let cover = scratch.allocate(columns.count * bands, of: UInt8.self)
      let isTotal = coverage.load(
        row, y: y, x: columns.lowerBound, count: columns.count, into: cover, scratch: scratch)
      covers[y - first] = UnsafeRawPointer(cover)
      let samples = row + columns.lowerBound * input.bytesPerPixel
      if isTotal {
        values[y - first] = samples
      } else {
        let copy = scratch.allocate(columns.count * input.bytesPerPixel, of: UInt8.self)
        Self.clear(samples, cover, coverage, columns.count, into: UnsafeMutableRawPointer(copy), scratch)
        values[y - first] = UnsafeRawPointer(copy)
      }
    }
    self.values = SourceRows(
      input, rows: values, firstRow: first, columnOffset: columns.lowerBound * input.bytesPerPixel)
    self.cover = SourceRows(
      Self.description(of: coverage), rows: covers, firstRow: first, columnOffset: columns.lowerBound * bands)
  }

  private static func clear(
    _ samples: UnsafeRawPointer, _ cover: UnsafePointer<UInt8>, _ coverage: Coverage, _ count: Int,
    into copy: UnsafeMutableRawPointer, _ scratch: Scratch
  ) {
    let input = coverage.input
    scratch.frame {
      let zeros = scratch.allocate(count * input.bytesPerPixel, of: UInt8.self)
      zeros.update(repeating: 0, count: count * input.bytesPerPixel)
      chooseSamples(
        coverage.spread(cover, count, scratch), samples, UnsafeRawPointer(zeros), input.sampleType,
        count * input.channels, into: copy)
    }
  }
}

/// Those samples that count of one row, and the others of another; the result may be one of the two.
///
/// - Parameters:
///   - cover: 1 or 0 for each of `count` samples.
///   - no: Where a sample does not count.
func chooseSamples(
  _ cover: UnsafePointer<UInt8>, _ yes: UnsafeRawPointer, _ no: UnsafeRawPointer, _ type: SampleType, _ count: Int,
  into target: UnsafeMutableRawPointer
) {
  let kernels = KernelTable.current
  switch type {
  case .uint8: kernels.choose_covered_u8(cover, yes.samples(), no.samples(), target.samples(), count)
  case .uint16: kernels.choose_covered_u16(cover, yes.samples(), no.samples(), target.samples(), count)
  case .float32: kernels.choose_covered_u32(cover, yes.samples(), no.samples(), target.samples(), count)
  case .float64: kernels.choose_covered_u64(cover, yes.samples(), no.samples(), target.samples(), count)
  }
}
