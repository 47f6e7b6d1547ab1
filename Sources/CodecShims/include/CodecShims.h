// Row readers and row writers over libpng, libjpeg, libtiff and for Netpbm and NumPy: the contract with Swift.
//
// Every function that can fail returns `codec_ok` (0) or another `codec_status`, and then has filled in `*error`.
// No longjmp leaves a function of this module, nothing is printed, no global state is changed, and two handles may be
// used on two threads at once (one handle by one thread at a time).
//
// Samples cross this border interleaved (R G B A R G B A …), in the machine's byte order, one row after the other,
// top to bottom: 8-bit and 16-bit unsigned or 32-bit and 64-bit float. What a file holds otherwise is converted on the
// way (`stored_kind`).
#ifndef IMBREX_CODEC_SHIMS_H
#define IMBREX_CODEC_SHIMS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#else
#define _Nullable
#define _Nonnull
#endif

typedef enum codec_status {
  codec_ok = 0,
  codec_malformed = 1,    ///< The bytes break the format's rules.
  codec_truncated = 2,    ///< The file ends before the picture does.
  codec_unsupported = 3,  ///< Valid, but a variant that is not handled; the message says which.
  codec_io = 4,           ///< The system refused a read or a write; `system_errno` says why.
  codec_memory = 5,       ///< Not enough memory.
  codec_limit = 6,        ///< A limit set by the caller (`max_pixels`, `max_memory`) is exceeded.
  codec_no_page = 7,      ///< There is no further page.
} codec_status;

/// The limits that a caller sets.
typedef enum codec_limit_kind {
  codec_limit_other = 0,
  codec_limit_pixels = 1,
  codec_limit_memory = 2
} codec_limit_kind;

typedef struct codec_error {
  int32_t status;        ///< A `codec_status`.
  int32_t system_errno;  ///< errno of the failed call, or 0.
  char message[256];     ///< One line, no full stop, no file name, always terminated.
  int32_t limit;         ///< With codec_limit, which of the caller's limits: a `codec_limit_kind` …
  uint64_t needed;       ///< … and what it would have to be.
} codec_error;

typedef enum codec_sample_type {
  codec_uint8 = 0,
  codec_uint16 = 1,
  codec_float32 = 2,
  codec_float64 = 3
} codec_sample_type;
/// How a file holds samples that are another type in memory.
typedef enum codec_kind { codec_unsigned = 0, codec_signed = 1, codec_floating = 2 } codec_kind;
/// CMYK: amounts of ink, 0 is none. Lab: a* and b* offset, so that they are positive.
typedef enum codec_color { codec_gray = 0, codec_rgb = 1, codec_cmyk = 2, codec_lab = 3 } codec_color;
typedef enum codec_alpha { codec_alpha_none = 0, codec_alpha_straight = 1, codec_alpha_premultiplied = 2 } codec_alpha;
/// The members of the Netpbm family: P7; P5 or P6; Pf or PF.
typedef enum codec_pnm_kind { codec_pnm_pam = 0, codec_pnm_pgm_ppm = 1, codec_pnm_pfm = 2 } codec_pnm_kind;
/// What a NumPy array has though its picture does not need it: an axis for one page, or for one channel; and how its
/// numbers lie. Fortran's order is read, and never written.
typedef enum codec_npy_layout {
  codec_npy_paged = 1,
  codec_npy_channeled = 2,
  codec_npy_big_endian = 4,
  codec_npy_fortran = 8
} codec_npy_layout;
typedef enum codec_unit { codec_unit_none = 0, codec_unit_inch = 1, codec_unit_cm = 2 } codec_unit;

/// What a item is, and thus whether files of another kind can take it.
typedef enum codec_item_kind {
  codec_item_exif = 0,       ///< Exif 2.3's payload: a TIFF stream without pictures.
  codec_item_xmp = 1,        ///< An XMP packet.
  codec_item_comment = 2,    ///< Text: JPEG's COM, PNG's Comment.
  codec_item_png = 3,        ///< A chunk of PNG, copied as it is; `tag` is its name, big-endian.
  codec_item_jpeg = 4,       ///< A marker segment of JPEG, copied as it is; `tag` is the marker.
  codec_item_tiff = 5,       ///< A tag of a TIFF's directory, `type` and `count` as TIFF has them.
  codec_item_tiff_exif = 6,  ///< The same of its Exif directory …
  codec_item_tiff_gps = 7,   ///< … and of its GPS directory.
} codec_item_kind;

/// Something that a file carries beside its picture.
typedef struct codec_item {
  int32_t kind;  ///< A `codec_item_kind`.
  uint32_t tag;
  uint16_t type;                   ///< TIFF's field type; else 0.
  uint64_t count;                  ///< Values of that type; else bytes.
  const uint8_t *_Nullable bytes;  ///< In the machine's byte order where they are numbers of a TIFF field.
  size_t byte_count;
} codec_item;

/// What a file says of its picture, and how it was encoded, so that the same kind of file can be written again.
/// A reader fills it in; a writer takes it (and ignores the fields of other formats).
typedef struct codec_header {
  uint32_t width, height;  ///< Pixels; both at least 1.
  uint32_t channels;       ///< Samples a pixel, alpha included; colour first, alpha last.
  uint32_t extra_bands;    ///< Of them, those that are neither colour nor alpha.
  int32_t sample_type;     ///< A `codec_sample_type`.
  int32_t color;           ///< A `codec_color`.
  int32_t alpha;           ///< A `codec_alpha`.
  /// How the file holds samples: a `codec_kind` and bits each; 0 bits: as `sample_type`. 12-bit and the like come as
  /// `codec_uint16`, signed integers of 8 and 16 bits and 16-bit floats as `codec_float32`, those of 32 and 64 bits
  /// as `codec_float64`, with 1.0 or full scale for the largest.
  int32_t stored_kind, stored_bits;
  /// For readers only: bits a sample as they are in the file, and what its colours are called.
  int32_t file_bits;
  const char *_Nullable file_color;
  int32_t orientation;  ///< 1…8 as in TIFF and Exif; 0 unknown.
  /// 1 if rows come as the file is read, so that the decoder holds no more than a band; 0 if it must hold the whole
  /// picture (interlaced PNG, progressive JPEG).
  int32_t in_order;

  double x_resolution, y_resolution;  ///< Pixels per `resolution_unit`; 0 if unknown.
  int32_t resolution_unit;            ///< A `codec_unit` (none: aspect ratio only).

  int32_t png_interlaced;  ///< 1: Adam7.

  int32_t pnm_kind;  ///< A `codec_pnm_kind`: what was read, or is to be written.

  int32_t npy_layout;  ///< Some of `codec_npy_layout`.

  int32_t jpeg_quality;      ///< 1…100, estimated from the quantisation tables when read; 0 unknown.
  int32_t jpeg_progressive;  ///< 1: progressive.
  /// Sampling factors of the first component relative to the others, as 4:2:0 → 2, 2; 4:4:4 → 1, 1. 0 unknown.
  int32_t jpeg_h_sampling, jpeg_v_sampling;
  int32_t jpeg_untransformed;  ///< 1: RGB not as YCbCr, CMYK not as YCCK.
  int32_t jpeg_arithmetic;     ///< 1: arithmetic coding.
  int32_t jpeg_restart;        ///< MCUs between restart markers; 0: none.

  int32_t tiff_compression;                    ///< libtiff's COMPRESSION_ value; 0 unknown.
  int32_t tiff_webp_lossless;                  ///< 1: WebP without loss.
  double tiff_lerc_error;                      ///< LERC's largest error, in the samples' own units; negative: unknown.
  int32_t tiff_lerc_addition;                  ///< What LERC's blocks are compressed with in addition, in its numbers.
  int32_t tiff_predictor;                      ///< libtiff's PREDICTOR_ value; 0 unknown.
  uint32_t tiff_tile_width, tiff_tile_height;  ///< 0: strips.
  int32_t tiff_whole_tiles;                    ///< To a writer, 1: tiles of that size also where the picture is less.
  uint32_t tiff_rows_per_strip;                ///< 0: unknown.
  int32_t tiff_planar;                         ///< 1: separate planes.
  int32_t tiff_big_endian;                     ///< 1: big-endian file.
  int32_t tiff_big;                            ///< 1: BigTIFF.
  int32_t tiff_inverted;                       ///< 1: min-is-white.
  int32_t tiff_alpha_place;                    ///< Where among the samples behind colour alpha stands.
  /// Directories of the file that are no pages: reduced versions, masks, a slide's label; told of the first that is
  /// read.
  uint32_t tiff_left_out;
  uint64_t tiff_directory;  ///< Where a reader found the page's directory.
  /// To a writer, 1: the page is a reduced version of another.
  int32_t tiff_reduced;
  /// Pages in the file, if known; 0 else (a stream). To a writer: how many are to come, if that is known for certain.
  uint32_t page_count;

  /// ICC profile, or null. From a reader: owned by it, valid until it is closed. To a writer: read only during
  /// `create`.
  const uint8_t *_Nullable icc_profile;
  size_t icc_profile_count;
  /// What else the file carries; owned like the profile.
  const codec_item *_Nullable items;
  size_t item_count;
} codec_header;

/// Where a reader's bytes come from: `head` (bytes already read from `fd` to recognise the format; they stay valid
/// until the reader is closed), then `fd` from its current position. The fd stays the caller's.
/// TIFF seeks: its `fd` must be seekable, the file begins at offset 0, and `head` is ignored.
typedef struct codec_input {
  int fd;
  const uint8_t *_Nullable head;
  size_t head_count;
  uint64_t max_pixels;  ///< width × height beyond this is `codec_limit`, before anything is allocated.
  /// Bytes that a decoder may hold in memory; where it must hold a whole picture, more go to a temporary file or are
  /// `codec_limit`. 0: no limit.
  uint64_t max_memory;
  /// 1: damaged and cut data is no error; what cannot be read is black.
  int32_t is_tolerant;
  uint32_t page;  ///< Where to begin in a file of several pages; `codec_no_page` if there are fewer.
} codec_input;

/// Refuses rows of which a run must hold so many that they are more than `max_memory`.
int32_t codec_check_row(const codec_input *input, size_t row_bytes, codec_error *error);

/// How to write beyond what `codec_header` says.
typedef struct codec_options {
  int32_t compression;     ///< PNG and TIFF deflate level 0…9 (1 and 2 are ISA-L's); -1: 2.
  int32_t zstd_level;      ///< 1…22; 0: libtiff's usual one, 9.
  int32_t jpeg_quality;    ///< 1…100; 0: the header's, or 90 if that is unknown.
  int32_t needs_big_tiff;  ///< 1: more is to come than a classic TIFF may hold.
  /// Bytes of a picture that a format wants whole before it is written; more is held in a temporary file. 0: any.
  uint64_t max_memory;
} codec_options;

// Each format F has the same functions, on its own handle types:
//
// codec_F_open:       Reads the header. On success `*reader` is a handle to close; on failure it is null.
// codec_F_read_rows:  Decodes the next `rows` rows into `rows` × `stride` bytes (stride ≥ width × channels × sample
//                     size). Asking for more rows than are left is a bug of the caller's.
// codec_F_damage:     What the rows read so far had to be made up for (`is_tolerant`): status codec_ok if nothing.
// codec_F_close:      Frees the handle (null is allowed), at any time.
// codec_F_create:     Begins a file at `fd`'s current position (TIFF: `fd` is readable, seekable, empty).
// codec_F_write_rows: Encodes the next rows.
// codec_F_finish:     Completes the file; every byte has been given to the system without error when it returns
//                     codec_ok. Fails if rows are missing.
// codec_F_discard:    Frees the handle (null is allowed), finished or not, and writes nothing more.
#define CODEC_DECLARE(F)                                                                                      \
  typedef struct codec_##F##_reader codec_##F##_reader;                                                       \
  typedef struct codec_##F##_writer codec_##F##_writer;                                                       \
  int32_t codec_##F##_open(const codec_input *input, codec_##F##_reader *_Nullable *_Nonnull reader,          \
                           codec_header *header, codec_error *error);                                         \
  int32_t codec_##F##_read_rows(codec_##F##_reader *reader, void *rows, size_t stride, uint32_t count,        \
                                codec_error *error);                                                          \
  const codec_error *codec_##F##_damage(const codec_##F##_reader *reader);                                    \
  void codec_##F##_close(codec_##F##_reader *_Nullable reader);                                               \
  int32_t codec_##F##_create(int fd, const codec_header *header, const codec_options *options,                \
                             codec_##F##_writer *_Nullable *_Nonnull writer, codec_error *error);             \
  int32_t codec_##F##_write_rows(codec_##F##_writer *writer, const void *rows, size_t stride, uint32_t count, \
                                 codec_error *error);                                                         \
  int32_t codec_##F##_finish(codec_##F##_writer *writer, codec_error *error);                                 \
  void codec_##F##_discard(codec_##F##_writer *_Nullable writer);

/// A library that files are read and written with.
typedef struct codec_library {
  const char *_Nullable name;
  /// Of the library that runs; of those that do not tell (libjpeg, ISA-L) the one that was built with. Empty if
  /// unknown.
  char version[32];
} codec_library;

/// Fills in the library of a number from 0 on; 0 if there is none.
int32_t codec_library_at(uint32_t index, codec_library *library);

CODEC_DECLARE(png)
CODEC_DECLARE(jpeg)
CODEC_DECLARE(tiff)
CODEC_DECLARE(pnm)
CODEC_DECLARE(npy)

/// As codec_tiff_open, of the mask that goes with the page in the file; `codec_no_page` if it has none.
int32_t codec_tiff_open_mask(const codec_input *input, codec_tiff_reader *_Nullable *_Nonnull reader,
                             codec_header *header, codec_error *error);

// Windows: of the formats and files whose rows need not be read from the top.

/// From now on only a window of the page is read: codec_F_read_rows hands out its rows from its top, `width` pixels
/// each. At most once a page, before its first row. `codec_unsupported` if the file can only be read from the top; then
/// nothing has changed.
int32_t codec_tiff_select(codec_tiff_reader *reader, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                          codec_error *error);
int32_t codec_pnm_select(codec_pnm_reader *reader, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                         codec_error *error);
int32_t codec_npy_select(codec_npy_reader *reader, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                         codec_error *error);

// Pages of a TIFF or of a NumPy array, and pictures of a Netpbm stream, each by itself.

/// Goes to the next page and reads its header as codec_tiff_open does, whether all rows of this one were read or not.
/// `codec_no_page` at the end. Items and profile of the page before are no longer valid.
int32_t codec_tiff_next_page(codec_tiff_reader *reader, codec_header *header, codec_error *error);
int32_t codec_pnm_next_page(codec_pnm_reader *reader, codec_header *header, codec_error *error);
int32_t codec_npy_next_page(codec_npy_reader *reader, codec_header *header, codec_error *error);
/// 1 if something that is no picture comes behind the last; to be asked at the end.
int32_t codec_pnm_trails(const codec_pnm_reader *reader);
int32_t codec_npy_trails(const codec_npy_reader *reader);
/// Completes the page and begins the next.
int32_t codec_pnm_start_page(codec_pnm_writer *writer, const codec_header *header, codec_error *error);
/// Pages of an array are alike; of one whose number was not told, each is an array of its own where the file cannot
/// seek.
int32_t codec_npy_start_page(codec_npy_writer *writer, const codec_header *header, codec_error *error);
int32_t codec_tiff_start_page(codec_tiff_writer *writer, const codec_header *header, const codec_options *options,
                              codec_error *error);

// NumPy's arrays, wherever they come from.

enum { codec_npy_most_axes = 4 };

/// What an array's header says.
typedef struct codec_npy_array {
  size_t header_bytes;    ///< Where the numbers begin; while bytes of the header are missing, how many it has at least.
  int32_t kind;           ///< A `codec_kind`.
  uint32_t number_bytes;  ///< 1, 2, 4 or 8.
  int32_t is_bool;
  int32_t is_big_endian;
  int32_t is_fortran;                   ///< The first axis varies fastest.
  uint32_t axes;                        ///< All of them; their lengths as far as there is room.
  uint64_t shape[codec_npy_most_axes];  ///< 0 where there are fewer.
} codec_npy_array;

/// Reads a header, from its first byte. `codec_truncated` while there are not all of its bytes.
int32_t codec_npy_parse(const uint8_t *bytes, size_t count, codec_npy_array *array, codec_error *error);

// Compressions of a TIFF.

/// What one is called: in lists, and in sentences; and in a few words what it does not go with.
typedef struct codec_tiff_compression {
  int32_t number;  ///< libtiff's COMPRESSION_ value.
  const char *name, *title, *limits;
} codec_tiff_compression;

/// Null if it is not known.
const codec_tiff_compression *_Nullable codec_tiff_find_compression(int32_t number);
/// That with which a page is written: the header's, or another where that does not go with its samples.
int32_t codec_tiff_written_compression(const codec_header *header);

// PNG in blocks of rows, so that several threads can compress one picture: blocks are filtered and deflated by
// themselves (codec_png_encode_block, on any thread), then joined in order into one zlib stream
// (codec_png_append_block) between codec_png_create and codec_png_finish, instead of codec_png_write_rows. Not for
// interlaced pictures.

typedef struct codec_png_block {
  const uint8_t *rows;             ///< `count` rows, `width × channels × sample size` bytes each, without gaps.
  const uint8_t *_Nullable above;  ///< The row above the first, or null at the picture's top.
  uint32_t count;
  int32_t is_first, is_last;
} codec_png_block;

typedef struct codec_png_encoded {
  uint8_t *_Nullable bytes;  ///< To be freed with codec_png_free_block.
  size_t count;
  uint32_t adler;      ///< Adler-32 of what was deflated …
  uint64_t raw_count;  ///< … and its length.
  uint32_t rows;
  int32_t is_last;
} codec_png_encoded;

/// Memory that encoding needs, to be used for one block after another (by one thread at a time).
typedef struct codec_png_workspace codec_png_workspace;
codec_png_workspace *_Nullable codec_png_workspace_new(const codec_header *header, uint32_t rows_per_block);
void codec_png_workspace_free(codec_png_workspace *_Nullable workspace);

int32_t codec_png_encode_block(codec_png_workspace *workspace, const codec_options *options,
                               const codec_png_block *block, codec_png_encoded *encoded, codec_error *error);
int32_t codec_png_append_block(codec_png_writer *writer, const codec_png_encoded *encoded, codec_error *error);
void codec_png_free_block(codec_png_encoded *encoded);

// PNG's items may stand behind its picture: to be asked for when all rows are read, and given to a writer before
// codec_png_finish (until which they stay the caller's).

const codec_item *_Nullable codec_png_late_items(const codec_png_reader *reader, size_t *count);
void codec_png_add_late_items(codec_png_writer *writer, const codec_item *_Nullable items, size_t count);

// JPEG in blocks of rows between restart markers, likewise.

/// How a writer's file is cut; made by codec_jpeg_blocks.
typedef struct codec_jpeg_layout {
  uint32_t rows_per_block;  ///< 0: the file is not made of blocks.
  uint32_t interval;        ///< MCUs between restart markers.
  uint32_t rows_per_interval;
} codec_jpeg_layout;

/// Entropy-coded data of a block, with the markers in it numbered from 0.
typedef struct codec_jpeg_encoded {
  uint8_t *_Nullable bytes;  ///< To be freed with codec_jpeg_free_block.
  size_t count;
  uint32_t rows;
} codec_jpeg_encoded;

void codec_jpeg_blocks(const codec_header *header, codec_jpeg_layout *layout);
int32_t codec_jpeg_encode_block(const codec_jpeg_layout *layout, const codec_header *header,
                                const codec_options *options, const uint8_t *rows, uint32_t count,
                                codec_jpeg_encoded *encoded, codec_error *error);
int32_t codec_jpeg_append_block(codec_jpeg_writer *writer, const codec_jpeg_layout *layout,
                                const codec_jpeg_encoded *encoded, codec_error *error);
void codec_jpeg_free_block(codec_jpeg_encoded *encoded);

// TIFF in blocks of whole strips, or of whole rows of tiles, likewise: for all that is compressed, but for huge strips.
// A block is encoded by codec_tiff_encode_block on any thread and appended in order.

/// How a writer's file is cut; made by codec_tiff_blocks.
typedef struct codec_tiff_layout {
  uint32_t width, height, channels;
  size_t sample_size;
  uint32_t tile_width;  ///< In units of `sample_size × channels`, as `width` is, which packed samples share; 0: strips.
  uint32_t tile_columns;    ///< In pixels.
  uint32_t segment_rows;    ///< Rows of a strip or tile.
  uint32_t rows_per_block;  ///< A multiple of that (or the height).
  int32_t differences;      ///< 1: samples are stored as differences to their left neighbour (predictor 2).
  int32_t as_floats;        ///< 1: they go through the predictor for floats (3).
  int32_t level;            ///< Deflate level, -1 for the default.
  int32_t
      through_library;  ///< 1: libtiff encodes; 0: ISA-L or zlib, which is deflate of interleaved samples as they are.
} codec_tiff_layout;

typedef struct codec_tiff_encoded {
  uint8_t *_Nullable bytes;  ///< The strips or tiles, one behind the other. To be freed with codec_tiff_free_block …
  size_t *_Nullable counts;  ///< … like their sizes.
  uint32_t segments, rows;
} codec_tiff_encoded;

/// Returns 1 and fills in the layout if this writer's page can be made of blocks, else 0. With the header and the
/// options that the page was begun with.
int32_t codec_tiff_blocks(codec_tiff_writer *writer, const codec_header *header, const codec_options *options,
                          codec_tiff_layout *layout);
/// Encodes `count` rows as they are in memory, without gaps.
int32_t codec_tiff_encode_block(const codec_tiff_layout *layout, const codec_header *header,
                                const codec_options *options, const uint8_t *rows, uint32_t count,
                                codec_tiff_encoded *encoded, codec_error *error);
int32_t codec_tiff_append_block(codec_tiff_writer *writer, const codec_tiff_encoded *encoded, codec_error *error);
void codec_tiff_free_block(codec_tiff_encoded *encoded);

// Levels: rows at half the size, by means of 2 × 2.

typedef struct codec_halving {
  uint32_t width, channels;
  int32_t sample_type;     ///< A `codec_sample_type`.
  int32_t straight_alpha;  ///< 1: the last channel is alpha, and colour counts by it.
  int32_t majority;        ///< 1: what most samples are, the larger of two that are as many.
  int32_t has_nodata;      ///< 1: samples of that value do not count.
  double nodata;
  /// Of the pixels of the two rows 1, or 0 for those that do not count; null: all do.
  const uint8_t *_Nullable cover_above, *_Nullable cover_below;
} codec_halving;

/// Makes a row of (width + 1) / 2 pixels of two; of a last one that stands alone, given twice, likewise.
void codec_halve_rows(const codec_halving *how, const void *above, const void *below, void *out);

/// Rows of which a part of the page that is a file of the same kind must begin at a multiple, so that its strips or
/// tiles can be copied as they are; 0: they cannot.
uint32_t codec_tiff_joins(const codec_tiff_writer *writer);
/// Appends the strips or tiles of such a file, of `rows` rows: those that come next.
int32_t codec_tiff_append_file(codec_tiff_writer *writer, int fd, uint32_t rows, codec_error *error);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
