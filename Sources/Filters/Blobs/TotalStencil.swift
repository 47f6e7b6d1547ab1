import Pictures
import Pipeline
import Platform

/// Refuses a picture of which a pixel does not count: box sums know no weights.
struct TotalStencil: Stencil {
  private let base: any Stencil
  private let coverage: Coverage

  init(_ base: any Stencil, _ coverage: Coverage) { (self.base, self.coverage) = (base, coverage) }

  var halo: Halo { base.halo }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) throws {
    guard coverage.isTotal(region, halo: .none, boundary: .nearest, source, scratch: scratch) else {
      throw ImbrexError(
        .input, "the method doh takes no picture with invalid pixels, and this one has some: use log or dog",
        cause: .unsupported)
    }
    try base.process(region, from: source, to: output, scratch: scratch)
  }
}
