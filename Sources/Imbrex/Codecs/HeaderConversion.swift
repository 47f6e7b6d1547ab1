internal import CodecShims

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

// Between the shims' C header and our own types.

extension ImageDescription {
  init(_ header: codec_header) {
    self.init(
      width: Int(header.width), height: Int(header.height),
      color: header.color == Int32(codec_gray.rawValue) ? .gray : .rgb,
      alpha: [.none, .straight, .premultiplied][Int(header.alpha)],
      sampleType: [.uint8, .uint16, .float32][Int(header.sample_type)])
  }
}

extension Metadata {
  init(_ header: codec_header) {
    if header.x_resolution > 0 && header.y_resolution > 0 {
      resolution = Resolution(
        x: header.x_resolution, y: header.y_resolution,
        unit: Resolution.Unit(rawValue: header.resolution_unit) ?? .none)
    }
    if let profile = header.icc_profile {
      iccProfile = Array(UnsafeBufferPointer(start: profile, count: header.icc_profile_count))
    }
    isInterlacedPNG = header.png_interlaced != 0
    jpeg = JPEGCoding(
      quality: header.jpeg_quality, isProgressive: header.jpeg_progressive != 0,
      horizontalSampling: header.jpeg_h_sampling, verticalSampling: header.jpeg_v_sampling)
    tiff = TIFFLayout(
      compression: header.tiff_compression, predictor: header.tiff_predictor, tileWidth: header.tiff_tile_width,
      tileHeight: header.tiff_tile_height, rowsPerStrip: header.tiff_rows_per_strip,
      isPlanar: header.tiff_planar != 0, isBigEndian: header.tiff_big_endian != 0, isBigTIFF: header.tiff_big != 0)
  }
}

extension codec_header {
  /// The header of a file that holds a picture; the ICC profile is left out, its pointer being the caller's affair.
  init(_ picture: ImageDescription, _ metadata: Metadata, netpbmKind: codec_pnm_kind) {
    self.init()
    width = UInt32(picture.width)
    height = UInt32(picture.height)
    channels = UInt32(picture.channels)
    sample_type = [.uint8: 0, .uint16: 1, .float32: 2][picture.sampleType]!
    color = picture.color == .gray ? 0 : 1
    alpha = [.none: 0, .straight: 1, .premultiplied: 2][picture.alpha]!
    if let resolution = metadata.resolution {
      x_resolution = resolution.x
      y_resolution = resolution.y
      resolution_unit = resolution.unit.rawValue
    }
    png_interlaced = metadata.isInterlacedPNG ? 1 : 0
    pnm_kind = Int32(netpbmKind.rawValue)
    jpeg_quality = metadata.jpeg.quality
    jpeg_progressive = metadata.jpeg.isProgressive ? 1 : 0
    jpeg_h_sampling = metadata.jpeg.horizontalSampling
    jpeg_v_sampling = metadata.jpeg.verticalSampling
    tiff_compression = metadata.tiff.compression
    tiff_predictor = metadata.tiff.predictor
    tiff_tile_width = metadata.tiff.tileWidth
    tiff_tile_height = metadata.tiff.tileHeight
    tiff_rows_per_strip = metadata.tiff.rowsPerStrip
    tiff_planar = metadata.tiff.isPlanar ? 1 : 0
    tiff_big_endian = metadata.tiff.isBigEndian ? 1 : 0
    tiff_big = metadata.tiff.isBigTIFF ? 1 : 0
  }
}

extension ImbrexError {
  /// What a shim reports, as an error of reading or of writing.
  init(_ error: codec_error, _ code: Code) {
    var message = withUnsafeBytes(of: error.message) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if error.system_errno != 0 { message += ": \(systemMessage(error.system_errno))" }
    let isLimit = error.status == Int32(codec_limit.rawValue) || error.status == Int32(codec_memory.rawValue)
    if code == .output && error.system_errno == EPIPE {
      self.init(.closedPipe, message)
    } else {
      self.init(isLimit ? .limit : code, message)
    }
  }
}
