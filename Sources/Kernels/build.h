// One build of every kernel: included by each build_*.c with BUILD (the suffix of all names) and BLOCK (samples that
// an inner loop keeps in registers) and VECTOR_BYTES (of a vector where they are written out) defined.
#pragma STDC FP_CONTRACT OFF

#include <string.h>

#define GLUE_AGAIN(a, b) a##_##b
#define GLUE(a, b) GLUE_AGAIN(a, b)
#define KERNEL(name) GLUE(name, BUILD)

#include "convert_tmpl.h"
#include "cover_tmpl.h"
#include "correlate_tmpl.h"
#include "fixed_tmpl.h"
#include "gradient_tmpl.h"
#include "canny_tmpl.h"
#include "blob_tmpl.h"
#include "median_tmpl.h"

kernels GLUE(kernels_build, BUILD)(void) {
  return (kernels){
      .name = BUILD_NAME,
#define KERNEL_ENTRY(result, name, parameters) .name = KERNEL(name),
#include "KernelList.h"
  };
}
