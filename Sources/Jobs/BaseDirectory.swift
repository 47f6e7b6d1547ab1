import Platform

/// The directory below which inputs' paths are kept: `--base`.
struct BaseDirectory {
  private let path: String
  private let parts: [String]
  private let resolved: String
  /// The last directory that was looked up, and where it is: lists have the files of a directory together.
  private var last: (directory: String, resolved: String)?

  /// - Throws: ``ImbrexError`` if it is no directory.
  init(_ path: String) throws {
    guard isDirectory(path), let resolved = resolvedPath(path) else {
      throw ImbrexError(option: "base", "is '\(path)', which is not a directory")
    }
    self.path = path
    self.resolved = resolved
    parts = Self.parts(of: path)
  }

  /// What remains of a file's path below the directory.
  ///
  /// - Throws: ``ImbrexError`` of usage if it is elsewhere.
  mutating func relative(_ file: String) throws -> String {
    if let relative = spelledBelow(file) ?? reallyBelow(file) { return relative }
    throw ImbrexError(.usage, "'\(file)' is not below --base '\(path)'")
  }

  /// As the paths are spelled, which is nearly always enough.
  private func spelledBelow(_ file: String) -> String? {
    guard file.hasPrefix("/") == path.hasPrefix("/") else { return nil }
    let whole = Self.parts(of: file)
    guard !whole.contains("..") && !parts.contains(".."), whole.count > parts.count, whole.starts(with: parts) else {
      return nil
    }
    return whole.dropFirst(parts.count).joined(separator: "/")
  }

  /// As they are when links and `..` are followed; the file itself may be a link.
  private mutating func reallyBelow(_ file: String) -> String? {
    var (directory, name) = PathText.split(file)
    if directory.isEmpty { directory = "." }
    if last?.directory != directory { last = resolvedPath(directory).map { (directory, $0) } }
    guard let place = last?.resolved, !name.isEmpty && name != ".." else { return nil }
    let root = resolved.hasSuffix("/") ? resolved : resolved + "/"
    guard place == resolved || place.hasPrefix(root) else { return nil }
    return place == resolved ? name : place.dropFirst(root.count) + "/" + name
  }

  private static func parts(of path: String) -> [String] { PathText.components(path).filter { $0 != "." } }
}
