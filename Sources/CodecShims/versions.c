// Which libraries files are read and written with.
#include "tiff.h"

#include <stdio.h>

#include <jpeglib.h>
#include <png.h>
#include <zlib.h>
#if __has_include(<isa-l.h>)
#include <isa-l.h>
#elif __has_include(<isa-l/isa-l.h>)
#include <isa-l/isa-l.h>
#endif

#define TEXT(x) #x
#define TEXT_OF(x) TEXT(x)

/// libtiff gives a sentence: "LIBTIFF, Version 4.5.1" and its copyright.
static void describe_tiff(codec_library *library) {
  codec_error error;
  if (libtiff_load(&error) != codec_ok) return;
  (void)sscanf(libtiff.GetVersion(), "%*[^0-9]%31[0-9.]", library->version);
}

int32_t codec_library_at(uint32_t index, codec_library *library) {
  *library = (codec_library){0};
  char *version = library->version;
  size_t size = sizeof library->version;
  switch (index) {
    case 0:
      library->name = "libpng";
      snprintf(version, size, "%s", png_get_libpng_ver(NULL));
      return 1;
    case 1:
#ifdef LIBJPEG_TURBO_VERSION
      library->name = "libjpeg-turbo";
      snprintf(version, size, "%s", TEXT_OF(LIBJPEG_TURBO_VERSION));
#else
      library->name = "libjpeg";
      snprintf(version, size, "%d.%d", JPEG_LIB_VERSION / 10, JPEG_LIB_VERSION % 10);
#endif
      return 1;
    case 2:
      library->name = "libtiff";
      describe_tiff(library);
      return 1;
    case 3:
      library->name = "zlib";
      snprintf(version, size, "%s", zlibVersion());
      return 1;
    case 4: library->name = "isa-l";
#ifdef ISAL_MAJOR_VERSION
      snprintf(version, size, "%d.%d.%d", ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, ISAL_PATCH_VERSION);
#endif
      return 1;
    default: return 0;
  }
}
