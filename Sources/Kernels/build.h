// One build of every kernel: included by each build_*.c with BUILD (the suffix of all names) and BLOCK (samples that
// an inner loop keeps in registers) and VECTOR_BYTES (of a vector where they are written out) defined.
#pragma STDC FP_CONTRACT OFF

#include <string.h>

#define GLUE_AGAIN(a, b) a##_##b
#define GLUE(a, b) GLUE_AGAIN(a, b)
#define KERNEL(name) GLUE(name, BUILD)

#include "convert_tmpl.h"
#include "correlate_tmpl.h"
#include "gradient_tmpl.h"
#include "canny_tmpl.h"
#include "blob_tmpl.h"
#include "median_tmpl.h"

kernels GLUE(kernels_build, BUILD)(void) {
  return (kernels){
      .name = BUILD_NAME,
      .load_u8_f32 = KERNEL(load_u8_f32),
      .load_u16_f32 = KERNEL(load_u16_f32),
      .load_u8_f64 = KERNEL(load_u8_f64),
      .load_u16_f64 = KERNEL(load_u16_f64),
      .load_f32_f64 = KERNEL(load_f32_f64),
      .scale_f32 = KERNEL(scale_f32),
      .store_f32_u8 = KERNEL(store_f32_u8),
      .store_f32_u16 = KERNEL(store_f32_u16),
      .luma_u8_f32 = KERNEL(luma_u8_f32),
      .luma_u16_f32 = KERNEL(luma_u16_f32),
      .luma_f32_f32 = KERNEL(luma_f32_f32),
      .luma_u8_f64 = KERNEL(luma_u8_f64),
      .luma_u16_f64 = KERNEL(luma_u16_f64),
      .luma_f32_f64 = KERNEL(luma_f32_f64),
      .premultiply_f32 = KERNEL(premultiply_f32),
      .unpremultiply_f32 = KERNEL(unpremultiply_f32),
      .correlate_rows_u8_f32 = KERNEL(correlate_rows_u8_f32),
      .correlate_rows_u16_f32 = KERNEL(correlate_rows_u16_f32),
      .correlate_rows_f32 = KERNEL(correlate_rows_f32),
      .correlate_rows_f64 = KERNEL(correlate_rows_f64),
      .correlate_row_f32 = KERNEL(correlate_row_f32),
      .correlate_row_f64 = KERNEL(correlate_row_f64),
      .gradient3_f32 = KERNEL(gradient3_f32),
      .gradient5_f32 = KERNEL(gradient5_f32),
      .roberts_f32 = KERNEL(roberts_f32),
      .sobel_u8 = KERNEL(sobel_u8),
      .magnitude_f32 = KERNEL(magnitude_f32),
      .divide_f64 = KERNEL(divide_f64),
      .canny_gradient_f64 = KERNEL(canny_gradient_f64),
      .canny_thin_f64 = KERNEL(canny_thin_f64),
      .pack_labels = KERNEL(pack_labels),
      .reconstruct_row = KERNEL(reconstruct_row),
      .unpack_bits_u8 = KERNEL(unpack_bits_u8),
      .correlate_columns_f32 = KERNEL(correlate_columns_f32),
      .correlate_columns_f64 = KERNEL(correlate_columns_f64),
      .laplacian_f32 = KERNEL(laplacian_f32),
      .laplacian_f64 = KERNEL(laplacian_f64),
      .difference_f32 = KERNEL(difference_f32),
      .difference_f64 = KERNEL(difference_f64),
      .peaks_f32 = KERNEL(peaks_f32),
      .peaks_f64 = KERNEL(peaks_f64),
      .range_f32 = KERNEL(range_f32),
      .range_f64 = KERNEL(range_f64),
      .hessian_f64 = KERNEL(hessian_f64),
      .median3_u8 = KERNEL(median3_u8),
      .median3_u16 = KERNEL(median3_u16),
      .median3_i32 = KERNEL(median3_i32),
      .median5_u8 = KERNEL(median5_u8),
      .median5_u16 = KERNEL(median5_u16),
      .median5_i32 = KERNEL(median5_i32),
      .median_count_u8 = KERNEL(median_count_u8),
      .median_spans_u8 = KERNEL(median_spans_u8),
      .median_histogram_u8 = KERNEL(median_histogram_u8),
      .rank_samples = KERNEL(rank_samples),
      .median_ranks = KERNEL(median_ranks),
      .float_keys = KERNEL(float_keys),
      .keys_float = KERNEL(keys_float),
  };
}
