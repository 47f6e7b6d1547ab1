import Foundation
import TestSupport

/// The library of Tests/Failures that makes one of a program's system calls fail, built once; nil where there is no compiler for it.
enum FaultLibrary {
  private static let folder = try! TemporaryFolder()

  static let path: String? = {
    #if os(Linux)
      let source = projectFolder.appendingPathComponent("Tests/Failures/fault.c").path, made = folder.path("fault.so")
      let script = """
        for compiler in cc clang; do command -v $compiler >/dev/null && exec $compiler -shared -fPIC -O1 -w "$1" -o "$2"; done
        """
      guard let outcome = try? Program.shell(script, [source, made]), outcome.status == 0 else { return nil }
      return FileManager.default.fileExists(atPath: made) ? made : nil
    #else
      return nil
    #endif
  }()

  /// Runs the program with a fault, such as `fstat:2:5`; sanitizers want to be loaded first.
  static func run(
    _ arguments: [String], fault: String?, folder: URL, log: String? = nil
  ) throws -> Program.Outcome? {
    guard let path, ProcessInfo.processInfo.environment["IMBREX_SANITIZED"] == nil else { return nil }
    var environment = ["LD_PRELOAD": path]
    environment["IMBREX_FAULT"] = fault
    environment["IMBREX_FAULT_LOG"] = log
    return try Program.run(arguments, environment: environment, folder: folder)
  }
}
