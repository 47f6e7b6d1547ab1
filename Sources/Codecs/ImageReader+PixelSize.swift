public import Pictures

// How large pixels are, from whoever in a file knows best.

extension ImageReader {
  /// Of the current page: OME-XML's, ImageJ's, GeoTIFF's in units of length, or what the resolution says.
  public var pixelSize: PixelSize? {
    let own = metadata, first = firstPage
    if let size = own.describedPixelSize ?? first?.describedPixelSize(resolution: own.resolution) { return size }
    if own.isGeographic { return nil }
    return own.groundPixelSize ?? own.resolution?.pixelSize ?? first?.resolution?.pixelSize
  }

  /// The same without what a resolution says, which may be meant for printers.
  public var measuredPixelSize: PixelSize? {
    metadata.describedPixelSize ?? firstPage?.describedPixelSize(resolution: metadata.resolution)
      ?? metadata.groundPixelSize
  }
}

extension Metadata {
  fileprivate var describedPixelSize: PixelSize? { describedPixelSize(resolution: resolution) }

  /// - Parameter own: Of the page, where this is another's.
  fileprivate func describedPixelSize(resolution own: Resolution?) -> PixelSize? {
    guard let item = items.first(where: { $0.kind == .tiff && $0.tag == MetadataItem.descriptionTag }) else {
      return nil
    }
    if OMEDescription.isOne(item.text) { return OMEDescription.pixelSize(item.text) }
    guard ImageJDescription.isOne(item.text), let resolution = own ?? resolution else { return nil }
    return ImageJDescription.pixelSize(item.text, resolution)
  }

  private func numbers<Number: BitwiseCopyable>(_ tag: UInt32, _ type: UInt16, _: Number.Type) -> [Number] {
    guard let item = items.first(where: { $0.kind == .tiff && $0.tag == tag && $0.type == type }) else { return [] }
    let size = MemoryLayout<Number>.size
    return item.bytes.withUnsafeBytes { bytes in
      (0..<(bytes.count / size)).map { bytes.loadUnaligned(fromByteOffset: $0 * size, as: Number.self) }
    }
  }

  /// A short value of GeoTIFF's directory of keys (OGC 19-008r4, 7.1).
  private func geoKey(_ key: UInt16) -> UInt16? {
    let keys = numbers(34735, 3, UInt16.self)
    return stride(from: 4, to: max(keys.count - 3, 4), by: 4).first { keys[$0] == key && keys[$0 + 1] == 0 }
      .map { keys[$0 + 3] }
  }

  /// Whether pixels are measured in degrees: how far that is depends on the place.
  fileprivate var isGeographic: Bool { geoKey(1024) == 2 }

  /// On the ground, in a projection.
  fileprivate var groundPixelSize: PixelSize? {
    guard geoKey(1024) == 1 else { return nil }
    let unit: Double
    switch geoKey(3076) ?? 9001 {
    case 9001: unit = 1
    case 9002: unit = LengthUnit.foot.meters
    case 9003: unit = 1200.0 / 3937
    default: return nil
    }
    let scale = numbers(33550, 12, Double.self), matrix = numbers(34264, 12, Double.self)
    if scale.count >= 2 { return PixelSize(y: scale[1].magnitude * unit, x: scale[0].magnitude * unit) }
    guard matrix.count == 16 else { return nil }
    func length(_ column: Int) -> Double {
      (matrix[column] * matrix[column] + matrix[4 + column] * matrix[4 + column]).squareRoot() * unit
    }
    return PixelSize(y: length(1), x: length(0))
  }
}

extension Metadata.Resolution {
  fileprivate var pixelSize: PixelSize? {
    switch unit {
    case .none: nil
    case .inch: PixelSize(y: 0.0254 / y, x: 0.0254 / x)
    case .centimeter: PixelSize(y: 0.01 / y, x: 0.01 / x)
    }
  }
}

extension OMEDescription {
  /// In metres, what the schema has beside what can be typed (`UnitsLength`); without those of astronomers.
  private static let rareUnits: [String: Double] = [
    "fm": 1e-15, "pm": 1e-12, "\u{C5}": 1e-10, "dm": 0.1, "dam": 10, "hm": 100,
    "thou": 0.0254e-3, "li": 0.0254 / 12, "pt": 0.0254 / 72, "yd": 0.9144, "mi": 1609.344,
  ]

  /// Of the first image.
  static func pixelSize(_ text: ArraySlice<UInt8>) -> PixelSize? {
    guard let pixels = XMLText(text)?.root.elements("Image").first?.elements("Pixels").first else { return nil }
    func length(_ axis: String) -> Double? {
      let name = pixels.plain("PhysicalSize\(axis)Unit") ?? "um"
      guard let unit = LengthUnit(named: name)?.meters ?? rareUnits[name],
        let number = Double(pixels.plain("PhysicalSize\(axis)") ?? "")
      else { return nil }
      return number * unit
    }
    guard let y = length("Y"), let x = length("X") else { return nil }
    return PixelSize(y: y, x: x, z: length("Z"))
  }
}

extension ImageJDescription {
  /// Resolutions count pixels a unit, which the description names; the distance of slices is told in it.
  static func pixelSize(_ text: ArraySlice<UInt8>, _ resolution: Metadata.Resolution) -> PixelSize? {
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
    func value(_ key: String) -> String? {
      lines.first { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.utf8.count + 1)) }
    }
    guard let unit = value("unit").flatMap(LengthUnit.init(named:)) else { return nil }
    return PixelSize(
      y: unit.meters / resolution.y, x: unit.meters / resolution.x,
      z: value("spacing").flatMap { Double($0) }.map { $0 * unit.meters })
  }
}
