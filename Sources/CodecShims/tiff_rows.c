// Rows of a TIFF, strips and tiles, to whole pixels in memory.
#include "tiff_reader.h"

#include <inttypes.h>
#include <string.h>

int32_t tiff_fail_rows(codec_tiff_reader *reader, const tiff_file *file) {
  if (file->system_errno != 0) return codec_fail_read(&reader->failure, file->system_errno);
  if (file->hit_end) return codec_fail_end(&reader->failure, reader->row, reader->height);
  return tiff_fail(file, &reader->failure, "the picture data is damaged");
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

static bool is_hole(const codec_tiff_reader *reader, uint32_t strile) {
  return tiff_strile_is_hole(&reader->striles, &reader->files[0], strile);
}

/// Fills pixels of one plane (or of all) in a row of whole pixels with what stands where nothing was written.
static void fill_row(const codec_tiff_reader *reader, uint32_t plane, uint8_t *row, size_t pixels) {
  bool alone = reader->planes > 1;
  size_t size = reader->sample_size, step = (alone ? reader->channels : 1) * size;
  size_t count = pixels * (alone ? 1 : reader->channels);
  uint8_t *to = row + (alone ? plane * size : 0);
  for (size_t i = 0; i < count; i++) memcpy(to + i * step, reader->fill, size);
}

/// Reads `count` rows of a plane, all in one strip; one if they are not whole.
static int32_t read_raw(codec_tiff_reader *reader, uint32_t plane, uint32_t row, uint32_t count, uint8_t *to) {
  tiff_file *file = &reader->files[0];
  uint32_t strip = row / reader->rows_per_strip;
  uint32_t index = plane * reader->strips_per_plane + strip;
  uint64_t needed = (uint64_t)rows_in_strip(reader, strip) * reader->plane_row_bytes;
  uint64_t offset = libtiff.GetStrileOffset(file->tiff, index);
  if (offset == 0 || libtiff.GetStrileByteCount(file->tiff, index) < needed) {
    return codec_fail(&reader->failure, codec_malformed, 0, "strip %" PRIu32 " is too short for its rows", index);
  }
  size_t pixel = reader->planes > 1 ? reader->sample_size : reader->pixel_bytes, row_bytes = reader->columns * pixel;
  size_t wanted = count * row_bytes;
  uint64_t skipped = (uint64_t)(row % reader->rows_per_strip) * reader->plane_row_bytes + reader->x * pixel;
  if (offset > UINT64_MAX - skipped) offset = UINT64_MAX - skipped;
  int system_errno = 0;
  size_t got = codec_pread_all(file->fd, to, wanted, offset + skipped, &system_errno);
  if (system_errno != 0) return codec_fail_read(&reader->failure, system_errno);
  if (got < wanted) {
    uint32_t whole = (uint32_t)(got / row_bytes);
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
    bool singly = stride != reader->row_bytes || reader->columns < reader->width || reader->input.is_tolerant;
    *count = singly ? 1 : left < limit ? left : limit;
    if (is_hole(reader, reader->row / reader->rows_per_strip)) {
      for (uint32_t y = 0; y < *count; y++) fill_row(reader, 0, rows + y * reader->row_bytes, reader->columns);
      return codec_ok;
    }
    read_raw(reader, 0, reader->row, *count, rows);
    return tolerate(reader, rows, reader->row_bytes);
  }
  *count = 1;
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    if (is_hole(reader, plane * reader->strips_per_plane + reader->row / reader->rows_per_strip)) {
      fill_row(reader, plane, rows, reader->columns);
      continue;
    }
    read_raw(reader, plane, reader->row, 1, reader->scratch);
    if (tolerate(reader, reader->scratch, reader->columns * reader->sample_size) != codec_ok) {
      return reader->failure.status;
    }
    scatter(rows + plane * reader->sample_size, reader->scratch, reader->columns, reader->channels,
            reader->sample_size);
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

/// Decodes a row into the band, and those above it that are not wanted but come first.
static int32_t load_scanline(codec_tiff_reader *reader) {
  bool directly = reader->planes == 1 && !reader->packed;
  uint8_t *to = directly ? reader->band : reader->scratch;
  for (; reader->decoded_row <= reader->row; reader->decoded_row++) {
    for (uint32_t plane = 0; plane < reader->planes; plane++) {
      tiff_file *file = &reader->files[plane];
      uint32_t strip = plane * reader->strips_per_plane + reader->decoded_row / reader->rows_per_strip;
      if (is_hole(reader, strip)) {
        if (reader->decoded_row == reader->row) fill_row(reader, plane, reader->band, reader->width);
        continue;
      }
      if (libtiff.ReadScanline(file->tiff, to, reader->decoded_row, (uint16_t)plane) < 0) tiff_fail_rows(reader, file);
      if (tolerate(reader, to, reader->plane_row_bytes) != codec_ok) return reader->failure.status;
      if (!directly) place_row(reader, plane, to, reader->band, reader->width);
    }
  }
  reader->band_row = reader->row;
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
    if (is_hole(reader, index)) {
      for (size_t y = 0; y < rows; y++) {
        fill_row(reader, plane, reader->band + y * reader->band_row_bytes, reader->width);
      }
      continue;
    }
    if (reader->input.is_tolerant) memset(to, 0, size);
    if (libtiff.ReadEncodedStrip(file->tiff, index, to, (tmsize_t)size) != (tmsize_t)size) tiff_fail_rows(reader, file);
    // What has been decoded of the strip stays.
    if (tolerate(reader, to, 0) != codec_ok) return reader->failure.status;
    for (size_t y = 0; !directly && y < rows; y++) {
      place_row(reader, plane, to + y * reader->plane_row_bytes, reader->band + y * reader->band_row_bytes,
                reader->width);
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
  for (uint32_t plane = 0; plane < reader->planes; plane++) {
    for (uint64_t x = 0; x < reader->band_columns; x += reader->tile_width) {
      uint32_t at = reader->band_x + (uint32_t)x;
      uint32_t tile = libtiff.ComputeTile(file->tiff, at, first, 0, (uint16_t)plane);
      size_t columns = reader->width - at < reader->tile_width ? reader->width - at : reader->tile_width;
      if (is_hole(reader, tile)) {
        for (size_t y = 0; y < rows; y++) {
          fill_row(reader, plane, reader->band + y * reader->band_row_bytes + x * reader->pixel_bytes, columns);
        }
        continue;
      }
      if (reader->input.is_tolerant) memset(reader->scratch, 0, (size_t)size);
      if (libtiff.ReadEncodedTile(file->tiff, tile, reader->scratch, size) != size) tiff_fail_rows(reader, file);
      if (tolerate(reader, reader->scratch, 0) != codec_ok) return reader->failure.status;
      for (size_t y = 0; y < rows; y++) {
        place_row(reader, plane, reader->scratch + y * tile_row,
                  reader->band + y * reader->band_row_bytes + x * reader->pixel_bytes, columns);
      }
    }
  }
  reader->band_row = first;
  return codec_ok;
}

/// To column `x` of the band. Rows of libtiff's rasters run from the bottom.
static void place_raster(codec_tiff_reader *reader, uint64_t x, size_t width, size_t raster_rows, uint32_t rows) {
  size_t columns = reader->band_columns - x < width ? reader->band_columns - x : width;
  for (size_t y = 0; y < rows; y++) {
    const uint8_t *from = reader->scratch + 4 * (raster_rows - 1 - y) * width;
    uint8_t *to = reader->band + y * reader->band_row_bytes + 3 * x;
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
  if (!tiled && is_hole(reader, first / height)) {
    for (size_t y = 0; y < rows; y++) fill_row(reader, 0, reader->band + y * reader->band_row_bytes, reader->width);
  } else if (!tiled) {
    if (!libtiff.ReadRGBAStripExt(file->tiff, first, raster, !reader->input.is_tolerant)) tiff_fail_rows(reader, file);
    if (tolerate(reader, raster, 4 * (size_t)reader->width * rows) != codec_ok) return reader->failure.status;
    place_raster(reader, 0, reader->width, rows, rows);
  }
  for (uint64_t x = 0; tiled && x < reader->band_columns; x += reader->tile_width) {
    if (is_hole(reader, libtiff.ComputeTile(file->tiff, reader->band_x + (uint32_t)x, first, 0, 0))) {
      size_t columns = reader->band_columns - x < reader->tile_width ? reader->band_columns - x : reader->tile_width;
      for (size_t y = 0; y < rows; y++) {
        fill_row(reader, 0, reader->band + y * reader->band_row_bytes + 3 * x, columns);
      }
      continue;
    }
    if (!libtiff.ReadRGBATileExt(file->tiff, reader->band_x + (uint32_t)x, first, raster, !reader->input.is_tolerant)) {
      tiff_fail_rows(reader, file);
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
    case method_scanlines: return load_scanline(reader);
    default: return load_strip(reader);
  }
}

static int32_t read_band_rows(codec_tiff_reader *reader, uint8_t *rows, size_t stride, uint32_t limit,
                              uint32_t *count) {
  bool held = reader->row >= reader->band_row && reader->row - reader->band_row < reader->band_rows;
  if (!held && load_band(reader) != codec_ok) return reader->failure.status;
  uint32_t skipped = reader->row - reader->band_row;
  *count = reader->band_rows - skipped < limit ? reader->band_rows - skipped : limit;
  const uint8_t *from =
      reader->band + skipped * reader->band_row_bytes + (reader->x - reader->band_x) * reader->pixel_bytes;
  codec_copy_rows(rows, stride, from, reader->band_row_bytes, reader->row_bytes, *count);
  return codec_ok;
}

/// Reads rows of the file's samples, `*count` of at most `limit`.
static void read_file_rows(codec_tiff_reader *reader, uint8_t *to, size_t stride, uint32_t limit, uint32_t *count) {
  if (reader->method == method_raw) {
    read_raw_rows(reader, to, stride, limit, count);
  } else {
    read_band_rows(reader, to, stride, limit, count);
  }
}

int32_t codec_tiff_read_rows(codec_tiff_reader *reader, void *rows, size_t stride, uint32_t count, codec_error *error) {
  if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
  if (codec_check_rows(reader->row, count, reader->end_row, error) != codec_ok) return error->status;
  if (!reader->ready && tiff_make_ready(reader) != codec_ok) return codec_report(&reader->failure, error);
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
