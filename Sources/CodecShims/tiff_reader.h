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
  method_scanlines,  ///< A row at a time is decoded.
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
  uint32_t row;  ///< The next to hand out.
  tiff_samples samples;
  bool same;               ///< Rows are the same in the file and in memory.
  bool packed;             ///< Samples are less than bytes in the file.
  uint32_t channels;       ///< Of the file …
  size_t sample_size;      ///< … once samples are bytes …
  size_t row_bytes;        ///< … and their rows.
  uint32_t planes;         ///< 1 if samples are interleaved in the file.
  size_t plane_row_bytes;  ///< Of a row of one plane, packed as in the file.
  uint32_t rows_per_strip, strips_per_plane;
  uint32_t tile_width, tile_height;
  bool through_rgba;
  uint8_t *band;  ///< Rows `band_row` and following, of `row_bytes`.
  uint32_t band_row, band_rows;
  uint8_t *scratch;   ///< One strip of one plane, one tile, or one row of one plane, as in the file.
  uint8_t *unpacked;  ///< One row of such.
  uint8_t *file_row;  ///< One row of the file's samples, if they are not the same in memory.
  uint8_t *palette;
  tiff_notes notes;
};

int32_t tiff_fail_rows(codec_tiff_reader *reader, const tiff_file *file);
int32_t tiff_fail_unsupported(codec_tiff_reader *reader, const char *what);

/// Fills in the header, and of the reader what the directory says; notes and profile last, when the rest is found
/// plausible.
int32_t tiff_describe(codec_tiff_reader *reader, codec_header *header);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
