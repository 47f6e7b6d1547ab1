// libtiff, loaded when the first TIFF is met; or linked in, where one file is to be all (`make dist`) and on macOS.
#include "tiff.h"

#if defined(__linux__) && !defined(IMBREX_LINKED_TIFF)

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

// The version of the interface that tiffio.h describes: that of libtiff 4.5 and later.
#define LIBRARY "libtiff.so.6"

struct libtiff libtiff;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[128];

static void load(void) {
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    snprintf(problem, sizeof problem, "%s", dlerror());
    return;
  }
#define LOAD(name)                                                \
  *(void **)(void *)&libtiff.name = dlsym(library, "TIFF" #name); \
  if (libtiff.name == NULL) snprintf(problem, sizeof problem, "%s has no %s", LIBRARY, "TIFF" #name);
  LIBTIFF_FUNCTIONS(LOAD)
}

int32_t libtiff_load(codec_error *error) {
  pthread_once(&once, load);
  if (problem[0] == 0) return codec_ok;
  return codec_fail(error, codec_unsupported, 0, "TIFF needs libtiff: %s", problem);
}

#else

#define ADDRESS(name) .name = &TIFF##name,
struct libtiff libtiff = {LIBTIFF_FUNCTIONS(ADDRESS)};

int32_t libtiff_load(codec_error *error) {
  (void)error;
  return codec_ok;
}

#endif
