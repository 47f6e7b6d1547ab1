// JPEG over libjpeg (libjpeg-turbo): gray and RGB, baseline, progressive and arithmetic-coded.
#include "io.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

/// Each scan of a progressive file passes over the whole picture: a small file of many would keep us busy for hours.
#define MOST_SCANS 1000
/// libjpeg's JPEG_MAX_DIMENSION.
#define LARGEST_SIDE 65500
/// What 255 APP2 markers hold of a profile.
#define LARGEST_PROFILE ((size_t)255 * 65519)

// As with libpng: `setjmp` guards each call directly, and all that changes lives in the handle.
struct codec_jpeg_reader {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr hooks;
  struct jpeg_source_mgr bytes;
  struct jpeg_progress_mgr progress;
  jmp_buf jump;
  codec_error failure;
  bool created;
  bool header_read;
  bool started;
  uint32_t width, height;
  uint32_t row;  ///< The next to hand out.
  uint8_t *profile;
  codec_source source;
};

struct codec_jpeg_writer {
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr hooks;
  struct jpeg_destination_mgr bytes;
  jmp_buf jump;
  codec_error failure;
  bool created;
  uint32_t height;
  uint32_t row;  ///< The next to come.
  int fd;
  uint8_t buffer[CODEC_BUFFER_SIZE];
};

// MARK: Messages

static codec_status status_of(int code) {
  switch (code) {
    case JERR_OUT_OF_MEMORY: return codec_memory;
    case JERR_INPUT_EOF:
    case JERR_INPUT_EMPTY: return codec_truncated;
    case JERR_ARITH_NOTIMPL:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_IMAGE_TOO_BIG:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED: return codec_unsupported;
    default: return codec_malformed;
  }
}

/// Records the message libjpeg has set. Only the first counts.
static void record_jpeg_error(j_common_ptr jpeg, codec_error *failure) {
  char message[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, message);
  if (failure->status == codec_ok) codec_fail(failure, status_of(jpeg->err->msg_code), 0, "%s", message);
}

static void reader_failed(j_common_ptr jpeg) {
  codec_jpeg_reader *reader = jpeg->client_data;
  record_jpeg_error(jpeg, &reader->failure);
  longjmp(reader->jump, 1);
}

/// Whether the warning libjpeg has set means that the picture's data is damaged.
static bool is_damage(const codec_jpeg_reader *reader) {
  const struct jpeg_error_mgr *hooks = &reader->hooks;
  switch (hooks->msg_code) {
    case JWRN_ARITH_BAD_CODE:
    case JWRN_BOGUS_PROGRESSION:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_JPEG_EOF:
    case JWRN_MUST_RESYNC: return true;
    case JWRN_EXTRANEOUS_DATA:
      // Padding among the segments of a header and before the end marker is seen in the wild; within the picture's
      // data it is what is left of a damaged scan.
      return reader->header_read && hooks->msg_parm.i[1] != JPEG_EOI;
    default: return false;
  }
}

static void reader_warned(j_common_ptr jpeg, int level) {
  codec_jpeg_reader *reader = jpeg->client_data;
  if (level < 0 && is_damage(reader)) reader_failed(jpeg);
}

static void say_nothing(j_common_ptr jpeg) { (void)jpeg; }

static void ignore_message(j_common_ptr jpeg, int level) {
  (void)jpeg;
  (void)level;
}

static void watch_scans(j_common_ptr jpeg) {
  codec_jpeg_reader *reader = jpeg->client_data;
  if (reader->jpeg.input_scan_number <= MOST_SCANS) return;
  codec_fail(&reader->failure, codec_malformed, 0, "there are more than %d scans", MOST_SCANS);
  longjmp(reader->jump, 1);
}

// MARK: Source

static void source_nothing(j_decompress_ptr jpeg) { (void)jpeg; }

/// Never returns with nothing: the end of the file is an error here, unlike in libjpeg's own managers.
static boolean source_fill(j_decompress_ptr jpeg) {
  codec_jpeg_reader *reader = jpeg->client_data;
  codec_source *source = &reader->source;
  if (source->left == 0 && !codec_source_fill(source)) {
    if (!reader->header_read) {
      codec_source_fail_header(source, &reader->failure);
    } else if (!reader->started && source->system_errno == 0) {
      codec_fail(&reader->failure, codec_truncated, 0, "the file ends before its last scan does");
    } else {
      codec_source_fail(source, &reader->failure, reader->row, reader->height);
    }
    longjmp(reader->jump, 1);
  }
  reader->bytes.next_input_byte = source->next;
  reader->bytes.bytes_in_buffer = source->left;
  source->left = 0;
  return TRUE;
}

static void source_skip(j_decompress_ptr jpeg, long count) {
  struct jpeg_source_mgr *bytes = jpeg->src;
  while (count > 0 && (size_t)count > bytes->bytes_in_buffer) {
    count -= (long)bytes->bytes_in_buffer;
    source_fill(jpeg);
  }
  if (count <= 0) return;
  bytes->next_input_byte += count;
  bytes->bytes_in_buffer -= (size_t)count;
}

// MARK: What the header says

// The example tables of the standard (K.1 and K.2), in rows, which encoders scale by quality.
static const uint8_t standard_tables[2][DCTSIZE2] = {
    {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,  //
     14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,  //
     18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,  //
     49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99},
    {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,  //
     24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,  //
     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,  //
     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99}};

/// How far a table is from a standard one as libjpeg scales it for `quality`.
static uint64_t table_distance(const JQUANT_TBL *table, const uint8_t *standard, int quality) {
  long scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  uint64_t distance = 0;
  for (int i = 0; i < DCTSIZE2; i++) {
    long value = (standard[i] * scale + 50) / 100;
    value = value < 1 ? 1 : value > 255 ? 255 : value;
    distance += (uint64_t)labs(value - (long)table->quantval[i]);
  }
  return distance;
}

static const JQUANT_TBL *table_of(const struct jpeg_decompress_struct *jpeg, int component) {
  int number = jpeg->comp_info[component].quant_tbl_no;
  return number >= 0 && number < NUM_QUANT_TBLS ? jpeg->quant_tbl_ptrs[number] : NULL;
}

/// The quality whose tables are nearest to the file's; 0 if it has none yet.
static int32_t estimated_quality(const struct jpeg_decompress_struct *jpeg) {
  const JQUANT_TBL *luminance = table_of(jpeg, 0);
  const JQUANT_TBL *chrominance = jpeg->num_components >= 3 ? table_of(jpeg, 1) : NULL;
  if (luminance == NULL) return 0;
  // An RGB file has the luminance table for all components.
  const uint8_t *second = standard_tables[chrominance == luminance ? 0 : 1];
  int32_t best = 0;
  uint64_t least = UINT64_MAX;
  for (int quality = 100; quality >= 1; quality--) {
    uint64_t distance = table_distance(luminance, standard_tables[0], quality);
    if (chrominance != NULL) distance += table_distance(chrominance, second, quality);
    if (distance < least) {
      least = distance;
      best = quality;
    }
  }
  return best;
}

static void describe_sampling(const struct jpeg_decompress_struct *jpeg, codec_header *header) {
  if (jpeg->num_components != 3) return;
  const jpeg_component_info *c = jpeg->comp_info;
  bool alike = c[1].h_samp_factor == c[2].h_samp_factor && c[1].v_samp_factor == c[2].v_samp_factor;
  if (!alike || c[0].h_samp_factor % c[1].h_samp_factor != 0 || c[0].v_samp_factor % c[1].v_samp_factor != 0) return;
  header->jpeg_h_sampling = c[0].h_samp_factor / c[1].h_samp_factor;
  header->jpeg_v_sampling = c[0].v_samp_factor / c[1].v_samp_factor;
}

static void describe_resolution(const struct jpeg_decompress_struct *jpeg, codec_header *header) {
  if (!jpeg->saw_JFIF_marker || jpeg->X_density == 0 || jpeg->Y_density == 0) return;
  header->x_resolution = jpeg->X_density;
  header->y_resolution = jpeg->Y_density;
  header->resolution_unit = jpeg->density_unit == 1   ? codec_unit_inch
                            : jpeg->density_unit == 2 ? codec_unit_cm
                                                      : codec_unit_none;
}

static void describe(codec_jpeg_reader *reader, codec_header *header) {
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  header->width = reader->width;
  header->height = reader->height;
  header->color = jpeg->out_color_space == JCS_RGB ? codec_rgb : codec_gray;
  header->channels = header->color == codec_rgb ? 3 : 1;
  header->sample_type = codec_uint8;
  header->alpha = codec_alpha_none;
  header->in_order = !jpeg_has_multiple_scans(jpeg);
  header->jpeg_progressive = jpeg->progressive_mode != 0;
  header->jpeg_quality = estimated_quality(jpeg);
  describe_sampling(jpeg, header);
  describe_resolution(jpeg, header);
  JOCTET *profile = NULL;
  unsigned int size = 0;
  if (jpeg_read_icc_profile(jpeg, &profile, &size)) {
    reader->profile = profile;
    header->icc_profile = profile;
    header->icc_profile_count = size;
  }
}

// MARK: Reading

/// Gray stays gray, and what can become RGB does.
static bool choose_color(codec_jpeg_reader *reader) {
  switch (reader->jpeg.jpeg_color_space) {
    case JCS_GRAYSCALE: reader->jpeg.out_color_space = JCS_GRAYSCALE; return true;
    case JCS_YCbCr:
    case JCS_RGB: reader->jpeg.out_color_space = JCS_RGB; return true;
    case JCS_CMYK:
    case JCS_YCCK: codec_fail(&reader->failure, codec_unsupported, 0, "CMYK JPEG is not supported"); return false;
    default:
      codec_fail(&reader->failure, codec_unsupported, 0, "JPEG of %d components is not supported",
                 reader->jpeg.num_components);
      return false;
  }
}

static void set_reader_hooks(codec_jpeg_reader *reader) {
  reader->jpeg.err = jpeg_std_error(&reader->hooks);
  reader->jpeg.client_data = reader;
  reader->hooks.error_exit = reader_failed;
  reader->hooks.emit_message = reader_warned;
  reader->hooks.output_message = say_nothing;
  reader->bytes.init_source = source_nothing;
  reader->bytes.fill_input_buffer = source_fill;
  reader->bytes.skip_input_data = source_skip;
  reader->bytes.resync_to_restart = jpeg_resync_to_restart;
  reader->bytes.term_source = source_nothing;
  reader->progress.progress_monitor = watch_scans;
}

static void read_header(codec_jpeg_reader *reader, uint64_t max_pixels, codec_header *header) {
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  jpeg_create_decompress(jpeg);
  reader->created = true;
  jpeg->src = &reader->bytes;
  jpeg->progress = &reader->progress;
  jpeg_save_markers(jpeg, JPEG_APP0 + 2, 0xffff);
  jpeg_read_header(jpeg, TRUE);
  reader->header_read = true;
  reader->width = jpeg->image_width;
  reader->height = jpeg->image_height;
  if (codec_check_size(reader->width, reader->height, max_pixels, &reader->failure) != codec_ok) return;
  if (choose_color(reader)) describe(reader, header);
}

int32_t codec_jpeg_open(const codec_input *input, codec_jpeg_reader **reader, codec_header *header,
                        codec_error *error) {
  *reader = NULL;
  memset(header, 0, sizeof *header);
  codec_jpeg_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return codec_fail_memory(error);
  codec_source_start(&opened->source, input);
  set_reader_hooks(opened);
  if (setjmp(opened->jump) == 0) read_header(opened, input->max_pixels, header);
  if (opened->failure.status != codec_ok) {
    int32_t status = codec_report(&opened->failure, error);
    codec_jpeg_close(opened);
    return status;
  }
  *reader = opened;
  return codec_ok;
}

static void read_rows(codec_jpeg_reader *reader, uint8_t *rows, size_t stride, uint32_t count) {
  if (!reader->started) {
    jpeg_start_decompress(&reader->jpeg);
    reader->started = true;
  }
  for (uint32_t i = 0; i < count; i++) {
    JSAMPROW row = rows + i * stride;
    jpeg_read_scanlines(&reader->jpeg, &row, 1);
    reader->row++;
  }
  // To the end marker, so that a file cut within the last row's data does not pass.
  if (count > 0 && reader->row == reader->height) jpeg_finish_decompress(&reader->jpeg);
}

int32_t codec_jpeg_read_rows(codec_jpeg_reader *reader, void *rows, size_t stride, uint32_t count, codec_error *error) {
  if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
  if (codec_check_rows(reader->row, count, reader->height, error) != codec_ok) return error->status;
  if (count > 0 && setjmp(reader->jump) == 0) read_rows(reader, rows, stride, count);
  return codec_report(&reader->failure, error);
}

void codec_jpeg_close(codec_jpeg_reader *reader) {
  if (reader == NULL) return;
  if (reader->created) jpeg_destroy_decompress(&reader->jpeg);
  free(reader->profile);
  free(reader);
}

// MARK: Destination

static void writer_failed(j_common_ptr jpeg) {
  codec_jpeg_writer *writer = jpeg->client_data;
  record_jpeg_error(jpeg, &writer->failure);
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
  if (header->color != codec_rgb || h < 1 || v < 1 || h > MAX_SAMP_FACTOR || v > MAX_SAMP_FACTOR) return;
  // With one block of each of the others.
  if (h * v + 2 > C_MAX_BLOCKS_IN_MCU) return;
  jpeg->comp_info[0].h_samp_factor = h;
  jpeg->comp_info[0].v_samp_factor = v;
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
  writer->hooks.output_message = say_nothing;
  writer->bytes.init_destination = destination_start;
  writer->bytes.empty_output_buffer = destination_empty;
  writer->bytes.term_destination = destination_end;
}

static void write_header(codec_jpeg_writer *writer, const codec_header *header, const codec_options *options) {
  struct jpeg_compress_struct *jpeg = &writer->jpeg;
  jpeg_create_compress(jpeg);
  writer->created = true;
  jpeg->dest = &writer->bytes;
  jpeg->image_width = header->width;
  jpeg->image_height = header->height;
  jpeg->input_components = (int)header->channels;
  jpeg->in_color_space = header->color == codec_rgb ? JCS_RGB : JCS_GRAYSCALE;
  jpeg_set_defaults(jpeg);
  jpeg_set_quality(jpeg, quality_of(header, options), TRUE);
  set_sampling(jpeg, header);
  set_resolution(jpeg, header);
  if (header->jpeg_progressive) jpeg_simple_progression(jpeg);
  jpeg_start_compress(jpeg, TRUE);
  if (header->icc_profile != NULL && header->icc_profile_count > 0) {
    jpeg_write_icc_profile(jpeg, header->icc_profile, (unsigned int)header->icc_profile_count);
  }
}

static int32_t check_writable(const codec_header *header, codec_error *error) {
  if (codec_check_header(header, error) != codec_ok) return error->status;
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

int32_t codec_jpeg_finish(codec_jpeg_writer *writer, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->height, error) != codec_ok) return error->status;
  if (setjmp(writer->jump) == 0) jpeg_finish_compress(&writer->jpeg);
  return codec_report(&writer->failure, error);
}

void codec_jpeg_discard(codec_jpeg_writer *writer) {
  if (writer == NULL) return;
  if (writer->created) jpeg_destroy_compress(&writer->jpeg);
  free(writer);
}
