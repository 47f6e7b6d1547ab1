// What a TIFF's directory says: size, samples, colour, layout, and whether the file can hold what it claims.
#include "tiff_reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/// GDAL's.
enum { tag_gdal_nodata = 42113 };

int32_t tiff_fail_unsupported(codec_tiff_reader *reader, const char *what) {
  return codec_fail(&reader->failure, codec_unsupported, 0, "%s TIFF is not supported", what);
}

static int32_t read_size(codec_tiff_reader *reader) {
  TIFF *tiff = reader->files[0].tiff;
  if (!libtiff.GetField(tiff, TIFFTAG_IMAGEWIDTH, &reader->width) ||
      !libtiff.GetField(tiff, TIFFTAG_IMAGELENGTH, &reader->height)) {
    return codec_fail(&reader->failure, codec_malformed, 0, "the directory has no width or no height");
  }
  uint32_t depth = 1;
  if (libtiff.GetField(tiff, TIFFTAG_IMAGEDEPTH, &depth) && depth > 1)
    return tiff_fail_unsupported(reader, "three-dimensional");
  return codec_check_size(reader->width, reader->height, reader->input.max_pixels, &reader->failure);
}

/// The type in memory, and how the file holds it if that is another.
static int32_t read_sample_type(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  uint16_t bits = 1, format = SAMPLEFORMAT_UINT;
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  header->file_bits = bits;
  header->stored_bits = bits;
  switch (format) {
    case SAMPLEFORMAT_UINT:
    case SAMPLEFORMAT_VOID:
      header->stored_kind = codec_unsigned;
      header->sample_type = bits <= 8 ? codec_uint8 : bits <= 16 ? codec_uint16 : codec_float64;
      break;
    case SAMPLEFORMAT_INT:
      header->stored_kind = codec_signed;
      header->sample_type = bits <= 16 ? codec_float32 : codec_float64;
      break;
    case SAMPLEFORMAT_IEEEFP:
      header->stored_kind = codec_floating;
      header->sample_type = bits <= 32 ? codec_float32 : codec_float64;
      break;
    default: return tiff_fail_unsupported(reader, "complex");
  }
  return codec_ok;
}

/// 8-bit colours of a colour map, which has 16 bits, or 8 where all its values are small. One with more or fewer
/// colours than samples can tell is read as far as it goes; libtiff has no use for it.
static int32_t read_palette(codec_tiff_reader *reader, uint32_t bits) {
  uint16_t *maps[3], colors[3 * 256] = {0};
  size_t count = (size_t)1 << bits;
  if (bits <= 8 && libtiff.GetField(reader->files[0].tiff, TIFFTAG_COLORMAP, &maps[0], &maps[1], &maps[2])) {
    for (size_t i = 0; i < 3 * count; i++) colors[i] = maps[i % 3][i / 3];
  } else if (bits > 8 || tiff_palette_in_file(&reader->files[0], colors, count) == 0) {
    return codec_fail(&reader->failure, codec_malformed, 0, "the palette is missing");
  }
  // As many as any index of a whole byte may ask for.
  reader->palette = calloc(256, 3);
  if (reader->palette == NULL) return codec_fail_memory(&reader->failure);
  uint16_t largest = 0;
  for (size_t i = 0; i < 3 * count; i++) largest = colors[i] > largest ? colors[i] : largest;
  for (size_t i = 0; i < 3 * count; i++) reader->palette[i] = (uint8_t)(largest < 256 ? colors[i] : colors[i] >> 8);
  return codec_ok;
}

static int32_t read_separated(codec_tiff_reader *reader, codec_header *header) {
  uint16_t inks = INKSET_CMYK;
  libtiff.GetFieldDefaulted(reader->files[0].tiff, TIFFTAG_INKSET, &inks);
  if (inks != INKSET_CMYK || reader->channels < 4) return tiff_fail_unsupported(reader, "multi-ink");
  header->color = codec_cmyk;
  header->file_color = "CMYK";
  return codec_ok;
}

static int32_t read_color(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  uint16_t photometric = reader->channels >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
  uint16_t compression = COMPRESSION_NONE;
  libtiff.GetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  // libtiff takes a picture for gray, or RGB, if it does not like its palette.
  if (tiff_number_in_file(&reader->files[0], TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_PALETTE) {
    photometric = PHOTOMETRIC_PALETTE;
  }
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
      if (header->stored_kind == codec_floating) return tiff_fail_unsupported(reader, "floating-point min-is-white");
      header->tiff_inverted = 1;
      // fall through
    case PHOTOMETRIC_MINISBLACK:
      header->color = codec_gray;
      header->file_color = header->file_bits == 1 ? "bilevel" : header->tiff_inverted ? "gray, min-is-white" : "gray";
      return codec_ok;
    case PHOTOMETRIC_RGB:
      header->color = codec_rgb;
      header->file_color = "RGB";
      header->jpeg_untransformed = compression == COMPRESSION_JPEG;
      return codec_ok;
    case PHOTOMETRIC_PALETTE:
      if (header->stored_kind != codec_unsigned || header->stored_bits > 8 ||
          (reader->channels != 1 && header->file_bits != 8)) {
        return tiff_fail_unsupported(reader, "this palette");
      }
      header->color = codec_rgb;
      header->file_color = "palette";
      return read_palette(reader, (uint32_t)header->file_bits);
    case PHOTOMETRIC_SEPARATED: return read_separated(reader, header);
    case PHOTOMETRIC_YCBCR:
      header->color = codec_rgb;
      header->file_color = "YCbCr";
      if (compression == COMPRESSION_JPEG && reader->channels == 3) {
        libtiff.SetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      } else {
        reader->through_rgba = true;
      }
      return codec_ok;
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
      if (reader->channels < 3 || header->stored_kind == codec_floating || header->stored_bits % 8 != 0 ||
          header->stored_bits > 16) {
        return tiff_fail_unsupported(reader, "this Lab");
      }
      header->color = codec_lab;
      header->stored_kind = codec_unsigned;
      header->sample_type = header->stored_bits == 8 ? codec_uint8 : codec_uint16;
      header->file_color = photometric == PHOTOMETRIC_CIELAB ? "CIELab" : "ICCLab";
      return codec_ok;
    case PHOTOMETRIC_MASK:
      if (reader->of_mask) {
        header->color = codec_gray;
        header->file_color = "mask";
        return codec_ok;
      }
      return tiff_fail_unsupported(reader, "mask");
    case PHOTOMETRIC_ITULAB: return tiff_fail_unsupported(reader, "ITU Lab");
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV: return tiff_fail_unsupported(reader, "LogLuv");
    case PHOTOMETRIC_CFA: return tiff_fail_unsupported(reader, "colour filter array (raw camera)");
    default:
      return codec_fail(&reader->failure, codec_unsupported, 0,
                        "TIFF of photometric interpretation %d is not supported", photometric);
  }
}

/// Tells the samples behind colour: alpha, and bands of no known meaning.
static int32_t read_extra_samples(codec_tiff_reader *reader, codec_header *header) {
  uint32_t colors = header->color == codec_gray || reader->palette != NULL ? 1 : header->color == codec_cmyk ? 4 : 3;
  if (reader->channels < colors) {
    return codec_fail(&reader->failure, codec_malformed, 0, "%" PRIu32 " samples a pixel are too few for %s",
                      reader->channels, header->file_color);
  }
  uint32_t extra = reader->channels - colors;
  uint16_t count = 0, *types = NULL;
  bool told = libtiff.GetField(reader->files[0].tiff, TIFFTAG_EXTRASAMPLES, &count, &types) != 0 && types != NULL;
  header->extra_bands = extra;
  for (uint32_t i = 0; told && i < extra && i < count; i++) {
    if (types[i] != EXTRASAMPLE_ASSOCALPHA && types[i] != EXTRASAMPLE_UNASSALPHA) continue;
    header->alpha = types[i] == EXTRASAMPLE_ASSOCALPHA ? codec_alpha_premultiplied : codec_alpha_straight;
    header->tiff_alpha_place = (int32_t)i;
    break;
  }
  // A fourth sample of RGB that nothing is said of is alpha in all files that have been seen.
  if (!told && extra == 1 && header->color == codec_rgb) header->alpha = codec_alpha_straight;
  if (header->alpha != codec_alpha_none) header->extra_bands--;
  return codec_ok;
}

static int32_t read_pixel_layout(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  uint16_t samples = 1, planar = PLANARCONFIG_CONTIG;
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  reader->channels = samples;
  if (samples == 0) return codec_fail(&reader->failure, codec_malformed, 0, "there are no samples in a pixel");
  if (read_sample_type(reader, header) != codec_ok || read_color(reader, header) != codec_ok ||
      read_extra_samples(reader, header) != codec_ok) {
    return reader->failure.status;
  }
  header->width = reader->width;
  header->height = reader->height;
  header->channels = reader->channels + (reader->palette != NULL ? 2 : 0);
  header->in_order = 1;
  header->tiff_planar = planar == PLANARCONFIG_SEPARATE && samples > 1;
  if (reader->through_rgba) {
    reader->channels = header->channels = 3;
    header->extra_bands = 0;
    header->alpha = codec_alpha_none;
    header->sample_type = codec_uint8;
    header->stored_kind = codec_unsigned;
    header->stored_bits = 8;
    header->tiff_planar = 0;
  }
  if (tiff_samples_set(&reader->samples, header, &reader->failure) != codec_ok) return reader->failure.status;
  uint16_t photometric = 0;
  libtiff.GetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  reader->samples.signed_ab = photometric == PHOTOMETRIC_CIELAB;
  reader->samples.palette = reader->palette;
  if (reader->palette != NULL) reader->samples.file_channels = reader->channels;
  reader->same = tiff_samples_same(&reader->samples);
  reader->packed = tiff_samples_packed(&reader->samples);
  reader->sample_size = reader->samples.file_size;
  reader->pixel_bytes = reader->channels * reader->sample_size;
  reader->planes = header->tiff_planar ? reader->channels : 1;
  size_t in_plane = (size_t)reader->width * (reader->planes > 1 ? 1 : reader->channels);
  reader->plane_row_bytes = tiff_packed_bytes(&reader->samples, in_plane);
  // Palettes, bilevel pictures and the like are written as bytes.
  bool widened = header->stored_kind == codec_unsigned && header->stored_bits <= 8;
  bool plain = (header->stored_kind == codec_unsigned && header->stored_bits == 16) ||
               (header->stored_kind == codec_floating && header->stored_bits >= 32);
  if (widened || plain) header->stored_bits = 0;
  return codec_ok;
}

/// Of the tables in a JPEG stream; 0 if it has none.
static int32_t quality_in(const uint8_t *bytes, uint32_t count) {
  // The tables of ITU-T T.81, B.2.4.1 are in this order.
  static const uint8_t zigzag[64] = {0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,
                                     12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
                                     35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
                                     58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};
  uint16_t tables[2][64];
  bool found[2] = {false, false};
  for (uint32_t at = 2; at + 4 <= count && bytes[at] == 0xff;) {
    uint32_t end = at + 2 + ((uint32_t)bytes[at + 2] << 8 | bytes[at + 3]);
    for (uint32_t table = at + 4; bytes[at + 1] == 0xdb && table + 65 <= end && end <= count; table += 65) {
      if (bytes[table] > 1) break;  // 16-bit, or one of more than two.
      for (int i = 0; i < 64; i++) tables[bytes[table]][zigzag[i]] = bytes[table + 1 + i];
      found[bytes[table]] = true;
    }
    at = end;
  }
  return found[0] ? codec_jpeg_quality(tables[0], found[1] ? tables[1] : NULL) : 0;
}

/// The beginning of the first strip or tile that there is; returns the bytes got.
static size_t read_first_segment(codec_tiff_reader *reader, uint8_t *bytes, size_t count) {
  uint64_t offset;
  if (!tiff_striles_first(&reader->striles, &reader->files[0], &offset) || offset > INT64_MAX) return 0;
  return tiff_pread(&reader->files[0], bytes, count, offset);
}

/// From the tables that all strips share, else those of the first.
static int32_t jpeg_quality(codec_tiff_reader *reader) {
  const tiff_file *file = &reader->files[0];
  uint32_t count = 0;
  const uint8_t *bytes = NULL;
  int32_t quality = 0;
  if (libtiff.GetField(file->tiff, TIFFTAG_JPEGTABLES, &count, &bytes) && bytes != NULL)
    quality = quality_in(bytes, count);
  if (quality > 0) return quality;
  uint8_t beginning[4096];
  return quality_in(beginning, (uint32_t)read_first_segment(reader, beginning, sizeof beginning));
}

/// Whether the first strip or tile is without loss: the first chunk of its RIFF file that holds colours says so.
static bool is_lossless_webp(codec_tiff_reader *reader) {
  uint8_t beginning[4096];
  size_t got = read_first_segment(reader, beginning, sizeof beginning);
  for (size_t at = 12; at + 8 <= got;) {
    const uint8_t *chunk = beginning + at;
    if (memcmp(chunk, "VP8 ", 4) == 0) return false;
    if (memcmp(chunk, "VP8L", 4) == 0) return true;
    uint32_t size = chunk[4] | (uint32_t)chunk[5] << 8 | (uint32_t)chunk[6] << 16 | (uint32_t)chunk[7] << 24;
    at += 8 + (size_t)size + size % 2;
  }
  return false;
}

/// The largest error that the first strip or tile was written with, which its header says (Lerc2::WriteHeader);
/// negative if that cannot be told.
static double lerc_error(codec_tiff_reader *reader, int32_t addition) {
  uint8_t beginning[4096] = {0}, blob[128] = {0};
  size_t got = read_first_segment(reader, beginning, sizeof beginning);
  if (addition == LERC_ADD_COMPRESSION_DEFLATE) {
    uLongf size = sizeof blob;
    uncompress(blob, &size, beginning, (uLong)got);  // Stops, with an error, when the blob's beginning is there.
  } else if (addition == LERC_ADD_COMPRESSION_NONE) {
    memcpy(blob, beginning, sizeof blob);
  }
  if (memcmp(blob, "Lerc2 ", 6) != 0) return -1;
  uint32_t version = blob[6];
  size_t numbers = 6 + (version >= 4 ? 1 : 0) + (version >= 6 ? 2 : 0);
  const uint8_t *at = blob + 6 + 4 + (version >= 3 ? 4 : 0) + 4 * numbers;
  uint64_t bits = 0;
  for (int i = 0; i < 8; i++) bits |= (uint64_t)at[i] << 8 * i;
  double error;
  memcpy(&error, &bits, sizeof error);
  if (!(error >= 0 && error < 1e30)) return -1;
  // Whole numbers without loss are said to be off by half of one.
  return reader->samples.kind == codec_floating ? error : floor(error);
}

static void describe_lerc(codec_tiff_reader *reader, codec_header *header) {
  uint32_t count = 0, *parameters = NULL;
  bool told = libtiff.GetField(reader->files[0].tiff, TIFFTAG_LERC_PARAMETERS, &count, &parameters) && count >= 2;
  header->tiff_lerc_addition = told ? (int32_t)parameters[1] : LERC_ADD_COMPRESSION_NONE;
  header->tiff_lerc_error = lerc_error(reader, header->tiff_lerc_addition);
}

static int32_t read_file_layout(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  uint16_t compression = COMPRESSION_NONE, predictor = 0;
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  if (!libtiff.IsCODECConfigured(compression) || compression == COMPRESSION_OJPEG) {
    const codec_tiff_compression *known = codec_tiff_find_compression(compression);
    if (known == NULL) {
      return codec_fail(&reader->failure, codec_unsupported, 0, "TIFF of compression %d is not supported", compression);
    }
    return codec_fail(&reader->failure, codec_unsupported, 0, "TIFF compressed with %s is not supported", known->title);
  }
  header->tiff_compression = compression;
  header->tiff_directory = libtiff.CurrentDirOffset(tiff);
  tiff_striles_find(&reader->striles, &reader->files[0]);
  if (compression == COMPRESSION_WEBP) header->tiff_webp_lossless = is_lossless_webp(reader);
  if (compression == COMPRESSION_LERC) describe_lerc(reader, header);
  if (compression == COMPRESSION_JPEG) {
    uint16_t sampling[2] = {0, 0};
    header->jpeg_quality = jpeg_quality(reader);
    libtiff.GetFieldDefaulted(tiff, TIFFTAG_YCBCRSUBSAMPLING, &sampling[0], &sampling[1]);
    header->jpeg_h_sampling = sampling[0];
    header->jpeg_v_sampling = sampling[1];
  }
  if (libtiff.GetField(tiff, TIFFTAG_PREDICTOR, &predictor)) header->tiff_predictor = predictor;
  header->tiff_big_endian = libtiff.IsBigEndian(tiff) != 0;
  header->tiff_big = libtiff.IsBigTIFF(tiff) != 0;
  if (libtiff.IsTiled(tiff)) {
    libtiff.GetField(tiff, TIFFTAG_TILEWIDTH, &reader->tile_width);
    libtiff.GetField(tiff, TIFFTAG_TILELENGTH, &reader->tile_height);
    header->tiff_tile_width = reader->tile_width;
    header->tiff_tile_height = reader->tile_height;
    if (reader->tile_width > 0 && reader->tile_height > 0) return codec_ok;
    return codec_fail(&reader->failure, codec_malformed, 0, "the tiles are empty");
  }
  uint32_t rows = 0;
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
  reader->rows_per_strip = rows == 0 || rows > reader->height ? reader->height : rows;
  reader->strips_per_plane = (reader->height - 1) / reader->rows_per_strip + 1;
  header->tiff_rows_per_strip = reader->rows_per_strip;
  return codec_ok;
}

/// What stands in strips and tiles that were never written: GDAL's value of no data, which is a text, or 0.
static void set_fill(codec_tiff_reader *reader) {
  memset(reader->fill, 0, sizeof reader->fill);
  for (size_t i = 0; i < reader->items.count; i++) {
    const codec_item *item = &reader->items.list[i];
    char text[64] = "";
    if (item->kind != codec_item_tiff || item->tag != tag_gdal_nodata || item->byte_count >= sizeof text) continue;
    memcpy(text, item->bytes, item->byte_count);
    tiff_sample_set(&reader->samples, strtod(text, NULL), reader->fill);
  }
}

static int32_t read_extras(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  float x = 0, y = 0;
  uint16_t unit = RESUNIT_INCH, orientation = 0;
  if (libtiff.GetField(tiff, TIFFTAG_XRESOLUTION, &x) && libtiff.GetField(tiff, TIFFTAG_YRESOLUTION, &y) && x > 0 &&
      y > 0) {
    libtiff.GetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
    header->x_resolution = x;
    header->y_resolution = y;
    header->resolution_unit = unit == RESUNIT_INCH         ? codec_unit_inch
                              : unit == RESUNIT_CENTIMETER ? codec_unit_cm
                                                           : codec_unit_none;
  }
  if (libtiff.GetField(tiff, TIFFTAG_ORIENTATION, &orientation) && orientation >= 1 && orientation <= 8) {
    header->orientation = orientation;
  }
  uint32_t size = 0;
  void *profile = NULL;
  if (libtiff.GetField(tiff, TIFFTAG_ICCPROFILE, &size, &profile) && size > 0) {
    header->icc_profile = profile;
    header->icc_profile_count = size;
  }
  tiff_items_read(&reader->files[0], &reader->items);
  header->items = reader->items.list;
  header->item_count = reader->items.count;
  set_fill(reader);
  if (header->page_count > 0 ||
      tiff_count_pages(&reader->files[0], &reader->slide, &header->page_count, &header->tiff_left_out)) {
    return codec_ok;
  }
  header->page_count = 1;
  if (reader->input.is_tolerant) return codec_ok;
  return codec_fail(&reader->failure, codec_malformed, 0, "its directories form a loop");
}

/// The most bytes that one byte of the file can become; 0 if that is without a useful bound.
static double largest_ratio(const codec_tiff_reader *reader, int32_t compression) {
  switch (compression) {
    case COMPRESSION_NONE: return 1;
    case COMPRESSION_PACKBITS: return 64;  // Two bytes say 128.
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE: return 1032;  // Two bits say 258.
    case COMPRESSION_LZW: return 2731;            // 12 bits say no more than the 4096 codes can have grown to.
    case COMPRESSION_ZSTD: return 65536;          // A block of 128 KiB of one byte takes four.
    case COMPRESSION_LZMA:
      return 65536;  // Long matches of 273 bytes in a few hundredths of a bit.
    // A row like the one above takes a bit; a block of 64 samples takes two.
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTRLEW:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4: return 8.0 * (double)reader->plane_row_bytes;
    case COMPRESSION_JPEG: return 8.0 * 64 * 3;
    default: return 0;
  }
}

/// A forged size is found before memory is spent on it.
static int32_t check_file_size(codec_tiff_reader *reader, const codec_header *header) {
  double ratio = largest_ratio(reader, header->tiff_compression);
  size_t needed;
  if (!codec_multiply(reader->width * reader->pixel_bytes, reader->height, &needed) ||
      !codec_multiply(codec_row_bytes(header), reader->height, &needed)) {
    return codec_fail_memory(&reader->failure);
  }
  if (ratio == 0) return codec_ok;
  double bytes = (double)reader->plane_row_bytes * reader->planes * reader->height;
  // Subsampled colour takes less than its rows.
  if (reader->through_rgba) bytes /= 3;
  // Of what was never written a file holds nothing: only the caller's limit counts then.
  codec_error implausible;
  if (codec_check_plausible(&reader->input, bytes / ratio, header, &implausible) == codec_ok ||
      tiff_striles_have_hole(&reader->striles, &reader->files[0])) {
    return codec_ok;
  }
  return codec_check_plausible(&reader->input, bytes / ratio, header, &reader->failure);
}

int32_t tiff_describe(codec_tiff_reader *reader, codec_header *header) {
  if (read_size(reader) != codec_ok || read_pixel_layout(reader, header) != codec_ok ||
      read_file_layout(reader, header) != codec_ok || check_file_size(reader, header) != codec_ok) {
    return reader->failure.status;
  }
  return read_extras(reader, header);
}
