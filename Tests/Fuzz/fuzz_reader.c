// A libFuzzer target for one format's reader: any bytes are read to the end or refused, within limits, without a bad
// access. `make fuzz` builds one of them for each format, named by -DFORMAT=png and so on.
#include "CodecShims.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define JOIN_(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#define NAME(function) JOIN(codec_, FORMAT, function)

/// An unlinked file that is used again and again.
static int scratch_file(void) {
  static int fd = -1;
  if (fd < 0) {
    char path[] = "/tmp/imbrex-fuzz-XXXXXX";
    fd = mkstemp(path);
    if (fd < 0) abort();
    unlink(path);
  }
  return fd;
}

/// Reads a page in uneven portions; a reader that has failed must go on failing.
static void read_page(NAME(_reader) * reader, const codec_header *header) {
  static const size_t sample_sizes[] = {1, 2, 4, 8};
  size_t row_bytes = (size_t)header->width * header->channels * sample_sizes[header->sample_type];
  uint32_t portion = header->height < 7 ? header->height : 7;
  uint8_t *rows = malloc(row_bytes * portion);
  if (rows == NULL) return;
  codec_error error = {0};
  for (uint32_t y = 0; y < header->height; y += portion) {
    uint32_t count = header->height - y < portion ? header->height - y : portion;
    if (NAME(_read_rows)(reader, rows, row_bytes, count, &error) != codec_ok) break;
  }
  free(rows);
}

static void read_file(size_t size, int tolerant, int selects) {
  codec_input input = {.fd = scratch_file(), .max_pixels = 1 << 14, .max_memory = 32 << 20, .is_tolerant = tolerant};
  codec_header header;
  codec_error error = {0};
  NAME(_reader) *reader = NULL;
  (void)size;
  if (lseek(input.fd, 0, SEEK_SET) != 0) abort();
  if (NAME(_open)(&input, &reader, &header, &error) != codec_ok) return;
#ifdef HAS_WINDOWS
  if (selects) {
    // The middle, in ninths.
    uint32_t x = header.width / 3, y = header.height / 3;
    header.width = header.width / 3 + 1;
    header.height = header.height / 3 + 1;
    if (NAME(_select)(reader, x, y, header.width, header.height, &error) == codec_ok) read_page(reader, &header);
    NAME(_close)(reader);
    return;
  }
#endif
  (void)selects;
  read_page(reader, &header);
  (void)NAME(_damage)(reader)->status;
#ifdef HAS_PAGES
  for (int page = 0; page < 4; page++) {
    if (NAME(_next_page)(reader, &header, &error) != codec_ok) break;
    read_page(reader, &header);
  }
#endif
  NAME(_close)(reader);
}

#ifdef HAS_MASKS
/// The masks that go with the first pages.
static void read_masks(int tolerant) {
  for (uint32_t page = 0; page < 3; page++) {
    codec_input input = {
        .fd = scratch_file(), .max_pixels = 1 << 14, .max_memory = 32 << 20, .is_tolerant = tolerant, .page = page};
    codec_header header;
    codec_error error = {0};
    codec_tiff_reader *reader = NULL;
    if (codec_tiff_open_mask(&input, &reader, &header, &error) == codec_ok) read_page(reader, &header);
    codec_tiff_close(reader);
  }
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int fd = scratch_file();
  if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) abort();
  read_file(size, 0, 0);
  read_file(size, 1, 0);
#ifdef HAS_WINDOWS
  read_file(size, 0, 1);
  read_file(size, 1, 1);
#endif
#ifdef HAS_MASKS
  read_masks(0);
  read_masks(1);
#endif
  return 0;
}
