// imbrex_filter.h: filters for imbrex in C, or in anything that can export a C function.
//
//   cc -shared -fPIC -O2 sharpen.c -o libsharpen.so
//   imbrex apply --plugin ./libsharpen.so --set amount=2 in.tif -o out.tif
//
// A plug-in is a shared library that exports one function, imbrex_filters(), which returns a list of filters. imbrex
// cuts the picture into tiles, gives each of them with as many pixels around it (ghosts) as the filter asks for, and
// puts the results together. A filter is one pure function: the same tile with the same ghosts gives the same result,
// always. What it makes of a pixel may depend on what lies around that pixel, as far as it asked for, never on where
// the tile ends: then nobody can see the tiles. It needs no threads, no memory of its own and no library.
//
// imbrex calls it from several processes at once, one tile at a time in each; with --in-process from several threads of
// its own. What a plug-in prints is shown on standard error, with the tile's name.
//
// All text is UTF-8. Functions return 0; else they have failed, and `message` (room for IMBREX_MESSAGE_SIZE bytes, the
// final zero included; empty before) says in one line why. The file is C99 and C++, and includes no library.
#ifndef IMBREX_FILTER_H
#define IMBREX_FILTER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of this interface. A change that an old plug-in would not survive makes it another number.
#define IMBREX_FILTER_VERSION 1
#define IMBREX_MESSAGE_SIZE 256

/// Types of samples; the number is also the bytes that a sample takes.
enum {
  IMBREX_UINT8 = 1,    ///< 0 … 255 for 0 … 1.
  IMBREX_UINT16 = 2,   ///< 0 … 65535 for 0 … 1; files of 9 to 15 bits are scaled to this, and back.
  IMBREX_FLOAT32 = 4,  ///< As in the file. Files of signed or 16-bit floating samples: 1 for the type's largest number.
  IMBREX_FLOAT64 = 8,  ///< The same; also files of 32-bit integers.
};

/// What the colour samples of a pixel are. Behind them may stand further bands; alpha, if there is one, is the last.
enum { IMBREX_GRAY = 1, IMBREX_RGB = 2, IMBREX_CMYK = 3, IMBREX_LAB = 4 };
enum { IMBREX_NO_ALPHA = 0, IMBREX_STRAIGHT_ALPHA = 1, IMBREX_PREMULTIPLIED_ALPHA = 2 };

/// What ghosts beyond the picture's border are.
enum {
  IMBREX_CLIP = 0,      ///< Nothing: there are fewer ghosts at the border.
  IMBREX_REFLECT = 1,   ///< d c b a | a b c d | d c b a
  IMBREX_MIRROR = 2,    ///< d c b | a b c d | c b a
  IMBREX_NEAREST = 3,   ///< a a a a | a b c d | d d d d
  IMBREX_WRAP = 4,      ///< a b c d | a b c d | a b c d; the picture is held whole then.
  IMBREX_CONSTANT = 5,  ///< k k k k | a b c d | k k k k
};

/// Sides of a tile, to be added up.
enum { IMBREX_TOP = 1, IMBREX_BOTTOM = 2, IMBREX_LEFT = 4, IMBREX_RIGHT = 8 };

/// Types of parameters.
enum { IMBREX_INTEGER = 1, IMBREX_NUMBER = 2, IMBREX_CHOICE = 3, IMBREX_TEXT = 4 };

/// A parameter, which --set NAME=VALUE fills.
typedef struct imbrex_parameter {
  const char *name;            ///< Letters, digits, - and _.
  const char *help;            ///< One sentence.
  int32_t type;                ///< IMBREX_INTEGER …
  double minimum, maximum;     ///< Of an integer or a number, both allowed; both 0: any.
  double default_number;       ///< Of an integer or a number.
  const char *default_text;    ///< Of a choice or a text; NULL: the first choice, no text.
  const char *const *choices;  ///< Of a choice: its words, NULL behind the last.
} imbrex_parameter;

/// A parameter's value. Values stand in the order of the parameters, each with its default where nothing was set.
typedef struct imbrex_value {
  double number;     ///< Of an integer or a number.
  int64_t integer;   ///< Of an integer; of a choice, which of the words it is, from 0.
  const char *text;  ///< Of a choice or a text; else NULL.
} imbrex_value;

/// How far the function sees beyond a pixel, at most 100000 to each side, and what is beyond the border. All 0 before.
typedef struct imbrex_reach {
  int32_t top, bottom, left, right;
  int32_t boundary;  ///< IMBREX_CLIP …
  double constant;   ///< For IMBREX_CONSTANT, with 1 for full scale.
} imbrex_reach;

/// A picture's shape.
typedef struct imbrex_picture {
  int32_t width, height;
  int32_t type;      ///< IMBREX_UINT8 …
  int32_t channels;  ///< Samples a pixel, alpha and further bands included.
  int32_t color;     ///< IMBREX_GRAY …
  int32_t alpha;     ///< IMBREX_NO_ALPHA …
  double one;        ///< The number in the input's file that stands for full scale: 4095 where that holds 12 bits.
} imbrex_picture;

/// A tile: where it is, what is there, and where the result goes. Pixels are interleaved; rows run from the top.
typedef struct imbrex_tile {
  imbrex_picture input, output;  ///< The pictures that it is a part of.
  int32_t x, y, width, height;   ///< Its place, without ghosts.
  int32_t top, bottom, left,
      right;                ///< Ghosts that there are on each side: at least what was asked for, clipped fewer.
  int32_t border;           ///< Which of its sides are the picture's: IMBREX_TOP | IMBREX_LEFT …
  const void *source;       ///< The tile's first pixel; ghosts lie before it. Not to be written.
  ptrdiff_t source_stride;  ///< Bytes from one row to the next.
  void *target;             ///< The result's first pixel, width × height of them without ghosts, all 0.
  ptrdiff_t target_stride;
} imbrex_tile;

/// A filter.
typedef struct imbrex_filter {
  int32_t version;   ///< IMBREX_FILTER_VERSION, always the first.
  const char *name;  ///< Letters, digits, - and _.
  const char *help;  ///< One sentence.
  /// The types that it takes: IMBREX_UINT8 | IMBREX_FLOAT32 …, or 0 for all. Pictures of another type are converted to
  /// the next larger one that it takes, and results of that type back.
  int32_t types;
  int32_t parameter_count;
  const imbrex_parameter *parameters;
  /// Says how far it sees. NULL: no further than the pixel.
  int (*reach)(const imbrex_value *values, imbrex_reach *reach, char *message);
  /// Says what it makes of a picture, or that it does not take it: changes type, channels, color or alpha of `output`,
  /// which is a copy of `input` before. Where channels alone are changed, 1 and 2 are gray, 3 and 4 RGB, each without
  /// and with alpha. NULL: pictures like the input.
  int (*output)(const imbrex_value *values, const imbrex_picture *input, imbrex_picture *output, char *message);
  /// Makes a tile.
  int (*apply)(const imbrex_value *values, const imbrex_tile *tile, char *message);
} imbrex_filter;

#if defined(__GNUC__)
#define IMBREX_EXPORT __attribute__((visibility("default")))
#else
#define IMBREX_EXPORT
#endif

/// What a plug-in exports: its filters, NULL behind the last. They stay for as long as the library is loaded.
///
/// `version` is the IMBREX_FILTER_VERSION of the imbrex that asks; a plug-in that cannot serve it returns NULL.
IMBREX_EXPORT const imbrex_filter *const *imbrex_filters(int32_t version);

#ifdef __cplusplus
}
#endif

#endif
