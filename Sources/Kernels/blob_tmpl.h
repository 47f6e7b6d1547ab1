// Blob detection: responses of one scale, and peaks in scale space.

// Sums down a column as wide as a cache line, then transposed: two such passes are a separable filter, both of them
// with aligned loads from the nearest cache, whatever the radius.

#define COLUMN 8  // doubles
#define SUM_ROWS 4
#define LOAD_F64S(at) ((KERNEL(f64s)) * (const KERNEL(f64s_anywhere) *)(at))

/// SUM_ROWS sums below one another, of one or two kernels; `centre` is the first one's row in the column. Rows that
/// neighbouring sums share are loaded once for SUM_ROWS taps.
static inline __attribute__((always_inline)) void KERNEL(sum_down)(const double *centre, const double *const *weights,
                                                                   size_t radius, size_t kernels,
                                                                   double (*sums)[SUM_ROWS][COLUMN]) {
  for (size_t v = 0; v < COLUMN; v += KERNEL(lanes_f64)) {
    const double *at = centre + v;
    KERNEL(f64s) acc[2][SUM_ROWS];
    for (size_t m = 0; m < kernels; m++)
      for (size_t i = 0; i < SUM_ROWS; i++) acc[m][i] = LOAD_F64S(at + i * COLUMN) * weights[m][0];
    size_t k = radius;
    for (; k >= SUM_ROWS; k -= SUM_ROWS) {
      KERNEL(f64s) above[2 * SUM_ROWS - 1], below[2 * SUM_ROWS - 1];
      for (size_t i = 0; i < 2 * SUM_ROWS - 1; i++) {
        above[i] = LOAD_F64S(at + i * COLUMN - k * COLUMN);
        below[i] = LOAD_F64S(at + (k + i - (SUM_ROWS - 1)) * COLUMN);
      }
      for (size_t step = 0; step < SUM_ROWS; step++)
        for (size_t i = 0; i < SUM_ROWS; i++) {
          KERNEL(f64s) pair = above[i + step] + below[i + SUM_ROWS - 1 - step];
          for (size_t m = 0; m < kernels; m++) acc[m][i] += pair * weights[m][k - step];
        }
    }
    for (; k > 0; k--)
      for (size_t i = 0; i < SUM_ROWS; i++) {
        KERNEL(f64s) pair = LOAD_F64S(at + i * COLUMN - k * COLUMN) + LOAD_F64S(at + (i + k) * COLUMN);
        for (size_t m = 0; m < kernels; m++) acc[m][i] += pair * weights[m][k];
      }
    for (size_t m = 0; m < kernels; m++)
      for (size_t i = 0; i < SUM_ROWS; i++) *(KERNEL(f64s_anywhere) *)&sums[m][i][v] = acc[m][i];
  }
}

static inline __attribute__((always_inline)) void KERNEL(sum_columns)(const double *const *rows,
                                                                      const double *const *weights, size_t radius,
                                                                      size_t kernels, double *const *dst, size_t pitch,
                                                                      size_t width, size_t height, double *column) {
  for (size_t x = 0; x < width; x += COLUMN) {
    size_t wide = width - x < COLUMN ? width - x : COLUMN;
    double *to = column;
    for (size_t y = 0; y < height + 2 * radius; y++, to += COLUMN)
      for (size_t i = 0; i < wide; i++) to[i] = rows[y][x + i];
    for (size_t y = 0; y < height; y += SUM_ROWS) {
      double sums[2][SUM_ROWS][COLUMN];
      KERNEL(sum_down)(column + (y + radius) * COLUMN, weights, radius, kernels, sums);
      size_t high = height - y < SUM_ROWS ? height - y : SUM_ROWS;
      for (size_t m = 0; m < kernels; m++)
        for (size_t j = 0; j < wide; j++)
          for (size_t i = 0; i < high; i++) dst[m][(x + j) * pitch + y + i] = sums[m][i][j];
    }
  }
}

static void KERNEL(correlate_columns_f64)(const double *const *rows, const double *const *weights, size_t radius,
                                          size_t kernels, double *const *dst, size_t pitch, size_t width, size_t height,
                                          double *column) {
  // Beyond the last row and column, what is there is added up too, and dropped.
  size_t length = (height + SUM_ROWS + 2 * radius) * COLUMN;
  for (size_t i = 0; i < length; i++) column[i] = 0;
  if (kernels == 1)
    KERNEL(sum_columns)(rows, weights, radius, 1, dst, pitch, width, height, column);
  else
    KERNEL(sum_columns)(rows, weights, radius, 2, dst, pitch, width, height, column);
}

static void KERNEL(laplacian_f64)(const double *a, const double *b, double scale, double *dst, size_t n) {
  for (size_t x = 0; x < n; x++) dst[x] = -(a[x] + b[x]) * scale;
}

static void KERNEL(difference_f64)(const double *a, const double *b, double scale, double *dst, size_t n) {
  for (size_t x = 0; x < n; x++) dst[x] = (a[x] - b[x]) * scale;
}

static void KERNEL(peaks_f64)(const double *const *rows, double threshold, uint8_t *mask, size_t n) {
  enum { GROUP = 32 };
  const double *middle = rows[4];
  for (size_t first = 0; first < n; first += GROUP) {
    ptrdiff_t end = (ptrdiff_t)(n - first < GROUP ? n : first + GROUP);
    int any = 0;
    for (ptrdiff_t x = (ptrdiff_t)first; x < end; x++) any |= middle[x] > threshold;
    if (!any) {
      for (ptrdiff_t x = (ptrdiff_t)first; x < end; x++) mask[x] = 0;
      continue;
    }
    for (ptrdiff_t x = (ptrdiff_t)first; x < end; x++) {
      double value = middle[x];
      int peak = value > threshold;
      for (int row = 0; row < 9; row++)
        peak &= (value >= rows[row][x - 1]) & (value >= rows[row][x]) & (value >= rows[row][x + 1]);
      mask[x] = (uint8_t)peak;
    }
  }
}

static void KERNEL(range_f64)(const double *src, size_t n, double *least, double *greatest) {
  double low = *least, high = *greatest;
  for (size_t x = 0; x < n; x++) {
    low = src[x] < low ? src[x] : low;
    high = src[x] > high ? src[x] : high;
  }
  *least = low;
  *greatest = high;
}

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
