import Pictures
import Platform
internal import CodecShims

extension ImageFormat {
  package static let tiff = ImageFormat(
    name: "tiff", extensions: ["tif", "tiff"], needsSeeking: true,
    recognizes: { head in
      // II or MM, then 42 (classic) or 43 (BigTIFF) in that byte order.
      [[0x49, 0x49, 0x2A, 0], [0x49, 0x49, 0x2B, 0], [0x4D, 0x4D, 0, 0x2A], [0x4D, 0x4D, 0, 0x2B]]
        .contains { head.starts(with: $0) }
    },
    nearest: { $0 },
    codec: Codec(
      open: codec_tiff_open, readRows: codec_tiff_read_rows, damage: codec_tiff_damage, close: codec_tiff_close,
      create: codec_tiff_create,
      writeRows: codec_tiff_write_rows, finish: codec_tiff_finish, discard: codec_tiff_discard,
      pages: Codec.Pages(next: codec_tiff_next_page, start: codec_tiff_start_page)))
}
