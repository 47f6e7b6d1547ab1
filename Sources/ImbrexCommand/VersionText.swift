import Imbrex

/// What `--version` prints.
enum VersionText {
  static func text(isVerbose: Bool) -> String {
    guard isVerbose else { return version }
    let builds = kernelBuildNames.joined(separator: ", ")
    let libraries = libraries.map { "\($0.name) \($0.version ?? "(not installed)")" }.joined(separator: ", ")
    return """
      imbrex \(version)
      kernels: \(kernelBuildName) (this machine runs \(builds))
      build: \(Build.system) \(Build.architecture), Swift \(Build.swift), \(Build.compiler)
      libraries: \(libraries)
      """
  }

  static var json: JSONValue {
    .object([
      ("version", .string(version)),
      (
        "build",
        .object([
          ("system", .string(Build.system)), ("architecture", .string(Build.architecture)),
          ("swift", .string(Build.swift)), ("compiler", .string(Build.compiler)),
        ])
      ),
      (
        "kernels",
        .object([
          ("used", .string(kernelBuildName)), ("available", .array(kernelBuildNames.map(JSONValue.string))),
        ])
      ),
      ("libraries", .object(libraries.map { ($0.name, $0.version.map(JSONValue.string) ?? .null) })),
    ])
  }

  private static var libraries: [(name: String, version: String?)] {
    codecLibraries + [("xxhash", ContentHash.libraryVersion)]
  }
}
