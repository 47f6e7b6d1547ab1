import Pictures
import Platform

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
      color: ColorModel.allCases[Int(header.color)], extraBands: Int(header.extra_bands),
      alpha: [.none, .straight, .premultiplied][Int(header.alpha)],
      sampleType: SampleType.allCases[Int(header.sample_type)],
      stored: header.stored_bits == 0
        ? nil : StoredSamples(StoredSamples.Kind(rawValue: header.stored_kind)!, bits: Int(header.stored_bits)))
  }
}

extension Metadata {
  init(_ header: codec_header) {
    self.init()
    if header.x_resolution > 0 && header.y_resolution > 0 {
      resolution = Resolution(
        x: header.x_resolution, y: header.y_resolution,
        unit: Resolution.Unit(rawValue: header.resolution_unit) ?? .none)
    }
    if let profile = header.icc_profile {
      iccProfile = Array(UnsafeBufferPointer(start: profile, count: header.icc_profile_count))
    }
    isInterlacedPNG = header.png_interlaced != 0
    jpeg.quality = header.jpeg_quality
    jpeg.isProgressive = header.jpeg_progressive != 0
    jpeg.horizontalSampling = header.jpeg_h_sampling
    jpeg.verticalSampling = header.jpeg_v_sampling
    jpeg.isUntransformed = header.jpeg_untransformed != 0
    jpeg.isArithmetic = header.jpeg_arithmetic != 0
    jpeg.restartInterval = header.jpeg_restart
    tiff.compression = header.tiff_compression
    tiff.predictor = header.tiff_predictor
    tiff.tileWidth = header.tiff_tile_width
    tiff.tileHeight = header.tiff_tile_height
    tiff.rowsPerStrip = header.tiff_rows_per_strip
    tiff.isPlanar = header.tiff_planar != 0
    tiff.isBigEndian = header.tiff_big_endian != 0
    tiff.isBigTIFF = header.tiff_big != 0
    tiff.isInverted = header.tiff_inverted != 0
    tiff.alphaPlace = header.tiff_alpha_place
    tiff.isLosslessWebP = header.tiff_webp_lossless != 0
    tiff.lercError = header.tiff_lerc_error
    tiff.lercAddition = header.tiff_lerc_addition
    array.set(header.npy_layout)
    items = UnsafeBufferPointer(start: header.items, count: header.item_count).compactMap(MetadataItem.init)
    let exif = items.first { $0.kind == .exif }
    orientation = header.orientation > 0 ? Int(header.orientation) : exif.flatMap { Exif.orientation(in: $0.bytes) }
  }
}

extension MetadataItem {
  init?(_ item: codec_item) {
    guard let kind = Kind(rawValue: item.kind) else { return nil }
    self.init(
      kind: kind, tag: item.tag, type: item.type, count: Int(item.count),
      bytes: Array(UnsafeBufferPointer(start: item.bytes, count: item.byte_count)))
  }
}

extension codec_header {
  /// The header of a file that holds a picture, without profile and items.
  init(_ picture: ImageDescription, _ metadata: Metadata) {
    self.init()
    width = UInt32(picture.width)
    height = UInt32(picture.height)
    channels = UInt32(picture.channels)
    extra_bands = UInt32(picture.extraBands)
    sample_type = Int32(SampleType.allCases.firstIndex(of: picture.sampleType)!)
    stored_kind = picture.stored?.kind.rawValue ?? 0
    stored_bits = Int32(picture.stored?.bits ?? 0)
    color = Int32(ColorModel.allCases.firstIndex(of: picture.color)!)
    orientation = Int32(metadata.orientation ?? 0)
    alpha = [.none: 0, .straight: 1, .premultiplied: 2][picture.alpha]!
    if let resolution = metadata.resolution {
      x_resolution = resolution.x
      y_resolution = resolution.y
      resolution_unit = resolution.unit.rawValue
    }
    png_interlaced = metadata.isInterlacedPNG ? 1 : 0
    jpeg_quality = metadata.jpeg.quality
    jpeg_progressive = metadata.jpeg.isProgressive ? 1 : 0
    jpeg_h_sampling = metadata.jpeg.horizontalSampling
    jpeg_v_sampling = metadata.jpeg.verticalSampling
    jpeg_untransformed = metadata.jpeg.isUntransformed ? 1 : 0
    jpeg_arithmetic = metadata.jpeg.isArithmetic ? 1 : 0
    jpeg_restart = metadata.jpeg.restartInterval
    tiff_compression = metadata.tiff.compression
    tiff_predictor = metadata.tiff.predictor
    tiff_tile_width = metadata.tiff.tileWidth
    tiff_tile_height = metadata.tiff.tileHeight
    tiff_rows_per_strip = metadata.tiff.rowsPerStrip
    tiff_planar = metadata.tiff.isPlanar ? 1 : 0
    tiff_big_endian = metadata.tiff.isBigEndian ? 1 : 0
    tiff_big = metadata.tiff.isBigTIFF ? 1 : 0
    tiff_inverted = metadata.tiff.isInverted ? 1 : 0
    tiff_alpha_place = metadata.tiff.alphaPlace
    tiff_webp_lossless = metadata.tiff.isLosslessWebP ? 1 : 0
    tiff_lerc_error = metadata.tiff.lercError
    tiff_lerc_addition = metadata.tiff.lercAddition
    tiff_whole_tiles = metadata.tiff.hasWholeTiles ? 1 : 0
    tiff_reduced = metadata.tiff.isReduced ? 1 : 0
    npy_layout = metadata.array.bits
  }
}

extension Metadata.ArrayLayout {
  mutating func set(_ bits: Int32) {
    func has(_ bit: codec_npy_layout) -> Bool { bits & Int32(bit.rawValue) != 0 }
    isPaged = has(codec_npy_paged)
    isChanneled = has(codec_npy_channeled)
    isBigEndian = has(codec_npy_big_endian)
    isFortran = has(codec_npy_fortran)
  }

  var bits: Int32 {
    let set = [
      (isPaged, codec_npy_paged), (isChanneled, codec_npy_channeled), (isBigEndian, codec_npy_big_endian),
      (isFortran, codec_npy_fortran),
    ]
    return set.reduce(0) { $1.0 ? $0 | Int32($1.1.rawValue) : $0 }
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
      self.init(
        isLimit ? .limit : error.status == Int32(codec_no_page.rawValue) ? .noPage : code, message,
        remedy: Self.remedy(error), cause: Self.cause(error, isOutput: code == .output))
    }
  }
}

extension ImbrexError {
  /// The status of a shim as a word.
  private static func cause(_ error: codec_error, isOutput: Bool) -> Cause? {
    switch error.status {
    case Int32(codec_malformed.rawValue): .damaged
    case Int32(codec_truncated.rawValue): .truncated
    case Int32(codec_unsupported.rawValue): .unsupported
    case Int32(codec_io.rawValue): Cause(errno: error.system_errno, isOutput: isOutput)
    default: nil
    }
  }

  /// The limit that stood in the way, and what it would have to be.
  private static func remedy(_ error: codec_error) -> Remedy? {
    switch error.limit {
    case Int32(codec_limit_pixels.rawValue): Remedy("max-pixels", value: String(error.needed))
    case Int32(codec_limit_memory.rawValue): Remedy("max-memory", value: "\((error.needed >> 20) + 1)M")
    default: nil
    }
  }
}

/// Calls a shim's function, and throws what it reports as an error of reading or of writing.
func check(_ code: ImbrexError.Code, _ shim: (UnsafeMutablePointer<codec_error>) -> Int32) throws {
  var error = codec_error()
  guard shim(&error) == 0 else { throw ImbrexError(error, code) }
}
