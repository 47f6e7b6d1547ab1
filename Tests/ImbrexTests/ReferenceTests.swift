import Foundation
import Imbrex
import TestSupport
import Testing

/// Filters against slow, obvious definitions written here.
@Suite struct ReferenceTests {
  /// A gray picture as numbers, with its boundary.
  private struct Plane {
    var width: Int
    var height: Int
    var values: [Double]
    subscript(y: Int, x: Int) -> Double { values[y * width + x] }

    func value(_ y: Int, _ x: Int, _ boundary: Boundary, _ constant: Double) -> Double {
      guard let y = boundary.index(y, count: height), let x = boundary.index(x, count: width) else { return constant }
      return self[y, x]
    }
  }

  private func plane(_ picture: Picture) -> Plane {
    Plane(width: picture.description.width, height: picture.description.height, values: unitSamples(picture))
  }

  private func run(_ filter: any Filter, _ picture: Picture) throws -> Plane {
    let pool = WorkerPool(count: 2)
    defer { pool.close() }
    let result = try Picture(filter.outputDescription(for: picture.description))
    try filter.run(
      .picture(picture), to: .picture(result), in: RunContext(pool: pool, tiling: TilingOptions(workers: 2)))
    return plane(result)
  }

  // Two sigmas: sums along the rows, and down transposed columns.
  @Test(arguments: Boundary.allCases, [SampleType.uint8, .uint16, .float32])
  func gaussian_is_the_normalised_sum(boundary: Boundary, type: SampleType) throws {
    try compareGaussian(sigma: 1.7, boundary, type)
    try compareGaussian(sigma: 8, boundary, type)
  }

  private func compareGaussian(sigma: Double, _ boundary: Boundary, _ type: SampleType) throws {
    let picture = testPicture(ImageDescription(width: 37, height: 29, color: .gray, sampleType: type))
    let input = plane(picture), radius = Int(4 * sigma + 0.5)
    let result = try run(Gaussian(sigma: sigma, boundary: boundary, constant: 0.4, makesFloat: true), picture)
    let weights = (-radius...radius).map { exp(-Double($0 * $0) / (2 * sigma * sigma)) }
    let total = weights.reduce(0, +) * weights.reduce(0, +)
    for y in 0..<input.height {
      for x in 0..<input.width {
        var sum = 0.0
        for dy in -radius...radius {
          for dx in -radius...radius {
            sum += weights[dy + radius] * weights[dx + radius] * input.value(y + dy, x + dx, boundary, 0.4)
          }
        }
        #expect(abs(result[y, x] - sum / total) < 1e-5)
      }
    }
  }

  @Test(
    arguments: Boundary.allCases,
    [
      Median.Shape.square(radius: 1), .square(radius: 2), .square(radius: 5), .rectangle(height: 4, width: 2),
      .rectangle(height: 17, width: 16), .disk(radius: 2), .disk(radius: 4), .disk(radius: 9),
    ])
  func median_is_the_middle_of_the_sorted_window(boundary: Boundary, shape: Median.Shape) throws {
    let types = SampleType.allCases.map { ($0, isBilevel: false) } + [(.uint8, isBilevel: true)]
    for (type, isBilevel) in types {
      let picture = testPicture(ImageDescription(width: 26, height: 21, color: .gray, sampleType: type), seed: 5)
      if isBilevel {
        for y in 0..<21 {
          let row = picture.row(y).assumingMemoryBound(to: UInt8.self)
          for x in 0..<26 { row[x] = row[x] < 100 ? 0 : 255 }
        }
      }
      let input = plane(picture)
      let constant = 51.0 / 255
      let result = try run(Median(shape, boundary: boundary, constant: constant), picture)
      let offsets: [(Int, Int)]
      switch shape {
      case .rectangle(let height, let width):
        offsets = (-(height / 2)..<(height - height / 2)).flatMap { y in
          (-(width / 2)..<(width - width / 2)).map { (y, $0) }
        }
      case .disk(let radius):
        offsets = (-radius...radius).flatMap { y in (-radius...radius).map { (y, $0) } }
          .filter { $0.0 * $0.0 + $0.1 * $0.1 <= radius * radius }
      default: offsets = []  // RankTests has them.
      }
      for y in 0..<input.height {
        for x in 0..<input.width {
          let window = offsets.map {
            input.value(y + $0.0, x + $0.1, boundary, type == .float32 ? Double(Float(constant)) : constant)
          }.sorted()
          #expect(result[y, x] == window[window.count / 2], "\(type) at \(y), \(x)")
        }
      }
    }
  }

  @Test func hysteresis_keeps_the_components_with_a_strong_pixel() throws {
    // With nothing above --high but one step, what --low alone finds is flood-filled from the strong pixels.
    let picture = testPicture(ImageDescription(width: 203, height: 157, color: .gray, sampleType: .uint8), seed: 9)
    let low = 0.25, high = 1.3
    let all = try run(Edge(low: low, high: low), picture)
    let strong = try run(Edge(low: high, high: high), picture)
    let both = try run(Edge(low: low, high: high), picture)
    var expected = strong.values.map { $0 > 0 }
    // Survivors at the higher threshold survive at the lower one: thinning does not depend on it.
    for i in expected.indices where expected[i] { #expect(all.values[i] > 0) }
    var queue = expected.indices.filter { expected[$0] }
    #expect(!queue.isEmpty && queue.count < all.values.count { $0 > 0 })
    while let i = queue.popLast() {
      let (y, x) = (i / all.width, i % all.width)
      for row in max(y - 1, 0)...min(y + 1, all.height - 1) {
        for column in max(x - 1, 0)...min(x + 1, all.width - 1) where all[row, column] > 0 {
          let neighbour = row * all.width + column
          if !expected[neighbour] {
            expected[neighbour] = true
            queue.append(neighbour)
          }
        }
      }
    }
    #expect(both.values.map { $0 > 0 } == expected)
    #expect(expected != all.values.map { $0 > 0 })
  }

  @Test func a_constant_picture_stays_constant_at_full_scale() throws {
    for type in [SampleType.uint8, .uint16] {
      let picture = try Picture(ImageDescription(width: 70, height: 50, color: .gray, sampleType: type))
      memset(picture.buffer.base, 0xFF, picture.buffer.byteCount)
      for sigma in [0.3, 0.5, 1, 1.3, 2, 3.7, 5, 10] {
        for boundary in Boundary.allCases where boundary != .constant {
          let result = try run(Gaussian(sigma: sigma, boundary: boundary), picture)
          #expect(result.values.allSatisfy { $0 == 1 })
        }
      }
    }
  }

  @Test func hidden_colour_does_not_bleed() throws {
    // Left half opaque black, right half fully transparent white.
    for type in SampleType.allCases {
      let description = ImageDescription(width: 40, height: 8, color: .rgb, alpha: .straight, sampleType: type)
      let picture = try Picture(description)
      for y in 0..<8 {
        for x in 0..<40 {
          for c in 0..<4 {
            let isFull = c == 3 ? x < 20 : x >= 20
            let i = x * 4 + c
            switch type {
            case .uint8: picture.row(y).assumingMemoryBound(to: UInt8.self)[i] = isFull ? 255 : 0
            case .uint16: picture.row(y).assumingMemoryBound(to: UInt16.self)[i] = isFull ? 65535 : 0
            case .float32: picture.row(y).assumingMemoryBound(to: Float.self)[i] = isFull ? 1 : 0
            case .float64: picture.row(y).assumingMemoryBound(to: Double.self)[i] = isFull ? 1 : 0
            }
          }
        }
      }
      for filter: any Filter in [Gaussian(sigma: 3), Median(.square(radius: 2)), Median(.disk(radius: 4))] {
        let result = try run(filter, picture)
        for pixel in 0..<(40 * 8) {
          for c in 0..<3 { #expect(result.values[pixel * 4 + c] == 0) }
        }
        #expect(result.values[3] == 1 && result.values[39 * 4 + 3] < 0.01)
      }
    }
  }

  @Test func the_greatest_median_windows_equal_small_ones_on_flat_ground() throws {
    // Beyond 65535 samples the histograms give way to ranks.
    let picture = testPicture(ImageDescription(width: 300, height: 9, color: .gray, sampleType: .uint8))
    let input = plane(picture)
    let result = try run(Median(.square(radius: 200), boundary: .nearest), picture)
    for x in [0, 150, 299] {
      var window: [Double] = []
      for dy in -200...200 { for dx in -200...200 { window.append(input.value(4 + dy, x + dx, .nearest, 0)) } }
      #expect(result[4, x] == window.sorted()[window.count / 2])
    }
  }
}
