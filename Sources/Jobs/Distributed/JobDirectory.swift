import Codecs
import Platform

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The directory of a job: its plan, what its tasks have made, and which of them are done.
///
/// Every file in it appears whole or not at all. `done/NAME` is there when all that task NAME makes is; `failed/NAME` says why the
/// last try failed; `claims/NAME` is who is at it, which matters only for who takes what.
package struct JobDirectory: Sendable {
  /// Absolute, without a slash at its end.
  package let path: String

  /// - Parameter path: From the current directory.
  package init(_ path: String) {
    var place = futurePlace(of: path)
    while place.count > 1 && place.hasSuffix("/") { place.removeLast() }
    self.path = place
  }

  private func file(_ folder: String, _ name: String) -> String { "\(path)/\(folder)/\(name)" }

  // MARK: - The plan

  /// Makes the directory and writes the plan.
  ///
  /// - Throws: ``ImbrexError`` if there is something there.
  package func create(_ plan: JobPlan) throws {
    guard !fileExists("\(path)/\(JobPlan.fileName)") else {
      throw ImbrexError(.usage, "there is a job in '\(path)' already: choose another directory, or remove it")
    }
    for folder in ["done", "failed", "claims", "parts"] { try makeDirectories("\(path)/\(folder)") }
    try write(plan.json, to: "\(path)/\(JobPlan.fileName)")
  }

  /// - Throws: ``ImbrexError`` if there is no job, or another version has made it.
  package func plan() throws -> JobPlan {
    let name = "\(path)/\(JobPlan.fileName)"
    guard fileExists(name) else {
      throw ImbrexError(.input, "\(path): there is no job here (\(JobPlan.fileName) is missing)")
    }
    do {
      return try JobPlan(json: RawFile.bytes(of: name))
    } catch let error as ImbrexError {
      throw error.prefixed("\(path): ")
    }
  }

  private func write(_ text: String, to path: String) throws { try write(PathText.bytes(text), to: path) }

  /// Writes a file whole or not at all.
  package func write(_ bytes: [UInt8], to path: String) throws {
    do {
      let file = try OutputFile(path: path)
      try file.write(bytes)
      try file.commit()
    } catch let error as ImbrexError {
      throw error.prefixed("\(path): ")
    }
  }

  /// Has something that writes a new file write it whole or not at all.
  ///
  /// - Parameter body: Takes the name to write to; nothing need be there afterwards.
  package func making<Result>(_ path: String, _ body: (_ path: String) throws -> Result) throws -> Result {
    let file = unfinished(path), result = try body(file.path)
    try file.publish(orIsAbsent: true)
    return result
  }

  /// A file beside its place, under a name of which another process will not think.
  package func unfinished(_ path: String) -> UnfinishedFile {
    UnfinishedFile(for: path, at: "\(path).\(hostName())-\(getpid())-\(monotonicNanoseconds())")
  }

  // MARK: - What tasks have made

  package func isDone(_ task: JobPlan.Task) -> Bool { fileExists(file("done", task.name)) }

  /// The names of the tasks that are done, or that have failed.
  package func names(in folder: String) throws -> Set<String> {
    Set(try InputSelection.names(in: "\(path)/\(folder)").filter { !$0.hasPrefix(".") })
  }

  package func finish(_ task: JobPlan.Task, seconds: Double) throws {
    let text = JSONValue.object([
      ("task", .string(task.name)), ("seconds", .number((seconds * 1000).rounded() / 1000)),
      ("host", .string(hostName())), ("version", .string(Platform.version)),
    ])
    try write("\(text)\n", to: file("done", task.name))
    removeFile(file("failed", task.name))
  }

  package func fail(_ task: JobPlan.Task, _ message: String) {
    try? write(message + "\n", to: file("failed", task.name))
  }

  package func failure(of task: String) -> String? {
    guard let bytes = try? RawFile.bytes(of: file("failed", task)) else { return nil }
    return PathText.text(bytes.last == 10 ? bytes.dropLast() : bytes[...])
  }

  /// Where what belongs to one page of a split picture is kept; made when it is asked for.
  package func folder(picture: Int, page: Int) throws -> String {
    let folder = "\(path)/parts/\(picture)/\(page)"
    try makeDirectories(folder)
    return folder
  }

  /// Removes what the parts of a picture have made, once it is joined.
  package func removeParts(of picture: Int) {
    removeTree("\(path)/parts/\(picture)")
  }

  private func removeTree(_ path: String) {
    for name in (try? InputSelection.names(in: path)) ?? [] {
      if isDirectory("\(path)/\(name)") { removeTree("\(path)/\(name)") } else { removeFile("\(path)/\(name)") }
    }
    _ = PathText.withCPath(path) { rmdir($0) }
  }

  // MARK: - Who is at what

  /// Seconds without a sign of life after which another runner may take a task.
  private static let patience = 30

  /// Takes a task, so that other runners take others; false if one is at it. Two at one task do no harm.
  package func claim(_ task: JobPlan.Task) -> Bool {
    let name = file("claims", task.name)
    for _ in 0..<2 {
      let descriptor = openFile(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o666)
      if descriptor >= 0 {
        let text = PathText.bytes("\(hostName()) \(getpid())\n")
        text.withUnsafeBytes { _ = Self.put($0, descriptor) }
        close(descriptor)
        return true
      }
      // Where none can be made, each does what it can.
      guard errno == EEXIST else { return true }
      if isAlive(name) { return false }
      removeFile(name)
    }
    return false
  }

  private static func put(_ bytes: UnsafeRawBufferPointer, _ descriptor: Int32) -> Int {
    #if canImport(Darwin)
      Darwin.write(descriptor, bytes.baseAddress!, bytes.count)
    #elseif canImport(Musl)
      Musl.write(descriptor, bytes.baseAddress!, bytes.count)
    #else
      Glibc.write(descriptor, bytes.baseAddress!, bytes.count)
    #endif
  }

  package func release(_ task: JobPlan.Task) { removeFile(file("claims", task.name)) }

  /// Shows that whoever claimed a task is at it.
  package func refresh(_ task: JobPlan.Task) { _ = PathText.withCPath(file("claims", task.name)) { utimes($0, nil) } }

  private func isAlive(_ claim: String) -> Bool {
    guard let status = fileStatus(claim), let bytes = try? RawFile.bytes(of: claim) else { return false }
    let words = PathText.text(bytes).split(whereSeparator: \.isWhitespace)
    // One that is there may be another by now, with the number of the dead.
    if words.count == 2, words[0] == hostName(), let process = pid_t(words[1]), kill(process, 0) != 0, errno == ESRCH {
      return false
    }
    return time(nil) - modificationTime(status) < Self.patience
  }

  private func modificationTime(_ status: stat) -> Int {
    #if canImport(Darwin)
      status.st_mtimespec.tv_sec
    #else
      status.st_mtim.tv_sec
    #endif
  }
}

/// The machine's name.
func hostName() -> String {
  var name = [CChar](repeating: 0, count: 256)
  gethostname(&name, name.count - 1)
  return name.withUnsafeBufferPointer { PathText.text($0.baseAddress!) }
}
