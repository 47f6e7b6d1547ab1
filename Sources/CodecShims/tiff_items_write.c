// The tags of a TIFF that are about the picture rather than its samples, given to libtiff to be written; directories of
// Exif and GPS are written past it.
#include "tiff_values.h"

#include <stdlib.h>

/// Through libtiff's variable arguments, whose types depend on how it knows the tag.
static bool set_tag(TIFF *tiff, const codec_item *item) {
  // Kept by libtiff.
  static const char unknown[] = "Tag";
  const TIFFField *field = libtiff.FindField(tiff, item->tag, TIFF_ANY);
  if (field == NULL) {
    TIFFFieldInfo info = {.field_tag = item->tag,
                          .field_readcount = TIFF_VARIABLE2,
                          .field_writecount = TIFF_VARIABLE2,
                          .field_type = (TIFFDataType)item->type,
                          .field_bit = FIELD_CUSTOM,
                          .field_oktochange = 1,
                          .field_passcount = 1,
                          .field_name = (char *)unknown};
    if (libtiff.MergeFieldInfo(tiff, &info, 1) != 0) return true;
    field = libtiff.FindField(tiff, item->tag, TIFF_ANY);
    if (field == NULL) return true;
  }
  int write_count = libtiff.FieldWriteCount(field);
  TIFFDataType type = libtiff.FieldDataType(field);
  if (type == TIFF_ASCII) {
    char *text = malloc(item->byte_count + 1);
    if (text == NULL) return false;
    memcpy(text, item->bytes, item->byte_count);
    text[item->byte_count] = 0;
    size_t length = strlen(text) + 1;
    int ok = !libtiff.FieldPassCount(field) ? libtiff.SetField(tiff, item->tag, text)
             : write_count == TIFF_VARIABLE2
                 ? libtiff.SetField(tiff, item->tag, (uint32_t)length, text)
                 : libtiff.SetField(tiff, item->tag, (int)(length < 65535 ? length : 65535), text);
    free(text);
    return ok != 0;
  }
  if (item->tag == TIFFTAG_RICHTIFFIPTC && type == TIFF_LONG && type_size(item->type) == 1) {
    // Bytes that libtiff takes for numbers: so that it does not swap them, they are swapped before.
    size_t words = (item->byte_count + 3) / 4;
    uint8_t *bytes = calloc(words, 4);
    if (bytes == NULL) return false;
    memcpy(bytes, item->bytes, item->byte_count);
    if (libtiff.IsByteSwapped(tiff)) swap_values(bytes, 4, 4 * words);
    int ok = libtiff.SetField(tiff, item->tag, (uint32_t)words, bytes);
    free(bytes);
    return ok != 0;
  }
  // A tag that is known as another type is left out: reading it as that type would be a guess.
  size_t size = type_size(item->type);
  bool rational = item->type == TIFF_RATIONAL || item->type == TIFF_SRATIONAL;
  bool alike = (TIFFDataType)item->type == type ||
               (size == 1 && (type == TIFF_BYTE || type == TIFF_UNDEFINED) && item->type != TIFF_SBYTE);
  if (!alike || item->count > UINT32_MAX) return true;
  void *values = malloc(rational ? item->count * 8 : item->byte_count);
  if (values == NULL) return false;
  memcpy(values, item->bytes, item->byte_count);
  if (rational) {
    size_t set_size = (size_t)libtiff.FieldSetGetSize(field);
    for (uint64_t i = 0; i < item->count; i++) {
      uint32_t parts[2];
      memcpy(parts, item->bytes + 8 * i, 8);
      double value = item->type == TIFF_SRATIONAL ? (double)(int32_t)parts[0] / (double)(int32_t)parts[1]
                                                  : (double)parts[0] / (double)parts[1];
      if (set_size == 8)
        ((double *)values)[i] = value;
      else
        ((float *)values)[i] = (float)value;
    }
  }
  int ok = 1;
  if (libtiff.FieldPassCount(field)) {
    ok = write_count == TIFF_VARIABLE2 ? libtiff.SetField(tiff, item->tag, (uint32_t)item->count, values)
         : item->count <= 65535        ? libtiff.SetField(tiff, item->tag, (int)item->count, values)
                                       : 1;
  } else if (write_count == 1 && item->count == 1) {
    uint64_t number = rational || type == TIFF_FLOAT || type == TIFF_DOUBLE ? 0
                      : size == 1                                           ? *item->bytes
                                                                            : number_at(item->bytes, size);
    double real = 0;
    if (rational) real = libtiff.FieldSetGetSize(field) == 8 ? *(double *)values : *(float *)values;
    if (type == TIFF_FLOAT) real = *(float *)values;
    if (type == TIFF_DOUBLE) real = *(double *)values;
    if (rational || type == TIFF_FLOAT || type == TIFF_DOUBLE) {
      ok = libtiff.SetField(tiff, item->tag, real);
    } else {
      ok = size == 8 ? libtiff.SetField(tiff, item->tag, number) : libtiff.SetField(tiff, item->tag, (uint32_t)number);
    }
  } else if (write_count > 1 && item->count == (uint64_t)write_count) {
    // Two shorts, as page numbers are, go one by one; longer ones as an array.
    uint16_t pair[2];
    if (write_count == 2 && type == TIFF_SHORT) {
      memcpy(pair, values, 4);
      ok = libtiff.SetField(tiff, item->tag, pair[0], pair[1]);
    } else {
      ok = libtiff.SetField(tiff, item->tag, values);
    }
  }
  free(values);
  return ok != 0;
}

static void put_number(uint8_t *to, uint64_t number, size_t size, bool big_endian) {
  for (size_t i = 0; i < size; i++) to[big_endian ? size - 1 - i : i] = (uint8_t)(number >> (8 * i));
}

static int by_tag(const void *a, const void *b) {
  const codec_item *const *first = a, *const *second = b;
  return (*first)->tag < (*second)->tag ? -1 : (*first)->tag > (*second)->tag;
}

/// Appends a directory of the items of one kind to the file; 0 if there are none, or it fails.
static uint64_t append_directory(tiff_file *file, const codec_header *header, int32_t kind) {
  const codec_item **list = calloc(header->item_count + 1, sizeof *list);
  if (list == NULL) return 0;
  size_t count = 0, data = 0;
  bool wide = libtiff.IsBigTIFF(file->tiff) != 0, big_endian = libtiff.IsBigEndian(file->tiff) != 0;
  size_t offset_size = wide ? 8 : 4, count_size = wide ? 8 : 2, entry_size = wide ? 20 : 12;
  for (size_t i = 0; i < header->item_count; i++) {
    const codec_item *item = &header->items[i];
    if (item->kind != kind || type_size(item->type) * item->count != item->byte_count || item->byte_count == 0)
      continue;
    list[count++] = item;
    if (item->byte_count > offset_size) data += (item->byte_count + 1) / 2 * 2;
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

bool tiff_items_write(tiff_file *file, const codec_header *header) {
  for (size_t i = 0; i < header->item_count; i++) {
    const codec_item *item = &header->items[i];
    if (item->kind == codec_item_tiff && item->byte_count > 0 && !set_tag(file->tiff, item)) {
      // What libtiff does not take is left out, unless the file is at fault.
      if (file->system_errno != 0) return false;
      file->message[0] = 0;
    }
  }
  uint64_t exif = append_directory(file, header, codec_item_tiff_exif);
  uint64_t gps = append_directory(file, header, codec_item_tiff_gps);
  if (file->system_errno != 0) return false;
  return (exif == 0 || libtiff.SetField(file->tiff, TIFFTAG_EXIFIFD, exif)) &&
         (gps == 0 || libtiff.SetField(file->tiff, TIFFTAG_GPSIFD, gps));
}
