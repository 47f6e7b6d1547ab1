// Which builds this machine can run, slowest first.
#include "Kernels.h"
#include "builds.h"

size_t kernels_count(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2")) return 1;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512dq"))
    return 2;
  return 3;
#elif defined(__aarch64__)
  return 2;
#else
  return 1;
#endif
}

kernels kernels_at(size_t index) {
#if defined(__x86_64__)
  if (index == 1) return kernels_build_avx2();
  if (index == 2) return kernels_build_avx512();
#elif defined(__aarch64__)
  if (index == 1) return kernels_build_neon();
#endif
  (void)index;
  return kernels_build_c();
}
