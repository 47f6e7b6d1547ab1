// Netpbm: P1 to P6, PAM (P7) and PFM, without a library. Only a stream's first picture is read.
#include "io.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// More header than this (comments without end) is not a picture.
#define LONGEST_HEADER ((size_t)1 << 20)
#define LONGEST_LINE 256

struct codec_pnm_reader {
  codec_input input;
  codec_error failure, damage;
  char kind;  ///< '1' to '7' as in the magic number, 'f' for both kinds of PFM.
  uint32_t width, height, channels;
  uint32_t maxval;
  uint32_t row;        ///< The next to hand out.
  size_t sample_size;  ///< In our rows.
  size_t row_samples;
  size_t row_bytes;    ///< Of our rows.
  bool swapped;        ///< PFM: not in the machine's byte order.
  size_t header_left;  ///< Bytes the header may still have.
  uint8_t *packed;     ///< P4: one row of bits.
  uint8_t *picture;    ///< PFM, which goes from the bottom to the top: all rows, in the file's order.
  codec_source source;
};

struct codec_pnm_writer {
  codec_error failure;
  uint32_t height;
  uint32_t row;  ///< The next to come.
  int32_t kind;
  size_t sample_size;
  size_t row_samples, row_bytes;
  uint8_t *swapped;  ///< One row in the file's byte order, if that is not the machine's.
  uint8_t *picture;  ///< PFM: all rows.
  codec_sink sink;
};

// MARK: Tokens

static bool is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

/// The next byte of the header, or -1 after recording why there is none.
static int header_byte(codec_pnm_reader *reader) {
  if (reader->header_left == 0) {
    codec_fail(&reader->failure, codec_malformed, 0, "the header does not end");
    return -1;
  }
  reader->header_left--;
  int c = codec_source_byte(&reader->source);
  if (c < 0) codec_source_fail_header(&reader->source, &reader->failure);
  return c;
}

/// The same, a comment being read as the end of line it runs to.
static int header_character(codec_pnm_reader *reader) {
  int c = header_byte(reader);
  if (c != '#') return c;
  while (c >= 0 && c != '\n' && c != '\r') c = header_byte(reader);
  return c;
}

static bool fail_malformed(codec_pnm_reader *reader, const char *message) {
  codec_fail(&reader->failure, codec_malformed, 0, "%s", message);
  return false;
}

/// A decimal number and the one white space after it.
static bool header_number(codec_pnm_reader *reader, const char *name, uint32_t *number) {
  int c = header_character(reader);
  while (is_space(c)) c = header_character(reader);
  if (c < 0) return false;
  if (!is_digit(c)) {
    codec_fail(&reader->failure, codec_malformed, 0, "the header has no %s", name);
    return false;
  }
  uint64_t value = 0;
  for (; is_digit(c); c = header_character(reader)) {
    value = 10 * value + (uint64_t)(c - '0');
    if (value > INT32_MAX) {
      codec_fail(&reader->failure, codec_malformed, 0, "the %s is too large", name);
      return false;
    }
  }
  if (c >= 0 && !is_space(c)) {
    codec_fail(&reader->failure, codec_malformed, 0, "the %s is not a number", name);
    return false;
  }
  *number = (uint32_t)value;
  return c >= 0;
}

/// PFM's scale, whose sign alone is of concern: negative says little-endian.
static bool header_scale(codec_pnm_reader *reader) {
  char text[64];
  size_t length = 0;
  int c = header_byte(reader);
  while (is_space(c)) c = header_byte(reader);
  for (; c >= 0 && !is_space(c); c = header_byte(reader)) {
    if (length == sizeof text - 1 || strchr("+-.0123456789eE", c) == NULL || c == 0) {
      return fail_malformed(reader, "the scale is not a number");
    }
    text[length++] = (char)c;
  }
  if (c < 0) return false;
  text[length] = 0;
  char *end = text;
  double scale = strtod(text, &end);
  // A locale with a decimal comma may stop strtod at the point: the sign has been seen by then.
  if (end == text || (*end != 0 && *end != '.')) return fail_malformed(reader, "the scale is not a number");
  if (strpbrk(text, "123456789") == NULL || scale - scale != 0) return fail_malformed(reader, "the scale is zero");
  bool big_endian = text[0] != '-';
  reader->swapped = big_endian != (CODEC_BIG_ENDIAN_HOST != 0);
  return true;
}

// MARK: PAM header

static bool pam_line(codec_pnm_reader *reader, char line[LONGEST_LINE]) {
  size_t length = 0;
  bool comment = false;
  int c;
  while ((c = header_byte(reader)) != '\n') {
    if (c < 0) return false;
    if (length == 0 && c == '#') comment = true;
    if (comment) continue;
    if (length == LONGEST_LINE - 1 || c == 0) return fail_malformed(reader, "a line of the header is too long");
    line[length++] = (char)c;
  }
  while (length > 0 && is_space(line[length - 1])) length--;
  line[length] = 0;
  return true;
}

static bool pam_number(codec_pnm_reader *reader, const char *name, const char *text, uint32_t *number) {
  uint64_t value = 0;
  const char *c = text;
  for (; is_digit(*c) && value <= INT32_MAX; c++) value = 10 * value + (uint64_t)(*c - '0');
  if (c == text || *c != 0 || value > INT32_MAX) {
    codec_fail(&reader->failure, codec_malformed, 0, "the header's %s is not a number in range", name);
    return false;
  }
  *number = (uint32_t)value;
  return true;
}

/// The channels a tuple type says; 0 if it is none of ours.
static uint32_t channels_of_type(const char *type) {
  static const struct {
    const char *type;
    uint32_t channels;
  } known[] = {{"BLACKANDWHITE", 1},       {"GRAYSCALE", 1},       {"RGB", 3},
               {"BLACKANDWHITE_ALPHA", 2}, {"GRAYSCALE_ALPHA", 2}, {"RGB_ALPHA", 4}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strcmp(type, known[i].type) == 0) return known[i].channels;
  }
  return 0;
}

static bool check_tuple_type(codec_pnm_reader *reader, const char *type) {
  if (reader->channels < 1 || reader->channels > 4) {
    codec_fail(&reader->failure, codec_unsupported, 0, "PAM of depth %" PRIu32 " is not supported", reader->channels);
    return false;
  }
  if (type[0] == 0) return true;
  uint32_t channels = channels_of_type(type);
  if (channels == 0) {
    codec_fail(&reader->failure, codec_unsupported, 0, "PAM of tuple type \"%s\" is not supported", type);
    return false;
  }
  if (channels == reader->channels) return true;
  codec_fail(&reader->failure, codec_malformed, 0, "depth %" PRIu32 " does not fit tuple type %s", reader->channels,
             type);
  return false;
}

static bool read_pam_header(codec_pnm_reader *reader) {
  static const char *const names[] = {"WIDTH", "HEIGHT", "DEPTH", "MAXVAL"};
  uint32_t *const numbers[] = {&reader->width, &reader->height, &reader->channels, &reader->maxval};
  bool seen[4] = {false, false, false, false};
  char line[LONGEST_LINE], type[LONGEST_LINE] = "";
  while (true) {
    if (!pam_line(reader, line)) return false;
    const char *key = line;
    while (is_space(*key)) key++;
    if (*key == 0) continue;
    if (strcmp(key, "ENDHDR") == 0) break;
    size_t length = strcspn(key, " \t");
    const char *value = key + length + strspn(key + length, " \t");
    size_t i = 0;
    while (i < 4 && !(strlen(names[i]) == length && strncmp(key, names[i], length) == 0)) i++;
    if (i < 4) {
      if (!pam_number(reader, names[i], value, numbers[i])) return false;
      seen[i] = true;
    } else if (length == 8 && strncmp(key, "TUPLTYPE", 8) == 0) {
      snprintf(type, sizeof type, "%s", value);
    } else {
      return fail_malformed(reader, "the header has a line that is not PAM's");
    }
  }
  for (size_t i = 0; i < 4; i++) {
    if (!seen[i]) {
      codec_fail(&reader->failure, codec_malformed, 0, "the header has no %s", names[i]);
      return false;
    }
  }
  return check_tuple_type(reader, type);
}

// MARK: Opening

static bool read_magic(codec_pnm_reader *reader) {
  if (header_byte(reader) != 'P') {
    return reader->failure.status != codec_ok ? false : fail_malformed(reader, "this is not a Netpbm file");
  }
  int kind = header_byte(reader);
  if (kind < 0) return false;
  if ((kind < '1' || kind > '7') && kind != 'f' && kind != 'F') {
    return fail_malformed(reader, "this is not a Netpbm file");
  }
  int next = header_character(reader);
  if (next < 0) return false;
  if (!is_space(next)) return fail_malformed(reader, "this is not a Netpbm file");
  bool color = kind == '3' || kind == '6' || kind == 'F';
  reader->kind = (char)(kind == 'F' ? 'f' : kind);
  reader->channels = color ? 3 : 1;
  reader->maxval = 1;
  return true;
}

static bool read_dimensions(codec_pnm_reader *reader) {
  if (reader->kind == '7') return read_pam_header(reader);
  if (!header_number(reader, "width", &reader->width)) return false;
  if (!header_number(reader, "height", &reader->height)) return false;
  if (reader->kind == 'f') return header_scale(reader);
  if (reader->kind == '1' || reader->kind == '4') return true;
  return header_number(reader, "maxval", &reader->maxval);
}

static bool read_header(codec_pnm_reader *reader, uint64_t max_pixels) {
  if (!read_magic(reader) || !read_dimensions(reader)) return false;
  if (reader->maxval < 1 || reader->maxval > 65535) {
    codec_fail(&reader->failure, codec_malformed, 0, "a maxval of %" PRIu32 " is not within 1 to 65535",
               reader->maxval);
    return false;
  }
  if (codec_check_size(reader->width, reader->height, max_pixels, &reader->failure) != codec_ok) return false;
  reader->sample_size = reader->kind == 'f' ? 4 : reader->maxval > 255 ? 2 : 1;
  reader->row_samples = (size_t)reader->width * reader->channels;
  reader->row_bytes = reader->row_samples * reader->sample_size;
  if (reader->kind != '4') return true;
  reader->packed = malloc((reader->width + (size_t)7) / 8);
  if (reader->packed == NULL) codec_fail_memory(&reader->failure);
  return reader->packed != NULL;
}

static void describe(const codec_pnm_reader *reader, codec_header *header) {
  header->width = reader->width;
  header->height = reader->height;
  header->channels = reader->channels;
  header->sample_type = reader->kind == 'f' ? codec_float32 : reader->sample_size == 2 ? codec_uint16 : codec_uint8;
  header->color = reader->channels >= 3 ? codec_rgb : codec_gray;
  header->alpha = reader->channels % 2 == 0 ? codec_alpha_straight : codec_alpha_none;
  header->in_order = reader->kind != 'f';
  header->pnm_kind = reader->kind == 'f' ? codec_pnm_pfm : reader->kind == '7' ? codec_pnm_pam : codec_pnm_pgm_ppm;
}

int32_t codec_pnm_open(const codec_input *input, codec_pnm_reader **reader, codec_header *header, codec_error *error) {
  *reader = NULL;
  memset(header, 0, sizeof *header);
  codec_pnm_reader *opened = calloc(1, sizeof *opened);
  if (opened == NULL) return codec_fail_memory(error);
  opened->input = *input;
  codec_source_start(&opened->source, input);
  opened->header_left = LONGEST_HEADER;
  if (!read_header(opened, input->max_pixels)) {
    int32_t status = codec_report(&opened->failure, error);
    codec_pnm_close(opened);
    return status;
  }
  describe(opened, header);
  // Plain text takes two bytes a sample at least; P4 packs eight pixels into one.
  double bytes = (double)opened->row_bytes * opened->height;
  if (codec_check_plausible(input,
                            opened->kind == '4'   ? bytes / 8
                            : opened->kind == '1' ? bytes / 2
                                                  : bytes,
                            header, error) != codec_ok) {
    codec_pnm_close(opened);
    return error->status;
  }
  *reader = opened;
  return codec_ok;
}

void codec_pnm_close(codec_pnm_reader *reader) {
  if (reader == NULL) return;
  free(reader->packed);
  free(reader->picture);
  free(reader);
}

// MARK: Rows

static bool fail_end(codec_pnm_reader *reader) {
  codec_source_fail(&reader->source, &reader->failure, reader->row, reader->height);
  return false;
}

static bool fail_large_sample(codec_pnm_reader *reader) {
  codec_fail(&reader->failure, codec_malformed, 0, "row %" PRIu32 " has a sample larger than the maxval of %" PRIu32,
             reader->row + 1, reader->maxval);
  return false;
}

static uint32_t largest_sample(const codec_pnm_reader *reader) { return reader->sample_size == 2 ? 65535 : 255; }

/// Stretches 0 … maxval to the whole range, to the nearest.
static uint32_t scaled(uint32_t value, uint32_t maxval, uint32_t largest) {
  return (value * largest + maxval / 2) / maxval;  // At most 65535 × 65535 + 32767 < 2³².
}

/// Stretches a row of the machine's samples in place; false if one is beyond the maxval.
static bool scale_row(const codec_pnm_reader *reader, uint8_t *row) {
  uint32_t maxval = reader->maxval, largest = largest_sample(reader);
  if (maxval == largest) return true;
  for (size_t i = 0; i < reader->row_samples; i++) {
    if (reader->sample_size == 1) {
      if (row[i] > maxval) return false;
      row[i] = (uint8_t)scaled(row[i], maxval, largest);
    } else {
      uint16_t value;
      memcpy(&value, row + 2 * i, 2);
      if (value > maxval) return false;
      value = (uint16_t)scaled(value, maxval, largest);
      memcpy(row + 2 * i, &value, 2);
    }
  }
  return true;
}

static bool read_binary_row(codec_pnm_reader *reader, uint8_t *row) {
  if (codec_source_read(&reader->source, row, reader->row_bytes) < reader->row_bytes) return fail_end(reader);
  if (!CODEC_BIG_ENDIAN_HOST && reader->sample_size == 2) codec_swap16(row, reader->row_samples);
  return scale_row(reader, row) || fail_large_sample(reader);
}

static bool read_packed_row(codec_pnm_reader *reader, uint8_t *row) {
  size_t count = (reader->width + (size_t)7) / 8;
  if (codec_source_read(&reader->source, reader->packed, count) < count) return fail_end(reader);
  for (size_t i = 0; i < reader->width; i++) row[i] = (reader->packed[i / 8] >> (7 - i % 8) & 1) != 0 ? 0 : 255;
  return true;
}

/// The next byte of an ASCII raster that is neither white space nor comment; -1 at the end.
static int raster_character(codec_source *source) {
  int c = codec_source_byte(source);
  while (is_space(c) || c == '#') {
    if (c == '#') {
      while (c >= 0 && c != '\n' && c != '\r') c = codec_source_byte(source);
    } else {
      c = codec_source_byte(source);
    }
  }
  return c;
}

static bool read_bit(codec_pnm_reader *reader, uint32_t *value) {
  int c = raster_character(&reader->source);
  if (c < 0) return fail_end(reader);
  if (c != '0' && c != '1') return fail_malformed(reader, "the raster has a character that is not 0 or 1");
  *value = c == '1' ? 0 : 1;
  return true;
}

static bool read_decimal(codec_pnm_reader *reader, uint32_t *value) {
  int c = raster_character(&reader->source);
  if (c < 0) return fail_end(reader);
  if (!is_digit(c)) return fail_malformed(reader, "the raster has a character that is not a digit");
  uint32_t number = 0;
  for (; is_digit(c); c = codec_source_byte(&reader->source)) {
    number = 10 * number + (uint32_t)(c - '0');
    if (number > reader->maxval) return fail_large_sample(reader);
  }
  // The picture's last number may end the file; a comment may follow any.
  if (c == '#') {
    while (c >= 0 && c != '\n' && c != '\r') c = codec_source_byte(&reader->source);
  } else if (c >= 0 && !is_space(c)) {
    return fail_malformed(reader, "the raster has a character that is not a digit");
  }
  *value = number;
  return true;
}

static bool read_text_row(codec_pnm_reader *reader, uint8_t *row) {
  uint32_t largest = largest_sample(reader);
  for (size_t i = 0; i < reader->row_samples; i++) {
    uint32_t value = 0;
    if (!(reader->kind == '1' ? read_bit(reader, &value) : read_decimal(reader, &value))) return false;
    value = scaled(value, reader->maxval, largest);
    if (reader->sample_size == 1) {
      row[i] = (uint8_t)value;
    } else {
      uint16_t sample = (uint16_t)value;
      memcpy(row + 2 * i, &sample, 2);
    }
  }
  return true;
}

static bool read_floats(codec_pnm_reader *reader) {
  reader->picture = codec_allocate_picture(reader->row_bytes, reader->height);
  if (reader->picture == NULL) {
    codec_fail_memory(&reader->failure);
    return false;
  }
  for (uint32_t y = 0; y < reader->height; y++) {
    uint8_t *row = reader->picture + (size_t)y * reader->row_bytes;
    if (codec_source_read(&reader->source, row, reader->row_bytes) < reader->row_bytes) {
      codec_source_fail(&reader->source, &reader->failure, y, reader->height);
      return false;
    }
  }
  return true;
}

static bool read_float_row(codec_pnm_reader *reader, uint8_t *row) {
  if (reader->picture == NULL && !read_floats(reader)) return false;
  size_t from_bottom = reader->height - 1 - reader->row;
  memcpy(row, reader->picture + from_bottom * reader->row_bytes, reader->row_bytes);
  if (reader->swapped) codec_swap32(row, reader->row_samples);
  return true;
}

static bool read_row(codec_pnm_reader *reader, uint8_t *row) {
  switch (reader->kind) {
    case '1':
    case '2':
    case '3': return read_text_row(reader, row);
    case '4': return read_packed_row(reader, row);
    case 'f': return read_float_row(reader, row);
    default: return read_binary_row(reader, row);
  }
}

int32_t codec_pnm_read_rows(codec_pnm_reader *reader, void *rows, size_t stride, uint32_t count, codec_error *error) {
  if (reader->failure.status != codec_ok) return codec_report(&reader->failure, error);
  if (codec_check_rows(reader->row, count, reader->height, error) != codec_ok) return error->status;
  for (uint32_t i = 0; i < count; i++) {
    uint8_t *row = (uint8_t *)rows + i * stride;
    bool ended = reader->damage.status != codec_ok;
    if (ended || !read_row(reader, row)) {
      if (!reader->input.is_tolerant) return codec_report(&reader->failure, error);
      if (!ended) reader->damage = reader->failure;
      reader->failure.status = codec_ok;
      memset(row, 0, reader->row_bytes);
    }
    reader->row++;
  }
  return codec_ok;
}

const codec_error *codec_pnm_damage(const codec_pnm_reader *reader) { return &reader->damage; }

// MARK: Writing

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

static int write_header(codec_pnm_writer *writer, const codec_header *header) {
  char text[256];
  int maxval = header->sample_type == codec_uint16 ? 65535 : 255;
  int length;
  switch (header->pnm_kind) {
    case codec_pnm_pam:
      length =
          snprintf(text, sizeof text,
                   "P7\nWIDTH %" PRIu32 "\nHEIGHT %" PRIu32 "\nDEPTH %" PRIu32 "\nMAXVAL %d\nTUPLTYPE %s\nENDHDR\n",
                   header->width, header->height, header->channels, maxval, tuple_type(header));
      break;
    case codec_pnm_pfm:
      length = snprintf(text, sizeof text, "P%c\n%" PRIu32 " %" PRIu32 "\n-1.0\n",
                        header->color == codec_rgb ? 'F' : 'f', header->width, header->height);
      break;
    default:
      length = snprintf(text, sizeof text, "P%c\n%" PRIu32 " %" PRIu32 "\n%d\n", header->color == codec_rgb ? '6' : '5',
                        header->width, header->height, maxval);
  }
  return codec_sink_write(&writer->sink, text, (size_t)length);
}

/// 16-bit samples are big-endian in the file, floats as we write them little-endian.
static bool needs_swap(const codec_pnm_writer *writer) {
  return writer->sample_size == (CODEC_BIG_ENDIAN_HOST ? 4 : 2);
}

int32_t codec_pnm_create(int fd, const codec_header *header, const codec_options *options, codec_pnm_writer **writer,
                         codec_error *error) {
  (void)options;
  *writer = NULL;
  if (check_writable(header, error) != codec_ok) return error->status;
  codec_pnm_writer *created = calloc(1, sizeof *created);
  if (created == NULL) return codec_fail_memory(error);
  created->height = header->height;
  created->kind = header->pnm_kind;
  created->sample_size = codec_sample_size(header->sample_type);
  created->row_samples = (size_t)header->width * header->channels;
  created->row_bytes = codec_row_bytes(header);
  codec_sink_start(&created->sink, fd);
  bool pfm = header->pnm_kind == codec_pnm_pfm;
  if (needs_swap(created)) created->swapped = malloc(created->row_bytes);
  if (pfm) created->picture = codec_allocate_picture(created->row_bytes, created->height);
  if ((needs_swap(created) && created->swapped == NULL) || (pfm && created->picture == NULL)) {
    codec_fail_memory(&created->failure);
  } else if (write_header(created, header) != 0) {
    codec_fail_write(&created->failure, created->sink.system_errno);
  }
  if (created->failure.status != codec_ok) {
    int32_t status = codec_report(&created->failure, error);
    codec_pnm_discard(created);
    return status;
  }
  *writer = created;
  return codec_ok;
}

static int write_row(codec_pnm_writer *writer, const uint8_t *row) {
  if (!needs_swap(writer)) return codec_sink_write(&writer->sink, row, writer->row_bytes);
  memcpy(writer->swapped, row, writer->row_bytes);
  if (writer->sample_size == 2) codec_swap16(writer->swapped, writer->row_samples);
  if (writer->sample_size == 4) codec_swap32(writer->swapped, writer->row_samples);
  return codec_sink_write(&writer->sink, writer->swapped, writer->row_bytes);
}

int32_t codec_pnm_write_rows(codec_pnm_writer *writer, const void *rows, size_t stride, uint32_t count,
                             codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_rows(writer->row, count, writer->height, error) != codec_ok) return error->status;
  if (writer->picture != NULL) {
    codec_copy_rows(writer->picture + (size_t)writer->row * writer->row_bytes, writer->row_bytes, rows, stride,
                    writer->row_bytes, count);
    writer->row += count;
    return codec_ok;
  }
  for (uint32_t i = 0; i < count; i++) {
    if (write_row(writer, (const uint8_t *)rows + i * stride) != 0) {
      codec_fail_write(&writer->failure, writer->sink.system_errno);
      return codec_report(&writer->failure, error);
    }
    writer->row++;
  }
  return codec_ok;
}

int32_t codec_pnm_finish(codec_pnm_writer *writer, codec_error *error) {
  if (writer->failure.status != codec_ok) return codec_report(&writer->failure, error);
  if (codec_check_complete(writer->row, writer->height, error) != codec_ok) return error->status;
  int failed = 0;
  for (uint32_t y = writer->picture != NULL ? writer->height : 0; y > 0 && failed == 0; y--) {
    failed = write_row(writer, writer->picture + (size_t)(y - 1) * writer->row_bytes);
  }
  if (failed == 0) failed = codec_sink_flush(&writer->sink);
  if (failed != 0) codec_fail_write(&writer->failure, failed);
  return codec_report(&writer->failure, error);
}

void codec_pnm_discard(codec_pnm_writer *writer) {
  if (writer == NULL) return;
  free(writer->swapped);
  free(writer->picture);
  free(writer);
}
