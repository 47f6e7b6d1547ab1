import Platform

import Kernels

/// The kernels in use, chosen once: the fastest build that this machine can run, or the one that `IMBREX_CPU` names.
enum KernelTable {
  static let current: kernels = {
    let builds = (0..<kernels_count()).map(kernels_at)
    if let name = environment("IMBREX_CPU"), let build = builds.first(where: { String(cString: $0.name) == name }) {
      return build
    }
    return builds.last!
  }()
}

/// Name of the kernels' instruction set in use, such as `avx2`; `IMBREX_CPU` forces one.
public var kernelBuildName: String { String(cString: KernelTable.current.name) }

/// The instruction sets that this machine can run, slowest first.
public var kernelBuildNames: [String] {
  (0..<kernels_count()).map { String(cString: kernels_at($0).name) }
}
