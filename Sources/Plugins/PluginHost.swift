import Pictures
package import Pipeline
import Platform
internal import SystemShims

/// What runs a filter of a plug-in: this process, or worker processes.
package protocol PluginHost: AnyObject, Sendable {
  /// The filters of the library.
  var filters: [PluginDescription] { get }
  /// Chooses a filter and the values of its parameters, once, before all that follows.
  func choose(_ filter: Int, _ values: [OptionValue]) throws
  func reach() throws -> PluginReach
  func output(for picture: PluginPicture) throws -> PluginPicture
  /// Something that runs it on one tile after another.
  func makeRunner() throws -> any PluginRunner
}

/// Runs a plug-in on one tile at a time.
package protocol PluginRunner: AnyObject, Sendable {
  /// - Parameters:
  ///   - fill: Writes the source, of `sourceSize` bytes.
  ///   - say: Is given each line that the plug-in prints, in a process of its own.
  /// - Returns: The target, of `targetSize` bytes, which stays until the next call.
  /// - Throws: ``ImbrexError`` that goes on from the tile's name; the runner is not used again.
  func apply(
    _ tile: PluginTile, fill: (UnsafeMutableRawPointer) -> Void, say: @escaping (String) -> Void
  ) throws -> UnsafeRawPointer
  /// Makes a call on another thread fail soon, where that can be.
  func cancel()
}

/// A plug-in in this process.
final class LocalPlugin: PluginHost {
  private let library: PluginLibrary
  private let calls = Locked<PluginCalls?>(nil)

  init(path: String) throws { library = try PluginLibrary(path: path) }

  var filters: [PluginDescription] { library.filters.map(\.description) }

  func choose(_ filter: Int, _ values: [OptionValue]) throws {
    let chosen = try PluginCalls(library, filter: filter, values)
    calls.withLock { $0 = chosen }
  }

  private var chosen: PluginCalls { calls.withLock { $0! } }
  func reach() throws -> PluginReach { try chosen.reach() }
  func output(for picture: PluginPicture) throws -> PluginPicture { try chosen.output(for: picture) }
  func makeRunner() -> any PluginRunner { LocalRunner(chosen) }
}

private final class LocalRunner: PluginRunner, @unchecked Sendable {
  private let calls: PluginCalls
  private var memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 0, alignment: 64)

  init(_ calls: PluginCalls) { self.calls = calls }

  deinit { memory.deallocate() }

  func apply(
    _ tile: PluginTile, fill: (UnsafeMutableRawPointer) -> Void, say: @escaping (String) -> Void
  ) throws -> UnsafeRawPointer {
    if memory.count < tile.byteCount {
      memory.deallocate()
      memory = .allocate(byteCount: tile.byteCount, alignment: PluginTile.pageSize)
    }
    let source = memory.baseAddress!, target = source + tile.sourceSize
    fill(source)
    system_enter_plugin(1)
    defer { system_enter_plugin(0) }
    try calls.apply(tile, source: source, target: target)
    return UnsafeRawPointer(target)
  }

  func cancel() {}
}
