import Pictures
import Platform

internal import CodecShims

/// How a TIFF may be compressed, by the names that users know.
public enum TIFFCompression: String, CaseIterable, Sendable {
  case none, packbits, lzw, deflate, zstd, lzma, jpeg, webp, lerc

  /// libtiff's number.
  var number: Int32 {
    switch self {
    case .none: 1
    case .packbits: 32773
    case .lzw: 5
    case .deflate: 8
    case .zstd: 50000
    case .lzma: 34925
    case .jpeg: 7
    case .webp: 50001
    case .lerc: 34887
    }
  }
}

/// How a TIFF is cut.
public enum TIFFCut: Equatable, Sendable {
  case strips
  /// Sides in pixels, multiples of 16.
  case tiles(height: Int, width: Int)
}

/// What becomes of a TIFF's reduced versions.
public enum TIFFLevels: Equatable, Sendable {
  /// As many as the input has, of the same sizes.
  case keep
  case drop
  /// So many, each half of the one before.
  case make(Int)
}

extension ImageWriter.Options {
  /// Writes what is asked for into what a page is to be like.
  ///
  /// - Throws: ``ImbrexError`` if the format has no such thing.
  func apply(to metadata: inout Metadata, in format: ImageFormat) throws {
    guard format.name == "tiff" else {
      if let cut {
        let name = format.title
        throw ImbrexError(
          option: "tiles", "is for TIFFs, but the output is a \(name)\(cut == .strips ? "" : ", which has none")")
      }
      if let compression, !(compression == .deflate && format.name == "png") {
        throw ImbrexError(
          option: "compression", "is \(compression.rawValue), which is for TIFFs, but the output is a \(format.title)")
      }
      return
    }
    if let compression {
      if compression == .webp && metadata.tiff.compression != compression.number {
        metadata.tiff.isLosslessWebP = quality == nil
      }
      if compression == .lerc && metadata.tiff.compression != compression.number { metadata.tiff.lercError = 0 }
      metadata.tiff.compression = compression.number
    }
    switch cut {
    case nil: break
    case .strips: (metadata.tiff.tileWidth, metadata.tiff.tileHeight, metadata.tiff.rowsPerStrip) = (0, 0, 0)
    case .tiles(let height, let width):
      (metadata.tiff.tileWidth, metadata.tiff.tileHeight) = (UInt32(width), UInt32(height))
    }
  }

  /// Refuses a compression that was asked for and does not go with the samples.
  func checkCompression(_ page: PageHeader) throws {
    guard let compression else { return }
    var header = page.header
    guard header.tiff_compression == compression.number,
      codec_tiff_written_compression(&header) != compression.number,
      let found = codec_tiff_find_compression(compression.number)?.pointee
    else { return }
    throw ImbrexError(
      option: "compression",
      "is \(compression.rawValue), but \(String(cString: found.title)) \(String(cString: found.limits))")
  }
}

// MARK: - Levels and masks

extension ImageWriter.Options {
  /// Sets what is to go with a page.
  ///
  /// - Parameter isAlone: Whether it is the file's only one.
  func setCompanions(
    of metadata: inout Metadata, for page: ImageDescription, _ change: PictureChange?, isAlone: Bool,
    in format: ImageFormat
  ) throws {
    guard format.name == "tiff" else {
      if case .make = levels {
        throw ImbrexError(option: "levels", "are for TIFFs, but the output is a \(format.title)")
      }
      metadata.tiff.companions = []
      return
    }
    var companions = metadata.tiff.companions
    // Masks are copied as they are, unless pixels lie elsewhere.
    let hadMask = companions.contains { $0.role == .mask }
    if change?.movesPixels == true { companions.removeAll { $0.role == .mask } }
    if levels != .keep {
      let place = companions.firstIndex { $0.level != nil } ?? 0, isChild = isChild(metadata)
      let old = companions.first { $0.level != nil }?.level
      companions.removeAll { $0.level != nil }
      if case .make(let count) = levels {
        var made: [TIFFCompanion] = [], longest = max(page.width, page.height)
        for halvings in 1...count where longest > 1 {
          var level = TIFFCompanion.Level(halvings: halvings)
          level.roundsUp = old?.roundsUp ?? true
          (level.tileWidth, level.tileHeight) = (metadata.tiff.tileWidth, metadata.tiff.tileHeight)
          let (width, height) = (level.side(of: page.width), level.side(of: page.height))
          made.append(TIFFCompanion(role: .level(level), isChild: isChild, width: width, height: height))
          longest = max(width, height)
        }
        companions.insert(contentsOf: made, at: min(place, companions.count))
      }
      let sizes = Set(companions.filter { $0.level != nil }.map { [$0.width, $0.height] })
      // A mask of a level that is gone goes too.
      companions.removeAll { mask in
        mask.role == .mask && [mask.width, mask.height] != [page.width, page.height]
          && !sizes.contains([mask.width, mask.height])
      }
    }
    if let cut {
      for index in companions.indices {
        guard var level = companions[index].level else { continue }
        if case .tiles(let height, let width) = cut {
          (level.tileWidth, level.tileHeight) = (UInt32(width), UInt32(height))
        } else {
          (level.tileWidth, level.tileHeight, level.rowsPerStrip) = (0, 0, 0)
        }
        companions[index].role = .level(level)
      }
    }
    if hadMask, let mask = try change?.ownMask() { try Self.complete(&companions, with: mask, of: page) }
    metadata.tiff.companions = companions
    metadata.tiff.isCloudOptimized = metadata.tiff.isCloudOptimized && isAlone && metadata.tiff.tileWidth > 0
    if companions.contains(where: { $0.level != nil }) || metadata.tiff.isCloudOptimized {
      metadata.tiff.hasWholeTiles =
        max(metadata.tiff.tileWidth, metadata.tiff.tileHeight) <= TIFFCompanion.Level.longestTile
    }
  }

  /// Adds the masks that a page and its levels lack.
  private static func complete(
    _ companions: inout [TIFFCompanion], with mask: Mask, of page: ImageDescription
  ) throws {
    func has(_ width: Int, _ height: Int) -> Bool {
      companions.contains { $0.role == .mask && ($0.width, $0.height) == (width, height) }
    }
    var whole = TIFFCompanion(role: .mask, isChild: false, width: page.width, height: page.height)
    whole.mask = mask
    if !has(page.width, page.height) { companions.insert(whole, at: 0) }
    var smaller = mask, halvings = 0
    let levels = companions.compactMap { $0.isChild ? nil : $0.level }.sorted { $0.halvings < $1.halvings }
    for level in levels {
      for _ in halvings..<max(level.halvings, halvings) { smaller = try smaller.halved() }
      halvings = max(level.halvings, halvings)
      let (width, height) = (level.side(of: page.width), level.side(of: page.height))
      guard !has(width, height) else { continue }
      var companion = TIFFCompanion(role: .mask, isChild: false, width: width, height: height)
      companion.mask = try smaller.cropped(to: Region(x: 0, y: 0, width: width, height: height))
      companions.append(companion)
    }
  }

  /// Levels hang below their pages where they did, and in an OME-TIFF; else they stand behind them, as GDAL has it.
  private func isChild(_ metadata: Metadata) -> Bool {
    if let level = metadata.tiff.companions.first(where: { $0.level != nil }) { return level.isChild }
    return metadata.items.contains {
      $0.kind == .tiff && $0.tag == MetadataItem.descriptionTag && OMEDescription.isOne($0.text)
    }
  }
}
