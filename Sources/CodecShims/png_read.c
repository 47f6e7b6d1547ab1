// PNG's reader, over libpng. Rows are decoded into the caller's memory as they come; only an interlaced picture is held
// here.
#include "png_common.h"
#include "png_rows.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/// The largest chunk other than IDAT that is taken into memory, and what its deflate stream may grow to: profiles of
/// printers run to some MB.
#define LARGEST_CHUNK 67108864u
#define MOST_CACHED_CHUNKS 1000

struct codec_png_reader {
  png_structp png;
  png_infop info;
  jmp_buf jump;
  codec_input input;
  codec_error failure, damage;
  uint32_t width, height;
  uint32_t row;      ///< The next to hand out.
  bool header_read;  ///< Rows are due.
  bool stopped;      ///< By damage that is tolerated.
  bool interlaced;
  bool widened;  ///< From a palette or less than 8 bits.
  size_t row_bytes;
  codec_held held;  ///< All rows, if interlaced and decoded.
  /// What the file carries beside its picture: found before it, and behind it once all rows are read.
  codec_item *items;
  size_t item_count, early_items;
  uint8_t last_read[8];  ///< Bytes that libpng has read last: in the end, the header of the first IDAT.
  png_rows *rows;        ///< Reads the rows instead of libpng, if it can.
  codec_source source;
};

// MARK: Messages

static void reader_failed(png_structp png, png_const_charp message) {
  codec_png_reader *reader = png_get_error_ptr(png);
  png_record_error(&reader->failure, message);
  longjmp(reader->jump, 1);
}

/// Past the last row libpng only warns of a wrong checksum of the picture; other warnings are of no concern.
static void reader_warned(png_structp png, png_const_charp message) {
  codec_png_reader *reader = png_get_error_ptr(png);
  bool concerns_picture = strncmp(message, "IDAT: ", 6) == 0;
  if (reader->input.is_tolerant) {
    if (concerns_picture && reader->damage.status == codec_ok) png_record_error(&reader->damage, message);
  } else if (strncmp(message, "IDAT: incorrect", 15) == 0) {
    reader_failed(png, message);
  }
}

static void read_bytes(png_structp png, png_bytep bytes, size_t count) {
  codec_png_reader *reader = png_get_io_ptr(png);
  if (codec_source_read(&reader->source, bytes, count) == count) {
    if (count == sizeof reader->last_read) memcpy(reader->last_read, bytes, count);
    return;
  }
  if (!reader->header_read) {
    codec_source_fail_header(&reader->source, &reader->failure);
  } else if (reader->interlaced && reader->source.system_errno == 0) {
    codec_fail(&reader->failure, codec_truncated, 0, "the file ends before the interlaced picture is complete");
  } else {
    codec_source_fail(&reader->source, &reader->failure, reader->row, reader->height);
  }
  longjmp(reader->jump, 1);
}

// MARK: Reading

/// Text, times and colour hints are not used but copied: libpng keeps them as they are.
static void keep_other_chunks(png_structp png) {
  static const png_byte others[] =
      "tEXt\0zTXt\0iTXt\0tIME\0eXIf\0gAMA\0cHRM\0sRGB\0sBIT\0bKGD\0oFFs\0pCAL\0sCAL\0sPLT\0cICP\0mDCV\0cLLI";
  static const png_byte unused[] = "hIST";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_ALWAYS, others, (int)(sizeof others / 5));
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, unused, (int)(sizeof unused / 5));
}

/// A chunk as a item. Its bytes stay libpng's.
static codec_item item_of(const png_unknown_chunk *chunk) {
  const uint8_t *name = chunk->name;
  codec_item item = {.kind = codec_item_png,
                     .tag = (uint32_t)name[0] << 24 | (uint32_t)name[1] << 16 | (uint32_t)name[2] << 8 | name[3],
                     .count = chunk->size,
                     .bytes = chunk->data,
                     .byte_count = chunk->size};
  if (memcmp(name, "eXIf", 4) == 0) item.kind = codec_item_exif;
  if (memcmp(name, "iTXt", 4) == 0 && chunk->size > XMP_PREFIX &&
      memcmp(chunk->data, xmp_keyword, sizeof xmp_keyword) == 0 &&
      memcmp(chunk->data + XMP_PREFIX - 4, "\0\0\0", 4) == 0) {
    item.kind = codec_item_xmp;
    item.bytes += XMP_PREFIX;
    item.count = item.byte_count -= XMP_PREFIX;
  }
  return item;
}

/// Items of all the chunks there are so far; a copy, since libpng moves its own list. Those of samples that were
/// another type or palette before are left out.
static void collect_items(codec_png_reader *reader) {
  png_unknown_chunkp chunks = NULL;
  int count = png_get_unknown_chunks(reader->png, reader->info, &chunks);
  codec_item *items = count > 0 ? realloc(reader->items, (size_t)count * sizeof *items) : NULL;
  if (items == NULL) return;
  reader->items = items;
  reader->item_count = 0;
  for (int i = 0; i < count; i++) {
    bool of_samples = memcmp(chunks[i].name, "sBIT", 4) == 0 || memcmp(chunks[i].name, "bKGD", 4) == 0;
    if (of_samples && reader->widened) continue;
    reader->items[reader->item_count++] = item_of(&chunks[i]);
  }
}

static void read_resolution(codec_png_reader *reader, codec_header *header) {
  png_uint_32 x = 0, y = 0;
  int unit = PNG_RESOLUTION_UNKNOWN;
  if (png_get_pHYs(reader->png, reader->info, &x, &y, &unit) == 0 || x == 0 || y == 0) return;
  double scale = unit == PNG_RESOLUTION_METER ? 100 : 1;
  header->x_resolution = x / scale;
  header->y_resolution = y / scale;
  header->resolution_unit = unit == PNG_RESOLUTION_METER ? codec_unit_cm : codec_unit_none;
}

static void read_profile(codec_png_reader *reader, codec_header *header) {
  png_charp name = NULL;
  png_bytep profile = NULL;
  png_uint_32 size = 0;
  int compression = 0;
  if (png_get_iCCP(reader->png, reader->info, &name, &compression, &profile, &size) == 0) return;
  header->icc_profile = profile;
  header->icc_profile_count = size;
}

/// Asks for 8 or 16 bits a sample, no palette, and alpha for tRNS.
static void set_transformations(codec_png_reader *reader) {
  png_set_expand(reader->png);
  if (!CODEC_BIG_ENDIAN_HOST) png_set_swap(reader->png);
  png_set_interlace_handling(reader->png);
  png_read_update_info(reader->png, reader->info);
}

/// Deflate makes at most 1032 bytes of one: a forged size is found before memory is spent on it.
static int32_t check_file_size(codec_png_reader *reader, const codec_header *header) {
  double bits = (double)header->file_bits * png_get_channels(reader->png, reader->info);
  return codec_check_plausible(&reader->input, (double)reader->width * reader->height * bits / 8 / 1032, header,
                               &reader->failure);
}

static const char *color_name(int color_type) {
  switch (color_type) {
    case PNG_COLOR_TYPE_GRAY: return "gray";
    case PNG_COLOR_TYPE_GRAY_ALPHA: return "gray + alpha";
    case PNG_COLOR_TYPE_PALETTE: return "palette";
    case PNG_COLOR_TYPE_RGB: return "RGB";
    default: return "RGB + alpha";
  }
}

static void read_header(codec_png_reader *reader, uint64_t max_pixels, codec_header *header) {
  reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, reader_failed, reader_warned);
  if (reader->png != NULL) reader->info = png_create_info_struct(reader->png);
  if (reader->info == NULL) {
    codec_fail_memory(&reader->failure);
    return;
  }
  png_structp png = reader->png;
  png_set_read_fn(png, reader, read_bytes);
  int crc = reader->input.is_tolerant ? PNG_CRC_WARN_USE : PNG_CRC_ERROR_QUIT;
  png_set_crc_action(png, crc, reader->input.is_tolerant ? PNG_CRC_WARN_DISCARD : crc);
  png_set_user_limits(png, INT32_MAX, INT32_MAX);
  png_set_chunk_malloc_max(png, LARGEST_CHUNK);
  png_set_chunk_cache_max(png, MOST_CACHED_CHUNKS);
  keep_other_chunks(png);
  // libpng waits for a whole buffer: of a cut file all but the last few bytes are to be seen.
  if (reader->input.is_tolerant) png_set_compression_buffer_size(png, 32);
  png_read_info(png, reader->info);

  reader->width = png_get_image_width(png, reader->info);
  reader->height = png_get_image_height(png, reader->info);
  if (codec_check_size(reader->width, reader->height, max_pixels, &reader->failure) != codec_ok) return;
  reader->interlaced = png_get_interlace_type(png, reader->info) == PNG_INTERLACE_ADAM7;
  int file_color = png_get_color_type(png, reader->info);
  header->width = reader->width;
  header->height = reader->height;
  header->file_bits = png_get_bit_depth(png, reader->info);
  header->file_color = color_name(file_color);
  if (check_file_size(reader, header) != codec_ok) return;
  // What libpng makes of a pixel has more only where it has transparent colours.
  size_t pixel = header->file_bits == 16 ? 2 : 1,
         channels = file_color == PNG_COLOR_TYPE_PALETTE ? 3 : png_get_channels(png, reader->info);
  if (codec_check_row(&reader->input, reader->width * channels * pixel, &reader->failure) != codec_ok) return;
  reader->widened = file_color == PNG_COLOR_TYPE_PALETTE || header->file_bits < 8;
  set_transformations(reader);
  reader->row_bytes = png_get_rowbytes(png, reader->info);
  reader->header_read = true;

  bool plain = !reader->interlaced && !reader->widened && !png_get_valid(png, reader->info, PNG_INFO_tRNS) &&
               !reader->input.is_tolerant && memcmp(reader->last_read + 4, "IDAT", 4) == 0;
  if (plain) {
    const uint8_t *count = reader->last_read;
    uint32_t first = (uint32_t)count[0] << 24 | (uint32_t)count[1] << 16 | (uint32_t)count[2] << 8 | count[3];
    size_t pixel = (size_t)png_get_channels(png, reader->info) * png_get_bit_depth(png, reader->info) / 8;
    reader->rows = png_rows_new(&reader->source, first, reader->row_bytes, reader->height, pixel);
  }
  int color_type = png_get_color_type(png, reader->info);
  header->channels = png_get_channels(png, reader->info);
  header->sample_type = png_get_bit_depth(png, reader->info) == 16 ? codec_uint16 : codec_uint8;
  header->color = (color_type & PNG_COLOR_MASK_COLOR) != 0 ? codec_rgb : codec_gray;
  header->alpha = (color_type & PNG_COLOR_MASK_ALPHA) != 0 ? codec_alpha_straight : codec_alpha_none;
  header->in_order = !reader->interlaced;
  header->png_interlaced = reader->interlaced;
  read_resolution(reader, header);
  read_profile(reader, header);
  collect_items(reader);
  reader->early_items = reader->item_count;
  header->items = reader->items;
  header->item_count = reader->item_count;
}

int32_t codec_png_open(const codec_input *input, codec_png_reader **reader, codec_header *header, codec_error *error) {
  *reader = NULL;
  memset(header, 0, sizeof *header);
  codec_png_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return codec_fail_memory(error);
  opened->input = *input;
  codec_source_start(&opened->source, input);
  if (setjmp(opened->jump) == 0) read_header(opened, input->max_pixels, header);
  if (opened->failure.status != codec_ok) {
    int32_t status = codec_report(&opened->failure, error);
    codec_png_close(opened);
    return status;
  }
  *reader = opened;
  return codec_ok;
}

/// To the end marker, with the items behind the picture.
static void read_end(codec_png_reader *reader) {
  png_read_end(reader->png, reader->info);
  collect_items(reader);
}

static void decode_interlaced(codec_png_reader *reader) {
  if (!codec_hold(&reader->held, reader->row_bytes, reader->height, reader->input.max_memory, &reader->failure)) return;
  for (int pass = 0; pass < PNG_INTERLACE_ADAM7_PASSES; pass++) {
    for (uint32_t y = 0; y < reader->height; y++) {
      png_read_row(reader->png, reader->held.bytes + (size_t)y * reader->row_bytes, NULL);
      codec_held_touch(&reader->held, reader->row_bytes);
    }
  }
  read_end(reader);
}

/// Of the chunks that stand behind a picture that libpng has not read.
static void collect_late_items(codec_png_reader *reader) {
  png_unknown_chunk chunk = {.name = {0}};
  const uint8_t *data;
  for (size_t i = 0; png_rows_late_chunk(reader->rows, i, chunk.name, &data, &chunk.size); i++) {
    codec_item *items = realloc(reader->items, (reader->item_count + 1) * sizeof *items);
    if (items == NULL) return;
    reader->items = items;
    chunk.data = (png_bytep)data;
    bool known = memcmp(chunk.name, "tEXt", 4) == 0 || memcmp(chunk.name, "zTXt", 4) == 0 ||
                 memcmp(chunk.name, "iTXt", 4) == 0 || memcmp(chunk.name, "tIME", 4) == 0 ||
                 memcmp(chunk.name, "eXIf", 4) == 0;
    if (known) reader->items[reader->item_count++] = item_of(&chunk);
  }
}

static void read_rows(codec_png_reader *reader, uint8_t *rows, size_t stride, uint32_t count) {
  if (reader->interlaced) {
    if (reader->held.bytes == NULL) decode_interlaced(reader);
    if (reader->failure.status != codec_ok) return;
    codec_copy_rows(rows, stride, reader->held.bytes + (size_t)reader->row * reader->row_bytes, reader->row_bytes,
                    reader->row_bytes, count);
    codec_held_touch(&reader->held, reader->row_bytes * count);
    reader->row += count;
    return;
  }
  if (reader->rows != NULL) {
    bool swaps = !CODEC_BIG_ENDIAN_HOST && png_get_bit_depth(reader->png, reader->info) == 16;
    for (uint32_t i = 0; i < count; i++) {
      if (png_rows_read(reader->rows, rows + i * stride, &reader->failure) != codec_ok) return;
      if (swaps) codec_swap16(rows + i * stride, reader->row_bytes / 2);
      reader->row++;
    }
    if (count > 0 && reader->row == reader->height) collect_late_items(reader);
    return;
  }
  for (uint32_t i = 0; i < count; i++) {
    png_read_row(reader->png, rows + i * stride, NULL);
    reader->row++;
  }
  // To the end marker: a file cut or damaged behind the last row's bytes is cut or damaged.
  if (count > 0 && reader->row == reader->height) read_end(reader);
}

/// Goes on without the decoder: what it has of an interlaced picture, else black.
static void make_up_rows(codec_png_reader *reader, uint8_t *rows, size_t stride, uint32_t first, uint32_t count) {
  if (reader->failure.status != codec_ok && reader->damage.status == codec_ok) reader->damage = reader->failure;
  reader->failure.status = codec_ok;
  reader->stopped = true;
  uint32_t done = reader->row - first;
  for (uint32_t i = done; i < count; i++) {
    const uint8_t *held =
        reader->held.bytes != NULL ? reader->held.bytes + (size_t)(first + i) * reader->row_bytes : NULL;
    if (held != NULL)
      memcpy(rows + i * stride, held, reader->row_bytes);
    else
      memset(rows + i * stride, 0, reader->row_bytes);
  }
  reader->row = first + count;
}

int32_t codec_png_read_rows(codec_png_reader *reader, void *rows, size_t stride, uint32_t count, codec_error *error) {
  if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
  if (codec_check_rows(reader->row, count, reader->height, error) != codec_ok) return error->status;
  uint32_t first = reader->row;
  if (reader->damage.status == codec_ok || !reader->stopped) {
    if (setjmp(reader->jump) == 0) read_rows(reader, rows, stride, count);
  }
  if (reader->input.is_tolerant && (reader->stopped || reader->failure.status != codec_ok)) {
    make_up_rows(reader, rows, stride, first, count);
  }
  return codec_report(&reader->failure, error);
}

const codec_error *codec_png_damage(const codec_png_reader *reader) { return &reader->damage; }

const codec_item *codec_png_late_items(const codec_png_reader *reader, size_t *count) {
  bool late = reader->item_count > reader->early_items;
  *count = late ? reader->item_count - reader->early_items : 0;
  return late ? reader->items + reader->early_items : NULL;
}

void codec_png_close(codec_png_reader *reader) {
  if (reader == NULL) return;
  if (reader->png != NULL) png_destroy_read_struct(&reader->png, &reader->info, NULL);
  codec_held_free(&reader->held);
  free(reader->items);
  png_rows_free(reader->rows);
  free(reader);
}
