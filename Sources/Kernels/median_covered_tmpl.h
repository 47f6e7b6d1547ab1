// Medians of what counts, by networks: what does not count is taken for the greatest and the least sample in turns, so
// that the middle one stays the one in the middle. `cover` has all bits of a sample set where it counts.
#define DEFINE_COVERED_MEDIANS(NAME, T, LEAST)                                                                         \
  static inline KERNEL(NAME##_vector)                                                                                  \
      KERNEL(NAME##_covered)(const T *at, const T *cover, KERNEL(NAME##_vector) * turn) {                              \
    typedef KERNEL(NAME##_vector) V;                                                                                   \
    V covered = KERNEL(NAME##_v_load)(cover);                                                                          \
    *turn ^= ~covered;                                                                                                 \
    return (KERNEL(NAME##_v_load)(at) & covered) | ((*turn ^ ((V){0} + (T)LEAST)) & ~covered);                         \
  }                                                                                                                    \
  /* L outputs from column x; rows and covers are those of the window. */                                              \
  static void KERNEL(NAME##_covered3)(const T *const *rows, const T *const *covers, size_t x, T *dst) {                \
    typedef KERNEL(NAME##_vector) V;                                                                                   \
    V turn = {0}, low[3], mid[3], high[3];                                                                             \
    for (int k = 0; k < 3; k++) {                                                                                      \
      V a = KERNEL(NAME##_covered)(rows[k] + x - 1, covers[k] + x - 1, &turn);                                         \
      V b = KERNEL(NAME##_covered)(rows[k] + x, covers[k] + x, &turn);                                                 \
      V c = KERNEL(NAME##_covered)(rows[k] + x + 1, covers[k] + x + 1, &turn);                                         \
      SORT2(V, a, b);                                                                                                  \
      SORT2(V, b, c);                                                                                                  \
      SORT2(V, a, b);                                                                                                  \
      low[k] = a, mid[k] = b, high[k] = c;                                                                             \
    }                                                                                                                  \
    KERNEL(NAME##_v_store)                                                                                             \
    (dst + x, KERNEL(NAME##_v_of3)(UPPER(UPPER(low[0], low[1]), low[2]), KERNEL(NAME##_v_of3)(mid[0], mid[1], mid[2]), \
                                   LOWER(LOWER(high[0], high[1]), high[2])));                                          \
  }                                                                                                                    \
  static void KERNEL(NAME##_covered5)(const T *const *rows, const T *const *covers, size_t x, T *dst) {                \
    typedef KERNEL(NAME##_vector) V;                                                                                   \
    enum { L = VECTOR_BYTES / sizeof(T), C = NETWORK_VECTORS * L };                                                    \
    T sorted[5][5][C], pairs[2][10][C], spare[C];                                                                      \
    V turn = {0};                                                                                                      \
    for (int k = 0; k < 5; k++) {                                                                                      \
      V v[5];                                                                                                          \
      for (int d = 0; d < 5; d++) v[d] = KERNEL(NAME##_covered)(rows[k] + x + d - 2, covers[k] + x + d - 2, &turn);    \
      SORT5(V, v[0], v[1], v[2], v[3], v[4]);                                                                          \
      for (int d = 0; d < 5; d++) KERNEL(NAME##_v_store)(sorted[k][d], v[d]);                                          \
    }                                                                                                                  \
    KERNEL(NAME##_v_merge10)(sorted[1], sorted[2], pairs[0], L);                                                       \
    KERNEL(NAME##_v_merge10)(sorted[3], sorted[4], pairs[1], L);                                                       \
    KERNEL(NAME##_v_finish5)(pairs[0], pairs[1], sorted[0], sorted[0], dst + x, spare, L);                             \
  }                                                                                                                    \
  static void KERNEL(median_covered_##NAME)(const T *const *rows, const T *const *covers, size_t side, T *dst,         \
                                            size_t pitch, size_t n, size_t height) {                                   \
    enum { L = VECTOR_BYTES / sizeof(T) };                                                                             \
    T copies[2][5][L + 4], narrow[L];                                                                                  \
    const T *row[5], *cover[5];                                                                                        \
    size_t reach = side / 2;                                                                                           \
    for (size_t y = 0; y < height; y++) {                                                                              \
      const T *const *from = rows + y, *const *under = covers + y;                                                     \
      if (n >= L) {                                                                                                    \
        for (size_t i = 0; i < n; i += L) {                                                                            \
          size_t x = i + L <= n ? i : n - L;                                                                           \
          if (side == 3)                                                                                               \
            KERNEL(NAME##_covered3)(from, under, x, dst + y * pitch);                                                  \
          else                                                                                                         \
            KERNEL(NAME##_covered5)(from, under, x, dst + y * pitch);                                                  \
        }                                                                                                              \
        continue;                                                                                                      \
      }                                                                                                                \
      /* Less than a vector: from a copy of one. */                                                                    \
      __builtin_memset(copies, 0, sizeof copies);                                                                      \
      for (size_t k = 0; k < side; k++) {                                                                              \
        for (size_t x = 0; x < n + 2 * reach; x++) {                                                                   \
          copies[0][k][x] = from[k][(ptrdiff_t)x - (ptrdiff_t)reach];                                                  \
          copies[1][k][x] = under[k][(ptrdiff_t)x - (ptrdiff_t)reach];                                                 \
        }                                                                                                              \
        row[k] = copies[0][k] + reach, cover[k] = copies[1][k] + reach;                                                \
      }                                                                                                                \
      if (side == 3)                                                                                                   \
        KERNEL(NAME##_covered3)(row, cover, 0, narrow);                                                                \
      else                                                                                                             \
        KERNEL(NAME##_covered5)(row, cover, 0, narrow);                                                                \
      for (size_t x = 0; x < n; x++) dst[y * pitch + x] = narrow[x];                                                   \
    }                                                                                                                  \
  }
DEFINE_COVERED_MEDIANS(u8, uint8_t, 0)
DEFINE_COVERED_MEDIANS(u16, uint16_t, 0)
DEFINE_COVERED_MEDIANS(i32, int32_t, INT32_MIN)
#undef DEFINE_COVERED_MEDIANS

// By sets of ranks, as median_ranks: a sample that does not count has the rank UINT32_MAX, and is never a member.
static void KERNEL(median_covered_ranks)(const uint32_t *ranks, size_t rank_count, const uint32_t *values,
                                         uint64_t *bits, uint32_t *dst, const median_window *window) {
  size_t pitch = window->src_pitch;
  for (size_t y = 0; y < window->height; y++, ranks += pitch, dst += window->dst_pitch) {
    for (size_t word = 0; word < (rank_count + 63) / 64; word++) bits[word] = 0;
    uint32_t count = 0;
    for (const window_run *run = window->rows; run < window->rows + window->row_count; run++)
      for (int32_t dx = run->first; dx < run->end; dx++) {
        uint32_t rank = ranks[(size_t)run->line * pitch + (size_t)dx];
        if (rank == UINT32_MAX) continue;
        bits[rank >> 6] |= (uint64_t)1 << (rank & 63);
        count++;
      }
    uint32_t median = 0, below = 0;  // `below` counts members less than `median`.
    for (size_t x = 0;; x++) {
      if (count == 0) {
        dst[x] = 0;
        median = below = 0;
      } else {
        uint32_t target = KERNEL(chosen_rank)(window, count);
        while (below > target) median = KERNEL(member_before)(bits, median), below--;
        median = KERNEL(member_from)(bits, median);  // The old median may have left.
        while (below < target) median = KERNEL(member_from)(bits, median + 1), below++;
        dst[x] = values[median];
      }
      if (x + 1 == window->width) break;
      for (const window_run *run = window->rows; run < window->rows + window->row_count; run++) {
        const uint32_t *row = ranks + (size_t)run->line * pitch + x;
        uint32_t leaving = row[run->first], entering = row[run->end];
        if (leaving != UINT32_MAX) {
          bits[leaving >> 6] ^= (uint64_t)1 << (leaving & 63);
          below -= leaving < median;
          count--;
        }
        if (entering != UINT32_MAX) {
          bits[entering >> 6] ^= (uint64_t)1 << (entering & 63);
          below += entering < median;
          count++;
        }
      }
    }
  }
}

// Of any window: one histogram, which slides along the row (T. S. Huang et al. 1979).
static void KERNEL(slide_covered)(const uint8_t *src, const uint8_t *cover, uint8_t *dst, const median_window *window) {
  size_t pitch = window->src_pitch;
  for (size_t y = 0; y < window->height; y++, src += pitch, cover += pitch, dst += window->dst_pitch) {
    uint32_t bins[256] = {0}, count = 0;
    for (const window_run *run = window->rows; run < window->rows + window->row_count; run++)
      for (int32_t dx = run->first; dx < run->end; dx++) {
        size_t at = (size_t)run->line * pitch + (size_t)dx;
        bins[src[at]] += cover[at];
        count += cover[at];
      }
    uint32_t median = 0, below = 0;  // `below` counts samples less than `median`.
    for (size_t x = 0;; x++) {
      if (count == 0) {
        dst[x] = 0;
        median = below = 0;
      } else {
        uint32_t target = KERNEL(chosen_rank)(window, count);
        while (below > target) below -= bins[--median];
        while (below + bins[median] <= target) below += bins[median++];
        dst[x] = (uint8_t)median;
      }
      if (x + 1 == window->width) break;
      for (const window_run *run = window->rows; run < window->rows + window->row_count; run++) {
        size_t row = (size_t)run->line * pitch + x, leaving = row + (size_t)run->first,
               entering = row + (size_t)run->end;
        bins[src[leaving]] -= cover[leaving];
        bins[src[entering]] += cover[entering];
        below += (src[entering] < median ? cover[entering] : 0u) - (src[leaving] < median ? cover[leaving] : 0u);
        count += (uint32_t)cover[entering] - cover[leaving];
      }
    }
  }
}

static void KERNEL(median_covered_spans_u8)(const uint8_t *src, const uint8_t *cover, uint8_t *dst,
                                            const median_window *window) {
  int is_median = !window->has_rank && window->percent == 50;
  if (is_median && window->window_width <= MEDIAN_SPAN_MOST && window->window_height <= MEDIAN_SPAN_MOST)
    KERNEL(span_medians)(src, cover, dst, window);
  else
    KERNEL(slide_covered)(src, cover, dst, window);
}
