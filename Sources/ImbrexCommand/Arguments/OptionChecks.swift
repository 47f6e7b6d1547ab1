import Imbrex

/// Which options do not go together, beside those of a filter, which its definition checks.
enum OptionChecks {
  /// Checks the options of a line of filters.
  ///
  /// - Parameter last: The last filter of the chain.
  /// - Throws: A usage error that names an option that was given.
  static func check(_ values: OptionValues, of last: FilterDefinition) throws {
    if values.flag("null") && !values.isGiven("files-from") {
      throw ImbrexError(option: "null", "goes with --files-from only")
    }
    if values.flag("json") && !values.flag("explain") && !values.isGiven("truth") {
      let table = last.makesTable ? "; for a table use --table json" : ""
      throw ImbrexError(option: "json", "goes with --explain and --truth only\(table)")
    }
    try checkInPlace(values)
    try checkTiling(values)
    try checkSweeps(values, of: last)
    if last.makesTable {
      if values.isGiven("format") {
        throw ImbrexError(option: "format", "does not go with \(last.name), which makes a table: use --table")
      }
      if values.isGiven("in-place") {
        throw ImbrexError(option: "in-place", "does not go with \(last.name), which makes a table")
      }
    } else {
      for option in CommonOptionList.tableOptions where values.isGiven(option.name) {
        let makers = FilterDefinition.all.filter(\.makesTable).map(\.name)
        throw ImbrexError(option: option.name, "is an option of \(listed(makers)), not of \(last.name)")
      }
    }
  }

  private static func checkSweeps(_ values: OptionValues, of last: FilterDefinition) throws {
    if !values.isGiven("vary") {
      for name in ["sheet", "yes"] where values.isGiven(name) {
        throw ImbrexError(option: name, "goes with --vary only")
      }
    } else if values.isGiven("in-place") {
      throw ImbrexError(option: "in-place", "does not go with --vary: all results would be one file")
    }
    for name in ["sheet-region", "sheet-size"] where values.isGiven(name) && !values.isGiven("sheet") {
      throw ImbrexError(option: name, "goes with --sheet only")
    }
    if values.isGiven("tolerance") && !values.isGiven("truth") {
      throw ImbrexError(option: "tolerance", "goes with --truth only")
    }
    for name in ["incremental", "no-clobber"] where values.flag(name) {
      // What is passed over could not be shown.
      for other in ["sheet", "truth"] where values.isGiven(other) {
        throw ImbrexError(option: name, "does not go with --\(other), which needs all results")
      }
    }
    if values.isGiven("truth") && !["edge", "blob-detect"].contains(last.name) {
      throw ImbrexError(option: "truth", "goes with edge and blob-detect, not with \(last.name)")
    }
  }

  private static func checkInPlace(_ values: OptionValues) throws {
    guard values.isGiven("in-place") else { return }
    if values.flag("incremental") {
      throw ImbrexError(
        option: "incremental", "does not go with --in-place: an input that is written over has changed")
    }
    if values.isGiven("output") { throw ImbrexError(option: "output", "and --in-place exclude each other") }
    if values.isGiven("region") {
      throw ImbrexError(option: "region", "does not go with --in-place: the rest of the picture would be lost")
    }
    for name in ["name", "base", "no-clobber"] where values.isGiven(name) {
      throw ImbrexError(option: name, "does not go with --in-place")
    }
  }

  private static func checkTiling(_ values: OptionValues) throws {
    if values.isGiven("chunks") && values.isGiven("tile") {
      throw ImbrexError(option: "chunks", "and --tile exclude each other")
    }
    guard values.flag("serial") else { return }
    for name in ["chunks", "tile", "jobs"] where values.isGiven(name) {
      throw ImbrexError(option: "serial", "does not go with --\(name)")
    }
  }

  /// Checks the options of `bench`.
  static func checkBench(_ values: OptionValues) throws {
    let formats = ["json", "markdown", "csv"].filter(values.flag)
    if formats.count > 1 { throw ImbrexError(option: formats[0], "and --\(formats[1]) exclude each other") }
    guard let plot = values.text("plot") else { return }
    guard plot.lowercased().hasSuffix(".svg") || ImageFormat(path: plot) != nil else {
      throw ImbrexError(option: "plot", "is '\(plot)', but its extension must be .svg, or a picture's, such as .png")
    }
  }
}
