import Pictures
import Platform

/// Puts what libtiff does not write into a TIFF: levels, masks and other pictures beside pages, and GDAL's layout for the
/// cloud.
///
/// Strips and tiles are copied as they are coded. libtiff writes the pages; this writes their directories once more, behind
/// all data, with what goes with each page below it or next.
final class TIFFAssembly {
  /// What goes with each page that is done.
  private var pages: [[(node: TIFFNode, isChild: Bool)]] = []
  private let target: SharedDescriptor
  private let isBigEndian: Bool
  /// Of each list, so that nothing larger is held.
  private static let piece = 1 << 20

  /// - Parameter target: The file that libtiff writes.
  init(_ target: SharedDescriptor, isBigEndian: Bool) { (self.target, self.isBigEndian) = (target, isBigEndian) }

  /// Whether something goes with a page.
  var hasCompanions: Bool { pages.contains { !$0.isEmpty } }

  /// A directory of another file, with its data.
  static func node(_ source: TIFFCompanion.Source, isBigEndian: Bool) throws -> TIFFNode {
    guard let bytes = TIFFBytes(source.file), let directory = bytes.directory(at: source.offset) else {
      throw ImbrexError(.input, "a directory is damaged")
    }
    return try TIFFNode(directory, of: bytes, isBigEndian: isBigEndian, staysInPlace: false)
  }

  /// The only directory of a file that a level was written into.
  static func node(of level: LevelCascade.Made, isBigEndian: Bool) throws -> TIFFNode {
    guard let bytes = TIFFBytes(level.file) else { throw ImbrexError(.output, "a temporary file is damaged") }
    return try node(.init(file: level.file, offset: bytes.first), isBigEndian: isBigEndian)
  }

  /// Takes what goes with the page that libtiff has written.
  ///
  /// - Parameter copiesData: Whether its data goes into the file now.
  func endPage(_ companions: [(node: TIFFNode, isChild: Bool)], copiesData: Bool) throws {
    if copiesData { for companion in companions { try copyData(of: companion.node) } }
    pages.append(companions)
  }

  private func copyData(of node: TIFFNode) throws {
    guard var segments = node.segments else { return }
    var end = try targetEnd()
    for (place, count) in zip(segments.places, segments.counts) {
      // What was never written stays so.
      segments.offsets.append(count == 0 ? 0 : end)
      try Self.copy(count, from: segments.file, at: place, to: target, at: end)
      end += count
    }
    node.segments = segments
  }

  /// Where what comes next can stand: at an even place.
  private func targetEnd() throws -> UInt64 {
    guard let end = target.byteCount else { throw ImbrexError(.output, refused: "cannot write") }
    return end + end % 2
  }

  static func copy(
    _ count: UInt64, from source: SharedDescriptor, at place: UInt64, to target: SharedDescriptor, at end: UInt64
  ) throws {
    var done: UInt64 = 0
    while done < count {
      let some = Int(min(count - done, UInt64(piece)))
      guard let bytes = source.read(some, at: place + done) else {
        throw ImbrexError(.input, "what goes with a page is cut short", cause: .truncated)
      }
      try target.write(bytes, at: end + done)
      done += UInt64(some)
    }
  }

  /// Writes the directories, once libtiff has ended the file.
  func finish() throws {
    guard hasCompanions else { return }
    guard let bytes = TIFFBytes(target) else { throw ImbrexError(.output, "the file that was written is damaged") }
    var offset = bytes.first, chain: [TIFFNode] = []
    for companions in pages {
      guard let directory = bytes.directory(at: offset) else {
        throw ImbrexError(.output, "the file that was written is damaged")
      }
      let page = try TIFFNode(directory, of: bytes, isBigEndian: isBigEndian, staysInPlace: true)
      let children = companions.filter(\.isChild).map(\.node)
      if !children.isEmpty { page.children.append((TIFFBytes.Tag.children, children)) }
      chain.append(page)
      chain += companions.filter { !$0.isChild }.map(\.node)
      offset = directory.next
    }
    let writer = TIFFNodeWriter(isBig: bytes.isBig, isBigEndian: isBigEndian, hasListsLast: false)
    let start = try targetEnd(), end = writer.place(chain, from: start)
    guard bytes.isBig || end < UInt64(UInt32.max) else { throw Self.tooLarge }
    try target.write(writer.bytes(of: chain), at: start)
    try target.write(
      TIFFBytes.bytes(of: start, size: bytes.offsetSize, isBigEndian), at: bytes.isBig ? 8 : 4)
  }

  /// Moves the pages' data together, one behind the other, and their directories behind it: ImageJ reads a stack so, by its
  /// first directory alone, where nothing is compressed.
  func finishContiguous() throws {
    guard let bytes = TIFFBytes(target) else { throw ImbrexError(.output, "the file that was written is damaged") }
    var offset = bytes.first, nodes: [TIFFNode] = []
    for _ in pages {
      guard let directory = bytes.directory(at: offset) else {
        throw ImbrexError(.output, "the file that was written is damaged")
      }
      nodes.append(try TIFFNode(directory, of: bytes, isBigEndian: isBigEndian, staysInPlace: false))
      offset = directory.next
    }
    let sizes = Set(nodes.map { $0.segments?.counts.reduce(0, +) })
    guard sizes.count == 1, sizes.first != nil, var end = nodes[0].segments?.places.first else { return }
    for node in nodes {
      guard var segments = node.segments else { return }
      for (place, count) in zip(segments.places, segments.counts) {
        segments.offsets.append(end)
        // Down, or not at all: what is yet to be moved lies behind.
        if place != end { try Self.copy(count, from: target, at: place, to: target, at: end) }
        end += count
      }
      node.segments = segments
    }
    let writer = TIFFNodeWriter(isBig: bytes.isBig, isBigEndian: isBigEndian, hasListsLast: false)
    let start = end + end % 2
    _ = writer.place(nodes, from: start)
    let directories = writer.bytes(of: nodes)
    try target.write([UInt8](repeating: 0, count: Int(start - end)) + directories, at: end)
    try target.write(
      TIFFBytes.bytes(of: start, size: bytes.offsetSize, isBigEndian), at: bytes.isBig ? 8 : 4)
    try target.cut(to: start + UInt64(directories.count))
  }

  /// Makes another file of the one page that libtiff has written.
  func finishCloudOptimized(to file: SharedDescriptor, isBig: Bool) throws {
    guard let bytes = TIFFBytes(target), let directory = bytes.directory(at: bytes.first) else {
      throw ImbrexError(.output, "the file that was written is damaged")
    }
    let page = try TIFFNode(directory, of: bytes, isBigEndian: isBigEndian, staysInPlace: false)
    // The larger first; a mask behind its picture.
    let nodes = pages[0].map(\.node).enumerated().sorted { a, b in
      (b.element.pixelCount, a.offset) < (a.element.pixelCount, b.offset)
    }
    try CloudOptimized.write(page, nodes.map(\.element), to: file, isBig: isBig, isBigEndian: isBigEndian)
  }

  private static let tooLarge = ImbrexError(.output, "it is more than a classic TIFF holds", cause: .unsupported)
}
