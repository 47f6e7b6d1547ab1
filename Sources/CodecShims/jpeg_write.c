// JPEG's writer, over libjpeg (libjpeg-turbo).
#include "jpeg_common.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/// libjpeg's JPEG_MAX_DIMENSION.
#define LARGEST_SIDE 65500
/// What 255 APP2 markers hold of a profile.
#define LARGEST_PROFILE ((size_t)255 * 65519)

struct codec_jpeg_writer {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr hooks;
  struct jpeg_destination_mgr bytes;
  jmp_buf jump;
  codec_error failure;
  bool created;
  uint32_t height;
  uint32_t row;       ///< The next to come.
  uint8_t *inverted;  ///< A row of CMYK as Adobe has it.
  bool has_blocks;    ///< Data comes in blocks.
  uint32_t interval;  ///< The number of restart intervals so far.
  int fd;
  uint8_t buffer[CODEC_BUFFER_SIZE];
};

// MARK: Destination

static void ignore_message(j_common_ptr jpeg, int level) {
  (void)jpeg;
  (void)level;
}

static void writer_failed(j_common_ptr jpeg) {
  codec_jpeg_writer *writer = jpeg->client_data;
  jpeg_record_error(jpeg, &writer->failure);
  longjmp(writer->jump, 1);
}

static void destination_start(j_compress_ptr jpeg) {
  codec_jpeg_writer *writer = jpeg->client_data;
  writer->bytes.next_output_byte = writer->buffer;
  writer->bytes.free_in_buffer = sizeof writer->buffer;
}

static void write_buffer(codec_jpeg_writer *writer, size_t count) {
  int system_errno = codec_write_all(writer->fd, writer->buffer, count);
  if (system_errno == 0) return;
  codec_fail_write(&writer->failure, system_errno);
  longjmp(writer->jump, 1);
}

/// The whole buffer is full, whatever `free_in_buffer` says: so libjpeg has it.
static boolean destination_empty(j_compress_ptr jpeg) {
  codec_jpeg_writer *writer = jpeg->client_data;
  write_buffer(writer, sizeof writer->buffer);
  destination_start(jpeg);
  return TRUE;
}

static void destination_end(j_compress_ptr jpeg) {
  codec_jpeg_writer *writer = jpeg->client_data;
  write_buffer(writer, sizeof writer->buffer - writer->bytes.free_in_buffer);
}

// MARK: Writing

static uint16_t density(double value) { return value < 1 ? 1 : value > 65535 ? 65535 : (uint16_t)(value + 0.5); }

static void set_resolution(struct jpeg_compress_struct *jpeg, const codec_header *header) {
  if (!(header->x_resolution > 0 && header->y_resolution > 0)) return;
  jpeg->X_density = density(header->x_resolution);
  jpeg->Y_density = density(header->y_resolution);
  jpeg->density_unit = header->resolution_unit == codec_unit_inch ? 1
                       : header->resolution_unit == codec_unit_cm ? 2
                                                                  : 0;
}

static void set_sampling(struct jpeg_compress_struct *jpeg, const codec_header *header) {
  int h = header->jpeg_h_sampling, v = header->jpeg_v_sampling;
  if (header->color == codec_gray || h < 1 || v < 1 || h > MAX_SAMP_FACTOR || v > MAX_SAMP_FACTOR) return;
  // With one block of each of the others.
  if (h * v * (header->color == codec_cmyk ? 2 : 1) + 2 > C_MAX_BLOCKS_IN_MCU) return;
  jpeg->comp_info[0].h_samp_factor = h;
  jpeg->comp_info[0].v_samp_factor = v;
  if (header->color != codec_cmyk) return;
  jpeg->comp_info[3].h_samp_factor = h;
  jpeg->comp_info[3].v_samp_factor = v;
}

static int quality_of(const codec_header *header, const codec_options *options) {
  int quality = options->jpeg_quality > 0 ? options->jpeg_quality : header->jpeg_quality;
  return quality > 0 ? quality : 90;
}

static void set_writer_hooks(codec_jpeg_writer *writer) {
  writer->jpeg.err = jpeg_std_error(&writer->hooks);
  writer->jpeg.client_data = writer;
  writer->hooks.error_exit = writer_failed;
  writer->hooks.emit_message = ignore_message;
  writer->hooks.output_message = jpeg_say_nothing;
  writer->bytes.init_destination = destination_start;
  writer->bytes.empty_output_buffer = destination_empty;
  writer->bytes.term_destination = destination_end;
}

static void write_segment(struct jpeg_compress_struct *jpeg, int marker, const char *signature, size_t signature_count,
                          const codec_item *item) {
  // Two of the 65535 bytes that a segment counts are the count. Longer items have no place in a JPEG.
  if (signature_count + item->byte_count > 65533) return;
  jpeg_write_m_header(jpeg, marker, (unsigned)(signature_count + item->byte_count));
  for (size_t i = 0; i < signature_count; i++) jpeg_write_m_byte(jpeg, (uint8_t)signature[i]);
  for (size_t i = 0; i < item->byte_count; i++) jpeg_write_m_byte(jpeg, item->bytes[i]);
}

static void write_items(struct jpeg_compress_struct *jpeg, const codec_header *header) {
  for (size_t i = 0; i < header->item_count; i++) {
    const codec_item *item = &header->items[i];
    switch (item->kind) {
      case codec_item_exif:
        write_segment(jpeg, JPEG_APP0 + 1, jpeg_exif_signature, sizeof jpeg_exif_signature, item);
        break;
      case codec_item_xmp:
        write_segment(jpeg, JPEG_APP0 + 1, jpeg_xmp_signature, sizeof jpeg_xmp_signature, item);
        break;
      case codec_item_comment: write_segment(jpeg, JPEG_COM, "", 0, item); break;
      case codec_item_jpeg: write_segment(jpeg, (int)item->tag, "", 0, item); break;
      default: break;
    }
  }
}

void jpeg_set_up(struct jpeg_compress_struct *jpeg, const codec_header *header, const codec_options *options) {
  jpeg->image_width = header->width;
  jpeg->image_height = header->height;
  jpeg->input_components = (int)header->channels;
  jpeg->in_color_space = header->color == codec_rgb ? JCS_RGB : header->color == codec_cmyk ? JCS_CMYK : JCS_GRAYSCALE;
  jpeg_set_defaults(jpeg);
  if (header->color == codec_rgb && header->jpeg_untransformed) jpeg_set_colorspace(jpeg, JCS_RGB);
  if (header->color == codec_cmyk) jpeg_set_colorspace(jpeg, header->jpeg_untransformed ? JCS_CMYK : JCS_YCCK);
  jpeg_set_quality(jpeg, quality_of(header, options), TRUE);
  set_sampling(jpeg, header);
  set_resolution(jpeg, header);
  if (header->jpeg_progressive) jpeg_simple_progression(jpeg);
  jpeg->arith_code = header->jpeg_arithmetic != 0;
}

static void write_header(codec_jpeg_writer *writer, const codec_header *header, const codec_options *options) {
  struct jpeg_compress_struct *jpeg = &writer->jpeg;
  jpeg_create_compress(jpeg);
  writer->created = true;
  jpeg->dest = &writer->bytes;
  jpeg_set_up(jpeg, header, options);
  if (header->color == codec_cmyk) {
    writer->inverted = malloc(4 * (size_t)header->width);
    if (writer->inverted == NULL) {
      codec_fail_memory(&writer->failure);
      return;
    }
  }
  codec_jpeg_layout layout;
  codec_jpeg_blocks(header, &layout);
  if (layout.rows_per_block > 0)
    jpeg->restart_interval = layout.interval;
  else if (header->jpeg_restart > 0 && header->jpeg_restart <= 65535)
    jpeg->restart_interval = (unsigned)header->jpeg_restart;
  jpeg_start_compress(jpeg, TRUE);
  write_items(jpeg, header);
  if (header->icc_profile != NULL && header->icc_profile_count > 0) {
    jpeg_write_icc_profile(jpeg, header->icc_profile, (unsigned int)header->icc_profile_count);
  }
}

static int32_t check_writable(const codec_header *header, codec_error *error) {
  if (codec_check_header(header, error) != codec_ok) return error->status;
  if (header->color == codec_lab || header->extra_bands > 0) {
    return codec_fail(error, codec_unsupported, 0, "JPEG holds gray, RGB and CMYK only");
  }
  if (header->sample_type != codec_uint8) {
    return codec_fail(error, codec_unsupported, 0, "JPEG holds 8-bit samples only");
  }
  if (header->alpha != codec_alpha_none) return codec_fail(error, codec_unsupported, 0, "JPEG cannot hold alpha");
  if (header->width > LARGEST_SIDE || header->height > LARGEST_SIDE) {
    return codec_fail(error, codec_unsupported, 0,
                      "%" PRIu32 " x %" PRIu32 " pixels are more than the %d x %d a JPEG can hold", header->width,
                      header->height, LARGEST_SIDE, LARGEST_SIDE);
  }
  if (header->icc_profile != NULL && header->icc_profile_count > LARGEST_PROFILE) {
    return codec_fail(error, codec_unsupported, 0, "the ICC profile is too large for a JPEG");
  }
  return codec_ok;
}

int32_t codec_jpeg_create(int fd, const codec_header *header, const codec_options *options, codec_jpeg_writer **writer,
                          codec_error *error) {
  *writer = NULL;
  if (check_writable(header, error) != codec_ok) return error->status;
  codec_jpeg_writer *created = calloc(1, sizeof *created);
  if (created == NULL) return codec_fail_memory(error);
  created->fd = fd;
  created->height = header->height;
  set_writer_hooks(created);
  if (setjmp(created->jump) == 0) write_header(created, header, options);
  if (created->failure.status != codec_ok) {
    int32_t status = codec_report(&created->failure, error);
    codec_jpeg_discard(created);
    return status;
  }
  *writer = created;
  return codec_ok;
}

static void write_rows(codec_jpeg_writer *writer, const uint8_t *rows, size_t stride, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    JSAMPROW row = (JSAMPROW)(rows + i * stride);  // libjpeg reads only, but does not say const.
    if (writer->inverted != NULL) {
      for (size_t x = 0; x < 4 * (size_t)writer->jpeg.image_width; x++) writer->inverted[x] = (uint8_t)(255 - row[x]);
      row = writer->inverted;
    }
    jpeg_write_scanlines(&writer->jpeg, &row, 1);
    writer->row++;
  }
}

int32_t codec_jpeg_write_rows(codec_jpeg_writer *writer, const void *rows, size_t stride, uint32_t count,
                              codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, count, writer->height, error) != codec_ok) return error->status;
  if (setjmp(writer->jump) == 0) write_rows(writer, rows, stride, count);
  return codec_report(&writer->failure, error);
}

/// libjpeg's end of a file whose data it has not seen.
static void finish(codec_jpeg_writer *writer) {
  static const uint8_t end[2] = {0xff, JPEG_EOI};
  if (!writer->has_blocks) {
    jpeg_finish_compress(&writer->jpeg);
    return;
  }
  int system_errno = codec_write_all(writer->fd, end, sizeof end);
  if (system_errno != 0) codec_fail_write(&writer->failure, system_errno);
}

int32_t codec_jpeg_finish(codec_jpeg_writer *writer, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->height, error) != codec_ok) return error->status;
  if (setjmp(writer->jump) == 0) finish(writer);
  return codec_report(&writer->failure, error);
}

// MARK: Blocks

/// Writes all that stands before the data: libjpeg does with the first row, of which there is no data yet.
static void start_blocks(codec_jpeg_writer *writer) {
  uint8_t *row = calloc(writer->jpeg.image_width, (size_t)writer->jpeg.input_components);
  if (row == NULL) {
    codec_fail_memory(&writer->failure);
    return;
  }
  if (setjmp(writer->jump) == 0) {
    jpeg_write_scanlines(&writer->jpeg, &row, 1);
    destination_end(&writer->jpeg);
  }
  free(row);
  writer->has_blocks = true;
}

/// Gives the markers of a block the numbers that they have in the file.
static void number_markers(uint8_t *bytes, size_t count, uint32_t first) {
  if (first % 8 == 0) return;
  for (size_t i = 0; i + 1 < count; i++) {
    uint8_t *marker = memchr(bytes + i, 0xff, count - i - 1);
    if (marker == NULL) return;
    i = (size_t)(marker - bytes);
    if (marker[1] >= JPEG_RST0 && marker[1] < JPEG_RST0 + 8)
      marker[1] = (uint8_t)(JPEG_RST0 + (marker[1] - JPEG_RST0 + first) % 8);
  }
}

int32_t codec_jpeg_append_block(codec_jpeg_writer *writer, const codec_jpeg_layout *layout,
                                const codec_jpeg_encoded *encoded, codec_error *error) {
  if (writer->failure.status == codec_ok && !writer->has_blocks) start_blocks(writer);
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, encoded->rows, writer->height, error) != codec_ok) return error->status;
  int system_errno = 0;
  if (writer->row > 0) {
    uint8_t marker[2] = {0xff, (uint8_t)(JPEG_RST0 + (writer->interval - 1) % 8)};
    system_errno = codec_write_all(writer->fd, marker, sizeof marker);
  }
  number_markers(encoded->bytes, encoded->count, writer->interval);
  if (system_errno == 0) system_errno = codec_write_all(writer->fd, encoded->bytes, encoded->count);
  if (system_errno != 0) codec_fail_write(&writer->failure, system_errno);
  writer->row += encoded->rows;
  writer->interval += (encoded->rows + layout->rows_per_interval - 1) / layout->rows_per_interval;
  return codec_report(&writer->failure, error);
}

void codec_jpeg_discard(codec_jpeg_writer *writer) {
  if (writer == NULL) return;
  if (writer->created) jpeg_destroy_compress(&writer->jpeg);
  free(writer->inverted);
  free(writer);
}
