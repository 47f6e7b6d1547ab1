import Pictures
import Platform

internal import CodecShims

struct TIFF: FileFormat {
  let name = "tiff"
  let extensions = ["tif", "tiff", "btf", "tf8", "svs", "ndpi", "lsm"]
  let needsSeeking = true
  let holdsPages = true
  let holdsOrientation = true

  /// libtiff's numbers.
  fileprivate static let jpeg: Int32 = 7, deflate: Int32 = 8, pixarLog: Int32 = 32909, lerc: Int32 = 34887
  fileprivate static let webp: Int32 = 50001

  func recognizes(_ head: ArraySlice<UInt8>) -> Bool {
    // II or MM, then 42 (classic) or 43 (BigTIFF) in that byte order.
    [[0x49, 0x49, 0x2A, 0], [0x49, 0x49, 0x2B, 0], [0x4D, 0x4D, 0, 0x2A], [0x4D, 0x4D, 0, 0x2B]]
      .contains { head.starts(with: $0) }
  }

  func nearest(_ picture: ImageDescription) -> ImageDescription? {
    // The standard's Lab has integers only, and libtiff reads no other.
    picture.color == .lab && picture.sampleType.isFloat ? nil : picture
  }

  func items(of metadata: Metadata, isSameKind: Bool) -> [MetadataItem] {
    let items = metadata.items
    var result = items.filter { [.tiff, .tiffExif, .tiffGPS].contains($0.kind) }
    if let exif = items.first(where: { $0.kind == .exif }) { result += Exif.items(of: exif.bytes) }
    if let xmp = items.first(where: { $0.kind == .xmp }) {
      result.append(MetadataItem(kind: .tiff, tag: MetadataItem.xmpTag, type: 1, bytes: xmp.bytes))
    }
    let isDescribed = result.contains { $0.kind == .tiff && $0.tag == MetadataItem.descriptionTag }
    if !isDescribed, let text = metadata.comment {
      result.append(MetadataItem(kind: .tiff, tag: MetadataItem.descriptionTag, type: 2, bytes: text + [0]))
    }
    return result + [metadata.softwareTag].compactMap { $0 }
  }

  func fields(_ picture: ImageDescription, _ metadata: Metadata) -> [FileField] {
    let tiff = metadata.tiff
    let compression = codec_tiff_find_compression(tiff.compression).map { String(cString: $0.pointee.name) }
    var fields = [FileField("compression", .text(compression ?? String(tiff.compression)))]
    if tiff.compression == Self.webp { fields.append(FileField("lossless", .flag(tiff.isLosslessWebP))) }
    if tiff.compression == Self.lerc && tiff.lercError >= 0 {
      fields.append(FileField("largest_error", .number(tiff.lercError)))
    }
    if tiff.compression == Self.jpeg { fields.append(FileField("quality", .number(Double(metadata.jpeg.quality)))) }
    if tiff.predictor > 1 { fields.append(FileField("predictor", .number(Double(tiff.predictor)))) }
    let layout =
      tiff.tileWidth > 0
      ? "tiles of \(tiff.tileHeight) x \(tiff.tileWidth)" : "strips of \(tiff.rowsPerStrip) rows"
    fields += [
      FileField("layout", .text(layout)), FileField("planar", .flag(tiff.isPlanar)),
      FileField("byte_order", .text(tiff.isBigEndian ? "big-endian" : "little-endian")),
      FileField("bigtiff", .flag(tiff.isBigTIFF)),
    ]
    if tiff.isCloudOptimized { fields.append(FileField("cloud_optimized", .flag(true))) }
    func sizes(_ companions: [TIFFCompanion]) -> FileField.Value {
      .list(companions.map { .extent(width: $0.width, height: $0.height) })
    }
    for (name, companions) in [
      ("levels", tiff.companions.filter { $0.level != nil }), ("masks", tiff.companions.filter { $0.role == .mask }),
      ("pictures_beside", tiff.companions.filter { $0.role == .picture }),
    ] where !companions.isEmpty {
      fields.append(FileField(name, sizes(companions)))
    }
    if let item = metadata.items.first(where: { $0.kind == .tiff && $0.tag == GDALMetadata.nodataTag }) {
      let number = GDALMetadata.number(item.text)
      fields.append(
        FileField(
          "nodata",
          number.map { $0.isFinite ? .number($0) : .text("\($0)") } ?? .text(String(decoding: item.text, as: UTF8.self))
        ))
    }
    return fields
  }

  func decoder(of file: InputFile, _ options: ImageReader.Options) throws -> any PictureDecoder {
    try TIFFDecoder(file, options)
  }

  func encoder(to descriptor: Int32, _ page: PageHeader) throws -> any PictureEncoder {
    try TIFFEncoder(descriptor, page)
  }

  func maskDecoder(of file: InputFile, _ page: Int) throws -> (any PictureDecoder)? {
    var options = ImageReader.Options()
    // It is as large as its picture, which has been let through.
    (options.maxPixels, options.page) = (Int.max, page)
    do {
      return try TIFFDecoder(file, options, with: codec_tiff_open_mask)
    } catch let error as ImbrexError where error.code == .noPage {
      return nil
    }
  }
}

private final class TIFFDecoder: PictureDecoder {
  private let handle: OpaquePointer
  private(set) var header: codec_header
  private let file: InputFile
  /// Nil: all its directories are pages, and it is none of GDAL's for the cloud.
  private let structure: TIFFStructure?
  let leftOut: Int

  typealias Opener = (
    UnsafePointer<codec_input>, UnsafeMutablePointer<OpaquePointer?>, UnsafeMutablePointer<codec_header>,
    UnsafeMutablePointer<codec_error>
  ) -> Int32

  init(_ file: InputFile, _ options: ImageReader.Options, with open: Opener = codec_tiff_open) throws {
    self.file = file
    (handle, header) = try file.open(options, with: open)
    let hasOthers = header.tiff_left_out > 0
    structure = hasOthers || header.tiff_tile_width > 0 ? TIFFStructure(file.descriptor, hasOthers: hasOthers) : nil
    leftOut = structure?.leftOut ?? Int(header.tiff_left_out)
  }

  func complete(_ metadata: inout Metadata) {
    metadata.tiff.companions = structure?.companions[header.tiff_directory] ?? []
    metadata.tiff.isCloudOptimized = structure?.isCloudOptimized ?? false
  }

  deinit { codec_tiff_close(handle) }

  func select(_ window: Region) throws -> Bool {
    try check(.input) {
      codec_tiff_select(handle, UInt32(window.x), UInt32(window.y), UInt32(window.width), UInt32(window.height), $0)
    }
    return true
  }

  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    try check(.input) { codec_tiff_read_rows(handle, rows, stride, UInt32(count), $0) }
  }

  func nextPage() throws -> Bool {
    do {
      try check(.input) { codec_tiff_next_page(handle, &header, $0) }
      return true
    } catch let error as ImbrexError where error.code == .noPage {
      return false
    }
  }

  var damage: codec_error { codec_tiff_damage(handle).pointee }
}

final class TIFFEncoder: PictureEncoder {
  private let handle: OpaquePointer
  private var page: PageHeader
  /// Nil: libtiff writes all that there is.
  private var extras: TIFFExtras?

  init(_ descriptor: Int32, _ page: PageHeader) throws {
    self.page = page
    extras = try TIFFExtras(page, to: descriptor)
    handle = try page.create(extras?.libraryDescriptor ?? descriptor, with: codec_tiff_create)
  }

  deinit { codec_tiff_discard(handle) }

  func blocks(_ part: PartTarget?) -> (any BlockEncoding)? {
    var header = page.header, options = page.options, layout = codec_tiff_layout()
    // Not if nothing is compressed, or strips are huge.
    guard codec_tiff_blocks(handle, &header, &options, &layout) == 1 else { return nil }
    return BlockEncoder(TIFFBlocks(layout, page, self), page.description, part)
  }

  var notes: [String] { (extras?.notes ?? []) + [compressionNote].compactMap { $0 } }

  private var compressionNote: String? {
    var header = page.header
    let wanted = header.tiff_compression, written = codec_tiff_written_compression(&header)
    guard wanted != 0, wanted != written else { return nil }
    guard let from = codec_tiff_find_compression(wanted)?.pointee,
      let to = codec_tiff_find_compression(written)?.pointee
    else { return "compression \(wanted) cannot be written: it becomes another" }
    return
      "\(String(cString: from.title)) is written as \(String(cString: to.title)): it \(String(cString: from.limits))"
  }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    try check(.output) { codec_tiff_write_rows(handle, rows, stride, UInt32(count), $0) }
  }

  func append(_ block: inout codec_tiff_encoded) throws {
    try check(.output) { codec_tiff_append_block(handle, &block, $0) }
  }

  var rowsPerJoint: Int? {
    let rows = codec_tiff_joins(handle)
    return rows > 0 ? Int(rows) : nil
  }

  func append(file descriptor: Int32, rows: Int) throws {
    try check(.output) { codec_tiff_append_file(handle, descriptor, UInt32(rows), $0) }
  }

  func levels() throws -> LevelCascade? { try extras?.levels() }

  func endPage(levels: [LevelCascade.Made]) throws { extras?.endPage(levels) }

  func startPage(_ page: PageHeader) throws {
    self.page = page
    try page.pass { codec_tiff_start_page(handle, $0, $1, $2) }
    try extras?.startPage(page)
  }

  func finish(lateItems: [MetadataItem]) throws {
    try check(.output) { codec_tiff_finish(handle, $0) }
    try extras?.finish()
  }
}

extension Metadata {
  /// From now on a TIFF is compressed without loss: LERC without an error, and what cannot be lossless becomes deflate.
  package mutating func dropLossyCompression() {
    tiff.lercError = 0
    if [TIFF.jpeg, TIFF.pixarLog, TIFF.webp].contains(tiff.compression) { tiff.compression = TIFF.deflate }
  }
}
