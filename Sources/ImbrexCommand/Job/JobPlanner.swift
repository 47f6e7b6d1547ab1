import Imbrex

/// Makes a job's plan: finds the inputs, cuts large pictures into parts, and puts the tasks in order.
struct JobPlanner {
  private let run: FilterRun
  private let outputs: RunOutputs
  private let command: [String]
  private let parts: Int
  private let makesCopies: Bool
  private let tiling: TilingOptions
  private var tasks: [JobPlan.Task] = []
  private var waves: [JobPlan.Wave] = []
  private var pictures: [JobPlan.SplitPicture] = []
  /// Tasks that make rows of tables that all inputs share.
  private var tableNeeds: [Int] = []

  /// Bytes that a task may hold where nobody says: less than the machines of a cluster have for each of their cores.
  private static let defaultMaxMemory = 1 << 30

  /// - Parameters:
  ///   - command: The words of the command line; `line` is what they mean.
  ///   - makesCopies: Pictures that can only be read from the top are made into tiled ones first.
  init(_ line: ParsedLine, command: [String], parts: Int, makesCopies: Bool) throws {
    self.command = command
    self.parts = parts
    self.makesCopies = makesCopies
    try Self.check(line)
    run = try FilterRun(line)
    outputs = try RunOutputs(run)
    if line.options.isGiven("no-sandbox") {
      throw ImbrexError(option: "no-sandbox", "stands with job create, and with job run")
    }
    var tiling = try run.options.tiling()
    if !line.options.isGiven("max-memory") { tiling.maxMemory = min(tiling.maxMemory, Self.defaultMaxMemory) }
    self.tiling = tiling
  }

  /// Options that make no sense where tasks may be run twice, anywhere, without a terminal.
  private static func check(_ line: ParsedLine) throws {
    for name in ["in-place", "explain", "dry-run", "report", "incremental", "fail-fast"]
    where line.options.isGiven(name) {
      throw ImbrexError(option: name, "does not go with a job")
    }
    if CommonOptions(line).pageSelection.map({ $0.range == nil }) ?? false {
      throw ImbrexError(option: "page", "must be N or N-M with a job: pages in a row")
    }
  }

  /// An input as planning sees it.
  private struct Found {
    /// Its number among all inputs: some may be left out.
    let index: Int
    let item: BatchPlan.Item
    let kept: String
    var pixels = 0
    /// Of each page, if it can be worked on in parts.
    var pages: [ImageDescription]?
    var readsFromTop = false
  }

  /// What planning looks at.
  func needs(_ confinement: inout Confinement) { confinement.reads(run, outputs.plan) }

  mutating func plan() throws -> JobPlan {
    // A plan that leaves out what is there would be kept to for ever.
    if let (path, error) = outputs.plan.unread.first { throw NamedError(file: path, error: error) }
    if outputs.plan.count == 1, outputs.plan[0].input == "-" {
      throw ImbrexError(.usage, "standard input cannot be read again and again: name a file")
    }
    if !run.pipeline.makesTable, outputs.plan.count == 1, outputs.plan[0].output == "-" {
      throw ImbrexError(.usage, "a job needs a file to write: use -o FILE")
    }
    // Now rather than when the last task ends.
    if !outputs.writesToDirectory, let path = outputs.sharedTable ?? outputs.plan[0].output, path != "-" {
      try OutputFile.checkDirectory(of: path)
    }
    var found = (0..<outputs.plan.count).map {
      Found(index: $0, item: outputs.plan[$0], kept: outputs.plan.kept($0))
    }
    if run.options.noClobber {
      let isTableThere = outputs.sharedTable.map { $0 != "-" && fileExists($0) } ?? false
      found.removeAll { isTableThere || $0.item.output.map(fileExists) ?? false }
    }
    for index in found.indices { look(at: &found[index], alone: found.count == 1) }
    let all = found.reduce(0) { $0 + $1.pixels }
    // Work of a part, about.
    let share = max(all / parts, 1)
    var small: [Int] = []
    for (index, file) in found.enumerated() {
      let count = found.count == 1 ? parts : (file.pixels + share / 2) / share
      if file.pages != nil && count > 1, let cut = try cut(file, into: count, alone: found.count == 1) {
        split(file, index, cut, into: count, of: found.count)
      } else {
        small.append(index)
      }
    }
    addFiles(small, found, share: share)
    if outputs.sharedTable != nil && !found.isEmpty {
      add("table", tableNeeds, makes: outputs.sharedTable.map { [$0] }!, pixels: 0, .table)
    }
    return JobPlan(
      directory: currentDirectory(), command: command, parts: parts,
      inputs: try found.map { try input($0.item.input, kept: $0.kept) },
      named: try namedFiles(), outputs: outputs.sharedTable.map { [$0] } ?? found.compactMap(\.item.output),
      waves: waves, tasks: tasks,
      pictures: pictures, maxMemory: tiling.maxMemory)
  }

  private func input(_ path: String, kept: String) throws -> JobPlan.Input {
    guard let stamp = DoneRecord.Stamp(ofFile: path) else {
      return JobPlan.Input(path: path, kept: kept, size: 0, modified: 0, content: "")
    }
    let content = (try? ContentHash(ofFile: path).description) ?? ""
    return JobPlan.Input(path: path, kept: kept, size: stamp.size, modified: stamp.time, content: content)
  }

  /// The files that options of filters name: a result in parts must not be of two states of one.
  private func namedFiles() throws -> [JobPlan.Input] {
    try run.stages.flatMap { stage in
      guard case .filter(let definition, let values) = stage else { return [JobPlan.Input]() }
      return try definition.options.compactMap { option in
        try values[option.name].flatMap { option.path(of: $0) }.map { try input($0, kept: $0) }
      }
    }
  }

  // MARK: - Looking

  /// Reads a picture's header; what cannot be read is worked on as a whole, and fails there.
  private func look(at file: inout Found, alone: Bool) {
    do {
      let path = file.item.input
      let reader = try ImageReader(path: path, options: run.options.readerOptions(tiling))
      let asked = try run.options.pageCount(of: reader)
      var descriptions: [ImageDescription] = [], isSplit = true
      repeat {
        descriptions.append(reader.description)
        isSplit = isSplit && canSplit(reader, file.item)
      } while try descriptions.count != asked && reader.nextPage()
      file.pixels = descriptions.reduce(0) { $0 + $1.pixelCount }
      // A page that is not there is an error, too.
      guard asked == nil || descriptions.count == asked else { return }
      let first = descriptions[0]
      let probe = try ImageReader(path: path, options: run.options.readerOptions(tiling))
      try probe.select(Region(x: 0, y: 0, width: first.width, height: 1))
      file.readsFromTop = probe.readsFromTop
      // Several pages in what holds one are an error, which the file's own task has.
      let formats = [file.item.output].compactMap { $0.flatMap(ImageFormat.init(path:)) }
      let areHeld = descriptions.count == 1 || formats.allSatisfy(\.holdsPages) && run.options.overlay == nil
      if isSplit && areHeld { file.pages = descriptions }
    } catch {
      file.pages = nil
    }
  }

  /// Whether a picture's rows come out where they go in, and its filters can work on parts.
  private func canSplit(_ reader: ImageReader, _ item: BatchPlan.Item) -> Bool {
    // A file for each page is written as pages come.
    if outputs.plan.isPaged || outputs.sides.contains(where: \.plan.isPaged) { return false }
    guard (try? PartedPipeline(run.pipeline(for: reader), reader.description)) != nil else { return false }
    guard reader.metadata.isTurned else { return true }
    if run.options.autoOrient || run.options.strip { return false }
    let formats =
      [item.output, run.options.overlay].compactMap { $0.flatMap(ImageFormat.init(path:)) }
      + run.tees.compactMap { ImageFormat(path: $0.path) } + [run.options.format ?? reader.format]
    return formats.allSatisfy(\.holdsOrientation)
  }

  // MARK: - Tasks

  private mutating func add(
    _ name: String, _ needs: [Int], makes: [String], pixels: Int, memory: Int? = nil, _ work: JobPlan.Work
  ) {
    addWave(name, [(name, needs, makes, pixels, work)], memory: memory)
  }

  private mutating func addWave(
    _ name: String, _ new: [(name: String, needs: [Int], makes: [String], pixels: Int, work: JobPlan.Work)],
    memory: Int? = nil
  ) {
    guard !new.isEmpty else { return }
    waves.append(.init(name: name, tasks: tasks.count..<(tasks.count + new.count)))
    for task in new {
      tasks.append(
        .init(
          name: task.name, needs: Set(task.needs).sorted(), makes: task.makes, pixels: task.pixels,
          memory: memory ?? tiling.maxMemory, work: task.work))
    }
  }

  private func number(_ index: Int) -> String {
    let text = String(index)
    return String(repeating: "0", count: max(4 - text.count, 0)) + text
  }

  /// Whole pictures, about as many pixels in each task.
  private mutating func addFiles(_ small: [Int], _ found: [Found], share: Int) {
    var groups: [[Int]] = [], pixels = 0
    for index in small {
      if groups.isEmpty || pixels + found[index].pixels / 2 > share {
        groups.append([])
        pixels = 0
      }
      groups[groups.count - 1].append(index)
      // Opening a file costs something too.
      pixels += max(found[index].pixels, 10_000)
    }
    tableNeeds += tasks.count..<(tasks.count + groups.count)
    addWave(
      "files",
      groups.enumerated().map { number, group in
        (
          name: "files-\(self.number(number))", needs: [], makes: group.compactMap { found[$0].item.output },
          pixels: group.reduce(0) { $0 + found[$1].pixels }, work: .files(group)
        )
      })
  }

  // MARK: - Parts of a picture

  /// Nil for what cannot be worked on as it is asked for; its own task says why, and the other pictures go on.
  private func cut(_ file: Found, into count: Int, alone: Bool) throws -> JobCut? {
    do {
      return try JobCut(run, outputs, index: file.index, file.item, pages: file.pages!, into: count, tiling)
    } catch let error as ImbrexError {
      if alone { throw error }
      return nil
    }
  }

  private mutating func split(_ file: Found, _ input: Int, _ cut: JobCut, into count: Int, of files: Int) {
    let pages = file.pages!, picture = pictures.count
    let isCopied = makesCopies && file.readsFromTop
    pictures.append(.init(input: input, ends: cut.ends, isCopied: isCopied))
    if file.readsFromTop && !isCopied {
      Messages.report(
        "\(file.item.input): can only be read from its top, so its \(count) parts decode it about \(max(count / 2, 1)) "
          + "times in all: --tiled-copy makes a tiled TIFF of it first")
    }
    let prefix = files > 1 ? "p\(number(picture))-" : ""
    let folder = "parts/\(picture)/"
    let start = tasks.count
    if isCopied {
      add("\(prefix)copy", [], makes: [folder + "0/copy.tif"], pixels: file.pixels, .copy(picture: picture))
    }
    // Of each pass the task that a part is in, and the one that merges.
    var made: [(parts: [[Int]], merge: Int?)] = []
    for (index, pass) in cut.parted.passes.enumerated() {
      let name = "\(prefix)\(index)-\(pass.name)"
      let first = tasks.count
      let groups = cut.isSequential(index) ? [cut.groups.flatMap { $0 }] : cut.groups
      var ownTask = cut.ends.map { Array(repeating: 0, count: $0.count) }
      for (group, parts) in groups.enumerated() { for part in parts { ownTask[part.page][part.part] = first + group } }
      let new = groups.enumerated().map { group, parts in
        (
          name: groups.count == 1 ? name : "\(name)-\(number(group))",
          needs: (isCopied && pass.source == .input ? [start] : []) + needs(of: index, parts, cut, made),
          makes: parts.map { folder + "\($0.page)/*-\(number($0.part))*" }, pixels: cut.pixels(of: parts, pass: index),
          work: JobPlan.Work.pass(index, picture: picture, parts: parts)
        )
      }
      addWave(name, new, memory: tiling.maxMemory)
      var merge: Int?
      if case .round = pass.ending, !cut.isSequential(index) {
        merge = tasks.count
        add(
          "\(name)-merge", Array(first..<merge!), makes: [folder + "*/*.verdict"], pixels: 0,
          .merge(pass: index, picture: picture))
      }
      made.append((ownTask, merge))
    }
    let join = tasks.count
    let last = cut.parted.passes.count - 1
    // Everything that the outputs are made of: the last pass, merges of tables, and what was tapped before.
    let needed = made.indices.flatMap { index -> [Int] in
      index == last || cut.isTapped(index)
        ? made[index].parts.flatMap { $0 } + [made[index].merge].compactMap { $0 } : []
    }
    let sides = outputs.sidePaths(file.index, pages: pages.count)
    add(
      "\(prefix)join", needed, makes: [file.item.output].compactMap { $0 } + sides, pixels: file.pixels,
      .join(picture: picture))
    tableNeeds.append(join)
  }

  /// The tasks that some parts need in a pass.
  private func needs(
    of index: Int, _ parts: [JobPlan.PartNumber], _ cut: JobCut, _ made: [(parts: [[Int]], merge: Int?)]
  ) -> [Int] {
    let parted = cut.parted, pass = parted.passes[index]
    var needs: [Int] = []
    for part in parts {
      if case .pass(let other) = pass.source {
        let rows = parted.rowsRead(by: index, for: cut.rows(part))
        for (number, range) in cut.parts(page: part.page).enumerated() where range.overlaps(rows) {
          needs.append(made[other].parts[part.page][number])
        }
      }
      // Of the exchanges that it goes on from, or is in the midst of: what it kept, and what was merged.
      for earlier in 0..<index {
        guard case .round(let exchange, _) = parted.passes[earlier].ending, parted.isUsed(exchange, by: index) else {
          continue
        }
        if cut.isSequential(earlier) {
          needs += made[earlier].parts[part.page]
        } else {
          needs += [made[earlier].parts[part.page][part.part], made[earlier].merge!]
        }
      }
    }
    return needs
  }
}
