// Medians: column histograms.
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
  // Sums of all bins up to each, then how many of them are not above the rank.
  typedef uint16_t V __attribute__((vector_size(2 * BINS)));
  V sums, zero = {0};
  __builtin_memcpy(&sums, bins, sizeof sums);
  sums += __builtin_shufflevector(zero, sums, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30);
  sums += __builtin_shufflevector(zero, sums, 0, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29);
  sums += __builtin_shufflevector(zero, sums, 0, 0, 0, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27);
  sums += __builtin_shufflevector(zero, sums, 0, 0, 0, 0, 0, 0, 0, 0, 16, 17, 18, 19, 20, 21, 22, 23);
  uint16_t before[BINS + 1];
  before[0] = 0;
  __builtin_memcpy(before + 1, &sums, sizeof sums);
  unsigned bin = (unsigned)-__builtin_reduce_add((V)(sums <= (uint16_t)*rank)) & (2 * BINS - 1);
  *rank -= before[bin];
  return bin;
}

// `cover`: 0 where a sample does not count; null: all do.
static inline __attribute__((always_inline)) void KERNEL(histogram_medians)(const uint8_t *src, const uint8_t *cover,
                                                                            uint8_t *dst, const median_window *window,
                                                                            uint16_t *histograms) {
  size_t reach = window->window_width, columns = window->width + reach - 1;
  unsigned whole = KERNEL(chosen_rank)(window, (uint32_t)(reach * window->window_height));
  uint16_t *coarse = histograms, *fine = histograms + columns * BINS;
  for (size_t k = 0; k < columns * (BINS + BINS * BINS); k++) histograms[k] = 0;
#define FINE(segment, column) (fine + ((segment)*columns + (column)) * BINS)
#define COUNTS(offset) (cover == NULL || cover[offset] != 0)

  for (size_t row = 0; row + 1 < window->window_height; row++)
    for (size_t x = 0; x < columns; x++) {
      if (!COUNTS(row * window->src_pitch + x)) continue;
      unsigned value = src[row * window->src_pitch + x];
      coarse[x * BINS + value / BINS]++;
      FINE(value / BINS, x)[value % BINS]++;
    }

  for (size_t y = 0; y < window->height; y++) {
    size_t entering = (y + window->window_height - 1) * window->src_pitch;
    size_t leaving = y > 0 ? (y - 1) * window->src_pitch : SIZE_MAX;
    for (size_t x = 0; x < columns; x++) {
      if (COUNTS(entering + x)) {
        unsigned value = src[entering + x];
        coarse[x * BINS + value / BINS]++;
        FINE(value / BINS, x)[value % BINS]++;
      }
      if (leaving == SIZE_MAX || !COUNTS(leaving + x)) continue;
      unsigned value = src[leaving + x];
      coarse[x * BINS + value / BINS]--;
      FINE(value / BINS, x)[value % BINS]--;
    }

    uint16_t coarse_sum[BINS] = {0}, fine_sum[BINS][BINS];
    size_t covered[BINS];  // fine_sum[s] covers the window at column covered[s]; far away: nothing.
    for (int s = 0; s < BINS; s++) covered[s] = SIZE_MAX / 2;
    for (size_t x = 0; x + 1 < reach; x++) KERNEL(add_bins)(coarse_sum, coarse + x * BINS);

    for (size_t x = 0; x < window->width; x++) {
      KERNEL(add_bins)(coarse_sum, coarse + (x + reach - 1) * BINS);
      unsigned wanted = whole;
      if (cover != NULL) {
        unsigned count = 0;
        for (int b = 0; b < BINS; b++) count += coarse_sum[b];
        if (count == 0) {
          dst[y * window->dst_pitch + x] = 0;
          KERNEL(subtract_bins)(coarse_sum, coarse + x * BINS);
          continue;
        }
        wanted = KERNEL(chosen_rank)(window, count);
      }
      unsigned rank = wanted;
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
#undef COUNTS
}

static void KERNEL(median_histogram_u8)(const uint8_t *src, uint8_t *dst, const median_window *window,
                                        uint16_t *histograms) {
  KERNEL(histogram_medians)(src, NULL, dst, window, histograms);
}

static void KERNEL(median_covered_histogram_u8)(const uint8_t *src, const uint8_t *cover, uint8_t *dst,
                                                const median_window *window, uint16_t *histograms) {
  KERNEL(histogram_medians)(src, cover, dst, window, histograms);
}
#undef BINS
