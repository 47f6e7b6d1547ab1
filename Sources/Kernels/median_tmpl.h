// Medians: sorting networks for small windows, column histograms for 8-bit samples, sets of ranks for the rest. All but
// the networks take a sample of another rank as well.

#define LOWER(a, b) __builtin_elementwise_min(a, b)
#define UPPER(a, b) __builtin_elementwise_max(a, b)
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))

// The samples of a window.
static uint32_t KERNEL(window_count)(const median_window *window) {
  uint32_t count = 0;
  for (size_t k = 0; k < window->row_count; k++) count += (uint32_t)(window->rows[k].end - window->rows[k].first);
  return count;
}

// The rank of the sample that is taken of `count`, which is not 0.
static inline uint32_t KERNEL(chosen_rank)(const median_window *window, uint32_t count) {
  int64_t rank = window->rank < 0 ? (int64_t)count + window->rank : window->rank;
  if (!window->has_rank) rank = (int64_t)((double)count * window->percent / 100.0);
  return rank < 0 ? 0 : rank < count ? (uint32_t)rank : count - 1;
}

#include "median_networks_tmpl.h"
#include "median_count_tmpl.h"
#include "median_extreme_tmpl.h"
#include "median_spans_tmpl.h"
#include "median_histogram_tmpl.h"
#include "median_ranks_tmpl.h"
#include "median_covered_tmpl.h"
#undef SORT5
#undef SORT2

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
