import Pictures
import Platform

internal import CodecShims

/// NumPy's arrays, in C's order: (rows, columns), with channels behind them where there are several, and pages before
/// them. They hold numbers of every kind, and nothing else.
struct NPY: FileFormat {
  let name = "npy"
  let extensions = ["npy"]
  let holdsPages = true

  func recognizes(_ head: ArraySlice<UInt8>) -> Bool { head.starts(with: [0x93] + "NUMPY".utf8) }

  func nearest(_ picture: ImageDescription) -> ImageDescription? {
    // Four numbers would be taken for colour and alpha, three for colour.
    guard picture.color != .lab else { return nil }
    var result = picture
    if result.color == .cmyk { result.color = .rgb }
    if result.alpha == .premultiplied { result.alpha = .straight }
    // Whole numbers of 9 to 15 bits have no type.
    if let stored = picture.stored, stored.kind == .unsigned && stored.bits < 32 { result.stored = nil }
    return result
  }

  func items(of metadata: Metadata, isSameKind: Bool) -> [MetadataItem] { [] }

  func fields(_ picture: ImageDescription, _ metadata: Metadata) -> [FileField] {
    [
      FileField("compression", .text("none")),
      FileField("byte_order", .text(metadata.array.isBigEndian ? "big-endian" : "little-endian")),
      FileField("array_order", .text(metadata.array.isFortran ? "Fortran" : "C")),
    ]
  }

  func decoder(of file: InputFile, _ options: ImageReader.Options) throws -> any PictureDecoder {
    try NPYDecoder(file, options)
  }

  func encoder(to descriptor: Int32, _ page: PageHeader) throws -> any PictureEncoder {
    try NPYEncoder(descriptor, page)
  }
}

private final class NPYDecoder: PictureDecoder {
  private let handle: OpaquePointer
  private(set) var header: codec_header
  private let file: InputFile

  init(_ file: InputFile, _ options: ImageReader.Options) throws {
    self.file = file
    (handle, header) = try file.open(options, with: codec_npy_open)
  }

  deinit { codec_npy_close(handle) }

  func select(_ window: Region) throws -> Bool {
    var error = codec_error()
    let status = codec_npy_select(
      handle, UInt32(window.x), UInt32(window.y), UInt32(window.width), UInt32(window.height), &error)
    if status == Int32(codec_unsupported.rawValue) { return false }
    guard status == 0 else { throw ImbrexError(error, .input) }
    return true
  }

  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    try check(.input) { codec_npy_read_rows(handle, rows, stride, UInt32(count), $0) }
  }

  func nextPage() throws -> Bool {
    do {
      try check(.input) { codec_npy_next_page(handle, &header, $0) }
      return true
    } catch let error as ImbrexError where error.code == .noPage {
      return false
    }
  }

  var trails: Bool { codec_npy_trails(handle) != 0 }

  var damage: codec_error { codec_npy_damage(handle).pointee }
}

private final class NPYEncoder: PictureEncoder {
  private let handle: OpaquePointer

  init(_ descriptor: Int32, _ page: PageHeader) throws {
    handle = try page.create(descriptor, with: codec_npy_create)
  }

  deinit { codec_npy_discard(handle) }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    try check(.output) { codec_npy_write_rows(handle, rows, stride, UInt32(count), $0) }
  }

  func startPage(_ page: PageHeader) throws {
    try page.pass { header, _, error in codec_npy_start_page(handle, header, error) }
  }

  func finish(lateItems: [MetadataItem]) throws { try check(.output) { codec_npy_finish(handle, $0) } }
}
