import Pictures
import Platform

internal import CodecShims

/// The Netpbm family: one reader for all, three ways to write.
struct Netpbm: FileFormat {
  /// P1 … P6: gray or RGB without alpha.
  static let pnm = Netpbm(name: "pnm", extensions: ["pnm", "pgm", "ppm", "pbm"], kind: codec_pnm_pgm_ppm)
  /// P7: with alpha.
  static let pam = Netpbm(name: "pam", extensions: ["pam"], kind: codec_pnm_pam)
  /// Pf and PF: 32-bit float.
  static let pfm = Netpbm(name: "pfm", extensions: ["pfm"], kind: codec_pnm_pfm)

  let name: String
  let extensions: [String]
  fileprivate let kind: codec_pnm_kind
  /// One picture simply follows another.
  let holdsPages = true

  func recognizes(_ head: ArraySlice<UInt8>) -> Bool {
    // P and a digit, or an f.
    guard head.count > 1, head.first == 0x50 else { return false }
    let second = head[head.startIndex + 1]
    switch kind {
    case codec_pnm_pam: return second == 0x37
    case codec_pnm_pfm: return second == 0x66 || second == 0x46
    default: return head.count > 2 && (0x31...0x36).contains(second)
    }
  }

  func nearest(_ picture: ImageDescription) -> ImageDescription? {
    guard var result = picture.simplified() else { return nil }
    if kind == codec_pnm_pfm { result.sampleType = .float32 }
    if kind != codec_pnm_pam { result.alpha = .none }
    return result
  }

  func member(holding picture: ImageDescription) -> any FileFormat {
    if picture.sampleType.isFloat { return Self.pfm }
    return picture.alpha != .none || kind == codec_pnm_pam ? Self.pam : Self.pnm
  }

  func items(of metadata: Metadata, isSameKind: Bool) -> [MetadataItem] {
    // PFM has no comments.
    kind == codec_pnm_pfm ? [] : [metadata.softwareComment].compactMap { $0 }
  }

  func fields(_ picture: ImageDescription, _ metadata: Metadata) -> [FileField] {
    [FileField("compression", .text("none"))]
  }

  func decoder(of file: InputFile, _ options: ImageReader.Options) throws -> any PictureDecoder {
    try NetpbmDecoder(file, options)
  }

  func encoder(to descriptor: Int32, _ page: PageHeader) throws -> any PictureEncoder {
    var page = page
    page.header.pnm_kind = Int32(kind.rawValue)
    return try NetpbmEncoder(descriptor, page)
  }
}

private final class NetpbmDecoder: PictureDecoder {
  private let handle: OpaquePointer
  private(set) var header: codec_header
  private let file: InputFile
  /// Of the current picture, from 1.
  private var number: Int

  init(_ file: InputFile, _ options: ImageReader.Options) throws {
    self.file = file
    number = options.page + 1
    (handle, header) = try file.open(options, with: codec_pnm_open)
  }

  deinit { codec_pnm_close(handle) }

  func select(_ window: Region) throws -> Bool {
    var error = codec_error()
    let status = codec_pnm_select(
      handle, UInt32(window.x), UInt32(window.y), UInt32(window.width), UInt32(window.height), &error)
    if status == Int32(codec_unsupported.rawValue) { return false }
    guard status == 0 else { throw ImbrexError(error, .input) }
    return true
  }

  func read(into rows: UnsafeMutableRawPointer, stride: Int, count: Int) throws {
    try numbered { try check(.input) { codec_pnm_read_rows(handle, rows, stride, UInt32(count), $0) } }
  }

  func nextPage() throws -> Bool {
    number += 1
    do {
      try numbered { try check(.input) { codec_pnm_next_page(handle, &header, $0) } }
      return true
    } catch let error as ImbrexError where error.code == .noPage {
      return false
    }
  }

  /// Runs something whose errors say which picture of several they are about.
  private func numbered(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as ImbrexError where number > 1 && error.code != .noPage {
      throw error.prefixed("picture \(number): ")
    }
  }

  var trails: Bool { codec_pnm_trails(handle) != 0 }

  var damage: codec_error { codec_pnm_damage(handle).pointee }
}

private final class NetpbmEncoder: PictureEncoder {
  private let handle: OpaquePointer
  private let kind: Int32

  init(_ descriptor: Int32, _ page: PageHeader) throws {
    kind = page.header.pnm_kind
    handle = try page.create(descriptor, with: codec_pnm_create)
  }

  deinit { codec_pnm_discard(handle) }

  func write(_ rows: UnsafeRawPointer, stride: Int, count: Int) throws {
    try check(.output) { codec_pnm_write_rows(handle, rows, stride, UInt32(count), $0) }
  }

  func startPage(_ page: PageHeader) throws {
    var page = page
    page.header.pnm_kind = kind
    try page.pass { header, _, error in codec_pnm_start_page(handle, header, error) }
  }

  func finish(lateItems: [MetadataItem]) throws { try check(.output) { codec_pnm_finish(handle, $0) } }
}
