package import Pictures
package import Pipeline
import Platform

/// Which blobs are right: rows of a table, or spots of a picture.
package struct BlobTruth: Sendable {
  struct Row: Equatable, Sendable {
    /// Where the table names them.
    var file: String?
    var page: Int?
    var centre: BlobCentre
  }

  let rows: [Row]

  /// Whether a path is to be read as a table: by its extension. All else is a picture.
  package static func isTable(_ path: String) -> Bool {
    guard let dot = path.lastIndex(of: ".") else { return false }
    return ["csv", "tsv", "txt", "json", "ndjson", "jsonl"].contains(path[path.index(after: dot)...].lowercased())
  }

  /// Reads a table as `blob-detect` writes them, or one like it: columns `y` and `x` in any order (also `row` and `column`), with or
  /// without a line of names; others are not looked at, but `file` and `page` tell of which picture a row is.
  ///
  /// - Throws: ``ImbrexError`` that names the file and the line.
  package init(table path: String) throws { try self.init(table: RawFile.bytes(of: path), name: path) }

  /// The same of bytes.
  ///
  /// - Parameter name: For messages.
  package init(table bytes: [UInt8], name: String) throws {
    rows = try BlobTableReader(name: name).rows(of: bytes)
  }

  /// Finds the middle of each spot of a picture: pixels whose luma is above 0 that hang together, also over corners.
  ///
  /// - Parameters:
  ///   - source: A picture of the whole input's size, or of the region's.
  ///   - input: The input's size.
  ///   - region: The part of the input that is looked at; nil: all of it.
  package init(picture source: any RowSource, of input: ImageDescription, region: Region? = nil) throws {
    let spots = try EdgePoints(truth: source, of: input, region: region).componentCentres
    let (y, x) = (Double(region?.y ?? 0), Double(region?.x ?? 0))
    rows = spots.map { Row(centre: BlobCentre(y: $0.y + y, x: $0.x + x)) }
  }

  /// The blobs of one picture, in pixels of the whole of it.
  ///
  /// - Parameters:
  ///   - file: The input's path. Rows that name a file are taken if it is this one, or one of the same name elsewhere.
  ///   - page: From 1.
  ///   - region: Only what lies in it; nil: all.
  package func centres(of file: String, page: Int = 1, in region: Region? = nil) -> [BlobCentre] {
    func name(_ path: String) -> Substring {
      path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
    }
    return rows.filter { row in
      if let rowFile = row.file, name(rowFile) != name(file) { return false }
      if let rowPage = row.page, rowPage != page { return false }
      guard let region else { return true }
      // A centre belongs to the pixel that it lies in.
      let (y, x) = (row.centre.y.rounded(), row.centre.x.rounded())
      return y >= Double(region.y) && y < Double(region.endY) && x >= Double(region.x) && x < Double(region.endX)
    }.map(\.centre)
  }
}

extension BlobCentre {
  /// The centres in a table of blobs that was made here.
  package static func all(of table: Table) -> [BlobCentre] { table.rows.map { BlobCentre(y: $0[0], x: $0[1]) } }
}
