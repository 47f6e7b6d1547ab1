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

/// Samples of a window that lie next to each other in one of its rows, or below each other in one of its columns.
typedef struct window_run {
  int32_t line;        ///< The row, or the column.
  int32_t first, end;  ///< The first column (row) and one past the last.
} window_run;

/// A window over a padded plane, and which of its samples is taken.
/// `src` points at the plane's first padded sample; it has `height + window_height - 1` rows of
/// `width + window_width - 1` samples, `pitch` samples apart. The result has `height` rows of `width` samples.
typedef struct median_window {
  size_t width, height;                ///< Of the result.
  size_t window_width, window_height;  ///< Of the window.
  size_t src_pitch, dst_pitch;         ///< In samples.
  /// Of `count` samples the one of rank ⌊count × percent / 100⌋ from the least (a median: 50; 100: the greatest), or,
  /// if `has_rank`, of rank `rank`, counted from the greatest where that is negative: the last there is if there are
  /// fewer.
  double percent;
  int64_t rank;
  int32_t has_rank;
  /// The window's samples, row by row, and again column by column; of rectangles not needed.
  const window_run *_Nullable rows;
  size_t row_count;
  const window_run *_Nullable columns;
  size_t column_count;
} median_window;

/// One box of the determinant of Hessian: which two rows of the integral image, and which columns.
typedef struct hessian_box {
  const double *top, *bottom;  ///< Rows r and r2 of the integral image, at column 0.
  ptrdiff_t column;            ///< Left column relative to the pixel.
  ptrdiff_t columns;           ///< Width of the box.
} hessian_box;

typedef struct KERNELS_SENDABLE kernels {
  const char *name;  ///< "portable", "avx2", …

  // A pointer for each entry of the list, with the entry's comment: `load_u8_f32(src, dst, scale, n)` and so on.
  // The list stands outside this folder, where Clang's modules would take it for a header of its own; and the pragma
  // must not span another file.
#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#define KERNEL_ENTRY(result, name, parameters) result(*name) parameters;
#include "../KernelList.h"
#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif
} kernels;

/// How many builds this machine can run. Build 0 is the portable one, the last the fastest.
size_t kernels_count(void);

/// The table of one build, 0 ≤ index < `kernels_count()`.
kernels kernels_at(size_t index);

/// How many kernels a table holds.
size_t kernels_list_count(void);

/// The name of a kernel, 0 ≤ index < `kernels_list_count()`.
const char *kernels_list_name(size_t index);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
