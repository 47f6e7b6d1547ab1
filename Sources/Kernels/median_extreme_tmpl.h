// Medians: the least or the greatest sample of rectangles, down the columns and then along the row, by doubling.

#define DEFINE_EXTREMES(NAME, T)                                                                                       \
  static inline void KERNEL(NAME##_extremes)(const T *a, const T *b, int32_t greatest, T *dst, size_t n) {             \
    typedef KERNEL(NAME##_vector) V;                                                                                   \
    enum { L = VECTOR_BYTES / sizeof(T) };                                                                             \
    size_t i = 0;                                                                                                      \
    for (; i + L <= n; i += L) {                                                                                       \
      V first = *(const V *)(const void *)(a + i), second = *(const V *)(const void *)(b + i);                         \
      *(V *)(void *)(dst + i) = greatest ? UPPER(first, second) : LOWER(first, second);                                \
    }                                                                                                                  \
    for (; i < n; i++) dst[i] = greatest == (a[i] > b[i]) ? a[i] : b[i];                                               \
  }                                                                                                                    \
  static void KERNEL(extreme_##NAME)(const T *const *rows, size_t height, size_t width, size_t step, int32_t greatest, \
                                     T *dst, size_t n, T *spare) {                                                     \
    size_t count = n + (width - 1) * step, reach = 1;                                                                  \
    memcpy(spare, rows[0], count * sizeof(T));                                                                         \
    for (size_t k = 1; k < height; k++) KERNEL(NAME##_extremes)(spare, rows[k], greatest, spare, count);               \
    /* Each is that of `reach` samples to the right. What is read has not been written yet. */                         \
    for (; 2 * reach <= width; reach *= 2) {                                                                           \
      count -= reach * step;                                                                                           \
      KERNEL(NAME##_extremes)(spare, spare + reach * step, greatest, spare, count);                                    \
    }                                                                                                                  \
    KERNEL(NAME##_extremes)(spare, spare + (width - reach) * step, greatest, dst, n);                                  \
  }
DEFINE_EXTREMES(u8, uint8_t)
DEFINE_EXTREMES(u16, uint16_t)
DEFINE_EXTREMES(i32, int32_t)
#undef DEFINE_EXTREMES
