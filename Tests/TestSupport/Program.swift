public import Foundation

/// The built program, run as a process.
public enum Program {
  public struct Outcome: Sendable {
    public var status: Int32
    public var output: [UInt8]
    public var errors: String
    public var text: String { String(decoding: output, as: UTF8.self) }
  }

  /// The folder of the products, where the tests' own bundle is too.
  public static let url: URL = {
    let bundle = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    var folder = bundle.deletingLastPathComponent()
    // On macOS the bundle is a folder, and a tool runs what is deep inside it.
    for _ in 0..<6 {
      let program = folder.appendingPathComponent("imbrex")
      if FileManager.default.isExecutableFile(atPath: program.path) { return program }
      folder.deleteLastPathComponent()
    }
    fatalError("the program imbrex is not beside the tests")
  }()

  /// Runs it to the end.
  ///
  /// - Parameters:
  ///   - input: Bytes for standard input.
  ///   - environment: Added to this process's own.
  ///   - folder: Its working directory.
  public static func run(
    _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:], folder: URL? = nil
  ) throws -> Outcome {
    try launch(url, arguments, input: input, environment: environment, folder: folder)
  }

  /// Runs a bash script with arguments; what it hangs on is killed after a minute.
  public static func shell(_ script: String, _ arguments: [String]) throws -> Outcome {
    try launch(
      URL(fileURLWithPath: "/usr/bin/env"), ["timeout", "60", "bash", "-c", script, "bash"] + arguments, input: [],
      environment: [:], folder: nil)
  }

  private static func launch(
    _ executable: URL, _ arguments: [String], input: [UInt8], environment: [String: String], folder: URL?
  ) throws -> Outcome {
    let scratch = try TemporaryFolder()
    // Files instead of pipes: nothing can block.
    let files = ["in", "out", "err"].map { scratch.url.appendingPathComponent($0) }
    try Data(input).write(to: files[0])
    for file in files[1...] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try process.run()
    process.waitUntilExit()
    return Outcome(
      status: process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus,
      output: [UInt8](try Data(contentsOf: files[1])),
      errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
  }
}

/// A folder of a test's own, removed with it.
public final class TemporaryFolder: Sendable {
  public let url: URL

  public init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("imbrex-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  public func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  /// Names of what is in it, hidden files too, sorted.
  public var contents: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []).sorted()
  }
}

/// The project's folder, found from a source file's place.
public let projectFolder = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The path of a picture in TestImages.
public func testImage(_ name: String) -> String {
  projectFolder.appendingPathComponent("TestImages").appendingPathComponent(name).path
}
