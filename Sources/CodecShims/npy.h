// What the parts of the NumPy codec share: its header (npy_header.c), rows in (npy_read.c) and out (npy_write.c).
#ifndef IMBREX_NPY_H
#define IMBREX_NPY_H

#include "io.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// The magic number, and what a header takes at most: NumPy itself reads 10,000 bytes.
#define NPY_MAGIC "\x93NUMPY"
enum { npy_magic_count = 6, npy_most_header_bytes = 65536 };

/// Turns the bytes of numbers around, in place.
static inline void npy_swap(void *numbers, size_t number_bytes, size_t count) {
  if (number_bytes == 2) codec_swap16(numbers, count);
  if (number_bytes == 4) codec_swap32(numbers, count);
  if (number_bytes == 8) codec_swap64(numbers, count);
}

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
