// TIFF over libtiff, strips and tiles. Uncompressed strips are read without it, so that a file of one huge strip needs
// no more memory than any other.
#include "tiff.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MARK: Reader

typedef enum tiff_method {
  method_raw,        ///< Uncompressed strips, whose rows are where the directory says.
  method_strips,     ///< A strip at a time is decoded into the band.
  method_scanlines,  ///< A row at a time is decoded.
  method_tiles,      ///< A row of tiles at a time is decoded into the band.
  method_rgba,       ///< libtiff makes 8-bit RGB, strip by strip or a row of tiles at a time, into the band.
} tiff_method;

struct codec_tiff_reader {
  /// The first reads the directory. The others are there if separate planes are decoded row by row: each plane needs
  /// a decoder of its own, which goes on from row to row.
  tiff_file files[MOST_PLANES];
  codec_input input;
  codec_error failure, damage;
  tiff_method method;
  uint32_t width, height;
  uint32_t row;  ///< The next to hand out.
  tiff_samples samples;
  bool same;               ///< Rows are the same in the file and in memory.
  bool packed;             ///< Samples are less than bytes in the file.
  uint32_t channels;       ///< Of the file …
  size_t sample_size;      ///< … once samples are bytes …
  size_t row_bytes;        ///< … and their rows.
  uint32_t planes;         ///< 1 if samples are interleaved in the file.
  size_t plane_row_bytes;  ///< Of a row of one plane, packed as in the file.
  uint32_t rows_per_strip, strips_per_plane;
  uint32_t tile_width, tile_height;
  bool through_rgba;
  uint8_t *band;  ///< Rows `band_row` and following, of `row_bytes`.
  uint32_t band_row, band_rows;
  uint8_t *scratch;   ///< One strip of one plane, one tile, or one row of one plane, as in the file.
  uint8_t *unpacked;  ///< One row of such.
  uint8_t *file_row;  ///< One row of the file's samples, if they are not the same in memory.
  uint8_t *palette;
  tiff_notes notes;
};

static int32_t fail_rows(codec_tiff_reader *reader, const tiff_file *file) {
  if (file->system_errno != 0) return codec_fail_read(&reader->failure, file->system_errno);
  if (file->hit_end) return codec_fail_end(&reader->failure, reader->row, reader->height);
  return tiff_fail(file, &reader->failure, "the picture data is damaged");
}

static int32_t fail_unsupported(codec_tiff_reader *reader, const char *what) {
  return codec_fail(&reader->failure, codec_unsupported, 0, "%s TIFF is not supported", what);
}

/// Turns a failure into damage that is only noted, if the caller wants what can be read.
static int32_t tolerate(codec_tiff_reader *reader, void *rows, size_t bytes) {
  if (!reader->input.is_tolerant || reader->failure.status == codec_ok) return reader->failure.status;
  if (reader->damage.status == codec_ok) reader->damage = reader->failure;
  reader->failure.status = codec_ok;
  reader->files[0].hit_end = false;
  reader->files[0].message[0] = 0;
  memset(rows, 0, bytes);
  return codec_ok;
}

static int32_t open_file(codec_tiff_reader *reader) {
  tiff_file *file = &reader->files[0];
  // c: strips stay as they are in the file; m: no memory map.
  // A read beyond the end that libtiff passes over is of a value (a profile, say) that has been cut off.
  if (tiff_file_open(file, reader->input.fd, "rcm") && (!file->hit_end || reader->input.is_tolerant)) return codec_ok;
  if (file->system_errno != 0) return codec_fail_read(&reader->failure, file->system_errno);
  if (tiff_file_size(file) < 8) {
    return codec_fail(&reader->failure, codec_truncated, 0, "the file ends within its header");
  }
  if (file->hit_end || strstr(file->message, "Cannot read TIFF directory") != NULL) {
    return codec_fail(&reader->failure, codec_truncated, 0, "the file ends before its directory does");
  }
  return tiff_fail(file, &reader->failure, "the directory is damaged");
}

static int32_t read_size(codec_tiff_reader *reader) {
  TIFF *tiff = reader->files[0].tiff;
  if (!libtiff.GetField(tiff, TIFFTAG_IMAGEWIDTH, &reader->width) ||
      !libtiff.GetField(tiff, TIFFTAG_IMAGELENGTH, &reader->height)) {
    return codec_fail(&reader->failure, codec_malformed, 0, "the directory has no width or no height");
  }
  uint32_t depth = 1;
  if (libtiff.GetField(tiff, TIFFTAG_IMAGEDEPTH, &depth) && depth > 1)
    return fail_unsupported(reader, "three-dimensional");
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
    default: return fail_unsupported(reader, "complex");
  }
  return codec_ok;
}

/// 8-bit colours of a colour map, which has 16 bits, or 8 where all its values are small.
static int32_t read_palette(codec_tiff_reader *reader, uint32_t bits) {
  uint16_t *maps[3];
  if (bits > 8 || !libtiff.GetField(reader->files[0].tiff, TIFFTAG_COLORMAP, &maps[0], &maps[1], &maps[2])) {
    return codec_fail(&reader->failure, codec_malformed, 0, "the palette is missing");
  }
  size_t colors = (size_t)1 << bits;
  // As many as any index of a whole byte may ask for.
  reader->palette = calloc(256, 3);
  if (reader->palette == NULL) return codec_fail_memory(&reader->failure);
  uint16_t largest = 0;
  for (size_t i = 0; i < 3 * colors; i++) {
    uint16_t value = maps[i % 3][i / 3];
    if (value > largest) largest = value;
  }
  for (size_t i = 0; i < 3 * colors; i++) {
    uint16_t value = maps[i % 3][i / 3];
    reader->palette[i] = (uint8_t)(largest < 256 ? value : value >> 8);
  }
  return codec_ok;
}

static int32_t read_separated(codec_tiff_reader *reader, codec_header *header) {
  uint16_t inks = INKSET_CMYK;
  libtiff.GetFieldDefaulted(reader->files[0].tiff, TIFFTAG_INKSET, &inks);
  if (inks != INKSET_CMYK || reader->channels < 4) return fail_unsupported(reader, "multi-ink");
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
  switch (photometric) {
    case PHOTOMETRIC_MINISWHITE:
      if (header->stored_kind == codec_floating) return fail_unsupported(reader, "floating-point min-is-white");
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
      if (reader->channels != 1 || header->stored_kind != codec_unsigned)
        return fail_unsupported(reader, "this palette");
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
        return fail_unsupported(reader, "this Lab");
      }
      header->color = codec_lab;
      header->stored_kind = codec_unsigned;
      header->sample_type = header->stored_bits == 8 ? codec_uint8 : codec_uint16;
      header->file_color = photometric == PHOTOMETRIC_CIELAB ? "CIELab" : "ICCLab";
      return codec_ok;
    case PHOTOMETRIC_MASK: return fail_unsupported(reader, "mask");
    case PHOTOMETRIC_ITULAB: return fail_unsupported(reader, "ITU Lab");
    case PHOTOMETRIC_LOGL:
    case PHOTOMETRIC_LOGLUV: return fail_unsupported(reader, "LogLuv");
    case PHOTOMETRIC_CFA: return fail_unsupported(reader, "colour filter array (raw camera)");
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
  header->channels = reader->palette != NULL ? 3 : reader->channels;
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
  if (reader->palette != NULL) reader->samples.file_channels = 1;
  reader->same = tiff_samples_same(&reader->samples);
  reader->packed = tiff_samples_packed(&reader->samples);
  reader->sample_size = reader->samples.file_size;
  reader->row_bytes = (size_t)reader->width * reader->channels * reader->sample_size;
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

/// From the tables that all strips share, else those of the first.
static int32_t jpeg_quality(const tiff_file *file) {
  uint32_t count = 0;
  const uint8_t *bytes = NULL;
  int32_t quality = 0;
  if (libtiff.GetField(file->tiff, TIFFTAG_JPEGTABLES, &count, &bytes) && bytes != NULL)
    quality = quality_in(bytes, count);
  if (quality > 0) return quality;
  uint8_t beginning[4096];
  int system_errno = 0;
  uint64_t offset = libtiff.GetStrileOffset(file->tiff, 0);
  if (offset == 0 || offset > INT64_MAX) return 0;
  size_t got = codec_pread_all(file->fd, beginning, sizeof beginning, offset, &system_errno);
  return quality_in(beginning, (uint32_t)got);
}

static int32_t read_file_layout(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  uint16_t compression = COMPRESSION_NONE, predictor = 0;
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  if (!libtiff.IsCODECConfigured(compression)) {
    return codec_fail(&reader->failure, codec_unsupported, 0, "TIFF compression %d is not supported", compression);
  }
  if (compression == COMPRESSION_OJPEG) return fail_unsupported(reader, "old-style JPEG");
  header->tiff_compression = compression;
  if (compression == COMPRESSION_JPEG) {
    uint16_t sampling[2] = {0, 0};
    header->jpeg_quality = jpeg_quality(&reader->files[0]);
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
  tiff_notes_read(&reader->files[0], &reader->notes);
  header->notes = reader->notes.list;
  header->note_count = reader->notes.count;
  if (header->page_count > 0 || tiff_count_pages(&reader->files[0], &header->page_count, &header->tiff_left_out)) {
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
  if (!codec_multiply(reader->row_bytes, reader->height, &needed) ||
      !codec_multiply(codec_row_bytes(header), reader->height, &needed)) {
    return codec_fail_memory(&reader->failure);
  }
  if (ratio == 0) return codec_ok;
  double bytes = (double)reader->plane_row_bytes * reader->planes * reader->height;
  // Subsampled colour takes less than its rows.
  if (reader->through_rgba) bytes /= 3;
  return codec_check_plausible(&reader->input, bytes / ratio, header, &reader->failure);
}

// MARK: Choosing how to read

static bool reads_raw(const codec_tiff_reader *reader, const codec_header *header) {
  uint16_t fill_order = FILLORDER_MSB2LSB;
  libtiff.GetFieldDefaulted(reader->files[0].tiff, TIFFTAG_FILLORDER, &fill_order);
  return header->tiff_compression == COMPRESSION_NONE && reader->tile_width == 0 && fill_order == FILLORDER_MSB2LSB &&
         !reader->packed && !reader->through_rgba;
}

static int32_t allocate_band(codec_tiff_reader *reader, size_t scratch) {
  uint64_t held = (uint64_t)reader->row_bytes * reader->band_rows + scratch;
  if (reader->input.max_memory > 0 && held > reader->input.max_memory) {
    return codec_fail(&reader->failure, codec_limit, 0,
                      "its strips or tiles take %" PRIu64 " MiB, more than --max-memory allows", held >> 20);
  }
  reader->scratch = malloc(scratch + 1);
  reader->band = codec_allocate_picture(reader->row_bytes, reader->band_rows);
  return reader->scratch == NULL || reader->band == NULL ? codec_fail_memory(&reader->failure) : codec_ok;
}

static int32_t prepare_tiles(codec_tiff_reader *reader) {
  tmsize_t tile_size = libtiff.TileSize(reader->files[0].tiff);
  size_t samples = (size_t)reader->tile_width * (reader->planes > 1 ? 1 : reader->channels);
  size_t expected;
  bool fits = codec_multiply(tiff_packed_bytes(&reader->samples, samples), reader->tile_height, &expected) &&
              expected <= LARGEST_ALLOCATION;
  if (!fits || tile_size != (tmsize_t)expected) {
    return codec_fail(&reader->failure, codec_limit, 0, "tiles of %" PRIu32 " x %" PRIu32 " pixels are too large",
                      reader->tile_width, reader->tile_height);
  }
  reader->band_rows = reader->tile_height < reader->height ? reader->tile_height : reader->height;
  return allocate_band(reader, expected);
}

static int32_t prepare_strips(codec_tiff_reader *reader) {
  reader->band_rows = reader->rows_per_strip;
  bool directly = reader->planes == 1 && !reader->packed;
  return allocate_band(reader, directly ? 0 : reader->plane_row_bytes * reader->band_rows);
}

/// One row of one plane, for raw and scanlines. libtiff may want a buffer where the caller's row would do otherwise.
static int32_t prepare_rows(codec_tiff_reader *reader) {
  TIFF *tiff = reader->files[0].tiff;
  if (reader->method == method_scanlines && libtiff.ScanlineSize(tiff) != (tmsize_t)reader->plane_row_bytes) {
    return codec_fail(&reader->failure, codec_unsupported, 0, "this layout of TIFF rows is not supported");
  }
  reader->scratch = malloc(reader->plane_row_bytes);
  if (reader->scratch == NULL) return codec_fail_memory(&reader->failure);
  if (reader->method == method_raw) return codec_ok;
  if (reader->planes > MOST_PLANES) return fail_unsupported(reader, "large strips in more than four planes of");
  for (uint32_t plane = 1; plane < reader->planes; plane++) {
    tiff_file *file = &reader->files[plane];
    if (!tiff_file_open(file, reader->files[0].fd, "rcm") ||
        !libtiff.SetSubDirectory(file->tiff, libtiff.CurrentDirOffset(tiff))) {
      return fail_rows(reader, file);
    }
    // The file may have been exchanged under us: what follows relies on both being the same.
    if (libtiff.ScanlineSize(file->tiff) != libtiff.ScanlineSize(tiff)) {
      return codec_fail(&reader->failure, codec_malformed, 0, "the file changes while it is read");
    }
  }
  return codec_ok;
}

/// libtiff turns what it decodes upright, but here the orientation is the caller's affair.
static int32_t prepare_rgba(codec_tiff_reader *reader) {
  TIFF *tiff = reader->files[0].tiff;
  char message[1024];
  if (!libtiff.RGBAImageOK(tiff, message)) {
    return codec_fail(&reader->failure, codec_unsupported, 0, "this kind of TIFF is not supported: %s", message);
  }
  libtiff.SetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  bool tiled = reader->tile_width > 0;
  size_t width = tiled ? reader->tile_width : reader->width,
         rows = tiled ? reader->tile_height : reader->rows_per_strip;
  size_t pixels, bytes;
  if (!codec_multiply(width, rows, &pixels) || !codec_multiply(pixels, 4, &bytes) || bytes > LARGEST_ALLOCATION) {
    return codec_fail(&reader->failure, codec_limit, 0, "its strips or tiles are too large");
  }
  reader->band_rows = rows < reader->height ? (uint32_t)rows : reader->height;
  return allocate_band(reader, bytes);
}

static int32_t prepare_method(codec_tiff_reader *reader, const codec_header *header) {
  reader->band_row = reader->height;  // Holds no row yet.
  if (reader->through_rgba) {
    reader->method = method_rgba;
    return prepare_rgba(reader);
  }
  if (reader->tile_width > 0) {
    reader->method = method_tiles;
    return prepare_tiles(reader);
  }
  if (reads_raw(reader, header)) {
    reader->method = method_raw;
    return prepare_rows(reader);
  }
  if ((uint64_t)reader->rows_per_strip * reader->row_bytes > LARGEST_HELD_STRIP) {
    reader->method = method_scanlines;
    return prepare_rows(reader);
  }
  reader->method = method_strips;
  return prepare_strips(reader);
}

static int32_t prepare(codec_tiff_reader *reader, const codec_header *header) {
  if (prepare_method(reader, header) != codec_ok) return reader->failure.status;
  reader->unpacked = reader->packed ? malloc(reader->row_bytes) : NULL;
  reader->file_row = reader->same ? NULL : malloc(reader->row_bytes);
  bool missing = (reader->packed && reader->unpacked == NULL) || (!reader->same && reader->file_row == NULL);
  return missing ? codec_fail_memory(&reader->failure) : codec_ok;
}

static int32_t read_page(codec_tiff_reader *reader, codec_header *header) {
  if (read_size(reader) != codec_ok || read_pixel_layout(reader, header) != codec_ok ||
      read_file_layout(reader, header) != codec_ok || check_file_size(reader, header) != codec_ok) {
    return reader->failure.status;
  }
  if (read_extras(reader, header) != codec_ok) return reader->failure.status;
  return prepare(reader, header);
}

/// Lets go of all but the first file.
static void forget_page(codec_tiff_reader *reader) {
  for (int i = 1; i < MOST_PLANES; i++) tiff_file_close(&reader->files[i]);
  free(reader->band);
  free(reader->scratch);
  free(reader->unpacked);
  free(reader->file_row);
  free(reader->palette);
  reader->band = reader->scratch = reader->unpacked = reader->file_row = reader->palette = NULL;
  tiff_notes_free(&reader->notes);
  memset(&reader->samples, 0, sizeof reader->samples);
  reader->through_rgba = false;
  reader->tile_width = reader->tile_height = 0;
  reader->row = 0;
}

/// Goes on to the next directory that is a page.
static int32_t advance(codec_tiff_reader *reader) {
  tiff_file *file = &reader->files[0];
  while (libtiff.LastDirectory(file->tiff) == 0) {
    file->message[0] = 0;
    if (!libtiff.ReadDirectory(file->tiff)) {
      if (file->message[0] == 0 && !file->hit_end) break;
      return tiff_fail(file, &reader->failure, "the next page's directory is damaged");
    }
    uint32_t subfile = 0;
    if (!libtiff.GetField(file->tiff, TIFFTAG_SUBFILETYPE, &subfile) ||
        (subfile & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0) {
      return codec_ok;
    }
  }
  return codec_fail(&reader->failure, codec_no_page, 0, "there is no further page");
}

static int32_t open_reader(codec_tiff_reader *reader, codec_header *header) {
  if (open_file(reader) != codec_ok) return reader->failure.status;
  for (uint32_t page = 0; page < reader->input.page; page++) {
    if (advance(reader) == codec_ok) continue;
    if (reader->failure.status != codec_no_page) return reader->failure.status;
    return codec_fail(&reader->failure, codec_no_page, 0, "there is no page %" PRIu32 ", only %" PRIu32,
                      reader->input.page + 1, page + 1);
  }
  return read_page(reader, header);
}

int32_t codec_tiff_next_page(codec_tiff_reader *reader, codec_header *header, codec_error *error) {
  memset(header, 0, sizeof *header);
  header->page_count = 1;  // Counted already.
  forget_page(reader);
  if (advance(reader) == codec_ok) read_page(reader, header);
  return codec_report(&reader->failure, error);
}

int32_t codec_tiff_open(const codec_input *input, codec_tiff_reader **reader, codec_header *header,
                        codec_error *error) {
  *reader = NULL;
  memset(header, 0, sizeof *header);
  if (libtiff_load(error) != codec_ok) return error->status;
  codec_tiff_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return codec_fail_memory(error);
  opened->input = *input;
  if (open_reader(opened, header) != codec_ok) {
    int32_t status = codec_report(&opened->failure, error);
    codec_tiff_close(opened);
    return status;
  }
  *reader = opened;
  return codec_ok;
}

void codec_tiff_close(codec_tiff_reader *reader) {
  if (reader == NULL) return;
  forget_page(reader);
  tiff_file_close(&reader->files[0]);
  free(reader);
}

const codec_error *codec_tiff_damage(const codec_tiff_reader *reader) { return &reader->damage; }

// MARK: Rows

/// Puts the samples of one plane into every `channels`th place of interleaved ones.
static void scatter(uint8_t *to, const uint8_t *from, size_t count, size_t channels, size_t sample_size) {
  size_t step = channels * sample_size;
  switch (sample_size) {
    case 1:
      for (size_t i = 0; i < count; i++) to[i * step] = from[i];
      break;
    case 2:
      for (size_t i = 0; i < count; i++) memcpy(to + i * step, from + 2 * i, 2);
      break;
    case 4:
      for (size_t i = 0; i < count; i++) memcpy(to + i * step, from + 4 * i, 4);
      break;
    default:
      for (size_t i = 0; i < count; i++) memcpy(to + i * step, from + 8 * i, 8);
  }
}

static uint32_t rows_in_strip(const codec_tiff_reader *reader, uint32_t strip_of_plane) {
  uint32_t first = strip_of_plane * reader->rows_per_strip;
  uint32_t left = reader->height - first;
  return left < reader->rows_per_strip ? left : reader->rows_per_strip;
}

/// Reads `count` rows of a plane, all in one strip, packed.
static int32_t read_raw(codec_tiff_reader *reader, uint32_t plane, uint32_t row, uint32_t count, uint8_t *to) {
  tiff_file *file = &reader->files[0];
  uint32_t strip = row / reader->rows_per_strip;
  uint32_t index = plane * reader->strips_per_plane + strip;
  uint64_t needed = (uint64_t)rows_in_strip(reader, strip) * reader->plane_row_bytes;
  uint64_t offset = libtiff.GetStrileOffset(file->tiff, index);
  if (offset == 0 || libtiff.GetStrileByteCount(file->tiff, index) < needed) {
    return codec_fail(&reader->failure, codec_malformed, 0, "strip %" PRIu32 " is too short for its rows", index);
  }
  size_t wanted = count * reader->plane_row_bytes;
  uint64_t skipped = (uint64_t)(row % reader->rows_per_strip) * reader->plane_row_bytes;
  if (offset > UINT64_MAX - skipped) offset = UINT64_MAX - skipped;
  int system_errno = 0;
  size_t got = codec_pread_all(file->fd, to, wanted, offset + skipped, &system_errno);
  if (system_errno != 0) return codec_fail_read(&reader->failure, system_errno);
  if (got < wanted) {
    uint32_t whole = (uint32_t)(got / reader->plane_row_bytes);
    return codec_fail_end(&reader->failure, row + (reader->planes > 1 ? 0 : whole), reader->height);
  }
  if (libtiff.IsByteSwapped(file->tiff) && reader->sample_size == 2) codec_swap16(to, wanted / 2);
  if (libtiff.IsByteSwapped(file->tiff) && reader->sample_size == 4) codec_swap32(to, wanted / 4);
  if (libtiff.IsByteSwapped(file->tiff) && reader->sample_size == 8) codec_swap64(to, wanted / 8);
  return codec_ok;
}

static int32_t read_raw_rows(codec_tiff_reader *reader, uint8_t *rows, size_t stride, uint32_t limit, uint32_t *count) {
  if (reader->planes == 1) {
    uint32_t left = reader->rows_per_strip - reader->row % reader->rows_per_strip;
    *count = stride != reader->row_bytes || reader->input.is_tolerant ? 1 : left < limit ? left : limit;
    read_raw(reader, 0, reader->row, *count, rows);
    return tolerate(reader, rows, reader->row_bytes);
  }
  *count = 1;
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    read_raw(reader, plane, reader->row, 1, reader->scratch);
    if (tolerate(reader, reader->scratch, reader->plane_row_bytes) != codec_ok) return reader->failure.status;
    scatter(rows + plane * reader->sample_size, reader->scratch, reader->width, reader->channels, reader->sample_size);
  }
  return codec_ok;
}

/// Puts rows of one plane (or of all) as the file has them to their place in a row of whole pixels.
static void place_row(codec_tiff_reader *reader, uint32_t plane, const uint8_t *from, uint8_t *row, size_t pixels) {
  size_t samples = pixels * (reader->planes > 1 ? 1 : reader->channels);
  if (reader->packed) {
    tiff_unpack(&reader->samples, from, reader->unpacked, samples);
    from = reader->unpacked;
  }
  if (reader->planes > 1) {
    scatter(row + plane * reader->sample_size, from, pixels, reader->channels, reader->sample_size);
  } else {
    memcpy(row, from, samples * reader->sample_size);
  }
}

static int32_t read_scanline(codec_tiff_reader *reader, uint8_t *row) {
  bool directly = reader->planes == 1 && !reader->packed;
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    tiff_file *file = &reader->files[plane];
    uint8_t *to = directly ? row : reader->scratch;
    if (libtiff.ReadScanline(file->tiff, to, reader->row, (uint16_t)plane) < 0) fail_rows(reader, file);
    if (tolerate(reader, to, reader->plane_row_bytes) != codec_ok) return reader->failure.status;
    if (!directly) place_row(reader, plane, to, row, reader->width);
  }
  return codec_ok;
}

static int32_t load_strip(codec_tiff_reader *reader) {
  tiff_file *file = &reader->files[0];
  uint32_t strip = reader->row / reader->rows_per_strip;
  uint32_t rows = rows_in_strip(reader, strip);
  size_t size = rows * reader->plane_row_bytes;
  bool directly = reader->planes == 1 && !reader->packed;
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    uint8_t *to = directly ? reader->band : reader->scratch;
    uint32_t index = plane * reader->strips_per_plane + strip;
    if (reader->input.is_tolerant) memset(to, 0, size);
    if (libtiff.ReadEncodedStrip(file->tiff, index, to, (tmsize_t)size) != (tmsize_t)size) fail_rows(reader, file);
    // What has been decoded of the strip stays.
    if (tolerate(reader, to, 0) != codec_ok) return reader->failure.status;
    for (size_t y = 0; !directly && y < rows; y++) {
      place_row(reader, plane, to + y * reader->plane_row_bytes, reader->band + y * reader->row_bytes, reader->width);
    }
  }
  reader->band_row = strip * reader->rows_per_strip;
  return codec_ok;
}

static int32_t load_tiles(codec_tiff_reader *reader) {
  tiff_file *file = &reader->files[0];
  uint32_t first = reader->row - reader->row % reader->tile_height;
  uint32_t rows = reader->height - first < reader->tile_height ? reader->height - first : reader->tile_height;
  tmsize_t size = libtiff.TileSize(file->tiff);
  size_t in_tile = (size_t)reader->tile_width * (reader->planes > 1 ? 1 : reader->channels);
  size_t tile_row = tiff_packed_bytes(&reader->samples, in_tile);
  size_t pixel = reader->channels * reader->sample_size;
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    for (uint64_t x = 0; x < reader->width; x += reader->tile_width) {
      uint32_t tile = libtiff.ComputeTile(file->tiff, (uint32_t)x, first, 0, (uint16_t)plane);
      if (reader->input.is_tolerant) memset(reader->scratch, 0, (size_t)size);
      if (libtiff.ReadEncodedTile(file->tiff, tile, reader->scratch, size) != size) fail_rows(reader, file);
      if (tolerate(reader, reader->scratch, 0) != codec_ok) return reader->failure.status;
      size_t columns = reader->width - x < reader->tile_width ? reader->width - x : reader->tile_width;
      for (size_t y = 0; y < rows; y++) {
        place_row(reader, plane, reader->scratch + y * tile_row, reader->band + y * reader->row_bytes + x * pixel,
                  columns);
      }
    }
  }
  reader->band_row = first;
  return codec_ok;
}

/// Rows of libtiff's rasters run from the bottom.
static void place_raster(codec_tiff_reader *reader, uint64_t x, size_t width, size_t raster_rows, uint32_t rows) {
  size_t columns = reader->width - x < width ? reader->width - x : width;
  for (size_t y = 0; y < rows; y++) {
    const uint8_t *from = reader->scratch + 4 * (raster_rows - 1 - y) * width;
    uint8_t *to = reader->band + y * reader->row_bytes + 3 * x;
    for (size_t i = 0; i < columns; i++) {
      uint32_t pixel;
      memcpy(&pixel, from + 4 * i, 4);
      to[3 * i] = (uint8_t)TIFFGetR(pixel);
      to[3 * i + 1] = (uint8_t)TIFFGetG(pixel);
      to[3 * i + 2] = (uint8_t)TIFFGetB(pixel);
    }
  }
}

static int32_t load_rgba(codec_tiff_reader *reader) {
  tiff_file *file = &reader->files[0];
  bool tiled = reader->tile_width > 0;
  uint32_t height = tiled ? reader->tile_height : reader->rows_per_strip;
  uint32_t first = reader->row - reader->row % height;
  uint32_t rows = reader->height - first < height ? reader->height - first : height;
  uint32_t *raster = (uint32_t *)(void *)reader->scratch;
  if (!tiled) {
    if (!libtiff.ReadRGBAStripExt(file->tiff, first, raster, !reader->input.is_tolerant)) fail_rows(reader, file);
    if (tolerate(reader, raster, 4 * (size_t)reader->width * rows) != codec_ok) return reader->failure.status;
    place_raster(reader, 0, reader->width, rows, rows);
  }
  for (uint64_t x = 0; tiled && x < reader->width; x += reader->tile_width) {
    if (!libtiff.ReadRGBATileExt(file->tiff, (uint32_t)x, first, raster, !reader->input.is_tolerant)) {
      fail_rows(reader, file);
    }
    if (tolerate(reader, raster, 4 * (size_t)reader->tile_width * height) != codec_ok) return reader->failure.status;
    place_raster(reader, x, reader->tile_width, height, rows);
  }
  reader->band_row = first;
  return codec_ok;
}

static int32_t load_band(codec_tiff_reader *reader) {
  switch (reader->method) {
    case method_tiles: return load_tiles(reader);
    case method_rgba: return load_rgba(reader);
    default: return load_strip(reader);
  }
}

static int32_t read_band_rows(codec_tiff_reader *reader, uint8_t *rows, size_t stride, uint32_t limit,
                              uint32_t *count) {
  bool held = reader->row >= reader->band_row && reader->row - reader->band_row < reader->band_rows;
  if (!held && load_band(reader) != codec_ok) return reader->failure.status;
  uint32_t skipped = reader->row - reader->band_row;
  *count = reader->band_rows - skipped < limit ? reader->band_rows - skipped : limit;
  codec_copy_rows(rows, stride, reader->band + skipped * reader->row_bytes, reader->row_bytes, reader->row_bytes,
                  *count);
  return codec_ok;
}

/// Reads rows of the file's samples, `*count` of at most `limit`.
static void read_file_rows(codec_tiff_reader *reader, uint8_t *to, size_t stride, uint32_t limit, uint32_t *count) {
  *count = 1;
  switch (reader->method) {
    case method_raw: read_raw_rows(reader, to, stride, limit, count); break;
    case method_scanlines: read_scanline(reader, to); break;
    default: read_band_rows(reader, to, stride, limit, count);
  }
}

int32_t codec_tiff_read_rows(codec_tiff_reader *reader, void *rows, size_t stride, uint32_t count, codec_error *error) {
  if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
  if (codec_check_rows(reader->row, count, reader->height, error) != codec_ok) return error->status;
  uint8_t *to = rows;
  while (count > 0) {
    uint32_t done = 1;
    if (reader->same) {
      read_file_rows(reader, to, stride, count, &done);
    } else {
      read_file_rows(reader, reader->file_row, reader->row_bytes, 1, &done);
    }
    if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
    if (!reader->same) tiff_row_to_memory(&reader->samples, reader->file_row, to);
    reader->row += done;
    count -= done;
    to += done * stride;
  }
  return codec_ok;
}
