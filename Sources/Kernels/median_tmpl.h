// Medians: sorting networks for small windows, column histograms for 8-bit samples, sets of ranks for the rest.

#define LOWER(a, b) __builtin_elementwise_min(a, b)
#define UPPER(a, b) __builtin_elementwise_max(a, b)

#include "median_networks_tmpl.h"
#include "median_count_tmpl.h"
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
