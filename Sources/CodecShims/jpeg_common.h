// What the reader and the writer of JPEG share.
#ifndef IMBREX_JPEG_COMMON_H
#define IMBREX_JPEG_COMMON_H

#include "io.h"

#include <stdio.h>

#include <jpeglib.h>

// As with libpng: `setjmp` guards each call directly, and all that changes lives in the handle.

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// Records the message libjpeg has set. Only the first counts.
void jpeg_record_error(j_common_ptr jpeg, codec_error *failure);
/// For libjpeg's `output_message`.
void jpeg_say_nothing(j_common_ptr jpeg);

/// All of a file that its rows and what else it carries do not tell.
void jpeg_set_up(struct jpeg_compress_struct *jpeg, const codec_header *header, const codec_options *options);

// Signatures at the beginning of marker segments, each with the zeros that end it.
static const char jpeg_exif_signature[] = "Exif\0";
static const char jpeg_xmp_signature[] = "http://ns.adobe.com/xap/1.0/";

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
