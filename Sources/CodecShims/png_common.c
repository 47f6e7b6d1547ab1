// What libpng says, in our words.
#include "png_common.h"

#include <string.h>

void png_record_error(codec_error *failure, const char *message) {
  static const char data[] = "IDAT: ";
  bool in_data = strncmp(message, data, strlen(data)) == 0;
  if (strstr(message, "memory") != NULL) {
    codec_fail_memory(failure);
  } else if (in_data && strstr(message, "CRC") == NULL) {
    codec_fail(failure, codec_malformed, 0, "deflate stream is damaged: %s", message + strlen(data));
  } else if (strlen(message) > 6 && message[4] == ':') {
    codec_fail(failure, codec_malformed, 0, "chunk %s", message);
  } else {
    codec_fail(failure, codec_malformed, 0, "%s", message);
  }
}
