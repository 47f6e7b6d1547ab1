// Runs every build of the kernels that this machine has on fixed inputs and prints a digest of what each writes. Two machines
// print the same, whatever their instruction sets: `make test-arm64` compares this one with arm64 under qemu.
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
static uint8_t bytes[rows_most][most + 2 * margin];
static uint16_t words[rows_most][most + 2 * margin];
static int32_t longs[rows_most][most + 2 * margin];
static float singles[rows_most][most + 2 * margin];
static double doubles[rows_most][most + 2 * margin];
static union {
  uint8_t bytes[8 * 8 * most + 64];
  double align;
} out, out2, out3;
static uint64_t digest;

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
#define RUN(...)    \
  {                 \
    clear();        \
    __VA_ARGS__;    \
    add_outputs();  \
  }
  RUN(k.load_u8_f32(u8[0], single, 1 / 255.0f, n))
  RUN(k.load_u16_f32(u16[0], single, 1 / 65535.0f, n))
  RUN(k.load_u8_f64(u8[0], wide, 1 / 255.0, n))
  RUN(k.load_f32_f64(f32[0], wide, 0.7, n))
  RUN(k.scale_f32(f32[0], single, 0.3f, 0.1f, n))
  RUN(k.store_f32_u8(f32[0], out.bytes, 300, -10, n))
  RUN(k.store_f32_u16(f32[0], (uint16_t *)(void *)&out, 70000, -100, n))
  RUN(k.luma_u8_f32(u8[0], single, 1 / 255.0f, 3, n / 4))
  RUN(k.luma_u16_f64(u16[0], wide, 1 / 65535.0, 4, n / 4))
  RUN(memcpy(single, f32[0], 4 * n); k.premultiply_f32(single, 1, 4, n / 4))
  RUN(memcpy(single, f32[0], 4 * n); k.unpremultiply_f32(single, 1, 2, n / 2))
  RUN(k.correlate_rows_u8_f32(u8, weights, 4, single, n))
  RUN(k.correlate_rows_u16_f32(u16, weights, 3, single, n))
  RUN(k.correlate_rows_f32(f32, weights, 4, single, n))
  RUN(k.correlate_rows_f64(f64, weights64, 2, wide, n))
  RUN(k.correlate_row_f32(f32[0], weights, 4, 3, single, n))
  RUN(k.correlate_row_f64(f64[0], weights64, 4, 1, wide, n))
  RUN(k.gradient3_f32(f32, weights, 1, single, single2, n))
  RUN(k.gradient5_f32(f32, weights, weights, 3, single, single2, n))
  RUN(k.roberts_f32(f32, 1, single, single2, n))
  RUN(k.sobel_u8(u8, 3, out.bytes, n))
  RUN(k.magnitude_f32(f32[0], f32[1], 0.7f, single, n))
  RUN(k.canny_gradient_f64(f64, wide, wide2, wide3, n))
  RUN(k.canny_thin_f64(f64, f64[4], f64[5], NULL, 0.3, 0.6, out.bytes, n))
  RUN(k.laplacian_f64(f64[0], f64[1], 3, wide, n))
  RUN(k.difference_f64(f64[0], f64[1], 1.6, wide, n))
  RUN(k.peaks_f64(f64, 0.2, out.bytes, n))
  RUN(if (n > 0) k.range_f64(f64[0], n, wide, wide + 1))
  RUN(k.median3_u8(u8, 3, out.bytes, n, n, 5))
  RUN(k.median3_u16(u16, 1, (uint16_t *)(void *)&out, n, n, 4))
  RUN(k.median3_i32(i32, 1, (int32_t *)(void *)&out, n, n, 3))
  RUN(k.median5_u8(u8, 1, out.bytes, n, n, 7))
  RUN(k.median5_u16(u16, 4, (uint16_t *)(void *)&out, n, n, 4))
  RUN(k.median5_i32(i32, 1, (int32_t *)(void *)&out, n, n, 3))
  const uint8_t *samples[49];
  int32_t offsets[49];
  for (int i = 0; i < 49; i++) {
    samples[i] = u8[i / 7];
    offsets[i] = i % 7 - 3;
  }
  RUN(k.median_count_u8(samples, offsets, 49, 24, out.bytes, n))
  const int32_t spans[] = {2, 3, 1, 4, 0, 5, 1, 4, 2, 3};
  const median_window window = {n, rows_most - 4, 5, 5, sizeof bytes[0], n};
  RUN(if (n > 0) k.median_spans_u8(bytes[0], out.bytes, &window, spans))
  static double column[(rows_most + 4) * 8];
  const double *const two[] = {weights64, weights64 + 1};
  double *const targets[] = {wide, wide2};
  RUN(k.correlate_columns_f64(f64, two, 3, 2, targets, 8, n, 8, column))
  const float *const three[] = {weights, weights + 1};
  float *const singles_out[] = {single, single2};
  RUN(k.correlate_columns_f32(f32, three, 3, 2, singles_out, 8, n, 8, (float *)column))
  RUN(k.float_keys(f32[0], (int32_t *)(void *)&out, n))
  RUN(k.keys_float(i32[0], single, n))
}

int main(void) {
  static const size_t lengths[] = {0, 1, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 300, 511, 640};
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
  printf("%016llx\n", (unsigned long long)first);
  return 0;
}
