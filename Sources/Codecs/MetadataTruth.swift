import Pictures
import Platform

// Metadata go from a picture to its result. What they say of the file that they were read from, and is no longer so, is made
// true, or left out.

extension Metadata {
  /// What holds of a result.
  func after(_ change: PictureChange, as output: ImageDescription) -> Metadata {
    var result = self
    if let first = change.firstPage { result.take(from: first) }
    let earlier = result.items.lazy.compactMap(\.ownProvenance).first
    let channels = result.items.lazy.filter { $0.kind == .tiff && $0.tag == MetadataItem.descriptionTag }
      .compactMap { ImageJDescription.channels($0.text, change) }.first
    result.items = result.items.compactMap { $0.after(change, as: output) }
    result.addNodata(change, output)
    result.rewriteImageJExtras(self.tiff.isBigEndian, change, output, channels)
    if result.resolution == nil { result.resolution = items.lazy.compactMap(\.voxelResolution).first }
    if change.turn >= 5, let old = resolution { result.resolution = Resolution(x: old.y, y: old.x, unit: old.unit) }
    if let provenance = change.provenance {
      result.software = [earlier, "imbrex \(version): \(provenance)"].compactMap { $0 }.joined(separator: "; ")
    }
    return result
  }

  /// What programs write into the first page for all of them.
  private mutating func take(from first: Metadata) {
    func isShared(_ item: MetadataItem) -> Bool {
      guard item.kind == .tiff else { return false }
      if [ImageJExtras.countsTag, ImageJExtras.bytesTag].contains(item.tag) { return true }
      return item.tag == MetadataItem.descriptionTag
        && (ImageJDescription.isOne(item.text) || OMEDescription.isOne(item.text))
    }
    let shared = first.items.filter(isShared)
    items.removeAll { item in shared.contains { $0.kind == item.kind && $0.tag == item.tag } }
    items += shared
    if resolution == nil { resolution = first.resolution }
  }

  /// A number for no data that the input's file did not tell of.
  private mutating func addNodata(_ change: PictureChange, _ output: ImageDescription) {
    guard change.writesNodata, let value = output.validity.nodata, output.nodataSample != nil else { return }
    if items.contains(where: { $0.kind == .tiff && $0.tag == GDALMetadata.nodataTag }) { return }
    items.append(
      MetadataItem(
        kind: .tiff, tag: GDALMetadata.nodataTag, type: 2, bytes: GDALMetadata.nodata(value, nil, output) + [0]))
  }

  private mutating func rewriteImageJExtras(
    _ isBigEndian: Bool, _ change: PictureChange, _ output: ImageDescription,
    _ channels: (kept: [Int], count: Int)?
  ) {
    func item(_ tag: UInt32) -> MetadataItem? { items.first { $0.kind == .tiff && $0.tag == tag } }
    let counts = item(ImageJExtras.countsTag), bytes = item(ImageJExtras.bytesTag)
    items.removeAll { $0.kind == .tiff && [ImageJExtras.countsTag, ImageJExtras.bytesTag].contains($0.tag) }
    if let counts, let bytes, change.page == 0 {
      items += ImageJExtras.rewritten(
        counts: counts, bytes: bytes, isBigEndian: isBigEndian, change, output, channels: channels)
    }
  }
}

extension MetadataItem {
  /// A text without the zeros at its end.
  var text: ArraySlice<UInt8> { bytes[..<((bytes.lastIndex { $0 != 0 } ?? -1) + 1)] }

  private func with(text: [UInt8]?) -> MetadataItem? {
    text.map { MetadataItem(kind: kind, tag: tag, type: type, bytes: type == 2 ? $0 + [0] : $0) }
  }

  /// What holds of a result; nil if nothing does.
  fileprivate func after(_ change: PictureChange, as output: ImageDescription) -> MetadataItem? {
    if ownProvenance != nil { return nil }
    switch kind {
    case .exif:
      return MetadataItem(
        kind: .exif, bytes: Exif.payload(bytes, of: output, movesPixels: change.movesPixels))
    case .xmp: return with(text: XMP.rewritten(bytes[...]))
    case .comment, .tiffGPS: return self
    case .png: return pngAfter(change, as: output)
    case .jpeg: return jpegAfter()
    case .tiffExif: return Exif.item(self, of: output, movesPixels: change.movesPixels)
    case .tiff: return tiffAfter(change, as: output)
    }
  }

  // MARK: - PNG

  /// Texts of PNG that tell of the file, and ImageMagick's copies of Exif and Photoshop's resources.
  private static let goneTexts: Set<String> = [
    "Software", "date:modify", "date:timestamp", "Raw profile type exif", "Raw profile type APP1",
    "Raw profile type 8bim",
  ]

  private func pngAfter(_ change: PictureChange, as output: ImageDescription) -> MetadataItem? {
    switch chunkName {
    case "tIME": return nil
    case "tEXt", "zTXt", "iTXt":
      return Self.goneTexts.contains(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)) ? nil : self
    case "oFFs": return change.movesPixels ? nil : self
    // Values of samples.
    case "pCAL": return change.keepsQuantity && change.scale(to: output) == 1 ? self : nil
    default: return self
    }
  }

  // MARK: - JPEG

  private func jpegAfter() -> MetadataItem? {
    func begins(_ signature: String) -> Bool { bytes.starts(with: signature.utf8) }
    switch tag {
    // More of XMP: of use for pictures only.
    case 0xE1: return begins("http://ns.adobe.com/xmp/extension/") ? nil : self
    // FlashPix, and maps that make the picture brighter where it was.
    case 0xE2: return begins("FPXR") || begins("urn:iso:std:iso:ts:21496") ? nil : self
    // Boxes: signatures of the samples as they were, with thumbnails.
    case 0xEB: return nil
    case 0xED where begins("Photoshop 3.0\0"):
      let signature = PhotoshopResources.signature
      let rest = PhotoshopResources.rewritten(bytes.dropFirst(signature.count))
      return rest.isEmpty ? nil : MetadataItem(kind: .jpeg, tag: tag, bytes: signature + rest)
    default: return self
    }
  }

  // MARK: - TIFF

  private enum Tag {
    static let subfileType: UInt32 = 254, pageNumber: UInt32 = 297, photoshopLayers: UInt32 = 37724
    static let zeiss: UInt32 = 34412
    /// Zeiss' and Olympus' headers, whose offsets are of the input's file; and a signature of its samples.
    static let ofFile: Set<UInt32> = [zeiss, 34361, 34362, 52545]
    /// Hamamatsu's: places in the input's JPEG streams, and how it is laid out.
    static let hamamatsu: ClosedRange<UInt32> = 65420...65480
  }

  private func tiffAfter(_ change: PictureChange, as output: ImageDescription) -> MetadataItem? {
    switch tag {
    case Exif.software, Exif.dateTime, Tag.photoshopLayers: return nil
    case _ where Tag.ofFile.contains(tag) || Tag.hamamatsu ~= tag: return nil
    case Tag.subfileType: return change.pages.count > 1 ? self : nil
    case Tag.pageNumber:
      guard change.pages.count > 1, change.pages.count < 65536 else { return nil }
      let numbers = [UInt16(change.page), UInt16(change.pages.count)]
      return MetadataItem(
        kind: .tiff, tag: tag, type: 3, count: 2, bytes: numbers.withUnsafeBytes { Array($0) })
    case Self.descriptionTag: return descriptionAfter(change, as: output)
    case Self.xmpTag: return with(text: XMP.rewritten(bytes[...]))
    case PhotoshopResources.tag:
      let rest = PhotoshopResources.rewritten(bytes[...])
      return rest.isEmpty ? nil : MetadataItem(kind: .tiff, tag: tag, type: type, bytes: rest)
    case GDALMetadata.itemsTag: return with(text: GDALMetadata.items(text, change, output))
    case GDALMetadata.nodataTag:
      return with(
        text: output.validity.nodata.map { GDALMetadata.nodata($0, text, output) }
          ?? GDALMetadata.nodata(text, change, output))
    case _ where GDALMetadata.placeTags.contains(tag): return GDALMetadata.place(self, change)
    default: return self
    }
  }

  private func descriptionAfter(_ change: PictureChange, as output: ImageDescription) -> MetadataItem? {
    if ImageJDescription.isOne(text) {
      return change.page > 0 ? nil : with(text: ImageJDescription.rewritten(text, change, output))
    }
    if OMEDescription.isOne(text) {
      return change.page > 0 ? nil : with(text: OMEDescription.rewritten(text, change, output))
    }
    // tifffile's shape of all pages.
    if text.starts(with: "{\"shape\":".utf8) {
      let isSame = !change.movesPixels && !change.isOfSomePages && change.input.channels == output.channels
      return isSame && shapeHoldsPages(of: output) ? self : nil
    }
    return self
  }

  /// Whether tifffile's shape is that of whole pages: of indices into a palette, which have become colours, it is not.
  private func shapeHoldsPages(of output: ImageDescription) -> Bool {
    guard let open = text.firstIndex(of: 0x5B), let close = text[open...].firstIndex(of: 0x5D) else { return false }
    let sizes = text[(open + 1)..<close].split(separator: 0x2C).map { size in
      Int(String(decoding: size.filter { $0 != 0x20 }, as: UTF8.self)) ?? 0
    }
    let samples = sizes.reduce((product: 1, overflow: false)) { result, size in
      let (product, overflow) = result.product.multipliedReportingOverflow(by: size)
      return (product, result.overflow || overflow)
    }
    return !samples.overflow && samples.product > 0
      && samples.product % (output.width * output.height * output.channels) == 0
  }

  /// Of Zeiss' header, which goes: pixels a centimetre, from the size of one in metres.
  fileprivate var voxelResolution: Metadata.Resolution? {
    guard kind == .tiff, tag == Tag.zeiss, bytes.count >= 56, [0x0030_494C, 0x0040_494C].contains(word(0, UInt32.self))
    else { return nil }
    let x = 0.01 / Double(bitPattern: word(40, UInt64.self)), y = 0.01 / Double(bitPattern: word(48, UInt64.self))
    let range = 1e-3...1e9
    return range.contains(x) && range.contains(y) ? .init(x: x, y: y, unit: .centimeter) : nil
  }

  private func word<Word: FixedWidthInteger>(_ place: Int, _: Word.Type) -> Word {
    bytes.withUnsafeBytes { Word(littleEndian: $0.loadUnaligned(fromByteOffset: place, as: Word.self)) }
  }

  // MARK: - Provenance

  /// What `--provenance` wrote into the input, wherever its format has it.
  fileprivate var ownProvenance: String? {
    let text: ArraySlice<UInt8>
    switch kind {
    case .comment: text = bytes[...]
    case .tiff where tag == Exif.software: text = self.text
    case .png where ["tEXt", "iTXt"].contains(chunkName):
      guard bytes.starts(with: "Software\0".utf8) else { return nil }
      text = bytes.dropFirst(chunkName == "tEXt" ? 9 : 13)
    default: return nil
    }
    let word = String(decoding: text, as: UTF8.self)
    guard word.hasPrefix("imbrex "), word.contains(": ") else { return nil }
    return word
  }
}

extension Metadata {
  /// PNG's text for what made the picture.
  var softwareChunk: MetadataItem? {
    guard let software else { return nil }
    let isPlain = software.utf8.allSatisfy { $0 < 128 }
    let name: UInt32 = isPlain ? 0x7445_5874 : 0x6954_5874  // tEXt, iTXt: no compression, no language.
    return MetadataItem(
      kind: .png, tag: name, bytes: Array("Software\0".utf8) + (isPlain ? [] : [0, 0, 0, 0]) + Array(software.utf8))
  }

  /// The same as a comment.
  var softwareComment: MetadataItem? { software.map { MetadataItem(kind: .comment, bytes: Array($0.utf8)) } }

  /// The same as a tag of TIFF.
  var softwareTag: MetadataItem? {
    software.map { MetadataItem(kind: .tiff, tag: Exif.software, type: 2, bytes: Array($0.utf8) + [0]) }
  }
}
