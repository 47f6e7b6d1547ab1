import Foundation
import TestSupport

/// The plug-ins of Tests/Plugins, built once with the compilers that are there.
enum PluginFiles {
  private static let sources = projectFolder.appendingPathComponent("Tests/Plugins")
  private static let include = projectFolder.appendingPathComponent("Sources/PluginInterface/include").path
  private static let folder = try! TemporaryFolder()

  static let sharpen = build(
    "sharpen.c", "cc -std=c99 -Wall -Wextra -Wno-unused-parameter -pedantic -Werror", "libsharpen.so")
  static let local = build("local.cpp", "c++ -std=c++11 -Wall -Wextra -pedantic -Werror", "liblocal.so")
  static let hostile = build("hostile.c", "cc -std=gnu11", "libhostile.so")
  /// Tries what a sandbox forbids.
  static let spy = build("spy.c", "cc -std=gnu11 -w", "libspy.so")
  /// Its table is wrong, in the way that `HOSTILE_TABLE` says.
  static let table = build("hostile.c", "cc -std=gnu11 -w -DTABLE", "libtable.so")
  static let threshold = build("threshold.swift", "swiftc", "libthreshold.so")
  /// A library that is no plug-in.
  static let plain = build("sharpen.c", "cc -std=c99 -Dimbrex_filters=other", "libplain.so")

  /// - Returns: The library's path, or nil where there is no such compiler.
  private static func build(_ source: String, _ compiler: String, _ name: String) -> String? {
    let script = """
      cd "$1" && case "$4" in
        swiftc*) command -v swiftc >/dev/null || exit 100
          $4 -O -emit-library -parse-as-library -import-objc-header "$2/imbrex_filter.h" "$3" -o "$5" ;;
        *) set -- "$1" "$2" "$3" "$4" "$5" $4
          words="${4#* }"; name="${4%% *}"
          for compiler in "$name" "$(test "$name" = cc && echo clang || echo clang++)" ""; do
            test -n "$compiler" || exit 100
            command -v "$compiler" >/dev/null && break
          done
          $compiler $words -shared -fPIC -O2 "-I$2" "$3" -o "$5" ;;
      esac
      """
    let path = folder.path(name)
    let outcome = try! Program.shell(script, [sources.path, include, source, compiler, path])
    if outcome.status == 100 { return nil }
    precondition(outcome.status == 0, outcome.errors)
    return path
  }
}
