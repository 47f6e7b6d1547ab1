import Pictures
import Platform

internal import CodecShims

struct PNG: FileFormat {
  let hasLateItems = true
  let name = "png"
  let extensions = ["png"]
  let holdsOrientation = true

  func recognizes(_ head: ArraySlice<UInt8>) -> Bool {
    head.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
  }

  func nearest(_ picture: ImageDescription) -> ImageDescription? { picture.simplified() }

  /// Chunks that say something of samples as they were.
  private static let ofSamples = ["sBIT", "bKGD"]
  /// Chunks that go with a profile's place: a file has one or the other.
  private static let ofColor = ["gAMA", "cHRM", "sRGB", "cICP", "mDCV", "cLLI"]

  func items(of metadata: Metadata, isSameKind: Bool) -> [MetadataItem] {
    metadata.portableItems + [metadata.softwareChunk].compactMap { $0 }
      + metadata.items.filter { item in
        guard item.kind == .png else { return false }
        return isSameKind || !(Self.ofSamples + Self.ofColor).contains(item.chunkName)
      }
  }

  func fields(_ picture: ImageDescription, _ metadata: Metadata) -> [FileField] {
    [FileField("compression", .text("deflate")), FileField("interlaced", .flag(metadata.isInterlacedPNG))]
  }

  func decoder(of file: InputFile, _ options: ImageReader.Options) throws -> any PictureDecoder {
    try PNGDecoder(file, options)
  }

  func encoder(to descriptor: Int32, _ page: PageHeader) throws -> any PictureEncoder {
    try PNGEncoder(descriptor, page)
  }
}

private final class PNGDecoder: PictureDecoder {
  private let handle: OpaquePointer
  let header: codec_header
  private let file: InputFile

  init(_ file: InputFile, _ options: ImageReader.Options) throws {
    self.file = file
    (handle, header) = try file.open(options, with: codec_png_open)
  }

  deinit { codec_png_close(handle) }

  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    try check(.input) { codec_png_read_rows(handle, rows, stride, UInt32(count), $0) }
  }

  var damage: codec_error { codec_png_damage(handle).pointee }

  var lateItems: [MetadataItem] {
    var count = 0
    let list = codec_png_late_items(handle, &count)
    return UnsafeBufferPointer(start: list, count: count).compactMap(MetadataItem.init)
  }
}

final class PNGEncoder: PictureEncoder {
  private let handle: OpaquePointer
  private let page: PageHeader

  init(_ descriptor: Int32, _ page: PageHeader) throws {
    self.page = page
    handle = try page.create(descriptor, with: codec_png_create)
  }

  deinit { codec_png_discard(handle) }

  func blocks(_ part: PartTarget?) -> (any BlockEncoding)? {
    page.header.png_interlaced != 0 ? nil : BlockEncoder(PNGBlocks(page, self), page.description, part)
  }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    try check(.output) { codec_png_write_rows(handle, rows, stride, UInt32(count), $0) }
  }

  func append(_ block: inout codec_png_encoded) throws {
    try check(.output) { codec_png_append_block(handle, &block, $0) }
  }

  func finish(lateItems: [MetadataItem]) throws {
    let late = ItemList(lateItems)
    try withExtendedLifetime(late) {
      codec_png_add_late_items(handle, late.start, late.count)
      try check(.output) { codec_png_finish(handle, $0) }
    }
  }
}
