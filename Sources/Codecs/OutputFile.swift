import Pictures
import Platform

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
  /// Where bytes are written; -1 once the file is committed or discarded. It stays this object's own.
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
  private let settings: Settings

  /// How a file comes to be where it is to appear.
  public struct Settings: Sendable {
    /// What is there already is kept under its name with this added.
    public var backupSuffix: String?
    /// Whether the bytes are on the disk before the name leads to them, so that a machine that loses power has the old file or the new.
    public var isSynced = false
    /// Whether the user has said this very name: only then is a device or a named pipe that is there written to.
    public var isNamed = true
    /// No backup, no sync, a name that the user gave.
    public init() {}
  }

  /// - Parameter path: Where the file is to appear, or `-` for standard output.
  /// - Throws: ``ImbrexError`` if nothing can be written there.
  public init(path: String, _ settings: Settings = Settings()) throws {
    self.settings = settings
    if path == "-" {
      descriptor = dup(1)
      guard descriptor >= 0 else { throw ImbrexError(.output, refused: "cannot write") }
      kind = .straight
      return
    }
    var target = path
    let status = fileStatus(path)
    // Only what is not there may be made: a link that the system refuses to follow is not followed by other means.
    guard status != nil || errno == ENOENT else { throw ImbrexError(.output, refused: "cannot write") }
    if let status, (status.st_mode & S_IFMT) == S_IFDIR {
      throw ImbrexError(.output, "cannot write: it is a directory")
    }
    if let status, (status.st_mode & S_IFMT) != S_IFREG {
      guard settings.isNamed else { throw ImbrexError(.output, "cannot write: it is a device or a named pipe") }
      descriptor = openFile(path, O_WRONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw ImbrexError(.output, refused: "cannot write") }
      kind = .straight
      return
    }
    if status != nil {
      guard let resolved = resolvedPath(path) else { throw ImbrexError(.output, refused: "cannot write") }
      target = resolved
    }
    if status != nil && PathText.withCPath(target, { access($0, W_OK) }) != 0 {
      throw ImbrexError(.output, refused: "cannot write")
    }
    try openTemporary(beside: target, like: status)
  }

  /// A file without a name, which goes with the last reference.
  public init(unnamed: Void) throws {
    settings = Settings()
    descriptor = try openTemporaryFile()
  }

  deinit { discard() }

  /// - Throws: ``ImbrexError`` if the directory that a file is to appear in does not exist.
  public static func checkDirectory(of path: String) throws {
    guard let missing = missingDirectory(of: path) else { return }
    throw ImbrexError(.output, "\(path): \(missing) does not exist: make it first", cause: .notFound)
  }

  private func openTemporary(beside target: String, like existing: stat?) throws {
    for attempt in 0..<1000 {
      let temporary = TemporaryName.path(beside: target, attempt: attempt)
      let slot = PathText.withCPath(temporary) { system_cleanup_add($0) }
      // What stands beside a private file is nobody else's either, from its first moment on.
      let mode: mode_t = existing == nil ? 0o666 : 0o600
      descriptor = openFile(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
      if descriptor < 0 {
        let failure = errno
        system_cleanup_remove(slot)
        if failure == EEXIST { continue }
        if failure == ENOENT, let missing = Self.missingDirectory(of: target) {
          throw ImbrexError(.output, "\(missing) does not exist: make it first", cause: .notFound)
        }
        throw ImbrexError(.output, refused: "cannot write", failure)
      }
      kind = .renamed(temporary: temporary, target: target, slot: slot)
      // A signal may have come between: its handler has not seen the file.
      if system_is_ending() != 0 { removeFile(temporary) }
      if let existing { setOwner(and: existing) }
      return
    }
    throw ImbrexError(.output, "cannot write: no temporary name is free beside it")
  }

  /// Gives the file the owner and the mode of another, as far as that is permitted.
  private func setOwner(and existing: stat) {
    var mode = existing.st_mode & 0o7777
    let keepsGroup =
      fchown(descriptor, existing.st_uid, existing.st_gid) == 0 || fchown(descriptor, uid_t.max, existing.st_gid) == 0
    // Of another group, it may be read by no more than all.
    if !keepsGroup { mode &= ~0o070 | (mode & 0o007) << 3 }
    _ = fchmod(descriptor, mode)
  }

  /// The topmost of a path's directories that is not there.
  private static func missingDirectory(of path: String) -> String? {
    var missing: String?
    var rest = path[...]
    while let slash = rest.utf8.lastIndex(of: 0x2F), slash > rest.startIndex {
      rest = rest[..<slash]
      if fileExists(String(rest)) { break }
      missing = String(rest)
    }
    return missing
  }

  /// Appends text.
  public func write(_ text: String) throws { try write(PathText.bytes(text)) }

  /// Appends bytes.
  ///
  /// - Throws: ``ImbrexError`` with the system's reason, such as a full disk.
  public func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try writeAll($0, to: descriptor) } }

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
      guard lseek(descriptor, 0, SEEK_SET) == 0 else { throw ImbrexError(.output, refused: "cannot write") }
      try copyAll(from: descriptor, to: target)
      close(descriptor)
      descriptor = target
      fallthrough
    case .straight:
      let result = close(descriptor)
      (kind, descriptor) = (.closed, -1)
      guard result == 0 else { throw ImbrexError(.output, refused: "cannot write") }
    case .renamed(let temporary, let target, let slot):
      let isSynced = !settings.isSynced || synchronize(descriptor)
      let failure = errno
      let isClosed = close(descriptor) == 0
      if !isSynced { errno = failure }
      descriptor = -1
      guard isSynced, isClosed, keepBackup(of: target), renameFile(temporary, target) == 0 else {
        let failure = errno
        removeFile(temporary)
        system_cleanup_remove(slot)
        kind = .closed
        throw ImbrexError(.output, refused: "cannot write", failure)
      }
      system_cleanup_remove(slot)
      kind = .closed
      if settings.isSynced { Self.synchronizeDirectory(of: target) }
    case .closed: preconditionFailure("committed twice")
    }
  }

  /// The name too; the file is whole under it already, so that a file system that cannot do this is no failure.
  private static func synchronizeDirectory(of path: String) {
    let directory = PathText.split(path).directory
    let descriptor = openFile(directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = synchronize(descriptor)
    close(descriptor)
  }

  /// Closes and removes what has been written; nothing happens after a commit.
  public func discard() {
    if case .spooled(let target) = kind { close(target) }
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    if case .renamed(let temporary, _, let slot) = kind {
      removeFile(temporary)
      system_cleanup_remove(slot)
    }
    kind = .closed
  }

  /// Gives what is at the target a second name; false, with errno, if that cannot be done.
  private func keepBackup(of target: String) -> Bool {
    guard let backupSuffix = settings.backupSuffix else { return true }
    // In two steps, so that an older backup is there until the new one is.
    let step = TemporaryName.path(beside: target + backupSuffix, attempt: 0)
    // Where nothing is, nothing is kept; whatever else is wrong costs no original.
    guard linkFile(target, step) == 0 else { return errno == ENOENT }
    if renameFile(step, target + backupSuffix) == 0 { return true }
    let failure = errno
    removeFile(step)
    errno = failure
    return false
  }
}

/// Sees to it that so many files may be open, as far as the system allows.
///
/// - Returns: How many may be, of those.
public func allowOpenFiles(_ wanted: Int) -> Int { Int(system_allow_open_files(Int64(wanted))) }

/// From now on SIGINT, SIGTERM, SIGHUP, SIGQUIT and their like remove unfinished outputs before they end the process (status 128 + signal),
/// a closed pipe is an error of `write` instead of a signal, and closed standard descriptors are not given to files.
public func removeUnfinishedOutputsOnSignals() {
  system_reserve_standard_descriptors()
  system_cleanup_install()
}

/// Has the system write what it holds of a file; pipes and some file systems have nothing to be written, which is no failure.
private func synchronize(_ descriptor: Int32) -> Bool {
  while true {
    #if canImport(Darwin)
      let result = fsync(descriptor)
    #else
      let result = fdatasync(descriptor)
    #endif
    if result == 0 || errno == EINVAL || errno == ENOTSUP { return true }
    if errno != EINTR { return false }
  }
}
