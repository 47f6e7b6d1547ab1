// Blob detection: responses of one scale, and peaks in scale space.

static void KERNEL(laplacian_f64)(const double *a, const double *b, double scale, double *dst, size_t n) {
  for (size_t x = 0; x < n; x++) dst[x] = -(a[x] + b[x]) * scale;
}

static void KERNEL(difference_f64)(const double *a, const double *b, double scale, double *dst, size_t n) {
  for (size_t x = 0; x < n; x++) dst[x] = (a[x] - b[x]) * scale;
}

static void KERNEL(peaks_f64)(const double *const *rows, double threshold, uint8_t *mask, size_t n) {
  const double *middle = rows[4];
  for (ptrdiff_t x = 0; x < (ptrdiff_t)n; x++) {
    double value = middle[x];
    int peak = value > threshold;
    for (int row = 0; row < 9; row++)
      peak &= (value >= rows[row][x - 1]) & (value >= rows[row][x]) & (value >= rows[row][x + 1]);
    mask[x] = (uint8_t)peak;
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

static inline double KERNEL(determinant)(const double *sums, double weight) {
  double dxy = -(sums[0] + sums[1] - sums[2] - sums[3]) * weight;
  double dxx = -(sums[4] - 3.0 * sums[5]) * weight;
  double dyy = -(sums[6] - 3.0 * sums[7]) * weight;
  return dxx * dyy - 0.81 * (dxy * dxy);
}

static void KERNEL(hessian_f64)(const hessian_box *boxes, double weight, size_t first, size_t width, double *dst,
                                size_t n) {
  // Columns whose boxes all lie inside the picture need no clamping.
  ptrdiff_t reach_left = 0, reach_right = 0;
  for (int b = 0; b < 8; b++) {
    if (-boxes[b].column > reach_left) reach_left = -boxes[b].column;
    if (boxes[b].column + boxes[b].columns > reach_right) reach_right = boxes[b].column + boxes[b].columns;
  }
  for (size_t k = 0; k < n; k++) {
    ptrdiff_t x = (ptrdiff_t)(first + k);
    double sums[8];
    if (x >= reach_left && x + reach_right < (ptrdiff_t)width) {
      for (int b = 0; b < 8; b++) {
        size_t left = (size_t)(x + boxes[b].column);
        sums[b] = KERNEL(box_sum)(&boxes[b], left, left + (size_t)boxes[b].columns);
      }
    } else {
      for (int b = 0; b < 8; b++) {
        size_t left = KERNEL(clamp_column)(x + boxes[b].column, width);
        sums[b] = KERNEL(box_sum)(&boxes[b], left, KERNEL(clamp_column)((ptrdiff_t)left + boxes[b].columns, width));
      }
    }
    dst[k] = KERNEL(determinant)(sums, weight);
  }
}
