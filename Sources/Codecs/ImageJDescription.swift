import Pictures

/// The lines that ImageJ writes as a TIFF's description: how pages are a stack of channels, slices and frames, and its scale.
enum ImageJDescription {
  static func isOne(_ text: ArraySlice<UInt8>) -> Bool { text.starts(with: "ImageJ=".utf8) }

  private static let counts = ["images", "channels", "slices", "frames", "hyperstack"]
  /// What turns numbers of the file into others.
  private static let calibration = ["cf", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "vunit"]

  /// What is true of the pages that are written.
  static func rewritten(_ text: ArraySlice<UInt8>, _ change: PictureChange, _ output: ImageDescription) -> [UInt8] {
    var lines = String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    func value(_ key: String) -> String? {
      lines.first { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.utf8.count + 1)) }
    }
    func drop(_ keys: [String]) { lines.removeAll { line in keys.contains { line.hasPrefix($0 + "=") } } }
    let shape = Shape(text)
    if shape.images != change.pageCount || change.isOfSomePages {
      let part =
        change.pageList.map { shape.part($0, of: change.pageCount) } ?? shape.part(change.pages, of: change.pageCount)
      let isHyperstack = value("hyperstack") == "true" && part.isHyperstack
      drop(counts + (part.channels == 1 ? ["mode"] : []))
      lines.insert(contentsOf: part.lines + (isHyperstack ? ["hyperstack=true"] : []), at: 1)
    }
    let scale = change.scale(to: output)
    if !change.keepsQuantity {
      drop(calibration + ["min", "max"])
    } else if scale != 1 {
      drop(calibration)
      for (index, line) in lines.enumerated() {
        for key in ["min", "max"] where line.hasPrefix(key + "=") {
          lines[index] = Double(line.dropFirst(4)).map { "\(key)=\($0 * scale)" } ?? ""
        }
      }
      lines.removeAll(where: \.isEmpty)
    }
    return Array((lines.joined(separator: "\n") + "\n").utf8)
  }

  /// Images in the file, as it says.
  static func imageCount(_ text: ArraySlice<UInt8>) -> Int { Shape(text).images }

  /// Which of how many channels the pages that are written are of; nil where that cannot be told, or they are no block.
  static func channels(_ text: ArraySlice<UInt8>, _ change: PictureChange) -> (kept: [Int], count: Int)? {
    guard isOne(text) else { return nil }
    let shape = Shape(text)
    guard shape.images == change.pageCount else { return nil }
    let kept = Set(change.pageNumbers.map { $0 % shape.channels })
    let part =
      change.pageList.map { shape.part($0, of: change.pageCount) } ?? shape.part(change.pages, of: change.pageCount)
    return part.channels == kept.count ? (kept.sorted(), shape.channels) : nil
  }

  /// Planes in ImageJ's order: channels, then slices, then frames.
  struct Shape {
    var channels = 1, slices = 1, frames = 1
    var images: Int { channels * slices * frames }
    var isHyperstack: Bool { [channels, slices, frames].count { $0 > 1 } > 1 || channels > 1 || frames > 1 }

    init(channels: Int = 1, slices: Int = 1, frames: Int = 1) {
      (self.channels, self.slices, self.frames) = (channels, slices, frames)
    }

    init(_ text: ArraySlice<UInt8>) {
      let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
      func value(_ key: String) -> String? {
        lines.first { $0.hasPrefix(key + "=") }.map { String($0.dropFirst(key.utf8.count + 1)) }
      }
      self.init(images: value("images"), value("channels"), value("slices"), value("frames"))
    }

    /// As it is told; a stack where that is not whole.
    init(images: String?, _ channels: String?, _ slices: String?, _ frames: String?) {
      func number(_ text: String?) -> Int { max(1, min(text.flatMap { Int($0) } ?? 1, 1 << 20)) }
      self.init(channels: number(channels), slices: number(slices), frames: number(frames))
      let told = number(images)
      if self.images != told { self = Shape(slices: told) }
    }

    /// The shape of some of the pages; a stack where they are no block.
    func part(_ pages: Range<Int>, of pageCount: Int) -> Shape {
      let count = pages.count, first = pages.lowerBound
      guard images == pageCount else { return Shape(slices: count) }
      if count < channels, first / channels == (pages.upperBound - 1) / channels { return Shape(channels: count) }
      guard first % channels == 0, count % channels == 0 else { return Shape(slices: count) }
      let start = first / channels, blocks = count / channels
      if start / slices == (start + blocks - 1) / slices { return Shape(channels: channels, slices: blocks) }
      guard start % slices == 0, blocks % slices == 0 else {
        return channels == 1 ? Shape(slices: count) : Shape(channels: channels, slices: blocks)
      }
      return Shape(channels: channels, slices: slices, frames: blocks / slices)
    }

    /// The shape of pages that are not in a row; a stack where they are no block.
    func part(_ pages: [Int], of pageCount: Int) -> Shape {
      guard images == pageCount else { return Shape(slices: pages.count) }
      let part = Shape(
        channels: Set(pages.map { $0 % channels }).count, slices: Set(pages.map { $0 / channels % slices }).count,
        frames: Set(pages.map { $0 / channels / slices }).count)
      return part.images == pages.count ? part : Shape(slices: pages.count)
    }

    var lines: [String] {
      guard images > 1 else { return [] }
      let axes = [("channels", channels), ("slices", slices), ("frames", frames)]
      return ["images=\(images)"] + axes.filter { $0.1 > 1 }.map { "\($0)=\($1)" }
    }
  }
}

/// What ImageJ writes beside its description: labels of slices, ranges of channels, colour tables, drawings.
enum ImageJExtras {
  static let countsTag: UInt32 = 50838, bytesTag: UInt32 = 50839

  /// The two tags, without what is no longer true; none if they are damaged or nothing is left.
  static func rewritten(
    counts: MetadataItem, bytes: MetadataItem, isBigEndian: Bool, _ change: PictureChange, _ output: ImageDescription,
    channels: (kept: [Int], count: Int)?
  ) -> [MetadataItem] {
    let sizes = counts.bytes.withUnsafeBytes { raw in
      (0..<(raw.count / 4)).map { Int(raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)) }
    }
    let data = bytes.bytes
    guard counts.type == 4, let head = sizes.first, head >= 4, head <= data.count, (head - 4) % 8 == 0,
      sizes.allSatisfy({ $0 <= data.count }), sizes.reduce(0, +) <= data.count
    else { return [] }
    func number(_ at: Int) -> Int {
      (0..<4).reduce(0) { $0 | Int(data[at + $1]) << (8 * (isBigEndian ? 3 - $1 : $1)) }
    }
    var kept: [(type: ArraySlice<UInt8>, parts: [ArraySlice<UInt8>])] = []
    var at = head, next = 1
    for entry in stride(from: 4, to: head, by: 8) {
      let count = number(entry + 4)
      guard count <= sizes.count - next else { return [] }
      var parts: [ArraySlice<UInt8>] = []
      for size in sizes[next..<(next + count)] {
        parts.append(data[at..<(at + size)])
        at += size
      }
      next += count
      let code = data[entry..<(entry + 4)]
      let name = String(decoding: isBigEndian ? Array(code) : code.reversed(), as: UTF8.self)
      parts = still(name, parts, change, output, channels)
      if !parts.isEmpty { kept.append((code, parts)) }
    }
    guard !kept.isEmpty else { return [] }
    var header = Array(data[..<4])
    for (type, parts) in kept {
      let count = withUnsafeBytes(of: UInt32(parts.count).littleEndian) { Array($0) }
      header += Array(type) + (isBigEndian ? count.reversed() : count)
    }
    let all = kept.flatMap(\.parts)
    let lengths: [UInt32] = [UInt32(header.count)] + all.map { UInt32($0.count) }
    let result: [UInt8] = header + all.joined()
    return [
      MetadataItem(
        kind: .tiff, tag: countsTag, type: 4, count: lengths.count, bytes: lengths.withUnsafeBytes { Array($0) }),
      MetadataItem(kind: .tiff, tag: bytesTag, type: 1, bytes: result),
    ]
  }

  private static func still(
    _ name: String, _ parts: [ArraySlice<UInt8>], _ change: PictureChange, _ output: ImageDescription,
    _ channels: (kept: [Int], count: Int)?
  ) -> [ArraySlice<UInt8>] {
    /// What has a part for each channel.
    func ofChannels(_ parts: [ArraySlice<UInt8>]) -> [ArraySlice<UInt8>] {
      guard let channels, parts.count == channels.count else { return change.isOfSomePages ? [] : parts }
      return channels.kept.map { parts[$0] }
    }
    switch name {
    case "labl":
      return parts.count == change.pageCount ? change.pageNumbers.map { parts[$0] } : change.isOfSomePages ? [] : parts
    // Of channels, of which some may have gone, and of samples.
    case "rang":
      guard parts.count == 1, change.keepsQuantity, change.scale(to: output) == 1 else { return [] }
      // Two doubles each.
      let ranges = stride(from: parts[0].startIndex, to: parts[0].endIndex - 15, by: 16).map {
        parts[0][$0..<($0 + 16)]
      }
      guard 16 * ranges.count == parts[0].count else { return [] }
      let kept = ofChannels(ranges)
      return kept.isEmpty ? [] : [kept.joined().reduce(into: ArraySlice()) { $0.append($1) }]
    case "luts": return ofChannels(parts)
    case "over", "roi ": return change.movesPixels ? [] : parts
    case "plot": return []
    default: return parts
    }
  }
}
