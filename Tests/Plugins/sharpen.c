// An example of a plug-in, which the manual shows: each pixel is moved away from the mean of its four neighbours.
#include "imbrex_filter.h"

static int reach(const imbrex_value *values, imbrex_reach *reach, char *message) {
  reach->top = reach->bottom = reach->left = reach->right = 1;
  reach->boundary = IMBREX_NEAREST;
  return 0;
}

static int apply(const imbrex_value *values, const imbrex_tile *tile, char *message) {
  ptrdiff_t down = tile->source_stride / (ptrdiff_t)sizeof(float), right = tile->input.channels;
  for (int y = 0; y < tile->height; y++) {
    const float *in = (const float *)tile->source + y * down;
    float *out = (float *)((char *)tile->target + y * tile->target_stride);
    for (ptrdiff_t i = 0; i < tile->width * right; i++, in++) {
      float mean = (in[-down] + in[-right] + in[right] + in[down]) / 4;
      out[i] = *in + (float)values[0].number * (*in - mean);
    }
  }
  return 0;
}

static const imbrex_parameter amount = {
    .name = "amount", .help = "How much.", .type = IMBREX_NUMBER, .maximum = 10, .default_number = 1};

static const imbrex_filter sharpen = {.version = IMBREX_FILTER_VERSION,
                                      .name = "sharpen",
                                      .help = "Sharpen details of a pixel's size.",
                                      .types = IMBREX_FLOAT32,
                                      .parameter_count = 1,
                                      .parameters = &amount,
                                      .reach = reach,
                                      .apply = apply};

const imbrex_filter *const *imbrex_filters(int32_t version) {
  static const imbrex_filter *const all[] = {&sharpen, NULL};
  return version == IMBREX_FILTER_VERSION ? all : NULL;
}
