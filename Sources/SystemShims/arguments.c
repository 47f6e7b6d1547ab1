// The program's arguments where there is no /proc, from which Swift's runtime reads them on Linux: an empty root.
#include "SystemShims.h"

#include <stddef.h>

static char *const *kept;

#ifdef __GLIBC__
// glibc calls constructors with what main gets.
__attribute__((constructor)) static void keep(int count, char **arguments) {
  (void)count;
  kept = arguments;
}
#endif

char *const *system_arguments(void) { return kept; }
