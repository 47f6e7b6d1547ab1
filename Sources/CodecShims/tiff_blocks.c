// TIFF strips and tiles compressed by themselves, so that every core can be at it: deflate by ISA-L or zlib, all else
// by libtiff, into a file in memory that has some of the rows.
#include "deflate.h"
#include "tiff_writer.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/// Stores samples as differences to those of the pixel to the left, in place, from the right so that neighbours are
/// still whole (TIFF 6.0, section 14).
static void difference(uint8_t *row, size_t samples, size_t channels, size_t sample_size) {
  if (sample_size == 1) {
    for (size_t i = samples; i-- > channels;) row[i] = (uint8_t)(row[i] - row[i - channels]);
  } else if (sample_size == 2) {
    uint16_t *wide = (uint16_t *)(void *)row;
    for (size_t i = samples; i-- > channels;) wide[i] = (uint16_t)(wide[i] - wide[i - channels]);
  } else {
    uint32_t *wide = (uint32_t *)(void *)row;
    for (size_t i = samples; i-- > channels;) wide[i] = wide[i] - wide[i - channels];
  }
}

/// One strip or tile: copied out of the rows, beyond the picture filled with zeros.
static size_t cut(const codec_tiff_layout *layout, const uint8_t *rows, uint32_t x, uint32_t count, uint8_t *segment) {
  size_t pixel = layout->channels * layout->sample_size, row_bytes = layout->width * pixel;
  bool tiled = layout->tile_width > 0;
  size_t columns = tiled ? layout->tile_width : layout->width, height = tiled ? layout->segment_rows : count;
  size_t filled = layout->width - x < columns ? layout->width - x : columns;
  for (size_t y = 0; y < height; y++) {
    uint8_t *row = segment + y * columns * pixel;
    size_t copied = y < count ? filled * pixel : 0;
    memcpy(row, rows + y * row_bytes + x * pixel, copied);
    memset(row + copied, 0, columns * pixel - copied);
    if (layout->differences) difference(row, columns * layout->channels, layout->channels, layout->sample_size);
  }
  return columns * pixel * height;
}

/// A whole zlib stream; returns its size, or 0 if that failed. Levels as for PNG: ISA-L's unless zlib's are asked for.
static size_t compress_segment(const uint8_t *bytes, size_t count, int level, uint8_t *tables, uint8_t *out,
                               size_t capacity) {
  if (level >= 0 && level != 1 && level != 2) {
    uLongf size = (uLongf)capacity;
    return compress2(out, &size, bytes, (uLong)count, level) == Z_OK ? size : 0;
  }
  return codec_deflate(bytes, count, level == 1 ? 1 : 2, deflate_zlib, tables, out, capacity);
}

static int32_t encode_deflated(const codec_tiff_layout *layout, const uint8_t *rows, uint32_t count,
                               codec_tiff_encoded *encoded, codec_error *error) {
  size_t pixel = layout->channels * layout->sample_size, row_bytes = layout->width * pixel;
  uint32_t columns = layout->tile_width > 0 ? layout->tile_width : layout->width;
  uint32_t across = (layout->width - 1) / columns + 1, down = (count - 1) / layout->segment_rows + 1;
  size_t segment = columns * pixel * layout->segment_rows, capacity = segment + segment / 8 + 4096;
  if (capacity > UINT32_MAX / 2)
    return codec_fail(error, codec_unsupported, 0, "strips of %zu bytes are too long", segment);
  uint8_t *cut_out = malloc(segment), *tables = malloc(codec_deflate_tables());
  encoded->bytes = malloc(capacity * across * down);
  encoded->counts = malloc(sizeof(size_t) * across * down);
  int32_t status = codec_ok;
  if (cut_out == NULL || tables == NULL || encoded->bytes == NULL || encoded->counts == NULL) {
    status = codec_fail_memory(error);
  }
  size_t total = 0;
  for (uint32_t y = 0; y < count && status == codec_ok; y += layout->segment_rows) {
    uint32_t height = count - y < layout->segment_rows ? count - y : layout->segment_rows;
    for (uint32_t x = 0; x < layout->width && status == codec_ok; x += columns) {
      size_t length = cut(layout, rows + y * row_bytes, x, height, cut_out);
      size_t size = compress_segment(cut_out, length, layout->level, tables, encoded->bytes + total, capacity);
      if (size == 0) status = codec_fail(error, codec_unsupported, 0, "the deflate library failed");
      encoded->counts[encoded->segments++] = size;
      total += size;
    }
  }
  free(cut_out);
  free(tables);
  if (status != codec_ok) codec_tiff_free_block(encoded);
  return status;
}

/// Takes the strips or tiles out of a file in memory, in the order in which a writer of the whole picture makes them.
static int32_t take_segments(codec_tiff_writer *alone, codec_tiff_encoded *encoded, codec_error *error) {
  uint32_t across = alone->method == method_tiles ? (alone->width - 1) / alone->tile_width + 1 : 1;
  uint32_t bands = (alone->height - 1) / alone->band_rows + 1, in_band = across * alone->planes;
  size_t total = 0;
  encoded->counts = malloc(sizeof(size_t) * bands * in_band);
  encoded->bytes = malloc(alone->file.used + 1);
  if (encoded->counts == NULL || encoded->bytes == NULL) return codec_fail_memory(error);
  for (uint32_t i = 0; i < bands * in_band; i++) {
    uint32_t band = i / in_band, plane = i % in_band / across, index = (plane * bands + band) * across + i % across;
    uint64_t offset = libtiff.GetStrileOffset(alone->file.tiff, index);
    uint64_t count = libtiff.GetStrileByteCount(alone->file.tiff, index);
    if (offset > alone->file.used || count > alone->file.used - offset || count > alone->file.used - total) {
      return codec_fail(error, codec_unsupported, 0, "the TIFF library failed");
    }
    memcpy(encoded->bytes + total, alone->file.memory + offset, count);
    encoded->counts[encoded->segments++] = (size_t)count;
    total += (size_t)count;
  }
  return codec_ok;
}

/// A writer of some rows as a picture of their own, in memory, whose strips or tiles are those of the whole.
static int32_t create_alone(const codec_tiff_layout *layout, const codec_header *header, const codec_options *options,
                            uint32_t count, codec_tiff_writer **alone, codec_error *error) {
  codec_header part = *header;
  part.height = count;
  part.icc_profile = NULL;
  part.items = NULL;
  part.icc_profile_count = part.item_count = 0;
  part.orientation = 0;
  part.x_resolution = part.y_resolution = 0;
  part.tiff_whole_tiles = 1;
  if (layout->tile_width > 0) {
    part.tiff_tile_width = layout->tile_columns;
    part.tiff_tile_height = layout->segment_rows;
  } else {
    part.tiff_tile_width = 0;
    part.tiff_rows_per_strip = layout->segment_rows;
  }
  // What the predictor of floats makes of them is the same in both byte orders, but libtiff (4.5) swaps too early.
  if (layout->as_floats) part.tiff_big_endian = CODEC_BIG_ENDIAN_HOST;
  return tiff_writer_create(-1, &part, options, alone, error);
}

static int32_t encode_by_library(const codec_tiff_layout *layout, const codec_header *header,
                                 const codec_options *options, const uint8_t *rows, uint32_t count,
                                 codec_tiff_encoded *encoded, codec_error *error) {
  codec_tiff_writer *alone = NULL;
  int32_t status = create_alone(layout, header, options, count, &alone, error);
  if (status == codec_ok) status = codec_tiff_write_rows(alone, rows, codec_row_bytes(header), count, error);
  if (status == codec_ok) status = take_segments(alone, encoded, error);
  codec_tiff_discard(alone);
  if (status != codec_ok) codec_tiff_free_block(encoded);
  return status;
}

int32_t codec_tiff_encode_block(const codec_tiff_layout *layout, const codec_header *header,
                                const codec_options *options, const uint8_t *rows, uint32_t count,
                                codec_tiff_encoded *encoded, codec_error *error) {
  *encoded = (codec_tiff_encoded){.rows = count};
  return layout->through_library ? encode_by_library(layout, header, options, rows, count, encoded, error)
                                 : encode_deflated(layout, rows, count, encoded, error);
}

/// JPEG's tables, which stand in the directory, for strips or tiles that are encoded elsewhere.
static bool set_jpeg_tables(codec_tiff_writer *writer, const codec_tiff_layout *layout, const codec_header *header,
                            const codec_options *options) {
  codec_error error;
  codec_tiff_writer *alone = NULL;
  uint8_t *row = calloc(1, codec_row_bytes(header));
  uint32_t count = 0;
  const uint8_t *tables = NULL;
  const float *reference = NULL;
  bool ok = row != NULL && create_alone(layout, header, options, 1, &alone, &error) == codec_ok &&
            codec_tiff_write_rows(alone, row, codec_row_bytes(header), 1, &error) == codec_ok &&
            libtiff.GetField(alone->file.tiff, TIFFTAG_JPEGTABLES, &count, &tables) &&
            libtiff.SetField(writer->file.tiff, TIFFTAG_JPEGTABLES, count, tables);
  if (ok && libtiff.GetField(alone->file.tiff, TIFFTAG_REFERENCEBLACKWHITE, &reference)) {
    ok = libtiff.SetField(writer->file.tiff, TIFFTAG_REFERENCEBLACKWHITE, reference) != 0;
  }
  codec_tiff_discard(alone);
  free(row);
  return ok;
}

void codec_tiff_free_block(codec_tiff_encoded *encoded) {
  free(encoded->bytes);
  free(encoded->counts);
  encoded->bytes = NULL;
  encoded->counts = NULL;
}

int32_t codec_tiff_blocks(codec_tiff_writer *writer, const codec_header *header, const codec_options *options,
                          codec_tiff_layout *layout) {
  uint16_t compression = COMPRESSION_NONE, predictor = PREDICTOR_NONE;
  libtiff.GetField(writer->file.tiff, TIFFTAG_COMPRESSION, &compression);
  if (compression == COMPRESSION_NONE || writer->method == method_scanlines) return 0;
  libtiff.GetField(writer->file.tiff, TIFFTAG_PREDICTOR, &predictor);
  bool deflate = compression == COMPRESSION_DEFLATE || compression == COMPRESSION_ADOBE_DEFLATE;
  bool plainly = deflate && writer->same && writer->planes == 1 && !writer->swapped;
  // Enough rows for a core to be busy with, in whole strips or rows of tiles.
  size_t segment = writer->row_bytes * writer->band_rows;
  uint32_t segments = segment < USUAL_STRIP ? (uint32_t)(USUAL_STRIP / segment) : 1;
  uint64_t rows = (uint64_t)segments * writer->band_rows;
  uint32_t columns = 0;
  if (writer->method == method_tiles) libtiff.GetField(writer->file.tiff, TIFFTAG_TILEWIDTH, &columns);
  *layout = (codec_tiff_layout){
      .width = writer->width,
      .height = writer->height,
      .channels = writer->channels,
      .sample_size = writer->sample_size,
      .tile_width = writer->method == method_tiles ? writer->tile_width : 0,
      .tile_columns = columns,
      .segment_rows = writer->band_rows,
      .rows_per_block = rows < writer->height ? (uint32_t)rows : writer->height,
      .differences = predictor == PREDICTOR_HORIZONTAL,
      .as_floats = predictor == PREDICTOR_FLOATINGPOINT,
      .level = options->compression,
      .through_library = !plainly || predictor == PREDICTOR_FLOATINGPOINT,
  };
  return compression != COMPRESSION_JPEG || set_jpeg_tables(writer, layout, header, options);
}

static bool append_block(codec_tiff_writer *writer, const codec_tiff_encoded *encoded) {
  bool tiled = writer->method == method_tiles;
  uint32_t across = tiled ? (writer->width - 1) / writer->tile_width + 1 : 1;
  uint32_t down = (writer->height - 1) / writer->band_rows + 1, first = writer->row / writer->band_rows;
  uint32_t in_band = across * writer->planes;
  const uint8_t *bytes = encoded->bytes;
  for (uint32_t i = 0; i < encoded->segments; i++) {
    uint32_t band = first + i / in_band, plane = i % in_band / across;
    uint32_t segment = (plane * down + band) * across + i % across;
    tmsize_t count = (tmsize_t)encoded->counts[i];
    tmsize_t written = tiled ? libtiff.WriteRawTile(writer->file.tiff, segment, (void *)bytes, count)
                             : libtiff.WriteRawStrip(writer->file.tiff, segment, (void *)bytes, count);
    if (written != count) return false;
    bytes += count;
  }
  return true;
}

int32_t codec_tiff_append_block(codec_tiff_writer *writer, const codec_tiff_encoded *encoded, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, encoded->rows, writer->height, error) != codec_ok) return error->status;
  if (!append_block(writer, encoded)) tiff_fail_writing(writer);
  writer->row += encoded->rows;
  return codec_report(&writer->failure, error);
}

// MARK: Parts that are files

uint32_t codec_tiff_joins(const codec_tiff_writer *writer) {
  uint16_t compression = COMPRESSION_NONE;
  libtiff.GetField(writer->file.tiff, TIFFTAG_COMPRESSION, &compression);
  // JPEG's tables stand outside its strips.
  return writer->method == method_scanlines || compression == COMPRESSION_JPEG ? 0 : writer->band_rows;
}

/// Copies one strip or tile as it is coded.
static bool copy_segment(codec_tiff_writer *writer, TIFF *part, uint32_t from, uint32_t to, uint8_t **bytes,
                         uint64_t *capacity) {
  uint64_t count = libtiff.GetStrileByteCount(part, from);
  if (count == 0 || count > LARGEST_ALLOCATION) return false;
  if (count > *capacity) {
    free(*bytes);
    *capacity = count;
    *bytes = malloc(count);
    if (*bytes == NULL) return false;
  }
  tmsize_t size = (tmsize_t)count;
  if (writer->method == method_tiles) {
    return libtiff.ReadRawTile(part, from, *bytes, size) == size &&
           libtiff.WriteRawTile(writer->file.tiff, to, *bytes, size) == size;
  }
  return libtiff.ReadRawStrip(part, from, *bytes, size) == size &&
         libtiff.WriteRawStrip(writer->file.tiff, to, *bytes, size) == size;
}

int32_t codec_tiff_append_file(codec_tiff_writer *writer, int fd, uint32_t rows, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, rows, writer->height, error) != codec_ok) return error->status;
  tiff_file file = {0};
  if (!tiff_file_open(&file, fd, "rcm")) return tiff_fail(&file, error, "a part cannot be opened");
  uint32_t width = 0, height = 0;
  libtiff.GetField(file.tiff, TIFFTAG_IMAGEWIDTH, &width);
  libtiff.GetField(file.tiff, TIFFTAG_IMAGELENGTH, &height);
  bool tiled = writer->method == method_tiles;
  int32_t status = codec_ok;
  if (height != rows || width != writer->width || libtiff.IsTiled(file.tiff) != tiled) {
    status = codec_fail(error, codec_malformed, 0, "a part is of another picture");
  }
  uint32_t across = tiled ? (writer->width - 1) / writer->tile_width + 1 : 1;
  uint32_t bands = (rows - 1) / writer->band_rows + 1, first = writer->row / writer->band_rows;
  uint32_t all = (writer->height - 1) / writer->band_rows + 1;
  uint8_t *bytes = NULL;
  uint64_t capacity = 0;
  // In the order in which a writer of the whole picture makes them.
  for (uint32_t band = 0; band < bands && status == codec_ok; band++) {
    for (uint32_t plane = 0; plane < writer->planes && status == codec_ok; plane++) {
      for (uint32_t x = 0; x < across && status == codec_ok; x++) {
        uint32_t from = (plane * bands + band) * across + x, to = (plane * all + first + band) * across + x;
        if (!copy_segment(writer, file.tiff, from, to, &bytes, &capacity)) {
          status = writer->file.system_errno != 0 ? tiff_fail_writing(writer)
                                                  : codec_fail(error, codec_malformed, 0, "a part is damaged");
        }
      }
    }
  }
  free(bytes);
  tiff_file_close(&file);
  writer->row += rows;
  return status == codec_ok || writer->failure.status == codec_ok ? status : codec_report(&writer->failure, error);
}
