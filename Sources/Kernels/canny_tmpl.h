// Canny's detector: gradient, thinning, and hysteresis on rows of bits.

static void KERNEL(divide_f64)(double *values, const double *divisors, double epsilon, size_t n) {
  for (size_t x = 0; x < n; x++) values[x] /= divisors[x] + epsilon;
}

static void KERNEL(canny_gradient_f64)(const double *const *rows, double *i, double *j, double *m, size_t n) {
  const double *above = rows[0], *here = rows[1], *below = rows[2];
  for (ptrdiff_t x = 0; x < (ptrdiff_t)n; x++) {
    double left = below[x - 1] - above[x - 1], middle = below[x] - above[x], right = below[x + 1] - above[x + 1];
    double down = middle * 2.0 + (left + right);
    double top = above[x + 1] - above[x - 1], across = here[x + 1] - here[x - 1], bottom = below[x + 1] - below[x - 1];
    double over = across * 2.0 + (top + bottom);
    i[x] = down;
    j[x] = over;
    m[x] = __builtin_elementwise_sqrt(down * down + over * over);
  }
}

// A pixel (V double) or a vector of them: every value is computed and the right ones are selected. M: what a comparison
// gives.
#define DEFINE_THIN(NAME, V, M, LOAD, SELECT)                                                                       \
  static inline M KERNEL(NAME)(const double *const *m, const double *i, const double *j, double low, ptrdiff_t x) { \
    const double *above = m[0] + x, *level = m[1] + x, *below = m[2] + x;                                           \
    V here = LOAD(level), gi = LOAD(i + x), gj = LOAD(j + x);                                                       \
    V down = __builtin_elementwise_abs(gi), across = __builtin_elementwise_abs(gj);                                 \
    M same_sign = ((gi >= 0.0) & (gj >= 0.0)) | ((gi <= 0.0) & (gj <= 0.0));                                        \
    M steep = (down > across) | (~same_sign & (down == across));                                                    \
    V w = SELECT(down < across, down, across) / SELECT(down < across, across, down);                                \
    /* Neighbours on the gradient's line: straight ones (1) and diagonal ones (2), ahead (a) and behind (b). */     \
    V a2 = SELECT(same_sign, LOAD(below + 1), LOAD(above + 1)),                                                     \
      b2 = SELECT(same_sign, LOAD(above - 1), LOAD(below - 1));                                                     \
    V ahead = SELECT(same_sign, LOAD(below), LOAD(above)), behind = SELECT(same_sign, LOAD(above), LOAD(below));    \
    V a1 = SELECT(steep, ahead, LOAD(level + 1)), b1 = SELECT(steep, behind, LOAD(level - 1));                      \
    return (here >= low) & (here > 0.0) & (a2 * w + a1 * (1.0 - w) <= here) & (b2 * w + b1 * (1.0 - w) <= here);    \
  }
enum { KERNEL(lanes_f64) = VECTOR_BYTES / 8 };
typedef double KERNEL(f64s) __attribute__((ext_vector_type(KERNEL(lanes_f64))));
typedef double KERNEL(f64s_anywhere) __attribute__((ext_vector_type(KERNEL(lanes_f64)), aligned(8)));
typedef int64_t KERNEL(i64s) __attribute__((ext_vector_type(KERNEL(lanes_f64))));
typedef uint8_t KERNEL(u8s_f64) __attribute__((ext_vector_type(KERNEL(lanes_f64)), aligned(1), may_alias));
#define LOAD_ONE(at) (*(at))
#define LOAD_MANY(at) ((KERNEL(f64s)) * (const KERNEL(f64s_anywhere) *)(at))
#define SELECT_ONE(mask, a, b) ((mask)&1 ? (a) : (b))
#define SELECT_MANY(mask, a, b) ((mask) ? (a) : (b))
DEFINE_THIN(thin_one, double, int, LOAD_ONE, SELECT_ONE)
DEFINE_THIN(thin_many, KERNEL(f64s), KERNEL(i64s), LOAD_MANY, SELECT_MANY)
#undef DEFINE_THIN
#undef SELECT_ONE
#undef SELECT_MANY

static void KERNEL(canny_thin_f64)(const double *const *m, const double *i, const double *j, const uint8_t *valid,
                                   double low, double high, uint8_t *labels, size_t n) {
  size_t lanes = KERNEL(lanes_f64);
  for (size_t x = 0; n >= lanes;) {
    KERNEL(i64s) is_edge = KERNEL(thin_many)(m, i, j, low, (ptrdiff_t)x);
    KERNEL(i64s) is_strong = is_edge & (LOAD_MANY(m[1] + x) >= high);
    // Comparisons give −1.
    *(KERNEL(u8s_f64) *)(void *)(labels + x) = __builtin_convertvector(-(is_edge + is_strong), KERNEL(u8s_f64));
    if (x + lanes == n) break;
    x = x + 2 * lanes <= n ? x + lanes : n - lanes;
  }
  for (size_t x = 0; n < lanes && x < n; x++) {
    int is_edge = KERNEL(thin_one)(m, i, j, low, (ptrdiff_t)x) & 1;
    labels[x] = (uint8_t)(is_edge + (is_edge & (LOAD_ONE(m[1] + x) >= high)));
  }
  for (size_t x = 0; valid != NULL && x < n; x++) labels[x] = valid[x] != 0 ? labels[x] : 0;
}
#undef LOAD_ONE
#undef LOAD_MANY

static void KERNEL(pack_labels)(const uint8_t *labels, uint64_t *weak, uint64_t *strong, size_t n) {
  for (size_t x = 0, word = 0; x < n; word++) {
    uint64_t any = 0, sure = 0;
    size_t bits = n - x < 64 ? n - x : 64;
    for (size_t b = 0; b < bits; b++, x++) {
      any |= (uint64_t)(labels[x] != 0) << b;
      sure |= (uint64_t)(labels[x] == 2) << b;
    }
    weak[word] = any;
    strong[word] = sure;
  }
}

// Spreads `seeds` through the runs of `open` towards the higher (or lower) bits of a word, doubling the reach in each
// step (Kogge and Stone's carry chain).
static inline uint64_t KERNEL(fill_up)(uint64_t seeds, uint64_t open) {
  for (int reach = 1; reach < 64; reach *= 2) {
    seeds |= open & (seeds << reach);
    open &= open << reach;
  }
  return seeds;
}

static inline uint64_t KERNEL(fill_down)(uint64_t seeds, uint64_t open) {
  for (int reach = 1; reach < 64; reach *= 2) {
    seeds |= open & (seeds >> reach);
    open &= open >> reach;
  }
  return seeds;
}

// Bit x of the result is set if bit x − 1, x or x + 1 of the row is.
static inline uint64_t KERNEL(dilate)(const uint64_t *row, size_t word, size_t words) {
  uint64_t here = row[word];
  uint64_t before = word > 0 ? row[word - 1] >> 63 : 0, after = word + 1 < words ? row[word + 1] << 63 : 0;
  return here | here << 1 | here >> 1 | before | after;
}

static int32_t KERNEL(reconstruct_row)(const uint64_t *weak, const uint64_t *above, const uint64_t *below,
                                       uint64_t *strong, size_t words) {
  uint64_t changed = 0, carry = 0;
  for (size_t word = 0; word < words; word++) {
    uint64_t open = weak[word], old = strong[word];
    if (open == 0) {
      carry = 0;
      continue;
    }
    uint64_t seeds = old | carry;
    if (above != NULL) seeds |= KERNEL(dilate)(above, word, words);
    if (below != NULL) seeds |= KERNEL(dilate)(below, word, words);
    seeds &= open;
    if (seeds != 0) seeds = KERNEL(fill_up)(seeds, open);
    strong[word] = seeds;
    changed |= seeds ^ old;
    carry = seeds >> 63;
  }
  carry = 0;
  for (size_t word = words; word-- > 0;) {
    uint64_t old = strong[word], seeds = old | (carry & weak[word]);
    if (seeds != 0) seeds = KERNEL(fill_down)(seeds, weak[word]);
    strong[word] = seeds;
    changed |= seeds ^ old;
    carry = seeds << 63;
  }
  return changed != 0;
}

static void KERNEL(unpack_bits_u8)(const uint64_t *bits, uint8_t *dst, uint8_t value, size_t n) {
  size_t x = 0;
  // A word, byte by byte: each lane keeps the bit that is its own.
  typedef uint8_t bytes __attribute__((vector_size(8), aligned(1), may_alias));
  const bytes own = {1, 2, 4, 8, 16, 32, 64, 128};
  for (; x + 64 <= n; x += 64) {
    uint64_t word = bits[x >> 6];
    if (word == 0) {
      __builtin_memset(dst + x, 0, 64);
      continue;
    }
    for (int b = 0; b < 8; b++) {
      bytes spread = (bytes){0} + (uint8_t)(word >> (8 * b));
      *(bytes *)(void *)(dst + x + 8 * b) = (bytes)((spread & own) != 0) & value;
    }
  }
  for (; x < n; x++) dst[x] = (uint8_t)(-(int)((bits[x >> 6] >> (x & 63)) & 1) & value);
}
