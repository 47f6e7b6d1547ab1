// What libjpeg says, in our words.
#include "jpeg_common.h"

#include <jerror.h>

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

void jpeg_record_error(j_common_ptr jpeg, codec_error *failure) {
  char message[JMSG_LENGTH_MAX];
  jpeg->err->format_message(jpeg, message);
  if (failure->status == codec_ok) codec_fail(failure, status_of(jpeg->err->msg_code), 0, "%s", message);
}

void jpeg_say_nothing(j_common_ptr jpeg) { (void)jpeg; }
