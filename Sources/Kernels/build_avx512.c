// x86-64 with AVX-512 as in Ice Lake, Zen 4 and later, using its full width.
#include "Kernels.h"
#include "builds.h"

#if defined(__x86_64__)
#pragma clang attribute push(                                                                              \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512cd,avx2,bmi,bmi2,lzcnt,popcnt,fma"))), \
    apply_to = function)
#define BUILD avx512
#define VECTOR_BYTES 64
#define BUILD_NAME "avx512"
#define BLOCK 128
#include "build.h"
#pragma clang attribute pop
#endif
