internal import SystemShims

// The few things asked of the operating system, under one name for every platform.
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Text for an errno value, as `strerror`.
package func systemMessage(_ code: Int32 = errno) -> String {
  String(cString: strerror(code))
}

/// Nanoseconds of a clock that never goes back.
public func monotonicNanoseconds() -> Int {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Int(now.tv_sec) * 1_000_000_000 + Int(now.tv_nsec)
}

/// Says whether a bar stands on the terminal of standard error, with the cursor at its beginning: a signal that ends the process
/// takes it away.
package func setBarForSignals(isShown: Bool) { system_set_bar(isShown ? 1 : 0) }

/// Bytes of memory that the machine has.
package func physicalMemory() -> Int {
  let pages = sysconf(Int32(_SC_PHYS_PAGES))
  return pages > 0 ? pages * Int(sysconf(Int32(_SC_PAGESIZE))) : 4 << 30
}

/// Bytes that a run may hold at once where nobody says otherwise: a quarter of the machine's memory, or of what the cgroup allows
/// (v2, then v1) where that is less.
package func defaultMaxMemory() -> Int { quarterOfMemory }
private let quarterOfMemory = min(physicalMemory(), memoryLimit() ?? .max) / 4

/// The cgroup's limit, if it has one.
private func memoryLimit() -> Int? {
  #if os(Linux)
    let paths = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
    for path in paths {
      if let limit = firstLine(ofFile: path).flatMap({ Int($0) }) { return limit }
    }
    return nil
  #else
    return nil
  #endif
}

/// The program's arguments, without its name; as the system gives them where it does, since Swift's runtime needs /proc.
public func commandLineArguments() -> [String] {
  guard var next = system_arguments(), next.pointee != nil else {
    return (1..<max(Int(CommandLine.argc), 1)).map { PathText.text(CommandLine.unsafeArgv[$0]!) }
  }
  var arguments: [String] = []
  next += 1
  while let argument = next.pointee {
    arguments.append(PathText.text(argument))
    next += 1
  }
  return arguments
}

/// Value of an environment variable, if set and not empty.
public func environment(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return PathText.text(value)
}

/// The first line of a small text file (such as those of the cgroup file system).
package func firstLine(ofFile path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 256)
  let count = read(descriptor, &bytes, bytes.count)
  guard count > 0 else { return nil }
  return String(decoding: bytes[..<count].prefix { $0 != 10 }, as: UTF8.self)
}

/// How many cores this process may use: its affinity mask, cut to the cgroup's CPU quota (v2, then v1), at least 1.
public func availableCores() -> Int { usableCores }

/// Asked of the system once.
private let usableCores: Int = {
  var cores = Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  let inMask = Int(system_affinity_cores())
  if inMask > 0 { cores = inMask }
  #if os(Linux)
    if let limit = firstLine(ofFile: "/sys/fs/cgroup/cpu.max") {
      let words = limit.split(separator: " ")
      if words.count == 2, let quota = Double(words[0]), let period = Double(words[1]), period > 0 {
        cores = min(cores, Int((quota / period).rounded(.up)))
      }
    } else if let quota = firstLine(ofFile: "/sys/fs/cgroup/cpu/cpu.cfs_quota_us").flatMap(Double.init),
      let period = firstLine(ofFile: "/sys/fs/cgroup/cpu/cpu.cfs_period_us").flatMap(Double.init),
      quota > 0, period > 0
    {
      cores = min(cores, Int((quota / period).rounded(.up)))
    }
  #endif
  return max(cores, 1)
}()

/// Has a file removed if a signal ends the process; the slot is for ``forgetCleanup(_:)``.
package func removeOnSignal(_ path: String) -> Int32 { PathText.withCPath(path) { system_cleanup_add($0) } }

/// The file may stay.
package func forgetCleanup(_ slot: Int32) { system_cleanup_remove(slot) }
