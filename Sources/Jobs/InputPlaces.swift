import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where inputs are, for whoever may read there: the directories and files that were named, and what links in directories lead to; of
/// very many files their directories.
package struct InputPlaces: Sendable {
  package private(set) var directories: [String] = []
  package private(set) var files: [String] = []
  private var known: Set<String> = []
  private static let mostFiles = 128

  mutating func add(directory: String) { if known.insert(directory).inserted { directories.append(directory) } }

  /// - Parameter file: A path; `-` is none.
  package mutating func add(file: String) {
    guard file != "-" else { return }
    guard files.count == Self.mostFiles else { return files.append(file) }
    add(directory: Self.directory(of: file))
  }

  package init() {}

  /// The directory that a file is in, or a link leads to.
  static func directory(of file: String) -> String {
    var status = stat(), file = file
    if PathText.withCPath(file, { lstat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFLNK {
      file = resolvedPath(file) ?? file
    }
    let directory = PathText.split(file).directory
    return directory.isEmpty ? "." : directory
  }

  /// The directories in which all of them can be written anew.
  package var writable: [String] { directories + Set(files.map(Self.directory)) }
}
