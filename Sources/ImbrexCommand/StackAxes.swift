package import Imbrex

/// What the axes of a file's pages are, where its description says so: that of ImageJ, or OME-XML.
package struct StackAxes: Equatable {
  /// A letter an axis, slowest first: `TZCYX`; S stands for the samples of a pixel. Axes of length 1 are left out.
  package let names: String
  package let lengths: [Int]
  /// In the file.
  let pages: Int
  /// Of the pages, slowest first, those of length 1 too: `t`, `z`, `c`.
  private let planes: [Plane]

  /// Of each page, where that is told of each.
  private var places: [[Character: Int]]?

  private struct Plane: Equatable {
    let name: Character
    let length: Int
  }

  /// - Parameters:
  ///   - description: Of the first page.
  ///   - pages: In the file; a description that speaks of another number is not believed.
  package init?(description: String, picture: ImageDescription, pages: Int) {
    guard let axes = Self.imageJ(description) ?? Self.ome(description, channels: picture.channels),
      axes.allSatisfy({ (1...pages).contains($0.length) }), Self.product(of: axes) == pages
    else { return nil }
    var all = axes + [(name: "Y", length: picture.height), (name: "X", length: picture.width)]
    if picture.channels > 1 { all.append((name: "S", length: picture.channels)) }
    self.pages = pages
    planes = axes.map { Plane(name: Character($0.name.lowercased()), length: $0.length) }
    let shown = all.filter { $0.length > 1 || "YX".contains($0.name) }
    (names, lengths) = (shown.map(\.name).joined(), shown.map(\.length))
  }

  /// Of a file at any of its pages.
  init?(_ reader: ImageReader) {
    guard let pages = reader.pageCount, let text = (reader.firstPage ?? reader.metadata).descriptionText else {
      return nil
    }
    self.init(description: text, picture: reader.description, pages: pages)
    places = (reader.firstPage ?? reader.metadata).omePlaces(pages: pages, of: reader.description)
  }

  /// How many places an axis has; nil where the file says nothing of it.
  func length(of axis: Character) -> Int? { planes.first { $0.name == axis }?.length }

  /// Of a page, from 0, its place on each axis, from 1 as pages are counted.
  func place(of page: Int) -> [Character: Int] {
    if let places { return places[page] }
    var rest = page, place: [Character: Int] = [:]
    for axis in planes.reversed() {
      place[axis.name] = rest % axis.length + 1
      rest /= axis.length
    }
    return place
  }

  /// The axes on which pages differ, in the order in which tables have them.
  var tableAxes: [Character] { ["z", "c", "t"].filter { (length(of: $0) ?? 1) > 1 } }

  /// Three lengths that fit 31 bits each: as doubles they cannot overflow.
  private static func product(of axes: [(name: String, length: Int)]) -> Int {
    Int(exactly: axes.reduce(1.0) { $0 * Double($1.length) }) ?? 0
  }

  /// `images=30`, `slices=10`, `channels=3` and the like, a line each; channels change fastest.
  private static func imageJ(_ text: String) -> [(name: String, length: Int)]? {
    guard text.hasPrefix("ImageJ=") else { return nil }
    var values: [Substring: Int] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      let parts = line.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[parts[0]] = wholeNumber(String(parts[1])) }
    }
    let axes = [("T", "frames"), ("Z", "slices"), ("C", "channels")].map { ($0, values[$1[...]] ?? 1) }
    // A plain stack says how many there are and no more.
    guard axes.allSatisfy({ $0.1 == 1 }), let images = values["images"] else { return axes }
    return [("Z", images)]
  }

  /// The first `Pixels` element of OME-XML.
  private static func ome(_ text: String, channels: Int) -> [(name: String, length: Int)]? {
    guard text.contains("openmicroscopy.org"), let element = text.split(separator: "<Pixels ").dropFirst().first else {
      return nil
    }
    let attributes = element.prefix { $0 != ">" }
    func value(_ name: String) -> Substring? {
      attributes.split(separator: name + "=\"", maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first?
        .prefix { $0 != "\"" }
    }
    // XYZCT: the third changes fastest from page to page.
    guard let order = value("DimensionOrder"), order.count == 5, order.hasPrefix("XY") else { return nil }
    return order.dropFirst(2).reversed().map { name in
      let length = value("Size\(name)").flatMap { wholeNumber(String($0)) } ?? 1
      // The samples of a pixel are channels too.
      return (String(name), name == "C" && channels > 1 && length % channels == 0 ? length / channels : length)
    }
  }
}

extension Metadata {
  /// What a TIFF's description says, else a comment.
  var descriptionText: String? {
    let item = items.first { $0.kind == .tiff && $0.tag == 270 } ?? items.first { $0.kind == .comment }
    return item.map { String(decoding: $0.bytes.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
