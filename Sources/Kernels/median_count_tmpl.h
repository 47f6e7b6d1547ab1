// Medians: counting.
//
// Windows of up to 255 8-bit samples: the median's bits are found from the highest, each by counting the samples below
// the value that it would make, for a vector of windows at once. There is no data-dependent branch, and windows may
// have any shape.

#define COUNT_MOST 255

typedef uint8_t KERNEL(u8_aligned) __attribute__((vector_size(VECTOR_BYTES)));

static void KERNEL(median_count_u8)(const uint8_t *const *rows, const int32_t *offsets, size_t count, uint32_t rank,
                                    uint8_t *dst, size_t n) {
  typedef KERNEL(u8_vector) V;
  size_t x = 0;
  if (n >= VECTOR_BYTES) {
    for (;;) {
      // Only between the least and the greatest of all the windows' samples is there anything to be found.
      V median = *(const V *)(const void *)(rows[0] + offsets[0] + x), greatest = median;
      for (size_t k = 1; k < count; k++) {
        V sample = *(const V *)(const void *)(rows[k] + offsets[k] + x);
        median = LOWER(median, sample);
        greatest = UPPER(greatest, sample);
      }
      unsigned range = __builtin_reduce_max((KERNEL(u8_aligned))(greatest - median));
      for (unsigned bit = range > 0 ? 1u << (31 - __builtin_clz(range)) : 0; bit > 0; bit >>= 1) {
        // At most 255, which is no more than the median if fewer than that are below.
        V below = {0}, limit = __builtin_elementwise_add_sat(median, (V)((V){0} + (uint8_t)bit));
        for (size_t k = 0; k < count; k++) {
          V sample = *(const V *)(const void *)(rows[k] + offsets[k] + x);
          below -= (V)(sample < limit);
        }
        // Not more than `rank` are below: the median is not, and has the bit.
        V has = (V)(below <= (uint8_t)rank);
        median = (median & ~has) | (limit & has);
      }
      *(V *)(void *)(dst + x) = median;
      if (x + VECTOR_BYTES == n) return;
      x = x + 2 * VECTOR_BYTES <= n ? x + VECTOR_BYTES : n - VECTOR_BYTES;
    }
  }
  for (; x < n; x++) {
    unsigned median = 0;
    for (unsigned bit = 128; bit > 0; bit >>= 1) {
      unsigned below = 0;
      for (size_t k = 0; k < count; k++) below += rows[k][(ptrdiff_t)x + offsets[k]] < median + bit;
      if (below <= rank) median += bit;
    }
    dst[x] = (uint8_t)median;
  }
}
