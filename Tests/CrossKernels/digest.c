// Runs every build of the kernels that this machine has on fixed inputs and prints a digest of what each writes. Two
// machines print the same, whatever their instruction sets: `make test-arm64` compares this one with arm64 under qemu.
#include "Kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { most = 700, rows_most = 16, margin = 64 };

static uint64_t state;
static uint64_t noise(void) {
  state ^= state << 13;
  state ^= state >> 7;
  return state ^= state << 17;
}

// Inputs: rows of every type, readable `margin` samples to either side; outputs with guards.
_Alignas(8) static uint8_t bytes[rows_most][most + 2 * margin];
static uint16_t words[rows_most][most + 2 * margin];
static int32_t longs[rows_most][most + 2 * margin];
static float singles[rows_most][most + 2 * margin];
static double doubles[rows_most][most + 2 * margin];
static union {
  uint8_t bytes[8 * 8 * most + 64];
  double align;
} out, out2, out3;
static uint64_t digest;

// Of each kernel of the list: its place, and whether it was run.
enum kernel_place {
#define KERNEL_ENTRY(result, name, parameters) kernel_##name,
#include "KernelList.h"
  kernel_places
};
static int was_run[kernel_places];

static void fill(int kind) {
  for (int r = 0; r < rows_most; r++) {
    for (int x = 0; x < most + 2 * margin; x++) {
      uint64_t v = kind == 0 ? 0 : kind == 1 ? UINT64_MAX : noise();
      bytes[r][x] = (uint8_t)v;
      words[r][x] = (uint16_t)v;
      longs[r][x] = (int32_t)v;
      singles[r][x] = (float)(v >> 40) / 16777216.0f;
      doubles[r][x] = (double)(v >> 11) / 9007199254740992.0;
    }
  }
}

static void clear(void) {
  memset(&out, 0x47, sizeof out);
  memset(&out2, 0x47, sizeof out2);
  memset(&out3, 0x47, sizeof out3);
}

static void add(const void *data, size_t count) {
  const uint8_t *at = data;
  for (size_t i = 0; i < count; i++) digest = (digest ^ at[i]) * 0x100000001b3u;
}

static void add_outputs(void) {
  add(&out, sizeof out);
  add(&out2, sizeof out2);
  add(&out3, sizeof out3);
}

#define TABLE(type, name, from) \
  const type *name[rows_most];  \
  for (int r = 0; r < rows_most; r++) name[r] = from[r] + margin;

static void run_all(kernels k, size_t n) {
  TABLE(uint8_t, u8, bytes)
  TABLE(uint16_t, u16, words)
  TABLE(int32_t, i32, longs)
  TABLE(float, f32, singles)
  TABLE(double, f64, doubles)
  static const float weights[] = {0.3f, 0.2f, 0.1f, 0.04f, 0.01f};
  static const double weights64[] = {0.3, 0.2, 0.1, 0.04, 0.01};
  float *single = (float *)(void *)&out, *single2 = (float *)(void *)&out2;
  double *wide = (double *)(void *)&out, *wide2 = (double *)(void *)&out2, *wide3 = (double *)(void *)&out3;
// Runs one kernel of the list, as `kernel`, after what makes its arguments ready.
#define RUN(name, ...)                  \
  {                                     \
    __typeof__(k.name) kernel = k.name; \
    clear();                            \
    __VA_ARGS__;                        \
    add_outputs();                      \
    was_run[kernel_##name] = 1;         \
  }
  RUN(load_u8_f32, kernel(u8[0], single, 1 / 255.0f, n))
  RUN(load_u16_f32, kernel(u16[0], single, 1 / 65535.0f, n))
  RUN(load_u8_f64, kernel(u8[0], wide, 1 / 255.0, n))
  RUN(load_u16_f64, kernel(u16[0], wide, 1 / 65535.0, n))
  RUN(load_f32_f64, kernel(f32[0], wide, 0.7, n))
  RUN(scale_f32, kernel(f32[0], single, 0.3f, 0.1f, n))
  RUN(store_f32_u8, kernel(f32[0], out.bytes, 300, -10, n))
  RUN(store_f32_u16, kernel(f32[0], (uint16_t *)(void *)&out, 70000, -100, n))
  RUN(luma_u8_f32, kernel(u8[0], single, 1 / 255.0f, 3, n / 4))
  RUN(luma_u16_f32, kernel(u16[0], single, 1 / 65535.0f, 3, n / 4))
  RUN(luma_f32_f32, kernel(f32[0], single, 1, 4, n / 4))
  RUN(luma_u8_f64, kernel(u8[0], wide, 1 / 255.0, 3, n / 4))
  RUN(luma_u16_f64, kernel(u16[0], wide, 1 / 65535.0, 4, n / 4))
  RUN(luma_f32_f64, kernel(f32[0], wide, 1, 3, n / 4))
  RUN(premultiply_f32, memcpy(single, f32[0], 4 * n); kernel(single, 1, 4, n / 4))
  RUN(unpremultiply_f32, memcpy(single, f32[0], 4 * n); kernel(single, 1, 2, n / 2))
  RUN(correlate_rows_u8_f32, kernel(u8, weights, 4, single, n))
  RUN(correlate_rows_u16_f32, kernel(u16, weights, 3, single, n))
  RUN(correlate_rows_f32, kernel(f32, weights, 4, single, n))
  RUN(correlate_rows_f64, kernel(f64, weights64, 2, wide, n))
  RUN(correlate_row_f32, kernel(f32[0], weights, 4, 3, single, n))
  RUN(correlate_row_f64, kernel(f64[0], weights64, 4, 1, wide, n))
  uint16_t *halves[] = {(uint16_t *)(void *)&out, (uint16_t *)(void *)&out2};
  static const uint16_t fixed[] = {20000, 26000, 13000, 5000, 1536};
  RUN(split_samples_u8, kernel(u8[0], halves[0], halves[1], n))
  RUN(join_samples_u8, kernel(u16[0], u16[1], out.bytes, n))
  RUN(correlate_pairs_u16, kernel(u16, fixed, 4, 3, 1, halves[0], halves[1], n / 128 * 128))
  RUN(cover_bytes_u8, kernel(u8[0], out.bytes, n))
  RUN(keep_covered_u16, kernel(u16[0], u16[1], 65275, halves[0], n))
  RUN(blend_row_f32, kernel(f32[0], 9, f32[1], 3, single, n))
  RUN(blend_rows_u8, kernel(f32, weights, out.bytes, n))
  RUN(divide_covered_u16, memcpy(halves[0], u16[0], 2 * n); kernel(halves[0], u16[1], 65275, n))
  RUN(correlate_odd_rows_f32, kernel(f32, weights, 4, single, n))
  RUN(correlate_odd_rows_f64, kernel(f64, weights64, 2, wide, n))
  RUN(correlate_odd_row_f32, kernel(f32[0], weights, 4, 3, single, n))
  RUN(correlate_odd_row_f64, kernel(f64[0], weights64, 4, 1, wide, n))
  RUN(gradient3_f32, kernel(f32, weights, 1, single, single2, n))
  RUN(gradient5_f32, kernel(f32, weights, weights, 3, single, single2, n))
  RUN(roberts_f32, kernel(f32, 1, single, single2, n))
  RUN(sobel_u8, kernel(u8, 3, out.bytes, n))
  RUN(magnitude_f32, kernel(f32[0], f32[1], 0.7f, single, n))
  RUN(gradient3_f64, kernel(f64, weights64, 1, wide, wide2, n))
  RUN(gradient5_f64, kernel(f64, weights64, weights64, 3, wide, wide2, n))
  RUN(roberts_f64, kernel(f64, 1, wide, wide2, n))
  RUN(magnitude_f64, kernel(f64[0], f64[1], 0.7, wide, n))
  RUN(divide_f64, memcpy(wide, f64[0], 8 * n); kernel(wide, f64[1], 1e-9, n))
  RUN(canny_gradient_f64, kernel(f64, wide, wide2, wide3, n))
  RUN(canny_thin_f64, kernel(f64, f64[4], f64[5], NULL, 0.3, 0.6, out.bytes, n))
  // Rows of bits: as many words as there are samples to a row of labels.
  uint64_t *bits = (uint64_t *)(void *)&out, *bits2 = (uint64_t *)(void *)&out2;
  static uint8_t labels[most];
  for (size_t x = 0; x < n; x++) labels[x] = u8[0][x] % 3;
  RUN(pack_labels, kernel(labels, bits, bits2, n))
  const uint64_t *seeds = (const uint64_t *)(const void *)bytes[8], *open = (const uint64_t *)(const void *)bytes[10];
  size_t row_words = n / 8;
  RUN(reconstruct_row, for (size_t w = 0; w < row_words; w++) bits[w] = open[w] & seeds[w] & 0x0100000100000010;
      bits2[0] = (uint64_t)kernel(open, seeds, NULL, bits, row_words))
  RUN(unpack_bits_u8, kernel(open, out.bytes, 255, n))
  RUN(laplacian_f32, kernel(f32[0], f32[1], 3, single, n))
  RUN(laplacian_f64, kernel(f64[0], f64[1], 3, wide, n))
  RUN(difference_f32, kernel(f32[0], f32[1], 1.6f, single, n))
  RUN(difference_f64, kernel(f64[0], f64[1], 1.6, wide, n))
  RUN(peaks_f32, kernel(f32, 0.2f, out.bytes, n))
  RUN(peaks_f64, kernel(f64, 0.2, out.bytes, n))
  RUN(range_f32, if (n > 0) kernel(f32[0], n, single, single + 1))
  RUN(range_f64, if (n > 0) kernel(f64[0], n, wide, wide + 1))
  static const ptrdiff_t lefts[] = {1, -3, -3, 1, -2, -2, -4, -1}, widths[] = {3, 3, 3, 3, 5, 5, 9, 3};
  hessian_box boxes[8];
  for (int b = 0; b < 8; b++) boxes[b] = (hessian_box){doubles[b], doubles[b + 8], lefts[b], widths[b]};
  RUN(hessian_f64, kernel(boxes, 1 / 81.0, 0, n + 1, wide, n))
  RUN(median3_u8, kernel(u8, 3, out.bytes, n, n, 5))
  RUN(median3_u16, kernel(u16, 1, (uint16_t *)(void *)&out, n, n, 4))
  RUN(median3_i32, kernel(i32, 1, (int32_t *)(void *)&out, n, n, 3))
  RUN(median5_u8, kernel(u8, 1, out.bytes, n, n, 7))
  RUN(median5_u16, kernel(u16, 4, (uint16_t *)(void *)&out, n, n, 4))
  RUN(median5_i32, kernel(i32, 1, (int32_t *)(void *)&out, n, n, 3))
  const uint8_t *samples[49];
  int32_t offsets[49];
  for (int i = 0; i < 49; i++) {
    samples[i] = u8[i / 7];
    offsets[i] = i % 7 - 3;
  }
  RUN(median_count_u8, kernel(samples, offsets, 49, 24, out.bytes, n))
  const uint16_t *samples16[49];
  const int32_t *samples32[49];
  for (int i = 0; i < 49; i++) samples16[i] = u16[i / 7], samples32[i] = i32[i / 7];
  static int32_t spare32[most + 2 * margin];
  RUN(extreme_u8, kernel(u8, 4, 3, 2, 1, out.bytes, n, (uint8_t *)(void *)spare32))
  RUN(extreme_u16, kernel(u16, 3, 4, 1, 0, (uint16_t *)(void *)&out, n, (uint16_t *)(void *)spare32))
  RUN(extreme_i32, kernel(i32, 2, 1, 1, 1, (int32_t *)(void *)&out, n, spare32))
  RUN(median_count_u16, kernel(samples16, offsets, 49, 40, (uint16_t *)(void *)&out, n))
  RUN(median_count_i32, kernel(samples32, offsets, 49, 3, (int32_t *)(void *)&out, n))
  // 5 × 5 with gaps.
  static const window_run runs[] = {{0, 2, 3}, {1, 0, 2}, {1, 3, 5}, {2, 0, 5}, {4, 1, 2}, {4, 4, 5}};
  static const window_run turned[] = {{0, 1, 3}, {1, 1, 3}, {1, 4, 5}, {2, 0, 1},
                                      {2, 2, 3}, {3, 1, 3}, {4, 1, 3}, {4, 4, 5}};
  const median_window window = {n, rows_most - 4, 5, 5, sizeof bytes[0], n, 200 / 3.0, 0, 0, runs, 6, turned, 8};
  RUN(median_spans_u8, if (n > 0) kernel(bytes[0], out.bytes, &window))
  static uint16_t histograms[(most + 4) * 272];
  RUN(median_histogram_u8, if (n > 0) kernel(bytes[0], out.bytes, &window, histograms))
  // Ranks of 8 rows: 4 of windows of 5 × 5.
  enum { ranked = 8 * (most + 2 * margin) };
  static uint32_t keys[ranked], order[ranked], spare[ranked], ranks[ranked], values[ranked];
  static uint64_t members[(ranked + 63) / 64];
  memcpy(keys, longs, sizeof keys);
  RUN(rank_samples, kernel(keys, ranked, 32, order, spare, ranks, values); add(ranks, sizeof ranks);
      add(values, sizeof values))
  const median_window ranked_window = {n, 4, 5, 5, most + 2 * margin, n, 0, -4, 1, runs, 6, turned, 8};
  RUN(median_ranks, if (n > 0) kernel(ranks, ranked, values, members, (uint32_t *)(void *)&out, &ranked_window))
  RUN(cover_u8, bits2[0] = (uint64_t)kernel(u8[0], u8[0][n / 2], out.bytes, n))
  RUN(cover_u16, bits2[0] = (uint64_t)kernel(u16[0], u16[0][n / 2], out.bytes, n))
  RUN(cover_f32, bits2[0] = (uint64_t)kernel(f32[0], f32[0][n / 2], out.bytes, n))
  RUN(cover_f64, bits2[0] = (uint64_t)kernel(f64[0], f64[0][n / 2], out.bytes, n))
  static uint8_t ones[most];
  for (size_t x = 0; x < n; x++) ones[x] = x * x % 7 > 2;
  RUN(choose_covered_u8, kernel(ones, u8[0], u8[1], out.bytes, n))
  RUN(choose_covered_u16, kernel(ones, u16[0], u16[1], (uint16_t *)(void *)&out, n))
  RUN(choose_covered_u32, kernel(ones, (const uint32_t *)i32[0], (const uint32_t *)i32[1], (uint32_t *)(void *)&out, n))
  RUN(choose_covered_u64,
      kernel(ones, (const uint64_t *)(const void *)f64[0], (const uint64_t *)(const void *)f64[1], bits, n))
  RUN(divide_covered_f32, memcpy(single, f32[0], 4 * n); kernel(single, f32[1], f32[1][n / 2], n))
  static uint8_t covers8[5][most + 2 * margin];
  static uint16_t covers16[5][most + 2 * margin];
  static int32_t covers32[5][most + 2 * margin];
  for (int r = 0; r < 5; r++) {
    for (int x = 0; x < most + 2 * margin; x++) {
      int covered = (x * x + r) % 7 > 2 ? -1 : 0;
      covers8[r][x] = (uint8_t)covered, covers16[r][x] = (uint16_t)covered, covers32[r][x] = covered;
    }
  }
  const uint8_t *c8[5];
  const uint16_t *c16[5];
  const int32_t *c32[5];
  for (int r = 0; r < 5; r++) c8[r] = covers8[r] + margin, c16[r] = covers16[r] + margin, c32[r] = covers32[r] + margin;
  RUN(median_covered_u8, kernel(u8, c8, 3, out.bytes, n, n, 3))
  RUN(median_covered_u16, kernel(u16, c16, 5, (uint16_t *)(void *)&out, n, n, 1))
  RUN(median_covered_i32, kernel(i32, c32, 5, (int32_t *)(void *)&out, n, n, 1))
  const median_window covered_window = {n, 1, 5, 5, sizeof covers8[0], n, 200 / 3.0, 0, 0, runs, 6, turned, 8};
  RUN(median_covered_histogram_u8, if (n > 0) kernel(bytes[0], covers8[0], out.bytes, &covered_window, histograms))
  static uint8_t ones_rows[5][most + 2 * margin];
  for (size_t i = 0; i < sizeof ones_rows; i++) ones_rows[0][i] = i * i % 7 > 2;
  RUN(median_covered_spans_u8, if (n > 0) kernel(bytes[0], ones_rows[0], out.bytes, &covered_window))
  for (size_t i = 0; i < ranked; i++) {
    if (i * i % 7 < 3) ranks[i] = UINT32_MAX;
  }
  RUN(median_covered_ranks, if (n > 0) kernel(ranks, ranked, values, members, (uint32_t *)(void *)&out, &ranked_window))
  static double column[(rows_most + 4) * 8];
  const double *const two[] = {weights64, weights64 + 1};
  double *const targets[] = {wide, wide2};
  RUN(correlate_columns_f64, kernel(f64, two, 3, 2, targets, 8, n, 8, column))
  const float *const three[] = {weights, weights + 1};
  float *const singles_out[] = {single, single2};
  RUN(correlate_columns_f32, kernel(f32, three, 3, 2, singles_out, 8, n, 8, (float *)column))
  RUN(float_keys, kernel(f32[0], (int32_t *)(void *)&out, n))
  RUN(keys_float, kernel(i32[0], single, n))
}

int main(void) {
  static const size_t lengths[] = {0,  1,  3,   7,   8,   15,  16,  17,  31,  33,  63,
                                   64, 65, 100, 127, 128, 129, 255, 256, 300, 511, 640};
  uint64_t first = 0;
  for (size_t build = 0; build < kernels_count(); build++) {
    kernels table = kernels_at(build);
    digest = 0xcbf29ce484222325u;
    state = 88172645463325252u;
    for (int kind = 0; kind < 4; kind++) {
      fill(kind);
      for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) run_all(table, lengths[i]);
    }
    if (build == 0) first = digest;
    fprintf(stderr, "%s: %016llx\n", table.name, (unsigned long long)digest);
    if (digest != first) {
      fprintf(stderr, "%s differs from %s\n", table.name, kernels_at(0).name);
      return 1;
    }
  }
  int missing = 0;
  for (size_t place = 0; place < kernels_list_count(); place++) {
    if (was_run[place]) continue;
    fprintf(stderr, "%s is in KernelList.h and not in digest.c\n", kernels_list_name(place));
    missing = 1;
  }
  if (missing) return 1;
  printf("%016llx\n", (unsigned long long)first);
  return 0;
}
