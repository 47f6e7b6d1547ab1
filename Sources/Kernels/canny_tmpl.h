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

static void KERNEL(canny_thin_f64)(const double *const *m, const double *i, const double *j, const uint8_t *valid,
                                   double low, double high, uint8_t *labels, size_t n) {
  for (ptrdiff_t x = 0; x < (ptrdiff_t)n; x++) {
    double here = m[1][x];
    labels[x] = 0;
    if (!(here >= low) || !(here > 0.0) || (valid != NULL && valid[x] == 0)) continue;
    double down = __builtin_fabs(i[x]), across = __builtin_fabs(j[x]);
    int same_sign = (i[x] >= 0 && j[x] >= 0) || (i[x] <= 0 && j[x] <= 0);
    // Neighbours on the gradient's line: straight ones (1) and diagonal ones (2), ahead (a) and behind (b).
    double w, a1, a2, b1, b2;
    if (same_sign) {
      a2 = m[2][x + 1];
      b2 = m[0][x - 1];
      if (down > across) {
        w = across / down;
        a1 = m[2][x];
        b1 = m[0][x];
      } else {
        w = down / across;
        a1 = m[1][x + 1];
        b1 = m[1][x - 1];
      }
    } else {
      a2 = m[0][x + 1];
      b2 = m[2][x - 1];
      if (down < across) {
        w = down / across;
        a1 = m[1][x + 1];
        b1 = m[1][x - 1];
      } else {
        w = across / down;
        a1 = m[0][x];
        b1 = m[2][x];
      }
    }
    if (a2 * w + a1 * (1.0 - w) <= here && b2 * w + b1 * (1.0 - w) <= here) labels[x] = here >= high ? 2 : 1;
  }
}

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
  for (size_t x = 0; x < n; x++) dst[x] = (uint8_t)(-(int)((bits[x >> 6] >> (x & 63)) & 1) & value);
}
