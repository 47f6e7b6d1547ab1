import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The files of a run that writes each page as a file of its own. How many pages there are shows as they are read, so that
/// no two inputs write one file, and none writes over an input, is watched as it happens.
package final class PagePlaces: Sendable {
  private struct Identity: Hashable {
    let device: dev_t
    let number: ino_t
  }

  /// An input, and its page.
  private struct Owner {
    let index, page: Int
  }

  private struct State {
    /// By the bytes of paths: names that differ in how accents are written are the same to Swift.
    var owners: [[UInt8]: Owner] = [:]
    /// Made when the first file is met that is there already.
    var inputs: [Identity: Int]?
  }

  private let plan: BatchPlan
  private let state = Locked(State())

  /// - Parameter plan: With all inputs, whoever works on them.
  package init(_ plan: BatchPlan) { self.plan = plan }

  /// Takes a place for an input of the run.
  ///
  /// - Throws: ``ImbrexError`` of usage if it is another's, or an input.
  package func claim(_ path: String, for index: Int, page: Int) throws {
    let key = PathText.bytes(path)
    try state.withLock { state in
      if let owner = state.owners[key], owner.index != index || owner.page != page {
        let other = owner.index != index ? "another input's page" : "page \(owner.page)"
        throw ImbrexError(.usage, "a page would be written to '\(path)', where \(other) has been written")
      }
      state.owners[key] = Owner(index: index, page: page)
      guard let status = fileStatus(path) else { return }
      if state.inputs == nil { state.inputs = identities() }
      if let other = state.inputs![Identity(device: status.st_dev, number: status.st_ino)] {
        throw ImbrexError(.usage, "a page would be written over the input '\(plan[other].input)'")
      }
    }
  }

  private func identities() -> [Identity: Int] {
    var found: [Identity: Int] = [:]
    for index in 0..<plan.count {
      guard let status = fileStatus(plan[index].input) else { continue }
      found[Identity(device: status.st_dev, number: status.st_ino)] = index
    }
    return found
  }
}
