// Correlation of 8-bit samples in fixed point: 16-bit sums in 256ths of a sample, of products whose low half is cut
// off. The bits are the same in every build. Samples lie apart, those at even places and those at odd ones, so that
// bytes need no widening, and two outputs share what is loaded.

static void KERNEL(split_samples_u8)(const uint8_t *src, uint16_t *evens, uint16_t *odds, size_t n) {
  for (size_t i = 0; i < n / 2; i++) {
    uint16_t pair;
    __builtin_memcpy(&pair, src + 2 * i, 2);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    pair = (uint16_t)(pair << 8 | pair >> 8);
#endif
    evens[i] = (uint16_t)((pair & 0xff) << 7);
    odds[i] = (uint16_t)((pair >> 8) << 7);
  }
  if (n & 1) evens[n / 2] = (uint16_t)(src[n - 1] << 7);
}

static void KERNEL(join_samples_u8)(const uint16_t *evens, const uint16_t *odds, uint8_t *dst, size_t n) {
  for (size_t i = 0; i < n / 2; i++) {
    uint16_t even = (uint16_t)(evens[i] + 128), odd = (uint16_t)(odds[i] + 128);
    uint16_t pair = (uint16_t)(even >> 8 | (odd & 0xff00));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    pair = (uint16_t)(pair << 8 | pair >> 8);
#endif
    __builtin_memcpy(dst + 2 * i, &pair, 2);
  }
  if (n & 1) dst[n - 1] = (uint8_t)((evens[n / 2] + 128) >> 8);
}

// As many vectors of either output as registers hold, with the four rows that they are made of.
#if VECTOR_BYTES == 64
#define PAIR_VECTORS 4
#else
#define PAIR_VECTORS 2
#endif

static void KERNEL(correlate_pairs_u16)(const uint16_t *const *rows, const uint16_t *weights, size_t radius,
                                        uint16_t bias, uint16_t shift, uint16_t *first, uint16_t *second, size_t n) {
  typedef uint16_t words __attribute__((vector_size(VECTOR_BYTES), aligned(2), may_alias));
  typedef uint32_t longs __attribute__((vector_size(2 * VECTOR_BYTES)));
  enum { lanes = VECTOR_BYTES / 2, count = PAIR_VECTORS };
#define LOAD(at) (*(const words *)(const void *)(at))
#define PRODUCT(a, b) \
  __builtin_convertvector((__builtin_convertvector(a, longs) * __builtin_convertvector(b, longs)) >> 16, words)
#define EACH _Pragma("clang loop unroll(full)") for (int v = 0; v < count; v++)
  for (size_t x = 0; x < n; x += count * lanes) {
    words sum[2][count], before[2][count], after[2][count];
    EACH {
      sum[0][v] = sum[1][v] = (words){0} + bias;
      before[0][v] = LOAD(rows[0] + x + v * lanes), before[1][v] = LOAD(rows[1] + x + v * lanes);
      after[0][v] = LOAD(rows[2 * radius] + x + v * lanes), after[1][v] = LOAD(rows[2 * radius + 1] + x + v * lanes);
    }
    for (size_t k = radius;; k--) {
      words weight = (words){0} + weights[k];
      EACH {
        sum[0][v] += PRODUCT(before[0][v] + after[0][v], weight);
        sum[1][v] += PRODUCT(before[1][v] + after[1][v], weight);
      }
      if (k == 0) break;
      const uint16_t *next = rows[radius + 2 - k] + x, *last = rows[radius + k - 1] + x;
      EACH {
        before[0][v] = before[1][v], before[1][v] = LOAD(next + v * lanes);
        after[1][v] = after[0][v], after[0][v] = LOAD(last + v * lanes);
      }
    }
    EACH {
      *(words *)(void *)(first + x + v * lanes) = sum[0][v] >> ((words){0} + shift);
      *(words *)(void *)(second + x + v * lanes) = sum[1][v] >> ((words){0} + shift);
    }
  }
#undef LOAD
#undef PRODUCT
#undef EACH
}
#undef PAIR_VECTORS

static int32_t KERNEL(divide_covered_u16)(uint16_t *sums, const uint16_t *cover, uint16_t whole, size_t n) {
  uint16_t low = 0;
  for (size_t i = 0; i < n; i++) {
    float quotient = (float)sums[i] * 65280.0f / (float)(cover[i] ? cover[i] : 1) + 0.5f;
    uint16_t divided = (uint16_t)(int32_t)(quotient < 65280.0f ? quotient : 65280.0f);
    sums[i] = cover[i] == whole ? sums[i] : divided;
    low |= cover[i] < 32640;
  }
  return low;
}
