#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What is in a directory: names in the order of their bytes, with what the system tells of each without being asked for every one.
///
/// Names lie in one block of memory: a directory may have a million.
package struct DirectoryList {
  package enum Kind: UInt8 {
    case file, directory, link, other
    /// The file system does not tell: whoever wants to know asks.
    case unknown
  }

  private var bytes: [UInt8] = []
  /// Where a name begins and how long it is.
  private var entries: [(start: Int, length: UInt16, kind: Kind)] = []
  /// Why the directory could not be read to its end; what came before that is in the list.
  package private(set) var failure: Int32?

  /// - Parameter keepsHidden: Whether names that begin with a dot are wanted.
  /// - Throws: ``ImbrexError`` if the directory cannot be opened.
  package init(_ path: String, keepsHidden: Bool = false) throws {
    guard let handle = PathText.withCPath(path, { opendir($0) }) else {
      throw ImbrexError(.input, refused: "\(path): cannot open")
    }
    defer { closedir(handle) }
    while true {
      // At the end and at a failure alike there is no entry.
      errno = 0
      guard let entry = readdir(handle) else {
        if errno != 0 { failure = errno }
        break
      }
      add(entry, keepsHidden)
    }
    sort()
  }

  private mutating func add(_ entry: UnsafeMutablePointer<dirent>, _ keepsHidden: Bool) {
    let kind = Self.kind(entry.pointee.d_type)
    withUnsafeBytes(of: &entry.pointee.d_name) { name in
      let name = UnsafeRawBufferPointer(rebasing: name.prefix { $0 != 0 })
      if name.first == 0x2E {
        let isSelf = name.count == 1 || (name.count == 2 && name[1] == 0x2E)
        if isSelf || !keepsHidden { return }
      }
      entries.append((bytes.count, UInt16(name.count), kind))
      bytes += name
    }
  }

  private static func kind(_ type: UInt8) -> Kind {
    switch Int(type) {
    case Int(DT_REG): .file
    case Int(DT_DIR): .directory
    case Int(DT_LNK): .link
    case Int(DT_UNKNOWN): .unknown
    default: .other
    }
  }

  private mutating func sort() {
    let entries = entries
    self.entries = bytes.withUnsafeBytes { bytes in
      entries.sorted { a, b in
        let order = memcmp(bytes.baseAddress! + a.start, bytes.baseAddress! + b.start, Int(min(a.length, b.length)))
        return order != 0 ? order < 0 : a.length < b.length
      }
    }
  }

  package var count: Int { entries.count }
  package func kind(_ index: Int) -> Kind { entries[index].kind }
  package func name(_ index: Int) -> String { PathText.text(bytes(index)) }

  /// A name as the system has it.
  package func bytes(_ index: Int) -> ArraySlice<UInt8> {
    bytes[entries[index].start..<(entries[index].start + Int(entries[index].length))]
  }
}
