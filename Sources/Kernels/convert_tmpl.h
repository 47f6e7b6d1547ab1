// Conversion of samples, luma and alpha.

#define DEFINE_LOAD(NAME, IN, OUT)                                         \
  static void KERNEL(NAME)(const IN *src, OUT *dst, OUT scale, size_t n) { \
    for (size_t i = 0; i < n; i++) dst[i] = (OUT)src[i] * scale;           \
  }
DEFINE_LOAD(load_u8_f32, uint8_t, float)
DEFINE_LOAD(load_u16_f32, uint16_t, float)
DEFINE_LOAD(load_u8_f64, uint8_t, double)
DEFINE_LOAD(load_u16_f64, uint16_t, double)
DEFINE_LOAD(load_f32_f64, float, double)
#undef DEFINE_LOAD

static void KERNEL(scale_f32)(const float *src, float *dst, float scale, float offset, size_t n) {
  for (size_t i = 0; i < n; i++) dst[i] = src[i] * scale + offset;
}

// The comparisons are written so that NaN fails the first and becomes 0.
#define DEFINE_STORE(NAME, OUT, MAX)                                                          \
  static void KERNEL(NAME)(const float *src, OUT *dst, float scale, float offset, size_t n) { \
    for (size_t i = 0; i < n; i++) {                                                          \
      float value = src[i] * scale + offset;                                                  \
      value = value > 0.0f ? value : 0.0f;                                                    \
      value = value < MAX ? value : MAX;                                                      \
      dst[i] = (OUT)(int32_t)(value + 0.5f);                                                  \
    }                                                                                         \
  }
DEFINE_STORE(store_f32_u8, uint8_t, 255.0f)
DEFINE_STORE(store_f32_u16, uint16_t, 65535.0f)
#undef DEFINE_STORE

// ITU-R BT.709 weights as rounded by scikit-image's rgb2gray, on the gamma-encoded samples.
#define DEFINE_LUMA(NAME, IN, OUT)                                                                  \
  static void KERNEL(NAME)(const IN *src, OUT *dst, OUT scale, size_t channels, size_t pixels) {    \
    for (size_t i = 0; i < pixels; i++) {                                                           \
      const IN *pixel = src + i * channels;                                                         \
      OUT red = (OUT)pixel[0] * scale, green = (OUT)pixel[1] * scale, blue = (OUT)pixel[2] * scale; \
      dst[i] = (OUT)0.2125 * red + (OUT)0.7154 * green + (OUT)0.0721 * blue;                        \
    }                                                                                               \
  }
DEFINE_LUMA(luma_u8_f32, uint8_t, float)
DEFINE_LUMA(luma_u16_f32, uint16_t, float)
DEFINE_LUMA(luma_f32_f32, float, float)
DEFINE_LUMA(luma_u8_f64, uint8_t, double)
DEFINE_LUMA(luma_u16_f64, uint16_t, double)
DEFINE_LUMA(luma_f32_f64, float, double)
#undef DEFINE_LUMA

static void KERNEL(premultiply_f32)(float *pixels, float full, size_t channels, size_t count) {
  for (size_t i = 0; i < count; i++, pixels += channels) {
    float alpha = pixels[channels - 1] / full;
    for (size_t c = 0; c + 1 < channels; c++) pixels[c] *= alpha;
  }
}

static void KERNEL(unpremultiply_f32)(float *pixels, float full, size_t channels, size_t count) {
  for (size_t i = 0; i < count; i++, pixels += channels) {
    float alpha = pixels[channels - 1] / full;
    for (size_t c = 0; c + 1 < channels; c++) pixels[c] = alpha > 0.0f ? pixels[c] / alpha : 0.0f;
  }
}
