// TIFF's writer, over libtiff: strips and tiles as the header says, page after page.
#include "tiff_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What libtiff may collect of a large strip before it goes to the file.
#define OUTPUT_BUFFER ((tmsize_t)1 << 20)

/// Classic TIFF counts to 4 GiB; this leaves room for the directory and data that deflate makes larger.
#define LARGEST_CLASSIC 3900000000u

int32_t tiff_fail_writing(codec_tiff_writer *writer) {
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
  // Items go first: directories of Exif are appended to the file, which must not come between strips.
  if (set_rows(writer, header) != codec_ok) return writer->failure.status;
  bool swaps = (header->tiff_big_endian != 0) != (CODEC_BIG_ENDIAN_HOST != 0);
  writer->swapped = writer->samples.file_size > 1 && swaps && !tiff_samples_packed(&writer->samples);
  if (!tiff_page_set(writer, header, options)) return tiff_fail_writing(writer);
  return allocate_buffers(writer) ? codec_ok : codec_fail_memory(&writer->failure);
}

static int32_t open_writer(codec_tiff_writer *writer, int fd, const codec_header *header,
                           const codec_options *options) {
  size_t size;
  if (!codec_multiply(codec_row_bytes(header), header->height, &size)) return codec_fail_memory(&writer->failure);
  char mode[8];
  snprintf(mode, sizeof mode, "w%s%s", header->tiff_big_endian ? "b" : "l",
           header->tiff_big || options->needs_big_tiff || size > LARGEST_CLASSIC ? "8" : "4");
  if (!tiff_file_open(&writer->file, fd, mode)) return tiff_fail_writing(writer);
  return begin_page(writer, header, options);
}

int32_t tiff_writer_create(int fd, const codec_header *header, const codec_options *options, codec_tiff_writer **writer,
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

int32_t codec_tiff_create(int fd, const codec_header *header, const codec_options *options, codec_tiff_writer **writer,
                          codec_error *error) {
  return tiff_writer_create(fd, header, options, writer, error);
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
    tiff_fail_writing(writer);
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
  uint32_t across = (writer->width - 1) / writer->tile_width + 1, down = (writer->height - 1) / writer->band_rows + 1;
  for (uint32_t plane = 0; plane < writer->planes; plane++) {
    for (uint32_t x = 0; x < across; x++) {
      cut_tile(writer, x * writer->tile_width, plane, count);
      uint32_t tile = (plane * down + first / writer->band_rows) * across + x;
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
      tiff_fail_writing(writer);
      return codec_report(&writer->failure, error);
    }
    writer->row += done;
    count -= done;
    from += done * stride;
  }
  return codec_ok;
}

int32_t codec_tiff_finish(codec_tiff_writer *writer, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->height, error) != codec_ok) return error->status;
  // The directory goes out here: TIFFClose, which does it too, could not say that it failed.
  bool ok = libtiff.Flush(writer->file.tiff) != 0;
  if (!ok || writer->file.system_errno != 0 || writer->file.message[0] != 0) tiff_fail_writing(writer);
  return codec_report(&writer->failure, error);
}

void codec_tiff_discard(codec_tiff_writer *writer) {
  if (writer == NULL) return;
  writer->file.muted = true;
  tiff_file_close(&writer->file);
  free_buffers(writer);
  free(writer);
}
