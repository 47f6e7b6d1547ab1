import Imbrex

/// From page to page, in one file or each in its own.
extension PictureJob {
  /// Goes on to the next page, if it is wanted and there is one.
  ///
  /// - Parameters:
  ///   - done: Pages so far.
  ///   - asked: How many are wanted; nil: all that there are.
  func goesOn(after done: Int, of asked: Int?, _ reader: ImageReader, _ files: [Output]) throws -> Bool {
    if done == asked { return false }
    if let pages = job.pages { try skip(to: pages[done] - 1, from: pages[done - 1], reader) }
    let isThere = try reader.nextPage()
    guard asked != nil else {
      if isThere { try checkHolds(pages: nil, files) }
      return isThere
    }
    guard isThere || reader.pageCount != nil else {
      throw CommonOptions.noPage(options.pages!.upperBound, only: options.pages!.lowerBound + done - 1)
    }
    guard isThere else { throw ImbrexError(.input, "page \(done + 1) is missing") }
    return true
  }

  /// As many as a stream's bytes could hold: for the layout of a TIFF, and to show how far a run is.
  func expectedPages(of reader: ImageReader) -> Int {
    max((reader.byteCount ?? 0) / max(reader.description.byteCount, 1), 1)
  }

  /// Refuses what one picture only goes into.
  ///
  /// - Parameter pages: How many there are; nil: more than one.
  func checkHolds(pages: Int?, _ files: [Output]) throws {
    guard pages != 1 else { return }
    let what = pages.map { "it has \($0) pages" } ?? "it has more than one picture"
    if let overlay = outputs.overlay, !overlay.plan.isPaged, overlayPath(page: 0) != nil {
      throw ImbrexError(
        .input, "\(what), but an overlay is drawn on one", remedy: .init("page"), cause: .unsupported)
    }
    if let file = files.first(where: { !$0.isPaged && !$0.format.holdsPages }) {
      let name = outputs.writesToDirectory ? ", --name '{stem}-{page}.{ext}'" : ""
      throw ImbrexError(
        .input, "\(what), but a \(file.format.name.uppercased()) holds one: use --page N\(name), or write a TIFF",
        cause: .unsupported)
    }
  }

  /// How many of the pictures beside the pages do not come out, of those that nobody has asked to drop.
  func leftOut(of reader: ImageReader, _ files: [Output]) -> Int {
    // A table has none anyway.
    guard !run.pipeline.makesTable, let result = files.first else { return 0 }
    let companions = reader.metadata.tiff.companions
    if result.format.name != "tiff" { return reader.leftOut + companions.count }
    // A mask that has been read is made anew.
    let moves =
      !reader.description.validity.masks.contains(where: \.isOfFile)
      && (options.region != nil || isTurnedFirst(files, reader.metadata))
    return reader.leftOut + (moves ? companions.count { $0.role == .mask } : 0)
  }

  // MARK: - Pages as files

  /// Goes past pages that are not wanted.
  func skip(to page: Int, from current: Int, _ reader: ImageReader) throws {
    for skipped in current..<max(page, current) where try !reader.nextPage() {
      throw ImbrexError(.input, "page \(skipped + 2) is missing")
    }
  }

  /// Of a page that is read, the number in its file.
  func number(_ page: Int) -> Int { (job.pages?[page]).map { $0 + 1 } ?? (options.pages?.lowerBound ?? 1) + page }

  /// Of a page that is read, its places in the file's stack, on axes on which pages differ.
  func place(_ page: Int) -> [Character: Int] {
    guard let axes = job.axes else { return [:] }
    return axes.place(of: number(page) - 1).filter { axes.tableAxes.contains($0.key) }
  }

  /// What names of the page's files are made of.
  func label(_ page: Int) -> PageLabel { PageLabel(number(page), job.axes?.place(of: number(page) - 1) ?? [:]) }

  /// Where the files of a page go; false if its result is there, and to be left alone.
  func begin(_ page: Int, _ files: inout [Output]) throws -> Bool {
    let page = label(page), result = outputs.plan.output(job.index, page: page)!
    if let axis = outputs.missingAxes(page).first {
      throw ImbrexError(
        .input, "--name has {\(axis)}, but nothing in the file says which \(axis) a page is", cause: .unsupported)
    }
    if options.noClobber && fileExists(result) {
      job.result.pagesLeft += 1
      return false
    }
    try outputs.pagePlaces!.claim(result, for: job.index, page: page.number)
    if let overlay = outputs.overlay, overlay.plan.isPaged {
      try outputs.pagePlaces!.claim(
        overlay.path(job.index, page: page), for: job.index, page: page.number)
    }
    for index in files.indices where files[index].isPaged {
      let path = files[index].tee?.path(job.index, page: page) ?? result
      (files[index].path, files[index].writer) = (path, nil)
      files[index].isLeft = options.noClobber && fileExists(path)
      if files[index].tee != nil { try outputs.pagePlaces!.claim(path, for: job.index, page: page.number) }
    }
    return true
  }

  /// The files of a page are whole.
  func finish(
    _ page: Int, _ files: [Output], _ overlay: ImageWriter?, _ reader: ImageReader, _ table: TableRows?
  ) throws {
    let result = outputs.plan.output(job.index, page: label(page))!
    try finish(files.filter(\.isPaged), overlay, at: overlayPath(page: page), reader)
    if let table { try keep([table], in: result) }
    job.result.pages = (job.result.pages ?? []) + [result]
  }
}
