// Medians: sorting networks for small windows, column histograms for 8-bit samples, sets of ranks for the rest.

// MARK: Sorting networks
//
// 3 × 3 and 5 × 5 windows, by A. Adams 2021, "Fast median filters using separable sorting networks"
// (doi:10.1145/3450626.3459773): the samples of each row of a window are sorted once, for all windows that they belong
// to; two outputs, one above the other, share the rows that both have. Rows are vectors, so nothing is moved between
// lanes.
//
// Of 5 × 5: sorted rows are merged in pairs (P). Two of these make the 20 samples that both windows have; only the six
// in the middle can be the median of 25, whatever the other five are. Merges are Batcher's odd–even ones, less what is
// not looked at.

#define LOWER(a, b) __builtin_elementwise_min(a, b)
#define UPPER(a, b) __builtin_elementwise_max(a, b)
#define SORT2(V, a, b)                       \
  {                                          \
    V low = LOWER(a, b), high = UPPER(a, b); \
    a = low;                                 \
    b = high;                                \
  }
#define SORT5(V, a, b, c, d, e) \
  SORT2(V, a, b);               \
  SORT2(V, d, e);               \
  SORT2(V, c, e);               \
  SORT2(V, c, d);               \
  SORT2(V, b, e);               \
  SORT2(V, a, d);               \
  SORT2(V, a, c);               \
  SORT2(V, b, d);               \
  SORT2(V, b, c);

// Vectors that a step holds, and rows that are kept: a power of two above the six that two outputs need.
#define NETWORK_VECTORS 4
#define NETWORK_ROWS 8

// The functions of one type of vector (or of one sample, for rows shorter than a vector). T: sample, V: vector, L: its
// samples, C: columns of a step.
#define DEFINE_NETWORKS(NAME, T, V, L, C)                                                                              \
  typedef struct KERNEL(NAME##_rows5) {                                                                                \
    T sorted[NETWORK_ROWS][5][C], pairs[2][10][C];                                                                     \
  } KERNEL(NAME##_rows5);                                                                                              \
  static inline V KERNEL(NAME##_load)(const T *from) { return *(const V *)(const void *)from; }                        \
  static inline void KERNEL(NAME##_store)(T * to, V value) { *(V *)(void *)to = value; }                               \
  static inline size_t KERNEL(NAME##_place)(size_t i, size_t n) { return i + L <= n ? i : n - L; }                     \
                                                                                                                       \
  static inline void KERNEL(NAME##_sort5)(const T *row, size_t step, T(*sorted)[C], size_t n) {                        \
    for (size_t i = 0; i < n; i += L) {                                                                                \
      size_t x = KERNEL(NAME##_place)(i, n);                                                                           \
      const T *at = row + x;                                                                                           \
      V a = KERNEL(NAME##_load)(at - 2 * step), b = KERNEL(NAME##_load)(at - step), c = KERNEL(NAME##_load)(at),       \
        d = KERNEL(NAME##_load)(at + step), e = KERNEL(NAME##_load)(at + 2 * step);                                    \
      SORT5(V, a, b, c, d, e);                                                                                         \
      KERNEL(NAME##_store)(&sorted[0][x], a);                                                                          \
      KERNEL(NAME##_store)(&sorted[1][x], b);                                                                          \
      KERNEL(NAME##_store)(&sorted[2][x], c);                                                                          \
      KERNEL(NAME##_store)(&sorted[3][x], d);                                                                          \
      KERNEL(NAME##_store)(&sorted[4][x], e);                                                                          \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  /* Merges two rows of five into one of ten. */                                                                       \
  static inline void KERNEL(NAME##_merge10)(T(*above)[C], T(*below)[C], T(*pair)[C], size_t n) {                       \
    for (size_t i = 0; i < n; i += L) {                                                                                \
      size_t x = KERNEL(NAME##_place)(i, n);                                                                           \
      V a[5], b[5];                                                                                                    \
      for (int k = 0; k < 5; k++) {                                                                                    \
        a[k] = KERNEL(NAME##_load)(&above[k][x]);                                                                      \
        b[k] = KERNEL(NAME##_load)(&below[k][x]);                                                                      \
      }                                                                                                                \
      V e0 = a[0], e1 = b[0], e4 = a[4], e5 = b[4], e2 = a[2], e3 = b[2];                                              \
      SORT2(V, e0, e1);                                                                                                \
      SORT2(V, e4, e5);                                                                                                \
      SORT2(V, e1, e4);                                                                                                \
      SORT2(V, e2, e3);                                                                                                \
      SORT2(V, e2, e1);                                                                                                \
      SORT2(V, e3, e4); /* now e0 <= e2 <= e1 <= e3 <= e4 <= e5 */                                                     \
      V o0 = a[1], o1 = b[1], o2 = a[3], o3 = b[3];                                                                    \
      SORT2(V, o0, o1);                                                                                                \
      SORT2(V, o2, o3);                                                                                                \
      SORT2(V, o1, o2);                                                                                                \
      SORT2(V, o0, e2);                                                                                                \
      SORT2(V, o1, e1);                                                                                                \
      SORT2(V, o2, e3);                                                                                                \
      SORT2(V, o3, e4);                                                                                                \
      V merged[10] = {e0, o0, e2, o1, e1, o2, e3, o3, e4, e5};                                                         \
      for (int k = 0; k < 10; k++) KERNEL(NAME##_store)(&pair[k][x], merged[k]);                                       \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  /* The 6th of six in order and a row of five. */                                                                     \
  static inline V KERNEL(NAME##_sixth)(const V *a, T(*row)[C], size_t x) {                                             \
    V result = a[5];                                                                                                   \
    for (int k = 0; k < 5; k++) result = LOWER(result, UPPER(a[k], KERNEL(NAME##_load)(&row[4 - k][x])));              \
    return result;                                                                                                     \
  }                                                                                                                    \
                                                                                                                       \
  static inline void KERNEL(NAME##_finish5)(T(*u)[C], T(*v)[C], T(*above)[C], T(*below)[C], T * upper, T * lower,      \
                                            size_t n) {                                                                \
    for (size_t i = 0; i < n; i += L) {                                                                                \
      size_t x = KERNEL(NAME##_place)(i, n);                                                                           \
      /* Those of even and of odd place among the ten, each merged as far as ranks 4 to 6 and 3 to 5. */               \
      V middle[2][3];                                                                                                  \
      for (int odd = 0; odd < 2; odd++) {                                                                              \
        V a[5], b[5];                                                                                                  \
        for (int k = 0; k < 5; k++) {                                                                                  \
          a[k] = KERNEL(NAME##_load)(&u[2 * k + odd][x]);                                                              \
          b[k] = KERNEL(NAME##_load)(&v[2 * k + odd][x]);                                                              \
        }                                                                                                              \
        V t = UPPER(a[1], b[1]), s = LOWER(a[3], b[3]);                                                                \
        V o1 = LOWER(t, s), o2 = UPPER(t, s);                                                                          \
        V p = UPPER(a[0], b[0]), q = LOWER(a[4], b[4]);                                                                \
        V e2 = UPPER(LOWER(a[2], b[2]), LOWER(p, q)), e3 = LOWER(UPPER(a[2], b[2]), UPPER(p, q));                      \
        middle[odd][0] = odd ? LOWER(o1, e2) : UPPER(o1, e2);                                                          \
        middle[odd][1] = odd ? UPPER(o1, e2) : LOWER(o2, e3);                                                          \
        middle[odd][2] = odd ? LOWER(o2, e3) : UPPER(o2, e3);                                                          \
      }                                                                                                                \
      V six[6];                                                                                                        \
      for (int k = 0; k < 3; k++) {                                                                                    \
        six[2 * k] = LOWER(middle[0][k], middle[1][k]);                                                                \
        six[2 * k + 1] = UPPER(middle[0][k], middle[1][k]);                                                            \
      }                                                                                                                \
      V first = KERNEL(NAME##_sixth)(six, above, x), second = KERNEL(NAME##_sixth)(six, below, x);                     \
      KERNEL(NAME##_store)(upper + x, first);                                                                          \
      KERNEL(NAME##_store)(lower + x, second);                                                                         \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  static void KERNEL(NAME##_columns5)(const T *const *rows, size_t x, size_t step, T *dst, size_t pitch, size_t n,     \
                                      size_t height) {                                                                 \
    KERNEL(NAME##_rows5) held;                                                                                         \
    T spare[C];                                                                                                        \
    for (size_t y = 0; y < 4; y++) KERNEL(NAME##_sort5)(rows[y] + x, step, held.sorted[y], n);                         \
    KERNEL(NAME##_merge10)(held.sorted[1], held.sorted[2], held.pairs[0], n);                                          \
    for (size_t y = 0; y < height; y += 2) {                                                                           \
      /* Row y + k of the table is row y + k - 2 of the picture. Below an odd last row nothing is asked for. */        \
      size_t last = height + 3;                                                                                        \
      for (size_t k = 4; k < 6; k++) {                                                                                 \
        size_t row = y + k < last ? y + k : last;                                                                      \
        KERNEL(NAME##_sort5)(rows[row] + x, step, held.sorted[(y + k) % NETWORK_ROWS], n);                             \
      }                                                                                                                \
      size_t now = y / 2 % 2;                                                                                          \
      KERNEL(NAME##_merge10)                                                                                           \
      (held.sorted[(y + 3) % NETWORK_ROWS], held.sorted[(y + 4) % NETWORK_ROWS], held.pairs[1 - now], n);              \
      T *lower = y + 1 < height ? dst + (y + 1) * pitch + x : spare;                                                   \
      KERNEL(NAME##_finish5)                                                                                           \
      (held.pairs[now], held.pairs[1 - now], held.sorted[y % NETWORK_ROWS], held.sorted[(y + 5) % NETWORK_ROWS],       \
       dst + y * pitch + x, lower, n);                                                                                 \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  static inline V KERNEL(NAME##_of3)(V a, V b, V c) { return UPPER(LOWER(a, b), LOWER(UPPER(a, b), c)); }              \
                                                                                                                       \
  /* Rows y - 1 to y + 2 make two outputs, which share the two in the middle. */                                       \
  static inline void KERNEL(NAME##_rows3)(const T *const *rows, size_t step, T *upper, T *lower, size_t n) {           \
    for (size_t i = 0; i < n; i += L) {                                                                                \
      size_t x = KERNEL(NAME##_place)(i, n);                                                                           \
      V low[4], mid[4], high[4];                                                                                       \
      for (int k = 0; k < 4; k++) {                                                                                    \
        const T *at = rows[k] + x;                                                                                     \
        V a = KERNEL(NAME##_load)(at - step), b = KERNEL(NAME##_load)(at), c = KERNEL(NAME##_load)(at + step);         \
        SORT2(V, a, b);                                                                                                \
        SORT2(V, b, c);                                                                                                \
        SORT2(V, a, b);                                                                                                \
        low[k] = a, mid[k] = b, high[k] = c;                                                                           \
      }                                                                                                                \
      V greatest = UPPER(low[1], low[2]), least = LOWER(high[1], high[2]);                                             \
      V less = LOWER(mid[1], mid[2]), more = UPPER(mid[1], mid[2]);                                                    \
      V first = KERNEL(NAME##_of3)(UPPER(greatest, low[0]), UPPER(less, LOWER(more, mid[0])), LOWER(least, high[0]));  \
      V second = KERNEL(NAME##_of3)(UPPER(greatest, low[3]), UPPER(less, LOWER(more, mid[3])), LOWER(least, high[3])); \
      KERNEL(NAME##_store)(upper + x, first);                                                                          \
      KERNEL(NAME##_store)(lower + x, second);                                                                         \
    }                                                                                                                  \
  }                                                                                                                    \
                                                                                                                       \
  static void KERNEL(NAME##_columns3)(const T *const *rows, size_t step, T *dst, size_t pitch, size_t n,               \
                                      size_t height) {                                                                 \
    for (size_t y = 0; y + 1 < height; y += 2) {                                                                       \
      KERNEL(NAME##_rows3)(rows + y, step, dst + y * pitch, dst + (y + 1) * pitch, n);                                 \
    }                                                                                                                  \
    if (height % 2 == 0) return;                                                                                       \
    /* The last row by itself, a step at a time; the second output goes nowhere. */                                    \
    T spare[C];                                                                                                        \
    for (size_t i = 0; i < n; i += C) {                                                                                \
      size_t columns = n - i < C ? n - i : C;                                                                          \
      size_t x = columns < L ? n - L : i;                                                                              \
      const T *const last[4] = {rows[height - 1] + x, rows[height] + x, rows[height + 1] + x, rows[height + 1] + x};   \
      KERNEL(NAME##_rows3)(last, step, dst + (height - 1) * pitch + x, spare, columns < L ? L : columns);              \
    }                                                                                                                  \
  }

#define DEFINE_MEDIANS(NAME, T)                                                                              \
  typedef T KERNEL(NAME##_vector) __attribute__((vector_size(VECTOR_BYTES), aligned(1), may_alias));         \
  DEFINE_NETWORKS(NAME##_v, T, KERNEL(NAME##_vector), (VECTOR_BYTES / sizeof(T)),                            \
                  (NETWORK_VECTORS * VECTOR_BYTES / sizeof(T)))                                              \
  DEFINE_NETWORKS(NAME##_s, T, T, 1, VECTOR_BYTES)                                                           \
  static void KERNEL(median3_##NAME)(const T *const *rows, size_t step, T *dst, size_t pitch, size_t n,      \
                                     size_t height) {                                                        \
    if (n >= VECTOR_BYTES / sizeof(T)) {                                                                     \
      KERNEL(NAME##_v_columns3)(rows, step, dst, pitch, n, height);                                          \
    } else {                                                                                                 \
      KERNEL(NAME##_s_columns3)(rows, step, dst, pitch, n, height);                                          \
    }                                                                                                        \
  }                                                                                                          \
  static void KERNEL(median5_##NAME)(const T *const *rows, size_t step, T *dst, size_t pitch, size_t n,      \
                                     size_t height) {                                                        \
    size_t vector = VECTOR_BYTES / sizeof(T), most = NETWORK_VECTORS * vector;                               \
    if (n < vector) {                                                                                        \
      if (n > 0) KERNEL(NAME##_s_columns5)(rows, 0, step, dst, pitch, n, height);                            \
      return;                                                                                                \
    }                                                                                                        \
    for (size_t x = 0; x < n; x += most) {                                                                   \
      /* The last step overlaps the one before, so that it is of whole vectors too. */                       \
      size_t columns = n - x < most ? n - x : most;                                                          \
      size_t start = columns < vector ? n - vector : x;                                                      \
      KERNEL(NAME##_v_columns5)(rows, start, step, dst, pitch, columns < vector ? vector : columns, height); \
    }                                                                                                        \
  }
DEFINE_MEDIANS(u8, uint8_t)
DEFINE_MEDIANS(u16, uint16_t)
DEFINE_MEDIANS(i32, int32_t)
#undef DEFINE_MEDIANS
#undef DEFINE_NETWORKS
#undef SORT5
#undef SORT2

// MARK: Counting
//
// Windows of up to 255 8-bit samples: the median's bits are found from the highest, each by counting the samples below
// the value that it would make, for a vector of windows at once. There is no data-dependent branch, and windows may
// have any shape.

#define COUNT_MOST 255

typedef uint8_t KERNEL(u8_aligned) __attribute__((vector_size(VECTOR_BYTES)));

static void KERNEL(median_count_u8)(const uint8_t *const *rows, const int32_t *offsets, size_t count, uint32_t rank,
                                    uint8_t *dst, size_t n) {
  typedef KERNEL(u8_vector) V;
  size_t x = 0;
  if (n >= VECTOR_BYTES) {
    for (;;) {
      // Only between the least and the greatest of all the windows' samples is there anything to be found.
      V median = *(const V *)(const void *)(rows[0] + offsets[0] + x), greatest = median;
      for (size_t k = 1; k < count; k++) {
        V sample = *(const V *)(const void *)(rows[k] + offsets[k] + x);
        median = LOWER(median, sample);
        greatest = UPPER(greatest, sample);
      }
      unsigned range = __builtin_reduce_max((KERNEL(u8_aligned))(greatest - median));
      for (unsigned bit = range > 0 ? 1u << (31 - __builtin_clz(range)) : 0; bit > 0; bit >>= 1) {
        // At most 255, which is no more than the median if fewer than that are below.
        V below = {0}, limit = __builtin_elementwise_add_sat(median, (V)((V){0} + (uint8_t)bit));
        for (size_t k = 0; k < count; k++) {
          V sample = *(const V *)(const void *)(rows[k] + offsets[k] + x);
          below -= (V)(sample < limit);
        }
        // Not more than `rank` are below: the median is not, and has the bit.
        V has = (V)(below <= (uint8_t)rank);
        median = (median & ~has) | (limit & has);
      }
      *(V *)(void *)(dst + x) = median;
      if (x + VECTOR_BYTES == n) return;
      x = x + 2 * VECTOR_BYTES <= n ? x + VECTOR_BYTES : n - VECTOR_BYTES;
    }
  }
  for (; x < n; x++) {
    unsigned median = 0;
    for (unsigned bit = 128; bit > 0; bit >>= 1) {
      unsigned below = 0;
      for (size_t k = 0; k < count; k++) below += rows[k][(ptrdiff_t)x + offsets[k]] < median + bit;
      if (below <= rank) median += bit;
    }
    dst[x] = (uint8_t)median;
  }
}

// MARK: Convex windows
//
// Windows of any convex shape on 8-bit samples, a vector of neighbouring windows at once. From one row to the next, the
// samples that come into and leave a window change how many in it are above its median, and above the value below that:
// mostly this tells that the median has stayed. Where it has not, it is looked for by counting the whole window's
// samples above some value (each window has its own), in doubling steps from where it was, then by halves.

#define SPAN_TILE_HEIGHT 128
#define SPAN_PITCH (VECTOR_BYTES + MEDIAN_SPAN_MOST + 1)

typedef int8_t KERNEL(i8_aligned) __attribute__((vector_size(VECTOR_BYTES)));
typedef int8_t KERNEL(i8_vector) __attribute__((vector_size(VECTOR_BYTES), aligned(1), may_alias));
typedef int16_t KERNEL(span_counts) __attribute__((vector_size(2 * VECTOR_BYTES)));

typedef struct KERNEL(span_tile) {
  size_t window_width, window_height;
  const int32_t *spans;
  int32_t top[MEDIAN_SPAN_MOST], bottom[MEDIAN_SPAN_MOST];  // The first and last row of the window in each column.
  int16_t total, needed;  // Samples of a window; a value is not below the median if fewer than `needed` are above it.
  int8_t samples[(SPAN_TILE_HEIGHT + MEDIAN_SPAN_MOST) * SPAN_PITCH];  // Less 128.
} KERNEL(span_tile);

static inline KERNEL(i8_aligned) KERNEL(load_i8)(const int8_t *at) {
  return (KERNEL(i8_aligned)) * (const KERNEL(i8_vector) *)(const void *)at;
}

// How many of each window's samples are above the window's own value; the windows' first row is `row`.
static void KERNEL(count_above)(const KERNEL(span_tile) * tile, const int8_t *row, const KERNEL(i8_aligned) * values,
                                KERNEL(span_counts) * result) {
  KERNEL(i8_aligned) value = *values;
  KERNEL(span_counts) counts = {0};
  for (size_t dy = 0; dy < tile->window_height; dy++, row += SPAN_PITCH) {
    // At most 127 a row. Comparisons give −1.
    KERNEL(i8_aligned) above = {0};
    for (int32_t dx = tile->spans[2 * dy]; dx < tile->spans[2 * dy + 1]; dx++)
      above += (KERNEL(i8_aligned))(KERNEL(load_i8)(row + dx) > value);
    counts -= __builtin_convertvector(above, KERNEL(span_counts));
  }
  *result = counts;
}

static inline int KERNEL(any)(KERNEL(i8_aligned) mask) { return __builtin_reduce_or(mask) != 0; }

// One column of windows as wide as a vector. `dst` is `height` rows of as many bytes.
static void KERNEL(median_span_column)(const KERNEL(span_tile) * tile, size_t height, uint8_t *dst) {
  typedef KERNEL(i8_aligned) V;
  typedef KERNEL(span_counts) Counts;
  const V least = (V){0} + INT8_MIN, one = (V){0} + (int8_t)1;
  // The median, and how many samples are above it and above the value below it (which are `needed` or more, if there is
  // such a value). At first it may be anything.
  V median = (V){0} + INT8_MAX;
  Counts above = {0}, above_lower = {0};
  for (size_t y = 0; y < height; y++) {
    const int8_t *row = tile->samples + y * SPAN_PITCH;
    V first = median, last = median;  // Where the median may be now.
    V rises = {0}, falls = {0};       // Windows for which a bound has not been found yet.
    if (y == 0) {
      first = least;
      above_lower = (Counts){0} + tile->total;
    } else {
      V change = {0}, change_lower = {0}, lower = __builtin_elementwise_sub_sat(median, one);
      for (size_t dx = 0; dx < tile->window_width; dx++) {
        V gone = KERNEL(load_i8)(row + (ptrdiff_t)(tile->top[dx] - 1) * SPAN_PITCH + dx);
        V come = KERNEL(load_i8)(row + (ptrdiff_t)tile->bottom[dx] * SPAN_PITCH + dx);
        change += (V)(gone > median) - (V)(come > median);
        change_lower += (V)(gone > lower) - (V)(come > lower);
      }
      above += __builtin_convertvector(change, Counts);
      above_lower += __builtin_convertvector(change_lower, Counts);
      rises = __builtin_convertvector(above >= tile->needed, V);
      falls = __builtin_convertvector(above_lower < tile->needed, V) & (V)(median > least);
      first = (rises & (V)(median + one)) | (~rises & median);
      last = (rises & INT8_MAX) | (~rises & median);
      first = (falls & least) | (~falls & first);
      last = (falls & lower) | (~falls & last);
      // What is known of the new bounds.
      Counts rose = __builtin_convertvector(rises, Counts), fell = __builtin_convertvector(falls, Counts);
      Counts at_median = above;
      above = (fell & above_lower) | (~fell & ~rose & above);
      above_lower = (rose & at_median) | (fell & tile->total) | (~rose & ~fell & above_lower);
    }
    V open = (V)(first < last);
    for (int step = 0; KERNEL(any)(open); step = step < 63 ? 2 * step + 1 : 127) {
      V stride = (V){0} + (int8_t)step, before_last = last - (open & one);
      V middle = (first & last) + ((first ^ last) >> 1);
      V up = __builtin_elementwise_min(__builtin_elementwise_add_sat(first, stride), before_last);
      V down = __builtin_elementwise_max(__builtin_elementwise_sub_sat(before_last, stride), first);
      V probe = (rises & up) | (falls & down) | (~rises & ~falls & middle);
      Counts count;
      KERNEL(count_above)(tile, row, &probe, &count);
      V enough = __builtin_convertvector(count < tile->needed, V);
      V is_last = open & enough, is_below = open & ~enough;
      Counts wide_last = __builtin_convertvector(is_last, Counts),
             wide_below = __builtin_convertvector(is_below, Counts);
      last = (is_last & probe) | (~is_last & last);
      above = (wide_last & count) | (~wide_last & above);
      first = (is_below & (V)(probe + one)) | (~is_below & first);
      above_lower = (wide_below & count) | (~wide_below & above_lower);
      rises &= ~is_last;
      falls &= ~is_below;
      open = (V)(first < last);
    }
    median = last;
    *(KERNEL(i8_vector) *)(void *)(dst + y * VECTOR_BYTES) = median ^ least;
  }
}

static void KERNEL(median_spans_u8)(const uint8_t *src, uint8_t *dst, const median_window *window,
                                    const int32_t *spans) {
  KERNEL(span_tile)
  tile = {.window_width = window->window_width, .window_height = window->window_height, .spans = spans};
  for (size_t dx = 0; dx < tile.window_width; dx++) tile.top[dx] = -1;
  for (size_t dy = 0; dy < tile.window_height; dy++)
    for (int32_t dx = spans[2 * dy]; dx < spans[2 * dy + 1]; dx++, tile.total++) {
      if (tile.top[dx] < 0) tile.top[dx] = (int32_t)dy;
      tile.bottom[dx] = (int32_t)dy;
    }
  tile.needed = (int16_t)(tile.total - tile.total / 2);
  for (size_t y = 0; y < window->height; y += SPAN_TILE_HEIGHT) {
    size_t height = window->height - y < SPAN_TILE_HEIGHT ? window->height - y : SPAN_TILE_HEIGHT;
    for (size_t x = 0; x < window->width; x += VECTOR_BYTES) {
      size_t width = window->width - x < VECTOR_BYTES ? window->width - x : VECTOR_BYTES;
      size_t columns = width + tile.window_width - 1;
      for (size_t row = 0; row < height + tile.window_height - 1; row++) {
        const uint8_t *from = src + (y + row) * window->src_pitch + x;
        int8_t *to = tile.samples + row * SPAN_PITCH;
        for (size_t i = 0; i < columns; i++) to[i] = (int8_t)(from[i] ^ 128);
        // Windows beyond the tile are like its last one.
        for (size_t i = columns; i < VECTOR_BYTES + tile.window_width - 1; i++) to[i] = to[columns - 1];
      }
      uint8_t medians[SPAN_TILE_HEIGHT * VECTOR_BYTES];
      KERNEL(median_span_column)(&tile, height, medians);
      for (size_t row = 0; row < height; row++)
        memcpy(dst + (y + row) * window->dst_pitch + x, medians + row * VECTOR_BYTES, width);
    }
  }
}

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
