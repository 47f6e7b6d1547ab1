#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif
internal import SystemShims

/// A file that is whole or absent: written beside its place under another name, renamed when it is complete.
///
/// Symbolic links are followed, and an existing file's mode and, where permitted, owner are kept. Devices, named pipes
/// and standard output are written straight. Whatever has not been committed is removed when the last reference goes,
/// or when the process is interrupted (see ``removeUnfinishedOutputsOnSignals()``).
public final class OutputFile: @unchecked Sendable {
  public private(set) var descriptor: Int32 = -1
  private enum Kind {
    /// Renamed from `temporary` to `target`; `slot` is its place in the list that a signal handler clears.
    case renamed(temporary: String, target: String, slot: Int32)
    /// Written as it comes.
    case straight
    /// Copied to a straight output when complete, because its format needs seeking.
    case spooled(to: Int32)
    case closed
  }
  private var kind: Kind = .closed

  /// - Parameter path: Where the file is to appear, or `-` for standard output.
  /// - Throws: ``ImbrexError`` if nothing can be written there.
  public init(path: String) throws {
    if path == "-" {
      descriptor = dup(1)
      guard descriptor >= 0 else { throw ImbrexError(.output, "cannot write: \(systemMessage())") }
      kind = .straight
      return
    }
    var target = path
    var status = stat()
    let exists = stat(path, &status) == 0
    if exists && (status.st_mode & S_IFMT) == S_IFDIR { throw ImbrexError(.output, "cannot write: it is a directory") }
    if exists && (status.st_mode & S_IFMT) != S_IFREG {
      descriptor = open(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw ImbrexError(.output, "cannot write: \(systemMessage())") }
      kind = .straight
      return
    }
    if let resolved = realpath(path, nil) {
      target = String(cString: resolved)
      free(resolved)
    }
    if exists && access(target, W_OK) != 0 { throw ImbrexError(.output, "cannot write: \(systemMessage())") }
    try openTemporary(beside: target, like: exists ? status : nil)
  }

  deinit { discard() }

  private func openTemporary(beside target: String, like existing: stat?) throws {
    let slash = target.lastIndex(of: "/")
    let directory = slash.map { String(target[...$0]) } ?? ""
    let name = slash.map { String(target[target.index(after: $0)...]) } ?? target
    // Names have a limit of their own, in bytes.
    let stem = String(decoding: Array(name.utf8).prefix(200), as: UTF8.self)
    for attempt in 0..<1000 {
      let temporary = "\(directory).\(stem).imbrex-\(getpid())-\(attempt)"
      let slot = system_cleanup_add(temporary)
      descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor < 0 {
        let failure = errno
        system_cleanup_remove(slot)
        if failure == EEXIST { continue }
        throw ImbrexError(.output, "cannot write: \(systemMessage(failure))")
      }
      kind = .renamed(temporary: temporary, target: target, slot: slot)
      if let existing {
        _ = fchown(descriptor, existing.st_uid, existing.st_gid)
        _ = fchmod(descriptor, existing.st_mode & 0o7777)
      }
      return
    }
    throw ImbrexError(.output, "no temporary name is free beside it")
  }

  /// Appends text.
  public func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
  }

  /// Puts a temporary file before an output that cannot be sought in.
  func makeSeekable() throws {
    guard case .straight = kind else { return }
    let spool = try openTemporaryFile()
    kind = .spooled(to: descriptor)
    descriptor = spool
  }

  /// Closes the file and gives it its name. It is there, whole, when this returns.
  public func commit() throws {
    switch kind {
    case .spooled(let target):
      guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw ImbrexError(.output, "cannot write: \(systemMessage())") }
      try copyAll(from: descriptor, to: target)
      close(descriptor)
      descriptor = target
      fallthrough
    case .straight:
      let result = close(descriptor)
      (kind, descriptor) = (.closed, -1)
      guard result == 0 else { throw ImbrexError(.output, "cannot write: \(systemMessage())") }
    case .renamed(let temporary, let target, let slot):
      let result = close(descriptor)
      descriptor = -1
      guard result == 0, rename(temporary, target) == 0 else {
        let failure = errno
        unlink(temporary)
        system_cleanup_remove(slot)
        kind = .closed
        throw ImbrexError(.output, "cannot write: \(systemMessage(failure))")
      }
      system_cleanup_remove(slot)
      kind = .closed
    case .closed: preconditionFailure("committed twice")
    }
  }

  /// Closes and removes what has been written; nothing happens after a commit.
  public func discard() {
    if case .spooled(let target) = kind { close(target) }
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    if case .renamed(let temporary, _, let slot) = kind {
      unlink(temporary)
      system_cleanup_remove(slot)
    }
    kind = .closed
  }
}

/// From now on SIGINT, SIGTERM and SIGHUP remove unfinished outputs before they end the process (status 128 + signal),
/// a closed pipe is an error of `write` instead of a signal, and closed standard descriptors are not given to files.
public func removeUnfinishedOutputsOnSignals() {
  system_reserve_standard_descriptors()
  system_cleanup_install()
}
