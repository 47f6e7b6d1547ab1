import Imbrex

extension CommonOptions {
  /// The inputs as they are named, on the command line and in `--files-from`; standard input if there are none.
  func namedInputs() throws -> [String] {
    if let named = listed?.named { return named }
    var named = inputs
    if let list = filesFrom {
      if list == "-" && inputs.contains("-") {
        throw ImbrexError(.usage, "standard input cannot be both a list and a picture")
      }
      named += try InputSelection.list(in: list, isNulSeparated: isNulSeparated)
      return named
    }
    if named.isEmpty {
      guard isTerminal(0) == false else { throw ImbrexError(.usage, "no input: name a picture, or pipe one in") }
      return ["-"]
    }
    if named.count(where: { $0 == "-" }) > 1 { throw ImbrexError(.usage, "standard input can be read only once") }
    return named
  }

  /// Whether the outputs go to a directory, or must.
  func isMany(_ named: [String]) -> Bool {
    named.count > 1 || filesFrom != nil || named.contains { $0 != "-" && isDirectory($0) }
  }

  /// The directory that outputs are files in, which is made where it is missing; nil where `-o` names a file.
  ///
  /// - Parameter makesPictures: Whether several inputs need one: their tables may be one file.
  func outputDirectory(_ named: [String], makesPictures: Bool) -> String? {
    guard let output, output != "-" else { return nil }
    if output.hasSuffix("/") || isDirectory(output) { return output }
    let isNew = ImageFormat(path: output) == nil && !fileExists(output)
    return makesPictures && isNew && isMany(named) ? output + "/" : nil
  }

  /// The files to work on and where their results go.
  ///
  /// - Throws: A usage error: no input, no output, a format that cannot be told, outputs that collide.
  func plan(_ run: FilterRun, _ named: [String]) throws -> BatchPlan {
    if run.asksForFloat, let format, !format.holding(run.grayResult).canHoldFloat {
      throw ImbrexError(.usage, "\(run.floatOption) does not go with --format \(format.name): use tiff or pfm")
    }
    if run.preservesRange(after: run.pipeline.links.count), let type = writerOptions.sampleType, !type.isFloat {
      throw ImbrexError(
        option: "bit-depth", "does not go with --preserve-range: integers hold 0 … 1 as their whole range")
    }
    if (explain && output == nil && !inPlace) || needsNoOutput { return try plan(named, .none) }
    if inPlace {
      // A suffix is part of the word.
      if backupSuffix == nil,
        let word = named.first(where: { $0.hasPrefix(".") && !$0.contains("/") && !fileExists($0) })
      {
        throw ImbrexError(.usage, "there is no '\(word)'; did you mean --in-place=\(word)?")
      }
      let plan = try plan(named, .inPlace)
      if let suffix = backupSuffix { try plan.checkBackups(suffix: suffix) }
      return plan
    }
    let isMany = isMany(named)
    guard let output else {
      try checkWantsNoDirectory()
      if isMany { throw ImbrexError(.usage, "several inputs need -o DIRECTORY/") }
      if isTerminal(1) {
        throw ImbrexError(.usage, "no output: use -o FILE (pictures are not written to a terminal)")
      }
      return try plan(named, .single("-"))
    }
    if output == "-" && isTerminal(1) && !explain {
      throw ImbrexError(.usage, "pictures are not written to a terminal: use -o FILE, or a pipe")
    }
    if let directory = outputDirectory(named, makesPictures: true) {
      var naming = try naming(directory, run, format: format, filter: run.filterName)
      if run.makesFloat { naming.formatForFloat = ImageFormat(named: "tiff") }
      if run.makesTwoLevels(after: run.pipeline.links.count) { naming.formatForLossless = ImageFormat(named: "png") }
      return try plan(named, .directory(naming))
    }
    if isMany {
      let problem = fileExists(output) ? ", but '\(output)' is a file" : ": '\(output)/'"
      throw ImbrexError(.usage, "several inputs need a directory for -o\(problem)")
    }
    try checkWantsNoDirectory(": '\(output)/'")
    if output != "-" && format == nil && !isSpecialFile(output) {
      guard let format = ImageFormat(path: output) else {
        throw ImbrexError(
          .usage,
          "the format of '\(output)' cannot be told: give it an extension "
            + "(\(ImageFormat.all.map { $0.extensions[0] }.joined(separator: ", "))) or use --format")
      }
      if run.asksForFloat && !format.canHoldFloat {
        throw ImbrexError(
          .usage,
          "\(run.floatOption) needs an output that holds 32-bit floats, which \(format.name) does not: use .tif or .pfm"
        )
      }
    }
    return try plan(named, .single(output))
  }

  /// How outputs are named in a directory, in a template's fields and below `--base`.
  func naming(_ directory: String, _ run: FilterRun, format: ImageFormat?, filter: String) throws -> OutputNaming {
    var naming = try OutputNaming(
      directory: directory, format: format, template: name, filter: filter, fields: run.nameFields)
    naming.base = base
    return naming
  }

  /// - Throws: A usage error for an option that only a directory of outputs has a use for.
  func checkWantsNoDirectory(_ such: String = "") throws {
    for option in ["name", "base"] where values.isGiven(option) {
      throw ImbrexError(option: option, "goes with a directory for -o\(such)")
    }
  }

  func plan(_ named: [String], _ output: BatchPlan.Output) throws -> BatchPlan {
    if let listed { return try BatchPlan(listed: listed.files, output: output) }
    let plan = try BatchPlan(inputs: named, selection: selection, output: output)
    guard plan.count > 0 else {
      if let (path, error) = plan.unread.first { throw NamedError(file: path, error: error) }
      throw ImbrexError(
        .usage,
        named.isEmpty ? "there are no inputs in '\(filesFrom!)'" : "there are no pictures in '\(named[0])'")
    }
    return plan
  }
}
