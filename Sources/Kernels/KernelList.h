// The list of all kernels. A kernel is its template function (in a `_tmpl.h`), its entry here and a case in
// BuildAgreementTests and in Tests/CrossKernels/digest.c; both say so if it is forgotten.
//
// Included wherever something is made of every kernel, with KERNEL_ENTRY(result, name, parameters) defined: the table
// of one build (Kernels.h), its filling (build.h), the names (kernels.c). So there is no include guard.
// Every entry has a comment of its own: without one, Swift would show it with its neighbour's.
#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

// MARK: Sample conversion.
/// To numbers: dst[i] = src[i] × scale.
KERNEL_ENTRY(void, load_u8_f32, (const uint8_t *src, float *dst, float scale, size_t n))
/// As load_u8_f32.
KERNEL_ENTRY(void, load_u16_f32, (const uint16_t *src, float *dst, float scale, size_t n))
/// As load_u8_f32.
KERNEL_ENTRY(void, load_u8_f64, (const uint8_t *src, double *dst, double scale, size_t n))
/// As load_u8_f32.
KERNEL_ENTRY(void, load_u16_f64, (const uint16_t *src, double *dst, double scale, size_t n))
/// As load_u8_f32.
KERNEL_ENTRY(void, load_f32_f64, (const float *src, double *dst, double scale, size_t n))
/// dst[i] = src[i] × scale + offset. In place allowed.
KERNEL_ENTRY(void, scale_f32, (const float *src, float *dst, float scale, float offset, size_t n))
/// To samples: dst[i] = src[i] × scale + offset, rounded to nearest and clamped; NaN gives 0.
KERNEL_ENTRY(void, store_f32_u8, (const float *src, uint8_t *dst, float scale, float offset, size_t n))
/// As store_f32_u8.
KERNEL_ENTRY(void, store_f32_u16, (const float *src, uint16_t *dst, float scale, float offset, size_t n))

// MARK: What counts of a picture.
/// cover[i] = 0 where a sample is `nodata` (a NaN: where it is one), else 1. Returns 1 if none is.
KERNEL_ENTRY(int32_t, cover_u8, (const uint8_t *src, uint8_t nodata, uint8_t *cover, size_t n))
/// As cover_u8.
KERNEL_ENTRY(int32_t, cover_u16, (const uint16_t *src, uint16_t nodata, uint8_t *cover, size_t n))
/// As cover_u8.
KERNEL_ENTRY(int32_t, cover_f32, (const float *src, float nodata, uint8_t *cover, size_t n))
/// As cover_u8.
KERNEL_ENTRY(int32_t, cover_f64, (const double *src, double nodata, uint8_t *cover, size_t n))
/// dst[i] = yes[i] where cover[i] is 1, no[i] where it is 0. `dst` may be `yes` or `no`.
KERNEL_ENTRY(void, choose_covered_u8,
             (const uint8_t *cover, const uint8_t *yes, const uint8_t *no, uint8_t *dst, size_t n))
/// As choose_covered_u8.
KERNEL_ENTRY(void, choose_covered_u16,
             (const uint8_t *cover, const uint16_t *yes, const uint16_t *no, uint16_t *dst, size_t n))
/// As choose_covered_u8.
KERNEL_ENTRY(void, choose_covered_u32,
             (const uint8_t *cover, const uint32_t *yes, const uint32_t *no, uint32_t *dst, size_t n))
/// As choose_covered_u8.
KERNEL_ENTRY(void, choose_covered_u64,
             (const uint8_t *cover, const uint64_t *yes, const uint64_t *no, uint64_t *dst, size_t n))
/// dst[i] = 255 where cover[i] is 1, 0 where it is 0.
KERNEL_ENTRY(void, cover_bytes_u8, (const uint8_t *cover, uint8_t *dst, size_t n))
/// dst[i] = sums[i] where counts[i] is not 0, else `other`.
KERNEL_ENTRY(void, keep_covered_u16,
             (const uint16_t *sums, const uint16_t *counts, uint16_t other, uint16_t *dst, size_t n))
/// values[i] /= cover[i], unless that is `whole`, or 0.
KERNEL_ENTRY(void, divide_covered_f32, (float *values, const float *cover, float whole, size_t n))

// MARK: Luma, 0.2125 R + 0.7154 G + 0.0721 B.
/// Luma of `pixels` pixels of `channels` (3 or 4) samples, times `scale`.
KERNEL_ENTRY(void, luma_u8_f32, (const uint8_t *src, float *dst, float scale, size_t channels, size_t pixels))
/// As luma_u8_f32.
KERNEL_ENTRY(void, luma_u16_f32, (const uint16_t *src, float *dst, float scale, size_t channels, size_t pixels))
/// As luma_u8_f32.
KERNEL_ENTRY(void, luma_f32_f32, (const float *src, float *dst, float scale, size_t channels, size_t pixels))
/// As luma_u8_f32.
KERNEL_ENTRY(void, luma_u8_f64, (const uint8_t *src, double *dst, double scale, size_t channels, size_t pixels))
/// As luma_u8_f32.
KERNEL_ENTRY(void, luma_u16_f64, (const uint16_t *src, double *dst, double scale, size_t channels, size_t pixels))
/// As luma_u8_f32.
KERNEL_ENTRY(void, luma_f32_f64, (const float *src, double *dst, double scale, size_t channels, size_t pixels))

// MARK: Alpha. The last of `channels` samples is alpha, whose full value is `full`. In place.
/// Colour times alpha.
KERNEL_ENTRY(void, premultiply_f32, (float *pixels, float full, size_t channels, size_t count))
/// Colour divided by alpha; 0 where alpha is 0.
KERNEL_ENTRY(void, unpremultiply_f32, (float *pixels, float full, size_t channels, size_t count))

// MARK: Correlation with a symmetric kernel: weights[0] is the centre, weights[radius] the ends.
// Summed as scipy.ndimage does: the centre first, then pairs from the outermost to the innermost.
/// Down the columns: `rows` holds 2 × radius + 1 row pointers.
KERNEL_ENTRY(void, correlate_rows_u8_f32,
             (const uint8_t *const _Nonnull *_Nonnull rows, const float *weights, size_t radius, float *dst, size_t n))
/// As correlate_rows_u8_f32.
KERNEL_ENTRY(void, correlate_rows_u16_f32,
             (const uint16_t *const _Nonnull *_Nonnull rows, const float *weights, size_t radius, float *dst, size_t n))
/// As correlate_rows_u8_f32.
KERNEL_ENTRY(void, correlate_rows_f32,
             (const float *const _Nonnull *_Nonnull rows, const float *weights, size_t radius, float *dst, size_t n))
/// As correlate_rows_u8_f32.
KERNEL_ENTRY(void, correlate_rows_f64,
             (const double *const _Nonnull *_Nonnull rows, const double *weights, size_t radius, double *dst, size_t n))
/// Along a row of interleaved pixels: taps are `step` samples apart. `src` is readable `radius * step` samples to
/// either side.
KERNEL_ENTRY(void, correlate_row_f32,
             (const float *src, const float *weights, size_t radius, size_t step, float *dst, size_t n))
/// As correlate_row_f32.
KERNEL_ENTRY(void, correlate_row_f64,
             (const double *src, const double *weights, size_t radius, size_t step, double *dst, size_t n))
/// As correlate_rows_u8_f32, with a kernel whose upper half is the negative of the lower: right minus left.
KERNEL_ENTRY(void, correlate_odd_rows_f32,
             (const float *const _Nonnull *_Nonnull rows, const float *weights, size_t radius, float *dst, size_t n))
/// As correlate_odd_rows_f32.
KERNEL_ENTRY(void, correlate_odd_rows_f64,
             (const double *const _Nonnull *_Nonnull rows, const double *weights, size_t radius, double *dst, size_t n))
/// As correlate_row_f32, with a kernel as that of correlate_odd_rows_f32.
KERNEL_ENTRY(void, correlate_odd_row_f32,
             (const float *src, const float *weights, size_t radius, size_t step, float *dst, size_t n))
/// As correlate_odd_row_f32.
KERNEL_ENTRY(void, correlate_odd_row_f64,
             (const double *src, const double *weights, size_t radius, size_t step, double *dst, size_t n))

// MARK: Correlation of 8-bit samples in fixed point.
/// Samples at even and odd places of a row of `n`, times 128.
KERNEL_ENTRY(void, split_samples_u8, (const uint8_t *src, uint16_t *evens, uint16_t *odds, size_t n))
/// A row of `n` samples of sums in 256ths, rounded to nearest; sums are at most 65407.
KERNEL_ENTRY(void, join_samples_u8, (const uint16_t *evens, const uint16_t *odds, uint8_t *dst, size_t n))
/// Two sums of the same kernel, around rows[radius] and rows[radius + 1], of 2 × radius + 2 rows: the products of
/// `weights` (the centre's, then those of pairs; all of them make 65536) and half the sum of a pair, each cut to a
/// whole number, are added to `bias`, and shifted right. Values of the rows are below 32768; `n` is a multiple of 128.
KERNEL_ENTRY(void, correlate_pairs_u16,
             (const uint16_t *const _Nonnull *_Nonnull rows, const uint16_t *weights, size_t radius, uint16_t bias,
              uint16_t shift, uint16_t *first, uint16_t *second, size_t n))
/// Sums in 256ths divided by cover[i] / 65280, rounded to nearest, unless that is `whole`. Returns 1 if any is below a
/// half.
KERNEL_ENTRY(int32_t, divide_covered_u16, (uint16_t * sums, const uint16_t *cover, uint16_t whole, size_t n))

// MARK: Interpolation from the points of a coarser grid.
/// Along a row: dst[x] is the sum over k < 4 of src[x + k × step] × weights[x + k × pitch].
KERNEL_ENTRY(void, blend_row_f32,
             (const float *src, size_t step, const float *weights, size_t pitch, float *dst, size_t n))
/// Down the columns: the sum of four rows times their weights, rounded to nearest and clamped.
KERNEL_ENTRY(void, blend_rows_u8,
             (const float *const _Nonnull *_Nonnull rows, const float *weights, uint8_t *dst, size_t n))

// MARK: Gradients. Rows readable `step` samples (farid: 2 × `step`) to either side.
// `horizontal` is below minus above, `vertical` right minus left; `smooth` as symmetric weights from the centre.
/// From three rows, with 3 × 3 operators.
KERNEL_ENTRY(void, gradient3_f32,
             (const float *const _Nonnull *_Nonnull rows, const float *smooth, size_t step, float *horizontal,
              float *vertical, size_t n))
/// From five rows, with 5 × 5 operators.
KERNEL_ENTRY(void, gradient5_f32,
             (const float *const _Nonnull *_Nonnull rows, const float *smooth, const float *derivative, size_t step,
              float *horizontal, float *vertical, size_t n))
/// The two diagonal differences of Roberts' cross, from two rows.
KERNEL_ENTRY(void, roberts_f32,
             (const float *const _Nonnull *_Nonnull rows, size_t step, float *positive, float *negative, size_t n))
/// Sobel's magnitude of three rows, rounded: 255 times the normalised response. Neighbours are `step` samples away.
KERNEL_ENTRY(void, sobel_u8, (const uint8_t *const _Nonnull *_Nonnull rows, size_t step, uint8_t *dst, size_t n))
/// sqrt(a² + b²) × scale. `dst` may be `a` or `b`.
KERNEL_ENTRY(void, magnitude_f32, (const float *a, const float *b, float scale, float *dst, size_t n))
/// As gradient3_f32.
KERNEL_ENTRY(void, gradient3_f64,
             (const double *const _Nonnull *_Nonnull rows, const double *smooth, size_t step, double *horizontal,
              double *vertical, size_t n))
/// As gradient5_f32.
KERNEL_ENTRY(void, gradient5_f64,
             (const double *const _Nonnull *_Nonnull rows, const double *smooth, const double *derivative, size_t step,
              double *horizontal, double *vertical, size_t n))
/// As roberts_f32.
KERNEL_ENTRY(void, roberts_f64,
             (const double *const _Nonnull *_Nonnull rows, size_t step, double *positive, double *negative, size_t n))
/// As magnitude_f32.
KERNEL_ENTRY(void, magnitude_f64, (const double *a, const double *b, double scale, double *dst, size_t n))

// MARK: Canny's edge detector, in double precision so that ties fall as in scikit-image.
/// values[x] /= divisors[x] + epsilon.
KERNEL_ENTRY(void, divide_f64, (double *values, const double *divisors, double epsilon, size_t n))
/// Unnormalised Sobel responses down (`i`) and across (`j`), and their magnitude `m`, from three rows.
KERNEL_ENTRY(void, canny_gradient_f64,
             (const double *const _Nonnull *_Nonnull rows, double *i, double *j, double *m, size_t n))
/// Thins a row: labels[x] = 2 for a survivor with m ≥ high, 1 with m ≥ low, else 0. `m` are three rows readable one
/// sample to either side. Where `valid` is not null, pixels with valid[x] = 0 are dropped.
KERNEL_ENTRY(void, canny_thin_f64,
             (const double *const _Nonnull *_Nonnull m, const double *i, const double *j,
              const uint8_t *_Nullable valid, double low, double high, uint8_t *labels, size_t n))

// MARK: Hysteresis on bit rows (bit x & 63 of word x >> 6).
/// Bits of `labels` that are ≥ 1 into `weak`, = 2 into `strong`; the last word's spare bits are 0.
KERNEL_ENTRY(void, pack_labels, (const uint8_t *labels, uint64_t *weak, uint64_t *strong, size_t n))
/// Adds to `strong` what of `weak` is 8-connected to it, to `above` or to `below` (rows of strong bits, or null),
/// through this row alone. Returns 1 if a bit was added.
KERNEL_ENTRY(int32_t, reconstruct_row,
             (const uint64_t *weak, const uint64_t *_Nullable above, const uint64_t *_Nullable below, uint64_t *strong,
              size_t words))
/// dst[x] = `value` where bit x is set, else 0.
KERNEL_ENTRY(void, unpack_bits_u8, (const uint64_t *bits, uint8_t *dst, uint8_t value, size_t n))

// MARK: Blobs.
/// Sums down the columns with one or two (`kernels`) symmetric kernels of the same radius, in the order of
/// correlate_rows, transposed: dst[m][x * pitch + y] is kernel m's sum around rows[radius + y][x]. `rows` holds
/// height + 2 × radius pointers; `column` is scratch of (height + 4 + 2 × radius) cache lines.
KERNEL_ENTRY(void, correlate_columns_f32,
             (const float *const _Nonnull *_Nonnull rows, const float *const _Nonnull *_Nonnull weights, size_t radius,
              size_t kernels, float *const _Nonnull *_Nonnull dst, size_t pitch, size_t width, size_t height,
              float *column))
/// -(a + b) × scale. `dst` may be `a` or `b`.
KERNEL_ENTRY(void, laplacian_f32, (const float *a, const float *b, float scale, float *dst, size_t n))
/// (a - b) × scale.
KERNEL_ENTRY(void, difference_f32, (const float *a, const float *b, float scale, float *dst, size_t n))
/// mask[x] = 1 where rows[4][x] is above `threshold` and no less than all of its 26 neighbours. `rows` are three rows
/// of each of three slices, the slice below first, readable one sample to either side.
KERNEL_ENTRY(void, peaks_f32, (const float *const _Nonnull *_Nonnull rows, float threshold, uint8_t *mask, size_t n))
/// Extends `least` … `greatest` by the values.
KERNEL_ENTRY(void, range_f32, (const float *src, size_t n, float *least, float *greatest))
/// As correlate_columns_f32.
KERNEL_ENTRY(void, correlate_columns_f64,
             (const double *const _Nonnull *_Nonnull rows, const double *const _Nonnull *_Nonnull weights,
              size_t radius, size_t kernels, double *const _Nonnull *_Nonnull dst, size_t pitch, size_t width,
              size_t height, double *column))
/// As laplacian_f32.
KERNEL_ENTRY(void, laplacian_f64, (const double *a, const double *b, double scale, double *dst, size_t n))
/// As difference_f32.
KERNEL_ENTRY(void, difference_f64, (const double *a, const double *b, double scale, double *dst, size_t n))
/// As peaks_f32.
KERNEL_ENTRY(void, peaks_f64, (const double *const _Nonnull *_Nonnull rows, double threshold, uint8_t *mask, size_t n))
/// As range_f32.
KERNEL_ENTRY(void, range_f64, (const double *src, size_t n, double *least, double *greatest))
/// Determinant of Hessian of pixels first … first + n − 1 of a row of a picture of `width` columns, from 8 boxes:
/// bottom left, top right, top left, bottom right; wide and narrow of dxx; wide and narrow of dyy.
/// `weight` is 1 / w².
KERNEL_ENTRY(void, hessian_f64,
             (const hessian_box *boxes, double weight, size_t first, size_t width, double *dst, size_t n))

// MARK: Medians: the value of rank ⌊count / 2⌋, or of another rank where a `median_window` says so.
/// Of 3 × 3: `rows` are the height + 2 (5 × 5: + 4) rows of the windows, from the top, at the column of the first
/// output; neighbours are `step` samples away. Writes `height` rows of `n` samples, `pitch` apart.
KERNEL_ENTRY(void, median3_u8,
             (const uint8_t *const _Nonnull *_Nonnull rows, size_t step, uint8_t *dst, size_t pitch, size_t n,
              size_t height))
/// As median3_u8.
KERNEL_ENTRY(void, median3_u16,
             (const uint16_t *const _Nonnull *_Nonnull rows, size_t step, uint16_t *dst, size_t pitch, size_t n,
              size_t height))
/// As median3_u8.
KERNEL_ENTRY(void, median3_i32,
             (const int32_t *const _Nonnull *_Nonnull rows, size_t step, int32_t *dst, size_t pitch, size_t n,
              size_t height))
/// As median3_u8, of 5 × 5.
KERNEL_ENTRY(void, median5_u8,
             (const uint8_t *const _Nonnull *_Nonnull rows, size_t step, uint8_t *dst, size_t pitch, size_t n,
              size_t height))
/// As median3_u8, of 5 × 5.
KERNEL_ENTRY(void, median5_u16,
             (const uint16_t *const _Nonnull *_Nonnull rows, size_t step, uint16_t *dst, size_t pitch, size_t n,
              size_t height))
/// As median3_u8, of 5 × 5.
KERNEL_ENTRY(void, median5_i32,
             (const int32_t *const _Nonnull *_Nonnull rows, size_t step, int32_t *dst, size_t pitch, size_t n,
              size_t height))
/// A window of `count` ≤ 255 samples of any shape: sample k of output x is rows[k][offsets[k] + x]. The value of rank
/// `rank`.
KERNEL_ENTRY(void, median_count_u8,
             (const uint8_t *const _Nonnull *_Nonnull rows, const int32_t *offsets, size_t count, uint32_t rank,
              uint8_t *dst, size_t n))
/// As median_count_u8.
KERNEL_ENTRY(void, median_count_u16,
             (const uint16_t *const _Nonnull *_Nonnull rows, const int32_t *offsets, size_t count, uint32_t rank,
              uint16_t *dst, size_t n))
/// As median_count_u8.
KERNEL_ENTRY(void, median_count_i32,
             (const int32_t *const _Nonnull *_Nonnull rows, const int32_t *offsets, size_t count, uint32_t rank,
              int32_t *dst, size_t n))
/// The greatest or the least sample of windows of `height` × `width`: `rows` are theirs, from the left column of the
/// first, neighbours `step` samples away. `spare`: n + (width − 1) × step samples of scratch.
KERNEL_ENTRY(void, extreme_u8,
             (const uint8_t *const _Nonnull *_Nonnull rows, size_t height, size_t width, size_t step, int32_t greatest,
              uint8_t *dst, size_t n, uint8_t *spare))
/// As extreme_u8.
KERNEL_ENTRY(void, extreme_u16,
             (const uint16_t *const _Nonnull *_Nonnull rows, size_t height, size_t width, size_t step, int32_t greatest,
              uint16_t *dst, size_t n, uint16_t *spare))
/// As extreme_u8.
KERNEL_ENTRY(void, extreme_i32,
             (const int32_t *const _Nonnull *_Nonnull rows, size_t height, size_t width, size_t step, int32_t greatest,
              int32_t *dst, size_t n, int32_t *spare))
/// A window of any shape, of at most MEDIAN_SPAN_MOST rows and columns.
KERNEL_ENTRY(void, median_spans_u8, (const uint8_t *src, uint8_t *dst, const median_window *window))
/// Perreault and Hébert 2007, "Median filtering in constant time", doi:10.1109/TIP.2007.902329. The window holds at
/// most 65535 samples. `histograms`: (width + window_width − 1) × 272 zeroed or dirty words of scratch.
KERNEL_ENTRY(void, median_histogram_u8,
             (const uint8_t *src, uint8_t *dst, const median_window *window, uint16_t *histograms))
/// Replaces keys by ranks: sorts `n` keys of `key_bits` bits (8, 16, 24 or 32); `ranks[i]` is the rank of `keys[i]`
/// (ties in order of position), `values[rank]` the key of that rank. `order` and `spare`: `n` words of scratch each.
KERNEL_ENTRY(void, rank_samples,
             (const uint32_t *keys, size_t n, unsigned key_bits, uint32_t *order, uint32_t *spare, uint32_t *ranks,
              uint32_t *values))
/// Any window, on ranks: see median_ranks_tmpl.h. `ranks` is the padded plane with every sample replaced by its rank
/// among all (ties in any order, each rank once); `values` gives the result for each rank; `bits`: ⌈ranks / 64⌉ words
/// of scratch.
KERNEL_ENTRY(void, median_ranks,
             (const uint32_t *ranks, size_t rank_count, const uint32_t *values, uint64_t *bits, uint32_t *dst,
              const median_window *window))
/// As median3_u8, of 3 × 3 or 5 × 5 (`side`), of the samples that count: `covers` are rows as `rows`, with all bits of
/// a sample set where it does, else none. Neighbours are a sample away. Where none counts the result is of no meaning.
KERNEL_ENTRY(void, median_covered_u8,
             (const uint8_t *const _Nonnull *_Nonnull rows, const uint8_t *const _Nonnull *_Nonnull covers, size_t side,
              uint8_t *dst, size_t pitch, size_t n, size_t height))
/// As median_covered_u8.
KERNEL_ENTRY(void, median_covered_u16,
             (const uint16_t *const _Nonnull *_Nonnull rows, const uint16_t *const _Nonnull *_Nonnull covers,
              size_t side, uint16_t *dst, size_t pitch, size_t n, size_t height))
/// As median_covered_u8.
KERNEL_ENTRY(void, median_covered_i32,
             (const int32_t *const _Nonnull *_Nonnull rows, const int32_t *const _Nonnull *_Nonnull covers, size_t side,
              int32_t *dst, size_t pitch, size_t n, size_t height))
/// As median_histogram_u8, of the samples whose `cover`, a plane as `src`, is not 0; 0 where there is none.
KERNEL_ENTRY(void, median_covered_histogram_u8,
             (const uint8_t *src, const uint8_t *cover, uint8_t *dst, const median_window *window,
              uint16_t *histograms))
/// Any window of 8-bit samples whose `cover`, a plane as `src`, is 1 and not 0; 0 where there is none.
KERNEL_ENTRY(void, median_covered_spans_u8,
             (const uint8_t *src, const uint8_t *cover, uint8_t *dst, const median_window *window))
/// As median_ranks, of the samples whose rank is not UINT32_MAX; 0 where there is none.
KERNEL_ENTRY(void, median_covered_ranks,
             (const uint32_t *ranks, size_t rank_count, const uint32_t *values, uint64_t *bits, uint32_t *dst,
              const median_window *window))
/// Integers that sort as the floats do, NaN above every number.
KERNEL_ENTRY(void, float_keys, (const float *src, int32_t *dst, size_t n))
/// Back from the integers of float_keys.
KERNEL_ENTRY(void, keys_float, (const int32_t *src, float *dst, size_t n))

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#undef KERNEL_ENTRY
