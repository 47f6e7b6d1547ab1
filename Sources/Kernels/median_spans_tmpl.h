// Medians: windows of any shape.
//
// Windows of any shape on 8-bit samples, a vector of neighbouring windows at once. From one row to the next, the
// samples that come into and leave a window (at the ends of its columns' runs) change how many in it are above its
// median, and above the value below that: mostly this tells that the median has stayed. Where it has not, it is looked
// for by counting the whole window's samples above some value (each window has its own), in doubling steps from where
// it was, then by halves.

#define SPAN_TILE_HEIGHT 128
#define SPAN_PITCH (VECTOR_BYTES + MEDIAN_SPAN_MOST + 1)

typedef int8_t KERNEL(i8_aligned) __attribute__((vector_size(VECTOR_BYTES)));
typedef int8_t KERNEL(i8_vector) __attribute__((vector_size(VECTOR_BYTES), aligned(1), may_alias));
typedef int16_t KERNEL(span_counts) __attribute__((vector_size(2 * VECTOR_BYTES)));

typedef struct KERNEL(span_tile) {
  const median_window *window;
  int16_t total, needed;  // Samples of a window; a value is not below the median if fewer than `needed` are above it.
  int8_t samples[(SPAN_TILE_HEIGHT + MEDIAN_SPAN_MOST) * SPAN_PITCH];  // Less 128; those that do not count are −128.
  int8_t covers[(SPAN_TILE_HEIGHT + MEDIAN_SPAN_MOST) * SPAN_PITCH];   // 1 for those that count, else 0.
} KERNEL(span_tile);

static inline KERNEL(i8_aligned) KERNEL(load_i8)(const int8_t *at) {
  return (KERNEL(i8_aligned)) * (const KERNEL(i8_vector) *)(const void *)at;
}

// How many of each window's samples are above the window's own value; the windows' first row is `row`.
static void KERNEL(count_above)(const KERNEL(span_tile) * tile, const int8_t *first, const KERNEL(i8_aligned) * values,
                                KERNEL(span_counts) * result) {
  KERNEL(i8_aligned) value = *values;
  KERNEL(span_counts) counts = {0};
  const window_run *runs = tile->window->rows;
  for (size_t k = 0; k < tile->window->row_count; k++) {
    // At most 127 a run. Comparisons give −1.
    KERNEL(i8_aligned) above = {0};
    const int8_t *row = first + (ptrdiff_t)runs[k].line * SPAN_PITCH;
    for (int32_t dx = runs[k].first; dx < runs[k].end; dx++)
      above += (KERNEL(i8_aligned))(KERNEL(load_i8)(row + dx) > value);
    counts -= __builtin_convertvector(above, KERNEL(span_counts));
  }
  *result = counts;
}

// How many of each window's samples count.
static void KERNEL(count_covered)(const KERNEL(span_tile) * tile, KERNEL(span_counts) * result) {
  KERNEL(span_counts) counts = {0};
  const window_run *runs = tile->window->rows;
  for (size_t k = 0; k < tile->window->row_count; k++) {
    KERNEL(i8_aligned) covered = {0};
    const int8_t *row = tile->covers + (ptrdiff_t)runs[k].line * SPAN_PITCH;
    for (int32_t dx = runs[k].first; dx < runs[k].end; dx++) covered += KERNEL(load_i8)(row + dx);
    counts += __builtin_convertvector(covered, KERNEL(span_counts));
  }
  *result = counts;
}

static inline int KERNEL(any)(KERNEL(i8_aligned) mask) { return __builtin_reduce_or(mask) != 0; }

// One column of windows as wide as a vector. `dst` is `height` rows of as many bytes. Where not all samples count, the
// median of those that do is taken.
static inline __attribute__((always_inline)) void KERNEL(median_span_column)(const KERNEL(span_tile) * tile,
                                                                             int is_covered, size_t height,
                                                                             uint8_t *dst) {
  typedef KERNEL(i8_aligned) V;
  typedef KERNEL(span_counts) Counts;
  const V least = (V){0} + INT8_MIN, one = (V){0} + (int8_t)1;
  // The median, and how many samples are above it and above the value below it (which are `needed` or more, if there is
  // such a value). At first it may be anything.
  V median = (V){0} + INT8_MAX;
  Counts above = {0}, above_lower = {0};
  Counts total = (Counts){0} + tile->total, needed = (Counts){0} + tile->needed;
  if (is_covered) KERNEL(count_covered)(tile, &total);
  for (size_t y = 0; y < height; y++) {
    const int8_t *row = tile->samples + y * SPAN_PITCH;
    V first = median, last = median;  // Where the median may be now.
    V rises = {0}, falls = {0};       // Windows for which a bound has not been found yet.
    if (is_covered && y > 0) {
      const int8_t *cover = tile->covers + y * SPAN_PITCH;
      const window_run *runs = tile->window->columns;
      for (size_t k = 0; k < tile->window->column_count;) {
        V change = {0};
        for (size_t end = SMALLER(k + 127, tile->window->column_count); k < end; k++)
          change += KERNEL(load_i8)(cover + (ptrdiff_t)(runs[k].end - 1) * SPAN_PITCH + runs[k].line) -
                    KERNEL(load_i8)(cover + (ptrdiff_t)(runs[k].first - 1) * SPAN_PITCH + runs[k].line);
        total += __builtin_convertvector(change, Counts);
      }
    }
    // Of none the median is the least.
    if (is_covered) needed = __builtin_elementwise_max(total - (total >> 1), (Counts){0} + (int16_t)1);
    if (y == 0) {
      first = least;
      above_lower = total;
    } else {
      V lower = __builtin_elementwise_sub_sat(median, one);
      const window_run *runs = tile->window->columns;
      for (size_t k = 0; k < tile->window->column_count;) {
        V change = {0}, change_lower = {0};
        for (size_t end = SMALLER(k + 127, tile->window->column_count); k < end; k++) {
          V gone = KERNEL(load_i8)(row + (ptrdiff_t)(runs[k].first - 1) * SPAN_PITCH + runs[k].line);
          V come = KERNEL(load_i8)(row + (ptrdiff_t)(runs[k].end - 1) * SPAN_PITCH + runs[k].line);
          change += (V)(gone > median) - (V)(come > median);
          change_lower += (V)(gone > lower) - (V)(come > lower);
        }
        above += __builtin_convertvector(change, Counts);
        above_lower += __builtin_convertvector(change_lower, Counts);
      }
      rises = __builtin_convertvector(above >= needed, V);
      falls = __builtin_convertvector(above_lower < needed, V) & (V)(median > least);
      first = (rises & (V)(median + one)) | (~rises & median);
      last = (rises & INT8_MAX) | (~rises & median);
      first = (falls & least) | (~falls & first);
      last = (falls & lower) | (~falls & last);
      // What is known of the new bounds.
      Counts rose = __builtin_convertvector(rises, Counts), fell = __builtin_convertvector(falls, Counts);
      Counts at_median = above;
      above = (fell & above_lower) | (~fell & ~rose & above);
      above_lower = (rose & at_median) | (fell & total) | (~rose & ~fell & above_lower);
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
      V enough = __builtin_convertvector(count < needed, V);
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

static inline __attribute__((always_inline)) void KERNEL(span_medians)(const uint8_t *src, const uint8_t *cover,
                                                                       uint8_t *dst, const median_window *window) {
  uint32_t total = KERNEL(window_count)(window);
  KERNEL(span_tile) tile;
  tile.window = window;
  tile.total = (int16_t)total;
  tile.needed = (int16_t)(total - KERNEL(chosen_rank)(window, total));
  for (size_t y = 0; y < window->height; y += SPAN_TILE_HEIGHT) {
    size_t height = window->height - y < SPAN_TILE_HEIGHT ? window->height - y : SPAN_TILE_HEIGHT;
    for (size_t x = 0; x < window->width; x += VECTOR_BYTES) {
      size_t width = window->width - x < VECTOR_BYTES ? window->width - x : VECTOR_BYTES;
      size_t columns = width + window->window_width - 1;
      for (size_t row = 0; row < height + window->window_height - 1; row++) {
        const uint8_t *from = src + (y + row) * window->src_pitch + x;
        int8_t *to = tile.samples + row * SPAN_PITCH;
        for (size_t i = 0; i < columns; i++) to[i] = (int8_t)(from[i] ^ 128);
        // Windows beyond the tile are like its last one.
        size_t all = VECTOR_BYTES + window->window_width - 1;
        for (size_t i = columns; i < all; i++) to[i] = to[columns - 1];
        if (cover == NULL) continue;
        const uint8_t *under = cover + (y + row) * window->src_pitch + x;
        int8_t *counts = tile.covers + row * SPAN_PITCH;
        for (size_t i = 0; i < all; i++) {
          counts[i] = (int8_t)under[i < columns ? i : columns - 1];
          to[i] = counts[i] ? to[i] : INT8_MIN;
        }
      }
      uint8_t medians[SPAN_TILE_HEIGHT * VECTOR_BYTES];
      KERNEL(median_span_column)(&tile, cover != NULL, height, medians);
      for (size_t row = 0; row < height; row++)
        memcpy(dst + (y + row) * window->dst_pitch + x, medians + row * VECTOR_BYTES, width);
    }
  }
}

static void KERNEL(median_spans_u8)(const uint8_t *src, uint8_t *dst, const median_window *window) {
  KERNEL(span_medians)(src, NULL, dst, window);
}
