package import Imbrex

/// What a file says of one of its pictures, in words and numbers: for `imbrex info`.
package struct ImageSummary: Sendable {
  package typealias Value = FileField.Value

  /// Names and values in the order in which they are to be shown. Names are lower case with underscores.
  package let fields: [(name: String, value: Value)]

  private let picture: ImageDescription
  /// As the file has it.
  private let description: String?

  /// Of the reader's current page.
  package init(_ reader: ImageReader) {
    let metadata = reader.metadata
    picture = reader.description
    var fields: [(String, Value)] = [
      ("width", .number(Double(picture.width))), ("height", .number(Double(picture.height))),
      ("channels", .number(Double(picture.channels))), ("type", .text(picture.sampleTypeName)),
      ("color", .text(picture.color.rawValue)), ("alpha", .text(picture.alpha.rawValue)),
      ("extra_bands", .number(Double(picture.extraBands))), ("file_bits", .number(Double(reader.fileBits))),
      ("file_color", .text(reader.fileColor)),
    ]
    if reader.hasFileMask { fields.append(("mask", .flag(true))) }
    fields += reader.fields.map { ($0.name, $0.value) }
    if let orientation = metadata.orientation { fields.append(("orientation", .number(Double(orientation)))) }
    if let resolution = metadata.resolution {
      let unit = [.none: "none", .inch: "inch", .centimeter: "cm"][resolution.unit]!
      fields += [
        ("resolution", .list([.number(resolution.x), .number(resolution.y)])), ("resolution_unit", .text(unit)),
      ]
    }
    if !metadata.iccProfile.isEmpty {
      fields.append(("profile_bytes", .number(Double(metadata.iccProfile.count))))
      if let name = Self.profileName(metadata.iccProfile) { fields.append(("profile", .text(name))) }
    }
    if let size = reader.measuredPixelSize {
      let unit = LengthUnit(suiting: max(size.y, size.x))
      // To 9 digits: of a resolution, which is a quotient, there are no more.
      func number(_ meters: Double) -> Value { .number((meters / unit.meters * 1e9).rounded() / 1e9) }
      fields += [
        ("pixel_size", .list([number(size.x), number(size.y)])), ("pixel_size_unit", .text(unit.rawValue)),
      ]
      if let z = size.z { fields.append(("slice_distance", number(z))) }
    }
    description = metadata.descriptionText
    if let description { fields.append(("description", .text(description))) }
    let kinds = metadata.items.map(Self.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    fields.append(("metadata", .list(kinds.map(Value.text))))
    self.fields = fields
  }

  /// What the pages of a file are, of which this is the first.
  func axes(pages: Int) -> StackAxes? {
    description.flatMap { StackAxes(description: $0, picture: picture, pages: pages) }
  }

  private static func name(_ item: MetadataItem) -> String {
    switch item.kind {
    case .exif, .tiffExif: "exif"
    case .tiffGPS: "gps"
    case .xmp: "xmp"
    case .comment: "comment"
    case .png: item.chunkName
    case .jpeg: item.tag >= 0xE0 && item.tag <= 0xEF ? "APP\(item.tag - 0xE0)" : "marker \(item.tag)"
    case .tiff: item.tag == 270 ? "description" : item.tag == 700 ? "xmp" : "tag \(item.tag)"
    }
  }

  /// The text of a profile's `desc` tag (ICC.1:2022, 9.2.41): ASCII up to version 2, UTF-16 since version 4.
  private static func profileName(_ profile: [UInt8]) -> String? {
    func number(_ place: Int) -> Int {
      place >= 0 && place + 4 <= profile.count ? (0..<4).reduce(0) { $0 << 8 | Int(profile[place + $1]) } : 0
    }
    let entries = (0..<min(number(128), 100)).map { 132 + 12 * $0 }
    guard let entry = entries.first(where: { number($0) == 0x6465_7363 }) else { return nil }
    let place = number(entry + 4)
    var bytes: ArraySlice<UInt8> = []
    if number(place) == 0x6465_7363 {
      let length = number(place + 8)
      guard length > 0, length < 1000, place + 12 + length <= profile.count else { return nil }
      return String(decoding: profile[(place + 12)..<(place + 12 + length)].prefix { $0 != 0 }, as: UTF8.self)
    }
    guard number(place) == 0x6D6C_7563, number(place + 8) > 0 else { return nil }
    let length = number(place + 20), start = place + number(place + 24)
    guard length > 0, length < 2000, start + length <= profile.count else { return nil }
    bytes = profile[start..<(start + length)]
    let units = stride(from: bytes.startIndex, to: bytes.endIndex - 1, by: 2).map {
      UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
    }
    return String(decoding: units, as: UTF16.self)
  }
}
