import Kernels
import Pictures

import Pipeline

/// The smoothed picture of Canny's detector, row by row: Gaussian, divided by the same Gaussian of what is covered.
struct Smoother {
  /// The pixels that it can make.
  let region: Region
  private let edge: Edge
  private let input: ImageDescription
  private let weights: (y: [Double], x: [Double])
  private let kernels = KernelTable.current
  private let columns: Range<Int>
  private let values: LoadedRows<Double>
  private let coverage: LoadedRows<Double>?
  private let rule: Coverage?
  /// The divisor of a window of which all counts, where it is not divided.
  private let whole: Double?
  private let padded: UnsafeMutablePointer<Double>
  private let divisors: UnsafeMutablePointer<Double>?
  /// Whether the divisors are those of rows whose window does not leave the picture above or below: all the same.
  private let holdsInnerDivisors: UnsafeMutablePointer<Bool>

  private var radiusX: Int { weights.x.count - 1 }

  init(
    _ region: Region, edge: Edge, weights: (y: [Double], x: [Double]), coverage rule: Coverage?, whole: Double,
    loader: DoubleLumaLoader, source: SourceRows, scratch: Scratch
  ) {
    self.rule = rule
    // Where nothing is left out it is the usual smoothing.
    self.whole = edge.boundary != .constant && rule?.hasMask == false ? whole : nil
    self.region = region
    self.edge = edge
    self.weights = weights
    input = loader.input
    let radius = (y: weights.y.count - 1, x: weights.x.count - 1), boundary = Boundaries(edge.boundary)
    columns = (region.x - radius.x)..<(region.endX + radius.x)
    values = LoadedRows(
      region, radius: radius, in: input, boundary: boundary, constant: edge.constant, scratch: scratch
    ) { y, x, count, target in
      loader.load(source.row(y), x: x, count: count, into: target, scratch: scratch)
      if let rule {
        scratch.frame {
          let cover = scratch.allocate(count, of: UInt8.self)
          if rule.load(y, x: x, count: count, source, into: cover, scratch: scratch) { return }
          for column in 0..<count where cover[column] == 0 { target[column] = 0 }
        }
      }
    }
    if edge.boundary == .constant || rule != nil {
      coverage = LoadedRows(
        region, radius: radius, in: input, boundary: boundary, constant: edge.constant, scratch: scratch,
        isSameEverywhere: rule == nil
      ) { y, x, count, target in
        guard let rule else { return target.update(repeating: 1, count: count) }
        scratch.frame {
          let cover = scratch.allocate(count, of: UInt8.self)
          rule.load(y, x: x, count: count, source, into: cover, scratch: scratch)
          for column in 0..<count { target[column] = Double(cover[column]) }
        }
      }
      divisors = scratch.allocate(region.width, of: Double.self)
    } else {
      coverage = nil
      divisors = nil
    }
    padded = scratch.allocate(columns.count, of: Double.self)
    holdsInnerDivisors = scratch.allocate(1)
    holdsInnerDivisors.pointee = false
  }

  /// Writes the smoothed values of row `y`, the region's columns, at `target`.
  func row(_ y: Int, into target: UnsafeMutablePointer<Double>) {
    blur(values, y, into: target)
    guard let coverage, let divisors else { return }
    let radiusY = weights.y.count - 1, isInner = rule == nil && y >= radiusY && y < input.height - radiusY
    if !(isInner && holdsInnerDivisors.pointee) { blur(coverage, y, into: divisors) }
    holdsInnerDivisors.pointee = isInner
    if let whole { for x in 0..<region.width where divisors[x] == whole { divisors[x] = 1 - 0x1p-52 } }
    // float64's epsilon, as in scikit-image.
    kernels.divide_f64(target, divisors, 0x1p-52, region.width)
  }

  private func blur(_ rows: LoadedRows<Double>, _ y: Int, into target: UnsafeMutablePointer<Double>) {
    let inside = columns.clamped(to: 0..<input.width)
    rows.correlate(y, inside, weights.y, into: padded + (inside.lowerBound - columns.lowerBound))
    extendRow(
      padded, columns: columns, channels: 1, pictureWidth: input.width, boundary: edge.boundary,
      constant: edge.constant
    ) { column, count, ghosts in rows.correlate(y, column..<(column + count), weights.y, into: ghosts) }
    kernels.correlate_row_f64(padded + radiusX, weights.x, radiusX, 1, target, region.width)
  }
}
