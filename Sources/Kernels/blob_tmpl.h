// Blob detection: responses of one scale, and peaks in scale space.

// Sums down a column as wide as a cache line, then transposed: two such passes are a separable filter, both of them
// with aligned loads from the nearest cache, whatever the radius. SUM_ROWS sums below one another are made at a time,
// and rows that they share are loaded once for SUM_ROWS taps.

#define SUM_ROWS 4
#define LOAD_F64S(at) ((KERNEL(f64s)) * (const KERNEL(f64s_anywhere) *)(at))
enum { KERNEL(lanes_f32) = VECTOR_BYTES / 4 };
typedef float KERNEL(f32s) __attribute__((ext_vector_type(KERNEL(lanes_f32))));
typedef float KERNEL(f32s_anywhere) __attribute__((ext_vector_type(KERNEL(lanes_f32)), aligned(4)));

// T: the samples' type; COLUMN of them are a cache line.
#define DEFINE_SCALE_SPACE(NAME, T, COLUMN)                                                                          \
  /* `centre` is the first sum's row in the column. */                                                               \
  static inline __attribute__((always_inline)) void KERNEL(sum_down_##NAME)(                                         \
      const T *centre, const T *const *weights, size_t radius, size_t kernels, T(*sums)[SUM_ROWS][COLUMN]) {         \
    typedef KERNEL(NAME##s) V;                                                                                       \
    typedef KERNEL(NAME##s_anywhere) Anywhere;                                                                       \
    for (size_t v = 0; v < COLUMN; v += KERNEL(lanes_##NAME)) {                                                      \
      const T *at = centre + v;                                                                                      \
      V acc[2][SUM_ROWS];                                                                                            \
      for (size_t m = 0; m < kernels; m++)                                                                           \
        for (size_t i = 0; i < SUM_ROWS; i++) acc[m][i] = (V) * (const Anywhere *)(at + i * COLUMN) * weights[m][0]; \
      size_t k = radius;                                                                                             \
      for (; k >= SUM_ROWS; k -= SUM_ROWS) {                                                                         \
        V above[2 * SUM_ROWS - 1], below[2 * SUM_ROWS - 1];                                                          \
        for (size_t i = 0; i < 2 * SUM_ROWS - 1; i++) {                                                              \
          above[i] = *(const Anywhere *)(at + i * COLUMN - k * COLUMN);                                              \
          below[i] = *(const Anywhere *)(at + (k + i - (SUM_ROWS - 1)) * COLUMN);                                    \
        }                                                                                                            \
        for (size_t step = 0; step < SUM_ROWS; step++)                                                               \
          for (size_t i = 0; i < SUM_ROWS; i++) {                                                                    \
            V pair = above[i + step] + below[i + SUM_ROWS - 1 - step];                                               \
            for (size_t m = 0; m < kernels; m++) acc[m][i] += pair * weights[m][k - step];                           \
          }                                                                                                          \
      }                                                                                                              \
      for (; k > 0; k--)                                                                                             \
        for (size_t i = 0; i < SUM_ROWS; i++) {                                                                      \
          V pair =                                                                                                   \
              (V) * (const Anywhere *)(at + i * COLUMN - k * COLUMN) + *(const Anywhere *)(at + (i + k) * COLUMN);   \
          for (size_t m = 0; m < kernels; m++) acc[m][i] += pair * weights[m][k];                                    \
        }                                                                                                            \
      for (size_t m = 0; m < kernels; m++)                                                                           \
        for (size_t i = 0; i < SUM_ROWS; i++) *(Anywhere *)&sums[m][i][v] = acc[m][i];                               \
    }                                                                                                                \
  }                                                                                                                  \
                                                                                                                     \
  static inline __attribute__((always_inline)) void KERNEL(sum_columns_##NAME)(                                      \
      const T *const *rows, const T *const *weights, size_t radius, size_t kernels, T *const *dst, size_t pitch,     \
      size_t width, size_t height, T *column) {                                                                      \
    for (size_t x = 0; x < width; x += COLUMN) {                                                                     \
      size_t wide = width - x < COLUMN ? width - x : COLUMN;                                                         \
      T *to = column;                                                                                                \
      if (wide == COLUMN)                                                                                            \
        for (size_t y = 0; y < height + 2 * radius; y++, to += COLUMN) memcpy(to, rows[y] + x, COLUMN * sizeof(T));  \
      else                                                                                                           \
        for (size_t y = 0; y < height + 2 * radius; y++, to += COLUMN) memcpy(to, rows[y] + x, wide * sizeof(T));    \
      for (size_t y = 0; y < height; y += SUM_ROWS) {                                                                \
        T sums[2][SUM_ROWS][COLUMN];                                                                                 \
        KERNEL(sum_down_##NAME)(column + (y + radius) * COLUMN, weights, radius, kernels, sums);                     \
        size_t high = height - y < SUM_ROWS ? height - y : SUM_ROWS;                                                 \
        for (size_t m = 0; m < kernels; m++)                                                                         \
          for (size_t j = 0; j < wide; j++)                                                                          \
            for (size_t i = 0; i < high; i++) dst[m][(x + j) * pitch + y + i] = sums[m][i][j];                       \
      }                                                                                                              \
    }                                                                                                                \
  }                                                                                                                  \
                                                                                                                     \
  static void KERNEL(correlate_columns_##NAME)(const T *const *rows, const T *const *weights, size_t radius,         \
                                               size_t kernels, T *const *dst, size_t pitch, size_t width,            \
                                               size_t height, T *column) {                                           \
    /* Beyond the last row and column, what is there is added up too, and dropped. */                                \
    memset(column, 0, (height + SUM_ROWS + 2 * radius) * COLUMN * sizeof(T));                                        \
    if (kernels == 1)                                                                                                \
      KERNEL(sum_columns_##NAME)(rows, weights, radius, 1, dst, pitch, width, height, column);                       \
    else                                                                                                             \
      KERNEL(sum_columns_##NAME)(rows, weights, radius, 2, dst, pitch, width, height, column);                       \
  }                                                                                                                  \
                                                                                                                     \
  static void KERNEL(laplacian_##NAME)(const T *a, const T *b, T scale, T *dst, size_t n) {                          \
    for (size_t x = 0; x < n; x++) dst[x] = -(a[x] + b[x]) * scale;                                                  \
  }                                                                                                                  \
                                                                                                                     \
  static void KERNEL(difference_##NAME)(const T *a, const T *b, T scale, T *dst, size_t n) {                         \
    for (size_t x = 0; x < n; x++) dst[x] = (a[x] - b[x]) * scale;                                                   \
  }                                                                                                                  \
                                                                                                                     \
  static void KERNEL(peaks_##NAME)(const T *const *rows, T threshold, uint8_t *mask, size_t n) {                     \
    enum { GROUP = 32 };                                                                                             \
    const T *middle = rows[4];                                                                                       \
    for (size_t first = 0; first < n; first += GROUP) {                                                              \
      ptrdiff_t end = (ptrdiff_t)(n - first < GROUP ? n : first + GROUP);                                            \
      int any = 0;                                                                                                   \
      for (ptrdiff_t x = (ptrdiff_t)first; x < end; x++) any |= middle[x] > threshold;                               \
      if (!any) {                                                                                                    \
        for (ptrdiff_t x = (ptrdiff_t)first; x < end; x++) mask[x] = 0;                                              \
        continue;                                                                                                    \
      }                                                                                                              \
      for (ptrdiff_t x = (ptrdiff_t)first; x < end; x++) {                                                           \
        T value = middle[x];                                                                                         \
        int peak = value > threshold;                                                                                \
        for (int row = 0; row < 9; row++)                                                                            \
          peak &= (value >= rows[row][x - 1]) & (value >= rows[row][x]) & (value >= rows[row][x + 1]);               \
        mask[x] = (uint8_t)peak;                                                                                     \
      }                                                                                                              \
    }                                                                                                                \
  }                                                                                                                  \
                                                                                                                     \
  static void KERNEL(range_##NAME)(const T *src, size_t n, T *least, T *greatest) {                                  \
    T low = *least, high = *greatest;                                                                                \
    for (size_t x = 0; x < n; x++) {                                                                                 \
      low = src[x] < low ? src[x] : low;                                                                             \
      high = src[x] > high ? src[x] : high;                                                                          \
    }                                                                                                                \
    *least = low;                                                                                                    \
    *greatest = high;                                                                                                \
  }
DEFINE_SCALE_SPACE(f32, float, 16)
DEFINE_SCALE_SPACE(f64, double, 8)
#undef DEFINE_SCALE_SPACE
#undef SUM_ROWS

static inline size_t KERNEL(clamp_column)(ptrdiff_t column, size_t width) {
  return column < 0 ? 0 : column >= (ptrdiff_t)width ? width - 1 : (size_t)column;
}

// The sum of a box, never below 0, with the corner columns already known.
static inline double KERNEL(box_sum)(const hessian_box *box, size_t left, size_t right) {
  double sum = box->top[left] + box->bottom[right] - box->top[right] - box->bottom[left];
  return sum > 0.0 ? sum : 0.0;
}

#define DEFINE_DETERMINANT(NAME, T)                            \
  static inline T KERNEL(NAME)(const T *sums, double weight) { \
    T dxy = -(sums[0] + sums[1] - sums[2] - sums[3]) * weight; \
    T dxx = -(sums[4] - 3.0 * sums[5]) * weight;               \
    T dyy = -(sums[6] - 3.0 * sums[7]) * weight;               \
    return dxx * dyy - 0.81 * (dxy * dxy);                     \
  }
DEFINE_DETERMINANT(determinant, double)
DEFINE_DETERMINANT(determinants, KERNEL(f64s))
#undef DEFINE_DETERMINANT

static double KERNEL(hessian_at)(const hessian_box *boxes, double weight, ptrdiff_t x, size_t width) {
  double sums[8];
  for (int b = 0; b < 8; b++) {
    size_t left = KERNEL(clamp_column)(x + boxes[b].column, width);
    sums[b] = KERNEL(box_sum)(&boxes[b], left, KERNEL(clamp_column)((ptrdiff_t)left + boxes[b].columns, width));
  }
  return KERNEL(determinant)(sums, weight);
}

static void KERNEL(hessian_f64)(const hessian_box *boxes, double weight, size_t first, size_t width, double *dst,
                                size_t n) {
  // Columns whose boxes all lie inside the picture need no clamping.
  ptrdiff_t reach_left = 0, reach_right = 0, lanes = KERNEL(lanes_f64);
  for (int b = 0; b < 8; b++) {
    if (-boxes[b].column > reach_left) reach_left = -boxes[b].column;
    if (boxes[b].column + boxes[b].columns > reach_right) reach_right = boxes[b].column + boxes[b].columns;
  }
  ptrdiff_t x = (ptrdiff_t)first, end = (ptrdiff_t)(first + n), inside = (ptrdiff_t)width - reach_right;
  ptrdiff_t start = x;
  for (; x < end && x < reach_left; x++) dst[x - start] = KERNEL(hessian_at)(boxes, weight, x, width);
  for (; x + lanes <= end && x + lanes <= inside; x += lanes) {
    KERNEL(f64s) sums[8];
    for (int b = 0; b < 8; b++) {
      const double *top = boxes[b].top + x + boxes[b].column, *bottom = boxes[b].bottom + x + boxes[b].column;
      ptrdiff_t right = boxes[b].columns;
      KERNEL(f64s) sum = LOAD_F64S(top) + LOAD_F64S(bottom + right) - LOAD_F64S(top + right) - LOAD_F64S(bottom);
      sums[b] = sum > 0.0 ? sum : (KERNEL(f64s)){0};
    }
    *(KERNEL(f64s_anywhere) *)&dst[x - start] = KERNEL(determinants)(sums, weight);
  }
  for (; x < end; x++) dst[x - start] = KERNEL(hessian_at)(boxes, weight, x, width);
}
