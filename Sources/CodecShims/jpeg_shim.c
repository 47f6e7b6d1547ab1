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
/// Encoders make about ten; all bits of all coefficients one by one would be some hundreds.
#define MOST_SCANS 250
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
  codec_input input;
  codec_error failure, damage;
  bool created;
  bool header_read;
  bool started;
  bool stopped;   ///< By damage that is tolerated.
  bool inverted;  ///< Adobe's CMYK: 255 is no ink.
  uint32_t width, height;
  size_t row_bytes;
  uint32_t row;  ///< The next to hand out.
  uint8_t *profile;
  codec_note *notes;
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
  uint32_t row;       ///< The next to come.
  uint8_t *inverted;  ///< A row of CMYK as Adobe has it.
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
  if (level >= 0 || !is_damage(reader)) return;
  if (!reader->input.is_tolerant) reader_failed(jpeg);
  record_jpeg_error(jpeg, &reader->damage);
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
    if (reader->input.is_tolerant && reader->header_read && source->system_errno == 0) {
      // An end marker, so that libjpeg makes the best of what there was.
      static const JOCTET end[2] = {0xff, JPEG_EOI};
      if (reader->damage.status == codec_ok) codec_source_fail(source, &reader->damage, reader->row, reader->height);
      reader->bytes.next_input_byte = end;
      reader->bytes.bytes_in_buffer = sizeof end;
      return TRUE;
    }
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

/// The quality whose tables are nearest to the file's; 0 if it has none yet.
static int32_t estimated_quality(const struct jpeg_decompress_struct *jpeg) {
  const uint16_t *tables[2] = {NULL, NULL};
  for (int component = 0; component < 2 && component < jpeg->num_components; component++) {
    int number = jpeg->comp_info[component].quant_tbl_no;
    const JQUANT_TBL *table = number >= 0 && number < NUM_QUANT_TBLS ? jpeg->quant_tbl_ptrs[number] : NULL;
    if (table != NULL) tables[component] = table->quantval;
  }
  return tables[0] != NULL ? codec_jpeg_quality(tables[0], jpeg->num_components >= 3 ? tables[1] : NULL) : 0;
}

static void describe_sampling(const struct jpeg_decompress_struct *jpeg, codec_header *header) {
  if (jpeg->num_components < 3 || jpeg->num_components > 4) return;
  const jpeg_component_info *c = jpeg->comp_info;
  // Black is as fine as the first component.
  bool even = jpeg->num_components == 3 ||
              (c[3].h_samp_factor == c[0].h_samp_factor && c[3].v_samp_factor == c[0].v_samp_factor);
  bool alike = c[1].h_samp_factor == c[2].h_samp_factor && c[1].v_samp_factor == c[2].v_samp_factor;
  if (!even || !alike || c[0].h_samp_factor % c[1].h_samp_factor != 0 || c[0].v_samp_factor % c[1].v_samp_factor != 0)
    return;
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

// Signatures at the beginning of marker segments, each with the zeros that end it.
static const char exif_signature[] = "Exif\0";
static const char xmp_signature[] = "http://ns.adobe.com/xap/1.0/";
static const char profile_signature[] = "ICC_PROFILE";
static const char multipicture_signature[] = "MPF";

static bool begins_with(jpeg_saved_marker_ptr marker, const char *signature, size_t count) {
  return marker->data_length >= count && memcmp(marker->data, signature, count) == 0;
}

/// What the markers before the picture say, but for what is written anew (JFIF, Adobe, profile) and what would point to
/// other places of the file.
static void collect_notes(codec_jpeg_reader *reader, codec_header *header) {
  size_t count = 0;
  for (jpeg_saved_marker_ptr at = reader->jpeg.marker_list; at != NULL; at = at->next) count++;
  if (count == 0) return;
  reader->notes = calloc(count, sizeof *reader->notes);
  if (reader->notes == NULL) return;
  codec_note *next = reader->notes;
  for (jpeg_saved_marker_ptr at = reader->jpeg.marker_list; at != NULL; at = at->next) {
    size_t skipped = 0;
    codec_note note = {.kind = codec_note_jpeg, .tag = at->marker};
    if (at->marker == JPEG_COM) note.kind = codec_note_comment;
    if (at->marker == JPEG_APP0 + 1 && begins_with(at, exif_signature, sizeof exif_signature)) {
      note.kind = codec_note_exif;
      skipped = sizeof exif_signature;
    }
    if (at->marker == JPEG_APP0 + 1 && begins_with(at, xmp_signature, sizeof xmp_signature)) {
      note.kind = codec_note_xmp;
      skipped = sizeof xmp_signature;
    }
    bool unwanted = at->marker == JPEG_APP0 || at->marker == JPEG_APP0 + 14 ||
                    (at->marker == JPEG_APP0 + 2 && (begins_with(at, profile_signature, sizeof profile_signature) ||
                                                     begins_with(at, multipicture_signature, 4)));
    if (unwanted || at->data_length <= skipped) continue;
    note.bytes = at->data + skipped;
    note.count = note.byte_count = at->data_length - skipped;
    *next++ = note;
  }
  header->notes = reader->notes;
  header->note_count = (size_t)(next - reader->notes);
}

static const char *color_name(J_COLOR_SPACE space) {
  switch (space) {
    case JCS_GRAYSCALE: return "gray";
    case JCS_RGB: return "RGB";
    case JCS_YCbCr: return "YCbCr";
    case JCS_CMYK: return "CMYK";
    case JCS_YCCK: return "YCCK";
    default: return "unknown";
  }
}

static void describe(codec_jpeg_reader *reader, codec_header *header) {
  struct jpeg_decompress_struct *jpeg = &reader->jpeg;
  header->width = reader->width;
  header->height = reader->height;
  header->color = jpeg->out_color_space == JCS_RGB    ? codec_rgb
                  : jpeg->out_color_space == JCS_CMYK ? codec_cmyk
                                                      : codec_gray;
  header->channels = header->color == codec_rgb ? 3 : header->color == codec_cmyk ? 4 : 1;
  header->sample_type = codec_uint8;
  header->alpha = codec_alpha_none;
  header->file_bits = jpeg->data_precision;
  header->file_color = color_name(jpeg->jpeg_color_space);
  header->in_order = !jpeg_has_multiple_scans(jpeg);
  header->jpeg_progressive = jpeg->progressive_mode != 0;
  header->jpeg_arithmetic = jpeg->arith_code != 0;
  header->jpeg_restart = (int32_t)jpeg->restart_interval;
  header->jpeg_untransformed = jpeg->jpeg_color_space == JCS_RGB || jpeg->jpeg_color_space == JCS_CMYK;
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
  collect_notes(reader, header);
}

/// A block of 64 samples takes two bits at least, or one in each scan of a progressive file; of several components one
/// has at least half the blocks that there are pixels for on each axis. Arithmetic coding has no such bound.
static int32_t check_file_size(codec_jpeg_reader *reader, const codec_header *header) {
  if (reader->jpeg.arith_code) return codec_ok;
  double blocks = (double)reader->width * reader->height / DCTSIZE2 / 4;
  return codec_check_plausible(&reader->input, blocks / 8, header, &reader->failure);
}

/// The coefficients of a file in several scans are held whole by libjpeg.
static int32_t check_memory(codec_jpeg_reader *reader, const codec_header *header) {
  uint64_t needed = 2 * (uint64_t)reader->width * reader->height * header->channels;
  if (header->in_order || reader->input.max_memory == 0 || needed <= reader->input.max_memory) return codec_ok;
  return codec_fail(&reader->failure, codec_limit, 0,
                    "a progressive JPEG of this size takes %" PRIu64 " MiB, more than --max-memory allows",
                    (needed >> 20) + 1);
}

// MARK: Reading

/// Gray stays gray, and what can become RGB does.
static bool choose_color(codec_jpeg_reader *reader) {
  switch (reader->jpeg.jpeg_color_space) {
    case JCS_GRAYSCALE: reader->jpeg.out_color_space = JCS_GRAYSCALE; return true;
    case JCS_YCbCr:
    case JCS_RGB: reader->jpeg.out_color_space = JCS_RGB; return true;
    case JCS_CMYK:
    case JCS_YCCK:
      reader->jpeg.out_color_space = JCS_CMYK;
      reader->inverted = reader->jpeg.saw_Adobe_marker;
      return true;
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
  for (int i = 0; i < 16; i++) jpeg_save_markers(jpeg, JPEG_APP0 + i, 0xffff);
  jpeg_save_markers(jpeg, JPEG_COM, 0xffff);
  jpeg_read_header(jpeg, TRUE);
  reader->header_read = true;
  reader->width = jpeg->image_width;
  reader->height = jpeg->image_height;
  if (codec_check_size(reader->width, reader->height, max_pixels, &reader->failure) != codec_ok) return;
  if (!choose_color(reader)) return;
  describe(reader, header);
  reader->row_bytes = (size_t)reader->width * header->channels;
  if (check_file_size(reader, header) == codec_ok) check_memory(reader, header);
}

int32_t codec_jpeg_open(const codec_input *input, codec_jpeg_reader **reader, codec_header *header,
                        codec_error *error) {
  *reader = NULL;
  memset(header, 0, sizeof *header);
  codec_jpeg_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return codec_fail_memory(error);
  opened->input = *input;
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
    for (size_t x = 0; reader->inverted && x < 4 * (size_t)reader->width; x++) row[x] = (JSAMPLE)(255 - row[x]);
    reader->row++;
  }
  // To the end marker, so that a file cut within the last row's data does not pass.
  if (count > 0 && reader->row == reader->height) jpeg_finish_decompress(&reader->jpeg);
}

int32_t codec_jpeg_read_rows(codec_jpeg_reader *reader, void *rows, size_t stride, uint32_t count, codec_error *error) {
  if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
  if (codec_check_rows(reader->row, count, reader->height, error) != codec_ok) return error->status;
  uint32_t first = reader->row;
  if (count > 0 && !reader->stopped && setjmp(reader->jump) == 0) read_rows(reader, rows, stride, count);
  if (reader->input.is_tolerant && (reader->stopped || reader->failure.status != codec_ok)) {
    if (reader->damage.status == codec_ok) reader->damage = reader->failure;
    reader->failure.status = codec_ok;
    reader->stopped = true;
    for (uint32_t i = reader->row - first; i < count; i++) memset((uint8_t *)rows + i * stride, 0, reader->row_bytes);
    reader->row = first + count;
  }
  return codec_report(&reader->failure, error);
}

const codec_error *codec_jpeg_damage(const codec_jpeg_reader *reader) { return &reader->damage; }

void codec_jpeg_close(codec_jpeg_reader *reader) {
  if (reader == NULL) return;
  if (reader->created) jpeg_destroy_decompress(&reader->jpeg);
  free(reader->profile);
  free(reader->notes);
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
  writer->hooks.output_message = say_nothing;
  writer->bytes.init_destination = destination_start;
  writer->bytes.empty_output_buffer = destination_empty;
  writer->bytes.term_destination = destination_end;
}

static void write_segment(struct jpeg_compress_struct *jpeg, int marker, const char *signature, size_t signature_count,
                          const codec_note *note) {
  // Two of the 65535 bytes that a segment counts are the count. Longer notes have no place in a JPEG.
  if (signature_count + note->byte_count > 65533) return;
  jpeg_write_m_header(jpeg, marker, (unsigned)(signature_count + note->byte_count));
  for (size_t i = 0; i < signature_count; i++) jpeg_write_m_byte(jpeg, (uint8_t)signature[i]);
  for (size_t i = 0; i < note->byte_count; i++) jpeg_write_m_byte(jpeg, note->bytes[i]);
}

static void write_notes(struct jpeg_compress_struct *jpeg, const codec_header *header) {
  for (size_t i = 0; i < header->note_count; i++) {
    const codec_note *note = &header->notes[i];
    switch (note->kind) {
      case codec_note_exif: write_segment(jpeg, JPEG_APP0 + 1, exif_signature, sizeof exif_signature, note); break;
      case codec_note_xmp: write_segment(jpeg, JPEG_APP0 + 1, xmp_signature, sizeof xmp_signature, note); break;
      case codec_note_comment: write_segment(jpeg, JPEG_COM, "", 0, note); break;
      case codec_note_jpeg: write_segment(jpeg, (int)note->tag, "", 0, note); break;
      default: break;
    }
  }
}

static void write_header(codec_jpeg_writer *writer, const codec_header *header, const codec_options *options) {
  struct jpeg_compress_struct *jpeg = &writer->jpeg;
  jpeg_create_compress(jpeg);
  writer->created = true;
  jpeg->dest = &writer->bytes;
  jpeg->image_width = header->width;
  jpeg->image_height = header->height;
  jpeg->input_components = (int)header->channels;
  jpeg->in_color_space = header->color == codec_rgb ? JCS_RGB : header->color == codec_cmyk ? JCS_CMYK : JCS_GRAYSCALE;
  jpeg_set_defaults(jpeg);
  if (header->color == codec_rgb && header->jpeg_untransformed) jpeg_set_colorspace(jpeg, JCS_RGB);
  if (header->color == codec_cmyk) {
    jpeg_set_colorspace(jpeg, header->jpeg_untransformed ? JCS_CMYK : JCS_YCCK);
    writer->inverted = malloc(4 * (size_t)header->width);
    if (writer->inverted == NULL) {
      codec_fail_memory(&writer->failure);
      return;
    }
  }
  jpeg_set_quality(jpeg, quality_of(header, options), TRUE);
  set_sampling(jpeg, header);
  set_resolution(jpeg, header);
  if (header->jpeg_progressive) jpeg_simple_progression(jpeg);
  jpeg->arith_code = header->jpeg_arithmetic != 0;
  jpeg->restart_interval =
      header->jpeg_restart > 0 && header->jpeg_restart <= 65535 ? (unsigned)header->jpeg_restart : 0;
  jpeg_start_compress(jpeg, TRUE);
  write_notes(jpeg, header);
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

int32_t codec_jpeg_finish(codec_jpeg_writer *writer, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->height, error) != codec_ok) return error->status;
  if (setjmp(writer->jump) == 0) jpeg_finish_compress(&writer->jpeg);
  return codec_report(&writer->failure, error);
}

void codec_jpeg_discard(codec_jpeg_writer *writer) {
  if (writer == NULL) return;
  if (writer->created) jpeg_destroy_compress(&writer->jpeg);
  free(writer->inverted);
  free(writer);
}
