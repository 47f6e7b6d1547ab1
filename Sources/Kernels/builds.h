// The builds that exist on this architecture, slowest first, and what a machine must have to run each: the last of
// those that it runs is used. Each has its build_NAME.c.
#ifndef IMBREX_BUILDS_H
#define IMBREX_BUILDS_H

#include "Kernels.h"

#define HAS(feature) (__builtin_cpu_supports(feature) != 0)

// X(name, condition); a machine that cannot run one build runs none of those after it.
#if defined(__x86_64__)
#define BUILDS(X)                     \
  X(c, 1)                             \
  X(avx2, HAS("avx2") && HAS("bmi2")) \
  X(avx512, HAS("avx512f") && HAS("avx512bw") && HAS("avx512vl") && HAS("avx512dq"))
#elif defined(__aarch64__)
#define BUILDS(X) \
  X(c, 1)         \
  X(neon, 1)
#else
#define BUILDS(X) X(c, 1)
#endif

#define DECLARE_BUILD(name, condition) kernels kernels_build_##name(void);
BUILDS(DECLARE_BUILD)
#undef DECLARE_BUILD

#endif
