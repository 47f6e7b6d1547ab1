import Pictures
import Platform
internal import CodecShims

extension ImageFormat {
  package static let jpeg = ImageFormat(
    name: "jpeg", extensions: ["jpg", "jpeg", "jpe", "jfif"],
    recognizes: { $0.starts(with: [0xFF, 0xD8, 0xFF]) },
    nearest: { picture in
      guard var result = simple(picture, holdsCMYK: true) else { return nil }
      result.sampleType = .uint8
      result.alpha = .none
      return result
    },
    codec: Codec(
      open: codec_jpeg_open, readRows: codec_jpeg_read_rows, damage: codec_jpeg_damage, close: codec_jpeg_close,
      create: codec_jpeg_create,
      writeRows: codec_jpeg_write_rows, finish: codec_jpeg_finish, discard: codec_jpeg_discard))
}
