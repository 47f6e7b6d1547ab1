import Pictures
import Platform

internal import CodecShims

struct JPEG: FileFormat {
  let name = "jpeg"
  let extensions = ["jpg", "jpeg", "jpe", "jfif"]
  let holdsOrientation = true
  var isLossy: Bool { true }

  func recognizes(_ head: ArraySlice<UInt8>) -> Bool { head.starts(with: [0xFF, 0xD8, 0xFF]) }

  func nearest(_ picture: ImageDescription) -> ImageDescription? {
    guard var result = picture.simplified(holdsCMYK: true) else { return nil }
    result.sampleType = .uint8
    result.alpha = .none
    return result
  }

  func items(of metadata: Metadata, isSameKind: Bool) -> [MetadataItem] {
    var result = metadata.portableItems
    let isCommented = result.contains { $0.kind == .comment }
    if !isCommented, let text = metadata.comment { result.append(MetadataItem(kind: .comment, bytes: text)) }
    return result + [metadata.softwareComment].compactMap { $0 } + metadata.items.filter { $0.kind == .jpeg }
  }

  func fields(_ picture: ImageDescription, _ metadata: Metadata) -> [FileField] {
    let jpeg = metadata.jpeg
    var fields = [
      FileField("compression", .text(jpeg.isArithmetic ? "jpeg, arithmetic" : "jpeg")),
      FileField("quality", .number(Double(jpeg.quality))), FileField("progressive", .flag(jpeg.isProgressive)),
    ]
    let names = ["1x1": "4:4:4", "2x1": "4:2:2", "2x2": "4:2:0", "1x2": "4:4:0", "4x1": "4:1:1", "4x2": "4:1:0"]
    let sampling = "\(jpeg.horizontalSampling)x\(jpeg.verticalSampling)"
    if jpeg.horizontalSampling > 0 && picture.color != .gray {
      fields.append(FileField("subsampling", .text(names[sampling] ?? sampling)))
    }
    if jpeg.restartInterval > 0 { fields.append(FileField("restart_interval", .number(Double(jpeg.restartInterval)))) }
    return fields
  }

  func decoder(of file: InputFile, _ options: ImageReader.Options) throws -> any PictureDecoder {
    try JPEGDecoder(file, options)
  }

  func encoder(to descriptor: Int32, _ page: PageHeader) throws -> any PictureEncoder {
    try JPEGEncoder(descriptor, page)
  }
}

private final class JPEGDecoder: PictureDecoder {
  private let handle: OpaquePointer
  let header: codec_header
  private let file: InputFile

  init(_ file: InputFile, _ options: ImageReader.Options) throws {
    self.file = file
    (handle, header) = try file.open(options, with: codec_jpeg_open)
  }

  deinit { codec_jpeg_close(handle) }

  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    try check(.input) { codec_jpeg_read_rows(handle, rows, stride, UInt32(count), $0) }
  }

  var damage: codec_error { codec_jpeg_damage(handle).pointee }
}

final class JPEGEncoder: PictureEncoder {
  private let handle: OpaquePointer
  private let page: PageHeader

  init(_ descriptor: Int32, _ page: PageHeader) throws {
    self.page = page
    handle = try page.create(descriptor, with: codec_jpeg_create)
  }

  deinit { codec_jpeg_discard(handle) }

  func blocks(_ part: PartTarget?) -> (any BlockEncoding)? {
    var header = page.header, layout = codec_jpeg_layout()
    codec_jpeg_blocks(&header, &layout)
    return layout.rows_per_block == 0
      ? nil : BlockEncoder(JPEGBlocks(layout, page, self), page.description, part)
  }

  func append(_ block: inout codec_jpeg_encoded, _ layout: inout codec_jpeg_layout) throws {
    try check(.output) { codec_jpeg_append_block(handle, &layout, &block, $0) }
  }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    try check(.output) { codec_jpeg_write_rows(handle, rows, stride, UInt32(count), $0) }
  }

  func finish(lateItems: [MetadataItem]) throws { try check(.output) { codec_jpeg_finish(handle, $0) } }
}
