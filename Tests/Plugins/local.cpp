// Two filters in C++: the least and the largest sample of a window, as templates for all types of samples.
//
//   c++ -std=c++11 -shared -fPIC -O2 local.cpp -o liblocal.so
#include "imbrex_filter.h"

#include <algorithm>
#include <cstdio>

namespace {

enum { radius, shape };

const char *const shapes[] = {"square", "cross", nullptr};
const imbrex_parameter parameters[] = {
    {"radius", "Pixels to each side.", IMBREX_INTEGER, 0, 50, 1, nullptr, nullptr},
    {"shape", "Shape of the window.", IMBREX_CHOICE, 0, 0, 0, "square", shapes},
};

int reach(const imbrex_value *values, imbrex_reach *reach, char *message) {
  if (values[radius].integer > 20 && values[shape].integer == 0) {
    std::snprintf(message, IMBREX_MESSAGE_SIZE, "takes squares of a radius of at most 20");
    return 1;
  }
  reach->top = reach->bottom = reach->left = reach->right = static_cast<int32_t>(values[radius].integer);
  return 0;
}

/// Where ghosts are clipped, the window is.
template <typename Sample, typename Choose>
void extremes(const imbrex_value *values, const imbrex_tile &tile, Choose choose) {
  const int r = static_cast<int>(values[radius].integer), channels = tile.input.channels;
  auto row = [&](int y) {
    return reinterpret_cast<const Sample *>(static_cast<const char *>(tile.source) + y * tile.source_stride);
  };
  for (int y = 0; y < tile.height; y++) {
    Sample *out = reinterpret_cast<Sample *>(static_cast<char *>(tile.target) + y * tile.target_stride);
    for (int x = 0; x < tile.width; x++) {
      for (int c = 0; c < channels; c++) {
        Sample best = row(y)[x * channels + c];
        for (int v = std::max(y - r, -tile.top); v <= std::min(y + r, tile.height - 1 + tile.bottom); v++) {
          for (int u = std::max(x - r, -tile.left); u <= std::min(x + r, tile.width - 1 + tile.right); u++) {
            if (values[shape].integer == 1 && u != x && v != y) continue;
            best = choose(best, row(v)[u * channels + c]);
          }
        }
        out[x * channels + c] = best;
      }
    }
  }
}

struct Least {
  template <typename T>
  T operator()(T a, T b) const {
    return std::min(a, b);
  }
};
struct Largest {
  template <typename T>
  T operator()(T a, T b) const {
    return std::max(a, b);
  }
};

template <typename Choose>
int apply(const imbrex_value *values, const imbrex_tile *tile, char *) {
  switch (tile->input.type) {
    case IMBREX_UINT8: extremes<uint8_t>(values, *tile, Choose()); break;
    case IMBREX_UINT16: extremes<uint16_t>(values, *tile, Choose()); break;
    case IMBREX_FLOAT32: extremes<float>(values, *tile, Choose()); break;
    default: extremes<double>(values, *tile, Choose());
  }
  return 0;
}

const imbrex_filter erode = {
    IMBREX_FILTER_VERSION, "erode", "The least sample of the window.", 0, 2, parameters, reach, nullptr, apply<Least>};
const imbrex_filter dilate = {
    IMBREX_FILTER_VERSION, "dilate", "The largest sample of the window.", 0, 2, parameters, reach, nullptr,
    apply<Largest>};
const imbrex_filter *const all[] = {&erode, &dilate, nullptr};

}  // namespace

extern "C" const imbrex_filter *const *imbrex_filters(int32_t version) {
  return version == IMBREX_FILTER_VERSION ? all : nullptr;
}
