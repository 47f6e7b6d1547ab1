// TIFF over libtiff, strips and tiles. Uncompressed strips are read without it, so that a file of one huge strip needs
// no more memory than any other.
#include "io.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tiffio.h>

/// The most that libtiff may allocate at once: nothing legitimate needs more, a forged directory asks for it.
#define LARGEST_ALLOCATION ((tmsize_t)1 << 30)
/// A strip that decodes to more is read and written row by row.
#define LARGEST_HELD_STRIP ((uint64_t)16 << 20)
/// What libtiff may collect of such a strip before it goes to the file.
#define OUTPUT_BUFFER ((tmsize_t)1 << 20)
/// A strip of our own choice holds about as much.
#define USUAL_STRIP ((uint64_t)256 << 10)
/// Classic TIFF counts to 4 GiB; this leaves room for the directory and data that deflate makes larger.
#define LARGEST_CLASSIC 3900000000u
#define MOST_CHANNELS 4

// MARK: A file for libtiff

/// libtiff's view of a file descriptor. It has a position of its own, so that several can share the descriptor, and
/// keeps the first error message.
typedef struct tiff_file {
  TIFF *tiff;
  int fd;
  uint64_t position;
  int system_errno;  ///< Of the first failed read or write.
  bool hit_end;      ///< A read went beyond the end.
  bool muted;        ///< Writes are to be dropped.
  char message[192];
} tiff_file;

static tmsize_t file_read(thandle_t handle, void *bytes, tmsize_t count) {
  tiff_file *file = handle;
  int system_errno = 0;
  size_t got = codec_pread_all(file->fd, bytes, (size_t)count, file->position, &system_errno);
  file->position += got;
  if (system_errno != 0 && file->system_errno == 0) file->system_errno = system_errno;
  if (got < (size_t)count) file->hit_end = true;
  return (tmsize_t)got;
}

static tmsize_t file_write(thandle_t handle, void *bytes, tmsize_t count) {
  tiff_file *file = handle;
  if (!file->muted) {
    int system_errno = codec_pwrite_all(file->fd, bytes, (size_t)count, file->position);
    if (system_errno != 0) {
      if (file->system_errno == 0) file->system_errno = system_errno;
      return -1;
    }
  }
  file->position += (uint64_t)count;
  return count;
}

static toff_t file_size(thandle_t handle) {
  const tiff_file *file = handle;
  struct stat status;
  return fstat(file->fd, &status) == 0 && status.st_size > 0 ? (toff_t)status.st_size : 0;
}

static toff_t file_seek(thandle_t handle, toff_t offset, int whence) {
  tiff_file *file = handle;
  uint64_t base = whence == SEEK_CUR ? file->position : whence == SEEK_END ? file_size(handle) : 0;
  return file->position = base + offset;
}

static int file_close(thandle_t handle) {
  (void)handle;  // The descriptor is the caller's.
  return 0;
}

static int keep_first_error(TIFF *tiff, void *data, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)module;
  tiff_file *file = data;
  if (file->message[0] == 0) vsnprintf(file->message, sizeof file->message, format, arguments);
  return 1;  // And none to the global handler.
}

static int swallow_warning(TIFF *tiff, void *data, const char *module, const char *format, va_list arguments) {
  (void)tiff;
  (void)data;
  (void)module;
  (void)format;
  (void)arguments;
  return 1;
}

/// `file` must not move while it is open.
static bool file_open(tiff_file *file, int fd, const char *mode) {
  memset(file, 0, sizeof *file);
  file->fd = fd;
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (options == NULL) return false;
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, LARGEST_ALLOCATION);
  TIFFOpenOptionsSetErrorHandlerExtR(options, keep_first_error, file);
  TIFFOpenOptionsSetWarningHandlerExtR(options, swallow_warning, file);
  file->tiff = TIFFClientOpenExt("TIFF", mode, file, file_read, file_write, file_seek, file_close, file_size, NULL,
                                 NULL, options);
  TIFFOpenOptionsFree(options);
  return file->tiff != NULL;
}

/// The same as libtiff says them, under a heading of ours.
static int32_t fail_as_libtiff(const tiff_file *file, codec_error *error, const char *heading) {
  const char *message = file->message;
  if (strstr(message, "beyond the") != NULL && strstr(message, "limit") != NULL) {
    return codec_fail(error, codec_limit, 0, "%s: more memory is asked for than is reasonable", heading);
  }
  if (strstr(message, "Out of memory") != NULL || strstr(message, "No space for") != NULL) {
    return codec_fail_memory(error);
  }
  return codec_fail(error, codec_malformed, 0, message[0] != 0 ? "%s: %s" : "%s", heading, message);
}

// MARK: Reader

typedef enum tiff_method {
  method_raw,        ///< Uncompressed strips, whose rows are where the directory says.
  method_strips,     ///< A strip at a time is decoded into the band.
  method_scanlines,  ///< A row at a time is decoded.
  method_tiles,      ///< A row of tiles at a time is decoded into the band.
} tiff_method;

struct codec_tiff_reader {
  /// The first reads the directory. The others are there if separate planes are decoded row by row: each plane needs
  /// a decoder of its own, which goes on from row to row.
  tiff_file files[MOST_CHANNELS];
  codec_error failure;
  tiff_method method;
  uint32_t width, height, channels;
  uint32_t row;  ///< The next to hand out.
  size_t sample_size, row_bytes;
  uint32_t planes;         ///< 1 if samples are interleaved in the file.
  size_t plane_row_bytes;  ///< Of a row of one plane.
  uint32_t rows_per_strip, strips_per_plane;
  uint32_t tile_width, tile_height;
  bool inverted;  ///< Min-is-white.
  bool associated_alpha;
  uint8_t *band;  ///< Rows `band_row` and following, of `row_bytes`.
  uint32_t band_row, band_rows;
  uint8_t *scratch;  ///< One strip of one plane, one tile, or one row of one plane.
};

static int32_t fail_rows(codec_tiff_reader *reader, const tiff_file *file) {
  if (file->system_errno != 0) return codec_fail_read(&reader->failure, file->system_errno);
  if (file->hit_end) return codec_fail_end(&reader->failure, reader->row, reader->height);
  return fail_as_libtiff(file, &reader->failure, "the picture data is damaged");
}

static int32_t fail_unsupported(codec_tiff_reader *reader, const char *what) {
  return codec_fail(&reader->failure, codec_unsupported, 0, "%s TIFF is not supported", what);
}

static int32_t open_directory(codec_tiff_reader *reader, int fd) {
  tiff_file *file = &reader->files[0];
  // c: strips stay as they are in the file; m: no memory map.
  // A read beyond the end that libtiff passes over is of a value (a profile, say) that has been cut off.
  if (file_open(file, fd, "rcm") && !file->hit_end) return codec_ok;
  if (file->system_errno != 0) return codec_fail_read(&reader->failure, file->system_errno);
  if (file_size(file) < 8) {
    return codec_fail(&reader->failure, codec_truncated, 0, "the file ends within its header");
  }
  if (file->hit_end || strstr(file->message, "Cannot read TIFF directory") != NULL) {
    return codec_fail(&reader->failure, codec_truncated, 0, "the file ends before its directory does");
  }
  return fail_as_libtiff(file, &reader->failure, "the directory is damaged");
}

static int32_t read_size(codec_tiff_reader *reader, uint64_t max_pixels) {
  TIFF *tiff = reader->files[0].tiff;
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &reader->width) ||
      !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &reader->height)) {
    return codec_fail(&reader->failure, codec_malformed, 0, "the directory has no width or no height");
  }
  return codec_check_size(reader->width, reader->height, max_pixels, &reader->failure);
}

static int32_t read_sample_type(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  uint16_t bits = 1, format = SAMPLEFORMAT_UINT;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  bool plain = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_VOID;
  if (plain && bits == 8) {
    header->sample_type = codec_uint8;
  } else if (plain && bits == 16) {
    header->sample_type = codec_uint16;
  } else if (format == SAMPLEFORMAT_IEEEFP && bits == 32) {
    header->sample_type = codec_float32;
  } else {
    const char *kind = plain                           ? "unsigned"
                       : format == SAMPLEFORMAT_INT    ? "signed"
                       : format == SAMPLEFORMAT_IEEEFP ? "floating-point"
                                                       : "complex";
    return codec_fail(&reader->failure, codec_unsupported, 0, "TIFF of %d-bit %s samples is not supported", bits, kind);
  }
  return codec_ok;
}

/// Sets the colour; min-is-white is noted.
static int32_t read_color(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  uint16_t photometric = reader->channels >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK;
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  switch (photometric) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
      header->color = codec_gray;
      reader->inverted = photometric == PHOTOMETRIC_MINISWHITE;
      if (!reader->inverted || header->sample_type != codec_float32) return codec_ok;
      return fail_unsupported(reader, "floating-point min-is-white");
    case PHOTOMETRIC_RGB: header->color = codec_rgb; return codec_ok;
    case PHOTOMETRIC_PALETTE: return fail_unsupported(reader, "palette");
    case PHOTOMETRIC_MASK: return fail_unsupported(reader, "mask");
    case PHOTOMETRIC_SEPARATED: return fail_unsupported(reader, "CMYK");
    case PHOTOMETRIC_YCBCR: return fail_unsupported(reader, "YCbCr");
    case PHOTOMETRIC_CIELAB:
    case PHOTOMETRIC_ICCLAB:
    case PHOTOMETRIC_ITULAB: return fail_unsupported(reader, "Lab");
    default:
      return codec_fail(&reader->failure, codec_unsupported, 0,
                        "TIFF of photometric interpretation %d is not supported", photometric);
  }
}

static int32_t read_alpha(codec_tiff_reader *reader, codec_header *header) {
  uint32_t colors = header->color == codec_rgb ? 3 : 1;
  if (reader->channels < colors) {
    return codec_fail(&reader->failure, codec_malformed, 0, "%" PRIu32 " samples a pixel are too few for RGB",
                      reader->channels);
  }
  uint32_t extra = reader->channels - colors;
  if (extra > 1) {
    return codec_fail(&reader->failure, codec_unsupported, 0,
                      "TIFF of %" PRIu32 " extra samples a pixel is not supported", extra);
  }
  if (extra == 0) return codec_ok;
  uint16_t count = 0, *types = NULL;
  TIFFGetFieldDefaulted(reader->files[0].tiff, TIFFTAG_EXTRASAMPLES, &count, &types);
  reader->associated_alpha = count >= 1 && types != NULL && types[0] == EXTRASAMPLE_ASSOCALPHA;
  header->alpha = reader->associated_alpha ? codec_alpha_premultiplied : codec_alpha_straight;
  return codec_ok;
}

static int32_t read_pixel_layout(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  uint16_t samples = 1, planar = PLANARCONFIG_CONTIG;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  reader->channels = samples;
  if (read_sample_type(reader, header) != codec_ok || read_color(reader, header) != codec_ok ||
      read_alpha(reader, header) != codec_ok) {
    return reader->failure.status;
  }
  header->width = reader->width;
  header->height = reader->height;
  header->channels = reader->channels;
  header->in_order = 1;
  header->tiff_planar = planar == PLANARCONFIG_SEPARATE && samples > 1;
  reader->sample_size = codec_sample_size(header->sample_type);
  reader->row_bytes = codec_row_bytes(header);
  reader->planes = header->tiff_planar ? reader->channels : 1;
  reader->plane_row_bytes = reader->row_bytes / reader->planes;
  return codec_ok;
}

static int32_t read_file_layout(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  uint16_t compression = COMPRESSION_NONE, predictor = 0;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  if (!TIFFIsCODECConfigured(compression) || compression == COMPRESSION_OJPEG) {
    return codec_fail(&reader->failure, codec_unsupported, 0, "TIFF compression %d is not supported", compression);
  }
  header->tiff_compression = compression;
  if (TIFFGetField(tiff, TIFFTAG_PREDICTOR, &predictor)) header->tiff_predictor = predictor;
  header->tiff_big_endian = TIFFIsBigEndian(tiff) != 0;
  header->tiff_big = TIFFIsBigTIFF(tiff) != 0;
  if (TIFFIsTiled(tiff)) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &reader->tile_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &reader->tile_height);
    header->tiff_tile_width = reader->tile_width;
    header->tiff_tile_height = reader->tile_height;
    if (reader->tile_width > 0 && reader->tile_height > 0) return codec_ok;
    return codec_fail(&reader->failure, codec_malformed, 0, "the tiles are empty");
  }
  uint32_t rows = 0;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
  reader->rows_per_strip = rows == 0 || rows > reader->height ? reader->height : rows;
  reader->strips_per_plane = (reader->height - 1) / reader->rows_per_strip + 1;
  header->tiff_rows_per_strip = reader->rows_per_strip;
  return codec_ok;
}

static void read_extras(codec_tiff_reader *reader, codec_header *header) {
  TIFF *tiff = reader->files[0].tiff;
  float x = 0, y = 0;
  uint16_t unit = RESUNIT_INCH;
  if (TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x) && TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y) && x > 0 && y > 0) {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
    header->x_resolution = x;
    header->y_resolution = y;
    header->resolution_unit = unit == RESUNIT_INCH         ? codec_unit_inch
                              : unit == RESUNIT_CENTIMETER ? codec_unit_cm
                                                           : codec_unit_none;
  }
  uint32_t size = 0;
  void *profile = NULL;
  if (TIFFGetField(tiff, TIFFTAG_ICCPROFILE, &size, &profile) && size > 0) {
    header->icc_profile = profile;
    header->icc_profile_count = size;
  }
}

/// The most bytes that one byte of the file can become; 0 if that is without a useful bound.
static uint64_t largest_ratio(int32_t compression) {
  switch (compression) {
    case COMPRESSION_NONE: return 1;
    case COMPRESSION_PACKBITS: return 64;  // Two bytes say 128.
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE: return 1032;  // Two bits say 258.
    case COMPRESSION_LZW: return 2731;            // 12 bits say no more than the 4096 codes can have grown to.
    default: return 0;
  }
}

/// A forged size is found before memory is spent on it.
static int32_t check_file_size(codec_tiff_reader *reader, const codec_header *header) {
  uint64_t ratio = largest_ratio(header->tiff_compression);
  uint64_t size = file_size(&reader->files[0]);
  size_t needed;
  if (!codec_multiply(reader->row_bytes, reader->height, &needed)) return codec_fail_memory(&reader->failure);
  if (ratio == 0 || needed / ratio <= size) return codec_ok;
  return codec_fail(&reader->failure, codec_truncated, 0, "the file is too small for %" PRIu32 " x %" PRIu32 " pixels",
                    reader->width, reader->height);
}

// MARK: Choosing how to read

static bool reads_raw(const codec_tiff_reader *reader, const codec_header *header) {
  uint16_t fill_order = FILLORDER_MSB2LSB;
  TIFFGetFieldDefaulted(reader->files[0].tiff, TIFFTAG_FILLORDER, &fill_order);
  return header->tiff_compression == COMPRESSION_NONE && reader->tile_width == 0 && fill_order == FILLORDER_MSB2LSB;
}

static int32_t prepare_tiles(codec_tiff_reader *reader) {
  tmsize_t tile_size = TIFFTileSize(reader->files[0].tiff);
  size_t plane_row = (size_t)reader->tile_width * reader->sample_size;
  size_t expected;
  uint32_t samples = reader->planes > 1 ? 1 : reader->channels;
  bool fits = codec_multiply(plane_row * samples, reader->tile_height, &expected) && expected <= LARGEST_ALLOCATION;
  if (!fits || tile_size != (tmsize_t)expected) {
    return codec_fail(&reader->failure, codec_limit, 0, "tiles of %" PRIu32 " x %" PRIu32 " pixels are too large",
                      reader->tile_width, reader->tile_height);
  }
  reader->band_rows = reader->tile_height < reader->height ? reader->tile_height : reader->height;
  reader->scratch = malloc(expected);
  reader->band = codec_allocate_picture(reader->row_bytes, reader->band_rows);
  if (reader->scratch == NULL || reader->band == NULL) return codec_fail_memory(&reader->failure);
  return codec_ok;
}

static int32_t prepare_strips(codec_tiff_reader *reader) {
  reader->band_rows = reader->rows_per_strip;
  reader->band = codec_allocate_picture(reader->row_bytes, reader->band_rows);
  if (reader->planes > 1) reader->scratch = codec_allocate_picture(reader->plane_row_bytes, reader->band_rows);
  if (reader->band == NULL || (reader->planes > 1 && reader->scratch == NULL)) {
    return codec_fail_memory(&reader->failure);
  }
  return codec_ok;
}

/// One row of one plane, for raw and scanlines. libtiff may want a buffer where the caller's row would do otherwise.
static int32_t prepare_rows(codec_tiff_reader *reader) {
  TIFF *tiff = reader->files[0].tiff;
  if (reader->method == method_scanlines && TIFFScanlineSize(tiff) != (tmsize_t)reader->plane_row_bytes) {
    return codec_fail(&reader->failure, codec_unsupported, 0, "this layout of TIFF rows is not supported");
  }
  if (reader->planes > 1) {
    reader->scratch = malloc(reader->plane_row_bytes);
    if (reader->scratch == NULL) return codec_fail_memory(&reader->failure);
  }
  if (reader->method == method_raw) return codec_ok;
  for (uint32_t plane = 1; plane < reader->planes; plane++) {
    tiff_file *file = &reader->files[plane];
    if (!file_open(file, reader->files[0].fd, "rcm")) return fail_rows(reader, file);
    // The file may have been exchanged under us: what follows relies on both being the same.
    if (TIFFScanlineSize(file->tiff) != TIFFScanlineSize(tiff)) {
      return codec_fail(&reader->failure, codec_malformed, 0, "the file changes while it is read");
    }
  }
  return codec_ok;
}

static int32_t prepare(codec_tiff_reader *reader, const codec_header *header) {
  reader->band_row = reader->height;  // Holds no row yet.
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

static int32_t open_reader(codec_tiff_reader *reader, const codec_input *input, codec_header *header) {
  if (open_directory(reader, input->fd) != codec_ok || read_size(reader, input->max_pixels) != codec_ok ||
      read_pixel_layout(reader, header) != codec_ok || read_file_layout(reader, header) != codec_ok ||
      check_file_size(reader, header) != codec_ok) {
    return reader->failure.status;
  }
  read_extras(reader, header);
  return prepare(reader, header);
}

int32_t codec_tiff_open(const codec_input *input, codec_tiff_reader **reader, codec_header *header,
                        codec_error *error) {
  *reader = NULL;
  memset(header, 0, sizeof *header);
  codec_tiff_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return codec_fail_memory(error);
  if (open_reader(opened, input, header) != codec_ok) {
    int32_t status = codec_report(&opened->failure, error);
    codec_tiff_close(opened);
    return status;
  }
  *reader = opened;
  return codec_ok;
}

void codec_tiff_close(codec_tiff_reader *reader) {
  if (reader == NULL) return;
  for (int i = 0; i < MOST_CHANNELS; i++) {
    if (reader->files[i].tiff != NULL) TIFFClose(reader->files[i].tiff);
  }
  free(reader->band);
  free(reader->scratch);
  free(reader);
}

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
    default:
      for (size_t i = 0; i < count; i++) memcpy(to + i * step, from + 4 * i, 4);
  }
}

/// The reverse.
static void gather(uint8_t *to, const uint8_t *from, size_t count, size_t channels, size_t sample_size) {
  size_t step = channels * sample_size;
  switch (sample_size) {
    case 1:
      for (size_t i = 0; i < count; i++) to[i] = from[i * step];
      break;
    case 2:
      for (size_t i = 0; i < count; i++) memcpy(to + 2 * i, from + i * step, 2);
      break;
    default:
      for (size_t i = 0; i < count; i++) memcpy(to + 4 * i, from + i * step, 4);
  }
}

static uint32_t sample_at(const uint8_t *row, size_t index, size_t sample_size) {
  if (sample_size == 1) return row[index];
  uint16_t value;
  memcpy(&value, row + 2 * index, 2);
  return value;
}

/// Turns min-is-white gray to min-is-black. Gray that alpha has been multiplied into runs up to alpha only.
static void invert_row(const codec_tiff_reader *reader, uint8_t *row) {
  size_t channels = reader->channels, size = reader->sample_size;
  for (size_t i = 0; i < reader->width; i++) {
    uint32_t value = sample_at(row, i * channels, size);
    uint32_t white = size == 2 ? 65535 : 255;
    if (reader->associated_alpha) white = sample_at(row, i * channels + 1, size);
    uint16_t result = (uint16_t)(value < white ? white - value : 0);
    if (size == 1) {
      row[i * channels] = (uint8_t)result;
    } else {
      memcpy(row + 2 * i * channels, &result, 2);
    }
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
  uint64_t offset = TIFFGetStrileOffset(file->tiff, index);
  if (offset == 0 || TIFFGetStrileByteCount(file->tiff, index) < needed) {
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
  if (TIFFIsByteSwapped(file->tiff) && reader->sample_size == 2) codec_swap16(to, wanted / 2);
  if (TIFFIsByteSwapped(file->tiff) && reader->sample_size == 4) codec_swap32(to, wanted / 4);
  return codec_ok;
}

static int32_t read_raw_rows(codec_tiff_reader *reader, uint8_t *rows, size_t stride, uint32_t limit, uint32_t *count) {
  if (reader->planes == 1) {
    uint32_t left = reader->rows_per_strip - reader->row % reader->rows_per_strip;
    *count = stride != reader->row_bytes ? 1 : left < limit ? left : limit;
    return read_raw(reader, 0, reader->row, *count, rows);
  }
  *count = 1;
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    if (read_raw(reader, plane, reader->row, 1, reader->scratch) != codec_ok) return reader->failure.status;
    scatter(rows + plane * reader->sample_size, reader->scratch, reader->width, reader->channels, reader->sample_size);
  }
  return codec_ok;
}

static int32_t read_scanline(codec_tiff_reader *reader, uint8_t *row) {
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    tiff_file *file = &reader->files[plane];
    uint8_t *to = reader->planes == 1 ? row : reader->scratch;
    if (TIFFReadScanline(file->tiff, to, reader->row, (uint16_t)plane) < 0) return fail_rows(reader, file);
    if (reader->planes == 1) break;
    scatter(row + plane * reader->sample_size, to, reader->width, reader->channels, reader->sample_size);
  }
  return codec_ok;
}

static int32_t load_strip(codec_tiff_reader *reader) {
  tiff_file *file = &reader->files[0];
  uint32_t strip = reader->row / reader->rows_per_strip;
  uint32_t rows = rows_in_strip(reader, strip);
  size_t size = rows * reader->plane_row_bytes;
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    uint8_t *to = reader->planes == 1 ? reader->band : reader->scratch;
    uint32_t index = plane * reader->strips_per_plane + strip;
    if (TIFFReadEncodedStrip(file->tiff, index, to, (tmsize_t)size) != (tmsize_t)size) {
      return fail_rows(reader, file);
    }
    if (reader->planes == 1) break;
    scatter(reader->band + plane * reader->sample_size, to, (size_t)rows * reader->width, reader->channels,
            reader->sample_size);
  }
  reader->band_row = strip * reader->rows_per_strip;
  return codec_ok;
}

/// Puts one decoded tile to its place in the band.
static void place_tile(codec_tiff_reader *reader, uint32_t x, uint32_t plane, uint32_t rows) {
  size_t samples = reader->planes > 1 ? 1 : reader->channels;
  size_t columns = reader->width - x < reader->tile_width ? reader->width - x : reader->tile_width;
  size_t tile_row = reader->tile_width * samples * reader->sample_size;
  uint8_t *to = reader->band + x * reader->channels * reader->sample_size;
  if (reader->planes == 1) {
    codec_copy_rows(to, reader->row_bytes, reader->scratch, tile_row, columns * samples * reader->sample_size, rows);
    return;
  }
  for (size_t y = 0; y < rows; y++) {
    scatter(to + y * reader->row_bytes + plane * reader->sample_size, reader->scratch + y * tile_row, columns,
            reader->channels, reader->sample_size);
  }
}

static int32_t load_tiles(codec_tiff_reader *reader) {
  tiff_file *file = &reader->files[0];
  uint32_t first = reader->row - reader->row % reader->tile_height;
  uint32_t rows = reader->height - first < reader->tile_height ? reader->height - first : reader->tile_height;
  tmsize_t size = TIFFTileSize(file->tiff);
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    for (uint64_t x = 0; x < reader->width; x += reader->tile_width) {
      uint32_t tile = TIFFComputeTile(file->tiff, (uint32_t)x, first, 0, (uint16_t)plane);
      if (TIFFReadEncodedTile(file->tiff, tile, reader->scratch, size) != size) return fail_rows(reader, file);
      place_tile(reader, (uint32_t)x, plane, rows);
    }
  }
  reader->band_row = first;
  return codec_ok;
}

static int32_t read_band_rows(codec_tiff_reader *reader, uint8_t *rows, size_t stride, uint32_t limit,
                              uint32_t *count) {
  bool held = reader->row >= reader->band_row && reader->row - reader->band_row < reader->band_rows;
  if (!held && (reader->method == method_tiles ? load_tiles(reader) : load_strip(reader)) != codec_ok) {
    return reader->failure.status;
  }
  uint32_t skipped = reader->row - reader->band_row;
  *count = reader->band_rows - skipped < limit ? reader->band_rows - skipped : limit;
  codec_copy_rows(rows, stride, reader->band + skipped * reader->row_bytes, reader->row_bytes, reader->row_bytes,
                  *count);
  return codec_ok;
}

int32_t codec_tiff_read_rows(codec_tiff_reader *reader, void *rows, size_t stride, uint32_t count, codec_error *error) {
  if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
  if (codec_check_rows(reader->row, count, reader->height, error) != codec_ok) return error->status;
  uint8_t *to = rows;
  while (count > 0) {
    uint32_t done = 1;
    switch (reader->method) {
      case method_raw: read_raw_rows(reader, to, stride, count, &done); break;
      case method_scanlines: read_scanline(reader, to); break;
      default: read_band_rows(reader, to, stride, count, &done);
    }
    if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
    for (size_t i = 0; reader->inverted && i < done; i++) invert_row(reader, to + i * stride);
    reader->row += done;
    count -= done;
    to += done * stride;
  }
  return codec_ok;
}

// MARK: Writer

struct codec_tiff_writer {
  tiff_file file;
  codec_error failure;
  tiff_method method;  ///< Never raw.
  uint32_t width, height, channels;
  uint32_t row;  ///< The next to come.
  size_t sample_size, row_bytes;
  uint32_t planes;
  bool swapped;        ///< libtiff swaps the samples, in place.
  uint32_t band_rows;  ///< Rows of a strip or of a row of tiles.
  uint32_t tile_width;
  uint8_t *band;     ///< The rows since the last whole strip or row of tiles.
  uint8_t *scratch;  ///< One strip of one plane, one tile, or one row.
};

static int32_t fail_writing(codec_tiff_writer *writer) {
  if (writer->file.system_errno != 0) return codec_fail_write(&writer->failure, writer->file.system_errno);
  return fail_as_libtiff(&writer->file, &writer->failure, "the TIFF cannot be written");
}

static bool takes_predictor(uint16_t compression) {
  return compression == COMPRESSION_LZW || compression == COMPRESSION_DEFLATE ||
         compression == COMPRESSION_ADOBE_DEFLATE || compression == COMPRESSION_ZSTD || compression == COMPRESSION_LZMA;
}

/// The header's compression if it is one that loses nothing and goes with any sample, else deflate.
static uint16_t compression_for(const codec_header *header) {
  switch (header->tiff_compression) {
    case 0:
    case COMPRESSION_NONE: return COMPRESSION_NONE;
    case COMPRESSION_LZW:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ZSTD:
    case COMPRESSION_LZMA:
      if (TIFFIsCODECConfigured((uint16_t)header->tiff_compression)) return (uint16_t)header->tiff_compression;
      return COMPRESSION_ADOBE_DEFLATE;
    default: return COMPRESSION_ADOBE_DEFLATE;
  }
}

static bool set_compression(const codec_tiff_writer *writer, const codec_header *header, const codec_options *options) {
  TIFF *tiff = writer->file.tiff;
  uint16_t compression = compression_for(header);
  if (!TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression)) return false;
  bool deflate = compression == COMPRESSION_DEFLATE || compression == COMPRESSION_ADOBE_DEFLATE;
  if (deflate && options->compression >= 0 && !TIFFSetField(tiff, TIFFTAG_ZIPQUALITY, options->compression)) {
    return false;
  }
  if (header->tiff_predictor < PREDICTOR_HORIZONTAL || !takes_predictor(compression)) return true;
  // Of the two, the one that is made for the samples.
  if (header->sample_type != codec_float32) return TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL) != 0;
  // libtiff (4.5) writes wrong floats if it has to swap their bytes before this predictor: better without it.
  return writer->swapped || TIFFSetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_FLOATINGPOINT) != 0;
}

static bool set_extras(TIFF *tiff, const codec_header *header) {
  if (header->x_resolution > 0 && header->y_resolution > 0) {
    int unit = header->resolution_unit == codec_unit_inch ? RESUNIT_INCH
               : header->resolution_unit == codec_unit_cm ? RESUNIT_CENTIMETER
                                                          : RESUNIT_NONE;
    if (!TIFFSetField(tiff, TIFFTAG_XRESOLUTION, header->x_resolution) ||
        !TIFFSetField(tiff, TIFFTAG_YRESOLUTION, header->y_resolution) ||
        !TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, unit)) {
      return false;
    }
  }
  if (header->icc_profile == NULL || header->icc_profile_count == 0 || header->icc_profile_count > INT32_MAX) {
    return true;
  }
  return TIFFSetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)header->icc_profile_count, header->icc_profile) != 0;
}

static bool set_picture(const codec_tiff_writer *writer, const codec_header *header) {
  TIFF *tiff = writer->file.tiff;
  bool floats = header->sample_type == codec_float32;
  bool ok =
      TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, writer->width) &&
      TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, writer->height) &&
      TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, (int)(8 * writer->sample_size)) &&
      TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, floats ? SAMPLEFORMAT_IEEEFP : SAMPLEFORMAT_UINT) &&
      TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)writer->channels) &&
      TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, header->color == codec_rgb ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK) &&
      TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, writer->planes > 1 ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG) &&
      TIFFSetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
  if (!ok || header->alpha == codec_alpha_none) return ok;
  uint16_t type = header->alpha == codec_alpha_premultiplied ? EXTRASAMPLE_ASSOCALPHA : EXTRASAMPLE_UNASSALPHA;
  return TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES, 1, &type) != 0;
}

/// The tile's side, a multiple of 16, and no larger than it takes to cover the picture's.
static uint32_t tile_side(uint32_t wanted, uint32_t picture) {
  uint32_t side = wanted < picture ? wanted : picture;
  return side > UINT32_MAX - 15 ? side / 16 * 16 : (side + 15) / 16 * 16;
}

/// Sets the file's strips or tiles, and how to fill them.
static bool set_layout(codec_tiff_writer *writer, const codec_header *header) {
  TIFF *tiff = writer->file.tiff;
  if (header->tiff_tile_width > 0 && header->tiff_tile_height > 0) {
    writer->method = method_tiles;
    writer->tile_width = tile_side(header->tiff_tile_width, writer->width);
    writer->band_rows = tile_side(header->tiff_tile_height, writer->height);
    return TIFFSetField(tiff, TIFFTAG_TILEWIDTH, writer->tile_width) &&
           TIFFSetField(tiff, TIFFTAG_TILELENGTH, writer->band_rows);
  }
  writer->method = method_strips;
  uint64_t rows = header->tiff_rows_per_strip;
  if (rows == 0) rows = USUAL_STRIP / writer->row_bytes;
  if (rows > writer->height) rows = writer->height;
  if (rows * writer->row_bytes > LARGEST_HELD_STRIP) {
    // Row by row needs no strip in memory, but cannot change between planes: their strips are made smaller.
    if (writer->planes == 1)
      writer->method = method_scanlines;
    else
      rows = LARGEST_HELD_STRIP / writer->row_bytes;
  }
  writer->band_rows = rows < 1 ? 1 : (uint32_t)rows;
  return TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, writer->band_rows) != 0;
}

static bool allocate_buffers(codec_tiff_writer *writer) {
  size_t band = 0, scratch = 0;
  bool fits = codec_multiply(writer->row_bytes, writer->band_rows, &band);
  switch (writer->method) {
    case method_tiles:
      fits = fits && codec_multiply((size_t)writer->tile_width * writer->channels * writer->sample_size,
                                    writer->band_rows, &scratch);
      break;
    case method_scanlines:
      // libtiff's own buffer would hold all of the strip.
      if (!TIFFWriteBufferSetup(writer->file.tiff, NULL, OUTPUT_BUFFER)) return false;
      band = 0;
      scratch = writer->row_bytes;
      break;
    default: scratch = writer->planes > 1 ? band / writer->planes : 0;
  }
  if (!fits) return false;
  if (band > 0) writer->band = malloc(band);
  // Zeroed for the parts of tiles beyond the picture.
  if (scratch > 0) writer->scratch = calloc(1, scratch);
  return (band == 0 || writer->band != NULL) && (scratch == 0 || writer->scratch != NULL);
}

static int32_t open_writer(codec_tiff_writer *writer, int fd, const codec_header *header,
                           const codec_options *options) {
  writer->width = header->width;
  writer->height = header->height;
  writer->channels = header->channels;
  writer->sample_size = codec_sample_size(header->sample_type);
  writer->row_bytes = codec_row_bytes(header);
  writer->planes = header->tiff_planar && header->channels > 1 ? header->channels : 1;
  writer->swapped = writer->sample_size > 1 && (header->tiff_big_endian != 0) != (CODEC_BIG_ENDIAN_HOST != 0);
  size_t size;
  if (!codec_multiply(writer->row_bytes, writer->height, &size)) return codec_fail_memory(&writer->failure);
  char mode[8];
  snprintf(mode, sizeof mode, "w%s%s", header->tiff_big_endian ? "b" : "l",
           header->tiff_big || size > LARGEST_CLASSIC ? "8" : "4");
  if (!file_open(&writer->file, fd, mode)) return fail_writing(writer);
  if (!set_picture(writer, header) || !set_compression(writer, header, options) || !set_layout(writer, header) ||
      !set_extras(writer->file.tiff, header)) {
    return fail_writing(writer);
  }
  return allocate_buffers(writer) ? codec_ok : codec_fail_memory(&writer->failure);
}

int32_t codec_tiff_create(int fd, const codec_header *header, const codec_options *options, codec_tiff_writer **writer,
                          codec_error *error) {
  *writer = NULL;
  if (codec_check_header(header, error) != codec_ok) return error->status;
  codec_tiff_writer *created = calloc(1, sizeof *created);
  if (created == NULL) return codec_fail_memory(error);
  if (open_writer(created, fd, header, options) != codec_ok) {
    int32_t status = codec_report(&created->failure, error);
    codec_tiff_discard(created);
    return status;
  }
  *writer = created;
  return codec_ok;
}

static bool write_strip(codec_tiff_writer *writer, uint8_t *rows, uint32_t strip, uint32_t count) {
  TIFF *tiff = writer->file.tiff;
  if (writer->planes == 1) {
    return TIFFWriteEncodedStrip(tiff, strip, rows, (tmsize_t)(count * writer->row_bytes)) >= 0;
  }
  uint32_t strips_per_plane = (writer->height - 1) / writer->band_rows + 1;
  for (uint32_t plane = 0; plane < writer->planes; plane++) {
    size_t samples = (size_t)count * writer->width;
    gather(writer->scratch, rows + plane * writer->sample_size, samples, writer->channels, writer->sample_size);
    tmsize_t size = (tmsize_t)(samples * writer->sample_size);
    if (TIFFWriteEncodedStrip(tiff, plane * strips_per_plane + strip, writer->scratch, size) < 0) return false;
  }
  return true;
}

/// Cuts one tile out of the band into `scratch`. Beyond the picture its rest is zero, whatever was there before.
static void cut_tile(codec_tiff_writer *writer, uint32_t x, uint32_t plane, uint32_t rows) {
  size_t samples = writer->planes > 1 ? 1 : writer->channels;
  size_t columns = writer->width - x < writer->tile_width ? writer->width - x : writer->tile_width;
  size_t tile_row = writer->tile_width * samples * writer->sample_size;
  const uint8_t *from = writer->band + x * writer->channels * writer->sample_size;
  if (columns < writer->tile_width || rows < writer->band_rows) {
    memset(writer->scratch, 0, tile_row * writer->band_rows);
  }
  if (writer->planes == 1) {
    codec_copy_rows(writer->scratch, tile_row, from, writer->row_bytes, columns * samples * writer->sample_size, rows);
    return;
  }
  for (size_t y = 0; y < rows; y++) {
    gather(writer->scratch + y * tile_row, from + y * writer->row_bytes + plane * writer->sample_size, columns,
           writer->channels, writer->sample_size);
  }
}

static bool write_tiles(codec_tiff_writer *writer, uint32_t first, uint32_t count) {
  TIFF *tiff = writer->file.tiff;
  tmsize_t size = TIFFTileSize(tiff);
  for (uint32_t plane = 0; plane < writer->planes; plane++) {
    for (uint64_t x = 0; x < writer->width; x += writer->tile_width) {
      cut_tile(writer, (uint32_t)x, plane, count);
      uint32_t tile = TIFFComputeTile(tiff, (uint32_t)x, first, 0, (uint16_t)plane);
      if (TIFFWriteEncodedTile(tiff, tile, writer->scratch, size) < 0) return false;
    }
  }
  return true;
}

/// Takes rows up to the end of the strip or row of tiles at most, and writes that if it is whole.
static bool write_band_rows(codec_tiff_writer *writer, const uint8_t *rows, size_t stride, uint32_t limit,
                            uint32_t *count) {
  uint32_t held = writer->row % writer->band_rows;
  uint32_t first = writer->row - held;
  uint32_t whole = writer->height - first < writer->band_rows ? writer->height - first : writer->band_rows;
  *count = whole - held < limit ? whole - held : limit;
  // libtiff leaves the rows as they are unless it swaps their bytes.
  bool directly = writer->method == method_strips && *count == whole && stride == writer->row_bytes &&
                  (!writer->swapped || writer->planes > 1);
  uint8_t *band = directly ? (uint8_t *)rows : writer->band;
  if (!directly) {
    codec_copy_rows(band + held * writer->row_bytes, writer->row_bytes, rows, stride, writer->row_bytes, *count);
  }
  if (held + *count < whole) return true;
  if (writer->method == method_tiles) return write_tiles(writer, first, whole);
  return write_strip(writer, band, first / writer->band_rows, whole);
}

/// Through a copy, since libtiff's predictors and byte swapping work in place.
static bool write_scanline(codec_tiff_writer *writer, const uint8_t *row) {
  memcpy(writer->scratch, row, writer->row_bytes);
  return TIFFWriteScanline(writer->file.tiff, writer->scratch, writer->row, 0) >= 0;
}

int32_t codec_tiff_write_rows(codec_tiff_writer *writer, const void *rows, size_t stride, uint32_t count,
                              codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, count, writer->height, error) != codec_ok) return error->status;
  const uint8_t *from = rows;
  while (count > 0) {
    uint32_t done = 1;
    bool ok = writer->method == method_scanlines ? write_scanline(writer, from)
                                                 : write_band_rows(writer, from, stride, count, &done);
    if (!ok) {
      fail_writing(writer);
      return codec_report(&writer->failure, error);
    }
    writer->row += done;
    count -= done;
    from += done * stride;
  }
  return codec_ok;
}

int32_t codec_tiff_blocks(const codec_tiff_writer *writer, const codec_options *options, codec_tiff_layout *layout) {
  uint16_t compression = COMPRESSION_NONE, predictor = PREDICTOR_NONE;
  TIFFGetField(writer->file.tiff, TIFFTAG_COMPRESSION, &compression);
  if (compression != COMPRESSION_DEFLATE && compression != COMPRESSION_ADOBE_DEFLATE) return 0;
  TIFFGetField(writer->file.tiff, TIFFTAG_PREDICTOR, &predictor);
  if (writer->planes > 1 || writer->swapped || writer->method == method_scanlines ||
      predictor == PREDICTOR_FLOATINGPOINT) {
    return 0;
  }
  // Enough rows for a core to be busy with, in whole strips or rows of tiles.
  size_t segment = writer->row_bytes * writer->band_rows;
  uint32_t segments = segment < USUAL_STRIP ? (uint32_t)(USUAL_STRIP / segment) : 1;
  uint64_t rows = (uint64_t)segments * writer->band_rows;
  *layout = (codec_tiff_layout){
      .width = writer->width,
      .height = writer->height,
      .channels = writer->channels,
      .sample_size = writer->sample_size,
      .tile_width = writer->method == method_tiles ? writer->tile_width : 0,
      .segment_rows = writer->band_rows,
      .rows_per_block = rows < writer->height ? (uint32_t)rows : writer->height,
      .differences = predictor == PREDICTOR_HORIZONTAL,
      .level = options->compression,
  };
  return 1;
}

static bool append_block(codec_tiff_writer *writer, const codec_tiff_encoded *encoded) {
  bool tiled = writer->method == method_tiles;
  uint32_t across = tiled ? (writer->width - 1) / writer->tile_width + 1 : 1;
  uint32_t first = writer->row / writer->band_rows * across;
  uint8_t *bytes = encoded->bytes;
  for (uint32_t segment = 0; segment < encoded->segments; segment++) {
    tmsize_t count = (tmsize_t)encoded->counts[segment];
    tmsize_t written = tiled ? TIFFWriteRawTile(writer->file.tiff, first + segment, bytes, count)
                             : TIFFWriteRawStrip(writer->file.tiff, first + segment, bytes, count);
    if (written != count) return false;
    bytes += count;
  }
  return true;
}

int32_t codec_tiff_append_block(codec_tiff_writer *writer, const codec_tiff_encoded *encoded, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, encoded->rows, writer->height, error) != codec_ok) return error->status;
  if (!append_block(writer, encoded)) fail_writing(writer);
  writer->row += encoded->rows;
  return codec_report(&writer->failure, error);
}

int32_t codec_tiff_finish(codec_tiff_writer *writer, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->height, error) != codec_ok) return error->status;
  // The directory goes out here: TIFFClose, which does it too, could not say that it failed.
  bool ok = TIFFFlush(writer->file.tiff) != 0;
  if (!ok || writer->file.system_errno != 0 || writer->file.message[0] != 0) fail_writing(writer);
  return codec_report(&writer->failure, error);
}

void codec_tiff_discard(codec_tiff_writer *writer) {
  if (writer == NULL) return;
  writer->file.muted = true;
  if (writer->file.tiff != NULL) TIFFClose(writer->file.tiff);
  free(writer->band);
  free(writer->scratch);
  free(writer);
}
