internal import SystemShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A child process with pipes to and from it, in a process group that never outlives this process.
///
/// One thread uses it; ``kill()`` may come from any.
package final class ChildProcess: @unchecked Sendable {
  /// How a process ended.
  package enum Ending: Equatable, Sendable {
    case status(Int)
    case signal(Int)
  }

  /// What a pipe said.
  package enum Transfer: Equatable, Sendable {
    case bytes(Int)
    /// Nothing for now.
    case later
    /// The other end is closed.
    case closed
  }

  private let child: system_child
  private var input: Int32
  private var errors: Int32
  /// Lines of standard error.
  package let lines = LineCollector()
  /// False once the process is reaped: its number may be another's then.
  private let isThere = Locked(true)

  /// Starts `sh -c command`.
  ///
  /// - Parameter environment: Added to this process's own.
  package convenience init(shell command: String, environment: [(name: String, value: String)]) throws {
    try self.init(Self.shellWords(command).map { PathText.bytes($0) }, environment, shared: -1)
  }

  /// What runs a command.
  package static func shellWords(_ command: String) -> [String] { ["/bin/sh", "-c", command] }

  /// Starts the process that starts these programs, with these arguments, when this one cannot start any more; there must be no
  /// thread beside this.
  ///
  /// - Returns: Whether there is one.
  package static func startBroker(of commands: [[String]]) -> Bool {
    for words in commands {
      let isKept = withCStrings(words.map { PathText.bytes($0) }) { system_broker_allow($0) } == 0
      guard isKept else { return false }
    }
    return system_broker_start() == 0
  }

  /// Starts a program.
  ///
  /// - Parameters:
  ///   - words: Its path and arguments.
  ///   - shared: A descriptor that it gets as its descriptor 3.
  package convenience init(_ words: [String], shared: Int32) throws {
    try self.init(words.map { PathText.bytes($0) }, [], shared: shared)
  }

  private init(_ words: [[UInt8]], _ environment: [(name: String, value: String)], shared: Int32) throws {
    let added = Set(environment.map(\.name))
    var entries: [[UInt8]] = []
    var next = environ
    while let entry = next.pointee {
      let bytes = Array(UnsafeBufferPointer(start: entry, count: strlen(entry)).map { UInt8(bitPattern: $0) })
      if !added.contains(String(decoding: bytes.prefix { $0 != 0x3D }, as: UTF8.self)) { entries.append(bytes) }
      next += 1
    }
    entries += environment.map { Array("\($0.name)=\($0.value)".utf8) }
    var child = system_child()
    let failure = Self.withCStrings(words) { arguments in
      Self.withCStrings(entries) { system_start(&child, arguments, $0, shared) }
    }
    guard failure == 0 else { throw ImbrexError(.input, refused: "cannot start a process", failure) }
    self.child = child
    (input, errors) = (child.input, child.errors)
  }

  private static func withCStrings(
    _ strings: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
  ) -> Int32 {
    var pointers = strings.map { bytes in
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
      for (i, byte) in bytes.enumerated() { copy[i] = CChar(bitPattern: byte) }
      copy[bytes.count] = 0
      return Optional(copy)
    }
    defer { pointers.forEach { $0?.deallocate() } }
    pointers.append(nil)
    return body(pointers)
  }

  deinit {
    end()
    close(child.output)
    if errors >= 0 { close(errors) }
  }

  // MARK: - Pipes

  /// Whether its standard input is open on this side.
  package var takesInput: Bool { input >= 0 }

  /// Its standard input ends.
  package func closeInput() {
    if input >= 0 { close(input) }
    input = -1
  }

  /// What there is to do.
  package enum Readiness: Equatable, Sendable {
    case ready(canWrite: Bool, canRead: Bool)
    /// Nothing, and the deadline is over.
    case late
    /// The process has ended, and nothing comes: what it has left behind holds its pipes open.
    case gone
  }

  /// Waits until there is something to do, and takes in what stands on standard error.
  ///
  /// - Parameter deadline: On the monotonic clock, in nanoseconds; nil: none.
  package func wait(toWrite: Bool, toRead: Bool, until deadline: Int?) -> Readiness {
    var hadEnded = false
    while true {
      let now = monotonicNanoseconds()
      if let deadline, now >= deadline { return .late }
      let pause = min(now + 100_000_000, deadline ?? .max)
      if let ready = poll(toWrite: toWrite, toRead: toRead, until: pause) {
        return .ready(canWrite: ready.canWrite, canRead: ready.canRead)
      }
      if hadEnded { return .gone }
      if hasEnded {
        // Its group closes the pipes with that; who has left the group does not.
        kill()
        hadEnded = true
      }
    }
  }

  /// - Returns: Nil if nothing is to be done before the deadline, but for standard error.
  private func poll(toWrite: Bool, toRead: Bool, until deadline: Int) -> (canWrite: Bool, canRead: Bool)? {
    while true {
      let left = deadline - monotonicNanoseconds()
      guard left > 0 else { return nil }
      // A negative descriptor is passed over.
      var polls = [
        pollfd(fd: toWrite ? input : -1, events: Int16(POLLOUT), revents: 0),
        pollfd(fd: toRead ? child.output : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
      ]
      guard pollDescriptors(&polls, Int32(min(left / 1_000_000 + 1, 1 << 30))) > 0 else { continue }
      if polls[2].revents != 0 { readErrors() }
      if polls[0].revents != 0 || polls[1].revents != 0 { return (polls[0].revents != 0, polls[1].revents != 0) }
    }
  }

  /// Writes from a list of bytes what the pipe takes now.
  package func write(_ bytes: inout ByteList) -> Transfer {
    let count = bytes.withVectors { writev(input, $0, $1) }
    if count >= 0 {
      bytes.drop(count)
      return .bytes(count)
    }
    return errno == EAGAIN || errno == EINTR ? .later : .closed
  }

  /// Reads what is there of its standard output.
  package func read(into bytes: UnsafeMutableRawPointer, _ capacity: Int) -> Transfer {
    let count = readSome(child.output, bytes, capacity)
    if count > 0 { return .bytes(count) }
    return count < 0 && (errno == EAGAIN || errno == EINTR) ? .later : .closed
  }

  /// Takes in what stands on standard error now.
  package func takeErrors() { while errors >= 0 && readErrors() {} }

  /// - Returns: Whether there was something.
  @discardableResult
  private func readErrors() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    let count = readSome(errors, &buffer, buffer.count)
    if count > 0 {
      lines.add(buffer[..<count])
    } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
      close(errors)
      errors = -1
    }
    return count > 0
  }

  // MARK: - The end

  /// Kills it and all of its group; its pipes close by that.
  package func kill() {
    isThere.withLock { if $0 { system_kill_group(child.group) } }
  }

  /// Whether it has ended, though its pipes may be held open by processes that it has left behind.
  private var hasEnded: Bool { isThere.withLock { $0 && system_has_ended(child.group) != 0 } }

  /// Waits for its own end, and takes in the rest of standard error.
  ///
  /// - Returns: Nil if it has not ended by the deadline.
  package func waitForEnd(until deadline: Int?) -> Ending? {
    var pause: UInt32 = 20
    while system_has_ended(child.group) == 0 {
      if let deadline, monotonicNanoseconds() > deadline { return nil }
      if errors >= 0 {
        _ = poll(toWrite: false, toRead: false, until: monotonicNanoseconds() + Int(pause) * 1000)
      } else {
        usleep(pause)
      }
      pause = min(pause * 2, 20_000)
    }
    // What it has written before it ended is in the pipe.
    for _ in 0..<64 where errors >= 0 { readErrors() }
    lines.finish()
    return end()
  }

  /// Kills what is still there of the group.
  @discardableResult
  private func end() -> Ending? {
    closeInput()
    return isThere.withLock { isThere in
      guard isThere else { return nil }
      isThere = false
      let status = Int(system_reap(child.group))
      return status < 0 ? .signal(-status) : .status(status)
    }
  }
}

private func pollDescriptors(_ polls: inout [pollfd], _ milliseconds: Int32) -> Int32 {
  poll(&polls, nfds_t(polls.count), milliseconds)
}

private func readSome(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(descriptor, bytes, count)
}

/// The name of a signal as a user knows it: "signal 11, Segmentation fault".
package func signalName(_ number: Int) -> String {
  let text = strsignal(Int32(number)).map { String(cString: $0) } ?? "unknown"
  return "signal \(number), \(text)"
}

/// Bytes in several places, on their way into a pipe.
package struct ByteList: @unchecked Sendable {
  private var vectors: [iovec] = []
  private var next = 0

  package init() {}

  /// Adds bytes, which have to stay until they are written. Neighbours become one.
  package mutating func append(_ base: UnsafeRawPointer, _ count: Int) {
    guard count > 0 else { return }
    if let last = vectors.last, last.iov_base + last.iov_len == UnsafeMutableRawPointer(mutating: base) {
      vectors[vectors.count - 1].iov_len += count
    } else {
      vectors.append(iovec(iov_base: UnsafeMutableRawPointer(mutating: base), iov_len: count))
    }
  }

  package var isEmpty: Bool { next == vectors.count }

  fileprivate func withVectors(_ body: (UnsafePointer<iovec>, Int32) -> Int) -> Int {
    // As many as any system takes at once.
    vectors.withUnsafeBufferPointer { body($0.baseAddress! + next, Int32(min($0.count - next, 1024))) }
  }

  fileprivate mutating func drop(_ count: Int) {
    var left = count
    while left > 0 {
      let part = min(left, vectors[next].iov_len)
      vectors[next].iov_base += part
      vectors[next].iov_len -= part
      left -= part
      if vectors[next].iov_len == 0 { next += 1 }
    }
  }
}

/// Cuts what comes in pieces into lines, as a terminal would show them.
package final class LineCollector {
  /// The last line that was not empty.
  package private(set) var last: String?
  /// Is given each line that is not empty.
  package var take: ((String) -> Void)?
  private var line: [UInt8] = []
  private var returns = false
  /// What is beyond it of a line is not shown.
  private static let longest = 1000

  package func add(_ bytes: ArraySlice<UInt8>) {
    for byte in bytes {
      if byte == 0x0A {
        finish()
        continue
      }
      // A carriage return: the line is written over, as bars of progress do.
      if returns { line = [] }
      returns = byte == 0x0D
      if !returns && line.count < Self.longest { line.append(byte) }
    }
  }

  /// What has come so far is a line.
  package func finish() {
    returns = false
    guard line.contains(where: { $0 != 0x20 && $0 != 0x09 }) else {
      line = []
      return
    }
    last = String(decoding: line, as: UTF8.self)
    line = []
    take?(last!)
  }
}
