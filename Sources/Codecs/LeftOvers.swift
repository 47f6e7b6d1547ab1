import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Removes what runs that were killed have left in directories of outputs. A directory is looked through once.
public final class LeftOvers: Sendable {
  private let seen = Locked(Set<String>())
  private let largest: Int

  /// - Parameter largest: Directories that take more bytes than this (names, not files) are left alone: to look through
  ///   100,000 names takes longer than to filter a small picture.
  public init(largest: Int = .max) { self.largest = largest }

  /// Looks through the directory that a file is to be written in.
  public func clear(for output: String) {
    guard output != "-" else { return }
    var status = stat()
    let isLink = PathText.withCPath(output) { lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
    let output = isLink && fileExists(output) ? resolvedPath(output) ?? output : output
    var directory = PathText.split(output).directory
    if directory.isEmpty { directory = "./" }
    let isNew = seen.withLock { [directory] in $0.insert(directory).inserted }
    if isNew { clear(directory) }
  }

  private func clear(_ directory: String) {
    TemporaryName.eachLeftOver(in: directory, largest: largest) { remove(directory + $0) }
  }

  /// Only a regular file of our own.
  private func remove(_ path: String) {
    var status = stat()
    guard PathText.withCPath(path, { lstat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG,
      status.st_uid == geteuid()
    else { return }
    removeFile(path)
  }
}
