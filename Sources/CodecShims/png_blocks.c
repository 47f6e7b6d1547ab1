// PNG rows filtered and deflated in blocks that know nothing of each other, so that every core can compress.
//
// Each block ends on a byte border (a "full flush"), so that blocks can be laid end to end
// in one deflate stream, as pigz does. Nothing is shared but the row above, which the filters need: what a block
// becomes does not depend on who compresses it or when.
#include "deflate.h"

#include <isa-l/igzip_lib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/// How much of a block is looked at to choose its filter.
#define SAMPLED_BYTES 16384

enum { filter_none, filter_sub, filter_up, filter_average, filter_paeth, filter_count };

/// One row to be filtered: `above` is all zeros at the picture's top.
typedef struct png_row {
  const uint8_t *row, *above;
  size_t count;            ///< Bytes.
  size_t bytes_per_pixel;  ///< To the left neighbour.
} png_row;

// The loops below run without a dependence from byte to byte, since they read unfiltered neighbours only.

// 16 bits hold all differences: twice as many of them in a vector as of 32.
static inline int16_t distance(int16_t difference) {
  int16_t negated = (int16_t)-difference;
  return difference > negated ? difference : negated;
}

static inline uint8_t paeth(int16_t left, int16_t above, int16_t corner) {
  int16_t down = (int16_t)(above - corner), across = (int16_t)(left - corner);
  int16_t to_left = distance(down), to_above = distance(across), to_corner = distance((int16_t)(down + across));
  int16_t nearest = to_above < to_left ? above : left, least = to_above < to_left ? to_above : to_left;
  return (uint8_t)(to_corner < least ? corner : nearest);
}

// Where the loader can choose: twice as wide vectors on processors that have them.
#if defined(__x86_64__) && defined(__GLIBC__)
#define WIDER __attribute__((target_clones("avx2", "default")))
#else
#define WIDER
#endif

WIDER static void filter_row(const png_row *in, int filter, uint8_t *out) {
  const uint8_t *row = in->row, *above = in->above;
  size_t step = in->bytes_per_pixel, n = in->count;
  size_t edge = step < n ? step : n;
  switch (filter) {
    case filter_none: memcpy(out, row, n); return;
    case filter_sub:
      memcpy(out, row, edge);
      for (size_t x = edge; x < n; x++) out[x] = (uint8_t)(row[x] - row[x - step]);
      return;
    case filter_up:
      for (size_t x = 0; x < n; x++) out[x] = (uint8_t)(row[x] - above[x]);
      return;
    case filter_average:
      for (size_t x = 0; x < edge; x++) out[x] = (uint8_t)(row[x] - (above[x] >> 1));
      for (size_t x = edge; x < n; x++) out[x] = (uint8_t)(row[x] - ((row[x - step] + above[x]) >> 1));
      return;
    default:
      for (size_t x = 0; x < edge; x++) out[x] = (uint8_t)(row[x] - above[x]);
      for (size_t x = edge; x < n; x++) out[x] = (uint8_t)(row[x] - paeth(row[x - step], above[x], above[x - step]));
  }
}

/// A block's rows in the file's byte order, with one row above them.
typedef struct block_rows {
  const uint8_t *first;
  size_t row_bytes, bytes_per_pixel;
  uint32_t count;
  const uint8_t *above;
} block_rows;

static png_row row_of(const block_rows *block, uint32_t y) {
  const uint8_t *row = block->first + y * block->row_bytes;
  return (png_row){row, y > 0 ? row - block->row_bytes : block->above, block->row_bytes, block->bytes_per_pixel};
}

/// Bits that an entropy coder would need for bytes counted in a histogram.
static double entropy(const uint32_t *histogram, double total) {
  double bits = 0;
  for (int value = 0; value < 256; value++) {
    if (histogram[value] > 0) bits += histogram[value] * log2(total / histogram[value]);
  }
  return bits;
}

/// The filter for a whole block whose bytes are most unevenly spread, judged by some of its rows. Fast deflate finds
/// few matches in photographs and lives by its Huffman codes, which this measures better than sums of differences.
static int best_filter_by_entropy(const block_rows *block, uint8_t *scratch) {
  // Some thousand bytes tell.
  size_t rows = SAMPLED_BYTES / block->row_bytes < 1 ? 1 : SAMPLED_BYTES / block->row_bytes;
  uint32_t step = rows < block->count ? block->count / (uint32_t)rows : 1;
  int best = filter_none;
  double least = INFINITY;
  for (int filter = 0; filter < filter_count; filter++) {
    uint32_t histogram[2][256] = {{0}};
    double total = 0;
    for (uint32_t y = step / 2; y < block->count; y += step) {
      png_row row = row_of(block, y);
      filter_row(&row, filter, scratch);
      // Two histograms, since counting equal neighbours in one would wait for each other.
      for (size_t x = 0; x + 1 < row.count; x += 2) {
        histogram[0][scratch[x]]++;
        histogram[1][scratch[x + 1]]++;
      }
      total += (double)row.count;
    }
    for (int value = 0; value < 256; value++) histogram[0][value] += histogram[1][value];
    double bits = entropy(histogram[0], total);
    if (bits < least) {
      least = bits;
      best = filter;
    }
  }
  return best;
}

static uint64_t sum_of_differences(const uint8_t *bytes, size_t n) {
  uint64_t sum = 0;
  for (size_t x = 0; x < n; x++) sum += (uint64_t)abs((int8_t)bytes[x]);
  return sum;
}

/// Filters every row by itself with the filter of the least sum of absolute differences, as libpng does.
static void filter_adaptively(const block_rows *block, uint8_t *filtered, uint8_t *scratch) {
  for (uint32_t y = 0; y < block->count; y++) {
    png_row row = row_of(block, y);
    uint8_t *out = filtered + y * (block->row_bytes + 1);
    uint64_t least = UINT64_MAX;
    for (int filter = 0; filter < filter_count; filter++) {
      filter_row(&row, filter, scratch);
      uint64_t sum = sum_of_differences(scratch, row.count);
      if (sum >= least) continue;
      least = sum;
      out[0] = (uint8_t)filter;
      memcpy(out + 1, scratch, row.count);
    }
  }
}

static void filter_uniformly(const block_rows *block, uint8_t *filtered, uint8_t *scratch) {
  int filter = best_filter_by_entropy(block, scratch);
  for (uint32_t y = 0; y < block->count; y++) {
    png_row row = row_of(block, y);
    uint8_t *out = filtered + y * (block->row_bytes + 1);
    out[0] = (uint8_t)filter;
    filter_row(&row, filter, out + 1);
  }
}

struct codec_png_workspace {
  size_t row_bytes, bytes_per_pixel;
  int swaps;          ///< Samples are to be swapped into the file's byte order.
  uint8_t *above;     ///< The row above a block in the file's byte order.
  uint8_t *trial;     ///< A filtered row.
  uint8_t *filtered;  ///< A filtered block.
  uint8_t *swapped;   ///< A block in the file's byte order, if that differs.
  uint8_t *level;     ///< ISA-L's tables.
  uint8_t *deflated;
  size_t capacity;  ///< Of `deflated`.
};

codec_png_workspace *codec_png_workspace_new(const codec_header *header, uint32_t rows_per_block) {
  codec_png_workspace *made = calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  made->row_bytes = codec_row_bytes(header);
  made->bytes_per_pixel = header->channels * codec_sample_size(header->sample_type);
  made->swaps = header->sample_type == codec_uint16 && !CODEC_BIG_ENDIAN_HOST;
  size_t filtered = rows_per_block * (made->row_bytes + 1);
  // Incompressible bytes grow by a few per 16 KiB, and never by an eighth.
  made->capacity = filtered + filtered / 8 + 4096;
  made->above = malloc(made->row_bytes);
  made->trial = malloc(made->row_bytes);
  made->filtered = malloc(filtered);
  made->swapped = made->swaps ? malloc(made->row_bytes * rows_per_block) : NULL;
  made->level = malloc(codec_deflate_tables());
  made->deflated = malloc(made->capacity);
  if (made->above == NULL || made->trial == NULL || made->filtered == NULL || (made->swaps && made->swapped == NULL) ||
      made->level == NULL || made->deflated == NULL || filtered > UINT32_MAX / 2) {
    codec_png_workspace_free(made);
    return NULL;
  }
  return made;
}

void codec_png_workspace_free(codec_png_workspace *workspace) {
  if (workspace == NULL) return;
  free(workspace->above);
  free(workspace->trial);
  free(workspace->filtered);
  free(workspace->swapped);
  free(workspace->level);
  free(workspace->deflated);
  free(workspace);
}

/// ISA-L's levels 1 and 2: ten to thirty times as fast as zlib's level 6, and a fifth larger at worst.
static size_t deflate_fast(const codec_png_workspace *work, size_t count, int level, int is_last) {
  return codec_deflate(work->filtered, count, level, is_last ? deflate_last : deflate_block, work->level,
                       work->deflated, work->capacity);
}

static size_t deflate_small(const codec_png_workspace *work, size_t count, int level, int is_last) {
  z_stream stream = {0};
  if (deflateInit2(&stream, level, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
  stream.next_in = work->filtered;
  stream.avail_in = (uInt)count;
  stream.next_out = work->deflated;
  stream.avail_out = (uInt)work->capacity;
  int status = deflate(&stream, is_last ? Z_FINISH : Z_SYNC_FLUSH);
  int is_done = is_last ? status == Z_STREAM_END : status == Z_OK && stream.avail_in == 0 && stream.avail_out > 0;
  size_t written = is_done ? stream.total_out : 0;
  deflateEnd(&stream);
  return written;
}

static int is_fast(int level) { return level < 0 || level == 1 || level == 2; }

static block_rows prepare(codec_png_workspace *work, const codec_png_block *block) {
  block_rows rows = {block->rows, work->row_bytes, work->bytes_per_pixel, block->count, work->above};
  if (block->above != NULL) {
    memcpy(work->above, block->above, work->row_bytes);
  } else {
    memset(work->above, 0, work->row_bytes);
  }
  if (work->swaps) {
    memcpy(work->swapped, block->rows, work->row_bytes * block->count);
    codec_swap16(work->swapped, work->row_bytes * block->count / 2);
    codec_swap16(work->above, work->row_bytes / 2);
    rows.first = work->swapped;
  }
  return rows;
}

int32_t codec_png_encode_block(codec_png_workspace *work, const codec_options *options, const codec_png_block *block,
                               codec_png_encoded *encoded, codec_error *error) {
  *encoded = (codec_png_encoded){0};
  int level = options->compression;
  block_rows rows = prepare(work, block);
  size_t count = rows.count * (rows.row_bytes + 1), written;
  if (is_fast(level)) {
    filter_uniformly(&rows, work->filtered, work->trial);
    written = deflate_fast(work, count, level == 1 ? 1 : 2, block->is_last);
  } else {
    filter_adaptively(&rows, work->filtered, work->trial);
    written = deflate_small(work, count, level, block->is_last);
  }
  if (written == 0) return codec_fail(error, codec_unsupported, 0, "the deflate library failed");
  // Deflate with a 32 KiB window, and how hard it was compressed (RFC 1950).
  const uint8_t stream_header[2] = {0x78, is_fast(level) ? 0x01 : 0x9C};
  size_t header = block->is_first ? sizeof stream_header : 0;
  encoded->bytes = malloc(header + written);
  if (encoded->bytes == NULL) return codec_fail_memory(error);
  memcpy(encoded->bytes, stream_header, header);
  memcpy(encoded->bytes + header, work->deflated, written);
  encoded->count = header + written;
  encoded->adler = isal_adler32(1, work->filtered, count);
  encoded->raw_count = count;
  encoded->rows = rows.count;
  encoded->is_last = block->is_last;
  return codec_ok;
}

void codec_png_free_block(codec_png_encoded *encoded) {
  free(encoded->bytes);
  encoded->bytes = NULL;
}
