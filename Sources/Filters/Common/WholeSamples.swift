import Pictures

// Integers that memory holds as fractions of their type's largest number: the numbers that scikit-image makes of them.

extension ImageDescription {
  /// The largest number of the file's type, where memory holds integers as fractions of it that tell which they are: up
  /// to 32 bits.
  var wholeOne: Double? {
    guard sampleType.isFloat, let stored, stored.kind != .float, stored.bits <= 32 else { return nil }
    return valueOfOne
  }

  /// Whether an integer may be one further from 0 than the largest. It is read as −1, as scikit-image has it.
  var hasLeast: Bool { sampleType.isFloat && stored?.kind == .signed }
}

/// Makes each fraction the double that the integer times 1 / `one` is, at least −1; in place.
///
/// What is divided in single precision, or divided at all, may be another number, and decides ties of edges and peaks.
func makeExact(_ samples: UnsafeMutablePointer<Double>, count: Int, one: Double) {
  // What is added and taken away again rounds to whole numbers.
  let scale = 1 / one, magic = 0x1.8p52
  for i in 0..<count { samples[i] = max((samples[i] * one + magic - magic) * scale, -1) }
}
