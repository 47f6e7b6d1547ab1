import Platform

/// GDAL's layout of a TIFF that is read over the network (its COG driver's page, "File format details"): all directories
/// first, then the data of the smallest level, then of larger ones, of the page last. Before each tile stands its size, and
/// behind it its last four bytes again.
struct CloudOptimized {
  private static let area = """
    LAYOUT=IFDS_BEFORE_DATA
    BLOCK_ORDER=ROW_MAJOR
    BLOCK_LEADER=SIZE_AS_UINT4
    BLOCK_TRAILER=LAST_4_BYTES_REPEATED
    KNOWN_INCOMPATIBLE_EDITION=NO

    """ + " "

  /// What GDAL writes behind the header.
  private static var areaBytes: [UInt8] {
    let size = String(area.utf8.count)
    let digits = String(repeating: "0", count: 6 - size.count) + size
    return Array("GDAL_STRUCTURAL_METADATA_SIZE=\(digits) bytes\n\(area)".utf8)
  }

  /// - Parameters:
  ///   - page: A page of tiles, in a file of its own.
  ///   - companions: What goes with it, the larger first.
  static func write(
    _ page: TIFFNode, _ companions: [TIFFNode], to target: SharedDescriptor, isBig: Bool, isBigEndian: Bool
  ) throws {
    let chain = [page] + companions
    let total = chain.reduce(UInt64(0)) { sum, node in
      sum + (node.segments?.counts.reduce(0) { $0 + $1 + 8 } ?? 0) + UInt64((node.segments?.counts.count ?? 0) * 16)
    }
    let isBig = isBig || total > 4_200_000_000
    let writer = TIFFNodeWriter(isBig: isBig, isBigEndian: isBigEndian, hasListsLast: true)
    var head: [UInt8] = isBigEndian ? [0x4D, 0x4D] : [0x49, 0x49]
    func number(_ value: Int, _ size: Int) -> [UInt8] { TIFFBytes.bytes(of: UInt64(value), size: size, isBigEndian) }
    let start = (isBig ? 16 : 8) + areaBytes.count
    let first = start + start % 2
    head += isBig ? number(43, 2) + number(8, 2) + number(0, 2) + number(first, 8) : number(42, 2) + number(first, 4)
    head += areaBytes + [UInt8](repeating: 0, count: first - start)
    var place = writer.place(chain, from: UInt64(first))
    for node in chain.reversed() {
      guard var segments = node.segments else { continue }
      segments.offsets = segments.counts.map { count in
        guard count > 0 else { return 0 }
        defer { place += count + 8 }
        return place + 4
      }
      node.segments = segments
    }
    try target.write(head + writer.bytes(of: chain), at: 0)
    for node in chain.reversed() {
      guard let segments = node.segments else { continue }
      for (index, count) in segments.counts.enumerated() where count > 0 {
        try copyTile(segments, index, count, to: target)
      }
    }
  }

  private static func copyTile(
    _ segments: TIFFNode.Segments, _ index: Int, _ count: UInt64, to target: SharedDescriptor
  ) throws {
    // The size is little-endian in every file.
    let leader = TIFFBytes.bytes(of: count, size: 4, false), offset = segments.offsets[index]
    guard let bytes = segments.file.read(Int(count), at: segments.places[index]) else {
      throw ImbrexError(.input, "what goes with a page is cut short", cause: .truncated)
    }
    let trailer = bytes.count < 4 ? [UInt8](repeating: 0, count: 4) : Array(bytes.suffix(4))
    try target.write(leader + bytes + trailer, at: offset - 4)
  }
}
