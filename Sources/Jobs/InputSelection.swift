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
package struct InputSelection: Sendable {
  /// Descend into directories' directories.
  package var isRecursive = false
  /// Patterns of `fnmatch`, of which a file found in a directory must match one, if there are any; one with a slash is
  /// matched with the path below the directory, others with the name.
  package var includes: [String] = []
  /// Patterns of files and directories that are left out.
  package var excludes: [String] = []
  /// A directory that is not descended into: where the outputs go.
  package var excludedDirectory: String?
  /// A directory that all files are below, and below which their paths are kept, instead of below what was named.
  package var base: String?

  package init() {}

  /// The files, in order: as they are named, those of a directory by name. What could not be looked into is in the list's
  /// ``PathList/unread``.
  ///
  /// - Throws: ``ImbrexError`` if a directory that is named cannot be opened.
  func files(named inputs: [String]) throws -> PathList {
    guard let base else { return try plainFiles(named: inputs) }
    var directory = try BaseDirectory(base)
    let plain = try plainFiles(named: inputs)
    var list = PathList()
    (list.unread, list.places, list.isOfDirectories) = (plain.unread, plain.places, false)
    for index in 0..<plain.count {
      let path = plain[index].path
      list.append(path, keeping: path == "-" ? path : try directory.relative(path))
    }
    return list
  }

  private func plainFiles(named inputs: [String]) throws -> PathList {
    var list = PathList()
    // Names without an extension have their own way to new ones.
    list.isOfDirectories = includes.isEmpty
    let excluded = excludedDirectory.flatMap(fileStatus).map { ($0.st_dev, $0.st_ino) }
    for input in inputs {
      guard input != "-", let status = fileStatus(input), status.st_mode & S_IFMT == S_IFDIR else {
        let name = input.utf8.lastIndex(of: 0x2F).map { input[input.utf8.index(after: $0)...] } ?? input[...]
        list.append(input, keeping: PathText.bytes(String(name)).count)
        list.places.add(file: input)
        list.isOfDirectories = false
        continue
      }
      let root = input.hasSuffix("/") ? input : input + "/"
      list.places.add(directory: root)
      try collect(root, below: "", excluded: excluded, into: &list)
    }
    return list
  }

  private func collect(
    _ root: String, below prefix: String, excluded: (dev_t, ino_t)?, into list: inout PathList
  ) throws {
    let names = try DirectoryList(root + prefix)
    if let failure = names.failure {
      list.unread.append((root + prefix, ImbrexError(.input, refused: "cannot read to its end", failure)))
    }
    for index in 0..<names.count {
      let kind = names.kind(index)
      if kind == .other { continue }
      // Told by bytes alone: a directory may be full of other files.
      if kind == .file && includes.isEmpty && ImageFormat(nameBytes: names.bytes(index)) == nil { continue }
      let name = names.name(index), relative = prefix + name, path = root + relative
      if matches(excludes, relative, name) { continue }
      switch try kind == .unknown ? Self.kind(path, &list) : kind {
      case .directory: try descend(root, into: relative, excluded, &list)
      // Links to directories may lead round in circles, others to what has no end.
      case .link where isDirectory(path) || isSpecialFile(path): break
      case .file, .link:
        let isWanted = includes.isEmpty ? ImageFormat(path: name) != nil : matches(includes, relative, name)
        guard isWanted else { continue }
        list.append(path, keeping: PathText.bytes(relative).count)
        if kind != .file { list.places.add(file: path) }
      case .other, .unknown: break
      }
    }
  }

  private func descend(
    _ root: String, into relative: String, _ excluded: (dev_t, ino_t)?, _ list: inout PathList
  ) throws {
    guard isRecursive else { return }
    if let excluded, let status = fileStatus(root + relative), (status.st_dev, status.st_ino) == excluded { return }
    do {
      try collect(root, below: relative + "/", excluded: excluded, into: &list)
    } catch let error as ImbrexError {
      // The others are none the worse for it.
      list.unread.append((root + relative, error.withoutName(root + relative + "/")))
    }
  }

  /// What a file system does not tell with its names.
  private static func kind(_ path: String, _ list: inout PathList) throws -> DirectoryList.Kind {
    var status = stat()
    guard PathText.withCPath(path, { lstat($0, &status) }) == 0 else {
      // One that has gone meanwhile was never there.
      if errno != ENOENT { list.unread.append((path, ImbrexError(.input, refused: "cannot be looked at"))) }
      return .unknown
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .directory
    case S_IFLNK: return .link
    default: return .other
    }
  }

  /// Sorted by bytes.
  ///
  /// - Throws: ``ImbrexError`` if not all of them can be read.
  static func names(in directory: String) throws -> [String] {
    let list = try DirectoryList(directory, keepsHidden: true)
    if let failure = list.failure { throw ImbrexError(.input, refused: "\(directory): cannot read", failure) }
    return (0..<list.count).map(list.name)
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
  package static func list(in path: String, isNulSeparated: Bool) throws -> [String] {
    let descriptor = path == "-" ? dup(0) : openFile(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ImbrexError(.input, refused: "\(path): cannot open") }
    defer { close(descriptor) }
    return try list(of: descriptor, path, isNulSeparated: isNulSeparated)
  }

  /// - Parameter path: What the descriptor was opened by, for messages.
  static func list(of descriptor: Int32, _ path: String, isNulSeparated: Bool) throws -> [String] {
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
