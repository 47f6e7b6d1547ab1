// TIFF's reader, over libtiff: opening, how to read a page, page after page. Uncompressed strips are read without
// libtiff, so that a file of one huge strip needs no more memory than any other.
#include "tiff_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

// MARK: Choosing how to read

static bool reads_raw(const codec_tiff_reader *reader, const codec_header *header) {
  uint16_t fill_order = FILLORDER_MSB2LSB;
  libtiff.GetFieldDefaulted(reader->files[0].tiff, TIFFTAG_FILLORDER, &fill_order);
  return header->tiff_compression == COMPRESSION_NONE && reader->tile_width == 0 && fill_order == FILLORDER_MSB2LSB &&
         !reader->packed && !reader->through_rgba;
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
  reader->scratch_bytes = expected;
  return codec_ok;
}

static int32_t prepare_strips(codec_tiff_reader *reader) {
  reader->band_rows = reader->rows_per_strip;
  bool directly = reader->planes == 1 && !reader->packed;
  reader->scratch_bytes = directly ? 0 : reader->plane_row_bytes * reader->band_rows;
  return codec_ok;
}

/// One row of one plane, for raw and scanlines.
static int32_t prepare_rows(codec_tiff_reader *reader) {
  TIFF *tiff = reader->files[0].tiff;
  if (reader->method == method_scanlines && libtiff.ScanlineSize(tiff) != (tmsize_t)reader->plane_row_bytes) {
    return codec_fail(&reader->failure, codec_unsupported, 0, "this layout of TIFF rows is not supported");
  }
  reader->scratch_bytes = reader->plane_row_bytes;
  reader->band_rows = reader->method == method_raw ? 0 : 1;
  if (reader->method == method_raw) return codec_ok;
  if (reader->planes > MOST_PLANES) return tiff_fail_unsupported(reader, "large strips in more than four planes of");
  for (uint32_t plane = 1; plane < reader->planes; plane++) {
    tiff_file *file = &reader->files[plane];
    if (!tiff_file_open(file, reader->files[0].fd, "rcmO") ||
        !libtiff.SetSubDirectory(file->tiff, libtiff.CurrentDirOffset(tiff))) {
      return tiff_fail_rows(reader, file);
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
  uint16_t planar = PLANARCONFIG_CONTIG, bits = 0, sampling[2] = {0, 0};
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  libtiff.GetFieldDefaulted(tiff, TIFFTAG_YCBCRSUBSAMPLING, &sampling[0], &sampling[1]);
  if (bits != 8) return codec_fail(&reader->failure, codec_unsupported, 0, "%d-bit YCbCr TIFF is not supported", bits);
  if (planar == PLANARCONFIG_SEPARATE && (sampling[0] > 1 || sampling[1] > 1)) {
    return tiff_fail_unsupported(reader, "subsampled planar YCbCr");
  }
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
  reader->scratch_bytes = bytes;
  return codec_ok;
}

static int32_t prepare_method(codec_tiff_reader *reader, const codec_header *header) {
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
  if ((uint64_t)reader->rows_per_strip * reader->width * reader->pixel_bytes > LARGEST_HELD_STRIP) {
    reader->method = method_scanlines;
    return prepare_rows(reader);
  }
  reader->method = method_strips;
  return prepare_strips(reader);
}

// MARK: Windows

/// What is handed out from now on. Tiles are decoded where the window touches them, strips whole.
static void set_window(codec_tiff_reader *reader, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
  uint32_t unit = reader->tile_width > 0 ? reader->tile_width : reader->width;
  uint64_t end = ((uint64_t)x + width + unit - 1) / unit * unit;
  reader->x = x;
  reader->columns = width;
  reader->row = y;
  reader->end_row = y + height;
  reader->samples.width = width;
  reader->row_bytes = width * reader->pixel_bytes;
  reader->band_x = x - x % unit;
  reader->band_columns = (uint32_t)(end < reader->width ? end : reader->width) - reader->band_x;
  reader->band_row_bytes = reader->band_columns * reader->pixel_bytes;
  reader->band_row = reader->height;  // Holds no row yet.
  // Decoders that go row by row begin where a strip does.
  reader->decoded_row = reader->tile_width > 0 ? 0 : y - y % reader->rows_per_strip;
}

int32_t codec_tiff_select(codec_tiff_reader *reader, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                          codec_error *error) {
  if (codec_check_window(x, y, width, height, reader->width, reader->height, error) != codec_ok) return error->status;
  set_window(reader, x, y, width, height);
  return codec_ok;
}

static bool allocate(uint8_t **bytes, size_t count) {
  if (count > 0) *bytes = malloc(count);
  return count == 0 || *bytes != NULL;
}

int32_t tiff_make_ready(codec_tiff_reader *reader) {
  size_t band;
  if (!codec_multiply(reader->band_row_bytes, reader->band_rows, &band)) return codec_fail_memory(&reader->failure);
  uint64_t held = (uint64_t)band + reader->scratch_bytes;
  if (reader->input.max_memory > 0 && held > reader->input.max_memory) {
    return codec_fail_limit(&reader->failure, codec_limit_memory, held,
                            "its strips or tiles take %" PRIu64 " MiB of memory", (held >> 20) + 1);
  }
  reader->ready = allocate(&reader->band, band) && allocate(&reader->scratch, reader->scratch_bytes) &&
                  allocate(&reader->unpacked, reader->packed ? reader->band_row_bytes : 0) &&
                  allocate(&reader->file_row, reader->same ? 0 : reader->row_bytes);
  return reader->ready ? codec_ok : codec_fail_memory(&reader->failure);
}

// MARK: Pages

/// A file whose first palette libtiff refuses; what it said is kept if there is nothing to be done.
static bool open_without_palette(tiff_file *file, int fd) {
  char message[sizeof file->message];
  memcpy(message, file->message, sizeof message);
  // h: no directory is read yet.
  bool opened = tiff_file_open(file, fd, "rcmOh");
  memcpy(file->message, message, sizeof message);
  if (opened && tiff_hide_palette(file, tiff_next_directory(file, 0)) && libtiff.ReadDirectory(file->tiff)) return true;
  tiff_file_close(file);
  memcpy(file->message, message, sizeof message);
  return false;
}

static int32_t open_file(codec_tiff_reader *reader) {
  tiff_file *file = &reader->files[0];
  // c: strips stay as they are in the file; m: no memory map; O: places of strips are read when they are needed.
  // A read beyond the end that libtiff passes over is of a value (a profile, say) that has been cut off.
  if (tiff_file_open(file, reader->input.fd, "rcmO") && (!file->hit_end || reader->input.is_tolerant)) return codec_ok;
  if (strstr(file->message, "Colormap") != NULL && open_without_palette(file, reader->input.fd)) return codec_ok;
  if (file->system_errno != 0) return codec_fail_read(&reader->failure, file->system_errno);
  if (tiff_file_size(file) < 8) {
    return codec_fail(&reader->failure, codec_truncated, 0, "the file ends within its header");
  }
  if (file->hit_end || strstr(file->message, "Cannot read TIFF directory") != NULL) {
    return codec_fail(&reader->failure, codec_truncated, 0, "the file ends before its directory does");
  }
  return tiff_fail(file, &reader->failure, "the directory is damaged");
}

static int32_t read_page(codec_tiff_reader *reader, codec_header *header) {
  if (tiff_describe(reader, header) != codec_ok) return reader->failure.status;
  if (prepare_method(reader, header) == codec_ok) set_window(reader, 0, 0, reader->width, reader->height);
  return reader->failure.status;
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
  tiff_items_free(&reader->items);
  memset(&reader->samples, 0, sizeof reader->samples);
  reader->through_rgba = reader->ready = false;
  reader->tile_width = reader->tile_height = 0;
  reader->row = 0;
}

/// Goes on to the next directory that is a page.
static int32_t advance(codec_tiff_reader *reader) {
  tiff_file *file = &reader->files[0];
  while (libtiff.LastDirectory(file->tiff) == 0) {
    file->message[0] = 0;
    uint64_t next = tiff_next_directory(file, libtiff.CurrentDirOffset(file->tiff));
    if (!libtiff.ReadDirectory(file->tiff) &&
        !(tiff_hide_palette(file, next) && libtiff.SetSubDirectory(file->tiff, next))) {
      if (file->message[0] == 0 && !file->hit_end) break;
      return tiff_fail(file, &reader->failure, "the next page's directory is damaged");
    }
    uint32_t subfile = 0, width = 0, height = 0;
    uint16_t samples = 1;
    libtiff.GetField(file->tiff, TIFFTAG_SUBFILETYPE, &subfile);
    libtiff.GetField(file->tiff, TIFFTAG_IMAGEWIDTH, &width);
    libtiff.GetField(file->tiff, TIFFTAG_IMAGELENGTH, &height);
    libtiff.GetFieldDefaulted(file->tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
    if (tiff_is_page(&reader->slide, subfile, width, height, samples)) return codec_ok;
  }
  return codec_fail(&reader->failure, codec_no_page, 0, "there is no further page");
}

/// Goes on from a page to the mask that comes with it: of those that stand behind it and are no pages, the first mask
/// of its size.
static int32_t advance_to_mask(codec_tiff_reader *reader) {
  TIFF *tiff = reader->files[0].tiff;
  uint32_t width = 0, height = 0;
  libtiff.GetField(tiff, TIFFTAG_IMAGEWIDTH, &width);
  libtiff.GetField(tiff, TIFFTAG_IMAGELENGTH, &height);
  while (libtiff.LastDirectory(tiff) == 0 && libtiff.ReadDirectory(tiff)) {
    uint32_t subfile = 0, mask_width = 0, mask_height = 0;
    libtiff.GetField(tiff, TIFFTAG_SUBFILETYPE, &subfile);
    if ((subfile & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0) break;
    libtiff.GetField(tiff, TIFFTAG_IMAGEWIDTH, &mask_width);
    libtiff.GetField(tiff, TIFFTAG_IMAGELENGTH, &mask_height);
    bool whole = (subfile & FILETYPE_REDUCEDIMAGE) == 0;
    if (whole && mask_width == width && mask_height == height) return codec_ok;
  }
  return codec_fail(&reader->failure, codec_no_page, 0, "there is no mask");
}

static int32_t open_reader(codec_tiff_reader *reader, codec_header *header) {
  if (open_file(reader) != codec_ok) return reader->failure.status;
  tiff_find_slide(&reader->files[0], &reader->slide);
  for (uint32_t page = 0; page < reader->input.page; page++) {
    if (advance(reader) == codec_ok) continue;
    if (reader->failure.status != codec_no_page) return reader->failure.status;
    return codec_fail(&reader->failure, codec_no_page, 0, "there is no page %" PRIu32 ": it has %" PRIu32,
                      reader->input.page + 1, page + 1);
  }
  if (reader->of_mask) {
    if (advance_to_mask(reader) != codec_ok) return reader->failure.status;
    header->page_count = 1;  // Counted already.
  }
  return read_page(reader, header);
}

/// What was passed over because it could not be read is an error all the same.
static int32_t check_reads(const codec_tiff_reader *reader, codec_error *error) {
  return reader->files[0].system_errno == 0 ? codec_ok : codec_fail_read(error, reader->files[0].system_errno);
}

int32_t codec_tiff_next_page(codec_tiff_reader *reader, codec_header *header, codec_error *error) {
  memset(header, 0, sizeof *header);
  header->page_count = 1;  // Counted already.
  forget_page(reader);
  if (advance(reader) == codec_ok) read_page(reader, header);
  return codec_report(&reader->failure, error) != codec_ok ? error->status : check_reads(reader, error);
}

static int32_t open_page(const codec_input *input, bool of_mask, codec_tiff_reader **reader, codec_header *header,
                         codec_error *error) {
  *reader = NULL;
  memset(header, 0, sizeof *header);
  if (libtiff_load(error) != codec_ok) return error->status;
  codec_tiff_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return codec_fail_memory(error);
  opened->input = *input;
  opened->of_mask = of_mask;
  if (open_reader(opened, header) != codec_ok || check_reads(opened, &opened->failure) != codec_ok) {
    int32_t status = codec_report(&opened->failure, error);
    codec_tiff_close(opened);
    return status;
  }
  *reader = opened;
  return codec_ok;
}

int32_t codec_tiff_open(const codec_input *input, codec_tiff_reader **reader, codec_header *header,
                        codec_error *error) {
  return open_page(input, false, reader, header, error);
}

int32_t codec_tiff_open_mask(const codec_input *input, codec_tiff_reader **reader, codec_header *header,
                             codec_error *error) {
  return open_page(input, true, reader, header, error);
}

void codec_tiff_close(codec_tiff_reader *reader) {
  if (reader == NULL) return;
  forget_page(reader);
  tiff_file_close(&reader->files[0]);
  free(reader);
}

const codec_error *codec_tiff_damage(const codec_tiff_reader *reader) { return &reader->damage; }
