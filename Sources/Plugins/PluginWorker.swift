import Pipeline
import Platform
import Synchronization
internal import SystemShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A process that runs a plug-in for another one, so that only this one dies with it: the same program, started in a hidden
/// mode. Requests come on standard input, answers go to standard output, tiles lie in memory that both share.
public enum PluginWorker {
  /// The word behind the program's name that asks for it.
  package static let word = "--plugin-worker"
  /// The descriptor of the shared memory.
  static let memoryDescriptor: Int32 = 3

  private static let isServed = Atomic(false)
  private static let isConfined = Atomic(true)
  private static let openWord = "--no-sandbox"

  /// Whether plug-ins keep the rights of their user, once they are loaded.
  public static func setConfined(_ value: Bool) { isConfined.store(value, ordering: .relaxed) }

  /// What starts a worker.
  package static func words() throws -> [String] {
    [try program(), word] + (isConfined.load(ordering: .relaxed) ? [] : [openWord])
  }

  /// The path of this program, which can be started as a worker.
  static func program() throws -> String {
    guard isServed.load(ordering: .relaxed) else {
      throw ImbrexError(
        .usage, "needs a worker process, which this program does not serve as", remedy: .init("in-process"))
    }
    guard let path = system_program() else {
      throw ImbrexError(
        .input, "needs a worker process, but this program's own file cannot be found", remedy: .init("in-process"))
    }
    defer { free(path) }
    return PathText.text(path)
  }

  /// To be called before anything else by a program that runs plug-ins in worker processes. Does not return in a worker.
  public static func serveIfAsked() {
    isServed.store(true, ordering: .relaxed)
    let arguments = commandLineArguments()
    guard arguments.first == word else { return }
    var session = PluginSession(isConfined: !arguments.contains(openWord))
    session.serve()
    exit(0)
  }
}

/// A worker's work, from its start to its end.
private struct PluginSession {
  private let requests: Int32
  private let answers: Int32
  private var library: PluginLibrary?
  private var calls: PluginCalls?
  private var memory = TileMemory()
  private let isConfined: Bool
  /// The library's, until there is a sandbox around it.
  private var path: String?

  init(isConfined: Bool) {
    self.isConfined = isConfined
    // What the plug-in reads and prints is not to be mistaken for what imbrex says.
    requests = fcntl(0, F_DUPFD_CLOEXEC, 10)
    answers = fcntl(1, F_DUPFD_CLOEXEC, 10)
    let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
    guard requests >= 0, answers >= 0, nothing >= 0, dup2(nothing, 0) == 0, dup2(2, 1) == 1 else { exit(1) }
    _ = fcntl(PluginWorker.memoryDescriptor, F_SETFD, FD_CLOEXEC)
    system_follow(requests)
  }

  mutating func serve() {
    while let request = read() {
      var answer = PluginMessage()
      answer.add(0)
      do {
        try perform(request, &answer)
      } catch let error as ImbrexError {
        answer = PluginMessage()
        answer.add(1)
        answer.add(error.message)
      } catch {
        return
      }
      // What the plug-in has printed comes before the answer.
      fflush(nil)
      guard write(answer.bytes) else { return }
    }
  }

  private mutating func perform(_ request: [UInt8], _ answer: inout PluginMessage) throws {
    var request = PluginMessage(request)
    let kind = PluginRequest(rawValue: try request.integer())
    // What has been loaded and set up so far is the user's; what comes now is a stranger's.
    if kind == .output || kind == .apply { confine() }
    switch kind {
    case .load:
      let path = try request.text(), library = try PluginLibrary(path: path)
      self.library = library
      self.path = path
      answer.add(library.filters.count)
      for filter in library.filters { filter.description.write(to: &answer) }
    case .choose:
      guard let library else { throw PluginMessage.damaged }
      let index = try request.integer()
      var values: [OptionValue] = []
      for _ in 0..<(try request.count()) { values.append(try OptionValue(from: &request)) }
      calls = try PluginCalls(library, filter: index, values)
    case .reach: try chosen().reach().write(to: &answer)
    case .output: try chosen().output(for: PluginPicture(from: &request)).write(to: &answer)
    case .apply:
      let tile = try PluginTile(from: &request)
      let (source, target) = try memory.mapped(for: tile)
      try chosen().apply(tile, source: source, target: target)
    case nil: throw PluginMessage.damaged
    }
  }

  private mutating func confine() {
    guard isConfined, let path else { return }
    Sandbox.enterForPlugin(at: path)
    self.path = nil
  }

  private func chosen() throws -> PluginCalls {
    guard let calls else { throw PluginMessage.damaged }
    return calls
  }

  // MARK: - Messages: their length, then their bytes

  private func read() -> [UInt8]? {
    var length = 0
    guard withUnsafeMutableBytes(of: &length, { read(into: $0) }), (0..<1 << 30).contains(length) else { return nil }
    var bytes = [UInt8](repeating: 0, count: length)
    return bytes.withUnsafeMutableBytes({ read(into: $0) }) ? bytes : nil
  }

  private func read(into bytes: UnsafeMutableRawBufferPointer) -> Bool {
    var done = 0
    while done < bytes.count {
      let count = readSome(requests, bytes.baseAddress! + done, bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      done += count
    }
    return true
  }

  private func write(_ bytes: [UInt8]) -> Bool {
    let bytes = withUnsafeBytes(of: bytes.count) { Array($0) } + bytes
    return bytes.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = writeSome(answers, bytes.baseAddress! + done, bytes.count - done)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        done += count
      }
      return true
    }
  }
}

private func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
private func readSome(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(descriptor, bytes, count)
}

/// The shared memory as a worker sees it: the source cannot be written, and before and behind source and target nothing is.
private struct TileMemory {
  private var base: UnsafeMutableRawPointer?
  private var sourceSize = 0
  private var targetSize = 0
  private static let gap = PluginTile.pageSize

  mutating func mapped(for tile: PluginTile) throws -> (source: UnsafeRawPointer, target: UnsafeMutableRawPointer) {
    if base == nil || tile.sourceSize != sourceSize || tile.targetSize != targetSize { try map(tile) }
    return (UnsafeRawPointer(base! + Self.gap), base! + (2 * Self.gap + sourceSize))
  }

  private mutating func map(_ tile: PluginTile) throws {
    if let base { munmap(base, sourceSize + targetSize + 3 * Self.gap) }
    base = nil
    (sourceSize, targetSize) = (tile.sourceSize, tile.targetSize)
    let all = mmap(nil, sourceSize + targetSize + 3 * Self.gap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let all, all != MAP_FAILED else { throw ImbrexError(.limit, refused: "has no room for a tile") }
    let file = PluginWorker.memoryDescriptor
    let source = mmap(all + Self.gap, sourceSize, PROT_READ, MAP_SHARED | MAP_FIXED, file, 0)
    let target = mmap(
      all + (2 * Self.gap + sourceSize), targetSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
      off_t(sourceSize))
    guard source != MAP_FAILED, target != MAP_FAILED else {
      throw ImbrexError(.limit, refused: "has no room for a tile")
    }
    base = all
  }
}
