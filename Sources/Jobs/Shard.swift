import Platform

/// One of several parts of a batch: `--shard 2/8`.
///
/// A file's part follows from its path below its base alone, by a hash: parts are about equally large, no two have a file in
/// common, and files that are added or go away leave all others where they are, as `--incremental` needs it.
package struct Shard: Equatable, Sendable {
  /// From 1.
  package let number: Int
  package let count: Int

  /// Reads `K/N`, with 1 ≤ K ≤ N.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let number = Self.wholeNumber(parts[0]), let count = Self.wholeNumber(parts[1]),
      (1...1_000_000).contains(count), (1...count).contains(number)
    else { return nil }
    (self.number, self.count) = (number, count)
  }

  private static func wholeNumber(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }

  /// - Parameter kept: The part of an input's path that its output keeps.
  func contains(_ kept: String) -> Bool {
    var hash = pathHash(kept)
    // FNV's lower bits say little of the upper.
    hash = (hash ^ hash >> 32) &* 0xD6E8_FEB8_6659_FD93
    hash = (hash ^ hash >> 32) &* 0xD6E8_FEB8_6659_FD93
    return (hash ^ hash >> 32) % UInt64(count) == UInt64(number - 1)
  }
}

/// FNV-1a of a path's bytes.
func pathHash(_ path: String) -> UInt64 {
  PathText.bytes(path).reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
