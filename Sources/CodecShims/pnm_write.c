// Netpbm's writer: P5, P6, PAM (P7) and PFM.
#include "io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct codec_pnm_writer {
  codec_error failure;
  uint32_t height;
  uint32_t row;  ///< The next to come.
  int32_t kind;
  size_t sample_size;
  size_t row_samples, row_bytes;
  uint8_t *swapped;  ///< One row in the file's byte order, if that is not the machine's.
  codec_held held;   ///< PFM into a pipe: all rows.
  /// PFM into a file: where its last row, which comes first, begins.
  uint64_t bottom;
  bool seeks;
  uint64_t max_memory;
  codec_sink sink;
};

static const char *tuple_type(const codec_header *header) {
  static const char *const types[] = {"GRAYSCALE", "GRAYSCALE_ALPHA", "RGB", "RGB_ALPHA"};
  return types[header->channels - 1];
}

static int32_t check_writable(const codec_header *header, codec_error *error) {
  if (codec_check_header(header, error) != codec_ok) return error->status;
  if (codec_check_simple(header, "Netpbm", true, error) != codec_ok) return error->status;
  bool floats = header->sample_type == codec_float32;
  if (header->pnm_kind == codec_pnm_pfm) {
    if (!floats) return codec_fail(error, codec_unsupported, 0, "PFM holds floating-point samples only");
    if (header->alpha != codec_alpha_none) return codec_fail(error, codec_unsupported, 0, "PFM cannot hold alpha");
    return codec_ok;
  }
  if (floats) {
    return codec_fail(error, codec_unsupported, 0, "of the Netpbm formats only PFM holds floating-point samples");
  }
  if (header->pnm_kind == codec_pnm_pgm_ppm && header->alpha != codec_alpha_none) {
    return codec_fail(error, codec_unsupported, 0, "PGM and PPM cannot hold alpha");
  }
  if (header->alpha == codec_alpha_premultiplied) {
    return codec_fail(error, codec_unsupported, 0, "PAM cannot hold premultiplied alpha");
  }
  return codec_ok;
}

/// Comments stand behind the magic number, a line each; PFM has none.
static int write_comments(codec_pnm_writer *writer, const codec_header *header) {
  for (size_t i = 0; i < header->item_count; i++) {
    const codec_item *item = &header->items[i];
    if (item->kind != codec_item_comment || header->pnm_kind == codec_pnm_pfm) continue;
    int failed = codec_sink_write(&writer->sink, "# ", 2);
    if (failed == 0) failed = codec_sink_write(&writer->sink, item->bytes, item->byte_count);
    if (failed == 0) failed = codec_sink_write(&writer->sink, "\n", 1);
    if (failed != 0) return failed;
  }
  return 0;
}

static int write_header(codec_pnm_writer *writer, const codec_header *header) {
  char text[256], magic[4];
  int maxval = header->sample_type == codec_uint16 ? 65535 : 255;
  bool color = header->color == codec_rgb;
  int length;
  switch (header->pnm_kind) {
    case codec_pnm_pam:
      memcpy(magic, "P7\n", sizeof magic);
      length = snprintf(text, sizeof text,
                        "WIDTH %" PRIu32 "\nHEIGHT %" PRIu32 "\nDEPTH %" PRIu32 "\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n",
                        header->width, header->height, header->channels, maxval, tuple_type(header));
      break;
    case codec_pnm_pfm:
      memcpy(magic, color ? "PF\n" : "Pf\n", sizeof magic);
      length = snprintf(text, sizeof text, "%" PRIu32 " %" PRIu32 "\n-1.0\n", header->width, header->height);
      break;
    default:
      memcpy(magic, color ? "P6\n" : "P5\n", sizeof magic);
      length = snprintf(text, sizeof text, "%" PRIu32 " %" PRIu32 "\n%d\n", header->width, header->height, maxval);
  }
  int failed = codec_sink_write(&writer->sink, magic, 3);
  if (failed == 0) failed = write_comments(writer, header);
  return failed != 0 ? failed : codec_sink_write(&writer->sink, text, (size_t)length);
}

/// 16-bit samples are big-endian in the file, floats as we write them little-endian.
static bool needs_swap(const codec_pnm_writer *writer) {
  return writer->sample_size == (CODEC_BIG_ENDIAN_HOST ? 4 : 2);
}

static void free_buffers(codec_pnm_writer *writer) {
  free(writer->swapped);
  codec_held_free(&writer->held);
  writer->swapped = NULL;
}

/// Whether rows can be written where they belong: into a file that others do not append to.
static bool find_bottom(codec_pnm_writer *writer) {
  struct stat status;
  int fd = writer->sink.fd;
  if (codec_sink_flush(&writer->sink) != 0) return false;
  if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || (fcntl(fd, F_GETFL) & O_APPEND) != 0) return false;
  off_t place = lseek(fd, 0, SEEK_CUR);
  writer->bottom = (uint64_t)place;
  return place >= 0;
}

static int32_t begin_picture(codec_pnm_writer *writer, const codec_header *header) {
  if (check_writable(header, &writer->failure) != codec_ok) return writer->failure.status;
  free_buffers(writer);
  writer->row = 0;
  writer->height = header->height;
  writer->kind = header->pnm_kind;
  writer->sample_size = codec_sample_size(header->sample_type);
  writer->row_samples = (size_t)header->width * header->channels;
  writer->row_bytes = codec_row_bytes(header);
  bool pfm = header->pnm_kind == codec_pnm_pfm;
  if (needs_swap(writer)) writer->swapped = malloc(writer->row_bytes);
  if (needs_swap(writer) && writer->swapped == NULL) return codec_fail_memory(&writer->failure);
  if (write_header(writer, header) != 0) return codec_fail_write(&writer->failure, writer->sink.system_errno);
  if (!pfm) return codec_ok;
  writer->seeks = find_bottom(writer);
  if (writer->sink.system_errno != 0) return codec_fail_write(&writer->failure, writer->sink.system_errno);
  if (!writer->seeks) {
    codec_hold(&writer->held, writer->row_bytes, writer->height, writer->max_memory, &writer->failure);
  }
  return writer->failure.status;
}

int32_t codec_pnm_create(int fd, const codec_header *header, const codec_options *options, codec_pnm_writer **writer,
                         codec_error *error) {
  *writer = NULL;
  codec_pnm_writer *created = calloc(1, sizeof *created);
  if (created == NULL) return codec_fail_memory(error);
  created->max_memory = options->max_memory;
  codec_sink_start(&created->sink, fd);
  if (begin_picture(created, header) != codec_ok) {
    int32_t status = codec_report(&created->failure, error);
    codec_pnm_discard(created);
    return status;
  }
  *writer = created;
  return codec_ok;
}

int32_t codec_pnm_start_page(codec_pnm_writer *writer, const codec_header *header, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->height, error) != codec_ok) return error->status;
  begin_picture(writer, header);
  return codec_report(&writer->failure, error);
}

/// To its place, counted from the bottom.
static int place_row(codec_pnm_writer *writer, const uint8_t *row) {
  uint64_t place = writer->bottom + (uint64_t)(writer->height - 1 - writer->row) * writer->row_bytes;
  if (needs_swap(writer)) {
    memcpy(writer->swapped, row, writer->row_bytes);
    codec_swap32(writer->swapped, writer->row_samples);
    row = writer->swapped;
  }
  return codec_pwrite_all(writer->sink.fd, row, writer->row_bytes, place);
}

static int write_row(codec_pnm_writer *writer, const uint8_t *row) {
  if (!needs_swap(writer)) return codec_sink_write(&writer->sink, row, writer->row_bytes);
  memcpy(writer->swapped, row, writer->row_bytes);
  if (writer->sample_size == 2) codec_swap16(writer->swapped, writer->row_samples);
  if (writer->sample_size == 4) codec_swap32(writer->swapped, writer->row_samples);
  return codec_sink_write(&writer->sink, writer->swapped, writer->row_bytes);
}

/// A picture is on its way when its last row is: the next may be long in coming.
static int finish_picture(codec_pnm_writer *writer) {
  if (writer->seeks) {
    off_t end = (off_t)(writer->bottom + (uint64_t)writer->height * writer->row_bytes);
    writer->seeks = false;
    return lseek(writer->sink.fd, end, SEEK_SET) == end ? 0 : errno;
  }
  for (uint32_t y = writer->held.bytes != NULL ? writer->height : 0; y > 0; y--) {
    int failed = write_row(writer, writer->held.bytes + (size_t)(y - 1) * writer->row_bytes);
    if (failed != 0) return failed;
    codec_held_touch(&writer->held, writer->row_bytes);
  }
  return codec_sink_flush(&writer->sink);
}

static int take_row(codec_pnm_writer *writer, const uint8_t *row) {
  if (writer->seeks) return place_row(writer, row);
  if (writer->held.bytes == NULL) return write_row(writer, row);
  memcpy(writer->held.bytes + (size_t)writer->row * writer->row_bytes, row, writer->row_bytes);
  codec_held_touch(&writer->held, writer->row_bytes);
  return 0;
}

int32_t codec_pnm_write_rows(codec_pnm_writer *writer, const void *rows, size_t stride, uint32_t count,
                             codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, count, writer->height, error) != codec_ok) return error->status;
  int failed = 0;
  for (uint32_t i = 0; i < count && failed == 0; i++) {
    failed = take_row(writer, (const uint8_t *)rows + i * stride);
    writer->row++;
  }
  if (failed == 0 && count > 0 && writer->row == writer->height) failed = finish_picture(writer);
  if (failed != 0) codec_fail_write(&writer->failure, failed);
  return codec_report(&writer->failure, error);
}

int32_t codec_pnm_finish(codec_pnm_writer *writer, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  return codec_check_complete(writer->row, writer->height, error);
}

void codec_pnm_discard(codec_pnm_writer *writer) {
  if (writer == NULL) return;
  free_buffers(writer);
  free(writer);
}
