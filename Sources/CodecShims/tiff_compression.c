// TIFF's compressions: what they are called, and with which a page is written.
#include "tiff_writer.h"

/// The last is what stands behind "it" in "LERC is written as deflate: it …".
static const codec_tiff_compression compressions[] = {
    {COMPRESSION_NONE, "none", "no compression", ""},
    {COMPRESSION_CCITTRLE, "ccitt rle", "CCITT RLE", "holds bilevel pictures only"},
    {COMPRESSION_CCITTFAX3, "ccitt g3", "CCITT G3", "holds bilevel pictures only"},
    {COMPRESSION_CCITTFAX4, "ccitt g4", "CCITT G4", "holds bilevel pictures only"},
    {COMPRESSION_LZW, "lzw", "LZW", "is not in this libtiff"},
    {COMPRESSION_OJPEG, "old-style jpeg", "old-style JPEG", "can only be read"},
    {COMPRESSION_JPEG, "jpeg", "JPEG", "holds 8-bit gray, RGB and CMYK without alpha, not in planes"},
    {COMPRESSION_ADOBE_DEFLATE, "deflate", "deflate", "is not in this libtiff"},
    {9, "jbig", "JBIG (T.85)", "can only be read"},
    {10, "jbig", "JBIG (T.43)", "can only be read"},
    {22610, "jpeg xr", "JPEG XR", "can only be read"},
    {COMPRESSION_NEXT, "next", "NeXT's compression", "can only be read"},
    {COMPRESSION_CCITTRLEW, "ccitt rlew", "CCITT RLE", "holds bilevel pictures only"},
    {COMPRESSION_PACKBITS, "packbits", "PackBits", "is not in this libtiff"},
    {COMPRESSION_THUNDERSCAN, "thunderscan", "ThunderScan", "can only be read"},
    {COMPRESSION_IT8CTPAD, "it8 ct", "IT8", "can only be read"},
    {COMPRESSION_IT8LW, "it8 lw", "IT8", "can only be read"},
    {COMPRESSION_IT8MP, "it8 mp", "IT8", "can only be read"},
    {COMPRESSION_IT8BL, "it8 bl", "IT8", "can only be read"},
    {COMPRESSION_PIXARFILM, "pixarfilm", "PixarFilm", "can only be read"},
    {COMPRESSION_PIXARLOG, "pixarlog", "PixarLog", "holds 8-bit and 16-bit integers and 32-bit floats"},
    {COMPRESSION_DEFLATE, "deflate", "deflate", "is not in this libtiff"},
    {COMPRESSION_DCS, "dcs", "Kodak DCS", "can only be read"},
    {33003, "jpeg 2000", "JPEG 2000", "can only be read"},
    {33005, "jpeg 2000", "JPEG 2000", "can only be read"},
    {COMPRESSION_JBIG, "jbig", "JBIG", "holds bilevel pictures only"},
    {COMPRESSION_SGILOG, "sgilog", "SGILog", "holds LogLuv only"},
    {COMPRESSION_SGILOG24, "sgilog 24", "SGILog", "holds LogLuv only"},
    {COMPRESSION_JP2000, "jpeg 2000", "JPEG 2000", "can only be read"},
    {COMPRESSION_LERC, "lerc", "LERC", "holds little-endian integers of 8, 16 and 32 bits and floats of 32 and 64"},
    {34892, "lossy jpeg", "DNG's lossy JPEG", "can only be read"},
    {COMPRESSION_LZMA, "lzma", "LZMA", "is not in this libtiff"},
    {34934, "jpeg xr", "JPEG XR", "can only be read"},
    {COMPRESSION_ZSTD, "zstd", "zstd", "is not in this libtiff"},
    {COMPRESSION_WEBP, "webp", "WebP", "holds 8-bit RGB up to 16383 x 16383 pixels, not in planes"},
    {50002, "jpeg xl", "JPEG XL", "can only be read"},
    {52546, "jpeg xl", "JPEG XL", "can only be read"},
};

const codec_tiff_compression *codec_tiff_find_compression(int32_t number) {
  for (size_t i = 0; i < sizeof compressions / sizeof compressions[0]; i++) {
    if (compressions[i].number == number) return &compressions[i];
  }
  return NULL;
}

// MARK: Writing

static bool in_planes(const codec_header *header) { return header->tiff_planar && header->channels > 1; }

/// Whether libtiff's JPEG takes such samples.
static bool takes_jpeg(const codec_header *header) {
  return header->sample_type == codec_uint8 && header->stored_bits == 0 && header->alpha == codec_alpha_none &&
         header->extra_bands == 0 && header->color != codec_lab && !in_planes(header);
}

static bool takes_webp(const codec_header *header) {
  const uint32_t most = 16383;  // A side has 14 bits.
  bool tiled = header->tiff_tile_width > 0 && header->tiff_tile_height > 0;
  // A tile is no larger than the picture.
  uint32_t width = tiled && header->tiff_tile_width < header->width ? header->tiff_tile_width : header->width;
  uint32_t rows = tiled ? header->tiff_tile_height : header->tiff_rows_per_strip;
  if (rows > header->height) rows = header->height;
  return header->sample_type == codec_uint8 && header->stored_bits == 0 && header->color == codec_rgb &&
         header->extra_bands == 0 && !in_planes(header) && width <= most && rows <= most;
}

static bool takes_lerc(const codec_header *header) {
  // libtiff swaps bytes before LERC sees them, which makes other numbers of them.
  if (header->tiff_big_endian && header->sample_type != codec_uint8) return false;
  if (header->stored_bits == 0) return true;
  return header->stored_bits % 8 == 0 && header->stored_bits <= 32 &&
         !(header->stored_kind == codec_floating && header->stored_bits == 16);
}

static bool takes_pixarlog(const codec_header *header) {
  return header->stored_bits == 0 && header->sample_type != codec_float64;
}

uint16_t tiff_compression_for(const codec_header *header) {
  uint16_t wanted = (uint16_t)header->tiff_compression;
  bool fits = false;
  switch (wanted) {
    case 0:
    case COMPRESSION_NONE: return COMPRESSION_NONE;
    case COMPRESSION_LZW:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_ZSTD:
    case COMPRESSION_LZMA: fits = true; break;
    case COMPRESSION_JPEG: fits = takes_jpeg(header); break;
    case COMPRESSION_WEBP: fits = takes_webp(header); break;
    case COMPRESSION_LERC: fits = takes_lerc(header); break;
    case COMPRESSION_PIXARLOG: fits = takes_pixarlog(header); break;
    default: break;
  }
  return fits && libtiff.IsCODECConfigured(wanted) ? wanted : COMPRESSION_ADOBE_DEFLATE;
}

int32_t codec_tiff_written_compression(const codec_header *header) {
  codec_error error;
  return libtiff_load(&error) == codec_ok ? tiff_compression_for(header) : header->tiff_compression;
}
