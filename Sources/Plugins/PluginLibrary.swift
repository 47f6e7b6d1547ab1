import Pipeline
import Platform
internal import PluginInterface

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A plug-in's library, loaded into this process: a worker's, or imbrex itself.
struct PluginLibrary: @unchecked Sendable {
  /// The filters that it has.
  let filters: [(description: PluginDescription, pointer: UnsafePointer<imbrex_filter>)]

  private static let entry = "imbrex_filters"
  /// More than anybody has: a list without an end is found by it.
  private static let maxCount = 1000

  /// - Throws: ``ImbrexError`` that goes on from the library's name: "has no filters".
  init(path: String) throws {
    try LibraryFile.check(path)
    // A name without a slash would be looked for where the system's libraries are.
    let handle = PathText.withCPath(path.contains("/") ? path : "./\(path)") { dlopen($0, RTLD_NOW | RTLD_LOCAL) }
    guard let handle else {
      var reason = dlerror().map { PathText.text($0) } ?? "no reason is known"
      for prefix in [path, "./\(path)"] where reason.hasPrefix("\(prefix): ") { reason.removeFirst(prefix.count + 2) }
      throw ImbrexError(.input, "cannot be loaded: \(reason)")
    }
    guard let symbol = dlsym(handle, Self.entry) else {
      throw ImbrexError(.input, "has no function \(Self.entry): it is no plug-in of imbrex")
    }
    typealias Entry = @convention(c) (Int32) -> UnsafePointer<UnsafePointer<imbrex_filter>?>?
    guard let list = unsafeBitCast(symbol, to: Entry.self)(IMBREX_FILTER_VERSION) else {
      throw ImbrexError(
        .input, "does not serve version \(IMBREX_FILTER_VERSION) of imbrex_filter.h, which this imbrex has")
    }
    var filters: [(description: PluginDescription, pointer: UnsafePointer<imbrex_filter>)] = []
    while let filter = list[filters.count] {
      guard filters.count < Self.maxCount else {
        throw ImbrexError(.input, "has a list of filters without a NULL at its end")
      }
      let description = try PluginTable.description(of: filter, number: filters.count + 1)
      guard !filters.contains(where: { $0.description.name == description.name }) else {
        throw ImbrexError(.input, "has two filters named \(description.name)")
      }
      filters.append((description, filter))
    }
    guard !filters.isEmpty else { throw ImbrexError(.input, "has no filters") }
    self.filters = filters
  }
}

/// What can be told of a library without loading it: the system's own messages are of little help there.
enum LibraryFile {
  static func check(_ path: String) throws {
    let file = openFile(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw ImbrexError(.input, refused: "cannot be opened") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ImbrexError(.input, "is not a file")
    }
    #if os(Linux)
      var head = [UInt8](repeating: 0, count: 20)
      let count = read(file, &head, head.count)
      guard count == head.count, head.starts(with: [0x7F, 0x45, 0x4C, 0x46]) else {
        throw ImbrexError(.input, "is not a shared library")
      }
      // The machine is written in the byte order of the machine.
      let machine = head[5] == 2 ? Int(head[18]) << 8 | Int(head[19]) : Int(head[19]) << 8 | Int(head[18])
      let known = [3: "x86", 40: "arm", 62: "x86_64", 183: "arm64", 243: "riscv", 21: "ppc64", 22: "s390x"]
      guard let own = known.first(where: { $0.value == Build.architecture })?.key, own != machine else { return }
      throw ImbrexError(
        .input, "is for \(known[machine] ?? "machine \(machine)"), but this imbrex is for \(Build.architecture)")
    #endif
  }
}
