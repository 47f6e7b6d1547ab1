// Values of TIFF fields: their sizes and byte order.
#ifndef IMBREX_TIFF_VALUES_H
#define IMBREX_TIFF_VALUES_H

#include "tiff.h"

#include <string.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

static const uint8_t type_sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};

static inline size_t type_size(uint16_t type) { return type < sizeof type_sizes ? type_sizes[type] : 0; }

/// Bytes that are swapped as one.
static inline size_t unit_size(uint16_t type) {
  return type == TIFF_RATIONAL || type == TIFF_SRATIONAL ? 4 : type_size(type);
}

static inline void swap_values(void *values, size_t unit, size_t bytes) {
  uint8_t *at = values;
  for (size_t i = 0; unit > 1 && i + unit <= bytes; i += unit) {
    for (size_t a = 0, b = unit - 1; a < b; a++, b--) {
      uint8_t byte = at[i + a];
      at[i + a] = at[i + b];
      at[i + b] = byte;
    }
  }
}

static inline uint64_t number_at(const uint8_t *bytes, size_t size) {
  uint16_t half;
  uint32_t word;
  uint64_t number;
  switch (size) {
    case 2: memcpy(&half, bytes, 2); return half;
    case 4: memcpy(&word, bytes, 4); return word;
    default: memcpy(&number, bytes, 8); return number;
  }
}

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
