import Pictures
import Pipeline
import Platform

/// Refuses a picture of which a pixel does not count, for what knows no weights.
struct TotalStencil: Stencil {
  private let base: any Stencil
  private let coverage: Coverage
  private let user, remedy: String

  /// - Parameter user: Who refuses it: "the method doh takes".
  init(_ base: any Stencil, _ coverage: Coverage, _ user: String, remedy: String) {
    (self.base, self.coverage, self.user, self.remedy) = (base, coverage, user, remedy)
  }

  var halo: Halo { base.halo }
  var needsWholePicture: Bool { base.needsWholePicture }
  var needsWholeRows: Bool { base.needsWholeRows }

  func process(_ region: Region, from source: SourceRows, to output: OutputRows, scratch: Scratch) throws {
    guard coverage.isTotal(region, halo: .none, boundary: .nearest, source, scratch: scratch) else {
      throw ImbrexError(
        .input, "\(user) no picture with invalid pixels, and this one has some: \(remedy)",
        cause: .unsupported)
    }
    try base.process(region, from: source, to: output, scratch: scratch)
  }
}
