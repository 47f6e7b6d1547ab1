// TIFF over libtiff: strips and tiles as the header says, page after page.
#include "tiff.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What libtiff may collect of a large strip before it goes to the file.
#define OUTPUT_BUFFER ((tmsize_t)1 << 20)
/// A strip of our own choice holds about as much.
#define USUAL_STRIP ((uint64_t)256 << 10)
/// Classic TIFF counts to 4 GiB; this leaves room for the directory and data that deflate makes larger.
#define LARGEST_CLASSIC 3900000000u

typedef enum tiff_method {
  method_strips,     ///< Whole strips are given to libtiff.
  method_scanlines,  ///< Row by row.
  method_tiles,      ///< A row of tiles at a time.
} tiff_method;

struct codec_tiff_writer {
  tiff_file file;
  codec_error failure;
  tiff_method method;
  uint32_t width, height;
  uint32_t row;  ///< The next to come.
  tiff_samples samples;
  bool same;           ///< Rows are the same in memory and in the file.
  uint32_t channels;   ///< Of the file …
  size_t sample_size;  ///< … with bytes a sample (1 if they are packed, `width` being bytes then) …
  size_t row_bytes;    ///< … and bytes a row.
  uint32_t planes;
  bool swapped;        ///< libtiff swaps the samples, in place.
  uint32_t band_rows;  ///< Rows of a strip or of a row of tiles.
  uint32_t tile_width;
  uint8_t *band;      ///< The rows since the last whole strip or row of tiles.
  uint8_t *scratch;   ///< One strip of one plane, one tile, or one row.
  uint8_t *file_row;  ///< A row as the file has it, and before that its samples unpacked.
};

static int32_t fail_writing(codec_tiff_writer *writer) {
  if (writer->file.system_errno != 0) return codec_fail_write(&writer->failure, writer->file.system_errno);
  return tiff_fail(&writer->file, &writer->failure, "the TIFF cannot be written");
}

/// Takes the samples of one plane out of interleaved ones.
static void gather(uint8_t *to, const uint8_t *from, size_t count, size_t channels, size_t sample_size) {
  size_t step = channels * sample_size;
  switch (sample_size) {
    case 1:
      for (size_t i = 0; i < count; i++) to[i] = from[i * step];
      break;
    case 2:
      for (size_t i = 0; i < count; i++) memcpy(to + 2 * i, from + i * step, 2);
      break;
    case 4:
      for (size_t i = 0; i < count; i++) memcpy(to + 4 * i, from + i * step, 4);
      break;
    default:
      for (size_t i = 0; i < count; i++) memcpy(to + 8 * i, from + i * step, 8);
  }
}

static bool takes_predictor(uint16_t compression) {
  return compression == COMPRESSION_LZW || compression == COMPRESSION_DEFLATE ||
         compression == COMPRESSION_ADOBE_DEFLATE || compression == COMPRESSION_ZSTD || compression == COMPRESSION_LZMA;
}

/// Whether libtiff's JPEG takes such samples.
static bool takes_jpeg(const codec_header *header) {
  return header->sample_type == codec_uint8 && header->stored_bits == 0 && header->alpha == codec_alpha_none &&
         header->extra_bands == 0 && (header->color == codec_gray || header->color == codec_rgb) &&
         !(header->tiff_planar && header->channels > 1) && libtiff.IsCODECConfigured(COMPRESSION_JPEG);
}

/// The header's compression if it goes with such samples, else deflate.
static uint16_t compression_for(const codec_header *header) {
  switch (header->tiff_compression) {
    case COMPRESSION_JPEG: return takes_jpeg(header) ? COMPRESSION_JPEG : COMPRESSION_ADOBE_DEFLATE;
    case 0:
    case COMPRESSION_NONE: return COMPRESSION_NONE;
    case COMPRESSION_LZW:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ZSTD:
    case COMPRESSION_LZMA:
      if (libtiff.IsCODECConfigured((uint16_t)header->tiff_compression)) return (uint16_t)header->tiff_compression;
      return COMPRESSION_ADOBE_DEFLATE;
    default: return COMPRESSION_ADOBE_DEFLATE;
  }
}

static bool as_ycbcr(const codec_header *header, uint16_t compression) {
  return compression == COMPRESSION_JPEG && header->color == codec_rgb && !header->jpeg_untransformed;
}

static bool set_compression(const codec_tiff_writer *writer, const codec_header *header, const codec_options *options) {
  TIFF *tiff = writer->file.tiff;
  uint16_t compression = compression_for(header);
  if (!libtiff.SetField(tiff, TIFFTAG_COMPRESSION, compression)) return false;
  bool deflate = compression == COMPRESSION_DEFLATE || compression == COMPRESSION_ADOBE_DEFLATE;
  if (deflate && options->compression >= 0 && !libtiff.SetField(tiff, TIFFTAG_ZIPQUALITY, options->compression)) {
    return false;
  }
  if (compression == COMPRESSION_JPEG) {
    int h = header->jpeg_h_sampling, v = header->jpeg_v_sampling;
    bool known = (h == 1 || h == 2 || h == 4) && (v == 1 || v == 2 || v == 4) && v <= h;
    if (as_ycbcr(header, compression) && known && !libtiff.SetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, h, v)) return false;
    int quality = options->jpeg_quality > 0 ? options->jpeg_quality : header->jpeg_quality;
    return libtiff.SetField(tiff, TIFFTAG_JPEGQUALITY, quality > 0 ? quality : 90) &&
           (header->color != codec_rgb || header->jpeg_untransformed ||
            libtiff.SetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB));
  }
  if (tiff_samples_packed(&writer->samples)) return true;
  if (header->tiff_predictor < PREDICTOR_HORIZONTAL || !takes_predictor(compression)) return true;
  // Of the two, the one that is made for the samples.
  if (writer->samples.kind != codec_floating)
    return libtiff.SetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL) != 0;
  // libtiff (4.5) writes wrong floats if it has to swap their bytes before this predictor: better without it.
  return writer->swapped || libtiff.SetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_FLOATINGPOINT) != 0;
}

static bool set_extras(TIFF *tiff, const codec_header *header) {
  if (header->x_resolution > 0 && header->y_resolution > 0) {
    int unit = header->resolution_unit == codec_unit_inch ? RESUNIT_INCH
               : header->resolution_unit == codec_unit_cm ? RESUNIT_CENTIMETER
                                                          : RESUNIT_NONE;
    if (!libtiff.SetField(tiff, TIFFTAG_XRESOLUTION, header->x_resolution) ||
        !libtiff.SetField(tiff, TIFFTAG_YRESOLUTION, header->y_resolution) ||
        !libtiff.SetField(tiff, TIFFTAG_RESOLUTIONUNIT, unit)) {
      return false;
    }
  }
  if (header->orientation > 0 && !libtiff.SetField(tiff, TIFFTAG_ORIENTATION, header->orientation)) return false;
  if (header->icc_profile == NULL || header->icc_profile_count == 0 || header->icc_profile_count > INT32_MAX) {
    return true;
  }
  return libtiff.SetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)header->icc_profile_count, header->icc_profile) != 0;
}

static int photometric_for(const codec_tiff_writer *writer, const codec_header *header, uint16_t compression) {
  switch (header->color) {
    case codec_rgb: return as_ycbcr(header, compression) ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB;
    case codec_cmyk: return PHOTOMETRIC_SEPARATED;
    case codec_lab: return PHOTOMETRIC_CIELAB;
    default: return writer->samples.inverted ? PHOTOMETRIC_MINISWHITE : PHOTOMETRIC_MINISBLACK;
  }
}

/// Says what the samples behind colour are: bands of no known meaning, and alpha at its place.
static bool set_extra_samples(TIFF *tiff, const codec_header *header) {
  uint32_t count = header->extra_bands + (header->alpha != codec_alpha_none ? 1 : 0);
  if (count == 0) return true;
  uint16_t *types = calloc(count, sizeof *types);
  if (types == NULL) return false;
  uint32_t place = (uint32_t)header->tiff_alpha_place;
  if (header->alpha != codec_alpha_none) {
    types[place < count ? place : count - 1] =
        header->alpha == codec_alpha_premultiplied ? EXTRASAMPLE_ASSOCALPHA : EXTRASAMPLE_UNASSALPHA;
  }
  bool ok = libtiff.SetField(tiff, TIFFTAG_EXTRASAMPLES, (int)count, types) != 0;
  free(types);
  return ok;
}

static bool set_picture(const codec_tiff_writer *writer, const codec_header *header) {
  TIFF *tiff = writer->file.tiff;
  static const int formats[] = {SAMPLEFORMAT_UINT, SAMPLEFORMAT_INT, SAMPLEFORMAT_IEEEFP};
  uint16_t compression = compression_for(header);
  return libtiff.SetField(tiff, TIFFTAG_IMAGEWIDTH, writer->samples.width) &&
         libtiff.SetField(tiff, TIFFTAG_IMAGELENGTH, writer->height) &&
         libtiff.SetField(tiff, TIFFTAG_BITSPERSAMPLE, (int)writer->samples.bits) &&
         libtiff.SetField(tiff, TIFFTAG_SAMPLEFORMAT, formats[writer->samples.kind]) &&
         libtiff.SetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)header->channels) &&
         libtiff.SetField(tiff, TIFFTAG_PHOTOMETRIC, photometric_for(writer, header, compression)) &&
         libtiff.SetField(tiff, TIFFTAG_PLANARCONFIG,
                          writer->planes > 1 ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG) &&
         libtiff.SetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT) && set_extra_samples(tiff, header);
}

/// The tile's side, a multiple of 16, and no larger than it takes to cover the picture's.
static uint32_t tile_side(uint32_t wanted, uint32_t picture) {
  uint32_t side = wanted < picture ? wanted : picture;
  return side > UINT32_MAX - 15 ? side / 16 * 16 : (side + 15) / 16 * 16;
}

/// Sets the file's strips or tiles, and how to fill them.
static bool set_layout(codec_tiff_writer *writer, const codec_header *header) {
  TIFF *tiff = writer->file.tiff;
  if (header->tiff_tile_width > 0 && header->tiff_tile_height > 0 && !tiff_samples_packed(&writer->samples)) {
    writer->method = method_tiles;
    writer->tile_width = tile_side(header->tiff_tile_width, writer->width);
    writer->band_rows = tile_side(header->tiff_tile_height, writer->height);
    return libtiff.SetField(tiff, TIFFTAG_TILEWIDTH, writer->tile_width) &&
           libtiff.SetField(tiff, TIFFTAG_TILELENGTH, writer->band_rows);
  }
  writer->method = method_strips;
  uint64_t rows = header->tiff_rows_per_strip;
  if (rows == 0) rows = USUAL_STRIP / writer->row_bytes;
  if (compression_for(header) == COMPRESSION_JPEG) rows = (rows + 15) / 16 * 16;  // Whole blocks of 4:2:0.
  if (rows > writer->height) rows = writer->height;
  if (rows * writer->row_bytes > LARGEST_HELD_STRIP) {
    // Row by row needs no strip in memory, but cannot change between planes: their strips are made smaller.
    if (writer->planes == 1)
      writer->method = method_scanlines;
    else
      rows = LARGEST_HELD_STRIP / writer->row_bytes;
  }
  writer->band_rows = rows < 1 ? 1 : (uint32_t)rows;
  return libtiff.SetField(tiff, TIFFTAG_ROWSPERSTRIP, writer->band_rows) != 0;
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
      if (!libtiff.WriteBufferSetup(writer->file.tiff, NULL, OUTPUT_BUFFER)) return false;
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

/// Works out how the page's rows look in the file.
static int32_t set_rows(codec_tiff_writer *writer, const codec_header *header) {
  if (tiff_samples_set(&writer->samples, header, &writer->failure) != codec_ok) return writer->failure.status;
  writer->samples.signed_ab = header->color == codec_lab;
  writer->same = tiff_samples_same(&writer->samples);
  bool packed = tiff_samples_packed(&writer->samples);
  size_t in_row = (size_t)header->width * header->channels;
  writer->height = header->height;
  // Packed samples are not told apart any more: a row is bytes.
  writer->width = packed ? (uint32_t)tiff_packed_bytes(&writer->samples, in_row) : header->width;
  writer->channels = packed ? 1 : header->channels;
  writer->sample_size = packed ? 1 : writer->samples.file_size;
  writer->row_bytes = (size_t)writer->width * writer->channels * writer->sample_size;
  writer->planes = header->tiff_planar && header->channels > 1 && !packed ? header->channels : 1;
  writer->row = 0;
  if (!writer->same) {
    writer->file_row = malloc(writer->row_bytes + in_row * writer->samples.file_size);
    if (writer->file_row == NULL) return codec_fail_memory(&writer->failure);
  }
  return codec_ok;
}

static int32_t begin_page(codec_tiff_writer *writer, const codec_header *header, const codec_options *options) {
  // Notes go first: directories of Exif are appended to the file, which must not come between strips.
  if (set_rows(writer, header) != codec_ok) return writer->failure.status;
  bool swaps = (header->tiff_big_endian != 0) != (CODEC_BIG_ENDIAN_HOST != 0);
  writer->swapped = writer->samples.file_size > 1 && swaps && !tiff_samples_packed(&writer->samples);
  if (!set_picture(writer, header) || !set_compression(writer, header, options) || !set_layout(writer, header) ||
      !set_extras(writer->file.tiff, header) || !tiff_notes_write(&writer->file, header)) {
    return fail_writing(writer);
  }
  return allocate_buffers(writer) ? codec_ok : codec_fail_memory(&writer->failure);
}

static int32_t open_writer(codec_tiff_writer *writer, int fd, const codec_header *header,
                           const codec_options *options) {
  size_t size;
  if (!codec_multiply(codec_row_bytes(header), header->height, &size)) return codec_fail_memory(&writer->failure);
  char mode[8];
  snprintf(mode, sizeof mode, "w%s%s", header->tiff_big_endian ? "b" : "l",
           header->tiff_big || options->needs_big_tiff || size > LARGEST_CLASSIC ? "8" : "4");
  if (!tiff_file_open(&writer->file, fd, mode)) return fail_writing(writer);
  return begin_page(writer, header, options);
}

int32_t codec_tiff_create(int fd, const codec_header *header, const codec_options *options, codec_tiff_writer **writer,
                          codec_error *error) {
  *writer = NULL;
  if (codec_check_header(header, error) != codec_ok) return error->status;
  if (libtiff_load(error) != codec_ok) return error->status;
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

static void free_buffers(codec_tiff_writer *writer) {
  free(writer->band);
  free(writer->scratch);
  free(writer->file_row);
  writer->band = writer->scratch = writer->file_row = NULL;
}

int32_t codec_tiff_start_page(codec_tiff_writer *writer, const codec_header *header, const codec_options *options,
                              codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->height, error) != codec_ok ||
      codec_check_header(header, error) != codec_ok) {
    return error->status;
  }
  free_buffers(writer);
  if (!libtiff.WriteDirectory(writer->file.tiff)) {
    fail_writing(writer);
  } else {
    begin_page(writer, header, options);
  }
  return codec_report(&writer->failure, error);
}

static bool write_strip(codec_tiff_writer *writer, uint8_t *rows, uint32_t strip, uint32_t count) {
  TIFF *tiff = writer->file.tiff;
  if (writer->planes == 1) {
    return libtiff.WriteEncodedStrip(tiff, strip, rows, (tmsize_t)(count * writer->row_bytes)) >= 0;
  }
  uint32_t strips_per_plane = (writer->height - 1) / writer->band_rows + 1;
  for (uint32_t plane = 0; plane < writer->planes; plane++) {
    size_t samples = (size_t)count * writer->width;
    gather(writer->scratch, rows + plane * writer->sample_size, samples, writer->channels, writer->sample_size);
    tmsize_t size = (tmsize_t)(samples * writer->sample_size);
    if (libtiff.WriteEncodedStrip(tiff, plane * strips_per_plane + strip, writer->scratch, size) < 0) return false;
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
  tmsize_t size = libtiff.TileSize(tiff);
  for (uint32_t plane = 0; plane < writer->planes; plane++) {
    for (uint64_t x = 0; x < writer->width; x += writer->tile_width) {
      cut_tile(writer, (uint32_t)x, plane, count);
      uint32_t tile = libtiff.ComputeTile(tiff, (uint32_t)x, first, 0, (uint16_t)plane);
      if (libtiff.WriteEncodedTile(tiff, tile, writer->scratch, size) < 0) return false;
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
  return libtiff.WriteScanline(writer->file.tiff, writer->scratch, writer->row, 0) >= 0;
}

int32_t codec_tiff_write_rows(codec_tiff_writer *writer, const void *rows, size_t stride, uint32_t count,
                              codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, count, writer->height, error) != codec_ok) return error->status;
  const uint8_t *from = rows;
  while (count > 0) {
    uint32_t done = 1;
    const uint8_t *given = from;
    if (!writer->same) {
      bool packed = tiff_samples_packed(&writer->samples);
      uint8_t *unpacked = writer->file_row + (packed ? writer->row_bytes : 0);
      tiff_row_to_file(&writer->samples, from, unpacked);
      if (packed) {
        tiff_pack(&writer->samples, unpacked, writer->file_row,
                  (size_t)writer->samples.width * writer->samples.channels);
      }
      given = writer->file_row;
    }
    uint32_t limit = writer->same ? count : 1;
    bool ok = writer->method == method_scanlines
                  ? write_scanline(writer, given)
                  : write_band_rows(writer, given, writer->same ? stride : writer->row_bytes, limit, &done);
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
  libtiff.GetField(writer->file.tiff, TIFFTAG_COMPRESSION, &compression);
  if (compression != COMPRESSION_DEFLATE && compression != COMPRESSION_ADOBE_DEFLATE) return 0;
  libtiff.GetField(writer->file.tiff, TIFFTAG_PREDICTOR, &predictor);
  if (!writer->same || writer->planes > 1 || writer->swapped || writer->method == method_scanlines ||
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
    tmsize_t written = tiled ? libtiff.WriteRawTile(writer->file.tiff, first + segment, bytes, count)
                             : libtiff.WriteRawStrip(writer->file.tiff, first + segment, bytes, count);
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
  bool ok = libtiff.Flush(writer->file.tiff) != 0;
  if (!ok || writer->file.system_errno != 0 || writer->file.message[0] != 0) fail_writing(writer);
  return codec_report(&writer->failure, error);
}

void codec_tiff_discard(codec_tiff_writer *writer) {
  if (writer == NULL) return;
  writer->file.muted = true;
  tiff_file_close(&writer->file);
  free_buffers(writer);
  free(writer);
}
