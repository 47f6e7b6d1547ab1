// What counts of a picture, where not all does.

#define DEFINE_COVER(NAME, T)                                                     \
  static int32_t KERNEL(NAME)(const T *src, T nodata, uint8_t *cover, size_t n) { \
    uint8_t all = 1;                                                              \
    if (nodata != nodata) {                                                       \
      for (size_t i = 0; i < n; i++) all &= cover[i] = src[i] == src[i];          \
    } else {                                                                      \
      for (size_t i = 0; i < n; i++) all &= cover[i] = src[i] != nodata;          \
    }                                                                             \
    return all;                                                                   \
  }
DEFINE_COVER(cover_f32, float)
DEFINE_COVER(cover_f64, double)
#undef DEFINE_COVER

#define DEFINE_COVER(NAME, T)                                                     \
  static int32_t KERNEL(NAME)(const T *src, T nodata, uint8_t *cover, size_t n) { \
    uint8_t all = 1;                                                              \
    for (size_t i = 0; i < n; i++) all &= cover[i] = src[i] != nodata;            \
    return all;                                                                   \
  }
DEFINE_COVER(cover_u8, uint8_t)
DEFINE_COVER(cover_u16, uint16_t)
#undef DEFINE_COVER

#define DEFINE_CHOOSE(NAME, T)                                                                  \
  static void KERNEL(NAME)(const uint8_t *cover, const T *yes, const T *no, T *dst, size_t n) { \
    /* What is written is read before, at the same place only. */                               \
    _Pragma("clang loop vectorize(assume_safety)") for (size_t i = 0; i < n; i++) {             \
      T covered = (T)(0 - (T)cover[i]);                                                         \
      dst[i] = (T)((yes[i] & covered) | (no[i] & (T)~covered));                                 \
    }                                                                                           \
  }
DEFINE_CHOOSE(choose_covered_u8, uint8_t)
DEFINE_CHOOSE(choose_covered_u16, uint16_t)
DEFINE_CHOOSE(choose_covered_u32, uint32_t)
DEFINE_CHOOSE(choose_covered_u64, uint64_t)
#undef DEFINE_CHOOSE

static void KERNEL(divide_covered_f32)(float *values, const float *cover, float whole, size_t n) {
  for (size_t i = 0; i < n; i++) values[i] = cover[i] == whole || cover[i] == 0.0f ? values[i] : values[i] / cover[i];
}

static void KERNEL(cover_bytes_u8)(const uint8_t *cover, uint8_t *dst, size_t n) {
  for (size_t i = 0; i < n; i++) dst[i] = (uint8_t)(0 - cover[i]);
}

static void KERNEL(keep_covered_u16)(const uint16_t *sums, const uint16_t *counts, uint16_t other, uint16_t *dst,
                                     size_t n) {
  for (size_t i = 0; i < n; i++) dst[i] = counts[i] ? sums[i] : other;
}
