import Imbrex

/// Tables, and what is drawn of them.
extension PictureJob {
  /// Where the overlay of a page goes, if there is to be one.
  func overlayPath(page: Int) -> String? {
    guard let path = outputs.overlay?.path(job.index, page: label(page)) else { return nil }
    return options.noClobber && fileExists(path) ? nil : path
  }

  /// Writes an input's tables, or hands them on to the one table of all inputs.
  func keep(_ tables: [TableRows], in path: String?) throws {
    guard outputs.sharedTable == nil, let path else {
      job.result.rows = tables
      return
    }
    try job.writing(to: path) {
      try makeParent(of: path)
      let file = try OutputFile(path: path, fileSettings(path, of: nil))
      try file.write(outputs.tableFormat.text(tables, columns: run.pipeline.tableFilter!.tableColumns, naming: false))
      try file.commit()
    }
  }

  /// - Returns: The overlay, to be finished.
  func writeOverlay(
    of table: Table, by filter: any TableFilter, on picture: Picture, _ region: Region?, _ metadata: Metadata,
    _ change: PictureChange,
    _ inputFormat: ImageFormat, to path: String
  ) throws -> ImageWriter {
    var change = change
    change.provenance = provenance(after: run.pipeline.links.count)
    change.keepsQuantity = false
    return try job.writing(to: path) {
      var opaque = picture.description
      opaque.alpha = .none
      let ground = try picture.converted(to: opaque, background: options.background ?? .white)
      let drawing = try filter.draw(
        table, on: ground, origin: (y: region?.y ?? 0, x: region?.x ?? 0))
      if outputs.overlay!.isDirectory { try makeParent(of: path) }
      let format = ImageFormat(path: path) ?? options.format ?? inputFormat
      let writer = try ImageWriter(
        to: OutputFile(path: path, fileSettings(path, of: outputs.overlay)), format: format,
        picture: drawing.description, metadata: metadata,
        input: picture.description, change: change, options: options.writerOptions)
      try writer.write(drawing.converted(to: writer.description))
      return writer
    }
  }

  func makeParent(of path: String) throws {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return }
    try makeDirectories(String(path[..<slash]))
  }
}
