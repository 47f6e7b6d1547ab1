import Pictures
import Platform
internal import CodecShims

extension ImageFormat {
  package static let png = ImageFormat(
    name: "png", extensions: ["png"],
    recognizes: { $0.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) },
    nearest: { simple($0) },
    codec: Codec(
      open: codec_png_open, readRows: codec_png_read_rows, damage: codec_png_damage, close: codec_png_close,
      create: codec_png_create,
      writeRows: codec_png_write_rows, finish: codec_png_finish, discard: codec_png_discard,
      lateNotes: Codec.LateNotes(get: codec_png_late_notes, add: codec_png_add_late_notes)))
}
