// Correlation with symmetric and antisymmetric (`odd`) kernels, down columns and along rows.
//
// A block of BLOCK sums lives in registers while the taps pass by: the compiler turns the loops of fixed length into
// vectors. The last, partial block is done as a full one that ends at the row's end: its sums repeat, bit for bit,
// what has been written already.

#define DEFINE_CORRELATE_ROWS(NAME, IN, PAIR, OUT, WITH)                                                    \
  static inline void KERNEL(NAME##_one)(const IN *const *rows, const OUT *weights, size_t radius, OUT *dst, \
                                        size_t x) {                                                         \
    OUT sum = (OUT)rows[radius][x] * weights[0];                                                            \
    for (size_t k = radius; k > 0; k--)                                                                     \
      sum += (OUT)((PAIR)rows[radius + k][x] WITH(PAIR) rows[radius - k][x]) * weights[k];                  \
    dst[x] = sum;                                                                                           \
  }                                                                                                         \
  static void KERNEL(NAME)(const IN *const *rows, const OUT *weights, size_t radius, OUT *dst, size_t n) {  \
    if (n < BLOCK) {                                                                                        \
      for (size_t x = 0; x < n; x++) KERNEL(NAME##_one)(rows, weights, radius, dst, x);                     \
      return;                                                                                               \
    }                                                                                                       \
    for (size_t x = 0;;) {                                                                                  \
      OUT sum[BLOCK];                                                                                       \
      const IN *centre = rows[radius] + x;                                                                  \
      for (size_t i = 0; i < BLOCK; i++) sum[i] = (OUT)centre[i] * weights[0];                              \
      for (size_t k = radius; k > 0; k--) {                                                                 \
        const IN *above = rows[radius - k] + x, *below = rows[radius + k] + x;                              \
        OUT weight = weights[k];                                                                            \
        for (size_t i = 0; i < BLOCK; i++) sum[i] += (OUT)((PAIR)below[i] WITH(PAIR) above[i]) * weight;    \
      }                                                                                                     \
      for (size_t i = 0; i < BLOCK; i++) dst[x + i] = sum[i];                                               \
      if (x + BLOCK == n) return;                                                                           \
      x = x + 2 * BLOCK <= n ? x + BLOCK : n - BLOCK;                                                       \
    }                                                                                                       \
  }
DEFINE_CORRELATE_ROWS(correlate_rows_u8_f32, uint8_t, int32_t, float, +)
DEFINE_CORRELATE_ROWS(correlate_rows_u16_f32, uint16_t, int32_t, float, +)
DEFINE_CORRELATE_ROWS(correlate_rows_f32, float, float, float, +)
DEFINE_CORRELATE_ROWS(correlate_odd_rows_f32, float, float, float, -)
DEFINE_CORRELATE_ROWS(correlate_rows_f64, double, double, double, +)
DEFINE_CORRELATE_ROWS(correlate_odd_rows_f64, double, double, double, -)
#undef DEFINE_CORRELATE_ROWS

#define DEFINE_CORRELATE_ROW(NAME, TYPE, WITH)                                                                      \
  static void KERNEL(NAME)(const TYPE *src, const TYPE *weights, size_t radius, size_t step, TYPE *dst, size_t n) { \
    if (n < BLOCK) {                                                                                                \
      for (size_t x = 0; x < n; x++) {                                                                              \
        TYPE sum = src[x] * weights[0];                                                                             \
        for (size_t k = radius; k > 0; k--)                                                                         \
          sum += (src[x + k * step] WITH(src + x)[-(ptrdiff_t)(k * step)]) * weights[k];                            \
        dst[x] = sum;                                                                                               \
      }                                                                                                             \
      return;                                                                                                       \
    }                                                                                                               \
    for (size_t x = 0;;) {                                                                                          \
      TYPE sum[BLOCK];                                                                                              \
      const TYPE *centre = src + x;                                                                                 \
      for (size_t i = 0; i < BLOCK; i++) sum[i] = centre[i] * weights[0];                                           \
      for (size_t k = radius; k > 0; k--) {                                                                         \
        const TYPE *left = centre - k * step, *right = centre + k * step;                                           \
        TYPE weight = weights[k];                                                                                   \
        for (size_t i = 0; i < BLOCK; i++) sum[i] += (right[i] WITH left[i]) * weight;                              \
      }                                                                                                             \
      for (size_t i = 0; i < BLOCK; i++) dst[x + i] = sum[i];                                                       \
      if (x + BLOCK == n) return;                                                                                   \
      x = x + 2 * BLOCK <= n ? x + BLOCK : n - BLOCK;                                                               \
    }                                                                                                               \
  }
DEFINE_CORRELATE_ROW(correlate_row_f32, float, +)
DEFINE_CORRELATE_ROW(correlate_odd_row_f32, float, -)
DEFINE_CORRELATE_ROW(correlate_row_f64, double, +)
DEFINE_CORRELATE_ROW(correlate_odd_row_f64, double, -)
#undef DEFINE_CORRELATE_ROW

// Interpolation between the points of a coarser grid: cubic B-splines reach two points to either side.

static void KERNEL(blend_row_f32)(const float *src, size_t step, const float *weights, size_t pitch, float *dst,
                                  size_t n) {
  for (size_t x = 0; x < n; x++) {
    float sum = src[x] * weights[x];
    for (size_t k = 1; k < 4; k++) sum += src[x + k * step] * weights[x + k * pitch];
    dst[x] = sum;
  }
}

static void KERNEL(blend_rows_u8)(const float *const *rows, const float *weights, uint8_t *dst, size_t n) {
  const float *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3];
  float wa = weights[0], wb = weights[1], wc = weights[2], wd = weights[3];
  for (size_t x = 0; x < n; x++) {
    float sum = a[x] * wa + b[x] * wb + c[x] * wc + d[x] * wd + 0.5f;
    sum = sum < 0 ? 0 : sum;
    sum = sum > 255 ? 255 : sum;
    dst[x] = (uint8_t)(int32_t)sum;
  }
}
