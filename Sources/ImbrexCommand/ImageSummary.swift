package import Imbrex
/// What a file says of one of its pictures, in words and numbers: for `imbrex info`.
package struct ImageSummary: Sendable {
  package enum Value: Sendable {
    case text(String)
    case number(Double)
    case flag(Bool)
    case list([Value])
  }

  /// Names and values in the order in which they are to be shown. Names are lower case with underscores.
  package let fields: [(name: String, value: Value)]

  /// Of the reader's current page.
  package init(_ reader: ImageReader) {
    let picture = reader.description, metadata = reader.metadata
    var fields: [(String, Value)] = [
      ("width", .number(Double(picture.width))), ("height", .number(Double(picture.height))),
      ("channels", .number(Double(picture.channels))), ("type", .text(picture.sampleTypeName)),
      ("color", .text(picture.color.rawValue)), ("alpha", .text(picture.alpha.rawValue)),
      ("extra_bands", .number(Double(picture.extraBands))), ("file_bits", .number(Double(reader.fileBits))),
      ("file_color", .text(reader.fileColor)),
    ]
    switch reader.format {
    case .png: fields += [("compression", .text("deflate")), ("interlaced", .flag(metadata.isInterlacedPNG))]
    case .jpeg: fields += Self.fields(metadata.jpeg, color: picture.color)
    case .tiff: fields += Self.fields(metadata.tiff, jpeg: metadata.jpeg)
    default: fields.append(("compression", .text("none")))
    }
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
    let description =
      metadata.notes.first { $0.kind == .tiff && $0.tag == 270 } ?? metadata.notes.first { $0.kind == .comment }
    if let description {
      fields.append(("description", .text(String(decoding: description.bytes.prefix { $0 != 0 }, as: UTF8.self))))
    }
    let kinds = metadata.notes.map(Self.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    fields.append(("metadata", .list(kinds.map(Value.text))))
    self.fields = fields
  }

  private static func name(_ note: Note) -> String {
    switch note.kind {
    case .exif, .tiffExif: "exif"
    case .tiffGPS: "gps"
    case .xmp: "xmp"
    case .comment: "comment"
    case .png: note.chunkName
    case .jpeg: note.tag >= 0xE0 && note.tag <= 0xEF ? "APP\(note.tag - 0xE0)" : "marker \(note.tag)"
    case .tiff: note.tag == 270 ? "description" : note.tag == 700 ? "xmp" : "tag \(note.tag)"
    }
  }

  private static func fields(_ jpeg: Metadata.JPEGCoding, color: ColorModel) -> [(String, Value)] {
    var fields: [(String, Value)] = [
      ("compression", .text(jpeg.isArithmetic ? "jpeg, arithmetic" : "jpeg")),
      ("quality", .number(Double(jpeg.quality))), ("progressive", .flag(jpeg.isProgressive)),
    ]
    let names = ["1x1": "4:4:4", "2x1": "4:2:2", "2x2": "4:2:0", "1x2": "4:4:0", "4x1": "4:1:1", "4x2": "4:1:0"]
    let sampling = "\(jpeg.horizontalSampling)x\(jpeg.verticalSampling)"
    if jpeg.horizontalSampling > 0 && color != .gray {
      fields.append(("subsampling", .text(names[sampling] ?? sampling)))
    }
    if jpeg.restartInterval > 0 { fields.append(("restart_interval", .number(Double(jpeg.restartInterval)))) }
    return fields
  }

  private static func fields(_ tiff: Metadata.TIFFLayout, jpeg: Metadata.JPEGCoding) -> [(String, Value)] {
    let compressions: [Int32: String] = [
      1: "none", 2: "ccitt rle", 3: "ccitt g3", 4: "ccitt g4", 5: "lzw", 7: "jpeg", 8: "deflate", 32773: "packbits",
      32946: "deflate", 34925: "lzma", 50000: "zstd", 50001: "webp",
    ]
    var fields: [(String, Value)] = [
      ("compression", .text(compressions[tiff.compression] ?? String(tiff.compression)))
    ]
    if tiff.compression == 7 { fields.append(("quality", .number(Double(jpeg.quality)))) }
    if tiff.predictor > 1 { fields.append(("predictor", .number(Double(tiff.predictor)))) }
    let layout =
      tiff.tileWidth > 0
      ? "tiles of \(tiff.tileHeight) x \(tiff.tileWidth)" : "strips of \(tiff.rowsPerStrip) rows"
    return fields + [
      ("layout", .text(layout)), ("planar", .flag(tiff.isPlanar)),
      ("byte_order", .text(tiff.isBigEndian ? "big-endian" : "little-endian")), ("bigtiff", .flag(tiff.isBigTIFF)),
    ]
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
