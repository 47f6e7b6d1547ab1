import Imbrex

/// The options that all filters share, as they were given: what to read, what to write and how, and how to tile.
struct CommonOptions: Sendable {
  let values: OptionValues
  /// As they were given: files, directories or `-`.
  let inputs: [String]
  /// The files, where a job has found them already: paths, and their ends that outputs keep.
  var listed: Listed?

  /// Files that have been looked for already.
  struct Listed {
    /// As they were named, perhaps with directories.
    var named: [String]?
    /// Of each its path, and the end of it that outputs keep.
    var files: [(path: String, kept: String)]
  }

  init(_ line: ParsedLine) { (values, inputs) = (line.options, line.inputs) }

  // MARK: - Outputs

  var output: String? { values.text("output") }
  var format: ImageFormat? { values.text("format").flatMap(ImageFormat.init(named:)) }
  var background: Background? { values.text("background").flatMap(OptionText.color) }
  var autoOrient: Bool { values.flag("auto-orient") }
  var strip: Bool { values.flag("strip") }
  var writesProvenance: Bool { values.flag("provenance") }
  var region: Region? { values.text("region").flatMap(OptionText.region) }
  var overlay: String? { values.text("overlay") }
  var table: TableFormat? { values.text("table").flatMap(TableFormat.init(rawValue:)) }

  var writerOptions: ImageWriter.Options {
    var options = ImageWriter.Options()
    if case .integer(let quality)? = values["quality"] { options.quality = quality }
    let compression = values.text("compression").flatMap(OptionText.compression)
    options.compression = compression?.method
    (options.compressionLevel, options.zstdLevel) = (compression?.level, compression?.zstdLevel)
    options.cut = values.text("tiles").flatMap(OptionText.cut)
    options.levels = values.text("levels").flatMap(OptionText.levels) ?? .keep
    options.sampleType = values.text("bit-depth").flatMap(OptionText.sampleType)
    return options
  }

  // MARK: - Inputs

  var pageSelection: PageSelection? { values.text("page").flatMap(PageSelection.init) }
  /// Pages in a row, where they are asked for by their numbers.
  var pages: ClosedRange<Int>? { pageSelection?.range }

  func readerOptions(_ tiling: TilingOptions) -> ImageReader.Options {
    var options = ImageReader.Options()
    options.maxPixels = values.integer("max-pixels")
    options.maxMemory = tiling.maxMemory
    options.isTolerant = values.flag("allow-truncated")
    options.page = pages.map { $0.lowerBound - 1 } ?? 0
    options.nodata = values.nodata
    options.masks = masks
    return options
  }

  /// The masks of ``ImageReader/Options/masks``, once they have been read.
  var masks: [Mask] = []

  /// Reads the mask that is named.
  ///
  /// - Throws: What opening and reading it throws, with its file's name.
  mutating func readMasks(_ made: MadeFilters?) throws {
    masks = try values.text("mask").map { try made?.masks($0) ?? Mask.all(of: $0) } ?? []
  }

  /// How many pages of a file are asked for; nil: all of a stream, whose number shows at its end.
  func pageCount(of reader: ImageReader) throws -> Int? {
    guard let selection = pageSelection else {
      if let count = reader.imagesWithoutDirectory {
        throw ImbrexError(
          .input,
          "ImageJ says that it has \(count) images, but only the first has a directory, as in its files over 4 GB:"
            + " take that alone with --page 1", cause: .unsupported)
      }
      return reader.pageCount
    }
    guard let pages else { return try selection.list(in: StackAxes(reader))!.count }
    if let count = reader.pageCount, count < pages.upperBound { throw Self.noPage(pages.upperBound, only: count) }
    return pages.count
  }

  static func noPage(_ page: Int, only count: Int) -> ImbrexError {
    ImbrexError(.noPage, "there is no page \(page): it has \(count)")
  }

  // MARK: - Sweeps

  var sheet: String? { values.text("sheet") }
  var sheetRegion: Region? { values.text("sheet-region").flatMap(OptionText.region) }
  var sheetSize: Sheet.Size {
    values.text("sheet-size").flatMap(OptionText.extent).map { Sheet.Size(width: $0.width, height: $0.height) }
      ?? .screen
  }
  var truth: String? { values.text("truth") }
  var tolerance: Double? { if case .number(let value)? = values["tolerance"] { value } else { nil } }
  /// Whether results need not be written: they are looked at otherwise.
  var needsNoOutput: Bool { output == nil && !inPlace && (sheet != nil || truth != nil) }

  // MARK: - Batches

  var isRecursive: Bool { values.flag("recursive") }
  var filesFrom: String? { values.text("files-from") }
  var isNulSeparated: Bool { values.flag("null") }
  var base: String? { values.text("base") }
  var shard: Shard? { values.text("shard").flatMap(Shard.init) }
  var name: String? { values.text("name") }
  var inPlace: Bool { values.isGiven("in-place") }
  /// What `--in-place=SUFFIX` adds to the old file's name.
  var backupSuffix: String? { values.text("in-place").flatMap { $0.isEmpty ? nil : $0 } }
  var sync: Bool { values.flag("sync") }
  var noClobber: Bool { values.flag("no-clobber") }
  var incremental: Bool { values.flag("incremental") }
  var dryRun: Bool { values.flag("dry-run") }
  var failFast: Bool { values.flag("fail-fast") }

  var selection: InputSelection {
    func patterns(_ name: String) -> [String] { values.list(name).map(\.description) }
    var selection = InputSelection()
    selection.isRecursive = isRecursive
    selection.includes = patterns("include")
    selection.excludes = patterns("exclude")
    selection.excludedDirectory = output
    selection.base = base
    return selection
  }

  // MARK: - Reports

  var explain: Bool { values.flag("explain") }
  var json: Bool { values.flag("json") }
  var quiet: Bool { values.flag("quiet") }
  var verbose: Bool { values.flag("verbose") }
  var report: String? { values.text("report") }

  // MARK: - Tiling

  func tiling() throws -> TilingOptions {
    let isSerial = values.flag("serial")
    let jobs = try isSerial ? 1 : self.jobs()
    var options = TilingOptions(workers: jobs == 0 ? availableCores() : jobs)
    options.isSerial = isSerial
    options.set(values)
    if case .size(let rows, let columns)? = values["chunks"] {
      options.chunks = TilingOptions.Grid(rows: rows, columns: columns)
    }
    if case .size(let height, let width)? = values["tile"] { options.tile = (height: height, width: width) }
    return options
  }

  /// `--jobs`, else `IMBREX_JOBS`, else 0.
  private func jobs() throws -> Int {
    if case .integer(let jobs)? = values["jobs"] { return jobs }
    guard let text = environment("IMBREX_JOBS") else { return 0 }
    guard let jobs = wholeNumber(text), (0...4096).contains(jobs) else {
      throw ImbrexError(.usage, "IMBREX_JOBS is '\(text)', but must be a number between 0 and 4096")
    }
    return jobs
  }
}

extension TilingOptions {
  /// Takes ghosts and memory from options that have those names.
  mutating func set(_ values: OptionValues) {
    if let halo = values.text("halo").flatMap(OptionText.halo) { (haloY, haloX) = (halo.y, halo.x) }
    if let memory = values.text("max-memory").flatMap(OptionText.byteCount) { maxMemory = memory }
  }
}

extension FilterDefinition {
  /// Makes the filter, with the pictures that its options name read from files.
  func make(_ values: OptionValues) throws -> any Filter { try makeMeasured(values, Self.open) }

  /// Opens a picture that an option names.
  static func open(_ path: String) throws -> any RowSource {
    do {
      return try ImageReader(path: path)
    } catch let error as ImbrexError {
      throw error.prefixed("\(path): ")
    }
  }
}
