import Imbrex

/// A picture whose rows are in several files, one below the other.
final class PartsSource: RowSource, @unchecked Sendable {
  let description: ImageDescription
  private let parts: [(rows: Range<Int>, path: String)]
  private let options: ImageReader.Options
  private var window: Region
  private var nextRow: Int
  private var reader: (rows: Range<Int>, path: String, source: ImageReader)?

  /// - Parameter parts: From the top; they are opened when they are needed.
  init(_ description: ImageDescription, _ parts: [(rows: Range<Int>, path: String)], _ options: ImageReader.Options) {
    self.description = description
    self.parts = parts
    self.options = options
    window = Region(all: description)
    nextRow = 0
  }

  func select(_ window: Region) {
    window.checkLies(in: description)
    self.window = window
    nextRow = window.y
  }

  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    var done = 0
    while done < count {
      let (part, path, source) = try part(of: nextRow)
      let some = min(count - done, part.upperBound - nextRow)
      do {
        try source.read(into: rows + done * stride, stride: stride, count: some)
      } catch let error as ImbrexError {
        throw error.prefixed("\(path): ")
      }
      nextRow += some
      done += some
    }
  }

  /// The file that has a row, and of it what is in the window.
  private func part(of row: Int) throws -> (rows: Range<Int>, path: String, source: ImageReader) {
    if let reader, reader.rows.contains(row) { return reader }
    let part = parts.first { $0.rows.contains(row) }!
    do {
      // Decoders pass over checksums behind the last row.
      try PartSeal.check(part.path)
      let source = try ImageReader(path: part.path, options: options)
      var expected = description
      expected.height = part.rows.count
      guard source.description.hasSameSamples(as: expected) else {
        throw ImbrexError(.input, "it is not the part that it should be")
      }
      let end = min(part.rows.upperBound, window.endY)
      try source.select(
        Region(x: window.x, y: row - part.rows.lowerBound, width: window.width, height: end - row))
      reader = (row..<end, part.path, source)
      return reader!
    } catch let error as ImbrexError {
      throw error.prefixed("\(part.path): ")
    }
  }
}

/// Takes rows of a region and passes on what lies in a smaller one.
final class CroppingSink: RowSink {
  private let base: any RowSink
  private let rows: Range<Int>
  private let offset: Int
  private let nextRow: Locked<Int>

  /// - Parameters:
  ///   - region: What comes.
  ///   - window: What goes on; it lies in the region.
  init(_ base: any RowSink, from region: Region, to window: Region, bytesPerPixel: Int) {
    self.base = base
    rows = window.y..<window.endY
    offset = (window.x - region.x) * bytesPerPixel
    nextRow = Locked(region.y)
  }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    let first = nextRow.withLock { next in
      defer { next += count }
      return next
    }
    let wanted = (first..<(first + count)).clamped(to: self.rows)
    guard !wanted.isEmpty else { return }
    try base.write(rows + (wanted.lowerBound - first) * stride + offset, stride: stride, count: wanted.count)
  }

  var canTakeRows: Bool { base.canTakeRows }
  var hasWork: Bool { base.hasWork }
  func takeWork() -> (@Sendable () throws -> Void)? { base.takeWork() }
}
