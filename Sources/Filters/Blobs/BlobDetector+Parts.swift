import Pictures
import Pipeline

import Platform

/// Blobs where the picture is in parts: each finds its peaks and tells the range of responses; then it prunes what no other part
/// has to do with, and tells of the rest: the groups of blobs that overlap each other of which one comes near its border.
struct BlobExchange: TableExchange {
  let detector: BlobDetector
  /// What finds peaks; nil where the stage before does.
  let analysis: (any Analysis)?

  var rounds: [ExchangeRound] {
    [ExchangeRound("peaks", halo: analysis?.halo ?? .none), ExchangeRound("pruning", readsRows: false)]
  }

  var resumption: Resumption { .table }

  func begin(_ round: Int, of part: Part, in context: RunContext) throws -> any ExchangeRun {
    if round == 0 { return PeakRun(analysis) }
    var peaks = try detector.peaks(RawFile.bytes(of: part.kept[0]))
    peaks.merge(try detector.peaks(part.verdicts[0]))
    return PruningRun(detector, peaks, part)
  }

  /// Keeps the peaks; the partial is the range of responses.
  private final class PeakRun: ExchangeRun {
    private let analysis: (any Analysis)?

    init(_ analysis: (any Analysis)?) { self.analysis = analysis }

    var wants: ExchangeInput { .measure(analysis) }

    func finish(_ measured: (any Partial)?, keptAt path: String, in context: RunContext) throws -> [UInt8] {
      let peaks = measured as! Peaks
      try RawFile(making: path).write(peaks.bytes)
      return Peaks(range: peaks).bytes
    }
  }

  /// Keeps the blobs that stay whatever the other parts hold; the partial is those that depend on them.
  private final class PruningRun: ExchangeRun {
    private let detector: BlobDetector
    private let peaks: Peaks
    private let part: Part

    init(_ detector: BlobDetector, _ peaks: Peaks, _ part: Part) {
      (self.detector, self.peaks, self.part) = (detector, peaks, part)
    }

    var wants: ExchangeInput { .nothing }

    func finish(_ measured: (any Partial)?, keptAt path: String, in context: RunContext) throws -> [UInt8] {
      let found = detector.strongest(of: peaks)
      let blobs = found.map(detector.blob)
      let groups = BlobPruning.groups(of: blobs, overlap: detector.overlap)
      let isRemoved = BlobPruning.removed(of: blobs, overlap: detector.overlap)
      let open = Set(blobs.indices.filter { reachesOut(blobs[$0]) }.map { groups[$0] })
      let inner = found.indices.filter { !open.contains(groups[$0]) && !isRemoved[$0] }.map { found[$0] }
      try RawFile(making: path).write(Peaks(peaks: inner).bytes)
      return Peaks(peaks: found.indices.filter { open.contains(groups[$0]) }.map { found[$0] }).bytes
    }

    /// Whether a blob of another part may overlap this one.
    private func reachesOut(_ blob: Blob) -> Bool {
      let reach = 2.0.squareRoot() * (blob.sigmaY + detector.sigmasY.max()!)
      let isFirst = part.index == 0, isLast = part.index == part.all.count - 1
      return (!isFirst && Double(blob.y - part.rows.lowerBound + 1) <= reach)
        || (!isLast && Double(part.rows.upperBound - blob.y) <= reach)
    }
  }

  func merge(
    _ partials: PartialList, after round: Int, knowing verdict: [UInt8]?, give: (Int?, [UInt8]) throws -> Void
  ) throws {
    let parts = try (0..<partials.count).map { try detector.peaks(partials[$0]) }
    guard round == 1 else { return try give(nil, parts.reduce(into: Peaks()) { $0.merge($1) }.bytes) }
    let sorted = BlobDetector.sorted(parts.flatMap(\.peaks))
    let isRemoved = BlobPruning.removed(of: sorted.map(detector.blob), overlap: detector.overlap)
    var left = Set(sorted.indices.filter { !isRemoved[$0] }.map { Place(sorted[$0]) })
    for (index, part) in parts.enumerated() {
      try give(index, Peaks(peaks: part.peaks.filter { left.remove(Place($0)) != nil }).bytes)
    }
  }

  private struct Place: Hashable {
    let y, x, scale: Int
    init(_ peak: Peaks.Peak) { (y, x, scale) = (peak.y, peak.x, peak.scale) }
  }

  func table(of kept: [String], knowing verdicts: PartialList, in region: Region?) throws -> Table {
    var found: [Peaks.Peak] = []
    for (index, path) in kept.enumerated() {
      found += try detector.peaks(RawFile.bytes(of: path)).peaks + detector.peaks(verdicts[index]).peaks
    }
    return detector.table(of: BlobDetector.sorted(found).map(detector.blob), in: region)
  }

  func resume(_ part: Part, in context: RunContext) throws -> (input: SweepInput?, stage: Stage) {
    preconditionFailure("nothing comes after a table")
  }
}

extension BlobDetector {
  /// Peaks that another task has found.
  fileprivate func peaks(_ bytes: [UInt8]) throws -> Peaks {
    let peaks = try Peaks(bytes: bytes)
    guard peaks.peaks.allSatisfy({ $0.scale < sigmas.count }) else {
      throw ImbrexError(.input, "the record of peaks is of other scales")
    }
    return peaks
  }
}
