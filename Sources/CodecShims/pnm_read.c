// Netpbm's reader: P1 to P6, PAM (P7) and PFM, without a library; picture after picture
// where a stream has several.
#include "pnm_reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void set_window(codec_pnm_reader *reader, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
  reader->x = x;
  reader->columns = width;
  reader->row = y;
  reader->end_row = y + height;
  reader->row_samples = (size_t)width * reader->channels;
  reader->row_bytes = reader->row_samples * reader->sample_size;
}

static bool is_text(const codec_pnm_reader *reader) { return reader->kind >= '1' && reader->kind <= '3'; }

/// Finds out where in the file the raster begins.
static void find_raster(codec_pnm_reader *reader) {
  // Of a pipe there is no size.
  off_t position = codec_file_size(reader->input.fd) > 0 ? lseek(reader->input.fd, 0, SEEK_CUR) : -1;
  reader->is_file = position >= (off_t)reader->source.left;
  reader->raster = reader->is_file ? (uint64_t)position - reader->source.left : 0;
}

static bool read_header(codec_pnm_reader *reader, bool is_begun, uint64_t max_pixels) {
  if (!pnm_read_header(reader, is_begun)) return false;
  find_raster(reader);
  if (reader->maxval < 1 || reader->maxval > 65535) {
    codec_fail(&reader->failure, codec_malformed, 0, "a maxval of %" PRIu32 " is not within 1 to 65535",
               reader->maxval);
    return false;
  }
  if (codec_check_size(reader->width, reader->height, max_pixels, &reader->failure) != codec_ok) return false;
  reader->sample_size = reader->kind == 'f' ? 4 : reader->maxval > 255 ? 2 : 1;
  set_window(reader, 0, 0, reader->width, reader->height);
  reader->file_row_bytes = reader->kind == '4' ? (reader->width + (size_t)7) / 8 : reader->row_bytes;
  if (reader->kind != '4') return true;
  reader->packed = malloc(reader->file_row_bytes);
  if (reader->packed == NULL) codec_fail_memory(&reader->failure);
  return reader->packed != NULL;
}

void codec_pnm_close(codec_pnm_reader *reader) {
  if (reader == NULL) return;
  free(reader->packed);
  codec_held_free(&reader->held);
  free(reader);
}

// MARK: Rows

static bool fail_end(codec_pnm_reader *reader) {
  codec_source_fail(&reader->source, &reader->failure, reader->row, reader->height);
  return false;
}

static bool fail_large_sample(codec_pnm_reader *reader) {
  codec_fail(&reader->failure, codec_malformed, 0, "row %" PRIu32 " has a sample larger than the maxval of %" PRIu32,
             reader->row + 1, reader->maxval);
  return false;
}

static uint32_t largest_sample(const codec_pnm_reader *reader) { return reader->sample_size == 2 ? 65535 : 255; }

/// Stretches 0 … maxval to the whole range, to the nearest.
static uint32_t scaled(uint32_t value, uint32_t maxval, uint32_t largest) {
  return (value * largest + maxval / 2) / maxval;  // At most 65535 × 65535 + 32767 < 2³².
}

/// Stretches a row of the machine's samples in place; false if one is beyond the maxval.
static bool scale_row(const codec_pnm_reader *reader, uint8_t *row) {
  uint32_t maxval = reader->maxval, largest = largest_sample(reader);
  if (maxval == largest) return true;
  for (size_t i = 0; i < reader->row_samples; i++) {
    if (reader->sample_size == 1) {
      if (row[i] > maxval) return false;
      row[i] = (uint8_t)scaled(row[i], maxval, largest);
    } else {
      uint16_t value;
      memcpy(&value, row + 2 * i, 2);
      if (value > maxval) return false;
      value = (uint16_t)scaled(value, maxval, largest);
      memcpy(row + 2 * i, &value, 2);
    }
  }
  return true;
}

/// Reads bytes of the current row, `skipped` from its beginning if rows are read from their places.
static bool read_bytes(codec_pnm_reader *reader, uint8_t *to, size_t skipped, size_t count) {
  if (!reader->seeks) return codec_source_read(&reader->source, to, count) == count || fail_end(reader);
  int system_errno = 0;
  uint64_t place = reader->kind == 'f' ? reader->height - 1 - reader->row : reader->row;
  uint64_t offset = reader->raster + place * reader->file_row_bytes + skipped;
  if (codec_pread_all(reader->input.fd, to, count, offset, &system_errno) == count) return true;
  if (system_errno == 0) return fail_end(reader);
  codec_fail_read(&reader->failure, system_errno);
  return false;
}

/// Bytes of a row before the first that is wanted.
static size_t skipped_bytes(const codec_pnm_reader *reader) {
  return (size_t)reader->x * reader->channels * reader->sample_size;
}

static bool read_binary_row(codec_pnm_reader *reader, uint8_t *row) {
  if (!read_bytes(reader, row, skipped_bytes(reader), reader->row_bytes)) return false;
  if (!CODEC_BIG_ENDIAN_HOST && reader->sample_size == 2) codec_swap16(row, reader->row_samples);
  return scale_row(reader, row) || fail_large_sample(reader);
}

static bool read_packed_row(codec_pnm_reader *reader, uint8_t *row) {
  if (!read_bytes(reader, reader->packed, 0, reader->file_row_bytes)) return false;
  for (size_t i = 0; i < reader->columns; i++) {
    size_t x = reader->x + i;
    row[i] = (reader->packed[x / 8] >> (7 - x % 8) & 1) != 0 ? 0 : 255;
  }
  return true;
}

/// The next byte of an ASCII raster that is neither white space nor comment; -1 at the end.
static int raster_character(codec_source *source) {
  int c = codec_source_byte(source);
  while (pnm_is_space(c) || c == '#') {
    if (c == '#') {
      while (c >= 0 && c != '\n' && c != '\r') c = codec_source_byte(source);
    } else {
      c = codec_source_byte(source);
    }
  }
  return c;
}

static bool read_bit(codec_pnm_reader *reader, uint32_t *value) {
  int c = raster_character(&reader->source);
  if (c < 0) return fail_end(reader);
  if (c != '0' && c != '1') return pnm_fail_malformed(reader, "the raster has a character that is not 0 or 1");
  *value = c == '1' ? 0 : 1;
  return true;
}

static bool read_decimal(codec_pnm_reader *reader, uint32_t *value) {
  int c = raster_character(&reader->source);
  if (c < 0) return fail_end(reader);
  if (!pnm_is_digit(c)) return pnm_fail_malformed(reader, "the raster has a character that is not a digit");
  uint32_t number = 0;
  for (; pnm_is_digit(c); c = codec_source_byte(&reader->source)) {
    number = 10 * number + (uint32_t)(c - '0');
    if (number > reader->maxval) return fail_large_sample(reader);
  }
  // The picture's last number may end the file; a comment may follow any.
  if (c == '#') {
    while (c >= 0 && c != '\n' && c != '\r') c = codec_source_byte(&reader->source);
  } else if (c >= 0 && !pnm_is_space(c)) {
    return pnm_fail_malformed(reader, "the raster has a character that is not a digit");
  }
  *value = number;
  return true;
}

static bool read_text_row(codec_pnm_reader *reader, uint8_t *row) {
  uint32_t largest = largest_sample(reader);
  for (size_t i = 0; i < reader->row_samples; i++) {
    uint32_t value = 0;
    if (!(reader->kind == '1' ? read_bit(reader, &value) : read_decimal(reader, &value))) return false;
    value = scaled(value, reader->maxval, largest);
    if (reader->sample_size == 1) {
      row[i] = (uint8_t)value;
    } else {
      uint16_t sample = (uint16_t)value;
      memcpy(row + 2 * i, &sample, 2);
    }
  }
  return true;
}

static bool read_floats(codec_pnm_reader *reader) {
  if (!codec_hold(&reader->held, reader->row_bytes, reader->height, reader->input.max_memory, &reader->failure)) {
    return false;
  }
  for (uint32_t y = 0; y < reader->height; y++) {
    uint8_t *row = reader->held.bytes + (size_t)y * reader->row_bytes;
    codec_held_touch(&reader->held, reader->row_bytes);
    if (codec_source_read(&reader->source, row, reader->row_bytes) < reader->row_bytes) {
      codec_source_fail(&reader->source, &reader->failure, y, reader->height);
      return false;
    }
  }
  return true;
}

static bool read_float_row(codec_pnm_reader *reader, uint8_t *row) {
  if (reader->seeks) {
    if (!read_bytes(reader, row, skipped_bytes(reader), reader->row_bytes)) return false;
  } else {
    if (reader->held.bytes == NULL && !read_floats(reader)) return false;
    size_t from_bottom = reader->height - 1 - reader->row;
    memcpy(row, reader->held.bytes + from_bottom * reader->row_bytes, reader->row_bytes);
    codec_held_touch(&reader->held, reader->row_bytes);
  }
  if (reader->swapped) codec_swap32(row, reader->row_samples);
  return true;
}

static bool read_row(codec_pnm_reader *reader, uint8_t *row) {
  switch (reader->kind) {
    case '1':
    case '2':
    case '3': return read_text_row(reader, row);
    case '4': return read_packed_row(reader, row);
    case 'f': return read_float_row(reader, row);
    default: return read_binary_row(reader, row);
  }
}

// MARK: Picture after picture

/// Bytes of the raster, if it is not text.
static uint64_t raster_bytes(const codec_pnm_reader *reader) {
  return (uint64_t)reader->file_row_bytes * reader->height;
}

static int32_t describe(codec_pnm_reader *reader, codec_header *header) {
  header->width = reader->width;
  header->height = reader->height;
  header->channels = reader->channels;
  header->sample_type = reader->kind == 'f' ? codec_float32 : reader->sample_size == 2 ? codec_uint16 : codec_uint8;
  header->color = reader->channels >= 3 ? codec_rgb : codec_gray;
  header->alpha = reader->channels % 2 == 0 ? codec_alpha_straight : codec_alpha_none;
  header->in_order = reader->kind != 'f';
  // From the bottom to the top: of a file each row is read where it is, so that none need be held.
  if (reader->kind == 'f' && reader->is_file) reader->seeks = true;
  header->pnm_kind = reader->kind == 'f' ? codec_pnm_pfm : reader->kind == '7' ? codec_pnm_pam : codec_pnm_pgm_ppm;
  bool is_last =
      reader->is_file && !is_text(reader) && reader->raster + raster_bytes(reader) >= codec_file_size(reader->input.fd);
  header->page_count = is_last ? reader->page + 1 : 0;
  // Plain text takes two bytes a sample at least, or one that is 0 or 1; P4 packs eight pixels into one.
  double samples = (double)reader->row_bytes * reader->height;
  return codec_check_plausible(&reader->input,
                               reader->kind == '4'   ? samples / 8
                               : reader->kind == '1' ? samples / 2
                                                     : samples,
                               header, &reader->failure);
}

/// Goes past what is left of the raster; false if the file ends before, or if that failed.
static bool skip_rest(codec_pnm_reader *reader) {
  bool all_read = reader->row == reader->height && !reader->seeks;
  if (all_read || (reader->kind == 'f' && reader->held.bytes != NULL)) return true;
  if (reader->is_file && !is_text(reader)) {
    uint64_t end = reader->raster + raster_bytes(reader);
    if (end > codec_file_size(reader->input.fd)) return false;
    codec_source_start(&reader->source, &(codec_input){.fd = reader->input.fd});
    return lseek(reader->input.fd, (off_t)end, SEEK_SET) >= 0;
  }
  uint8_t *row = malloc(reader->row_bytes);
  if (row == NULL) codec_fail_memory(&reader->failure);
  bool ok = row != NULL;
  for (; ok && reader->row < reader->height; reader->row++) ok = read_row(reader, row);
  free(row);
  return ok;
}

/// What is between two pictures is white space, if anything; behind plain text a comment too.
static int next_character(codec_pnm_reader *reader) {
  if (is_text(reader)) return raster_character(&reader->source);
  int c = codec_source_byte(&reader->source);
  while (pnm_is_space(c)) c = codec_source_byte(&reader->source);
  return c;
}

static int32_t advance(codec_pnm_reader *reader, codec_header *header) {
  bool goes_on = reader->damage.status == codec_ok && skip_rest(reader);
  if (reader->failure.status != codec_ok && reader->failure.status != codec_truncated) return reader->failure.status;
  int c = goes_on ? next_character(reader) : -1;
  int kind = c == 'P' ? codec_source_byte(&reader->source) : -1;
  if (reader->source.system_errno != 0) return codec_fail_read(&reader->failure, reader->source.system_errno);
  if (!pnm_is_kind(kind)) {
    reader->trails = c >= 0;
    return codec_fail(&reader->failure, codec_no_page, 0, "there is no further page");
  }
  free(reader->packed);
  codec_held_free(&reader->held);
  reader->packed = NULL;
  reader->seeks = false;
  reader->swapped = false;
  reader->kind = (char)kind;
  reader->page++;
  memset(header, 0, sizeof *header);
  return read_header(reader, true, reader->input.max_pixels) ? describe(reader, header) : reader->failure.status;
}

static int32_t open_reader(codec_pnm_reader *reader, codec_header *header) {
  codec_source_start(&reader->source, &reader->input);
  if (!read_header(reader, false, reader->input.max_pixels) || describe(reader, header) != codec_ok) {
    return reader->failure.status;
  }
  while (reader->page < reader->input.page) {
    if (advance(reader, header) == codec_ok) continue;
    if (reader->failure.status != codec_no_page) return reader->failure.status;
    return codec_fail(&reader->failure, codec_no_page, 0, "there is no page %" PRIu32 ": it has %" PRIu32,
                      reader->input.page + 1, reader->page + 1);
  }
  return codec_ok;
}

int32_t codec_pnm_open(const codec_input *input, codec_pnm_reader **reader, codec_header *header, codec_error *error) {
  *reader = NULL;
  memset(header, 0, sizeof *header);
  codec_pnm_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return codec_fail_memory(error);
  opened->input = *input;
  if (open_reader(opened, header) != codec_ok) {
    int32_t status = codec_report(&opened->failure, error);
    codec_pnm_close(opened);
    return status;
  }
  *reader = opened;
  return codec_ok;
}

int32_t codec_pnm_next_page(codec_pnm_reader *reader, codec_header *header, codec_error *error) {
  advance(reader, header);
  return codec_report(&reader->failure, error);
}

int32_t codec_pnm_trails(const codec_pnm_reader *reader) { return reader->trails ? 1 : 0; }

// MARK: Rows

int32_t codec_pnm_select(codec_pnm_reader *reader, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                         codec_error *error) {
  if (codec_check_window(x, y, width, height, reader->width, reader->height, error) != codec_ok) return error->status;
  if (is_text(reader) || !reader->is_file) {
    return codec_fail(error, codec_unsupported, 0, "the file can only be read from the top");
  }
  set_window(reader, x, y, width, height);
  reader->seeks = true;
  return codec_ok;
}

int32_t codec_pnm_read_rows(codec_pnm_reader *reader, void *rows, size_t stride, uint32_t count, codec_error *error) {
  if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
  if (codec_check_rows(reader->row, count, reader->end_row, error) != codec_ok) return error->status;
  for (uint32_t i = 0; i < count; i++) {
    uint8_t *row = (uint8_t *)rows + i * stride;
    bool ended = reader->damage.status != codec_ok;
    if (ended || !read_row(reader, row)) {
      if (!reader->input.is_tolerant) return codec_report(&reader->failure, error);
      if (!ended) reader->damage = reader->failure;
      reader->failure.status = codec_ok;
      memset(row, 0, reader->row_bytes);
    }
    reader->row++;
  }
  return codec_ok;
}

const codec_error *codec_pnm_damage(const codec_pnm_reader *reader) { return &reader->damage; }
