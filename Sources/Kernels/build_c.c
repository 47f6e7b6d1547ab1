// The portable build: plain C for whatever the compiler's default target is.
#include "Kernels.h"
#include "builds.h"

#define BUILD c
#define VECTOR_BYTES 16
#define BUILD_NAME "portable"
#define BLOCK 32
#include "build.h"
