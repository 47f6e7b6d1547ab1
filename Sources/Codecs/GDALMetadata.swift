import Pictures

/// What GDAL adds to a TIFF: statistics and scales of bands, the number that stands for no data, and where on Earth pixels lie.
enum GDALMetadata {
  static let itemsTag: UInt32 = 42112, nodataTag: UInt32 = 42113
  private static let scaleTag: UInt32 = 33550, tiepointTag: UInt32 = 33922, matrixTag: UInt32 = 34264
  private static let coefficientsTag: UInt32 = 50844
  static let placeTags: Set<UInt32> = [scaleTag, tiepointTag, matrixTag, coefficientsTag, 34735, 34736, 34737]

  /// The items without statistics and what bands are no longer; nil if nothing is left.
  static func items(_ text: ArraySlice<UInt8>, _ change: PictureChange, _ output: ImageDescription) -> [UInt8]? {
    guard let document = XMLText(text), document.root.localName == "GDALMetadata" else { return nil }
    let scale = change.scale(to: output), root = document.root
    root.remove { item in
      guard item.localName == "Item" else { return false }
      let role = (item["role"] ?? "").lowercased()
      if (item["name"] ?? "").hasPrefix("STATISTICS_") { return true }
      if let sample = item.number("sample"), sample >= output.channels { return true }
      if !change.keepsQuantity { return ["scale", "offset", "unittype"].contains(role) }
      guard role == "scale", scale != 1 else { return false }
      // Physical values are samples × scale + offset.
      guard let number = Double(item.text.filter { !$0.isWhitespace }) else { return true }
      item.children = [.text(Array(String(number / scale).utf8)[...])]
      return false
    }
    return root.elements.isEmpty ? nil : document.bytes
  }

  /// What its tag says; nil if that is no number.
  static func number(_ text: ArraySlice<UInt8>) -> Double? {
    Double(String(decoding: text, as: UTF8.self).filter { !$0.isWhitespace })
  }

  /// The number for no data of a result that has one, as its tag has it.
  ///
  /// - Parameter text: The input's tag; it stays as it is where it says the same.
  static func nodata(_ value: Double, _ text: ArraySlice<UInt8>?, _ output: ImageDescription) -> [UInt8] {
    if let text, let number = number(text), number == value || number.isNaN && value.isNaN { return Array(text) }
    if !value.isFinite { return Array((value.isNaN ? "nan" : value < 0 ? "-inf" : "inf").utf8) }
    return Array((output.sampleType == .float32 ? shortest(Float(value)) : shortest(value)).utf8)
  }

  /// The number for no data in the output's units, of a picture of which nothing has been left out; nil if none of its numbers
  /// stands for it.
  static func nodata(_ text: ArraySlice<UInt8>, _ change: PictureChange, _ output: ImageDescription) -> [UInt8]? {
    let word = String(decoding: text, as: UTF8.self).filter { !$0.isWhitespace }
    guard change.keepsQuantity, let value = Double(word) else { return nil }
    let isSame = output.sampleType == change.input.sampleType && output.stored == change.input.stored
    if isSame { return Array(text) }
    let scaled = value * change.scale(to: output)
    let isWhole = output.stored.map { $0.kind != .float } ?? !output.sampleType.isFloat
    guard isWhole else {
      if !scaled.isFinite { return Array(word.utf8) }
      return Array((output.sampleType == .float64 ? shortest(scaled) : shortest(Float(scaled))).utf8)
    }
    let most = output.valueOfOne, least = output.stored?.kind == .signed ? -most - 1 : 0
    let rounded = scaled.rounded(.toNearestOrAwayFromZero)
    return rounded >= least && rounded <= most ? Array(shortest(rounded).utf8) : nil
  }

  /// The shortest that reads back as the number, whole ones without a point.
  private static func shortest<Number: BinaryFloatingPoint & LosslessStringConvertible>(_ value: Number) -> String {
    value == value.rounded() && value.magnitude < 1e15 ? String(Int(value)) : String(value)
  }

  /// A tag that says where pixels lie, for the part that is written; nil where they are turned.
  static func place(_ item: MetadataItem, _ change: PictureChange) -> MetadataItem? {
    guard change.turn == 1 else { return nil }
    guard let region = change.region, item.type == 12 else { return item }
    var values = item.bytes.withUnsafeBytes { raw in
      (0..<(raw.count / 8)).map { raw.loadUnaligned(fromByteOffset: 8 * $0, as: Double.self) }
    }
    let x = Double(region.x), y = Double(region.y)
    switch item.tag {
    case tiepointTag:
      for point in stride(from: 0, to: values.count - 5, by: 6) {
        values[point] -= x
        values[point + 1] -= y
      }
    case matrixTag where values.count == 16:
      for row in [0, 4, 8] { values[row + 3] += values[row] * x + values[row + 1] * y }
    // Rational polynomials: two errors, then the line and the sample that stand for 0.
    case coefficientsTag where values.count >= 4:
      values[2] -= y
      values[3] -= x
    default: return item
    }
    var result = item
    result.bytes = values.withUnsafeBytes { Array($0) }
    return result
  }
}
