// An example of a plug-in, which the manual shows: each pixel is moved away from the mean of its eight neighbours.
#include "imbrex_filter.h"

static int reach(const imbrex_value *values, imbrex_reach *reach, char *message) {
  (void)values, (void)message;
  reach->top = reach->bottom = reach->left = reach->right = 1;
  reach->boundary = IMBREX_NEAREST;
  return 0;
}

static int apply(const imbrex_value *values, const imbrex_tile *tile, char *message) {
  (void)message;
  const ptrdiff_t stride = tile->source_stride / (ptrdiff_t)sizeof(float), step = tile->input.channels;
  for (int32_t y = 0; y < tile->height; y++) {
    const float *in = (const float *)tile->source + y * stride;
    float *out = (float *)((char *)tile->target + y * tile->target_stride);
    for (ptrdiff_t i = 0; i < tile->width * step; i++) {
      const float *above = in + i - stride, *at = in + i, *below = in + i + stride;
      float mean =
          (above[-step] + above[0] + above[step] + at[-step] + at[step] + below[-step] + below[0] + below[step]) / 8;
      out[i] = at[0] + (float)values[0].number * (at[0] - mean);
    }
  }
  return 0;
}

static const imbrex_parameter parameters[] = {
    {.name = "amount", .help = "How much.", .type = IMBREX_NUMBER, .minimum = 0, .maximum = 10, .default_number = 1}};

static const imbrex_filter sharpen = {.version = IMBREX_FILTER_VERSION,
                                      .name = "sharpen",
                                      .help = "Sharpen details of a pixel's size.",
                                      .types = IMBREX_FLOAT32,
                                      .parameter_count = 1,
                                      .parameters = parameters,
                                      .reach = reach,
                                      .apply = apply};

const imbrex_filter *const *imbrex_filters(int32_t version) {
  static const imbrex_filter *const all[] = {&sharpen, NULL};
  return version == IMBREX_FILTER_VERSION ? all : NULL;
}
