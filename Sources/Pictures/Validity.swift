/// Which pixels of a picture count, where not all do.
public struct Validity: Sendable {
  /// The number that stands for no data, in the units of the picture's file; a NaN stands for every NaN. Nil: there is none.
  public var nodata: Double?
  /// What does not count by any of these does not count; each has the picture's size.
  public var masks: [Mask] = []

  /// All counts, but for what these say; masks must have the picture's size, which is checked when they are used.
  public init(nodata: Double? = nil, masks: [Mask] = []) { (self.nodata, self.masks) = (nodata, masks) }

  /// Whether all pixels count.
  public var isTotal: Bool { nodata == nil && masks.isEmpty }
}

extension Validity: Equatable {
  /// Numbers are compared bit by bit, so that a NaN equals itself; masks by identity.
  public static func == (a: Validity, b: Validity) -> Bool {
    a.nodata?.bitPattern == b.nodata?.bitPattern && a.masks == b.masks
  }
}

extension ImageDescription {
  /// The sample in memory that stands for no data; nil: none can.
  package var nodataSample: Double? {
    guard let nodata = validity.nodata else { return nil }
    let isWhole = stored.map { $0.kind != .float } ?? !sampleType.isFloat
    guard isWhole else { return sampleType == .float32 ? Double(Float(nodata)) : nodata }
    let most = valueOfOne, least = stored?.kind == .signed ? -most - 1 : 0
    guard nodata == nodata.rounded(), nodata >= least, nodata <= most else { return nil }
    switch sampleType {
    case .uint8: return nodata
    // As the shims spread fewer bits.
    case .uint16: return stored == nil ? nodata : ((nodata * 65535 + (most / 2).rounded(.down)) / most).rounded(.down)
    case .float32: return Double(Float(nodata) / Float(most))
    case .float64: return nodata / most
    }
  }

  /// The number for no data in other units, rounded to what samples can be; nil if they cannot.
  mutating func scaleNodata(_ scale: Double) {
    guard let nodata = validity.nodata, scale != 1 else { return }
    let scaled = nodata * scale
    let isWhole = stored.map { $0.kind != .float } ?? !sampleType.isFloat
    guard isWhole else {
      validity.nodata = sampleType == .float64 ? scaled : Double(Float(scaled))
      return
    }
    let most = valueOfOne, least = stored?.kind == .signed ? -most - 1 : 0
    let rounded = scaled.rounded(.toNearestOrAwayFromZero)
    validity.nodata = rounded >= least && rounded <= most ? rounded : nil
  }
}
