// Rows of the usual PNG (not interlaced, 8 or 16 bits, no palette) without libpng, which inflates them slower than all
// else that is done with them: ISA-L inflates twice as fast, and checksums cost next to nothing.
#ifndef IMBREX_PNG_ROWS_H
#define IMBREX_PNG_ROWS_H

#include "io.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

typedef struct png_rows png_rows;

/// Goes on where libpng has read the first IDAT chunk's length and name; null if there is no memory.
png_rows *_Nullable png_rows_new(codec_source *source, uint32_t first_chunk, size_t row_bytes, uint32_t height,
                                 size_t pixel_bytes);
void png_rows_free(png_rows *_Nullable rows);
/// Writes the next row, in the file's byte order. After the last one the file has been read to its end marker.
int32_t png_rows_read(png_rows *rows, uint8_t *to, codec_error *error);
/// A chunk behind the picture that is neither critical nor damaged, by number; false if there are no more.
bool png_rows_late_chunk(const png_rows *rows, size_t number, uint8_t name[_Nonnull 4],
                         const uint8_t *_Nullable *_Nonnull data, size_t *count);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
