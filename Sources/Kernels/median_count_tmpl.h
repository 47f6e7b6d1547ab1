// Medians: counting.
//
// Windows of up to 255 samples: the median's bits are found from the highest, each by counting the samples below the
// value that it would make, for a vector of windows at once. There is no data-dependent branch, and windows may have
// any shape.

#define COUNT_MOST 255

// T: sample; U: the unsigned type of its size, whose numbers `flip` makes sort as the samples do.
#define DEFINE_COUNTED(NAME, T, U, flip)                                                                             \
  typedef U KERNEL(NAME##_aligned) __attribute__((vector_size(VECTOR_BYTES)));                                       \
  typedef U KERNEL(NAME##_counted) __attribute__((vector_size(VECTOR_BYTES), aligned(1), may_alias));                \
  static void KERNEL(median_count_##NAME)(const T *const *rows, const int32_t *offsets, size_t count, uint32_t rank, \
                                          T *dst, size_t n) {                                                        \
    typedef KERNEL(NAME##_counted) V;                                                                                \
    enum { L = VECTOR_BYTES / sizeof(T) };                                                                           \
    size_t x = 0;                                                                                                    \
    if (n >= L) {                                                                                                    \
      for (;;) {                                                                                                     \
        /* Only between the least and the greatest of all the windows' samples is there anything to be found. */     \
        V median = *(const V *)(const void *)(rows[0] + offsets[0] + x) ^ flip, greatest = median;                   \
        for (size_t k = 1; k < count; k++) {                                                                         \
          V sample = *(const V *)(const void *)(rows[k] + offsets[k] + x) ^ flip;                                    \
          median = LOWER(median, sample);                                                                            \
          greatest = UPPER(greatest, sample);                                                                        \
        }                                                                                                            \
        U range = __builtin_reduce_max((KERNEL(NAME##_aligned))(greatest - median));                                 \
        for (U bit = range > 0 ? (U)(1u << (31 - __builtin_clz(range))) : 0; bit > 0; bit >>= 1) {                   \
          /* At most all bits, which is no more than the median if fewer than that are below. */                     \
          V below = {0}, limit = __builtin_elementwise_add_sat(median, (V)((V){0} + bit));                           \
          for (size_t k = 0; k < count; k++) {                                                                       \
            V sample = *(const V *)(const void *)(rows[k] + offsets[k] + x) ^ flip;                                  \
            below -= (V)(sample < limit);                                                                            \
          }                                                                                                          \
          /* Not more than `rank` are below: the median is not, and has the bit. */                                  \
          V has = (V)(below <= (U)rank);                                                                             \
          median = (median & ~has) | (limit & has);                                                                  \
        }                                                                                                            \
        *(V *)(void *)(dst + x) = median ^ flip;                                                                     \
        if (x + L == n) return;                                                                                      \
        x = x + 2 * L <= n ? x + L : n - L;                                                                          \
      }                                                                                                              \
    }                                                                                                                \
    for (; x < n; x++) {                                                                                             \
      U median = 0;                                                                                                  \
      for (U bit = (U)((U)1 << (8 * sizeof(T) - 1)); bit > 0; bit >>= 1) {                                           \
        unsigned below = 0;                                                                                          \
        for (size_t k = 0; k < count; k++)                                                                           \
          below += ((U)rows[k][(ptrdiff_t)x + offsets[k]] ^ flip) < (U)(median + bit);                               \
        if (below <= rank) median = (U)(median + bit);                                                               \
      }                                                                                                              \
      dst[x] = (T)(median ^ flip);                                                                                   \
    }                                                                                                                \
  }
DEFINE_COUNTED(u8, uint8_t, uint8_t, (uint8_t)0)
DEFINE_COUNTED(u16, uint16_t, uint16_t, (uint16_t)0)
DEFINE_COUNTED(i32, int32_t, uint32_t, (uint32_t)1 << 31)
#undef DEFINE_COUNTED
