// The headers of the Netpbm family: tokens between white space and comments, PAM's lines, PFM's scale.
#include "pnm_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// More header than this (comments without end) is not a picture.
#define LONGEST_HEADER ((size_t)1 << 20)
#define LONGEST_LINE 256

bool pnm_fail_malformed(codec_pnm_reader *reader, const char *message) {
  codec_fail(&reader->failure, codec_malformed, 0, "%s", message);
  return false;
}

// MARK: Tokens

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

/// A decimal number and the one white space after it.
static bool header_number(codec_pnm_reader *reader, const char *name, uint32_t *number) {
  int c = header_character(reader);
  while (pnm_is_space(c)) c = header_character(reader);
  if (c < 0) return false;
  if (!pnm_is_digit(c)) {
    codec_fail(&reader->failure, codec_malformed, 0, "the header has no %s", name);
    return false;
  }
  uint64_t value = 0;
  for (; pnm_is_digit(c); c = header_character(reader)) {
    value = 10 * value + (uint64_t)(c - '0');
    if (value > INT32_MAX) {
      codec_fail(&reader->failure, codec_malformed, 0, "the %s is too large", name);
      return false;
    }
  }
  if (c >= 0 && !pnm_is_space(c)) {
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
  while (pnm_is_space(c)) c = header_byte(reader);
  for (; c >= 0 && !pnm_is_space(c); c = header_byte(reader)) {
    if (length == sizeof text - 1 || strchr("+-.0123456789eE", c) == NULL || c == 0) {
      return pnm_fail_malformed(reader, "the scale is not a number");
    }
    text[length++] = (char)c;
  }
  if (c < 0) return false;
  text[length] = 0;
  char *end = text;
  double scale = strtod(text, &end);
  // A locale with a decimal comma may stop strtod at the point: the sign has been seen by then.
  if (end == text || (*end != 0 && *end != '.')) return pnm_fail_malformed(reader, "the scale is not a number");
  if (strpbrk(text, "123456789") == NULL || scale - scale != 0) return pnm_fail_malformed(reader, "the scale is zero");
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
    if (length == LONGEST_LINE - 1 || c == 0) return pnm_fail_malformed(reader, "a line of the header is too long");
    line[length++] = (char)c;
  }
  while (length > 0 && pnm_is_space(line[length - 1])) length--;
  line[length] = 0;
  return true;
}

static bool pam_number(codec_pnm_reader *reader, const char *name, const char *text, uint32_t *number) {
  uint64_t value = 0;
  const char *c = text;
  for (; pnm_is_digit(*c) && value <= INT32_MAX; c++) value = 10 * value + (uint64_t)(*c - '0');
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
    while (pnm_is_space(*key)) key++;
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
      return pnm_fail_malformed(reader, "the header has a line that is not PAM's");
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

// MARK: The header

static bool read_magic(codec_pnm_reader *reader) {
  if (header_byte(reader) != 'P') {
    return reader->failure.status != codec_ok ? false : pnm_fail_malformed(reader, "this is not a Netpbm file");
  }
  int kind = header_byte(reader);
  if (kind < 0) return false;
  if (!pnm_is_kind(kind)) return pnm_fail_malformed(reader, "this is not a Netpbm file");
  reader->kind = (char)kind;
  return true;
}

static bool read_kind_end(codec_pnm_reader *reader) {
  int next = header_character(reader);
  if (next < 0) return false;
  if (!pnm_is_space(next)) return pnm_fail_malformed(reader, "this is not a Netpbm file");
  bool color = reader->kind == '3' || reader->kind == '6' || reader->kind == 'F';
  if (reader->kind == 'F') reader->kind = 'f';
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

bool pnm_read_header(codec_pnm_reader *reader, bool is_begun) {
  reader->header_left = LONGEST_HEADER;
  return (is_begun || read_magic(reader)) && read_kind_end(reader) && read_dimensions(reader);
}
