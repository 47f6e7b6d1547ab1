// What the codecs share: error filling, bytes in and out of a file descriptor, and checks of sizes and headers.
#ifndef IMBREX_CODEC_IO_H
#define IMBREX_CODEC_IO_H

// ssize_t, pread and friends also where the compiler is asked for plain C11.
#if !defined(__APPLE__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE  // MAP_ANONYMOUS, mkstemp
#endif

#include "CodecShims.h"

#include <stdbool.h>
#include <sys/types.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define CODEC_BIG_ENDIAN_HOST 1
#else
#define CODEC_BIG_ENDIAN_HOST 0
#endif

#if defined(__GNUC__)
#define CODEC_PRINTF(template, first) __attribute__((format(printf, template, first)))
#else
#define CODEC_PRINTF(template, first)
#endif

#define CODEC_BUFFER_SIZE ((size_t)64 * 1024)

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

// MARK: Errors

/// Fills in `error` (message tidied to the contract's style) and returns `status`.
int32_t codec_fail(codec_error *error, codec_status status, int system_errno, const char *format, ...)
    CODEC_PRINTF(4, 5);
/// The same of a limit that the caller set: it would have to be `needed`.
int32_t codec_fail_limit(codec_error *error, codec_limit_kind limit, uint64_t needed, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int32_t codec_fail_memory(codec_error *error);
int32_t codec_fail_read(codec_error *error, int system_errno);
int32_t codec_fail_write(codec_error *error, int system_errno);
/// The data ended after `row` of `height` rows.
int32_t codec_fail_end(codec_error *error, uint32_t row, uint32_t height);
/// Hands out what a handle has recorded: leaves `error` alone and returns codec_ok if that is no failure.
int32_t codec_report(const codec_error *failure, codec_error *error);

// MARK: Checks

/// False on overflow.
bool codec_multiply(size_t a, size_t b, size_t *product);
size_t codec_sample_size(int32_t sample_type);
/// Bytes of one packed row.
size_t codec_row_bytes(const codec_header *header);
/// At least one pixel, int32 sides, and no more than `max_pixels`.
int32_t codec_check_size(uint64_t width, uint64_t height, uint64_t max_pixels, codec_error *error);
/// A header a writer was given describes a picture at all.
int32_t codec_check_header(const codec_header *header, codec_error *error);
/// No more than gray or RGB with 8 or 16 bits or, where `floats`, 32-bit floats: what simple formats hold.
int32_t codec_check_simple(const codec_header *header, const char *format, bool floats, codec_error *error);
/// `count` more rows after `done` are not too many.
int32_t codec_check_rows(uint32_t done, uint32_t count, uint32_t height, codec_error *error);
/// A window, not empty, lies in its picture.
int32_t codec_check_window(uint32_t x, uint32_t y, uint32_t width, uint32_t height, uint32_t picture_width,
                           uint32_t picture_height, codec_error *error);
/// All rows have been written.
int32_t codec_check_complete(uint32_t done, uint32_t height, codec_error *error);

/// Memory for all rows, or null.
/// Copies packed rows to rows of another stride or back.
void codec_copy_rows(void *to, size_t to_stride, const void *from, size_t from_stride, size_t row_bytes,
                     uint32_t count);
void codec_swap16(void *samples, size_t count);
void codec_swap32(void *samples, size_t count);
void codec_swap64(void *samples, size_t count);

/// Something that a codec must hold whole: in memory up to a limit, else in a file without a name in TMPDIR.
typedef struct codec_held {
  uint8_t *_Nullable bytes;  ///< Zeroed at first; null where there is nothing.
  size_t size;
  size_t touched;  ///< Since its pages were last let go.
  bool is_spilled;
} codec_held;

/// Makes it.
///
/// @param max_memory  Bytes that may be in memory; 0: any.
/// @return False if there is no room; then `error` says why.
bool codec_hold(codec_held *held, size_t row_bytes, uint32_t height, uint64_t max_memory, codec_error *error);
/// To be called for bytes that have been worked on: what is in a file does not stay in memory too.
void codec_held_touch(codec_held *held, size_t bytes);
/// Gives it back; nothing happens where there is nothing.
void codec_held_free(codec_held *held);

/// 1…100: the quality whose tables (64 numbers in rows; the second may be null, or the first) are nearest.
int32_t codec_jpeg_quality(const uint16_t *luminance, const uint16_t *_Nullable chrominance);

/// Bytes of the file, if it is one that has a size, else 0.
uint64_t codec_file_size(int fd);
/// A picture of `units` that are coded in at least one bit each (or a share of one) is too large for its file.
int32_t codec_check_plausible(const codec_input *input, double least_bytes, const codec_header *header,
                              codec_error *error);

// MARK: File descriptors

/// read() until `count` bytes or the end; fewer than `count` with `*system_errno` 0 is the end.
size_t codec_read_all(int fd, void *bytes, size_t count, int *system_errno);
size_t codec_pread_all(int fd, void *bytes, size_t count, uint64_t offset, int *system_errno);
/// 0, or errno.
int codec_write_all(int fd, const void *bytes, size_t count);
int codec_pwrite_all(int fd, const void *bytes, size_t count, uint64_t offset);

/// Buffered bytes of a `codec_input`: its head, then its fd.
typedef struct codec_source {
  const uint8_t *next;
  size_t left;  ///< Bytes at `next`.
  int fd;
  int system_errno;  ///< Why reading stopped, or 0 for the end.
  bool ended;
  uint8_t buffer[CODEC_BUFFER_SIZE];
} codec_source;

void codec_source_start(codec_source *source, const codec_input *input);
/// With none left, gets more; false at the end or on an error.
bool codec_source_fill(codec_source *source);
/// The bytes got, fewer than `count` at the end or on an error.
size_t codec_source_read(codec_source *source, void *bytes, size_t count);
/// As `codec_fail_end`, or the read error there was.
int32_t codec_source_fail(const codec_source *source, codec_error *error, uint32_t row, uint32_t height);
/// The same within the header.
int32_t codec_source_fail_header(const codec_source *source, codec_error *error);

/// The next byte, or -1.
static inline int codec_source_byte(codec_source *source) {
  if (source->left == 0 && !codec_source_fill(source)) return -1;
  source->left--;
  return *source->next++;
}

/// Buffered bytes to a file descriptor. Functions return 0 or errno, and once failed go on failing.
typedef struct codec_sink {
  int fd;
  int system_errno;
  size_t used;
  uint8_t buffer[CODEC_BUFFER_SIZE];
} codec_sink;

void codec_sink_start(codec_sink *sink, int fd);
int codec_sink_write(codec_sink *sink, const void *bytes, size_t count);
int codec_sink_flush(codec_sink *sink);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
