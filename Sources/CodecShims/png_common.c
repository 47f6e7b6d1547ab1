// What libpng says, in our words.
#include "png_common.h"

#include <stdbool.h>
#include <string.h>

/// What libpng and zlib say, by what it begins with, and what that means to who has the file.
static const struct {
  const char *said, *meant;
} meanings[] = {
    {"missing PLTE", "the palette is missing"},
    {"Missing PLTE", "the palette is missing"},
    {"Missing IHDR", "the header is missing (IHDR is not the first chunk)"},
    {"missing IHDR", "the header is missing (IHDR is not the first chunk)"},
    {"Invalid IHDR data", "the header is invalid (IHDR)"},
    {"PNG unsigned integer out of range", "the header is invalid: a number is too large"},
    {"bad adaptive filter value", "the picture data is damaged: there is no such row filter"},
    {"not enough image data", "the picture data ends before the picture does"},
    {"Not enough image data", "the picture data ends before the picture does"},
    {"Too much image data", "there is more picture data than the header says"},
    {"incorrect data check", "the picture data does not match its checksum"},
};

static const char *meaning(const char *message) {
  for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
    if (strncmp(message, meanings[i].said, strlen(meanings[i].said)) == 0) return meanings[i].meant;
  }
  return NULL;
}

void png_record_error(codec_error *failure, const char *message) {
  bool of_chunk = strlen(message) > 6 && message[4] == ':';
  bool in_data = strncmp(message, "IDAT: ", 6) == 0;
  const char *rest = of_chunk ? message + 6 : message, *meant = meaning(rest);
  if (strstr(message, "memory") != NULL) {
    codec_fail_memory(failure);
  } else if (meant != NULL) {
    codec_fail(failure, codec_malformed, 0, "%s", meant);
  } else if (of_chunk && strncmp(rest, "CRC error", 9) == 0) {
    codec_fail(failure, codec_malformed, 0, "the checksum of chunk %.4s is wrong: the file is damaged", message);
  } else if (of_chunk && strncmp(rest, "out of place", 12) == 0) {
    codec_fail(failure, codec_malformed, 0, "chunk %.4s is out of place, or one before it is missing", message);
  } else if (of_chunk && strncmp(rest, "unhandled critical", 18) == 0) {
    codec_fail(failure, codec_malformed, 0, "chunk %.4s is not PNG's: the file is damaged", message);
  } else if (strstr(message, "invalid chunk type") != NULL) {
    codec_fail(failure, codec_malformed, 0, "a chunk has an invalid name: the file is damaged");
  } else if (in_data) {
    codec_fail(failure, codec_malformed, 0, "the picture data is damaged (deflate: %s)", rest);
  } else if (of_chunk) {
    codec_fail(failure, codec_malformed, 0, "chunk %.4s is damaged: %s", message, rest);
  } else {
    codec_fail(failure, codec_malformed, 0, "%s", message);
  }
}
