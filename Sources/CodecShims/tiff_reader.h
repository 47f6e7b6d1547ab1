// TIFF's reader in its three parts: what the directory says (tiff_describe.c), how to read and page after page
// (tiff_read.c), and the rows (tiff_rows.c).
#ifndef IMBREX_TIFF_READER_H
#define IMBREX_TIFF_READER_H

#include "tiff.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

typedef enum tiff_method {
  method_raw,        ///< Uncompressed strips, whose rows are where the directory says.
  method_strips,     ///< A strip at a time is decoded into the band.
  method_scanlines,  ///< A row at a time is decoded into the band.
  method_tiles,      ///< A row of tiles at a time is decoded into the band.
  method_rgba,       ///< libtiff makes 8-bit RGB, strip by strip or a row of tiles at a time, into the band.
} tiff_method;

struct codec_tiff_reader {
  /// The first reads the directory. The others are there if separate planes are decoded row by row: each plane needs
  /// a decoder of its own, which goes on from row to row.
  tiff_file files[MOST_PLANES];
  codec_input input;
  codec_error failure, damage;
  tiff_method method;
  uint32_t width, height;
  uint32_t x, columns;    ///< What is handed out of each row …
  uint32_t row, end_row;  ///< … from the next to the one past the last.
  tiff_samples samples;
  bool same;               ///< Rows are the same in the file and in memory.
  bool packed;             ///< Samples are less than bytes in the file.
  uint32_t channels;       ///< Of the file …
  size_t sample_size;      ///< … once samples are bytes …
  size_t pixel_bytes;      ///< … and their pixels …
  size_t row_bytes;        ///< … and of the rows what is handed out.
  uint32_t planes;         ///< 1 if samples are interleaved in the file.
  size_t plane_row_bytes;  ///< Of a whole row of one plane, packed as in the file.
  uint32_t rows_per_strip, strips_per_plane;
  uint32_t tile_width, tile_height;
  bool through_rgba;
  bool of_mask;             ///< What is read is the mask of a page.
  bool ready;               ///< What follows has been allocated.
  uint8_t *_Nullable band;  ///< Rows `band_row` and following, of `band_columns` from `band_x`.
  uint32_t band_row, band_rows;
  uint32_t band_x, band_columns;
  size_t band_row_bytes;
  uint32_t decoded_row;        ///< The next that comes out of the decoders, if they go row by row.
  uint8_t *_Nullable scratch;  ///< One strip of one plane, one tile, or one row of one plane, as in the file.
  size_t scratch_bytes;
  uint8_t *_Nullable unpacked;  ///< One row of such.
  uint8_t *_Nullable file_row;  ///< One row of the file's samples, if they are not the same in memory.
  uint8_t *_Nullable palette;
  tiff_items items;
  tiff_striles striles;
  tiff_slide slide;
  uint8_t fill[8];  ///< A sample of the file that was never written.
};

int32_t tiff_fail_rows(codec_tiff_reader *reader, const tiff_file *file);
int32_t tiff_fail_unsupported(codec_tiff_reader *reader, const char *what);

/// Fills in the header, and of the reader what the directory says; items and profile last, when the rest is found
/// plausible.
int32_t tiff_describe(codec_tiff_reader *reader, codec_header *header);
/// Allocates what the rows of the window need, before the first is read.
int32_t tiff_make_ready(codec_tiff_reader *reader);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
