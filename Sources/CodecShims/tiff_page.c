// The directory of a page that is written: what the header says, as tags.
#include "tiff_writer.h"

#include <stdlib.h>

/// Of JPEG and WebP, where nothing is said of it.
#define USUAL_QUALITY 90

static bool takes_predictor(uint16_t compression) {
  return compression == COMPRESSION_LZW || compression == COMPRESSION_DEFLATE ||
         compression == COMPRESSION_ADOBE_DEFLATE || compression == COMPRESSION_ZSTD || compression == COMPRESSION_LZMA;
}

static bool as_ycbcr(const codec_header *header, uint16_t compression) {
  return compression == COMPRESSION_JPEG && header->color == codec_rgb && !header->jpeg_untransformed;
}

static bool set_compression(codec_tiff_writer *writer, const codec_header *header, const codec_options *options) {
  TIFF *tiff = writer->file.tiff;
  uint16_t compression = tiff_compression_for(header);
  if (!libtiff.SetField(tiff, TIFFTAG_COMPRESSION, compression)) return false;
  bool deflate = compression == COMPRESSION_DEFLATE || compression == COMPRESSION_ADOBE_DEFLATE;
  if (deflate && options->compression >= 0 && !libtiff.SetField(tiff, TIFFTAG_ZIPQUALITY, options->compression)) {
    return false;
  }
  if (compression == COMPRESSION_ZSTD && options->zstd_level > 0 &&
      !libtiff.SetField(tiff, TIFFTAG_ZSTD_LEVEL, options->zstd_level)) {
    return false;
  }
  if (compression == COMPRESSION_WEBP) {
    int quality = options->jpeg_quality > 0 ? options->jpeg_quality : USUAL_QUALITY;
    return libtiff.SetField(tiff, TIFFTAG_WEBP_LOSSLESS, header->tiff_webp_lossless != 0) &&
           (header->tiff_webp_lossless || libtiff.SetField(tiff, TIFFTAG_WEBP_LEVEL, quality));
  }
  if (compression == COMPRESSION_LERC) {
    // An addition that this libtiff does not have is done without.
    libtiff.SetField(tiff, TIFFTAG_LERC_ADD_COMPRESSION, header->tiff_lerc_addition);
    writer->file.message[0] = 0;
    double error = header->tiff_lerc_error > 0 ? header->tiff_lerc_error : 0;
    return libtiff.SetField(tiff, TIFFTAG_LERC_MAXZERROR, error) != 0;
  }
  if (compression == COMPRESSION_JPEG) {
    int h = header->jpeg_h_sampling, v = header->jpeg_v_sampling;
    bool known = (h == 1 || h == 2 || h == 4) && (v == 1 || v == 2 || v == 4) && v <= h;
    if (as_ycbcr(header, compression) && known && !libtiff.SetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, h, v)) return false;
    int quality = options->jpeg_quality > 0 ? options->jpeg_quality : header->jpeg_quality;
    return libtiff.SetField(tiff, TIFFTAG_JPEGQUALITY, quality > 0 ? quality : USUAL_QUALITY) &&
           (header->color != codec_rgb || header->jpeg_untransformed ||
            libtiff.SetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB));
  }
  if (tiff_samples_packed(&writer->samples)) return true;
  if (header->tiff_predictor < PREDICTOR_HORIZONTAL || !takes_predictor(compression)) return true;
  // Of the two, the one that is made for the samples.
  if (writer->samples.kind != codec_floating)
    return libtiff.SetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_HORIZONTAL) != 0;
  // libtiff (4.5) writes wrong floats if it has to swap their bytes before this predictor. Blocks are encoded in the
  // machine's order: what the predictor makes of them is the same in both.
  bool swaps = writer->swapped && writer->method == method_scanlines;
  return swaps || libtiff.SetField(tiff, TIFFTAG_PREDICTOR, PREDICTOR_FLOATINGPOINT) != 0;
}

static bool set_extras(TIFF *tiff, const codec_header *header) {
  if (header->x_resolution > 0 && header->y_resolution > 0) {
    int unit = header->resolution_unit == codec_unit_inch ? RESUNIT_INCH
               : header->resolution_unit == codec_unit_cm ? RESUNIT_CENTIMETER
                                                          : RESUNIT_NONE;
    if (!libtiff.SetField(tiff, TIFFTAG_XRESOLUTION, header->x_resolution) ||
        !libtiff.SetField(tiff, TIFFTAG_YRESOLUTION, header->y_resolution) ||
        !libtiff.SetField(tiff, TIFFTAG_RESOLUTIONUNIT, unit)) {
      return false;
    }
  }
  if (header->orientation > 0 && !libtiff.SetField(tiff, TIFFTAG_ORIENTATION, header->orientation)) return false;
  if (header->icc_profile == NULL || header->icc_profile_count == 0 || header->icc_profile_count > INT32_MAX) {
    return true;
  }
  return libtiff.SetField(tiff, TIFFTAG_ICCPROFILE, (uint32_t)header->icc_profile_count, header->icc_profile) != 0;
}

static int photometric_for(const codec_tiff_writer *writer, const codec_header *header, uint16_t compression) {
  switch (header->color) {
    case codec_rgb: return as_ycbcr(header, compression) ? PHOTOMETRIC_YCBCR : PHOTOMETRIC_RGB;
    case codec_cmyk: return PHOTOMETRIC_SEPARATED;
    case codec_lab: return PHOTOMETRIC_CIELAB;
    default: return writer->samples.inverted ? PHOTOMETRIC_MINISWHITE : PHOTOMETRIC_MINISBLACK;
  }
}

/// Says what the samples behind colour are: bands of no known meaning, and alpha at its place.
static bool set_extra_samples(TIFF *tiff, const codec_header *header) {
  uint32_t count = header->extra_bands + (header->alpha != codec_alpha_none ? 1 : 0);
  if (count == 0) return true;
  uint16_t *types = calloc(count, sizeof *types);
  if (types == NULL) return false;
  uint32_t place = (uint32_t)header->tiff_alpha_place;
  if (header->alpha != codec_alpha_none) {
    types[place < count ? place : count - 1] =
        header->alpha == codec_alpha_premultiplied ? EXTRASAMPLE_ASSOCALPHA : EXTRASAMPLE_UNASSALPHA;
  }
  bool ok = libtiff.SetField(tiff, TIFFTAG_EXTRASAMPLES, (int)count, types) != 0;
  free(types);
  return ok;
}

static bool set_picture(const codec_tiff_writer *writer, const codec_header *header) {
  TIFF *tiff = writer->file.tiff;
  static const int formats[] = {SAMPLEFORMAT_UINT, SAMPLEFORMAT_INT, SAMPLEFORMAT_IEEEFP};
  uint16_t compression = tiff_compression_for(header);
  if (header->tiff_reduced && !libtiff.SetField(tiff, TIFFTAG_SUBFILETYPE, FILETYPE_REDUCEDIMAGE)) return false;
  return libtiff.SetField(tiff, TIFFTAG_IMAGEWIDTH, writer->samples.width) &&
         libtiff.SetField(tiff, TIFFTAG_IMAGELENGTH, writer->height) &&
         libtiff.SetField(tiff, TIFFTAG_BITSPERSAMPLE, (int)writer->samples.bits) &&
         libtiff.SetField(tiff, TIFFTAG_SAMPLEFORMAT, formats[writer->samples.kind]) &&
         libtiff.SetField(tiff, TIFFTAG_SAMPLESPERPIXEL, (int)header->channels) &&
         libtiff.SetField(tiff, TIFFTAG_PHOTOMETRIC, photometric_for(writer, header, compression)) &&
         libtiff.SetField(tiff, TIFFTAG_PLANARCONFIG,
                          writer->planes > 1 ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG) &&
         libtiff.SetField(tiff, TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT) && set_extra_samples(tiff, header);
}

/// The tile's side, a multiple of 16, and no larger than it takes to cover the picture's.
static uint32_t tile_side(const codec_header *header, uint32_t wanted, uint32_t picture) {
  uint32_t side = wanted < picture || header->tiff_whole_tiles ? wanted : picture;
  return side > UINT32_MAX - 15 ? side / 16 * 16 : (side + 15) / 16 * 16;
}

/// Sets the file's strips or tiles, and how to fill them.
static bool set_layout(codec_tiff_writer *writer, const codec_header *header) {
  TIFF *tiff = writer->file.tiff;
  if (header->tiff_tile_width > 0 && header->tiff_tile_height > 0) {
    uint32_t columns = tile_side(header, header->tiff_tile_width, header->width);
    writer->method = method_tiles;
    writer->tile_width = columns;
    writer->band_rows = tile_side(header, header->tiff_tile_height, writer->height);
    // Sixteen packed samples are whole bytes, so that a row of bytes is cut as one of samples is.
    if (tiff_samples_packed(&writer->samples)) {
      writer->tile_width = (uint32_t)tiff_packed_bytes(&writer->samples, (size_t)columns * header->channels);
    }
    return libtiff.SetField(tiff, TIFFTAG_TILEWIDTH, columns) &&
           libtiff.SetField(tiff, TIFFTAG_TILELENGTH, writer->band_rows);
  }
  writer->method = method_strips;
  uint64_t rows = header->tiff_rows_per_strip;
  if (rows == 0) rows = USUAL_STRIP / writer->row_bytes;
  if (tiff_compression_for(header) == COMPRESSION_JPEG) rows = (rows + 15) / 16 * 16;  // Whole blocks of 4:2:0.
  if (rows > writer->height) rows = writer->height;
  if (rows * writer->row_bytes > LARGEST_HELD_STRIP) {
    // Row by row needs no strip in memory, but cannot change between planes: their strips are made smaller.
    if (writer->planes == 1)
      writer->method = method_scanlines;
    else
      rows = LARGEST_HELD_STRIP / writer->row_bytes;
  }
  writer->band_rows = rows < 1 ? 1 : (uint32_t)rows;
  return libtiff.SetField(tiff, TIFFTAG_ROWSPERSTRIP, writer->band_rows) != 0;
}

bool tiff_page_set(codec_tiff_writer *writer, const codec_header *header, const codec_options *options) {
  return set_picture(writer, header) && set_layout(writer, header) && set_compression(writer, header, options) &&
         set_extras(writer->file.tiff, header) && tiff_items_write(&writer->file, header);
}
