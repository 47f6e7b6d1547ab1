internal import CodecShims

extension ImageFormat {
  static let png = ImageFormat(
    name: "png", extensions: ["png"],
    recognizes: { $0.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) },
    nearest: { picture in
      var result = picture
      if picture.sampleType == .float32 { result.sampleType = .uint16 }
      if picture.alpha == .premultiplied { result.alpha = .straight }
      return result
    },
    codec: Codec(
      open: codec_png_open, readRows: codec_png_read_rows, close: codec_png_close, create: codec_png_create,
      writeRows: codec_png_write_rows, finish: codec_png_finish, discard: codec_png_discard))
}
