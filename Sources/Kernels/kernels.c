// Which builds this machine can run, and what kernels there are.
#include "Kernels.h"
#include "builds.h"

size_t kernels_count(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  size_t count = 0;
#define COUNT_BUILD(name, condition) \
  if (!(condition)) return count;    \
  count++;
  BUILDS(COUNT_BUILD)
#undef COUNT_BUILD
  return count;
}

kernels kernels_at(size_t index) {
#define BUILD_TABLE(name, condition) kernels_build_##name,
  static kernels (*const tables[])(void) = {BUILDS(BUILD_TABLE)};
#undef BUILD_TABLE
  return tables[index]();
}

static const char *const names[] = {
#define KERNEL_ENTRY(result, name, parameters) #name,
#include "KernelList.h"
};

size_t kernels_list_count(void) { return sizeof names / sizeof names[0]; }

const char *kernels_list_name(size_t index) { return names[index]; }
