// TIFF's writer in its parts: the directory of a page (tiff_page.c), its rows (tiff_write.c) and its blocks
// (tiff_blocks.c).
#ifndef IMBREX_TIFF_WRITER_H
#define IMBREX_TIFF_WRITER_H

#include "tiff.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// A strip of our own choice holds about as much.
#define USUAL_STRIP ((uint64_t)256 << 10)

typedef enum tiff_method {
  method_strips,     ///< Whole strips are given to libtiff.
  method_scanlines,  ///< Row by row.
  method_tiles,      ///< A row of tiles at a time.
} tiff_method;

struct codec_tiff_writer {
  tiff_file file;
  codec_error failure;
  tiff_method method;
  uint32_t width, height;
  uint32_t row;  ///< The next to come.
  tiff_samples samples;
  bool same;           ///< Rows are the same in memory and in the file.
  uint32_t channels;   ///< Of the file …
  size_t sample_size;  ///< … with bytes a sample (1 if they are packed, `width` being bytes then) …
  size_t row_bytes;    ///< … and bytes a row.
  uint32_t planes;
  bool swapped;        ///< libtiff swaps the samples, in place.
  uint32_t band_rows;  ///< Rows of a strip or of a row of tiles.
  uint32_t tile_width;
  uint8_t *band;      ///< The rows since the last whole strip or row of tiles.
  uint8_t *scratch;   ///< One strip of one plane, one tile, or one row.
  uint8_t *file_row;  ///< A row as the file has it, and before that its samples unpacked.
};

int32_t tiff_fail_writing(codec_tiff_writer *writer);
/// As codec_tiff_create; a negative `fd` is a file in memory.
int32_t tiff_writer_create(int fd, const codec_header *header, const codec_options *options,
                           codec_tiff_writer *_Nullable *_Nonnull writer, codec_error *error);

/// The header's compression if it goes with such samples, else deflate.
uint16_t tiff_compression_for(const codec_header *header);
/// Sets the tags of a page whose samples are known: picture, compression, profile, items; and from the header how it is
/// cut into strips or tiles. False if libtiff or the file refuses.
bool tiff_page_set(codec_tiff_writer *writer, const codec_header *header, const codec_options *options);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
