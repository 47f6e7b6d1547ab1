#include "png_rows.h"

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

/// What is inflated at a time, unless a row is longer.
#define PORTION ((size_t)128 << 10)
/// Chunks behind the picture that are kept, and bytes of them all.
#define MOST_LATE 1000
#define MOST_LATE_BYTES ((size_t)16 << 20)

typedef struct late_chunk {
  uint8_t name[4];
  uint8_t *data;
  size_t count;
} late_chunk;

struct png_rows {
  codec_source *source;
  struct inflate_state inflate;
  uint32_t chunk_left;  ///< Bytes of the current IDAT.
  uint32_t crc;
  size_t row_bytes, pixel_bytes;
  uint32_t height, row;  ///< `row`: the next to be handed out.
  /// Rows with their filter bytes, behind the last row of before.
  uint8_t *portion;
  size_t capacity, held, next;  ///< Rows.
  bool ended;                   ///< The deflate stream.
  late_chunk *late;
  size_t late_count, late_bytes;
};

png_rows *png_rows_new(codec_source *source, uint32_t first_chunk, size_t row_bytes, uint32_t height,
                       size_t pixel_bytes) {
  png_rows *rows = calloc(1, sizeof *rows);
  if (rows == NULL) return NULL;
  rows->source = source;
  rows->chunk_left = first_chunk;
  rows->crc = crc32_gzip_refl(0, (const uint8_t *)"IDAT", 4);
  rows->row_bytes = row_bytes;
  rows->pixel_bytes = pixel_bytes;
  rows->height = height;
  rows->capacity = PORTION / (row_bytes + 1);
  if (rows->capacity > height) rows->capacity = height;
  if (rows->capacity == 0) rows->capacity = 1;
  // One more in front: the last of before, zero at first.
  rows->portion = malloc((rows->capacity + 1) * (row_bytes + 1));
  if (rows->portion == NULL) {
    free(rows);
    return NULL;
  }
  memset(rows->portion, 0, row_bytes + 1);
  isal_inflate_init(&rows->inflate);
  rows->inflate.crc_flag = ISAL_ZLIB;
  return rows;
}

void png_rows_free(png_rows *rows) {
  if (rows == NULL) return;
  for (size_t i = 0; i < rows->late_count; i++) free(rows->late[i].data);
  free(rows->late);
  free(rows->portion);
  free(rows);
}

bool png_rows_late_chunk(const png_rows *rows, size_t number, uint8_t name[4], const uint8_t **data, size_t *count) {
  if (number >= rows->late_count) return false;
  memcpy(name, rows->late[number].name, 4);
  *data = rows->late[number].data;
  *count = rows->late[number].count;
  return true;
}

// MARK: Chunks

static int32_t fail_end(png_rows *rows, codec_error *error) {
  // Rows that are complete but have not been handed out yet count.
  size_t line = rows->row_bytes + 1;
  const uint8_t *start = rows->portion + line, *end = rows->inflate.next_out;
  size_t whole = end != NULL && end > start && end <= start + rows->capacity * line ? (size_t)(end - start) / line : 0;
  return codec_source_fail(rows->source, error, rows->row + (uint32_t)whole, rows->height);
}

static uint32_t big_endian(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/// Compares the checksum behind a chunk's data.
static int32_t check_crc(png_rows *rows, const uint8_t *name, codec_error *error) {
  uint8_t bytes[4];
  if (codec_source_read(rows->source, bytes, 4) != 4) return fail_end(rows, error);
  if (big_endian(bytes) == rows->crc) return codec_ok;
  return codec_fail(error, codec_malformed, 0, "the checksum of chunk %.4s is wrong: the file is damaged",
                    (const char *)name);
}

static int32_t read_chunk_header(png_rows *rows, uint32_t *count, uint8_t name[4], codec_error *error) {
  uint8_t header[8];
  if (codec_source_read(rows->source, header, 8) != 8) return fail_end(rows, error);
  *count = big_endian(header);
  memcpy(name, header + 4, 4);
  for (int i = 0; i < 4; i++) {
    bool letter = (name[i] >= 'A' && name[i] <= 'Z') || (name[i] >= 'a' && name[i] <= 'z');
    if (!letter) return codec_fail(error, codec_malformed, 0, "a chunk has an invalid name: the file is damaged");
  }
  if (*count > INT32_MAX)
    return codec_fail(error, codec_malformed, 0, "chunk %.4s is too long: the file is damaged", (const char *)name);
  rows->crc = crc32_gzip_refl(0, name, 4);
  return codec_ok;
}

/// Goes on to the next IDAT where this one is used up.
static int32_t next_data(png_rows *rows, codec_error *error) {
  static const uint8_t data_name[4] = {'I', 'D', 'A', 'T'};
  while (rows->chunk_left == 0) {
    uint8_t name[4];
    if (check_crc(rows, data_name, error) != codec_ok ||
        read_chunk_header(rows, &rows->chunk_left, name, error) != codec_ok) {
      return error->status;
    }
    if (memcmp(name, data_name, 4) != 0)
      return codec_fail(error, codec_malformed, 0, "the picture data ends before the picture does");
  }
  return codec_ok;
}

/// Keeps a chunk's data, or passes over it.
static int32_t take_late_chunk(png_rows *rows, const uint8_t *name, uint32_t count, codec_error *error) {
  bool wanted = rows->late_count < MOST_LATE && count <= MOST_LATE_BYTES - rows->late_bytes;
  if (wanted && rows->late == NULL) rows->late = calloc(MOST_LATE, sizeof *rows->late);
  // A length may be forged: memory grows with what is there.
  uint8_t *data = NULL;
  size_t have = 0, room = 0;
  while (have < count) {
    if (rows->source->left == 0 && !codec_source_fill(rows->source)) {
      free(data);
      return fail_end(rows, error);
    }
    size_t take = rows->source->left < count - have ? rows->source->left : count - have;
    rows->crc = crc32_gzip_refl(rows->crc, rows->source->next, take);
    if (wanted && rows->late != NULL && have + take > room) {
      room = 2 * (have + take);
      uint8_t *larger = realloc(data, room);
      if (larger == NULL)
        wanted = false;
      else
        data = larger;
    }
    if (wanted && data != NULL) memcpy(data + have, rows->source->next, take);
    rows->source->next += take;
    rows->source->left -= take;
    have += take;
  }
  if (check_crc(rows, name, error) != codec_ok || !wanted || rows->late == NULL || data == NULL) {
    free(data);
    return error->status;
  }
  late_chunk *late = &rows->late[rows->late_count++];
  memcpy(late->name, name, 4);
  late->data = data;
  late->count = count;
  rows->late_bytes += count;
  return codec_ok;
}

/// Reads what is behind the picture, to the end marker.
static int32_t read_end(png_rows *rows, codec_error *error) {
  uint8_t name[4] = {'I', 'D', 'A', 'T'};
  uint32_t count = rows->chunk_left;
  bool in_data = true;
  error->status = codec_ok;
  for (;;) {
    if (in_data) {
      // Padding behind the stream.
      while (count > 0) {
        if (rows->source->left == 0 && !codec_source_fill(rows->source)) return fail_end(rows, error);
        size_t take = rows->source->left < count ? rows->source->left : count;
        rows->crc = crc32_gzip_refl(rows->crc, rows->source->next, take);
        rows->source->next += take;
        rows->source->left -= take;
        count -= (uint32_t)take;
      }
      if (check_crc(rows, name, error) != codec_ok) return error->status;
    } else if (take_late_chunk(rows, name, count, error) != codec_ok) {
      return error->status;
    }
    if (read_chunk_header(rows, &count, name, error) != codec_ok) return error->status;
    if (memcmp(name, "IEND", 4) == 0)
      return count == 0 ? check_crc(rows, name, error) : take_late_chunk(rows, name, count, error);
    bool is_data = memcmp(name, "IDAT", 4) == 0;
    bool critical = (name[0] & 0x20) == 0;
    if ((is_data && !in_data) || (critical && !is_data)) {
      return codec_fail(error, codec_malformed, 0, "chunk %.4s is out of place, or one before it is missing",
                        (const char *)name);
    }
    in_data = is_data;
  }
}

// MARK: Rows

/// Inflates until `next_out` is full or the stream ends. What it has taken from the file before may be output only now,
/// so more is asked of the file only when nothing else comes.
static int32_t inflate_some(png_rows *rows, codec_error *error) {
  struct inflate_state *inflate = &rows->inflate;
  while (inflate->avail_out > 0 && inflate->block_state != ISAL_BLOCK_FINISH) {
    if (rows->chunk_left > 0 && rows->source->left == 0 && !codec_source_fill(rows->source)) {
      return fail_end(rows, error);
    }
    uint32_t take = rows->source->left < rows->chunk_left ? (uint32_t)rows->source->left : rows->chunk_left;
    uint32_t room = inflate->avail_out;
    inflate->next_in = (uint8_t *)rows->source->next;
    inflate->avail_in = take;
    int result = isal_inflate(inflate);
    uint32_t used = take - inflate->avail_in;
    rows->crc = crc32_gzip_refl(rows->crc, rows->source->next, used);
    rows->source->next += used;
    rows->source->left -= used;
    rows->chunk_left -= used;
    if (result != ISAL_DECOMP_OK && result != ISAL_END_INPUT) {
      return codec_fail(error, codec_malformed, 0, "%s",
                        result == ISAL_INCORRECT_CHECKSUM ? "the picture data does not match its checksum"
                                                          : "the picture data is damaged (deflate: invalid code)");
    }
    bool idle = used == 0 && inflate->avail_out == room && inflate->block_state != ISAL_BLOCK_FINISH;
    if (idle && next_data(rows, error) != codec_ok) return error->status;
  }
  return codec_ok;
}

/// Inflates rows until the portion is full or the picture is complete.
static int32_t fill_portion(png_rows *rows, codec_error *error) {
  size_t line = rows->row_bytes + 1;
  memcpy(rows->portion, rows->portion + rows->held * line, line);
  size_t wanted = rows->height - rows->row < rows->capacity ? rows->height - rows->row : rows->capacity;
  rows->inflate.next_out = rows->portion + line;
  rows->inflate.avail_out = (uint32_t)(wanted * line);
  if (inflate_some(rows, error) != codec_ok) return error->status;
  if (rows->inflate.avail_out > 0)
    return codec_fail(error, codec_malformed, 0, "the picture data ends before the picture does");
  rows->held = wanted;
  rows->next = 0;
  return codec_ok;
}

/// To the end of the deflate stream, whose checksum is behind the last row. More samples than the picture has are
/// passed over, as libpng does.
static int32_t finish_stream(png_rows *rows, codec_error *error) {
  uint8_t spare[256];
  while (rows->inflate.block_state != ISAL_BLOCK_FINISH) {
    rows->inflate.next_out = spare;
    rows->inflate.avail_out = sizeof spare;
    if (inflate_some(rows, error) != codec_ok) return error->status;
  }
  return codec_ok;
}

static inline uint8_t paeth(int a, int b, int c) {
  int pa = b - c, pb = a - c, pc = pa + pb;
  pa = pa < 0 ? -pa : pa;
  pb = pb < 0 ? -pb : pb;
  pc = pc < 0 ? -pc : pc;
  int nearest = pb <= pc ? b : c;
  return (uint8_t)(pa <= pb && pa <= pc ? a : nearest);
}

// Filters whose pixels depend on the one before, with its bytes apart so that a pixel's channels go side by side.
#define DEFINE_UNFILTER(BYTES)                                                                           \
  static void unfilter_sub_##BYTES(uint8_t *row, size_t count) {                                         \
    for (size_t i = BYTES; i < count; i++) row[i] = (uint8_t)(row[i] + row[i - BYTES]);                  \
  }                                                                                                      \
  static void unfilter_average_##BYTES(uint8_t *row, const uint8_t *above, size_t count) {               \
    for (size_t i = 0; i < BYTES; i++) row[i] = (uint8_t)(row[i] + above[i] / 2);                        \
    for (size_t i = BYTES; i < count; i++) row[i] = (uint8_t)(row[i] + (row[i - BYTES] + above[i]) / 2); \
  }                                                                                                      \
  static void unfilter_paeth_##BYTES(uint8_t *row, const uint8_t *above, size_t count) {                 \
    int a[BYTES], c[BYTES];                                                                              \
    for (int k = 0; k < BYTES; k++) a[k] = c[k] = 0;                                                     \
    for (size_t i = 0; i + BYTES <= count; i += BYTES) {                                                 \
      for (int k = 0; k < BYTES; k++) {                                                                  \
        int b = above[i + k];                                                                            \
        a[k] = (uint8_t)(row[i + k] + paeth(a[k], b, c[k]));                                             \
        c[k] = b;                                                                                        \
        row[i + k] = (uint8_t)a[k];                                                                      \
      }                                                                                                  \
    }                                                                                                    \
  }
DEFINE_UNFILTER(1)
DEFINE_UNFILTER(2)
DEFINE_UNFILTER(3)
DEFINE_UNFILTER(4)
DEFINE_UNFILTER(6)
DEFINE_UNFILTER(8)

#define UNFILTER(KIND, ...)                                 \
  switch (pixel_bytes) {                                    \
    case 1: unfilter_##KIND##_1(__VA_ARGS__); return true;  \
    case 2: unfilter_##KIND##_2(__VA_ARGS__); return true;  \
    case 3: unfilter_##KIND##_3(__VA_ARGS__); return true;  \
    case 4: unfilter_##KIND##_4(__VA_ARGS__); return true;  \
    case 6: unfilter_##KIND##_6(__VA_ARGS__); return true;  \
    default: unfilter_##KIND##_8(__VA_ARGS__); return true; \
  }

/// Undoes a row's filter in place (PNG, 9.2); false if there is no such filter.
static bool unfilter(uint8_t filter, uint8_t *row, const uint8_t *above, size_t count, size_t pixel_bytes) {
  switch (filter) {
    case 0: return true;
    case 1: UNFILTER(sub, row, count)
    case 2:
      for (size_t i = 0; i < count; i++) row[i] = (uint8_t)(row[i] + above[i]);
      return true;
    case 3: UNFILTER(average, row, above, count)
    case 4: UNFILTER(paeth, row, above, count)
    default: return false;
  }
}

int32_t png_rows_read(png_rows *rows, uint8_t *to, codec_error *error) {
  size_t line = rows->row_bytes + 1;
  if (rows->next == rows->held && fill_portion(rows, error) != codec_ok) return error->status;
  uint8_t *current = rows->portion + (rows->next + 1) * line;
  if (!unfilter(current[0], current + 1, current - line + 1, rows->row_bytes, rows->pixel_bytes)) {
    return codec_fail(error, codec_malformed, 0, "the picture data is damaged: there is no such row filter");
  }
  memcpy(to, current + 1, rows->row_bytes);
  rows->next++;
  rows->row++;
  if (rows->row < rows->height) return codec_ok;
  return finish_stream(rows, error) == codec_ok ? read_end(rows, error) : error->status;
}
