// NumPy's arrays as pictures: (rows, columns), with channels behind or pages before them.
#include "npy.h"
#include "tiff.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/// A last axis of so many is the channels of a pixel.
enum { most_channels = 16 };

struct codec_npy_reader {
  codec_input input;
  codec_error failure, damage;
  codec_npy_array array;
  uint32_t pages, height, width, channels;
  /// Numbers from one page, row, pixel, channel to the next.
  uint64_t page_step, row_step, column_step, channel_step;
  tiff_samples samples;   ///< Of a row that is handed out.
  bool same;              ///< Memory holds numbers as the file does.
  bool swapped;           ///< But for the order of their bytes.
  uint32_t page;          ///< From 0.
  uint32_t row, end_row;  ///< The next to hand out, and the one past the last.
  uint32_t x, columns;    ///< What is handed out of each.
  size_t row_bytes;       ///< Of our rows …
  size_t file_row_bytes;  ///< … and in the file, as much of them as is handed out.
  bool is_file;           ///< The numbers' place is known …
  uint64_t start;         ///< … and here in the file …
  bool seeks;             ///< … and rows are read each from its place.
  codec_held held;        ///< Fortran's order: all numbers.
  size_t held_bytes;
  uint8_t *_Nullable numbers;  ///< A row of the file.
  bool trails;
  codec_source source;
};

// MARK: Header

static int32_t fail_axes(codec_npy_reader *reader, const char *why) {
  char shape[128] = "";
  size_t used = 0;
  for (uint32_t axis = 0; axis < reader->array.axes && axis < codec_npy_most_axes; axis++) {
    used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%" PRIu64, axis > 0 ? ", " : "",
                             reader->array.shape[axis]);
    if (used >= sizeof shape) break;
  }
  return codec_fail(&reader->failure, codec_unsupported, 0, "an array of shape (%s) %s", shape, why);
}

/// Which axis is which.
static int32_t read_axes(codec_npy_reader *reader) {
  const codec_npy_array *array = &reader->array;
  const uint64_t *shape = array->shape;
  bool has_pages = array->axes == 4 || (array->axes == 3 && shape[2] > most_channels);
  bool has_channels = array->axes == 4 || (array->axes == 3 && !has_pages);
  if (array->axes < 2 || array->axes > 4) {
    return fail_axes(reader, "is no picture: (rows, columns), (rows, columns, channels), (pages, rows, columns) are");
  }
  if (array->axes == 3 && has_pages && shape[2] < shape[0] && shape[2] < shape[1]) {
    return fail_axes(reader, "may have channels or pages: a[..., None] makes pages of it, a[None] channels");
  }
  uint64_t lengths[4] = {1, shape[has_pages], shape[has_pages + 1], 1}, steps[4] = {0};
  if (has_pages) lengths[0] = shape[0];
  if (has_channels) lengths[3] = shape[array->axes - 1];
  if (codec_check_size(lengths[2], lengths[1], reader->input.max_pixels, &reader->failure) != codec_ok) {
    return reader->failure.status;
  }
  if (lengths[0] == 0 || lengths[3] == 0) return fail_axes(reader, "is empty");
  if (lengths[0] > INT32_MAX || lengths[3] > UINT16_MAX) return fail_axes(reader, "is too large");
  uint64_t step = 1;
  for (int i = 0; i < 4; i++) {
    int axis = array->is_fortran ? i : 3 - i;
    steps[axis] = step;
    if (__builtin_mul_overflow(step, lengths[axis], &step)) return fail_axes(reader, "is too large");
  }
  size_t bytes;
  if (step > INT64_MAX / 16 || !codec_multiply(step, array->number_bytes, &bytes)) {
    return fail_axes(reader, "is too large");
  }
  reader->held_bytes = bytes;
  reader->pages = (uint32_t)lengths[0];
  reader->height = (uint32_t)lengths[1];
  reader->width = (uint32_t)lengths[2];
  reader->channels = (uint32_t)lengths[3];
  reader->page_step = steps[0];
  reader->row_step = steps[1];
  reader->column_step = steps[2];
  reader->channel_step = steps[3];
  return codec_ok;
}

static int32_t read_header(codec_npy_reader *reader) {
  uint8_t *bytes = malloc(npy_most_header_bytes);
  if (bytes == NULL) return codec_fail_memory(&reader->failure);
  size_t count = 0;
  int32_t status = codec_truncated;
  reader->array.header_bytes = 12;
  // What is known of the header says how much more of it there is.
  while (status == codec_truncated) {
    size_t wanted = reader->array.header_bytes > count ? reader->array.header_bytes - count : 1;
    size_t got = codec_source_read(&reader->source, bytes + count, wanted);
    if (got < wanted) {
      status = codec_source_fail_header(&reader->source, &reader->failure);
      break;
    }
    count += got;
    status = codec_npy_parse(bytes, count, &reader->array, &reader->failure);
  }
  free(bytes);
  if (status == codec_ok) reader->failure.status = codec_ok;
  return status != codec_ok ? status : read_axes(reader);
}

static void set_window(codec_npy_reader *reader, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
  reader->x = x;
  reader->columns = width;
  reader->row = y;
  reader->end_row = y + height;
  reader->samples.width = width;
  reader->row_bytes = (size_t)width * reader->channels * reader->samples.size;
  reader->file_row_bytes = (size_t)width * reader->channels * reader->array.number_bytes;
}

static void describe_samples(const codec_npy_array *array, codec_header *header) {
  uint32_t bits = 8 * array->number_bytes;
  header->file_bits = array->is_bool ? 1 : (int32_t)bits;
  header->stored_kind = array->kind;
  header->stored_bits = (int32_t)bits;
  header->sample_type = array->kind == codec_unsigned                    ? bits == 8    ? codec_uint8
                                                                           : bits == 16 ? codec_uint16
                                                                                        : codec_float64
                        : bits > (array->kind == codec_signed ? 16 : 32) ? codec_float64
                                                                         : codec_float32;
}

static int32_t describe(codec_npy_reader *reader, codec_header *header) {
  const codec_npy_array *array = &reader->array;
  describe_samples(array, header);
  header->width = reader->width;
  header->height = reader->height;
  header->channels = reader->channels;
  // Three samples are colour, and a fourth is its alpha; of others nothing is known.
  bool is_color = reader->channels == 3 || reader->channels == 4;
  header->color = is_color ? codec_rgb : codec_gray;
  header->alpha = reader->channels == 4 ? codec_alpha_straight : codec_alpha_none;
  header->extra_bands = is_color ? 0 : reader->channels - 1;
  header->in_order = !array->is_fortran;
  header->page_count = reader->pages;
  bool has_pages = array->axes == 4 || (array->axes == 3 && reader->channels == 1 && array->shape[2] > most_channels);
  header->npy_layout = (reader->pages == 1 && has_pages ? codec_npy_paged : 0) |
                       (array->axes == 4 || (array->axes == 3 && !has_pages) ? codec_npy_channeled : 0) |
                       (array->is_big_endian ? codec_npy_big_endian : 0) | (array->is_fortran ? codec_npy_fortran : 0);
  if (tiff_samples_set(&reader->samples, header, &reader->failure) != codec_ok) return reader->failure.status;
  reader->same = tiff_samples_same(&reader->samples);
  reader->swapped = array->number_bytes > 1 && array->is_big_endian != CODEC_BIG_ENDIAN_HOST;
  if (reader->same) header->stored_bits = 0;
  set_window(reader, 0, 0, reader->width, reader->height);
  return codec_check_plausible(&reader->input, (double)array->header_bytes + (double)reader->held_bytes, header,
                               &reader->failure);
}

// MARK: Rows

static bool fail_end(codec_npy_reader *reader) {
  codec_source_fail(&reader->source, &reader->failure, reader->row, reader->height);
  return false;
}

/// Fortran's order has a row's numbers all over the file.
static bool hold(codec_npy_reader *reader) {
  if (reader->held.bytes != NULL) return true;
  if (!codec_hold(&reader->held, reader->held_bytes, 1, reader->input.max_memory, &reader->failure)) return false;
  size_t got = 0;
  for (size_t some = 1; some > 0 && got < reader->held_bytes; got += some) {
    size_t wanted = reader->held_bytes - got < (size_t)1 << 20 ? reader->held_bytes - got : (size_t)1 << 20;
    some = codec_source_read(&reader->source, reader->held.bytes + got, wanted);
    codec_held_touch(&reader->held, some);
  }
  if (got == reader->held_bytes) return true;
  if (reader->source.system_errno != 0) {
    codec_fail_read(&reader->failure, reader->source.system_errno);
  } else {
    codec_fail(&reader->failure, codec_truncated, 0, "the file ends after %zu of %zu bytes of its numbers", got,
               reader->held_bytes);
  }
  if (!reader->input.is_tolerant) return false;
  // What is there is kept, and the rest is 0.
  reader->damage = reader->failure;
  reader->failure.status = codec_ok;
  return true;
}

static void gather_row(const codec_npy_reader *reader, uint8_t *numbers) {
  size_t size = reader->array.number_bytes;
  const uint8_t *row = reader->held.bytes + (reader->page * reader->page_step + reader->row * reader->row_step) * size;
  for (uint32_t x = 0; x < reader->columns; x++) {
    const uint8_t *pixel = row + (reader->x + (uint64_t)x) * reader->column_step * size;
    for (uint32_t channel = 0; channel < reader->channels; channel++, numbers += size) {
      memcpy(numbers, pixel + channel * reader->channel_step * size, size);
    }
  }
}

static bool read_numbers(codec_npy_reader *reader, uint8_t *numbers) {
  if (reader->array.is_fortran) {
    if (!hold(reader)) return false;
    gather_row(reader, numbers);
    // Of each column a page of the file's.
    codec_held_touch(&reader->held, (size_t)reader->columns * 4096);
    return true;
  }
  size_t count = reader->file_row_bytes;
  if (!reader->seeks) return codec_source_read(&reader->source, numbers, count) == count || fail_end(reader);
  int system_errno = 0;
  uint64_t first = reader->page * reader->page_step + reader->row * reader->row_step + reader->x * reader->column_step;
  uint64_t offset = reader->start + first * reader->array.number_bytes;
  if (codec_pread_all(reader->input.fd, numbers, count, offset, &system_errno) == count) return true;
  if (system_errno == 0) return fail_end(reader);
  codec_fail_read(&reader->failure, system_errno);
  return false;
}

static bool read_row(codec_npy_reader *reader, uint8_t *row) {
  uint8_t *numbers = reader->same ? row : reader->numbers;
  if (!read_numbers(reader, numbers)) return false;
  size_t count = (size_t)reader->columns * reader->channels;
  if (reader->swapped) npy_swap(numbers, reader->array.number_bytes, count);
  for (size_t i = 0; reader->array.is_bool && i < count; i++) row[i] = row[i] != 0 ? 255 : 0;
  if (!reader->same) tiff_row_to_memory(&reader->samples, numbers, row);
  return true;
}

int32_t codec_npy_read_rows(codec_npy_reader *reader, void *rows, size_t stride, uint32_t count, codec_error *error) {
  if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
  if (count > reader->end_row - reader->row) return codec_check_rows(reader->row, count, reader->end_row, error);
  for (uint32_t i = 0; i < count; i++) {
    uint8_t *row = (uint8_t *)rows + i * stride;
    // Of numbers in Fortran's order what is there is known to be, wherever the file ends.
    bool ended = reader->damage.status != codec_ok && !reader->array.is_fortran;
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

const codec_error *codec_npy_damage(const codec_npy_reader *reader) { return &reader->damage; }

int32_t codec_npy_select(codec_npy_reader *reader, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                         codec_error *error) {
  if (codec_check_window(x, y, width, height, reader->width, reader->height, error) != codec_ok) return error->status;
  if (!reader->is_file && !reader->array.is_fortran) {
    return codec_fail(error, codec_unsupported, 0, "the file can only be read from the top");
  }
  set_window(reader, x, y, width, height);
  reader->seeks = true;
  return codec_ok;
}

// MARK: Page after page

/// Goes past what is left of the page; false if the file ends before, or if that failed.
static bool skip_rest(codec_npy_reader *reader) {
  if (reader->array.is_fortran) return true;
  if (reader->is_file) {
    uint64_t page_bytes = reader->height * reader->row_step * reader->array.number_bytes;
    uint64_t end = reader->start + (reader->page + (uint64_t)1) * page_bytes;
    if (end > codec_file_size(reader->input.fd)) return false;
    codec_source_start(&reader->source, &(codec_input){.fd = reader->input.fd});
    return lseek(reader->input.fd, (off_t)end, SEEK_SET) >= 0;
  }
  for (; reader->row < reader->height; reader->row++) {
    if (!read_numbers(reader, reader->numbers)) return false;
  }
  return true;
}

static int32_t advance(codec_npy_reader *reader) {
  bool goes_on = reader->damage.status == codec_ok && skip_rest(reader);
  if (reader->failure.status != codec_ok && reader->failure.status != codec_truncated) return reader->failure.status;
  if (!goes_on || reader->page + 1 >= reader->pages) {
    bool is_whole = goes_on && (!reader->array.is_fortran || reader->held.bytes != NULL);
    reader->trails = is_whole && codec_source_byte(&reader->source) >= 0;
    return codec_fail(&reader->failure, codec_no_page, 0, "there is no further page");
  }
  reader->page++;
  reader->seeks = false;
  set_window(reader, 0, 0, reader->width, reader->height);
  return codec_ok;
}

int32_t codec_npy_next_page(codec_npy_reader *reader, codec_header *header, codec_error *error) {
  (void)header;  // All pages are alike.
  advance(reader);
  return codec_report(&reader->failure, error);
}

int32_t codec_npy_trails(const codec_npy_reader *reader) { return reader->trails ? 1 : 0; }

static int32_t open_reader(codec_npy_reader *reader, codec_header *header) {
  codec_source_start(&reader->source, &reader->input);
  if (read_header(reader) != codec_ok || describe(reader, header) != codec_ok) return reader->failure.status;
  reader->numbers = malloc(reader->file_row_bytes);
  if (reader->numbers == NULL) return codec_fail_memory(&reader->failure);
  // Of a pipe there is no size.
  off_t position = codec_file_size(reader->input.fd) > 0 ? lseek(reader->input.fd, 0, SEEK_CUR) : -1;
  reader->is_file = position >= (off_t)reader->source.left;
  reader->start = reader->is_file ? (uint64_t)position - reader->source.left : 0;
  while (reader->page < reader->input.page) {
    if (reader->input.page >= reader->pages) {
      return codec_fail(&reader->failure, codec_no_page, 0, "there is no page %" PRIu32 ": it has %" PRIu32,
                        reader->input.page + 1, reader->pages);
    }
    if (advance(reader) == codec_ok) continue;
    if (reader->failure.status == codec_no_page) codec_fail_end(&reader->failure, 0, reader->height);
    return reader->failure.status;
  }
  return codec_ok;
}

int32_t codec_npy_open(const codec_input *input, codec_npy_reader **reader, codec_header *header, codec_error *error) {
  *reader = NULL;
  memset(header, 0, sizeof *header);
  codec_npy_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return codec_fail_memory(error);
  opened->input = *input;
  if (open_reader(opened, header) != codec_ok) {
    int32_t status = codec_report(&opened->failure, error);
    codec_npy_close(opened);
    return status;
  }
  *reader = opened;
  return codec_ok;
}

void codec_npy_close(codec_npy_reader *reader) {
  if (reader == NULL) return;
  codec_held_free(&reader->held);
  free(reader->numbers);
  free(reader);
}
