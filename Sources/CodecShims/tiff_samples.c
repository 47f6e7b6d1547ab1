// Samples between a TIFF and memory: bits, signs, palettes, inversion, the place of alpha.
#include "tiff.h"

#include <math.h>
#include <string.h>

int32_t tiff_samples_set(tiff_samples *samples, const codec_header *header, codec_error *error) {
  memset(samples, 0, sizeof *samples);
  samples->width = header->width;
  samples->channels = samples->file_channels = header->channels;
  samples->size = codec_sample_size(header->sample_type);
  bool floating = header->sample_type == codec_float32 || header->sample_type == codec_float64;
  samples->kind = floating ? codec_floating : codec_unsigned;
  samples->bits = (uint32_t)(8 * samples->size);
  if (header->stored_bits > 0) {
    samples->kind = header->stored_kind;
    samples->bits = (uint32_t)header->stored_bits;
  }
  uint32_t bits = samples->bits;
  bool known = samples->kind == codec_unsigned ? (bits >= 1 && bits <= 16) || bits == 32 || bits == 64
               : samples->kind == codec_signed ? bits == 8 || bits == 16 || bits == 32 || bits == 64
                                               : bits == 16 || bits == 32 || bits == 64;
  if (!known) {
    return codec_fail(error, codec_unsupported, 0, "TIFF of %u-bit %s samples is not supported", bits,
                      samples->kind == codec_unsigned ? "unsigned"
                      : samples->kind == codec_signed ? "signed"
                                                      : "floating-point");
  }
  samples->file_size = bits <= 8 ? 1 : bits <= 16 ? 2 : bits / 8;
  samples->inverted = header->tiff_inverted && header->color == codec_gray && samples->kind != codec_floating;
  samples->premultiplied = header->alpha == codec_alpha_premultiplied;
  samples->alpha_place = samples->channels - 1;
  if (header->alpha != codec_alpha_none) {
    uint32_t place = samples->channels - 1 - header->extra_bands + (uint32_t)header->tiff_alpha_place;
    if (place < samples->channels) samples->alpha_place = place;
  }
  return codec_ok;
}

bool tiff_samples_same(const tiff_samples *samples) {
  bool as_in_memory = samples->kind == codec_unsigned   ? samples->bits == 8 || samples->bits == 16
                      : samples->kind == codec_floating ? samples->bits >= 32
                                                        : false;
  return as_in_memory && !samples->inverted && !samples->signed_ab && samples->palette == NULL &&
         samples->alpha_place + 1 == samples->channels;
}

bool tiff_samples_packed(const tiff_samples *samples) { return samples->bits % 8 != 0; }

size_t tiff_packed_bytes(const tiff_samples *samples, size_t count) { return (count * samples->bits + 7) / 8; }

void tiff_unpack(const tiff_samples *samples, const uint8_t *packed, uint8_t *row, size_t count) {
  uint32_t bits = samples->bits, held = 0, buffer = 0;
  uint32_t mask = (1u << bits) - 1;
  for (size_t i = 0; i < count; i++) {
    while (held < bits) {
      buffer = buffer << 8 | *packed++;
      held += 8;
    }
    held -= bits;
    uint16_t value = (uint16_t)(buffer >> held & mask);
    if (samples->file_size == 1) {
      row[i] = (uint8_t)value;
    } else {
      memcpy(row + 2 * i, &value, 2);
    }
  }
}

void tiff_pack(const tiff_samples *samples, const uint8_t *row, uint8_t *packed, size_t count) {
  uint32_t bits = samples->bits, held = 0, buffer = 0;
  for (size_t i = 0; i < count; i++) {
    uint16_t value = row[i];
    if (samples->file_size == 2) memcpy(&value, row + 2 * i, 2);
    buffer = buffer << bits | value;
    for (held += bits; held >= 8; held -= 8) *packed++ = (uint8_t)(buffer >> (held - 8));
  }
  if (held > 0) *packed = (uint8_t)(buffer << (8 - held));
}

// IEEE 754's 16-bit format.
static float half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023, bits;
  if (exponent == 31) {
    bits = sign | 0x7f800000 | fraction << 13;
  } else if (exponent > 0) {
    bits = sign | (exponent + 112) << 23 | fraction << 13;
  } else {
    float value = (float)fraction * 0x1p-24f;
    memcpy(&bits, &value, 4);
    bits |= sign;
  }
  float result;
  memcpy(&result, &bits, 4);
  return result;
}

static uint16_t float_to_half(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7fffffff;
  if (bits > 0x7f800000) return sign | 0x7e00;   // Not a number.
  if (bits >= 0x477ff000) return sign | 0x7c00;  // Rounds to more than the largest.
  if (bits < 0x38800000) {                       // Below 2⁻¹⁴: a multiple of 2⁻²⁴.
    return (uint16_t)(sign | (uint16_t)lrintf(fabsf(value) * 0x1p24f));
  }
  uint32_t rounded = bits + 0xfff + (bits >> 13 & 1);
  return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

/// One sample of the file as it is in memory.
static void widen(const tiff_samples *samples, const uint8_t *from, uint8_t *to) {
  uint16_t half;
  uint32_t word;
  uint64_t large;
  float single;
  double number;
  switch (samples->kind) {
    case codec_unsigned:
      if (samples->bits <= 8) {
        uint32_t most = (1u << samples->bits) - 1;
        *to = (uint8_t)((*from * 255 + most / 2) / most);
      } else if (samples->bits <= 16) {
        memcpy(&half, from, 2);
        uint32_t most = (1u << samples->bits) - 1;
        half = (uint16_t)((half * 65535u + most / 2) / most);
        memcpy(to, &half, 2);
      } else if (samples->bits == 32) {
        memcpy(&word, from, 4);
        number = word / 4294967295.0;
        memcpy(to, &number, 8);
      } else {
        memcpy(&large, from, 8);
        number = (double)large * 0x1p-64;
        memcpy(to, &number, 8);
      }
      return;
    case codec_signed:
      if (samples->bits == 8) {
        single = (float)(int8_t)*from / 127;
        memcpy(to, &single, 4);
      } else if (samples->bits == 16) {
        memcpy(&half, from, 2);
        single = (float)(int16_t)half / 32767;
        memcpy(to, &single, 4);
      } else if (samples->bits == 32) {
        memcpy(&word, from, 4);
        number = (int32_t)word / 2147483647.0;
        memcpy(to, &number, 8);
      } else {
        memcpy(&large, from, 8);
        number = (double)(int64_t)large * 0x1p-63;
        memcpy(to, &number, 8);
      }
      return;
    default:
      if (samples->bits != 16) {
        memcpy(to, from, samples->size);
      } else {
        memcpy(&half, from, 2);
        single = half_to_float(half);
        memcpy(to, &single, 4);
      }
  }
}

static double clamped(double value, double least, double most) {
  return value > least ? value < most ? value : most : least;  // A NaN becomes the least.
}

/// To the nearest whole number; what has no fraction stays as it is.
static double rounded(double value) { return fabs(value) < 0x1p52 ? floor(value + 0.5) : value; }

/// The reverse, rounded to nearest and clamped to what the file's type can hold.
static void narrow(const tiff_samples *samples, const uint8_t *from, uint8_t *to) {
  uint16_t half;
  uint32_t word;
  uint64_t large;
  float single;
  double number;
  switch (samples->kind) {
    case codec_unsigned:
      if (samples->bits <= 8) {
        uint32_t most = (1u << samples->bits) - 1;
        *to = (uint8_t)((*from * most + 127) / 255);
      } else if (samples->bits <= 16) {
        memcpy(&half, from, 2);
        uint32_t most = (1u << samples->bits) - 1;
        half = (uint16_t)(((uint64_t)half * most + 32767) / 65535);
        memcpy(to, &half, 2);
      } else if (samples->bits == 32) {
        memcpy(&number, from, 8);
        word = (uint32_t)clamped(floor(number * 4294967295.0 + 0.5), 0, 4294967295.0);
        memcpy(to, &word, 4);
      } else {
        memcpy(&number, from, 8);
        number = clamped(rounded(number * 0x1p64), 0, 0x1p64);
        large = number < 0x1p64 ? (uint64_t)number : UINT64_MAX;
        memcpy(to, &large, 8);
      }
      return;
    case codec_signed:
      if (samples->bits <= 16) {
        memcpy(&single, from, 4);
        double most = samples->bits == 8 ? 127 : 32767;
        int32_t value = (int32_t)clamped(floor(single * most + 0.5), -most - 1, most);
        if (samples->bits == 8) {
          *to = (uint8_t)value;
        } else {
          half = (uint16_t)value;
          memcpy(to, &half, 2);
        }
      } else if (samples->bits == 32) {
        memcpy(&number, from, 8);
        word = (uint32_t)(int32_t)clamped(floor(number * 2147483647.0 + 0.5), -2147483648.0, 2147483647.0);
        memcpy(to, &word, 4);
      } else {
        memcpy(&number, from, 8);
        number = clamped(rounded(number * 0x1p63), -0x1p63, 0x1p63);
        large = (uint64_t)(number < 0x1p63 ? (int64_t)number : INT64_MAX);
        memcpy(to, &large, 8);
      }
      return;
    default:
      if (samples->bits != 16) {
        memcpy(to, from, samples->size);
      } else {
        memcpy(&single, from, 4);
        half = float_to_half(single);
        memcpy(to, &half, 2);
      }
  }
}

void tiff_sample_set(const tiff_samples *samples, double value, uint8_t *sample) {
  float single = (float)value;
  if (samples->kind == codec_floating) {
    uint16_t half = float_to_half(single);
    memcpy(sample,
           samples->bits == 16   ? (void *)&half
           : samples->bits == 32 ? (void *)&single
                                 : (void *)&value,
           samples->file_size);
    return;
  }
  if (samples->bits == 64) {
    // As a fraction, which is a number in memory.
    value *= samples->kind == codec_signed ? 0x1p-63 : 0x1p-64;
    narrow(samples, (const uint8_t *)&value, sample);
    return;
  }
  double most = ldexp(1, (int)samples->bits - (samples->kind == codec_signed ? 1 : 0)) - 1;
  int64_t whole = (int64_t)clamped(floor(value + 0.5), samples->kind == codec_signed ? -most - 1 : 0, most);
  uint8_t byte = (uint8_t)whole;
  uint16_t half = (uint16_t)whole;
  uint32_t word = (uint32_t)whole;
  memcpy(sample,
         samples->file_size == 1   ? (void *)&byte
         : samples->file_size == 2 ? (void *)&half
                                   : (void *)&word,
         samples->file_size);
}

/// Turns the gray of a pixel in memory between min-is-white and min-is-black. Gray that alpha has been multiplied into
/// runs up to alpha only.
static void invert(const tiff_samples *samples, uint8_t *pixel) {
  const uint8_t *alpha = samples->premultiplied ? pixel + (samples->channels - 1) * samples->size : NULL;
  uint16_t value, white = 65535;
  double number, one = 1;
  float single;
  switch (samples->size) {
    case 1: {
      uint8_t most = alpha != NULL ? *alpha : 255;
      *pixel = *pixel < most ? most - *pixel : 0;
      return;
    }
    case 2:
      memcpy(&value, pixel, 2);
      if (alpha != NULL) memcpy(&white, alpha, 2);
      value = value < white ? white - value : 0;
      memcpy(pixel, &value, 2);
      return;
    case 4:
      memcpy(&single, pixel, 4);
      single = 1 - single;
      memcpy(pixel, &single, 4);
      return;
    default:
      memcpy(&number, pixel, 8);
      if (alpha != NULL) memcpy(&one, alpha, 8);
      number = one - number;
      memcpy(pixel, &number, 8);
  }
}

/// Moves a* and b* between signed and offset.
static void flip_ab(const tiff_samples *samples, uint8_t *pixel) {
  // The highest bit stands in the last byte of a little-endian machine.
  size_t high = CODEC_BIG_ENDIAN_HOST ? 0 : samples->size - 1;
  pixel[samples->size + high] ^= 0x80;
  pixel[2 * samples->size + high] ^= 0x80;
}

static uint32_t place_in_file(const tiff_samples *samples, uint32_t channel) {
  if (channel + 1 == samples->channels) return samples->alpha_place;
  return channel < samples->alpha_place ? channel : channel + 1;
}

/// Where a sample behind the index of a palette goes: alpha to the end.
static size_t place_in_palette(const tiff_samples *samples, uint32_t channel) {
  // In the numbers of the picture that comes out, whose colour has three samples.
  size_t place = channel + 2;
  if (place == samples->alpha_place) return samples->channels - 1;
  return place < samples->alpha_place ? place : place - 1;
}

void tiff_row_to_memory(const tiff_samples *samples, const uint8_t *file_row, uint8_t *row) {
  if (samples->palette != NULL) {
    // What stands behind the index, such as alpha, is 8-bit as it is.
    size_t step = samples->file_channels, pixel = samples->channels;
    uint32_t most = (1u << samples->bits) - 1;
    for (size_t x = 0; x < samples->width; x++) {
      const uint8_t *from = file_row + x * step;
      uint8_t *to = row + x * pixel;
      memcpy(to, samples->palette + 3 * (size_t)from[0], 3);
      for (size_t i = 1; i < step; i++) {
        size_t place = place_in_palette(samples, (uint32_t)i);
        to[place] = (uint8_t)((from[i] * 255 + most / 2) / most);
      }
    }
    return;
  }
  size_t pixel = samples->channels * samples->size, file_pixel = samples->file_channels * samples->file_size;
  for (uint32_t channel = 0; channel < samples->channels; channel++) {
    const uint8_t *from = file_row + place_in_file(samples, channel) * samples->file_size;
    uint8_t *to = row + channel * samples->size;
    for (size_t x = 0; x < samples->width; x++) widen(samples, from + x * file_pixel, to + x * pixel);
  }
  for (size_t x = 0; samples->inverted && x < samples->width; x++) invert(samples, row + x * pixel);
  for (size_t x = 0; samples->signed_ab && x < samples->width; x++) flip_ab(samples, row + x * pixel);
}

void tiff_row_to_file(const tiff_samples *samples, const uint8_t *row, uint8_t *file_row) {
  size_t pixel = samples->channels * samples->size, file_pixel = samples->file_channels * samples->file_size;
  for (size_t x = 0; x < samples->width; x++) {
    uint8_t copy[64 * 8];
    const uint8_t *from = row + x * pixel;
    if ((samples->inverted || samples->signed_ab) && pixel <= sizeof copy) {
      memcpy(copy, from, pixel);
      if (samples->inverted) invert(samples, copy);
      if (samples->signed_ab) flip_ab(samples, copy);
      from = copy;
    }
    for (uint32_t channel = 0; channel < samples->channels; channel++) {
      uint8_t *to = file_row + x * file_pixel + place_in_file(samples, channel) * samples->file_size;
      narrow(samples, from + channel * samples->size, to);
    }
  }
}
