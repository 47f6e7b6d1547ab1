// The builds that exist; kernels.c chooses among them.
#ifndef IMBREX_BUILDS_H
#define IMBREX_BUILDS_H

#include "Kernels.h"

kernels kernels_build_c(void);
#if defined(__x86_64__)
kernels kernels_build_avx2(void);
kernels kernels_build_avx512(void);
#elif defined(__aarch64__)
kernels kernels_build_neon(void);
#endif

#endif
