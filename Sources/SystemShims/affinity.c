// The affinity mask. Linux only, and only with the GNU names.
#define _GNU_SOURCE
#include "SystemShims.h"

#if defined(__linux__)
#include <sched.h>

int32_t system_affinity_cores(void) {
  cpu_set_t mask;
  return sched_getaffinity(0, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 0;
}
#else
int32_t system_affinity_cores(void) { return 0; }
#endif
