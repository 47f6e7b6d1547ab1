// What the parts of the TIFF codec share: libtiff on a descriptor, samples between file and memory, items.
#ifndef IMBREX_TIFF_H
#define IMBREX_TIFF_H

#include "io.h"

#include <tiffio.h>

#if defined(__clang__)
#pragma clang assume_nonnull begin
#endif

// MARK: The library

/// libtiff's functions that are used, without their prefix.
// clang-format off
#define LIBTIFF_FUNCTIONS(X) \
  X(ClientOpenExt) X(Close) X(ComputeTile) X(CurrentDirOffset) X(FieldDataType) X(FieldPassCount) \
  X(FieldSetGetSize) X(FieldWriteCount) X(FindField) X(Flush) X(GetField) X(GetFieldDefaulted) \
  X(GetStrileByteCount) X(GetStrileOffset) X(GetVersion) X(IsBigEndian) X(IsBigTIFF) X(IsByteSwapped) X(IsCODECConfigured) \
  X(IsTiled) X(LastDirectory) X(MergeFieldInfo) X(OpenOptionsAlloc) X(OpenOptionsFree) \
  X(OpenOptionsSetErrorHandlerExtR) X(OpenOptionsSetMaxSingleMemAlloc) X(OpenOptionsSetWarningHandlerExtR) \
  X(RGBAImageOK) X(ReadDirectory) X(ReadEncodedStrip) X(ReadEncodedTile) X(ReadRawStrip) X(ReadRawTile) X(ReadRGBAStripExt) X(ReadRGBATileExt) \
  X(ReadScanline) X(ScanlineSize) X(SetField) X(SetSubDirectory) X(TileSize) X(WriteBufferSetup) \
  X(WriteDirectory) X(WriteEncodedStrip) X(WriteEncodedTile) X(WriteRawStrip) X(WriteRawTile) X(WriteScanline)
// clang-format on

#define LIBTIFF_POINTER(name) __typeof__(&TIFF##name) name;
/// libtiff, by pointers: where the system can load it later (Linux), a run that meets no TIFF does without it and the
/// dozen libraries that it brings, which is a sixth of the time in which a small picture is filtered.
struct libtiff {
  LIBTIFF_FUNCTIONS(LIBTIFF_POINTER)
};
extern struct libtiff libtiff;
/// To be called before any other function of it, from any thread. Fails if it is not installed.
int32_t libtiff_load(codec_error *error);

/// The most that libtiff may allocate at once: nothing legitimate needs more, a forged directory asks for it.
#define LARGEST_ALLOCATION ((tmsize_t)1 << 30)
/// A strip that decodes to more is read and written row by row.
#define LARGEST_HELD_STRIP ((uint64_t)16 << 20)
/// Planes that can be decoded row by row at once, each by a decoder of its own.
#define MOST_PLANES 4

// MARK: A file for libtiff

/// libtiff's view of a file descriptor, or of memory. It has a position of its own, so that several can share the
/// descriptor, and keeps the first error message.
typedef struct tiff_file {
  TIFF *_Nullable tiff;
  int fd;  ///< Negative: the file is in memory.
  uint8_t *_Nullable memory;
  size_t used, capacity;
  uint64_t position;
  /// Where libtiff is given other bytes than the file has: a number of two bytes; 0: nowhere.
  uint64_t patch_place;
  uint8_t patch[2];
  int system_errno;  ///< Of the first failed read or write.
  bool hit_end;      ///< A read went beyond the end.
  bool muted;        ///< Writes are to be dropped.
  char message[192];
} tiff_file;

/// `file` must not move while it is open. False, with what went wrong in `file`, if it cannot be opened.
///
/// - Parameter fd: Negative: a new file in memory, which goes when it is closed.
bool tiff_file_open(tiff_file *file, int fd, const char *mode);
void tiff_file_close(tiff_file *file);
uint64_t tiff_file_size(const tiff_file *file);
/// The same as libtiff says it, under a heading of ours.
int32_t tiff_fail(const tiff_file *file, codec_error *error, const char *heading);

// MARK: Samples

/// How a row of samples in the file becomes one in memory, and back.
typedef struct tiff_samples {
  uint32_t width;
  uint32_t channels;       ///< In memory.
  uint32_t file_channels;  ///< 1 for a palette.
  int32_t kind;            ///< A `codec_kind`.
  uint32_t bits;           ///< Of a sample in the file.
  size_t size;             ///< Bytes of a sample in memory.
  /// Bytes of a sample of the file once it stands by itself: 1 for up to 8 bits, 2 for up to 16, …
  size_t file_size;
  bool inverted;                     ///< Min-is-white.
  bool premultiplied;                ///< By the alpha that comes last in memory.
  bool signed_ab;                    ///< Lab whose a* and b* are signed.
  uint32_t alpha_place;              ///< Where in the file's pixel the sample stands that is the last in memory.
  const uint8_t *_Nullable palette;  ///< 3 bytes a colour, 1 << bits of them.
} tiff_samples;

/// The samples of a picture, but for what only a reader knows (palette). Fails for bits that are not supported.
int32_t tiff_samples_set(tiff_samples *samples, const codec_header *header, codec_error *error);
/// Whether a row is the same in memory and in the file.
bool tiff_samples_same(const tiff_samples *samples);
/// Whether samples share bytes in the file.
bool tiff_samples_packed(const tiff_samples *samples);
/// Bytes of `count` samples as the file has them.
size_t tiff_packed_bytes(const tiff_samples *samples, size_t count);
void tiff_unpack(const tiff_samples *samples, const uint8_t *packed, uint8_t *row, size_t count);
void tiff_pack(const tiff_samples *samples, const uint8_t *row, uint8_t *packed, size_t count);
void tiff_row_to_memory(const tiff_samples *samples, const uint8_t *file_row, uint8_t *row);
void tiff_row_to_file(const tiff_samples *samples, const uint8_t *row, uint8_t *file_row);

/// One sample as it stands in a row of the file, once samples stand by themselves: the value rounded and clamped.
void tiff_sample_set(const tiff_samples *samples, double value, uint8_t *sample);

// MARK: Strips and tiles

/// Where a directory's numbers are in the file.
typedef struct tiff_place {
  uint16_t type;
  uint64_t count;
  uint64_t offset;
} tiff_place;

/// Of the current directory; false if it has no such tag.
bool tiff_find_place(const tiff_file *file, uint16_t tag, tiff_place *place);

/// The number that the file has in the current directory, whatever libtiff makes of it; 0 if it has none.
uint64_t tiff_number_in_file(const tiff_file *file, uint16_t tag);
/// Where the chain of directories goes on behind one, or begins (`directory` 0); 0: nowhere.
uint64_t tiff_next_directory(const tiff_file *file, uint64_t directory);
/// A palette of which libtiff does not like how many colours it has: from now on the directory there is one of gray to
/// it. False if that is not what is wrong.
bool tiff_hide_palette(tiff_file *file, uint64_t directory);
/// The current directory's palette, `colors` of 3 × 16 bits, red first, those that it has; returns how many.
size_t tiff_palette_in_file(const tiff_file *file, uint16_t *colors, size_t most);

/// Where strips or tiles begin and how long they are, read when they are asked for: libtiff's own lists of a sparse
/// file of millions of tiles take more memory than the tiles.
typedef struct tiff_striles {
  tiff_place offsets, counts;  ///< Of count 0 if there are none.
} tiff_striles;

void tiff_striles_find(tiff_striles *striles, const tiff_file *file);
/// Whether one was never written: it is said to be nowhere, with no bytes.
bool tiff_strile_is_hole(const tiff_striles *striles, const tiff_file *file, uint32_t index);
/// Whether one of them is such.
bool tiff_striles_have_hole(const tiff_striles *striles, const tiff_file *file);
/// Where the first is that is none; false if there is none, or far behind.
bool tiff_striles_first(const tiff_striles *striles, const tiff_file *file, uint64_t *offset);

// MARK: Items

typedef struct tiff_items {
  codec_item *_Nullable list;
  size_t count, capacity;
  uint64_t bytes;
} tiff_items;

/// Collects the tags of the current directory that do not concern its samples, and those of its Exif and GPS
/// directories. What is damaged is left out.
void tiff_items_read(const tiff_file *file, tiff_items *items);
void tiff_items_free(tiff_items *items);
/// A scanner's file: one page, and others for all of its planes, of that size; what else there is goes with it.
typedef struct tiff_slide {
  bool is_one;
  uint64_t width, height, samples;
} tiff_slide;

/// Whether the file is such: Aperio's or Hamamatsu's, which do not say of their levels that they are reduced.
void tiff_find_slide(const tiff_file *file, tiff_slide *slide);
/// Whether what says so of itself is a page, and no reduced version or mask.
bool tiff_is_page(const tiff_slide *slide, uint32_t subfile, uint64_t width, uint64_t height, uint64_t samples);
/// How many pages the file has, and of them and of their children those that are none. Stops at a directory that is
/// damaged; false if they form a loop.
bool tiff_count_pages(const tiff_file *file, const tiff_slide *slide, uint32_t *pages, uint32_t *others);
/// Sets the items as tags of the directory that is being written. False if libtiff or the file refuses.
bool tiff_items_write(tiff_file *file, const codec_header *header);

#if defined(__clang__)
#pragma clang assume_nonnull end
#endif
#endif
