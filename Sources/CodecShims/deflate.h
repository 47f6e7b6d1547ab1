// ISA-L's deflate with bytes that do not depend on where memory lies.
#ifndef IMBREX_DEFLATE_H
#define IMBREX_DEFLATE_H

#include "io.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// What is compressed.
typedef enum codec_deflate_form {
  deflate_zlib,   ///< A whole zlib stream (RFC 1950).
  deflate_block,  ///< Deflate blocks that end on a byte border and let others follow (RFC 1951).
  deflate_last,   ///< The same, and nothing follows.
} codec_deflate_form;

/// Bytes that codec_deflate needs for its tables.
size_t codec_deflate_tables(void);
/// Compresses at ISA-L's level 1 or 2; returns the size, or 0 if it failed or `capacity` is too small.
size_t codec_deflate(const uint8_t *bytes, size_t count, int level, codec_deflate_form form, uint8_t *tables,
                     uint8_t *out, size_t capacity);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
