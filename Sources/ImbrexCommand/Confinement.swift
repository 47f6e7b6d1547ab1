import Imbrex

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Gives up all that a run does not need before the first byte of a picture is looked at: see ``Sandbox``.
struct Confinement {
  private var sandbox = Sandbox()
  private let isOff: Bool
  private let isVerbose: Bool
  /// Directories that were made for outputs, the topmost first.
  private var made: [(path: String, slot: Int32)] = []

  init(isOff: Bool, isVerbose: Bool) { (self.isOff, self.isVerbose) = (isOff, isVerbose) }

  init(_ options: CommonOptions) {
    self.init(isOff: options.values.flag("no-sandbox"), isVerbose: options.verbose)
  }

  // MARK: - What is needed

  mutating func reads(_ path: String) { if path != "-" { sandbox.readable.append(path) } }

  mutating func reads(_ places: InputPlaces) { sandbox.readable += places.directories + places.files }

  /// The inputs of a run, and what its options name.
  mutating func reads(_ run: FilterRun, _ plan: BatchPlan) {
    reads(plan.inputPlaces)
    if run.options.inPlace { sandbox.writable += plan.inputPlaces.writable }
    run.optionFiles.forEach { reads($0.path) }
    starts(run.stages)
  }

  /// What the user's functions are started by.
  mutating func starts(_ stages: [ParsedStage]) {
    for case .filter(let definition, let values) in stages { sandbox.commands += definition.startedCommands(values) }
  }

  mutating func writes(_ outputs: RunOutputs, of options: CommonOptions) {
    let places = outputs.places(options)
    if options.dryRun || options.explain {
      // What is there already is looked at.
      for place in places where place.path != "-" {
        sandbox.readable.append(Self.existing(place.isDirectory ? place.path : Self.parent(place.path)))
      }
      return
    }
    for place in places { writes(place.path, isDirectory: place.isDirectory) }
    if let report = options.report, report != "-" {
      // It has its name from the beginning, and needs no other files beside it.
      let descriptor = isOff ? -1 : openFile(report, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0o666)
      if descriptor >= 0 { close(descriptor) }
      sandbox.writable.append(report)
    }
  }

  /// - Parameter isDirectory: Whether the path is that of a directory, in which files are made; it is made itself where it is missing.
  mutating func writes(_ path: String, isDirectory: Bool) {
    guard path != "-" && !isOff else { return }
    if !isDirectory {
      if isSpecialFile(path) { return sandbox.writable.append(path) }
      sandbox.writable += Set([path, resolvedPath(path) ?? path].map(Self.parent))
      return
    }
    let missing = Self.missing(path)
    for directory in missing where makeDirectory(directory) {
      made.append((directory, removeOnSignal(directory)))
    }
    sandbox.writable.append(Self.missing(path).isEmpty ? path : Self.existing(path))
    // Where nothing was written nothing is left.
    if let first = missing.first { sandbox.removable.append(Self.parent(first)) }
  }

  private static func parent(_ path: String) -> String {
    let directory = PathText.split(path).directory
    return directory.isEmpty ? "." : directory
  }

  /// Of a directory and those above it the ones that are not there, the topmost first.
  private static func missing(_ path: String) -> [String] {
    var prefix = path.utf8.first == 0x2F ? "/" : "", missing: [String] = []
    for part in PathText.components(path) {
      prefix += part
      if !fileExists(prefix) { missing.append(prefix) }
      prefix += "/"
    }
    return missing
  }

  private static func existing(_ path: String) -> String { missing(path).first.map(parent) ?? path }

  // MARK: - Going in

  /// Enters the sandbox and does the work.
  func around(_ body: () throws -> Void) throws {
    defer {
      for (path, slot) in made.reversed() {
        removeDirectory(path)
        forgetCleanup(slot)
      }
    }
    enter()
    try body()
  }

  func enter() {
    guard !isOff else { return }
    let missing = sandbox.enter()
    if isVerbose && !missing.isEmpty { Messages.report("no sandbox, or less of it: \(listed(missing))") }
  }
}

extension FilterDefinition {
  /// The programs that a stage starts while pictures are being worked on.
  fileprivate func startedCommands(_ values: OptionValues) -> [[String]] {
    guard name == "apply" else { return [] }
    if let command = values.text("command") { return [ChildProcess.shellWords(command)] }
    return values.flag("in-process") ? [] : (try? PluginWorker.words()).map { [$0] } ?? []
  }
}
