// What the reader and the writer of PNG share.
#ifndef IMBREX_PNG_COMMON_H
#define IMBREX_PNG_COMMON_H

#include "io.h"

#include <png.h>

// libpng leaves by longjmp. Every call into it is made by a function that `setjmp` guards directly, and all that
// changes lives in the handle, so no local variable is read after a jump.

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

/// Records what libpng says as an error of ours.
void png_record_error(codec_error *failure, const char *message);

/// What an iTXt chunk of XMP begins with.
static const char xmp_keyword[] = "XML:com.adobe.xmp";
/// The keyword, no compression, no language.
#define XMP_PREFIX (sizeof xmp_keyword + 4)

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
