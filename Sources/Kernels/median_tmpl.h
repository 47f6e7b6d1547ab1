// Medians: sorting networks for small windows, column histograms for 8-bit samples, sets of ranks for the rest.

#define MIN2(a, b) ((a) < (b) ? (a) : (b))
#define MAX2(a, b) ((a) > (b) ? (a) : (b))
#define SORT2(T, a, b)                     \
  {                                        \
    T low = MIN2(a, b), high = MAX2(a, b); \
    a = low;                               \
    b = high;                              \
  }
// Columns sorted at a time, on the stack, before windows are put together from them.
#define MEDIAN_COLUMNS 256

// 3 × 3: the columns are sorted once and shared by the three windows they belong to; the median is then the median of
// the greatest minimum, the median of the middles and the least maximum.
#define DEFINE_MEDIAN3(NAME, T)                                                                       \
  static inline T KERNEL(NAME##_of3)(T a, T b, T c) { return MAX2(MIN2(a, b), MIN2(MAX2(a, b), c)); } \
  static void KERNEL(NAME)(const T *src, T *dst, const median_window *window) {                       \
    for (size_t y = 0; y < window->height; y++, src += window->src_pitch, dst += window->dst_pitch) { \
      const T *r0 = src, *r1 = r0 + window->src_pitch, *r2 = r1 + window->src_pitch;                  \
      for (size_t x0 = 0; x0 < window->width; x0 += MEDIAN_COLUMNS) {                                 \
        T low[MEDIAN_COLUMNS + 2], mid[MEDIAN_COLUMNS + 2], high[MEDIAN_COLUMNS + 2];                 \
        size_t n = MIN2(window->width - x0, MEDIAN_COLUMNS);                                          \
        for (size_t x = 0; x < n + 2; x++) {                                                          \
          T a = r0[x0 + x], b = r1[x0 + x], c = r2[x0 + x];                                           \
          SORT2(T, a, b) SORT2(T, b, c) SORT2(T, a, b) low[x] = a, mid[x] = b, high[x] = c;           \
        }                                                                                             \
        for (size_t x = 0; x < n; x++) {                                                              \
          T greatest = MAX2(MAX2(low[x], low[x + 1]), low[x + 2]);                                    \
          T middle = KERNEL(NAME##_of3)(mid[x], mid[x + 1], mid[x + 2]);                              \
          T least = MIN2(MIN2(high[x], high[x + 1]), high[x + 2]);                                    \
          dst[x0 + x] = KERNEL(NAME##_of3)(greatest, middle, least);                                  \
        }                                                                                             \
      }                                                                                               \
    }                                                                                                 \
  }
DEFINE_MEDIAN3(median3_u8, uint8_t)
DEFINE_MEDIAN3(median3_u16, uint16_t)
DEFINE_MEDIAN3(median3_i32, int32_t)
#undef DEFINE_MEDIAN3

// 5 × 5: with columns sorted (and shared), then the rows of order statistics sorted, the element in row i, column j has
// (i + 1)(j + 1) elements no greater and (5 − i)(5 − j) no less than it. Where either product exceeds 13 it cannot be
// the median: that leaves 13 candidates, six being lost on either side, whose median it is. Least and greatest of 8,
// 7, 6 … of them are dropped in turn (each time none of the two can be the median).
#define DEFINE_MEDIAN5(NAME, T)                                                                           \
  static void KERNEL(NAME)(const T *src, T *dst, const median_window *window) {                           \
    for (size_t y = 0; y < window->height; y++, src += window->src_pitch, dst += window->dst_pitch) {     \
      for (size_t x0 = 0; x0 < window->width; x0 += MEDIAN_COLUMNS) {                                     \
        T s0[MEDIAN_COLUMNS + 4], s1[MEDIAN_COLUMNS + 4], s2[MEDIAN_COLUMNS + 4], s3[MEDIAN_COLUMNS + 4], \
            s4[MEDIAN_COLUMNS + 4];                                                                       \
        size_t n = MIN2(window->width - x0, MEDIAN_COLUMNS);                                              \
        const T *r0 = src + x0, *r1 = r0 + window->src_pitch, *r2 = r1 + window->src_pitch,               \
                *r3 = r2 + window->src_pitch, *r4 = r3 + window->src_pitch;                               \
        for (size_t x = 0; x < n + 4; x++) {                                                              \
          T a = r0[x], b = r1[x], c = r2[x], d = r3[x], e = r4[x];                                        \
          SORT5(T, a, b, c, d, e)                                                                         \
          s0[x] = a, s1[x] = b, s2[x] = c, s3[x] = d, s4[x] = e;                                          \
        }                                                                                                 \
        for (size_t x = 0; x < n; x++) {                                                                  \
          T a0 = s0[x], a1 = s0[x + 1], a2 = s0[x + 2], a3 = s0[x + 3], a4 = s0[x + 4];                   \
          T b0 = s1[x], b1 = s1[x + 1], b2 = s1[x + 2], b3 = s1[x + 3], b4 = s1[x + 4];                   \
          T c0 = s2[x], c1 = s2[x + 1], c2 = s2[x + 2], c3 = s2[x + 3], c4 = s2[x + 4];                   \
          T d0 = s3[x], d1 = s3[x + 1], d2 = s3[x + 2], d3 = s3[x + 3], d4 = s3[x + 4];                   \
          T e0 = s4[x], e1 = s4[x + 1], e2 = s4[x + 2], e3 = s4[x + 3], e4 = s4[x + 4];                   \
          SORT5(T, a0, a1, a2, a3, a4)                                                                    \
          SORT5(T, b0, b1, b2, b3, b4)                                                                    \
          SORT5(T, c0, c1, c2, c3, c4)                                                                    \
          SORT5(T, d0, d1, d2, d3, d4)                                                                    \
          SORT5(T, e0, e1, e2, e3, e4)                                                                    \
          /* Known order: a3≤a4, b2≤b3≤b4, c1≤c2≤c3, d0≤d1≤d2, e0≤e1. */                  \
          T p0 = a3, p1 = a4, p2 = b2, p3 = b3, p4 = b4, p5 = d0, p6 = d1, p7 = d2;                       \
          LEAST_GREATEST8(T, p0, p1, p2, p3, p4, p5, p6, p7)                                              \
          p0 = c1;                                                                                        \
          LEAST_GREATEST7(T, p0, p1, p2, p3, p4, p5, p6)                                                  \
          p0 = c3;                                                                                        \
          LEAST_GREATEST6(T, p0, p1, p2, p3, p4, p5)                                                      \
          p0 = e0;                                                                                        \
          LEAST_GREATEST5(T, p0, p1, p2, p3, p4)                                                          \
          p0 = e1;                                                                                        \
          LEAST_GREATEST4(T, p0, p1, p2, p3)                                                              \
          p0 = c2;                                                                                        \
          dst[x0 + x] = MAX2(MIN2(p1, p2), MIN2(MAX2(p1, p2), p0));                                       \
        }                                                                                                 \
      }                                                                                                   \
    }                                                                                                     \
  }
#define SORT5(T, a, b, c, d, e)                                                                            \
  SORT2(T, a, b)                                                                                           \
  SORT2(T, d, e) SORT2(T, c, e) SORT2(T, c, d) SORT2(T, b, e) SORT2(T, a, d) SORT2(T, a, c) SORT2(T, b, d) \
      SORT2(T, b, c)
// The least moves to the first place, the greatest to the last.
#define LEAST_GREATEST8(T, a, b, c, d, e, f, g, h)                                                         \
  SORT2(T, a, b)                                                                                           \
  SORT2(T, c, d) SORT2(T, e, f) SORT2(T, g, h) SORT2(T, a, c) SORT2(T, e, g) SORT2(T, a, e) SORT2(T, b, d) \
      SORT2(T, f, h) SORT2(T, d, h)
#define LEAST_GREATEST7(T, a, b, c, d, e, f, g)                                                            \
  SORT2(T, a, b)                                                                                           \
  SORT2(T, c, d) SORT2(T, e, f) SORT2(T, a, c) SORT2(T, e, g) SORT2(T, a, e) SORT2(T, b, d) SORT2(T, f, g) \
      SORT2(T, d, g)
#define LEAST_GREATEST6(T, a, b, c, d, e, f) \
  SORT2(T, a, b) SORT2(T, c, d) SORT2(T, e, f) SORT2(T, a, c) SORT2(T, a, e) SORT2(T, b, d) SORT2(T, d, f)
#define LEAST_GREATEST5(T, a, b, c, d, e) \
  SORT2(T, a, b) SORT2(T, c, d) SORT2(T, a, c) SORT2(T, a, e) SORT2(T, b, d) SORT2(T, d, e)
#define LEAST_GREATEST4(T, a, b, c, d) SORT2(T, a, b) SORT2(T, c, d) SORT2(T, a, c) SORT2(T, b, d)
DEFINE_MEDIAN5(median5_u8, uint8_t)
DEFINE_MEDIAN5(median5_u16, uint16_t)
DEFINE_MEDIAN5(median5_i32, int32_t)
#undef DEFINE_MEDIAN5
#undef LEAST_GREATEST8
#undef LEAST_GREATEST7
#undef LEAST_GREATEST6
#undef LEAST_GREATEST5
#undef LEAST_GREATEST4
#undef SORT5
#undef SORT2

// MARK: Column histograms
//
// Every column has a histogram of its part of the window, in two levels: 16 coarse bins and 16 segments of 16 fine
// ones. The window's coarse histogram slides along; of its fine histogram only the segment that holds the median is
// brought up to date, from where it was left.

#define BINS 16

static inline void KERNEL(add_bins)(uint16_t *sum, const uint16_t *bins) {
  for (int b = 0; b < BINS; b++) sum[b] += bins[b];
}

static inline void KERNEL(subtract_bins)(uint16_t *sum, const uint16_t *bins) {
  for (int b = 0; b < BINS; b++) sum[b] -= bins[b];
}

// The bin that holds the sample of rank *rank; *rank becomes its rank within the bin.
static inline unsigned KERNEL(find_bin)(const uint16_t *bins, unsigned *rank) {
  unsigned bin = 0;
  while (*rank >= bins[bin]) *rank -= bins[bin++];
  return bin;
}

static void KERNEL(median_histogram_u8)(const uint8_t *src, uint8_t *dst, const median_window *window,
                                        uint16_t *histograms) {
  size_t reach = window->window_width, columns = window->width + reach - 1;
  uint16_t *coarse = histograms, *fine = histograms + columns * BINS;
  for (size_t k = 0; k < columns * (BINS + BINS * BINS); k++) histograms[k] = 0;
#define FINE(segment, column) (fine + ((segment)*columns + (column)) * BINS)

  for (size_t row = 0; row + 1 < window->window_height; row++)
    for (size_t x = 0; x < columns; x++) {
      unsigned value = src[row * window->src_pitch + x];
      coarse[x * BINS + value / BINS]++;
      FINE(value / BINS, x)[value % BINS]++;
    }

  for (size_t y = 0; y < window->height; y++) {
    const uint8_t *entering = src + (y + window->window_height - 1) * window->src_pitch;
    const uint8_t *leaving = y > 0 ? src + (y - 1) * window->src_pitch : NULL;
    for (size_t x = 0; x < columns; x++) {
      unsigned value = entering[x];
      coarse[x * BINS + value / BINS]++;
      FINE(value / BINS, x)[value % BINS]++;
      if (leaving == NULL) continue;
      value = leaving[x];
      coarse[x * BINS + value / BINS]--;
      FINE(value / BINS, x)[value % BINS]--;
    }

    uint16_t coarse_sum[BINS] = {0}, fine_sum[BINS][BINS];
    size_t covered[BINS];  // fine_sum[s] covers the window at column covered[s]; far away: nothing.
    for (int s = 0; s < BINS; s++) covered[s] = SIZE_MAX / 2;
    for (size_t x = 0; x + 1 < reach; x++) KERNEL(add_bins)(coarse_sum, coarse + x * BINS);

    for (size_t x = 0; x < window->width; x++) {
      KERNEL(add_bins)(coarse_sum, coarse + (x + reach - 1) * BINS);
      unsigned rank = (unsigned)(reach * window->window_height / 2);
      unsigned segment = KERNEL(find_bin)(coarse_sum, &rank);
      uint16_t *sum = fine_sum[segment];
      if (covered[segment] > x || 2 * (x - covered[segment]) >= reach) {
        for (int b = 0; b < BINS; b++) sum[b] = 0;
        for (size_t k = 0; k < reach; k++) KERNEL(add_bins)(sum, FINE(segment, x + k));
      } else {
        for (size_t k = covered[segment]; k < x; k++) {
          KERNEL(subtract_bins)(sum, FINE(segment, k));
          KERNEL(add_bins)(sum, FINE(segment, k + reach));
        }
      }
      covered[segment] = x;
      dst[y * window->dst_pitch + x] = (uint8_t)(segment * BINS + KERNEL(find_bin)(sum, &rank));
      KERNEL(subtract_bins)(coarse_sum, coarse + x * BINS);
    }
  }
#undef FINE
}
#undef BINS

// MARK: Sets of ranks
//
// Replace every sample by its rank among the plane's samples; then the window is a set of small integers, kept as bits.
// A step to the right drops and adds one rank for each row of the window, and the median moves by a few members: a
// short walk over the set bits. The cost grows with the window's height, not its area, whatever the sample type.

static void KERNEL(rank_samples)(const uint32_t *keys, size_t n, unsigned key_bits, uint32_t *order, uint32_t *spare,
                                 uint32_t *ranks, uint32_t *values) {
  // Least significant digit first, eight bits at a time, on indices: stable, so ties keep their order.
  uint32_t *from = order, *to = spare;
  for (size_t i = 0; i < n; i++) from[i] = (uint32_t)i;
  for (unsigned shift = 0; shift < key_bits; shift += 8) {
    uint32_t starts[256] = {0};
    for (size_t i = 0; i < n; i++) starts[keys[i] >> shift & 255]++;
    uint32_t sum = 0;
    for (int digit = 0; digit < 256; digit++) {
      uint32_t count = starts[digit];
      starts[digit] = sum;
      sum += count;
    }
    for (size_t i = 0; i < n; i++) to[starts[keys[from[i]] >> shift & 255]++] = from[i];
    uint32_t *swap = from;
    from = to;
    to = swap;
  }
  for (size_t rank = 0; rank < n; rank++) {
    ranks[from[rank]] = (uint32_t)rank;
    values[rank] = keys[from[rank]];
  }
}

// The next member of the set after (or at) `rank`; there is one.
static inline uint32_t KERNEL(member_from)(const uint64_t *bits, uint32_t rank) {
  size_t word = rank >> 6;
  uint64_t rest = bits[word] >> (rank & 63);
  if (rest != 0) return rank + (uint32_t)__builtin_ctzll(rest);
  do word++;
  while (bits[word] == 0);
  return (uint32_t)(word << 6) + (uint32_t)__builtin_ctzll(bits[word]);
}

// The member before `rank`; there is one.
static inline uint32_t KERNEL(member_before)(const uint64_t *bits, uint32_t rank) {
  size_t word = rank >> 6;
  uint64_t rest = bits[word] & (((uint64_t)1 << (rank & 63)) - 1);
  while (rest == 0) rest = bits[--word];
  return (uint32_t)(word << 6) + 63 - (uint32_t)__builtin_clzll(rest);
}

static void KERNEL(median_ranks)(const uint32_t *ranks, size_t rank_count, const int32_t *spans, const uint32_t *values,
                                 uint64_t *bits, uint32_t *dst, const median_window *window) {
  size_t height = window->window_height, pitch = window->src_pitch;
  uint32_t target = 0;
  for (size_t dy = 0; dy < height; dy++) target += (uint32_t)(spans[2 * dy + 1] - spans[2 * dy]);
  target /= 2;

  for (size_t y = 0; y < window->height; y++, ranks += pitch, dst += window->dst_pitch) {
    for (size_t word = 0; word < (rank_count + 63) / 64; word++) bits[word] = 0;
    for (size_t dy = 0; dy < height; dy++)
      for (int32_t dx = spans[2 * dy]; dx < spans[2 * dy + 1]; dx++) {
        uint32_t rank = ranks[dy * pitch + (size_t)dx];
        bits[rank >> 6] |= (uint64_t)1 << (rank & 63);
      }
    uint32_t median = KERNEL(member_from)(bits, 0), below = 0;  // `below` counts members less than `median`.
    for (size_t x = 0;; x++) {
      while (below > target) median = KERNEL(member_before)(bits, median), below--;
      median = KERNEL(member_from)(bits, median);  // The old median may have left.
      while (below < target) median = KERNEL(member_from)(bits, median + 1), below++;
      dst[x] = values[median];
      if (x + 1 == window->width) break;
      for (size_t dy = 0; dy < height; dy++) {
        if (spans[2 * dy] == spans[2 * dy + 1]) continue;
        uint32_t leaving = ranks[dy * pitch + x + (size_t)spans[2 * dy]];
        uint32_t entering = ranks[dy * pitch + x + (size_t)spans[2 * dy + 1]];
        bits[leaving >> 6] ^= (uint64_t)1 << (leaving & 63);
        below -= leaving < median;
        bits[entering >> 6] ^= (uint64_t)1 << (entering & 63);
        below += entering < median;
      }
    }
  }
}

// Integers that sort as the floats do, NaN above everything, and back.
static void KERNEL(float_keys)(const float *src, int32_t *dst, size_t n) {
  for (size_t i = 0; i < n; i++) {
    union {
      float value;
      int32_t bits;
    } u = {.value = src[i]};
    int32_t key = u.bits ^ ((u.bits >> 31) & INT32_MAX);
    dst[i] = u.value != u.value ? INT32_MAX : key;
  }
}

static void KERNEL(keys_float)(const int32_t *src, float *dst, size_t n) {
  for (size_t i = 0; i < n; i++) {
    union {
      int32_t bits;
      float value;
    } u = {.bits = src[i] ^ ((src[i] >> 31) & INT32_MAX)};
    dst[i] = u.value;  // INT32_MAX is a NaN as it stands.
  }
}

#undef MIN2
#undef MAX2
#undef MEDIAN_COLUMNS
