// Medians: sorting networks.
//
// 3 × 3 and 5 × 5 windows, by A. Adams 2021, "Fast median filters using separable sorting networks"
// (doi:10.1145/3450626.3459773): the samples of each row of a window are sorted once, for all windows that they belong
// to; two outputs, one above the other, share the rows that both have. Rows are vectors, so nothing is moved between
// lanes.
//
// Of 5 × 5: sorted rows are merged in pairs (P). Two of these make the 20 samples that both windows have; only the six
// in the middle can be the median of 25, whatever the other five are. Merges are Batcher's odd–even ones, less what is
// not looked at.

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
