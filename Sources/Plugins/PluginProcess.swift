import Pictures
import Pipeline
import Platform
internal import SystemShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A plug-in in worker processes, one for each runner.
final class RemotePlugin: PluginHost {
  private let path: String
  private let timeout: Double?
  let filters: [PluginDescription]
  /// What has been chosen, for further processes, and the process that described the filters, until a runner takes it.
  private let state: Locked<(chosen: [UInt8], spare: PluginProcess?)>

  /// - Parameter timeout: Seconds that a call may take; nil: any.
  init(path: String, timeout: Double?) throws {
    (self.path, self.timeout) = (path, timeout)
    let process: PluginProcess
    (process, filters) = try Self.start(path, timeout)
    state = Locked(([], process))
  }

  private static func start(_ path: String, _ timeout: Double?) throws -> (PluginProcess, [PluginDescription]) {
    let process = try PluginProcess(timeout: timeout)
    var answer = try process.ask(.load) { $0.add(path) }
    var filters: [PluginDescription] = []
    for _ in 0..<(try answer.count()) { filters.append(try PluginDescription(from: &answer)) }
    return (process, filters)
  }

  func choose(_ filter: Int, _ values: [OptionValue]) throws {
    var chosen = PluginMessage()
    chosen.add(filter)
    chosen.add(values.count)
    for value in values { value.write(to: &chosen) }
    try state.withLock { state in
      state.chosen = chosen.bytes
      try state.spare?.ask(.choose) { $0.add(bytes: chosen.bytes) }
    }
  }

  /// A process that knows what has been chosen.
  private func makeProcess() throws -> PluginProcess {
    let (chosen, spare) = state.withLock { state in
      defer { state.spare = nil }
      return (state.chosen, state.spare)
    }
    if let spare { return spare }
    let (process, described) = try Self.start(path, timeout)
    guard described == filters else { throw ImbrexError(.input, "has changed while it was in use") }
    try process.ask(.choose) { $0.add(bytes: chosen) }
    return process
  }

  /// Asks the spare process, which stays the spare one.
  private func askOnce(_ request: PluginRequest, _ write: (inout PluginMessage) -> Void) throws -> PluginMessage {
    let process = try makeProcess()
    let answer = try process.ask(request, write)
    state.withLock { $0.spare = process }
    return answer
  }

  func reach() throws -> PluginReach {
    var answer = try askOnce(.reach) { _ in }
    return try PluginReach(from: &answer)
  }

  func output(for picture: PluginPicture) throws -> PluginPicture {
    var answer = try askOnce(.output) { picture.write(to: &$0) }
    let made = try PluginPicture(from: &answer)
    guard made.width == picture.width, made.height == picture.height else { throw PluginMessage.damaged }
    return made
  }

  func makeRunner() throws -> any PluginRunner { try makeProcess() }
}

/// A worker process, from the side of the one that uses it. It does not outlive the last reference, nor this process.
private final class PluginProcess: PluginRunner, @unchecked Sendable {
  private let child: ChildProcess
  private let memory: SharedMemory
  private let timeout: Double?

  init(timeout: Double?) throws {
    self.timeout = timeout
    memory = try SharedMemory()
    child = try ChildProcess(try PluginWorker.words(), shared: memory.descriptor)
  }

  func cancel() { child.kill() }

  func apply(
    _ tile: PluginTile, fill: (UnsafeMutableRawPointer) -> Void, say: @escaping (String) -> Void
  ) throws -> UnsafeRawPointer {
    let source = try memory.base(of: tile.byteCount)
    fill(source)
    child.lines.take = say
    defer { child.lines.take = nil }
    try ask(.apply) { tile.write(to: &$0) }
    return UnsafeRawPointer(source + tile.sourceSize)
  }

  /// Sends a request and waits for its answer.
  ///
  /// - Throws: ``ImbrexError`` for what the plug-in says, and for its end.
  @discardableResult
  func ask(_ request: PluginRequest, _ write: (inout PluginMessage) -> Void) throws -> PluginMessage {
    var message = PluginMessage()
    message.add(request.rawValue)
    write(&message)
    let deadline = timeout.map { monotonicNanoseconds() + Int(min($0, 1e9) * 1e9) }
    try send(withUnsafeBytes(of: message.bytes.count) { Array($0) } + message.bytes, deadline)
    let length = try receive(8, deadline).withUnsafeBytes { $0.loadUnaligned(as: Int.self) }
    guard (0..<1 << 26).contains(length) else { throw PluginMessage.damaged }
    var answer = PluginMessage(try receive(length, deadline))
    child.takeErrors()
    guard try answer.integer() == 0 else { throw ImbrexError(.input, PathText.printable(try answer.text())) }
    return answer
  }

  private func send(_ bytes: [UInt8], _ deadline: Int?) throws {
    try bytes.withUnsafeBytes { bytes in
      var list = ByteList()
      list.append(bytes.baseAddress!, bytes.count)
      while !list.isEmpty {
        switch child.write(&list) {
        case .bytes: break
        case .later: try wait(toWrite: true, until: deadline)
        case .closed: throw ended()
        }
      }
    }
  }

  private func receive(_ count: Int, _ deadline: Int?) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      switch bytes.withUnsafeMutableBytes({ child.read(into: $0.baseAddress! + done, count - done) }) {
      case .bytes(let some): done += some
      case .later: try wait(toWrite: false, until: deadline)
      case .closed: throw ended()
      }
    }
    return bytes
  }

  private func wait(toWrite: Bool, until deadline: Int?) throws {
    switch child.wait(toWrite: toWrite, toRead: !toWrite, until: deadline) {
    case .ready: break
    case .gone: throw ended()
    case .late:
      child.kill()
      throw ImbrexError(.input, "takes longer than \(shortest(timeout!)) s (see --tile-timeout)")
    }
  }

  /// Why it has closed its pipe: it has ended, or is about to, unless a plug-in closes what is not its own.
  private func ended() -> ImbrexError {
    let ending = child.waitForEnd(until: monotonicNanoseconds() + 200_000_000)
    child.kill()
    let words = child.lines.last.map { ": \(PathText.printable($0))" } ?? ""
    switch ending {
    case .signal(let number): return ImbrexError(.input, "crashes (\(signalName(number)))\(words)")
    case .status(let status): return ImbrexError(.input, "ends its process with status \(status)\(words)")
    case nil: return ImbrexError(.input, "closes what imbrex had opened\(words)")
    }
  }
}

/// Memory that a worker process shares: without a name, gone with the last of the two.
private final class SharedMemory {
  let descriptor: Int32
  private var base: UnsafeMutableRawPointer?
  private var size = 0

  init() throws {
    let file = system_shared_memory()
    descriptor = file >= 0 ? file : try openTemporaryFile()
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  deinit {
    if let base { munmap(base, size) }
    close(descriptor)
  }

  /// At least so many bytes.
  func base(of count: Int) throws -> UnsafeMutableRawPointer {
    if let base, size >= count { return base }
    if let base { munmap(base, size) }
    base = nil
    // Room is taken now: a page that finds none later would be a signal, not an error.
    #if canImport(Darwin)
      let failure = ftruncate(descriptor, off_t(count)) == 0 ? 0 : errno
    #else
      var failure = EINTR
      while failure == EINTR { failure = posix_fallocate(descriptor, 0, off_t(count)) }
    #endif
    guard failure == 0 else { throw ImbrexError(.limit, refused: "has no room for a tile of \(count) bytes", failure) }
    let address = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let address, address != MAP_FAILED else {
      throw ImbrexError(.limit, refused: "has no room for a tile of \(count) bytes")
    }
    (base, size) = (address, count)
    return address
  }
}
