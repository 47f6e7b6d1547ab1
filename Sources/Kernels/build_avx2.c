// x86-64 with AVX2 (Haswell, Zen and later).
#include "Kernels.h"
#include "builds.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,fma"))), apply_to = function)
#define BUILD avx2
#define VECTOR_BYTES 32
#define BUILD_NAME "avx2"
#define BLOCK 64
#include "build.h"
#pragma clang attribute pop
#endif
