// Rows of a picture at half its size.
#include "io.h"

#include <math.h>
#include <string.h>

// The same bits on every machine.
#pragma STDC FP_CONTRACT OFF

/// What four samples become: (a, b) above (c, d). A column or row that stands alone comes twice.
typedef struct halving {
  const codec_halving *how;
  size_t first;     ///< Of the columns that come out …
  size_t pairs;     ///< … and how many.
  size_t channels;  ///< Of a pixel.
  bool odd;         ///< The last has no right neighbour.
} halving;

// MARK: Means

#define MEAN_INTEGER(a, b, c, d) (((uint32_t)(a) + (b) + (c) + (d) + 2) >> 2)
// In double precision, which no sum of four floats leaves.
#define MEAN_FLOAT(a, b, c, d) ((((double)(a) + (double)(b)) + ((double)(c) + (double)(d))) * 0.25)
// Half of each first: the sum of doubles could overflow.
#define MEAN_DOUBLE(a, b, c, d) (((a)*0.25 + (b)*0.25) + ((c)*0.25 + (d)*0.25))

#define DEFINE_MEANS(name, type, MEAN)                                                            \
  static void name(const halving *h, const type *above, const type *below, type *out) {           \
    size_t channels = h->channels, whole = h->pairs - (h->odd ? 1 : 0);                           \
    for (size_t x = 0; x < whole; x++) {                                                          \
      for (size_t i = 0; i < channels; i++) {                                                     \
        size_t left = 2 * x * channels + i, right = left + channels;                              \
        out[x * channels + i] = (type)MEAN(above[left], above[right], below[left], below[right]); \
      }                                                                                           \
    }                                                                                             \
    for (size_t i = 0; h->odd && i < channels; i++) {                                             \
      size_t last = 2 * whole * channels + i;                                                     \
      out[whole * channels + i] = (type)MEAN(above[last], above[last], below[last], below[last]); \
    }                                                                                             \
  }

DEFINE_MEANS(means_uint8, uint8_t, MEAN_INTEGER)
DEFINE_MEANS(means_uint16, uint16_t, MEAN_INTEGER)
DEFINE_MEANS(means_float, float, MEAN_FLOAT)
DEFINE_MEANS(means_double, double, MEAN_DOUBLE)

// MARK: The rest, a sample at a time

static double sample_at(int32_t type, const uint8_t *row, size_t index) {
  uint16_t half;
  float single;
  double number;
  switch (type) {
    case codec_uint8: return row[index];
    case codec_uint16: memcpy(&half, row + 2 * index, 2); return half;
    case codec_float32: memcpy(&single, row + 4 * index, 4); return (double)single;
    default: memcpy(&number, row + 8 * index, 8); return number;
  }
}

static void put_sample(int32_t type, uint8_t *row, size_t index, double value) {
  uint16_t half;
  float single;
  switch (type) {
    case codec_uint8: row[index] = (uint8_t)floor(value + 0.5); return;
    case codec_uint16:
      half = (uint16_t)floor(value + 0.5);
      memcpy(row + 2 * index, &half, 2);
      return;
    case codec_float32:
      single = (float)value;
      memcpy(row + 4 * index, &single, 4);
      return;
    default: memcpy(row + 8 * index, &value, 8);
  }
}

static bool is_nodata(const codec_halving *how, double value) {
  return how->has_nodata && (value == how->nodata || (isnan(how->nodata) && isnan(value)));
}

/// The mean of those that are valid, each counted as often as `weights` say.
static double mean_of(const codec_halving *how, const double *values, const double *weights) {
  double sum = 0, weight = 0;
  for (int i = 0; i < 4; i++) {
    if (is_nodata(how, values[i]) || weights[i] == 0) continue;
    sum += values[i] * weights[i];
    weight += weights[i];
  }
  return weight > 0 ? sum / weight : NAN;
}

/// The larger where half of them are.
static double majority_of(const double *values) {
  double most = values[0], least = values[0];
  int count = 0;
  for (int i = 1; i < 4; i++) {
    if (values[i] > most) most = values[i];
    if (values[i] < least) least = values[i];
  }
  for (int i = 0; i < 4; i++) count += values[i] == most;
  return count >= 2 ? most : least;
}

static void carefully(const halving *h, const uint8_t *above, const uint8_t *below, uint8_t *out) {
  static const double ones[4] = {1, 1, 1, 1};
  const codec_halving *how = h->how;
  for (size_t x = 0; x < h->pairs; x++) {
    size_t left = 2 * x, right = h->odd && x + 1 == h->pairs ? left : left + 1;
    double covers[4] = {1, 1, 1, 1};
    if (how->cover_above != NULL) {
      const uint8_t *upper = how->cover_above + 2 * h->first, *lower = how->cover_below + 2 * h->first;
      const double some[4] = {upper[left], upper[right], lower[left], lower[right]};
      memcpy(covers, some, sizeof covers);
    }
    double alphas[4] = {1, 1, 1, 1};
    memcpy(alphas, covers, sizeof alphas);
    size_t last = h->channels - 1;
    for (size_t i = h->channels; i-- > 0;) {  // Alpha, which comes last, first.
      size_t l = left * h->channels + i, r = right * h->channels + i;
      double values[4] = {sample_at(how->sample_type, above, l), sample_at(how->sample_type, above, r),
                          sample_at(how->sample_type, below, l), sample_at(how->sample_type, below, r)};
      bool is_alpha = how->straight_alpha && i == last;
      double value = how->majority ? majority_of(values) : mean_of(how, values, is_alpha ? covers : alphas);
      if (isnan(value) && !how->majority) {
        // None is valid, or none can be seen.
        bool invalid = is_nodata(how, values[0]) && is_nodata(how, values[1]) && is_nodata(how, values[2]) &&
                       is_nodata(how, values[3]);
        value = invalid ? how->nodata : mean_of(how, values, ones);
      }
      put_sample(how->sample_type, out, x * h->channels + i, value);
      for (int k = 0; is_alpha && k < 4; k++) alphas[k] = values[k] * covers[k];
    }
  }
}

// MARK: What is quick

/// Columns that come out of one look at whether they need care.
#define SOME_COLUMNS 256

static void plainly(const halving *h, const uint8_t *above, const uint8_t *below, uint8_t *out) {
  switch (h->how->sample_type) {
    case codec_uint8: means_uint8(h, above, below, out); return;
    case codec_uint16: means_uint16(h, (const void *)above, (const void *)below, (void *)out); return;
    case codec_float32: means_float(h, (const void *)above, (const void *)below, (void *)out); return;
    default: means_double(h, (const void *)above, (const void *)below, (void *)out);
  }
}

#define DEFINE_HAS(name, type)                                                                           \
  static bool name(const void *row, size_t first, size_t step, size_t count, double value, bool equal) { \
    const type *samples = row, wanted = (type)value;                                                     \
    bool found = false;                                                                                  \
    for (size_t i = first; i < count; i += step) found |= (samples[i] == wanted) == equal;               \
    return found;                                                                                        \
  }

DEFINE_HAS(has_uint8, uint8_t)
DEFINE_HAS(has_uint16, uint16_t)
DEFINE_HAS(has_float, float)
DEFINE_HAS(has_double, double)

/// Whether one of `count` samples from `first` on, `step` apart, is such a value, or is another.
static bool has(int32_t type, const uint8_t *row, size_t first, size_t step, size_t count, double value, bool equal) {
  switch (type) {
    case codec_uint8: return has_uint8(row, first, step, count, value, equal);
    case codec_uint16: return has_uint16(row, first, step, count, value, equal);
    case codec_float32: return has_float(row, first, step, count, value, equal);
    default: return has_double(row, first, step, count, value, equal);
  }
}

/// Whether all of some pixels count.
static bool covers_all(const uint8_t *cover, size_t pixels) {
  return cover == NULL || memchr(cover, 0, pixels) == NULL;
}

/// Whether some of these pixels do not count, or count less.
static bool needs_care(const codec_halving *how, const uint8_t *row, size_t pixels) {
  size_t count = pixels * how->channels;
  if (how->has_nodata && isnan(how->nodata)) return true;
  if (how->has_nodata && has(how->sample_type, row, 0, 1, count, how->nodata, true)) return true;
  static const double full[] = {255, 65535, 1, 1};
  return how->straight_alpha &&
         has(how->sample_type, row, how->channels - 1, how->channels, count, full[how->sample_type], false);
}

/// Bytes of two values, as edges are.
static void majority_uint8(const halving *h, const uint8_t *above, const uint8_t *below, uint8_t *out) {
  size_t channels = h->channels;
  for (size_t x = 0; x < h->pairs; x++) {
    size_t left = 2 * x * channels, right = h->odd && x + 1 == h->pairs ? left : left + channels;
    for (size_t i = 0; i < channels; i++) {
      uint8_t a = above[left + i], b = above[right + i], c = below[left + i], d = below[right + i];
      uint8_t upper = a > b ? a : b, lower = c > d ? c : d, most = upper > lower ? upper : lower;
      uint8_t top = a < b ? a : b, bottom = c < d ? c : d, least = top < bottom ? top : bottom;
      out[x * channels + i] = (a == most) + (b == most) + (c == most) + (d == most) >= 2 ? most : least;
    }
  }
}

void codec_halve_rows(const codec_halving *how, const void *above, const void *below, void *out) {
  halving all = {.how = how, .pairs = (how->width + 1) / 2, .channels = how->channels, .odd = how->width % 2 != 0};
  if (how->majority) {
    (how->sample_type == codec_uint8 ? majority_uint8 : carefully)(&all, above, below, out);
    return;
  }
  if (!how->has_nodata && !how->straight_alpha && how->cover_above == NULL) return plainly(&all, above, below, out);
  size_t pixel = how->channels * codec_sample_size(how->sample_type);
  for (size_t first = 0; first < all.pairs; first += SOME_COLUMNS) {
    halving some = all;
    some.first = first;
    some.pairs = all.pairs - first < SOME_COLUMNS ? all.pairs - first : SOME_COLUMNS;
    some.odd = all.odd && first + some.pairs == all.pairs;
    const uint8_t *upper = (const uint8_t *)above + 2 * first * pixel;
    const uint8_t *lower = (const uint8_t *)below + 2 * first * pixel;
    size_t pixels = 2 * some.pairs - (some.odd ? 1 : 0);
    bool care = needs_care(how, upper, pixels) || needs_care(how, lower, pixels);
    if (how->cover_above != NULL) {
      care = care || !covers_all(how->cover_above + 2 * first, pixels) ||
             !covers_all(how->cover_below + 2 * first, pixels);
    }
    (care ? carefully : plainly)(&some, upper, lower, (uint8_t *)out + first * pixel);
  }
}
