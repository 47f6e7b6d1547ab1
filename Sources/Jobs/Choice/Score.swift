import Pictures

/// How much of what was found is right, and how much of what is right was found.
///
/// Each point that was found goes with at most one of the truth, and each of the truth with at most one that was found.
package struct Score: Equatable, Sendable {
  /// How many there are of each, and how many pairs they make at most.
  package var found, truth, matched: Int

  package init(found: Int, truth: Int, matched: Int) {
    (self.found, self.truth, self.matched) = (found, truth, matched)
  }

  /// The part of what was found that is right. Where nothing was found it is 0, as in scikit-learn.
  package var precision: Double { Self.ratio(matched, found) }
  /// The part of the truth that was found; 0 where there is none.
  package var recall: Double { Self.ratio(matched, truth) }
  /// The harmonic mean of both; 0 where both are, and where there is neither.
  package var f1: Double { Self.ratio(2 * matched, found + truth) }

  private static func ratio(_ part: Int, _ all: Int) -> Double { all > 0 ? Double(part) / Double(all) : 0 }

  /// Of several pictures: their counts together, as the Berkeley benchmark has it for one choice of thresholds on a whole set.
  package static func + (a: Score, b: Score) -> Score {
    Score(found: a.found + b.found, truth: a.truth + b.truth, matched: a.matched + b.matched)
  }
}

extension Score {
  /// The tolerance of the Berkeley benchmark: 0.0075 of the picture's diagonal, in pixels.
  package static func defaultEdgeTolerance(width: Int, height: Int) -> Double {
    0.0075 * Double(width * width + height * height).squareRoot()
  }

  /// Pixels between the centres of two blobs: the gate of the particle tracking challenge (Chenouard et al. 2014,
  /// doi:10.1038/nmeth.2808).
  package static let defaultBlobTolerance = 5.0

  /// Compares edges, as the Berkeley benchmark does (Martin, Fowlkes, Malik 2004, doi:10.1109/TPAMI.2004.1273918).
  ///
  /// There an assignment of least cost, in which not to be paired costs more than any pair, makes as many pairs as there can be, and of
  /// these the closest. Precision and recall depend on the number of pairs only, which a maximum matching has too.
  ///
  /// Any number of threads may call this at the same time.
  ///
  /// - Parameters:
  ///   - truth: Of the same size as `found`.
  ///   - tolerance: The greatest distance of a pair, in pixels; 0: only what is in the same place.
  /// - Complexity: Hopcroft and Karp's O(pairs √points), in practice about O(points × tolerance). Memory: half a byte a pixel, and
  ///   16 to 40 bytes a point.
  package init(found: EdgePoints, truth: EdgePoints, tolerance: Double) {
    self.init(
      found: found.count, truth: truth.count, matched: matchedPixels(found, truth, tolerance: tolerance))
  }

  /// Compares blobs by the distance of their centres.
  ///
  /// - Parameter tolerance: The greatest distance of a pair, in pixels.
  package init(found: [BlobCentre], truth: [BlobCentre], tolerance: Double) {
    var graph = PointGraph(found, truth, tolerance: tolerance)
    var matching = Matching(leftCount: found.count, rightCount: truth.count)
    matching.complete(in: &graph)
    self.init(found: found.count, truth: truth.count, matched: matching.count)
  }
}

/// The middle of a blob, in pixels of the picture; (0, 0) is the middle of the first pixel.
package struct BlobCentre: Equatable, Sendable {
  package var y, x: Double

  package init(y: Double, x: Double) { (self.y, self.x) = (y, x) }
}
