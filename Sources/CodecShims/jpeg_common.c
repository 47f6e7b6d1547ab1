// What libjpeg says, in our words.
#include "jpeg_common.h"

#include <jerror.h>
#include <stdio.h>

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

/// What some of libjpeg's messages mean to who has the file; null: they say it themselves.
static const char *meaning(int code) {
  switch (code) {
    case JERR_NO_IMAGE: return "there is no picture in the JPEG: it ends after its header";
    case JERR_EMPTY_IMAGE: return "the header is damaged: the picture has no rows or no columns";
    case JERR_NO_QUANT_TABLE: return "the header is damaged: a quantisation table is missing";
    case JERR_DQT_INDEX: return "the header is damaged: a quantisation table has no such number";
    case JERR_NO_HUFF_TABLE: return "the header is damaged: a Huffman table is missing";
    case JERR_BAD_HUFF_TABLE:
    case JERR_DHT_INDEX: return "the header is damaged: a Huffman table is invalid";
    case JERR_BAD_LENGTH: return "the header is damaged: a segment has a wrong length";
    case JERR_BAD_COMPONENT_ID:
    case JERR_COMPONENT_COUNT:
    case JERR_BAD_SAMPLING: return "the header is damaged: its components are invalid";
    case JERR_SOS_NO_SOF:
    case JERR_SOF_NO_SOS:
    case JERR_SOF_DUPLICATE:
    case JERR_SOI_DUPLICATE:
    case JERR_UNKNOWN_MARKER: return "the header is damaged: its segments are out of order, or one is missing";
    case JWRN_HIT_MARKER: return "the picture data is damaged: it ends too early";
    case JWRN_HUFF_BAD_CODE:
    case JWRN_ARITH_BAD_CODE: return "the picture data is damaged: it has an invalid code";
    default: return NULL;
  }
}

void jpeg_record_error(j_common_ptr jpeg, codec_error *failure) {
  char message[JMSG_LENGTH_MAX];
  const char *meant = meaning(jpeg->err->msg_code);
  if (jpeg->err->msg_code == JERR_SOF_UNSUPPORTED) {
    snprintf(message, sizeof message, "this kind of JPEG is not supported (lossless or hierarchical, SOF 0x%02x)",
             (unsigned)jpeg->err->msg_parm.i[0]);
  } else if (jpeg->err->msg_code == JERR_BAD_PRECISION) {
    snprintf(message, sizeof message, "JPEG of %d-bit samples is not supported", jpeg->err->msg_parm.i[0]);
  } else if (meant != NULL) {
    snprintf(message, sizeof message, "%s", meant);
  } else {
    jpeg->err->format_message(jpeg, message);
  }
  if (failure->status == codec_ok) codec_fail(failure, status_of(jpeg->err->msg_code), 0, "%s", message);
}

void jpeg_say_nothing(j_common_ptr jpeg) { (void)jpeg; }
