import Pictures
import Platform

/// Which of a TIFF's directories are pages, and what the others are to them.
///
/// A directory that says of itself that it is reduced, or a mask, belongs to the page before it. Aperio and Hamamatsu say
/// nothing of the kind: their files are one page, and all else goes with it.
struct TIFFStructure {
  /// By the offsets of their directories.
  private(set) var companions: [UInt64: [TIFFCompanion]] = [:]
  /// Directories that nothing is known of, and that are left out.
  private(set) var leftOut = 0
  /// Whether it is a file of GDAL's layout for the cloud: directories before data, data of small levels first.
  private(set) var isCloudOptimized = false

  private static let mostDirectories = 100_000, mostCompanions = 1000
  private let bytes: TIFFBytes

  /// - Parameter hasOthers: Whether some directories are no pages; else they are not looked at.
  init?(_ descriptor: Int32, hasOthers: Bool) {
    guard let file = SharedDescriptor(copying: descriptor), let bytes = TIFFBytes(file) else { return nil }
    self.bytes = bytes
    isCloudOptimized = Self.isCloudOptimized(bytes)
    guard hasOthers else { return }
    var offset = bytes.first, seen = Set<UInt64>(), page: Page?, isSlide = false
    while offset > 0, seen.count < Self.mostDirectories, seen.insert(offset).inserted,
      let directory = bytes.directory(at: offset), let next = Page(directory, bytes)
    {
      if page == nil { isSlide = next.beginsSlide }
      let isPage = page.map { isSlide ? next.isAlike($0) : !next.isReduced && !next.isMask } ?? true
      if isPage {
        page = next
        companions[offset] = []
        addChildren(of: next)
      } else if let page {
        add(next, to: page, isSlide: isSlide, isChild: false)
      }
      offset = directory.next
    }
  }

  private mutating func addChildren(of page: Page) {
    for offset in bytes.numbers(of: page.directory[TIFFBytes.Tag.children]) {
      guard let directory = bytes.directory(at: offset), let child = Page(directory, bytes) else {
        leftOut += 1
        continue
      }
      add(child, to: page, isSlide: false, isChild: true)
    }
  }

  private mutating func add(_ other: Page, to page: Page, isSlide: Bool, isChild: Bool) {
    let others = companions[page.directory.offset]!
    guard let role = other.role(beside: page, isSlide: isSlide, isChild: isChild), others.count < Self.mostCompanions,
      !others.contains(where: { $0.isSameLevel(as: role) })
    else {
      leftOut += 1
      return
    }
    var companion = TIFFCompanion(role: role, isChild: isChild, width: other.width, height: other.height)
    companion.source = .init(file: bytes.file, offset: other.directory.offset)
    companions[page.directory.offset]!.append(companion)
  }

  /// What a directory says in words.
  static func description(of source: TIFFCompanion.Source) -> MetadataItem? {
    guard let bytes = TIFFBytes(source.file), let directory = bytes.directory(at: source.offset),
      let entry = directory[TIFFBytes.Tag.description], entry.type == 2, let text = bytes.bytes(of: entry)
    else { return nil }
    return MetadataItem(kind: .tiff, tag: MetadataItem.descriptionTag, type: 2, bytes: text)
  }

  /// By the area that GDAL writes behind the header.
  private static func isCloudOptimized(_ bytes: TIFFBytes) -> Bool {
    guard let area = bytes.file.read(43 + 140, at: bytes.isBig ? 16 : 8) else { return false }
    let text = String(decoding: area, as: UTF8.self)
    return text.hasPrefix("GDAL_STRUCTURAL_METADATA_SIZE=") && text.contains("LAYOUT=IFDS_BEFORE_DATA")
      && !text.contains("KNOWN_INCOMPATIBLE_EDITION=YES")
  }

  /// What a directory says of its picture.
  private struct Page {
    let directory: TIFFBytes.Directory
    let width: Int
    let height: Int
    private let subfile: UInt64
    private let samples: UInt64
    private let bits: UInt64
    private let tile: (width: UInt64, height: UInt64)
    private let rowsPerStrip: UInt64
    let beginsSlide: Bool
    private let isHamamatsu: Bool
    /// Of Hamamatsu's: negative of what is no level.
    private let isOfLens: Bool

    /// Nil if it has no size.
    init?(_ directory: TIFFBytes.Directory, _ bytes: TIFFBytes) {
      func number(_ tag: UInt16) -> UInt64? { bytes.number(tag, of: directory) }
      guard let width = number(TIFFBytes.Tag.width), let height = number(TIFFBytes.Tag.height),
        1...UInt64(Int32.max) ~= width, 1...UInt64(Int32.max) ~= height
      else { return nil }
      self.directory = directory
      (self.width, self.height) = (Int(width), Int(height))
      subfile = number(TIFFBytes.Tag.subfile) ?? 0
      samples = number(TIFFBytes.Tag.samples) ?? 1
      bits = number(TIFFBytes.Tag.bits) ?? 1
      tile = (number(TIFFBytes.Tag.tileWidth) ?? 0, number(TIFFBytes.Tag.tileHeight) ?? 0)
      rowsPerStrip = min(number(TIFFBytes.Tag.rowsPerStrip) ?? height, height)
      let isAperio = directory[TIFFBytes.Tag.description].map { entry in
        entry.count >= 7 && bytes.file.read(7, at: entry.place).map { $0 == Array("Aperio ".utf8) } ?? false
      }
      isHamamatsu = directory[TIFFBytes.Tag.ndpi] != nil
      beginsSlide = isAperio == true || isHamamatsu
      isOfLens =
        directory[TIFFBytes.Tag.ndpiLens].flatMap { entry in
          entry.type == 11 ? bytes.bytes(of: entry) : nil
        }.map { Float(bitPattern: UInt32(TIFFBytes.number($0[...], bytes.isBigEndian))) > 0 } ?? true
    }

    var isReduced: Bool { subfile & 1 != 0 }
    var isMask: Bool { subfile & 4 != 0 }

    /// Whether both are planes of one stack.
    func isAlike(_ other: Page) -> Bool {
      subfile & 5 == 0 && width == other.width && height == other.height && samples == other.samples
    }

    func role(beside page: Page, isSlide: Bool, isChild: Bool) -> TIFFCompanion.Role? {
      let level = level(of: page)
      if isMask {
        let fits = level != nil || (width, height) == (page.width, page.height)
        return fits && !isChild ? .mask : nil
      }
      let isAlike = samples == page.samples && bits == page.bits
      let says = isChild || (isSlide ? isHamamatsu ? isOfLens : tile.width > 0 && subfile < 2 : isReduced)
      if let level, isAlike, says { return .level(level) }
      // Aperio's macro has a bit of its own, which stands for no version of the page.
      return isSlide || (subfile & 9 == 9 && !isChild) ? .picture : nil
    }

    /// The page halved, if this is of such a size.
    private func level(of page: Page) -> TIFFCompanion.Level? {
      for halvings in 1..<31 {
        var level = TIFFCompanion.Level(halvings: halvings)
        level.roundsUp = false
        let low = (level.side(of: page.width), level.side(of: page.height))
        level.roundsUp = true
        let high = (level.side(of: page.width), level.side(of: page.height))
        guard low.0...high.0 ~= width, low.1...high.1 ~= height else { continue }
        level.roundsUp = low == high || (width, height) != low
        (level.tileWidth, level.tileHeight) = (UInt32(clamping: tile.width), UInt32(clamping: tile.height))
        level.rowsPerStrip = UInt32(clamping: rowsPerStrip)
        return level
      }
      return nil
    }
  }
}

extension TIFFCompanion {
  /// Whether this is the page at that size already.
  fileprivate func isSameLevel(as role: Role) -> Bool {
    guard let level, case .level(let other) = role else { return false }
    return level.halvings == other.halvings
  }
}
