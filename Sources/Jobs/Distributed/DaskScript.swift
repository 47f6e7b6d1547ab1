import Platform

/// The command that runs a job on dask, by the Python module that comes with imbrex.
package struct DaskScript: Sendable {
  package let text: String

  /// - Parameters:
  ///   - job: Absolute path of the job's directory, the same for all workers.
  ///   - program: Absolute path of imbrex, the same for all workers.
  ///   - options: Of the module.
  /// - Throws: ``ImbrexError`` if the module is not where it is installed, beside the program.
  package init(job: String, program: String, options: [String] = []) throws {
    let words = ["python3", try Self.module(of: program), job, "--imbrex", program] + options
    text = "#!/bin/sh\nexec \(ShellText.line(words))\n"
  }

  /// `PREFIX/share/imbrex` for a program in `PREFIX/bin`; `Sources/Python` of the project for one that was only built.
  private static func module(of program: String) throws -> String {
    let parts = program.split(separator: "/", omittingEmptySubsequences: false)
    let built = parts.firstIndex(of: ".build").map { Array(parts[..<$0]) + ["Sources", "Python"] }
    for place in [parts.dropLast(2) + ["share", "imbrex"], built].compactMap({ $0 }) {
      let path = (place + ["imbrex_dask.py"]).joined(separator: "/")
      if fileExists(path) { return path }
    }
    throw ImbrexError(
      .input, "there is no share/imbrex/imbrex_dask.py beside \(program): make install puts it there where Python is")
  }
}
