// The quality at which a JPEG was compressed, from its quantisation tables.
#include "io.h"

#include <stdlib.h>

// The example tables of the standard (ITU-T T.81, K.1 and K.2), in rows, which encoders scale by quality.
static const uint8_t standard_tables[2][64] = {
    {16, 11, 10, 16, 24,  40,  51,  61,  12, 12, 14, 19, 26,  58,  60,  55,  //
     14, 13, 16, 24, 40,  57,  69,  56,  14, 17, 22, 29, 51,  87,  80,  62,  //
     18, 22, 37, 56, 68,  109, 103, 77,  24, 35, 55, 64, 81,  104, 113, 92,  //
     49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99},
    {17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99,  //
     24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99, 99, 99, 99,  //
     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,  //
     99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99}};

/// How far a table is from a standard one as libjpeg scales it for `quality`.
static uint64_t table_distance(const uint16_t *table, const uint8_t *standard, int quality) {
  long scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  uint64_t distance = 0;
  for (int i = 0; i < 64; i++) {
    long value = (standard[i] * scale + 50) / 100;
    value = value < 1 ? 1 : value > 255 ? 255 : value;
    distance += (uint64_t)labs(value - (long)table[i]);
  }
  return distance;
}

int32_t codec_jpeg_quality(const uint16_t *luminance, const uint16_t *chrominance) {
  // An RGB file has the luminance table for all components.
  const uint8_t *second = standard_tables[chrominance == luminance ? 0 : 1];
  int32_t best = 0;
  uint64_t least = UINT64_MAX;
  for (int quality = 100; quality >= 1; quality--) {
    uint64_t distance = table_distance(luminance, standard_tables[0], quality);
    if (chrominance != NULL) distance += table_distance(chrominance, second, quality);
    if (distance < least) {
      least = distance;
      best = quality;
    }
  }
  return best;
}
