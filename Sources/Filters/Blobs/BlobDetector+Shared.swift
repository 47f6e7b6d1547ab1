public import Pictures
public import Pipeline

/// Detectors that differ in what they make of the peaks alone: the scale space is one.
extension BlobDetector: SharedFilter {
  public var commonKey: String {
    "\(method) \(minSigma) \(maxSigma) \(minSigmaY) \(maxSigmaY) \(sigmaCount) \(isLogarithmic) \(sigmaRatio) "
      + "\(excludedRows) \(excludedColumns) \(findsDark) \(isLinear)"
  }

  public func stages(of filters: [any SharedFilter], for input: ImageDescription) throws -> SharedStages {
    let detectors = filters.map { $0 as! BlobDetector }
    // All peaks that any of them takes.
    var all = self
    all.threshold = detectors.map(\.threshold).min()!
    return .tables(
      try all.stages(for: input),
      detectors.map { detector in { detector.table(of: $0 as! Peaks, in: $1) } })
  }
}
