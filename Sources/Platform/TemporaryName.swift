#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The name that a file has beside its place until it is whole: `.NAME.imbrex-HOST-PROCESS-START-N`.
///
/// It says which process of which machine is at it, and when that began, because numbers of processes come again. So what a
/// killed run has left can be told from what is being written, also where several machines share a directory.
package struct TemporaryName: Equatable {
  private static let mark: [UInt8] = Array(".imbrex-".utf8)

  let host: String
  let process: Int32
  let start: Int

  /// - Parameter attempt: Numbers the files of one name.
  package static func path(beside target: String, attempt: Int) -> String {
    let (directory, name) = PathText.split(target)
    // Names have a limit of their own, 255 bytes.
    let stem = PathText.text(PathText.bytes(name).prefix(190))
    let own = Self.own
    return "\(directory).\(stem).imbrex-\(own.host)-\(own.process)-\(own.start)-\(attempt)"
  }

  /// What this process's files are called by.
  private static let own = TemporaryName(
    host: thisHost, process: getpid(), start: startOfProcess(getpid()) ?? 0)

  private init(host: String, process: Int32, start: Int) {
    (self.host, self.process, self.start) = (host, process, start)
  }

  /// Reads the name of a file that is no other's: nil for all other names.
  package init?(_ name: UnsafeBufferPointer<UInt8>) {
    guard name.first == 0x2E, name.count > Self.mark.count + 8 else { return nil }
    // From the end, because a name may have the mark in it.
    guard let begin = (1...(name.count - Self.mark.count)).last(where: { name[$0...].starts(with: Self.mark) }) else {
      return nil
    }
    let fields = name[(begin + Self.mark.count)...].split(separator: 0x2D, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    guard fields.count == 4, fields[0].utf8.count == 16, let process = Int32(fields[1]), process > 0,
      let start = Int(fields[2]), start >= 0, let attempt = Int(fields[3]), (0..<1000).contains(attempt)
    else { return nil }
    self.init(host: fields[0], process: process, start: start)
  }

  /// Whether the process was one of this machine, and is gone.
  package var isLeftOver: Bool {
    guard host == Self.thisHost else { return false }
    if kill(process, 0) != 0 && errno == ESRCH { return true }
    return Self.startOfProcess(process).map { $0 != start } ?? false
  }

  /// Calls `body` with each name in a directory that a process which is gone has left there; of a directory whose names take more
  /// than `largest` bytes with none.
  package static func eachLeftOver(in directory: String, largest: Int, _ body: (_ name: String) -> Void) {
    guard let status = fileStatus(directory), Int(status.st_size) <= largest,
      let handle = PathText.withCPath(directory, { opendir($0) })
    else { return }
    defer { closedir(handle) }
    while let entry = readdir(handle) {
      withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        // Hidden ones only, before anything else is asked: there may be many others.
        guard bytes[0] == 0x2E else { return }
        let text = bytes.bindMemory(to: UInt8.self)
        let name = UnsafeBufferPointer(rebasing: text.prefix { $0 != 0 })
        if TemporaryName(name)?.isLeftOver ?? false { body(PathText.text(name)) }
      }
    }
  }

  /// This machine since it was started, and the processes that can be seen: two containers may have one name and numbers of
  /// their own.
  private static let thisHost: String = {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    var bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    #if os(Linux)
      bytes += PathText.bytes(firstLine(ofFile: "/proc/sys/kernel/random/boot_id") ?? "")
      bytes += [0] + linkTarget("/proc/self/ns/pid")
    #endif
    // FNV-1a.
    let hash = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }()

  private static func linkTarget(_ path: String) -> [UInt8] {
    var bytes = [CChar](repeating: 0, count: 256)
    let count = readlink(path, &bytes, bytes.count)
    return count > 0 ? bytes[..<count].map { UInt8(bitPattern: $0) } : []
  }

  /// When a process began, in ticks of the system; nil where the system does not say.
  private static func startOfProcess(_ process: Int32) -> Int? {
    #if os(Linux)
      guard let line = firstLine(ofFile: "/proc/\(process)/stat") else { return nil }
      // The second field, the program's name in parentheses, may have anything in it.
      guard let end = line.utf8.lastIndex(of: 0x29) else { return nil }
      let fields = line.utf8[line.utf8.index(after: end)...].split(separator: 0x20, maxSplits: 20)
      return fields.count > 19 ? Int(Substring(fields[19])) : nil
    #else
      return nil
    #endif
  }
}
