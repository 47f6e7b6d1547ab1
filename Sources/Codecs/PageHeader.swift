import Platform
import Pictures

internal import CodecShims

/// A page as a shim's writer is told of it.
struct PageHeader {
  let description: ImageDescription
  let options: codec_options
  /// Without profile and items, which are there during ``pass(to:)`` only.
  var header: codec_header
  private let items: [MetadataItem]
  private let profile: [UInt8]
  private let metadata: Metadata
  /// Whether the page has no more than two values.
  var isOfTwoValues = false
  /// Its own mask, which its levels are made by.
  var mask: Mask?
  /// Whether a later page may have companions though this has none.
  var mayHaveCompanions = false
  /// Whether it begins a stack that ImageJ reads by this page alone, with the data of all pages behind its own.
  var beginsContiguousStack = false

  init(_ description: ImageDescription, _ metadata: Metadata, items: [MetadataItem], options: codec_options) {
    self.description = description
    self.options = options
    self.items = items
    self.metadata = metadata
    header = codec_header(description, metadata)
    profile = metadata.profile(for: description)
  }

  /// Calls a shim's function with all of it, and throws what that reports.
  func pass(
    to shim: (UnsafePointer<codec_header>, UnsafePointer<codec_options>, UnsafeMutablePointer<codec_error>) -> Int32
  ) throws {
    var header = header, options = options
    let items = ItemList(items)
    (header.items, header.item_count) = (items.start, items.count)
    try profile.withUnsafeBufferPointer { profile in
      if !profile.isEmpty { (header.icc_profile, header.icc_profile_count) = (profile.baseAddress, profile.count) }
      try withExtendedLifetime(items) { try check(.output) { shim(&header, &options, $0) } }
    }
  }
}

// MARK: - What goes with a page of a TIFF

extension PageHeader {
  var companions: [TIFFCompanion] { metadata.tiff.companions }
  var isCloudOptimized: Bool { metadata.tiff.isCloudOptimized }

  /// Whether readers tell its levels by their order, so that levels must not say what they are: Aperio's.
  var isSlide: Bool {
    items.contains { $0.kind == .tiff && $0.tag == MetadataItem.descriptionTag && $0.text.starts(with: "Aperio ".utf8) }
  }

  /// Whether its description says how many images of ImageJ's follow, none of them compressed or in tiles.
  var isStackOfImageJ: Bool {
    var header = header
    guard header.tiff_tile_width == 0, codec_tiff_written_compression(&header) <= 1,
      let item = items.first(where: { $0.kind == .tiff && $0.tag == MetadataItem.descriptionTag })
    else { return false }
    return ImageJDescription.isOne(item.text) && ImageJDescription.imageCount(item.text) > 1
  }

  /// One of its levels.
  func reduced(to level: TIFFCompanion.Level, of companion: TIFFCompanion) -> PageHeader {
    var picture = description, layout = Metadata()
    (picture.width, picture.height) = (level.side(of: picture.width), level.side(of: picture.height))
    layout.tiff = metadata.tiff
    layout.tiff.companions = []
    layout.tiff.isCloudOptimized = false
    layout.tiff.isReduced = !isSlide
    layout.tiff.hasWholeTiles = max(level.tileWidth, level.tileHeight) <= TIFFCompanion.Level.longestTile
    (layout.tiff.tileWidth, layout.tiff.tileHeight) = (level.tileWidth, level.tileHeight)
    layout.tiff.rowsPerStrip = level.rowsPerStrip
    layout.jpeg = metadata.jpeg
    if let old = metadata.resolution {
      let x = Double(picture.width) / Double(description.width), y = Double(picture.height) / Double(description.height)
      layout.resolution = old.unit == .none ? old : .init(x: old.x * x, y: old.y * y, unit: old.unit)
    }
    var options = options
    options.needs_big_tiff = 0
    let isOfSameSize = (companion.width, companion.height) == (picture.width, picture.height)
    let description = isOfSameSize ? companion.source.flatMap(TIFFStructure.description) : nil
    return PageHeader(
      picture, layout, items: items.filter(\.isNodata) + [description].compactMap { $0 }, options: options)
  }

  /// The sample in memory that stands for no data.
  var nodata: Double? {
    // Of ink, or of indices, it says nothing of light.
    guard let item = items.first(where: \.isNodata), !metadata.tiff.isInverted else { return nil }
    let text = String(decoding: item.text, as: UTF8.self).filter { !$0.isWhitespace }
    return Double(text).flatMap(description.inMemory)
  }
}

extension MetadataItem {
  fileprivate var isNodata: Bool { kind == .tiff && tag == GDALMetadata.nodataTag }
}

extension ImageDescription {
  /// A number of the file as its sample is in memory; nil if none can be it.
  func inMemory(_ value: Double) -> Double? {
    guard let stored else {
      switch sampleType {
      case .float32: return Double(Float(value))
      case .float64: return value
      default: return value == value.rounded() && 0...Double(sampleType.fullScale) ~= value ? value : nil
      }
    }
    switch stored.kind {
    case .float: return Double(Float(value))
    case .signed:
      guard value == value.rounded(), -valueOfOne - 1...valueOfOne ~= value else { return nil }
      return sampleType == .float32 ? Double(Float(value) / Float(valueOfOne)) : value / valueOfOne
    case .unsigned:
      guard value == value.rounded(), 0...valueOfOne ~= value else { return nil }
      if sampleType.isFloat { return value / valueOfOne }
      return ((value * Double(sampleType.fullScale) + (valueOfOne / 2).rounded(.down)) / valueOfOne).rounded(.down)
    }
  }
}

extension PageHeader {
  /// Calls a shim's function that creates a writer.
  func create(
    _ descriptor: Int32,
    with shim: (
      Int32, UnsafePointer<codec_header>, UnsafePointer<codec_options>, UnsafeMutablePointer<OpaquePointer?>,
      UnsafeMutablePointer<codec_error>
    ) -> Int32
  ) throws -> OpaquePointer {
    var handle: OpaquePointer?
    try pass { shim(descriptor, $0, $1, &handle, $2) }
    return handle!
  }
}

/// Items for a shim, their bytes in one block of memory.
final class ItemList {
  private let memory: UnsafeMutableBufferPointer<UInt8>
  private let items: UnsafeMutableBufferPointer<codec_item>

  init(_ list: [MetadataItem]) {
    memory = .allocate(capacity: list.reduce(1) { $0 + $1.bytes.count })
    items = .allocate(capacity: list.count + 1)
    var place = memory.baseAddress!
    for (index, item) in list.enumerated() {
      place.update(from: item.bytes, count: item.bytes.count)
      items.initializeElement(
        at: index,
        to: codec_item(
          kind: item.kind.rawValue, tag: item.tag, type: item.type, count: UInt64(item.count),
          bytes: UnsafePointer(place), byte_count: item.bytes.count))
      place += item.bytes.count
    }
    count = list.count
  }

  deinit {
    memory.deallocate()
    items.deallocate()
  }

  let count: Int
  var start: UnsafePointer<codec_item> { UnsafePointer(items.baseAddress!) }
}
