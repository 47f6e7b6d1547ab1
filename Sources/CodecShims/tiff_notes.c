// The tags of a TIFF that are about the picture rather than its samples: read from the file's own bytes, since libtiff
// hands them out in a dozen different ways, and given to libtiff to be written.
#include "tiff.h"

#include <stdlib.h>
#include <string.h>

/// Of one value, and of all together: more is no description of a picture.
#define LARGEST_NOTE ((uint64_t)64 << 20)
#define MOST_NOTE_BYTES ((uint64_t)128 << 20)
#define MOST_ENTRIES 4096
#define MOST_DIRECTORIES 1000000

enum { tag_exif = 34665, tag_gps = 34853, tag_children = 330, tag_interoperability = 40965, tag_subfile = 254 };

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

static const uint8_t type_sizes[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8};

static size_t type_size(uint16_t type) { return type < sizeof type_sizes ? type_sizes[type] : 0; }

/// Bytes that are swapped as one.
static size_t unit_size(uint16_t type) { return type == TIFF_RATIONAL || type == TIFF_SRATIONAL ? 4 : type_size(type); }

static void swap_values(void *values, size_t unit, size_t bytes) {
  uint8_t *at = values;
  for (size_t i = 0; unit > 1 && i + unit <= bytes; i += unit) {
    for (size_t a = 0, b = unit - 1; a < b; a++, b--) {
      uint8_t byte = at[i + a];
      at[i + a] = at[i + b];
      at[i + b] = byte;
    }
  }
}

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

static uint64_t number_at(const uint8_t *bytes, size_t size) {
  uint16_t half;
  uint32_t word;
  uint64_t number;
  switch (size) {
    case 2: memcpy(&half, bytes, 2); return half;
    case 4: memcpy(&word, bytes, 4); return word;
    default: memcpy(&number, bytes, 8); return number;
  }
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
    if (size == 0 || next->count == 0 || next->count > LARGEST_NOTE / size) continue;
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

// MARK: Reading

/// Tags of the samples and their layout, which a writer sets by itself, or which filtering makes wrong.
static bool concerns_samples(uint16_t tag) {
  static const uint16_t tags[] = {
      255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 274, 277, 278, 279, 280, 281,   282,   283,   284,  288,
      289, 290, 291, 292, 293, 296, 300, 301, 317, 320, 321, 322, 323, 324, 325, 326, 327,   328,   330,   332,  333,
      334, 336, 337, 338, 339, 340, 341, 342, 343, 344, 345, 346, 347, 351, 400, 401, 402,   403,   404,   405,  433,
      434, 435, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 559, 34665, 34675, 34853, 40965};
  for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
    if (tags[i] == tag) return true;
  }
  return false;
}

static void add_note(const tiff_file *file, tiff_notes *notes, int32_t kind, const entry *from) {
  size_t bytes = (size_t)(from->count * type_size(from->type));
  if (bytes > tiff_file_size(file) || notes->bytes + bytes > MOST_NOTE_BYTES) return;
  if (notes->count == notes->capacity) {
    size_t capacity = notes->capacity == 0 ? 32 : 2 * notes->capacity;
    codec_note *list = realloc(notes->list, capacity * sizeof *list);
    if (list == NULL) return;
    notes->list = list;
    notes->capacity = capacity;
  }
  uint8_t *values = malloc(bytes);
  if (values == NULL || !read_at(file, from->offset, values, bytes)) {
    free(values);
    return;
  }
  if (is_swapped(file)) swap_values(values, unit_size(from->type), bytes);
  notes->bytes += bytes;
  notes->list[notes->count++] = (codec_note){
      .kind = kind, .tag = from->tag, .type = from->type, .count = from->count, .bytes = values, .byte_count = bytes};
}

static void add_child(const tiff_file *file, tiff_notes *notes, const directory *parent, uint16_t tag, int32_t kind) {
  directory child;
  if (!read_directory(file, number_of(file, parent, tag), &child)) return;
  for (uint32_t i = 0; i < child.count; i++) {
    // A directory of yet another level: its offset would be wrong in another file.
    if (child.entries[i].tag != tag_interoperability) add_note(file, notes, kind, &child.entries[i]);
  }
  free(child.entries);
}

void tiff_notes_read(const tiff_file *file, tiff_notes *notes) {
  directory main;
  if (!read_directory(file, libtiff.CurrentDirOffset(file->tiff), &main)) return;
  for (uint32_t i = 0; i < main.count; i++) {
    const entry *at = &main.entries[i];
    // That it is one page of several is worth keeping; being a reduced version is another matter.
    bool keeps_subfile = at->tag == tag_subfile && first_number(file, at) == FILETYPE_PAGE;
    if (at->type == TIFF_IFD || at->type == TIFF_IFD8 || concerns_samples(at->tag)) continue;
    if (at->tag == tag_subfile && !keeps_subfile) continue;
    add_note(file, notes, codec_note_tiff, at);
  }
  add_child(file, notes, &main, tag_exif, codec_note_tiff_exif);
  add_child(file, notes, &main, tag_gps, codec_note_tiff_gps);
  free(main.entries);
}

void tiff_notes_free(tiff_notes *notes) {
  for (size_t i = 0; i < notes->count; i++) free((void *)notes->list[i].bytes);
  free(notes->list);
  memset(notes, 0, sizeof *notes);
}

bool tiff_count_pages(const tiff_file *file, uint32_t *pages, uint32_t *others) {
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
    bool is_page = (number_of(file, &at, tag_subfile) & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)) == 0;
    *(is_page || walked == 0 ? pages : others) += 1;
    for (uint32_t i = 0; i < at.count; i++) {
      if (at.entries[i].tag == tag_children) *others += (uint32_t)at.entries[i].count;
    }
    offset = at.next;
    free(at.entries);
  }
  return true;
}

// MARK: Writing

/// Through libtiff's variable arguments, whose types depend on how it knows the tag.
static bool set_tag(TIFF *tiff, const codec_note *note) {
  // Kept by libtiff.
  static const char unknown[] = "Tag";
  const TIFFField *field = libtiff.FindField(tiff, note->tag, TIFF_ANY);
  if (field == NULL) {
    TIFFFieldInfo info = {.field_tag = note->tag,
                          .field_readcount = TIFF_VARIABLE2,
                          .field_writecount = TIFF_VARIABLE2,
                          .field_type = (TIFFDataType)note->type,
                          .field_bit = FIELD_CUSTOM,
                          .field_oktochange = 1,
                          .field_passcount = 1,
                          .field_name = (char *)unknown};
    if (libtiff.MergeFieldInfo(tiff, &info, 1) != 0) return true;
    field = libtiff.FindField(tiff, note->tag, TIFF_ANY);
    if (field == NULL) return true;
  }
  int write_count = libtiff.FieldWriteCount(field);
  TIFFDataType type = libtiff.FieldDataType(field);
  if (type == TIFF_ASCII) {
    char *text = malloc(note->byte_count + 1);
    if (text == NULL) return false;
    memcpy(text, note->bytes, note->byte_count);
    text[note->byte_count] = 0;
    size_t length = strlen(text) + 1;
    int ok = !libtiff.FieldPassCount(field) ? libtiff.SetField(tiff, note->tag, text)
             : write_count == TIFF_VARIABLE2
                 ? libtiff.SetField(tiff, note->tag, (uint32_t)length, text)
                 : libtiff.SetField(tiff, note->tag, (int)(length < 65535 ? length : 65535), text);
    free(text);
    return ok != 0;
  }
  if (note->tag == TIFFTAG_RICHTIFFIPTC && type == TIFF_LONG && type_size(note->type) == 1) {
    // Bytes that libtiff takes for numbers: so that it does not swap them, they are swapped before.
    size_t words = (note->byte_count + 3) / 4;
    uint8_t *bytes = calloc(words, 4);
    if (bytes == NULL) return false;
    memcpy(bytes, note->bytes, note->byte_count);
    if (libtiff.IsByteSwapped(tiff)) swap_values(bytes, 4, 4 * words);
    int ok = libtiff.SetField(tiff, note->tag, (uint32_t)words, bytes);
    free(bytes);
    return ok != 0;
  }
  // A tag that is known as another type is left out: reading it as that type would be a guess.
  size_t size = type_size(note->type);
  bool rational = note->type == TIFF_RATIONAL || note->type == TIFF_SRATIONAL;
  bool alike = (TIFFDataType)note->type == type ||
               (size == 1 && (type == TIFF_BYTE || type == TIFF_UNDEFINED) && note->type != TIFF_SBYTE);
  if (!alike || note->count > UINT32_MAX) return true;
  void *values = malloc(rational ? note->count * 8 : note->byte_count);
  if (values == NULL) return false;
  memcpy(values, note->bytes, note->byte_count);
  if (rational) {
    size_t set_size = (size_t)libtiff.FieldSetGetSize(field);
    for (uint64_t i = 0; i < note->count; i++) {
      uint32_t parts[2];
      memcpy(parts, note->bytes + 8 * i, 8);
      double value = note->type == TIFF_SRATIONAL ? (double)(int32_t)parts[0] / (double)(int32_t)parts[1]
                                                  : (double)parts[0] / (double)parts[1];
      if (set_size == 8)
        ((double *)values)[i] = value;
      else
        ((float *)values)[i] = (float)value;
    }
  }
  int ok = 1;
  if (libtiff.FieldPassCount(field)) {
    ok = write_count == TIFF_VARIABLE2 ? libtiff.SetField(tiff, note->tag, (uint32_t)note->count, values)
         : note->count <= 65535        ? libtiff.SetField(tiff, note->tag, (int)note->count, values)
                                       : 1;
  } else if (write_count == 1 && note->count == 1) {
    uint64_t number = rational || type == TIFF_FLOAT || type == TIFF_DOUBLE ? 0
                      : size == 1                                           ? *note->bytes
                                                                            : number_at(note->bytes, size);
    double real = 0;
    if (rational) real = libtiff.FieldSetGetSize(field) == 8 ? *(double *)values : *(float *)values;
    if (type == TIFF_FLOAT) real = *(float *)values;
    if (type == TIFF_DOUBLE) real = *(double *)values;
    if (rational || type == TIFF_FLOAT || type == TIFF_DOUBLE) {
      ok = libtiff.SetField(tiff, note->tag, real);
    } else {
      ok = size == 8 ? libtiff.SetField(tiff, note->tag, number) : libtiff.SetField(tiff, note->tag, (uint32_t)number);
    }
  } else if (write_count > 1 && note->count == (uint64_t)write_count) {
    // Two shorts, as page numbers are, go one by one; longer ones as an array.
    uint16_t pair[2];
    if (write_count == 2 && type == TIFF_SHORT) {
      memcpy(pair, values, 4);
      ok = libtiff.SetField(tiff, note->tag, pair[0], pair[1]);
    } else {
      ok = libtiff.SetField(tiff, note->tag, values);
    }
  }
  free(values);
  return ok != 0;
}

static void put_number(uint8_t *to, uint64_t number, size_t size, bool big_endian) {
  for (size_t i = 0; i < size; i++) to[big_endian ? size - 1 - i : i] = (uint8_t)(number >> (8 * i));
}

static int by_tag(const void *a, const void *b) {
  const codec_note *const *first = a, *const *second = b;
  return (*first)->tag < (*second)->tag ? -1 : (*first)->tag > (*second)->tag;
}

/// Appends a directory of the notes of one kind to the file; 0 if there are none, or it fails.
static uint64_t append_directory(tiff_file *file, const codec_header *header, int32_t kind) {
  const codec_note **list = calloc(header->note_count + 1, sizeof *list);
  if (list == NULL) return 0;
  size_t count = 0, data = 0;
  bool wide = libtiff.IsBigTIFF(file->tiff) != 0, big_endian = libtiff.IsBigEndian(file->tiff) != 0;
  size_t offset_size = wide ? 8 : 4, count_size = wide ? 8 : 2, entry_size = wide ? 20 : 12;
  for (size_t i = 0; i < header->note_count; i++) {
    const codec_note *note = &header->notes[i];
    if (note->kind != kind || type_size(note->type) * note->count != note->byte_count || note->byte_count == 0)
      continue;
    list[count++] = note;
    if (note->byte_count > offset_size) data += (note->byte_count + 1) / 2 * 2;
  }
  qsort(list, count, sizeof *list, by_tag);
  uint64_t start = (tiff_file_size(file) + 7) / 8 * 8, result = 0;
  size_t table = count_size + count * entry_size + offset_size;
  uint8_t *bytes = calloc(1, table + data + 1);
  if (count > 0 && bytes != NULL && (wide || start + table + data < UINT32_MAX)) {
    put_number(bytes, count, count_size, big_endian);
    size_t free_at = table;
    for (size_t i = 0; i < count; i++) {
      uint8_t *at = bytes + count_size + i * entry_size;
      put_number(at, list[i]->tag, 2, big_endian);
      put_number(at + 2, list[i]->type, 2, big_endian);
      put_number(at + 4, list[i]->count, offset_size, big_endian);
      uint8_t *values = at + 4 + offset_size;
      if (list[i]->byte_count > offset_size) {
        put_number(values, start + free_at, offset_size, big_endian);
        values = bytes + free_at;
        free_at += (list[i]->byte_count + 1) / 2 * 2;
      }
      memcpy(values, list[i]->bytes, list[i]->byte_count);
      if (big_endian != (CODEC_BIG_ENDIAN_HOST != 0)) {
        swap_values(values, unit_size(list[i]->type), list[i]->byte_count);
      }
    }
    int system_errno = codec_pwrite_all(file->fd, bytes, table + data, start);
    if (system_errno != 0) {
      file->system_errno = system_errno;
    } else {
      result = start;
    }
  }
  free(bytes);
  free(list);
  return result;
}

bool tiff_notes_write(tiff_file *file, const codec_header *header) {
  for (size_t i = 0; i < header->note_count; i++) {
    const codec_note *note = &header->notes[i];
    if (note->kind == codec_note_tiff && note->byte_count > 0 && !set_tag(file->tiff, note)) {
      // What libtiff does not take is left out, unless the file is at fault.
      if (file->system_errno != 0) return false;
      file->message[0] = 0;
    }
  }
  uint64_t exif = append_directory(file, header, codec_note_tiff_exif);
  uint64_t gps = append_directory(file, header, codec_note_tiff_gps);
  if (file->system_errno != 0) return false;
  return (exif == 0 || libtiff.SetField(file->tiff, TIFFTAG_EXIFIFD, exif)) &&
         (gps == 0 || libtiff.SetField(file->tiff, TIFFTAG_GPSIFD, gps));
}
