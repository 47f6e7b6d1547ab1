import Pipeline
import Platform

/// Many paths in one block of memory: a directory of a million pictures takes some tens of MB.
struct PathList {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  /// Where in each path the part begins that an output keeps; behind the path's end where it is no part of it.
  private var keptStarts: [UInt16] = []
  private var lengths: [UInt16] = []

  /// Directories, and files, that could not be looked into: what is in them is not in the list.
  var unread: [(path: String, error: ImbrexError)] = []
  /// Where all of them are.
  var places = InputPlaces()

  var count: Int { ends.count }

  /// - Parameter keeping: How many of the path's bytes, from its end, an output's path keeps.
  mutating func append(_ path: String, keeping: Int) {
    let new = PathText.bytes(path)
    append(new, keptFrom: new.count - keeping, length: new.count)
  }

  /// - Parameter kept: What an output's path keeps, where that is not the path's own end: links lead there.
  mutating func append(_ path: String, keeping kept: String) {
    let new = PathText.bytes(path), tail = PathText.bytes(kept)
    if new.suffix(tail.count) == tail[...] { return append(path, keeping: tail.count) }
    append(new + tail, keptFrom: new.count, length: new.count)
  }

  private mutating func append(_ new: [UInt8], keptFrom start: Int, length: Int) {
    bytes += new
    ends.append(bytes.count)
    keptStarts.append(UInt16(clamping: start))
    lengths.append(UInt16(clamping: length))
  }

  /// A path, and the part of it that an output keeps.
  subscript(index: Int) -> (path: String, kept: String) {
    let entry = bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    return (PathText.text(entry.prefix(Int(lengths[index]))), PathText.text(entry.dropFirst(Int(keptStarts[index]))))
  }
}
