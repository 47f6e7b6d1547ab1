internal import SystemShims

/// What this program was built with, and for what.
public enum Build {
  /// The C compiler, which makes the kernels.
  public static var compiler: String { String(cString: system_compiler()) }

  /// The version of Swift, as far as it has been met.
  public static var swift: String {
    #if compiler(>=6.5)
      "6.5 or later"
    #elseif compiler(>=6.4)
      "6.4"
    #else
      "6.3"
    #endif
  }

  /// The processor's: `x86_64`, `arm64`, or `other`.
  public static var architecture: String {
    #if arch(x86_64)
      "x86_64"
    #elseif arch(arm64)
      "arm64"
    #else
      "other"
    #endif
  }

  /// The operating system: `linux`, `macos`, or `other`.
  public static var system: String {
    #if os(Linux)
      "linux"
    #elseif os(macOS)
      "macos"
    #else
      "other"
    #endif
  }
}
