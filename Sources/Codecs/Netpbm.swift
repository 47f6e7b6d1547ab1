import Pictures
import Platform
internal import CodecShims

// The Netpbm family: one reader for all, three ways to write.

extension ImageFormat {
  /// P1 … P6: gray or RGB without alpha.
  static let pnm = netpbm(
    name: "pnm", extensions: ["pnm", "pgm", "ppm", "pbm"], kind: codec_pnm_pgm_ppm,
    recognizes: { $0.count > 2 && $0.first == 0x50 && (0x31...0x36).contains($0[$0.startIndex + 1]) }
  ) { picture in
    guard var result = simple(picture) else { return nil }
    result.alpha = .none
    return result
  }

  /// P7: with alpha.
  static let pam = netpbm(
    name: "pam", extensions: ["pam"], kind: codec_pnm_pam, recognizes: { $0.starts(with: [0x50, 0x37]) }
  ) { simple($0) }

  /// Pf and PF: 32-bit float.
  static let pfm = netpbm(
    name: "pfm", extensions: ["pfm"], kind: codec_pnm_pfm,
    recognizes: { $0.starts(with: [0x50, 0x66]) || $0.starts(with: [0x50, 0x46]) }
  ) { picture in
    guard var result = simple(picture) else { return nil }
    result.sampleType = .float32
    result.alpha = .none
    return result
  }

  private static func netpbm(
    name: String, extensions: [String], kind: codec_pnm_kind,
    recognizes: @escaping @Sendable (ArraySlice<UInt8>) -> Bool,
    nearest: @escaping @Sendable (ImageDescription) -> ImageDescription?
  ) -> ImageFormat {
    var format = ImageFormat(
      name: name, extensions: extensions, recognizes: recognizes, nearest: nearest,
      codec: Codec(
        open: codec_pnm_open, readRows: codec_pnm_read_rows, damage: codec_pnm_damage, close: codec_pnm_close,
        create: codec_pnm_create,
        writeRows: codec_pnm_write_rows, finish: codec_pnm_finish, discard: codec_pnm_discard))
    format.netpbmKind = kind
    return format
  }
}
