import Pipeline
package import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The files of a run and where their results go, checked before anything is written.
package struct BatchPlan: Sendable {
  package struct Item: Equatable, Sendable {
    package let input: String
    /// A path, or `-`; nil where nothing is written.
    package let output: String?

    package init(input: String, output: String?) { (self.input, self.output) = (input, output) }
  }

  package enum Output: Sendable {
    /// No files are written.
    case none
    /// One input's result: a path, or `-` for standard output.
    case single(String)
    case directory(OutputNaming)
    /// Each over its input.
    case inPlace
  }

  private let inputs: PathList
  private let output: Output
  /// Those of the inputs that this is about; nil: all.
  private let chosen: [Int]?

  private init(inputs: PathList, output: Output, chosen: [Int]?) {
    (self.inputs, self.output, self.chosen) = (inputs, output, chosen)
  }

  /// The same inputs with other outputs, checked likewise.
  package func with(_ output: Output) throws -> BatchPlan {
    let plan = BatchPlan(inputs: inputs, output: output, chosen: chosen)
    try plan.checkOutputs()
    return plan
  }

  /// A part of it. Checks are of the whole: two parts would write one file as one run would.
  package func part(_ shard: Shard) -> BatchPlan {
    let part = (0..<inputs.count).filter { shard.contains(inputs[$0].kept) }
    return BatchPlan(inputs: inputs, output: output, chosen: part)
  }

  package var count: Int { chosen?.count ?? inputs.count }

  /// Where the inputs are.
  package var inputPlaces: InputPlaces { inputs.places }

  /// Directories, and files in them, that could not be looked into: what they have is missing here.
  package var unread: [(path: String, error: ImbrexError)] { inputs.unread }

  /// Whether there are several inputs, of which this may be a part.
  package var isMany: Bool { inputs.count > 1 }

  /// Where each page is a file of its own, the output has `{page}` in the place of its number.
  package subscript(index: Int) -> Item {
    let input = inputs[chosen?[index] ?? index]
    return Item(input: input.path, output: output(input))
  }

  /// Whether each page of an input is written as a file of its own.
  package var isPaged: Bool { if case .directory(let naming) = output { naming.isPaged } else { false } }

  /// The axes of a stack whose places are in the names of pages.
  package var namedAxes: [Character] { if case .directory(let naming) = output { naming.namedAxes } else { [] } }

  /// Where a page goes.
  package func output(_ index: Int, page: PageLabel) -> String? { output(inputs[chosen?[index] ?? index], page: page) }

  private func output(_ input: (path: String, kept: String), page: PageLabel? = nil) -> String? {
    switch output {
    case .none: nil
    case .single(let path): path
    case .directory(let naming): naming.path(for: input, page: page)
    case .inPlace: input.path
    }
  }

  /// - Parameters:
  ///   - inputs: Files, directories, or `-`.
  ///   - selection: Which files of directories are taken.
  ///   - output: Where the results go.
  /// - Throws: ``ImbrexError`` of usage where two results would be one file, or where one would be written over another's
  ///   input; and if a directory cannot be read.
  package init(inputs: [String], selection: InputSelection, output: Output) throws {
    self.inputs = try selection.files(named: inputs)
    self.output = output
    chosen = nil
    try checkOutputs()
  }

  /// - Parameter listed: Files, and of each the end of its path that an output keeps.
  package init(listed: [(path: String, kept: String)], output: Output) throws {
    var list = PathList()
    for file in listed {
      list.append(file.path, keeping: PathText.bytes(file.kept).count)
      list.places.add(file: file.path)
      list.isOfDirectories = false
    }
    inputs = list
    self.output = output
    chosen = nil
    try checkOutputs()
  }

  /// The end of an input's path that its output keeps.
  package func kept(_ index: Int) -> String { inputs[chosen?[index] ?? index].kept }

  private func checkOutputs() throws {
    switch output {
    case .directory: try check()
    case .inPlace: try checkInPlace()
    case .none, .single: break
    }
  }

  private func checkInPlace() throws {
    for index in 0..<count where self[index].input == "-" {
      throw ImbrexError(.usage, "standard input cannot be written in place")
    }
    if let twice = firstShared({ $0.input }, { $0.input }) {
      throw ImbrexError(.usage, "'\(self[twice.0].input)' is named twice")
    }
  }

  /// Checks a file that is written beside the outputs, such as a report.
  ///
  /// - Throws: ``ImbrexError`` of usage if it is one of the inputs or, unless `isOutput`, of the outputs.
  package func checkApart(_ path: String, _ name: String, isOutput: Bool = false) throws {
    for index in 0..<count {
      let item = self[index]
      if isSameFile(path, item.input) {
        throw ImbrexError(.usage, "\(name) '\(path)' would be written over the input '\(item.input)'")
      }
      if !isOutput, let output = item.output, isSameFile(path, output) {
        throw ImbrexError(.usage, "\(name) '\(path)' would be written over the output '\(output)'")
      }
    }
  }

  /// Checks that nothing is written over its own input, where the results are no pictures.
  package func checkResultsApart() throws {
    for index in 0..<count {
      let item = self[index]
      if let output = item.output, isSameFile(output, item.input) {
        throw ImbrexError(.usage, "the result of '\(item.input)' would be written over it")
      }
    }
  }

  /// Checks that no input is where another's old content is to be kept.
  package func checkBackups(suffix: String) throws {
    guard let index = (0..<count).first(where: { fileStatus(self[$0].input + suffix) != nil }) else { return }
    throw ImbrexError(
      option: "in-place",
      "would write over '\(self[index].input + suffix)', which is there already: move it away, or choose another suffix"
    )
  }

  /// A directory of inputs is not the directory of outputs without a word.
  private func checkNotInPlace() throws {
    guard let index = (0..<count).first(where: { isSameFile(self[$0].output!, self[$0].input) }) else { return }
    throw ImbrexError(
      .usage, "the result of '\(self[index].input)' would be written over it", remedy: .init("in-place"))
  }

  /// Whether names of outputs are those of the files of one directory, so that no two are the same: of very many files this is
  /// known without a look at each.
  private var hasOwnNames: Bool {
    guard case .directory(let naming) = output, naming.keepsNames, chosen == nil else { return false }
    return inputs.places.directories.count == 1 && inputs.isOfDirectories
  }

  private func check() throws {
    for index in 0..<count where self[index].input == "-" {
      throw ImbrexError(.usage, "standard input has no name in a directory: use -o FILE")
    }
    if !hasOwnNames, let (first, second) = firstShared({ $0.output }, { $0.output }) {
      let (a, b) = (self[first], self[second])
      throw ImbrexError(.usage, "'\(a.input)' and '\(b.input)' would both be written to '\(a.output!)'")
    }
    // Where there is nothing yet, nothing is written over.
    if case .directory(let naming) = output, !fileExists(naming.directory) { return }
    try checkNotInPlace()
    if let (first, second) = firstShared({ $0.output }, { $0.input }) {
      throw ImbrexError(
        .usage, "the result of '\(self[first].input)' would be written over the input '\(self[second].input)'")
    }
  }

  /// The first two different items of which the one's `a` is the other's `b`. Only hashes are held, 16 bytes an item.
  private func firstShared(_ a: (Item) -> String?, _ b: (Item) -> String?) -> (Int, Int)? {
    guard count > 1 else { return nil }
    func hashes(_ key: (Item) -> String?) -> [(UInt64, Int)] {
      (0..<count).compactMap { index in key(self[index]).map { (Self.hash($0), index) } }.sorted { $0 < $1 }
    }
    let first = hashes(a), second = hashes(b)
    var found: (Int, Int)?
    var j = 0
    for (hash, i) in first {
      while j < second.count && second[j].0 < hash { j += 1 }
      var k = j
      while k < second.count && second[k].0 == hash {
        let other = second[k].1
        if other != i, Self.isSame(Self.normalized(a(self[i])!), Self.normalized(b(self[other])!)) {
          let pair = (min(i, other), max(i, other))
          if found.map({ pair < $0 }) ?? true {
            found = Self.isSame(a(self[pair.0])!, b(self[pair.1]) ?? "") ? pair : (i, other)
          }
        }
        k += 1
      }
    }
    return found
  }

  private static func hash(_ path: String) -> UInt64 { pathHash(normalized(path)) }

  /// To Swift, texts are the same that differ in how accents are written; to a file system, they are not.
  private static func isSame(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

  /// Without what may be written in several ways: `./`, `//`.
  private static func normalized(_ path: String) -> String {
    guard path.contains("./") || path.contains("//") else { return path }
    let parts = PathText.components(path).filter { $0 != "." }
    return (path.utf8.first == 0x2F ? "/" : "") + parts.joined(separator: "/")
  }
}

/// Whether two paths are one file, or will be, however they are spelled.
package func isSameFile(_ a: String, _ b: String) -> Bool {
  guard a != "-" && b != "-" else { return false }
  let first = fileStatus(a)
  if let first {
    guard let second = fileStatus(b) else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino && first.st_mode & S_IFMT == S_IFREG
  }
  return fileStatus(b) == nil && futurePlace(of: a).utf8.elementsEqual(futurePlace(of: b).utf8)
}

/// Where a file that does not exist yet will be: links of the directories that do exist are followed.
package func futurePlace(of path: String) -> String {
  var missing: [Substring] = [], rest = path[...]
  while true {
    while rest.count > 1 && rest.hasSuffix("/") { rest.removeLast() }
    let slash = rest.utf8.lastIndex(of: 0x2F)
    let name = slash.map { rest[rest.utf8.index(after: $0)...] } ?? rest
    let parent = slash.map { $0 == rest.startIndex ? "/" : String(rest[..<$0]) } ?? "."
    if name != "." { missing.append(name) }
    if let found = resolvedPath(parent) { return ([found[...]] + missing.reversed()).joined(separator: "/") }
    guard let slash else { return ([rest] + missing.reversed()).joined(separator: "/") }
    rest = rest[..<slash]
  }
}
