// What the codecs share: error filling, bytes in and out of a file descriptor, and checks of sizes and headers.
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/// One read or write is never larger: macOS refuses more than 2 GiB - 1.
#define LARGEST_TRANSFER ((size_t)1 << 30)

// MARK: Errors

/// Not of an abbreviation.
static void lower_first(char *text) {
  bool capital = text[0] >= 'A' && text[0] <= 'Z';
  if (capital && ((text[1] >= 'a' && text[1] <= 'z') || text[1] == ' ')) text[0] = (char)(text[0] - 'A' + 'a');
}

/// Makes a library's message one of ours: printable, no capital at the start of a sentence, no full stop.
static void tidy(char *message) {
  size_t length = strlen(message);
  while (length > 0 && strchr(". \n\r\t!", message[length - 1]) != NULL) message[--length] = 0;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)message[i];
    if (c < 0x20 || c > 0x7e) message[i] = '?';
  }
  lower_first(message);
  char *colon = strstr(message, ": ");  // A library's sentence after a heading of ours.
  if (colon != NULL) lower_first(colon + 2);
}

static int32_t fill_in(codec_error *error, codec_status status, int system_errno, const char *format,
                       va_list arguments) {
  error->status = status;
  error->system_errno = system_errno;
  error->limit = codec_limit_other;
  error->needed = 0;
  vsnprintf(error->message, sizeof error->message, format, arguments);
  tidy(error->message);
  return status;
}

int32_t codec_fail(codec_error *error, codec_status status, int system_errno, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fill_in(error, status, system_errno, format, arguments);
  va_end(arguments);
  return status;
}

int32_t codec_fail_limit(codec_error *error, codec_limit_kind limit, uint64_t needed, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fill_in(error, codec_limit, 0, format, arguments);
  va_end(arguments);
  error->limit = (int32_t)limit;
  error->needed = needed;
  return codec_limit;
}

int32_t codec_fail_memory(codec_error *error) {
  return codec_fail(error, codec_memory, 0, "there is not enough memory");
}

int32_t codec_fail_read(codec_error *error, int system_errno) {
  return codec_fail(error, codec_io, system_errno, "the file cannot be read");
}

int32_t codec_fail_write(codec_error *error, int system_errno) {
  return codec_fail(error, codec_io, system_errno, "the file cannot be written");
}

int32_t codec_fail_end(codec_error *error, uint32_t row, uint32_t height) {
  if (row >= height) return codec_fail(error, codec_truncated, 0, "the file ends before its end marker");
  return codec_fail(error, codec_truncated, 0, "the file ends after row %" PRIu32 " of %" PRIu32, row, height);
}

int32_t codec_report(const codec_error *failure, codec_error *error) {
  if (failure->status != codec_ok) *error = *failure;
  return failure->status;
}

// MARK: Checks

bool codec_multiply(size_t a, size_t b, size_t *product) {
  if (b != 0 && a > SIZE_MAX / b) return false;
  *product = a * b;
  return true;
}

size_t codec_sample_size(int32_t sample_type) {
  switch (sample_type) {
    case codec_float64: return 8;
    case codec_float32: return 4;
    case codec_uint16: return 2;
    default: return 1;
  }
}

size_t codec_row_bytes(const codec_header *header) {
  return (size_t)header->width * header->channels * codec_sample_size(header->sample_type);
}

/// Writes the picture's pixels and the limit, in the largest unit that tells them apart: "1.6 gigapixels", "1".
static const char *describe_pixels(uint64_t pixels, uint64_t limit, char count[32], char most[32]) {
  static const struct {
    double size;
    const char *name;
  } units[] = {{1e9, "gigapixels"}, {1e6, "megapixels"}};
  for (size_t i = 0; i < 2; i++) {
    snprintf(count, 32, "%.4g", (double)pixels / units[i].size);
    snprintf(most, 32, "%.4g", (double)limit / units[i].size);
    if ((double)limit >= units[i].size && strcmp(count, most) != 0) return units[i].name;
  }
  snprintf(count, 32, "%" PRIu64, pixels);
  snprintf(most, 32, "%" PRIu64, limit);
  return "pixels";
}

int32_t codec_check_size(uint64_t width, uint64_t height, uint64_t max_pixels, codec_error *error) {
  if (width == 0 || height == 0) {
    return codec_fail(error, codec_malformed, 0, "the picture is empty (%" PRIu64 " x %" PRIu64 " pixels)", width,
                      height);
  }
  // Both sides fit 31 bits after the first two tests, so that the product cannot overflow.
  if (width > INT32_MAX || height > INT32_MAX || width * height > max_pixels) {
    char count[32], most[32];
    const char *unit = describe_pixels(width * height, max_pixels, count, most);
    return codec_fail_limit(error, codec_limit_pixels, width * height, "%s %s exceed the limit of %s", count, unit,
                            most);
  }
  return codec_ok;
}

int32_t codec_check_header(const codec_header *header, codec_error *error) {
  uint32_t colors = header->color == codec_gray ? 1 : header->color == codec_cmyk ? 4 : 3;
  uint32_t alpha = header->alpha != codec_alpha_none ? 1 : 0;
  if (header->extra_bands > 65535 || header->channels != colors + header->extra_bands + alpha) {
    return codec_fail(error, codec_unsupported, 0, "%" PRIu32 " channels do not fit the colour and alpha asked for",
                      header->channels);
  }
  return codec_check_size(header->width, header->height, UINT64_MAX, error);
}

int32_t codec_check_simple(const codec_header *header, const char *format, bool floats, codec_error *error) {
  if (header->color != codec_gray && header->color != codec_rgb) {
    return codec_fail(error, codec_unsupported, 0, "%s holds gray and RGB only", format);
  }
  if (header->extra_bands > 0) {
    return codec_fail(error, codec_unsupported, 0, "%s cannot hold %" PRIu32 " bands", format, header->channels);
  }
  if (header->sample_type == codec_float64 || (!floats && header->sample_type == codec_float32)) {
    return codec_fail(error, codec_unsupported, 0, "%s cannot hold floating-point samples", format);
  }
  return codec_ok;
}

int32_t codec_check_rows(uint32_t done, uint32_t count, uint32_t height, codec_error *error) {
  if (count <= height - done) return codec_ok;
  return codec_fail(error, codec_malformed, 0, "internal error: %" PRIu32 " rows after row %" PRIu32 " of %" PRIu32,
                    count, done, height);
}

int32_t codec_check_window(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t picture_width,
                           uint32_t picture_height, codec_error *error) {
  bool across = width > 0 && x < picture_width && width <= picture_width - x;
  bool down = height > 0 && y < picture_height && height <= picture_height - y;
  if (across && down) return codec_ok;
  return codec_fail(error, codec_malformed, 0, "internal error: the window is not within the picture");
}

int32_t codec_check_complete(uint32_t done, uint32_t height, codec_error *error) {
  if (done == height) return codec_ok;
  return codec_fail(error, codec_malformed, 0, "internal error: only %" PRIu32 " of %" PRIu32 " rows have been written",
                    done, height);
}

void codec_copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride, size_t row_bytes,
                     uint32_t count) {
  for (size_t i = 0; i < count; i++) {
    memcpy((uint8_t *)to + i * to_stride, (const uint8_t *)from + i * from_stride, row_bytes);
  }
}

// Through memcpy, since a caller's rows need not be aligned to their samples; compilers make vector code of it.
void codec_swap16(void *samples, size_t count) {
  uint8_t *bytes = samples;
  for (size_t i = 0; i < count; i++) {
    uint16_t value;
    memcpy(&value, bytes + 2 * i, 2);
    value = (uint16_t)(value << 8 | value >> 8);
    memcpy(bytes + 2 * i, &value, 2);
  }
}

void codec_swap32(void *samples, size_t count) {
  uint8_t *bytes = samples;
  for (size_t i = 0; i < count; i++) {
    uint32_t value;
    memcpy(&value, bytes + 4 * i, 4);
    value = value << 24 | (value & 0xff00) << 8 | (value >> 8 & 0xff00) | value >> 24;
    memcpy(bytes + 4 * i, &value, 4);
  }
}

void codec_swap64(void *samples, size_t count) {
  uint8_t *bytes = samples;
  for (size_t i = 0; i < count; i++) {
    uint64_t value;
    memcpy(&value, bytes + 8 * i, 8);
    value = __builtin_bswap64(value);
    memcpy(bytes + 8 * i, &value, 8);
  }
}

uint64_t codec_file_size(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 ? (uint64_t)status.st_size : 0;
}

int32_t codec_check_plausible(const codec_input *input, double least_bytes, const codec_header *header,
                              codec_error *error) {
  uint64_t size = codec_file_size(input->fd);
  if (input->is_tolerant || size == 0 || least_bytes <= (double)size) return codec_ok;
  return codec_fail(error, codec_truncated, 0,
                    "the file of %" PRIu64 " bytes is too small for %" PRIu32 " x %" PRIu32 " pixels", size,
                    header->width, header->height);
}

/// Of what a run holds of a wide picture: the decoder's, the filter's and the encoder's.
#define ROWS_HELD 12
/// Narrower ones are what plans count anyway.
#define WIDE_ROW ((size_t)1 << 20)

int32_t codec_check_row(const codec_input *input, size_t row_bytes, codec_error *error) {
  if (input->max_memory == 0 || row_bytes < WIDE_ROW || row_bytes <= input->max_memory / ROWS_HELD) return codec_ok;
  return codec_fail_limit(error, codec_limit_memory, (uint64_t)row_bytes * ROWS_HELD,
                          "rows of %zu bytes are too wide for the memory that is allowed", row_bytes);
}

/// A file without a name, with room for so many bytes: a page that finds none later would be a signal, not an error.
static int spill_file(size_t size, codec_error *error) {
  const char *directory = getenv("TMPDIR");
  if (directory == NULL || directory[0] == 0) directory = "/tmp";
  char path[1024];
  int length = snprintf(path, sizeof path, "%s/imbrex-XXXXXX", directory);
  int fd = length > 0 && (size_t)length < sizeof path ? mkstemp(path) : -1, failure = fd < 0 ? errno : 0;
  if (fd >= 0) {
    unlink(path);
#ifdef __APPLE__
    if (ftruncate(fd, (off_t)size) != 0) failure = errno;
#else
    do failure = posix_fallocate(fd, 0, (off_t)size);
    while (failure == EINTR);
#endif
  }
  if (failure == 0) return fd;
  if (fd >= 0) close(fd);
  codec_fail(error, codec_limit, failure,
             "a temporary file of %zu bytes cannot be made (TMPDIR names another directory)", size);
  return -1;
}

bool codec_hold(codec_held *held, size_t row_bytes, uint32_t height, uint64_t max_memory, codec_error *error) {
  *held = (codec_held){0};
  int fd = -1, flags = MAP_PRIVATE | MAP_ANONYMOUS;
  if (!codec_multiply(row_bytes, height, &held->size) || held->size == 0) return codec_fail_memory(error), false;
  if (max_memory > 0 && held->size > max_memory) {
    fd = spill_file(held->size, error);
    if (fd < 0) return false;
    held->is_spilled = true;
    flags = MAP_SHARED;
  }
  void *bytes = mmap(NULL, held->size, PROT_READ | PROT_WRITE, flags, fd, 0);
  if (fd >= 0) close(fd);
  if (bytes == MAP_FAILED) return codec_fail_memory(error), false;
  held->bytes = bytes;
  return true;
}

void codec_held_touch(codec_held *held, size_t bytes) {
  held->touched += bytes;
  if (!held->is_spilled || held->touched < (size_t)4 << 20) return;
  // They stay in the file, and come back when they are looked at.
  madvise(held->bytes, held->size, MADV_DONTNEED);
  held->touched = 0;
}

void codec_held_free(codec_held *held) {
  if (held->bytes != NULL) munmap(held->bytes, held->size);
  *held = (codec_held){0};
}

// MARK: File descriptors

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

size_t codec_read_all(int fd, void *bytes, size_t count, int *system_errno) {
  size_t done = 0;
  *system_errno = 0;
  while (done < count) {
    ssize_t got = read(fd, (uint8_t *)bytes + done, smaller(count - done, LARGEST_TRANSFER));
    if (got == 0) break;
    if (got > 0) {
      done += (size_t)got;
    } else if (errno != EINTR) {
      *system_errno = errno;
      break;
    }
  }
  return done;
}

size_t codec_pread_all(int fd, void *bytes, size_t count, uint64_t offset, int *system_errno) {
  size_t done = 0;
  *system_errno = 0;
  // No file reaches there; off_t could not say it.
  if (offset > (uint64_t)INT64_MAX - count) return 0;
  while (done < count) {
    ssize_t got = pread(fd, (uint8_t *)bytes + done, smaller(count - done, LARGEST_TRANSFER), (off_t)(offset + done));
    if (got == 0) break;
    if (got > 0) {
      done += (size_t)got;
    } else if (errno != EINTR) {
      *system_errno = errno;
      break;
    }
  }
  return done;
}

int codec_write_all(int fd, const void *bytes, size_t count) {
  size_t done = 0;
  while (done < count) {
    ssize_t put = write(fd, (const uint8_t *)bytes + done, smaller(count - done, LARGEST_TRANSFER));
    if (put >= 0) {
      done += (size_t)put;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int codec_pwrite_all(int fd, const void *bytes, size_t count, uint64_t offset) {
  size_t done = 0;
  if (offset > (uint64_t)INT64_MAX - count) return EFBIG;
  while (done < count) {
    ssize_t put =
        pwrite(fd, (const uint8_t *)bytes + done, smaller(count - done, LARGEST_TRANSFER), (off_t)(offset + done));
    if (put >= 0) {
      done += (size_t)put;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

void codec_source_start(codec_source *source, const codec_input *input) {
  source->fd = input->fd;
  source->next = input->head;
  source->left = input->head != NULL ? input->head_count : 0;
  source->system_errno = 0;
  source->ended = false;
}

bool codec_source_fill(codec_source *source) {
  // One read() only: a pipe's bytes are used as they come. An end is remembered, so that a terminal is asked once.
  while (!source->ended) {
    ssize_t got = read(source->fd, source->buffer, sizeof source->buffer);
    if (got > 0) {
      source->next = source->buffer;
      source->left = (size_t)got;
      return true;
    }
    if (got < 0 && errno == EINTR) continue;
    source->ended = true;
    source->system_errno = got < 0 ? errno : 0;
  }
  return false;
}

size_t codec_source_read(codec_source *source, void *bytes, size_t count) {
  size_t done = 0;
  while (done < count) {
    if (source->left == 0) {
      // A large rest goes past the buffer.
      if (count - done >= CODEC_BUFFER_SIZE && !source->ended) {
        size_t wanted = count - done;
        size_t got = codec_read_all(source->fd, (uint8_t *)bytes + done, wanted, &source->system_errno);
        source->ended = got < wanted;
        return done + got;
      }
      if (!codec_source_fill(source)) break;
    }
    size_t part = smaller(source->left, count - done);
    memcpy((uint8_t *)bytes + done, source->next, part);
    source->next += part;
    source->left -= part;
    done += part;
  }
  return done;
}

int32_t codec_source_fail(const codec_source *source, codec_error *error, uint32_t row, uint32_t height) {
  if (source->system_errno != 0) return codec_fail_read(error, source->system_errno);
  return codec_fail_end(error, row, height);
}

int32_t codec_source_fail_header(const codec_source *source, codec_error *error) {
  if (source->system_errno != 0) return codec_fail_read(error, source->system_errno);
  return codec_fail(error, codec_truncated, 0, "the file ends within its header");
}

void codec_sink_start(codec_sink *sink, int fd) {
  sink->fd = fd;
  sink->system_errno = 0;
  sink->used = 0;
}

int codec_sink_flush(codec_sink *sink) {
  if (sink->system_errno == 0) sink->system_errno = codec_write_all(sink->fd, sink->buffer, sink->used);
  sink->used = 0;
  return sink->system_errno;
}

int codec_sink_write(codec_sink *sink, const void *bytes, size_t count) {
  if (count > CODEC_BUFFER_SIZE - sink->used) {
    if (codec_sink_flush(sink) != 0) return sink->system_errno;
    if (count >= CODEC_BUFFER_SIZE) return sink->system_errno = codec_write_all(sink->fd, bytes, count);
  }
  memcpy(sink->buffer + sink->used, bytes, count);
  sink->used += count;
  return sink->system_errno;
}
