#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where temporary files are made: `TMPDIR`, else /tmp.
public func temporaryDirectory() -> String { environment("TMPDIR") ?? "/tmp" }

/// A directory of this process's own among the temporary files, which nobody else can look into or put anything into beforehand.
public struct TemporaryDirectory {
  public let path: String
  private let slot: Int32

  /// - Throws: ``ImbrexError`` with the directory that it cannot be made in.
  public init() throws {
    let parent = temporaryDirectory()
    var template = PathText.bytes(parent + "/imbrex-XXXXXX").map { CChar(bitPattern: $0) } + [0]
    let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
    guard made else { throw ImbrexError(.output, refused: "cannot make a temporary directory in \(parent)") }
    path = PathText.text(template.dropLast().map { UInt8(bitPattern: $0) })
    slot = removeOnSignal(path)
  }

  /// Removes it, once it is empty.
  public func remove() {
    _ = PathText.withCPath(path) { rmdir($0) }
    forgetCleanup(slot)
  }
}
