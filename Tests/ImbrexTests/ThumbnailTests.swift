import Imbrex
import TestSupport
import Testing

/// Thumbnails are exact means of the areas that they stand for, whatever the picture.
@Suite struct ThumbnailTests {
  private func thumbnail(
    _ picture: Picture, _ region: Region? = nil, _ width: Int, _ height: Int, isLineMask: Bool = false,
    rowsAtOnce: Int = 3
  ) throws -> Picture {
    let sink = try ThumbnailSink(
      of: picture.description, region: region ?? Region(all: picture.description), width: width, height: height,
      isLineMask: isLineMask)
    var y = 0
    while y < picture.description.height {
      let count = min(rowsAtOnce, picture.description.height - y)
      sink.write(picture.row(y), stride: picture.stride, count: count)
      y += count
    }
    return sink.thumbnail
  }

  private func bytes(_ picture: Picture) -> [UInt8] { unitSamples(picture).map { UInt8(($0 * 255).rounded()) } }

  /// Slow and obvious: every pixel of the picture by the part of it that lies under the thumbnail's.
  private func means(_ picture: Picture, _ region: Region, _ width: Int, _ height: Int) -> [[Double]] {
    let description = picture.description, channels = description.channels
    let samples = unitSamples(picture).map { min(max($0, 0), 1) }
    func overlap(_ index: Int, _ place: Int, _ from: Int, _ to: Int) -> Double {
      let start = Double(place) * Double(from) / Double(to), end = Double(place + 1) * Double(from) / Double(to)
      return max(min(end, Double(index + 1)) - max(start, Double(index)), 0)
    }
    return (0..<width * height).map { place in
      var sum = [0.0, 0, 0], area = 0.0
      for y in 0..<region.height {
        let down = overlap(y, place / width, region.height, height)
        for x in 0..<region.width where down > 0 {
          let weight = down * overlap(x, place % width, region.width, width)
          let first = ((region.y + y) * description.width + region.x + x) * channels
          let alpha = description.alpha == .none ? 1 : samples[first + channels - 1]
          for c in 0..<3 {
            var color = samples[first + ([.rgb].contains(description.color) ? c : 0)]
            if description.color == .cmyk { color = (1 - samples[first + c]) * (1 - samples[first + 3]) }
            if description.alpha == .straight { color *= alpha }
            sum[c] += weight * min(color + 1 - alpha, 1)
          }
          area += weight
        }
      }
      return sum.map { $0 / area }
    }
  }

  @Test(arguments: SampleType.allCases)
  func meansAreExact(type: SampleType) throws {
    for (color, alpha, bands) in [
      (ColorModel.gray, Alpha.none, 0), (.gray, .straight, 0), (.gray, .none, 2), (.rgb, .none, 0),
      (.rgb, .straight, 0),
      (.rgb, .premultiplied, 0), (.cmyk, .none, 0), (.lab, .none, 0),
    ] {
      let picture = testPicture(
        ImageDescription(width: 37, height: 29, color: color, extraBands: bands, alpha: alpha, sampleType: type))
      let window = Region(x: 5, y: 7, width: 31, height: 19)
      for (region, width, height) in [
        (Region(all: picture.description), 37, 29), (window, 31, 19), (window, 10, 7), (window, 1, 19), (window, 30, 1),
      ] {
        let made = bytes(try thumbnail(picture, region, width, height))
        for (index, mean) in means(picture, region, width, height).joined().enumerated() {
          #expect(
            abs(Double(made[index]) - mean * 255) <= 0.501,
            "\(color) \(alpha) \(bands) \(width) × \(height) at \(index)")
        }
      }
    }
  }

  @Test func rowsMayComeInAnyPortions() throws {
    let picture = testPicture(ImageDescription(width: 50, height: 41, color: .rgb, sampleType: .uint16))
    let one = try thumbnail(picture, nil, 13, 11, rowsAtOnce: 1)
    #expect(try one.hasSameBytes(as: thumbnail(picture, nil, 13, 11, rowsAtOnce: 41)))
  }

  @Test func smallPicturesAreEnlargedByRepeatingPixels() throws {
    let picture = testPicture(ImageDescription(width: 5, height: 4, color: .rgb, sampleType: .uint8))
    let large = bytes(try thumbnail(picture, nil, 15, 12)), small = bytes(picture)
    for y in 0..<12 {
      for x in 0..<15 {
        #expect(
          large[(y * 15 + x) * 3..<(y * 15 + x) * 3 + 3] == small[(y / 3 * 5 + x / 3) * 3..<(y / 3 * 5 + x / 3) * 3 + 3]
        )
      }
    }
  }

  @Test func notANumberIsBlack() throws {
    let picture = try Picture(ImageDescription(width: 2, height: 1, color: .gray, sampleType: .float32))
    let samples: UnsafeMutablePointer<Float> = picture.row(0).samples()
    (samples[0], samples[1]) = (.nan, .infinity)
    #expect(try bytes(thumbnail(picture, nil, 2, 1)) == [0, 0, 0, 255, 255, 255])
  }

  @Test(arguments: [1, 2, 5, 20, 40])
  func aThinLineStaysVisible(factor: Int) throws {
    let picture = try Picture(ImageDescription(width: 40, height: 40, color: .gray, sampleType: .uint8))
    for y in 0..<40 { picture.row(y).storeBytes(of: 255, toByteOffset: 20, as: UInt8.self) }
    let side = 40 / factor
    let made = bytes(try thumbnail(picture, nil, side, side, isLineMask: true))
    let onLine = Int(made[20 / factor * 3])
    #expect(factor == 1 ? onLine == 255 : (195...225).contains(onLine))
    #expect(side == 1 || made[0] == 0)
  }
}
