// Medians: sets of ranks.
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

static void KERNEL(median_ranks)(const uint32_t *ranks, size_t rank_count, const uint32_t *values, uint64_t *bits,
                                 uint32_t *dst, const median_window *window) {
  size_t pitch = window->src_pitch;
  uint32_t target = KERNEL(chosen_rank)(window, KERNEL(window_count)(window));

  for (size_t y = 0; y < window->height; y++, ranks += pitch, dst += window->dst_pitch) {
    for (size_t word = 0; word < (rank_count + 63) / 64; word++) bits[word] = 0;
    for (const window_run *run = window->rows; run < window->rows + window->row_count; run++)
      for (int32_t dx = run->first; dx < run->end; dx++) {
        uint32_t rank = ranks[(size_t)run->line * pitch + (size_t)dx];
        bits[rank >> 6] |= (uint64_t)1 << (rank & 63);
      }
    uint32_t median = KERNEL(member_from)(bits, 0), below = 0;  // `below` counts members less than `median`.
    for (size_t x = 0;; x++) {
      while (below > target) median = KERNEL(member_before)(bits, median), below--;
      median = KERNEL(member_from)(bits, median);  // The old median may have left.
      while (below < target) median = KERNEL(member_from)(bits, median + 1), below++;
      dst[x] = values[median];
      if (x + 1 == window->width) break;
      for (const window_run *run = window->rows; run < window->rows + window->row_count; run++) {
        const uint32_t *row = ranks + (size_t)run->line * pitch + x;
        uint32_t leaving = row[run->first], entering = row[run->end];
        bits[leaving >> 6] ^= (uint64_t)1 << (leaving & 63);
        below -= leaving < median;
        bits[entering >> 6] ^= (uint64_t)1 << (entering & 63);
        below += entering < median;
      }
    }
  }
}
