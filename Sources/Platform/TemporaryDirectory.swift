#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where the user has temporary files made: `TMPDIR`, else /tmp.
public func temporaryDirectory() -> String { TemporaryPlace.named }

/// Where temporary files are made: in a sandbox, in a directory of the process's own.
public enum TemporaryPlace {
  fileprivate static let named = environment("TMPDIR") ?? "/tmp"
  private static let own = Locked<TemporaryDirectory?>(nil)

  /// The directory to make them in.
  public static var path: String { own.withLock { $0?.path } ?? named }

  /// Makes the process's own directory, where what has taken over the process finds no files of others; C code finds it in `TMPDIR`.
  ///
  /// - Returns: Its path; nil if it cannot be made.
  static func makeOwn() -> String? {
    TemporaryDirectory.clearLeftOvers(in: named)
    guard let directory = try? TemporaryDirectory() else { return nil }
    own.withLock { $0 = directory }
    _ = PathText.withCPath(directory.path) { setenv("TMPDIR", $0, 1) }
    return directory.path
  }

  /// Removes it, once nothing is made any more.
  public static func removeOwn() {
    own.withLock { own in
      own?.remove()
      own = nil
    }
  }
}

/// A directory of this process's own among the temporary files, which nobody else can look into or put anything into beforehand.
public struct TemporaryDirectory: Sendable {
  /// Its path, without a slash at the end.
  public let path: String
  private let slot: Int32

  /// - Throws: ``ImbrexError`` with the directory that it cannot be made in.
  public init() throws {
    let parent = TemporaryPlace.path
    for attempt in 0..<1000 {
      let path = TemporaryName.path(beside: parent + "/files", attempt: attempt), slot = removeOnSignal(path)
      if PathText.withCPath(path, { mkdir($0, 0o700) }) == 0 {
        (self.path, self.slot) = (path, slot)
        return
      }
      forgetCleanup(slot)
      guard errno == EEXIST else { break }
    }
    throw ImbrexError(.output, refused: "cannot make a temporary directory in \(parent)")
  }

  /// Removes it, once it is empty.
  public func remove() {
    removeDirectory(path)
    forgetCleanup(slot)
  }

  /// Directories of more names are not looked through at every start.
  private static let largest = 16 << 10

  /// Removes what processes that were killed have left: empty directories.
  static func clearLeftOvers(in parent: String) {
    TemporaryName.eachLeftOver(in: parent, largest: largest) { removeDirectory(parent + "/" + $0) }
  }
}
