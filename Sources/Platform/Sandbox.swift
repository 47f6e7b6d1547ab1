internal import SystemShims

/// What a process still has when it looks at what strangers have made: some files and directories, and no other programs, no network,
/// no other processes. On Linux, as far as its kernel goes.
public struct Sandbox: Sendable {
  /// Files, and directories with all below them, that are read.
  public var readable: [String] = []
  /// Directories in which files are made, changed and removed; files and devices that are written to.
  public var writable: [String] = []
  /// Directories that may be removed, once they are empty, with those above them.
  public var removable: [String] = []
  /// Programs, with their arguments, that are started nevertheless, by another process; they have all rights of the user.
  public var commands: [[String]] = []

  /// Nothing but what is added: no files, no directories, no programs.
  public init() {}

  /// Where libraries are that are loaded when they are needed.
  private static var libraries: [String] {
    let places = environment("LD_LIBRARY_PATH").map {
      PathText.bytes($0).split(separator: 0x3A).map { PathText.text($0) }
    }
    return ["/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache"]
      + (places ?? []).filter { $0.hasPrefix("/") }
  }

  /// Enters it, with all threads that are started from now on. There is no way out.
  ///
  /// Nothing of a picture must have been read, and no thread started.
  ///
  /// - Returns: What the system does not have, in words; empty: all is as it should be.
  public func enter() -> [String] { enter(hasTemporaryFiles: true) }

  private func enter(hasTemporaryFiles: Bool) -> [String] {
    // What is known by files that are none of the run's is asked for now.
    _ = (availableCores(), defaultMaxMemory())
    #if os(Linux)
      var missing: [String] = []
      if !commands.isEmpty && !ChildProcess.startBroker(of: commands) {
        return ["commands could not be started from within it"]
      }
      let sandbox = system_sandbox_begin(commands.isEmpty ? 0 : 1)
      if sandbox >= 0 {
        func allow(_ paths: [String], _ rights: Int) {
          for path in paths { _ = PathText.withCPath(path) { system_sandbox_allow(sandbox, $0, Int32(rights)) } }
        }
        allow(Self.libraries + ["/proc"] + readable, system_may_read)
        allow(["/dev/null"], system_may_read | system_may_write)
        // In that of all others there are many files, of the user's too.
        let own = hasTemporaryFiles ? TemporaryPlace.makeOwn() : nil
        allow([own].compactMap { $0 } + writable, system_may_read | system_may_write | system_may_make)
        allow(removable + (own == nil ? [] : [temporaryDirectory()]), system_may_remove)
      }
      if sandbox < 0 || system_sandbox_enter(sandbox) != 0 { missing.append("the kernel has no Landlock") }
      if system_sandbox_filter() != 0 { missing.append("the kernel filters no system calls") }
      return missing
    #else
      return ["this system has none"]
    #endif
  }

  /// What a plug-in keeps: the libraries' directories and its own.
  public static func enterForPlugin(at path: String) {
    var sandbox = Sandbox()
    let directory = PathText.split(resolvedPath(path) ?? path).directory
    sandbox.readable = [directory.isEmpty ? "." : directory]
    _ = sandbox.enter(hasTemporaryFiles: false)
  }
}
