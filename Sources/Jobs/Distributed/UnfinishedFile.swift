import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A file of a job's directory that is being written under another name, which goes with the last reference, or with the process
/// that a signal ends, unless it is published.
package final class UnfinishedFile: Sendable {
  /// The name to write to.
  package let path: String
  private let target: String
  private let slot: Int32

  init(for target: String, at path: String) {
    (self.target, self.path) = (target, path)
    slot = removeOnSignal(path)
  }

  deinit {
    removeFile(path)
    forgetCleanup(slot)
  }

  /// Gives the complete file its name.
  ///
  /// - Parameter orIsAbsent: Whether there need be none: only the system's word that nothing is there counts.
  package func publish(orIsAbsent: Bool = false) throws {
    guard renameFile(path, target) == 0 || orIsAbsent && errno == ENOENT else {
      throw ImbrexError(.output, "cannot write \(target): \(systemMessage())")
    }
  }
}
