// Pictures as NumPy's arrays: (rows, columns), with channels behind and pages before them where there are several.
#include "npy.h"
#include "tiff.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/// Every header takes as much: four axes of 31 bits fit, and a number of pages that shows at the end is put in its
/// place.
enum { header_bytes = 128 };

struct codec_npy_writer {
  codec_error failure;
  codec_header header;
  tiff_samples samples;
  size_t row_bytes, number_bytes;
  bool same, swapped;
  uint32_t row;                ///< The next to come.
  uint32_t pages, told_pages;  ///< Begun in this array, and what its header says.
  bool is_file;                ///< Headers can be written again.
  int64_t start;               ///< Where in the file.
  uint8_t *_Nullable numbers;  ///< A row as the file has it, if that is otherwise than in memory.
  codec_sink sink;
};

// MARK: Header

/// Whether an array of three axes would be read as another picture, so that all four are written.
static bool needs_all_axes(const codec_header *header, bool has_pages) {
  return has_pages ? header->channels > 1 || header->width <= 16 : header->channels > 16;
}

static void write_header(const codec_npy_writer *writer, uint32_t pages, uint8_t bytes[header_bytes]) {
  const codec_header *header = &writer->header;
  bool has_pages = pages > 1 || (header->npy_layout & codec_npy_paged) != 0;
  bool has_channels = header->channels > 1 || (header->npy_layout & codec_npy_channeled) != 0;
  if (needs_all_axes(header, has_pages)) has_pages = has_channels = true;
  char shape[64], *to = shape;
  if (has_pages) to += snprintf(to, 16, "%" PRIu32 ", ", pages);
  to += snprintf(to, 32, "%" PRIu32 ", %" PRIu32, header->height, header->width);
  if (has_channels) snprintf(to, 16, ", %" PRIu32, header->channels);
  char order = writer->number_bytes == 1 ? '|' : header->npy_layout & codec_npy_big_endian ? '>' : '<';
  char kind = "uif"[writer->samples.kind];
  memset(bytes, ' ', header_bytes);
  memcpy(bytes, NPY_MAGIC "\x01", 8);
  bytes[8] = header_bytes - 10;
  bytes[9] = 0;
  int length =
      snprintf((char *)bytes + 10, header_bytes - 10, "{'descr': '%c%c%zu', 'fortran_order': False, 'shape': (%s), }",
               order, kind, writer->number_bytes, shape);
  bytes[10 + length] = ' ';
  bytes[header_bytes - 1] = '\n';
}

/// Begins an array at the sink's place.
static int32_t begin_array(codec_npy_writer *writer) {
  uint8_t bytes[header_bytes];
  writer->pages = 1;
  writer->told_pages = writer->header.page_count > 1 ? writer->header.page_count : 1;
  write_header(writer, writer->told_pages, bytes);
  if (codec_sink_write(&writer->sink, bytes, sizeof bytes) == 0) return codec_ok;
  return codec_fail_write(&writer->failure, writer->sink.system_errno);
}

/// What NumPy has no word for is not looked at.
static codec_header simplified(const codec_header *header) {
  codec_header copy = *header;
  copy.tiff_alpha_place = copy.tiff_inverted = 0;
  copy.icc_profile = NULL;
  copy.items = NULL;
  copy.item_count = 0;
  return copy;
}

static int32_t start_writer(codec_npy_writer *writer, const codec_header *header) {
  if (codec_check_header(header, &writer->failure) != codec_ok) return writer->failure.status;
  writer->header = simplified(header);
  if (tiff_samples_set(&writer->samples, &writer->header, &writer->failure) != codec_ok) return writer->failure.status;
  writer->number_bytes = writer->samples.file_size;
  writer->row_bytes = (size_t)header->width * header->channels * writer->number_bytes;
  writer->same = tiff_samples_same(&writer->samples);
  bool is_big_endian = (header->npy_layout & codec_npy_big_endian) != 0;
  writer->swapped = writer->number_bytes > 1 && is_big_endian != CODEC_BIG_ENDIAN_HOST;
  if (!writer->same || writer->swapped) {
    writer->numbers = malloc(writer->row_bytes);
    if (writer->numbers == NULL) return codec_fail_memory(&writer->failure);
  }
  struct stat status;
  int flags = fcntl(writer->sink.fd, F_GETFL);
  writer->start = lseek(writer->sink.fd, 0, SEEK_CUR);
  // What is appended to cannot be written again.
  writer->is_file = writer->start >= 0 && fstat(writer->sink.fd, &status) == 0 && S_ISREG(status.st_mode) &&
                    flags >= 0 && (flags & O_APPEND) == 0;
  return begin_array(writer);
}

int32_t codec_npy_create(int fd, const codec_header *header, const codec_options *options, codec_npy_writer **writer,
                         codec_error *error) {
  (void)options;
  *writer = NULL;
  codec_npy_writer *created = calloc(1, sizeof *created);
  if (created == NULL) return codec_fail_memory(error);
  codec_sink_start(&created->sink, fd);
  if (start_writer(created, header) != codec_ok) {
    int32_t status = codec_report(&created->failure, error);
    codec_npy_discard(created);
    return status;
  }
  *writer = created;
  return codec_ok;
}

static bool is_alike(const codec_header *a, const codec_header *b) {
  return a->width == b->width && a->height == b->height && a->channels == b->channels &&
         a->sample_type == b->sample_type && a->stored_bits == b->stored_bits && a->stored_kind == b->stored_kind;
}

int32_t codec_npy_start_page(codec_npy_writer *writer, const codec_header *header, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->header.height, error) != codec_ok) return error->status;
  if (!is_alike(&writer->header, header)) {
    return codec_fail(error, codec_unsupported, 0,
                      "an array holds pages of one size and type: this one has %" PRIu32 " x %" PRIu32
                      " pixels in %" PRIu32 " channels, or other samples: use TIFF",
                      header->width, header->height, header->channels);
  }
  writer->row = 0;
  if (writer->pages < writer->told_pages || writer->is_file) {
    writer->pages++;
  } else {
    // Of a stream nobody knew how many there are: in a pipe each is an array of its own.
    begin_array(writer);
  }
  return codec_report(&writer->failure, error);
}

// MARK: Rows

static int write_row(codec_npy_writer *writer, const uint8_t *row) {
  if (writer->numbers == NULL) return codec_sink_write(&writer->sink, row, writer->row_bytes);
  if (writer->same) {
    memcpy(writer->numbers, row, writer->row_bytes);
  } else {
    tiff_row_to_file(&writer->samples, row, writer->numbers);
  }
  if (writer->swapped) npy_swap(writer->numbers, writer->number_bytes, writer->row_bytes / writer->number_bytes);
  return codec_sink_write(&writer->sink, writer->numbers, writer->row_bytes);
}

int32_t codec_npy_write_rows(codec_npy_writer *writer, const void *rows, size_t stride, uint32_t count,
                             codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, count, writer->header.height, error) != codec_ok) return error->status;
  int failed = 0;
  for (uint32_t i = 0; i < count && failed == 0; i++) {
    failed = write_row(writer, (const uint8_t *)rows + i * stride);
    writer->row++;
  }
  // The next page may be long in coming.
  if (failed == 0 && count > 0 && writer->row == writer->header.height) failed = codec_sink_flush(&writer->sink);
  if (failed != 0) codec_fail_write(&writer->failure, failed);
  return codec_report(&writer->failure, error);
}

int32_t codec_npy_finish(codec_npy_writer *writer, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->header.height, error) != codec_ok) return error->status;
  if (writer->pages == writer->told_pages) return codec_ok;
  if (!writer->is_file) return codec_check_complete(writer->pages, writer->told_pages, error);
  uint8_t bytes[header_bytes];
  write_header(writer, writer->pages, bytes);
  int failed = codec_pwrite_all(writer->sink.fd, bytes, sizeof bytes, (uint64_t)writer->start);
  return failed == 0 ? codec_ok : codec_fail_write(error, failed);
}

void codec_npy_discard(codec_npy_writer *writer) {
  if (writer == NULL) return;
  free(writer->numbers);
  free(writer);
}
