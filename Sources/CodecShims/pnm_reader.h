// Netpbm's reader in its two parts: the header (pnm_header.c) and the rows (pnm_read.c).
#ifndef IMBREX_PNM_READER_H
#define IMBREX_PNM_READER_H

#include "io.h"

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

struct codec_pnm_reader {
  codec_input input;
  codec_error failure, damage;
  uint32_t page;  ///< From 0.
  char kind;      ///< '1' to '7' as in the magic number, 'f' for both kinds of PFM.
  uint32_t width, height, channels;
  uint32_t maxval;
  uint32_t row;             ///< The next to hand out.
  uint32_t end_row;         ///< The one past the last.
  uint32_t x, columns;      ///< What is handed out of each.
  bool is_file;             ///< The raster's place is known …
  uint64_t raster;          ///< … and here in the file …
  bool seeks;               ///< … and rows are read each from its place …
  uint64_t file_row_bytes;  ///< … this far apart.
  size_t sample_size;       ///< In our rows.
  size_t row_samples;
  size_t row_bytes;           ///< Of our rows.
  bool swapped;               ///< PFM: not in the machine's byte order.
  bool trails;                ///< What is not a picture comes behind the last.
  size_t header_left;         ///< Bytes the header may still have.
  uint8_t *_Nullable packed;  ///< P4: one row of bits.
  codec_held held;  ///< PFM from a pipe, which goes from the bottom to the top: all rows, in the file's order.
  codec_source source;
};

static inline bool pnm_is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// What stands behind P in a magic number.
static inline bool pnm_is_kind(int c) { return (c >= '1' && c <= '7') || c == 'f' || c == 'F'; }

static inline bool pnm_is_digit(int c) { return c >= '0' && c <= '9'; }

/// Records it, and returns false.
bool pnm_fail_malformed(codec_pnm_reader *reader, const char *message);
/// Reads the magic number (unless that has been done: `kind` is set), the sides, channels and maxval, of PFM the byte
/// order, up to the first sample.
bool pnm_read_header(codec_pnm_reader *reader, bool is_begun);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
