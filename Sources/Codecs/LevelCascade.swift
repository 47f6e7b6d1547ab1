import Pictures
import Platform

internal import CodecShims

/// Makes a page's levels while the page itself is written: each level from the one before by means of 2 × 2, and each
/// compressed on all workers into a temporary file of its own. In memory are two rows of each.
///
/// - Edges and other pictures of two values get what most of the four have, and the larger where two and two differ, so
///   that a line of one pixel does not break.
/// - Samples that stand for no data do not count, nor what the page's own mask leaves out; colour counts by its alpha.
/// - A last row or column that stands alone counts twice.
final class LevelCascade: @unchecked Sendable {
  /// A level that is to be in the file.
  struct Wanted {
    let companion: Int
    let level: TIFFCompanion.Level
    let page: PageHeader
  }

  /// A level that is made: a TIFF of one page.
  struct Made {
    let companion: Int
    let file: SharedDescriptor
  }

  /// From one size to the next.
  private final class Step {
    private var halving: codec_halving
    private let input: ImageDescription
    private let output: ImageDescription
    private let upper: UnsafeMutableRawPointer
    private let halved: UnsafeMutableRawPointer
    private var rows = 0
    private(set) var rowsMade = 0
    /// Files that have this size, give or take a last row or column.
    let files: [LevelFile]

    /// Of the input: those of its pixels that count.
    let mask: Mask?
    private let covers: UnsafeMutablePointer<UInt8>

    init(_ input: ImageDescription, _ halving: codec_halving, _ mask: Mask?, _ files: [LevelFile]) {
      self.input = input
      self.mask = mask
      covers = .allocate(capacity: mask == nil ? 1 : 2 * input.width)
      self.halving = halving
      self.halving.width = UInt32(input.width)
      self.files = files
      var output = input
      (output.width, output.height) = ((input.width + 1) / 2, (input.height + 1) / 2)
      self.output = output
      upper = .allocate(byteCount: input.bytesPerRow, alignment: 16)
      halved = .allocate(byteCount: output.bytesPerRow, alignment: 16)
    }

    deinit {
      covers.deallocate()
      upper.deallocate()
      halved.deallocate()
    }

    var description: ImageDescription { output }

    /// Says which pixels of two rows count, where not all do.
    private func cover(_ above: Int, _ below: Int) {
      (halving.cover_above, halving.cover_below) = (nil, nil)
      guard let mask else { return }
      let columns = 0..<input.width
      if mask.containsAll(of: columns, y: above) && mask.containsAll(of: columns, y: below) { return }
      mask.unpack(above, into: covers)
      mask.unpack(below, into: covers + input.width)
      (halving.cover_above, halving.cover_below) = (UnsafePointer(covers), UnsafePointer(covers + input.width))
    }

    /// A row of this size, if the next above completes one.
    func take(_ row: UnsafeRawPointer) throws -> UnsafeRawPointer? {
      let isLast = rows + 1 == input.height, isUpper = rows % 2 == 0
      rows += 1
      if isUpper && !isLast {
        upper.copyMemory(from: row, byteCount: input.bytesPerRow)
        return nil
      }
      cover(isUpper ? rows - 1 : rows - 2, rows - 1)
      codec_halve_rows(&halving, isUpper ? row : UnsafeRawPointer(upper), row, halved)
      for file in files where rowsMade < file.description.height { try file.write(halved) }
      rowsMade += 1
      return UnsafeRawPointer(halved)
    }
  }

  /// A level's temporary file.
  private final class LevelFile: @unchecked Sendable {
    let companion: Int
    let description: ImageDescription
    let file: SharedDescriptor
    private let encoder: TIFFEncoder
    let blocks: (any BlockEncoding)?

    init(_ wanted: Wanted) throws {
      companion = wanted.companion
      description = wanted.page.description
      file = SharedDescriptor(try openTemporaryFile())
      encoder = try TIFFEncoder(file.number, wanted.page)
      blocks = encoder.blocks(nil)
    }

    func write(_ row: UnsafeMutableRawPointer) throws {
      if let blocks { return blocks.write(row, stride: description.bytesPerRow, count: 1) }
      try encoder.write(row, stride: description.bytesPerRow, count: 1)
    }

    func finish() throws { try encoder.finish(lateItems: []) }
  }

  private let steps: [Step]
  private let files: [LevelFile]

  /// - Parameters:
  ///   - wanted: At least one.
  ///   - page: What is halved.
  ///   - isOfTwoValues: Whether the picture has no others.
  ///   - nodata: The sample that stands for no data, as it is in memory.
  ///   - mask: What it leaves out does not count either.
  init(_ wanted: [Wanted], of page: ImageDescription, isOfTwoValues: Bool, nodata: Double?, mask: Mask?) throws {
    let files = try wanted.map { (level: $0.level, file: try LevelFile($0)) }
    let halving = codec_halving(
      width: 0, channels: UInt32(page.channels),
      sample_type: Int32(SampleType.allCases.firstIndex(of: page.sampleType)!),
      straight_alpha: page.alpha == .straight ? 1 : 0, majority: isOfTwoValues ? 1 : 0,
      has_nodata: nodata == nil ? 0 : 1, nodata: nodata ?? 0,
      cover_above: nil, cover_below: nil)
    var steps: [Step] = [], size = page, mask = mask
    for halvings in 1...wanted.map(\.level.halvings).max()! {
      if !steps.isEmpty { mask = try mask?.halved() }
      steps.append(Step(size, halving, mask, files.filter { $0.level.halvings == halvings }.map(\.file)))
      size = steps.last!.description
    }
    self.steps = steps
    self.files = files.map(\.file)
  }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    for index in 0..<count {
      var row = rows + index * stride
      for step in steps {
        guard let halved = try step.take(row) else { break }
        row = halved
      }
    }
  }

  var canTakeRows: Bool { files.allSatisfy { $0.blocks?.canTakeRows ?? true } }
  var hasWork: Bool { files.contains { $0.blocks?.hasWork ?? false } }

  func takeWork() -> (@Sendable () throws -> Void)? {
    for file in files {
      if let work = file.blocks?.takeWork() { return work }
    }
    return nil
  }

  /// Completes the files, once all rows are written and all work is done.
  func finish() throws -> [Made] {
    try files.map { file in
      try file.finish()
      return Made(companion: file.companion, file: file.file)
    }
  }
}
