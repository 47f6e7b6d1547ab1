// Gradient operators. `rows` come top to bottom, the pixel's own row in the middle.

// Differences down (or across) with the 5-tap derivative, of one column (or row).
#define DIFFERENCE5(m2, m1, p1, p2) (((p1) - (m1)) * derivative[1] + ((p2) - (m2)) * derivative[2])

#define DEFINE_GRADIENTS(type, number)                                                                                 \
  static void KERNEL(gradient3_##type)(const number *const *rows, const number *smooth, size_t step,                   \
                                       number *horizontal, number *vertical, size_t n) {                               \
    const number *above = rows[0], *here = rows[1], *below = rows[2];                                                  \
    ptrdiff_t s = (ptrdiff_t)step;                                                                                     \
    for (ptrdiff_t x = 0; x < (ptrdiff_t)n; x++) {                                                                     \
      number left = below[x - s] - above[x - s], middle = below[x] - above[x], right = below[x + s] - above[x + s];    \
      horizontal[x] = middle * smooth[0] + (left + right) * smooth[1];                                                 \
      number up = above[x + s] - above[x - s], across = here[x + s] - here[x - s], down = below[x + s] - below[x - s]; \
      vertical[x] = across * smooth[0] + (up + down) * smooth[1];                                                      \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  static void KERNEL(gradient5_##type)(const number *const *rows, const number *smooth, const number *derivative,      \
                                       size_t step, number *horizontal, number *vertical, size_t n) {                  \
    ptrdiff_t s = (ptrdiff_t)step;                                                                                     \
    for (ptrdiff_t x = 0; x < (ptrdiff_t)n; x++) {                                                                     \
      number down[5], across[5];                                                                                       \
      for (int k = 0; k < 5; k++) {                                                                                    \
        ptrdiff_t column = x + (k - 2) * s;                                                                            \
        down[k] = DIFFERENCE5(rows[0][column], rows[1][column], rows[3][column], rows[4][column]);                     \
        across[k] = DIFFERENCE5(rows[k][x - 2 * s], rows[k][x - s], rows[k][x + s], rows[k][x + 2 * s]);               \
      }                                                                                                                \
      horizontal[x] = down[2] * smooth[0] + (down[1] + down[3]) * smooth[1] + (down[0] + down[4]) * smooth[2];         \
      vertical[x] = across[2] * smooth[0] + (across[1] + across[3]) * smooth[1] + (across[0] + across[4]) * smooth[2]; \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  static void KERNEL(roberts_##type)(const number *const *rows, size_t step, number *positive, number *negative,       \
                                     size_t n) {                                                                       \
    const number *here = rows[0], *below = rows[1];                                                                    \
    for (size_t x = 0; x < n; x++) {                                                                                   \
      positive[x] = below[x + step] - here[x];                                                                         \
      negative[x] = below[x] - here[x + step];                                                                         \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  static void KERNEL(magnitude_##type)(const number *a, const number *b, number scale, number *dst, size_t n) {        \
    for (size_t x = 0; x < n; x++) dst[x] = __builtin_elementwise_sqrt(a[x] * a[x] + b[x] * b[x]) * scale;             \
  }

DEFINE_GRADIENTS(f32, float)
DEFINE_GRADIENTS(f64, double)
#undef DEFINE_GRADIENTS
#undef DIFFERENCE5

// Sobel's magnitude of 8-bit samples in one pass: H² + V² of the unnormalised responses is a whole number below 2²⁴,
// and √((H / 4)² + (V / 4)²) / √2 = √((H² + V²) / 32).
static inline uint8_t KERNEL(sobel_one)(const uint8_t *above, const uint8_t *here, const uint8_t *below, ptrdiff_t s) {
  int left = below[-s] - above[-s], right = below[s] - above[s];
  int h = left + right + 2 * (below[0] - above[0]);
  int v = above[s] - above[-s] + below[s] - below[-s] + 2 * (here[s] - here[-s]);
  return (uint8_t)(int)(__builtin_elementwise_sqrt((float)(h * h + v * v) * 0x1p-5f) + 0.5f);
}

static void KERNEL(sobel_u8)(const uint8_t *const *rows, size_t step, uint8_t *dst, size_t n) {
  enum { lanes = VECTOR_BYTES / 2 };
  typedef uint8_t bytes __attribute__((vector_size(lanes), aligned(1), may_alias));
  typedef int16_t words __attribute__((vector_size(2 * lanes)));
  typedef float floats __attribute__((vector_size(4 * lanes)));
  typedef int32_t longs __attribute__((vector_size(4 * lanes)));
  const uint8_t *above = rows[0], *here = rows[1], *below = rows[2];
  ptrdiff_t s = (ptrdiff_t)step;
  if (n < lanes) {
    for (size_t x = 0; x < n; x++) dst[x] = KERNEL(sobel_one)(above + x, here + x, below + x, s);
    return;
  }
#define WORDS(at) __builtin_convertvector(*(const bytes *)(const void *)(at), words)
  for (size_t x = 0;;) {
    words al = WORDS(above + x - s), am = WORDS(above + x), ar = WORDS(above + x + s);
    words hl = WORDS(here + x - s), hr = WORDS(here + x + s);
    words bl = WORDS(below + x - s), bm = WORDS(below + x), br = WORDS(below + x + s);
    words falling = br - al, rising = bl - ar, h = falling + rising + 2 * (bm - am),
          v = falling - rising + 2 * (hr - hl);
    floats fh = __builtin_convertvector(h, floats), fv = __builtin_convertvector(v, floats);
    floats magnitude = __builtin_elementwise_sqrt((fh * fh + fv * fv) * 0x1p-5f) + 0.5f;
    *(bytes *)(void *)(dst + x) = __builtin_convertvector(__builtin_convertvector(magnitude, longs), bytes);
    if (x + lanes == n) return;
    x = x + 2 * lanes <= n ? x + lanes : n - lanes;
  }
#undef WORDS
}
