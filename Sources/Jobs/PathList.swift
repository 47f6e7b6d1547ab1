import Pipeline
import Platform

/// Many paths in one block of memory: a directory of a million pictures takes some tens of MB.
struct PathList {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  /// Where in each path the part begins that an output keeps.
  private var keptStarts: [UInt16] = []

  var count: Int { ends.count }

  /// - Parameter keeping: How many of the path's bytes, from its end, an output's path keeps.
  mutating func append(_ path: String, keeping: Int) {
    let new = PathText.bytes(path)
    bytes += new
    ends.append(bytes.count)
    keptStarts.append(UInt16(clamping: new.count - keeping))
  }

  /// A path, and the part of it that an output keeps.
  subscript(index: Int) -> (path: String, kept: String) {
    let path = bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    return (PathText.text(path), PathText.text(path.dropFirst(Int(keptStarts[index]))))
  }
}
