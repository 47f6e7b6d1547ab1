// arm64 with NEON, which every such machine has: as the portable build, with the longer blocks that its 32 registers
// hold.
#include "Kernels.h"
#include "builds.h"

#if defined(__aarch64__)
#define BUILD neon
#define VECTOR_BYTES 16
#define BUILD_NAME "neon"
#define BLOCK 64
#include "build.h"
#endif
