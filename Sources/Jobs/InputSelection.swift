import Codecs
import Pictures
import Pipeline
import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Which files a run reads: those that are named, and of directories those that are pictures by their names.
public struct InputSelection: Sendable {
  /// Descend into directories' directories.
  public var isRecursive = false
  /// Patterns of `fnmatch`, of which a file found in a directory must match one, if there are any; one with a slash is
  /// matched with the path below the directory, others with the name.
  public var includes: [String] = []
  /// Patterns of files and directories that are left out.
  public var excludes: [String] = []
  /// A directory that is not descended into: where the outputs go.
  public var excludedDirectory: String?
  /// A directory that all files are below, and below which their paths are kept, instead of below what was named.
  public var base: String?

  public init() {}

  /// The files, in order: as they are named, those of a directory by name.
  ///
  /// - Throws: ``ImbrexError`` if a directory cannot be read.
  func files(named inputs: [String]) throws -> PathList {
    guard let base else { return try plainFiles(named: inputs) }
    var directory = try BaseDirectory(base)
    let plain = try plainFiles(named: inputs)
    var list = PathList()
    for index in 0..<plain.count {
      let path = plain[index].path
      list.append(path, keeping: path == "-" ? path : try directory.relative(path))
    }
    return list
  }

  private func plainFiles(named inputs: [String]) throws -> PathList {
    var list = PathList()
    let excluded = excludedDirectory.flatMap(fileStatus).map { ($0.st_dev, $0.st_ino) }
    for input in inputs {
      guard input != "-", let status = fileStatus(input), status.st_mode & S_IFMT == S_IFDIR else {
        let name = input.utf8.lastIndex(of: 0x2F).map { input[input.utf8.index(after: $0)...] } ?? input[...]
        list.append(input, keeping: PathText.bytes(String(name)).count)
        continue
      }
      let root = input.hasSuffix("/") ? input : input + "/"
      try collect(root, below: "", excluded: excluded, into: &list)
    }
    return list
  }

  private func collect(
    _ root: String, below prefix: String, excluded: (dev_t, ino_t)?, into list: inout PathList
  ) throws {
    for name in try Self.names(in: root + prefix) where !name.hasPrefix(".") {
      let relative = prefix + name, path = root + relative
      if matches(excludes, relative, name) { continue }
      var link = stat()
      guard PathText.withCPath(path, { lstat($0, &link) }) == 0 else { continue }
      let kind = link.st_mode & S_IFMT
      if kind == S_IFDIR {
        // Links to directories are not followed: they may lead round in circles.
        let isOutput = excluded.map { $0.0 == link.st_dev && $0.1 == link.st_ino } ?? false
        if isRecursive && !isOutput {
          try collect(root, below: relative + "/", excluded: excluded, into: &list)
        }
      } else if kind == S_IFREG || (kind == S_IFLNK && !isDirectory(path)) {
        let isWanted = includes.isEmpty ? ImageFormat(path: name) != nil : matches(includes, relative, name)
        if isWanted { list.append(path, keeping: PathText.bytes(relative).count) }
      }
    }
  }

  /// Sorted by bytes.
  static func names(in directory: String) throws -> [String] {
    guard let handle = PathText.withCPath(directory, { opendir($0) }) else {
      throw ImbrexError(.input, refused: "\(directory): cannot open")
    }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 1) { PathText.text(UnsafePointer($0)) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private func matches(_ patterns: [String], _ relative: String, _ name: String) -> Bool {
    patterns.contains { pattern in
      let subject = pattern.utf8.contains(0x2F) ? relative : name
      return PathText.withCPath(pattern) { pattern in
        PathText.withCPath(subject) { fnmatch(pattern, $0, FNM_PATHNAME | FNM_PERIOD) == 0 }
      }
    }
  }

  /// Paths from a list: one a line, or each ended by a NUL.
  ///
  /// - Parameters:
  ///   - path: A file, or `-` for standard input.
  ///   - isNulSeparated: Whether names are ended by NUL, and may have newlines in them.
  public static func list(in path: String, isNulSeparated: Bool) throws -> [String] {
    let descriptor = path == "-" ? dup(0) : openFile(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ImbrexError(.input, refused: "\(path): cannot open") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { buffer in
      while true {
        let count = read(descriptor, buffer.baseAddress!, buffer.count)
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { throw ImbrexError(.input, refused: "\(path): cannot read") }
        if count == 0 { return }
        bytes += buffer[..<count]
      }
    }
    return bytes.split(separator: isNulSeparated ? 0 : 10).map { line in
      PathText.text(!isNulSeparated && line.last == 13 ? line.dropLast() : line)
    }
  }
}
