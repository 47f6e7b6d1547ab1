// The filters' inner loops: pure functions on rows and pointers. No allocation, no threads, no input or output, no
// global state. Boundaries, tiles and colour are the caller's business.
//
// A kernel exists in several builds (portable C, AVX2, AVX-512 …), all made from the same source; every build of a
// kernel gives the same bits. `kernels_select` hands out the table of one build.
//
// Vocabulary: `n` counts samples (pixels × channels) unless it says pixels; sources are only read; source and
// destination may be the same only where it says so.
#ifndef IMBREX_KERNELS_H
#define IMBREX_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#define KERNELS_SENDABLE __attribute__((swift_attr("@Sendable")))
#else
#define KERNELS_SENDABLE
#define _Nullable
#define _Nonnull
#endif

/// The most rows and columns of a window for `median_spans_u8`.
#define MEDIAN_SPAN_MOST 127

/// Median of an odd or even rectangular window over a padded plane.
/// `src` points at the plane's first padded sample; it has `height + window_height - 1` rows of
/// `width + window_width - 1` samples, `pitch` samples apart. The result has `height` rows of `width` samples.
typedef struct median_window {
  size_t width, height;                ///< Of the result.
  size_t window_width, window_height;  ///< Of the window.
  size_t src_pitch, dst_pitch;         ///< In samples.
} median_window;

/// One box of the determinant of Hessian: which two rows of the integral image, and which columns.
typedef struct hessian_box {
  const double *top, *bottom;  ///< Rows r and r2 of the integral image, at column 0.
  ptrdiff_t column;            ///< Left column relative to the pixel.
  ptrdiff_t columns;           ///< Width of the box.
} hessian_box;

typedef struct KERNELS_SENDABLE kernels {
  const char *name;  ///< "portable", "avx2", …

  // MARK: Sample conversion. dst[i] = src[i] × scale, rounded to nearest and clamped where dst is integer; NaN gives 0.
  void (*load_u8_f32)(const uint8_t *src, float *dst, float scale, size_t n);
  void (*load_u16_f32)(const uint16_t *src, float *dst, float scale, size_t n);
  void (*load_u8_f64)(const uint8_t *src, double *dst, double scale, size_t n);
  void (*load_u16_f64)(const uint16_t *src, double *dst, double scale, size_t n);
  void (*load_f32_f64)(const float *src, double *dst, double scale, size_t n);
  void (*scale_f32)(const float *src, float *dst, float scale, float offset, size_t n);  ///< In place allowed.
  void (*store_f32_u8)(const float *src, uint8_t *dst, float scale, float offset, size_t n);
  void (*store_f32_u16)(const float *src, uint16_t *dst, float scale, float offset, size_t n);

  // MARK: Luma, 0.2125 R + 0.7154 G + 0.0721 B, of `pixels` pixels of `channels` (3 or 4) samples, times `scale`.
  void (*luma_u8_f32)(const uint8_t *src, float *dst, float scale, size_t channels, size_t pixels);
  void (*luma_u16_f32)(const uint16_t *src, float *dst, float scale, size_t channels, size_t pixels);
  void (*luma_f32_f32)(const float *src, float *dst, float scale, size_t channels, size_t pixels);
  void (*luma_u8_f64)(const uint8_t *src, double *dst, double scale, size_t channels, size_t pixels);
  void (*luma_u16_f64)(const uint16_t *src, double *dst, double scale, size_t channels, size_t pixels);
  void (*luma_f32_f64)(const float *src, double *dst, double scale, size_t channels, size_t pixels);

  // MARK: Alpha. The last of `channels` samples is alpha, whose full value is `full`. In place.
  void (*premultiply_f32)(float *pixels, float full, size_t channels, size_t count);
  void (*unpremultiply_f32)(float *pixels, float full, size_t channels, size_t count);

  // MARK: Correlation with a symmetric kernel: weights[0] is the centre, weights[radius] the ends.
  // Summed as scipy.ndimage does: the centre first, then pairs from the outermost to the innermost.
  /// Down the columns: `rows` holds 2 × radius + 1 row pointers.
  void (*correlate_rows_u8_f32)(const uint8_t *const _Nonnull *_Nonnull rows, const float *weights, size_t radius,
                                float *dst, size_t n);
  void (*correlate_rows_u16_f32)(const uint16_t *const _Nonnull *_Nonnull rows, const float *weights, size_t radius,
                                 float *dst, size_t n);
  void (*correlate_rows_f32)(const float *const _Nonnull *_Nonnull rows, const float *weights, size_t radius,
                             float *dst, size_t n);
  void (*correlate_rows_f64)(const double *const _Nonnull *_Nonnull rows, const double *weights, size_t radius,
                             double *dst, size_t n);
  /// Along a row of interleaved pixels: taps are `step` samples apart. `src` is readable `radius * step` samples to
  /// either side.
  void (*correlate_row_f32)(const float *src, const float *weights, size_t radius, size_t step, float *dst, size_t n);
  void (*correlate_row_f64)(const double *src, const double *weights, size_t radius, size_t step, double *dst,
                            size_t n);

  // MARK: Gradients. Rows readable `step` samples (farid: 2 × `step`) to either side.
  // `horizontal` is below minus above, `vertical` right minus left; `smooth` as symmetric weights from the centre.
  void (*gradient3_f32)(const float *const _Nonnull *_Nonnull rows, const float *smooth, size_t step, float *horizontal,
                        float *vertical, size_t n);
  void (*gradient5_f32)(const float *const _Nonnull *_Nonnull rows, const float *smooth, const float *derivative,
                        size_t step, float *horizontal, float *vertical, size_t n);
  /// The two diagonal differences of Roberts' cross, from two rows.
  void (*roberts_f32)(const float *const _Nonnull *_Nonnull rows, size_t step, float *positive, float *negative,
                      size_t n);
  /// Sobel's magnitude of three rows, rounded: 255 times the normalised response. Neighbours are `step` samples away.
  void (*sobel_u8)(const uint8_t *const _Nonnull *_Nonnull rows, size_t step, uint8_t *dst, size_t n);
  /// sqrt(a² + b²) × scale. `dst` may be `a` or `b`.
  void (*magnitude_f32)(const float *a, const float *b, float scale, float *dst, size_t n);

  // MARK: Canny's edge detector, in double precision so that ties fall as in scikit-image.
  void (*divide_f64)(double *values, const double *divisors, double epsilon, size_t n);
  /// Unnormalised Sobel responses down (`i`) and across (`j`), and their magnitude `m`, from three rows.
  void (*canny_gradient_f64)(const double *const _Nonnull *_Nonnull rows, double *i, double *j, double *m, size_t n);
  /// Thins a row: labels[x] = 2 for a survivor with m ≥ high, 1 with m ≥ low, else 0. `m` are three rows readable one
  /// sample to either side. Where `valid` is not null, pixels with valid[x] = 0 are dropped.
  void (*canny_thin_f64)(const double *const _Nonnull *_Nonnull m, const double *i, const double *j,
                         const uint8_t *_Nullable valid, double low, double high, uint8_t *labels, size_t n);

  // MARK: Hysteresis on bit rows (bit x & 63 of word x >> 6).
  /// bits of `labels` that are ≥ 1 into `weak`, = 2 into `strong`; the last word's spare bits are 0.
  void (*pack_labels)(const uint8_t *labels, uint64_t *weak, uint64_t *strong, size_t n);
  /// Adds to `strong` what of `weak` is 8-connected to it, to `above` or to `below` (rows of strong bits, or null),
  /// through this row alone. Returns 1 if a bit was added.
  int32_t (*reconstruct_row)(const uint64_t *weak, const uint64_t *_Nullable above, const uint64_t *_Nullable below,
                             uint64_t *strong, size_t words);
  void (*unpack_bits_u8)(const uint64_t *bits, uint8_t *dst, uint8_t value, size_t n);

  // MARK: Blobs.
  /// Sums down the columns with one or two (`kernels`) symmetric kernels of the same radius, in the order of
  /// correlate_rows, transposed: dst[m][x * pitch + y] is kernel m's sum around rows[radius + y][x]. `rows` holds
  /// height + 2 × radius pointers; `column` is scratch of (height + 4 + 2 × radius) cache lines.
  void (*correlate_columns_f32)(const float *const _Nonnull *_Nonnull rows,
                                const float *const _Nonnull *_Nonnull weights, size_t radius, size_t kernels,
                                float *const _Nonnull *_Nonnull dst, size_t pitch, size_t width, size_t height,
                                float *column);
  /// -(a + b) × scale. `dst` may be `a` or `b`.
  void (*laplacian_f32)(const float *a, const float *b, float scale, float *dst, size_t n);
  /// (a - b) × scale.
  void (*difference_f32)(const float *a, const float *b, float scale, float *dst, size_t n);
  /// mask[x] = 1 where rows[4][x] is above `threshold` and no less than all of its 26 neighbours. `rows` are three rows
  /// of each of three slices, the slice below first, readable one sample to either side.
  void (*peaks_f32)(const float *const _Nonnull *_Nonnull rows, float threshold, uint8_t *mask, size_t n);
  void (*range_f32)(const float *src, size_t n, float *least, float *greatest);
  // The same in double precision.
  void (*correlate_columns_f64)(const double *const _Nonnull *_Nonnull rows,
                                const double *const _Nonnull *_Nonnull weights, size_t radius, size_t kernels,
                                double *const _Nonnull *_Nonnull dst, size_t pitch, size_t width, size_t height,
                                double *column);
  void (*laplacian_f64)(const double *a, const double *b, double scale, double *dst, size_t n);
  void (*difference_f64)(const double *a, const double *b, double scale, double *dst, size_t n);
  void (*peaks_f64)(const double *const _Nonnull *_Nonnull rows, double threshold, uint8_t *mask, size_t n);
  void (*range_f64)(const double *src, size_t n, double *least, double *greatest);
  /// Determinant of Hessian of pixels first … first + n − 1 of a row of a picture of `width` columns, from 8 boxes:
  /// bottom left, top right, top left, bottom right; wide and narrow of dxx; wide and narrow of dyy.
  /// `weight` is 1 / w².
  void (*hessian_f64)(const hessian_box *boxes, double weight, size_t first, size_t width, double *dst, size_t n);

  // MARK: Medians: the value of rank ⌊count / 2⌋.
  /// 3 × 3 and 5 × 5: `rows` are the height + 2 (or + 4) rows of the windows, from the top, at the column of the first
  /// output; neighbours are `step` samples away. Writes `height` rows of `n` samples, `pitch` apart.
  void (*median3_u8)(const uint8_t *const _Nonnull *_Nonnull rows, size_t step, uint8_t *dst, size_t pitch, size_t n,
                     size_t height);
  void (*median3_u16)(const uint16_t *const _Nonnull *_Nonnull rows, size_t step, uint16_t *dst, size_t pitch, size_t n,
                      size_t height);
  void (*median3_i32)(const int32_t *const _Nonnull *_Nonnull rows, size_t step, int32_t *dst, size_t pitch, size_t n,
                      size_t height);
  void (*median5_u8)(const uint8_t *const _Nonnull *_Nonnull rows, size_t step, uint8_t *dst, size_t pitch, size_t n,
                     size_t height);
  void (*median5_u16)(const uint16_t *const _Nonnull *_Nonnull rows, size_t step, uint16_t *dst, size_t pitch, size_t n,
                      size_t height);
  void (*median5_i32)(const int32_t *const _Nonnull *_Nonnull rows, size_t step, int32_t *dst, size_t pitch, size_t n,
                      size_t height);
  /// A window of `count` ≤ 255 samples of any shape: sample k of output x is rows[k][offsets[k] + x]. The value of rank
  /// `rank`.
  void (*median_count_u8)(const uint8_t *const _Nonnull *_Nonnull rows, const int32_t *offsets, size_t count,
                          uint32_t rank, uint8_t *dst, size_t n);
  /// A convex window of at most MEDIAN_SPAN_MOST rows and columns: row dy spans the columns
  /// spans[2 dy] ≤ dx < spans[2 dy + 1] (from the window's left column).
  void (*median_spans_u8)(const uint8_t *src, uint8_t *dst, const median_window *window, const int32_t *spans);
  /// Perreault and Hébert 2007, "Median filtering in constant time", doi:10.1109/TIP.2007.902329. The window holds at
  /// most 65535 samples. `histograms`: (width + window_width − 1) × 272 zeroed or dirty words of scratch.
  void (*median_histogram_u8)(const uint8_t *src, uint8_t *dst, const median_window *window, uint16_t *histograms);
  /// Replaces keys by ranks: sorts `n` keys of `key_bits` bits (8, 16, 24 or 32); `ranks[i]` is the rank of `keys[i]`
  /// (ties in order of position), `values[rank]` the key of that rank. `order` and `spare`: `n` words of scratch each.
  void (*rank_samples)(const uint32_t *keys, size_t n, unsigned key_bits, uint32_t *order, uint32_t *spare,
                       uint32_t *ranks, uint32_t *values);
  /// Any window whose rows are spans, on ranks: see median_ranks_tmpl.h. Row dy of the window spans the columns
  /// spans[2 dy] ≤ dx < spans[2 dy + 1] (from the window's left column). `ranks` is the padded plane with every sample
  /// replaced by its rank among all (ties in any order, each rank once); `values` gives the result for each rank;
  /// `bits`: ⌈ranks / 64⌉ words of scratch.
  void (*median_ranks)(const uint32_t *ranks, size_t rank_count, const int32_t *spans, const uint32_t *values,
                       uint64_t *bits, uint32_t *dst, const median_window *window);
  /// Integers that sort as the floats do, NaN above every number; and back.
  void (*float_keys)(const float *src, int32_t *dst, size_t n);
  void (*keys_float)(const int32_t *src, float *dst, size_t n);
} kernels;

/// How many builds this machine can run. Build 0 is the portable one, the last the fastest.
size_t kernels_count(void);

/// The table of one build, 0 ≤ index < `kernels_count()`.
kernels kernels_at(size_t index);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
