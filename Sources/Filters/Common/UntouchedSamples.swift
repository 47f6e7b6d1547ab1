import Pictures
import Pipeline

/// Puts back what does not count as it was, in the result's type.
struct UntouchedSamples: Sendable {
  private let coverage: Coverage
  private let output: ImageDescription
  /// Nil where samples stay as they are.
  private let conversion: ConvertingStencil?

  /// - Parameters:
  ///   - output: As the coverage's picture, of another sample type perhaps.
  ///   - one: What 1.0 is in it.
  init(_ coverage: Coverage, making output: ImageDescription, one: Float = 1) {
    (self.coverage, self.output) = (coverage, output)
    let input = coverage.input
    conversion =
      input.sampleType == output.sampleType && input.stored == output.stored && one == 1
      ? nil : ConvertingStencil(from: input, to: output, one: Double(one))
  }

  /// - Parameter isMade: Of each sample that is told of 0 where there is no result of it either; nil: nowhere.
  func restore(
    _ y: Int, _ columns: Range<Int>, _ source: SourceRows, _ result: OutputRows, _ scratch: Scratch,
    whereMade isMade: UnsafePointer<UInt8>? = nil
  ) {
    scratch.frame {
      let bands = coverage.bands, row = source.row(y)
      let cover = scratch.allocate(columns.count * bands, of: UInt8.self)
      let isTotal = coverage.load(
        row, y: y, x: columns.lowerBound, count: columns.count, into: cover, scratch: scratch)
      if let isMade {
        for i in 0..<(columns.count * bands) { cover[i] &= isMade[i] }
      } else if isTotal {
        return
      }
      var from = row + columns.lowerBound * coverage.input.bytesPerPixel
      if let conversion {
        let converted = scratch.allocate(columns.count * output.bytesPerPixel, of: UInt8.self)
        conversion.convert(from, to: UnsafeMutableRawPointer(converted), count: columns.count, scratch: scratch)
        from = UnsafeRawPointer(converted)
      }
      let to = result.row(y) + columns.lowerBound * output.bytesPerPixel
      chooseSamples(
        coverage.spread(cover, columns.count, scratch), UnsafeRawPointer(to), from, output.sampleType,
        columns.count * output.channels, into: to)
    }
  }
}

extension UnsafeMutableRawPointer {
  /// Sets a sample of a row, counted from its beginning.
  func setSample(_ index: Int, of type: SampleType, to value: Double) {
    switch type {
    case .uint8: samples(UInt8.self)[index] = UInt8(value)
    case .uint16: samples(UInt16.self)[index] = UInt16(value)
    case .float32: samples(Float.self)[index] = Float(value)
    case .float64: samples(Double.self)[index] = value
    }
  }
}
