// JPEG's reader, over libjpeg (libjpeg-turbo): gray, RGB and CMYK, baseline, progressive and arithmetic-coded.
#include "jpeg_common.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>

/// Each scan of a progressive file passes over the whole picture: a small file of many would keep us busy for hours.
/// Encoders make about ten; all bits of all coefficients one by one would be some hundreds.
#define MOST_SCANS 250

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
  codec_item *items;
  codec_source source;
};

// MARK: Messages

static void reader_failed(j_common_ptr jpeg) {
  codec_jpeg_reader *reader = jpeg->client_data;
  jpeg_record_error(jpeg, &reader->failure);
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
  jpeg_record_error(jpeg, &reader->damage);
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

// Of segments that are not copied.
static const char profile_signature[] = "ICC_PROFILE";
static const char multipicture_signature[] = "MPF";

static bool begins_with(jpeg_saved_marker_ptr marker, const char *signature, size_t count) {
  return marker->data_length >= count && memcmp(marker->data, signature, count) == 0;
}

/// What the markers before the picture say, but for what is written anew (JFIF, Adobe, profile) and what would point to
/// other places of the file.
static void collect_items(codec_jpeg_reader *reader, codec_header *header) {
  size_t count = 0;
  for (jpeg_saved_marker_ptr at = reader->jpeg.marker_list; at != NULL; at = at->next) count++;
  if (count == 0) return;
  reader->items = calloc(count, sizeof *reader->items);
  if (reader->items == NULL) return;
  codec_item *next = reader->items;
  for (jpeg_saved_marker_ptr at = reader->jpeg.marker_list; at != NULL; at = at->next) {
    size_t skipped = 0;
    codec_item item = {.kind = codec_item_jpeg, .tag = at->marker};
    if (at->marker == JPEG_COM) item.kind = codec_item_comment;
    if (at->marker == JPEG_APP0 + 1 && begins_with(at, jpeg_exif_signature, sizeof jpeg_exif_signature)) {
      item.kind = codec_item_exif;
      skipped = sizeof jpeg_exif_signature;
    }
    if (at->marker == JPEG_APP0 + 1 && begins_with(at, jpeg_xmp_signature, sizeof jpeg_xmp_signature)) {
      item.kind = codec_item_xmp;
      skipped = sizeof jpeg_xmp_signature;
    }
    bool unwanted = at->marker == JPEG_APP0 || at->marker == JPEG_APP0 + 14 ||
                    (at->marker == JPEG_APP0 + 2 && (begins_with(at, profile_signature, sizeof profile_signature) ||
                                                     begins_with(at, multipicture_signature, 4)));
    if (unwanted || at->data_length <= skipped) continue;
    item.bytes = at->data + skipped;
    item.count = item.byte_count = at->data_length - skipped;
    *next++ = item;
  }
  header->items = reader->items;
  header->item_count = (size_t)(next - reader->items);
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
  collect_items(reader, header);
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
  return codec_fail_limit(&reader->failure, codec_limit_memory, needed,
                          "a progressive JPEG of this size takes %" PRIu64 " MiB of memory", (needed >> 20) + 1);
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
  reader->hooks.output_message = jpeg_say_nothing;
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
  free(reader->items);
  free(reader);
}
