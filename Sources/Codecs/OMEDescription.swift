import Pictures

/// The XML that an OME-TIFF has as its description (OME-TIFF specification 6.0): which pages are which planes of which image.
enum OMEDescription {
  static func isOne(_ text: ArraySlice<UInt8>) -> Bool {
    let head = String(decoding: text.prefix(4096), as: UTF8.self)
    return head.contains("openmicroscopy.org") && head.contains("OME")
  }

  /// What is true of the pages that are written; nil where that cannot be told.
  ///
  /// Names of files and their UUIDs go, since they are the input's: a reader would take pixels from there.
  static func rewritten(_ text: ArraySlice<UInt8>, _ change: PictureChange, _ output: ImageDescription) -> [UInt8]? {
    guard let document = XMLText(text), document.root.localName == "OME", let parts = parts(of: document.root, change)
    else { return nil }
    let root = document.root
    root["UUID"] = nil
    let gone = Set(root.elements("Image").filter { parts[ObjectIdentifier($0)] == nil }.compactMap { $0["ID"] })
    root.remove { $0.localName == "Image" && parts[ObjectIdentifier($0)] == nil }
    dropReferences(to: gone, in: root)
    if change.movesPixels || change.isOfSomePages { root.removeEverywhere { ["ROI", "ROIRef"].contains(local($0)) } }
    for part in parts.values { part.rewrite(change, output) }
    return document.bytes
  }

  private static func local(_ name: String) -> Substring { name.split(separator: ":").last ?? "" }

  private static func dropReferences(to images: Set<String>, in element: XMLText.Element) {
    element.remove { $0.localName == "ImageRef" && images.contains($0["ID"] ?? "") }
    for child in element.elements { dropReferences(to: images, in: child) }
  }

  /// What of each image is written; nil if that cannot be told.
  private static func parts(of root: XMLText.Element, _ change: PictureChange) -> [ObjectIdentifier: OMEImagePart]? {
    var parts: [ObjectIdentifier: OMEImagePart] = [:], files = Set<String>()
    for image in root.elements("Image") {
      guard let pixels = image.elements("Pixels").first, let part = OMEImagePart(pixels, of: root["UUID"], change)
      else {
        return nil
      }
      files.formUnion(part.files)
      if !part.planes.isEmpty { parts[ObjectIdentifier(image)] = part }
    }
    // Of several files, without a word on which of them this is.
    return parts.isEmpty || (root["UUID"] == nil && files.count > 1) ? nil : parts
  }
}

/// The planes of an image of an OME-TIFF that are written.
struct OMEImagePart {
  /// Places on the axes C, Z and T, and the page before.
  struct Plane {
    let place: [Int]
    let page: Int
  }

  private let pixels: XMLText.Element
  private let order: [Int]
  private let channels: [XMLText.Element]
  private let samples: Int
  /// Of each page that is written, which of them it is.
  private let written: [Int: Int]
  private(set) var planes: [Plane] = []
  /// UUIDs of the files that planes are in.
  private(set) var files = Set<String>()

  private static let axes = ["C", "Z", "T"]

  init?(_ pixels: XMLText.Element, of file: String?, _ change: PictureChange) {
    self.pixels = pixels
    written = Dictionary(uniqueKeysWithValues: change.pageNumbers.enumerated().map { ($1, $0) })
    let named = (pixels["DimensionOrder"] ?? "").dropFirst(2).compactMap { Self.axes.firstIndex(of: String($0)) }
    guard named.sorted() == [0, 1, 2] else { return nil }
    order = named
    var sizes = Self.axes.map { pixels.number("Size\($0)") ?? 0 }
    guard sizes.allSatisfy({ 1...10_000_000 ~= $0 }) else { return nil }
    channels = pixels.elements("Channel")
    samples = Self.samples(channels, sizes[0], change.input.channels)
    sizes[0] /= samples
    let total = sizes.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
    guard 1...10_000_000 ~= total, sizes[0] > 0 else { return nil }
    let parts = pixels.elements("TiffData")
    guard !parts.isEmpty else { return nil }
    for part in parts {
      if let uuid = part.elements("UUID").first {
        let text = uuid.text.filter { !$0.isWhitespace }
        files.insert(text)
        if let file, text != file { continue }
      }
      let page = part.number("IFD") ?? 0, count = part.number("PlaneCount") ?? (part["IFD"] == nil ? total : 1)
      var first = Self.axes.map { part.number("First\($0)") ?? 0 }
      if first[0] >= sizes[0] { first[0] /= samples }
      guard 0..<Int.max / 2 ~= page, 0...total ~= count, zip(first, sizes).allSatisfy({ 0..<$1 ~= $0 }) else {
        return nil
      }
      let start = index(of: first, sizes)
      let told = page..<(page + min(count, total - start))
      let pages = change.pageNumbers.filter(told.contains)
      // Of a page that is two planes nothing can be told.
      guard planes.count + pages.count <= change.pages.count else { return nil }
      planes += pages.map { Plane(place: place(start + $0 - page, sizes), page: $0) }
    }
    planes.sort { $0.page < $1.page }
    guard Set(planes.map(\.page)).count == planes.count else { return nil }
  }

  /// Samples a pixel of each channel.
  private static func samples(_ channels: [XMLText.Element], _ size: Int, _ inFile: Int) -> Int {
    let told = Set(channels.map { $0.number("SamplesPerPixel") ?? 1 })
    if told.count == 1, let samples = told.first, samples > 0, samples * channels.count == size { return samples }
    return inFile > 1 && channels.count * inFile == size ? inFile : 1
  }

  private func index(of place: [Int], _ sizes: [Int]) -> Int {
    order.reversed().reduce(0) { $0 * sizes[$1] + place[$1] }
  }

  private func place(_ index: Int, _ sizes: [Int]) -> [Int] {
    var rest = index, place = [0, 0, 0]
    for axis in order {
      place[axis] = rest % sizes[axis]
      rest /= sizes[axis]
    }
    return place
  }

  func rewrite(_ change: PictureChange, _ output: ImageDescription) {
    setSamples(change, output)
    let kept = (0..<3).map { axis in Set(planes.map { $0.place[axis] }).sorted() }
    let isWhole = kept.reduce(1) { $0 * $1.count } == planes.count
    // Planes that are no block of channels, depths and times become a stack.
    var sizes = isWhole ? kept.map(\.count) : [1, planes.count, 1]
    let places = planes.enumerated().map { index, plane in
      isWhole ? (0..<3).map { kept[$0].firstIndex(of: plane.place[$0])! } : [0, index, 0]
    }
    let channelsKept = isWhole || kept[0].count == 1 ? kept[0] : []
    if channels.count > (channelsKept.last ?? 0) {
      let keep = Set(channelsKept.map { ObjectIdentifier(channels[$0]) })
      pixels.remove { $0.localName == "Channel" && !keep.contains(ObjectIdentifier($0)) }
    }
    rewritePlanes(kept, isWhole: isWhole)
    rewriteData(places, sizes)
    let isSame = change.input.channels == output.channels
    if !isSame { for channel in pixels.elements("Channel") { channel["SamplesPerPixel"] = String(output.channels) } }
    sizes[0] *= isSame ? samples : output.channels
    for (axis, size) in zip(Self.axes, sizes) { pixels["Size\(axis)"] = String(size) }
  }

  /// Type and size of a plane.
  private func setSamples(_ change: PictureChange, _ output: ImageDescription) {
    let input = change.input
    if output.sampleType != input.sampleType || output.stored != input.stored {
      pixels["SignificantBits"] = nil
      pixels["Type"] = Self.type(output)
      if let stored = output.stored, stored.kind == .unsigned, stored.bits < 16 {
        pixels["SignificantBits"] = String(stored.bits)
      }
    }
    if change.turn >= 5 {
      for name in ["Size", "PhysicalSize"] {
        (pixels[name + "X"], pixels[name + "Y"]) = (pixels[name + "Y"], pixels[name + "X"])
      }
      (pixels["PhysicalSizeXUnit"], pixels["PhysicalSizeYUnit"]) =
        (pixels["PhysicalSizeYUnit"], pixels["PhysicalSizeXUnit"])
    }
    if let region = change.region {
      pixels["SizeX"] = String(region.width)
      pixels["SizeY"] = String(region.height)
    }
  }

  private static func type(_ picture: ImageDescription) -> String {
    guard let stored = picture.stored else {
      return [.uint8: "uint8", .uint16: "uint16", .float32: "float", .float64: "double"][picture.sampleType]!
    }
    switch stored.kind {
    case .float: return "float"
    case .unsigned: return stored.bits > 16 ? "uint32" : "uint16"
    case .signed: return "int\(stored.bits)"
    }
  }

  /// Numbers what is said of planes anew, and leaves out what is said of others.
  private func rewritePlanes(_ kept: [[Int]], isWhole: Bool) {
    var gone = Set<ObjectIdentifier>()
    for plane in pixels.elements("Plane") {
      let place = (0..<3).map { axis in plane.number("The\(Self.axes[axis])").flatMap(kept[axis].firstIndex) }
      guard isWhole, !place.contains(nil) else {
        gone.insert(ObjectIdentifier(plane))
        continue
      }
      for axis in 0..<3 { plane["The\(Self.axes[axis])"] = String(place[axis]!) }
    }
    pixels.remove { gone.contains(ObjectIdentifier($0)) }
  }

  private func rewriteData(_ places: [[Int]], _ sizes: [Int]) {
    let old = pixels.elements("TiffData")[0]
    let position = pixels.elements.firstIndex { $0 === old }!
    let isInOrder = zip(places, planes).enumerated().allSatisfy { index, pair in
      index == self.index(of: pair.0, sizes) && written[pair.1.page] == written[planes[0].page]! + index
    }
    var new: [XMLText.Element] = []
    if isInOrder {
      new = [
        XMLText.Element(
          old.name, [("IFD", String(written[planes[0].page]!)), ("PlaneCount", String(planes.count))])
      ]
    } else {
      new = zip(places, planes).map { place, plane in
        XMLText.Element(
          old.name,
          (0..<3).map { ("First\(Self.axes[$0])", String(place[$0])) } + [
            ("IFD", String(written[plane.page]!)), ("PlaneCount", "1"),
          ])
      }
    }
    // In the place of the first: the schema has an order.
    let before = Set(pixels.elements[..<position].map { ObjectIdentifier($0) })
    pixels.remove { $0.localName == "TiffData" }
    let index = pixels.children.lastIndex {
      if case .element(let element) = $0 { before.contains(ObjectIdentifier(element)) } else { false }
    }
    pixels.children.insert(contentsOf: new.map { .element($0) }, at: index.map { $0 + 1 } ?? 0)
  }
}
