// The tags of a TIFF that are about the picture rather than its samples, read from the file's own bytes, since libtiff
// hands them out in a dozen different ways.
#include "tiff_values.h"

#include <stdlib.h>

/// Of one value, and of all together: more is no description of a picture.
#define LARGEST_ITEM ((uint64_t)64 << 20)
#define MOST_ITEM_BYTES ((uint64_t)128 << 20)
#define MOST_ENTRIES 4096
/// Numbers that are read at once.
#define SOME_STRILES 1024
#define MOST_DIRECTORIES 1000000

enum {
  tag_exif = 34665,
  tag_gps = 34853,
  tag_children = 330,
  tag_interoperability = 40965,
  tag_subfile = 254,
  tag_width = 256,
  tag_height = 257,
  tag_description = 270,
  tag_samples = 277,
  tag_ndpi = 65420,
};

// MARK: Directories

typedef struct entry {
  uint16_t tag, type;
  uint64_t count;
  uint64_t offset;  ///< Of the values in the file.
} entry;

typedef struct directory {
  entry *entries;
  uint32_t count;
  uint64_t next;
} directory;

static bool is_swapped(const tiff_file *file) { return libtiff.IsByteSwapped(file->tiff) != 0; }

static bool read_at(const tiff_file *file, uint64_t offset, void *bytes, size_t count) {
  int system_errno = 0;
  return offset <= INT64_MAX && codec_pread_all(file->fd, bytes, count, offset, &system_errno) == count;
}

static bool read_number(const tiff_file *file, uint64_t offset, size_t size, uint64_t *number) {
  uint8_t bytes[8];
  if (!read_at(file, offset, bytes, size)) return false;
  *number = 0;
  bool big = is_swapped(file) != (CODEC_BIG_ENDIAN_HOST != 0);
  for (size_t i = 0; i < size; i++) *number |= (uint64_t)bytes[big ? size - 1 - i : i] << (8 * i);
  return true;
}

/// Reads a directory; its entries are to be freed.
static bool read_directory(const tiff_file *file, uint64_t offset, directory *read) {
  bool big = libtiff.IsBigTIFF(file->tiff) != 0;
  size_t count_size = big ? 8 : 2, entry_size = big ? 20 : 12, offset_size = big ? 8 : 4;
  uint64_t count;
  memset(read, 0, sizeof *read);
  if (offset == 0 || !read_number(file, offset, count_size, &count) || count == 0 || count > MOST_ENTRIES) return false;
  size_t bytes = (size_t)count * entry_size + offset_size;
  uint8_t *raw = malloc(bytes);
  read->entries = calloc(count, sizeof *read->entries);
  bool ok = raw != NULL && read->entries != NULL;
  size_t got = 0;
  if (ok) {
    int system_errno = 0;
    got = codec_pread_all(file->fd, raw, bytes, offset + count_size, &system_errno);
    ok = got + offset_size >= bytes;
  }
  for (size_t i = 0; ok && i < count; i++) {
    uint8_t *at = raw + i * entry_size;
    if (is_swapped(file)) {
      swap_values(at, 2, 4);
      swap_values(at + 4, offset_size, offset_size);
    }
    entry *next = &read->entries[read->count];
    next->tag = (uint16_t)number_at(at, 2);
    next->type = (uint16_t)number_at(at + 2, 2);
    next->count = number_at(at + 4, offset_size);
    size_t size = type_size(next->type);
    if (size == 0 || next->count == 0 || next->count > INT64_MAX / size) continue;
    uint64_t place = offset + count_size + i * entry_size + 4 + offset_size;
    next->offset = place;
    if (next->count * size > offset_size && !read_number(file, place, offset_size, &next->offset)) continue;
    read->count++;
  }
  if (ok && got == bytes) {
    uint8_t *at = raw + count * entry_size;
    if (is_swapped(file)) swap_values(at, offset_size, offset_size);
    read->next = number_at(at, offset_size);
  }
  free(raw);
  if (!ok) {
    free(read->entries);
    memset(read, 0, sizeof *read);
  }
  return ok;
}

/// The first of an entry's numbers; 0 if it is none.
static uint64_t first_number(const tiff_file *file, const entry *value) {
  size_t size = type_size(value->type);
  uint64_t number = 0;
  if (unit_size(value->type) != size || value->type == TIFF_FLOAT || value->type == TIFF_DOUBLE) return 0;
  return read_number(file, value->offset, size, &number) ? number : 0;
}

static uint64_t number_of(const tiff_file *file, const directory *in, uint16_t tag) {
  for (uint32_t i = 0; i < in->count; i++) {
    if (in->entries[i].tag == tag) return first_number(file, &in->entries[i]);
  }
  return 0;
}

// MARK: Strips and tiles

bool tiff_find_place(const tiff_file *file, uint16_t tag, tiff_place *place) {
  directory main;
  bool found = false;
  memset(place, 0, sizeof *place);
  if (!read_directory(file, libtiff.CurrentDirOffset(file->tiff), &main)) return false;
  for (uint32_t i = 0; !found && i < main.count; i++) {
    const entry *at = &main.entries[i];
    found = at->tag == tag;
    if (found) *place = (tiff_place){.type = at->type, .count = at->count, .offset = at->offset};
  }
  free(main.entries);
  return found;
}

void tiff_striles_find(tiff_striles *striles, const tiff_file *file) {
  if (!tiff_find_place(file, TIFFTAG_STRIPOFFSETS, &striles->offsets))
    tiff_find_place(file, TIFFTAG_TILEOFFSETS, &striles->offsets);
  if (!tiff_find_place(file, TIFFTAG_STRIPBYTECOUNTS, &striles->counts))
    tiff_find_place(file, TIFFTAG_TILEBYTECOUNTS, &striles->counts);
}

/// Reads up to `most` numbers from `first` on; returns how many there are.
static size_t read_numbers(const tiff_file *file, const tiff_place *place, uint64_t first, uint64_t *numbers,
                           size_t most) {
  uint8_t bytes[SOME_STRILES * 8];
  size_t size = type_size(place->type);
  int system_errno = 0;
  bool whole = place->type == TIFF_SHORT || place->type == TIFF_LONG || place->type == TIFF_LONG8;
  if (!whole || first >= place->count || place->offset > INT64_MAX - first * size) return 0;
  if (most > place->count - first) most = (size_t)(place->count - first);
  size_t got = codec_pread_all(file->fd, bytes, most * size, place->offset + first * size, &system_errno) / size;
  if (is_swapped(file)) swap_values(bytes, size, got * size);
  for (size_t i = 0; i < got; i++) numbers[i] = number_at(bytes + i * size, size);
  return got;
}

bool tiff_strile_is_hole(const tiff_striles *striles, const tiff_file *file, uint32_t index) {
  uint64_t offset, count;
  return read_numbers(file, &striles->counts, index, &count, 1) == 1 && count == 0 &&
         read_numbers(file, &striles->offsets, index, &offset, 1) == 1 && offset == 0;
}

/// The first that is a hole, or is none, among the first `most`.
static bool find_strile(const tiff_striles *striles, const tiff_file *file, bool is_hole, uint64_t most,
                        uint64_t *offset) {
  uint64_t offsets[SOME_STRILES], counts[SOME_STRILES];
  for (uint64_t first = 0; first < most; first += SOME_STRILES) {
    size_t got = read_numbers(file, &striles->offsets, first, offsets, SOME_STRILES);
    size_t also = read_numbers(file, &striles->counts, first, counts, SOME_STRILES);
    for (size_t i = 0; i < got && (i < also || !is_hole); i++) {
      bool hole = offsets[i] == 0 && (i >= also || counts[i] == 0);
      *offset = offsets[i];
      if (hole == is_hole) return true;
    }
    if (got < SOME_STRILES) break;
  }
  return false;
}

bool tiff_striles_have_hole(const tiff_striles *striles, const tiff_file *file) {
  uint64_t offset;
  return find_strile(striles, file, true, UINT64_MAX, &offset);
}

bool tiff_striles_first(const tiff_striles *striles, const tiff_file *file, uint64_t *offset) {
  return find_strile(striles, file, false, 1 << 20, offset);
}

// MARK: Reading

/// Tags of the samples and their layout, which a writer sets by itself, or which filtering makes wrong.
static bool concerns_samples(uint16_t tag) {
  static const uint16_t tags[] = {255, 256, 257, 258, 259, 262, 263, 264, 265, 266,   273,   274,   277,   278,
                                  279, 280, 281, 282, 283, 284, 288, 289, 290, 291,   292,   293,   296,   300,
                                  301, 317, 320, 321, 322, 323, 324, 325, 326, 327,   328,   330,   332,   333,
                                  334, 336, 337, 338, 339, 340, 341, 342, 343, 344,   345,   346,   347,   351,
                                  400, 401, 402, 403, 404, 405, 433, 434, 435, 512,   513,   514,   515,   517,
                                  518, 519, 520, 521, 529, 530, 531, 532, 559, 34665, 34675, 34853, 40965, 50674};
  for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
    if (tags[i] == tag) return true;
  }
  return false;
}

static void add_item(const tiff_file *file, tiff_items *items, int32_t kind, const entry *from) {
  size_t bytes = (size_t)(from->count * type_size(from->type));
  if (from->count > LARGEST_ITEM / type_size(from->type) || bytes > tiff_file_size((tiff_file *)file) ||
      items->bytes + bytes > MOST_ITEM_BYTES)
    return;
  if (items->count == items->capacity) {
    size_t capacity = items->capacity == 0 ? 32 : 2 * items->capacity;
    codec_item *list = realloc(items->list, capacity * sizeof *list);
    if (list == NULL) return;
    items->list = list;
    items->capacity = capacity;
  }
  uint8_t *values = malloc(bytes);
  if (values == NULL || !read_at(file, from->offset, values, bytes)) {
    free(values);
    return;
  }
  if (is_swapped(file)) swap_values(values, unit_size(from->type), bytes);
  items->bytes += bytes;
  items->list[items->count++] = (codec_item){
      .kind = kind, .tag = from->tag, .type = from->type, .count = from->count, .bytes = values, .byte_count = bytes};
}

static void add_child(const tiff_file *file, tiff_items *items, const directory *parent, uint16_t tag, int32_t kind) {
  directory child;
  if (!read_directory(file, number_of(file, parent, tag), &child)) return;
  for (uint32_t i = 0; i < child.count; i++) {
    // A directory of yet another level: its offset would be wrong in another file.
    if (child.entries[i].tag != tag_interoperability) add_item(file, items, kind, &child.entries[i]);
  }
  free(child.entries);
}

void tiff_items_read(const tiff_file *file, tiff_items *items) {
  directory main;
  if (!read_directory(file, libtiff.CurrentDirOffset(file->tiff), &main)) return;
  for (uint32_t i = 0; i < main.count; i++) {
    const entry *at = &main.entries[i];
    // That it is one page of several is worth keeping; being a reduced version is another matter.
    bool keeps_subfile = at->tag == tag_subfile && first_number(file, at) == FILETYPE_PAGE;
    if (at->type == TIFF_IFD || at->type == TIFF_IFD8 || concerns_samples(at->tag)) continue;
    if (at->tag == tag_subfile && !keeps_subfile) continue;
    add_item(file, items, codec_item_tiff, at);
  }
  add_child(file, items, &main, tag_exif, codec_item_tiff_exif);
  add_child(file, items, &main, tag_gps, codec_item_tiff_gps);
  free(main.entries);
}

void tiff_items_free(tiff_items *items) {
  for (size_t i = 0; i < items->count; i++) free((void *)items->list[i].bytes);
  free(items->list);
  memset(items, 0, sizeof *items);
}

uint64_t tiff_number_in_file(const tiff_file *file, uint16_t tag) {
  directory current;
  if (!read_directory(file, libtiff.CurrentDirOffset(file->tiff), &current)) return 0;
  uint64_t number = number_of(file, &current, tag);
  free(current.entries);
  return number;
}

uint64_t tiff_next_directory(const tiff_file *file, uint64_t offset) {
  bool big = libtiff.IsBigTIFF(file->tiff) != 0;
  uint64_t next = 0;
  if (offset == 0) return read_number(file, big ? 8 : 4, big ? 8 : 4, &next) ? next : 0;
  directory at;
  if (!read_directory(file, offset, &at)) return 0;
  free(at.entries);
  return at.next;
}

bool tiff_hide_palette(tiff_file *file, uint64_t offset) {
  directory at;
  if (strstr(file->message, "Colormap") == NULL || !read_directory(file, offset, &at)) return false;
  file->patch_place = 0;
  for (uint32_t i = 0; i < at.count; i++) {
    const entry *value = &at.entries[i];
    if (value->tag != TIFFTAG_PHOTOMETRIC || value->type != TIFF_SHORT || value->count != 1) continue;
    uint16_t gray = PHOTOMETRIC_MINISBLACK;
    if (is_swapped(file)) swap_values(&gray, 2, 2);
    memcpy(file->patch, &gray, sizeof file->patch);
    file->patch_place = value->offset;
  }
  free(at.entries);
  file->message[0] = 0;
  return file->patch_place > 0;
}

size_t tiff_palette_in_file(const tiff_file *file, uint16_t *colors, size_t most) {
  tiff_place place;
  if (!tiff_find_place(file, TIFFTAG_COLORMAP, &place) || place.type != TIFF_SHORT || place.count < 3 ||
      place.count > 3 * 65536) {
    return 0;
  }
  size_t count = (size_t)place.count / 3;
  for (size_t i = 0; i < 3 * count; i++) {
    uint64_t value = 0;
    if (!read_number(file, place.offset + 2 * i, 2, &value)) return 0;
    if (i % count < most) colors[3 * (i % count) + i / count] = (uint16_t)value;
  }
  return count < most ? count : most;
}

static uint64_t samples_of(const tiff_file *file, const directory *in) {
  uint64_t samples = number_of(file, in, tag_samples);
  return samples > 0 ? samples : 1;
}

void tiff_find_slide(const tiff_file *file, tiff_slide *slide) {
  memset(slide, 0, sizeof *slide);
  bool big = libtiff.IsBigTIFF(file->tiff) != 0;
  uint64_t offset;
  directory first;
  if (!read_number(file, big ? 8 : 4, big ? 8 : 4, &offset) || !read_directory(file, offset, &first)) return;
  for (uint32_t i = 0; i < first.count; i++) {
    char text[7] = "";
    const entry *at = &first.entries[i];
    bool described = at->tag == tag_description && at->count >= sizeof text;
    if (described && read_at(file, at->offset, text, sizeof text) && memcmp(text, "Aperio ", sizeof text) == 0) {
      slide->is_one = true;
    }
    if (at->tag == tag_ndpi) slide->is_one = true;
  }
  slide->width = number_of(file, &first, tag_width);
  slide->height = number_of(file, &first, tag_height);
  slide->samples = samples_of(file, &first);
  free(first.entries);
}

bool tiff_is_page(const tiff_slide *slide, uint32_t subfile, uint64_t width, uint64_t height, uint64_t samples) {
  if ((subfile & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) != 0) return false;
  return !slide->is_one || (width == slide->width && height == slide->height && samples == slide->samples);
}

bool tiff_count_pages(const tiff_file *file, const tiff_slide *slide, uint32_t *pages, uint32_t *others) {
  *pages = *others = 0;
  uint64_t offset, seen = 0, until = 1;
  bool big = libtiff.IsBigTIFF(file->tiff) != 0;
  if (!read_number(file, big ? 8 : 4, big ? 8 : 4, &offset)) return true;
  // A loop is found by looking out for an offset that is remembered ever longer (R. P. Brent 1980).
  for (uint32_t walked = 0; walked < MOST_DIRECTORIES && offset != 0; walked++) {
    if (offset == seen) return false;
    directory at;
    if (walked == until) {
      seen = offset;
      until *= 2;
    }
    if (!read_directory(file, offset, &at)) break;
    bool is_page = tiff_is_page(slide, (uint32_t)number_of(file, &at, tag_subfile), number_of(file, &at, tag_width),
                                number_of(file, &at, tag_height), samples_of(file, &at));
    *(is_page || walked == 0 ? pages : others) += 1;
    for (uint32_t i = 0; i < at.count; i++) {
      if (at.entries[i].tag == tag_children) *others += (uint32_t)at.entries[i].count;
    }
    offset = at.next;
    free(at.entries);
  }
  return true;
}
